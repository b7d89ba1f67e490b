/*
 * Several transactions at a time in one thread, interleaved by a seed, beside single writes, flushes, compactions and
 * trees that are made anew; against a model of snapshot isolation that is exact both ways: every read answers the state
 * at the beginning with own writes over it, and a commit conflicts if and only if a key that it wrote or locked was
 * written since. So nothing is lost, nothing uncommitted is read, nothing read changes, and nothing is aborted for
 * nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/txn.h"
#include "tests/harness/engine_lab.h"
#include "tests/harness/seeds.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim.h"
#include "tools/sim/sim_io.h"

enum { TREES = 2, KEYS = 24, VALUE_BYTES = 48, SLOTS = 5, SAVES = 3, STEPS = 1500, SEEDS = 40, ABSENT = -1 };

struct value {
    int size; /* ABSENT */
    char text[VALUE_BYTES];
};

struct state {
    struct value values[TREES][KEYS];
};

/* Which keys, of which trees. */
struct keys {
    bool has[TREES][KEYS];
};

struct slot {
    struct engine_txn *txn;
    uint64_t begin; /* commits before it */
    struct state begun, state;
    struct keys wrote, locked;
    bool used[TREES];
    unsigned saves;
    uint32_t numbers[SAVES];
    struct state saved[SAVES];
    struct keys saved_wrote[SAVES];
};

struct run {
    struct prng prng;
    struct sim *sim;
    struct sim_disk *disk;
    struct io *io;
    struct engine_options options;
    struct engine *engine;
    struct state state;
    uint64_t commits;
    uint64_t written[TREES][KEYS]; /* by which commit, the last one */
    uint64_t made[TREES];          /* the tree, by which commit */
    struct slot slots[SLOTS];
    uint64_t committed, conflicts;
};

static const uint32_t kinds[TREES] = {LAB_PLAIN, LAB_SUM};

static unsigned below(struct run *run, unsigned limit) {
    return (unsigned)prng_below(&run->prng, limit);
}

static struct slice key_text(unsigned key, char to[8]) {
    snprintf(to, 8, "k%02u", key);
    return slice_from_text(to);
}

/* ---- Writes, of a transaction or a batch ------------------------------------------------------------------------- */

enum action { PUT, DELETE, DELETE_RANGE, MERGE, APPEND };

struct write {
    enum action action;
    unsigned tree, key, end; /* end KEYS: to the end */
    char text[16];
};

static struct write draw_write(struct run *run) {
    struct write write = {.tree = below(run, TREES), .key = below(run, KEYS)};
    const unsigned dice = below(run, 20);
    write.end = write.key + 1 + below(run, 4);
    if (write.end > KEYS || below(run, 8) == 0) write.end = KEYS;
    write.action = dice < 9 ? PUT : dice < 12 ? DELETE : dice < 14 ? DELETE_RANGE : write.tree ? MERGE : APPEND;
    snprintf(write.text, sizeof write.text, "%u", below(run, 1000));
    return write;
}

static void set(struct value *value, const char *text) {
    value->size = snprintf(value->text, sizeof value->text, "%s", text);
}

static void apply(struct state *state, struct keys *wrote, const struct write *write) {
    struct value *value = &state->values[write->tree][write->key];
    char text[VALUE_BYTES];
    wrote->has[write->tree][write->key] = true;
    switch (write->action) {
    case PUT: set(value, write->text); break;
    case DELETE: value->size = ABSENT; break;
    case MERGE:
        snprintf(text, sizeof text, "%lld",
                 (value->size == ABSENT ? 0 : strtoll(value->text, NULL, 10)) + strtoll(write->text, NULL, 10));
        set(value, text);
        break;
    case APPEND:
        snprintf(text, sizeof text, "%.*s%s", value->size == ABSENT ? 0 : value->size, value->text, write->text);
        set(value, text);
        break;
    default:
        for (unsigned key = write->key; key < write->end; key++) {
            state->values[write->tree][key].size = ABSENT;
            wrote->has[write->tree][key] = true;
        }
    }
}

