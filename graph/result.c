/*
 * result: rows as replies.
 *
 * Nodes and edges are read while the row is delivered, from the graph as the query has it at that moment.
 */
#include "graph/result.h"

#include "engine/base/check.h"
#include "graph/property.h"
#include "graph/value_text.h"

/* One row on its way: where it goes and what it reads. The first failure stays. */
struct writer {
    struct buf *to;
    struct buf *text;
    struct graph *graph;
    bool compact;
    enum status status;
};

static void put_value(struct writer *writer, struct value value);

static void put_array(struct writer *writer, uint64_t count) {
    if (writer->status == STATUS_OK) writer->status = reply_array(writer->to, count);
}
static void put_integer(struct writer *writer, uint64_t integer) {
    if (writer->status == STATUS_OK) writer->status = reply_integer(writer->to, (int64_t)integer);
}
static void put_text(struct writer *writer, struct slice text) {
    if (writer->status == STATUS_OK) writer->status = reply_bulk(writer->to, text);
}

static void put_word(struct writer *writer, enum graph_vocabulary vocabulary, uint32_t id) {
    struct slice text = slice_make(NULL, 0);
    if (writer->compact) {
        put_integer(writer, id);
        return;
    }
    if (writer->status == STATUS_OK) writer->status = graph_get_word(writer->graph, vocabulary, id, &text);
    put_text(writer, text);
}

/* --- parts of nodes and edges --- */

/* Verbose: ["name", part]. */
static void begin_part(struct writer *writer, const char *name) {
    if (writer->compact) return;
    put_array(writer, 2);
    put_text(writer, slice_from_text(name));
}

static uint64_t count_properties(struct slice properties) {
    struct graph_property property;
    uint64_t count = 0;
    while (graph_property_next(&properties, &property)) count++;
    return count;
}

static enum status put_property(struct writer *writer, const struct graph_property *property) {
    struct value_arena arena;
    struct value value;
    value_arena_init(&arena, NULL);
    enum status status = graph_property_decode(property->value, &arena, &value);
    if (status == STATUS_OK) put_value(writer, value);
    value_arena_deinit(&arena);
    return status;
}

/* Verbose: [key, value]; compact: [key's id, type, value]. */
static void put_properties(struct writer *writer, struct slice properties) {
    struct graph_property property;
    begin_part(writer, "properties");
    put_array(writer, count_properties(properties));
    while (writer->status == STATUS_OK && graph_property_next(&properties, &property)) {
        put_array(writer, writer->compact ? 3 : 2);
        put_word(writer, GRAPH_KEY, property.key);
        enum status status = put_property(writer, &property);
        if (writer->status == STATUS_OK) writer->status = status;
    }
}

static void put_node(struct writer *writer, uint64_t id) {
    struct graph_node node;
    if (writer->status == STATUS_OK) writer->status = graph_get_node(writer->graph, id, &node);
    if (writer->status != STATUS_OK) return;
    put_array(writer, 3);
    begin_part(writer, "id");
    put_integer(writer, id);
    begin_part(writer, "labels");
    put_array(writer, node.label_count);
    for (uint32_t i = 0; i < node.label_count; i++) put_word(writer, GRAPH_LABEL, node.labels[i]);
    put_properties(writer, node.properties);
    graph_node_release(&node);
}

static void put_edge(struct writer *writer, uint64_t id) {
    struct graph_edge edge;
    if (writer->status == STATUS_OK) writer->status = graph_get_edge(writer->graph, id, &edge);
    if (writer->status != STATUS_OK) return;
    put_array(writer, 5);
    begin_part(writer, "id");
    put_integer(writer, id);
    begin_part(writer, "type");
    put_word(writer, GRAPH_TYPE, edge.type);
    begin_part(writer, "src_node");
    put_integer(writer, edge.source);
    begin_part(writer, "dest_node");
    put_integer(writer, edge.destination);
    put_properties(writer, edge.properties);
    graph_edge_release(&edge);
}

/* --- values --- */

static enum result_type type_of(struct value value) {
    static const enum result_type types[VALUE_TYPE_COUNT] = {
        [VALUE_NULL] = RESULT_NULL,    [VALUE_BOOLEAN] = RESULT_BOOLEAN, [VALUE_INTEGER] = RESULT_INTEGER,
        [VALUE_FLOAT] = RESULT_DOUBLE, [VALUE_STRING] = RESULT_STRING,   [VALUE_LIST] = RESULT_ARRAY,
        [VALUE_MAP] = RESULT_MAP,      [VALUE_NODE] = RESULT_NODE,       [VALUE_EDGE] = RESULT_EDGE,
        [VALUE_PATH] = RESULT_PATH,
    };
    return types[value.type];
}

