/* Sessions: what is kept in memory between two flushes, what becomes rows, and what a restart makes of both. The owner
 * here does in a few lines what the driver does: each entry is a batch, noted once it is written; the log is an array.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/names.h"
#include "raft/session.h"
#include "tests/harness/engine_lab.h"
#include "tools/sim/sim.h"
#include "tools/sim/sim_io.h"

enum { LOG_MAX = 20000, OPEN = 0 };

/* An entry: a session opens (serial OPEN), or writes. */
struct entry {
    uint64_t session, serial;
};

struct fixture {
    struct sim *sim;
    struct sim_disk *disk;
    struct io *io;
    struct engine_options options;
    struct engine *engine;
    struct sessions *sessions;
    size_t memory;
    uint64_t applied, last;
    unsigned effects; /* entries that were applied and no duplicates, since the last start */
    unsigned spills;
    struct entry log[LOG_MAX + 1];
};

static void open_all(struct fixture *fixture) {
    fixture->engine = lab_open(fixture->io, "db", &fixture->options);
    assert_int_equal(sessions_create(fixture->memory, &fixture->sessions), STATUS_OK);
    assert_int_equal(sessions_restore(fixture->sessions, fixture->engine), STATUS_OK);
    fixture->applied = engine_applied(fixture->engine).index;
    fixture->effects = 0;
    if (fixture->applied > 0) return;
    lab_create_tree(fixture->engine, TREE_SYSTEM, LAB_PLAIN);
    fixture->applied = 1;
}

static void close_all(struct fixture *fixture) {
    engine_close(fixture->engine);
    sessions_destroy(fixture->sessions);
}

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->sim = sim_create(5);
    fixture->disk = sim_disk_create(5);
    fixture->io = sim_io_create(fixture->sim, fixture->disk, NULL);
    fixture->options = lab_options();
    fixture->options.wal = ENGINE_WAL_OFF;
    fixture->options.owner_seals = true;
    fixture->options.memtable_bytes = 64 << 20;
    fixture->memory = 4 << 20;
    fixture->last = 1;
    open_all(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    close_all(fixture);
    io_destroy(fixture->io);
    sim_disk_destroy(fixture->disk);
    sim_destroy(fixture->sim);
    free(fixture);
    return 0;
}

static void write_replies(struct fixture *fixture, bool seal) {
    struct engine_batch batch;
    engine_batch_init(&batch);
    assert_int_equal(sessions_stage_replies(fixture->sessions, &batch), STATUS_OK);
    assert_int_equal(engine_amend(fixture->engine, &batch, seal), STATUS_OK);
    sessions_replies_written(fixture->sessions);
    engine_batch_deinit(&batch);
}

/* What a write is answered: every seventh more than is kept. */
static struct slice reply_of(uint64_t session, uint64_t serial, char text[SESSION_REPLY_MAX_BYTES + 16]) {
    const int size = snprintf(text, 64, "reply %llu to %llu", (unsigned long long)serial, (unsigned long long)session);
    if (serial % 7 != 0) return slice_make(text, (size_t)size);
    memset(text, 'x', SESSION_REPLY_MAX_BYTES + 1);
    return slice_make(text, SESSION_REPLY_MAX_BYTES + 1);
}

static void apply_entry(struct fixture *fixture, uint64_t index, const struct entry *entry) {
    char text[SESSION_REPLY_MAX_BYTES + 16];
    struct engine_batch batch;
    engine_batch_init(&batch);
    batch.mark.index = index;
    const bool opens = entry->serial == OPEN;
    const bool applies = !opens && sessions_judge(fixture->sessions, entry->session, entry->serial) == SESSION_APPLY;
    if (opens) assert_int_equal(sessions_stage_open(fixture->sessions, &batch, index, entry->session), STATUS_OK);
    if (!sessions_have_room(fixture->sessions)) {
        write_replies(fixture, false);
        fixture->spills++;
    }
    assert_int_equal(engine_write(fixture->engine, &batch, NULL), STATUS_OK);
    if (opens) sessions_opened(fixture->sessions, index, entry->session);
    if (applies) {
        sessions_note(fixture->sessions, entry->session, entry->serial, index,
                      reply_of(entry->session, entry->serial, text));
        fixture->effects++;
    }
    fixture->applied = index;
    engine_batch_deinit(&batch);
}

static uint64_t append(struct fixture *fixture, uint64_t session, uint64_t serial) {
    assert_true(fixture->last < LOG_MAX);
    fixture->log[++fixture->last] = (struct entry){session, serial};
    apply_entry(fixture, fixture->last, &fixture->log[fixture->last]);
    return fixture->last;
}

