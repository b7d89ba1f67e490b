/*
 * engine_metamorphic_test: what an engine answers does not depend on how it is set up. One list of operations, drawn
 * from a seed (batches with every kind of operation, files taken in, flushes, compactions, reopenings, snapshots, and
 * reads: gets, walks in both directions between bounds, everything at once), is carried out under each of the setups
 * below. Each answer is judged by the model, which is the same for all; so all are equal.
 *
 * One setup alone: LOAM_TEST_SETUP=number, or words of its name; one seed: LOAM_TEST_SEED=seed.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/hash.h"
#include "engine/care.h"
#include "tests/harness/engine_workload.h"
#include "tests/harness/temp_dir.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim_io.h"

enum {
    SEEDS = 8,
    BATCHES = 160,
    STEPS = 420,
    SNAPSHOTS = 4,
    MOVES = 16,
    TURNS_AT_REST = 100, /* of which each is TURN_NS long: more than merges at rest wait and take */
    TURN_NS = 10000000,
    NO_KEY = MODEL_KEYS,
};

/* ---- Setups ------------------------------------------------------------------------------------------------------ */

/* What is 0 stays as the workload's. */
struct setup {
    const char *name;
    struct engine_options options;
    bool no_filter;
    unsigned filter_bits;
    bool compresses; /* with the two below */
    enum engine_compression upper, bottom;
    enum engine_policy policy; /* LAZY: the tree whose values age stays FIFO */
    unsigned filter_prefix;    /* bytes */
    size_t values_apart;       /* from this size on; 1 = none are */
    unsigned garbage_percent;
    size_t dictionary_bytes;
    bool changes_policy;                                           /* at every opening */
    unsigned reopen_every, flush_every, compact_every, rest_every; /* batches */
    bool changes_threshold;                                        /* at every opening: on and off */
    bool changes_prefix;  /* at every opening: filters of another prefix; what is asked for is read then */
    bool upgrades;        /* the format level, halfway */
    bool holds_snapshots; /* one of every tenth batch, to the end */
    bool with_threads;    /* on a real disk */
    enum io_backend_choice backend;
    unsigned compaction_workers;
};

