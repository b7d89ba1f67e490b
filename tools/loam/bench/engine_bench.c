/*
 * engine_bench: `loam bench engine`: one engine in this process, one thread, keys of 16 bytes; the workloads that other
 * engines' benchmarks have, under the same names.
 *
 * fillseq and fillrandom begin with an empty store; the others work on what is there. Each operation's latency counts;
 * the rate is over the wall clock, the CPU is that of the whole process, background included.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/coding.h"
#include "engine/base/hist.h"
#include "engine/base/prng.h"
#include "engine/engine.h"
#include "tools/loam/bench/bench.h"
#include "tools/loam/bench/bench_dir.h"
#include "tools/loam/bench/load.h"
#include "tools/loam/commands.h"
#include "tools/loam/number_option.h"

enum { TREE = 1, KIND = 1, KEY_BYTES = 16, NOISE_BYTES = 1 << 20, VALUE_MAX = 64 << 10 };

static const char usage[] =
    "usage: loam bench engine [options]\n"
    "  --workloads A,B,..   fillseq fillrandom overwrite fillsync readrandom readmissing readseq readreverse\n"
    "                       seekrandom compact (all of them)\n"
    "  --entries N          in the store (1000000)            --value-bytes N    (100), half of it compressible\n"
    "  --reads N            of the random reads (= entries)   --seed N           (1)\n"
    "  --memtable-mib N     (64)                              --cache-mib N      (64)\n"
    "  --compression C      none, lz4, zstd: every level (lz4)  --filter-bits N  (10)\n"
    "  --dir D              made anew by the fill workloads (var/bench/engine)\n"
    "  --json               one object a workload, schema in tools/loam/README.md\n";

struct engine_bench {
    struct io *io;
    struct engine *engine;
    struct engine_tree_kind kind;
    struct engine_options options;
    const char *dir;
    const char *workloads;
    bool json;
    uint64_t entries, reads, value_bytes, seed;
    struct prng prng;
    uint8_t *noise; /* where values are cut from */

    /* of the workload that runs */
    struct hist latency;
    uint64_t operations, found, bytes;
};

/* ---- Data ------------------------------------------------------------------------------------------------------ */

static struct slice key_make(uint64_t number, uint8_t key[KEY_BYTES]) {
    coding_put_key_u64(key, number);
    memset(key + 8, '0', KEY_BYTES - 8);
    return slice_make(key, KEY_BYTES);
}

/* Half of each 100 bytes is a repetition of the other half. */
static bool noise_make(struct engine_bench *bench) {
    bench->noise = malloc(NOISE_BYTES + VALUE_MAX);
    if (!bench->noise) return false;
    for (size_t at = 0; at < NOISE_BYTES + VALUE_MAX; at++) {
        bool repeats = at % 100 >= 50;
        bench->noise[at] = repeats ? bench->noise[at - 50] : (uint8_t)(' ' + prng_below(&bench->prng, 95));
    }
    return true;
}

static struct slice value_draw(struct engine_bench *bench) {
    return slice_make(bench->noise + prng_below(&bench->prng, NOISE_BYTES), bench->value_bytes);
}

/* ---- The store ------------------------------------------------------------------------------------------------- */

static enum status make_tree(struct engine *engine) {
    struct engine_batch batch;
    engine_batch_init(&batch);
    enum status status = engine_batch_create_tree(&batch, TREE, KIND);
    if (status == STATUS_OK) status = engine_write(engine, &batch, NULL);
    engine_batch_deinit(&batch);
    return status;
}

static enum status open_store(struct engine_bench *bench, bool anew) {
    struct error error = {0};
    enum status status = STATUS_OK;
    engine_close(bench->engine);
    bench->engine = NULL;
    if (anew) bench_remove_dir(bench->io, bench->dir);
    if (anew) status = bench_make_dir(bench->io, bench->dir);
    if (status == STATUS_OK) status = engine_open(bench->io, bench->dir, &bench->options, &bench->engine, &error);
    if (status == STATUS_OK) status = make_tree(bench->engine);
    if (status != STATUS_OK)
        (void)fprintf(stderr, "loam bench engine: %s: %s\n", bench->dir,
                      error.text[0] ? error.text : status_text(status));
    return status;
}

/* ---- Workloads ------------------------------------------------------------------------------------------------- */

struct workload {
    const char *name;
    const char *summary;
    enum status (*run)(struct engine_bench *bench);
    bool anew; /* begins with an empty store */
};

