/*
 * raft_lab: see the header.
 */
#include "tests/harness/raft_lab.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "raft/core/core.h"
#include "raft/message/message_codec.h"
#include "tests/harness/raft_lab_check.h"

enum { LAB_EPOCH_MS = 1000000, LAB_ENTRY_BYTES = 16 };

__attribute__((format(printf, 2, 3))) static void trace(struct lab *lab, const char *format, ...) {
    if (!lab->options.trace) return;
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    check(buf_append_format(lab->options.trace, "%s\n", line) == STATUS_OK);
}

static void trace_event(struct lab *lab, uint64_t node, const struct raft_event *event) {
    if (!lab->options.trace || event->kind == RAFT_EVENT_CLOCK) return;
    check(buf_append_format(lab->options.trace, "%" PRIu64 " ", node) == STATUS_OK);
    check(raft_event_print(lab->options.trace, event) == STATUS_OK);
    check(buf_append_byte(lab->options.trace, '\n') == STATUS_OK);
}

/* ---- the memory log ---------------------------------------------------------------------------------------------- */

static uint64_t keep_configuration(struct lab *lab, struct slice bytes) {
    for (unsigned i = 0; i < lab->configuration_count; i++) {
        if (slice_equal(bytes, slice_make(lab->configuration_bytes[i], lab->configuration_sizes[i]))) return i;
    }
    check(lab->configuration_count < LAB_CONFIGURATIONS_MAX);
    unsigned number = lab->configuration_count++;
    memcpy(lab->configuration_bytes[number], bytes.data, bytes.size);
    lab->configuration_sizes[number] = bytes.size;
    if (raft_configuration_decode(bytes, &lab->configurations[number]) != STATUS_OK) {
        lab_fail(lab, "a configuration entry does not decode");
    }
    return number;
}

static struct lab_entry to_lab_entry(struct lab *lab, const struct raft_entry *entry) {
    struct lab_entry kept = {.term = entry->term, .kind = entry->kind};
    if (entry->kind == RAFT_ENTRY_COMMAND) {
        memcpy(&kept.value, entry->bytes.data, sizeof kept.value);
        memcpy(&kept.log_time_ms, entry->bytes.data + sizeof kept.value, sizeof kept.log_time_ms);
    } else if (entry->kind == RAFT_ENTRY_CONFIGURATION) {
        kept.value = keep_configuration(lab, entry->bytes);
    }
    return kept;
}

static const struct raft_entry *to_message_entries(struct lab *lab, const struct lab_node *node, uint64_t first,
                                                   unsigned count) {
    if (count == 0) return NULL;
    check(count < LAB_ENTRIES_MAX / 2);
    if (lab->entry_next + count > LAB_ENTRIES_MAX) lab->entry_next = 0; /* the oldest messages are gone by then */
    struct raft_entry *entries = &lab->entries[lab->entry_next];
    for (unsigned i = 0; i < count; i++) {
        const struct lab_entry *entry = &node->log[first + i];
        entries[i] = (struct raft_entry){.term = entry->term, .kind = entry->kind};
        if (entry->kind == RAFT_ENTRY_COMMAND) {
            uint64_t *bytes = lab->entry_values[lab->entry_next + i];
            bytes[0] = entry->value;
            bytes[1] = entry->log_time_ms;
            entries[i].bytes = slice_make(bytes, LAB_ENTRY_BYTES);
        } else if (entry->kind == RAFT_ENTRY_CONFIGURATION) {
            entries[i].bytes =
                slice_make(lab->configuration_bytes[entry->value], lab->configuration_sizes[entry->value]);
        }
    }
    lab->entry_next += count;
    return entries;
}

static unsigned measure(void *context, uint64_t first, uint64_t last, size_t limit, size_t *bytes) {
    struct lab_node *node = context;
    check(first > node->log_start && last <= node->last && first <= last);
    uint64_t count = last - first + 1;
    uint64_t fits = limit / LAB_ENTRY_BYTES;
    if (count > fits) count = fits > 0 ? fits : 1;
    *bytes = (size_t)count * LAB_ENTRY_BYTES;
    return (unsigned)count;
}

