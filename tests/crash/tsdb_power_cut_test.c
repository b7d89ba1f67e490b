/*
 * Power cuts at every I/O of an embedded tsdb's life: no sample that was acknowledged is lost, no operation is there in
 * part. A first run on a disk of its own notes the hash of the store after each operation. A second applies the same
 * operations; before each of its I/Os the disk is cloned, the clone's power is cut, and the store opened on what is
 * left must have the hash after some operation n, at least the last one that was acknowledged as durable. It then goes
 * on from there: what a fresh apply makes of the chunks that it finds must be what the first run made of them.
 *
 * Replay one case: LOAM_TEST_SEED=seed LOAM_TEST_CUT=number build/tests/crash/tsdb_power_cut_test
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/hash.h"
#include "engine/base/prng.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim_io.h"
#include "tsdb/tsdb.h"

enum { OPERATIONS = 60, CUTS = 6000, SERIES = 2, SAMPLES_MAX = 40, KINDS_MAX = 16, GOES_ON = 3, NAME_SEED = 9 };

/* ---- operation n: a function of seed and n ----------------------------------------------------------------------- */

static struct slice name_of(uint64_t series) {
    return slice_from_text(series ? "beta" : "alpha");
}

/* The first operations make the series; their times go forward, with some that come late. */
static void build_operation(uint64_t seed, uint32_t n, struct buf *to) {
    static const struct tsdb_label label = {{(const uint8_t *)"k", 1}, {(const uint8_t *)"v", 1}};
    struct tsdb_add samples[SAMPLES_MAX];
    struct prng prng;
    prng_init(&prng, hash_mix(seed, n));
    struct tsdb_op op = {.kind = TSDB_OP_MADD, .samples = samples};
    int64_t now_ms = 100000 + 10000 * (int64_t)n;
    if (n <= SERIES) {
        op = (struct tsdb_op){.kind = TSDB_OP_CREATE, .name = name_of(n - 1)};
        op.settings = (struct tsdb_settings){.given = 0xf,
                                             .chunk_bytes = n == 1 ? 64 : 200,
                                             .retention_ms = n == 1 ? 0 : 200000,
                                             .policy = TSDB_POLICY_SUM,
                                             .labels = &label,
                                             .label_count = 1};
    } else if (prng_chance(&prng, 1, 10)) {
        op = (struct tsdb_op){.kind = TSDB_OP_DELETE_RANGE, .name = name_of(prng_below(&prng, SERIES))};
        op.from_ms = now_ms - (int64_t)prng_below(&prng, 100000);
        op.to_ms = op.from_ms + (int64_t)prng_below(&prng, 30000);
    } else {
        op.sample_count = prng_between(&prng, 1, SAMPLES_MAX);
        for (size_t i = 0; i < op.sample_count; i++) {
            int64_t late_ms = prng_chance(&prng, 1, 8) ? (int64_t)prng_below(&prng, 100000) : 0;
            samples[i] = (struct tsdb_add){.name = name_of(prng_below(&prng, SERIES)),
                                           .time_ms = now_ms + 100 * (int64_t)i - late_ms,
                                           .value = prng_unit(&prng) * 100};
        }
    }
    assert_int_equal(tsdb_op_encode(to, &op), STATUS_OK);
}

/* ---- a store ----------------------------------------------------------------------------------------------------- */

struct store {
    struct io *io;
    struct engine *engine;
    struct tsdb *tsdb;
    struct name_owner owner;
    struct engine_tree_kind kinds[KINDS_MAX];
};

static enum status open_store(struct store *store, struct sim *sim, struct sim_disk *disk) {
    struct error error;
    size_t count = 0;
    *store = (struct store){.io = sim_io_create(sim, disk, NULL)};
    for (size_t i = 0; i < names_kind_count; i++) store->kinds[count++] = names_kinds[i];
    for (size_t i = 0; i < tsdb_kind_count; i++) store->kinds[count++] = tsdb_kinds[i];
    struct engine_options options = {.kinds = store->kinds,
                                     .kind_count = count,
                                     .memtable_bytes = 8 << 10,
                                     .file_bytes = 4 << 10,
                                     .level_base_bytes = 16 << 10,
                                     .wal_segment_bytes = 64 << 10,
                                     .disk_reserve_bytes = 1};
    assert_int_equal(tsdb_create(&store->owner, 1, &store->tsdb), STATUS_OK);
    store->owner = tsdb_owner(store->tsdb);
    return engine_open(store->io, "/store", &options, &store->engine, &error);
}

