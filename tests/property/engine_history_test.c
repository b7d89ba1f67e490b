/*
 * engine_history_test: the engine against the whole history of every key. Snapshots and iterators are held through
 * writes, flushes, compactions, pauses, and values and tables that move or are closed; each must go on seeing the state
 * at which it was made. Options are drawn, too, and must make no difference. Half of the runs keep no log of their own:
 * the test is the owner that replays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/engine.h"
#include "tests/harness/seeds.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim_io.h"

enum {
    TREES = 3,
    KEYS = 40,
    BATCHES_MAX = 400,
    OPERATIONS_MAX = 12,
    SNAPSHOTS = 5,
    WALKERS = 3,
    VALUE_MAX = 700,
    APART = 256, /* from this size on values are kept apart, where any are */
    FEW_FILES = 8,
    CHECKPOINTS_MAX = 4,
};

#define REST_NS UINT64_C(300000000)

/* ---- Keys, and an operator that notices a wrong order
 * ---------------------------------------------------------------------------- */

static char key_texts[KEYS][24];

/* In order: 0 is the empty key, some share their beginnings, some are longer than a head. */
static void make_keys(void) {
    for (int i = 1; i < KEYS; i++)
        snprintf(key_texts[i], sizeof key_texts[i], i % 3 ? "key%02d" : "key%02d-and-more-of-it", i);
}

static struct slice key_at(size_t number) {
    return slice_from_text(key_texts[number]);
}

static enum status join(void *context, struct slice key, const struct slice *operands, size_t count,
                        struct buf *result) {
    (void)context, (void)key;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (i) status = buf_append_byte(result, '|');
        if (status == STATUS_OK) status = buf_append_slice(result, operands[i]);
    }
    return status;
}

static enum status join_full(void *context, struct slice key, const struct slice *base, const struct slice *operands,
                             size_t count, struct buf *result) {
    enum status status = STATUS_OK;
    if (base) status = buf_append_slice(result, *base);
    if (base && status == STATUS_OK) status = buf_append_byte(result, '|');
    return status == STATUS_OK ? join(context, key, operands, count, result) : status;
}

static const struct engine_merge join_merge = {.name = "test.join", .full = join_full, .partial = join};
static const struct engine_merge join_merge_full_only = {.name = "test.join", .full = join_full};

/* ---- History
 * ---------------------------------------------------------------------------------------------------------------------
 */

struct state { /* of a key after batch n */
    uint32_t n;
    bool present;
    struct buf value;
};

struct key_history {
    struct state *states;
    uint32_t count;
};

struct run {
    struct prng prng;
    struct io *io;
    struct engine *engine;
    struct engine_options options;
    struct engine_tree_kind kinds[TREES];
    struct key_history keys[TREES][KEYS];
    struct engine_batch batches[BATCHES_MAX + 1]; /* what was written, for the replay */
    uint32_t n;                                   /* batches so far */
    uint32_t durable;                             /* of the owner's log */
    uint32_t checkpoints;
    uint64_t checked_mark; /* of the last checkpoint */
    struct {
        struct engine_snapshot *snapshot;
        uint32_t n;
    } snapshots[SNAPSHOTS];
    struct walker {
        struct engine_iterator *iterator;
        uint32_t tree, n;
        size_t lower, upper; /* numbers of keys; upper KEYS = unbounded, lower 0 likewise */
        size_t at;           /* KEYS = not valid */
    } walkers[WALKERS];
};

static const struct state *state_at(const struct run *run, uint32_t tree, size_t key, uint32_t n) {
    const struct key_history *history = &run->keys[tree][key];
    for (uint32_t i = history->count; i-- > 0;) {
        if (history->states[i].n <= n) return history->states[i].present ? &history->states[i] : NULL;
    }
    return NULL;
}