static void take_outcome(struct lab *lab, struct lab_node *node, const struct raft_outcome *outcome) {
    if (outcome->install) {
        node->log_start = node->last = node->arriving.index;
        node->installing = true;
    }
    if (outcome->put_count == 0) return;
    lab_check_put(lab, node, outcome);
    if (outcome->put_first <= node->last) lab->met.cuts_of_log++;
    node->last = outcome->put_first - 1;
    for (unsigned i = 0; i < outcome->put_count && node->last + 1 < LAB_INDEX_MAX; i++) {
        node->log[++node->last] = to_lab_entry(lab, &outcome->put[i]);
        lab_check_entry(lab, node, node->last);
    }
}

/* ---- effects ----------------------------------------------------------------------------------------------------- */

static void take_work(struct lab *lab, struct lab_node *node, const struct raft_ready *ready) {
    if (ready->number == 0) return;
    check(node->work_count < LAB_WORKS_MAX);
    struct lab_work *work = &node->works[node->work_count];
    *work = (struct lab_work){.number = ready->number,
                              .has_hard_state = ready->has_hard_state,
                              .hard_state = ready->hard_state,
                              .append_first = ready->append_first,
                              .append_last = ready->append_last,
                              .commit_note = ready->commit_note,
                              .entries = node->work_entries[node->work_count]};
    node->work_count++;
    if (ready->install.index > 0) {
        if (ready->install.index != node->arriving.index || ready->install.term != node->arriving.term)
            lab_fail(lab, "an install of another snapshot");
        work->install = node->arriving;
    }
    if (work->append_first == 0) return;
    uint64_t count = work->append_last - work->append_first + 1;
    check(count <= LAB_INDEX_MAX / 8);
    memcpy(work->entries, &node->log[work->append_first], count * sizeof *work->entries);
}

static bool is_same(const struct raft_message *a, const struct raft_message *b) {
    return a->kind == b->kind && a->from == b->from && a->to == b->to && a->term == b->term && a->index == b->index &&
           a->log_term == b->log_term && a->commit == b->commit && a->handed == b->handed && a->reject == b->reject &&
           a->hint_index == b->hint_index && a->hint_term == b->hint_term && a->round == b->round &&
           a->context == b->context && a->life == b->life && a->clock_ms == b->clock_ms &&
           a->log_time_ms == b->log_time_ms && a->entry_count == b->entry_count;
}

/* Cores hand messages to one another here; between nodes they travel as bytes, and nothing may be lost by that. */
static void check_wire(struct lab *lab, const struct raft_message *message) {
    static struct raft_entry entries[LAB_ENTRIES_MAX];
    struct raft_message arrived;
    struct raft_configuration configuration;
    buf_clear(&lab->wire);
    check(message_encode(&lab->wire, message, message->entries) == STATUS_OK);
    check(message_decode(buf_slice(&lab->wire), &arrived, entries, LAB_ENTRIES_MAX, &configuration) == STATUS_OK);
    check(is_same(message, &arrived));
}

static void send(struct lab *lab, const struct lab_node *node, const struct raft_message *message) {
    if (message->to == 0 || message->to > lab->options.nodes) return;
    if (lab->message_count == LAB_MESSAGES_MAX) lab_drop(lab, 0);
    struct lab_message *sent = &lab->network[lab->message_count++];
    sent->message = *message;
    sent->was_cut = lab->cut[node->id][message->to];
    if (message->kind == RAFT_APPEND)
        sent->message.entries = to_message_entries(lab, node, message->index + 1, message->entry_count);
    check_wire(lab, &sent->message);
}

static void take_snapshots(struct lab *lab, const struct lab_node *node, const struct raft_ready *ready) {
    for (unsigned i = 0; i < ready->snapshot_count; i++) {
        check(lab->stream_count < LAB_STREAMS_MAX);
        lab->streams[lab->stream_count++] = (struct lab_stream){.from = node->id,
                                                                .to = ready->snapshots[i],
                                                                .from_life = node->lives,
                                                                .term = ready->term,
                                                                .state = node->state};
    }
}

static void take_reads(struct lab *lab, struct lab_node *node, const struct raft_ready *ready) {
    for (unsigned i = 0; i < ready->read_count; i++) {
        for (unsigned j = 0; j < node->read_count; j++) {
            if (node->reads[j].context != ready->reads[i].context) continue;
            if (ready->reads[i].status == STATUS_OK) {
                lab_check_read(lab, node, node->reads[j].floor, ready->reads[i].index);
                node->reads_served++;
                lab->met.reads++;
            }
            node->reads[j] = node->reads[--node->read_count];
            break;
        }
    }
}

