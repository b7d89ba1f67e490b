/*
 * cluster_bench: `loam bench cluster`: three nodes of loam beside etcd and redis, the same keys, values and client
 * loop, round by round in turn; medians over the rounds.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tools/loam/bench/bench.h"
#include "tools/loam/bench/bench_target.h"
#include "tools/loam/commands.h"
#include "tools/loam/number_option.h"

enum { ROUNDS_MAX = 15, TARGETS_MAX = 3, LIST_MAX = 8, FILL_CLIENTS = 64, FILL_PIPELINE = 16 };
enum { FILL_LIMIT_S = 300, LIMIT_EXTRA_S = 60 };

static const char usage[] =
    "usage: loam bench cluster [options]\n"
    "  --peers etcd,redis   what runs beside loam; absent ones are named and skipped (etcd,redis)\n"
    "  --clients 1,16,64    connections\n"
    "  --pipeline 1,16      requests in flight on each\n"
    "  --operations set,get\n"
    "  --to leader,any      connections go to the leader, or round robin to all nodes\n"
    "  --keys N             key space, filled first (100000)      --value-bytes N  (100)\n"
    "  --seconds N          of each run (3)                       --rounds N       (3)\n"
    "  --dir D              work directory (var/bench)            --base-port P    (18000)\n"
    "  --json               one object, schema in tools/loam/README.md\n";

struct settings {
    uint64_t clients[LIST_MAX], pipelines[LIST_MAX];
    size_t client_count, pipeline_count;
    bool set, get, to_leader, to_any, etcd, redis, json;
    uint64_t keys, value_bytes, seconds, rounds, base_port;
    const char *dir;
};

/* One row of the matrix, for one target. */
struct cell {
    double rate, p50_us, p99_us, p999_us, client_cpu, server_cpu_us,
        syncs; /* cpu: share of a core; per operation; per operation */
    uint64_t errors;
};

struct matrix_row {
    enum load_operation operation;
    bool to_leader;
    unsigned clients, pipeline;
};

struct bench {
    struct io *io;
    struct settings settings;
    struct bench_target targets[TARGETS_MAX];
    size_t target_count;
    bool any_row;
};

/* ---- options ----------------------------------------------------------------------------------------------------- */

static bool parse_numbers(const char *text, uint64_t *list, size_t *count) {
    *count = 0;
    while (*text) {
        char word[24];
        size_t size = strcspn(text, ",");
        if (size == 0 || size >= sizeof word || *count == LIST_MAX) return false;
        memcpy(word, text, size);
        word[size] = 0;
        if (!number_option(word, 4096, &list[(*count)++])) return false;
        text += size;
        if (*text == ',') text++;
    }
    return *count > 0;
}

/* "a,b": sets the flags of the words that are named; false for any other word. */
static bool parse_words(const char *text, const char *const *words, bool *const *flags, size_t count) {
    for (size_t i = 0; i < count; i++) *flags[i] = false;
    while (*text) {
        size_t size = strcspn(text, ","), i = 0;
        while (i < count && (strlen(words[i]) != size || strncmp(words[i], text, size) != 0)) i++;
        if (i == count && size) return false;
        if (size) *flags[i] = true;
        text += size;
        if (*text == ',') text++;
    }
    return true;
}

static bool set_option(struct settings *settings, const char *name, const char *value) {
    static const char *const peers[] = {"etcd", "redis"}, *const operations[] = {"set", "get"},
                             *const ways[] = {"leader", "any"};
    bool *const peer_flags[] = {&settings->etcd, &settings->redis},
                *const operation_flags[] = {&settings->set, &settings->get},
                *const way_flags[] = {&settings->to_leader, &settings->to_any};
    if (strcmp(name, "--peers") == 0) return parse_words(value, peers, peer_flags, 2);
    if (strcmp(name, "--operations") == 0) return parse_words(value, operations, operation_flags, 2);
    if (strcmp(name, "--to") == 0) return parse_words(value, ways, way_flags, 2);
    if (strcmp(name, "--clients") == 0) return parse_numbers(value, settings->clients, &settings->client_count);
    if (strcmp(name, "--pipeline") == 0) return parse_numbers(value, settings->pipelines, &settings->pipeline_count);
    if (strcmp(name, "--keys") == 0) return number_option(value, 100000000, &settings->keys);
    if (strcmp(name, "--value-bytes") == 0) return number_option(value, 1 << 20, &settings->value_bytes);
    if (strcmp(name, "--seconds") == 0) return number_option(value, 600, &settings->seconds);
    if (strcmp(name, "--rounds") == 0) return number_option(value, ROUNDS_MAX, &settings->rounds);
    if (strcmp(name, "--base-port") == 0) return number_option(value, 64000, &settings->base_port);
    if (strcmp(name, "--dir") != 0) return false;
    settings->dir = value;
    return true;
}

