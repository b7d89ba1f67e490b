/* shape_diff: two states beside one another, for a terminal and for programs. */
#include <inttypes.h>
#include <stdio.h>

#include "tools/loam/inspect/shape/diff.h"
#include "tools/loam/inspect/shape/key_words.h"
#include "tools/loam/inspect/shape/shape.h"

static uint64_t edit_number(const struct shape *shape) {
    return shape->source.history.edits[shape->state.at].number;
}

static void print_side(struct out *out, const char *name, const struct shape *shape) {
    const struct shape_history_edit *edit = &shape->source.history.edits[shape->state.at];
    char words[OUT_WORDS_BYTES], when[OUT_WORDS_BYTES];
    out_print(
        out,
        "%s: edit %" PRIu64 " (%s) of %s, store %016" PRIx64 ", log time %s; index %" PRIu64 " of term %" PRIu64 "\n",
        name, edit->number, edit_words(edit->cause, edit->job, words), shape->given, shape->source.history.id.store,
        time_words(edit->time_ms, when), shape->state.mark.index, shape->state.mark.term);
}

static void print_levels(struct out *out, const struct state *before, const struct state *after) {
    char from[OUT_WORDS_BYTES], to[OUT_WORDS_BYTES];
    out_print(out, "%-10s %16s %12s %26s\n", "", "files", "", "bytes");
    for (unsigned i = 0; i <= ENGINE_LEVELS; i++) {
        const struct state_sums *a = i < ENGINE_LEVELS ? &before->levels[i] : &before->all;
        const struct state_sums *b = i < ENGINE_LEVELS ? &after->levels[i] : &after->all;
        char name[16] = "all";
        if (i < ENGINE_LEVELS && a->files == 0 && b->files == 0) continue;
        if (i < ENGINE_LEVELS) (void)snprintf(name, sizeof name, "level %u", i);
        out_print(out, "%-10s %12" PRIu64 " -> %-12" PRIu64 " %12s -> %-12s %s%" PRIu64 " bytes\n", name, a->files,
                  b->files, bytes_words(a->bytes, from), bytes_words(b->bytes, to), b->bytes < a->bytes ? "-" : "+",
                  b->bytes < a->bytes ? a->bytes - b->bytes : b->bytes - a->bytes);
    }
}

static void print_item(struct out *out, const struct shape *before, const struct shape *after,
                       const struct diff_item *item) {
    const struct edit_file *file = item->after ? item->after : item->before;
    const struct shape_history *history = item->after ? &after->source.history : &before->source.history;
    static const char signs[] = {[DIFF_REMOVED] = '-', [DIFF_ADDED] = '+', [DIFF_MOVED] = '>'};
    char span[SPAN_WORDS_BYTES], tree[TREE_WORDS_BYTES], bytes[OUT_WORDS_BYTES], from[32] = "";
    span_words(history, file, span);
    tree_words(history, file->instance, tree);
    if (item->kind == DIFF_MOVED) (void)snprintf(from, sizeof from, "level %" PRIu32 " to ", item->before->level);
    out_print(out, "%c %010" PRIu64 ".sst  %slevel %" PRIu32 " of %s, %s, %" PRIu64 " entries, keys %s\n",
              signs[item->kind], file->number, from, file->level, tree, bytes_words(file->bytes, bytes), file->entries,
              span);
}

static enum status make(struct out *out, struct diff *diff, const struct shape *before, const struct shape *after) {
    const enum status status = diff_make(diff, &before->state, &after->state);
    if (status != STATUS_OK && out->status == STATUS_OK) out->status = status;
    return status;
}

void shape_diff_text(struct out *out, const struct shape *before, const struct shape *after) {
    struct diff diff;
    char bytes[OUT_WORDS_BYTES];
    if (make(out, &diff, before, after) != STATUS_OK) return;
    shape_text_findings(out, &before->findings);
    if (after->findings.items != before->findings.items) shape_text_findings(out, &after->findings);
    print_side(out, "A", before);
    print_side(out, "B", after);
    out_print(out, "\n");
    print_levels(out, &before->state, &after->state);
    out_print(out,
              "\n%zu files of A are not in B (-), %zu of B not in A (+), %zu are on another level (>); %" PRIu64
              " are in both, %s\n",
              diff.counts[DIFF_REMOVED], diff.counts[DIFF_ADDED], diff.counts[DIFF_MOVED], diff.same_files,
              bytes_words(diff.same_bytes, bytes));
    for (size_t i = 0; i < diff.count; i++) print_item(out, before, after, &diff.items[i]);
    diff_deinit(&diff);
}

static void put_side(struct out *out, const char *name, const struct shape *shape) {
    out_print(out, "\"%s\":{\"path\":", name);
    out_json(out, shape->given);
    out_print(out,
              ",\"edit\":%" PRIu64 ",\"store\":\"%016" PRIx64 "\",\"verdict\":\"%s\",\"index\":%" PRIu64
              ",\"term\":%" PRIu64 ",",
              edit_number(shape), shape->source.history.id.store, findings_verdict(&shape->findings),
              shape->state.mark.index, shape->state.mark.term);
    shape_json_findings(out, &shape->findings);
    out_print(out, ",\"levels\":[");
    for (unsigned i = 0; i < ENGINE_LEVELS; i++) {
        out_print(out, "%s{\"level\":%u,", i ? "," : "", i);
        shape_json_sums(out, &shape->state.levels[i]);
        out_print(out, "}");
    }
    out_print(out, "]},\n ");
}

static void put_items(struct out *out, const struct shape *before, const struct shape *after, const struct diff *diff,
                      enum diff_kind kind) {
    bool is_first = true;
    out_print(out, "\"%s\":[", diff_kind_name(kind));
    for (size_t i = 0; i < diff->count; i++) {
        const struct diff_item *item = &diff->items[i];
        if (item->kind != kind) continue;
        out_print(out, "%s\n  {", is_first ? "" : ",");
        shape_json_file(out, item->after ? &after->source.history : &before->source.history,
                        item->after ? item->after : item->before);
        if (kind == DIFF_MOVED) out_print(out, ",\"from_level\":%" PRIu32, item->before->level);
        out_print(out, "}");
        is_first = false;
    }
    out_print(out, "]");
}

void shape_diff_json(struct out *out, const struct shape *before, const struct shape *after) {
    struct diff diff;
    if (make(out, &diff, before, after) != STATUS_OK) return;
    out_print(out, "{\"schema\":1,");
    put_side(out, "a", before);
    put_side(out, "b", after);
    out_print(out, "\"same_files\":%" PRIu64 ",\"same_bytes\":%" PRIu64 ",\n ", diff.same_files, diff.same_bytes);
    put_items(out, before, after, &diff, DIFF_REMOVED);
    out_print(out, ",\n ");
    put_items(out, before, after, &diff, DIFF_ADDED);
    out_print(out, ",\n ");
    put_items(out, before, after, &diff, DIFF_MOVED);
    out_print(out, "}\n");
    diff_deinit(&diff);
}
