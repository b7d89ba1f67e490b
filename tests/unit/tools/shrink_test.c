/*
 * shrink: what a failure needs stays in the plan, all else goes; the failure stays the same one; a plan of the toy's
 * planted bugs becomes short.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/toy_node.h"
#include "tools/sim/shrink.h"

/* ---- A world that is known by heart ------------------------------------------------------------------------------ */

static const char *const known_promise = "the known promise";
static const char *const other_promise = "another promise";

/* Breaks with a kill of node 2 of at least 70 ms and, behind it, a partition of at least 3 nodes; at least 7
 * operations, 2 clients. What is too short for that breaks another promise. */
static void run_known(void *context, const struct fault_plan *plan, struct world_report *report) {
    uint64_t *runs = context;
    bool killed = false, needed = false;
    uint64_t broken_ms = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct fault *fault = &plan->faults[i];
        if (fault->kind == FAULT_KILL && fault->nodes == 2 && fault->for_ms >= 70) killed = true;
        if (!killed || fault->kind != FAULT_PARTITION) continue;
        needed = true;
        broken_ms = fault->at_ms;
    }
    (*runs)++;
    needed = needed && plan->nodes >= 3 && plan->clients >= 2;
    *report = (struct world_report){.verdict = needed ? WORLD_BROKEN : WORLD_KEPT, .promise = known_promise};
    report->broken_ms = broken_ms;
    if (needed && plan->operations < 7) report->promise = other_promise;
}

static void draw_known(struct fault_plan *plan, uint64_t seed) {
    fault_plan_draw(plan, seed, 5);
    for (size_t i = 0; i < plan->count; i++) /* no others of the two kinds */
        if (plan->faults[i].kind == FAULT_KILL || plan->faults[i].kind == FAULT_PARTITION)
            plan->faults[i].kind = FAULT_RESET;
    const struct fault kill = {.at_ms = 2000, .for_ms = 900, .kind = FAULT_KILL, .nodes = 2};
    const struct fault cut = {.at_ms = 5000, .for_ms = 300, .kind = FAULT_PARTITION, .nodes = 1, .others = 30};
    memmove(&plan->faults[1], &plan->faults[0], plan->count * sizeof plan->faults[0]);
    plan->faults[0] = kill;
    plan->faults[plan->count + 1] = cut;
    plan->count += 2;
}

static void what_is_needed_stays_and_nothing_else(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct fault_plan plan;
        struct shrink_result result;
        uint64_t runs = 0;
        draw_known(&plan, seed);
        const struct shrink shrink = {.run = run_known, .context = &runs};
        assert_int_equal(shrink_plan(&shrink, &plan, &result), STATUS_OK);
        assert_true(result.is_least);
        assert_ptr_equal(result.report.promise, known_promise);
        assert_int_equal(result.runs, runs);
        assert_int_equal(result.plan.count, 2);
        assert_int_equal(result.plan.faults[0].kind, FAULT_KILL);
        assert_int_equal(result.plan.faults[0].for_ms, 70);
        assert_int_equal(result.plan.faults[1].kind, FAULT_PARTITION);
        assert_int_equal(result.plan.operations, 7);
        assert_int_equal(result.plan.clients, 2);
        assert_int_equal(result.plan.nodes, 3);
        assert_true(result.plan.faults[0].at_ms <= result.plan.faults[1].at_ms);
        assert_true(result.plan.faults[1].at_ms < 1000);
    }
}

/* One run and one more. */
static bool end_after_two(void *context, const struct fault_plan *plan, unsigned runs) {
    (void)context;
    (void)plan;
    return runs < 2;
}

static void what_strikes_behind_the_break_goes_first(void **state) {
    (void)state;
    struct fault_plan plan;
    struct shrink_result result;
    uint64_t runs = 0;
    draw_known(&plan, 1);
    const size_t needed = plan.count;
    for (int i = 0; i < 20; i++)
        plan.faults[plan.count++] = (struct fault){.at_ms = 5001 + (uint64_t)i, .kind = FAULT_RESET, .nodes = 1};
    const struct shrink shrink = {.run = run_known, .go_on = end_after_two, .context = &runs};
    assert_int_equal(shrink_plan(&shrink, &plan, &result), STATUS_OK);
    assert_int_equal(result.plan.count, needed);
}

