/*
 * membership: the configuration in force, and the way to the next (dissertation 4.1, 4.2.2, 4.3; take-effect-at-apply
 * as in etcd's core). Invariant: a leader proposes a change only when none stands in its log unapplied, so that the
 * configuration that a change starts from is the one in force; and a node campaigns only by a configuration that is not
 * known to be out of date.
 */
#include "raft/core/core.h"

#include "engine/base/check.h"

struct progress *membership_find(struct raft *raft, uint64_t id) {
    for (unsigned i = 0; i < raft->peer_count; i++) {
        if (raft->peers[i].id == id) return &raft->peers[i];
    }
    return NULL;
}

struct progress *membership_self(struct raft *raft) {
    return membership_find(raft, raft->options.id);
}

bool membership_is_voter(const struct raft *raft) {
    return raft_configuration_has_voter(&raft->configuration, raft->options.id);
}

unsigned membership_tally(const struct raft *raft,
                          uint64_t (*index_of)(const struct raft *raft, const struct progress *peer),
                          struct quorum_tally tallies[static RAFT_MEMBERS_MAX]) {
    for (unsigned i = 0; i < raft->peer_count; i++) {
        tallies[i] = (struct quorum_tally){.id = raft->peers[i].id, .index = index_of(raft, &raft->peers[i])};
    }
    return raft->peer_count;
}

/* ---- marks: where configuration entries stand above applied
 * ------------------------------------------------------------------- */

void membership_mark(struct raft *raft, uint64_t index) {
    if (raft->configuration_mark_count == CONFIGURATION_MARKS_MAX) {
        raft->configuration_unmarked = index; /* no place: from the last mark up to here there may be some */
        return;
    }
    raft->configuration_marks[raft->configuration_mark_count++] = index;
}

void membership_unmark_from(struct raft *raft, uint64_t index) {
    while (raft->configuration_mark_count > 0 && raft->configuration_marks[raft->configuration_mark_count - 1] >= index)
        raft->configuration_mark_count--;
    if (raft->configuration_unmarked >= index) raft->configuration_unmarked = index > 0 ? index - 1 : 0;
}

static void unmark_applied(struct raft *raft) {
    unsigned applied = 0;
    while (applied < raft->configuration_mark_count && raft->configuration_marks[applied] <= raft->applied) applied++;
    raft->configuration_mark_count -= applied;
    for (unsigned i = 0; i < raft->configuration_mark_count; i++)
        raft->configuration_marks[i] = raft->configuration_marks[i + applied];
    if (raft->configuration_unmarked <= raft->applied) raft->configuration_unmarked = 0;
}

uint64_t membership_last_mark(const struct raft *raft, uint64_t from, uint64_t to) {
    if (raft->configuration_unmarked > from && to > from) return to;
    for (unsigned i = raft->configuration_mark_count; i-- > 0;) {
        uint64_t mark = raft->configuration_marks[i];
        if (mark > from && mark <= to) return mark;
    }
    return 0;
}

bool membership_has_committed_change(const struct raft *raft) {
    if (raft->configuration_mark_count > 0 && raft->configuration_marks[0] <= raft->commit) return true;
    return raft->configuration_unmarked > raft->applied && raft->commit > raft->applied;
}

/* ---- the members as the core keeps them
 * ---------------------------------------------------------------------------------------- */

/* Every slot of peers owns the memory of one window; a newcomer gets that of a member who has gone. */
static struct inflight *take_ring(struct inflight **free_rings, unsigned *free_count) {
    check(*free_count > 0);
    return free_rings[--*free_count];
}

static unsigned list_members(const struct raft_configuration *configuration, uint64_t ids[static RAFT_MEMBERS_MAX]) {
    const uint64_t *lists[] = {configuration->voters, configuration->outgoing, configuration->learners};
    unsigned counts[] = {configuration->voter_count, configuration->outgoing_count, configuration->learner_count};
    unsigned count = 0;
    for (unsigned list = 0; list < 3; list++) {
        for (unsigned i = 0; i < counts[list]; i++) {
            uint64_t id = lists[list][i];
            unsigned at = 0;
            while (at < count && ids[at] < id) at++;
            if (at < count && ids[at] == id) continue;
            check(count < RAFT_MEMBERS_MAX);
            for (unsigned to = count; to > at; to--) ids[to] = ids[to - 1];
            ids[at] = id;
            count++;
        }
    }
    return count;
}

static struct progress newcomer(const struct raft *raft, uint64_t id, struct inflight *ring) {
    struct progress peer = {.id = id,
                            .inflights = {.ring = ring,
                                          .limit_messages = raft->options.inflight_messages_max,
                                          .limit_bytes = raft->options.inflight_bytes_max}};
    progress_reset(&peer, 0, core_most(core_last(raft), 1));
    peer.recently_active = true; /* until it has had its chance to answer */
    return peer;
}

