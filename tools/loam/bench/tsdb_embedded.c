/* tsdb_embedded: the library in this process, on an engine with its own log; see tsdb_systems.h. */
#include <stdio.h>
#include <stdlib.h>

#include "tools/loam/bench/bench_dir.h"
#include "tools/loam/bench/load.h"
#include "tools/loam/bench/tsdb_systems.h"
#include "tsdb/tsdb.h"

enum { KINDS_MAX = 16, SEED = 1, START_MS = 1700000000 };

struct tsdb_embedded {
    struct io *io;
    struct engine *engine;
    struct engine_tree_kind kinds[KINDS_MAX];
    struct name_owner owner;
    struct tsdb *tsdb;
    struct engine_batch batch;
    struct buf operation, reply;
    uint64_t index;
};

static const struct {
    uint32_t tree, kind;
} trees[] = {{TREE_NAMES, KIND_NAMES},           {TREE_NAMES_EXPIRY, KIND_NAMES_EXPIRY},
             {TREE_NAMES_META, KIND_NAMES_META}, {TREE_SERIES, KIND_SERIES},
             {TREE_CHUNKS, KIND_CHUNKS},         {TREE_LABELS, KIND_LABELS}};
enum { TREE_COUNT = sizeof trees / sizeof trees[0] };

static enum status fail(const struct tsdb_embedded *embedded, enum status status, const char *what,
                        struct error *error) {
    struct error last = {0};
    if (embedded->engine) engine_last_error(embedded->engine, &last);
    return error_set(error, status, "%s: %s %s", what, status_text(status), last.text);
}

/* ---- Open and close ---------------------------------------------------------------------------------------------- */

static enum status make_trees(struct tsdb_embedded *embedded) {
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < TREE_COUNT; i++)
        status = engine_batch_create_tree(&embedded->batch, trees[i].tree, trees[i].kind);
    if (status == STATUS_OK) status = engine_write(embedded->engine, &embedded->batch, NULL);
    engine_batch_clear(&embedded->batch);
    return status;
}

static enum status open_engine(struct tsdb_embedded *embedded, const char *dir, struct error *error) {
    struct engine_options options = {.kinds = embedded->kinds};
    for (size_t i = 0; i < names_kind_count; i++) embedded->kinds[options.kind_count++] = names_kinds[i];
    for (size_t i = 0; i < tsdb_kind_count; i++) embedded->kinds[options.kind_count++] = tsdb_kinds[i];
    bench_remove_dir(embedded->io, dir);
    enum status status = bench_make_dir(embedded->io, dir);
    if (status != STATUS_OK) return error_set(error, status, "cannot make %s: %s", dir, status_text(status));
    status = engine_open(embedded->io, dir, &options, &embedded->engine, error);
    return status == STATUS_OK ? make_trees(embedded) : status;
}

