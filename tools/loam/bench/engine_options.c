/* engine_options: see engine_options.h. Invariant: a value that is not understood is an error, never a default. */
#include "tools/loam/bench/engine_options.h"

#include <stdio.h>
#include <string.h>

#include "tools/loam/bench/engine_driver.h"
#include "tools/loam/bench/engine_workloads.h"
#include "tools/loam/number_option.h"

static const char usage_head[] =
    "usage: loam bench engine [options]\n"
    "  --peer A,B,..        rocksdb, leveldb, lmdb: run beside loam, in turns; one that is absent is skipped and "
    "named\n"
    "  --peer-lib A=PATH    the peer's shared library (where the loader finds one); bench/README.md tells how to build "
    "it\n"
    "  --workloads A,B,..   (those below); they go on with the state that the ones before left\n"
    "  --rounds N           (3 with a peer, else 1); medians are printed\n"
    "  --entries N          keys (2000000)                    --value-bytes N    (100), half of it compressible\n"
    "  --reads N            of random reads (= entries)       --sync-writes N    of fillsync (entries / 40)\n"
    "  --memtable-mib N     (64)                              --cache-mib N      (256)\n"
    "  --level-mib N        target of the first level (256)   --file-mib N       of tables (each engine's own)\n"
    "  --filter-bits N      a key (10)                        --compression C    none, lz4, zstd (none)\n"
    "  --cache-bytes N      the same in bytes                 --memory-mib N     one budget for loam instead of both\n"
    "  --policy P           of loam's tree: lazy, leveled, tiered, fifo (lazy)\n"
    "  --dictionary N       with zstd: of a table's dictionary at most so many bytes, loam and RocksDB (none)\n"
    "  --values V           noise, half of it compressible; json: rows of JSON, cut to --value-bytes (noise)\n"
    "  --writers N          of txn (4)                        --hot-keys N       that txn draws from (all)\n"
    "  --value-threshold N  loam keeps values of so many bytes or more apart from their keys (it does not)\n"
    "  --write-rate N       a second, in readwhilewriting (as fast as it goes)\n"
    "  --map                loam and RocksDB map their tables, as LevelDB does anyway\n"
    "  --keys K             binary: 8 bytes and 8 times '0'; decimal: 16 digits (binary)\n"
    "  --seed N             (1)\n"
    "  --long               20000000 entries, one round, and workloads in which a stall shows\n"
    "  --dir D              (var/bench/engine); only what this program made is removed\n"
    "  --keep               leaves the stores in D            --reuse            works on the stores that are in D\n"
    "  --here               loam alone, in this process: for profilers\n"
    "  --json               one object, schema in tools/loam/README.md\n"
    "  --html FILE          a page with plots, beside what is printed\n"
    "  --check-goals        exit code 1 if a goal is missed\n"
    "workloads:\n";

static const char default_workloads[] =
    "fillseq,deleterandom,fillbatch,fillrandom,overwrite,readrandom,readmissing,seekrandom,readseq,readreverse,"
    "readwhilewriting,compact,readrandom,readmissing,seekrandom,readseq,readreverse,open,seekdeleted,seekgone,rawsync,"
    "fillsync,fillsync16,fill1k,read1k,replay,replay1k";
static const char long_workloads[] = "fillseq,fillrandom,overwrite,readwhilewriting";

const char *bench_policy_name(enum engine_policy policy) {
    static const char *const names[BENCH_POLICIES] = {"lazy", "leveled", "tiered", "fifo"};
    return (unsigned)policy < BENCH_POLICIES ? names[policy] : "unknown";
}

void bench_options_print_usage(bool asked) {
    FILE *to = asked ? stdout : stderr;
    (void)fputs(usage_head, to);
    for (unsigned i = 0; i < engine_workload_count; i++)
        (void)fprintf(to, "  %-18s %s\n", engine_workloads[i].name, engine_workloads[i].summary);
}

/* ---- Single options ---------------------------------------------------------------------------------------------- */

/* Index of a peer, or 0. */
static unsigned peer_find(const char *name, size_t size) {
    for (unsigned i = 1; i < BENCH_ENGINES_MAX; i++)
        if (strlen(engine_drivers[i]->name) == size && memcmp(engine_drivers[i]->name, name, size) == 0) return i;
    return 0;
}

static bool take_peers(struct bench_options *options, const char *text) {
    if (!text[0]) return false;
    for (const char *at = text; *at;) {
        size_t size = strcspn(at, ",");
        unsigned peer = peer_find(at, size);
        if (!peer) return false;
        options->asked[peer] = true;
        at += size + (at[size] == ',');
    }
    return true;
}

