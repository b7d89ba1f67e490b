/* vertex_view: see vertex_view.h. */
#include "tools/loam/inspect/vertex/vertex_view.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/loam/inspect/report.h"
#include "tools/loam/inspect/row_text.h"

enum { LABELS_ASKED = 64 }; /* of a graph's labels, whether the node has them or not */

void vertex_view_deinit(struct vertex_view *view) {
    for (int i = 0; i < 2; i++) {
        free(view->lists[i].blocks);
        free(view->lists[i].types);
    }
    if (view->value.data.data) engine_value_release(&view->value);
    vertex_rows_deinit(&view->rows);
    buf_deinit(&view->damage);
    subject_close(&view->subject);
}

/* ---- Damage ------------------------------------------------------------------------------------------------------ */

static enum status note_list(struct vertex_view *view, const char *format, va_list list) {
    if (view->damage_count++ >= VERTEX_DAMAGE_MAX) return STATUS_OK;
    const enum status status = buf_append_list(&view->damage, format, list);
    return status == STATUS_OK ? buf_append_byte(&view->damage, '\n') : status;
}

enum status vertex_view_note(struct vertex_view *view, const char *format, ...) {
    va_list list;
    va_start(list, format);
    const enum status status = note_list(view, format, list);
    va_end(list);
    return status;
}

static bool is_told(const struct vertex_view *view, const char *words) {
    return view->damage.size && memmem(view->damage.data, view->damage.size, words, strlen(words));
}

/* What a row's get met. */
enum status vertex_view_note_row(struct vertex_view *view, const char *name, enum status failed) {
    struct error error;
    engine_last_error(view->subject.store.engine, &error);
    const char *words = error.status == failed ? error.text : status_text(failed);
    return is_told(view, words) ? vertex_view_note(view, "lost: %s can't be read, for what is damaged above", name)
                                : vertex_view_note(view, "damage: %s\n    Lost: %s can't be read", words, name);
}

/* The part of the node's rows that a damaged block or table may have held, in words. */
static enum status append_lost(struct buf *to, const struct vertex_span *span, const struct engine_step *step) {
    const struct row_describer *rows = describers_find(span->tree);
    const struct slice lower = buf_slice(&span->lower), upper = buf_slice(&span->upper);
    const bool from_inside = slice_compare(step->first, lower) > 0;
    const bool to_inside = step->has_last && slice_compare(step->last, upper) < 0;
    enum status status = key_text_append(to, rows, from_inside ? step->first : lower, NULL);
    if (status == STATUS_OK && to_inside && !slice_equal(step->last, from_inside ? step->first : lower)) {
        status = buf_append_format(to, " up to ");
        if (status == STATUS_OK) status = key_text_append(to, rows, step->last, NULL);
    } else if (status == STATUS_OK && !to_inside && (span->part == VERTEX_OUT_HEAD || span->part == VERTEX_IN_HEAD)) {
        status = buf_append_format(to, " up to the end of the list");
    }
    return status;
}

static enum status take_damage(void *context, const struct vertex_span *span, const struct engine_step *step,
                               const char *words) {
    struct vertex_view *view = context;
    struct buf lost = BUF_EMPTY;
    view->lists[GRAPH_OUT].is_damaged |= span->part == VERTEX_OUT_HEAD;
    view->lists[GRAPH_IN].is_damaged |= span->part == VERTEX_IN_HEAD;
    enum status status = append_lost(&lost, span, step);
    if (status == STATUS_OK && !is_told(view, words)) status = vertex_view_note(view, "damage: %s", words);
    if (status == STATUS_OK && step->kind == ENGINE_STEP_BLOCK)
        status = vertex_view_note(view,
                                  "may be lost: versions of this node's rows in block %" PRIu32 " of %" PRIu32
                                  " in file %" PRIu64 " of level %" PRIu32 " (%" PRIu64 " bytes at offset %" PRIu64
                                  "): %.*s",
                                  step->at, step->count, step->file, step->level, step->bytes, step->offset,
                                  (int)lost.size, (const char *)lost.data);
    else if (status == STATUS_OK)
        status = vertex_view_note(
            view, "may be lost: versions of this node's rows in file %" PRIu64 " of level %" PRIu32 ": %.*s",
            step->file, step->level, (int)lost.size, (const char *)lost.data);
    buf_deinit(&lost);
    return status;
}