/* An append that the model has no room for is a put. */
static void fit(const struct state *state, struct write *write) {
    if (write->action == APPEND && state->values[write->tree][write->key].size > VALUE_BYTES - 8) write->action = PUT;
}

static enum status put_in_txn(struct engine_txn *txn, const struct write *write) {
    char from[8], to[8];
    const uint32_t tree = write->tree + 1;
    const struct slice key = key_text(write->key, from), text = slice_from_text(write->text);
    switch (write->action) {
    case PUT: return engine_txn_put(txn, tree, key, text);
    case DELETE: return engine_txn_delete(txn, tree, key);
    case MERGE: return engine_txn_merge(txn, tree, key, text);
    case APPEND: return engine_txn_append(txn, tree, key, text);
    default:
        return engine_txn_delete_range(txn, tree, key,
                                       write->end == KEYS ? slice_from_text("") : key_text(write->end, to));
    }
}

static enum status put_in_batch(struct engine_batch *batch, const struct write *write) {
    char from[8], to[8];
    const uint32_t tree = write->tree + 1;
    const struct slice key = key_text(write->key, from), text = slice_from_text(write->text);
    switch (write->action) {
    case PUT: return engine_batch_put(batch, tree, key, text);
    case DELETE: return engine_batch_delete(batch, tree, key);
    case MERGE: return engine_batch_merge(batch, tree, key, text);
    case APPEND: return engine_batch_append(batch, tree, key, text);
    default:
        return engine_batch_delete_range(batch, tree, key,
                                         write->end == KEYS ? slice_from_text("") : key_text(write->end, to));
    }
}

/* ---- Reads ------------------------------------------------------------------------------------------------------- */

static void check_value(const struct value *expected, enum status status, const struct engine_value *got,
                        const char *where) {
    if (status != (expected->size == ABSENT ? STATUS_NOT_FOUND : STATUS_OK))
        fail_msg("%s: %s, expected \"%.*s\"", where, status_name(status), expected->size > 0 ? expected->size : 0,
                 expected->text);
    if (status == STATUS_OK && !slice_equal(got->data, slice_make(expected->text, (size_t)expected->size)))
        fail_msg("%s: \"%.*s\", expected \"%.*s\"", where, (int)got->data.size, (const char *)got->data.data,
                 expected->size, expected->text);
}

static void check_get(struct run *run, struct slot *slot) {
    char text[8];
    struct engine_value value;
    const unsigned tree = below(run, TREES), key = below(run, KEYS);
    const bool lock = below(run, 4) == 0;
    enum status status;
    if (lock) {
        status = engine_txn_get_for_update(slot->txn, tree + 1, key_text(key, text), &value);
        slot->locked.has[tree][key] = slot->used[tree] = true;
    } else {
        status = engine_txn_get(slot->txn, tree + 1, key_text(key, text), &value);
    }
    check_value(&slot->state.values[tree][key], status, &value, "get");
    if (status == STATUS_OK) engine_value_release(&value);
}

static void check_get_many(struct run *run, struct slot *slot) {
    enum { MANY = 6 };
    char texts[MANY][8];
    struct slice keys[MANY];
    unsigned numbers[MANY];
    struct engine_value values[MANY];
    enum status statuses[MANY];
    const unsigned tree = below(run, TREES);
    for (unsigned i = 0; i < MANY; i++) keys[i] = key_text(numbers[i] = below(run, KEYS), texts[i]);
    assert_int_equal(engine_txn_get_many(slot->txn, tree + 1, keys, MANY, values, statuses), STATUS_OK);
    for (unsigned i = 0; i < MANY; i++) {
        check_value(&slot->state.values[tree][numbers[i]], statuses[i], &values[i], "get_many");
        if (statuses[i] == STATUS_OK) engine_value_release(&values[i]);
    }
}

