/*
 * turn: events into the core, effects out of it. Here stands the order of all things: what a turn brought is proposed,
 * handed to the disk and to the peers at the same time, and what is committed is applied; nothing that must be durable
 * first is sent before, because the core keeps it back until PERSISTED (raft/raft.h, duties 3 to 5).
 */
#include <stdlib.h>

#include "raft/driver/driver_internal.h"

enum { ROUNDS_MAX = 8 };

/* ---- Into the core ---- */

enum status driver_step(struct raft_driver *driver, const struct raft_event *event, unsigned entry_count,
                        struct raft_log_chunk *chunk) {
    struct raft_outcome outcome;
    enum status status = raft_log_reserve(driver->raft_log, entry_count + 1);
    if (status != STATUS_OK) return status;
    status = raft_step(driver->raft, event, &outcome);
    driver->install_taken = status == STATUS_OK && outcome.install;
    if (status == STATUS_OK && outcome.put_count > 0) {
        persist_trim(driver, outcome.put_first);
        prefetch_trim(driver, outcome.put_first);
        raft_log_put(driver->raft_log, outcome.put_first, outcome.put, outcome.put_count, chunk);
    }
    driver->stepped = true;
    return status;
}

void driver_fail(struct raft_driver *driver, enum status status, const char *what) {
    if (driver->failed != STATUS_OK) return;
    driver->failed = status;
    log_error(driver->log, "node %llu: %s: %s; it votes, writes and acknowledges nothing more until it is restarted",
              (unsigned long long)driver->identity.node_id, what, status_text(status));
    struct raft_event event = {.kind = RAFT_EVENT_HALT};
    if (driver_step(driver, &event, 0, NULL) != STATUS_OK) log_error(driver->log, "the core did not halt");
    requests_fail_all(driver, STATUS_CANCELLED);
    reads_fail_all(driver, STATUS_BUSY);
    hand_over_end(driver, STATUS_READ_ONLY);
    change_end(driver, STATUS_CANCELLED);
}

static void step_or_say(struct raft_driver *driver, const struct raft_event *event, const char *what) {
    enum status status = driver_step(driver, event, 0, NULL);
    if (status != STATUS_OK) log_warn(driver->log, "%s: %s", what, status_text(status));
}

/* Entries that a message brings get memory of their own: one chunk for all of them. */
static enum status own_entries(const struct raft_driver *driver, struct raft_message *message,
                               struct raft_entry *entries, struct raft_log_chunk **chunk) {
    size_t size = 0;
    for (unsigned i = 0; i < message->entry_count && driver->superblock.is_witness; i++)
        entries[i].bytes = witness_keeps(&entries[i]);
    for (unsigned i = 0; i < message->entry_count; i++) size += entries[i].bytes.size;
    enum status status = raft_log_chunk_create(size, chunk);
    if (status != STATUS_OK) return status;
    uint8_t *to = (*chunk)->data;
    for (unsigned i = 0; i < message->entry_count; i++) {
        if (entries[i].bytes.size > 0) memcpy(to, entries[i].bytes.data, entries[i].bytes.size);
        entries[i].bytes.data = to;
        to += entries[i].bytes.size;
    }
    return STATUS_OK;
}

static void take_core_message(struct raft_driver *driver, uint64_t from, struct slice bytes) {
    struct raft_message message;
    struct raft_configuration configuration;
    enum status status = message_decode(bytes, &message, driver->in, DRIVER_APPEND_ENTRIES, &configuration);
    bool true_to_name = message.from == from && message.to == driver->identity.node_id && message.kind != RAFT_SNAPSHOT;
    if (status == STATUS_OK && !true_to_name) status = STATUS_CORRUPT;
    struct raft_log_chunk *chunk = NULL;
    if (status == STATUS_OK && message.entry_count > 0) status = own_entries(driver, &message, driver->in, &chunk);
    if (status == STATUS_OK) {
        struct raft_event event = {.kind = RAFT_EVENT_MESSAGE, .message = &message};
        status = driver_step(driver, &event, message.entry_count, chunk);
    }
    raft_log_chunk_release(chunk);
    if (status != STATUS_OK)
        log_debug(driver->log, "a message of node %llu is dropped: %s", (unsigned long long)from, status_text(status));
}

