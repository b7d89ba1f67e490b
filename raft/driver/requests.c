/*
 * requests: operations of this node's clients on their way into the log, and the leader's side of what other nodes
 * forward. An operation waits in the queue until a leader is known and the session is open; then it gets a serial and
 * goes out, in order; after a change of leader all that is not answered goes out again, from the oldest on. The
 * session's rule in apply makes sure that each counts once.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "raft/driver/driver_internal.h"

enum {
    BATCH_ENTRIES = 512,
    BATCH_BYTES = 256 << 10,
    RESEND_MS = 500,
    OPEN_AGAIN_MS = 500,
};

static struct pending *window_at(const struct requests *requests, uint64_t serial) {
    return requests->window[serial % requests->limit];
}

/* ---- Answers ---- */

static void answer(struct pending *pending, enum status status, uint64_t index, struct slice reply) {
    struct raft_request *request = pending->request;
    free(pending);
    if (request == NULL) return;
    request->driver[REQUEST_KIND] = REQUEST_NONE;
    request->index = index;
    request->done(request, status, reply);
}

void request_refuse(struct raft_driver *driver, struct raft_request *request, enum status status) {
    request->driver[REQUEST_KIND] = REQUEST_REFUSED;
    request->driver[REQUEST_ARGUMENT] = (uint64_t)status;
    list_push_back(&driver->requests.refused, &request->link);
    driver->requests.refused_count++;
    driver->wants_turn = true;
}

void requests_deliver_refused(struct raft_driver *driver) {
    for (size_t left = driver->requests.refused_count; left > 0;
         left--) { /* those that come meanwhile wait for the next turn */
        struct list *link = list_pop_front(&driver->requests.refused);
        if (link == NULL) return;
        driver->requests.refused_count--;
        struct raft_request *request = list_entry(link, struct raft_request, link);
        request->driver[REQUEST_KIND] = REQUEST_NONE;
        request->done(request, (enum status)request->driver[REQUEST_ARGUMENT], slice_make(NULL, 0));
    }
}

static struct pending *take_from_queue(struct requests *requests) {
    struct list *link = list_pop_front(&requests->queue);
    if (link == NULL) return NULL;
    requests->queued--;
    return list_entry(link, struct pending, link);
}

void requests_applied(struct raft_driver *driver, uint64_t serial, uint64_t index, struct slice reply) {
    struct requests *requests = &driver->requests;
    check(serial == requests->answered + 1 && serial <= requests->assigned);
    struct pending *pending = window_at(requests, serial);
    requests->answered = serial;
    if (requests->sent < serial) requests->sent = serial;
    requests->progress_ns = driver_now(driver);
    answer(pending, STATUS_OK, index, reply);
}

/* Everything with a serial up to `last`. */
static void answer_window(struct requests *requests, uint64_t last, enum status status) {
    while (requests->answered < last) {
        requests->answered++;
        answer(window_at(requests, requests->answered), status, 0, slice_make(NULL, 0));
    }
}

void requests_fail_all(struct raft_driver *driver, enum status status) {
    struct requests *requests = &driver->requests;
    answer_window(requests, requests->assigned, status);
    struct pending *pending;
    enum status unsent =
        status == STATUS_CANCELLED && !driver->closing ? STATUS_BUSY : status; /* never left this node */
    while ((pending = take_from_queue(requests)) != NULL) answer(pending, unsent, 0, slice_make(NULL, 0));
}

void requests_session_opened(struct raft_driver *driver, uint64_t nonce, uint64_t index) {
    struct requests *requests = &driver->requests;
    if (nonce == requests->nonce) repair_session_opened(driver, index);
    if (requests->session != 0 || nonce != requests->nonce) return;
    requests->session = index;
    requests->answered = requests->assigned = requests->sent = 0;
}