static void take_ready(struct lab *lab, struct lab_node *node, const struct raft_ready *ready) {
    if (lab->options.trace) check(raft_ready_print(lab->options.trace, ready, 2) == STATUS_OK);
    take_work(lab, node, ready);
    for (unsigned i = 0; i < ready->message_count; i++) {
        lab_check_message(lab, node, &ready->messages[i]);
        send(lab, node, &ready->messages[i]);
    }
    if (ready->commit_first > 0) lab_check_handed(lab, node, ready->commit_first, ready->commit_last);
    take_reads(lab, node, ready);
    take_snapshots(lab, node, ready);
    if (ready->note) lab_check_role(lab, node, ready);
}

void lab_drain(struct lab *lab, uint64_t id) {
    struct lab_node *node = &lab->nodes[id];
    struct raft_ready ready;
    while (node->raft && lab->failure[0] == '\0' && node->work_count < LAB_WORKS_MAX && raft_ready(node->raft, &ready))
        take_ready(lab, node, &ready);
    if (lab->options.by_hand) return;
    while (node->raft && node->work_count > 0 && lab->failure[0] == '\0') lab_persist(lab, id, 1);
    if (node->raft && node->commit > node->state.index && lab->failure[0] == '\0') lab_apply(lab, id, LAB_INDEX_MAX);
}

enum status lab_step(struct lab *lab, uint64_t id, const struct raft_event *event) {
    struct lab_node *node = &lab->nodes[id];
    if (!node->raft || lab->failure[0] != '\0') return STATUS_CLOSED;
    trace_event(lab, id, event);
    lab->met.events++;
    struct raft_outcome outcome;
    enum status status = raft_step(node->raft, event, &outcome);
    const bool refused = event->kind == RAFT_EVENT_TRANSFER; /* to no voter: an answer */
    if (status == STATUS_INVALID && !refused) lab_fail(lab, "node %" PRIu64 " calls an event insane", id);
    take_outcome(lab, node, &outcome);
    lab_check_commit(lab, node);
    const char *broken = raft_check_invariants(node->raft);
    if (broken) lab_fail(lab, "node %" PRIu64 ": it does not hold that %s", id, broken);
    if (!node->installing && !raft_configuration_equal(&node->raft->configuration, &node->state.configuration))
        lab_fail(lab, "node %" PRIu64 " goes by other members than it has applied", id);
    const uint64_t by_lease = node->raft->lease.served;
    lab_drain(lab, id);
    if (node->raft) lab->met.lease_reads += node->raft->lease.served - by_lease;
    return status;
}

/* ---- what clients and clocks do ---------------------------------------------------------------------------------- */

uint64_t lab_steady_ms(const struct lab *lab, uint64_t id) {
    return lab->now_ms * lab->nodes[id].clock_permille / 1000 + 1;
}

void lab_clock(struct lab *lab, uint64_t id) {
    uint64_t steady = lab_steady_ms(lab, id);
    uint64_t wall = LAB_EPOCH_MS + steady + lab->nodes[id].clock_offset_ms;
    (void)lab_step(lab, id,
                   &(struct raft_event){.kind = RAFT_EVENT_CLOCK, .clock = {.steady_ms = steady, .wall_ms = wall}});
}

/* Options need not be the same on all nodes. */
static uint32_t guard_of(const struct lab *lab, uint64_t id) {
    const uint32_t most = lab->options.guard_ms;
    return lab->options.guards_differ ? most - (uint32_t)(hash_mix(lab->options.seed, id + 100) % most) : most;
}

/* Everybody says how long it guards, as long as it must be told; drivers do it by messages. */
static void hear_guards(struct lab *lab, uint64_t id) {
    if (lab->options.guard_ms == 0 && lab->options.witness == 0) return;
    const struct raft_status status = lab_status(lab, id);
    for (unsigned i = 0; i < status.peer_count; i++) {
        const struct raft_peer *peer = &status.peers[i];
        if (peer->self || peer->guard_ms > 0 || lab->cut[peer->id][id] || !lab->nodes[peer->id].raft) continue;
        (void)lab_step(lab, id,
                       &(struct raft_event){.kind = RAFT_EVENT_GUARD,
                                            .guard = {.peer = peer->id,
                                                      .guard_ms = guard_of(lab, peer->id),
                                                      .is_witness = peer->id == lab->options.witness}});
    }
}