static bool parse_options(int argc, char **argv, struct settings *settings) {
    *settings = (struct settings){.clients = {1, 16, 64},
                                  .client_count = 3,
                                  .pipelines = {1, 16},
                                  .pipeline_count = 2,
                                  .set = true,
                                  .get = true,
                                  .to_leader = true,
                                  .to_any = true,
                                  .etcd = true,
                                  .redis = true,
                                  .keys = 100000,
                                  .value_bytes = 100,
                                  .seconds = 3,
                                  .rounds = 3,
                                  .base_port = 18000,
                                  .dir = "var/bench"};
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            settings->json = true;
        } else if (i + 1 == argc || !set_option(settings, argv[i], argv[i + 1])) {
            (void)fprintf(stderr, "loam bench cluster: %s%s is not understood\n%s", argv[i],
                          i + 1 == argc ? "" : " with its value", usage);
            return false;
        } else {
            i++;
        }
    }
    return true;
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count) {
    qsort(values, count, sizeof *values, compare_doubles);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static enum status run_cell(struct bench *bench, const struct bench_target *target, const struct matrix_row *row,
                            uint64_t seed, struct cell *cell, struct error *error) {
    const struct settings *settings = &bench->settings;
    const char *addresses[BENCH_NODES];
    for (unsigned i = 0; i < target->nodes; i++) addresses[i] = target->addresses[i];
    if (row->to_leader) addresses[0] = target->addresses[target->leader];
    struct load_options options = {.addresses = addresses,
                                   .address_count = row->to_leader ? 1 : target->nodes,
                                   .clients = row->clients,
                                   .pipeline = row->pipeline,
                                   .operation = row->operation,
                                   .duration_ns = settings->seconds * 1000000000u,
                                   .keys = settings->keys,
                                   .value_bytes = settings->value_bytes,
                                   .seed = seed,
                                   .limit_ns = (settings->seconds + LIMIT_EXTRA_S) * 1000000000u};
    struct load_result *result = calloc(1, sizeof *result);
    if (!result) return STATUS_NO_MEMORY;
    uint64_t cpu_ns = bench_target_cpu_ns(bench->io, target), syncs = bench_target_syncs(bench->io, target);
    enum status status = load_run(bench->io, target->protocol, &options, result, error);
    cpu_ns = bench_target_cpu_ns(bench->io, target) - cpu_ns;
    syncs = bench_target_syncs(bench->io, target) - syncs;
    double operations = result->operations ? (double)result->operations : 1;
    *cell = (struct cell){
        .rate = (double)result->operations * 1e9 / (double)(result->elapsed_ns ? result->elapsed_ns : 1),
        .p50_us = (double)hist_quantile(&result->latency_ns, 0.5) / 1e3,
        .p99_us = (double)hist_quantile(&result->latency_ns, 0.99) / 1e3,
        .p999_us = (double)hist_quantile(&result->latency_ns, 0.999) / 1e3,
        .client_cpu = (double)result->client_cpu_ns / (double)(result->elapsed_ns ? result->elapsed_ns : 1),
        .server_cpu_us = (double)cpu_ns / 1e3 / operations,
        .syncs = (double)syncs / operations,
        .errors = result->errors};
    if (result->errors && status == STATUS_OK)
        (void)fprintf(stderr, "loam bench: %s answered %llu errors, the first: %s\n", target->name,
                      (unsigned long long)result->errors, result->first_error);
    free(result);
    return status;
}

static struct cell median_cell(const struct cell *cells, size_t count) {
    struct cell middle = {0};
    static const size_t members[] = {offsetof(struct cell, rate),       offsetof(struct cell, p50_us),
                                     offsetof(struct cell, p99_us),     offsetof(struct cell, p999_us),
                                     offsetof(struct cell, client_cpu), offsetof(struct cell, server_cpu_us),
                                     offsetof(struct cell, syncs)};
    for (size_t m = 0; m < sizeof members / sizeof members[0]; m++) {
        double values[ROUNDS_MAX];
        for (size_t i = 0; i < count; i++) memcpy(&values[i], (const char *)&cells[i] + members[m], sizeof values[i]);
        double value = median(values, count);
        memcpy((char *)&middle + members[m], &value, sizeof value);
    }
    for (size_t i = 0; i < count; i++) middle.errors += cells[i].errors;
    return middle;
}

static void print_cell(struct bench *bench, const struct matrix_row *row, const struct bench_target *target,
                       const struct cell *cell, double loam_rate) {
    const char *operation = row->operation == LOAD_SET ? "set" : "get";
    const char *to = target->nodes == 1 ? "only" : row->to_leader ? "leader" : "any";
    if (bench->settings.json) {
        (void)printf(
            "%s\n    {\"system\": \"%s\", \"operation\": \"%s\", \"to\": \"%s\", \"clients\": %u, \"pipeline\": %u, "
            "\"operations_per_second\": %.0f, \"p50_us\": %.0f, \"p99_us\": %.0f, \"p999_us\": %.0f, "
            "\"client_cores\": %.2f, \"server_cpu_us_per_operation\": %.2f, \"syncs_per_operation\": %.4f, "
            "\"errors\": %llu}",
            bench->any_row ? "," : "", target->name, operation, to, row->clients, row->pipeline, cell->rate,
            cell->p50_us, cell->p99_us, cell->p999_us, cell->client_cpu, cell->server_cpu_us, cell->syncs,
            (unsigned long long)cell->errors);
        bench->any_row = true;
        return;
    }
    (void)printf("%-4s %-6s %7u %8u  %-6s %10.0f %8.0f %8.0f %8.0f %6.0f%% %10.2f", operation, to, row->clients,
                 row->pipeline, target->name, cell->rate, cell->p50_us, cell->p99_us, cell->p999_us,
                 cell->client_cpu * 100, cell->server_cpu_us);
    if (strcmp(target->name, "loam") == 0)
        (void)printf(" %9.4f\n", cell->syncs);
    else
        (void)printf("           loam is %.2f times as fast\n", loam_rate / (cell->rate > 0 ? cell->rate : 1));
    (void)fflush(stdout);
}

static enum status run_row(struct bench *bench, const struct matrix_row *row, struct error *error) {
    struct cell cells[TARGETS_MAX][ROUNDS_MAX];
    size_t rounds = bench->settings.rounds;
    for (size_t round = 0; round < rounds; round++)
        for (size_t t = 0; t < bench->target_count; t++) {
            enum status status = run_cell(bench, &bench->targets[t], row, round + 1, &cells[t][round], error);
            if (status) return error_prefix(error, status, "%s", bench->targets[t].name);
        }
    double loam_rate = 0;
    for (size_t t = 0; t < bench->target_count; t++) {
        struct cell middle = median_cell(cells[t], rounds);
        if (t == 0) loam_rate = middle.rate;
        print_cell(bench, row, &bench->targets[t], &middle, loam_rate);
    }
    return STATUS_OK;
}

static enum status fill(struct bench *bench, const struct bench_target *target, struct error *error) {
    const char *address = target->addresses[target->leader];
    struct load_options options = {.addresses = &address,
                                   .address_count = 1,
                                   .clients = FILL_CLIENTS,
                                   .pipeline = FILL_PIPELINE,
                                   .operation = LOAD_SET,
                                   .operations = bench->settings.keys,
                                   .keys = bench->settings.keys,
                                   .sequential = true,
                                   .value_bytes = bench->settings.value_bytes,
                                   .limit_ns = (uint64_t)FILL_LIMIT_S * 1000000000u};
    struct load_result *result = calloc(1, sizeof *result);
    if (!result) return STATUS_NO_MEMORY;
    enum status status = load_run(bench->io, target->protocol, &options, result, error);
    if (status == STATUS_OK && result->errors)
        status = error_set(error, STATUS_IO, "%llu errors while filling, the first: %s",
                           (unsigned long long)result->errors, result->first_error);
    free(result);
    return status ? error_prefix(error, status, "%s", target->name) : STATUS_OK;
}

static enum status start_targets(struct bench *bench, struct error *error) {
    static enum status (*const starters[])(struct io *, const char *, unsigned, struct bench_target *,
                                           struct error *) = {bench_target_start_loam, bench_target_start_etcd,
                                                              bench_target_start_redis};
    const bool wanted[] = {true, bench->settings.etcd, bench->settings.redis};
    static const char *const names[] = {"loam", "etcd", "redis"};
    for (size_t i = 0; i < TARGETS_MAX; i++) {
        char dir[IO_PATH_BYTES];
        if (!wanted[i]) continue;
        (void)snprintf(dir, sizeof dir, "%s/%s", bench->settings.dir, names[i]);
        struct bench_target *target = &bench->targets[bench->target_count];
        enum status status =
            starters[i](bench->io, dir, (unsigned)(bench->settings.base_port + 300 * i), target, error);
        if (status == STATUS_NOT_FOUND && i) {
            (void)fprintf(stderr, "loam bench: %s; left out\n", error->text);
            continue;
        }
        bench->target_count++; /* also a half-started one: it is stopped at the end */
        if (status == STATUS_OK) status = fill(bench, target, error);
        if (status) return status;
        if (!bench->settings.json) (void)printf("%-6s %s\n", target->name, target->settings);
    }
    return STATUS_OK;
}

static enum status run_matrix(struct bench *bench, struct error *error) {
    const struct settings *settings = &bench->settings;
    const bool operations[] = {settings->set, settings->get}, ways[] = {settings->to_leader, settings->to_any};
    for (size_t o = 0; o < 2; o++)
        for (size_t w = 0; w < 2; w++)
            for (size_t p = 0; p < settings->pipeline_count; p++)
                for (size_t c = 0; c < settings->client_count; c++) {
                    if (!operations[o] || !ways[w]) continue;
                    struct matrix_row row = {.operation = o ? LOAD_GET : LOAD_SET,
                                             .to_leader = w == 0,
                                             .clients = (unsigned)settings->clients[c],
                                             .pipeline = (unsigned)settings->pipelines[p]};
                    enum status status = run_row(bench, &row, error);
                    if (status) return status;
                }
    return STATUS_OK;
}

static enum status make_work_directory(struct io *io, const char *dir, struct error *error) {
    char path[IO_PATH_BYTES];
    for (size_t i = 1; i <= strlen(dir); i++) {
        if (dir[i] != '/' && dir[i] != 0) continue;
        (void)snprintf(path, sizeof path, "%.*s", (int)i, dir);
        enum status status = io_dir_make(io, path);
        if (status && status != STATUS_EXISTS) return error_set(error, status, "cannot make %s", path);
    }
    return STATUS_OK;
}

int bench_cluster(int argc, char **argv) {
    struct bench bench = {0};
    struct error error = {0};
    if (argc > 0 && strcmp(argv[0], "--help") == 0) {
        (void)fputs(usage, stdout);
        return EXIT_CLEAN;
    }
    if (!parse_options(argc, argv, &bench.settings)) return EXIT_FAILED;
    enum status status = io_create(&(struct io_options){0}, &bench.io, &error);
    if (status == STATUS_OK) status = make_work_directory(bench.io, bench.settings.dir, &error);
    const struct settings *settings = &bench.settings;
    if (settings->json)
        (void)printf("{\"bench\": \"cluster\", \"keys\": %llu, \"value_bytes\": %llu, \"seconds\": %llu, \"rounds\": "
                     "%llu, \"rows\": [",
                     (unsigned long long)settings->keys, (unsigned long long)settings->value_bytes,
                     (unsigned long long)settings->seconds, (unsigned long long)settings->rounds);
    if (status == STATUS_OK) status = start_targets(&bench, &error);
    if (status == STATUS_OK && !settings->json)
        (void)printf(
            "\n%llu keys of %d bytes, values of %llu bytes; %llu s a run, medians of %llu rounds in turn\n\n"
            "op   to     clients pipeline  system      op/s   p50 us   p99 us p99.9 us client  server us/op syncs/op\n",
            (unsigned long long)settings->keys, LOAD_KEY_BYTES, (unsigned long long)settings->value_bytes,
            (unsigned long long)settings->seconds, (unsigned long long)settings->rounds);
    if (status == STATUS_OK) status = run_matrix(&bench, &error);
    if (settings->json) (void)printf("\n]}\n");
    for (size_t i = 0; i < bench.target_count; i++) bench_target_stop(bench.io, &bench.targets[i]);
    if (bench.io) io_destroy(bench.io);
    if (status) (void)fprintf(stderr, "loam bench cluster: %s\n", error.text[0] ? error.text : status_text(status));
    return status ? EXIT_FAILED : EXIT_CLEAN;
}
