/*
 * reads: read barriers. All that were handed in since the last turn share one ReadIndex; they are served when this node
 * has applied what was committed then (dissertation 6.4). And counts: how many voters hold an index, which only the
 * leader knows.
 */
#include "engine/base/check.h"
#include "engine/base/reply.h"
#include "raft/driver/driver_internal.h"

enum { ASK_AGAIN_MS = 300, COUNT_AGAIN_MS = 200 };

void reads_init(struct raft_driver *driver) {
    list_init(&driver->reads.waiting);
    list_init(&driver->reads.counts);
    for (unsigned i = 0; i < READ_BATCHES_MAX; i++) list_init(&driver->reads.batches[i].requests);
}

static void answer(struct raft_request *request, enum status status, struct slice reply) {
    request->driver[REQUEST_KIND] = REQUEST_NONE;
    request->done(request, status, reply);
}

void raft_driver_read(struct raft_driver *driver, struct raft_request *request) {
    request->index = 0;
    if (driver->failed != STATUS_OK || driver->closing) {
        request_refuse(driver, request, driver->closing ? STATUS_BUSY : STATUS_READ_ONLY);
        return;
    }
    if (driver->superblock.is_witness) {
        request_refuse(driver, request, STATUS_WITNESS);
        return;
    }
    request->driver[REQUEST_KIND] = REQUEST_READ;
    request->driver[REQUEST_DEADLINE] = driver_now(driver) + (uint64_t)driver->options.leaderless_wait_ms * MS_NS;
    list_push_back(&driver->reads.waiting, &request->link);
    driver->counts.reads++;
    driver->wants_turn = true;
}

/* ---- Asking ---- */

static void free_batch(struct raft_driver *driver, struct read_batch *batch) {
    check(list_is_empty(&batch->requests));
    if (!batch->confirmed) driver->reads.unconfirmed--;
    driver->reads.batches_used--;
    batch->context = 0;
}

/* Its requests wait for another round, before those that came later. */
static void give_back(struct raft_driver *driver, struct read_batch *batch) {
    while (!list_is_empty(&batch->requests)) {
        struct list *last = batch->requests.prev;
        list_remove(last);
        list_push_front(&driver->reads.waiting, last);
    }
    free_batch(driver, batch);
}

/* In no order: what was asked again stands before what came since. */
static void refuse_overdue(struct list *requests, uint64_t now_ns) {
    struct list due;
    list_init(&due);
    for (struct list *link = requests->next, *next; link != requests; link = next) {
        next = link->next;
        if (list_entry(link, struct raft_request, link)->driver[REQUEST_DEADLINE] > now_ns) continue;
        list_remove(link);
        list_push_back(&due, link);
    }
    struct list *link;
    while ((link = list_pop_front(&due)) != NULL)
        answer(list_entry(link, struct raft_request, link), STATUS_NOT_LEADER, slice_make(NULL, 0));
}

static void expire(struct raft_driver *driver) {
    uint64_t now = driver_now(driver);
    for (unsigned i = 0; i < READ_BATCHES_MAX && driver->reads.batches_used > 0; i++) {
        struct read_batch *batch = &driver->reads.batches[i];
        if (batch->context == 0) continue;
        const bool lost = !batch->confirmed && now - batch->asked_ns > (uint64_t)ASK_AGAIN_MS * MS_NS;
        if (lost) give_back(driver, batch);
        /* Nobody leads who could bring this node as far as is confirmed: no better than no answer. */
        if (!lost && batch->confirmed && driver->leader == 0) refuse_overdue(&batch->requests, now);
    }
    refuse_overdue(&driver->reads.waiting, now);
}

/* Who was asked does not lead any more, and who leads now was not asked. */
void reads_leader_changed(struct raft_driver *driver) {
    for (unsigned i = READ_BATCHES_MAX; i-- > 0 && driver->reads.unconfirmed > 0;) {
        struct read_batch *batch = &driver->reads.batches[i];
        if (batch->context != 0 && !batch->confirmed) give_back(driver, batch);
    }
    driver->wants_turn = true;
}

static struct read_batch *free_place(struct raft_driver *driver) {
    for (unsigned i = 0; i < READ_BATCHES_MAX; i++)
        if (driver->reads.batches[i].context == 0) return &driver->reads.batches[i];
    return NULL;
}

static void ask_for_counts(struct raft_driver *driver);

void reads_ask(struct raft_driver *driver) {
    struct reads *reads = &driver->reads;
    expire(driver);
    ask_for_counts(driver);
    if (list_is_empty(&reads->waiting) || driver->leader == 0 || reads->unconfirmed >= READ_ROUNDS_MAX) return;
    struct read_batch *batch = free_place(driver);
    if (batch == NULL) return;
    struct raft_event event = {.kind = RAFT_EVENT_READ, .read = {.context = ++reads->last_context}};
    if (driver_step(driver, &event, 0, NULL) != STATUS_OK) return; /* no leader, or at its limit: they wait on */
    batch->context = reads->last_context;
    batch->asked_ns = driver_now(driver);
    batch->confirmed = false;
    reads->batches_used++;
    reads->unconfirmed++;
    driver->counts.read_rounds++;
    while (!list_is_empty(&reads->waiting)) list_push_back(&batch->requests, list_pop_front(&reads->waiting));
    /* A lease serves only what was asked before the last look at the clock (raft/core/lease.h). */
    if (driver->role == RAFT_LEADER) driver_look_at_clock(driver);
}

/* ---- Answers ---- */

