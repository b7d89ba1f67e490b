/* vertex_json: vertex_show for programs; members are described in tools/loam/README.md. Nothing is cut. */
#include <stdio.h>

#include "graph/property.h"
#include "tools/loam/explain/step_text.h"
#include "tools/loam/inspect/report.h"
#include "tools/loam/inspect/vertex/vertex_block.h"
#include "tools/loam/inspect/vertex/vertex_show.h"
#include "tools/loam/terminal.h"

struct telling {
    struct vertex_view *view;
    struct json json;
    struct buf text;
};

static void flush_text(struct telling *telling) {
    terminal_print(buf_slice(&telling->text));
    buf_clear(&telling->text);
}

/* Any bytes, as report_text has them. */
static void add_bytes(struct json *json, const char *name, struct slice bytes) {
    char text[5 * GRAPH_EXTERNAL_MAX_BYTES + 8];
    report_text(text, sizeof text, bytes, GRAPH_EXTERNAL_MAX_BYTES);
    json_text(json, name, text);
}

/* ---- The row ----------------------------------------------------------------------------------------------------- */

static void add_labels(struct telling *telling) {
    struct vertex_view *view = telling->view;
    char word[VERTEX_WORD_BYTES];
    json_open_array(&telling->json, "labels");
    for (uint32_t i = 0; i < view->node.label_count; i++) {
        json_open_object(&telling->json, NULL);
        json_number(&telling->json, "id", view->labels[i].label);
        json_text(&telling->json, "name", vertex_view_word(view, GRAPH_LABEL, view->labels[i].label, word));
        json_text(&telling->json, "index_status", status_text(view->labels[i].status));
        json_number(&telling->json, "index_bytes", view->labels[i].bytes);
        json_close_object(&telling->json);
    }
    json_close_array(&telling->json);
}

static void add_properties(struct telling *telling) {
    struct slice rest = telling->view->node.properties;
    struct graph_property property;
    char word[VERTEX_WORD_BYTES], words[GRAPH_EXPLAIN_WORDS_BYTES];
    json_open_array(&telling->json, "properties");
    while (graph_property_next(&rest, &property)) {
        graph_explain_value(property.value, words);
        json_open_object(&telling->json, NULL);
        json_number(&telling->json, "id", property.key);
        json_text(&telling->json, "key", vertex_view_word(telling->view, GRAPH_KEY, property.key, word));
        json_text(&telling->json, "value", words);
        json_number(&telling->json, "key_bytes", coding_varint_size(property.key));
        json_number(&telling->json, "value_bytes", property.value.size);
        json_close_object(&telling->json);
        flush_text(telling);
    }
    json_close_array(&telling->json);
}

static void add_row(struct telling *telling) {
    struct vertex_view *view = telling->view;
    struct json *json = &telling->json;
    json_open_object(json, "row");
    json_text(json, "status", status_text(view->status));
    json_number(json, "key_bytes", graph_place_node(view->graph, view->id).size);
    json_number(json, "value_bytes", view->value.data.size);
    add_labels(telling);
    if (view->node.external.size) {
        add_bytes(json, "external", view->node.external);
        json_text(json, "external_status", status_text(view->external.status));
        json_number(json, "external_bytes", view->external.bytes);
    }
    add_properties(telling);
    json_close_object(json);
}

static void add_head(struct telling *telling) {
    struct vertex_view *view = telling->view;
    struct json *json = &telling->json;
    json_text(json, "dir", view->subject.dir);
    json_text(json, "store", view->subject.where);
    json_number(json, "index", engine_applied(view->subject.store.engine).index);
    add_bytes(json, "graph", slice_from_text(view->graph_name));
    json_number(json, "graph_id", view->graph);
    json_number(json, "node", view->id);
    json_number(json, "nodes", view->facts.node_count);
    json_number(json, "edges", view->facts.edge_count);
    add_row(telling);
    flush_text(telling);
}

/* ---- Lists ------------------------------------------------------------------------------------------------------- */

static void add_types(struct telling *telling, const struct vertex_type *types, size_t count) {
    char word[VERTEX_WORD_BYTES];
    json_open_array(&telling->json, "types");
    for (size_t i = 0; i < count; i++) {
        json_open_object(&telling->json, NULL);
        json_number(&telling->json, "id", types[i].type);
        json_text(&telling->json, "name", vertex_view_word(telling->view, GRAPH_TYPE, types[i].type, word));
        json_number(&telling->json, "entries", types[i].entries);
        json_close_object(&telling->json);
    }
    json_close_array(&telling->json);
}

static void add_byte_counts(struct json *json, const struct vertex_bytes *bytes) {
    json_number(json, "entries", bytes->entries);
    json_number(json, "groups", bytes->groups);
    json_number(json, "value_bytes", bytes->value);
    json_number(json, "key_bytes", bytes->keys);
    json_number(json, "neighbour_bytes", bytes->neighbours);
    json_number(json, "edge_bytes", bytes->edges);
    json_number(json, "head_bytes", bytes->group_heads + bytes->versions);
    json_number(json, "malformed_bytes", bytes->malformed);
    json_real(json, "bits_an_edge", vertex_bits(bytes->value, bytes->entries));
}