void lab_tick(struct lab *lab, uint64_t id) {
    lab_clock(lab, id);
    hear_guards(lab, id);
    (void)lab_step(lab, id, &(struct raft_event){.kind = RAFT_EVENT_TICK});
    if (!lab->nodes[id].raft) return;
    lab->nodes[id].ticks++;
    lab_check_quorum(lab, &lab->nodes[id]);
}

void lab_campaign(struct lab *lab, uint64_t id) {
    (void)lab_step(lab, id, &(struct raft_event){.kind = RAFT_EVENT_CAMPAIGN});
}

enum status lab_propose(struct lab *lab, uint64_t id, unsigned count) {
    enum { PROPOSE_MAX = 16 };
    struct raft_entry entries[PROPOSE_MAX];
    uint64_t bytes[PROPOSE_MAX][2];
    check(count <= PROPOSE_MAX);
    if (!lab->nodes[id].raft) return STATUS_CLOSED;
    lab_clock(lab, id);
    uint64_t stamp = raft_log_time(lab->nodes[id].raft);
    for (unsigned i = 0; i < count; i++) {
        bytes[i][0] = ++lab->next_value;
        bytes[i][1] = stamp;
        entries[i] = (struct raft_entry){.kind = RAFT_ENTRY_COMMAND, .bytes = slice_make(bytes[i], LAB_ENTRY_BYTES)};
    }
    return lab_step(lab, id,
                    &(struct raft_event){.kind = RAFT_EVENT_PROPOSE, .propose = {.entries = entries, .count = count}});
}

enum status lab_propose_change(struct lab *lab, uint64_t id, const struct raft_change *change) {
    if (!lab->nodes[id].raft) return STATUS_CLOSED;
    struct raft_outcome outcome;
    struct raft_event event = {.kind = RAFT_EVENT_PROPOSE_CHANGE, .change = change};
    trace_event(lab, id, &event);
    enum status status = raft_step(lab->nodes[id].raft, &event, &outcome); /* INVALID is an answer here */
    take_outcome(lab, &lab->nodes[id], &outcome);
    lab_check_commit(lab, &lab->nodes[id]);
    lab_drain(lab, id);
    return status;
}

enum status lab_read(struct lab *lab, uint64_t id) {
    struct lab_node *node = &lab->nodes[id];
    if (!node->raft) return STATUS_CLOSED;
    if (node->read_count == LAB_READS_MAX) node->read_count--; /* given up */
    node->reads[node->read_count].context = ++node->next_context;
    node->reads[node->read_count].floor = lab->committed_last;
    node->read_count++;
    enum status status =
        lab_step(lab, id, &(struct raft_event){.kind = RAFT_EVENT_READ, .read = {.context = node->next_context}});
    if (status == STATUS_OK) return status;
    for (unsigned i = 0; i < node->read_count; i++) {
        if (node->reads[i].context == node->next_context) node->reads[i] = node->reads[--node->read_count];
    }
    return status;
}

/* ---- disk and store ---------------------------------------------------------------------------------------------- */

static void settle_doubt(struct lab *lab, struct lab_node *node);

static void make_durable(struct lab_node *node, const struct lab_work *work) {
    if (work->install.index > 0) {
        node->durable_state = work->install;
        node->durable_start = node->durable_last = work->install.index;
        node->durable_start_term = work->install.term;
    }
    if (work->has_hard_state) node->durable_hard_state = work->hard_state;
    if (work->commit_note > 0) node->durable_commit = work->commit_note;
    if (work->append_first == 0) return;
    node->durable_last = work->append_last;
    memcpy(&node->durable_log[work->append_first], work->entries,
           (work->append_last - work->append_first + 1) * sizeof *work->entries);
}