static bool take_library(struct bench_options *options, const char *text) {
    size_t size = strcspn(text, "=");
    unsigned peer = peer_find(text, size);
    if (!peer || text[size] != '=' || !text[size + 1] || strlen(text + size + 1) >= BENCH_PATH_BYTES) return false;
    options->asked[peer] = true;
    options->libraries[peer] = text + size + 1;
    return true;
}

static bool take_compression(struct bench_options *options, const char *text) {
    static const char *const names[] = {"none", "lz4", "zstd"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) != 0) continue;
        options->settings.compression = (enum bench_compression)i;
        return true;
    }
    return false;
}

static bool take_policy(struct bench_options *options, const char *text) {
    for (unsigned i = 0; i < BENCH_POLICIES; i++) {
        if (strcmp(text, bench_policy_name((enum engine_policy)i)) != 0) continue;
        options->settings.policy = (enum engine_policy)i;
        return true;
    }
    return false;
}

static bool take_keys(struct bench_options *options, const char *text) {
    options->settings.decimal_keys = strcmp(text, "decimal") == 0;
    return options->settings.decimal_keys || strcmp(text, "binary") == 0;
}

static bool take_values(struct bench_options *options, const char *text) {
    options->settings.json_values = strcmp(text, "json") == 0;
    return options->settings.json_values || strcmp(text, "noise") == 0;
}

static bool take_dir(struct bench_options *options, const char *text) {
    size_t size = strlen(text);
    if (size == 0 || size > BENCH_PATH_BYTES - 64) return false;
    memcpy(options->settings.dir, text, size + 1);
    return true;
}

static bool take_number(struct bench_options *options, const char *name, const char *text) {
    struct bench_settings *settings = &options->settings;
    const struct {
        const char *name;
        uint64_t *to;
        uint64_t limit;
        unsigned shift;
    } numbers[] = {
        {"--entries", &settings->entries, 10000000000, 0},
        {"--reads", &settings->reads, 10000000000, 0},
        {"--sync-writes", &settings->sync_writes, 1000000000, 0},
        {"--value-bytes", &settings->value_bytes, BENCH_VALUE_MAX_BYTES, 0},
        {"--write-rate", &settings->write_rate, 1000000000, 0},
        {"--seed", &settings->seed, UINT64_MAX, 0},
        {"--memtable-mib", &settings->memtable_bytes, 1 << 20, 20},
        {"--cache-mib", &settings->cache_bytes, 1 << 20, 20},
        {"--cache-bytes", &settings->cache_bytes, UINT64_C(1) << 40, 0},
        {"--memory-mib", &settings->memory_bytes, 1 << 20, 20},
        {"--level-mib", &settings->level_bytes, 1 << 20, 20},
        {"--file-mib", &settings->file_bytes, 1 << 16, 20},
        {"--filter-bits", &settings->filter_bits, 64, 0},
        {"--dictionary", &settings->dictionary_bytes, 64 << 10, 0},
        {"--writers", &settings->writers, BENCH_SYNC_WRITERS, 0},
        {"--hot-keys", &settings->hot_keys, 10000000000, 0},
        {"--value-threshold", &settings->value_threshold_bytes, BENCH_VALUE_MAX_BYTES, 0},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (strcmp(name, numbers[i].name) != 0) continue;
        if (!number_option(text, numbers[i].limit, numbers[i].to)) return false;
        *numbers[i].to <<= numbers[i].shift;
        return true;
    }
    uint64_t rounds;
    if (strcmp(name, "--rounds") != 0 || !number_option(text, BENCH_ROUNDS_MAX, &rounds)) return false;
    options->rounds = (unsigned)rounds;
    return true;
}

static bool take_value(struct bench_options *options, const char *name, const char *text) {
    if (strcmp(name, "--peer") == 0) return take_peers(options, text);
    if (strcmp(name, "--peer-lib") == 0) return take_library(options, text);
    if (strcmp(name, "--values") == 0) return take_values(options, text);
    if (strcmp(name, "--compression") == 0) return take_compression(options, text);
    if (strcmp(name, "--policy") == 0) return take_policy(options, text);
    if (strcmp(name, "--html") == 0) return (options->html = text)[0] != 0;
    if (strcmp(name, "--keys") == 0) return take_keys(options, text);
    if (strcmp(name, "--dir") == 0) return take_dir(options, text);
    if (strcmp(name, "--workloads") == 0) return (options->workloads = text)[0] != 0;
    if (strcmp(name, "--filter-bits") == 0 && strcmp(text, "0") == 0) return options->settings.filter_bits = 0, true;
    return take_number(options, name, text);
}

