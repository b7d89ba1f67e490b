/* vertex_list: the lists of a node: heads, blocks, and what was lost of them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/loam/inspect/vertex/vertex_view.h"

struct counting {
    struct vertex_list *list;
    struct vertex_block *block;
    bool counts_types;
    enum status status;
};

static enum status add_type(struct vertex_list *list, uint64_t type, uint64_t entries) {
    size_t at = 0;
    while (at < list->type_count && list->types[at].type < type) at++;
    if (at < list->type_count && list->types[at].type == type) {
        list->types[at].entries += entries;
        return STATUS_OK;
    }
    struct vertex_type *grown = realloc(list->types, (list->type_count + 1) * sizeof *grown);
    if (!grown) return STATUS_NO_MEMORY;
    list->types = grown;
    memmove(grown + at + 1, grown + at, (list->type_count++ - at) * sizeof *grown);
    grown[at] = (struct vertex_type){.type = (uint32_t)type, .entries = entries};
    return STATUS_OK;
}

static void count_piece(void *context, const struct graph_piece *piece) {
    struct counting *counting = context;
    struct vertex_bytes *bytes = &counting->block->bytes;
    switch (piece->kind) {
    case GRAPH_PIECE_VERSION: bytes->versions += piece->first; break;
    case GRAPH_PIECE_MALFORMED: bytes->malformed += piece->first; break;
    case GRAPH_PIECE_ENTRY:
        bytes->entries++;
        bytes->neighbours += piece->first;
        bytes->edges += piece->second;
        break;
    case GRAPH_PIECE_GROUP:
        if (bytes->groups < VERTEX_TYPES_SHOWN)
            counting->block->types[bytes->groups] = (struct vertex_type){(uint32_t)piece->type, piece->count};
        bytes->groups++;
        bytes->group_heads += piece->first + piece->second;
        if (counting->counts_types && counting->status == STATUS_OK)
            counting->status = add_type(counting->list, piece->type, piece->count);
        break;
    }
}

static void add_bytes(struct vertex_bytes *sum, const struct vertex_bytes *bytes) {
    sum->entries += bytes->entries;
    sum->groups += bytes->groups;
    sum->value += bytes->value;
    sum->keys += bytes->keys;
    sum->neighbours += bytes->neighbours;
    sum->edges += bytes->edges;
    sum->group_heads += bytes->group_heads;
    sum->versions += bytes->versions;
}

static void ignore_piece(void *context, const struct graph_piece *piece) {
    (void)context, (void)piece;
}

/* Types of one that is sound alone. */
static enum status count_block(struct vertex_list *list, struct vertex_block *block, struct slice value) {
    block->status = graph_explain_block(value, ignore_piece, NULL);
    struct counting counting = {.list = list, .block = block, .counts_types = block->status == STATUS_OK};
    if (graph_explain_block(value, count_piece, &counting) == STATUS_OK) add_bytes(&list->sum, &block->bytes);
    return counting.status;
}

static enum status read_block(struct vertex_view *view, struct vertex_list *list, struct vertex_block *block) {
    const struct graph_place place = graph_place_block(view->graph, view->id, list->direction, block->number);
    char name[VERTEX_ROW_NAME_BYTES];
    struct engine_value value;
    (void)vertex_row_name(list->direction == GRAPH_OUT ? VERTEX_OUT_BLOCK : VERTEX_IN_BLOCK, block->number, name);
    block->status = vertex_view_get(view, &place, name, &value);
    if (block->status == STATUS_NOT_FOUND || block->status == STATUS_NO_MEMORY)
        return block->status == STATUS_NO_MEMORY ? block->status : STATUS_OK;
    if (block->status != STATUS_OK) {
        list->unread++;
        return STATUS_OK;
    }
    block->bytes.value = value.data.size;
    block->bytes.keys = place.size;
    enum status status = count_block(list, block, value.data);
    engine_value_release(&value);
    if (status != STATUS_OK) return status;
    list->empty += block->status == STATUS_OK && block->bytes.entries == 0;
    if (block->status == STATUS_OK) return STATUS_OK;
    list->unread++;
    return vertex_view_note(view, "damage: %s: its bytes are no block: %s", name, status_text(block->status));
}