/* The state of this batch, beginning as the one before. */
static struct state *state_now(struct run *run, uint32_t tree, size_t key) {
    struct key_history *history = &run->keys[tree][key];
    struct state *last = history->count ? &history->states[history->count - 1] : NULL;
    if (last && last->n == run->n) return last;
    history->states = realloc(history->states, (history->count + 1) * sizeof *history->states);
    assert_non_null(history->states);
    struct state *state = &history->states[history->count++];
    *state = (struct state){.n = run->n};
    if (history->count > 1 && state[-1].present) {
        state->present = true;
        assert_int_equal(buf_append_slice(&state->value, buf_slice(&state[-1].value)), STATUS_OK);
    }
    return state;
}

static void state_clear(struct state *state) {
    state->present = false;
    buf_clear(&state->value);
}

static void state_extend(struct state *state, struct slice bytes) {
    state->present = true;
    assert_int_equal(buf_append_slice(&state->value, bytes), STATUS_OK);
}

/* ---- Writing
 * ---------------------------------------------------------------------------------------------------------------------
 */

static struct slice draw_value(struct run *run) {
    static uint8_t value[VALUE_MAX];
    size_t size = prng_below(&run->prng, prng_chance(&run->prng, 1, 8) ? VALUE_MAX : 30);
    for (size_t i = 0; i < size; i++) value[i] = (uint8_t)('a' + prng_below(&run->prng, 6));
    return slice_make(value, size);
}

static void draw_range(struct run *run, struct engine_batch *batch, uint32_t tree) {
    size_t begin = prng_below(&run->prng, KEYS);
    size_t end = begin + 1 + prng_below(&run->prng, prng_chance(&run->prng, 1, 10) ? KEYS : 5);
    if (end > KEYS) end = KEYS;
    struct slice end_key = end < KEYS ? key_at(end) : (struct slice){0};
    assert_int_equal(engine_batch_delete_range(batch, tree + 1, key_at(begin), end_key), STATUS_OK);
    for (size_t key = begin; key < end; key++) state_clear(state_now(run, tree, key));
}

static void draw_operation(struct run *run, struct engine_batch *batch) {
    uint32_t tree = (uint32_t)prng_below(&run->prng, TREES);
    size_t key = prng_below(&run->prng, prng_chance(&run->prng, 1, 3) ? 5 : KEYS);
    struct slice value = draw_value(run);
    enum status status = STATUS_OK;
    struct state *state;
    switch (prng_below(&run->prng, 12)) {
    case 0: draw_range(run, batch, tree); return;
    case 1:
    case 2:
        status = engine_batch_delete(batch, tree + 1, key_at(key));
        state_clear(state_now(run, tree, key));
        break;
    case 3:
    case 4:
    case 5:
        status = engine_batch_append(batch, tree + 1, key_at(key), value);
        state_extend(state_now(run, tree, key), value);
        break;
    case 6:
    case 7:
        status = engine_batch_merge(batch, tree + 1, key_at(key), value);
        state = state_now(run, tree, key);
        if (state->present) state_extend(state, slice_from_text("|"));
        state_extend(state, value);
        break;
    default:
        status = engine_batch_put(batch, tree + 1, key_at(key), value);
        state = state_now(run, tree, key);
        state_clear(state);
        state_extend(state, value);
        break;
    }
    assert_int_equal(status, STATUS_OK);
}

static void write_batch(struct run *run) {
    struct engine_batch *batch = &run->batches[++run->n];
    engine_batch_init(batch);
    for (uint64_t left = 1 + prng_below(&run->prng, OPERATIONS_MAX); left > 0; left--) draw_operation(run, batch);
    batch->mark = (struct engine_mark){.index = run->n, .term = 1, .time_ms = run->n};
    /* The owner's log is always durable in the end, else writes could wait for ever; a moment later is enough. */
    if (run->options.wal == ENGINE_WAL_OFF) engine_log_durable(run->engine, run->durable = run->n - 1);
    struct engine_write_options options = {.sync = prng_chance(&run->prng, 1, 10)};
    assert_int_equal(engine_write(run->engine, batch, &options), STATUS_OK);
}

/* ---- Opening
 * -----------------------------------------------------------------------------------------------------------------------
 */

static size_t pick(struct prng *prng, size_t low, size_t high) {
    return low << prng_below(prng, (uint64_t)__builtin_ctzll(high / low) + 1);
}

