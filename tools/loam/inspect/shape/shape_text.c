/* shape_text: the shape for a terminal: first what is wrong, then levels, trees, files, and edits. */
#include <inttypes.h>
#include <stdio.h>

#include "tools/loam/inspect/shape/key_words.h"
#include "tools/loam/inspect/shape/shape.h"

enum { FILES_SHOWN = 12, EDITS_SHOWN = 5, CHANGES_SHOWN = 12, BAR_WIDTH = 24 };

void shape_text_findings(struct out *out, const struct findings *findings) {
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        out_print(out, "%s%s%s: ", finding_weight_name(finding->weight), finding->file[0] ? " " : "", finding->file);
        if (finding->has_offset && !strstr(finding->what, "offset"))
            out_print(out, "offset %" PRIu64 ": ", finding->offset);
        out_print(out, "%s\n", finding->what);
        if (finding->lost[0]) out_print(out, "    affected: %s\n", finding->lost);
        const bool is_said = i + 1 < findings->count && strcmp(finding->advice, finding[1].advice) == 0;
        if (finding->advice[0] && !is_said) out_print(out, "    to do: %s\n", finding->advice);
    }
    const uint64_t all =
        findings->counts[FINDING_NOTE] + findings->counts[FINDING_TORN] + findings->counts[FINDING_CORRUPT];
    if (all > findings->count) out_print(out, "and %" PRIu64 " findings more\n", all - findings->count);
    if (all) out_print(out, "\n");
}

static void print_head(struct out *out, const struct shape *shape) {
    const struct shape_history *history = &shape->source.history;
    char words[OUT_WORDS_BYTES];
    out_print(out, "%s: ", shape->source.dir[0] ? shape->source.dir : shape->given);
    if (history->edit_count == 0) {
        out_print(out, "no edit of a manifest can be read, so the shape is not known\n");
        return;
    }
    out_print(out, "manifest %" PRIu64 " of store %016" PRIx64 ", generation %" PRIu64 ", %s\n", history->id.number,
              history->id.store, history->id.generation, bytes_words(history->bytes, words));
    const struct shape_history_edit *first = &history->edits[0], *last = &history->edits[history->edit_count - 1];
    out_print(out, "It has the edits %" PRIu64 " to %" PRIu64 "; edit %" PRIu64 " (%s) is %s.\n", first->number,
              last->number, first->number, edit_cause_name(first->cause),
              first->cause == EDIT_CREATE ? "the store's first"
                                          : "the whole state of its time, and what came before is gone");
    if (!shape->source.dir[0]) out_print(out, "A manifest alone: the files that it names were not looked for.\n");
}

/* ---- The edit ---------------------------------------------------------------------------------------------------- */

static void print_change(struct out *out, const struct shape *shape, const char *sign, uint32_t file) {
    const struct edit_file *meta = &shape->source.history.files[file].meta;
    char span[SPAN_WORDS_BYTES], tree[TREE_WORDS_BYTES], words[OUT_WORDS_BYTES];
    span_words(&shape->source.history, meta, span);
    tree_words(&shape->source.history, meta->instance, tree);
    out_print(out, "  %s %010" PRIu64 ".sst  level %" PRIu32 " of %s, %s, keys %s\n", sign, meta->number, meta->level,
              tree, bytes_words(meta->bytes, words), span);
}

static void print_changes(struct out *out, const struct shape *shape, const struct shape_history_edit *edit) {
    for (uint32_t i = 0; i < edit->removed && i < CHANGES_SHOWN; i++)
        print_change(out, shape, "-", shape->source.history.removed[edit->removed_at + i]);
    if (edit->removed > CHANGES_SHOWN) out_print(out, "  - and %" PRIu32 " more\n", edit->removed - CHANGES_SHOWN);
    for (uint32_t i = 0; i < edit->added && i < CHANGES_SHOWN; i++) print_change(out, shape, "+", edit->added_at + i);
    if (edit->added > CHANGES_SHOWN) out_print(out, "  + and %" PRIu32 " more\n", edit->added - CHANGES_SHOWN);
}

static void print_edit(struct out *out, const struct shape *shape) {
    const struct shape_history_edit *edit = &shape->source.history.edits[shape->state.at];
    const struct state *state = &shape->state;
    char words[OUT_WORDS_BYTES], when[OUT_WORDS_BYTES];
    out_print(out, "Shown: edit %" PRIu64 " (%s), log time %s: %" PRIu32 " files added, %" PRIu32 " removed",
              edit->number, edit_words(edit->cause, edit->job, words), time_words(edit->time_ms, when), edit->added,
              edit->removed);
    if (edit->created || edit->dropped)
        out_print(out, "; %" PRIu32 " trees created, %" PRIu32 " dropped", edit->created, edit->dropped);
    out_print(out,
              ".\nIn tables is everything up to index %" PRIu64 " of term %" PRIu64 ", sequence %" PRIu64
              "; format level %" PRIu32 ".\n\n",
              state->mark.index, state->mark.term, state->last_sequence, state->format_level);
    const bool is_last = state->at + 1 == shape->source.history.edit_count;
    if (!is_last) print_changes(out, shape, edit);
    if (!is_last && edit->added + edit->removed > 0) out_print(out, "\n");
}

