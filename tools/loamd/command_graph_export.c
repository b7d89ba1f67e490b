/*
 * command_graph_export: GRAPH.EXPORT: a graph page by page, for whoever copies all of it. A page holds rows in the
 * order of their ids; beside them stands the graph's `change`: equal on two pages if and only if they are of one state.
 */
#include "engine/base/decimal.h"
#include "graph/property.h"
#include "tools/loamd/commands.h"

enum { PAGE_ROWS = 1000, PAGE_ROWS_MAX = 100000, PAGE_BYTES = 1 << 20, PAGE_IDS = 1 << 16 };

struct page {
    struct graph *graph;
    bool edges;
    uint64_t from, rows_max;
    uint64_t next; /* id that the next page begins with */
    uint64_t rows;
    struct buf text; /* rows, without the head of their array */
};

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

static enum status put_scalar(struct buf *to, const struct graph_property_head *head) {
    switch (head->tag) {
    case GRAPH_PROPERTY_FALSE: return reply_bool(to, false);
    case GRAPH_PROPERTY_TRUE: return reply_bool(to, true);
    case GRAPH_PROPERTY_INTEGER: return reply_integer(to, head->integer);
    case GRAPH_PROPERTY_FLOAT: return reply_double(to, head->number);
    default: return reply_bulk(to, head->text);
    }
}

static enum status put_value(struct buf *to, struct slice bytes) {
    struct decoder decoder = decoder_make(bytes);
    struct graph_property_head head;
    if (!graph_property_read(&decoder, &head)) return STATUS_CORRUPT;
    if (head.tag != GRAPH_PROPERTY_LIST) return put_scalar(to, &head);
    enum status status = reply_array(to, head.count);
    const uint64_t count = head.count;
    for (uint64_t i = 0; status == STATUS_OK && i < count; i++)
        status = graph_property_read(&decoder, &head) ? put_scalar(to, &head) : STATUS_CORRUPT;
    return status;
}

static enum status put_word(struct page *page, enum graph_vocabulary vocabulary, uint32_t id) {
    struct slice text;
    enum status status = graph_get_word(page->graph, vocabulary, id, &text);
    if (status == STATUS_NOT_FOUND) return STATUS_CORRUPT;
    return status == STATUS_OK ? reply_bulk(&page->text, text) : status;
}

/* [key, value, key, value, ...] */
static enum status put_properties(struct page *page, struct slice properties) {
    struct graph_property property;
    struct slice rest = properties;
    uint64_t count = 0;
    while (graph_property_next(&rest, &property)) count++;
    if (rest.size > 0) return STATUS_CORRUPT;
    enum status status = reply_array(&page->text, 2 * count);
    rest = properties;
    while (status == STATUS_OK && graph_property_next(&rest, &property)) {
        status = put_word(page, GRAPH_KEY, property.key);
        if (status == STATUS_OK) status = put_value(&page->text, property.value);
    }
    return status;
}

/* [id, external id, [label, ...], properties] */
static enum status put_node(struct page *page, const struct graph_node *node) {
    enum status status = reply_array(&page->text, 4);
    if (status == STATUS_OK) status = reply_integer(&page->text, (int64_t)node->id);
    if (status == STATUS_OK)
        status = node->external.size ? reply_bulk(&page->text, node->external) : reply_null(&page->text);
    if (status == STATUS_OK) status = reply_array(&page->text, node->label_count);
    for (uint32_t i = 0; status == STATUS_OK && i < node->label_count; i++)
        status = put_word(page, GRAPH_LABEL, node->labels[i]);
    return status == STATUS_OK ? put_properties(page, node->properties) : status;
}

/* [id, source, destination, type, properties] */
static enum status put_edge(struct page *page, const struct graph_edge *edge) {
    enum status status = reply_array(&page->text, 5);
    if (status == STATUS_OK) status = reply_integer(&page->text, (int64_t)edge->id);
    if (status == STATUS_OK) status = reply_integer(&page->text, (int64_t)edge->source);
    if (status == STATUS_OK) status = reply_integer(&page->text, (int64_t)edge->destination);
    if (status == STATUS_OK) status = put_word(page, GRAPH_TYPE, edge->type);
    return status == STATUS_OK ? put_properties(page, edge->properties) : status;
}

static enum status put_row(struct page *page, uint64_t id) {
    struct graph_node node;
    struct graph_edge edge;
    enum status status = page->edges ? graph_get_edge(page->graph, id, &edge) : graph_get_node(page->graph, id, &node);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    status = page->edges ? put_edge(page, &edge) : put_node(page, &node);
    if (page->edges)
        graph_edge_release(&edge);
    else
        graph_node_release(&node);
    page->rows++;
    return status;
}

/* ---- The command ------------------------------------------------------------------------------------------------- */

/* [change, id of the next page or -1, rows] */
static enum status answer_page(struct call *call, struct page *page) {
    struct graph_facts facts;
    graph_get_facts(page->graph, &facts);
    const uint64_t end = page->edges ? facts.next_edge : facts.next_node;
    enum status status = STATUS_OK;
    uint64_t looked = 0;
    for (page->next = page->from; status == STATUS_OK && page->next < end && page->rows < page->rows_max &&
                                  page->text.size < PAGE_BYTES && looked < PAGE_IDS;
         page->next++, looked++)
        status = put_row(page, page->next);
    if (status == STATUS_OK) status = reply_array(&call->reply, 3);
    if (status == STATUS_OK) status = reply_integer(&call->reply, (int64_t)facts.change);
    if (status == STATUS_OK) status = reply_integer(&call->reply, page->next < end ? (int64_t)page->next : -1);
    if (status == STATUS_OK) status = reply_array(&call->reply, page->rows);
    return status == STATUS_OK ? buf_append_slice(&call->reply, buf_slice(&page->text)) : status;
}

static enum status read_page(struct call *call, struct page *page) {
    enum status status = graph_create(&page->graph);
    if (status == STATUS_OK) status = graph_open(page->graph, &call->view, call->args[1]);
    if (status == STATUS_OK)
        status = answer_page(call, page);
    else if (status == STATUS_NOT_FOUND)
        status = reply_error(&call->reply, GRAPH_TEXT_EMPTY_KEY);
    else if (status == STATUS_WRONG_TYPE)
        status = reply_error(&call->reply, GRAPH_TEXT_WRONG_TYPE);
    graph_destroy(page->graph);
    buf_deinit(&page->text);
    return status;
}

enum status cmd_graph_export(struct call *call) {
    struct page page = {.edges = call_arg_is(call, 2, "edges"), .rows_max = PAGE_ROWS};
    int64_t from = 0, count = PAGE_ROWS;
    if ((!page.edges && !call_arg_is(call, 2, "nodes")) || (call->arg_count != 4 && call->arg_count != 6) ||
        (call->arg_count == 6 && !call_arg_is(call, 4, "count")))
        return call_syntax_error(call);
    if (!decimal_parse(call->args[3], &from) || (call->arg_count == 6 && !decimal_parse(call->args[5], &count)))
        return call_integer_error(call);
    if (from < 0 || count < 1 || count > PAGE_ROWS_MAX)
        return reply_error(&call->reply, "ERR GRAPH.EXPORT: the first id is 0 or more, COUNT 1 to %d", PAGE_ROWS_MAX);
    page.from = (uint64_t)from;
    page.rows_max = (uint64_t)count;
    return read_page(call, &page);
}