static void check_shown(const struct state *state, unsigned tree, unsigned key, struct engine_iterator *iterator,
                        const char *where) {
    char text[8];
    if (!engine_iterator_valid(iterator))
        fail_msg("%s: ends before k%02u (%s)", where, key, status_name(engine_iterator_status(iterator)));
    const struct slice got = engine_iterator_key(iterator);
    if (!slice_equal(got, key_text(key, text)))
        fail_msg("%s: shows %.*s, expected k%02u", where, (int)got.size, (const char *)got.data, key);
    const struct engine_value value = {.data = engine_iterator_value(iterator)};
    check_value(&state->values[tree][key], STATUS_OK, &value, where);
}

static void check_ended(struct engine_iterator *iterator, const char *where) {
    if (engine_iterator_valid(iterator)) fail_msg("%s: goes on behind the last key", where);
    assert_int_equal(engine_iterator_status(iterator), STATUS_OK);
}

/* Every key of [from, to), forward and backward, with a turn on the way. */
static void check_scan(struct run *run, struct slot *slot) {
    char lower[8], upper[8];
    struct engine_iterator *iterator;
    const unsigned tree = below(run, TREES), from = below(run, KEYS), to = from + 1 + below(run, KEYS - from);
    const struct engine_iterator_options options = {.lower = key_text(from, lower), .upper = key_text(to, upper)};
    assert_int_equal(engine_txn_iterator_open(slot->txn, tree + 1, &options, &iterator), STATUS_OK);
    engine_iterator_seek_first(iterator);
    for (unsigned key = from; key < to; key++) {
        if (slot->state.values[tree][key].size == ABSENT) continue;
        check_shown(&slot->state, tree, key, iterator, "forward");
        if (below(run, 6) == 0) { /* a step back and forth again */
            engine_iterator_prev(iterator);
            if (engine_iterator_valid(iterator))
                engine_iterator_next(iterator);
            else
                engine_iterator_seek_first(iterator);
            check_shown(&slot->state, tree, key, iterator, "turned");
        }
        engine_iterator_next(iterator);
    }
    check_ended(iterator, "forward");
    engine_iterator_seek_last(iterator);
    for (unsigned key = to; key-- > from;) {
        if (slot->state.values[tree][key].size == ABSENT) continue;
        check_shown(&slot->state, tree, key, iterator, "backward");
        engine_iterator_prev(iterator);
    }
    check_ended(iterator, "backward");
    engine_iterator_close(iterator);
}

/* ---- Steps ------------------------------------------------------------------------------------------------------- */

static void begin(struct run *run, struct slot *slot) {
    struct engine_txn *txn = slot->txn;
    if (txn)
        assert_int_equal(engine_txn_restart(txn), STATUS_OK);
    else
        assert_int_equal(engine_txn_begin(run->engine, NULL, &txn), STATUS_OK);
    *slot = (struct slot){.txn = txn, .begin = run->commits, .begun = run->state, .state = run->state};
}

static bool must_conflict(const struct run *run, const struct slot *slot) {
    for (unsigned tree = 0; tree < TREES; tree++) {
        if (slot->used[tree] && run->made[tree] > slot->begin) return true;
        for (unsigned key = 0; key < KEYS; key++)
            if ((slot->wrote.has[tree][key] || slot->locked.has[tree][key]) && run->written[tree][key] > slot->begin)
                return true;
    }
    return false;
}

static void note_commit(struct run *run, const struct keys *wrote) {
    run->commits++;
    for (unsigned tree = 0; tree < TREES; tree++)
        for (unsigned key = 0; key < KEYS; key++)
            if (wrote->has[tree][key]) run->written[tree][key] = run->commits;
}

