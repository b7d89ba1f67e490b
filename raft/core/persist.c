/*
 * persist: what the disk is asked to do, what it has done, and what was waiting for it (dissertation 3.8, 10.2.1).
 * Invariant: stable covers only entries that are both durable and still in the log.
 *
 * The disk is asynchronous, so an answer may be about entries that have been replaced since, even replaced twice, by
 * the very same entry (A, B, A): then term and index of the answer fit, while the write of B is still to come and may
 * be the last that a crash lets through. So works are numbered, and a cut lowers what every work under way can confirm:
 * the work of the first A confirms nothing above the cut, the last one does.
 */
#include "raft/core/core.h"

#include "engine/base/check.h"

static struct work *work_at(struct raft *raft, unsigned position) {
    return &raft->works[(raft->work_head + position) % raft->options.works_max];
}

void persist_cut(struct raft *raft, uint64_t index) {
    raft->stable = core_least(raft->stable, index - 1);
    raft->unhanded_first = core_least(raft->unhanded_first, index);
    for (unsigned i = 0; i < raft->work_count; i++) {
        struct work *work = work_at(raft, i);
        work->last = core_least(work->last, index - 1);
    }
}

bool persist_term_is_durable(const struct raft *raft) {
    return raft->durable.term == raft->term && raft->durable.vote == raft->vote;
}

static void finish(struct raft *raft, const struct work *work) {
    raft->durable = work->hard_state;
    raft->stable = core_most(raft->stable, work->last);
    raft->durable_commit = core_most(raft->durable_commit, work->commit_note);
    if (work->install_index == 0) return;
    check(raft->install == INSTALL_HANDED);
    raft->install = INSTALL_NONE;
    raft->applied = core_most(raft->applied, work->install_index);
    membership_applied(raft);
}

enum status persist_handle_done(struct raft *raft, uint64_t number) {
    if (number > raft->last_number) return STATUS_INVALID;
    while (raft->work_count > 0 && work_at(raft, 0)->number <= number) {
        struct work work = *work_at(raft, 0);
        raft->work_head = (raft->work_head + 1) % raft->options.works_max;
        raft->work_count--;
        finish(raft, &work);
    }
    if (persist_term_is_durable(raft)) election_count_own_vote(raft);
    struct progress *self = membership_self(raft);
    if (raft->role == RAFT_LEADER && self && progress_acknowledge(self, raft->stable)) commit_by_counting(raft);
    return STATUS_OK;
}

void persist_hand_out(struct raft *raft, struct raft_ready *ready) {
    bool hard_state = raft->handed.term != raft->term || raft->handed.vote != raft->vote;
    bool entries = raft->unhanded_first <= core_last(raft);
    bool install = raft->install == INSTALL_WAITING;
    bool note = raft->commit_note_due > raft->handed_commit;
    if (!hard_state && !entries && !install && !note) return;
    if (raft->halted || raft->work_count == raft->options.works_max) return;

    struct work *work = work_at(raft, raft->work_count++);
    *work = (struct work){.number = ++raft->last_number,
                          .hard_state = {.term = raft->term, .vote = raft->vote},
                          .commit_note = raft->commit,
                          .last = core_last(raft)};
    ready->number = work->number;
    if (raft->commit > raft->handed_commit) ready->commit_note = raft->handed_commit = raft->commit;
    if (hard_state) {
        ready->has_hard_state = true;
        ready->hard_state = raft->handed = work->hard_state;
    }
    if (install) {
        raft->install = INSTALL_HANDED;
        work->install_index = raft->log_start;
        ready->install.index = raft->log_start;
        ready->install.term = raft->install_term;
        ready->install.configuration = &raft->install_configuration;
    }
    if (entries) {
        ready->append_first = raft->unhanded_first;
        ready->append_last = core_last(raft);
        raft->unhanded_first = core_last(raft) + 1;
    }
}