static const struct setup setups[] = {
    {.name = "plain"},
    {.name = "a memtable of 2 KiB", .options.memtable_bytes = 2 << 10},
    {.name = "all in memory", .options.memtable_bytes = 64 << 20},
    {.name = "many memtables", .options = {.memtable_bytes = 4 << 10, .memtable_limit = 6}},
    {.name = "blocks of 128 bytes", .options.block_bytes = 128},
    {.name = "blocks of 32 KiB", .options.block_bytes = 32 << 10},
    {.name = "a cache of 4 KiB", .options.cache_bytes = 4 << 10},
    {.name = "tables mapped, a cache of 4 KiB", .options = {.map_tables = true, .cache_bytes = 4 << 10}},
    {.name = "files of 2 KiB", .options = {.file_bytes = 2 << 10, .memtable_bytes = 4 << 10}},
    {.name = "merges in two parts", .flush_every = 4, .compact_every = 12, .options = {.file_bytes = 1 << 10}},
    {.name = "one file a level", .options = {.file_bytes = 64 << 20, .memtable_bytes = 4 << 10}},
    {.name = "steep levels",
     .options = {.level_base_bytes = 4 << 10, .level_ratio = 2, .memtable_bytes = 4 << 10, .file_bytes = 4 << 10}},
    {.name = "flat levels", .options = {.level_base_bytes = 64 << 20, .level_ratio = 100}},
    {.name = "level 0 never rests", .options = {.level0_trigger = 1, .memtable_bytes = 4 << 10}},
    {.name = "a deep level 0", .options = {.level0_trigger = 12, .memtable_bytes = 4 << 10}},
    {.name = "no filters", .no_filter = true, .options.memtable_bytes = 4 << 10},
    {.name = "filters of 20 bits", .filter_bits = 20, .options.memtable_bytes = 4 << 10},
    {.name = "filters of 2 bits", .filter_bits = 2, .options.memtable_bytes = 4 << 10},
    {.name = "no compression", .compresses = true, .options.memtable_bytes = 4 << 10},
    {.name = "lz4",
     .compresses = true,
     .upper = ENGINE_COMPRESSION_LZ4,
     .bottom = ENGINE_COMPRESSION_LZ4,
     .options.memtable_bytes = 4 << 10},
    {.name = "zstd",
     .compresses = true,
     .upper = ENGINE_COMPRESSION_ZSTD,
     .bottom = ENGINE_COMPRESSION_ZSTD,
     .options.memtable_bytes = 4 << 10},
    {.name = "the owner's log", .options.wal = ENGINE_WAL_OFF},
    {.name = "the owner's log, small", .options = {.wal = ENGINE_WAL_OFF, .memtable_bytes = 4 << 10}},
    {.name = "reopened often", .reopen_every = 5},
    {.name = "the owner's log, reopened", .reopen_every = 7, .options.wal = ENGINE_WAL_OFF},
    {.name = "flushed after each batch", .flush_every = 1},
    {.name = "compacted often", .flush_every = 2, .compact_every = 6},
    {.name = "the first format level", .options = {.format_level = 1, .memtable_bytes = 4 << 10}},
    {.name = "the first format level, then the latest",
     .upgrades = true,
     .reopen_every = 20,
     .options = {.format_level = 1, .memtable_bytes = 4 << 10}},
    {.name = "no value apart", .values_apart = 1, .options.memtable_bytes = 4 << 10},
    {.name = "values from 256 bytes on apart, each file collected at once",
     .values_apart = 256,
     .garbage_percent = 1,
     .flush_every = 2,
     .options = {.memtable_bytes = 4 << 10, .value_file_bytes = 2 << 10}},
    {.name = "values apart, hardly ever collected, snapshots held",
     .values_apart = 256,
     .garbage_percent = 95,
     .holds_snapshots = true,
     .flush_every = 3,
     .compact_every = 15,
     .options = {.value_file_bytes = 64 << 10, .cache_bytes = 4 << 10}},
    {.name = "values apart and not, in turns",
     .values_apart = 256,
     .changes_threshold = true,
     .garbage_percent = 20,
     .reopen_every = 9,
     .flush_every = 4,
     .options = {.memtable_bytes = 4 << 10, .value_file_bytes = 4 << 10}},
    {.name = "values apart, all merged at once, two workers, tiered",
     .values_apart = 256,
     .garbage_percent = 30,
     .compaction_workers = 2,
     .policy = ENGINE_POLICY_TIERED,
     .options = {.memtable_bytes = 4 << 10, .file_bytes = 4 << 10, .value_file_bytes = 4 << 10}},
    {.name = "values apart, threads",
     .values_apart = 256,
     .garbage_percent = 20,
     .with_threads = true,
     .backend = IO_BACKEND_PROBE,
     .options = {.memtable_bytes = 4 << 10, .value_file_bytes = 4 << 10, .cache_bytes = 8 << 10}},
    {.name = "values apart, two of their files open, threads",
     .values_apart = 256,
     .garbage_percent = 60,
     .with_threads = true,
     .backend = IO_BACKEND_POSIX,
     .options = {.memtable_bytes = 4 << 10, .value_file_bytes = 2 << 10, .file_bytes = 2 << 10, .open_files = 8}},
    {.name = "snapshots held", .holds_snapshots = true, .flush_every = 3, .compact_every = 25},
    {.name = "manifests that roll at once", .flush_every = 2, .options.manifest_bytes = 1},
    {.name = "leveled", .policy = ENGINE_POLICY_LEVELED, .options = {.memtable_bytes = 4 << 10, .file_bytes = 8 << 10}},
    {.name = "leveled, steep",
     .policy = ENGINE_POLICY_LEVELED,
     .options = {.level_base_bytes = 4 << 10, .level_ratio = 2, .memtable_bytes = 2 << 10, .file_bytes = 2 << 10}},
    {.name = "leveled, level 0 deep",
     .policy = ENGINE_POLICY_LEVELED,
     .flush_every = 1,
     .options = {.level0_trigger = 4, .level_base_bytes = 2 << 10, .file_bytes = 4 << 10}},
    {.name = "tiered", .policy = ENGINE_POLICY_TIERED, .options = {.memtable_bytes = 4 << 10, .file_bytes = 8 << 10}},
    {.name = "fifo without limits", .policy = ENGINE_POLICY_FIFO, .options.memtable_bytes = 4 << 10},
    {.name = "policies that change",
     .changes_policy = true,
     .reopen_every = 12,
     .options = {.memtable_bytes = 4 << 10, .file_bytes = 8 << 10}},
    {.name = "gaps of two keys", .options.gap_keys = 2},
    {.name = "gaps of two keys, all in memory", .options = {.gap_keys = 2, .memtable_bytes = 64 << 20}},
    {.name = "gaps of four keys, files", .options = {.gap_keys = 4, .memtable_bytes = 2 << 10}, .flush_every = 3},
    {.name = "eight open files", .options = {.open_files = 8, .file_bytes = 2 << 10, .memtable_bytes = 4 << 10}},
    {.name = "eight open files, with threads",
     .with_threads = true,
     .backend = IO_BACKEND_POSIX,
     .options = {.open_files = 8, .file_bytes = 2 << 10, .memtable_bytes = 4 << 10}},
    {.name = "one budget",
     .with_threads = true,
     .backend = IO_BACKEND_POSIX,
     .options = {.memory_bytes = 8 << 20, .cache_bytes = 8 << 20, .memtable_bytes = 8 << 10}},
    {.name = "filters of one byte", .filter_prefix = 1, .options.memtable_bytes = 4 << 10},
    {.name = "filters of four bytes",
     .filter_prefix = 4,
     .options = {.memtable_bytes = 2 << 10, .file_bytes = 2 << 10}},
    {.name = "long prefixes in filters", .filter_prefix = 25, .filter_bits = 2, .options.memtable_bytes = 4 << 10},
    {.name = "values apart, collected at once",
     .values_apart = 256,
     .garbage_percent = 1,
     .options = {.memtable_bytes = 4 << 10, .file_bytes = 4 << 10}},
    {.name = "values apart, tiered, snapshots held",
     .values_apart = 256,
     .policy = ENGINE_POLICY_TIERED,
     .holds_snapshots = true,
     .flush_every = 2,
     .compact_every = 20},
    {.name = "dictionaries of 256 bytes",
     .compresses = true,
     .upper = ENGINE_COMPRESSION_ZSTD,
     .bottom = ENGINE_COMPRESSION_ZSTD,
     .dictionary_bytes = 256,
     .options = {.block_bytes = 128, .file_bytes = 256 << 10, .memtable_bytes = 64 << 10}},
    {.name = "dictionaries, values apart, upgraded, tables opened again and again",
     .compresses = true,
     .upper = ENGINE_COMPRESSION_ZSTD,
     .bottom = ENGINE_COMPRESSION_ZSTD,
     .dictionary_bytes = 256,
     .values_apart = 256,
     .upgrades = true,
     .reopen_every = 9,
     .options = {.format_level = 1, .block_bytes = 128, .file_bytes = 256 << 10, .open_files = 8}},
    {.name = "two compaction workers", .compaction_workers = 2, .options.memtable_bytes = 4 << 10},
    {.name = "prefixes in filters that change at every opening",
     .changes_prefix = true,
     .reopen_every = 5,
     .flush_every = 2,
     .options = {.memtable_bytes = 4 << 10, .file_bytes = 2 << 10}},
    {.name = "left alone now and then",
     .flush_every = 1,
     .rest_every = 11,
     .options = {.level0_trigger = 3, .level_base_bytes = 32 << 10}},
    {.name = "threads, posix",
     .with_threads = true,
     .backend = IO_BACKEND_POSIX,
     .options = {.memtable_bytes = 4 << 10, .gap_keys = 2, .map_tables = true}},
    {.name = "threads, io_uring", .with_threads = true, .backend = IO_BACKEND_PROBE, .options.memtable_bytes = 4 << 10},
};