/* Compact values stand in an array of their type and themselves. */
static void put_typed(struct writer *writer, struct value value) {
    put_array(writer, 2);
    put_value(writer, value);
}

static void put_list(struct writer *writer, const struct value *items, size_t count, size_t stride) {
    put_array(writer, count);
    for (size_t i = 0; i < count && writer->status == STATUS_OK; i++) put_typed(writer, items[i * stride]);
}

/* Its nodes, then its edges, each a typed array. */
static void put_path(struct writer *writer, struct value path) {
    size_t edges = path.list.count / 2;
    put_array(writer, 2);
    put_array(writer, 2);
    put_integer(writer, RESULT_ARRAY);
    put_list(writer, path.list.items, edges + 1, 2);
    put_array(writer, 2);
    put_integer(writer, RESULT_ARRAY);
    put_list(writer, path.list.items + 1, edges, 2);
}

/* Key, typed value, key, ... */
static void put_map(struct writer *writer, struct value map) {
    put_array(writer, 2 * map.map.count);
    for (size_t i = 0; i < map.map.count && writer->status == STATUS_OK; i++) {
        put_text(writer, map.map.entries[i].key);
        put_typed(writer, map.map.entries[i].value);
    }
}

static void put_as_text(struct writer *writer, struct value value) {
    buf_clear(writer->text);
    if (writer->status == STATUS_OK) writer->status = value_print(writer->text, value);
    put_text(writer, buf_slice(writer->text));
}

/* Lists, maps and paths: text when verbose. */
static void put_nested(struct writer *writer, struct value value) {
    if (!writer->compact)
        put_as_text(writer, value);
    else if (value.type == VALUE_LIST)
        put_list(writer, value.list.items, value.list.count, 1);
    else if (value.type == VALUE_MAP)
        put_map(writer, value);
    else
        put_path(writer, value);
}

/* Compact: the type, then the value. */
static void put_value(struct writer *writer, struct value value) {
    if (writer->compact) put_integer(writer, type_of(value));
    if (writer->status != STATUS_OK) return;
    switch ((enum value_type)value.type) {
    case VALUE_NULL: writer->status = reply_null(writer->to); return;
    case VALUE_INTEGER: put_integer(writer, (uint64_t)value.integer); return;
    case VALUE_STRING: put_text(writer, value.text); return;
    case VALUE_BOOLEAN:
    case VALUE_FLOAT: put_as_text(writer, value); return;
    case VALUE_NODE: put_node(writer, value.node); return;
    case VALUE_EDGE: put_edge(writer, value.edge.id); return;
    default: put_nested(writer, value); return;
    }
}

/* --- rows --- */

/* Levels of a compact reply: reply, rows, row, typed value; a list or map takes two; innermost may stand a path:
 * itself, its typed list of nodes, a typed node, its properties, one of them, a list in it, a typed value. */
enum { AROUND_VALUE = 4, LEVELS_OF_LIST = 2, WITHIN_PATH = 9 };

static bool fits_reply(bool compact, struct value value) {
    return !compact || AROUND_VALUE + LEVELS_OF_LIST * value.depth + WITHIN_PATH <= REPLY_DEPTH_MAX;
}

static enum status result_row(void *context, struct graph *graph, const struct value *values, uint32_t count) {
    struct result *result = context;
    size_t before = result->rows.size;
    struct writer writer = {
        .to = &result->rows, .text = &result->text, .graph = graph, .compact = result->compact, .status = STATUS_OK};
    put_array(&writer, count);
    for (uint32_t i = 0; i < count && writer.status == STATUS_OK; i++) {
        result->is_too_deep = !fits_reply(result->compact, values[i]);
        if (result->is_too_deep)
            writer.status = STATUS_TOO_LARGE;
        else if (result->compact)
            put_typed(&writer, values[i]);
        else
            put_value(&writer, values[i]);
    }
    if (writer.status == STATUS_OK && result->limit_bytes && result->rows.size > result->limit_bytes)
        writer.status = STATUS_TOO_LARGE;
    if (writer.status != STATUS_OK)
        result->rows.size = before;
    else
        result->row_count++;
    return writer.status;
}

