/*
 * graph_bench: `loam bench graph`: loading an R-MAT graph through `loam import`'s frame, two-hop queries, breadth-first
 * search, PageRank; and what PageRank running again and again does to the latency of SET on the same node.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/prng.h"
#include "tools/loam/bench/bench.h"
#include "tools/loam/bench/bench_dir.h"
#include "tools/loam/bench/bench_server.h"
#include "tools/loam/bench/load.h"
#include "tools/loam/bench/query_load.h"
#include "tools/loam/bench/rmat.h"
#include "tools/loam/commands.h"
#include "tools/loam/import/import_frame.h"
#include "tools/loam/number_option.h"

static const char usage[] =
    "usage: loam bench graph [options]\n"
    "  --edges N       of the graph (1000000)        --scale N   its nodes are numbers below 2^N (16)\n"
    "  --seed N        of everything that is drawn (1)\n"
    "  --seconds N     of each load (5)              --rounds N  medians of so many (3)\n"
    "  --clients N     that SET (64)                 --queriers N   that ask two-hop queries (8)\n"
    "  --dir D         work directory (var/bench/graph)   --port P    of loamd (18700)\n"
    "  --json          one object, schema in tools/loam/README.md\n"
    "Exit code 1 also if the p99 of SET is more than twice as high while PageRank runs.\n";

enum { ROUNDS_MAX = 99, VALUE_BYTES = 100, KEYS = 100000, QUERY_BYTES = 256 };
static const uint64_t pagerank_limit_ns = 600ull * 1000 * 1000 * 1000;
static const char graph_name[] = "bench";
static const char pagerank_query[] = "CALL algo.pageRank(NULL, NULL) YIELD node, score RETURN count(node), max(score)";
static const char bfs_query[] =
    "MATCH (a) WHERE id(a) = 0 CALL algo.distances(a) YIELD node, distance RETURN count(node), max(distance)";

struct latency {
    double rate, p50_us, p99_us, p999_us;
};

struct graph_bench {
    struct io *io;
    const char *dir;
    uint64_t edges, scale, seed, seconds, rounds, clients, queriers, port;
    bool json;

    struct bench_server server;
    struct prng prng;
    char query[QUERY_BYTES];
    uint64_t nodes;
    double load_seconds, load_cpu_us;
    struct latency two_hop;
    double bfs_seconds, pagerank_seconds;
    struct latency alone, beside; /* SET */
    uint64_t pageranks;           /* that ended beside it, in all rounds */
};

/* ---- Options ----------------------------------------------------------------------------------------------------- */

static bool take_option(struct graph_bench *bench, const char *name, const char *value) {
    const struct {
        const char *name;
        uint64_t *to, limit;
    } numbers[] = {
        {"--edges", &bench->edges, (uint64_t)1 << 32}, {"--scale", &bench->scale, 30},
        {"--seed", &bench->seed, UINT32_MAX},          {"--seconds", &bench->seconds, 3600},
        {"--rounds", &bench->rounds, ROUNDS_MAX},      {"--clients", &bench->clients, 1024},
        {"--queriers", &bench->queriers, 64},          {"--port", &bench->port, 65535},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (strcmp(name, numbers[i].name) == 0) return number_option(value, numbers[i].limit, numbers[i].to);
    return strcmp(name, "--dir") == 0 && (bench->dir = value)[0] != 0;
}

static bool parse_options(struct graph_bench *bench, int argc, char **argv) {
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            bench->json = true;
        } else if (i + 1 < argc && take_option(bench, argv[i], argv[i + 1])) {
            i++;
        } else {
            (void)fprintf(stderr, "loam bench graph: '%s': not an option, or not a value for it\n%s", argv[i], usage);
            return false;
        }
    }
    return true;
}

/* ---- Loading ----------------------------------------------------------------------------------------------------- */

static enum status import_file(struct graph_bench *bench, char *path, struct error *error) {
    const struct import_options options = {.paths = &path, .path_count = 1, .graph = graph_name, .weight = "weight"};
    struct import_tally tally = {.bad = {.limit = 0}};
    struct import_frame frame = {.io = bench->io, .address = bench->server.address, .tally = &tally};
    enum status status = import_graph_open(bench->io, &options, &tally, &frame.source, error);
    if (status != STATUS_OK) return status;
    const uint64_t cpu_ns = load_cpu_ns(bench->io, (int)bench->server.pid);
    status = import_frame_run(&frame, error);
    frame.source->close(frame.source);
    bench->load_seconds = (double)(frame.end_ns - frame.start_ns) / 1e9;
    bench->load_cpu_us = (double)(load_cpu_ns(bench->io, (int)bench->server.pid) - cpu_ns) / 1e3 / (double)bench->edges;
    return status;
}

