/* raft_live_text: a running node's word, for people and for programs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/loam/inspect/raftview/raft_live.h"

static const char *seconds(uint64_t ms, char text[24]) {
    (void)snprintf(text, 24, ms < 1000 ? "%.0f ms" : "%.1f s", ms < 1000 ? (double)ms : (double)ms / 1000);
    return text;
}

static const struct raft_live_peer *peer_of(const struct raft_live *live, uint64_t id) {
    for (size_t i = 0; i < live->peer_count; i++)
        if (live->peers[i].id == id) return &live->peers[i];
    return NULL;
}

static bool leads(const struct raft_live *live) {
    return strcmp(live->role, "leader") == 0;
}

/* ---- One voter --------------------------------------------------------------------------------------------------- */

/* Why it has not acknowledged, as far as the leader knows. */
static void put_reason(struct out *out, const struct raft_live *live, uint64_t id) {
    const struct raft_live_peer *peer = peer_of(live, id);
    char text[24];
    if (id == live->id) {
        if (strcmp(live->disk, "failed") == 0)
            out_print(out, "its own disk failed: it has halted");
        else
            out_print(out, "its own disk has not answered for %s%s", seconds(live->disk_waiting_ms, text),
                      strcmp(live->disk, "slow") == 0 ? ": it is slow" : "");
        return;
    }
    if (!peer) {
        out_print(out, "the leader knows no address of it");
        return;
    }
    if (peer->last_heard_ms < 0)
        out_print(out, "never heard, %s", peer->connected ? "connected" : "not connected");
    else if (!peer->connected)
        out_print(out, "not connected, last heard %s ago", seconds((uint64_t)peer->last_heard_ms, text));
    else if (peer->last_heard_ms >= RAFT_LIVE_SILENT_MS)
        out_print(out, "connected, but silent for %s", seconds((uint64_t)peer->last_heard_ms, text));
    else if (strcmp(peer->progress, "snapshot") == 0)
        out_print(out, "is being sent a snapshot, because the log no longer has what it lacks");
    else if (peer->in_flight_messages > 0)
        out_print(out, "heard %s ago, %" PRIu64 " messages are on their way to it: its disk or the way there is slow",
                  seconds((uint64_t)peer->last_heard_ms, text), peer->in_flight_messages);
    else
        out_print(out, "heard %s ago, is being asked where its log matches",
                  seconds((uint64_t)peer->last_heard_ms, text));
}

/* ---- What blocks ------------------------------------------------------------------------------------------------- */

static void put_limits(struct out *out, const struct raft_live *live, const char *before) {
    if (live->uncommitted_limit_bytes && live->uncommitted_bytes >= live->uncommitted_limit_bytes)
        out_print(out, "%sthe uncommitted tail is full (%" PRIu64 " bytes): writes wait or are refused\n", before,
                  live->uncommitted_limit_bytes);
    if (live->log_limit_bytes && live->log_bytes >= live->log_limit_bytes)
        out_print(out, "%sthe log is at its cap (%" PRIu64 " bytes): writes are refused until a flush lets it be cut\n",
                  before, live->log_limit_bytes);
}

static void put_leader_wait(struct out *out, const struct raft_live *live) {
    const struct raft_live_wait wait = raft_live_wait(live);
    char text[24];
    if (wait.index == 0) {
        out_print(out, "  commit     nothing waits: all %" PRIu64 " entries are committed\n", live->last);
        return;
    }
    out_print(out, "  commit     has stood at %" PRIu64 " for %s; ", live->commit,
              seconds(live->commit_waiting_ms, text));
    raft_words_entries(out, "e", wait.index, wait.last);
    out_print(out, " behind it");
    if (live->guards)
        out_print(out,
                  " wait because this leader is new: it commits nothing for %" PRIu64
                  " ms, while a former one may still read by its lease\n",
                  live->guard_ms);
    else if (wait.needed == 0)
        out_print(out, ": a majority has the first of it; entries of a former term are committed with the first of the "
                       "leader's own\n");
    else
        out_print(out, " can't be committed: %u more acknowledgement%s of entry %" PRIu64 " must come, out of these:\n",
                  wait.needed, wait.needed > 1 ? "s" : "", wait.index);
    for (unsigned i = 0; i < wait.count && wait.needed > 0; i++) {
        out_print(out, "             node %" PRIu64 ": ", wait.ids[i]);
        put_reason(out, live, wait.ids[i]);
        out_print(out, "\n");
    }
}