void lab_persist(struct lab *lab, uint64_t id, unsigned count) {
    struct lab_node *node = &lab->nodes[id];
    if (count > node->work_count) count = node->work_count;
    if (count == 0 || !node->raft) return;
    uint64_t number = node->works[count - 1].number;
    for (unsigned i = 0; i < count; i++) {
        make_durable(node, &node->works[i]);
        if (node->works[i].install.index > 0) {
            node->state = node->works[i].install;
            node->installing = false;
            if (node->commit < node->state.index) node->commit = node->state.index;
        }
    }
    for (unsigned i = count; i < node->work_count; i++) { /* the memory of a work moves with it */
        struct lab_entry *entries = node->works[i - count].entries;
        node->works[i - count] = node->works[i];
        node->works[i - count].entries = entries;
        if (node->works[i].append_first == 0) continue;
        memcpy(entries, node->works[i].entries,
               (node->works[i].append_last - node->works[i].append_first + 1) * sizeof *entries);
    }
    node->work_count -= count;
    for (unsigned i = 0; i < LAB_WORKS_MAX; i++) node->works[i].entries = node->work_entries[i];
    (void)lab_step(lab, id, &(struct raft_event){.kind = RAFT_EVENT_PERSISTED, .persisted = {.number = number}});
    settle_doubt(lab, node);
}

void lab_apply(struct lab *lab, uint64_t id, unsigned count) {
    struct lab_node *node = &lab->nodes[id];
    if (!node->raft || node->installing || node->applying) return;
    node->applying = true;
    for (; count > 0 && node->state.index < node->commit && node->raft && lab->failure[0] == '\0'; count--) {
        uint64_t index = node->state.index + 1;
        const struct lab_entry *entry = &node->log[index];
        if (index <= node->log_start || index > node->last) {
            lab_fail(lab, "node %" PRIu64 " has to apply %" PRIu64 ", which is not in its log", id, index);
            break;
        }
        if (entry->kind == RAFT_ENTRY_CONFIGURATION) {
            node->state.configuration = lab->configurations[entry->value];
            lab->met.changes++;
            (void)lab_step(
                lab, id,
                &(struct raft_event){.kind = RAFT_EVENT_APPLY_CONFIGURATION,
                                     .apply = {.index = index, .configuration = &node->state.configuration}});
        }
        node->state.index = index;
        node->state.term = entry->term;
        node->state.hash = hash_mix(node->state.hash, hash_mix(entry->value, (uint64_t)entry->kind));
        lab_check_applied(lab, node, entry);
        if (entry->kind == RAFT_ENTRY_COMMAND && entry->value >= node->doubt_value) node->whole_index = index;
        (void)lab_step(lab, id, &(struct raft_event){.kind = RAFT_EVENT_APPLIED, .applied = {.index = index}});
    }
    node->applying = false;
    settle_doubt(lab, node);
}

void lab_flush(struct lab *lab, uint64_t id) {
    struct lab_node *node = &lab->nodes[id];
    const uint64_t index = node->state.index;
    if (!node->raft || node->installing || index > node->durable_last) return;
    if (index > node->durable_start && node->durable_log[index].term != node->state.term)
        return; /* what it replaces is still there: only once the log is durable up to it */
    if (node->state.index > node->durable_state.index) node->durable_state = node->state;
    trace(lab, "%" PRIu64 " flushes at %" PRIu64, id, node->durable_state.index);
}

void lab_compact(struct lab *lab, uint64_t id, uint64_t index) {
    struct lab_node *node = &lab->nodes[id];
    if (index > node->durable_state.index) index = node->durable_state.index;
    if (!node->raft || node->installing || index <= node->log_start || index > node->last ||
        node->durable_start >= index)
        return;
    node->log_start = index;
    node->durable_start = index;
    node->durable_start_term = node->durable_log[index].term;
    (void)lab_step(lab, id, &(struct raft_event){.kind = RAFT_EVENT_COMPACTED, .compacted = {.index = index}});
}

/* ---- the network ------------------------------------------------------------------------------------------------- */

void lab_drop(struct lab *lab, unsigned position) {
    lab->met.dropped++;
    lab->message_count--;
    memmove(&lab->network[position], &lab->network[position + 1],
            (lab->message_count - position) * sizeof *lab->network);
}

void lab_repeat(struct lab *lab, unsigned position) {
    if (lab->message_count == LAB_MESSAGES_MAX) return;
    lab->met.repeated++;
    lab->network[lab->message_count] = lab->network[position];
    lab->message_count++;
}

