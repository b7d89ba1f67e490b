/*
 * lease: see the header. Invariant: while lease_is_held says true on one node, no other node's commit index passes what
 * the holder has committed.
 */
#include "raft/core/core.h"

enum {
    CLOCKS_APART_MS = 50, /* what steady and wall clock may differ between two CLOCKs before neither is believed */
    WORTH_AN_ENTRY = 8,   /* reads within one lease */
};

/* ---- A node's end of the log --------------------------------------------------------------------------------------
 */

void lease_end_changed(struct raft *raft) {
    raft->lease.end_is_new = true;
}

/* Of a former life nothing is known but the log: what it may have promised is counted from the first clock on. */
static uint64_t guard_ends(const struct raft *raft) {
    const struct lease *lease = &raft->lease;
    const uint64_t by_end = lease->end_ms + raft->options.guard_ms;
    if (lease->recovered_ms == 0) return by_end;
    return core_most(by_end, lease->recovered_ms + raft->options.guard_recovered_ms);
}

bool lease_is_young(const struct raft *raft) {
    const struct lease *lease = &raft->lease;
    if (raft->options.guard_ms == 0 || (!lease->was_recovered && lease->recovered_ms == 0)) return false;
    return lease->was_recovered || raft->steady_ms <= lease->recovered_ms + raft->options.guard_recovered_ms;
}

static bool guard_is_over(const struct raft *raft) {
    return !raft->lease.end_is_new && !raft->lease.was_recovered && raft->steady_ms > guard_ends(raft);
}

/* ---- A leader's guard ---------------------------------------------------------------------------------------------
 */

/* Who is a majority alone has let nobody lead beside it: a former leader held no lease while the change to this
 * configuration was pending, and is no voter since. */
static bool is_alone(const struct raft *raft) {
    return raft->configuration.voter_count == 1 && raft->configuration.outgoing_count == 0;
}

void lease_lead(struct raft *raft, bool was_handed) {
    /* 3.10: who told us to campaign had nothing to guard any more, and has given up its own lease for good. */
    const bool may_be_read_by = core_last(raft) > 0 && !was_handed && !is_alone(raft);
    raft->lease.guards = raft->options.guard_ms > 0 && may_be_read_by && !guard_is_over(raft);
}

bool lease_is_guarding(const struct raft *raft) {
    return raft->lease.guards;
}

static void look_at_guard(struct raft *raft) {
    if (!raft->lease.guards || !guard_is_over(raft)) return;
    raft->lease.guards = false;
    commit_by_counting(raft);
}

/* ---- A leader's lease ---------------------------------------------------------------------------------------------
 */

static void forget(struct lease *lease) {
    lease->from_ms = 0;
    lease->mark_head = lease->mark_count = 0;
}

void lease_end(struct raft *raft) {
    forget(&raft->lease);
    raft->lease.guards = raft->lease.is_given_up = false;
    raft->lease.newest_ms = raft->lease.wanted_ms = 0;
    raft->lease.wanted = 0;
}

void lease_begin_anew(struct raft *raft) {
    forget(&raft->lease);
}

void lease_give_up(struct raft *raft) {
    raft->lease.is_given_up = true;
}

/* 0 = somebody does not guard, or nobody knows, or there is nobody to guard against. */
static uint64_t shortest_guard(const struct raft *raft) {
    uint64_t shortest = UINT64_MAX;
    for (unsigned i = 0; i < raft->peer_count; i++) {
        if (raft->peers[i].id != raft->options.id) shortest = core_least(shortest, raft->peers[i].guard_ms);
    }
    return shortest == UINT64_MAX ? 0 : shortest;
}

static uint64_t length_ms(const struct raft *raft) {
    if (raft->options.no_lease) return 0;
    const uint64_t guard_ms = core_least(shortest_guard(raft), RAFT_GUARD_MS_MAX);
    const uint64_t drift = raft->options.drift_permille;
    return guard_ms * (1000 - drift) / (1000 + drift);
}

static bool may_be_held(const struct raft *raft) {
    const struct lease *lease = &raft->lease;
    return raft->role == RAFT_LEADER && !lease->is_given_up && raft->transfer_to == 0 && membership_is_voter(raft) &&
           raft->pending_change_index <= raft->applied;
}