/* Every open may come with other policies, filters, and values kept apart. FIFO without limits: nothing goes, nothing
 * is merged. */
static void draw_policies(struct run *run) {
    struct prng *prng = &run->prng;
    for (uint32_t i = 0; i < TREES; i++) {
        run->kinds[i].policy = (enum engine_policy)prng_below(prng, ENGINE_POLICY_FIFO + 1);
        run->kinds[i].filter_prefix_bytes = (unsigned)prng_below(prng, 5);
        run->kinds[i].value_threshold_bytes = prng_chance(prng, 1, 2) ? APART : 0;
        run->kinds[i].value_garbage_percent = (unsigned)prng_below(prng, 60);
    }
}

static void draw_options(struct run *run) {
    struct prng *prng = &run->prng;
    for (uint32_t i = 0; i < TREES; i++) {
        static const char *const names[TREES] = {"one", "two", "three"};
        run->kinds[i] = (struct engine_tree_kind){
            .id = i + 1,
            .name = names[i],
            .upper = (enum engine_compression)prng_below(prng, 3),
            .bottom = (enum engine_compression)prng_below(prng, 3),
            .filter_bits_per_key = (unsigned)prng_below(prng, 3) * 6,
            .merge = prng_chance(prng, 1, 2) ? &join_merge : &join_merge_full_only,
            .dictionary_bytes = prng_chance(prng, 1, 3) ? pick(prng, 256, 1024) : 0,
        };
        if (run->kinds[i].dictionary_bytes) run->kinds[i].bottom = ENGINE_COMPRESSION_ZSTD;
    }
    draw_policies(run);
    run->options = (struct engine_options){
        .kinds = run->kinds,
        .kind_count = TREES,
        .wal = prng_chance(prng, 1, 2) ? ENGINE_WAL_OWN : ENGINE_WAL_OFF,
        .memtable_bytes = pick(prng, 4 << 10, 128 << 10),
        .memtable_limit = 2 + (unsigned)prng_below(prng, 4),
        .cache_bytes = pick(prng, 4 << 10, 1 << 20),
        .block_bytes = pick(prng, 128, 8 << 10),
        .file_bytes = pick(prng, 2 << 10, 64 << 10),
        .value_file_bytes = pick(prng, 2 << 10, 32 << 10),
        .open_files = prng_chance(prng, 1, 3) ? FEW_FILES : 0,
        .level_base_bytes = pick(prng, 4 << 10, 256 << 10),
        .level_ratio = 2 + (unsigned)prng_below(prng, 9),
        .level0_trigger = 1 + (unsigned)prng_below(prng, 5),
        .gap_keys = (unsigned)pick(prng, 2, 16),
        .wal_segment_bytes = 64 << 10,
        .disk_reserve_bytes = 1,
        .map_tables = prng_chance(prng, 1, 4),
    };
}

static void open_engine(struct run *run) {
    struct error error;
    if (engine_open(run->io, "db", &run->options, &run->engine, &error) != STATUS_OK) fail_msg("open: %s", error.text);
}

static void create_trees(struct run *run) {
    struct engine_batch *batch = &run->batches[++run->n];
    engine_batch_init(batch);
    for (uint32_t i = 0; i < TREES; i++) assert_int_equal(engine_batch_create_tree(batch, i + 1, i + 1), STATUS_OK);
    batch->mark = (struct engine_mark){.index = run->n, .term = 1};
    assert_int_equal(engine_write(run->engine, batch, NULL), STATUS_OK);
}

static void release_all(struct run *run) {
    for (int i = 0; i < SNAPSHOTS; i++) {
        if (run->snapshots[i].snapshot) engine_snapshot_release(run->engine, run->snapshots[i].snapshot);
        run->snapshots[i].snapshot = NULL;
    }
    for (int i = 0; i < WALKERS; i++) {
        if (run->walkers[i].iterator) engine_iterator_close(run->walkers[i].iterator);
        run->walkers[i].iterator = NULL;
    }
}