/* Applied while this node did not see it: the reply was kept, or the outcome can't be told. */
static void answer_from_rows(struct raft_driver *driver, uint64_t last) {
    struct requests *requests = &driver->requests;
    while (requests->answered < last && requests->answered < requests->assigned) {
        uint64_t serial = ++requests->answered, index = 0;
        buf_clear(&driver->reply);
        enum status status = sessions_get_reply(driver->sessions, driver->engine, true, requests->session, serial,
                                                &driver->reply, &index);
        answer(window_at(requests, serial), status == STATUS_OK ? STATUS_OK : STATUS_CANCELLED, index,
               buf_slice(&driver->reply));
    }
    if (requests->sent < requests->answered) requests->sent = requests->answered;
}

void requests_check_session(struct raft_driver *driver) {
    struct requests *requests = &driver->requests;
    struct session_info info;
    if (requests->session == 0) return;
    if (sessions_find(driver->sessions, requests->session, &info) == STATUS_OK) {
        answer_from_rows(driver, info.last_serial);
        return;
    }
    log_warn(driver->log, "session %llu of this node is gone; a new one is opened",
             (unsigned long long)requests->session);
    answer_window(requests, requests->assigned, STATUS_SESSION_LOST);
    requests->session = 0;
    requests->open_asked_ns = 0;
    requests->nonce = prng_next(&driver->prng);
}

/* ---- Handing in ---- */

static enum status enqueue(struct raft_driver *driver, uint8_t store, struct slice operation,
                           struct raft_request *request) {
    struct requests *requests = &driver->requests;
    if (driver->failed != STATUS_OK) return STATUS_READ_ONLY;
    if (driver->closing) return STATUS_BUSY;
    if (driver->superblock.is_witness) return STATUS_WITNESS;
    if (operation.size > driver->options.entry_limit_bytes) return STATUS_TOO_LARGE;
    if (requests_count(driver) >= requests->limit) return STATUS_BUSY;
    if (raft_log_live_bytes(driver->raft_log) >= driver->options.log_limit_bytes) return STATUS_BUSY;
    struct pending *pending = malloc(sizeof *pending + operation.size);
    if (pending == NULL) return STATUS_BUSY;
    pending->request = request;
    pending->deadline_ns = driver_now(driver) + (uint64_t)driver->options.leaderless_wait_ms * MS_NS;
    pending->store = store;
    pending->size = operation.size;
    if (operation.size > 0) memcpy(pending->operation, operation.data, operation.size);
    list_push_back(&requests->queue, &pending->link);
    requests->queued++;
    request->driver[REQUEST_KIND] = REQUEST_WRITE;
    request->driver[REQUEST_PENDING] = (uint64_t)(uintptr_t)pending;
    driver->wants_turn = true;
    return STATUS_OK;
}

void raft_driver_propose(struct raft_driver *driver, uint8_t store, struct slice operation,
                         struct raft_request *request) {
    request->index = 0;
    enum status status = store == 0 ? STATUS_INVALID : enqueue(driver, store, operation, request);
    if (status != STATUS_OK) request_refuse(driver, request, status);
}

uint64_t requests_count(const struct raft_driver *driver) {
    return driver->requests.queued + (driver->requests.assigned - driver->requests.answered);
}

/* ---- Ticks: one entry for all who wait ---- */

struct tick_entry {
    struct raft_request request; /* first: the driver's own */
    struct raft_driver *driver;
};

static void start_tick(struct raft_driver *driver);

static void tick_done(struct raft_request *request, enum status status, struct slice reply) {
    struct raft_driver *driver = request->context;
    struct requests *requests = &driver->requests;
    (void)reply;
    free(request);
    requests->tick_under_way = false;
    struct list *link;
    while ((link = list_pop_front(&requests->ticks_now)) != NULL) {
        struct raft_request *waiting = list_entry(link, struct raft_request, link);
        waiting->driver[REQUEST_KIND] = REQUEST_NONE;
        waiting->done(waiting, status, slice_make(NULL, 0));
    }
    if (!list_is_empty(&requests->ticks_next) && !driver->closing) start_tick(driver);
}