/* One query; its only row's first number. */
static enum status ask_number(struct graph_bench *bench, const char *query, uint64_t *number, double *seconds,
                              struct error *error) {
    const char *const words[] = {"GRAPH.RO_QUERY", graph_name, query};
    const struct resp_reply *reply;
    const uint64_t start_ns = io_now_ns(bench->io);
    enum status status = client_call(bench->server.client, words, 3, &reply, error);
    *seconds = (double)(io_now_ns(bench->io) - start_ns) / 1e9;
    if (status != STATUS_OK) return status;
    if (reply->type == RESP_ERROR)
        return error_set(error, STATUS_INVALID, "%s: loamd says: %.*s", query, (int)reply->text.size,
                         (const char *)reply->text.data);
    const bool has_row = reply->type == RESP_ARRAY && reply->count == 3 && reply->elements[1].count == 1 &&
                         reply->elements[1].elements[0].count > 0;
    if (!has_row || reply->elements[1].elements[0].elements[0].type != RESP_INTEGER)
        return error_set(error, STATUS_INVALID, "%s: the reply is not understood", query);
    *number = (uint64_t)reply->elements[1].elements[0].elements[0].integer;
    return STATUS_OK;
}

static enum status load_graph(struct graph_bench *bench, struct error *error) {
    char path[IO_PATH_BYTES];
    double seconds;
    uint64_t edges = 0;
    (void)snprintf(path, sizeof path, "%.900s/rmat.e", bench->dir);
    enum status status = rmat_write(bench->io, path, (uint32_t)bench->scale, bench->edges, bench->seed, error);
    if (status == STATUS_OK) status = import_file(bench, path, error);
    if (status == STATUS_OK) status = io_remove(bench->io, path);
    if (status == STATUS_OK) status = ask_number(bench, "MATCH (n) RETURN count(n)", &bench->nodes, &seconds, error);
    if (status == STATUS_OK) status = ask_number(bench, "MATCH ()-[r]->() RETURN count(r)", &edges, &seconds, error);
    if (status == STATUS_OK && edges != bench->edges)
        status = error_set(error, STATUS_INVALID, "%" PRIu64 " edges are there, not %" PRIu64, edges, bench->edges);
    return status;
}

/* ---- Queries ----------------------------------------------------------------------------------------------------- */

static const char *next_two_hop(void *context) {
    struct graph_bench *bench = context;
    (void)snprintf(bench->query, sizeof bench->query,
                   "MATCH (a)-[]->()-[]->(c) WHERE id(a) = %" PRIu64 " RETURN count(c)",
                   prng_below(&bench->prng, bench->nodes));
    return bench->query;
}

static const char *next_pagerank(void *context) {
    (void)context;
    return pagerank_query;
}

static struct latency latency_of(const struct hist *hist, uint64_t count, double seconds) {
    return (struct latency){.rate = seconds > 0 ? (double)count / seconds : 0,
                            .p50_us = (double)hist_quantile(hist, 0.5) / 1e3,
                            .p99_us = (double)hist_quantile(hist, 0.99) / 1e3,
                            .p999_us = (double)hist_quantile(hist, 0.999) / 1e3};
}

static enum status run_two_hop(struct graph_bench *bench, struct error *error) {
    const struct query_load_options options = {.address = bench->server.address,
                                               .graph = graph_name,
                                               .clients = (unsigned)bench->queriers,
                                               .next = next_two_hop,
                                               .context = bench};
    struct query_load *load = NULL;
    struct query_load_result result;
    enum status status = query_load_start(bench->io, &options, &load);
    if (status != STATUS_OK) return error_set(error, status, "%s", status_text(status));
    const uint64_t start_ns = io_now_ns(bench->io), end_ns = start_ns + bench->seconds * 1000000000u;
    while (io_now_ns(bench->io) < end_ns) (void)io_run(bench->io, end_ns);
    const double seconds = (double)(io_now_ns(bench->io) - start_ns) / 1e9;
    status = query_load_stop(load, &result, error);
    bench->two_hop = latency_of(&result.latency_ns, result.queries, seconds);
    return status;
}

