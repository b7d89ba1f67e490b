/*
 * fault_plan: drawn, printed, read back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/sim/fault_plan.h"

static void plans_are_rich(void **state) {
    (void)state;
    bool seen[FAULT_KIND_COUNT] = {false};
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct fault_plan plan;
        fault_plan_draw(&plan, seed, 3);
        assert_true(plan.count >= 5);
        assert_true(fault_plan_kinds(&plan) >= 3);
        for (size_t i = 0; i < plan.count; i++) {
            seen[plan.faults[i].kind] = true;
            assert_true(i == 0 || plan.faults[i - 1].at_ms <= plan.faults[i].at_ms);
            assert_true(plan.faults[i].nodes != 0);
        }
    }
    for (unsigned kind = 0; kind < FAULT_KIND_COUNT; kind++) assert_true(seen[kind]);
}

static void drawn_plans_keep_to_the_budget(void **state) {
    (void)state;
    unsigned damaged = 0, with_changes = 0, astray = 0;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        struct fault_plan plan;
        fault_plan_draw(&plan, seed, seed % 4 ? 3 : 5);
        assert_true(fault_plan_is_within_budget(&plan));
        if (!fault_plan_damages(&plan)) continue;
        damaged++;
        bool changes = false;
        for (size_t i = 0; i < plan.count; i++) {
            changes |= plan.faults[i].kind == FAULT_MEMBERS;
            astray += plan.faults[i].kind == FAULT_MISDIRECT;
        }
        with_changes += changes;
    }
    assert_true(damaged > 1000 && with_changes > 300 && astray > 300);
}

static void a_plan_beyond_the_budget_is_known(void **state) {
    (void)state;
    static const char *const within[] = {
        "nodes 3\nfault at=1 kind=rot-log nodes=2\nfault at=2 kind=misdirect nodes=2\n",
        "nodes 4\nfounders 3\nfault at=1 kind=rot-promise nodes=2\nfault at=2 kind=members nodes=1,3,4\n",
        "nodes 2\nfault at=1 kind=wipe nodes=1\nfault at=2 kind=members nodes=1\n",
    };
    static const char *const beyond[] = {
        "nodes 3\nfault at=1 kind=rot-log nodes=2\nfault at=2 kind=rot-log nodes=1\n",
        "nodes 3\nfault at=1 kind=rot-promise nodes=2\nfault at=3 kind=misdirect nodes=2\n",
        "nodes 3\nfault at=1 kind=misdirect nodes=2\nfault at=3 kind=members nodes=1,2\n",
        "nodes 3\nfault at=1 kind=rot-log nodes=2\nfault at=3 kind=wipe nodes=1\n",
        "nodes 2\nfault at=1 kind=rot-log nodes=2\n",
        "nodes 3\nwitness 1\nfault at=1 kind=rot-log nodes=2\n",
    };
    struct fault_plan plan;
    for (size_t i = 0; i < sizeof within / sizeof *within; i++) {
        assert_int_equal(fault_plan_parse(slice_from_text(within[i]), &plan, NULL), STATUS_OK);
        assert_true(fault_plan_is_within_budget(&plan));
    }
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        assert_int_equal(fault_plan_parse(slice_from_text(beyond[i]), &plan, NULL), STATUS_OK);
        assert_false(fault_plan_is_within_budget(&plan));
    }
}

static void printed_plan_reads_back(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct fault_plan plan, again;
        struct buf first = BUF_EMPTY, second = BUF_EMPTY;
        fault_plan_draw(&plan, seed, 5);
        assert_int_equal(fault_plan_print(&first, &plan), STATUS_OK);
        assert_int_equal(fault_plan_parse(buf_slice(&first), &again, NULL), STATUS_OK);
        assert_int_equal(fault_plan_print(&second, &again), STATUS_OK);
        assert_true(slice_equal(buf_slice(&first), buf_slice(&second)));
        buf_deinit(&first);
        buf_deinit(&second);
    }
}

static void unreadable_plans_name_the_line(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum status status;
        const char *words;
    } cases[] = {
        {"loam-plan 2\n", STATUS_VERSION, "line 1"},
        {"loam-plan 1\nseed x\n", STATUS_SYNTAX, "line 2"},
        {"# a comment\n\nfault at=1 kind=what nodes=1\n", STATUS_SYNTAX, "line 3"},
        {"fault at=1 kind=kill\n", STATUS_SYNTAX, "line 1"},
        {"fault at=1 kind=kill nodes=10\n", STATUS_SYNTAX, "line 1"},
        {"nodes 3\nfault at=1 kind=kill nodes=4\n", STATUS_INVALID, "not there"},
        {"nodes 0\n", STATUS_INVALID, "line 1"},
        {"nodes 12\n", STATUS_INVALID, "1 to 9 nodes"},
        {"surprise 1\n", STATUS_SYNTAX, "line 1"},
        {"format-level 99\n", STATUS_INVALID, "format levels"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fault_plan plan;
        struct error error = {0};
        assert_int_equal(fault_plan_parse(slice_from_text(cases[i].text), &plan, &error), cases[i].status);
        assert_non_null(strstr(error.text, cases[i].words));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_are_rich),
        cmocka_unit_test(drawn_plans_keep_to_the_budget),
        cmocka_unit_test(a_plan_beyond_the_budget_is_known),
        cmocka_unit_test(printed_plan_reads_back),
        cmocka_unit_test(unreadable_plans_name_the_line),
    };
    return cmocka_run_group_tests_name("fault_plan", tests, NULL, NULL);
}