static void add_block(struct telling *telling, const struct vertex_block *block) {
    const size_t types = block->bytes.groups < VERTEX_TYPES_SHOWN ? block->bytes.groups : VERTEX_TYPES_SHOWN;
    json_open_object(&telling->json, NULL);
    json_number(&telling->json, "number", block->number);
    json_text(&telling->json, "status", status_text(block->status));
    add_byte_counts(&telling->json, &block->bytes);
    add_types(telling, block->types, types);
    json_close_object(&telling->json);
    flush_text(telling);
}

static void add_list(struct telling *telling, const struct vertex_list *list) {
    struct json *json = &telling->json;
    json_open_object(json, NULL);
    json_text(json, "direction", list->direction == GRAPH_OUT ? "out" : "in");
    json_text(json, "status", status_text(list->status));
    json_number(json, "degree", list->degree);
    json_number(json, "slots", list->slots);
    json_number(json, "list_head_bytes", list->head_bytes);
    json_number(json, "list_head_key_bytes", list->head_key_bytes);
    json_number(json, "plain_bits_an_edge", VERTEX_PLAIN_BITS);
    json_number(json, "unread_blocks", list->unread);
    json_number(json, "empty_blocks", list->empty);
    add_byte_counts(json, &list->sum);
    add_types(telling, list->types, list->type_count);
    json_open_array(json, "blocks");
    for (size_t i = 0; i < list->block_count; i++) add_block(telling, &list->blocks[i]);
    json_close_array(json);
    json_close_object(json);
    flush_text(telling);
}

static enum status add_chosen(struct telling *telling, struct vertex_choice *choice) {
    enum status status = STATUS_OK;
    json_open_array(&telling->json, "block");
    for (int d = 0; d < 2 && status != STATUS_NO_MEMORY; d++) {
        if (!telling->view->lists[d].wanted) continue;
        status = vertex_block_tell_json(telling->view, &telling->view->lists[d], choice->block, &telling->json);
        choice->was_shown |= status != STATUS_NOT_FOUND;
    }
    json_close_array(&telling->json);
    return status == STATUS_NO_MEMORY ? status : STATUS_OK;
}

/* ---- Levels ------------------------------------------------------------------------------------------------------ */

static void add_place(struct json *json, const struct vertex_source *source) {
    json_text(json, "place", source->is_table ? "table" : "memtable");
    if (source->is_table) {
        json_number(json, "level", source->level);
        json_number(json, "file", source->file);
    } else {
        json_number(json, "memtable", source->memtable);
    }
}

static void add_sources(struct telling *telling) {
    const struct vertex_rows *rows = &telling->view->rows;
    struct json *json = &telling->json;
    char name[32];
    json_number(json, "rows", rows->row_count);
    json_open_array(json, "sources");
    for (size_t i = 0; i < rows->source_count; i++) {
        const struct vertex_source *source = &rows->sources[i];
        json_open_object(json, NULL);
        add_place(json, source);
        json_number(json, "size", source->file_bytes);
        json_bool(json, "damaged", source->is_damaged);
        for (int f = 0; f < VERTEX_FATES; f++) {
            json_number(json, vertex_fate_name((enum vertex_fate)f), source->versions[f]);
            (void)snprintf(name, sizeof name, "%s_bytes", vertex_fate_name((enum vertex_fate)f));
            json_number(json, name, source->bytes[f]);
        }
        json_close_object(json);
        flush_text(telling);
    }
    json_close_array(json);
}

static enum status add_version(void *context, const struct vertex_version *version) {
    struct telling *telling = context;
    struct json *json = &telling->json;
    const struct engine_step *step = version->step;
    char row[VERTEX_ROW_NAME_BYTES], says[VERTEX_SAYS_BYTES];
    json_open_object(json, NULL);
    json_text(json, "row", vertex_row_name(version->row->part, version->row->number, row));
    add_place(json, version->source);
    if (version->source->is_table) {
        json_number(json, "at", step->at);
        json_number(json, "offset", step->offset);
    }
    json_number(json, "sequence", step->sequence);
    json_text(json, "entry", step_entry_name(step->entry));
    json_number(json, "key_bytes", step->key.size);
    json_number(json, "value_bytes", step->value.size);
    json_text(json, "is", vertex_fate_name(version->fate));
    json_text(json, "says", vertex_says(version, says));
    json_close_object(json);
    flush_text(telling);
    return json->status;
}

static enum status add_versions(struct telling *telling) {
    json_open_array(&telling->json, "versions");
    const enum status status = vertex_rows_judge(&telling->view->rows, add_version, telling);
    json_close_array(&telling->json);
    return status;
}

/* ---- All of it --------------------------------------------------------------------------------------------------- */

enum status vertex_show_json(struct vertex_view *view, struct vertex_choice *choice, const char *failure) {
    struct telling telling = {.view = view};
    enum status status = STATUS_OK;
    json_begin(&telling.json, &telling.text);
    add_head(&telling);
    json_open_array(&telling.json, "lists");
    for (int d = 0; d < 2; d++)
        if (view->lists[d].wanted) add_list(&telling, &view->lists[d]);
    json_close_array(&telling.json);
    add_sources(&telling);
    if (choice->levels) status = add_versions(&telling);
    if (status == STATUS_OK && choice->has_block) status = add_chosen(&telling, choice);
    json_lines(&telling.json, "damage", &view->damage);
    json_number(&telling.json, "damage_lines", view->damage_count);
    json_text(&telling.json, "error", failure ? failure : "");
    const enum status ended = json_end(&telling.json);
    flush_text(&telling);
    buf_deinit(&telling.text);
    return status == STATUS_OK ? ended : status;
}