static void write_serials(struct fixture *fixture, uint64_t session, uint64_t from, uint64_t to) {
    for (uint64_t serial = from; serial <= to; serial++) append(fixture, session, serial);
}

static void cut(struct fixture *fixture) {
    write_replies(fixture, true);
    engine_log_durable(fixture->engine, fixture->applied);
    while (io_job_assist(fixture->io)) continue;
    assert_int_equal(engine_installed(fixture->engine).index, fixture->applied);
}

/* Memory is gone; what the last cut does not hold comes from the log. */
static void restart(struct fixture *fixture) {
    close_all(fixture);
    open_all(fixture);
    while (fixture->applied < fixture->last)
        apply_entry(fixture, fixture->applied + 1, &fixture->log[fixture->applied + 1]);
}

static enum status get(struct fixture *fixture, uint64_t session, uint64_t serial, uint64_t *index) {
    char text[SESSION_REPLY_MAX_BYTES + 16];
    struct buf reply = BUF_EMPTY;
    const enum status status =
        sessions_get_reply(fixture->sessions, fixture->engine, false, session, serial, &reply, index);
    if (status == STATUS_OK) assert_true(slice_equal(buf_slice(&reply), reply_of(session, serial, text)));
    buf_deinit(&reply);
    return status;
}

/* Every serial of 1..last: kept in the window, or too large for it, or out of it; with the index of its entry. */
static void expect_replies(struct fixture *fixture, uint64_t session, uint64_t last, uint64_t first_index) {
    for (uint64_t serial = 1; serial <= last; serial++) {
        uint64_t index = 0;
        const enum status status = get(fixture, session, serial, &index);
        if (last - serial >= SESSION_WINDOW)
            assert_int_equal(status, STATUS_NOT_FOUND);
        else if (serial % 7 == 0)
            assert_int_equal(status, STATUS_TOO_LARGE);
        else
            assert_int_equal(status, STATUS_OK);
        if (status == STATUS_OK) assert_int_equal(index, first_index + serial - 1);
        assert_int_equal(sessions_judge(fixture->sessions, session, serial), SESSION_DUPLICATE);
    }
    assert_int_equal(sessions_judge(fixture->sessions, session, last + 1), SESSION_APPLY);
    assert_int_equal(sessions_judge(fixture->sessions, session, last + 2), SESSION_GAP);
}

static uint64_t rows_in_memtable(struct fixture *fixture) {
    struct engine_stats stats;
    engine_get_stats(fixture->engine, &stats);
    return stats.sequence;
}

static void a_write_adds_no_row(void **state) {
    struct fixture *fixture = *state;
    const uint64_t session = append(fixture, 1, OPEN);
    const uint64_t before = rows_in_memtable(fixture);
    write_serials(fixture, session, 1, 50);
    assert_int_equal(rows_in_memtable(fixture), before);
    expect_replies(fixture, session, 50, session + 1);
}

static void what_was_noted_after_the_last_cut_comes_back_from_the_log(void **state) {
    struct fixture *fixture = *state;
    const uint64_t session = append(fixture, 1, OPEN);
    write_serials(fixture, session, 1, 20);
    cut(fixture);
    write_serials(fixture, session, 21, 30);
    restart(fixture);
    assert_int_equal(fixture->effects, 10);
    expect_replies(fixture, session, 30, session + 1);
    struct session_info info;
    assert_int_equal(sessions_find(fixture->sessions, session, &info), STATUS_OK);
    assert_int_equal(info.last_index, fixture->last);
    assert_int_equal(info.node, 1);
}

static void an_entry_sent_twice_is_applied_once_whatever_lies_between(void **state) {
    struct fixture *fixture = *state;
    const uint64_t session = append(fixture, 1, OPEN);
    /* The first before the cut, the second behind it, a restart between them or behind both. */
    write_serials(fixture, session, 1, 9);
    cut(fixture);
    write_serials(fixture, session, 5, 9);
    restart(fixture);
    assert_int_equal(fixture->effects, 0);
    /* Both behind the cut. */
    write_serials(fixture, session, 10, 12);
    restart(fixture);
    assert_int_equal(fixture->effects, 3);
    write_serials(fixture, session, 10, 12);
    assert_int_equal(fixture->effects, 3);
    restart(fixture);
    assert_int_equal(fixture->effects, 3);
    assert_int_equal(sessions_judge(fixture->sessions, session, 13), SESSION_APPLY);
}