static void start_tick(struct raft_driver *driver) {
    struct requests *requests = &driver->requests;
    struct raft_request *request = calloc(1, sizeof *request);
    uint8_t bytes[OWN_BYTES_MAX];
    size_t size = own_encode(bytes, &(struct own_operation){.kind = OWN_TICK});
    struct list *link;
    enum status status = STATUS_BUSY;
    if (request != NULL) {
        *request = (struct raft_request){.done = tick_done, .context = driver};
        status = enqueue(driver, 0, slice_make(bytes, size), request);
    }
    requests->tick_under_way = status == STATUS_OK;
    while ((link = list_pop_front(&requests->ticks_next)) != NULL) {
        struct raft_request *waiting = list_entry(link, struct raft_request, link);
        if (status == STATUS_OK)
            list_push_back(&requests->ticks_now, &waiting->link);
        else
            request_refuse(driver, waiting, STATUS_BUSY);
    }
    if (status != STATUS_OK) free(request);
}

void raft_driver_tick_time(struct raft_driver *driver, struct raft_request *request) {
    request->index = 0;
    request->driver[REQUEST_KIND] = REQUEST_TICK;
    list_push_back(&driver->requests.ticks_next, &request->link);
    if (!driver->requests.tick_under_way) start_tick(driver);
}

void raft_driver_cancel(struct raft_driver *driver, struct raft_request *request) {
    switch ((enum request_kind)request->driver[REQUEST_KIND]) {
    case REQUEST_NONE: break;
    case REQUEST_WRITE: ((struct pending *)(uintptr_t)request->driver[REQUEST_PENDING])->request = NULL; break;
    case REQUEST_REFUSED:
        driver->requests.refused_count--;
        list_remove(&request->link);
        break;
    case REQUEST_READ:
    case REQUEST_COUNT:
    case REQUEST_TICK: list_remove(&request->link); break;
    case REQUEST_TRANSFER: driver->hand_over.request = NULL; break; /* it goes on */
    case REQUEST_CHANGE: driver->change.request = NULL; break;      /* the same */
    }
    request->driver[REQUEST_KIND] = REQUEST_NONE;
}

/* ---- The leader proposes ---- */

/* Operations that become entries: a batch is one event, and one allocation for their bytes. */
struct proposal {
    struct raft_entry entries[BATCH_ENTRIES];
    struct raft_log_chunk *chunk;
    size_t used;
    unsigned count;
};

static enum status proposal_begin(struct proposal *proposal, size_t operation_bytes, unsigned count) {
    proposal->used = 0;
    proposal->count = 0;
    return raft_log_chunk_create(operation_bytes + (size_t)count * ENVELOPE_HEAD_BYTES, &proposal->chunk);
}

static void proposal_add(struct raft_driver *driver, struct proposal *proposal, uint64_t session, uint64_t serial,
                         uint8_t store, struct slice operation) {
    uint8_t *to = proposal->chunk->data + proposal->used;
    struct envelope envelope = {.time_ms = (int64_t)raft_log_time(driver->raft),
                                .seed = prng_next(&driver->prng),
                                .session = session,
                                .serial = serial};
    envelope_encode(to, &envelope, store);
    if (operation.size > 0) memcpy(to + ENVELOPE_HEAD_BYTES, operation.data, operation.size);
    size_t size = ENVELOPE_HEAD_BYTES + operation.size;
    proposal->entries[proposal->count++] =
        (struct raft_entry){.kind = RAFT_ENTRY_COMMAND, .bytes = slice_make(to, size)};
    proposal->used += size;
}

static enum status proposal_step(struct raft_driver *driver, struct proposal *proposal) {
    struct raft_event event = {.kind = RAFT_EVENT_PROPOSE,
                               .propose = {.entries = proposal->entries, .count = proposal->count}};
    enum status status = driver_step(driver, &event, proposal->count, proposal->chunk);
    raft_log_chunk_release(proposal->chunk);
    if (status == STATUS_OK) driver->counts.proposals += proposal->count;
    return status;
}

