/* raft_compare_text: logs side by side, for people: a table of who has what, then sentences that say what it means. */
#include <inttypes.h>
#include <stdio.h>

#include "tools/loam/inspect/raftview/raft_strip.h"
#include "tools/loam/inspect/raftview/raft_text.h"

enum { SPANS_SHOWN = 40, NAME_COLUMNS = 14, STRIP_LABEL = 26 };

/* ---- Table of nodes ---------------------------------------------------------------------------------------------- */

static void put_members(struct raft_out *out, const struct raft_compare *compare) {
    struct buf text = BUF_EMPTY;
    if (compare->configuration.voter_count == 0) {
        raft_out(out, "members      not known: no directory tells\n");
        return;
    }
    if (raft_configuration_print(&text, &compare->configuration) != STATUS_OK) out->status = STATUS_NO_MEMORY;
    raft_out(out, "members      %.*s", (int)text.size, (const char *)text.data);
    buf_deinit(&text);
    if (compare->configuration_index)
        raft_out(out, ", as of entry %" PRIu64 "\n", compare->configuration_index);
    else
        raft_out(out, ": no change is recorded, so these are the founders, by who has met whom\n");
    if (compare->missing_voters)
        raft_out(out, "             of %u of them there is no directory here: what their logs hold is not known\n",
                 compare->missing_voters);
}

static void put_node(struct raft_out *out, const struct raft_compare *compare, size_t i) {
    const struct raft_view *view = compare->views[i];
    const struct raft_standing *standing = &compare->standings[i];
    char log[48] = "-";
    if (view->entry_count > 0)
        (void)snprintf(log, sizeof log, "%" PRIu64 "..%" PRIu64, view->entries[0].index, raft_view_last(view));
    raft_out(out, "%-*.*s %4" PRIu64 " %5" PRIu64 " %5" PRIu64 "  %-19s %9" PRIu64 " %10" PRIu64 " %8" PRIu64 " ",
             NAME_COLUMNS, NAME_COLUMNS, raft_view_name(view), view->node_id, view->slot ? view->slot->term : 0,
             view->slot ? view->slot->vote : 0, log, raft_view_last_term(view), view->commit, view->store.index);
    raft_out(out, "%8" PRIu64 "  ", standing->behind);
    if (compare->configuration.voter_count > 0 && !standing->is_voter)
        raft_out(out, raft_configuration_has(&compare->configuration, view->node_id) ? "learner; " : "no member; ");
    if (view->slot && view->slot->is_witness) raft_out(out, "witness; ");
    if (view->verdict == RAFT_VIEW_CORRUPT) raft_out(out, "damaged; ");
    if (standing->parts_at) raft_out(out, "parts at %" PRIu64 "; ", standing->parts_at);
    raft_out(out, "%s\n",
             i == compare->best ? "the best log"
             : standing->behind ? "behind"
                                : "has all of the best log");
}

static void put_nodes(struct raft_out *out, const struct raft_compare *compare) {
    raft_out(out, "%-*s %4s %5s %5s  %-19s %9s %10s %8s %8s  \n", NAME_COLUMNS, "directory", "node", "term", "vote",
             "log", "last term", "committed", "flushed", "behind");
    for (size_t i = 0; i < compare->count; i++) put_node(out, compare, i);
}

/* ---- Spans ------------------------------------------------------------------------------------------------------- */

static void put_at(struct raft_out *out, const struct raft_span *span, size_t i) {
    static const char *const words[] = {"-", "", "in store", "LOST", "?"};
    char text[32];
    const struct raft_branch *branch = &span->branches[span->branch[i]];
    if (span->at[i] != RAFT_VIEW_HELD)
        (void)snprintf(text, sizeof text, "%s", words[span->at[i]]);
    else if (branch->first_term == branch->last_term)
        (void)snprintf(text, sizeof text, "term %" PRIu64, branch->first_term);
    else
        (void)snprintf(text, sizeof text, "terms %" PRIu64 "-%" PRIu64, branch->first_term, branch->last_term);
    raft_out(out, " %-*.*s", NAME_COLUMNS, NAME_COLUMNS, text);
}

