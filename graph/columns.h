/*
 * columns: rows of text under heads, as the bulk loaders of property graphs have them, become an import operation.
 *
 * A head says what the fields below it are:
 *
 *     name, name:string, name:int, name:float, name:boolean     a property; "type[]" is a list, its items stand
 *                                                               between ';'; an empty field: the row has no such one
 *     :ID  name:ID  :ID(space)  name:ID(space){id-type:int}     a node's external id; with a name it is a property, too
 *     :LABEL                                                    a node's labels, between ';'
 *     :START_ID  :END_ID  :START_ID(space)  :END_ID(space)      external ids of an edge's ends
 *     :TYPE                                                     an edge's type
 *     :IGNORE                                                   nothing
 *     :LABEL=A;B  :TYPE=KNOWS                                   the same for every row: no field stands for it
 *
 * Heads with :START_ID and :END_ID are of edges, those with :ID of nodes. External ids are bytes: 7 and 07 are two;
 * those of one space are apart from those of another. Roles and types are known in any case; int is also integer, long,
 * short, byte; float is also double; string is also char; boolean is also bool.
 *
 * Not thread-safe.
 */
#ifndef GRAPH_COLUMNS_H
#define GRAPH_COLUMNS_H

#include "engine/base/error.h"
#include "graph/import.h"
#include "graph/property.h"

enum { GRAPH_COLUMNS_MAX = 256 };

enum graph_column_role {
    GRAPH_COLUMN_PROPERTY,
    GRAPH_COLUMN_ID,
    GRAPH_COLUMN_LABELS,
    GRAPH_COLUMN_START,
    GRAPH_COLUMN_END,
    GRAPH_COLUMN_TYPE,
    GRAPH_COLUMN_IGNORED,
};

struct graph_column {
    enum graph_column_role role;
    enum graph_property_tag tag; /* of a property: STRING, INTEGER, FLOAT, TRUE for booleans */
    bool is_list;
    bool is_constant;
    struct slice head; /* borrowed from the caller, as the parts of it */
    struct slice name, space, constant;
};

struct graph_columns {
    struct graph_column items[GRAPH_COLUMNS_MAX];
    size_t count;
    size_t field_count; /* of a row: columns that are not constant */
    bool is_edges;
};

/* Heads are borrowed as long as *columns is used. INVALID with words: a head that means nothing, a column twice, none
 * of :ID or :START_ID and :END_ID; an edge without :TYPE is a fault of the rows unless every row has one. */
MUST_CHECK enum status graph_columns_parse(struct graph_columns *columns, const struct slice *heads, size_t count,
                                           struct error *error);

struct graph_words;

/* Writes rows into one import operation; plain data but for what deinit frees; kept from operation to operation. */
struct graph_rows {
    struct graph_import import;
    struct graph_words *words; /* of this operation */
    struct buf values;         /* of the row */
    struct buf externals[2];
};

/* Appends the head of an operation to `to`, which is borrowed until the rows are done. `rows`: zeroed, or used. */
MUST_CHECK enum status graph_rows_begin(struct graph_rows *rows, struct buf *to, struct slice graph_name,
                                        uint32_t flags);
void graph_rows_deinit(struct graph_rows *rows);

/*
 * One row: `fields` are columns->field_count texts. SYNTAX: *error says what is wrong with which column; the operation
 * is as it was, but for words that it has declared in vain. TOO_LARGE: this operation is full; begin the next one with
 * the row (an operation without rows always has room for one that is within the limits). NO_MEMORY.
 */
MUST_CHECK enum status graph_rows_add(struct graph_rows *rows, const struct graph_columns *columns,
                                      const struct slice *fields, struct error *error);

#endif
