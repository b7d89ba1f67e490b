/*
 * graph_input: files of nodes and edges -> rows of fields under heads (graph/columns.h), one line after the other:
 *
 *   *.csv   a header line of heads, then fields; nodes if it has an :ID, edges if it has :START_ID and :END_ID
 *   *.v     a vertex list: an id on each line
 *   other   an edge list: `source target [weight]`, between blanks, tabs or commas
 *
 * In lists, lines with '#' or '%' are comments; whether ids are integers, and whether edges have weights, the first
 * line that is none decides. Files of nodes come before those of edges, whatever order they were named in.
 */
#ifndef TOOLS_LOAM_IMPORT_GRAPH_INPUT_H
#define TOOLS_LOAM_IMPORT_GRAPH_INPUT_H

#include "graph/columns.h"
#include "tools/loam/import/csv.h"
#include "tools/loam/import/import_source.h"
#include "tools/loam/import/line_reader.h"

enum { GRAPH_LIST_FIELDS = 4 /* of a list's line; one more than is allowed */ };

enum graph_file_kind { GRAPH_FILE_NODES, GRAPH_FILE_VERTICES, GRAPH_FILE_EDGES, GRAPH_FILE_EDGE_LIST };

struct graph_file {
    const char *path; /* the command line's */
    enum graph_file_kind kind;
    uint64_t size_bytes;
};

struct graph_input {
    struct io *io;
    const struct import_options *options;
    struct import_tally *tally;

    struct graph_file *files; /* in the order of reading */
    size_t file_count, file;
    bool is_open;
    struct line_reader reader;
    uint64_t read_bytes; /* of the files before */
    uint64_t size_bytes; /* of all */
    uint64_t taken;      /* rows, against the limit */

    struct buf heads;                /* their text */
    struct graph_columns columns;    /* of the open file; heads lie in `heads` */
    struct graph_columns ends;       /* of the nodes that an edge list names; heads: static, and the options' */
    struct buf label_head;           /* ":LABEL=..." */
    bool knows_ids, has_integer_ids; /* of lists */
    bool has_header, has_weights;
    struct csv_line csv;
    struct slice fields[GRAPH_COLUMNS_MAX + 1];
};

/* One row: fields are borrowed until the next one. */
struct graph_line {
    const struct slice *fields; /* columns.field_count of them */
    uint64_t number;            /* in its file, from 1 */
    size_t file;
};

MUST_CHECK enum status graph_input_open(struct graph_input *input, struct io *io, const struct import_options *options,
                                        struct import_tally *tally, struct error *error);
void graph_input_close(struct graph_input *input); /* of a zeroed or opened one */

/* OK, or END behind the last row of each file; a line that can't be split into the fields goes to tally->bad. */
MUST_CHECK enum status graph_input_next(struct graph_input *input, struct graph_line *line, struct error *error);

/* The first GRAPH_LIST_FIELDS words of a list's line, borrowed from it; how many. */
size_t graph_input_split_list(struct slice line, struct slice *fields);

/* No file is left, or the limit is reached. */
bool graph_input_is_done(const struct graph_input *input);

static inline const char *graph_input_path(const struct graph_input *input, size_t file) {
    return input->files[file].path;
}
static inline bool graph_input_is_edge_list(const struct graph_input *input, size_t file) {
    return input->files[file].kind == GRAPH_FILE_EDGE_LIST;
}

#endif
