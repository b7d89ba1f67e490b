/* `loam simulate compaction` without a terminal: what a replay reckons is what the engine does with the same writes,
 * and the same again whenever it is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "tests/harness/temp_dir.h"
#include "tools/loam/simulate/compaction.h"
#include "tools/loam/simulate/write_sources.h"

enum { ENTRIES = 40000, VALUE_BYTES = 100, CAPACITY = 512 << 20, LAZY = 0, LEVELED, TIERED, FIFO, POLICIES };
static const char *const small[SETTINGS] = {
    [SETTING_MEMTABLE] = "256k", [SETTING_LEVEL_BASE] = "256k", [SETTING_FILE] = "128k"};

struct run {
    struct workload_source workload;
    struct compaction_report report;
};

static void begin(struct run *run, const char *names, const char *const lists[SETTINGS]) {
    struct error error = {.status = STATUS_OK};
    *run = (struct run){.report = {.source = names, .sample = 1}};
    assert_true(workload_source_init(&run->workload, names, ENTRIES, VALUE_BYTES, 1));
    struct compaction_report *report = &run->report;
    report->plan = (struct replay_plan){
        .source = &run->workload.source,
        .totals = &report->totals,
        .device = {.read_ns = 80000, .write_ns = 20000, .sync_ns = 1000000, .bytes_per_second = 200 << 20},
        .capacity_bytes = CAPACITY};
    assert_int_equal(configurations_multiply(&report->configurations, lists, &error), STATUS_OK);
    configurations_name(&report->configurations);
    report->results = calloc(report->configurations.count, sizeof *report->results);
    assert_int_equal(write_totals_count(&report->totals, report->plan.source), STATUS_OK);
    if (write_totals_measure(&report->totals, report->plan.source, CAPACITY, NULL, &error) != STATUS_OK)
        fail_msg("%s", error.text);
}

static void run_all(struct run *run) {
    struct compaction_report *report = &run->report;
    for (size_t i = 0; i < report->configurations.count; i++) {
        replay_run(&report->plan, &report->configurations.items[i], NULL, &report->results[i]);
        if (report->results[i].status != STATUS_OK) fail_msg("%s", report->results[i].error.text);
    }
}

static void end(struct run *run) {
    free(run->report.results);
}

static struct run *make_run(void) {
    struct run *run = calloc(1, sizeof *run);
    assert_non_null(run);
    return run;
}

/* ---- Facts about policies ---------------------------------------------------------------------------------------- */

static void policies_differ_as_they_must_on_random_overwrites(void **state) {
    (void)state;
    struct run *run = make_run();
    begin(run, "fillrandom,overwrite,overwrite", small);
    run_all(run);
    const struct replay_result *results = run->report.results;
    assert_true(replay_write_amplification(&results[LEVELED]) > replay_write_amplification(&results[LAZY]));
    assert_true(replay_write_amplification(&results[LAZY]) > replay_write_amplification(&results[TIERED]));
    assert_true(replay_write_amplification(&results[TIERED]) > replay_write_amplification(&results[FIFO]));
    assert_true(replay_space_amplification(&results[TIERED], &run->report.totals) >
                replay_space_amplification(&results[LAZY], &run->report.totals));
    assert_int_equal(results[FIFO].compacted_bytes, 0);
    assert_true(results[FIFO].rest.reads.seek_runs > results[LAZY].rest.reads.seek_runs);
    assert_true(results[FIFO].mean.seek_runs > results[LEVELED].mean.seek_runs);
    for (unsigned i = 0; i < POLICIES; i++) {
        assert_int_equal(results[i].bytes, 3 * ENTRIES * (VALUE_BYTES + WORKLOAD_KEY_BYTES));
        assert_true(results[i].files_most >= results[i].rest.files);
        assert_true(results[i].rest.reads.get_blocks >= 0.9); /* most keys are there, each in a table */
        assert_int_equal(results[i].rest.written_bytes, results[i].flushed_bytes + results[i].compacted_bytes);
        assert_int_equal(results[i].point_count, TOTALS_POINTS);
        for (unsigned at = 1; at < TOTALS_POINTS; at++) {
            assert_true(results[i].points[at].at_ns > results[i].points[at - 1].at_ns);
            assert_true(results[i].points[at].written_bytes >= results[i].points[at - 1].written_bytes);
        }
        assert_int_equal(results[i].points[TOTALS_POINTS - 1].bytes, results[i].bytes);
    }
    end(run);
    free(run);
}