void reads_take_states(struct raft_driver *driver, const struct raft_read_state *states, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        struct read_batch *batch = NULL;
        for (unsigned k = 0; k < READ_BATCHES_MAX && batch == NULL; k++)
            if (driver->reads.batches[k].context == states[i].context) batch = &driver->reads.batches[k];
        if (batch == NULL || batch->confirmed || states[i].context == 0) continue;
        if (states[i].status != STATUS_OK) {
            give_back(driver, batch);
            continue;
        }
        batch->confirmed = true;
        batch->index = states[i].index;
        driver->reads.unconfirmed--;
    }
}

void reads_serve(struct raft_driver *driver) {
    if (driver->installing || driver->reads.batches_used == driver->reads.unconfirmed) return;
    for (unsigned i = 0; i < READ_BATCHES_MAX; i++) {
        struct read_batch *batch = &driver->reads.batches[i];
        if (batch->context == 0 || !batch->confirmed || batch->index > driver->applied) continue;
        struct list *link;
        while ((link = list_pop_front(&batch->requests)) != NULL)
            answer(list_entry(link, struct raft_request, link), STATUS_OK, slice_make(NULL, 0));
        free_batch(driver, batch);
    }
}

static void fail_list(struct list *requests, enum status status) {
    struct list *link;
    while ((link = list_pop_front(requests)) != NULL)
        answer(list_entry(link, struct raft_request, link), status, slice_make(NULL, 0));
}

void reads_fail_all(struct raft_driver *driver, enum status status) {
    fail_list(&driver->reads.waiting, status);
    fail_list(&driver->reads.counts, status);
    for (unsigned i = 0; i < READ_BATCHES_MAX; i++) {
        if (driver->reads.batches[i].context == 0) continue;
        fail_list(&driver->reads.batches[i].requests, status);
        free_batch(driver, &driver->reads.batches[i]);
    }
}

/* ---- Counting voters ---- */

static uint64_t count_voters(const struct raft_driver *driver, uint64_t index) {
    struct raft_status status;
    raft_get_status(driver->raft, &status);
    uint64_t count = 0;
    for (unsigned i = 0; i < status.peer_count; i++) {
        uint64_t match = status.peers[i].self ? status.stable : status.peers[i].match;
        if (status.peers[i].voter && match >= index) count++;
    }
    return count;
}

static void answer_count(struct raft_request *request, uint64_t count) {
    struct buf reply = BUF_EMPTY;
    enum status status = reply_integer(&reply, (int64_t)count);
    answer(request, status, buf_slice(&reply));
    buf_deinit(&reply);
}

void raft_driver_count_durable(struct raft_driver *driver, uint64_t index, struct raft_request *request) {
    if (driver->failed != STATUS_OK || driver->closing) {
        request_refuse(driver, request, driver->closing ? STATUS_BUSY : STATUS_READ_ONLY);
        return;
    }
    request->index = index;
    request->driver[REQUEST_KIND] = REQUEST_COUNT;
    request->driver[REQUEST_DEADLINE] = driver_now(driver) + (uint64_t)driver->options.leaderless_wait_ms * MS_NS;
    request->driver[REQUEST_ARGUMENT] = ++driver->reads.last_count;
    list_push_back(&driver->reads.counts, &request->link);
    driver->reads.counts_asked_ns = 0;
    driver->wants_turn = true;
}

static void send_count(struct raft_driver *driver, uint64_t to, enum driver_message_kind kind,
                       const struct driver_count *count) {
    buf_clear(&driver->scratch);
    if (driver_count_encode(&driver->scratch, kind, count) != STATUS_OK) return;
    struct slice part = buf_slice(&driver->scratch);
    if (transport_send(driver->transport, to, TRANSPORT_CONTROL, &part, 1) != STATUS_OK) return; /* asked again later */
}

static void ask_for_counts(struct raft_driver *driver) {
    struct reads *reads = &driver->reads;
    uint64_t now = driver_now(driver);
    bool leads = driver->leader == driver->identity.node_id;
    bool due = reads->counts_asked_ns == 0 || now - reads->counts_asked_ns > (uint64_t)COUNT_AGAIN_MS * MS_NS;
    if (list_is_empty(&reads->counts)) return;
    for (struct list *link = reads->counts.next, *next; link != &reads->counts; link = next) {
        next = link->next;
        struct raft_request *request = list_entry(link, struct raft_request, link);
        if (leads) {
            list_remove(link);
            answer_count(request, count_voters(driver, request->index));
        } else if (request->driver[REQUEST_DEADLINE] <= now) {
            list_remove(link);
            answer(request, STATUS_NOT_LEADER, slice_make(NULL, 0));
        } else if (due && driver->leader != 0) {
            struct driver_count count = {.id = request->driver[REQUEST_ARGUMENT], .index = request->index};
            send_count(driver, driver->leader, MESSAGE_COUNT, &count);
        }
    }
    if (due) reads->counts_asked_ns = now;
}

void reads_take_count(struct raft_driver *driver, uint64_t from, struct slice payload) {
    struct driver_count count;
    if (driver->leader != driver->identity.node_id || driver_count_decode(payload, &count) != STATUS_OK) return;
    count.index = count_voters(driver, count.index);
    send_count(driver, from, MESSAGE_COUNTED, &count);
}

void reads_take_counted(struct raft_driver *driver, struct slice payload) {
    struct driver_count count;
    if (driver_count_decode(payload, &count) != STATUS_OK) return;
    for (struct list *link = driver->reads.counts.next; link != &driver->reads.counts; link = link->next) {
        struct raft_request *request = list_entry(link, struct raft_request, link);
        if (request->driver[REQUEST_ARGUMENT] != count.id) continue;
        list_remove(link);
        answer_count(request, count.index);
        return;
    }
}