static void put_verdict(struct raft_out *out, const struct raft_compare *compare, const struct raft_span *span) {
    const struct raft_branch *branch = &span->branches[0];
    if (span->branch_count > 1) {
        raft_out(out, " the logs part");
        return;
    }
    if (span->branch_count == 0) {
        raft_out(out, " no log has them");
        return;
    }
    if (branch->fate == RAFT_FATE_COMMITTED)
        raft_out(out, " committed");
    else
        raft_out(out, " not known to be committed");
    if (compare->configuration.voter_count > 0) raft_out(out, branch->on_quorum ? ", on a quorum" : ", on no quorum");
}

static void put_spans(struct raft_out *out, const struct raft_compare *compare) {
    const size_t kept = raft_compare_spans_kept(compare);
    const size_t skipped = kept > SPANS_SHOWN ? kept - SPANS_SHOWN : 0;
    raft_out(out, "\n%-24s", "entries");
    for (size_t i = 0; i < compare->count; i++)
        raft_out(out, " %-*.*s", NAME_COLUMNS, NAME_COLUMNS, raft_view_name(compare->views[i]));
    raft_out(out, "\n");
    if (compare->span_count > kept - skipped)
        if (skipped || compare->span_count > kept)
            raft_out(out, "(%zu older stretches are left out)\n", compare->span_count - kept + skipped);
    for (size_t s = skipped; s < kept; s++) {
        const struct raft_span *span = &compare->spans[s];
        char range[48];
        (void)snprintf(range, sizeof range, span->first == span->last ? "%" PRIu64 : "%" PRIu64 "..%" PRIu64,
                       span->first, span->last);
        raft_out(out, "%-24s", range);
        for (size_t i = 0; i < compare->count; i++) put_at(out, span, i);
        put_verdict(out, compare, span);
        raft_out(out, "\n");
    }
}

/* ---- What it means ----------------------------------------------------------------------------------------------- */

static void put_names(struct raft_out *out, const struct raft_compare *compare, unsigned holders) {
    unsigned told = 0;
    for (size_t i = 0; i < compare->count; i++)
        if (holders >> i & 1) raft_out(out, "%s%s", told++ ? ", " : "", raft_view_name(compare->views[i]));
    if (told == 0) raft_out(out, "nobody");
}

static void put_leaders(struct raft_out *out, const struct raft_compare *compare) {
    unsigned leaders = 0;
    for (size_t i = 0; i < compare->count; i++) leaders |= (unsigned)compare->standings[i].can_lead << i;
    if (compare->configuration.voter_count == 0) return;
    if (leaders == 0) {
        raft_out(out, "- With these directories as they are nobody can be elected: no sound voter has a log that a "
                      "majority would vote for.\n");
        return;
    }
    raft_out(out, "- Can be elected with these logs: ");
    put_names(out, compare, leaders);
    raft_out(out, compare->missing_voters
                      ? ", if the voters whose directories are missing agree; those might be elected, too.\n"
                      : ".\n");
}

static void put_parting(struct raft_out *out, const struct raft_compare *compare) {
    const char *best = raft_view_name(compare->views[compare->best]);
    bool any = false;
    for (size_t i = 0; i < compare->count; i++) {
        const struct raft_standing *standing = &compare->standings[i];
        if (standing->parts_at == 0) continue;
        any = true;
        raft_out(out, "- %s parts from %s at entry %" PRIu64 "; up to %" PRIu64 " they agree.\n",
                 raft_view_name(compare->views[i]), best, standing->parts_at, standing->parts_at - 1);
    }
    if (!any && compare->count > 1) raft_out(out, "- The logs agree wherever two of them have an entry.\n");
}

