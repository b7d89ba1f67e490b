/* tsdb_served: a loamd of its own, MADDs through a pipeline; see tsdb_systems.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/buf.h"
#include "tools/loam/bench/bench_dir.h"
#include "tools/loam/bench/load.h"
#include "tools/loam/bench/tsdb_systems.h"
#include "tools/loam/client.h"
#include "tools/loam/cluster/process.h"

enum { READY_MS = 20000, POLL_NS = 20 * 1000 * 1000, TIMEOUT_MS = 30000, TIME_BYTES = 24 };

struct served {
    struct io *io;
    const struct tsdb_feed *feed;
    unsigned pipeline, in_flight;
    struct client *client;
    long pid;
    struct slice *args;        /* 1 + 3 * batch */
    char (*times)[TIME_BYTES]; /* batch */
    uint64_t count;
    struct error *error;
};

/* ---- The process ------------------------------------------------------------------------------------------------- */

static enum status start(struct served *served, const char *dir, unsigned port) {
    char program[IO_PATH_BYTES], log[IO_PATH_BYTES], address[IO_ADDRESS_BYTES];
    enum status status = process_own_directory(program, sizeof program - sizeof "/loamd");
    if (status != STATUS_OK) return error_set(served->error, status, "where loamd stands is not known");
    (void)strncat(program, "/loamd", sizeof program - strlen(program) - 1);
    (void)snprintf(log, sizeof log, "%.900s.log", dir);
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", port);
    bench_remove_dir(served->io, dir);
    status = bench_make_dir(served->io, dir);
    if (status != STATUS_OK) return error_set(served->error, status, "cannot make %s: %s", dir, status_text(status));
    struct client *taken = NULL;
    if (client_open(served->io, address, 200, &taken, NULL) == STATUS_OK) {
        client_close(taken);
        return error_set(served->error, STATUS_EXISTS, "%s is in use (--port)", address);
    }
    const char *const arguments[] = {"loamd", "--dir", dir, "--listen", address, NULL};
    status = process_start(program, arguments, log, &served->pid, served->error);
    const uint64_t deadline_ns = io_now_ns(served->io) + (uint64_t)READY_MS * 1000000u;
    while (status == STATUS_OK && !served->client) {
        if (client_open(served->io, address, TIMEOUT_MS, &served->client, NULL) == STATUS_OK) break;
        if (io_now_ns(served->io) > deadline_ns)
            return error_set(served->error, STATUS_TIMED_OUT, "loamd does not listen on %s; see %s", address, log);
        io_sleep(served->io, POLL_NS);
    }
    return status;
}

static enum status stop(struct served *served) {
    int code = 0;
    client_close(served->client);
    if (!served->pid) return STATUS_OK;
    enum status status = process_signal(served->pid, PROCESS_TERMINATE);
    if (status == STATUS_OK) status = process_wait(served->pid, &code);
    return status;
}

/* ---- Commands ---------------------------------------------------------------------------------------------------- */

static enum status judge(const struct served *served, const struct resp_reply *reply) {
    const struct resp_reply *wrong = reply->type == RESP_ERROR ? reply : NULL;
    for (size_t i = 0; !wrong && reply->type == RESP_ARRAY && i < reply->count; i++)
        if (reply->elements[i].type == RESP_ERROR) wrong = &reply->elements[i];
    if (!wrong) return STATUS_OK;
    return error_set(served->error, STATUS_INVALID, "loamd says: %.*s", (int)wrong->text.size,
                     (const char *)wrong->text.data);
}

static enum status drain(struct served *served, unsigned down_to) {
    enum status status = client_flush(served->client, served->error);
    while (status == STATUS_OK && served->in_flight > down_to) {
        const struct resp_reply *reply;
        status = client_receive(served->client, &reply, served->error);
        if (status == STATUS_OK) status = judge(served, reply);
        served->in_flight--;
    }
    return status;
}

/* Half of the pipeline is made while the other half is answered. */
static enum status queue(struct served *served, const struct slice *args, size_t count) {
    enum status status = client_queue(served->client, args, count);
    served->in_flight++;
    if (status == STATUS_OK && served->in_flight >= served->pipeline) status = drain(served, served->pipeline / 2);
    return status;
}

static enum status create_series(struct served *served, const struct tsdb_feed_batch *batch, struct slice name) {
    const struct slice args[] = {slice_from_text("TS.CREATE"),
                                 name,
                                 slice_from_text("LABELS"),
                                 slice_from_text("__name__"),
                                 slice_from_text("nab"),
                                 slice_from_text("file"),
                                 slice_from_text(served->feed->data->series[batch->series].name)};
    return queue(served, args, sizeof args / sizeof args[0]);
}

static enum status put_batch(void *context, const struct tsdb_feed_batch *batch) {
    struct served *served = context;
    const struct tsdb_series *series = &served->feed->data->series[batch->series];
    char text[TSDB_NAME_BYTES];
    tsdb_feed_name(served->feed, batch->copy, batch->series, text);
    const struct slice name = slice_from_text(text);
    enum status status = batch->first == 0 ? create_series(served, batch, name) : STATUS_OK;
    if (status != STATUS_OK) return status;
    served->args[0] = slice_from_text("TS.MADD");
    for (size_t i = 0; i < batch->count; i++) {
        (void)snprintf(served->times[i], TIME_BYTES, "%" PRId64, series->times_ms[batch->first + i]);
        served->args[3 * i + 1] = name;
        served->args[3 * i + 2] = slice_from_text(served->times[i]);
        served->args[3 * i + 3] = slice_from_text(series->texts[batch->first + i]);
    }
    served->count += batch->count;
    return queue(served, served->args, 1 + 3 * batch->count);
}

enum status tsdb_served_append(struct io *io, const char *dir, unsigned port, const struct tsdb_feed *feed,
                               unsigned pipeline, struct tsdb_rate *rate, struct error *error) {
    struct served served = {.io = io, .feed = feed, .pipeline = pipeline, .error = error};
    served.args = calloc(1 + 3 * (size_t)feed->batch, sizeof *served.args);
    served.times = calloc((size_t)feed->batch, sizeof *served.times);
    enum status status = served.args && served.times ? start(&served, dir, port) : STATUS_NO_MEMORY;
    const uint64_t cpu_ns = status == STATUS_OK ? load_cpu_ns(io, (int)served.pid) : 0, start_ns = io_now_ns(io);
    if (status == STATUS_OK) status = tsdb_feed_run(feed, put_batch, &served);
    if (status == STATUS_OK) status = drain(&served, 0);
    rate->seconds = (double)(io_now_ns(io) - start_ns) / 1e9;
    rate->samples = served.count;
    if (status == STATUS_OK)
        rate->cpu_us_per_sample =
            (double)(load_cpu_ns(io, (int)served.pid) - cpu_ns) / 1e3 / (double)(served.count ? served.count : 1);
    const enum status stopped = stop(&served);
    if (status == STATUS_OK && stopped != STATUS_OK) status = error_set(error, stopped, "loamd could not be ended");
    if (status == STATUS_OK) bench_remove_dir(io, dir);
    free(served.args);
    free(served.times);
    return status;
}
