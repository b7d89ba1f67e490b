/*
 * command_graph_import: GRAPH.IMPORT: rows of nodes and edges, with heads as graph/columns.h has them, become one
 * operation; ids are resolved where it is applied. README.md says what the arguments are.
 */
#include "engine/base/decimal.h"
#include "graph/columns.h"
#include "tools/loamd/commands.h"

struct importing {
    struct call *call;
    struct graph_rows rows;
    struct graph_columns columns;
    size_t at; /* the next argument */
};

static enum status fault(struct importing *importing, const char *text) {
    return reply_error(&importing->call->reply, "ERR GRAPH.IMPORT: argument %zu: %s", importing->at, text);
}

/* A count that the rest of the arguments can hold; false: an error has been answered. */
static bool take_count(struct importing *importing, const char *what, size_t each, size_t *count, enum status *status) {
    const struct call *call = importing->call;
    int64_t value = 0;
    *status = STATUS_OK;
    if (importing->at < call->arg_count && decimal_parse(call->args[importing->at], &value) && value >= 0 &&
        (each == 0 || (uint64_t)value <= (call->arg_count - importing->at - 1) / each)) {
        importing->at++;
        *count = (size_t)value;
        return true;
    }
    *status = fault(importing, what);
    return false;
}

static enum status add_rows(struct importing *importing, size_t count, const char *section) {
    struct call *call = importing->call;
    struct error error = {0};
    for (size_t i = 0; i < count; i++) {
        enum status status = graph_rows_add(&importing->rows, &importing->columns, call->args + importing->at, &error);
        if (status == STATUS_SYNTAX || status == STATUS_INVALID)
            return reply_error(&call->reply, "ERR GRAPH.IMPORT: row %zu of %s: %s", i, section,
                               error.text[0] ? error.text : status_text(status));
        if (status == STATUS_TOO_LARGE)
            return reply_error(&call->reply,
                               "ERR GRAPH.IMPORT: row %zu of %s does not fit into one operation; send "
                               "fewer rows at a time",
                               i, section);
        if (status != STATUS_OK) return status;
        importing->at += importing->columns.field_count;
    }
    return STATUS_OK;
}

/* NODES|EDGES count head ... count field ... */
static enum status add_section(struct importing *importing) {
    struct call *call = importing->call;
    const bool edges = call_arg_is(call, importing->at, "edges");
    const char *section = edges ? "EDGES" : "NODES";
    struct error error = {0};
    enum status status;
    size_t columns = 0, rows = 0;
    if (!edges && !call_arg_is(call, importing->at, "nodes")) return fault(importing, "NODES or EDGES is expected");
    importing->at++;
    if (!take_count(importing, "the number of columns is expected, then their heads", 1, &columns, &status))
        return status;
    status = graph_columns_parse(&importing->columns, call->args + importing->at, columns, &error);
    if (status == STATUS_INVALID) return reply_error(&call->reply, "ERR GRAPH.IMPORT: %s: %s", section, error.text);
    if (status != STATUS_OK) return status;
    if (importing->columns.is_edges != edges) return fault(importing, "these columns are not of this section");
    importing->at += columns;
    if (!take_count(importing, "the number of rows is expected, then a field for each of their columns",
                    importing->columns.field_count, &rows, &status))
        return status;
    return add_rows(importing, rows, section);
}

enum status cmd_graph_import(struct call *call) {
    struct importing importing = {.call = call, .at = 2};
    uint32_t flags = 0;
    if (call->args[1].size == 0) return reply_error(&call->reply, "ERR GRAPH.IMPORT: a graph's name is not empty");
    if (call_arg_is(call, importing.at, "make_ends")) {
        flags |= GRAPH_IMPORT_MAKE_ENDS;
        importing.at++;
    }
    enum status status = graph_rows_begin(&importing.rows, &call->operation, call->args[1], flags);
    if (status == STATUS_OK && importing.at == call->arg_count)
        status = fault(&importing, "NODES or EDGES is expected");
    while (status == STATUS_OK && call->reply.size == 0 && importing.at < call->arg_count)
        status = add_section(&importing);
    if (call->reply.size > 0) buf_clear(&call->operation);
    graph_rows_deinit(&importing.rows);
    return status;
}
