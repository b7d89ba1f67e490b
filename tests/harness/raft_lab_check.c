/*
 * raft_lab_check: see the header.
 */
#include "tests/harness/raft_lab_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "raft/core/core.h"

void lab_fail(struct lab *lab, const char *format, ...) {
    if (lab->failure[0] != '\0') return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(lab->failure, sizeof lab->failure, format, arguments);
    va_end(arguments);
}

void lab_check_put(struct lab *lab, const struct lab_node *node, const struct raft_outcome *outcome) {
    struct raft_status status;
    raft_get_status(node->raft, &status);
    if (status.role == RAFT_LEADER && outcome->put_first != node->last + 1) {
        lab_fail(lab, "Leader Append-Only: leader %" PRIu64 " replaces its log from %" PRIu64, node->id,
                 outcome->put_first);
    }
    if (outcome->put_first <= node->commit) {
        lab_fail(lab, "node %" PRIu64 " replaces entry %" PRIu64 ", which is committed", node->id, outcome->put_first);
    }
    if (outcome->put_first > node->last + 1) lab_fail(lab, "node %" PRIu64 " leaves a gap in its log", node->id);
}

void lab_check_entry(struct lab *lab, const struct lab_node *node, uint64_t index) {
    const struct lab_entry *entry = &node->log[index];
    uint64_t value = entry->value * 4 + (uint64_t)entry->kind;
    uint64_t before_term = raft_term_at(node->raft, index - 1);
    for (unsigned i = 0; i < lab->seen_count[index]; i++) {
        if (lab->seen[index][i].term != entry->term) continue;
        bool same_before =
            lab->seen[index][i].before_term == before_term || before_term == 0 || lab->seen[index][i].before_term == 0;
        if (lab->seen[index][i].value != value || !same_before) {
            lab_fail(lab, "Log Matching: two entries %" PRIu64 "/%" PRIu64 ", the other on node %" PRIu64, entry->term,
                     index, node->id);
        }
        return;
    }
    unsigned slots = sizeof lab->seen[index] / sizeof lab->seen[index][0];
    if (lab->seen_count[index] == slots) return; /* so many terms tried this index: the rest is not remembered */
    lab->seen[index][lab->seen_count[index]].term = entry->term;
    lab->seen[index][lab->seen_count[index]].value = value;
    lab->seen[index][lab->seen_count[index]].before_term = before_term;
    lab->seen_count[index]++;
}

static bool same_entry(const struct lab_entry *a, const struct lab_entry *b) {
    return a->term == b->term && a->kind == b->kind && a->value == b->value;
}

static void check_new_leader(struct lab *lab, const struct lab_node *node, uint64_t term) {
    lab->met.elections++;
    if (term < LAB_TERM_MAX) {
        if (lab->leader_of[term] != 0) {
            lab_fail(lab, "Election Safety: %" PRIu64 " and %" PRIu64 " lead term %" PRIu64, lab->leader_of[term],
                     node->id, term);
        }
        lab->leader_of[term] = node->id;
    }
    for (uint64_t index = node->log_start + 1; index <= lab->committed_last; index++) {
        if (index <= lab->options.start_index || lab->committed_in[index] >= term) continue;
        if (index > node->last || !same_entry(&lab->committed[index], &node->log[index])) {
            lab_fail(lab,
                     "Leader Completeness: leader %" PRIu64 " of term %" PRIu64 " lacks the committed entry %" PRIu64
                     "/%" PRIu64,
                     node->id, term, lab->committed[index].term, index);
            return;
        }
    }
}

void lab_check_role(struct lab *lab, struct lab_node *node, const struct raft_ready *ready) {
    if (ready->term < node->term) lab_fail(lab, "the term of node %" PRIu64 " falls", node->id);
    bool leads_anew = ready->role == RAFT_LEADER && (node->role != RAFT_LEADER || node->term != ready->term);
    node->role = ready->role;
    node->term = ready->term;
    if (node->id == lab->options.witness && node->role != RAFT_FOLLOWER)
        lab_fail(lab, "node %" PRIu64 " is a witness, and campaigns in term %" PRIu64, node->id, node->term);
    if (leads_anew) lab->met.guarded += node->raft->lease.guards;
    if (leads_anew) check_new_leader(lab, node, ready->term);
}