/* What is an answer makes a majority, or moves what is known of a member. */
static bool counts(uint8_t kind) {
    switch (kind) {
    case RAFT_PRE_VOTE_REPLY:
    case RAFT_VOTE_REPLY:
    case RAFT_APPEND_REPLY:
    case RAFT_HEARTBEAT_REPLY:
    case MESSAGE_COUNTED:
    case MESSAGE_SNAPSHOT_ACK:
    case MESSAGE_ABOUT: return true;
    default: return false;
    }
}

void driver_on_message(void *context, uint64_t from, struct slice message) {
    struct raft_driver *driver = context;
    struct driver_member *known = members_find(driver, from);
    if (known != NULL) known->heard_ns = driver_now(driver);
    if (driver->failed != STATUS_OK || driver->closing || message.size == 0) return;
    if (known != NULL && members_is_guest(known) && counts(message.data[0])) return;
    driver->wants_turn = true;
    struct slice rest = slice_from(message, 1);
    switch (message.data[0]) {
    case MESSAGE_FORWARD: requests_take_forward(driver, rest); break;
    case MESSAGE_ABOUT: about_take(driver, from, rest); break;
    case MESSAGE_COUNT: reads_take_count(driver, from, rest); break;
    case MESSAGE_COUNTED: reads_take_counted(driver, rest); break;
    case MESSAGE_SNAPSHOT_CHUNK: snapshot_take_chunk(driver, from, rest); break;
    case MESSAGE_SNAPSHOT_ACK: snapshot_send_take_ack(driver, from, rest); break;
    default: take_core_message(driver, from, message);
    }
}

void driver_on_link(void *context, uint64_t peer, bool up) {
    struct raft_driver *driver = context;
    if (driver->closing || driver->failed != STATUS_OK) return;
    struct raft_event event = {.kind = RAFT_EVENT_LINK, .report = {.peer = peer, .ok = up}};
    step_or_say(driver, &event, "link");
    if (up) about_forget(driver, peer); /* as the core does */
    if (up) about_send(driver, peer);
    if (!up) snapshot_send_link_down(driver, peer);
}

enum status driver_admit(void *context, const struct transport_greeting *greeting) {
    struct raft_driver *driver = context;
    driver->wants_turn = true;
    return members_greet(driver, greeting);
}

void driver_look_at_clock(struct raft_driver *driver) {
    struct raft_event clock = {.kind = RAFT_EVENT_CLOCK};
    int64_t wall = io_clock_ms(driver->io);
    clock.clock.steady_ms = driver_now(driver) / MS_NS;
    clock.clock.wall_ms = wall > 0 ? (uint64_t)wall : 0;
    step_or_say(driver, &clock, "clock");
}

static void tick(struct raft_driver *driver) {
    driver_look_at_clock(driver);
    uint64_t now = driver_now(driver);
    /* A loop that was held up does not make up for more than a few ticks: the time was nobody's silence. */
    if (now > driver->next_tick_ns + 4 * driver->tick_ns) driver->next_tick_ns = now - 2 * driver->tick_ns;
    while (driver->next_tick_ns <= now) {
        driver->next_tick_ns += driver->tick_ns;
        driver->ticks++;
        struct raft_event event = {.kind = RAFT_EVENT_TICK};
        step_or_say(driver, &event, "tick");
    }
}

/* ---- Out of the core ---- */

static bool fill_in_entries(struct raft_driver *driver, const struct raft_message *message) {
    if (message->entry_count > DRIVER_APPEND_ENTRIES) return false;
    for (unsigned i = 0; i < message->entry_count; i++)
        if (!raft_log_get(driver->raft_log, message->index + 1 + i, &driver->out[i])) return false;
    const bool is_to_witness = witness_is(driver, message->to);
    for (unsigned i = 0; i < message->entry_count && is_to_witness; i++)
        driver->out[i].bytes = witness_keeps(&driver->out[i]);
    return true;
}

