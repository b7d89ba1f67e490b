/* raft_compare: see raft_compare.h. One walk over all logs at once, from change to change. */
#include "tools/loam/inspect/raftview/raft_compare.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *raft_fate_name(enum raft_fate fate) {
    static const char *const names[] = {"committed", "stays", "may go", "goes"};
    return names[fate];
}

__attribute__((format(printf, 2, 3))) static void add_problem(struct raft_compare *compare, const char *format, ...) {
    va_list arguments;
    if (compare->problem_count++ >= RAFT_COMPARE_PROBLEMS_MAX) return;
    va_start(arguments, format);
    (void)vsnprintf(compare->problems[compare->problem_count - 1], RAFT_VIEW_TEXT_BYTES, format, arguments);
    va_end(arguments);
}

/* ---- Members ----------------------------------------------------------------------------------------------------- */

static bool is_newer(const struct raft_view_configuration *a, uint64_t term, uint64_t index) {
    return a->term > term || (a->term == term && a->index > index);
}

static void add_voter(struct raft_configuration *configuration, uint64_t id) {
    unsigned at = configuration->voter_count;
    if (id == 0 || at == RAFT_MEMBERS_MAX || raft_configuration_has(configuration, id)) return;
    for (; at > 0 && configuration->voters[at - 1] > id; at--)
        configuration->voters[at] = configuration->voters[at - 1];
    configuration->voters[at] = id;
    configuration->voter_count++;
}

/* No change was ever made: the founders are who was made with the cluster, and whom they have met. */
static void assume_founders(struct raft_compare *compare) {
    for (size_t i = 0; i < compare->count; i++) {
        const struct raft_survey_slot *slot = compare->views[i]->slot;
        if (!slot || !slot->is_founder) continue;
        add_voter(&compare->configuration, slot->identity.node_id);
        for (unsigned k = 0; k < slot->met_count; k++) add_voter(&compare->configuration, slot->met[k].node_id);
    }
}

static void choose_configuration(struct raft_compare *compare) {
    uint64_t term = 0, index = 0;
    for (size_t i = 0; i < compare->count; i++) {
        const struct raft_view *view = compare->views[i];
        const struct raft_view_configuration stored = {view->store.index, view->store.term, view->store.configuration};
        const struct raft_view_configuration *newest = view->configuration_count
                                                           ? &view->configurations[view->configuration_count - 1]
                                                       : view->store.has_configuration ? &stored
                                                                                       : NULL;
        if (!newest || (index > 0 && !is_newer(newest, term, index))) continue;
        term = newest->term;
        index = newest->index;
        compare->configuration = newest->configuration;
    }
    compare->configuration_index = index;
    if (index == 0) assume_founders(compare);
}

static const struct raft_view *view_of(const struct raft_compare *compare, uint64_t id, size_t *at) {
    for (size_t i = 0; i < compare->count; i++) {
        if (compare->views[i]->node_id != id) continue;
        *at = i;
        return compare->views[i];
    }
    return NULL;
}

/* Whether those of `holders` are a majority of the list. */
static bool has_majority(const struct raft_compare *compare, const uint64_t *voters, unsigned voter_count,
                         unsigned holders, unsigned more) {
    unsigned have = more;
    size_t at = 0;
    for (unsigned i = 0; i < voter_count; i++)
        if (view_of(compare, voters[i], &at)) have += holders >> at & 1;
    return voter_count == 0 || 2 * have > voter_count;
}

/* `with_missing`: voters whose logs are not here would say yes. */
static bool is_quorum(const struct raft_compare *compare, unsigned holders, bool with_missing) {
    const struct raft_configuration *members = &compare->configuration;
    unsigned missing = 0, outgoing_missing = 0;
    size_t at = 0;
    if (members->voter_count == 0) return false;
    for (unsigned i = 0; with_missing && i < members->voter_count; i++)
        missing += view_of(compare, members->voters[i], &at) == NULL;
    for (unsigned i = 0; with_missing && i < members->outgoing_count; i++)
        outgoing_missing += view_of(compare, members->outgoing[i], &at) == NULL;
    return has_majority(compare, members->voters, members->voter_count, holders, missing) &&
           has_majority(compare, members->outgoing, members->outgoing_count, holders, outgoing_missing);
}

/* ---- Who could lead ---------------------------------------------------------------------------------------------- */

/* -1, 0, 1: whose log is the more up to date (dissertation 3.6.1). */
static int order_logs(const struct raft_view *a, const struct raft_view *b) {
    const uint64_t terms[2] = {raft_view_last_term(a), raft_view_last_term(b)};
    const uint64_t lasts[2] = {raft_view_last(a), raft_view_last(b)};
    if (terms[0] != terms[1]) return terms[0] < terms[1] ? -1 : 1;
    return lasts[0] == lasts[1] ? 0 : lasts[0] < lasts[1] ? -1 : 1;
}

