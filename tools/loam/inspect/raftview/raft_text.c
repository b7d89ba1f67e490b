/* raft_text: one node. What is wrong comes first, with what it cost and who has it. */
#include "tools/loam/inspect/raftview/raft_text.h"

#include <inttypes.h>
#include <stdio.h>

#include "tools/loam/inspect/raftview/raft_strip.h"

enum { RUNS_SHOWN = 24, SEGMENTS_SHOWN = 16, LABEL = 20 /* columns before a strip */ };

/* ---- What is wrong ----------------------------------------------------------------------------------------------- */

/* Which others have all of what was lost. */
static void put_helpers(struct out *out, const struct raft_view *view, const struct raft_compare *compare,
                        const struct raft_view_problem *problem) {
    unsigned have = 0;
    const uint64_t to = problem->lost_to ? problem->lost_to : problem->lost_from;
    for (size_t i = 0; i < compare->count; i++) {
        const struct raft_view *other = compare->views[i];
        if (other == view) continue;
        const enum raft_view_at ends[2] = {raft_view_at(other, problem->lost_from), raft_view_at(other, to)};
        const size_t rows = raft_view_seek(other, to + 1) - raft_view_seek(other, problem->lost_from);
        const bool in_store = ends[1] == RAFT_VIEW_IN_STORE;
        const bool has =
            in_store || ends[0] == RAFT_VIEW_IN_STORE
                ? ends[1] == RAFT_VIEW_HELD || in_store
                : ends[0] == RAFT_VIEW_HELD && ends[1] == RAFT_VIEW_HELD && rows == to - problem->lost_from + 1;
        if (!has) continue;
        out_print(out, "%s%s%s",
                  have++             ? ", "
                  : problem->lost_to ? "; had by "
                                     : "; the first of them is had by ",
                  raft_view_name(other), in_store ? " (in its store)" : "");
    }
    if (have == 0 && compare->count > 1) out_print(out, "; none of the other directories here has them all");
}

static void put_lost(struct out *out, const struct raft_view *view, const struct raft_compare *compare,
                     const struct raft_view_problem *problem) {
    if (problem->lost_from == 0) return;
    if (problem->lost_to == 0)
        out_print(out, "    may be lost here: entries from %" PRIu64 " on; how many, this log can't tell",
                  problem->lost_from);
    else {
        out_print(out, "    lost here: ");
        raft_words_entries(out, "e", problem->lost_from, problem->lost_to);
    }
    if (compare) put_helpers(out, view, compare, problem);
    out_print(out, "\n");
}

static void put_problems(struct out *out, const struct raft_view *view, const struct raft_compare *compare) {
    for (size_t i = 0; i < raft_view_problems_kept(view); i++) {
        const struct raft_view_problem *problem = &view->problems[i];
        const char *file = raft_view_short(view, problem->path);
        out_print(out, "  %s: %s", problem->verdict == RAFT_VIEW_TORN ? "torn" : "CORRUPT",
                  strcmp(file, ".") == 0 ? "the directory" : file);
        if (problem->to > problem->from + 1)
            out_print(out, ", bytes %" PRIu64 " to %" PRIu64, problem->from, problem->to - 1);
        else if (problem->to > problem->from)
            out_print(out, ", byte %" PRIu64, problem->from);
        out_print(out, ": %s\n", problem->text);
        put_lost(out, view, compare, problem);
    }
    if (view->problem_count > RAFT_VIEW_PROBLEMS_MAX)
        out_print(out, "  and %zu problems more\n", view->problem_count - RAFT_VIEW_PROBLEMS_MAX);
}

/* ---- Who and what ------------------------------------------------------------------------------------------------ */

static void put_slots(struct out *out, const struct raft_view *view) {
    static const char *const states[] = {"does not verify", "was never written"};
    for (unsigned i = 0; view->superblock_status == STATUS_OK && i < 2; i++) {
        const struct raft_survey_slot *slot = &view->superblock.slots[i];
        out_print(out, "%sslot %u ", i ? "; " : "", i);
        if (slot->status != STATUS_OK)
            out_print(out, "%s", states[slot->status == STATUS_NOT_FOUND]);
        else
            out_print(out, "generation %" PRIu64 ", term %" PRIu64 ", vote %" PRIu64 "%s", slot->generation, slot->term,
                      slot->vote, view->superblock.counts == (int)i ? " (counts)" : "");
    }
}

static void put_identity(struct out *out, const struct raft_view *view) {
    out_print(out, "%s", view->dir);
    if (!view->slot) {
        if (view->node_id)
            out_print(out, ": node %" PRIu64 ", by its log: others here have met its owner\n", view->node_id);
        else
            out_print(out, ": which node it is, nothing tells\n");
        return;
    }
    const struct raft_survey_slot *slot = view->slot;
    out_print(out, ": node %" PRIu64 " of cluster %016" PRIx64 "%s%s\n", view->node_id, slot->identity.cluster_id,
              slot->is_witness ? ", a witness" : "", slot->is_founder ? "" : ", added to it later");
}