static void the_window_has_the_same_edge_in_memory_and_in_rows(void **state) {
    struct fixture *fixture = *state;
    const uint64_t session = append(fixture, 1, OPEN), last = SESSION_WINDOW + 100;
    write_serials(fixture, session, 1, 50);
    cut(fixture);
    write_serials(fixture, session, 51, SESSION_WINDOW - 10);
    cut(fixture);
    write_serials(fixture, session, SESSION_WINDOW - 9, last);
    expect_replies(fixture, session, last, session + 1); /* of two cuts and of memory */
    restart(fixture);
    expect_replies(fixture, session, last, session + 1);
    cut(fixture);
    restart(fixture);
    expect_replies(fixture, session, last, session + 1);
}

static void a_cut_writes_what_is_in_the_window_and_no_more(void **state) {
    struct fixture *fixture = *state;
    const uint64_t session = append(fixture, 1, OPEN), before = rows_in_memtable(fixture);
    write_serials(fixture, session, 1, 2 * SESSION_WINDOW + 5);
    cut(fixture);
    assert_int_equal(rows_in_memtable(fixture) - before, SESSION_WINDOW);
    assert_int_equal(sessions_reply_bytes(fixture->sessions), 0);
    cut(fixture);
    assert_int_equal(rows_in_memtable(fixture) - before, SESSION_WINDOW); /* nothing twice */
    restart(fixture);
    expect_replies(fixture, session, 2 * SESSION_WINDOW + 5, session + 1);
}

static void full_memory_makes_rows_and_loses_nothing(void **state) {
    struct fixture *fixture = *state;
    close_all(fixture);
    fixture->memory = 2500;
    open_all(fixture);
    fixture->last = fixture->applied;
    const uint64_t one = append(fixture, 1, OPEN), two = append(fixture, 2, OPEN);
    write_serials(fixture, one, 1, 300);
    const uint64_t first_of_two = fixture->last + 1;
    write_serials(fixture, two, 1, 200);
    assert_true(fixture->spills > 4);
    assert_true(sessions_reply_bytes(fixture->sessions) <= 2500);
    expect_replies(fixture, one, 300, two + 1);
    expect_replies(fixture, two, 200, first_of_two);
    restart(fixture); /* rows without a seal are gone like all that was in memory */
    expect_replies(fixture, one, 300, two + 1);
    cut(fixture);
    restart(fixture);
    expect_replies(fixture, one, 300, two + 1);
    expect_replies(fixture, two, 200, first_of_two);
}

static void an_evicted_session_takes_its_replies_along(void **state) {
    struct fixture *fixture = *state;
    uint64_t ids[SESSIONS_MAX];
    for (unsigned i = 0; i < SESSIONS_MAX; i++) ids[i] = append(fixture, i + 1, OPEN);
    write_serials(fixture, ids[0], 1, 10);
    cut(fixture);
    write_serials(fixture, ids[0], 11, 15);
    for (unsigned i = 1; i < SESSIONS_MAX; i++) append(fixture, ids[i], 1); /* now the first is the oldest */
    const uint64_t newest = append(fixture, 1000, OPEN);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(sessions_count(fixture->sessions), SESSIONS_MAX);
        assert_int_equal(sessions_judge(fixture->sessions, ids[0], 16), SESSION_UNKNOWN);
        assert_int_equal(sessions_judge(fixture->sessions, ids[1], 1), SESSION_DUPLICATE);
        assert_int_equal(sessions_judge(fixture->sessions, newest, 1), SESSION_APPLY);
        uint64_t index;
        assert_int_equal(get(fixture, ids[0], 12, &index), STATUS_NOT_FOUND);
        assert_int_equal(get(fixture, ids[255], 1, &index), STATUS_OK);
        if (round == 1) cut(fixture);
        restart(fixture); /* CORRUPT if a reply had outlived its session */
    }
}

static void a_cut_while_an_opening_waits_holds_the_state_before_it(void **state) {
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < SESSIONS_MAX; i++) append(fixture, i + 1, OPEN);
    const uint64_t first = 2;
    write_serials(fixture, first, 1, 5);
    for (unsigned i = 1; i < SESSIONS_MAX; i++) append(fixture, first + i, 1);
    struct engine_batch waits; /* as one that the engine answered BUSY */
    engine_batch_init(&waits);
    assert_int_equal(sessions_stage_open(fixture->sessions, &waits, fixture->last + 1, 999), STATUS_OK);
    cut(fixture);
    engine_batch_deinit(&waits);
    restart(fixture);
    assert_int_equal(fixture->effects, 0);
    expect_replies(fixture, first, 5, first + SESSIONS_MAX);
}