/* What is told is a key that was written by both. */
static void check_conflict(const struct run *run, const struct slot *slot) {
    struct engine_txn_conflict conflict;
    engine_txn_get_conflict(slot->txn, &conflict);
    assert_in_range(conflict.tree, 1, TREES);
    const unsigned tree = conflict.tree - 1;
    if (conflict.tree_is_gone) {
        assert_true(run->made[tree] > slot->begin);
        return;
    }
    char text[8] = {0};
    assert_int_equal(conflict.key.size, 3);
    memcpy(text, conflict.key.data, 3);
    const unsigned key = (unsigned)strtoul(text + 1, NULL, 10);
    assert_true(key < KEYS && run->written[tree][key] > slot->begin);
    assert_true(slot->wrote.has[tree][key] || slot->locked.has[tree][key]);
}

static void commit(struct run *run, struct slot *slot) {
    const bool conflicts = must_conflict(run, slot);
    const struct engine_write_options options = {.sync = below(run, 2) == 0};
    const enum status status = engine_txn_commit(slot->txn, &options);
    if (status != (conflicts ? STATUS_CONFLICT : STATUS_OK))
        fail_msg("commit: %s, expected %s", status_name(status), conflicts ? "a conflict" : "none");
    if (conflicts) {
        check_conflict(run, slot);
        run->conflicts++;
    } else {
        for (unsigned tree = 0; tree < TREES; tree++)
            for (unsigned key = 0; key < KEYS; key++)
                if (slot->wrote.has[tree][key]) run->state.values[tree][key] = slot->state.values[tree][key];
        note_commit(run, &slot->wrote);
        run->committed++;
    }
    begin(run, slot);
}

static void write_in_slot(struct run *run, struct slot *slot) {
    struct write write = draw_write(run);
    fit(&slot->state, &write);
    assert_int_equal(put_in_txn(slot->txn, &write), STATUS_OK);
    apply(&slot->state, &slot->wrote, &write);
    slot->used[write.tree] = true;
}

static void lock_range(struct run *run, struct slot *slot) {
    char from[8], to[8];
    const struct write write = draw_write(run);
    assert_int_equal(engine_txn_lock_range(slot->txn, write.tree + 1, key_text(write.key, from),
                                           write.end == KEYS ? slice_from_text("") : key_text(write.end, to)),
                     STATUS_OK);
    for (unsigned key = write.key; key < write.end; key++) slot->locked.has[write.tree][key] = true;
    slot->used[write.tree] = true;
}

static void save_or_roll_back(struct run *run, struct slot *slot) {
    if (slot->saves < SAVES && below(run, 2)) {
        assert_int_equal(engine_txn_save(slot->txn, &slot->numbers[slot->saves]), STATUS_OK);
        slot->saved[slot->saves] = slot->state;
        slot->saved_wrote[slot->saves++] = slot->wrote;
    } else if (slot->saves > 0) {
        const unsigned to = below(run, slot->saves);
        assert_int_equal(engine_txn_rollback(slot->txn, slot->numbers[to]), STATUS_OK);
        slot->state = slot->saved[to];
        slot->wrote = slot->saved_wrote[to];
        slot->saves = to + 1;
    }
}

static void write_outside(struct run *run) {
    struct engine_batch batch;
    struct keys wrote = {0};
    engine_batch_init(&batch);
    for (unsigned i = 1 + below(run, 3); i > 0; i--) {
        struct write write = draw_write(run);
        fit(&run->state, &write);
        assert_int_equal(put_in_batch(&batch, &write), STATUS_OK);
        apply(&run->state, &wrote, &write);
    }
    assert_int_equal(engine_write(run->engine, &batch, NULL), STATUS_OK);
    engine_batch_deinit(&batch);
    note_commit(run, &wrote);
}

static void make_tree_anew(struct run *run) {
    struct engine_batch batch;
    const unsigned tree = below(run, TREES);
    engine_batch_init(&batch);
    assert_int_equal(engine_batch_drop_tree(&batch, tree + 1), STATUS_OK);
    assert_int_equal(engine_batch_create_tree(&batch, tree + 1, kinds[tree]), STATUS_OK);
    assert_int_equal(engine_write(run->engine, &batch, NULL), STATUS_OK);
    engine_batch_deinit(&batch);
    run->made[tree] = ++run->commits;
    for (unsigned key = 0; key < KEYS; key++) run->state.values[tree][key].size = ABSENT;
}

