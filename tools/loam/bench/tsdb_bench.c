/*
 * tsdb_bench: `loam bench tsdb`: rates of appending and decoding, and bytes a sample on disk beside Prometheus, on the
 * NAB series.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/loam/bench/bench.h"
#include "tools/loam/bench/bench_dir.h"
#include "tools/loam/bench/prometheus.h"
#include "tools/loam/bench/tsdb_systems.h"
#include "tools/loam/commands.h"
#include "tools/loam/number_option.h"

static const char usage[] =
    "usage: loam bench tsdb [options]\n"
    "  --data D             a directory of CSV files time,value (../shared/data/timeseries/nab)\n"
    "  --samples N          of the appends: the files are repeated under other names (2000000)\n"
    "  --synced-samples N   of the append that syncs every batch (200000)\n"
    "  --batch N            samples of one operation, of one series (256)\n"
    "  --pipeline N         MADDs in flight (64)\n"
    "  --peers prometheus   what is measured beside it; absent ones are named and skipped; none (prometheus)\n"
    "  --dir D              work directory (var/bench/tsdb)   --port P    of loamd (18600)\n"
    "  --json               one object, schema in tools/loam/README.md\n";

struct tsdb_bench {
    struct io *io;
    const char *data_dir, *dir, *peers;
    uint64_t samples, synced_samples, batch, pipeline, port;
    bool json;
    struct tsdb_data data;

    struct tsdb_rate append, synced, served, decode;
    struct tsdb_at_rest rest;
    bool has_prometheus;
    struct prometheus_result prometheus;
};

/* ---- Options ----------------------------------------------------------------------------------------------------- */

static bool take_option(struct tsdb_bench *bench, const char *name, const char *value) {
    if (strcmp(name, "--data") == 0) return (bench->data_dir = value)[0] != 0;
    if (strcmp(name, "--dir") == 0) return (bench->dir = value)[0] != 0;
    if (strcmp(name, "--samples") == 0) return number_option(value, (uint64_t)1 << 40, &bench->samples);
    if (strcmp(name, "--synced-samples") == 0) return number_option(value, (uint64_t)1 << 40, &bench->synced_samples);
    if (strcmp(name, "--batch") == 0) return number_option(value, TSDB_BATCH_MAX, &bench->batch);
    if (strcmp(name, "--pipeline") == 0) return number_option(value, 1024, &bench->pipeline);
    if (strcmp(name, "--port") == 0) return number_option(value, 65535, &bench->port);
    if (strcmp(name, "--peers") != 0) return false;
    bench->peers = value;
    return strcmp(value, "prometheus") == 0 || strcmp(value, "none") == 0;
}

static bool parse_options(struct tsdb_bench *bench, int argc, char **argv) {
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            bench->json = true;
        } else if (i + 1 < argc && take_option(bench, argv[i], argv[i + 1])) {
            i++;
        } else {
            (void)fprintf(stderr, "loam bench tsdb: '%s': not an option, or not a value for it\n%s", argv[i], usage);
            return false;
        }
    }
    return true;
}

static enum status load_data(struct tsdb_bench *bench, struct error *error) {
    enum status status = tsdb_data_load(&bench->data, bench->io, bench->data_dir, error);
    if (status == STATUS_OK && bench->data.sample_count == 0)
        status = error_set(error, STATUS_NOT_FOUND, "%s: the files hold no samples", bench->data_dir);
    return status == STATUS_NOT_FOUND ? error_prefix(error, status, "no data (--data)") : status;
}

/* ---- Runs -------------------------------------------------------------------------------------------------------- */

static struct tsdb_feed feed_of(const struct tsdb_bench *bench, uint64_t samples) {
    const uint64_t one = bench->data.sample_count;
    return (struct tsdb_feed){
        .data = &bench->data, .copies = (samples + one - 1) / one, .batch = bench->batch, .limit = samples};
}

static void path_in(const struct tsdb_bench *bench, const char *name, char path[IO_PATH_BYTES]) {
    (void)snprintf(path, IO_PATH_BYTES, "%.900s/%s", bench->dir, name);
}