static void put_promise(struct out *out, const struct raft_view *view) {
    if (view->slot) {
        out_print(out, "  promised   term %" PRIu64 ", ", view->slot->term);
        if (view->slot->vote)
            out_print(out, "vote for node %" PRIu64 "\n", view->slot->vote);
        else
            out_print(out, "no vote yet\n");
    }
    if (view->superblock_status == STATUS_OK) {
        out_print(out, "  superblock ");
        put_slots(out, view);
        out_print(out, "\n");
    }
    if (view->slot && view->slot->doubt_term)
        out_print(out,
                  "  doubt      damage was met: what it acknowledged in terms up to %" PRIu64
                  " is being had from the others; it does not campaign\n",
                  view->slot->doubt_term);
}

/* What a repair left behind. */
static void put_set_aside(struct out *out, const struct raft_view *view) {
    char path[IO_PATH_BYTES];
    if (!view->slot) return;
    if (view->slot->set_aside_log && raft_survey_log_path(view->dir, view->slot->set_aside_log - 1, path) == STATUS_OK)
        out_print(out, "  set aside  %s: a log that was damaged, kept for people; nothing of it counts\n",
                  raft_view_short(view, path));
    if (view->slot->set_aside_store &&
        raft_survey_store_path(view->dir, view->slot->set_aside_store, path) == STATUS_OK)
        out_print(out, "  set aside  %s: a store that was damaged, kept for people; nothing of it counts\n",
                  raft_view_short(view, path));
}

static void put_store(struct out *out, const struct raft_view *view) {
    if (!view->has_store) {
        out_print(out, "  store      %s is not there\n", raft_view_short(view, view->store_path));
        return;
    }
    out_print(out, "  store      %s: ", raft_view_short(view, view->store_path));
    if (view->store.index == 0)
        out_print(out, "%s\n",
                  view->store_status == STATUS_OK ? "nothing was flushed yet, so the log holds all"
                                                  : "what it was flushed with can't be read");
    else
        out_print(out,
                  "flushed with entry %" PRIu64 " of term %" PRIu64
                  ": what the log may drop, and a snapshot starts from\n",
                  view->store.index, view->store.term);
}

static void put_configuration(struct out *out, const struct raft_configuration *configuration) {
    struct buf text = BUF_EMPTY;
    if (raft_configuration_print(&text, configuration) != STATUS_OK) out->status = STATUS_NO_MEMORY;
    out_print(out, "%.*s", (int)text.size, (const char *)text.data);
    buf_deinit(&text);
}

static void put_members(struct out *out, const struct raft_view *view) {
    const char *label = "members";
    if (view->store.has_configuration) {
        out_print(out, "  %-10s ", label);
        put_configuration(out, &view->store.configuration);
        out_print(out, " in the store, as of entry %" PRIu64 "\n", view->store.index);
        label = "";
    }
    for (size_t i = 0; i < view->configuration_count; i++, label = "") {
        const struct raft_view_configuration *configuration = &view->configurations[i];
        out_print(out, "  %-10s ", label);
        put_configuration(out, &configuration->configuration);
        out_print(out, " from entry %" PRIu64 " of term %" PRIu64 " on%s\n", configuration->index, configuration->term,
                  configuration->index > view->commit ? ", which is not known to be committed" : "");
    }
    if (!*label || !view->slot) return;
    out_print(out, "  members    no change is recorded here: the founders; it has met%s",
              view->slot->met_count == 0 ? " nobody" : "");
    for (unsigned i = 0; i < view->slot->met_count; i++)
        out_print(out, "%s %" PRIu64, i ? "," : " nodes", view->slot->met[i].node_id);
    out_print(out, "\n");
}

/* ---- The log ----------------------------------------------------------------------------------------------------- */

static void put_log(struct out *out, const struct raft_view *view) {
    char bytes[OUT_WORDS_BYTES];
    uint64_t sum = 0;
    if (!view->has_log) {
        out_print(out, "  log        none: %s is not there\n", raft_view_short(view, view->log_path));
        return;
    }
    for (size_t i = 0; i < view->entry_count; i++) sum += view->entries[i].size;
    out_print(out, "  log        %s: ", raft_view_short(view, view->log_path));
    if (view->entry_count == 0)
        out_print(out, "no entry");
    else
        out_print(out, "entries %" PRIu64 " to %" PRIu64 ", terms %" PRIu64 " to %" PRIu64 ", %s",
                  view->entries[0].index, raft_view_last(view), view->entries[0].term, raft_view_last_term(view),
                  bytes_words(sum, bytes));
    if (view->left_out)
        out_print(out, "; %" PRIu64 " older ones are left out here (limit %d)", view->left_out, RAFT_VIEW_ENTRIES_MAX);
    if (view->cuts)
        out_print(out, "; cut %" PRIu64 " times, which took back %" PRIu64 " entries", view->cuts, view->cut_entries);
    out_print(out, "\n");
    const uint64_t last = raft_view_last(view);
    out_print(out, "  committed  up to %" PRIu64 " as far as it knows", view->commit);
    if (last > view->commit) out_print(out, "; beyond that ");
    if (last > view->commit) raft_words_entries(out, "e", view->commit + 1, last);
    out_print(out, "\n");
}

