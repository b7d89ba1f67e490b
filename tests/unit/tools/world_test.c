/*
 * world: with a toy node that is sound every promise is kept, with each planted bug one is seen broken; a run is a
 * function of its plan.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/toy_node.h"

enum { SEEDS = 20 };

static void run_toy(uint64_t seed, enum toy_bug bug, struct world_report *report) {
    struct fault_plan plan;
    struct world_node_kind kind = toy_node_kind(&bug);
    struct world_options options = {.plan = &plan, .nodes = &kind};
    fault_plan_draw(&plan, seed, 1);
    world_run(&options, report);
}

static void sound_node_keeps_every_promise(void **state) {
    (void)state;
    uint64_t restarts = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world_report report;
        run_toy(seed, TOY_SOUND, &report);
        if (report.verdict != WORLD_KEPT) fail_msg("seed %llu: %s", (unsigned long long)seed, report.text);
        assert_true(report.completed >= 200);
        assert_true(report.faults >= 5 && report.kinds >= 3);
        restarts += report.restarts;
    }
    assert_true(restarts > SEEDS);
}

static void each_planted_bug_is_found(void **state) {
    (void)state;
    for (unsigned bug = TOY_SOUND + 1; bug < TOY_BUG_COUNT; bug++) {
        unsigned found = 0;
        struct world_report report;
        for (uint64_t seed = 1; seed <= SEEDS && found == 0; seed++) {
            run_toy(seed, (enum toy_bug)bug, &report);
            found = report.verdict != WORLD_KEPT;
        }
        print_message("%s: %s\n", toy_bug_name((enum toy_bug)bug), report.text);
        if (found == 0) fail_msg("%s was not found in %d runs", toy_bug_name((enum toy_bug)bug), SEEDS);
        assert_int_equal(report.verdict == WORLD_STUCK, bug == TOY_STAYS_DOWN);
    }
}

static void same_plan_same_run(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct world_report first, second, other;
        run_toy(seed, TOY_SOUND, &first);
        run_toy(seed, TOY_SOUND, &second);
        run_toy(seed + 100, TOY_SOUND, &other);
        assert_int_equal(first.trace_hash, second.trace_hash);
        assert_int_equal(first.events, second.events);
        assert_memory_equal(&first.completed, &second.completed, sizeof first.completed);
        assert_int_not_equal(first.trace_hash, other.trace_hash);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_node_keeps_every_promise),
        cmocka_unit_test(each_planted_bug_is_found),
        cmocka_unit_test(same_plan_same_run),
    };
    return cmocka_run_group_tests_name("world", tests, NULL, NULL);
}