/* One sentence for a stretch of entries of which nobody knows that they are committed, or that are against what is. */
static void put_fate(struct raft_out *out, const struct raft_compare *compare, const struct raft_span *span,
                     const struct raft_branch *branch) {
    static const char *const ends[][2] = {
        {"", ""},
        {"stays, as whoever can be elected has it", "stay, as whoever can be elected has them"},
        {"may be committed or cut, which hangs on who is elected",
         "may be committed or cut, which hangs on who is elected"},
        {"will be cut, as nobody who can be elected has it", "will be cut, as nobody who can be elected has them"}};
    const bool are_many = span->last > span->first;
    const bool against = span->last <= compare->commit;
    raft_out(out, "- ");
    raft_out_entries(out, "E", span->first, span->last);
    raft_out(out, " of term");
    if (branch->first_term == branch->last_term)
        raft_out(out, " %" PRIu64, branch->first_term);
    else
        raft_out(out, "s %" PRIu64 " to %" PRIu64, branch->first_term, branch->last_term);
    raft_out(out, " at ");
    put_names(out, compare, branch->holders);
    raft_out(out, ", %s: %s.\n", branch->on_quorum ? "a quorum" : "no quorum",
             against ? are_many ? "will be cut, as others are committed in their place"
                                : "will be cut, as another is committed in its place"
                     : ends[branch->fate][are_many]);
}

static void put_fates(struct raft_out *out, const struct raft_compare *compare) {
    const size_t kept = raft_compare_spans_kept(compare);
    for (size_t s = kept > SPANS_SHOWN ? kept - SPANS_SHOWN : 0; s < kept; s++)
        for (unsigned b = 0; b < compare->spans[s].branch_count; b++)
            if (compare->spans[s].branches[b].fate != RAFT_FATE_COMMITTED)
                put_fate(out, compare, &compare->spans[s], &compare->spans[s].branches[b]);
}

static void put_losses(struct raft_out *out, const struct raft_compare *compare) {
    for (size_t s = 0; s < raft_compare_spans_kept(compare); s++) {
        const struct raft_span *span = &compare->spans[s];
        unsigned lost = 0, have = 0;
        for (size_t i = 0; i < compare->count; i++) {
            lost |= (unsigned)(span->at[i] == RAFT_VIEW_LOST) << i;
            have |= (unsigned)(span->at[i] == RAFT_VIEW_HELD || span->at[i] == RAFT_VIEW_IN_STORE) << i;
        }
        if (lost == 0) continue;
        raft_out(out, "- ");
        raft_out_entries(out, "E", span->first, span->last);
        raft_out(out, ": lost at ");
        put_names(out, compare, lost);
        raft_out(out, have ? ", and sound at " : ", and had by ");
        put_names(out, compare, have);
        raft_out(out, have ? ".\n" : " of these directories.\n");
    }
}

static void put_strips(struct raft_out *out, const struct raft_compare *compare, unsigned columns) {
    struct raft_strip strip;
    raft_strip_make(&strip, compare->views, compare->count, columns > STRIP_LABEL + 10 ? columns - STRIP_LABEL : 10);
    if (strip.width == 0) return;
    raft_out(out, "\n");
    for (size_t i = 0; i < compare->count; i++) {
        char indent[NAME_COLUMNS + 4];
        (void)snprintf(indent, sizeof indent, "%-*.*s ", NAME_COLUMNS, NAME_COLUMNS, raft_view_name(compare->views[i]));
        raft_strip_print(out, &strip, compare->views[i], indent);
    }
    raft_strip_print_key(out, &strip, "");
}

void raft_text_compare(struct raft_out *out, const struct raft_compare *compare, unsigned columns) {
    raft_out(out, "side by side\n\n");
    put_members(out, compare);
    raft_out(out, "\n");
    put_nodes(out, compare);
    put_spans(out, compare);
    put_strips(out, compare, columns);
    raft_out(out, "\n");
    for (size_t i = 0; i < compare->problem_count && i < RAFT_COMPARE_PROBLEMS_MAX; i++)
        raft_out(out, "- CORRUPT: %s.\n", compare->problems[i]);
    put_parting(out, compare);
    put_losses(out, compare);
    put_leaders(out, compare);
    put_fates(out, compare);
}