enum status tsdb_embedded_open(struct io *io, const char *dir, struct tsdb_embedded **embedded, struct error *error) {
    struct tsdb_embedded *made = calloc(1, sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    made->io = io;
    engine_batch_init(&made->batch);
    enum status status = names_kind_count + tsdb_kind_count <= KINDS_MAX ? STATUS_OK : STATUS_TOO_LARGE;
    if (status == STATUS_OK) status = open_engine(made, dir, error);
    if (status == STATUS_OK) status = tsdb_create(&made->owner, 1, &made->tsdb);
    if (status != STATUS_OK) {
        tsdb_embedded_close(made);
        return status;
    }
    made->owner = tsdb_owner(made->tsdb);
    *embedded = made;
    return STATUS_OK;
}

void tsdb_embedded_close(struct tsdb_embedded *embedded) {
    if (!embedded) return;
    tsdb_destroy(embedded->tsdb);
    engine_close(embedded->engine);
    engine_batch_deinit(&embedded->batch);
    buf_deinit(&embedded->operation);
    buf_deinit(&embedded->reply);
    free(embedded);
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

static struct names_view view_of(const struct tsdb_embedded *embedded) {
    return (struct names_view){
        .engine = embedded->engine, .seed = SEED, .log_time_ms = START_MS + (int64_t)embedded->index};
}

/* The first error that the reply holds, also within an array; NULL text if there is none. */
static struct slice first_error(struct slice reply) {
    struct decoder decoder = decoder_make(reply);
    struct reply_value value;
    for (uint64_t left = 1; left > 0; left--) {
        if (reply_decode(&decoder, &value) != STATUS_OK) return slice_from_text("a reply that is none");
        if (value.tag == REPLY_ERROR) return value.text;
        if (value.tag == REPLY_ARRAY) left += value.count;
    }
    return slice_make(NULL, 0);
}

/* As whoever owns a log does: encode, apply, write. */
static enum status run_op(struct tsdb_embedded *embedded, const struct tsdb_op *op, bool sync, struct error *error) {
    const struct engine_write_options options = {.sync = sync};
    buf_clear(&embedded->operation);
    buf_clear(&embedded->reply);
    engine_batch_clear(&embedded->batch);
    embedded->index++;
    const struct names_view view = view_of(embedded);
    enum status status = tsdb_op_encode(&embedded->operation, op);
    if (status == STATUS_OK)
        status = tsdb_apply(embedded->tsdb, &view, embedded->index, buf_slice(&embedded->operation), &embedded->batch,
                            &embedded->reply);
    if (status == STATUS_OK) status = engine_write(embedded->engine, &embedded->batch, &options);
    if (status != STATUS_OK) return fail(embedded, status, tsdb_op_kind_name(op->kind), error);
    const struct slice wrong = first_error(buf_slice(&embedded->reply));
    if (!wrong.data) return STATUS_OK;
    return error_set(error, STATUS_INVALID, "%s: %.*s", tsdb_op_kind_name(op->kind), (int)wrong.size,
                     (const char *)wrong.data);
}

struct append {
    struct tsdb_embedded *embedded;
    const struct tsdb_feed *feed;
    struct tsdb_add *samples; /* feed->batch of them */
    bool sync;
    uint64_t count;
    struct error *error;
};

/* The labels that Prometheus' text has, too. */
static enum status create_series(const struct append *append, const struct tsdb_feed_batch *batch, struct slice name) {
    const struct tsdb_label labels[] = {
        {slice_from_text("__name__"), slice_from_text("nab")},
        {slice_from_text("file"), slice_from_text(append->feed->data->series[batch->series].name)}};
    const struct tsdb_op op = {
        .kind = TSDB_OP_CREATE, .name = name, .settings = {.given = TSDB_LABELS, .labels = labels, .label_count = 2}};
    return run_op(append->embedded, &op, false, append->error);
}

static enum status put_batch(void *context, const struct tsdb_feed_batch *batch) {
    struct append *append = context;
    const struct tsdb_series *series = &append->feed->data->series[batch->series];
    char text[TSDB_NAME_BYTES];
    tsdb_feed_name(append->feed, batch->copy, batch->series, text);
    const struct slice name = slice_from_text(text);
    enum status status = batch->first == 0 ? create_series(append, batch, name) : STATUS_OK;
    for (size_t i = 0; i < batch->count; i++)
        append->samples[i] = (struct tsdb_add){
            .name = name, .time_ms = series->times_ms[batch->first + i], .value = series->values[batch->first + i]};
    const struct tsdb_op op = {.kind = TSDB_OP_MADD, .samples = append->samples, .sample_count = batch->count};
    if (status == STATUS_OK) status = run_op(append->embedded, &op, append->sync, append->error);
    append->count += batch->count;
    return status;
}

enum status tsdb_embedded_append(struct tsdb_embedded *embedded, const struct tsdb_feed *feed, bool sync,
                                 struct tsdb_rate *rate, struct error *error) {
    struct append append = {.embedded = embedded, .feed = feed, .sync = sync, .error = error};
    append.samples = calloc((size_t)feed->batch, sizeof *append.samples);
    if (!append.samples) return STATUS_NO_MEMORY;
    const uint64_t cpu_ns = load_cpu_ns(embedded->io, 0), start_ns = io_now_ns(embedded->io);
    enum status status = tsdb_feed_run(feed, put_batch, &append);
    rate->seconds = (double)(io_now_ns(embedded->io) - start_ns) / 1e9;
    rate->samples = append.count;
    rate->cpu_us_per_sample =
        (double)(load_cpu_ns(embedded->io, 0) - cpu_ns) / 1e3 / (double)(append.count ? append.count : 1);
    free(append.samples);
    return status;
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

struct decoded {
    uint64_t count;
    double sum; /* so that nobody finds the values unused */
};

static enum status take_samples(void *context, const int64_t *times_ms, const double *values, size_t count) {
    struct decoded *decoded = context;
    for (size_t i = 0; i < count; i++) decoded->sum += values[i];
    decoded->sum += (double)times_ms[0];
    decoded->count += count;
    return STATUS_OK;
}

static enum status decode_all(struct tsdb_embedded *embedded, const struct tsdb_feed *feed, struct decoded *decoded,
                              struct error *error) {
    const struct names_view view = view_of(embedded);
    enum status status = STATUS_OK;
    for (size_t s = 0; status == STATUS_OK && s < feed->data->files.count; s++) {
        char name[TSDB_NAME_BYTES];
        const uint64_t before = decoded->count;
        tsdb_feed_name(feed, 0, s, name);
        status = tsdb_scan(&view, slice_from_text(name), INT64_MIN, INT64_MAX, take_samples, decoded);
        if (status != STATUS_OK) return fail(embedded, status, name, error);
        if (decoded->count - before != feed->data->series[s].count)
            return error_set(error, STATUS_CORRUPT, "%s gave %llu samples, not %zu", name,
                             (unsigned long long)(decoded->count - before), feed->data->series[s].count);
    }
    return status;
}

enum status tsdb_embedded_decode(struct tsdb_embedded *embedded, const struct tsdb_feed *feed, double seconds,
                                 struct tsdb_rate *rate, struct error *error) {
    struct decoded decoded = {0};
    const uint64_t cpu_ns = load_cpu_ns(embedded->io, 0), start_ns = io_now_ns(embedded->io);
    enum status status = STATUS_OK;
    rate->seconds = 0;
    while (status == STATUS_OK && rate->seconds < seconds) {
        status = decode_all(embedded, feed, &decoded, error);
        rate->seconds = (double)(io_now_ns(embedded->io) - start_ns) / 1e9;
    }
    rate->samples = decoded.count;
    rate->cpu_us_per_sample =
        (double)(load_cpu_ns(embedded->io, 0) - cpu_ns) / 1e3 / (double)(decoded.count ? decoded.count : 1);
    return status;
}

enum status tsdb_embedded_rest(struct tsdb_embedded *embedded, struct tsdb_at_rest *rest, struct error *error) {
    *rest = (struct tsdb_at_rest){0};
    enum status status = engine_flush(embedded->engine);
    if (status == STATUS_OK) status = engine_compact(embedded->engine);
    for (size_t i = 0; status == STATUS_OK && i < TREE_COUNT; i++) {
        struct engine_tree_info info;
        status = engine_tree_info(embedded->engine, trees[i].tree, &info);
        if (status == STATUS_OK)
            *(trees[i].tree == TREE_CHUNKS ? &rest->chunk_bytes : &rest->index_bytes) += info.disk_bytes;
    }
    return status == STATUS_OK ? STATUS_OK : fail(embedded, status, "at rest", error);
}