/* Closes and opens; without a log of its own the engine gets back what it has not installed. */
static void reopen(struct run *run) {
    release_all(run);
    engine_close(run->engine);
    draw_policies(run);
    open_engine(run);
    if (run->options.wal == ENGINE_WAL_OWN) return;
    struct engine_mark installed = engine_installed(run->engine);
    assert_true(installed.index <= run->durable);
    for (uint32_t n = (uint32_t)installed.index + 1; n <= run->n; n++) {
        engine_log_durable(run->engine, run->durable = run->n);
        assert_int_equal(engine_write(run->engine, &run->batches[n], NULL), STATUS_OK);
    }
}

/* ---- Reading
 * -----------------------------------------------------------------------------------------------------------------------
 */

static void check_get(struct run *run) {
    uint32_t tree = (uint32_t)prng_below(&run->prng, TREES);
    size_t key = prng_below(&run->prng, KEYS), which = prng_below(&run->prng, SNAPSHOTS + 1);
    struct engine_snapshot *snapshot = which < SNAPSHOTS ? run->snapshots[which].snapshot : NULL;
    const struct state *expected = state_at(run, tree, key, snapshot ? run->snapshots[which].n : run->n);
    struct engine_value value;
    enum status status = engine_get_try(run->engine, snapshot, tree + 1, key_at(key), &value);
    if (status == STATUS_WOULD_BLOCK) status = engine_get(run->engine, snapshot, tree + 1, key_at(key), &value);
    if (status != (expected ? STATUS_OK : STATUS_NOT_FOUND)) {
        struct error error;
        engine_last_error(run->engine, &error);
        fail_msg("tree %u, key %zu after batch %u: %s (%s)", tree, key, run->n, status_name(status), error.text);
    }
    if (!expected) return;
    assert_true(slice_equal(value.data, buf_slice(&expected->value)));
    engine_value_release(&value);
}

/* The first key of the walker's state at or after `from`, the last one before `before`; KEYS = none. */
static size_t walker_up(const struct run *run, const struct walker *walker, size_t from) {
    for (size_t key = from < walker->lower ? walker->lower : from; key < walker->upper; key++) {
        if (state_at(run, walker->tree, key, walker->n)) return key;
    }
    return KEYS;
}

static size_t walker_down(const struct run *run, const struct walker *walker, size_t before) {
    for (size_t key = before < walker->upper ? before : walker->upper; key-- > walker->lower;) {
        if (state_at(run, walker->tree, key, walker->n)) return key;
    }
    return KEYS;
}

static void walker_open(struct run *run, struct walker *walker) {
    size_t which = prng_below(&run->prng, SNAPSHOTS + 1);
    struct engine_snapshot *snapshot = which < SNAPSHOTS ? run->snapshots[which].snapshot : NULL;
    walker->tree = (uint32_t)prng_below(&run->prng, TREES);
    walker->n = snapshot ? run->snapshots[which].n : run->n;
    walker->lower = prng_chance(&run->prng, 1, 2) ? prng_below(&run->prng, KEYS) : 0;
    walker->upper = prng_chance(&run->prng, 1, 2) ? 1 + prng_below(&run->prng, KEYS - 1) : KEYS;
    walker->at = KEYS;
    struct engine_iterator_options options = {
        .snapshot = snapshot, .lower = key_at(walker->lower), .no_fill = prng_chance(&run->prng, 1, 3)};
    if (walker->upper < KEYS) options.upper = key_at(walker->upper);
    assert_int_equal(engine_iterator_open(run->engine, walker->tree + 1, &options, &walker->iterator), STATUS_OK);
}