static void what_is_restored_is_the_engines_and_no_memory_of_before(void **state) {
    struct fixture *fixture = *state;
    const uint64_t session = append(fixture, 1, OPEN);
    write_serials(fixture, session, 1, 5);
    cut(fixture);
    write_serials(fixture, session, 6, 9);
    char path[] = "copy";
    struct engine_mark mark;
    assert_int_equal(engine_checkpoint(fixture->engine, path, &mark, NULL), STATUS_OK);
    assert_int_equal(mark.index, fixture->last - 4);
    struct engine *copy = lab_open(fixture->io, path, &fixture->options); /* as an installed snapshot is */
    assert_int_equal(sessions_restore(fixture->sessions, copy), STATUS_OK);
    assert_int_equal(sessions_reply_bytes(fixture->sessions), 0);
    engine_close(fixture->engine);
    fixture->engine = copy;
    expect_replies(fixture, session, 5, session + 1);
}

/* One row less, one of another slot, one of no session. */
static void rows_that_contradict_each_other_are_corrupt(void **state) {
    struct fixture *fixture = *state;
    const uint64_t session = append(fixture, 1, OPEN), other = append(fixture, 2, OPEN);
    write_serials(fixture, session, 1, 9);
    write_serials(fixture, other, 1, 3);
    write_replies(fixture, false);
    const struct engine_iterator_options from = {.lower = slice_from_text("\x11"), .upper = slice_from_text("\x12")};
    struct engine_iterator *iterator;
    struct engine_batch batch;
    engine_batch_init(&batch);
    for (unsigned damage = 0; damage < 13; damage++) {
        assert_int_equal(engine_iterator_open(fixture->engine, TREE_SYSTEM, &from, &iterator), STATUS_OK);
        engine_iterator_seek_first(iterator);
        for (unsigned i = 0; i < damage % 12; i++) engine_iterator_next(iterator);
        assert_true(engine_iterator_valid(iterator));
        uint8_t key[13], moved[13], value[64];
        const struct slice row = engine_iterator_value(iterator);
        assert_int_equal(engine_iterator_key(iterator).size, sizeof key);
        memcpy(key, engine_iterator_key(iterator).data, sizeof key);
        memcpy(moved, key, sizeof key);
        memcpy(value, row.data, row.size);
        moved[damage == 12 ? 8 : 12] ^= 0x40;
        engine_batch_clear(&batch);
        assert_int_equal(engine_batch_delete(&batch, TREE_SYSTEM, slice_make(key, sizeof key)), STATUS_OK);
        if (damage % 2 == 0)
            assert_int_equal(engine_batch_put(&batch, TREE_SYSTEM, slice_make(moved, sizeof moved), row), STATUS_OK);
        assert_int_equal(engine_amend(fixture->engine, &batch, false), STATUS_OK);
        const size_t size = row.size;
        engine_iterator_close(iterator);
        const bool was_last = damage % 2 == 1 && (damage == 8 || damage == 11); /* fewer, but whole */
        assert_int_equal(sessions_restore(fixture->sessions, fixture->engine), was_last ? STATUS_OK : STATUS_CORRUPT);
        engine_batch_clear(&batch);
        assert_int_equal(engine_batch_delete(&batch, TREE_SYSTEM, slice_make(moved, sizeof moved)), STATUS_OK);
        assert_int_equal(engine_batch_put(&batch, TREE_SYSTEM, slice_make(key, sizeof key), slice_make(value, size)),
                         STATUS_OK);
        assert_int_equal(engine_amend(fixture->engine, &batch, false), STATUS_OK);
        assert_int_equal(sessions_restore(fixture->sessions, fixture->engine), STATUS_OK);
    }
    engine_batch_deinit(&batch);
}

int main(void) {
#define fact(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        fact(a_write_adds_no_row),
        fact(what_was_noted_after_the_last_cut_comes_back_from_the_log),
        fact(an_entry_sent_twice_is_applied_once_whatever_lies_between),
        fact(the_window_has_the_same_edge_in_memory_and_in_rows),
        fact(a_cut_writes_what_is_in_the_window_and_no_more),
        fact(full_memory_makes_rows_and_loses_nothing),
        fact(an_evicted_session_takes_its_replies_along),
        fact(a_cut_while_an_opening_waits_holds_the_state_before_it),
        fact(rows_that_contradict_each_other_are_corrupt),
        fact(what_is_restored_is_the_engines_and_no_memory_of_before),
    };
#undef fact
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
