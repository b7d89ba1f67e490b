/*
 * company: a leader waits for those who are expected, no longer than that pays. The clock is the test's: each look at
 * it is a microsecond, and may bring somebody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/io_backend.h"
#include "engine/lsm/company.h"

enum { COMMIT_NS = 100000, LOOK_NS = 1000, NEVER = 0 };

struct clock {
    struct io io;
    struct company company;
    uint64_t looks;
    uint64_t every, until; /* a writer comes with each look of that number, up to that one */
};

static uint64_t now_ns(struct io *io) {
    struct clock *clock = (struct clock *)io;
    clock->looks++;
    if (clock->every != NEVER && clock->looks % clock->every == 0 && clock->looks <= clock->until)
        atomic_fetch_add(&clock->company.queued, 1);
    return clock->looks * LOOK_NS;
}

static const struct io_vtable clock_vtable = {.now_ns = now_ns};

static struct clock clock_make(uint32_t expected, uint64_t every, uint64_t until) {
    struct clock clock = {.io.vtable = &clock_vtable, .every = every, .until = until};
    company_note(&clock.company, expected, COMMIT_NS);
    atomic_store(&clock.company.queued, 1); /* the leader */
    return clock;
}

static void who_has_no_company_never_waits(void **state) {
    (void)state;
    struct clock clock = clock_make(1, NEVER, 0);
    assert_false(company_is_expected(&clock.company));
    company_wait(&clock.company, &clock.io);
    assert_true(clock.looks == 0);
    const struct company fresh = {0};
    assert_false(company_is_expected(&fresh));
}

static void the_leader_waits_until_those_expected_have_come(void **state) {
    (void)state;
    struct clock clock = clock_make(9, 5, UINT64_MAX);
    assert_true(company_is_expected(&clock.company));
    company_wait(&clock.company, &clock.io);
    assert_int_equal(atomic_load(&clock.company.queued), 9);
}

static void a_leader_who_has_them_all_does_not_wait(void **state) {
    (void)state;
    struct clock clock = clock_make(4, NEVER, 0);
    atomic_store(&clock.company.queued, 4);
    company_wait(&clock.company, &clock.io);
    assert_true(clock.looks == 0);
}

static void nobody_for_a_quarter_of_a_commit_ends_the_wait(void **state) {
    (void)state;
    struct clock none = clock_make(2, NEVER, 0);
    company_wait(&none.company, &none.io);
    assert_true(none.looks * LOOK_NS >= COMMIT_NS / 4 && none.looks * LOOK_NS <= COMMIT_NS / 4 + 2 * LOOK_NS);
    struct clock some = clock_make(9, 10, 30); /* three come, and then no more */
    company_wait(&some.company, &some.io);
    assert_int_equal(atomic_load(&some.company.queued), 4);
    const uint64_t after = (some.looks - 30) * LOOK_NS;
    assert_true(after >= COMMIT_NS / 4 && after <= COMMIT_NS / 4 + 2 * LOOK_NS);
}

static void the_wait_ends_within_a_commit(void **state) {
    (void)state;
    struct clock clock = clock_make(1000, 20, UINT64_MAX);
    company_wait(&clock.company, &clock.io);
    assert_true(clock.looks * LOOK_NS <= COMMIT_NS + 2 * LOOK_NS);
    assert_true(atomic_load(&clock.company.queued) < 1000);
}

static void a_commit_of_a_second_has_nobody_wait_for_that_long(void **state) {
    (void)state;
    struct clock clock = clock_make(2, NEVER, 0);
    company_note(&clock.company, 2, 1000000000);
    company_wait(&clock.company, &clock.io);
    assert_true(clock.looks * LOOK_NS <= 252000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_has_no_company_never_waits),
        cmocka_unit_test(the_leader_waits_until_those_expected_have_come),
        cmocka_unit_test(a_leader_who_has_them_all_does_not_wait),
        cmocka_unit_test(nobody_for_a_quarter_of_a_commit_ends_the_wait),
        cmocka_unit_test(the_wait_ends_within_a_commit),
        cmocka_unit_test(a_commit_of_a_second_has_nobody_wait_for_that_long),
    };
    return cmocka_run_group_tests_name("company", tests, NULL, NULL);
}