/* One clock reading an operation: it ends where the next begins. */
static uint64_t lap(struct engine_bench *bench, uint64_t since) {
    uint64_t now = io_now_ns(bench->io);
    hist_add(&bench->latency, now - since);
    bench->operations++;
    return now;
}

static enum status fill(struct engine_bench *bench, uint64_t count, bool random, bool sync) {
    struct engine_batch batch;
    engine_batch_init(&batch);
    struct engine_write_options options = {.sync = sync};
    uint8_t key[KEY_BYTES];
    enum status status = STATUS_OK;
    uint64_t at = io_now_ns(bench->io);
    for (uint64_t i = 0; i < count && status == STATUS_OK; i++) {
        engine_batch_clear(&batch);
        struct slice value = value_draw(bench);
        uint64_t number = random ? prng_below(&bench->prng, bench->entries) : i;
        status = engine_batch_put(&batch, TREE, key_make(number, key), value);
        if (status == STATUS_OK) status = engine_write(bench->engine, &batch, &options);
        bench->bytes += KEY_BYTES + value.size;
        at = lap(bench, at);
    }
    engine_batch_deinit(&batch);
    return status;
}

static enum status fill_in_order(struct engine_bench *bench) {
    return fill(bench, bench->entries, false, false);
}
static enum status fill_at_random(struct engine_bench *bench) {
    return fill(bench, bench->entries, true, false);
}
static enum status fill_synced(struct engine_bench *bench) {
    uint64_t count = bench->entries / 1000;
    return fill(bench, count ? count : 1, true, true);
}

static enum status read_at_random(struct engine_bench *bench, bool missing) {
    uint8_t key[KEY_BYTES];
    uint64_t at = io_now_ns(bench->io);
    for (uint64_t i = 0; i < bench->reads; i++) {
        struct engine_value value;
        struct slice wanted = key_make(prng_below(&bench->prng, bench->entries), key);
        if (missing) key[KEY_BYTES - 1] = '.'; /* between two keys that may be there */
        enum status status = engine_get(bench->engine, NULL, TREE, wanted, &value);
        if (status == STATUS_OK) {
            bench->found++;
            bench->bytes += value.data.size;
            engine_value_release(&value);
        } else if (status != STATUS_NOT_FOUND) {
            return status;
        }
        at = lap(bench, at);
    }
    return STATUS_OK;
}

static enum status read_present(struct engine_bench *bench) {
    return read_at_random(bench, false);
}
static enum status read_missing(struct engine_bench *bench) {
    return read_at_random(bench, true);
}

/* A walk is timed as a whole: a clock reading would cost as much as a step. */
static enum status walk(struct engine_bench *bench, bool forward) {
    struct engine_iterator *iterator;
    struct engine_iterator_options options = {.no_fill = true};
    enum status status = engine_iterator_open(bench->engine, TREE, &options, &iterator);
    if (status != STATUS_OK) return status;
    if (forward) {
        engine_iterator_seek_first(iterator);
    } else {
        engine_iterator_seek_last(iterator);
    }
    while (engine_iterator_valid(iterator)) {
        bench->operations++;
        bench->bytes += engine_iterator_key(iterator).size + engine_iterator_value(iterator).size;
        if (forward) {
            engine_iterator_next(iterator);
        } else {
            engine_iterator_prev(iterator);
        }
    }
    bench->found = bench->operations;
    status = engine_iterator_status(iterator);
    engine_iterator_close(iterator);
    return status;
}

static enum status read_in_order(struct engine_bench *bench) {
    return walk(bench, true);
}
static enum status read_in_reverse(struct engine_bench *bench) {
    return walk(bench, false);
}

/* Each seek with an iterator that stays open, and the entry that it finds is read. */
static enum status seek_at_random(struct engine_bench *bench) {
    struct engine_iterator *iterator;
    enum status status = engine_iterator_open(bench->engine, TREE, &(struct engine_iterator_options){0}, &iterator);
    if (status != STATUS_OK) return status;
    uint8_t key[KEY_BYTES];
    uint64_t at = io_now_ns(bench->io);
    for (uint64_t i = 0; i < bench->reads; i++) {
        engine_iterator_seek(iterator, key_make(prng_below(&bench->prng, bench->entries), key));
        if (engine_iterator_valid(iterator)) {
            bench->found++;
            bench->bytes += engine_iterator_value(iterator).size;
        }
        at = lap(bench, at);
    }
    status = engine_iterator_status(iterator);
    engine_iterator_close(iterator);
    return status;
}

static enum status compact(struct engine_bench *bench) {
    bench->operations = 1;
    enum status status = engine_flush(bench->engine);
    return status == STATUS_OK ? engine_compact(bench->engine) : status;
}

