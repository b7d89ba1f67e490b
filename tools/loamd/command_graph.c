/*
 * command_graph: GRAPH.*. A query is a call that takes long (long_call.h): parsed here, run on a snapshot in the pool;
 * what it changes is proposed with the state that it was computed on, and computed again when that has moved.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "graph/query.h"
#include "graph/result.h"
#include "tools/loamd/commands.h"
#include "tools/loamd/long_call.h"
#include "tools/loamd/server_state.h"

/* Who waits for a reply gets it all at once; half of the output buffer is left for what surrounds it. */
#define RESULT_LIMIT_BYTES(server) ((server)->limits.output_buffer_bytes / 2)

/* ---- A query's run ----------------------------------------------------------------------------------------------- */

struct graph_call {
    struct long_call work; /* first: the verbs get this */
    struct query *query;
    struct graph *graph; /* from begin to end */
    struct result result;
    bool must_exist;           /* GRAPH.RO_QUERY */
    size_t memory_limit_bytes; /* as it was set when the query came: its run is in the pool, CONFIG SET on the loop */
    uint64_t started_ns;
    struct buf operation; /* what the run changes; empty = nothing */
    struct buf reply;     /* of a run that has ended, or what is wrong with it */
    bool refused;         /* reply is an error: nothing is proposed */
};

static struct graph_call *graph_call_of(struct long_call *work) {
    return (struct graph_call *)(void *)work;
}

static struct slice graph_name(const struct graph_call *run) {
    return run->work.call->args[1];
}

static enum status refuse(struct graph_call *run, enum status written) {
    run->refused = true;
    return written;
}

/* Statuses that are the user's become the reply; OK then. */
static enum status judge_failure(struct graph_call *run, enum status status) {
    buf_clear(&run->reply);
    const bool is_told = query_error_text(run->query)[0] != '\0' || status == STATUS_NOT_FOUND;
    if (is_told) return refuse(run, result_error(run->query, status, &run->reply));
    if (status == STATUS_TOO_LARGE && run->result.is_too_deep)
        return refuse(run, reply_error(&run->reply, "ERR the result holds lists or maps nested deeper than a compact "
                                                    "reply can; ask without --compact"));
    if (status == STATUS_TOO_LARGE)
        return refuse(run, reply_error(&run->reply, "ERR the result is larger than %zu bytes; use SKIP and LIMIT",
                                       run->result.limit_bytes));
    return status;
}

static enum status start_query(struct graph_call *run) {
    struct call *call = run->work.call;
    struct server *server = call->server;
    result_reset(&run->result);
    const struct query_options options = {
        .graph = run->graph,
        .sink = result_sink(&run->result),
        .memory_limit_bytes = run->memory_limit_bytes,
        .memory_pool = &server->query_memory,
        .seed = call->random,
        .clock_ms = io_clock_ms(server->io),
        .cancelled = &run->work.cancelled,
    };
    const enum status status = query_start(run->query, &options);
    return status == STATUS_OK ? STATUS_OK : judge_failure(run, status);
}

static enum status begin(struct long_call *work, const struct names_view *view) {
    struct graph_call *run = graph_call_of(work);
    buf_clear(&run->operation);
    buf_clear(&run->reply);
    run->refused = false;
    enum status status = graph_create(&run->graph);
    if (status != STATUS_OK) return status;
    status = graph_open(run->graph, view, graph_name(run));
    if (status == STATUS_WRONG_TYPE) return refuse(run, reply_error(&run->reply, GRAPH_TEXT_WRONG_TYPE));
    if (status == STATUS_NOT_FOUND && run->must_exist)
        return refuse(run, reply_error(&run->reply, GRAPH_TEXT_EMPTY_KEY));
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    return start_query(run);
}

/* The run has ended: its reply and its operation, while the graph can still be read. */
static enum status conclude(struct graph_call *run) {
    struct io *io = run->work.call->server->io;
    enum status status = query_is_update(run->query) ? query_encode(run->query, &run->operation) : STATUS_OK;
    if (status != STATUS_OK) return judge_failure(run, status);
    const double milliseconds = (double)(io_now_ns(io) - run->started_ns) / 1e6;
    return result_finish(&run->result, run->query, false, milliseconds, &run->reply);
}