static void step(struct run *run) {
    struct slot *slot = &run->slots[below(run, SLOTS)];
    const unsigned dice = below(run, 1000);
    if (dice < 300)
        write_in_slot(run, slot);
    else if (dice < 420)
        check_get(run, slot);
    else if (dice < 470)
        check_get_many(run, slot);
    else if (dice < 620)
        check_scan(run, slot);
    else if (dice < 640)
        lock_range(run, slot);
    else if (dice < 700)
        save_or_roll_back(run, slot);
    else if (dice < 820)
        commit(run, slot);
    else if (dice < 850)
        begin(run, slot);
    else if (dice < 900)
        write_outside(run);
    else if (dice < 908)
        make_tree_anew(run);
    else if (dice < 930)
        assert_int_equal(engine_flush(run->engine), STATUS_OK);
    else if (dice < 940)
        assert_int_equal(engine_compact(run->engine), STATUS_OK);
    else
        (void)io_job_assist(run->io);
}

static void check_committed(struct run *run) {
    char text[8];
    struct engine_value value;
    for (unsigned tree = 0; tree < TREES; tree++) {
        for (unsigned key = 0; key < KEYS; key++) {
            const enum status status = engine_get(run->engine, NULL, tree + 1, key_text(key, text), &value);
            check_value(&run->state.values[tree][key], status, &value, "committed");
            if (status == STATUS_OK) engine_value_release(&value);
        }
    }
}

static void open_store(struct run *run) {
    run->engine = lab_open(run->io, "db", &run->options);
}

static void close_store(struct run *run) {
    for (unsigned i = 0; i < SLOTS; i++) engine_txn_end(run->slots[i].txn);
    memset(run->slots, 0, sizeof run->slots);
    engine_close(run->engine);
}

static void run_seed(uint64_t seed, uint64_t *committed, uint64_t *conflicts) {
    struct run *run = calloc(1, sizeof *run);
    prng_init(&run->prng, seed);
    run->sim = sim_create(seed);
    run->disk = sim_disk_create(seed);
    run->io = sim_io_create(run->sim, run->disk, NULL);
    run->options = lab_options();
    if (seed % 2) run->options.memtable_bytes = 4 << 10; /* memtables come and go */
    open_store(run);
    for (unsigned tree = 0; tree < TREES; tree++) {
        lab_create_tree(run->engine, tree + 1, kinds[tree]);
        for (unsigned key = 0; key < KEYS; key++) run->state.values[tree][key].size = ABSENT;
    }
    for (unsigned i = 0; i < SLOTS; i++) begin(run, &run->slots[i]);
    for (unsigned i = 0; i < STEPS; i++) step(run);
    check_committed(run);
    close_store(run);
    open_store(run);
    check_committed(run);
    close_store(run);
    *committed += run->committed;
    *conflicts += run->conflicts;
    io_destroy(run->io);
    sim_disk_destroy(run->disk);
    sim_destroy(run->sim);
    free(run);
}

static void interleaved_transactions_are_isolated_as_snapshots(void **state) {
    (void)state;
    uint64_t committed = 0, conflicts = 0;
    const uint64_t first = test_seed(1), count = test_scaled(SEEDS);
    for (uint64_t seed = first; seed < first + count; seed++) {
        seed_starts("interleaved_transactions_are_isolated_as_snapshots", seed);
        run_seed(seed, &committed, &conflicts);
        seed_passes();
    }
    printf("%llu commits, %llu conflicts\n", (unsigned long long)committed, (unsigned long long)conflicts);
    assert_true(committed > count && conflicts > count);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(interleaved_transactions_are_isolated_as_snapshots)};
    return seed_report(cmocka_run_group_tests_name("engine_txn", tests, NULL, NULL),
                       "build/tests/property/engine_txn_test");
}