enum status requests_propose_own(struct raft_driver *driver, uint8_t store, struct slice operation) {
    struct raft_log_chunk *chunk;
    enum status status = raft_log_chunk_create(ENVELOPE_HEAD_BYTES + operation.size, &chunk);
    if (status != STATUS_OK) return status;
    struct envelope envelope = {.time_ms = (int64_t)raft_log_time(driver->raft), .seed = prng_next(&driver->prng)};
    envelope_encode(chunk->data, &envelope, store);
    if (operation.size > 0) memcpy(chunk->data + ENVELOPE_HEAD_BYTES, operation.data, operation.size);
    struct raft_entry entry = {.kind = RAFT_ENTRY_COMMAND, .bytes = slice_make(chunk->data, chunk->size)};
    struct raft_event event = {.kind = RAFT_EVENT_PROPOSE, .propose = {.entries = &entry, .count = 1}};
    status = driver_step(driver, &event, 1, chunk);
    raft_log_chunk_release(chunk);
    if (status == STATUS_OK) driver->counts.proposals++;
    return status;
}

/* ---- Sending what has a serial ---- */

/* How many from `first` on go into one batch, and their bytes. */
static unsigned batch_size(const struct requests *requests, uint64_t first, size_t *bytes) {
    unsigned count = 0;
    *bytes = 0;
    for (uint64_t serial = first; serial <= requests->assigned && count < BATCH_ENTRIES; serial++, count++) {
        size_t size = window_at(requests, serial)->size;
        if (count > 0 && *bytes + size > BATCH_BYTES) break;
        *bytes += size;
    }
    return count;
}

static bool propose_batch(struct raft_driver *driver, uint64_t first, unsigned count, size_t bytes) {
    struct proposal *proposal = driver->requests.proposal;
    if (proposal_begin(proposal, bytes, count) != STATUS_OK) return false;
    for (uint64_t serial = first; serial < first + count; serial++) {
        const struct pending *pending = window_at(&driver->requests, serial);
        proposal_add(driver, proposal, driver->requests.session, serial, pending->store,
                     slice_make(pending->operation, pending->size));
    }
    return proposal_step(driver, proposal) == STATUS_OK;
}

static bool forward_batch(struct raft_driver *driver, uint64_t first, unsigned count) {
    struct buf *to = &driver->scratch;
    buf_clear(to);
    enum status status = driver_forward_encode(to, driver->requests.session, first, count);
    for (uint64_t serial = first; serial < first + count && status == STATUS_OK; serial++) {
        const struct pending *pending = window_at(&driver->requests, serial);
        status = driver_forward_add(to, pending->store, slice_make(pending->operation, pending->size));
    }
    if (status != STATUS_OK) return false;
    struct slice part = buf_slice(to);
    return transport_send(driver->transport, driver->leader, TRANSPORT_DATA, &part, 1) == STATUS_OK;
}

static void send_window(struct raft_driver *driver) {
    struct requests *requests = &driver->requests;
    uint64_t now = driver_now(driver);
    bool leads = driver->leader == driver->identity.node_id;
    bool stuck = requests->sent > requests->answered && now - requests->progress_ns > (uint64_t)RESEND_MS * MS_NS;
    if (stuck && !leads) requests->sent = requests->answered; /* frames may be lost */
    while (requests->sent < requests->assigned) {
        size_t bytes;
        uint64_t first = requests->sent + 1;
        unsigned count = batch_size(requests, first, &bytes);
        if (!(leads ? propose_batch(driver, first, count, bytes) : forward_batch(driver, first, count))) return;
        requests->sent += count;
        requests->progress_ns = now;
    }
}