void lab_deliver(struct lab *lab, unsigned position) {
    struct lab_message sent = lab->network[position];
    lab_drop(lab, position);
    lab->met.dropped--;
    bool cut = lab->options.late_arrivals ? sent.was_cut : lab->cut[sent.message.from][sent.message.to];
    if (cut || !lab->nodes[sent.message.to].raft) return;
    lab->nodes[sent.message.to].heard[sent.message.from] = lab->nodes[sent.message.to].ticks;
    if (sent.message.kind == RAFT_VOTE && sent.message.handed) lab->met.handed++;
    (void)lab_step(lab, sent.message.to, &(struct raft_event){.kind = RAFT_EVENT_MESSAGE, .message = &sent.message});
}

void lab_stream_end(struct lab *lab, unsigned position, bool arrives) {
    struct lab_stream stream = lab->streams[position];
    lab->streams[position] = lab->streams[--lab->stream_count];
    struct lab_node *to = &lab->nodes[stream.to];
    bool taken = arrives && to->raft && !lab->cut[stream.from][stream.to];
    if (taken) {
        struct lab_state before = to->arriving;
        to->arriving = stream.state;
        struct raft_message message = {.kind = RAFT_SNAPSHOT,
                                       .from = stream.from,
                                       .to = stream.to,
                                       .term = stream.term,
                                       .index = stream.state.index,
                                       .log_term = stream.state.term,
                                       .configuration = &stream.state.configuration};
        struct raft_event event = {.kind = RAFT_EVENT_MESSAGE, .message = &message};
        trace_event(lab, stream.to, &event);
        struct raft_outcome outcome;
        if (raft_step(to->raft, &event, &outcome) == STATUS_INVALID) lab_fail(lab, "a snapshot was called insane");
        if (!outcome.install) to->arriving = before;
        take_outcome(lab, to, &outcome);
        lab_check_commit(lab, to);
        lab->met.snapshots += outcome.install;
        lab_drain(lab, stream.to);
    }
    const struct lab_node *from = &lab->nodes[stream.from];
    if (!from->raft || from->lives != stream.from_life) return;
    (void)lab_step(lab, stream.from,
                   &(struct raft_event){.kind = RAFT_EVENT_SNAPSHOT_REPORT,
                                        .report = {.peer = stream.to, .index = stream.state.index, .ok = taken}});
}

void lab_isolate(struct lab *lab, uint64_t id) {
    for (uint64_t other = 1; other <= lab->options.nodes; other++)
        lab->cut[id][other] = lab->cut[other][id] = other != id;
}

void lab_heal(struct lab *lab) {
    memset(lab->cut, 0, sizeof lab->cut);
}

/* ---- life and death ---------------------------------------------------------------------------------------------- */

void lab_crash(struct lab *lab, uint64_t id, unsigned kept) {
    struct lab_node *node = &lab->nodes[id];
    if (!node->raft) return;
    trace(lab, "%" PRIu64 " crashes; of %u works under way the disk has done %u", id, node->work_count,
          kept < node->work_count ? kept : node->work_count);
    for (unsigned i = 0; i < kept && i < node->work_count; i++) make_durable(node, &node->works[i]);
    raft_destroy(node->raft);
    node->raft = NULL;
    node->work_count = node->read_count = 0;
    node->role = RAFT_FOLLOWER;
    node->installing = node->applying = false;
    lab->met.crashes++;
}

static uint64_t greatest_stamp(const struct lab_node *node) {
    uint64_t stamp = node->durable_state.log_time_ms;
    for (uint64_t index = node->durable_start + 1; index <= node->durable_last; index++) {
        if (node->durable_log[index].log_time_ms > stamp) stamp = node->durable_log[index].log_time_ms;
    }
    return stamp;
}

void lab_damage_log(struct lab *lab, uint64_t id, uint64_t kept) {
    struct lab_node *node = &lab->nodes[id];
    check(!node->raft);
    if (kept < node->durable_start) kept = node->durable_start;
    if (kept < node->durable_state.index) kept = node->durable_state.index;
    node->doubt_term = node->durable_hard_state.term;
    node->doubt_value = lab->next_value + 1;
    node->whole_index = 0;
    node->lost_last = node->durable_last;
    if (kept < node->durable_last) node->durable_last = kept;
    if (node->durable_commit > node->durable_last) node->durable_commit = node->durable_last;
    trace(lab, "%" PRIu64 " lost its log above %" PRIu64, id, node->durable_last);
    lab->met.damages++;
}