static bool take_flag(struct bench_options *options, const char *name, bool *is_long) {
    const struct {
        const char *name;
        bool *to;
    } flags[] = {{"--json", &options->json},
                 {"--keep", &options->keep},
                 {"--reuse", &options->settings.reuse},
                 {"--map", &options->settings.map_tables},
                 {"--here", &options->here},
                 {"--child", &options->child},
                 {"--check-goals", &options->check_goals},
                 {"--help", &options->help},
                 {"--long", is_long}};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (strcmp(name, flags[i].name) != 0) continue;
        *flags[i].to = true;
        return true;
    }
    return false;
}

/* ---- All of them ------------------------------------------------------------------------------------------------- */

static void set_defaults(struct bench_options *options, bool is_long) {
    struct bench_settings *settings = &options->settings;
    bool peers = false;
    for (unsigned i = 1; i < BENCH_ENGINES_MAX; i++) peers |= options->asked[i];
    if (!settings->entries) settings->entries = is_long ? 20000000 : 2000000;
    if (!settings->writers) settings->writers = 4;
    if (!settings->reads) settings->reads = settings->entries;
    if (!settings->sync_writes) settings->sync_writes = settings->entries / 40 ? settings->entries / 40 : 1;
    if (!options->workloads) options->workloads = is_long ? long_workloads : default_workloads;
    if (!options->rounds) options->rounds = peers && !is_long ? 3 : 1;
}

bool bench_options_parse(int argc, char **argv, struct bench_options *options) {
    *options = (struct bench_options){.settings = {.value_bytes = 100,
                                                   .seed = 1,
                                                   .memtable_bytes = 64 << 20,
                                                   .cache_bytes = 256 << 20,
                                                   .level_bytes = 256 << 20,
                                                   .filter_bits = 10,
                                                   .dir = "var/bench/engine"},
                                      .asked = {true}};
    bool is_long = false;
    for (int i = 0; i < argc; i++) {
        if (take_flag(options, argv[i], &is_long)) continue;
        if (i + 1 < argc && take_value(options, argv[i], argv[i + 1])) {
            i++;
            continue;
        }
        (void)fprintf(stderr, "loam bench engine: '%s%s%s': not an option, or not a value for it (--help lists them)\n",
                      argv[i], i + 1 < argc ? " " : "", i + 1 < argc ? argv[i + 1] : "");
        return false;
    }
    set_defaults(options, is_long);
    bool peers = options->asked[1] || options->asked[2] || options->asked[3];
    if (options->here && (peers || options->rounds > 1)) {
        (void)fprintf(stderr, "loam bench engine: --here is loam alone, and one round\n");
        return false;
    }
    return true;
}

/* ---- The plan ---------------------------------------------------------------------------------------------------- */

static bool add_step(struct bench_step *steps, uint32_t *count, uint32_t workload) {
    if (*count == BENCH_STEPS_MAX) return false;
    bool compacted = *count > 0 && steps[*count - 1].compacted;
    if (engine_workloads[workload].writes || engine_workloads[workload].beside) compacted = false;
    if (engine_workloads[workload].compacts) compacted = true;
    steps[*count] = (struct bench_step){.workload = workload, .ordinal = *count, .compacted = compacted};
    (*count)++;
    return true;
}

/* What goes on with a state needs one: a fill comes first. */
static bool needs_fill(const struct bench_options *options, const struct workload *first) {
    return !first->fresh && !first->alone && !options->settings.reuse;
}

uint32_t bench_options_plan(const struct bench_options *options, struct bench_step steps[BENCH_STEPS_MAX]) {
    uint32_t count = 0;
    bool room = true, filled = false;
    for (const char *at = options->workloads; *at && room;) {
        size_t size = strcspn(at, ",");
        uint32_t workload = workload_find(at, size);
        if (workload == UINT32_MAX) {
            (void)fprintf(stderr, "loam bench engine: no workload '%.*s' (--help lists them)\n", (int)size, at);
            return 0;
        }
        const struct workload *row = &engine_workloads[workload];
        if (!filled && needs_fill(options, row)) {
            const char *fill = row->large ? "fill1k" : "fillrandom";
            room = add_step(steps, &count, workload_find(fill, strlen(fill)));
        }
        filled |= !row->alone;
        room = room && add_step(steps, &count, workload);
        at += size + (at[size] == ',');
    }
    if (!room) (void)fprintf(stderr, "loam bench engine: more than %d workloads\n", BENCH_STEPS_MAX);
    return room ? count : 0;
}
