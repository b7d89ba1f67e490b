/* raft_compare_text: logs side by side, for people: a table of who has what, then sentences that say what it means. */
#include <inttypes.h>
#include <stdio.h>

#include "tools/loam/inspect/raftview/raft_strip.h"
#include "tools/loam/inspect/raftview/raft_text.h"

enum { SPANS_SHOWN = 40, NAME_COLUMNS = 14, STRIP_LABEL = 26 };

/* ---- Table of nodes ---------------------------------------------------------------------------------------------- */

static void put_members(struct out *out, const struct raft_compare *compare) {
    struct buf text = BUF_EMPTY;
    if (compare->configuration.voter_count == 0) {
        out_print(out, "members      not known: no directory tells\n");
        return;
    }
    if (raft_configuration_print(&text, &compare->configuration) != STATUS_OK) out->status = STATUS_NO_MEMORY;
    out_print(out, "members      %.*s", (int)text.size, (const char *)text.data);
    buf_deinit(&text);
    if (compare->configuration_index)
        out_print(out, ", as of entry %" PRIu64 "\n", compare->configuration_index);
    else
        out_print(out, ": no change is recorded, so these are the founders, by who has met whom\n");
    if (compare->missing_voters)
        out_print(out, "             of %u of them there is no directory here: what their logs hold is not known\n",
                  compare->missing_voters);
}

static void put_node(struct out *out, const struct raft_compare *compare, size_t i) {
    const struct raft_view *view = compare->views[i];
    const struct raft_standing *standing = &compare->standings[i];
    char log[48] = "-";
    if (view->entry_count > 0)
        (void)snprintf(log, sizeof log, "%" PRIu64 "..%" PRIu64, view->entries[0].index, raft_view_last(view));
    out_print(out, "%-*.*s %4" PRIu64 " %5" PRIu64 " %5" PRIu64 "  %-19s %9" PRIu64 " %10" PRIu64 " %8" PRIu64 " ",
              NAME_COLUMNS, NAME_COLUMNS, raft_view_name(view), view->node_id, view->slot ? view->slot->term : 0,
              view->slot ? view->slot->vote : 0, log, raft_view_last_term(view), view->commit, view->store.index);
    out_print(out, "%8" PRIu64 "  ", standing->behind);
    if (compare->configuration.voter_count > 0 && !standing->is_voter)
        out_print(out, raft_configuration_has(&compare->configuration, view->node_id) ? "learner; " : "no member; ");
    if (view->slot && view->slot->is_witness) out_print(out, "witness; ");
    if (view->verdict == RAFT_VIEW_CORRUPT) out_print(out, "damaged; ");
    if (standing->parts_at) out_print(out, "parts at %" PRIu64 "; ", standing->parts_at);
    out_print(out, "%s\n",
              i == compare->best ? "the best log"
              : standing->behind ? "behind"
                                 : "has all of the best log");
}

static void put_nodes(struct out *out, const struct raft_compare *compare) {
    out_print(out, "%-*s %4s %5s %5s  %-19s %9s %10s %8s %8s  \n", NAME_COLUMNS, "directory", "node", "term", "vote",
              "log", "last term", "committed", "flushed", "behind");
    for (size_t i = 0; i < compare->count; i++) put_node(out, compare, i);
}

/* ---- Spans ------------------------------------------------------------------------------------------------------- */

static void put_at(struct out *out, const struct raft_span *span, size_t i) {
    static const char *const words[] = {"-", "", "in store", "LOST", "?"};
    char text[32];
    const struct raft_branch *branch = &span->branches[span->branch[i]];
    if (span->at[i] != RAFT_VIEW_HELD)
        (void)snprintf(text, sizeof text, "%s", words[span->at[i]]);
    else if (branch->first_term == branch->last_term)
        (void)snprintf(text, sizeof text, "term %" PRIu64, branch->first_term);
    else
        (void)snprintf(text, sizeof text, "terms %" PRIu64 "-%" PRIu64, branch->first_term, branch->last_term);
    out_print(out, " %-*.*s", NAME_COLUMNS, NAME_COLUMNS, text);
}