static enum status run_append(struct tsdb_bench *bench, uint64_t samples, bool sync, struct tsdb_rate *rate,
                              struct error *error) {
    char path[IO_PATH_BYTES];
    path_in(bench, "append", path);
    struct tsdb_embedded *embedded = NULL;
    const struct tsdb_feed feed = feed_of(bench, samples);
    enum status status = tsdb_embedded_open(bench->io, path, &embedded, error);
    if (status == STATUS_OK) status = tsdb_embedded_append(embedded, &feed, sync, rate, error);
    tsdb_embedded_close(embedded);
    if (status == STATUS_OK) bench_remove_dir(bench->io, path);
    return status;
}

/* The files once, as Prometheus gets them: what they take at rest, and how fast that is read. */
static enum status run_rest(struct tsdb_bench *bench, struct error *error) {
    char path[IO_PATH_BYTES];
    path_in(bench, "rest", path);
    struct tsdb_embedded *embedded = NULL;
    struct tsdb_rate unused;
    const struct tsdb_feed feed = feed_of(bench, bench->data.sample_count);
    enum status status = tsdb_embedded_open(bench->io, path, &embedded, error);
    if (status == STATUS_OK) status = tsdb_embedded_append(embedded, &feed, false, &unused, error);
    if (status == STATUS_OK) status = tsdb_embedded_rest(embedded, &bench->rest, error);
    if (status == STATUS_OK) status = tsdb_embedded_decode(embedded, &feed, 1, &bench->decode, error);
    tsdb_embedded_close(embedded);
    if (status == STATUS_OK) bench_remove_dir(bench->io, path);
    return status;
}

static enum status run_served(struct tsdb_bench *bench, struct error *error) {
    char path[IO_PATH_BYTES];
    path_in(bench, "loamd", path);
    const struct tsdb_feed feed = feed_of(bench, bench->samples);
    return tsdb_served_append(bench->io, path, (unsigned)bench->port, &feed, (unsigned)bench->pipeline, &bench->served,
                              error);
}

static enum status run_prometheus(struct tsdb_bench *bench, struct error *error) {
    char path[IO_PATH_BYTES];
    if (strcmp(bench->peers, "none") == 0) return STATUS_OK;
    path_in(bench, "prometheus", path);
    enum status status = prometheus_measure(bench->io, path, &bench->data, &bench->prometheus, error);
    bench->has_prometheus = status == STATUS_OK;
    if (status != STATUS_NOT_FOUND) return status;
    (void)fprintf(stderr, "loam bench: %s; left out\n", error->text);
    *error = (struct error){0};
    return STATUS_OK;
}

static enum status run_all(struct tsdb_bench *bench, struct error *error) {
    enum status status = bench_make_dir(bench->io, bench->dir);
    if (status != STATUS_OK) return error_set(error, status, "cannot make %s", bench->dir);
    status = run_append(bench, bench->samples, false, &bench->append, error);
    if (status == STATUS_OK) status = run_append(bench, bench->synced_samples, true, &bench->synced, error);
    if (status == STATUS_OK) status = run_rest(bench, error);
    if (status == STATUS_OK) status = run_served(bench, error);
    return status == STATUS_OK ? run_prometheus(bench, error) : status;
}

/* ---- Printing ---------------------------------------------------------------------------------------------------- */

static double rate_of(const struct tsdb_rate *rate) {
    return rate->seconds > 0 ? (double)rate->samples / rate->seconds : 0;
}

static double per_sample(const struct tsdb_bench *bench, uint64_t bytes) {
    return (double)bytes / (double)bench->data.sample_count;
}

static void print_rate(const char *what, const struct tsdb_rate *rate, const char *how) {
    (void)printf("%-18s %11.0f samples/s %7.3f us cpu a sample   %s\n", what, rate_of(rate), rate->cpu_us_per_sample,
                 how);
}

static void print_bytes(const struct tsdb_bench *bench, const char *what, uint64_t chunks, uint64_t index,
                        const char *how) {
    (void)printf("%-18s %11.3f bytes a sample: chunks %" PRIu64 " + index %" PRIu64 "   %s\n", what,
                 per_sample(bench, chunks + index), chunks, index, how);
}