static void the_same_writes_and_options_give_the_same_figures(void **state) {
    (void)state;
    struct out out[2] = {{.status = STATUS_OK}, {.status = STATUS_OK}};
    for (unsigned i = 0; i < 2; i++) {
        struct run *run = make_run();
        begin(run, "fillrandom,overwritehot,deleterandom", small);
        run_all(run);
        compaction_json(&out[i], &run->report);
        compaction_text(&out[i], &run->report);
        assert_int_equal(out[i].status, STATUS_OK);
        end(run);
        free(run);
    }
    assert_true(out[0].text.size > 10000);
    assert_true(slice_equal(buf_slice(&out[0].text), buf_slice(&out[1].text)));
    for (unsigned i = 0; i < 2; i++) buf_deinit(&out[i].text);
}

static void filters_spare_gets_of_absent_keys_their_blocks(void **state) {
    (void)state;
    const char *lists[SETTINGS];
    memcpy(lists, small, sizeof lists);
    lists[SETTING_POLICY] = "tiered";
    lists[SETTING_FILTER_BITS] = "0,10";
    struct run *run = make_run();
    begin(run, "fillrandom,overwrite", lists);
    run_all(run);
    assert_true(run->report.results[0].mean.absent_blocks > 2);
    assert_true(run->report.results[1].mean.absent_blocks < 0.5);
    assert_true(run->report.results[0].mean.get_blocks > run->report.results[1].mean.get_blocks);
    end(run);
    free(run);
}

/* ---- Beside a real run ------------------------------------------------------------------------------------------- */

static void wait_for_merges(struct io *io, struct engine *engine, struct engine_stats *stats) {
    for (;;) {
        engine_get_stats(engine, stats);
        if (stats->debt_bytes == 0 && stats->memtable_count <= 1) return;
        io_sleep(io, 500000);
    }
}

/* The same writes, given to an engine on this machine's disk, whose jobs are threads. The writer waits for them
 * whenever a memtable is flushed: how far they fall behind would depend on the machine. */
static void run_for_real(struct run *run, const struct configuration *configuration, struct engine_stats *stats) {
    struct io *io = NULL;
    struct error error;
    struct engine_options options;
    struct engine_tree_kind kind;
    struct engine *engine;
    struct engine_batch batch;
    struct write_op op;
    uint64_t index = 0;
    static uint8_t value[VALUE_BYTES];
    struct prng prng;
    prng_init(&prng, 3);
    assert_int_equal(io_create(&(struct io_options){.backend = IO_BACKEND_POSIX}, &io, &error), STATUS_OK);
    char dir[TEMP_DIR_BYTES];
    temp_dir_make(dir, "replay");
    configuration_apply(configuration, &options, &kind);
    kind.id = 1;
    kind.name = "k";
    options.kinds = &kind;
    options.kind_count = 1;
    options.wal = ENGINE_WAL_OFF;
    if (engine_open(io, dir, &options, &engine, &error) != STATUS_OK) fail_msg("%s", error.text);
    engine_log_durable(engine, UINT64_MAX);
    engine_batch_init(&batch);
    run->workload.source.rewind(&run->workload.source);
    while (run->workload.source.next(&run->workload.source, &op) == STATUS_OK) {
        engine_batch_clear(&batch);
        if (index == 0) assert_int_equal(engine_batch_create_tree(&batch, op.tree, 1), STATUS_OK);
        prng_fill(&prng, value, sizeof value);
        assert_int_equal(engine_batch_put(&batch, op.tree, op.key, slice_make(value, sizeof value)), STATUS_OK);
        batch.mark = (struct engine_mark){.index = ++index, .term = 1};
        assert_int_equal(engine_write(engine, &batch, NULL), STATUS_OK);
        if (index % 100 == 0) wait_for_merges(io, engine, stats);
    }
    assert_int_equal(engine_flush(engine), STATUS_OK);
    wait_for_merges(io, engine, stats);
    engine_batch_deinit(&batch);
    engine_close(engine);
    temp_dir_remove(io, dir);
    io_destroy(io);
}

