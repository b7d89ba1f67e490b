/* vertex_text: vertex_show for people. */
#include <inttypes.h>
#include <stdio.h>

#include "graph/property.h"
#include "tools/loam/explain/step_text.h"
#include "tools/loam/inspect/report.h"
#include "tools/loam/inspect/vertex/vertex_block.h"
#include "tools/loam/inspect/vertex/vertex_show.h"
#include "tools/loam/terminal.h"

enum { BLOCKS_SHOWN = 64, VERSIONS_SHOWN = 400, TYPES_SHOWN = 16, PROPERTIES_SHOWN = 100 };

struct text {
    struct vertex_view *view;
    const struct vertex_choice *choice;
    struct out out;
    uint64_t versions;
};

static void flush_text(struct text *text) {
    terminal_print(buf_slice(&text->out.text));
    buf_clear(&text->out.text);
}

static bool is_cut(const struct text *text, uint64_t shown, uint64_t limit) {
    return shown >= limit && !text->choice->all;
}

static const char *ones(uint64_t count, const char *one, const char *many) {
    return count == 1 ? one : many;
}

/* ---- The row and its index rows ---------------------------------------------------------------------------------- */

static void tell_labels(struct text *text) {
    struct vertex_view *view = text->view;
    char word[VERTEX_WORD_BYTES];
    for (uint32_t i = 0; i < view->node.label_count; i++) {
        const struct vertex_index_row *row = &view->labels[i];
        out_print(&text->out, "  label     %s  (%" PRIu32 "; its index row: %" PRIu64 " bytes of key%s%s)\n",
                  vertex_view_word(view, GRAPH_LABEL, row->label, word), row->label, row->bytes,
                  row->status == STATUS_OK ? "" : ": ",
                  row->status == STATUS_OK          ? ""
                  : row->status == STATUS_NOT_FOUND ? "NOT THERE"
                                                    : status_text(row->status));
    }
}

static void tell_properties(struct text *text) {
    struct vertex_view *view = text->view;
    struct slice rest = view->node.properties;
    struct graph_property property;
    char word[VERTEX_WORD_BYTES], words[GRAPH_EXPLAIN_WORDS_BYTES];
    uint64_t count = 0;
    for (; graph_property_next(&rest, &property); count++) {
        if (is_cut(text, count, PROPERTIES_SHOWN)) continue;
        graph_explain_value(property.value, words);
        out_print(&text->out, "  property  %s = %s  (%zu bytes, and %zu of its key, %" PRIu32 ")\n",
                  vertex_view_word(view, GRAPH_KEY, property.key, word), words, property.value.size,
                  coding_varint_size(property.key), property.key);
    }
    if (is_cut(text, count, PROPERTIES_SHOWN + 1))
        out_print(&text->out, "  .. and %" PRIu64 " properties more (--all)\n", count - PROPERTIES_SHOWN);
}

static void tell_row(struct text *text) {
    struct vertex_view *view = text->view;
    char external[VERTEX_WORD_BYTES];
    const struct graph_place place = graph_place_node(view->graph, view->id);
    if (view->status != STATUS_OK) {
        out_print(&text->out, "  row       %s\n",
                  view->status == STATUS_NOT_FOUND ? "not there" : status_text(view->status));
        return;
    }
    out_print(&text->out, "  row       %zu bytes, and %u of its key\n", view->value.data.size, place.size);
    tell_labels(text);
    if (view->node.external.size) {
        report_text(external, sizeof external, view->node.external, VERTEX_WORD_BYTES / 5);
        out_print(&text->out, "  external  %s  (its index row: %" PRIu64 " bytes%s%s)\n", external,
                  view->external.bytes, view->external.status == STATUS_OK ? "" : ": ",
                  view->external.status == STATUS_OK ? "" : status_text(view->external.status));
    }
    tell_properties(text);
}

static void tell_head(struct text *text) {
    struct vertex_view *view = text->view;
    const struct engine_mark mark = engine_applied(view->subject.store.engine);
    char name[VERTEX_WORD_BYTES];
    report_text(name, sizeof name, slice_from_text(view->graph_name), VERTEX_WORD_BYTES / 5);
    out_print(&text->out, "node %" PRIu64 " of graph \"%s\" (%" PRIu64 "), as of entry %" PRIu64, view->id, name,
              view->graph, mark.index);
    if (view->facts.next_node)
        out_print(&text->out, "; the graph has %" PRIu64 " nodes and %" PRIu64 " edges", view->facts.node_count,
                  view->facts.edge_count);
    out_print(&text->out, "\n");
    tell_row(text);
    flush_text(text);
}

/* ---- Lists ------------------------------------------------------------------------------------------------------- */