static const struct workload workloads[] = {
    {"fillseq", "puts, keys in order", fill_in_order, true},
    {"fillrandom", "puts, keys at random", fill_at_random, true},
    {"overwrite", "puts on what is there", fill_at_random, false},
    {"fillsync", "puts, each synced", fill_synced, false},
    {"readrandom", "gets", read_present, false},
    {"readmissing", "gets of keys that are not there", read_missing, false},
    {"compact", "all levels", compact, false},
    {"readseq", "a walk over all", read_in_order, false},
    {"readreverse", "a walk back", read_in_reverse, false},
    {"seekrandom", "seeks, one entry read", seek_at_random, false},
};

/* ---- Running and printing -------------------------------------------------------------------------------------- */

static void print_result(const struct engine_bench *bench, const struct workload *workload, uint64_t elapsed_ns,
                         uint64_t cpu_ns, const struct engine_stats *before) {
    struct engine_stats after;
    engine_get_stats(bench->engine, &after);
    double seconds = (double)(elapsed_ns ? elapsed_ns : 1) / 1e9;
    double operations = (double)(bench->operations ? bench->operations : 1);
    bool opened_since = after.user_bytes < before->user_bytes; /* counters begin anew */
    uint64_t user = after.user_bytes - (opened_since ? 0 : before->user_bytes);
    uint64_t written = after.flushed_bytes + after.compacted_written_bytes;
    written -= opened_since ? 0 : before->flushed_bytes + before->compacted_written_bytes;
    double amplification = user ? (double)written / (double)user : 0;
    double p50 = (double)hist_quantile(&bench->latency, 0.5) / 1e3,
           p99 = (double)hist_quantile(&bench->latency, 0.99) / 1e3;
    double p999 = (double)hist_quantile(&bench->latency, 0.999) / 1e3;
    if (bench->json) {
        printf("{\"workload\":\"%s\",\"operations\":%" PRIu64
               ",\"seconds\":%.3f,\"rate\":%.0f,\"mib_per_second\":%.1f,\"cpu_us\":%.3f,"
               "\"p50_us\":%.2f,\"p99_us\":%.2f,\"p999_us\":%.2f,\"found\":%" PRIu64
               ",\"write_amplification\":%.2f,\"disk_bytes\":%" PRIu64 "}\n",
               workload->name, bench->operations, seconds, operations / seconds,
               (double)bench->bytes / seconds / 1048576, (double)cpu_ns / 1e3 / operations, p50, p99, p999,
               bench->found, amplification, after.disk_bytes);
    } else {
        printf("%-12s %10.0f/s %9.3f us cpu %8.1f MiB/s", workload->name, operations / seconds,
               (double)cpu_ns / 1e3 / operations, (double)bench->bytes / seconds / 1048576);
        if (bench->latency.count) printf("  p50 %.2f p99 %.2f p99.9 %.2f us", p50, p99, p999);
        if (user) printf("  write amplification %.2f", amplification);
        if (bench->found) printf("  found %" PRIu64, bench->found);
        printf("\n");
    }
    (void)fflush(stdout);
}

static enum status run_workload(struct engine_bench *bench, const struct workload *workload) {
    enum status status = STATUS_OK;
    if (workload->anew || !bench->engine) status = open_store(bench, workload->anew);
    if (status != STATUS_OK) return status;
    struct engine_stats before;
    engine_get_stats(bench->engine, &before);
    hist_init(&bench->latency);
    bench->operations = bench->found = bench->bytes = 0;
    uint64_t cpu = load_cpu_ns(bench->io, 0), start = io_now_ns(bench->io);
    status = workload->run(bench);
    uint64_t elapsed = io_now_ns(bench->io) - start;
    cpu = load_cpu_ns(bench->io, 0) - cpu;
    if (status != STATUS_OK) {
        struct error error;
        engine_last_error(bench->engine, &error);
        (void)fprintf(stderr, "loam bench engine: %s: %s %s\n", workload->name, status_text(status), error.text);
        return status;
    }
    print_result(bench, workload, elapsed, cpu, &before);
    return STATUS_OK;
}

static const struct workload *workload_find(const char *name, size_t size) {
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++) {
        if (strlen(workloads[i].name) == size && memcmp(workloads[i].name, name, size) == 0) return &workloads[i];
    }
    return NULL;
}

/* False when a name is not known. */
static bool each_workload(struct engine_bench *bench, bool run, enum status *status) {
    for (const char *at = bench->workloads; *at;) {
        size_t size = strcspn(at, ",");
        const struct workload *workload = workload_find(at, size);
        if (!workload) return false;
        if (run && *status == STATUS_OK) *status = run_workload(bench, workload);
        at += size + (at[size] == ',');
    }
    return true;
}