static void near(double a, double b, double share) {
    if (a < b * (1 - share) || a > b * (1 + share)) fail_msg("%f is not within %.0f %% of %f", a, share * 100, b);
}

static void figures_are_those_of_an_engine_on_a_real_disk(void **state) {
    (void)state;
    const char *lists[SETTINGS];
    memcpy(lists, small, sizeof lists);
    lists[SETTING_POLICY] = "leveled,tiered,fifo";
    struct run *run = make_run();
    begin(run, "fillrandom,overwrite", lists);
    run->report.plan.pace = REPLAY_RATE; /* so slow that merges keep up, here as there */
    run->report.plan.rate = 20000;
    run_all(run);
    for (size_t i = 0; i < run->report.configurations.count; i++) {
        const struct replay_result *result = &run->report.results[i];
        struct engine_stats stats;
        run_for_real(run, &run->report.configurations.items[i], &stats);
        near((double)result->flushed_bytes, (double)stats.flushed_bytes, 0.02);
        near((double)result->rest.disk_bytes, (double)stats.disk_bytes, 0.05);
        near((double)(result->flushed_bytes + result->compacted_bytes),
             (double)(stats.flushed_bytes + stats.compacted_written_bytes), 0.05);
    }
    end(run);
    free(run);
}

/* ---- Reckoning --------------------------------------------------------------------------------------------------- */

struct list_source {
    struct write_source source;
    const struct write_op *ops;
    size_t count, at;
};

static enum status list_next(struct write_source *source, struct write_op *op) {
    struct list_source *list = (struct list_source *)(void *)source;
    if (list->at == list->count) return STATUS_END;
    *op = list->ops[list->at++];
    return STATUS_OK;
}

static void list_rewind(struct write_source *source) {
    ((struct list_source *)(void *)source)->at = 0;
}

static void what_is_alive_is_what_a_reader_would_find(void **state) {
    (void)state;
    struct error error;
    struct write_totals totals;
    const struct slice a = slice_from_text("aa"), b = slice_from_text("bb"), c = slice_from_text("cc");
    const struct write_op ops[] = {
        {.kind = WRITE_PUT, .tree = 1, .key = a, .value_bytes = 10},
        {.kind = WRITE_PUT, .tree = 1, .key = a, .value_bytes = 20},
        {.kind = WRITE_PUT, .tree = 2, .key = a, .value_bytes = 1},
        {.kind = WRITE_APPEND, .tree = 1, .key = b, .value_bytes = 5},
        {.kind = WRITE_APPEND, .tree = 1, .key = b, .value_bytes = 5},
        {.kind = WRITE_MERGE, .tree = 1, .key = b, .value_bytes = 3}, /* takes the place of the ten bytes */
        {.kind = WRITE_DELETE, .tree = 1, .key = c},
        {.kind = WRITE_PUT, .tree = 1, .key = c, .value_bytes = 0},
        {.kind = WRITE_DELETE_RANGE, .tree = 1, .key = b, .end = c},
        {.kind = WRITE_DELETE_RANGE, .tree = 3, .key = b},
        {.kind = WRITE_DROP_TREE, .tree = 2},
        {.kind = WRITE_DELETE_RANGE, .tree = 1, .key = b}, /* to the end of the tree */
        {.kind = WRITE_PUT, .tree = 2, .key = a, .value_bytes = 2},
        {.kind = WRITE_DELETE, .tree = 1, .key = a},
    };
    static const uint64_t alive[] = {12, 22, 25, 32, 37, 30, 30, 32, 27, 27, 24, 22, 26, 4};
    struct list_source list = {
        .source = {.next = list_next, .rewind = list_rewind}, .ops = ops, .count = sizeof ops / sizeof *ops};
    assert_int_equal(write_totals_count(&totals, &list.source), STATUS_OK);
    assert_int_equal(write_totals_measure(&totals, &list.source, CAPACITY, NULL, &error), STATUS_OK);
    assert_int_equal(totals.writes, list.count);
    assert_int_equal(totals.points, list.count);
    for (size_t i = 0; i < list.count; i++) assert_int_equal(totals.alive[i], alive[i]);
    assert_int_equal(totals.alive_keys, 1);
    assert_int_equal(totals.alive_most, 37);
    assert_int_equal(totals.bytes, 13 * 2 + 2 + 46);
}