static enum status step(struct long_call *work, bool *done) {
    struct graph_call *run = graph_call_of(work);
    *done = run->refused;
    if (run->refused) return STATUS_OK;
    const enum status status = query_step(run->query, QUERY_STEP_WORK);
    if (status == STATUS_BUSY) return STATUS_OK;
    *done = true;
    return status == STATUS_OK ? conclude(run) : judge_failure(run, status);
}

static void end(struct long_call *work) {
    struct graph_call *run = graph_call_of(work);
    query_stop(run->query);
    graph_destroy(run->graph);
    run->graph = NULL;
}

static enum status answer(struct long_call *work, enum long_answer *answer) {
    struct graph_call *run = graph_call_of(work);
    struct call *call = work->call;
    if (run->refused || run->operation.size == 0) return buf_append_slice(&call->reply, buf_slice(&run->reply));
    *answer = LONG_PROPOSE;
    return buf_append_slice(&call->operation, buf_slice(&run->operation));
}

/* Apply answers with its index, or with an error of its own. */
static enum status applied(struct long_call *work, bool *again) {
    struct graph_call *run = graph_call_of(work);
    struct call *call = work->call;
    struct decoder decoder = decoder_make(buf_slice(&call->reply));
    struct reply_value value;
    *again = graph_reply_is_conflict(buf_slice(&call->reply));
    if (*again) return STATUS_OK;
    const enum status status = reply_decode(&decoder, &value);
    if (status != STATUS_OK || value.tag == REPLY_ERROR) return status;
    return buf_assign(&call->reply, buf_slice(&run->reply));
}

static enum status stopped(struct long_call *work, enum long_stop why) {
    struct call *call = work->call;
    if (why == LONG_TIME_UP)
        return reply_error(&call->reply, "ERR Query timed out after %llu ms; nothing was changed",
                           (unsigned long long)work->timeout_ms);
    return reply_error(&call->reply, "ERR Query was cancelled; nothing was changed");
}

static void destroy(struct long_call *work) {
    struct graph_call *run = graph_call_of(work);
    query_destroy(run->query);
    result_deinit(&run->result);
    buf_deinit(&run->operation);
    buf_deinit(&run->reply);
    free(run);
}

static const struct long_call_verbs graph_verbs = {
    .begin = begin,
    .step = step,
    .end = end,
    .answer = answer,
    .applied = applied,
    .stopped = stopped,
    .destroy = destroy,
};

/* ---- GRAPH.QUERY, GRAPH.RO_QUERY --------------------------------------------------------------------------------- */

struct query_arguments {
    bool compact;
    uint64_t timeout_ms;
};

/* False: *status is that of having answered what is wrong. */
static bool parse_arguments(struct call *call, struct query_arguments *arguments, enum status *status) {
    const uint64_t limit_ms = call->server->limits.query_timeout_ms;
    arguments->timeout_ms = limit_ms;
    for (size_t i = 3; i < call->arg_count; i++) {
        int64_t number = 0;
        if (call_arg_is(call, i, "--compact") || call_arg_is(call, i, "compact")) {
            arguments->compact = true;
            continue;
        }
        const bool is_timeout = call_arg_is(call, i, "timeout");
        if (!is_timeout && !call_arg_is(call, i, "version")) {
            *status = call_syntax_error(call);
            return false;
        }
        if (i + 1 == call->arg_count || call_integer(call, ++i, &number) != STATUS_OK || number < 0) {
            *status = reply_error(&call->reply, is_timeout ? "ERR Failed to parse query timeout value"
                                                           : "ERR Failed to parse graph version value");
            return false;
        }
        if (is_timeout && (uint64_t)number > limit_ms) {
            *status = reply_error(&call->reply, "ERR The query TIMEOUT is over the limit of %llu ms (query-timeout-ms)",
                                  (unsigned long long)limit_ms);
            return false;
        }
        if (is_timeout && number > 0) arguments->timeout_ms = (uint64_t)number;
    }
    return true;
}

static enum status finish(struct call *call, enum status status) {
    if (status == STATUS_OK) call_finish(call);
    return status;
}