static void tell_types(struct text *text, const struct vertex_type *types, size_t count, uint64_t all) {
    char word[VERTEX_WORD_BYTES];
    for (size_t i = 0; i < count; i++)
        out_print(&text->out, "%s%s %" PRIu64, i ? ", " : "",
                  vertex_view_word(text->view, GRAPH_TYPE, types[i].type, word), types[i].entries);
    if (all > count) out_print(&text->out, ", and %" PRIu64 " more", all - count);
    out_print(&text->out, "\n");
}

static void tell_block(struct text *text, const struct vertex_block *block) {
    const struct vertex_bytes *bytes = &block->bytes;
    const size_t types = bytes->groups < VERTEX_TYPES_SHOWN ? bytes->groups : VERTEX_TYPES_SHOWN;
    if (block->status != STATUS_OK) {
        out_print(&text->out, "%8" PRIu32 "  %s\n", block->number,
                  block->status == STATUS_NOT_FOUND ? "not there: deleted, or dropped when it was empty"
                                                    : status_text(block->status));
        return;
    }
    out_print(&text->out, "%8" PRIu32 " %8" PRIu64 " %7" PRIu64 " %8" PRIu64 " %9.2f %9.2f %9.2f %9.2f  ",
              block->number, bytes->entries, bytes->groups, bytes->value, vertex_bits(bytes->value, bytes->entries),
              vertex_bits(bytes->neighbours, bytes->entries), vertex_bits(bytes->edges, bytes->entries),
              vertex_bits(bytes->group_heads + bytes->versions, bytes->entries));
    tell_types(text, block->types, types, bytes->groups);
}

static void tell_blocks(struct text *text, const struct vertex_list *list) {
    out_print(&text->out, "%8s %8s %7s %8s %9s %9s %9s %9s  %s\n", "block", "entries", "groups", "bytes", "bits/edge",
              "neighbour", "edge", "heads", "types");
    for (size_t i = 0; i < list->block_count; i++) {
        if (is_cut(text, i, BLOCKS_SHOWN)) {
            out_print(&text->out, "      .. and %zu blocks more (--all)\n", list->block_count - i);
            break;
        }
        tell_block(text, &list->blocks[i]);
        flush_text(text);
    }
}

static void tell_sum(struct text *text, const struct vertex_list *list) {
    const struct vertex_bytes *sum = &list->sum;
    const size_t types = list->type_count < TYPES_SHOWN ? list->type_count : TYPES_SHOWN;
    if (sum->entries == 0) return;
    out_print(&text->out,
              "  %" PRIu64 " bytes of blocks: %.2f bits an edge, of which neighbour %.2f, edge %.2f, heads %.2f; with "
              "keys %.2f. Plain, 8 bytes each: %d\n",
              sum->value, vertex_bits(sum->value, sum->entries), vertex_bits(sum->neighbours, sum->entries),
              vertex_bits(sum->edges, sum->entries), vertex_bits(sum->group_heads + sum->versions, sum->entries),
              vertex_bits(sum->value + sum->keys + list->head_bytes + list->head_key_bytes, sum->entries),
              VERTEX_PLAIN_BITS);
    out_print(&text->out, "  types: ");
    tell_types(text, list->types, types, list->type_count);
}

static void tell_list(struct text *text, const struct vertex_list *list) {
    const char *name = list->direction == GRAPH_OUT ? "out" : "in";
    if (list->status == STATUS_NOT_FOUND) {
        out_print(&text->out, "%s: no edges%s\n", name, list->block_count ? "; what is left of blocks:" : "");
    } else if (list->status != STATUS_OK) {
        out_print(&text->out, "%s: the head can't be read: %s\n", name, status_text(list->status));
    } else {
        out_print(&text->out, "%s: degree %" PRIu64 ", %" PRIu64 " %s given out, %zu %s", name, list->degree,
                  list->slots, ones(list->slots, "slot", "slots"), list->block_count,
                  ones(list->block_count, "block", "blocks"));
        if (list->empty) out_print(&text->out, ", %" PRIu64 " of them empty", list->empty);
        if (list->unread) out_print(&text->out, ", %" PRIu64 " CAN'T BE READ", list->unread);
        out_print(&text->out, "; head: %" PRIu64 " bytes, and %" PRIu64 " of its key\n", list->head_bytes,
                  list->head_key_bytes);
    }
    tell_sum(text, list);
    if (list->block_count) tell_blocks(text, list);
    flush_text(text);
}

/* ---- Levels ------------------------------------------------------------------------------------------------------ */

static void tell_source(struct text *text, const struct vertex_source *source) {
    char place[VERTEX_PLACE_BYTES], size[OUT_WORDS_BYTES];
    uint64_t live = 0, live_bytes = 0, dead = 0, dead_bytes = 0;
    for (int f = 0; f < VERTEX_FATES; f++) {
        const bool lives = vertex_fate_lives((enum vertex_fate)f);
        *(lives ? &live : &dead) += source->versions[f];
        *(lives ? &live_bytes : &dead_bytes) += source->bytes[f];
    }
    if (live + dead == 0 && !source->is_damaged) return;
    out_print(&text->out, "  %-22s %10s %8" PRIu64 " %9" PRIu64 " %8" PRIu64 " %9" PRIu64,
              vertex_place_name(source, place), bytes_words(source->file_bytes, size), live, live_bytes, dead,
              dead_bytes);
    for (int f = 0; f < VERTEX_FATES; f++)
        if (source->versions[f])
            out_print(&text->out, "  %" PRIu64 " %s", source->versions[f], vertex_fate_name((enum vertex_fate)f));
    out_print(&text->out, "%s\n", source->is_damaged ? "  DAMAGED" : "");
}