/* ---- Tables ------------------------------------------------------------------------------------------------------ */

static void print_sums(struct out *out, const struct state *state, const char *name, const struct state_sums *sums) {
    const uint32_t tombstones = state_tombstone_thousandths(sums);
    const int64_t now_ms = state->history->edits[state->at].time_ms;
    char bytes[OUT_WORDS_BYTES], age[OUT_WORDS_BYTES] = "";
    if (sums->files && sums->oldest_ms > 0 && sums->oldest_ms <= now_ms) age_words(now_ms - sums->oldest_ms, age);
    out_print(out, "%-28s %7" PRIu64 " %10s %11" PRIu64 " %7u.%u %% %9" PRIu64 " %9" PRIu64 " %9s", name, sums->files,
              bytes_words(sums->bytes, bytes), sums->entries, tombstones / 10, tombstones % 10, sums->range_deletes,
              sums->hidden, age);
}

static void print_bar(struct out *out, const struct state *state, uint64_t bytes) {
    const double part = state->all.bytes ? (double)bytes / (double)state->all.bytes : 0;
    const unsigned width = (unsigned)(part * BAR_WIDTH + 0.5);
    out_print(out, "  ");
    for (unsigned i = 0; i < width; i++) out_print(out, "#");
    if (bytes > 0 && width == 0) out_print(out, ".");
    out_print(out, "\n");
}

static void print_tables(struct out *out, const struct state *state) {
    char name[TREE_WORDS_BYTES];
    out_print(out, "%-28s %7s %10s %11s %11s %9s %9s %9s\n", "", "files", "bytes", "entries", "tombstones", "ranges",
              "hidden", "oldest");
    for (unsigned i = 0; i < ENGINE_LEVELS; i++) {
        if (state->levels[i].files == 0) continue;
        (void)snprintf(name, sizeof name, "level %u", i);
        print_sums(out, state, name, &state->levels[i]);
        print_bar(out, state, state->levels[i].bytes);
    }
    for (size_t i = 0; i < state->tree_count; i++) {
        tree_words(state->history, state->trees[i].instance, name);
        if (state->trees[i].sums.files == 0) continue;
        print_sums(out, state, name, &state->trees[i].sums);
        print_bar(out, state, state->trees[i].sums.bytes);
    }
    print_sums(out, state, "all", &state->all);
    out_print(out, "\n\n");
}