void result_init(struct result *result, bool compact, size_t limit_bytes) {
    *result = (struct result){.compact = compact, .limit_bytes = limit_bytes};
}

void result_deinit(struct result *result) {
    buf_deinit(&result->rows);
    buf_deinit(&result->text);
}

void result_reset(struct result *result) {
    buf_clear(&result->rows);
    result->row_count = 0;
    result->is_too_deep = false;
}

struct query_sink result_sink(struct result *result) {
    return (struct query_sink){.row = result_row, .context = result};
}

/* --- the whole --- */

static void put_header(struct writer *writer, const struct query *query) {
    uint32_t count = query_column_count(query);
    put_array(writer, count);
    for (uint32_t i = 0; i < count; i++) {
        if (writer->compact) {
            put_array(writer, 2);
            put_integer(writer, RESULT_COLUMN_SCALAR);
        }
        put_text(writer, query_column_name(query, i));
    }
}

struct statistic {
    const char *name;
    uint64_t count;
};

enum status result_statistics(const struct graph_edit_counts *counts, bool cached, double milliseconds,
                              struct buf *reply) {
    static const struct graph_edit_counts nothing;
    const struct graph_edit_counts *c = counts ? counts : &nothing;
    /* A label that the graph did not know counts once even if it came on a node that was there. */
    uint64_t labels = c->labels_added > c->labels_created ? c->labels_added : c->labels_created;
    const struct statistic statistics[] = {
        {"Labels added", labels},
        {"Labels removed", c->labels_removed},
        {"Nodes created", c->nodes_created},
        {"Properties set", c->properties_set},
        {"Properties removed", c->properties_removed},
        {"Relationships created", c->edges_created},
        {"Nodes deleted", c->nodes_deleted},
        {"Relationships deleted", c->edges_deleted},
    };
    enum { STATISTICS = sizeof statistics / sizeof *statistics, ALWAYS = 2 };
    uint64_t lines = ALWAYS;
    for (size_t i = 0; i < STATISTICS; i++) lines += statistics[i].count > 0;
    struct buf line = BUF_EMPTY;
    enum status status = reply_array(reply, lines);
    for (size_t i = 0; i < STATISTICS + ALWAYS && status == STATUS_OK; i++) {
        if (i < STATISTICS && statistics[i].count == 0) continue;
        buf_clear(&line);
        if (i < STATISTICS)
            status = buf_append_format(&line, "%s: %llu", statistics[i].name, (unsigned long long)statistics[i].count);
        else if (i == STATISTICS)
            status = buf_append_format(&line, "Cached execution: %d", cached);
        else
            status = buf_append_format(&line, "Query internal execution time: %.6f milliseconds", milliseconds);
        if (status == STATUS_OK) status = reply_bulk(reply, buf_slice(&line));
    }
    buf_deinit(&line);
    return status;
}

enum status result_finish(const struct result *result, const struct query *query, bool cached, double milliseconds,
                          struct buf *reply) {
    struct writer writer = {.to = reply, .compact = result->compact, .status = STATUS_OK};
    struct graph_edit_counts counts;
    query_get_counts(query, &counts);
    bool has_rows = query_column_count(query) > 0;
    put_array(&writer, has_rows ? 3 : 1);
    if (has_rows) {
        put_header(&writer, query);
        put_array(&writer, result->row_count);
        if (writer.status == STATUS_OK) writer.status = buf_append_slice(reply, buf_slice(&result->rows));
    }
    return writer.status == STATUS_OK ? result_statistics(&counts, cached, milliseconds, reply) : writer.status;
}

enum status result_error(const struct query *query, enum status status, struct buf *reply) {
    const char *text = query_error_text(query);
    if (*text) return reply_error(reply, "ERR %s", text);
    switch (status) {
    case STATUS_CANCELLED:
    case STATUS_TIMED_OUT: return reply_error(reply, "ERR Query timed out");
    case STATUS_TOO_LARGE:
        return reply_error(reply, "ERR The result is larger than a reply may be; ask for less with LIMIT");
    case STATUS_NOT_FOUND: return reply_error(reply, "ERR A node or relationship of the result has been deleted");
    default: return reply_error(reply, "ERR The query could not be run: %s", status_text(status));
    }
}