/* What can't be sent is lost, as on a network. */
static void send_message(struct raft_driver *driver, const struct raft_message *message) {
    if (message->entry_count > 0 && !fill_in_entries(driver, message)) return;
    buf_clear(&driver->scratch);
    if (message_encode(&driver->scratch, message, driver->out) != STATUS_OK) return;
    struct slice part = buf_slice(&driver->scratch);
    enum transport_lane lane = message->entry_count > 0 ? TRANSPORT_DATA : TRANSPORT_CONTROL;
    enum status status = transport_send(driver->transport, message->to, lane, &part, 1);
    if (status != STATUS_OK && status != STATUS_BUSY)
        log_debug(driver->log, "a message to node %llu is dropped: %s", (unsigned long long)message->to,
                  status_text(status));
}

static void take_note(struct raft_driver *driver, const struct raft_ready *ready) {
    if (!ready->note) return;
    bool other_leader = ready->leader != driver->leader;
    if (ready->role == RAFT_CANDIDATE && driver->role != RAFT_CANDIDATE) driver->counts.elections++;
    if (other_leader && ready->leader != 0) {
        driver->counts.leader_changes++;
        log_info(driver->log, "node %llu: the leader of term %llu is node %llu",
                 (unsigned long long)driver->identity.node_id, (unsigned long long)ready->term,
                 (unsigned long long)ready->leader);
    }
    bool changed = other_leader || ready->term != driver->term;
    driver->role = ready->role;
    driver->term = ready->term;
    driver->leader = ready->leader;
    if (changed) requests_leader_changed(driver);
    if (changed) reads_leader_changed(driver);
    if (driver->options.on_change != NULL) driver->options.on_change(driver->options.context);
}

static bool drain(struct raft_driver *driver) {
    struct raft_ready ready;
    bool any = false;
    driver->stepped = false;
    while (raft_ready(driver->raft, &ready)) {
        any = true;
        persist_queue(driver, &ready);
        for (unsigned i = 0; i < ready.message_count; i++) send_message(driver, &ready.messages[i]);
        if (ready.commit_first != 0) driver->commit = ready.commit_last;
        reads_take_states(driver, ready.reads, ready.read_count);
        take_note(driver, &ready);
        for (unsigned i = 0; i < ready.snapshot_count; i++) snapshot_send_start(driver, ready.snapshots[i]);
    }
    return any;
}

/* ---- The turn ---- */

uint64_t raft_driver_turn(struct raft_driver *driver) {
    if (driver->failed == STATUS_OK) {
        tick(driver);
        requests_dispatch(driver);
        reads_ask(driver);
    }
    bool more = false;
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        driver->wants_turn = false; /* what was stepped so far is drained now */
        bool drained = drain(driver);
        persist_pump(driver);
        more = apply_slice(driver);
        reads_serve(driver);
        if (more || (!drained && !driver->stepped)) break; /* more: this turn's time is used up */
    }
    prefetch_look(driver);
    hand_over_turn(driver);
    change_turn(driver);
    members_turn(driver);
    slow_disk_turn(driver);
    status_turn(driver);
    priority_turn(driver);
    about_turn(driver);
    witness_turn(driver);
    repair_turn(driver);
    scrub_turn(driver);
    if (driver->failed == STATUS_OK) {
        snapshot_send_turn(driver);
        snapshot_take_turn(driver);
        keep_log_short(driver);
        keep_machines(driver);
        keep_look_at_store(driver);
    }
    uint64_t redial_ns = transport_turn(driver->transport);
    requests_deliver_refused(driver);
    io_flush(driver->io);
    if (more || driver->wants_turn || driver->stepped) return driver_now(driver);
    /* A core that has failed ticks no more: the tick that is due would be due for ever. */
    const uint64_t beat_ns = driver->failed == STATUS_OK ? driver->next_tick_ns : driver_now(driver) + driver->tick_ns;
    return redial_ns < beat_ns ? redial_ns : beat_ns;
}
