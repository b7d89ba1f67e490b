/* graph_pages: see graph_pages.h. */
#include "tools/loam/export/graph_pages.h"

#include <inttypes.h>
#include <stdio.h>

static const char page_rows[] = "1000";

static enum status refused(const struct graph_pages *pages, const struct resp_reply *reply, struct error *error) {
    if (reply->type != RESP_ERROR)
        return error_set(error, STATUS_INVALID, "graph %s: the server's reply is not understood", pages->graph);
    return error_set(error, STATUS_INVALID, "graph %s: the server says: %.*s", pages->graph, (int)reply->text.size,
                     (const char *)reply->text.data);
}

enum status graph_pages_open(struct graph_pages *pages, struct client *client, const char *graph, struct error *error) {
    const char *const words[] = {"HELLO", "3"};
    const struct resp_reply *reply;
    *pages = (struct graph_pages){.client = client, .graph = graph, .next = -1};
    enum status status = client_call(client, words, 2, &reply, error);
    if (status != STATUS_OK) return status;
    return reply->type == RESP_MAP ? STATUS_OK : refused(pages, reply, error);
}

void graph_pages_begin(struct graph_pages *pages, bool edges) {
    pages->edges = edges;
    pages->next = 0;
    pages->rows = NULL;
}

static bool is_row(const struct graph_pages *pages, const struct resp_reply *row) {
    const size_t count = pages->edges ? 5 : 4;
    if (row->type != RESP_ARRAY || row->count != count) return false;
    const struct resp_reply *parts = row->elements, *properties = &parts[count - 1];
    if (parts[0].type != RESP_INTEGER || properties->type != RESP_ARRAY || properties->count % 2 != 0) return false;
    for (size_t i = 0; i < properties->count; i += 2)
        if (properties->elements[i].type != RESP_BULK) return false;
    if (pages->edges)
        return parts[1].type == RESP_INTEGER && parts[2].type == RESP_INTEGER && parts[3].type == RESP_BULK;
    for (size_t i = 0; parts[2].type == RESP_ARRAY && i < parts[2].count; i++)
        if (parts[2].elements[i].type != RESP_BULK) return false;
    return (parts[1].type == RESP_BULK || parts[1].type == RESP_NULL) && parts[2].type == RESP_ARRAY;
}

static bool is_page(const struct graph_pages *pages, const struct resp_reply *reply) {
    if (reply->type != RESP_ARRAY || reply->count != 3 || reply->elements[2].type != RESP_ARRAY) return false;
    if (reply->elements[0].type != RESP_INTEGER || reply->elements[1].type != RESP_INTEGER) return false;
    const int64_t next = reply->elements[1].integer;
    if (next != -1 && next <= pages->next) return false; /* it would never end */
    for (size_t i = 0; i < reply->elements[2].count; i++)
        if (!is_row(pages, &reply->elements[2].elements[i])) return false;
    return true;
}

static enum status read_page(struct graph_pages *pages, struct error *error) {
    char from[24];
    (void)snprintf(from, sizeof from, "%" PRId64, pages->next);
    const char *const words[] = {"GRAPH.EXPORT", pages->graph, pages->edges ? "EDGES" : "NODES",
                                 from,           "COUNT",      page_rows};
    const struct resp_reply *reply;
    enum status status = client_call(pages->client, words, 6, &reply, error);
    if (status != STATUS_OK) return status;
    if (!is_page(pages, reply)) return refused(pages, reply, error);
    const int64_t change = reply->elements[0].integer;
    if (pages->has_change && pages->change != change)
        return error_set(error, STATUS_INVALID,
                         "graph %s has changed while it was read (by log entry %" PRId64 ", it was at %" PRId64
                         "); run it again when nobody writes to it",
                         pages->graph, change, pages->change);
    pages->has_change = true;
    pages->change = change;
    pages->next = reply->elements[1].integer;
    pages->rows = &reply->elements[2];
    pages->at = 0;
    return STATUS_OK;
}

enum status graph_pages_next(struct graph_pages *pages, const struct resp_reply **row, struct error *error) {
    while (!pages->rows || pages->at == pages->rows->count) {
        if (pages->next < 0) return STATUS_END;
        enum status status = read_page(pages, error);
        if (status != STATUS_OK) return status;
    }
    *row = &pages->rows->elements[pages->at++];
    return STATUS_OK;
}