enum { SETUPS = sizeof setups / sizeof setups[0] };

/* ---- The list of operations -------------------------------------------------------------------------------------- */

enum action {
    WRITE,
    FLUSH,
    COMPACT,
    REOPEN,
    SNAPSHOT, /* taken, or let go */
    GETS,
    WALK,
    ALL,
    VERIFY,
};

struct step {
    enum action action;
    unsigned slot; /* snapshot; SNAPSHOTS = now */
    uint64_t seed; /* of what it draws */
};

struct list_of_steps {
    struct step steps[STEPS];
    struct workload *workload;
};

static void draw_steps(struct list_of_steps *list, uint64_t seed) {
    struct prng prng;
    prng_init(&prng, hash_mix(seed, 0x7374657073));
    for (size_t i = 0; i < STEPS; i++) {
        const uint64_t draw = prng_below(&prng, 100);
        struct step *step = &list->steps[i];
        *step = (struct step){.slot = (unsigned)prng_below(&prng, SNAPSHOTS + 2), .seed = prng_next(&prng)};
        if (step->slot > SNAPSHOTS) step->slot = SNAPSHOTS;
        step->action = draw < 40   ? WRITE
                       : draw < 44 ? FLUSH
                       : draw < 46 ? COMPACT
                       : draw < 48 ? REOPEN
                       : draw < 56 ? SNAPSHOT
                       : draw < 76 ? GETS
                       : draw < 96 ? WALK
                       : draw < 99 ? ALL
                                   : VERIFY;
    }
    list->workload = workload_create(seed, BATCHES, 20);
}

