/* long_call: see long_call.h. */
#include "tools/loamd/long_call.h"

#include "engine/base/check.h"
#include "tools/loamd/server_state.h"

static void start_round(struct long_call *work);

/* ---- Turns ------------------------------------------------------------------------------------------------------- */

/* Whether an older work has the same turn. */
static bool must_wait(const struct long_call *work) {
    const struct server *server = work->call->server;
    if (work->turn.size == 0) return false;
    for (struct list *link = server->long_calls.next; link != &work->link; link = link->next)
        if (slice_equal(list_entry(link, struct long_call, link)->turn, work->turn)) return true;
    return false;
}

static void finish(struct long_call *work, enum status status);

static void start_waiting(struct server *server) {
    for (struct list *link = server->long_calls.next; link != &server->long_calls;) {
        struct long_call *work = list_entry(link, struct long_call, link);
        link = link->next; /* the round may end it at once */
        if (!work->waits || must_wait(work)) continue;
        work->waits = false;
        if (server->stopping)
            finish(work, STATUS_BUSY);
        else
            start_round(work);
        return; /* the next end looks again; what has ended here has looked already */
    }
}

/* A plan may be far larger than its text. One alone is always let in: its own limit is the parser's. */
static bool has_room(const struct server *server, const struct long_call *work) {
    if (server->long_call_count >= LONG_CALLS_MAX) return false;
    const size_t limit = server->limits.query_memory_bytes, held = server->long_call_bytes;
    return held == 0 || (held <= limit && work->held_bytes <= limit - held);
}

/* ---- The end ----------------------------------------------------------------------------------------------------- */

static void finish(struct long_call *work, enum status status) {
    struct call *call = work->call;
    struct server *server = call->server;
    list_remove(&work->link);
    server->long_call_count--;
    server->long_call_bytes -= work->held_bytes;
    call->long_call = NULL;
    work->verbs->destroy(work);
    if (status)
        call_fail(call, status);
    else
        call_finish(call);
    start_waiting(server);
}

static void applied(struct raft_request *request, enum status status, struct slice reply) {
    struct call *call = request->context;
    struct long_call *work = call->long_call;
    bool again = false;
    if (status == STATUS_OK) status = buf_assign(&call->reply, reply);
    if (status == STATUS_OK) status = work->verbs->applied(work, &again);
    if (!again) {
        if (status == STATUS_OK) call_note_write(call);
        finish(work, status);
        return;
    }
    if (++work->attempts >= LONG_ATTEMPTS_MAX)
        finish(work, STATUS_BUSY);
    else
        start_round(work);
}

static void answer(struct long_call *work) {
    struct call *call = work->call;
    enum long_answer answer = LONG_ANSWERED;
    buf_clear(&call->reply);
    buf_clear(&call->operation);
    enum status status = work->verbs->answer(work, &answer);
    if (status != STATUS_OK || answer == LONG_ANSWERED) {
        finish(work, status);
        return;
    }
    call->request = (struct raft_request){.done = applied, .context = call};
    raft_driver_propose(call->server->driver, call->command->store, buf_slice(&call->operation), &call->request);
}

static void stop(struct long_call *work, enum long_stop why) {
    int running = LONG_RUNS;
    (void)atomic_compare_exchange_strong(&work->stop, &running, why);
    atomic_store(&work->cancelled, true);
}

static void end_stopped(struct long_call *work) {
    buf_clear(&work->call->reply);
    finish(work, work->verbs->stopped(work, (enum long_stop)atomic_load(&work->stop)));
}

/* One that waits and shall not any more; *next_ns becomes the nearest deadline of the others. */
static struct long_call *find_tired(struct server *server, uint64_t *next_ns) {
    const uint64_t now_ns = io_now_ns(server->io);
    *next_ns = 0;
    for (struct list *link = server->long_calls.next; link != &server->long_calls; link = link->next) {
        struct long_call *work = list_entry(link, struct long_call, link);
        if (!work->waits) continue;
        if (work->deadline_ns != 0 && now_ns >= work->deadline_ns) stop(work, LONG_TIME_UP);
        if (atomic_load(&work->stop) != LONG_RUNS) return work;
        if (work->deadline_ns != 0 && (*next_ns == 0 || work->deadline_ns < *next_ns)) *next_ns = work->deadline_ns;
    }
    return NULL;
}

uint64_t long_calls_turn(struct server *server) {
    struct long_call *work;
    uint64_t next_ns;
    while ((work = find_tired(server, &next_ns)) != NULL) end_stopped(work);
    return next_ns;
}