static bool holds_durably(const struct lab_node *node, uint64_t index, const struct lab_entry *entry) {
    if (index <= node->durable_start || index <= node->durable_state.index) return true;
    /* What was lost counts until it is had again: nobody is elected without it meanwhile. */
    const uint64_t last = node->lost_last > node->durable_last ? node->lost_last : node->durable_last;
    return index <= last && same_entry(&node->durable_log[index], entry);
}

static bool majority_holds(const struct lab *lab, const uint64_t *voters, unsigned count, uint64_t index,
                           const struct lab_entry *entry) {
    unsigned holding = 0;
    for (unsigned i = 0; i < count; i++) holding += holds_durably(&lab->nodes[voters[i]], index, entry);
    return count == 0 || holding > count / 2;
}

/* While one holds a lease, by its own clock and not by what it has last seen of it, nobody else commits. */
static void check_leases(struct lab *lab, const struct lab_node *node, uint64_t index) {
    for (uint64_t id = 1; id <= lab->options.nodes; id++) {
        const struct raft *holder = lab->nodes[id].raft;
        if (!holder || id == node->id || raft_lease_ends_ms(holder) <= lab_steady_ms(lab, id)) continue;
        lab_fail(lab, "lease exclusion: node %" PRIu64 " commits %" PRIu64 " while node %" PRIu64 " holds a lease",
                 node->id, index, id);
    }
}

static void check_new_commit(struct lab *lab, const struct lab_node *node, uint64_t index) {
    const struct lab_entry *entry = &node->log[index];
    const struct raft_configuration *configuration = &node->raft->configuration;
    bool durable = majority_holds(lab, configuration->voters, configuration->voter_count, index, entry) &&
                   majority_holds(lab, configuration->outgoing, configuration->outgoing_count, index, entry);
    if (!durable) {
        lab_fail(lab, "node %" PRIu64 " commits %" PRIu64 "/%" PRIu64 ", which is not durable on a majority", node->id,
                 entry->term, index);
    }
    check_leases(lab, node, index);
    lab->committed[index] = *entry;
    lab->committed_in[index] = node->raft->term;
    lab->committed_last = index;
    lab->met.commits++;
}

void lab_check_commit(struct lab *lab, struct lab_node *node) {
    uint64_t commit = node->raft->commit;
    if (commit < node->seen_commit) lab_fail(lab, "the commit index of node %" PRIu64 " falls", node->id);
    if (commit > node->last) lab_fail(lab, "node %" PRIu64 " commits %" PRIu64 " beyond its log", node->id, commit);
    uint64_t first = node->seen_commit > node->log_start ? node->seen_commit + 1 : node->log_start + 1;
    node->seen_commit = commit;
    for (uint64_t index = first; index <= commit && lab->failure[0] == '\0'; index++) {
        const struct lab_entry *entry = &node->log[index];
        if (index > lab->committed_last) {
            check_new_commit(lab, node, index);
        } else if (index > lab->options.start_index && !same_entry(&lab->committed[index], entry)) {
            lab_fail(lab,
                     "State Machine Safety: node %" PRIu64 " commits %" PRIu64 "/%" PRIu64 " where %" PRIu64 "/%" PRIu64
                     " was committed",
                     node->id, entry->term, index, lab->committed[index].term, index);
        }
    }
}

void lab_check_handed(struct lab *lab, struct lab_node *node, uint64_t first, uint64_t last) {
    if (first != node->commit + 1) {
        lab_fail(lab, "node %" PRIu64 " hands out entries from %" PRIu64 ", after %" PRIu64, node->id, first,
                 node->commit);
    }
    node->commit = last;
}

void lab_check_applied(struct lab *lab, struct lab_node *node, const struct lab_entry *entry) {
    uint64_t index = node->state.index;
    if (lab->committed_hash[index] == 0) lab->committed_hash[index] = node->state.hash;
    if (lab->committed_hash[index] != node->state.hash)
        lab_fail(lab, "node %" PRIu64 " differs in its state at %" PRIu64, node->id, index);
    if (entry->kind != RAFT_ENTRY_COMMAND) return;
    if (entry->log_time_ms < node->state.log_time_ms) lab_fail(lab, "log time falls at %" PRIu64, index);
    node->state.log_time_ms = entry->log_time_ms;
}