/* ---- One run ----------------------------------------------------------------------------------------------------- */

struct run {
    uint64_t seed;
    const struct setup *setup;
    const struct list_of_steps *list;
    struct engine_options options;
    struct engine_tree_kind kinds[MODEL_KINDS];
    struct sim *sim;
    struct sim_disk *disk;
    struct io *io;
    char temp[TEMP_DIR_BYTES];
    char dir[IO_PATH_BYTES];
    struct engine *engine;
    struct engine_batch batch;
    uint32_t n; /* batches written */
    size_t step;
    struct held {
        struct engine_snapshot *snapshot;
        uint32_t n;
    } slots[SNAPSHOTS], held[BATCHES / 10 + 1];
    size_t held_count;
};

static void wrong(const struct run *run, const char *what, const char *text) {
    fail_msg("%s: %s\n  setup \"%s\", step %zu, batch %u; replay: LOAM_TEST_SEED=%" PRIu64 " LOAM_TEST_SETUP=%zu "
             "build/tests/property/engine_metamorphic_test",
             what, text, run->setup->name, run->step, run->n, run->seed, (size_t)(run->setup - setups) + 1);
}

static void must(const struct run *run, enum status status, const char *what, const struct error *error) {
    if (status != STATUS_OK) wrong(run, what, error != NULL && error->text[0] ? error->text : status_name(status));
}

static void set_threshold(const struct setup *setup, struct engine_tree_kind *kind, bool is_on) {
    if (setup->values_apart == 0 || kind->expires) return;
    kind->value_threshold_bytes = setup->values_apart > 1 && is_on ? setup->values_apart : 0;
    if (setup->garbage_percent) kind->value_garbage_percent = setup->garbage_percent;
}

static void set_up_kinds(struct run *run) {
    const struct setup *setup = run->setup;
    for (size_t i = 0; i < MODEL_KINDS; i++) {
        struct engine_tree_kind *kind = &run->kinds[i];
        *kind = model_kinds[i];
        if (setup->no_filter) kind->filter_bits_per_key = 0;
        if (setup->filter_bits) kind->filter_bits_per_key = setup->filter_bits;
        if (setup->compresses) kind->upper = setup->upper;
        if (setup->compresses) kind->bottom = setup->bottom;
        if (kind->id < MODEL_AGED || setup->policy != ENGINE_POLICY_LAZY) kind->policy = setup->policy;
        if (setup->filter_prefix) kind->filter_prefix_bytes = setup->filter_prefix;
        kind->dictionary_bytes = setup->dictionary_bytes;
        set_threshold(setup, kind, true);
    }
}