static void print_text(const struct tsdb_bench *bench) {
    char how[128];
    (void)printf("%zu samples in %zu series; one thread; batches of %" PRIu64 " samples\n\n", bench->data.sample_count,
                 bench->data.files.count, bench->batch);
    print_rate("append, embedded", &bench->append, "the log is written, not synced");
    print_rate("append, synced", &bench->synced, "every batch durable before the next");
    (void)snprintf(how, sizeof how, "loamd, MADD, %" PRIu64 " in flight, each durable before its reply",
                   bench->pipeline);
    print_rate("append, RESP", &bench->served, how);
    print_rate("decode", &bench->decode, "from SSTs through the block cache");
    (void)printf("\n");
    print_bytes(bench, "loam at rest", bench->rest.chunk_bytes, bench->rest.index_bytes,
                "SSTs of all trees, flushed and compacted");
    if (!bench->has_prometheus) return;
    const struct prometheus_result *peer = &bench->prometheus;
    (void)snprintf(how, sizeof how, "files chunks/ and index of %" PRIu64 " blocks, made in %.2f s", peer->blocks,
                   peer->seconds);
    char what[32];
    (void)snprintf(what, sizeof what, "prometheus %.6s", peer->version);
    print_bytes(bench, what, peer->chunk_bytes, peer->index_bytes, how);
    (void)printf("loam takes %.2f of what Prometheus takes\n",
                 (double)(bench->rest.chunk_bytes + bench->rest.index_bytes) /
                     (double)(peer->chunk_bytes + peer->index_bytes));
}

static void print_json_rate(const char *name, const struct tsdb_rate *rate) {
    (void)printf("  \"%s\": {\"samples\": %" PRIu64 ", \"seconds\": %.3f, \"samples_per_second\": %.0f, "
                 "\"cpu_us_per_sample\": %.4f},\n",
                 name, rate->samples, rate->seconds, rate_of(rate), rate->cpu_us_per_sample);
}

static void print_json(const struct tsdb_bench *bench) {
    const uint64_t loam = bench->rest.chunk_bytes + bench->rest.index_bytes;
    const struct prometheus_result *peer = &bench->prometheus;
    (void)printf("{\"bench\": \"tsdb\", \"samples\": %zu, \"series\": %zu, \"batch\": %" PRIu64
                 ", \"pipeline\": %" PRIu64 ",\n",
                 bench->data.sample_count, bench->data.files.count, bench->batch, bench->pipeline);
    print_json_rate("append_embedded", &bench->append);
    print_json_rate("append_embedded_synced", &bench->synced);
    print_json_rate("append_resp", &bench->served);
    print_json_rate("decode", &bench->decode);
    (void)printf("  \"loam\": {\"chunk_bytes\": %" PRIu64 ", \"index_bytes\": %" PRIu64 ", \"bytes_per_sample\": %.4f}",
                 bench->rest.chunk_bytes, bench->rest.index_bytes, per_sample(bench, loam));
    if (bench->has_prometheus)
        (void)printf(",\n  \"prometheus\": {\"version\": \"%s\", \"blocks\": %" PRIu64 ", \"chunk_bytes\": %" PRIu64
                     ", \"index_bytes\": %" PRIu64 ", \"bytes_per_sample\": %.4f, \"seconds\": %.3f}",
                     peer->version, peer->blocks, peer->chunk_bytes, peer->index_bytes,
                     per_sample(bench, peer->chunk_bytes + peer->index_bytes), peer->seconds);
    (void)printf("}\n");
}

int bench_tsdb(int argc, char **argv) {
    if (argc > 0 && strcmp(argv[0], "--help") == 0) {
        (void)fputs(usage, stdout);
        return EXIT_CLEAN;
    }
    struct tsdb_bench bench = {.data_dir = "../shared/data/timeseries/nab",
                               .dir = "var/bench/tsdb",
                               .peers = "prometheus",
                               .samples = 2000000,
                               .synced_samples = 200000,
                               .batch = 256,
                               .pipeline = 64,
                               .port = 18600};
    if (!parse_options(&bench, argc, argv)) return EXIT_FAILED;
    struct error error = {0};
    enum status status = io_create(&(struct io_options){0}, &bench.io, &error);
    if (status == STATUS_OK) status = load_data(&bench, &error);
    if (status == STATUS_OK) status = run_all(&bench, &error);
    if (status == STATUS_OK && bench.json) print_json(&bench);
    if (status == STATUS_OK && !bench.json) print_text(&bench);
    if (status != STATUS_OK)
        (void)fprintf(stderr, "loam bench tsdb: %s\n", error.text[0] ? error.text : status_text(status));
    tsdb_data_deinit(&bench.data);
    if (bench.io) io_destroy(bench.io);
    return status == STATUS_OK ? EXIT_CLEAN : EXIT_FAILED;
}