static void put_verdict(struct out *out, const struct raft_compare *compare, const struct raft_span *span) {
    const struct raft_branch *branch = &span->branches[0];
    if (span->branch_count > 1) {
        out_print(out, " the logs part");
        return;
    }
    if (span->branch_count == 0) {
        out_print(out, " no log has them");
        return;
    }
    if (branch->fate == RAFT_FATE_COMMITTED)
        out_print(out, " committed");
    else
        out_print(out, " not known to be committed");
    if (compare->configuration.voter_count > 0) out_print(out, branch->on_quorum ? ", on a quorum" : ", on no quorum");
}

static void put_spans(struct out *out, const struct raft_compare *compare) {
    const size_t kept = raft_compare_spans_kept(compare);
    const size_t skipped = kept > SPANS_SHOWN ? kept - SPANS_SHOWN : 0;
    out_print(out, "\n%-24s", "entries");
    for (size_t i = 0; i < compare->count; i++)
        out_print(out, " %-*.*s", NAME_COLUMNS, NAME_COLUMNS, raft_view_name(compare->views[i]));
    out_print(out, "\n");
    if (compare->span_count > kept - skipped)
        if (skipped || compare->span_count > kept)
            out_print(out, "(%zu older stretches are left out)\n", compare->span_count - kept + skipped);
    for (size_t s = skipped; s < kept; s++) {
        const struct raft_span *span = &compare->spans[s];
        char range[48];
        (void)snprintf(range, sizeof range, span->first == span->last ? "%" PRIu64 : "%" PRIu64 "..%" PRIu64,
                       span->first, span->last);
        out_print(out, "%-24s", range);
        for (size_t i = 0; i < compare->count; i++) put_at(out, span, i);
        put_verdict(out, compare, span);
        out_print(out, "\n");
    }
}

/* ---- What it means ----------------------------------------------------------------------------------------------- */

static void put_names(struct out *out, const struct raft_compare *compare, unsigned holders) {
    unsigned told = 0;
    for (size_t i = 0; i < compare->count; i++)
        if (holders >> i & 1) out_print(out, "%s%s", told++ ? ", " : "", raft_view_name(compare->views[i]));
    if (told == 0) out_print(out, "nobody");
}

static void put_leaders(struct out *out, const struct raft_compare *compare) {
    unsigned leaders = 0;
    for (size_t i = 0; i < compare->count; i++) leaders |= (unsigned)compare->standings[i].can_lead << i;
    if (compare->configuration.voter_count == 0) return;
    if (leaders == 0) {
        out_print(out, "- With these directories as they are nobody can be elected: no sound voter has a log that a "
                       "majority would vote for.\n");
        return;
    }
    out_print(out, "- Can be elected with these logs: ");
    put_names(out, compare, leaders);
    out_print(out, compare->missing_voters
                       ? ", if the voters whose directories are missing agree; those might be elected, too.\n"
                       : ".\n");
}

static void put_parting(struct out *out, const struct raft_compare *compare) {
    const char *best = raft_view_name(compare->views[compare->best]);
    bool any = false;
    for (size_t i = 0; i < compare->count; i++) {
        const struct raft_standing *standing = &compare->standings[i];
        if (standing->parts_at == 0) continue;
        any = true;
        out_print(out, "- %s parts from %s at entry %" PRIu64 "; up to %" PRIu64 " they agree.\n",
                  raft_view_name(compare->views[i]), best, standing->parts_at, standing->parts_at - 1);
    }
    if (!any && compare->count > 1) out_print(out, "- The logs agree wherever two of them have an entry.\n");
}