static void tell_sources(struct text *text) {
    const struct vertex_rows *rows = &text->view->rows;
    uint64_t tables = 0;
    out_print(&text->out, "%zu %s, in every level:\n  %-22s %10s %8s %9s %8s %9s\n", rows->row_count,
              ones(rows->row_count, "row", "rows"), "place", "size", "counts", "bytes", "garbage", "bytes");
    for (size_t i = 0; i < rows->source_count; i++)
        if (!rows->sources[i].is_table) tell_source(text, &rows->sources[i]);
    for (uint32_t level = 0; level < ENGINE_LEVELS; level++)
        for (size_t i = 0; i < rows->source_count; i++)
            if (rows->sources[i].is_table && rows->sources[i].level == level) tell_source(text, &rows->sources[i]);
    for (size_t i = 0; i < rows->source_count; i++) tables += rows->sources[i].is_table;
    out_print(&text->out, "  %" PRIu64 " %s been asked: of the node's range of keys\n", tables,
              ones(tables, "table has", "tables have"));
    flush_text(text);
}

static enum status tell_version(void *context, const struct vertex_version *version) {
    struct text *text = context;
    const struct engine_step *step = version->step;
    char row[VERTEX_ROW_NAME_BYTES], place[VERTEX_PLACE_BYTES], block[OUT_WORDS_BYTES] = "", says[VERTEX_SAYS_BYTES];
    if (is_cut(text, text->versions++, VERSIONS_SHOWN)) return STATUS_OK;
    if (version->source->is_table)
        (void)snprintf(block, sizeof block, "%" PRIu32 " at %" PRIu64, step->at, step->offset);
    out_print(&text->out, "  %-16s %-22s %-16s %12" PRIu64 "  %-8s %7zu  %-9s  %s\n",
              vertex_row_name(version->row->part, version->row->number, row), vertex_place_name(version->source, place),
              block, step->sequence, step_entry_name(step->entry), step->value.size, vertex_fate_name(version->fate),
              vertex_says(version, says));
    flush_text(text);
    return text->out.status;
}

static enum status tell_versions(struct text *text) {
    out_print(&text->out, "  %-16s %-22s %-16s %12s  %-8s %7s  %-9s  %s\n", "row", "place", "block", "sequence",
              "entry", "bytes", "is", "says");
    const enum status status = vertex_rows_judge(&text->view->rows, tell_version, text);
    if (is_cut(text, text->versions, VERSIONS_SHOWN + 1))
        out_print(&text->out, "  .. and %" PRIu64 " versions more (--all)\n", text->versions - VERSIONS_SHOWN);
    return status;
}

/* ---- All of it --------------------------------------------------------------------------------------------------- */

static void tell_damage(struct text *text) {
    const struct vertex_view *view = text->view;
    out_print(&text->out, "%.*s", (int)view->damage.size, (const char *)view->damage.data);
    if (view->damage_count > VERTEX_DAMAGE_MAX)
        out_print(&text->out, "    and %" PRIu64 " more of that kind\n", view->damage_count - VERTEX_DAMAGE_MAX);
    if (view->damage.size) out_print(&text->out, "    %s\n", subject_advice(&view->subject));
    flush_text(text);
}

static enum status tell_chosen(struct text *text, struct vertex_choice *choice) {
    for (int d = 0; d < 2; d++) {
        if (!text->view->lists[d].wanted) continue;
        const enum status status = vertex_block_tell(text->view, &text->view->lists[d], choice->block, &text->out);
        if (status == STATUS_NO_MEMORY) return status;
        choice->was_shown |= status != STATUS_NOT_FOUND;
    }
    return STATUS_OK;
}

enum status vertex_show_text(struct vertex_view *view, struct vertex_choice *choice) {
    struct text text = {.view = view, .choice = choice};
    enum status status = STATUS_OK;
    tell_head(&text);
    for (int d = 0; d < 2 && !choice->has_block; d++)
        if (view->lists[d].wanted) tell_list(&text, &view->lists[d]);
    if (choice->has_block) status = tell_chosen(&text, choice);
    if (status == STATUS_OK && !choice->has_block) tell_sources(&text);
    if (status == STATUS_OK && choice->levels) status = tell_versions(&text);
    tell_damage(&text);
    buf_deinit(&text.out.text);
    return status == STATUS_OK ? text.out.status : status;
}