static enum status read_head(struct vertex_view *view, struct vertex_list *list) {
    const struct graph_place place = graph_place_head(view->graph, view->id, list->direction);
    const char *name = list->direction == GRAPH_OUT ? "the head of the out list" : "the head of the in list";
    struct engine_value value;
    list->status = vertex_view_get(view, &place, name, &value);
    if (list->status != STATUS_OK) return list->status == STATUS_NO_MEMORY ? list->status : STATUS_OK;
    list->head_bytes = value.data.size;
    list->head_key_bytes = place.size;
    list->status = graph_explain_head(value.data, &list->degree, &list->slots);
    engine_value_release(&value);
    return list->status == STATUS_OK ? STATUS_OK
                                     : vertex_view_note(view, "damage: %s: %s", name, status_text(list->status));
}

/* What head and blocks say of each other. */
static enum status judge_list(struct vertex_view *view, struct vertex_list *list) {
    const char *name = list->direction == GRAPH_OUT ? "out" : "in";
    const bool known = list->status == STATUS_OK || list->status == STATUS_NOT_FOUND;
    list->is_damaged |= !known || list->unread > 0 || list->degree != list->sum.entries;
    if (!known || list->degree == list->sum.entries) return STATUS_OK;
    if (list->sum.entries > list->degree)
        return vertex_view_note(view,
                                "damage: the blocks of the %s list have %" PRIu64 " entries more than its head knows of"
                                " (%" PRIu64 "): newer rows are lost, or older ones came back",
                                name, list->sum.entries - list->degree, list->degree);
    return vertex_view_note(view,
                            "lost: %" PRIu64 " of the %" PRIu64
                            " entries of the %s list: they are in no block that can "
                            "be read (%" PRIu64 " can't)",
                            list->degree - list->sum.entries, list->degree, name, list->unread);
}

enum status vertex_list_read(struct vertex_view *view, struct vertex_list *list) {
    const enum vertex_part part = list->direction == GRAPH_OUT ? VERTEX_OUT_BLOCK : VERTEX_IN_BLOCK;
    const struct vertex_rows *rows = &view->rows;
    enum status status = read_head(view, list);
    size_t count = 0;
    for (size_t i = 0; i < rows->row_count; i++) count += rows->rows[i].part == part;
    list->blocks = calloc(count ? count : 1, sizeof *list->blocks);
    if (!list->blocks) return STATUS_NO_MEMORY;
    for (size_t i = 0; i < rows->row_count && status == STATUS_OK; i++) {
        if (rows->rows[i].part != part) continue;
        struct vertex_block *block = &list->blocks[list->block_count++];
        block->number = rows->rows[i].number;
        status = read_block(view, list, block);
    }
    return status == STATUS_OK ? judge_list(view, list) : status;
}

/* ---- What lists have lost, by the edges' own rows ---------------------------------------------------------------- */

enum { EDGES_ASKED = 1 << 24 };

struct counted {
    uint64_t node, rows;
    uint64_t edges[2]; /* by direction */
};

static enum status count_edge(void *context, uint64_t source, uint64_t destination) {
    struct counted *counted = context;
    counted->edges[GRAPH_OUT] += source == counted->node;
    counted->edges[GRAPH_IN] += destination == counted->node;
    return ++counted->rows < EDGES_ASKED ? STATUS_OK : STATUS_END;
}

enum status vertex_lists_count_lost(struct vertex_view *view) {
    struct counted counted = {.node = view->id};
    bool is_damaged = false;
    for (int d = 0; d < 2; d++) is_damaged |= view->lists[d].wanted && view->lists[d].is_damaged;
    if (!is_damaged) return STATUS_OK;
    enum status status = graph_explain_edges(view->subject.store.engine, view->graph, count_edge, &counted);
    if (status == STATUS_NO_MEMORY) return status;
    const char *cut = status == STATUS_OK    ? ""
                      : status == STATUS_END ? " (the first 16777216 rows were looked at)"
                                             : " (not all rows of edges can be read)";
    status = STATUS_OK;
    for (int d = 0; d < 2 && status == STATUS_OK; d++)
        if (view->lists[d].wanted && view->lists[d].is_damaged)
            status = vertex_view_note(view,
                                      "    Of the edges' own rows, %" PRIu64 " have the node as their %s%s; the blocks "
                                      "that can be read hold %" PRIu64 " of its %s list",
                                      counted.edges[d], d == GRAPH_OUT ? "source" : "destination", cut,
                                      view->lists[d].sum.entries, d == GRAPH_OUT ? "out" : "in");
    return status;
}