static void a_store_that_nobody_waits_for_takes_what_its_writes_take(void **state) {
    (void)state;
    const char *lists[SETTINGS];
    memcpy(lists, small, sizeof lists);
    lists[SETTING_POLICY] = "fifo";
    struct run *run = make_run();
    begin(run, "fillrandom", lists);
    run->report.plan.device = (struct sim_device){.bytes_per_second = 0}; /* else its flushes are too slow */
    run_all(run);
    assert_int_equal(run->report.results[0].waits, 0);
    assert_int_equal(run->report.results[0].took_ns, (uint64_t)ENTRIES * SIM_STORE_WRITE_NS); /* looks take no time */
    run->report.plan.pace = REPLAY_RATE;
    run->report.plan.rate = 100000;
    run_all(run);
    near((double)run->report.results[0].took_ns, ENTRIES * 1e9 / 100000, 0.001);
    end(run);
    free(run);
}

static void looks_on_the_way_change_nothing(void **state) {
    (void)state;
    struct run *run = make_run();
    begin(run, "fillrandom,overwrite", small);
    run_all(run);
    struct replay_result *often = calloc(POLICIES, sizeof *often);
    memcpy(often, run->report.results, POLICIES * sizeof *often);
    run->report.totals.points = 1;
    run->report.totals.at[0] = run->report.totals.writes;
    run_all(run);
    for (unsigned i = 0; i < POLICIES; i++) {
        const struct replay_result *seldom = &run->report.results[i];
        assert_int_equal(seldom->point_count, 1);
        assert_int_equal(seldom->took_ns, often[i].took_ns);
        assert_int_equal(seldom->rest_ns, often[i].rest_ns);
        assert_int_equal(seldom->waited_ns, often[i].waited_ns);
        assert_int_equal(seldom->compacted_bytes, often[i].compacted_bytes);
        assert_int_equal(seldom->disk_most, often[i].disk_most);
    }
    free(often);
    end(run);
    free(run);
}

static void a_slow_disk_makes_writers_wait_and_a_fast_one_less(void **state) {
    (void)state;
    const char *lists[SETTINGS];
    memcpy(lists, small, sizeof lists);
    lists[SETTING_POLICY] = "leveled";
    struct run *run = make_run();
    begin(run, "fillrandom,overwrite", lists);
    run->report.plan.device.bytes_per_second = 4 << 20;
    run_all(run);
    const struct replay_result slow = run->report.results[0];
    run->report.plan.device.bytes_per_second = 400 << 20;
    run_all(run);
    const struct replay_result *fast = &run->report.results[0];
    assert_true(slow.stalls > 0 && slow.stall_longest_ns > REPLAY_STALL_NS);
    assert_true(slow.waited_ns > 4 * fast->waited_ns);
    assert_true(slow.took_ns >= slow.waited_ns);
    /* No disk moves more than it does. */
    assert_true((double)(slow.flushed_bytes + slow.compacted_bytes + slow.compacted_read_bytes) / (4 << 20) <=
                (double)(slow.took_ns + slow.rest_ns) / 1e9);
    end(run);
    free(run);
}

static void a_store_that_outgrows_its_disk_ends_with_words(void **state) {
    (void)state;
    struct run *run = make_run();
    begin(run, "fillseq", small);
    run->report.plan.capacity_bytes = 2 << 20;
    replay_run(&run->report.plan, &run->report.configurations.items[LAZY], NULL, &run->report.results[LAZY]);
    assert_int_equal(run->report.results[LAZY].status, STATUS_NO_SPACE);
    assert_true(run->report.results[LAZY].error.text[0] != 0);
    end(run);
    free(run);
}

