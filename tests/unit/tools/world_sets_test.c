/*
 * world_sets: the judge of series and edges, judged: an honest history passes, each kind of lie is seen. Histories are
 * made by hand: who asked what from when to when, and what was answered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/sim/sim_alloc.h"
#include "tools/sim/world_action.h"
#include "tools/sim/world_private.h"

enum { STEPS_MAX = 64, TOKENS_MAX = 8 };

struct fixture {
    struct world world;
    struct world_report report;
    struct world_step steps[STEPS_MAX];
};

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->world.report = &fixture->report;
    fixture->world.sim = sim_create(1);
    fixture->world.final_from = SIZE_MAX;
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    world_history_clear(&fixture->world);
    sim_destroy(fixture->world.sim);
    free(fixture);
    return 0;
}

/* ---- Histories --------------------------------------------------------------------------------------------------- */

static struct world_operation *add(struct fixture *fixture, enum world_action action, unsigned key, uint64_t invoked,
                                   uint64_t returned) {
    struct world_operation *operation = world_history_add(&fixture->world, action, 0);
    operation->key = key;
    operation->invoked_ns = invoked;
    operation->returned_ns = returned;
    operation->outcome = WORLD_DONE;
    return operation;
}

static void writes(struct fixture *fixture, enum world_action action, uint64_t token, enum world_outcome outcome,
                   uint64_t invoked, uint64_t returned) {
    struct world_operation *operation = add(fixture, action, 0, invoked, returned);
    operation->token = token;
    operation->outcome = outcome;
}

/* `tokens` ends with 0. */
static struct world_operation *reads(struct fixture *fixture, enum world_action action, const uint64_t *tokens,
                                     uint64_t invoked, uint64_t returned) {
    struct world_operation *operation = add(fixture, action, 0, invoked, returned);
    size_t count = 0;
    while (tokens[count] != 0) count++;
    world_take_tokens(operation, count);
    memcpy(operation->tokens, tokens, count * sizeof *tokens);
    return operation;
}
#define TOKENS(...)                                                                                                    \
    (const uint64_t[]) {                                                                                               \
        __VA_ARGS__, 0                                                                                                 \
    }

static void deletes(struct fixture *fixture, uint64_t token, uint64_t invoked, uint64_t returned) {
    struct world_operation *operation = add(fixture, WORLD_EDGE_DELETE, 0, invoked, returned);
    operation->from = operation->to = (int64_t)token;
}

/* From here on they are the last reads, one for each node. */
static void ends(struct fixture *fixture) {
    fixture->world.final_from = fixture->world.history_count;
}

static void judge(struct fixture *fixture) {
    struct world_steps steps = {.items = fixture->steps};
    world_sets_judge(&fixture->world, &steps);
}

static void expect_sound(struct fixture *fixture) {
    judge(fixture);
    if (fixture->report.verdict != WORLD_KEPT) fail_msg("%s", fixture->report.text);
}

static void expect_broken(struct fixture *fixture, const char *words) {
    judge(fixture);
    assert_int_equal(fixture->report.verdict, WORLD_BROKEN);
    if (strstr(fixture->report.text, words) == NULL) fail_msg("'%s' does not say '%s'", fixture->report.text, words);
}

/* ---- Facts ------------------------------------------------------------------------------------------------------- */

static void an_honest_history_passes(void **state) {
    struct fixture *fixture = *state;
    writes(fixture, WORLD_EDGE_ADD, 1, WORLD_DONE, 10, 20);
    writes(fixture, WORLD_EDGE_ADD, 2, WORLD_UNKNOWN, 15, 0);
    reads(fixture, WORLD_EDGES_OUT, TOKENS(1), 12, 40); /* both are still under way */
    writes(fixture, WORLD_EDGE_ADD, 3, WORLD_REFUSED, 30, 35);
    writes(fixture, WORLD_EDGE_ADD, 4, WORLD_DONE, 36, 50);
    reads(fixture, WORLD_EDGES_IN, TOKENS(1, 4), 45, 60);
    ends(fixture);
    reads(fixture, WORLD_EDGES_OUT, TOKENS(1, 2, 4), 70, 80); /* the unknown one came late */
    reads(fixture, WORLD_EDGES_IN, TOKENS(1, 2, 4), 90, 95);
    expect_sound(fixture);
}

static void a_lost_write_is_seen(void **state) {
    struct fixture *fixture = *state;
    writes(fixture, WORLD_SERIES_ADD, 1, WORLD_DONE, 10, 20);
    writes(fixture, WORLD_SERIES_ADD, 2, WORLD_DONE, 21, 30);
    reads(fixture, WORLD_SERIES_READ, TOKENS(2), 40, 50);
    expect_broken(fixture, "a write is lost");
}

static void a_refused_write_that_is_there_is_seen(void **state) {
    struct fixture *fixture = *state;
    writes(fixture, WORLD_SERIES_ADD, 1, WORLD_REFUSED, 10, 20);
    reads(fixture, WORLD_SERIES_READ_BACK, TOKENS(1), 40, 50);
    expect_broken(fixture, "answered as not applied");
}

static void a_write_that_was_applied_twice_is_seen(void **state) {
    struct fixture *fixture = *state;
    writes(fixture, WORLD_EDGE_ADD, 1, WORLD_DONE, 10, 20);
    reads(fixture, WORLD_EDGES_OUT, TOKENS(1, 1), 40, 50);
    expect_broken(fixture, "applied twice");
}

static void what_nobody_wrote_is_seen(void **state) {
    struct fixture *fixture = *state;
    writes(fixture, WORLD_EDGE_ADD, 2, WORLD_DONE, 10, 20);
    reads(fixture, WORLD_EDGES_OUT, TOKENS(1, 2), 40, 50);
    expect_broken(fixture, "nobody had written");
}