/* One that leads nobody: it knows nothing of the others' logs. */
static void put_follower_wait(struct out *out, const struct raft_live *live) {
    char text[24];
    unsigned heard = 0, voters = 0;
    if (live->leader) {
        out_print(out,
                  "  commit     as far as the leader has told: %" PRIu64
                  "; what it waits for, the leader knows (node %" PRIu64 ")\n",
                  live->commit, live->leader);
        return;
    }
    for (size_t i = 0; i < live->peer_count; i++) {
        const struct raft_live_peer *peer = &live->peers[i];
        const bool is_self = peer->id == live->id;
        voters += peer->voter;
        heard +=
            peer->voter &&
            (is_self || (peer->connected && peer->last_heard_ms >= 0 && peer->last_heard_ms < RAFT_LIVE_SILENT_MS));
    }
    out_print(out,
              "  commit     nothing can be committed: this node knows no leader; it hears %u of %u voters, itself "
              "included%s\n",
              heard, voters, voters > 0 && 2 * heard <= voters ? ", which is no majority" : "");
    for (size_t i = 0; i < live->peer_count; i++) {
        const struct raft_live_peer *peer = &live->peers[i];
        if (peer->id == live->id) continue;
        out_print(out, "             node %" PRIu64 ": ", peer->id);
        if (peer->last_heard_ms < 0)
            out_print(out, "never heard%s\n", peer->connected ? ", connected" : "");
        else
            out_print(out, "%s, heard %s ago\n", peer->connected ? "connected" : "not connected",
                      seconds((uint64_t)peer->last_heard_ms, text));
    }
}

/* ---- All of it --------------------------------------------------------------------------------------------------- */

static void put_peers(struct out *out, const struct raft_live *live) {
    char heard[32], text[24];
    out_print(out, "  %-6s %-8s %-10s %-11s %10s %8s %10s  %s\n", "node", "say", "connected", "heard", "match",
              "behind", "in flight", "progress");
    for (size_t i = 0; i < live->peer_count; i++) {
        const struct raft_live_peer *peer = &live->peers[i];
        const bool is_self = peer->id == live->id;
        if (is_self)
            (void)snprintf(heard, sizeof heard, "itself");
        else if (peer->last_heard_ms < 0)
            (void)snprintf(heard, sizeof heard, "never");
        else
            (void)snprintf(heard, sizeof heard, "%s ago", seconds((uint64_t)peer->last_heard_ms, text));
        out_print(out, "  %-6" PRIu64 " %-8s %-10s %-11s %10" PRIu64 " %8" PRIu64 " %10" PRIu64 "  %s\n", peer->id,
                  peer->witness   ? "witness"
                  : peer->voter   ? "voter"
                  : peer->learner ? "learner"
                                  : "none",
                  peer->connected ? "yes" : "no", heard, peer->match, peer->lag, peer->in_flight_messages,
                  peer->progress);
    }
}

static void put_members(struct out *out, const struct raft_live *live) {
    out_print(out, "  members    %s%s\n", live->members,
              strcmp(live->membership, "member") == 0    ? ""
              : strcmp(live->membership, "removed") == 0 ? "; it is removed"
                                                         : "; it waits to be added");
}