/* ---- Configurations ---------------------------------------------------------------------------------------------- */

static void lists_are_multiplied_and_named_by_what_differs(void **state) {
    (void)state;
    struct configurations *all = calloc(1, sizeof *all);
    struct error error;
    const char *lists[SETTINGS] = {[SETTING_POLICY] = "lazy,tiered", [SETTING_MEMTABLE] = "1m,512k"};
    assert_int_equal(configurations_multiply(all, lists, &error), STATUS_OK);
    configurations_name(all);
    assert_int_equal(all->count, 4);
    assert_string_equal(all->items[0].name, "lazy, memtable 1m");
    assert_string_equal(all->items[1].name, "lazy, memtable 512k");
    assert_string_equal(all->items[3].name, "tiered, memtable 512k");
    all->count = 0;
    assert_int_equal(configurations_add(all, "policy=leveled,level-ratio=4", lists, &error), STATUS_OK);
    assert_int_equal(all->items[0].values[SETTING_POLICY], ENGINE_POLICY_LEVELED);
    assert_int_equal(all->items[0].values[SETTING_LEVEL_RATIO], 4);
    assert_int_equal(all->items[0].values[SETTING_MEMTABLE], 64 << 20);
    free(all);
}

static void a_value_that_is_not_understood_is_an_error(void **state) {
    (void)state;
    static const struct {
        unsigned setting;
        const char *text;
    } bad[] = {
        {SETTING_POLICY, "lasy"},         {SETTING_POLICY, ""},         {SETTING_MEMTABLE, "1t"},
        {SETTING_MEMTABLE, "1"},          {SETTING_MEMTABLE, "99999g"}, {SETTING_MEMTABLE, "m"},
        {SETTING_LEVEL_RATIO, "2k"},      {SETTING_LEVEL_RATIO, "1"},   {SETTING_COMPRESSION, "gzip"},
        {SETTING_VALUE_THRESHOLD, "100"}, {SETTING_MEMTABLE, "1m,"},    {SETTING_LEVEL_BASE, "18446744073709551616"}};
    struct configurations *all = calloc(1, sizeof *all);
    struct error error;
    const char *none[SETTINGS] = {NULL};
    uint64_t value;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(setting_parse(bad[i].setting, slice_from_text(bad[i].text), &value));
    assert_int_equal(configurations_add(all, "policy", none, &error), STATUS_SYNTAX);
    assert_int_equal(configurations_add(all, "", none, &error), STATUS_SYNTAX);
    assert_int_equal(configurations_add(all, "memory=4m", none, &error), STATUS_SYNTAX);
    assert_int_equal(configurations_add(all, "memtable=4x", none, &error), STATUS_SYNTAX);
    const char *many[SETTINGS] = {
        [SETTING_LEVEL_RATIO] = "2,3,4,5,6,7,8,9", [SETTING_LEVEL0_TRIGGER] = "1,2,3,4,5,6,7,8,9"};
    assert_int_equal(configurations_multiply(all, many, &error), STATUS_TOO_LARGE);
    free(all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_differ_as_they_must_on_random_overwrites),
        cmocka_unit_test(the_same_writes_and_options_give_the_same_figures),
        cmocka_unit_test(filters_spare_gets_of_absent_keys_their_blocks),
        cmocka_unit_test(figures_are_those_of_an_engine_on_a_real_disk),
        cmocka_unit_test(what_is_alive_is_what_a_reader_would_find),
        cmocka_unit_test(a_store_that_nobody_waits_for_takes_what_its_writes_take),
        cmocka_unit_test(looks_on_the_way_change_nothing),
        cmocka_unit_test(a_slow_disk_makes_writers_wait_and_a_fast_one_less),
        cmocka_unit_test(a_store_that_outgrows_its_disk_ends_with_words),
        cmocka_unit_test(lists_are_multiplied_and_named_by_what_differs),
        cmocka_unit_test(a_value_that_is_not_understood_is_an_error),
    };
    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
