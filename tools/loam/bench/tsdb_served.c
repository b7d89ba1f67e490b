/* tsdb_served: a loamd of its own, MADDs through a pipeline; see tsdb_systems.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/buf.h"
#include "tools/loam/bench/bench_server.h"
#include "tools/loam/bench/load.h"
#include "tools/loam/bench/tsdb_systems.h"

enum { TIME_BYTES = 24 };

struct served {
    struct io *io;
    const struct tsdb_feed *feed;
    unsigned pipeline, in_flight;
    struct bench_server server;
    struct slice *args;        /* 1 + 3 * batch */
    char (*times)[TIME_BYTES]; /* batch */
    uint64_t count;
    struct error *error;
};

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
    enum status status = client_flush(served->server.client, served->error);
    while (status == STATUS_OK && served->in_flight > down_to) {
        const struct resp_reply *reply;
        status = client_receive(served->server.client, &reply, served->error);
        if (status == STATUS_OK) status = judge(served, reply);
        served->in_flight--;
    }
    return status;
}

/* Half of the pipeline is made while the other half is answered. */
static enum status queue(struct served *served, const struct slice *args, size_t count) {
    enum status status = client_queue(served->server.client, args, count);
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
    enum status status =
        served.args && served.times ? bench_server_start(io, dir, port, &served.server, error) : STATUS_NO_MEMORY;
    const uint64_t cpu_ns = status == STATUS_OK ? load_cpu_ns(io, (int)served.server.pid) : 0, start_ns = io_now_ns(io);
    if (status == STATUS_OK) status = tsdb_feed_run(feed, put_batch, &served);
    if (status == STATUS_OK) status = drain(&served, 0);
    rate->seconds = (double)(io_now_ns(io) - start_ns) / 1e9;
    rate->samples = served.count;
    if (status == STATUS_OK)
        rate->cpu_us_per_sample = (double)(load_cpu_ns(io, (int)served.server.pid) - cpu_ns) / 1e3 /
                                  (double)(served.count ? served.count : 1);
    const enum status stopped =
        bench_server_stop(&served.server, status == STATUS_OK, status == STATUS_OK ? error : NULL);
    if (status == STATUS_OK) status = stopped;
    free(served.args);
    free(served.times);
    return status;
}
