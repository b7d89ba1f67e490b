#include "tests/harness/tck_runner.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "graph/property.h"
#include "graph/query.h"

/* Rows of one run on their way into a table. */
struct collector {
    struct tck_result *result;
    struct buf cells; /* struct slice */
    struct buf text;  /* of the cell at hand */
    size_t rows;
};

static void put(struct buf *to, const char *text) {
    assert_int_equal(buf_append(to, text, strlen(text)), STATUS_OK);
}

static void put_slice(struct buf *to, struct slice text) {
    assert_int_equal(buf_append_slice(to, text), STATUS_OK);
}

static enum status print(struct graph *graph, struct value value, struct buf *to);

/* --- nodes and edges --- */

static enum status print_property(struct graph *graph, const struct graph_property *property, struct buf *to) {
    struct value_arena arena;
    struct value value;
    struct slice key;
    value_arena_init(&arena, NULL);
    enum status status = graph_get_word(graph, GRAPH_KEY, property->key, &key);
    if (status == STATUS_OK) status = graph_property_decode(property->value, &arena, &value);
    if (status == STATUS_OK) {
        put(to, "`");
        put_slice(to, key);
        put(to, "`: ");
        status = print(graph, value, to);
    }
    value_arena_deinit(&arena);
    return status;
}

static enum status print_properties(struct graph *graph, struct slice properties, struct buf *to) {
    struct graph_property property;
    enum status status = STATUS_OK;
    bool first = true;
    put(to, " {");
    while (status == STATUS_OK && graph_property_next(&properties, &property)) {
        if (!first) put(to, ", ");
        first = false;
        status = print_property(graph, &property, to);
    }
    put(to, "}");
    return status;
}

static enum status print_word(struct graph *graph, enum graph_vocabulary vocabulary, uint32_t id, struct buf *to) {
    struct slice text;
    enum status status = graph_get_word(graph, vocabulary, id, &text);
    if (status != STATUS_OK) return status;
    put(to, ":`");
    put_slice(to, text);
    put(to, "`");
    return STATUS_OK;
}