static void judge_standings(struct raft_compare *compare) {
    const struct raft_configuration *members = &compare->configuration;
    size_t at = 0;
    for (unsigned i = 0; i < members->voter_count; i++)
        compare->missing_voters += view_of(compare, members->voters[i], &at) == NULL;
    for (size_t i = 0; i < compare->count; i++) {
        struct raft_standing *standing = &compare->standings[i];
        const struct raft_view *view = compare->views[i];
        unsigned votes = 0;
        standing->is_voter = raft_configuration_has_voter(members, view->node_id);
        for (size_t k = 0; k < compare->count; k++) {
            if (!raft_view_is_whole(compare->views[k]) || order_logs(compare->views[k], view) > 0) continue;
            votes |= 1u << k;
            standing->votes += raft_configuration_has_voter(members, compare->views[k]->node_id);
        }
        const bool campaigns =
            raft_view_is_whole(view) && !view->slot->is_witness; /* a witness has no data to lead with */
        standing->can_lead = standing->is_voter && campaigns && is_quorum(compare, votes, true);
        const int order = order_logs(view, compare->views[compare->best]);
        const bool counts_more = standing->is_voter && !compare->standings[compare->best].is_voter;
        if (order > 0 || (order == 0 && counts_more)) compare->best = i;
        if (view->commit > compare->commit) compare->commit = view->commit;
    }
}

/* ---- Spans ------------------------------------------------------------------------------------------------------- */

struct walk {
    struct raft_compare *compare;
    size_t rows[RAFT_COMPARE_NODES_MAX]; /* the first row at or behind `index` */
    uint64_t index, last;
    struct raft_span now;
    size_t room;
    bool has_parted[RAFT_COMPARE_NODES_MAX]; /* from the best log: log matching says that it stays so */
    bool bytes_differ;
};

static const struct raft_view_entry *row_of(const struct walk *walk, size_t node) {
    const struct raft_view *view = walk->compare->views[node];
    const size_t row = walk->rows[node];
    return row < view->entry_count && view->entries[row].index == walk->index ? &view->entries[row] : NULL;
}

/* The first index above the present one at which the node may be in another state, where it has no row. */
static uint64_t next_change(const struct walk *walk, size_t node) {
    const struct raft_view *view = walk->compare->views[node];
    const uint64_t index = walk->index;
    uint64_t next = UINT64_MAX;
    if (walk->rows[node] < view->entry_count) next = view->entries[walk->rows[node]].index;
    const uint64_t ends[] = {view->start, raft_view_last(view), view->commit_note};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (ends[i] >= index && raft_view_behind(ends[i]) < next) next = raft_view_behind(ends[i]);
    return next;
}

/* The same term at one index is the same entry. */
static void compare_bytes(struct walk *walk, size_t a, const struct raft_view_entry *first, size_t b,
                          const struct raft_view_entry *second) {
    const struct raft_view *const *views = walk->compare->views;
    const bool has_witness =
        (views[a]->slot && views[a]->slot->is_witness) || (views[b]->slot && views[b]->slot->is_witness);
    if (has_witness || walk->bytes_differ) return;
    if (first->size == second->size && first->hash == second->hash && first->kind == second->kind) return;
    walk->bytes_differ = true;
    add_problem(walk->compare,
                "entry %" PRIu64 " of term %" PRIu64
                " has other bytes at %s than at %s: one term has one entry at an index, so this is no Raft's doing",
                first->index, first->term, raft_view_name(views[a]), raft_view_name(views[b]));
}

/* What all have at the index, in the order of nodes. */
static void look(struct walk *walk, struct raft_span *span) {
    const struct raft_compare *compare = walk->compare;
    const struct raft_view_entry *firsts[RAFT_COMPARE_NODES_MAX] = {NULL};
    size_t owners[RAFT_COMPARE_NODES_MAX] = {0};
    *span = (struct raft_span){.first = walk->index, .last = walk->index};
    for (size_t i = 0; i < compare->count; i++) {
        const struct raft_view_entry *row = row_of(walk, i);
        span->at[i] = row ? RAFT_VIEW_HELD : (uint8_t)raft_view_at(compare->views[i], walk->index);
        if (!row) continue;
        unsigned branch = 0;
        while (branch < span->branch_count && firsts[branch]->term != row->term) branch++;
        if (branch == span->branch_count) {
            span->branches[span->branch_count++] = (struct raft_branch){row->term, row->term, 0, false, RAFT_FATE_GOES};
            firsts[branch] = row;
            owners[branch] = i;
        } else {
            compare_bytes(walk, owners[branch], firsts[branch], i, row);
        }
        span->branch[i] = (uint8_t)branch;
        span->branches[branch].holders |= 1u << i;
    }
}