/* ---- Options --------------------------------------------------------------------------------------------------- */

static bool option_compression(struct engine_bench *bench, const char *text) {
    static const char *const names[] = {"none", "lz4", "zstd"};
    for (unsigned i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            bench->kind.upper = bench->kind.bottom = (enum engine_compression)i;
            return true;
        }
    }
    return false;
}

static bool option_take(struct engine_bench *bench, const char *name, const char *text) {
    uint64_t number = 0;
    if (strcmp(name, "--workloads") == 0) return (bench->workloads = text)[0] != 0;
    if (strcmp(name, "--dir") == 0) return (bench->dir = text)[0] != 0;
    if (strcmp(name, "--compression") == 0) return option_compression(bench, text);
    if (strcmp(name, "--filter-bits") == 0 && strcmp(text, "0") == 0) return bench->kind.filter_bits_per_key = 0, true;
    if (!number_option(text, (uint64_t)1 << 40, &number)) return false;
    if (strcmp(name, "--entries") == 0) return bench->entries = number, true;
    if (strcmp(name, "--reads") == 0) return bench->reads = number, true;
    if (strcmp(name, "--seed") == 0) return bench->seed = number, true;
    if (strcmp(name, "--value-bytes") == 0) return bench->value_bytes = number, number <= VALUE_MAX;
    if (strcmp(name, "--memtable-mib") == 0)
        return bench->options.memtable_bytes = (size_t)number << 20, number <= 1 << 20;
    if (strcmp(name, "--cache-mib") == 0) return bench->options.cache_bytes = (size_t)number << 20, number <= 1 << 20;
    if (strcmp(name, "--filter-bits") == 0) return bench->kind.filter_bits_per_key = (unsigned)number, number <= 64;
    return false;
}

/* EXIT_CLEAN with *go false: help was asked for. */
static int options_parse(struct engine_bench *bench, int argc, char **argv, bool *go) {
    *go = false;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            (void)fputs(usage, stdout);
            return EXIT_CLEAN;
        }
        if (strcmp(argv[i], "--json") == 0) {
            bench->json = true;
        } else if (i + 1 < argc && option_take(bench, argv[i], argv[i + 1])) {
            i++;
        } else {
            (void)fprintf(stderr, "loam bench engine: '%s': not an option, or not a value for it\n%s", argv[i], usage);
            return EXIT_FAILED;
        }
    }
    enum status unused = STATUS_OK;
    if (!each_workload(bench, false, &unused)) {
        (void)fprintf(stderr, "loam bench engine: an unknown workload in '%s'\n%s", bench->workloads, usage);
        return EXIT_FAILED;
    }
    if (bench->reads == 0) bench->reads = bench->entries;
    *go = true;
    return EXIT_CLEAN;
}

int bench_engine(int argc, char **argv) {
    struct engine_bench bench = {
        .dir = "var/bench/engine",
        .workloads = "fillseq,fillrandom,overwrite,readrandom,readmissing,compact,readrandom,readmissing,readseq,"
                     "readreverse,seekrandom,fillsync",
        .entries = 1000000,
        .value_bytes = 100,
        .seed = 1,
        .kind = {.id = KIND,
                 .name = "bench",
                 .upper = ENGINE_COMPRESSION_LZ4,
                 .bottom = ENGINE_COMPRESSION_LZ4,
                 .filter_bits_per_key = 10},
    };
    bench.options = (struct engine_options){.kinds = &bench.kind, .kind_count = 1};
    bool go;
    int code = options_parse(&bench, argc, argv, &go);
    if (!go) return code;
    struct error error = {0};
    enum status status = io_create(&(struct io_options){0}, &bench.io, &error);
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "loam bench engine: %s\n", error.text);
        return EXIT_FAILED;
    }
    prng_init(&bench.prng, bench.seed);
    if (!noise_make(&bench)) status = STATUS_NO_MEMORY;
    if (status == STATUS_OK && !bench.json) {
        printf("%" PRIu64 " entries, keys of %d bytes, values of %" PRIu64 ", one thread, %s, %s\n", bench.entries,
               KEY_BYTES, bench.value_bytes, io_backend_name(bench.io), bench.dir);
    }
    if (status == STATUS_OK) (void)each_workload(&bench, true, &status);
    engine_close(bench.engine);
    io_destroy(bench.io);
    free(bench.noise);
    return status == STATUS_OK ? EXIT_CLEAN : EXIT_FAILED;
}