static bool end_after_nine(void *context, const struct fault_plan *plan, unsigned runs) {
    (void)context;
    (void)plan;
    return runs < 9;
}

static void a_search_that_is_ended_gives_what_it_has(void **state) {
    (void)state;
    struct fault_plan plan;
    struct shrink_result result;
    struct world_report report;
    uint64_t runs = 0;
    draw_known(&plan, 1);
    const struct shrink shrink = {.run = run_known, .go_on = end_after_nine, .context = &runs};
    assert_int_equal(shrink_plan(&shrink, &plan, &result), STATUS_OK);
    assert_int_equal(runs, 9);
    assert_false(result.is_least);
    run_known(&runs, &result.plan, &report);
    assert_ptr_equal(report.promise, known_promise);
}

static void a_plan_that_keeps_every_promise_is_refused(void **state) {
    (void)state;
    struct fault_plan plan;
    struct shrink_result result;
    uint64_t runs = 0;
    fault_plan_draw(&plan, 3, 1);
    const struct shrink shrink = {.run = run_known, .context = &runs};
    assert_int_equal(shrink_plan(&shrink, &plan, &result), STATUS_INVALID);
    assert_int_equal(result.report.verdict, WORLD_KEPT);
}

/* ---- The toy ----------------------------------------------------------------------------------------------------- */

static void run_toy(void *context, const struct fault_plan *plan, struct world_report *report) {
    const enum toy_bug *bug = context;
    struct world_node_kind kind = toy_node_kind(bug);
    const struct world_options options = {.plan = plan, .nodes = &kind};
    world_run(&options, report);
}

static bool end_after_some(void *context, const struct fault_plan *plan, unsigned runs) {
    (void)context;
    (void)plan;
    return runs < 400;
}

/* As a user does: the printed plan, read back, breaks the same promise. */
static void expect_the_text_to_break(const struct shrink_result *result, enum toy_bug bug) {
    struct buf text = BUF_EMPTY;
    struct fault_plan plan;
    struct world_report report;
    struct error error = {0};
    assert_int_equal(fault_plan_print(&text, &result->plan), STATUS_OK);
    assert_int_equal(fault_plan_parse(buf_slice(&text), &plan, &error), STATUS_OK);
    run_toy(&bug, &plan, &report);
    assert_int_equal(report.trace_hash, result->report.trace_hash);
    assert_string_equal(report.text, result->report.text);
    buf_deinit(&text);
}

static void plans_of_planted_bugs_become_short(void **state) {
    (void)state;
    for (unsigned bug = TOY_SOUND + 1; bug < TOY_BUG_COUNT; bug++) {
        enum toy_bug planted = (enum toy_bug)bug;
        struct fault_plan plan;
        struct shrink_result result;
        enum status status = STATUS_INVALID;
        const struct shrink shrink = {.run = run_toy, .go_on = end_after_some, .context = &planted, .seeds = 2};
        for (uint64_t seed = 1; seed <= 20 && status == STATUS_INVALID; seed++) {
            fault_plan_draw(&plan, seed, 1);
            status = shrink_plan(&shrink, &plan, &result);
        }
        assert_int_equal(status, STATUS_OK);
        print_message("%s: %zu faults of %zu, %u operations, %u clients, %u runs: %s\n", toy_bug_name(planted),
                      result.plan.count, plan.count, result.plan.operations, result.plan.clients, result.runs,
                      result.report.text);
        assert_true(result.plan.count <= 3);
        expect_the_text_to_break(&result, planted);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_needed_stays_and_nothing_else),
        cmocka_unit_test(what_strikes_behind_the_break_goes_first),
        cmocka_unit_test(a_search_that_is_ended_gives_what_it_has),
        cmocka_unit_test(a_plan_that_keeps_every_promise_is_refused),
        cmocka_unit_test(plans_of_planted_bugs_become_short),
    };
    return cmocka_run_group_tests_name("shrink", tests, NULL, NULL);
}