static enum status start_run(struct call *call, struct query *query, const struct query_arguments *arguments,
                             bool read_only) {
    struct graph_call *run = calloc(1, sizeof *run);
    if (!run) {
        query_destroy(query);
        return STATUS_NO_MEMORY;
    }
    run->work.verbs = &graph_verbs;
    run->work.timeout_ms = arguments->timeout_ms;
    if (query_is_update(query)) run->work.turn = call->args[1];
    run->work.held_bytes = query_held_bytes(query);
    run->query = query;
    run->must_exist = read_only;
    run->memory_limit_bytes = call->server->limits.query_memory_bytes;
    run->started_ns = io_now_ns(call->server->io);
    result_init(&run->result, arguments->compact, RESULT_LIMIT_BYTES(call->server));
    call->random = prng_next(&call->server->prng);
    return long_call_start(&run->work, call);
}

/* NULL: *status is that of having answered why. */
static struct query *prepare(struct call *call, enum status *status) {
    struct query *query = NULL;
    *status = query_prepare(call->args[2], &query);
    if (*status == STATUS_OK) return query;
    if (query_error_text(query)[0] != '\0') *status = result_error(query, *status, &call->reply);
    query_destroy(query);
    return NULL;
}

static enum status run_query(struct call *call, bool read_only) {
    struct query_arguments arguments = {0};
    enum status status = STATUS_OK;
    if (!parse_arguments(call, &arguments, &status)) return finish(call, status);
    struct query *query = prepare(call, &status);
    if (!query) return finish(call, status);
    call->reads_only = !query_is_update(query);
    if (call->reads_only || !(read_only || call->is_relayed)) return start_run(call, query, &arguments, read_only);
    query_destroy(query);
    return finish(call, reply_error(&call->reply, "ERR graph.RO_QUERY is to be executed only on read-only queries"));
}

enum status cmd_graph_query(struct call *call) {
    return run_query(call, false);
}

enum status cmd_graph_ro_query(struct call *call) {
    return run_query(call, true);
}

/* ---- GRAPH.EXPLAIN ----------------------------------------------------------------------------------------------- */

static enum status reply_lines(struct call *call, struct slice text) {
    uint64_t lines = 0;
    for (size_t i = 0; i < text.size; i++) lines += text.data[i] == '\n';
    enum status status = reply_array(&call->reply, lines);
    while (status == STATUS_OK && text.size > 0) {
        const uint8_t *newline = memchr(text.data, '\n', text.size);
        const size_t size = newline ? (size_t)(newline - text.data) : text.size;
        status = reply_bulk(&call->reply, slice_make(text.data, size));
        text = slice_from(text, newline ? size + 1 : size);
    }
    return status;
}

static enum status explain(struct call *call) {
    enum status status;
    struct buf lines = {0};
    struct query *query = prepare(call, &status);
    if (!query) return status;
    status = query_explain(query, &lines);
    if (status == STATUS_OK) status = reply_lines(call, buf_slice(&lines));
    buf_deinit(&lines);
    query_destroy(query);
    return status;
}

enum status cmd_graph_explain(struct call *call) {
    struct graph *graph = NULL;
    enum status status = graph_create(&graph);
    if (status != STATUS_OK) return status;
    status = graph_open(graph, &call->view, call->args[1]);
    graph_destroy(graph);
    if (status == STATUS_NOT_FOUND) return reply_error(&call->reply, GRAPH_TEXT_EMPTY_KEY);
    if (status == STATUS_WRONG_TYPE) return reply_error(&call->reply, GRAPH_TEXT_WRONG_TYPE);
    return status == STATUS_OK ? explain(call) : status;
}

/* ---- GRAPH.LIST, GRAPH.DELETE ------------------------------------------------------------------------------------ */

struct listing {
    struct buf names;
    uint64_t count;
};

static enum status list_one(void *context, struct slice name, uint64_t object) {
    struct listing *listing = context;
    (void)object;
    listing->count++;
    return reply_bulk(&listing->names, name);
}

enum status cmd_graph_list(struct call *call) {
    struct listing listing = {0};
    enum status status = graph_list(&call->view, list_one, &listing);
    if (status == STATUS_OK) status = reply_array(&call->reply, listing.count);
    if (status == STATUS_OK) status = buf_append_slice(&call->reply, buf_slice(&listing.names));
    buf_deinit(&listing.names);
    return status;
}

enum status cmd_graph_delete(struct call *call) {
    return graph_op_encode_delete(&call->operation, call->args[1]);
}