/* One sentence for a stretch of entries of which nobody knows that they are committed, or that are against what is. */
static void put_fate(struct out *out, const struct raft_compare *compare, const struct raft_span *span,
                     const struct raft_branch *branch) {
    static const char *const ends[][2] = {
        {"", ""},
        {"stays, as whoever can be elected has it", "stay, as whoever can be elected has them"},
        {"may be committed or cut, which hangs on who is elected",
         "may be committed or cut, which hangs on who is elected"},
        {"will be cut, as nobody who can be elected has it", "will be cut, as nobody who can be elected has them"}};
    const bool are_many = span->last > span->first;
    const bool against = span->last <= compare->commit;
    out_print(out, "- ");
    raft_words_entries(out, "E", span->first, span->last);
    out_print(out, " of term");
    if (branch->first_term == branch->last_term)
        out_print(out, " %" PRIu64, branch->first_term);
    else
        out_print(out, "s %" PRIu64 " to %" PRIu64, branch->first_term, branch->last_term);
    out_print(out, " at ");
    put_names(out, compare, branch->holders);
    out_print(out, ", %s: %s.\n", branch->on_quorum ? "a quorum" : "no quorum",
              against ? are_many ? "will be cut, as others are committed in their place"
                                 : "will be cut, as another is committed in its place"
                      : ends[branch->fate][are_many]);
}

static void put_fates(struct out *out, const struct raft_compare *compare) {
    const size_t kept = raft_compare_spans_kept(compare);
    for (size_t s = kept > SPANS_SHOWN ? kept - SPANS_SHOWN : 0; s < kept; s++)
        for (unsigned b = 0; b < compare->spans[s].branch_count; b++)
            if (compare->spans[s].branches[b].fate != RAFT_FATE_COMMITTED)
                put_fate(out, compare, &compare->spans[s], &compare->spans[s].branches[b]);
}

static void put_losses(struct out *out, const struct raft_compare *compare) {
    for (size_t s = 0; s < raft_compare_spans_kept(compare); s++) {
        const struct raft_span *span = &compare->spans[s];
        unsigned lost = 0, have = 0;
        for (size_t i = 0; i < compare->count; i++) {
            lost |= (unsigned)(span->at[i] == RAFT_VIEW_LOST) << i;
            have |= (unsigned)(span->at[i] == RAFT_VIEW_HELD || span->at[i] == RAFT_VIEW_IN_STORE) << i;
        }
        if (lost == 0) continue;
        out_print(out, "- ");
        raft_words_entries(out, "E", span->first, span->last);
        out_print(out, ": lost at ");
        put_names(out, compare, lost);
        out_print(out, have ? ", and sound at " : ", and had by ");
        put_names(out, compare, have);
        out_print(out, have ? ".\n" : " of these directories.\n");
    }
}

static void put_strips(struct out *out, const struct raft_compare *compare, unsigned columns) {
    struct raft_strip strip;
    raft_strip_make(&strip, compare->views, compare->count, columns > STRIP_LABEL + 10 ? columns - STRIP_LABEL : 10);
    if (strip.width == 0) return;
    out_print(out, "\n");
    for (size_t i = 0; i < compare->count; i++) {
        char indent[NAME_COLUMNS + 4];
        (void)snprintf(indent, sizeof indent, "%-*.*s ", NAME_COLUMNS, NAME_COLUMNS, raft_view_name(compare->views[i]));
        raft_strip_print(out, &strip, compare->views[i], indent);
    }
    raft_strip_print_key(out, &strip, "");
}

void raft_text_compare(struct out *out, const struct raft_compare *compare, unsigned columns) {
    out_print(out, "side by side\n\n");
    put_members(out, compare);
    out_print(out, "\n");
    put_nodes(out, compare);
    put_spans(out, compare);
    put_strips(out, compare, columns);
    out_print(out, "\n");
    for (size_t i = 0; i < compare->problem_count && i < RAFT_COMPARE_PROBLEMS_MAX; i++)
        out_print(out, "- CORRUPT: %s.\n", compare->problems[i]);
    put_parting(out, compare);
    put_losses(out, compare);
    put_leaders(out, compare);
    put_fates(out, compare);
}
