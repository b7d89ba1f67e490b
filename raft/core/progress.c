/*
 * progress: the states of a member as its leader sees it. Invariant: match < next; only REPLICATE has appends in
 * flight; match falls within a term only when the member says that it has lost what it had.
 */
#include "raft/core/progress.h"

#include "engine/base/check.h"

static uint64_t lesser(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t greater(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

const char *raft_progress_name(enum raft_progress progress) {
    switch (progress) {
    case RAFT_PROBE: return "probe";
    case RAFT_REPLICATE: return "replicate";
    case RAFT_SEND_SNAPSHOT: return "snapshot";
    }
    return "unknown";
}

static void enter(struct progress *progress, enum raft_progress state) {
    progress->state = state;
    progress->paused = false;
    progress->snapshot_index = 0;
    progress->snapshot_due = false;
    inflights_clear(&progress->inflights);
}

void progress_reset(struct progress *progress, uint64_t match, uint64_t next) {
    enter(progress, RAFT_PROBE);
    progress->match = match;
    progress->next = next;
    progress->sent_commit = 0;
    progress->commit = 0;
    progress->append_due = false;
    progress->heartbeat_due = false;
    progress->recently_active = false;
    progress->vote = PROGRESS_VOTE_NONE;
    progress->vote_due = false;
    progress->acked_round = 0;
    progress->clock = (struct log_time_clock){0};
}

void progress_become_probe(struct progress *progress) {
    uint64_t after_snapshot = progress->state == RAFT_SEND_SNAPSHOT ? progress->snapshot_index + 1 : 0;
    enter(progress, RAFT_PROBE);
    progress->next = greater(progress->match + 1, after_snapshot);
    progress->sent_commit = lesser(progress->sent_commit, progress->next - 1);
}

void progress_become_replicate(struct progress *progress) {
    enter(progress, RAFT_REPLICATE);
    progress->next = progress->match + 1;
}

void progress_become_snapshot(struct progress *progress, uint64_t index) {
    enter(progress, RAFT_SEND_SNAPSHOT);
    progress->snapshot_index = index;
    progress->snapshot_due = true;
    progress->next = greater(progress->match, index) + 1;
    progress->sent_commit = index;
    progress->append_due = false;
}

bool progress_is_paused(const struct progress *progress) {
    return progress->state == RAFT_SEND_SNAPSHOT || progress->paused;
}

bool progress_wants_commit(const struct progress *progress, uint64_t commit) {
    return commit > progress->sent_commit && progress->sent_commit < progress->next - 1;
}

void progress_sent(struct progress *progress, unsigned entries, size_t bytes, uint64_t commit) {
    progress->append_due = false;
    progress->sent_commit = commit;
    if (progress->state == RAFT_PROBE) {
        progress->paused = true;
        return;
    }
    check(progress->state == RAFT_REPLICATE);
    if (entries > 0) {
        progress->next += entries;
        inflights_add(&progress->inflights, progress->next - 1, bytes);
    }
    progress->paused = inflights_are_full(&progress->inflights);
}

bool progress_acknowledge(struct progress *progress, uint64_t index) {
    if (index <= progress->match) return false;
    progress->match = index;
    progress->next = greater(progress->next, index + 1);
    progress->paused = false;
    return true;
}

/* Should this be late, and all be there again, the next acknowledgement says so. */
void progress_lose(struct progress *progress, uint64_t index) {
    if (index >= progress->match) return;
    progress->match = index;
    if (progress->state == RAFT_REPLICATE) progress_become_probe(progress);
}

bool progress_refuse(struct progress *progress, uint64_t rejected, uint64_t hint) {
    if (progress->state == RAFT_REPLICATE) {
        if (rejected <= progress->match) return false; /* late: that much is known to match */
        progress_become_probe(progress);
        return true;
    }
    if (progress->next - 1 != rejected) return false; /* late: not the probe on its way */
    progress->next = greater(lesser(rejected, hint + 1), progress->match + 1);
    progress->sent_commit = lesser(progress->sent_commit, progress->next - 1);
    progress->paused = false;
    return true;
}

bool inflights_are_full(const struct inflights *inflights) {
    return inflights->count == inflights->limit_messages || inflights->bytes >= inflights->limit_bytes;
}

void inflights_add(struct inflights *inflights, uint64_t last, size_t bytes) {
    check(inflights->count < inflights->limit_messages);
    inflights->ring[(inflights->head + inflights->count) % inflights->limit_messages] =
        (struct inflight){.last = last, .bytes = bytes};
    inflights->count++;
    inflights->bytes += bytes;
}

void inflights_free(struct inflights *inflights, uint64_t index) {
    while (inflights->count > 0 && inflights->ring[inflights->head].last <= index) {
        inflights->bytes -= inflights->ring[inflights->head].bytes;
        inflights->head = (inflights->head + 1) % inflights->limit_messages;
        inflights->count--;
    }
}

void inflights_clear(struct inflights *inflights) {
    inflights->head = inflights->count = 0;
    inflights->bytes = 0;
}