static void close_store(struct store *store) {
    tsdb_destroy(store->tsdb);
    engine_close(store->engine);
    io_destroy(store->io);
}

static struct names_view view_of(const struct store *store) {
    return (struct names_view){.engine = store->engine, .seed = NAME_SEED, .log_time_ms = 1};
}

static enum status make_trees(struct store *store) {
    static const uint32_t trees[] = {TREE_NAMES,  TREE_NAMES_EXPIRY, TREE_NAMES_META,
                                     TREE_SERIES, TREE_CHUNKS,       TREE_LABELS};
    const struct engine_write_options options = {.sync = true};
    struct engine_batch batch;
    engine_batch_init(&batch);
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < sizeof trees / sizeof trees[0]; i++)
        status = engine_batch_create_tree(&batch, trees[i], trees[i]);
    if (status == STATUS_OK) status = engine_write(store->engine, &batch, &options);
    engine_batch_deinit(&batch);
    return status;
}

static enum status apply_operation(struct store *store, uint64_t seed, uint32_t n, bool sync) {
    const struct engine_write_options options = {.sync = sync};
    const struct names_view view = view_of(store);
    struct engine_batch batch;
    struct buf operation = BUF_EMPTY, reply = BUF_EMPTY;
    engine_batch_init(&batch);
    build_operation(seed, n, &operation);
    enum status status = tsdb_apply(store->tsdb, &view, n, buf_slice(&operation), &batch, &reply);
    /* An empty one (nothing to delete) would leave no trace to tell n by; it is written all the same. */
    if (status == STATUS_OK && batch.count) status = engine_write(store->engine, &batch, &options);
    engine_batch_deinit(&batch);
    buf_deinit(&operation);
    buf_deinit(&reply);
    return status;
}

static enum status hash_store(const struct store *store, uint64_t *hash) {
    const struct names_view view = view_of(store);
    uint64_t names = 0;
    enum status status = names_hash(&view, &names);
    if (status == STATUS_OK) status = tsdb_hash(&view, hash);
    *hash = hash_mix(*hash, names);
    return status;
}

/* ---- a run ------------------------------------------------------------------------------------------------------- */

struct run {
    uint64_t seed, only_cut, ios;
    uint32_t durable, issued;
    uint64_t hashes[OPERATIONS + 1]; /* after operation n; 0: the empty trees */
};

static struct { uint64_t cuts, lost, kept; } totals;

static void note_hashes(struct run *run) {
    struct sim *sim = sim_create(run->seed);
    struct sim_disk *disk = sim_disk_create(run->seed);
    struct store store;
    assert_int_equal(open_store(&store, sim, disk), STATUS_OK);
    assert_int_equal(make_trees(&store), STATUS_OK);
    assert_int_equal(hash_store(&store, &run->hashes[0]), STATUS_OK);
    for (uint32_t n = 1; n <= OPERATIONS; n++) {
        assert_int_equal(apply_operation(&store, run->seed, n, false), STATUS_OK);
        assert_int_equal(hash_store(&store, &run->hashes[n]), STATUS_OK);
    }
    close_store(&store);
    sim_disk_destroy(disk);
    sim_destroy(sim);
}

static void broken(const struct run *run, const char *what) {
    fail_msg("%s\n  replay: LOAM_TEST_SEED=%llu LOAM_TEST_CUT=%llu build/tests/crash/tsdb_power_cut_test", what,
             (unsigned long long)run->seed, (unsigned long long)run->ios);
}

/* The last operation that the store holds: one between what was promised and what was handed in. */
static uint32_t recognise(const struct run *run, const struct store *store) {
    uint64_t hash = 0;
    if (hash_store(store, &hash)) broken(run, "what was recovered cannot be read");
    for (uint32_t n = run->issued + 1; n-- > run->durable;)
        if (run->hashes[n] == hash) return n;
    broken(run, "the store is in the state after no operation that it may hold");
    return 0;
}