static void ask_for_session(struct raft_driver *driver) {
    struct requests *requests = &driver->requests;
    uint64_t now = driver_now(driver);
    if (requests->open_asked_ns != 0 && now - requests->open_asked_ns < (uint64_t)OPEN_AGAIN_MS * MS_NS) return;
    uint8_t bytes[OWN_BYTES_MAX];
    struct own_operation open = {
        .kind = OWN_OPEN_SESSION, .node_id = driver->identity.node_id, .nonce = requests->nonce};
    struct slice operation = slice_make(bytes, own_encode(bytes, &open));
    if (driver->leader == driver->identity.node_id) {
        if (requests_propose_own(driver, 0, operation) == STATUS_OK) requests->open_asked_ns = now;
        return;
    }
    buf_clear(&driver->scratch);
    enum status status = driver_forward_encode(&driver->scratch, 0, 0, 1);
    if (status == STATUS_OK) status = driver_forward_add(&driver->scratch, 0, operation);
    struct slice part = buf_slice(&driver->scratch);
    if (status == STATUS_OK && transport_send(driver->transport, driver->leader, TRANSPORT_DATA, &part, 1) == STATUS_OK)
        requests->open_asked_ns = now;
}

static void assign_serials(struct requests *requests) {
    while (requests->assigned - requests->answered < requests->limit) {
        struct pending *pending = take_from_queue(requests);
        if (pending == NULL) return;
        if (pending->request == NULL) { /* nobody waits, and it was never sent */
            free(pending);
            continue;
        }
        requests->assigned++;
        requests->window[requests->assigned % requests->limit] = pending;
    }
}

static void expire_queue(struct raft_driver *driver) {
    uint64_t now = driver_now(driver);
    struct requests *requests = &driver->requests;
    while (!list_is_empty(&requests->queue)) {
        struct pending *oldest = list_entry(requests->queue.next, struct pending, link);
        if (oldest->deadline_ns > now) return;
        answer(take_from_queue(requests), STATUS_NOT_LEADER, 0, slice_make(NULL, 0));
    }
}

/*
 * What was sent may be applied or not: whoever asked hears that, once no leader has been there for as long as a request
 * waits for one. The operation stays in the window, under its serial, for the session counts every one.
 */
static void give_up_waiting(struct raft_driver *driver) {
    struct requests *requests = &driver->requests;
    const uint64_t wait_ns = (uint64_t)driver->options.leaderless_wait_ms * MS_NS;
    if (requests->answered == requests->assigned || driver_now(driver) - requests->taker_ns < wait_ns) return;
    for (uint64_t serial = requests->answered + 1; serial <= requests->assigned; serial++) {
        struct pending *pending = window_at(requests, serial);
        struct raft_request *request = pending->request;
        if (request == NULL) continue;
        pending->request = NULL;
        request->driver[REQUEST_KIND] = REQUEST_NONE;
        request->done(request, STATUS_CANCELLED, slice_make(NULL, 0));
    }
}

/*
 * Whether there is a leader that takes proposals. One that was taken out of the configuration leads on until a majority
 * of the others know it (4.2.2), and refuses them, naming itself: to its own clients that is a cluster without a
 * leader.
 */
static bool has_taker(const struct raft_driver *driver) {
    bool leads = driver->leader == driver->identity.node_id;
    return driver->leader != 0 &&
           (!leads || raft_configuration_has_voter(&driver->configuration, driver->identity.node_id));
}

void requests_dispatch(struct raft_driver *driver) {
    struct requests *requests = &driver->requests;
    expire_queue(driver);
    if (!has_taker(driver)) {
        give_up_waiting(driver);
        return;
    }
    requests->taker_ns = driver_now(driver);
    if (requests->session == 0) {
        ask_for_session(driver);
        return;
    }
    assign_serials(requests);
    send_window(driver);
}

void requests_leader_changed(struct raft_driver *driver) {
    struct requests *requests = &driver->requests;
    requests->sent = requests->answered;
    requests->open_asked_ns = 0;
    requests->forwarded_count = 0;
}

/* ---- What others forward ---- */

static struct forwarded *forwarded_of(struct requests *requests, uint64_t session) {
    for (unsigned i = 0; i < requests->forwarded_count; i++)
        if (requests->forwarded[i].session == session) return &requests->forwarded[i];
    if (requests->forwarded_count == SESSIONS_MAX) return NULL;
    struct forwarded *made = &requests->forwarded[requests->forwarded_count++];
    *made = (struct forwarded){.session = session};
    return made;
}

