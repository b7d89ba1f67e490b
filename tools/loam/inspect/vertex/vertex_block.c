/* vertex_block: see vertex_block.h. */
#include "tools/loam/inspect/vertex/vertex_block.h"

#include <inttypes.h>
#include <stdio.h>

#include "tools/loam/terminal.h"

enum { HEX_SHOWN = 20, HEX_BYTES = 2 * HEX_SHOWN + 3 };

struct telling {
    struct vertex_view *view;
    struct slice block;
    struct out *out;
    struct json *json;
    uint64_t bytes, entries; /* so far */
};

static const char *kind_name(enum graph_piece_kind kind) {
    static const char *const names[] = {"version", "group", "entry", "malformed"};
    return names[kind];
}

static const char *hex(const struct telling *telling, const struct graph_piece *piece, char text[HEX_BYTES]) {
    const size_t size = piece->first + piece->second;
    size_t at = 0;
    for (size_t i = 0; i < size && i < HEX_SHOWN; i++)
        at += (size_t)snprintf(text + at, HEX_BYTES - at, "%02x", telling->block.data[piece->at + i]);
    if (size > HEX_SHOWN) (void)snprintf(text + at, HEX_BYTES - at, "..");
    return text;
}

static struct telling begin(struct vertex_view *view, struct slice block) {
    return (struct telling){.view = view, .block = block};
}

static void count(struct telling *telling, const struct graph_piece *piece) {
    telling->bytes += piece->first + piece->second;
    telling->entries += piece->kind == GRAPH_PIECE_ENTRY;
}

/* ---- Text -------------------------------------------------------------------------------------------------------- */

static void tell_entry(const struct telling *telling, const struct graph_piece *piece) {
    out_print(telling->out,
              "entry %" PRIu64 ": node +%" PRIu64 " = %" PRIu64 ", edge %+" PRId64 " = %" PRIu64
              "  %zu + %zu bits %*.2f",
              piece->number, piece->distance, piece->node, piece->edge_distance, piece->edge, 8 * piece->first,
              8 * piece->second, 8, vertex_bits(telling->bytes, telling->entries));
}

static void tell_piece(void *context, const struct graph_piece *piece) {
    struct telling *telling = context;
    char bytes[HEX_BYTES], word[VERTEX_WORD_BYTES];
    count(telling, piece);
    out_print(telling->out, "%7zu %5zu  %-*s  ", piece->at, piece->first + piece->second, HEX_SHOWN,
              hex(telling, piece, bytes));
    switch (piece->kind) {
    case GRAPH_PIECE_VERSION: out_print(telling->out, "version 1"); break;
    case GRAPH_PIECE_MALFORMED: out_print(telling->out, "malformed, to the end"); break;
    case GRAPH_PIECE_ENTRY: tell_entry(telling, piece); break;
    case GRAPH_PIECE_GROUP:
        out_print(telling->out, "group: type +%" PRIu64 " = %" PRIu64 " (%s), %" PRIu64 " entries", piece->distance,
                  piece->type,
                  vertex_view_word(telling->view, GRAPH_TYPE,
                                   piece->type > UINT32_MAX ? UINT32_MAX : (uint32_t)piece->type, word),
                  piece->count);
        break;
    }
    out_print(telling->out, "\n");
    terminal_print(buf_slice(&telling->out->text));
    buf_clear(&telling->out->text);
}

static enum status get_block(struct vertex_view *view, const struct vertex_list *list, uint32_t number,
                             struct engine_value *value) {
    const struct graph_place place = graph_place_block(view->graph, view->id, list->direction, number);
    return vertex_view_get(view, &place, "the block", value);
}

enum status vertex_block_tell(struct vertex_view *view, const struct vertex_list *list, uint32_t number,
                              struct out *out) {
    struct engine_value value;
    enum status status = get_block(view, list, number, &value);
    if (status != STATUS_OK) return status;
    out_print(out,
              "%s block %" PRIu32
              ": %zu bytes\n%7s %5s  %-*s  what  ... bits of neighbour + edge, bits an edge so far\n",
              list->direction == GRAPH_OUT ? "out" : "in", number, value.data.size, "at", "bytes", HEX_SHOWN, "hex");
    struct telling telling = begin(view, value.data);
    telling.out = out;
    status = graph_explain_block(value.data, tell_piece, &telling);
    engine_value_release(&value);
    return status;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void tell_piece_json(void *context, const struct graph_piece *piece) {
    struct telling *telling = context;
    struct json *json = telling->json;
    char bytes[HEX_BYTES];
    count(telling, piece);
    json_open_object(json, NULL);
    json_text(json, "what", kind_name(piece->kind));
    json_number(json, "at", piece->at);
    json_number(json, "bytes", piece->first + piece->second);
    json_text(json, "hex", hex(telling, piece, bytes));
    if (piece->kind == GRAPH_PIECE_GROUP) {
        json_number(json, "type", piece->type);
        json_number(json, "entries", piece->count);
    } else if (piece->kind == GRAPH_PIECE_ENTRY) {
        json_number(json, "neighbour", piece->node);
        json_number(json, "edge", piece->edge);
        json_number(json, "neighbour_distance", piece->distance);
        json_integer(json, "edge_distance", piece->edge_distance);
        json_number(json, "neighbour_bits", 8 * piece->first);
        json_number(json, "edge_bits", 8 * piece->second);
        json_real(json, "bits_an_edge", vertex_bits(telling->bytes, telling->entries));
    }
    json_close_object(json);
    terminal_print(buf_slice(json->to));
    buf_clear(json->to);
}

enum status vertex_block_tell_json(struct vertex_view *view, const struct vertex_list *list, uint32_t number,
                                   struct json *json) {
    struct engine_value value;
    enum status status = get_block(view, list, number, &value);
    if (status != STATUS_OK) return status;
    struct telling telling = begin(view, value.data);
    telling.json = json;
    json_open_object(json, NULL);
    json_text(json, "direction", list->direction == GRAPH_OUT ? "out" : "in");
    json_number(json, "number", number);
    json_number(json, "bytes", value.data.size);
    json_open_array(json, "pieces");
    status = graph_explain_block(value.data, tell_piece_json, &telling);
    json_close_array(json);
    json_text(json, "status", status_text(status));
    json_close_object(json);
    engine_value_release(&value);
    return status;
}
