/*
 * slice, list, check: the small headers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/base/list.h"
#include "engine/base/slice.h"

static void slices_compare_as_bytes_with_prefixes_first(void **state) {
    (void)state;
    struct slice a = slice_from_text("a");
    struct slice ab = slice_from_text("ab");
    struct slice high = slice_make("\xff", 1);
    assert_true(slice_compare(a, ab) < 0);
    assert_true(slice_compare(ab, a) > 0);
    assert_true(slice_compare(ab, high) < 0);
    assert_true(slice_compare(slice_make(NULL, 0), a) < 0);
    assert_int_equal(slice_compare(slice_make(NULL, 0), slice_make("", 0)), 0);
    assert_true(slice_equal(slice_make(NULL, 0), slice_make("", 0)));
    assert_false(slice_equal(a, ab));
}

static void prefixes_and_rests_are_cut_right(void **state) {
    (void)state;
    struct slice whole = slice_from_text("node-17");
    assert_true(slice_has_prefix(whole, slice_from_text("node-")));
    assert_true(slice_has_prefix(whole, slice_make(NULL, 0)));
    assert_false(slice_has_prefix(slice_from_text("no"), slice_from_text("node-")));
    assert_true(slice_equal(slice_from(whole, 5), slice_from_text("17")));
    assert_int_equal(slice_from(whole, 7).size, 0);
}

struct item {
    int number;
    struct list link;
};

static void a_list_gives_elements_in_their_order(void **state) {
    (void)state;
    struct list head;
    list_init(&head);
    assert_true(list_is_empty(&head));
    assert_null(list_pop_front(&head));
    struct item items[4] = {{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}};
    list_push_back(&head, &items[1].link);
    list_push_back(&head, &items[2].link);
    list_push_front(&head, &items[0].link);
    list_insert_before(&items[2].link, &items[3].link);
    static const int expected[] = {0, 1, 3, 2};
    for (int i = 0; i < 4; i++)
        assert_int_equal(list_entry(list_pop_front(&head), struct item, link)->number, expected[i]);
    assert_true(list_is_empty(&head));
}

static void removing_twice_does_no_harm(void **state) {
    (void)state;
    struct list head;
    list_init(&head);
    struct item a = {.number = 1};
    struct item b = {.number = 2};
    list_push_back(&head, &a.link);
    list_push_back(&head, &b.link);
    list_remove(&a.link);
    list_remove(&a.link);
    assert_ptr_equal(head.next, &b.link);
    assert_ptr_equal(head.prev, &b.link);
}

/* In a child, with stderr closed so that the line does not look like a fault of this program. */
static void a_failed_check_ends_the_process(void **state) {
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(STDERR_FILENO);
        check(child != 0);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    check(child > 0); /* and one that holds does nothing */
}

static void a_slow_check_is_not_evaluated_in_release(void **state) {
    (void)state;
    int evaluated = 0;
    check_slow(++evaluated == 1);
#ifdef LOAM_DEBUG
    assert_int_equal(evaluated, 1);
#else
    assert_int_equal(evaluated, 0);
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_compare_as_bytes_with_prefixes_first),
        cmocka_unit_test(prefixes_and_rests_are_cut_right),
        cmocka_unit_test(a_list_gives_elements_in_their_order),
        cmocka_unit_test(removing_twice_does_no_harm),
        cmocka_unit_test(a_failed_check_ends_the_process),
        cmocka_unit_test(a_slow_check_is_not_evaluated_in_release),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
