/*
 * io_conformance: joins the tables of facts, and gives each fact a fresh io and an empty directory.
 */
#include "tests/harness/io_conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/prng.h"
#include "tests/harness/io_facts.h"
#include "tests/harness/temp_dir.h"

enum { FACTS_MAX = 128, NAME_BYTES = 160 };

/* ---- Helpers of the facts ---------------------------------------------------------------------------------------- */

const char *fixture_path(struct io_fixture *fixture, const char *name) {
    const int size = snprintf(fixture->path, sizeof fixture->path, "%.800s/%.200s", fixture->directory, name);
    assert_in_range(size, 1, (int)sizeof fixture->path - 1);
    return fixture->path;
}

struct io_file *fixture_open(struct io_fixture *fixture, const char *name) {
    struct io_file *file = NULL;
    assert_status(
        io_file_open(fixture->io, fixture_path(fixture, name), IO_OPEN_READ | IO_OPEN_WRITE | IO_OPEN_CREATE, &file),
        STATUS_OK);
    assert_non_null(file);
    return file;
}

void assert_status(enum status actual, enum status expected) {
    assert_string_equal(status_name(actual), status_name(expected));
}

void counted_op_done(struct io_op *op) {
    list_entry(op, struct counted_op, op)->completions++;
}

void run_until(struct io *io, const unsigned *value, unsigned wanted) {
    const uint64_t give_up = io_now_ns(io) + 10000000000u;
    while (*value < wanted) {
        io_run(io, io_now_ns(io) + 100000000u);
        if (io_now_ns(io) > give_up) fail_msg("waited ten seconds: %u of %u", *value, wanted);
    }
}

enum status run_op(struct io *io, struct counted_op *counted) {
    counted->completions = 0;
    counted->op.done = counted_op_done;
    io_submit(io, &counted->op);
    assert_int_equal(counted->completions, 0);
    run_until(io, &counted->completions, 1);
    assert_int_equal(counted->completions, 1);
    return counted->op.status;
}

void fill_pattern(uint8_t *to, size_t size, uint64_t seed) {
    struct prng prng;
    prng_init(&prng, seed);
    prng_fill(&prng, to, size);
}

/* ---- Set-up of one fact ------------------------------------------------------------------------------------------ */

static int set_up(void **state) {
    const struct io_factory *factory = *state;
    const char *skip = NULL;
    struct io_fixture *fixture = calloc(1, sizeof *fixture);
    if (!fixture) return -1;
    fixture->factory = factory;
    *state = fixture;
    fixture->io = factory->create(&skip);
    if (!fixture->io) return -1;
    if (factory->directory) {
        snprintf(fixture->directory, sizeof fixture->directory, "%s/fact", factory->directory);
        return io_dir_make(fixture->io, fixture->directory) == STATUS_OK ? 0 : -1;
    }
    temp_dir_make(fixture->directory, "io");
    return 0;
}

static int tear_down(void **state) {
    struct io_fixture *fixture = *state;
    if (fixture->directory[0]) temp_dir_remove(fixture->io, fixture->directory);
    io_destroy(fixture->io);
    free(fixture);
    return 0;
}

/* ---- All facts as one group -------------------------------------------------------------------------------------- */

struct fact_list {
    struct CMUnitTest tests[FACTS_MAX];
    char names[FACTS_MAX][NAME_BYTES];
    size_t count;
};

static void add_facts(struct fact_list *list, const struct io_factory *factory, const struct io_fact_table *table) {
    for (size_t i = 0; i < table->count && list->count < FACTS_MAX; i++, list->count++) {
        char *name = list->names[list->count];
        snprintf(name, NAME_BYTES, "%s: %s", factory->name, table->facts[i].name);
        list->tests[list->count] = (struct CMUnitTest){
            .name = name,
            .test_func = table->facts[i].check,
            .setup_func = set_up,
            .teardown_func = tear_down,
            .initial_state = (void *)(uintptr_t)factory,
        };
    }
}

static void refused(void **state) {
    (void)state;
    skip();
}

static int run_facts(const char *group, struct fact_list *list, const struct io_factory *factory) {
    static const struct io_fact_table *const tables[] = {&io_file_facts, &io_operation_facts, &io_socket_facts,
                                                         &io_job_facts};
    const char *reason = NULL;
    struct io *io = factory->create(&reason);
    if (io) {
        io_destroy(io);
        for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) add_facts(list, factory, tables[i]);
    } else {
        printf("SKIP: %s: %s\n", factory->name, reason);
        list->tests[list->count++] = (struct CMUnitTest){.name = group, .test_func = refused};
    }
    return _cmocka_run_group_tests(group, list->tests, list->count, NULL, NULL);
}

int io_conformance_run(const struct io_factory *factory) {
    struct fact_list *list = calloc(1, sizeof *list);
    if (!list) return 1;
    char group[NAME_BYTES];
    snprintf(group, sizeof group, "io conformance: %s", factory->name);
    const int failed = run_facts(group, list, factory);
    free(list);
    return failed;
}