/* ---- Rows one by one --------------------------------------------------------------------------------------------- */

enum status vertex_view_get_key(struct vertex_view *view, uint32_t tree, struct slice key, const char *name,
                                struct engine_value *value) {
    const enum status status = engine_get(view->subject.store.engine, NULL, tree, key, value);
    if (status == STATUS_INVALID) return STATUS_NOT_FOUND; /* no such tree */
    if (status == STATUS_OK || status == STATUS_NOT_FOUND || status == STATUS_NO_MEMORY) return status;
    const enum status noted = vertex_view_note_row(view, name, status);
    return noted == STATUS_OK ? status : noted;
}

enum status vertex_view_get(struct vertex_view *view, const struct graph_place *place, const char *name,
                            struct engine_value *value) {
    return vertex_view_get_key(view, place->tree, graph_place_key(place), name, value);
}

const char *vertex_view_word(struct vertex_view *view, enum graph_vocabulary vocabulary, uint32_t id,
                             char text[VERTEX_WORD_BYTES]) {
    static const char *const names[] = {"label", "type", "key"};
    const struct graph_place place = graph_place_word(view->graph, vocabulary, id);
    struct engine_value value;
    if (engine_get(view->subject.store.engine, NULL, place.tree, graph_place_key(&place), &value) != STATUS_OK) {
        (void)snprintf(text, VERTEX_WORD_BYTES, "%s %" PRIu32, names[vocabulary], id);
        return text;
    }
    report_text(text, VERTEX_WORD_BYTES, value.data, VERTEX_WORD_BYTES / 5);
    engine_value_release(&value);
    return text;
}

/* ---- The node ---------------------------------------------------------------------------------------------------- */

static enum status read_row(struct vertex_view *view) {
    const struct graph_place place = graph_place_node(view->graph, view->id);
    view->status = vertex_view_get(view, &place, "the node's row", &view->value);
    if (view->status != STATUS_OK) return view->status == STATUS_NO_MEMORY ? view->status : STATUS_OK;
    view->status = graph_explain_node(view->value.data, view->id, &view->node);
    if (view->status == STATUS_OK) return STATUS_OK;
    view->node = (struct graph_node){.id = view->id};
    return vertex_view_note(view, "damage: the node's row: %s", status_text(view->status));
}

/* ---- Index rows -------------------------------------------------------------------------------------------------- */

static enum status read_label(struct vertex_view *view, uint32_t label, struct vertex_index_row *row) {
    const struct graph_place place = graph_place_label(view->graph, label, view->id);
    struct engine_value value;
    row->label = label;
    row->bytes = place.size;
    row->status = vertex_view_get(view, &place, "a row of the label index", &value);
    if (row->status == STATUS_OK) engine_value_release(&value);
    if (row->status != STATUS_NOT_FOUND) return row->status == STATUS_NO_MEMORY ? row->status : STATUS_OK;
    return vertex_view_note(view, "lost: the node has label %" PRIu32 ", and the label's index does not have the node",
                            label);
}

static enum status read_external(struct vertex_view *view) {
    struct vertex_index_row *row = &view->external;
    struct buf key = BUF_EMPTY;
    struct engine_value value;
    uint32_t tree = 0;
    uint64_t id = 0;
    enum status status = graph_place_external(view->graph, view->node.external, &tree, &key);
    if (status == STATUS_OK) status = vertex_rows_add_span(&view->rows, VERTEX_EXTERNAL, 0, tree, buf_slice(&key));
    if (status == STATUS_OK)
        row->status = vertex_view_get_key(view, tree, buf_slice(&key), "the row of the external id", &value);
    row->bytes = key.size;
    buf_deinit(&key);
    if (status != STATUS_OK || row->status == STATUS_NO_MEMORY) return status != STATUS_OK ? status : row->status;
    if (row->status == STATUS_NOT_FOUND) return vertex_view_note(view, "lost: the row that leads from the external id");
    if (row->status != STATUS_OK) return STATUS_OK;
    row->bytes += value.data.size;
    row->status = graph_explain_id(value.data, &id);
    engine_value_release(&value);
    if (row->status == STATUS_OK && id != view->id) row->status = STATUS_MISMATCH;
    return row->status == STATUS_OK
               ? STATUS_OK
               : vertex_view_note(view, "damage: the row of the external id leads to another node, or nowhere");
}

