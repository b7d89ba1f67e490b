/* Tables that are mapped (engine_options.map_tables): what the cache keeps then, how long a mapping lives, damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/engine_lab.h"

enum { TREE = 1, KIND = 1, ROWS = 2000, VALUE_BYTES = 100 };

struct fixture {
    struct lab_store lab;
    struct engine_tree_kind kind;
};

static int set_up(void **state) {
    static struct fixture fixture;
    lab_store_init(&fixture.lab, 3);
    fixture.kind = (struct engine_tree_kind){.id = KIND, .name = "rows", .filter_bits_per_key = 10};
    fixture.lab.options.kinds = &fixture.kind;
    fixture.lab.options.kind_count = 1;
    fixture.lab.options.map_tables = true;
    fixture.lab.options.memtable_bytes = 1 << 20;
    fixture.lab.options.file_bytes = 64 << 10;
    fixture.lab.options.block_bytes = 4 << 10;
    fixture.lab.options.cache_bytes = 64 << 10; /* a quarter of the rows, but all views of their blocks */
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    lab_store_deinit(&fixture->lab);
    return 0;
}

static const char *row_value(unsigned row, unsigned round, char text[VALUE_BYTES + 1]) {
    snprintf(text, VALUE_BYTES + 1, "%0*u of round %u", VALUE_BYTES - 20, row, round);
    return text;
}

static void fill(struct fixture *fixture, unsigned round) {
    for (unsigned row = 0; row < ROWS; row++) {
        char key[16], text[VALUE_BYTES + 1];
        snprintf(key, sizeof key, "row%05u", row);
        lab_put(fixture->lab.engine, TREE, key, row_value(row, round, text));
    }
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    assert_int_equal(engine_compact(fixture->lab.engine), STATUS_OK);
}

static void begin(struct fixture *fixture) {
    lab_store_open(&fixture->lab);
    lab_create_tree(fixture->lab.engine, TREE, KIND);
    fill(fixture, 1);
}

static void expect_rows(struct fixture *fixture, unsigned round) {
    for (unsigned i = 0; i < ROWS; i++) {
        char key[16], text[VALUE_BYTES + 1];
        const unsigned row = i * 7 % ROWS; /* from block to block */
        snprintf(key, sizeof key, "row%05u", row);
        lab_expect(fixture->lab.engine, NULL, TREE, key, row_value(row, round, text));
    }
}

static uint64_t misses(const struct fixture *fixture) {
    struct engine_stats stats;
    engine_get_stats(fixture->lab.engine, &stats);
    return stats.cache_misses;
}

/* Of a second pass over all rows. */
static uint64_t misses_again(struct fixture *fixture) {
    expect_rows(fixture, 1);
    const uint64_t before = misses(fixture);
    expect_rows(fixture, 1);
    return misses(fixture) - before;
}

static void the_cache_keeps_views_not_bytes(void **state) {
    struct fixture *fixture = *state;
    begin(fixture);
    assert_int_equal(misses_again(fixture), 0);
    fixture->lab.options.map_tables = false;
    lab_store_reopen(&fixture->lab);
    assert_true(misses_again(fixture) > 20);
}

static void compressed_tables_are_read(void **state) {
    struct fixture *fixture = *state;
    fixture->kind.upper = fixture->kind.bottom = ENGINE_COMPRESSION_LZ4;
    fixture->lab.options.cache_bytes = 1 << 10;
    begin(fixture);
    assert_true(misses_again(fixture) > 20);
}

/* What is pinned stays as it is when its table is merged away and closed. */
static void a_pinned_value_keeps_its_table_mapped(void **state) {
    struct fixture *fixture = *state;
    char text[VALUE_BYTES + 1];
    struct engine_value value;
    begin(fixture);
    assert_int_equal(engine_get(fixture->lab.engine, NULL, TREE, slice_from_text("row01234"), &value), STATUS_OK);
    fill(fixture, 2);
    expect_rows(fixture, 2);
    assert_true(slice_equal(value.data, slice_from_text(row_value(1234, 1, text))));
    engine_value_release(&value);
}

static void many_keys_come_together(void **state) {
    enum { MANY = 64 };
    struct fixture *fixture = *state;
    static char keys[MANY][16];
    struct slice wanted[MANY];
    struct engine_value values[MANY];
    enum status statuses[MANY];
    begin(fixture);
    lab_store_reopen(&fixture->lab);
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(keys[i], sizeof keys[i], "row%05u", i * (ROWS / MANY));
        wanted[i] = slice_from_text(keys[i]);
    }
    assert_int_equal(engine_get_many(fixture->lab.engine, NULL, TREE, wanted, MANY, values, statuses), STATUS_OK);
    for (unsigned i = 0; i < MANY; i++) {
        char text[VALUE_BYTES + 1];
        assert_int_equal(statuses[i], STATUS_OK);
        assert_true(slice_equal(values[i].data, slice_from_text(row_value(i * (ROWS / MANY), 1, text))));
        engine_value_release(&values[i]);
    }
}

static void find_table(void *context, const char *path, uint64_t size) {
    (void)size;
    if (strstr(path, ".sst")) snprintf(context, IO_PATH_BYTES, "%s", path);
}

static void damage_is_told_when_the_block_is_met(void **state) {
    struct fixture *fixture = *state;
    char path[IO_PATH_BYTES] = "";
    struct engine_value value;
    struct error error;
    begin(fixture);
    engine_close(fixture->lab.engine);
    sim_disk_walk(fixture->lab.disk, find_table, path);
    assert_int_equal(sim_disk_damage(fixture->lab.disk, path, 10000, SIM_DAMAGE_FLIP), STATUS_OK);
    lab_store_open(&fixture->lab);
    unsigned damaged = 0;
    for (unsigned row = 0; row < ROWS; row++) {
        char key[16];
        snprintf(key, sizeof key, "row%05u", row);
        const enum status status = engine_get(fixture->lab.engine, NULL, TREE, slice_from_text(key), &value);
        if (status == STATUS_OK) engine_value_release(&value);
        assert_true(status == STATUS_OK || status == STATUS_CORRUPT);
        damaged += status == STATUS_CORRUPT;
    }
    assert_in_range(damaged, 10, 60);
    engine_last_error(fixture->lab.engine, &error);
    assert_non_null(strstr(error.text, strrchr(path, '/')));
    assert_non_null(strstr(error.text, "data block 2"));
}

int main(void) {
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {FACT(the_cache_keeps_views_not_bytes), FACT(compressed_tables_are_read),
                                       FACT(a_pinned_value_keeps_its_table_mapped), FACT(many_keys_come_together),
                                       FACT(damage_is_told_when_the_block_is_met)};
    return cmocka_run_group_tests_name("mapped tables", tests, NULL, NULL);
}