static void print_garbage(struct out *out, const struct shape *shape) {
    const struct state *state = &shape->state;
    const struct judgement *judgement = &shape->judgement;
    const struct state_sums *all = &state->all;
    char bytes[OUT_WORDS_BYTES], used[OUT_WORDS_BYTES];
    uint64_t above = 0, over = 0;
    for (size_t i = 0; i < state->count; i++) {
        above += state_file(state, i)->meta.bytes * (state->rows[i].below.files > 0);
        over += state->rows[i].below.files > 0;
    }
    out_print(out,
              "garbage: %" PRIu64 " deletes and %" PRIu64 " range deletes, %" PRIu64
              " versions behind newer ones; %" PRIu64 " files of %s lie over files of a deeper level\n",
              all->deletes, all->range_deletes, all->hidden, over, bytes_words(above, bytes));
    if (state->value_files > 0)
        out_print(out,
                  "values kept apart: %" PRIu64 " files of %s; %s of them are referred to, %" PRIu64 " of %" PRIu64
                  " values\n",
                  state->value_files, bytes_words(state->value_bytes, bytes),
                  bytes_words(state->used_value_bytes, used), state->used_value_records, state->value_records);
    if (judgement->orphan_count > 0)
        out_print(out, "%zu files of %s that no edit names\n", judgement->orphan_count,
                  bytes_words(judgement->orphan_bytes, bytes));
    out_print(out, "\n");
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

static void print_overlap(struct out *out, const struct state_row *row) {
    char bytes[OUT_WORDS_BYTES];
    if (row->beside.files > 0) out_print(out, ", beside %" PRIu32 " of its level", row->beside.files);
    if (row->below.files > 0)
        out_print(out, ", over %" PRIu32 " of level %" PRIu32 " (%s)", row->below.files, row->below_level,
                  bytes_words(row->below.bytes, bytes));
}

static void print_file(struct out *out, const struct shape *shape, size_t at) {
    const struct state *state = &shape->state;
    const struct state_row *row = &state->rows[at];
    const struct shape_history_file *file = state_file(state, at);
    const struct shape_history *history = state->history;
    struct state_sums sums = {.files = 0};
    char bytes[OUT_WORDS_BYTES], age[OUT_WORDS_BYTES] = "?", span[SPAN_WORDS_BYTES];
    const int64_t now_ms = history->edits[state->at].time_ms;
    const enum judged judged = shape_judged(shape, row->file);
    state_sums_add(&sums, &file->meta);
    if (file->meta.oldest_ms > 0 && file->meta.oldest_ms <= now_ms) age_words(now_ms - file->meta.oldest_ms, age);
    const uint32_t tombstones = state_tombstone_thousandths(&sums);
    span_words(history, &file->meta, span);
    out_print(out,
              "  %010" PRIu64 ".sst %10s, %" PRIu64 " entries, %u.%u %% tombstones, oldest data %s, edit %" PRIu64
              " (%s)",
              file->meta.number, bytes_words(file->meta.bytes, bytes), file->meta.entries, tombstones / 10,
              tombstones % 10, age, history->edits[file->born].number, shape_cause_name(shape, row->file));
    print_overlap(out, row);
    if (judged == JUDGED_LEFT && file->gone != HISTORY_STAYS)
        out_print(out, "; removed by edit %" PRIu64, history->edits[file->gone].number);
    else if (judged != JUDGED_NOT)
        out_print(out, "; %s%s", judged > JUDGED_LEFT ? "** " : "", judged_name(judged));
    out_print(out, "\n      keys %s\n", span);
}

static bool is_shown(const struct shape *shape, size_t at, size_t shown) {
    return shown < FILES_SHOWN || shape_judged(shape, shape->state.rows[at].file) > JUDGED_LEFT;
}

static void print_files(struct out *out, const struct shape *shape, bool all) {
    const struct state *state = &shape->state;
    char name[TREE_WORDS_BYTES];
    for (size_t at = 0; at < state->count;) {
        const struct edit_file *first = &state_file(state, at)->meta;
        size_t shown = 0, hidden = 0;
        tree_words(state->history, first->instance, name);
        out_print(out, "%s, level %" PRIu32 "%s\n", name, first->level, first->level == 0 ? ", newest first" : "");
        for (; at < state->count; at++) {
            const struct edit_file *file = &state_file(state, at)->meta;
            if (file->instance != first->instance || file->level != first->level) break;
            const bool is_one = all || is_shown(shape, at, shown);
            if (is_one) print_file(out, shape, at);
            shown += is_one;
            hidden += !is_one;
        }
        if (hidden) out_print(out, "  and %zu files more (--files shows them)\n", hidden);
    }
}

/* ---- Edits ------------------------------------------------------------------------------------------------------- */

static void print_edits(struct out *out, const struct shape *shape, bool all) {
    const struct shape_history *history = &shape->source.history;
    const size_t count = history->edit_count, from = all || count < EDITS_SHOWN ? 0 : count - EDITS_SHOWN;
    char words[OUT_WORDS_BYTES], when[OUT_WORDS_BYTES];
    out_print(out, "\n%s\n", all ? "edits" : "last edits (--edits shows all; --at EDIT goes back to one)");
    for (size_t i = from; i < count; i++) {
        const struct shape_history_edit *edit = &history->edits[i];
        out_print(out, "  %-8" PRIu64 " %s  %-22s +%" PRIu32 " -%" PRIu32 " files", edit->number,
                  time_words(edit->time_ms, when), edit_words(edit->cause, edit->job, words), edit->added,
                  edit->removed);
        if (edit->created || edit->dropped)
            out_print(out, ", +%" PRIu32 " -%" PRIu32 " trees", edit->created, edit->dropped);
        out_print(out, "\n");
    }
}

/* Where the manifest is damaged: what tables say of themselves. */
static void print_orphans(struct out *out, const struct judgement *judgement) {
    for (size_t i = 0; i < judgement->orphan_count; i++) {
        const struct judged_orphan *orphan = &judgement->orphans[i];
        if (!orphan->what[0]) continue;
        if (i == 0) out_print(out, "\ntables that no edit names, by their own word\n");
        out_print(out, "  %010" PRIu64 ".sst, %" PRIu64 " bytes: %s\n", orphan->number, orphan->bytes, orphan->what);
    }
}

void shape_text(struct out *out, const struct shape *shape, const struct shape_text_options *options) {
    print_head(out, shape);
    if (shape->has_state) print_edit(out, shape);
    shape_text_findings(out, &shape->findings);
    if (shape->has_state) {
        print_tables(out, &shape->state);
        print_garbage(out, shape);
        print_files(out, shape, options->all_files);
        print_edits(out, shape, options->edits);
    }
    print_orphans(out, &shape->judgement);
    const struct judgement *judgement = &shape->judgement;
    char bytes[OUT_WORDS_BYTES];
    if (judgement->read_files > 0)
        out_print(out, "\nread %" PRIu64 " tables whole, %s; ", judgement->read_files,
                  bytes_words(judgement->read_bytes, bytes));
    else
        out_print(out, "\n");
    const char *scope = !shape->source.dir[0] ? " (the manifest alone)"
                        : judgement->is_quick
                            ? " (names, sizes and headers; without --quick and --at tables are read whole)"
                            : " (manifest and tables; 'loam verify' reads the log and OPTIONS, too)";
    out_print(out, "verdict: %s%s\n", findings_verdict(&shape->findings), scope);
}