#define TAKE(field)                                                                                                    \
    if (setup->options.field) run->options.field = setup->options.field

static void set_up_options(struct run *run) {
    const struct setup *setup = run->setup;
    run->options = workload_engine_options(run->list->workload);
    run->options.kinds = run->kinds;
    TAKE(wal);
    TAKE(memtable_bytes);
    TAKE(memtable_limit);
    TAKE(cache_bytes);
    TAKE(block_bytes);
    TAKE(file_bytes);
    TAKE(level_base_bytes);
    TAKE(level_ratio);
    TAKE(level0_trigger);
    TAKE(gap_keys);
    TAKE(manifest_bytes);
    TAKE(format_level);
    TAKE(memory_bytes);
    TAKE(open_files);
    TAKE(value_file_bytes);
}

static void set_up_io(struct run *run) {
    const struct setup *setup = run->setup;
    char path[IO_PATH_BYTES];
    struct error error = {0};
    if (setup->with_threads) {
        const struct io_options options = {.backend = setup->backend, .compaction_threads = 2};
        must(run, io_create(&options, &run->io, &error), "io", &error);
        temp_dir_make(run->temp, "metamorphic");
    } else {
        const struct sim_io_options options = {.compaction_workers = setup->compaction_workers};
        run->sim = sim_create(run->seed);
        run->disk = sim_disk_create(run->seed);
        run->io = sim_io_create(run->sim, run->disk, &options);
    }
    snprintf(run->dir, sizeof run->dir, "%s/store", run->temp);
    snprintf(path, sizeof path, "%s/in.sst", run->temp);
    workload_set_ingest_path(run->list->workload, path);
}

static void tear_down_io(struct run *run) {
    if (run->setup->with_threads) temp_dir_remove(run->io, run->temp);
    io_destroy(run->io);
    if (run->setup->with_threads) return;
    sim_disk_destroy(run->disk);
    sim_destroy(run->sim);
}