/* What has been deleted shows without labels and properties. */
static enum status print_node(struct graph *graph, uint64_t id, struct buf *to) {
    struct graph_node node;
    enum status status = graph_get_node(graph, id, &node);
    put(to, "(");
    if (status == STATUS_OK) {
        for (uint32_t i = 0; i < node.label_count && status == STATUS_OK; i++)
            status = print_word(graph, GRAPH_LABEL, node.labels[i], to);
        if (status == STATUS_OK) status = print_properties(graph, node.properties, to);
        graph_node_release(&node);
    }
    put(to, ")");
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status print_edge(struct graph *graph, const struct value *value, struct buf *to) {
    struct graph_edge edge;
    put(to, "[");
    enum status status = print_word(graph, GRAPH_TYPE, value->edge_type, to);
    if (status == STATUS_OK) status = graph_get_edge(graph, value->edge.id, &edge);
    if (status == STATUS_OK) {
        status = print_properties(graph, edge.properties, to);
        graph_edge_release(&edge);
    }
    put(to, "]");
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status print_path(struct graph *graph, const struct value *path, struct buf *to) {
    put(to, "<");
    enum status status = print_node(graph, path->list.items[0].node, to);
    for (size_t i = 1; i + 1 < path->list.count && status == STATUS_OK; i += 2) {
        const struct value *edge = &path->list.items[i];
        const bool forward = edge->edge.source == path->list.items[i - 1].node;
        put(to, forward ? "-" : "<-");
        status = print_edge(graph, edge, to);
        put(to, forward ? "->" : "-");
        if (status == STATUS_OK) status = print_node(graph, path->list.items[i + 1].node, to);
    }
    put(to, ">");
    return status;
}

/* --- values --- */

/* Escapes are those that the TCK's cells have. */
static void print_string(struct slice text, struct buf *to) {
    static const char special[] = "'\\\n\r\t", letters[] = "'\\nrt";
    put(to, "'");
    for (size_t i = 0; i < text.size; i++) {
        const char *at = text.data[i] ? strchr(special, text.data[i]) : NULL;
        if (at) put(to, "\\");
        const uint8_t byte = at ? (uint8_t)letters[at - special] : text.data[i];
        assert_int_equal(buf_append_byte(to, byte), STATUS_OK);
    }
    put(to, "'");
}

static void print_float(double number, struct buf *to) {
    char text[40];
    if (isnan(number))
        snprintf(text, sizeof text, "NaN");
    else
        snprintf(text, sizeof text, "%.17g", number);
    put(to, text);
    if (!strpbrk(text, ".einN")) put(to, ".0");
}

static enum status print_list(struct graph *graph, const struct value *list, struct buf *to) {
    enum status status = STATUS_OK;
    put(to, "[");
    for (size_t i = 0; i < list->list.count && status == STATUS_OK; i++) {
        if (i > 0) put(to, ", ");
        status = print(graph, list->list.items[i], to);
    }
    put(to, "]");
    return status;
}

static enum status print_map(struct graph *graph, const struct value *map, struct buf *to) {
    enum status status = STATUS_OK;
    put(to, "{");
    for (size_t i = 0; i < map->map.count && status == STATUS_OK; i++) {
        put(to, i > 0 ? ", `" : "`");
        put_slice(to, map->map.entries[i].key);
        put(to, "`: ");
        status = print(graph, map->map.entries[i].value, to);
    }
    put(to, "}");
    return status;
}

static enum status print(struct graph *graph, struct value value, struct buf *to) {
    switch ((enum value_type)value.type) {
    case VALUE_BOOLEAN: put(to, value.boolean ? "true" : "false"); return STATUS_OK;
    case VALUE_INTEGER: return buf_append_format(to, "%" PRId64, value.integer);
    case VALUE_FLOAT: print_float(value.number, to); return STATUS_OK;
    case VALUE_STRING: print_string(value.text, to); return STATUS_OK;
    case VALUE_LIST: return print_list(graph, &value, to);
    case VALUE_MAP: return print_map(graph, &value, to);
    case VALUE_NODE: return print_node(graph, value.node, to);
    case VALUE_EDGE: return print_edge(graph, &value, to);
    case VALUE_PATH: return print_path(graph, &value, to);
    default: put(to, "null"); return STATUS_OK;
    }
}

/* --- rows --- */

static void add_cell(struct collector *collector, struct slice text) {
    const struct slice cell = slice_make(arena_copy(&collector->result->arena, text.data, text.size), text.size);
    assert_int_equal(buf_append(&collector->cells, &cell, sizeof cell), STATUS_OK);
}

static enum status take_row(void *context, struct graph *graph, const struct value *values, uint32_t count) {
    struct collector *collector = context;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        buf_clear(&collector->text);
        status = print(graph, values[i], &collector->text);
        if (status == STATUS_OK) add_cell(collector, buf_slice(&collector->text));
    }
    collector->rows++;
    return status;
}

static void finish_rows(struct collector *collector, uint32_t columns) {
    struct tck_table *rows = &collector->result->rows;
    const size_t size = collector->cells.size;
    rows->cells = arena_alloc(&collector->result->arena, size ? size : 1, _Alignof(struct slice));
    assert_non_null(rows->cells);
    if (size) memcpy(rows->cells, collector->cells.data, size);
    rows->columns = columns;
    rows->rows = columns ? collector->rows : 0;
}

/* --- running --- */

static enum status step_all(struct tck_runner *runner, struct query *query, struct collector *collector) {
    const struct query_options options = {.graph = graph_lab_open(&runner->lab, runner->name),
                                          .sink = {.row = take_row, .context = collector},
                                          .seed = 7,
                                          .clock_ms = 1700000000000};
    enum status status = query_start(query, &options);
    if (status == STATUS_OK) status = STATUS_BUSY;
    while (status == STATUS_BUSY) status = query_step(query, runner->step_work);
    collector->result->fault = *query_fault(query);
    query_stop(query);
    if (status == STATUS_OK && !graph_edit_is_empty(options.graph)) graph_lab_commit(&runner->lab, options.graph);
    return status;
}

static void run_prepared(struct tck_runner *runner, struct query *query, struct tck_result *result) {
    struct collector collector = {.result = result, .rows = 1};
    const uint32_t columns = query_column_count(query);
    for (uint32_t i = 0; i < columns; i++) add_cell(&collector, query_column_name(query, i));
    const enum status status = step_all(runner, query, &collector);
    result->outcome = status == STATUS_OK ? TCK_ROWS : TCK_FAULT;
    if (status != STATUS_OK && result->fault.code == CYPHER_FAULT_NONE)
        fail_msg("the query ends with %s and no words", status_name(status));
    if (status == STATUS_OK) finish_rows(&collector, columns);
    buf_deinit(&collector.cells);
    buf_deinit(&collector.text);
}

/* Parameters stand before the query, as clients send them. */
static void add_header(struct buf *text, const struct tck_parameter *parameters, size_t count) {
    if (count) put(text, "CYPHER ");
    for (size_t i = 0; i < count; i++) {
        put(text, "`");
        put_slice(text, parameters[i].name);
        put(text, "`=");
        put_slice(text, parameters[i].value);
        put(text, " ");
    }
}

static void runner_run(void *context, struct slice text, const struct tck_parameter *parameters, size_t count,
                       struct tck_result *result) {
    struct tck_runner *runner = context;
    const struct cypher_catalogue catalogue = tck_procedures_catalogue(&runner->procedures);
    struct buf whole = BUF_EMPTY;
    struct query *query;
    add_header(&whole, parameters, count);
    put_slice(&whole, text);
    const enum status status = query_prepare_with(buf_slice(&whole), &catalogue, &query);
    if (status == STATUS_OK) {
        run_prepared(runner, query, result);
    } else {
        result->outcome = TCK_FAULT;
        result->fault = *query_fault(query);
    }
    query_destroy(query);
    buf_deinit(&whole);
}

/* --- the subject --- */

static void runner_clear(void *context) {
    struct tck_runner *runner = context;
    snprintf(runner->name, sizeof runner->name, "graph-%" PRIu64, ++runner->graphs);
    tck_procedures_clear(&runner->procedures);
}

static bool runner_procedure(void *context, struct slice signature, const struct tck_table *table) {
    struct tck_runner *runner = context;
    return tck_procedures_add(&runner->procedures, signature, table);
}

void tck_runner_init(struct tck_runner *runner) {
    struct error error;
    *runner = (struct tck_runner){.step_work = QUERY_STEP_WORK};
    tck_procedures_init(&runner->procedures);
    graph_lab_init(&runner->lab, NULL, 1, NULL);
    if (graph_lab_open_engine(&runner->lab, &error) != STATUS_OK) fail_msg("%s", error.text);
}

void tck_runner_deinit(struct tck_runner *runner) {
    graph_lab_deinit(&runner->lab);
    tck_procedures_deinit(&runner->procedures);
}

struct tck_subject tck_runner_subject(struct tck_runner *runner) {
    return (struct tck_subject){
        .context = runner, .clear = runner_clear, .run = runner_run, .procedure = runner_procedure};
}