void membership_adopt(struct raft *raft, const struct raft_configuration *configuration) {
    raft->configuration = *configuration;
    uint64_t ids[RAFT_MEMBERS_MAX];
    unsigned count = list_members(configuration, ids);
    struct progress former[RAFT_MEMBERS_MAX];
    unsigned former_count = raft->peer_count;
    memcpy(former, raft->peers, sizeof former);
    struct inflight *free_rings[RAFT_MEMBERS_MAX];
    unsigned free_count = 0;
    for (unsigned i = 0; i < RAFT_MEMBERS_MAX; i++) {
        bool stays = false;
        for (unsigned j = 0; i < former_count && j < count; j++) stays = stays || former[i].id == ids[j];
        if (!stays) free_rings[free_count++] = former[i].inflights.ring;
    }
    for (unsigned i = 0; i < count; i++) {
        struct progress *stays = NULL;
        for (unsigned j = 0; j < former_count; j++) {
            if (former[j].id == ids[i]) stays = &former[j];
        }
        raft->peers[i] = stays ? *stays : newcomer(raft, ids[i], take_ring(free_rings, &free_count));
    }
    for (unsigned i = count; i < RAFT_MEMBERS_MAX; i++) {
        raft->peers[i] = (struct progress){.inflights = {.ring = take_ring(free_rings, &free_count)}};
    }
    raft->peer_count = count;
}

/* ---- change
 * --------------------------------------------------------------------------------------------------------------------
 */

static void append_configuration(struct raft *raft, const struct raft_configuration *configuration) {
    append_made_entry(raft, RAFT_ENTRY_CONFIGURATION, raft_configuration_encode(configuration, raft->made_bytes));
    raft->pending_change_index = core_last(raft);
}

enum status membership_propose(struct raft *raft, const struct raft_change *change) {
    if (raft->role != RAFT_LEADER || !membership_is_voter(raft)) return STATUS_NOT_LEADER;
    if (raft->pending_change_index > raft->applied || raft->transfer_to != 0) return STATUS_BUSY;
    struct raft_configuration next;
    enum status status = raft_configuration_change(&raft->configuration, change, &next, NULL);
    if (status == STATUS_OK) append_configuration(raft, &next);
    return status;
}

/* What a change of the quorum means to whoever leads or campaigns. */
static void act_on_new_configuration(struct raft *raft) {
    if (raft->role == RAFT_LEADER) {
        commit_by_counting(raft); /* a smaller quorum may have been reached already */
        read_index_confirm(raft);
        return;
    }
    if (membership_is_voter(raft)) return;
    if (raft->role == RAFT_PRE_CANDIDATE || raft->role == RAFT_CANDIDATE) election_become_follower(raft, raft->term, 0);
}

static uint64_t commit_of(const struct raft *raft, const struct progress *peer) {
    (void)raft;
    return peer->commit;
}

/*
 * 4.2.2: a leader that is not in the new configuration steps down once it is committed. As it takes effect at apply,
 * committed is not enough: it leads on, without counting itself and without taking proposals, until a majority of the
 * new configuration knows too; else nobody who may campaign would know that he may.
 */
void membership_step_down_if_replaced(struct raft *raft) {
    if (raft->role != RAFT_LEADER || membership_is_voter(raft)) return;
    struct quorum_tally tallies[RAFT_MEMBERS_MAX];
    unsigned count = membership_tally(raft, commit_of, tallies);
    if (quorum_joint_index(&raft->configuration, tallies, count) < raft->configuration_index) return;
    transfer_before_leaving(raft);
    election_become_follower(raft, raft->term, 0);
}

enum status membership_apply(struct raft *raft, uint64_t index, const struct raft_configuration *configuration) {
    if (index <= raft->applied || index > raft->commit || !raft_configuration_is_valid(configuration))
        return STATUS_INVALID;
    membership_adopt(raft, configuration);
    raft->configuration_index = index;
    lease_begin_anew(raft);
    act_on_new_configuration(raft);
    return STATUS_OK;
}

void membership_applied(struct raft *raft) {
    unmark_applied(raft);
    if (raft->role != RAFT_LEADER || !raft->configuration.auto_leave || raft->pending_change_index > raft->applied)
        return;
    if (raft->put_count > 0) return; /* the next word of progress will do */
    struct raft_configuration next;
    enum status status = raft_configuration_change(&raft->configuration, &(struct raft_change){0}, &next, NULL);
    check(status == STATUS_OK);
    append_configuration(raft, &next);
}