static bool is_same_state(const struct raft_span *a, const struct raft_span *b, size_t count) {
    return a->branch_count == b->branch_count && memcmp(a->at, b->at, count) == 0 &&
           memcmp(a->branch, b->branch, count) == 0;
}

/* Whoever has flushed it has it: what is flushed is committed, so it is the branch that the others have, if one. */
static void count_stores(const struct raft_compare *compare, struct raft_span *span) {
    if (span->branch_count != 1) return;
    for (size_t i = 0; i < compare->count; i++)
        if (span->at[i] == RAFT_VIEW_IN_STORE) span->branches[0].holders |= 1u << i;
}

static enum raft_fate fate_of(const struct raft_compare *compare, const struct raft_span *span,
                              const struct raft_branch *branch) {
    unsigned leaders = 0, having = 0;
    if (span->last <= compare->commit && span->branch_count == 1) return RAFT_FATE_COMMITTED;
    for (size_t i = 0; span->last <= compare->commit && i < compare->count; i++)
        if (branch->holders >> i & 1 && compare->views[i]->commit >= span->last) return RAFT_FATE_COMMITTED;
    if (span->last <= compare->commit) return RAFT_FATE_GOES;
    for (size_t i = 0; i < compare->count; i++) {
        leaders += compare->standings[i].can_lead;
        having += compare->standings[i].can_lead && branch->holders >> i & 1;
    }
    if (leaders == 0 || compare->missing_voters > 0) return RAFT_FATE_MAY_GO;
    return having == leaders ? RAFT_FATE_STAYS : having > 0 ? RAFT_FATE_MAY_GO : RAFT_FATE_GOES;
}

static enum status end_span(struct walk *walk) {
    struct raft_compare *compare = walk->compare;
    struct raft_span *span = &walk->now;
    count_stores(compare, span);
    for (unsigned i = 0; i < span->branch_count; i++) {
        span->branches[i].on_quorum = is_quorum(compare, span->branches[i].holders, false);
        span->branches[i].fate = fate_of(compare, span, &span->branches[i]);
    }
    if (span->branch_count > 1 && compare->parts_at == 0) compare->parts_at = span->first;
    if (compare->span_count >= RAFT_COMPARE_SPANS_MAX) { /* the newest count */
        memmove(compare->spans, compare->spans + 1, (RAFT_COMPARE_SPANS_MAX - 1) * sizeof *span);
        compare->spans[RAFT_COMPARE_SPANS_MAX - 1] = *span;
        compare->span_count++;
        return STATUS_OK;
    }
    if (compare->span_count == walk->room) {
        const size_t room = walk->room ? walk->room * 2 : 16;
        struct raft_span *grown = realloc(compare->spans, room * sizeof *grown);
        if (!grown) return STATUS_NO_MEMORY;
        compare->spans = grown;
        walk->room = room;
    }
    compare->spans[compare->span_count++] = *span;
    return STATUS_OK;
}

/* Two nodes know other entries of one index to be committed; or logs meet again behind the place where they parted. */
static void check_promises(struct walk *walk, const struct raft_span *span) {
    struct raft_compare *compare = walk->compare;
    const size_t best = compare->best;
    for (size_t i = 0; i < compare->count; i++) {
        if (span->at[i] != RAFT_VIEW_HELD || span->at[best] != RAFT_VIEW_HELD || i == best) continue;
        const bool parts = span->branch[i] != span->branch[best];
        const bool is_first = parts && !walk->has_parted[i];
        const uint64_t both = compare->views[i]->commit < compare->views[best]->commit ? compare->views[i]->commit
                                                                                       : compare->views[best]->commit;
        if (is_first && span->first <= both)
            add_problem(compare,
                        "entry %" PRIu64 " is known to be committed by %s and by %s, and is not the same: a promise "
                        "was broken",
                        span->first, raft_view_name(compare->views[best]), raft_view_name(compare->views[i]));
        if (!parts && walk->has_parted[i])
            add_problem(compare,
                        "%s and %s part at entry %" PRIu64 " and have the same term again at %" PRIu64
                        ": log matching does not hold",
                        raft_view_name(compare->views[best]), raft_view_name(compare->views[i]),
                        compare->standings[i].parts_at, span->first);
        if (is_first) compare->standings[i].parts_at = span->first;
        walk->has_parted[i] = parts;
    }
}