static enum status read_indexes(struct vertex_view *view) {
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < view->node.label_count && status == STATUS_OK; i++)
        status = read_label(view, view->node.labels[i], &view->labels[i]);
    return status == STATUS_OK && view->node.external.size ? read_external(view) : status;
}

/* ---- All of it --------------------------------------------------------------------------------------------------- */

static enum status add_place(struct vertex_view *view, enum vertex_part part, uint32_t number,
                             const struct graph_place *place) {
    return vertex_rows_add_span(&view->rows, part, number, place->tree, graph_place_key(place));
}

static bool has_label(const struct vertex_view *view, uint32_t label) {
    return view->status == STATUS_OK && graph_node_has_label(&view->node, label);
}

/* Labels that it may once have had are asked for, too, while they are few. */
static enum status add_spans(struct vertex_view *view) {
    struct graph_place place = graph_place_node(view->graph, view->id);
    enum status status = add_place(view, VERTEX_NODE, 0, &place);
    for (int d = 0; d < 2 && status == STATUS_OK; d++) {
        place = graph_place_head(view->graph, view->id, (enum graph_direction)d);
        if (view->lists[d].wanted)
            status = add_place(view, d == GRAPH_OUT ? VERTEX_OUT_HEAD : VERTEX_IN_HEAD, 0, &place);
    }
    for (uint32_t label = 0; label < view->facts.words[GRAPH_LABEL] && status == STATUS_OK; label++) {
        if (label >= LABELS_ASKED && !has_label(view, label)) continue;
        place = graph_place_label(view->graph, label, view->id);
        status = add_place(view, VERTEX_LABEL, label, &place);
    }
    return status;
}

static enum status judge_strange(struct vertex_view *view) {
    if (!vertex_rows_get(&view->rows, VERTEX_STRANGE, 0)) return STATUS_OK;
    return vertex_view_note(view, "damage: among its lists stands a row whose key is neither a head's nor a block's");
}

/* A node that is not there has no lists. */
static enum status judge_absence(struct vertex_view *view) {
    const uint64_t entries = view->lists[0].sum.entries + view->lists[1].sum.entries;
    const bool has_lists = entries || view->lists[0].degree || view->lists[1].degree;
    if (view->status != STATUS_NOT_FOUND || !has_lists) return STATUS_OK;
    return vertex_view_note(view, "lost: the node's row is not there, though its lists of edges are");
}

enum status vertex_view_read(struct vertex_view *view) {
    view->rows.engine = view->subject.store.engine;
    view->rows.damaged = take_damage;
    view->rows.context = view;
    view->lists[GRAPH_OUT].direction = GRAPH_OUT;
    view->lists[GRAPH_IN].direction = GRAPH_IN;
    enum status status = read_row(view);
    if (status == STATUS_OK) status = add_spans(view);
    if (status == STATUS_OK && view->status == STATUS_OK) status = read_indexes(view);
    if (status == STATUS_OK) status = vertex_rows_find(&view->rows);
    for (int d = 0; d < 2 && status == STATUS_OK; d++)
        if (view->lists[d].wanted) status = vertex_list_read(view, &view->lists[d]);
    if (status == STATUS_OK) status = judge_strange(view);
    if (status == STATUS_OK) status = judge_absence(view);
    if (status == STATUS_OK) status = vertex_lists_count_lost(view);
    return status == STATUS_OK ? vertex_rows_judge(&view->rows, NULL, NULL) : status;
}