/* 5.3: a leader counts whoever acknowledges an entry as one who has its log up to there. */
static void check_is_of_leader(struct lab *lab, const struct lab_node *node, uint64_t index, uint64_t term,
                               const struct lab_node *leader) {
    if (leader->raft == NULL || leader->role != RAFT_LEADER || leader->term != term) return;
    if (index > leader->last) {
        lab_fail(lab, "node %" PRIu64 " acknowledges %" PRIu64 " to its leader, whose log ends at %" PRIu64, node->id,
                 index, leader->last);
    } else if (index > leader->log_start && index > node->log_start && index <= node->last &&
               !same_entry(&leader->log[index], &node->log[index])) {
        lab_fail(lab, "node %" PRIu64 " acknowledges %" PRIu64 ", which is another entry in its leader's log", node->id,
                 index);
    }
}

void lab_check_message(struct lab *lab, const struct lab_node *node, const struct raft_message *message) {
    const struct raft_hard_state *durable = &node->durable_hard_state;
    bool granted = message->kind == RAFT_VOTE_REPLY && !message->reject;
    if (granted && (durable->term != message->term || durable->vote != message->to)) {
        lab_fail(lab, "node %" PRIu64 " gives %" PRIu64 " a vote in term %" PRIu64 " that is not durable", node->id,
                 message->to, message->term);
    }
    if (message->kind == RAFT_VOTE && (durable->term != message->term || durable->vote != node->id)) {
        lab_fail(lab, "node %" PRIu64 " campaigns in term %" PRIu64 " without a durable vote of its own", node->id,
                 message->term);
    }
    bool acknowledged = message->kind == RAFT_APPEND_REPLY && !message->reject && message->index > 0;
    if (!acknowledged) return;
    if (durable->term != message->term) {
        lab_fail(lab, "node %" PRIu64 " acknowledges %" PRIu64 " in term %" PRIu64 ", which is not durable", node->id,
                 message->index, message->term);
    }
    if (message->index > node->durable_last) {
        lab_fail(lab, "node %" PRIu64 " acknowledges %" PRIu64 ", durable is %" PRIu64, node->id, message->index,
                 node->durable_last);
    } else if (message->index > node->durable_start && message->index > node->log_start &&
               message->index <= node->last &&
               !same_entry(&node->durable_log[message->index], &node->log[message->index])) {
        lab_fail(lab, "node %" PRIu64 " acknowledges %" PRIu64 ", durable is an entry that was replaced", node->id,
                 message->index);
    }
    check_is_of_leader(lab, node, message->index, message->term, &lab->nodes[message->to]);
}

void lab_check_read(struct lab *lab, const struct lab_node *node, uint64_t floor, uint64_t index) {
    if (index >= floor) return;
    lab_fail(lab,
             "stale read: node %" PRIu64 " may serve from %" PRIu64 " a read that was asked when %" PRIu64
             " was committed",
             node->id, index, floor);
}

static bool majority_is_heard(const struct lab *lab, const struct lab_node *node, const uint64_t *voters,
                              unsigned count) {
    unsigned heard = 0;
    for (unsigned i = 0; i < count; i++)
        heard += voters[i] == node->id || node->ticks - node->heard[voters[i]] <= lab->options.election_ticks;
    return count == 0 || heard > count / 2;
}

void lab_check_quorum(struct lab *lab, struct lab_node *node) {
    const struct raft_configuration *configuration = &node->raft->configuration;
    const bool leads = node->role == RAFT_LEADER && node->raft->role == RAFT_LEADER && !lab->options.no_check_quorum;
    const bool is_heard = majority_is_heard(lab, node, configuration->voters, configuration->voter_count) &&
                          majority_is_heard(lab, node, configuration->outgoing, configuration->outgoing_count);
    node->unheard_ticks = leads && !is_heard ? node->unheard_ticks + 1 : 0;
    if (node->unheard_ticks > 2 * (uint64_t)lab->options.election_ticks)
        lab_fail(lab, "node %" PRIu64 " leads on in term %" PRIu64 ", though no majority answers", node->id,
                 node->term);
}