static void count_standing(struct raft_compare *compare, const struct raft_span *span) {
    const size_t best = compare->best;
    const uint64_t size = span->last - span->first + 1;
    const bool best_has = span->at[best] == RAFT_VIEW_HELD;
    for (size_t i = 0; i < compare->count; i++) {
        struct raft_standing *standing = &compare->standings[i];
        const bool held = span->at[i] == RAFT_VIEW_HELD && (!best_has || span->branch[i] == span->branch[best]);
        if (held || span->at[i] == RAFT_VIEW_IN_STORE) standing->agrees_to = span->last;
        if (best_has && !held && span->at[i] != RAFT_VIEW_IN_STORE) standing->behind += size;
        if (span->at[i] == RAFT_VIEW_LOST) standing->lost += size;
    }
}

static enum status take(struct walk *walk, const struct raft_span *span) {
    struct raft_span *now = &walk->now;
    const bool crosses_commit = now->last == walk->compare->commit && now->last != 0;
    if (now->first != 0 && !crosses_commit && is_same_state(now, span, walk->compare->count)) {
        now->last = span->last;
        for (unsigned i = 0; i < now->branch_count; i++) now->branches[i].last_term = span->branches[i].last_term;
        return STATUS_OK;
    }
    const enum status status = now->first != 0 ? end_span(walk) : STATUS_OK;
    *now = *span;
    return status;
}

/* From the present index to where the next row begins, or the state changes. */
static enum status step(struct walk *walk) {
    struct raft_compare *compare = walk->compare;
    struct raft_span span;
    uint64_t next = walk->last + 1;
    for (size_t i = 0; i < compare->count; i++) {
        const uint64_t change = row_of(walk, i) ? walk->index + 1 : next_change(walk, i);
        if (change < next) next = change;
    }
    if (compare->commit >= walk->index && raft_view_behind(compare->commit) < next)
        next = raft_view_behind(compare->commit);
    look(walk, &span);
    span.last = next - 1;
    check_promises(walk, &span);
    count_standing(compare, &span);
    const enum status status = take(walk, &span);
    for (size_t i = 0; i < compare->count; i++)
        if (row_of(walk, i)) walk->rows[i]++;
    walk->index = next;
    return status;
}

static enum status walk_logs(struct raft_compare *compare) {
    struct walk walk = {.compare = compare, .index = UINT64_MAX};
    for (size_t i = 0; i < compare->count; i++) {
        const struct raft_view *view = compare->views[i];
        const uint64_t begin = view->entry_count ? view->entries[0].index : raft_view_behind(view->start);
        const uint64_t last = raft_view_last(view) > view->commit_note ? raft_view_last(view) : view->commit_note;
        if (begin < walk.index) walk.index = begin;
        if (view->knows_start && raft_view_behind(view->start) < walk.index) walk.index = raft_view_behind(view->start);
        if (last > walk.last) walk.last = last;
        compare->standings[i].agrees_to = view->start;
    }
    if (walk.last == UINT64_MAX) walk.last--; /* so that there is an index behind it */
    enum status status = STATUS_OK;
    while (status == STATUS_OK && walk.index <= walk.last) status = step(&walk);
    return status == STATUS_OK && walk.now.first != 0 ? end_span(&walk) : status;
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

static void check_identities(struct raft_compare *compare) {
    for (size_t i = 0; i < compare->count; i++) {
        const struct raft_survey_slot *a = compare->views[i]->slot;
        for (size_t k = 0; a && k < i; k++) {
            const struct raft_survey_slot *b = compare->views[k]->slot;
            if (!b) continue;
            const char *names[2] = {raft_view_name(compare->views[k]), raft_view_name(compare->views[i])};
            if (a->identity.cluster_id != b->identity.cluster_id)
                add_problem(compare, "%s and %s are not of one cluster: %016" PRIx64 ", %016" PRIx64, names[0],
                            names[1], b->identity.cluster_id, a->identity.cluster_id);
            else if (a->identity.node_id == b->identity.node_id)
                add_problem(compare, "%s and %s both say that they are node %" PRIu64 "%s", names[0], names[1],
                            a->identity.node_id,
                            a->identity.incarnation == b->identity.incarnation
                                ? ": one is a copy, or has the other's superblock"
                                : ", in another incarnation each: one was made anew");
        }
    }
}

enum status raft_compare_make(const struct raft_view *const *views, size_t count, struct raft_compare *compare) {
    *compare = (struct raft_compare){.views = views, .count = count};
    if (count > RAFT_COMPARE_NODES_MAX) return STATUS_TOO_LARGE;
    if (count == 0) return STATUS_OK;
    check_identities(compare);
    choose_configuration(compare);
    judge_standings(compare);
    return walk_logs(compare);
}

void raft_compare_deinit(struct raft_compare *compare) {
    free(compare->spans);
    compare->spans = NULL;
    compare->span_count = 0;
}