static void what_is_written_later_is_seen(void **state) {
    struct fixture *fixture = *state;
    reads(fixture, WORLD_EDGES_OUT, TOKENS(1), 1, 5);
    writes(fixture, WORLD_EDGE_ADD, 1, WORLD_DONE, 10, 20);
    expect_broken(fixture, "nobody had written");
}

/* Each read alone is possible; together they have no order. */
static void reads_without_an_order_are_seen(void **state) {
    struct fixture *fixture = *state;
    writes(fixture, WORLD_EDGE_ADD, 1, WORLD_DONE, 10, 90);
    writes(fixture, WORLD_EDGE_ADD, 2, WORLD_DONE, 10, 90);
    reads(fixture, WORLD_EDGES_OUT, TOKENS(1), 20, 80);
    reads(fixture, WORLD_EDGES_IN, TOKENS(2), 20, 80);
    expect_broken(fixture, "no place among the others");
}

/* Of two reads one after the other the later one shows less: both writes are still under way. */
static void a_read_of_the_past_is_seen(void **state) {
    struct fixture *fixture = *state;
    writes(fixture, WORLD_EDGE_ADD, 1, WORLD_DONE, 10, 90);
    reads(fixture, WORLD_EDGES_OUT, TOKENS(1), 20, 30);
    reads(fixture, WORLD_EDGES_OUT, TOKENS(0), 40, 50);
    expect_broken(fixture, "not linearizable");
}

static void what_was_deleted_may_be_gone_and_must_not_come_back(void **state) {
    struct fixture *fixture = *state;
    writes(fixture, WORLD_EDGE_ADD, 1, WORLD_DONE, 10, 20);
    deletes(fixture, 1, 25, 35);
    reads(fixture, WORLD_EDGES_OUT, TOKENS(1), 30, 40); /* while it is deleted: either */
    reads(fixture, WORLD_EDGES_OUT, TOKENS(0), 30, 40);
    expect_sound(fixture);
    reads(fixture, WORLD_EDGES_OUT, TOKENS(1), 50, 60);
    expect_broken(fixture, "had been deleted");
}

static void a_delete_of_something_else_excuses_nothing(void **state) {
    struct fixture *fixture = *state;
    writes(fixture, WORLD_EDGE_ADD, 1, WORLD_DONE, 10, 20);
    writes(fixture, WORLD_EDGE_ADD, 2, WORLD_DONE, 10, 20);
    deletes(fixture, 2, 25, 35);
    reads(fixture, WORLD_EDGES_OUT, TOKENS(0), 50, 60);
    expect_broken(fixture, "a write is lost");
}

/* The write's outcome is unknown: no read of its own is wrong. */
static void half_of_an_edge_is_seen(void **state) {
    struct fixture *fixture = *state;
    writes(fixture, WORLD_EDGE_ADD, 1, WORLD_UNKNOWN, 10, 20);
    deletes(fixture, 7, 25, 35); /* so that there is no chain */
    ends(fixture);
    reads(fixture, WORLD_EDGES_OUT, TOKENS(1), 70, 80);
    reads(fixture, WORLD_EDGES_IN, TOKENS(0), 70, 80);
    expect_broken(fixture, "different sets at the end");
}

static void nodes_that_differ_at_the_end_are_seen(void **state) {
    struct fixture *fixture = *state;
    writes(fixture, WORLD_SERIES_ADD, 1, WORLD_UNKNOWN, 10, 20);
    ends(fixture);
    reads(fixture, WORLD_SERIES_READ, TOKENS(0), 70, 80);
    reads(fixture, WORLD_SERIES_READ, TOKENS(1), 90, 95);
    expect_broken(fixture, "different last reads");
}

static void one_of_two_samples_is_seen(void **state) {
    struct fixture *fixture = *state;
    writes(fixture, WORLD_SERIES_ADD_TWO, 1, WORLD_UNKNOWN, 10, 20);
    struct world_operation *both = reads(fixture, WORLD_SERIES_READ_TWO, TOKENS(1, 1), 30, 40);
    both->split = 1;
    expect_sound(fixture);
    struct world_operation *half = reads(fixture, WORLD_SERIES_READ_TWO, TOKENS(1), 30, 40);
    half->split = 1;
    expect_broken(fixture, "one of two samples");
}

static void pairs_that_are_no_square_are_seen(void **state) {
    struct fixture *fixture = *state;
    writes(fixture, WORLD_EDGE_ADD, 1, WORLD_DONE, 10, 20);
    writes(fixture, WORLD_EDGE_ADD, 2, WORLD_DONE, 10, 20);
    add(fixture, WORLD_EDGES_SQUARED, 0, 30, 40)->number = 4;
    expect_sound(fixture);
    add(fixture, WORLD_EDGES_SQUARED, 0, 50, 60)->number = 2;
    expect_broken(fixture, "counted 2 pairs");
}

int main(void) {
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(an_honest_history_passes),
        FACT(a_lost_write_is_seen),
        FACT(a_refused_write_that_is_there_is_seen),
        FACT(a_write_that_was_applied_twice_is_seen),
        FACT(what_nobody_wrote_is_seen),
        FACT(what_is_written_later_is_seen),
        FACT(reads_without_an_order_are_seen),
        FACT(a_read_of_the_past_is_seen),
        FACT(what_was_deleted_may_be_gone_and_must_not_come_back),
        FACT(a_delete_of_something_else_excuses_nothing),
        FACT(half_of_an_edge_is_seen),
        FACT(nodes_that_differ_at_the_end_are_seen),
        FACT(one_of_two_samples_is_seen),
        FACT(pairs_that_are_no_square_are_seen),
    };
    return cmocka_run_group_tests_name("world_sets", tests, NULL, NULL);
}