static void walker_move(struct run *run, struct walker *walker) {
    struct engine_iterator *iterator = walker->iterator;
    size_t key = prng_below(&run->prng, KEYS);
    switch (prng_below(&run->prng, walker->at == KEYS ? 4 : 14)) {
    case 0:
        engine_iterator_seek_first(iterator);
        walker->at = walker_up(run, walker, 0);
        break;
    case 1:
        engine_iterator_seek_last(iterator);
        walker->at = walker_down(run, walker, KEYS);
        break;
    case 2:
        engine_iterator_seek(iterator, key_at(key));
        walker->at = walker_up(run, walker, key);
        break;
    case 3:
        engine_iterator_seek_before(iterator, key_at(key));
        walker->at = walker_down(run, walker, key);
        break;
    case 4:
    case 5:
    case 6:
    case 7:
        engine_iterator_prev(iterator);
        walker->at = walker_down(run, walker, walker->at);
        break;
    default:
        engine_iterator_next(iterator);
        walker->at = walker_up(run, walker, walker->at + 1);
        break;
    }
    assert_int_equal(engine_iterator_status(iterator), STATUS_OK);
    assert_int_equal(engine_iterator_valid(iterator), walker->at < KEYS);
    if (walker->at == KEYS) return;
    const struct state *expected = state_at(run, walker->tree, walker->at, walker->n);
    assert_true(slice_equal(engine_iterator_key(iterator), key_at(walker->at)));
    assert_true(slice_equal(engine_iterator_value(iterator), buf_slice(&expected->value)));
}

static void check_walk(struct run *run) {
    struct walker *walker = &run->walkers[prng_below(&run->prng, WALKERS)];
    if (!walker->iterator) walker_open(run, walker);
    for (uint64_t moves = prng_below(&run->prng, 30); moves > 0; moves--) walker_move(run, walker);
    if (prng_chance(&run->prng, 2, 3)) return; /* held, through whatever comes */
    engine_iterator_close(walker->iterator);
    walker->iterator = NULL;
}

/* A walker that reads from a snapshot borrows it: those of a snapshot that goes must go first. */
static void change_snapshot(struct run *run) {
    size_t which = prng_below(&run->prng, SNAPSHOTS);
    if (run->snapshots[which].snapshot) {
        for (int i = 0; i < WALKERS; i++) {
            if (!run->walkers[i].iterator || run->walkers[i].n != run->snapshots[which].n) continue;
            engine_iterator_close(run->walkers[i].iterator);
            run->walkers[i].iterator = NULL;
        }
        engine_snapshot_release(run->engine, run->snapshots[which].snapshot);
        run->snapshots[which].snapshot = NULL;
        return;
    }
    run->snapshots[which].snapshot = engine_snapshot_acquire(run->engine);
    run->snapshots[which].n = run->n;
    assert_non_null(run->snapshots[which].snapshot);
}

static void fail_on_finding(void *context, const struct engine_finding *finding) {
    (void)context;
    fail_msg("verify: %s at %llu: %s", finding->file, (unsigned long long)finding->offset, finding->text);
}

/* Everything that an engine holds is what the history says of batch n. */
static void compare_all(const struct run *run, struct engine *engine, uint32_t n) {
    for (uint32_t tree = 0; tree < TREES; tree++) {
        struct walker walker = {.tree = tree, .n = n, .upper = KEYS};
        struct engine_iterator_options options = {0};
        assert_int_equal(engine_iterator_open(engine, tree + 1, &options, &walker.iterator), STATUS_OK);
        engine_iterator_seek_first(walker.iterator);
        for (size_t at = walker_up(run, &walker, 0); at < KEYS; at = walker_up(run, &walker, at + 1)) {
            const struct state *expected = state_at(run, tree, at, n);
            assert_true(engine_iterator_valid(walker.iterator));
            assert_true(slice_equal(engine_iterator_key(walker.iterator), key_at(at)));
            assert_true(slice_equal(engine_iterator_value(walker.iterator), buf_slice(&expected->value)));
            engine_iterator_next(walker.iterator);
        }
        assert_false(engine_iterator_valid(walker.iterator));
        assert_int_equal(engine_iterator_status(walker.iterator), STATUS_OK);
        engine_iterator_close(walker.iterator);
    }
}

/* A checkpoint is a store of its own: opened beside the first it holds the state of its mark, and goes on holding it.
 */