static void put_segments(struct out *out, const struct raft_view *view) {
    static const char *const words[] = {"", ", header damaged", ", of another log", ", renamed", ", cut short"};
    const size_t skipped = view->segment_count > SEGMENTS_SHOWN ? view->segment_count - SEGMENTS_SHOWN : 0;
    if (skipped) out_print(out, "  segments   %zu older ones, then\n", skipped);
    for (size_t i = skipped; i < view->segment_count; i++) {
        const struct raft_view_segment *segment = &view->segments[i];
        out_print(out, "  %-10s %08" PRIx32 ".wal, %" PRIu64 " bytes: ", i == 0 ? "segments" : "", segment->number,
                  segment->bytes);
        if (segment->entries == 0)
            out_print(out, "no entry that counts%s\n", words[segment->fit]);
        else
            raft_words_entries(out, "e", segment->first, segment->last);
        if (segment->entries > 0) out_print(out, "%s\n", words[segment->fit]);
    }
}

/* Entries of one term and kind, without a gap. */
static size_t run_end(const struct raft_view *view, size_t begin) {
    size_t end = begin + 1;
    const struct raft_view_entry *first = &view->entries[begin];
    while (end < view->entry_count && view->entries[end].term == first->term &&
           view->entries[end].kind == first->kind && view->entries[end].index == view->entries[end - 1].index + 1)
        end++;
    return end;
}

static void put_run(struct out *out, const struct raft_view *view, size_t begin, size_t end, const char *label) {
    uint64_t sum = 0, least = UINT64_MAX, most = 0;
    const struct raft_view_entry *first = &view->entries[begin], *last = &view->entries[end - 1];
    char bytes[OUT_WORDS_BYTES];
    for (size_t i = begin; i < end; i++) {
        const uint64_t size = view->entries[i].size;
        sum += size;
        if (size < least) least = size;
        if (size > most) most = size;
    }
    out_print(out, "  %-10s %10" PRIu64 " to %-10" PRIu64 " term %-4" PRIu64 " %zu %s%s, %s", label, first->index,
              last->index, first->term, end - begin, raft_view_kind_name(first->kind), end - begin > 1 ? "s" : "",
              bytes_words(sum, bytes));
    if (least < most) out_print(out, ", each %" PRIu64 " to %" PRIu64, least, most);
    out_print(out, "\n");
}

static void put_runs(struct out *out, const struct raft_view *view) {
    size_t runs = 0, skipped = 0, number = 0;
    for (size_t at = 0; at < view->entry_count; at = run_end(view, at)) runs++;
    if (runs > RUNS_SHOWN) skipped = runs - RUNS_SHOWN;
    if (skipped) out_print(out, "  runs       %zu older ones, then\n", skipped);
    uint64_t expected = 0;
    for (size_t at = 0; at < view->entry_count; number++) {
        const size_t end = run_end(view, at);
        const uint64_t index = view->entries[at].index;
        if (number >= skipped && expected && index > expected)
            out_print(out, "  %-10s %10" PRIu64 " to %-10" PRIu64 " LOST\n", "", expected, index - 1);
        if (number >= skipped) put_run(out, view, at, end, number == 0 ? "runs" : "");
        expected = view->entries[end - 1].index + 1;
        at = end;
    }
}

void raft_text_node(struct out *out, const struct raft_view *view, const struct raft_compare *compare,
                    unsigned columns) {
    const bool is_alone = compare == NULL;
    put_identity(out, view);
    put_problems(out, view, compare);
    put_promise(out, view);
    put_set_aside(out, view);
    put_store(out, view);
    put_log(out, view);
    put_members(out, view);
    put_segments(out, view);
    if (is_alone) put_runs(out, view);
    if (is_alone && view->entry_count > 0) {
        struct raft_strip strip;
        raft_strip_make(&strip, &view, 1, columns > LABEL + 10 ? columns - LABEL : 10);
        out_print(out, "\n");
        raft_strip_print(out, &strip, view, "  ");
        raft_strip_print_key(out, &strip, "  ");
    }
    out_print(out, "\n");
}