/* As raft/driver/repair.c: an entry that was proposed since stands above all that was acknowledged before. */
static void settle_doubt(struct lab *lab, struct lab_node *node) {
    if (!node->raft || node->doubt_term == 0 || node->whole_index == 0) return;
    if (lab_status(lab, node->id).stable < node->whole_index) return;
    node->doubt_term = node->whole_index = node->lost_last = 0;
    lab->met.repairs++;
    (void)lab_step(lab, node->id, &(struct raft_event){.kind = RAFT_EVENT_WHOLE});
}

void lab_restart(struct lab *lab, uint64_t id) {
    struct lab_node *node = &lab->nodes[id];
    if (node->raft) return;
    node->lives++;
    node->ticks = node->next_context = node->unheard_ticks = 0;
    memset(node->heard, 0, sizeof node->heard);
    struct raft_options options = {.id = id,
                                   .seed = hash_mix(lab->options.seed, id * 1000 + node->lives),
                                   .heartbeat_ticks = lab->options.heartbeat_ticks,
                                   .election_ticks = lab->options.election_ticks,
                                   .no_pre_vote = lab->options.no_pre_vote,
                                   .no_check_quorum = lab->options.no_check_quorum,
                                   .inflight_messages_max =
                                       lab->options.inflight_messages_max ? lab->options.inflight_messages_max : 8,
                                   .append_bytes_max = lab->options.append_bytes_max,
                                   .uncommitted_bytes_max = lab->options.uncommitted_bytes_max,
                                   .is_witness = id == lab->options.witness,
                                   .guard_ms = guard_of(lab, id),
                                   .guard_recovered_ms = lab->options.guard_ms,
                                   .drift_permille = lab->options.drift_permille,
                                   .terms_max = lab->options.terms_max,
                                   .reads_max = LAB_READS_MAX,
                                   .messages_max = lab->options.messages_max ? lab->options.messages_max : 64,
                                   .works_max = LAB_WORKS_MAX,
                                   .measure = measure,
                                   .measure_context = node,
                                   .hard_state = node->durable_hard_state,
                                   .log_start = node->durable_start,
                                   .log_start_term = node->durable_start_term,
                                   .applied = node->durable_state.index,
                                   .doubt_term = node->doubt_term,
                                   .commit = node->durable_commit,
                                   .log_time_ms = greatest_stamp(node),
                                   .configuration = &node->durable_state.configuration};
    check(raft_create(&options, &node->raft) == STATUS_OK);
    node->log_start = node->durable_start;
    node->last = node->durable_last;
    node->state = node->durable_state;
    node->commit = node->durable_state.index;
    node->seen_commit = node->durable_commit > node->commit ? node->durable_commit : node->commit;
    node->term = node->durable_hard_state.term;
    memcpy(&node->log[node->log_start], &node->durable_log[node->log_start],
           (node->last - node->log_start + 1) * sizeof *node->log);
    for (uint64_t index = node->log_start + 1; index <= node->last; index++) {
        check(raft_recover_entry(node->raft, index, node->log[index].term, node->log[index].kind) == STATUS_OK);
    }
    trace(lab, "%" PRIu64 " starts with a log to %" PRIu64 ", a store at %" PRIu64, id, node->last, node->state.index);
    lab->met.restarts += node->lives > 1;
    lab_clock(lab, id);
}

struct lab *lab_create(void) {
    struct lab *lab = calloc(1, sizeof *lab);
    /* At once, so that what a run allocates is the cores' own doing. */
    if (lab && buf_reserve(&lab->wire, LAB_WIRE_BYTES) == STATUS_OK) return lab;
    free(lab);
    return NULL;
}

static void start_node(struct lab *lab, uint64_t id) {
    const struct lab_options *options = &lab->options;
    struct lab_node *node = &lab->nodes[id];
    node->id = id;
    node->lives = 0;
    node->clock_offset_ms = 0;
    node->clock_permille = 1000 - options->drift_permille;
    if (options->drift_permille > 0)
        node->clock_permille += hash_mix(options->seed, id) % (2 * options->drift_permille + 1);
    node->durable_hard_state = (struct raft_hard_state){0};
    node->durable_start = node->durable_start_term = node->durable_last = 0;
    node->durable_state = (struct lab_state){0};
    node->durable_commit = 0;
    node->doubt_term = node->lost_last = node->doubt_value = node->whole_index = 0;
    node->work_count = node->read_count = 0;
    node->reads_served = 0;
    node->installing = node->applying = false;
    node->role = RAFT_FOLLOWER;
    for (unsigned i = 0; i < LAB_WORKS_MAX; i++) node->works[i].entries = node->work_entries[i];
    if (id <= options->voters) {
        for (uint64_t voter = 1; voter <= options->voters; voter++)
            node->durable_state.configuration.voters[voter - 1] = voter;
        node->durable_state.configuration.voter_count = (uint8_t)options->voters;
        node->durable_start = node->durable_last = node->durable_state.index = options->start_index;
        node->durable_start_term = node->durable_state.term = node->durable_hard_state.term = options->start_index > 0;
    }
    lab_restart(lab, id);
}

