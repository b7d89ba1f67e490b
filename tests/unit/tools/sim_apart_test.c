/*
 * sim_apart: a report comes over whole; a run that ends its process is a broken promise, and says what it said.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/check.h"
#include "tools/loam/sim_apart.h"

static const char *const known_promise = "a promise";

static void report_all(const struct fault_plan *plan, struct world_report *report) {
    *report = (struct world_report){.verdict = WORLD_BROKEN,
                                    .promise = known_promise,
                                    .trace_hash = plan->seed * 3,
                                    .broken_ms = 5,
                                    .connections_reset = 7};
    memset(report->text, 'x', sizeof report->text - 1);
}

static void fail_a_check(const struct fault_plan *plan, struct world_report *report) {
    (void)report;
    check(plan->nodes == 1000);
}

static void end_silently(const struct fault_plan *plan, struct world_report *report) {
    (void)plan;
    (void)report;
    abort();
}

static void talk_and_end(const struct fault_plan *plan, struct world_report *report) {
    (void)plan;
    (void)report;
    for (unsigned i = 0; i < 100000; i++) (void)fprintf(stderr, "line %u of many\n", i);
    exit(3);
}

static void run_apart(void (*run)(const struct fault_plan *, struct world_report *), struct world_report *report) {
    struct fault_plan plan;
    struct error error = {0};
    fault_plan_draw(&plan, 14, 3);
    memset(report, 0xff, sizeof *report);
    assert_int_equal(sim_apart_run(run, &plan, report, &error), STATUS_OK);
}

static void a_report_comes_over_whole(void **state) {
    (void)state;
    struct world_report report;
    run_apart(report_all, &report);
    assert_int_equal(report.verdict, WORLD_BROKEN);
    assert_ptr_equal(report.promise, known_promise);
    assert_int_equal(report.trace_hash, 42);
    assert_int_equal(report.connections_reset, 7);
    assert_int_equal(strlen(report.text), sizeof report.text - 1);
}

static void who_ends_its_process_has_broken_a_promise(void **state) {
    (void)state;
    static const struct {
        void (*run)(const struct fault_plan *, struct world_report *);
        const char *words;
    } cases[] = {{fail_a_check, "check failed: plan->nodes == 1000"},
                 {end_silently, "the program ended: Aborted"},
                 {talk_and_end, "the program ended: line 0 of many"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world_report report;
        run_apart(cases[i].run, &report);
        assert_int_equal(report.verdict, WORLD_BROKEN);
        assert_ptr_equal(report.promise, sim_apart_ended);
        assert_non_null(strstr(report.text, cases[i].words));
        assert_null(strchr(report.text, '\n'));
        assert_true(report.broken_ms > 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_comes_over_whole),
        cmocka_unit_test(who_ends_its_process_has_broken_a_promise),
    };
    return cmocka_run_group_tests_name("sim_apart", tests, NULL, NULL);
}