static int by_size(const void *a, const void *b) {
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median(double *values, size_t count) {
    qsort(values, count, sizeof *values, by_size);
    return values[count / 2];
}

/* Each time with its CSR built from the snapshot. */
static enum status time_query(struct graph_bench *bench, const char *query, double *seconds, struct error *error) {
    double rounds[ROUNDS_MAX];
    uint64_t nodes = 0;
    enum status status = STATUS_OK;
    for (uint64_t i = 0; status == STATUS_OK && i < bench->rounds; i++)
        status = ask_number(bench, query, &nodes, &rounds[i], error);
    if (status == STATUS_OK && nodes == 0) status = error_set(error, STATUS_INVALID, "%s: no rows", query);
    if (status == STATUS_OK) *seconds = median(rounds, bench->rounds);
    return status;
}

/* ---- SET, alone and beside PageRank ------------------------------------------------------------------------------ */

static enum status run_sets(struct graph_bench *bench, uint64_t seed, struct latency *latency, struct error *error) {
    const char *addresses[] = {bench->server.address};
    const struct load_options options = {.addresses = addresses,
                                         .address_count = 1,
                                         .clients = (unsigned)bench->clients,
                                         .pipeline = 1,
                                         .operation = LOAD_SET,
                                         .duration_ns = bench->seconds * 1000000000u,
                                         .keys = KEYS,
                                         .value_bytes = VALUE_BYTES,
                                         .seed = seed,
                                         .limit_ns = (bench->seconds + 60) * 1000000000u};
    struct load_result result;
    enum status status = load_run(bench->io, &load_resp, &options, &result, error);
    if (status == STATUS_OK && result.errors > 0)
        status = error_set(error, STATUS_INVALID, "SET: %s", result.first_error);
    *latency = latency_of(&result.latency_ns, result.operations, (double)result.elapsed_ns / 1e9);
    return status;
}

static enum status run_sets_beside(struct graph_bench *bench, uint64_t seed, struct latency *latency,
                                   struct error *error) {
    const struct query_load_options options = {
        .address = bench->server.address, .graph = graph_name, .clients = 1, .next = next_pagerank};
    struct query_load *load = NULL;
    struct query_load_result ranks;
    enum status status = query_load_start(bench->io, &options, &load);
    if (status != STATUS_OK) return error_set(error, status, "%s", status_text(status));
    status = run_sets(bench, seed, latency, error);
    if (status == STATUS_OK) status = query_load_finish(load, pagerank_limit_ns, error);
    const enum status stopped = query_load_stop(load, &ranks, status == STATUS_OK ? error : NULL);
    bench->pageranks += ranks.queries;
    return status == STATUS_OK ? stopped : status;
}

static void take_medians(const struct latency *rounds, size_t count, struct latency *into) {
    double values[4][ROUNDS_MAX];
    for (size_t i = 0; i < count; i++) {
        values[0][i] = rounds[i].rate;
        values[1][i] = rounds[i].p50_us;
        values[2][i] = rounds[i].p99_us;
        values[3][i] = rounds[i].p999_us;
    }
    *into = (struct latency){median(values[0], count), median(values[1], count), median(values[2], count),
                             median(values[3], count)};
}

/* In turns, so that what else the machine does falls on both. The first load, which fills, is not counted. */
static enum status run_mixed(struct graph_bench *bench, struct error *error) {
    struct latency alone[ROUNDS_MAX], beside[ROUNDS_MAX];
    enum status status = run_sets(bench, bench->seed, &alone[0], error);
    for (uint64_t i = 0; status == STATUS_OK && i < bench->rounds; i++) {
        status = run_sets(bench, bench->seed + 2 * i + 1, &alone[i], error);
        if (status == STATUS_OK) status = run_sets_beside(bench, bench->seed + 2 * i + 2, &beside[i], error);
    }
    if (status != STATUS_OK) return status;
    take_medians(alone, bench->rounds, &bench->alone);
    take_medians(beside, bench->rounds, &bench->beside);
    return STATUS_OK;
}

static enum status run_all(struct graph_bench *bench, struct error *error) {
    char path[IO_PATH_BYTES];
    (void)snprintf(path, sizeof path, "%.900s/loamd", bench->dir);
    enum status status = bench_make_dir(bench->io, bench->dir);
    if (status != STATUS_OK) return error_set(error, status, "cannot make %s", bench->dir);
    status = bench_server_start(bench->io, path, (unsigned)bench->port, &bench->server, error);
    if (status == STATUS_OK) status = load_graph(bench, error);
    if (status == STATUS_OK) status = run_two_hop(bench, error);
    if (status == STATUS_OK) status = time_query(bench, bfs_query, &bench->bfs_seconds, error);
    if (status == STATUS_OK) status = time_query(bench, pagerank_query, &bench->pagerank_seconds, error);
    if (status == STATUS_OK) status = run_mixed(bench, error);
    const enum status stopped =
        bench_server_stop(&bench->server, status == STATUS_OK, status == STATUS_OK ? error : NULL);
    return status == STATUS_OK ? stopped : status;
}

/* ---- Printing ---------------------------------------------------------------------------------------------------- */

static double ratio(const struct graph_bench *bench) {
    return bench->alone.p99_us > 0 ? bench->beside.p99_us / bench->alone.p99_us : 0;
}

static void print_sets(const char *what, const struct latency *latency) {
    (void)printf("%-24s %9.0f/s  p50 %8.0f us  p99 %8.0f us  p99.9 %8.0f us\n", what, latency->rate, latency->p50_us,
                 latency->p99_us, latency->p999_us);
}

static void print_text(const struct graph_bench *bench) {
    (void)printf("R-MAT, %" PRIu64 " edges, %" PRIu64 " nodes, seed %" PRIu64 "; one loamd, every write durable\n\n",
                 bench->edges, bench->nodes, bench->seed);
    (void)printf("%-24s %9.0f edges/s  %.2f s, %.2f us cpu an edge (loamd)\n", "import of an edge list",
                 (double)bench->edges / bench->load_seconds, bench->load_seconds, bench->load_cpu_us);
    print_sets("two-hop count", &bench->two_hop);
    (void)printf("%-24s %9.3f s  from node 0, with building the CSR\n", "breadth-first search", bench->bfs_seconds);
    (void)printf("%-24s %9.3f s  to a change of 1e-4, with building the CSR\n", "PageRank", bench->pagerank_seconds);
    (void)printf("\nSET of %d bytes, %" PRIu64 " clients, medians of %" PRIu64 " rounds of %" PRIu64 " s:\n",
                 VALUE_BYTES, bench->clients, bench->rounds, bench->seconds);
    print_sets("alone", &bench->alone);
    print_sets("beside PageRank", &bench->beside);
    (void)printf("p99 is %.2f times as high beside PageRank, which ended %" PRIu64 " times\n", ratio(bench),
                 bench->pageranks);
}

static void print_json_latency(const char *name, const struct latency *latency) {
    (void)printf("  \"%s\": {\"per_second\": %.0f, \"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f},\n", name,
                 latency->rate, latency->p50_us, latency->p99_us, latency->p999_us);
}

static void print_json(const struct graph_bench *bench) {
    (void)printf(
        "{\"bench\": \"graph\", \"edges\": %" PRIu64 ", \"nodes\": %" PRIu64 ", \"seed\": %" PRIu64
        ", \"clients\": %" PRIu64 ", \"queriers\": %" PRIu64 ", \"rounds\": %" PRIu64 ", \"seconds\": %" PRIu64 ",\n",
        bench->edges, bench->nodes, bench->seed, bench->clients, bench->queriers, bench->rounds, bench->seconds);
    (void)printf("  \"import\": {\"seconds\": %.3f, \"edges_per_second\": %.0f, \"cpu_us_per_edge\": %.3f},\n",
                 bench->load_seconds, (double)bench->edges / bench->load_seconds, bench->load_cpu_us);
    print_json_latency("two_hop", &bench->two_hop);
    (void)printf("  \"bfs_seconds\": %.4f, \"pagerank_seconds\": %.4f,\n", bench->bfs_seconds, bench->pagerank_seconds);
    print_json_latency("set_alone", &bench->alone);
    print_json_latency("set_beside_pagerank", &bench->beside);
    (void)printf("  \"pageranks\": %" PRIu64 ", \"set_p99_ratio\": %.3f}\n", bench->pageranks, ratio(bench));
}

int bench_graph(int argc, char **argv) {
    if (argc > 0 && strcmp(argv[0], "--help") == 0) {
        (void)fputs(usage, stdout);
        return EXIT_CLEAN;
    }
    struct graph_bench bench = {.dir = "var/bench/graph",
                                .edges = 1000000,
                                .scale = 16,
                                .seed = 1,
                                .seconds = 5,
                                .rounds = 3,
                                .clients = 64,
                                .queriers = 8,
                                .port = 18700};
    if (!parse_options(&bench, argc, argv)) return EXIT_FAILED;
    struct error error = {0};
    prng_init(&bench.prng, bench.seed);
    enum status status = io_create(&(struct io_options){0}, &bench.io, &error);
    if (status == STATUS_OK) status = run_all(&bench, &error);
    if (status == STATUS_OK && bench.json) print_json(&bench);
    if (status == STATUS_OK && !bench.json) print_text(&bench);
    if (status != STATUS_OK)
        (void)fprintf(stderr, "loam bench graph: %s\n", error.text[0] ? error.text : status_text(status));
    if (bench.io) io_destroy(bench.io);
    return status == STATUS_OK && ratio(&bench) <= 2 ? EXIT_CLEAN : EXIT_FAILED;
}