void lab_start(struct lab *lab, const struct lab_options *options) {
    lab->options = *options;
    lab->message_count = lab->stream_count = lab->entry_next = lab->configuration_count = 0;
    memset(lab->cut, 0, sizeof lab->cut);
    lab->now_ms = lab->next_value = 0;
    memset(lab->leader_of, 0, sizeof lab->leader_of);
    memset(lab->seen_count, 0, sizeof lab->seen_count);
    memset(lab->committed_hash, 0, sizeof lab->committed_hash);
    lab->committed_last = options->start_index;
    memset(&lab->met, 0, sizeof lab->met);
    lab->failure[0] = '\0';
    for (uint64_t id = 1; id <= options->nodes; id++) start_node(lab, id);
}

void lab_stop(struct lab *lab) {
    for (uint64_t id = 1; id <= LAB_NODES_MAX; id++) {
        raft_destroy(lab->nodes[id].raft);
        lab->nodes[id].raft = NULL;
    }
}

void lab_destroy(struct lab *lab) {
    if (!lab) return;
    lab_stop(lab);
    buf_deinit(&lab->wire);
    free(lab);
}

/* ---- whole-lab moves and views ----------------------------------------------------------------------------------- */

void lab_settle(struct lab *lab) {
    enum { ROUNDS_MAX = 10000 };
    for (unsigned round = 0; round < ROUNDS_MAX && lab->failure[0] == '\0'; round++) {
        bool moved = lab->message_count > 0 || lab->stream_count > 0;
        if (lab->message_count > 0) lab_deliver(lab, 0);
        if (lab->stream_count > 0) lab_stream_end(lab, 0, true);
        for (uint64_t id = 1; id <= lab->options.nodes; id++) {
            struct lab_node *node = &lab->nodes[id];
            if (!node->raft) continue;
            lab_drain(lab, id);
            moved = moved || node->work_count > 0 || node->state.index < node->commit;
            lab_persist(lab, id, LAB_WORKS_MAX);
            lab_apply(lab, id, LAB_INDEX_MAX);
        }
        if (!moved) return;
    }
    if (lab->failure[0] == '\0') lab_fail(lab, "the nodes never come to rest");
}

bool lab_is_full(const struct lab *lab) {
    for (uint64_t id = 1; id <= lab->options.nodes; id++) {
        if (lab->nodes[id].last + 64 >= LAB_INDEX_MAX / 8 || lab->nodes[id].term + 2 >= LAB_TERM_MAX) return true;
    }
    return lab->configuration_count + 8 >= LAB_CONFIGURATIONS_MAX;
}

uint64_t lab_leader(const struct lab *lab) {
    uint64_t leader = 0;
    uint64_t term = 0;
    for (uint64_t id = 1; id <= lab->options.nodes; id++) {
        const struct lab_node *node = &lab->nodes[id];
        if (!node->raft || node->role != RAFT_LEADER || node->term < term) continue;
        leader = id;
        term = node->term;
    }
    return leader;
}

struct raft_status lab_status(const struct lab *lab, uint64_t id) {
    struct raft_status status = {0};
    if (lab->nodes[id].raft) raft_get_status(lab->nodes[id].raft, &status);
    return status;
}

uint64_t lab_hash(const struct lab *lab) {
    uint64_t hash = hash_mix(lab->message_count, lab->met.events);
    for (uint64_t id = 1; id <= lab->options.nodes; id++) {
        const struct lab_node *node = &lab->nodes[id];
        hash = hash_mix(hash, node->raft ? raft_hash(node->raft) : id);
        hash = hash_mix(hash, hash_mix(node->last, node->state.hash));
    }
    return hash;
}