/* Skips what was proposed in this term already; returns how many are left. */
static uint32_t skip_proposed(struct driver_forward *forward, uint64_t next) {
    uint8_t store;
    struct slice operation;
    while (next != 0 && forward->serial < next && forward->count > 0) {
        if (driver_forward_next(forward, &store, &operation) != STATUS_OK) return 0;
        forward->serial++;
    }
    return forward->count;
}

static enum status propose_forwarded(struct raft_driver *driver, struct driver_forward *forward) {
    struct proposal *proposal = driver->requests.proposal;
    unsigned count = forward->count < BATCH_ENTRIES ? forward->count : BATCH_ENTRIES;
    enum status status = proposal_begin(proposal, decoder_left(&forward->operations), count);
    if (status != STATUS_OK) return status;
    for (unsigned i = 0; i < count && status == STATUS_OK; i++) {
        uint8_t store;
        struct slice operation;
        status = driver_forward_next(forward, &store, &operation);
        bool sound = status == STATUS_OK && operation.size <= driver->options.entry_limit_bytes &&
                     (store != 0 || operation.size <= OWN_BYTES_MAX);
        if (!sound)
            status = STATUS_CORRUPT;
        else
            proposal_add(driver, proposal, forward->session, forward->session == 0 ? 0 : forward->serial + i, store,
                         operation);
    }
    if (status != STATUS_OK) {
        raft_log_chunk_release(proposal->chunk);
        return status;
    }
    status = proposal_step(driver, proposal);
    if (status == STATUS_OK && forward->session != 0) forward->serial += count;
    return status;
}

/*
 * Whether serials before this batch may be missing from the log. Of a session that was not heard of in this term
 * nothing is known but what was applied: a batch that was long on its way, from a former term, must not be taken for
 * the next.
 */
static bool leaves_a_gap(const struct raft_driver *driver, const struct driver_forward *forward, uint64_t next) {
    struct session_info info;
    if (next != 0) return forward->serial > next;
    if (sessions_find(driver->sessions, forward->session, &info) != STATUS_OK) return false; /* apply will say so */
    return forward->serial > info.last_serial + 1;
}

void requests_take_forward(struct raft_driver *driver, struct slice payload) {
    struct driver_forward forward;
    if (driver->leader != driver->identity.node_id || driver_forward_decode(payload, &forward) != STATUS_OK)
        return; /* it will ask the leader */
    struct forwarded *forwarded = forward.session == 0 ? NULL : forwarded_of(&driver->requests, forward.session);
    if (forward.session != 0 && forwarded == NULL) return;
    if (forwarded != NULL && leaves_a_gap(driver, &forward, forwarded->next))
        return; /* one before it was lost: all come again */
    if (forwarded != NULL) skip_proposed(&forward, forwarded->next);
    while (forward.count > 0) {
        if (propose_forwarded(driver, &forward) != STATUS_OK) return;
        if (forwarded != NULL) forwarded->next = forward.serial;
    }
}

/* ---- Life ---- */

enum status requests_init(struct raft_driver *driver) {
    struct requests *requests = &driver->requests;
    list_init(&requests->queue);
    list_init(&requests->refused);
    list_init(&requests->ticks_now);
    list_init(&requests->ticks_next);
    requests->limit = driver->options.pending_requests;
    requests->nonce = prng_next(&driver->prng);
    requests->window = calloc(requests->limit, sizeof *requests->window);
    requests->proposal = calloc(1, sizeof *requests->proposal);
    return requests->window != NULL && requests->proposal != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

void requests_deinit(struct raft_driver *driver) {
    struct requests *requests = &driver->requests;
    if (requests->limit == 0) return;
    if (requests->window != NULL) requests_fail_all(driver, STATUS_CANCELLED);
    struct list *link;
    while ((link = list_pop_front(&requests->ticks_next)) != NULL)
        request_refuse(driver, list_entry(link, struct raft_request, link), STATUS_CANCELLED);
    requests_deliver_refused(driver);
    free(requests->window);
    free(requests->proposal);
    requests->window = NULL;
    requests->proposal = NULL;
}