static bool has_own_log(const struct run *run) {
    return run->options.wal == ENGINE_WAL_OWN;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

static void write_next(struct run *run) {
    struct engine_write_options options = {.sync = has_own_log(run) && run->n % 8 == 0};
    bool durable;
    if (run->n == BATCHES) return;
    run->n++;
    if (run->setup->upgrades && run->n == BATCHES / 2) must(run, engine_upgrade(run->engine, 0, NULL), "upgrade", NULL);
    /* The owner's log is always durable in the end, else writes could wait for ever. */
    if (!has_own_log(run)) engine_log_durable(run->engine, run->n);
    must(run,
         workload_write(run->list->workload, run->io, run->engine, run->n, !has_own_log(run), &run->batch, &options,
                        &durable),
         "write", NULL);
}

static void let_go(struct run *run, struct held *held) {
    if (held->snapshot != NULL) engine_snapshot_release(run->engine, held->snapshot);
    held->snapshot = NULL;
}

static void let_go_all(struct run *run) {
    for (size_t i = 0; i < SNAPSHOTS; i++) let_go(run, &run->slots[i]);
    while (run->held_count > 0) let_go(run, &run->held[--run->held_count]);
}

static void take(struct run *run, struct held *held) {
    held->snapshot = engine_snapshot_acquire(run->engine);
    held->n = run->n;
    if (held->snapshot == NULL) wrong(run, "snapshot", "no memory");
}

static void open_engine(struct run *run) {
    struct error error = {0};
    for (size_t i = 0; i < MODEL_KINDS && run->setup->changes_policy; i++)
        run->kinds[i].policy = (enum engine_policy)((run->n + i) % 4);
    for (size_t i = 0; i < MODEL_KINDS && run->setup->changes_threshold; i++)
        set_threshold(run->setup, &run->kinds[i], (run->n / run->setup->reopen_every + i) % 2 == 0);
    for (size_t i = 0; i < MODEL_KINDS && run->setup->changes_prefix; i++)
        run->kinds[i].filter_prefix_bytes = (unsigned)(hash_mix(run->seed + run->n, i) % 4);
    must(run, engine_open(run->io, run->dir, &run->options, &run->engine, &error), "open", &error);
}

/* Without a log of its own the engine is given again what it had not installed. */
static uint64_t dictionaries; /* of all runs */

static void close_engine(struct run *run) {
    struct engine_stats stats;
    engine_get_stats(run->engine, &stats);
    dictionaries += stats.dictionaries;
    engine_close(run->engine);
}

static void reopen(struct run *run) {
    let_go_all(run);
    close_engine(run);
    open_engine(run);
    if (has_own_log(run)) return;
    const uint32_t last = run->n;
    for (run->n = (uint32_t)engine_installed(run->engine).index; run->n < last;) write_next(run);
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

struct sight {
    const struct model_state *state;
    int64_t now_ms;
    const struct engine_snapshot *snapshot;
};

static struct sight look(const struct run *run, const struct held *held) {
    const uint32_t n = held != NULL && held->snapshot != NULL ? held->n : run->n;
    return (struct sight){.state = workload_state(run->list->workload, n),
                          .now_ms = (int64_t)n, /* what is due later must be seen, whatever has been compacted since */
                          .snapshot = held != NULL ? held->snapshot : NULL};
}

static void check_value(const struct run *run, const struct sight *sight, uint32_t tree, unsigned key,
                        struct slice found) {
    const struct model_value *value = sight->state->trees[tree].values[key];
    if (model_expect(sight->state, tree, key, sight->now_ms) == MODEL_ABSENT)
        wrong(run, "a key that is not there", (const char *)model_key(key).data);
    if (!slice_equal(found, slice_make(value->bytes, value->size)))
        wrong(run, "another value", (const char *)model_key(key).data);
}

static void check_get(const struct run *run, const struct sight *sight, uint32_t tree, unsigned key) {
    struct engine_value value;
    const enum model_answer answer = model_expect(sight->state, tree, key, sight->now_ms);
    enum status status = engine_get_try(run->engine, sight->snapshot, tree, model_key(key), &value);
    if (status == STATUS_WOULD_BLOCK) status = engine_get(run->engine, sight->snapshot, tree, model_key(key), &value);
    if (sight->state->trees[tree].kind == MODEL_NONE) {
        if (status != STATUS_INVALID) wrong(run, "a get in a tree that is not there", status_name(status));
        return;
    }
    if (status == STATUS_NOT_FOUND && answer != MODEL_PRESENT) return;
    if (status != STATUS_OK) wrong(run, (const char *)model_key(key).data, status_name(status));
    check_value(run, sight, tree, key, value.data);
    engine_value_release(&value);
}

/* ---- Walks ------------------------------------------------------------------------------------------------------- */

struct walk {
    struct sight sight;
    struct engine_iterator *iterator;
    uint32_t tree;
    unsigned lower, upper; /* upper MODEL_KEYS = unbounded */
    unsigned at;           /* NO_KEY = not valid */
};

/* The iterator stands at the first key from `from` upwards, or the first below `from` downwards: nothing that must be
 * there was passed over. */
static void check_stand(const struct run *run, struct walk *walk, int from, bool is_up) {
    const int low = (int)walk->lower, high = (int)walk->upper;
    int key = is_up ? (from < low ? low : from) : (from > high ? high : from) - 1;
    const int end = is_up ? high : low - 1;
    const bool is_valid = engine_iterator_valid(walk->iterator);
    if (engine_iterator_status(walk->iterator) != STATUS_OK)
        wrong(run, "an iterator", status_name(engine_iterator_status(walk->iterator)));
    walk->at = NO_KEY;
    const struct slice text = is_valid ? engine_iterator_key(walk->iterator) : slice_make(NULL, 0);
    for (; is_up ? key < end : key > end; key += is_up ? 1 : -1) {
        if (is_valid && slice_equal(text, model_key((unsigned)key))) {
            walk->at = (unsigned)key;
            check_value(run, &walk->sight, walk->tree, walk->at, engine_iterator_value(walk->iterator));
            return;
        }
        if (model_expect(walk->sight.state, walk->tree, (unsigned)key, walk->sight.now_ms) == MODEL_PRESENT)
            wrong(run, is_up ? "passed over, upwards" : "passed over, downwards",
                  (const char *)model_key((unsigned)key).data);
    }
    if (is_valid) wrong(run, "an iterator stands where nothing is", is_up ? "upwards" : "downwards");
}

static void move(const struct run *run, struct walk *walk, struct prng *prng) {
    const unsigned key = (unsigned)prng_below(prng, MODEL_KEYS);
    switch (prng_below(prng, walk->at == NO_KEY ? 4 : 12)) {
    case 0:
        engine_iterator_seek_first(walk->iterator);
        check_stand(run, walk, 0, true);
        break;
    case 1:
        engine_iterator_seek_last(walk->iterator);
        check_stand(run, walk, MODEL_KEYS, false);
        break;
    case 2:
        engine_iterator_seek(walk->iterator, model_key(key));
        check_stand(run, walk, (int)key, true);
        break;
    case 3:
        engine_iterator_seek_before(walk->iterator, model_key(key));
        check_stand(run, walk, (int)key, false);
        break;
    case 4:
    case 5:
    case 6:
    case 7: {
        const int from = (int)walk->at;
        engine_iterator_prev(walk->iterator);
        check_stand(run, walk, from, false);
        break;
    }
    default: {
        const int from = (int)walk->at + 1;
        engine_iterator_next(walk->iterator);
        check_stand(run, walk, from, true);
        break;
    }
    }
}

static void check_walk(const struct run *run, const struct sight *sight, struct prng *prng) {
    struct walk walk = {.sight = *sight, .at = NO_KEY, .upper = MODEL_KEYS};
    walk.tree = (uint32_t)prng_between(prng, 1, MODEL_TREES);
    if (sight->state->trees[walk.tree].kind == MODEL_NONE) return;
    if (prng_chance(prng, 1, 2)) walk.lower = (unsigned)prng_below(prng, MODEL_KEYS);
    if (prng_chance(prng, 1, 2)) walk.upper = 1 + (unsigned)prng_below(prng, MODEL_KEYS - 1);
    struct engine_iterator_options options = {
        .snapshot = sight->snapshot, .lower = model_key(walk.lower), .no_fill = prng_chance(prng, 1, 3)};
    if (walk.upper < MODEL_KEYS) options.upper = model_key(walk.upper);
    must(run, engine_iterator_open(run->engine, walk.tree, &options, &walk.iterator), "iterator", NULL);
    for (unsigned i = 0; i < MOVES; i++) move(run, &walk, prng);
    engine_iterator_close(walk.iterator);
}

/* ---- Steps ------------------------------------------------------------------------------------------------------- */

static void visit_finding(void *context, const struct engine_finding *finding) {
    wrong(context, finding->file, finding->text);
}

static void compare_all(const struct run *run, const struct sight *sight) {
    struct error error = {0};
    must(run, model_compare_engine(sight->state, sight->now_ms, run->engine, sight->snapshot, &error), "everything",
         &error);
}

static void carry_out(struct run *run, const struct step *step) {
    struct prng prng;
    struct held *slot = step->slot < SNAPSHOTS ? &run->slots[step->slot] : NULL;
    const struct sight sight = look(run, slot);
    prng_init(&prng, step->seed);
    switch (step->action) {
    case WRITE: write_next(run); break;
    case FLUSH: must(run, engine_flush(run->engine), "flush", NULL); break;
    case COMPACT: must(run, engine_compact(run->engine), "compact", NULL); break;
    case REOPEN: reopen(run); break;
    case VERIFY: must(run, engine_verify(run->engine, visit_finding, run), "verify", NULL); break;
    case ALL: compare_all(run, &sight); break;
    case WALK: check_walk(run, &sight, &prng); break;
    case GETS:
        for (int i = 0; i < 12; i++)
            check_get(run, &sight, (uint32_t)prng_between(&prng, 1, MODEL_TREES),
                      (unsigned)prng_below(&prng, MODEL_KEYS));
        break;
    case SNAPSHOT:
        if (slot == NULL) break;
        if (slot->snapshot != NULL)
            let_go(run, slot);
        else
            take(run, slot);
        break;
    }
}

/* Nobody writes until compaction finds nothing more to do, not even at rest. */
static void leave_alone(struct run *run) {
    struct engine_stats stats;
    unsigned turns = 0;
    do {
        (void)io_run(run->io, io_now_ns(run->io) + TURN_NS);
        engine_get_stats(run->engine, &stats);
    } while (stats.debt_bytes > 0 && ++turns < TURNS_AT_REST);
}

/* What the setup does on top. */
static void follow(struct run *run) {
    const struct setup *setup = run->setup;
    const struct sight now = look(run, NULL);
    if (setup->flush_every && run->n % setup->flush_every == 0) must(run, engine_flush(run->engine), "flush", NULL);
    if (setup->compact_every && run->n % setup->compact_every == 0)
        must(run, engine_compact(run->engine), "compact", NULL);
    if (setup->holds_snapshots && run->n % 10 == 0 && run->held_count < sizeof run->held / sizeof run->held[0])
        take(run, &run->held[run->held_count++]);
    if (setup->reopen_every && run->n % setup->reopen_every == 0) {
        reopen(run);
        if (setup->changes_prefix) compare_all(run, &now);
    }
    if (setup->rest_every && run->n % setup->rest_every == 0) {
        leave_alone(run);
        compare_all(run, &now);
    }
    if (!setup->with_threads) (void)io_run(run->io, 0); /* the background gets a turn */
}

static void end(struct run *run) {
    for (size_t i = 0; i < run->held_count; i++) {
        const struct sight sight = look(run, &run->held[i]);
        compare_all(run, &sight);
    }
    const struct sight now = look(run, NULL);
    compare_all(run, &now);
    let_go_all(run);
    must(run, engine_compact(run->engine), "compact", NULL);
    reopen(run);
    compare_all(run, &now);
    must(run, engine_verify(run->engine, visit_finding, run), "verify", NULL);
}

/* Also what only the files tell: whether the log and the tables keep to the store's format level. */
static void verify_at_rest(struct run *run) {
    const struct care_verify_options options = {.visit = visit_finding, .context = run};
    struct care_verify_report report;
    struct error error = {0};
    must(run, engine_care_verify(run->io, run->dir, &options, &report, &error), "verify at rest", &error);
}

static void run_setup(uint64_t seed, const struct setup *setup, const struct list_of_steps *list) {
    struct run *run = calloc(1, sizeof *run);
    assert_non_null(run);
    *run = (struct run){.seed = seed, .setup = setup, .list = list};
    set_up_kinds(run);
    set_up_options(run);
    set_up_io(run);
    engine_batch_init(&run->batch);
    open_engine(run);
    for (run->step = 0; run->step < STEPS; run->step++) {
        carry_out(run, &list->steps[run->step]);
        if (list->steps[run->step].action == WRITE) follow(run);
    }
    end(run);
    close_engine(run);
    verify_at_rest(run);
    engine_batch_deinit(&run->batch);
    tear_down_io(run);
    free(run);
}

static bool is_wanted(size_t setup) {
    const char *only = test_text("LOAM_TEST_SETUP");
    if (*only >= '0' && *only <= '9') return test_number("LOAM_TEST_SETUP", 0) == setup + 1;
    return strstr(setups[setup].name, only) != NULL;
}

static void every_setup_answers_alike(void **state) {
    (void)state;
    const uint64_t first = test_seed(1);
    static struct list_of_steps list;
    for (uint64_t seed = first; seed < first + test_scaled(SEEDS); seed++) {
        draw_steps(&list, seed);
        for (size_t i = 0; i < SETUPS; i++)
            if (is_wanted(i)) run_setup(seed, &setups[i], &list);
        workload_destroy(list.workload);
    }
    print_message("%u setups, %u steps each; %" PRIu64 " dictionaries\n", (unsigned)SETUPS, (unsigned)STEPS,
                  dictionaries);
    assert_true(*test_text("LOAM_TEST_SETUP") != 0 || dictionaries > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_setup_answers_alike)};
    return cmocka_run_group_tests_name("engine metamorphic", tests, NULL, NULL);
}