static void check_checkpoint(struct run *run) {
    char dir[32];
    struct engine_mark mark;
    struct error error;
    snprintf(dir, sizeof dir, "checkpoint-%u", run->checkpoints++);
    if (engine_checkpoint(run->engine, dir, &mark, &error) != STATUS_OK) fail_msg("checkpoint: %s", error.text);
    assert_true(mark.index <= run->n && mark.index >= run->checked_mark);
    run->checked_mark = mark.index;
    write_batch(run);
    if (mark.index == 0) return; /* nothing was installed: no trees yet */
    struct engine *copy;
    if (engine_open(run->io, dir, &run->options, &copy, &error) != STATUS_OK) fail_msg("%s: %s", dir, error.text);
    assert_int_equal(engine_installed(copy).index, mark.index);
    assert_int_equal(engine_verify(copy, fail_on_finding, NULL), STATUS_OK);
    compare_all(run, copy, (uint32_t)mark.index);
    engine_close(copy);
}

static void act(struct run *run) {
    struct engine_mark mark = engine_applied(run->engine);
    if (run->options.wal == ENGINE_WAL_OFF) assert_int_equal(mark.index, run->n);
    switch (prng_below(&run->prng, 40)) {
    case 0:
        if (run->options.wal == ENGINE_WAL_OFF) engine_log_durable(run->engine, run->durable = run->n);
        assert_int_equal(engine_flush(run->engine), STATUS_OK);
        assert_true(run->options.wal == ENGINE_WAL_OWN || engine_installed(run->engine).index == run->n);
        break;
    case 1: assert_int_equal(engine_compact(run->engine), STATUS_OK); break;
    case 2: reopen(run); break;
    case 3: assert_int_equal(engine_verify(run->engine, fail_on_finding, NULL), STATUS_OK); break;
    case 4: assert_int_equal(engine_flush_start(run->engine), STATUS_OK); break;
    case 22:
        if (run->checkpoints < CHECKPOINTS_MAX) check_checkpoint(run);
        break;
    case 5:
    case 6:
    case 7: change_snapshot(run); break;
    case 8:
    case 9:
    case 10:
    case 11: check_walk(run); break;
    case 12:
    case 13:
    case 14:
    case 15:
    case 16:
    case 17:
        for (int i = 0; i < 10; i++) check_get(run);
        break;
    case 18:
    case 19:
    case 20:
    case 21: /* the background gets a turn, or as many as it likes, until nothing is due even at rest */
        (void)io_run(run->io, prng_chance(&run->prng, 1, 8) ? io_now_ns(run->io) + REST_NS : 0);
        break;
    default: write_batch(run); break;
    }
}

static void run_end(struct run *run) {
    release_all(run);
    engine_close(run->engine);
    assert_int_equal(sim_io_open_files(run->io), 0);
    io_destroy(run->io);
    for (uint32_t n = 1; n <= run->n; n++) engine_batch_deinit(&run->batches[n]);
    for (uint32_t tree = 0; tree < TREES; tree++) {
        for (size_t key = 0; key < KEYS; key++) {
            struct key_history *history = &run->keys[tree][key];
            for (uint32_t i = 0; i < history->count; i++) buf_deinit(&history->states[i].value);
            free(history->states);
        }
    }
}

static void every_reader_keeps_the_state_it_was_made_at(void **state) {
    (void)state;
    static struct run run;
    for (uint64_t seed = test_seed(1), last = seed + test_scaled(150); seed < last; seed++) {
        seed_starts("every_reader_keeps_the_state_it_was_made_at", seed);
        run = (struct run){.io = sim_io_create_alone(seed)};
        prng_init(&run.prng, seed);
        draw_options(&run);
        open_engine(&run);
        create_trees(&run);
        uint64_t actions = 100 + prng_below(&run.prng, 600);
        for (uint64_t i = 0; i < actions && run.n < BATCHES_MAX - 1; i++) act(&run);
        reopen(&run);
        compare_all(&run, run.engine, run.n);
        run_end(&run);
        seed_passes();
    }
}

int main(void) {
    make_keys();
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_reader_keeps_the_state_it_was_made_at)};
    return seed_report(cmocka_run_group_tests_name("engine_history", tests, NULL, NULL),
                       "build/tests/property/engine_history_test");
}