void raft_live_print(struct out *out, const struct raft_live *live) {
    char text[24], use[OUT_WORDS_BYTES], limit[OUT_WORDS_BYTES];
    out_print(out, "%s: node %" PRIu64 " of cluster %s, %s%s, term %" PRIu64 ", vote %" PRIu64 "\n", live->address,
              live->id, live->cluster, live->role, live->witness ? " (a witness)" : "", live->term, live->vote);
    out_print(out,
              "  log        entries %" PRIu64 " to %" PRIu64 ", on disk up to %" PRIu64 ", committed up to %" PRIu64
              ", applied up to %" PRIu64 "\n",
              live->first, live->last, live->durable, live->commit, live->applied);
    put_members(out, live);
    out_print(out, "  disk       %s", live->disk);
    if (live->disk_waiting_ms)
        out_print(out, ", the oldest write has waited for %s", seconds(live->disk_waiting_ms, text));
    if (live->doubt_term)
        out_print(out,
                  "; in doubt: damage was met, and what it acknowledged in terms up to %" PRIu64
                  " is being had from the others",
                  live->doubt_term);
    out_print(out, "\n  limits     uncommitted %s of ", bytes_words(live->uncommitted_bytes, use));
    out_print(out, "%s, ", bytes_words(live->uncommitted_limit_bytes, limit));
    out_print(out, "log %s of ", bytes_words(live->log_bytes, use));
    out_print(out, "%s\n", bytes_words(live->log_limit_bytes, limit));
    put_limits(out, live, "             ");
    if (strcmp(live->disk, "failed") == 0)
        out_print(out, "  halted     its disk failed: it neither votes nor acknowledges until it is restarted\n");
    if (leads(live)) {
        put_leader_wait(out, live);
        put_peers(out, live);
    } else {
        put_follower_wait(out, live);
    }
}

static void put_number(struct out *out, const char *name, uint64_t value) {
    out_print(out, ",\"%s\":%" PRIu64, name, value);
}

static void put_wait(struct out *out, const struct raft_live *live) {
    const struct raft_live_wait wait = raft_live_wait(live);
    out_print(out, ",\"waits\":{\"from\":%" PRIu64 ",\"to\":%" PRIu64 ",\"needed\":%u,\"on\":[", wait.index, wait.last,
              wait.needed);
    for (unsigned i = 0; i < wait.count; i++) {
        struct out reason = {.text = BUF_EMPTY};
        put_reason(&reason, live, wait.ids[i]);
        if (reason.status == STATUS_OK) reason.status = buf_append_byte(&reason.text, '\0');
        out_print(out, "%s{\"node\":%" PRIu64 ",\"why\":", i ? "," : "", wait.ids[i]);
        out_json(out, reason.status == STATUS_OK ? (const char *)reason.text.data : "");
        out_print(out, "}");
        buf_deinit(&reason.text);
    }
    out_print(out, "]}");
}

void raft_live_json(struct out *out, const struct raft_live *live) {
    out_print(out, "{\"address\":");
    out_json(out, live->address);
    out_print(out, ",\"role\":");
    out_json(out, live->role);
    out_print(out, ",\"disk\":");
    out_json(out, live->disk);
    put_number(out, "node", live->id);
    put_number(out, "term", live->term);
    put_number(out, "vote", live->vote);
    put_number(out, "leader", live->leader);
    put_number(out, "first", live->first);
    put_number(out, "last", live->last);
    put_number(out, "durable", live->durable);
    put_number(out, "commit", live->commit);
    put_number(out, "applied", live->applied);
    put_number(out, "commit_waiting_ms", live->commit_waiting_ms);
    put_number(out, "disk_waiting_ms", live->disk_waiting_ms);
    put_number(out, "doubt_term", live->doubt_term);
    put_number(out, "uncommitted_bytes", live->uncommitted_bytes);
    put_number(out, "uncommitted_limit_bytes", live->uncommitted_limit_bytes);
    put_number(out, "log_bytes", live->log_bytes);
    put_number(out, "log_limit_bytes", live->log_limit_bytes);
    out_print(out, ",\"guards\":%s", live->guards ? "true" : "false");
    put_wait(out, live);
    out_print(out, ",\"peers\":[");
    for (size_t i = 0; i < live->peer_count; i++) {
        const struct raft_live_peer *peer = &live->peers[i];
        out_print(out,
                  "%s{\"node\":%" PRIu64
                  ",\"voter\":%s,\"learner\":%s,\"witness\":%s,\"connected\":%s,\"last_heard_ms\":%" PRId64,
                  i ? "," : "", peer->id, peer->voter ? "true" : "false", peer->learner ? "true" : "false",
                  peer->witness ? "true" : "false", peer->connected ? "true" : "false", peer->last_heard_ms);
        put_number(out, "match", peer->match);
        put_number(out, "behind", leads(live) ? peer->lag : 0);
        put_number(out, "in_flight_messages", peer->in_flight_messages);
        put_number(out, "in_flight_bytes", peer->in_flight_bytes);
        out_print(out, ",\"progress\":");
        out_json(out, peer->progress);
        out_print(out, "}");
    }
    out_print(out, "]}");
}