static void go_on(const struct run *run, struct store *store, uint32_t n) {
    uint64_t hash = 0;
    for (uint32_t left = GOES_ON; left > 0 && n < OPERATIONS; left--) {
        if (apply_operation(store, run->seed, ++n, true)) broken(run, "the recovered store takes no operation");
        if (hash_store(store, &hash) || hash != run->hashes[n]) broken(run, "apply went another way after recovery");
    }
}

static void run_case(const struct run *run, struct sim_disk *original) {
    struct prng prng;
    prng_init(&prng, hash_mix(run->seed, run->ios));
    struct sim *sim = sim_create(prng_next(&prng));
    struct sim_disk *disk = sim_disk_clone(original, prng_next(&prng));
    struct store store;
    uint64_t draw = prng_below(&prng, 10);
    sim_disk_cut(disk, draw < 2 ? SIM_CUT_NONE : draw < 4 ? SIM_CUT_ALL : SIM_CUT_RANDOM);
    sim_disk_power_on(disk);
    if (open_store(&store, sim, disk)) broken(run, "the store does not open");
    struct engine_tree_info info;
    /* The trees themselves come with the first write. */
    if (engine_tree_info(store.engine, TREE_CHUNKS, &info) == STATUS_OK) {
        uint32_t n = recognise(run, &store);
        totals.lost += run->issued - n;
        totals.kept += n - run->durable;
        go_on(run, &store, n);
    } else if (run->durable) {
        broken(run, "the trees are gone");
    }
    close_store(&store);
    sim_disk_destroy(disk);
    sim_destroy(sim);
    totals.cuts++;
}

static void before_io(void *context, struct sim_disk *disk, enum sim_disk_call call, const char *path) {
    struct run *run = context;
    (void)call;
    (void)path;
    run->ios++;
    if (run->only_cut == 0 || run->only_cut == run->ios) run_case(run, disk);
}

static void run_seed(uint64_t seed, uint64_t only_cut) {
    struct run run = {.seed = seed, .only_cut = only_cut};
    struct prng prng;
    prng_init(&prng, hash_mix(seed, 1));
    note_hashes(&run);
    struct sim *sim = sim_create(seed);
    struct sim_disk *disk = sim_disk_create(seed);
    struct store store;
    sim_disk_set_watch(disk, before_io, &run);
    assert_int_equal(open_store(&store, sim, disk), STATUS_OK);
    assert_int_equal(make_trees(&store), STATUS_OK);
    for (uint32_t n = 1; n <= OPERATIONS; n++) {
        bool sync = prng_chance(&prng, 1, 2);
        run.issued = n;
        assert_int_equal(apply_operation(&store, seed, n, sync), STATUS_OK);
        if (sync && run.hashes[n] != run.hashes[n - 1]) run.durable = n;
        if (prng_chance(&prng, 1, 12)) assert_int_equal(engine_flush(store.engine), STATUS_OK);
        io_run(store.io, io_now_ns(store.io) + prng_below(&prng, 1000000));
    }
    close_store(&store);
    sim_disk_destroy(disk);
    sim_destroy(sim);
}

static void no_acknowledged_sample_is_lost_and_no_operation_is_there_in_part(void **state) {
    (void)state;
    uint64_t seed = test_seed(1), only_cut = test_number("LOAM_TEST_CUT", 0), wanted = test_scaled(CUTS);
    do {
        run_seed(seed++, only_cut);
    } while (only_cut == 0 && totals.cuts < wanted);
    print_message("%llu power cuts; operations: %llu rightly lost, %llu kept without a promise\n",
                  (unsigned long long)totals.cuts, (unsigned long long)totals.lost, (unsigned long long)totals.kept);
    if (only_cut == 0 && wanted >= CUTS) assert_true(totals.lost > 50 && totals.kept > 50);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_acknowledged_sample_is_lost_and_no_operation_is_there_in_part)};
    return cmocka_run_group_tests_name("tsdb power cuts", tests, NULL, NULL);
}