uint64_t raft_lease_ends_ms(const struct raft *raft) {
    if (!may_be_held(raft) || raft->lease.from_ms == 0) return 0;
    return raft->lease.from_ms + length_ms(raft);
}

static bool lease_is_held(const struct raft *raft) {
    return raft->steady_ms < raft_lease_ends_ms(raft);
}

bool lease_covers(const struct raft *raft, uint64_t clocks_before) {
    return clocks_before < raft->lease.clocks && lease_is_held(raft);
}

/* ---- Entries ------------------------------------------------------------------------------------------------------
 */

void lease_made(struct raft *raft, uint64_t first) {
    struct lease *lease = &raft->lease;
    lease->newest_ms = raft->steady_ms;
    if (raft->options.no_lease || raft->steady_ms == 0 || lease->mark_count == LEASE_MARKS_MAX) return;
    const unsigned last = (lease->mark_head + lease->mark_count - 1) % LEASE_MARKS_MAX;
    const uint64_t apart_ms = core_most(1, raft->options.guard_ms / (LEASE_MARKS_MAX / 2));
    if (lease->mark_count > 0 && raft->steady_ms < lease->marks[last].made_ms + apart_ms) return;
    lease->marks[(lease->mark_head + lease->mark_count++) % LEASE_MARKS_MAX] =
        (struct lease_mark){.index = first, .made_ms = raft->steady_ms};
}

void lease_committed(struct raft *raft) {
    struct lease *lease = &raft->lease;
    while (lease->mark_count > 0 && lease->marks[lease->mark_head].index <= raft->commit) {
        lease->from_ms = lease->marks[lease->mark_head].made_ms;
        lease->mark_head = (lease->mark_head + 1) % LEASE_MARKS_MAX;
        lease->mark_count--;
    }
}

/*
 * A read has come. Without writes a lease runs out; a no-op renews it where reads come so often that the rounds which
 * it saves are worth an entry. An idle cluster writes nothing.
 */
void lease_wanted(struct raft *raft) {
    struct lease *lease = &raft->lease;
    const uint64_t length = length_ms(raft);
    if (length == 0 || !may_be_held(raft) || !commit_has_own_term(raft)) return;
    if (lease->wanted == 0 || raft->steady_ms > lease->wanted_ms + length) {
        lease->wanted = 0;
        lease->wanted_ms = raft->steady_ms;
    }
    lease->wanted++;
    const bool is_renewed = raft->commit < core_last(raft) || raft->steady_ms < lease->newest_ms + length / 2;
    if (lease->wanted < WORTH_AN_ENTRY || is_renewed || raft->put_count > 0) return;
    lease->wanted = 0;
    append_made_entry(raft, RAFT_ENTRY_NOOP, 0);
}

/* ---- Clocks -------------------------------------------------------------------------------------------------------
 */

/* A machine that stood still and whose steady clock stood still with it (a suspended or migrated guest) is betrayed by
 * its wall clock, if anything does: no lease outlives that. */
static bool are_apart(const struct raft *raft, uint64_t steady_ms, uint64_t wall_ms) {
    if (steady_ms < raft->steady_ms) return true;
    if (raft->lease.clocks == 0) return false;
    const uint64_t expected_ms = raft->wall_ms + (steady_ms - raft->steady_ms);
    return core_most(wall_ms, expected_ms) - core_least(wall_ms, expected_ms) > CLOCKS_APART_MS;
}

void lease_clock(struct raft *raft, uint64_t steady_ms, uint64_t wall_ms) {
    struct lease *lease = &raft->lease;
    if (are_apart(raft, steady_ms, wall_ms)) forget(lease);
    raft->steady_ms = core_most(raft->steady_ms, steady_ms);
    raft->wall_ms = wall_ms;
    lease->clocks++;
    if (lease->was_recovered) {
        lease->was_recovered = false;
        lease->recovered_ms = core_most(raft->steady_ms, 1);
    }
    if (lease->end_is_new) {
        lease->end_is_new = false;
        lease->end_ms = raft->steady_ms;
    }
    look_at_guard(raft);
}