/* ---- In the pool ------------------------------------------------------------------------------------------------- */

static enum status work_step(struct long_call *work, bool *done) {
    if (!work->begun) {
        work->begun = true;
        return work->verbs->begin(work, &work->view);
    }
    return work->verbs->step(work, done);
}

static enum io_job_state job_step(struct io_job *job) {
    struct long_call *work = job->context;
    struct io *io = work->call->server->io;
    bool done = false;
    if (work->deadline_ns != 0 && io_now_ns(io) >= work->deadline_ns) stop(work, LONG_TIME_UP);
    if (atomic_load(&work->stop) == LONG_RUNS) work->status = work_step(work, &done);
    if (work->status == STATUS_OK && !done && atomic_load(&work->stop) == LONG_RUNS) return IO_JOB_MORE;
    if (work->begun) work->verbs->end(work);
    return IO_JOB_DONE;
}

static void tick_done(struct raft_request *request, enum status status, struct slice reply) {
    struct call *call = request->context;
    (void)reply;
    call->stale = true; /* from here on log time alone judges */
    if (status)
        finish(call->long_call, status);
    else
        start_round(call->long_call);
}

static void job_done(struct io_job *job) {
    struct long_call *work = job->context;
    struct call *call = work->call;
    struct server *server = call->server;
    engine_snapshot_release(raft_driver_engine(server->driver), (struct engine_snapshot *)work->view.snapshot);
    raft_driver_unpin_engine(server->driver);
    server->job_count--;
    if (atomic_load(&work->stop) != LONG_RUNS) {
        end_stopped(work);
    } else if (work->status != STATUS_OK) {
        finish(work, work->status);
    } else if (call->late && !call->stale) {
        call->request = (struct raft_request){.done = tick_done, .context = call};
        raft_driver_tick_time(server->driver, &call->request);
    } else {
        answer(work);
    }
}

/* ---- A round: barrier, snapshot, job ----------------------------------------------------------------------------- */

static void ask_for_barrier(struct long_call *work);

static void start_job(struct long_call *work) {
    struct call *call = work->call;
    struct server *server = call->server;
    if (!raft_driver_pin_engine(server->driver)) {
        ask_for_barrier(work); /* a stale read waits, too, while another engine moves in */
        return;
    }
    struct engine_snapshot *snapshot = engine_snapshot_acquire(raft_driver_engine(server->driver));
    if (!snapshot) {
        raft_driver_unpin_engine(server->driver);
        finish(work, STATUS_NO_MEMORY);
        return;
    }
    call_set_view(call, false);
    call->view.snapshot = snapshot;
    work->view = call->view;
    work->begun = false;
    work->status = STATUS_OK;
    work->job = (struct io_job){.pool = IO_POOL_LONG, .step = job_step, .done = job_done, .context = work};
    server->job_count++;
    io_job_start(server->io, &work->job);
}

static void barrier_done(struct raft_request *request, enum status status, struct slice reply) {
    struct call *call = request->context;
    (void)reply;
    if (status)
        finish(call->long_call, status);
    else
        start_job(call->long_call);
}

static void ask_for_barrier(struct long_call *work) {
    struct call *call = work->call;
    call->request = (struct raft_request){.done = barrier_done, .context = call};
    raft_driver_read(call->server->driver, &call->request);
}

static void start_round(struct long_call *work) {
    if (work->call->stale)
        start_job(work);
    else
        ask_for_barrier(work);
}

enum status long_call_start(struct long_call *work, struct call *call) {
    struct server *server = call->server;
    work->call = call;
    if (!has_room(server, work)) {
        work->verbs->destroy(work);
        return STATUS_BUSY;
    }
    call->long_call = work;
    atomic_init(&work->stop, LONG_RUNS);
    atomic_init(&work->cancelled, false);
    if (work->timeout_ms != 0) work->deadline_ns = io_now_ns(server->io) + work->timeout_ms * 1000 * 1000;
    list_push_back(&server->long_calls, &work->link);
    server->long_call_count++;
    server->long_call_bytes += work->held_bytes;
    work->waits = must_wait(work);
    if (!work->waits) start_round(work);
    return STATUS_OK;
}

void long_calls_close(struct server *server) {
    check(server->stopping);
    start_waiting(server);
}

void long_call_stop(struct long_call *work) {
    stop(work, LONG_CLIENT_GONE);
}
