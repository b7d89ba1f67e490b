/* version, view and tree_table: immutable sets, reference counts without a lock, trees that come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/sync.h"
#include "engine/lsm/tree_table.h"
#include "engine/lsm/view.h"
#include "tests/harness/test_env.h"

static const struct engine_tree_kind kind = {.id = 1, .name = "k"};

static struct file *make_file(struct morgue *morgue, uint64_t number, uint32_t instance, const char *first,
                              const char *last, bool exclusive) {
    const struct edit_file meta = {
        .number = number,
        .instance = instance,
        .bytes = 10,
        .first = slice_from_text(first),
        .last = last ? slice_from_text(last) : slice_make(NULL, 0),
        .has_last = last != NULL,
        .last_exclusive = exclusive,
        .last_sequence = number,
    };
    return file_create(morgue, &meta);
}

static size_t bury(struct morgue *morgue) {
    struct list *link;
    size_t count = 0;
    for (; (link = list_pop_front(&morgue->files)) != NULL; count++) file_destroy(list_entry(link, struct file, link));
    return count;
}

static void spans_know_what_they_hold(void **state) {
    (void)state;
    struct morgue morgue;
    morgue_init(&morgue);
    struct file *closed = make_file(&morgue, 1, 1, "b", "d", false);
    struct file *open = make_file(&morgue, 2, 1, "d", "f", true);
    struct file *endless = make_file(&morgue, 3, 1, "f", NULL, false);
    assert_int_equal(file_locate(closed, slice_from_text("a")), -1);
    assert_int_equal(file_locate(closed, slice_from_text("b")), 0);
    assert_int_equal(file_locate(closed, slice_from_text("d")), 0);
    assert_int_equal(file_locate(closed, slice_from_text("da")), 1);
    assert_int_equal(file_locate(open, slice_from_text("ez")), 0);
    assert_int_equal(file_locate(open, slice_from_text("f")), 1);
    assert_int_equal(file_locate(endless, slice_from_text("zzz")), 0);
    assert_true(file_overlaps_file(closed, open));
    assert_false(file_overlaps_file(open, endless));
    assert_true(file_compare_last(open, endless) < 0);
    assert_true(file_overlaps(open, slice_from_text("a"), slice_from_text("da")));
    assert_false(file_overlaps(open, slice_from_text("a"), slice_from_text("d")));
    assert_true(file_overlaps(endless, slice_from_text("x"), slice_make(NULL, 0)));
    file_release(closed);
    file_release(open);
    file_release(endless);
    assert_int_equal(bury(&morgue), 3);
    morgue_deinit(&morgue);
}

static void a_version_shares_what_did_not_change_and_refuses_overlap(void **state) {
    (void)state;
    struct morgue morgue;
    struct version *empty = version_create_empty(), *first, *second, *bad;
    morgue_init(&morgue);
    struct file *files[] = {make_file(&morgue, 1, 1, "a", "c", false), make_file(&morgue, 2, 1, "d", "f", false),
                            make_file(&morgue, 3, 2, "a", "z", false), make_file(&morgue, 4, 1, "c", "d", false)};
    struct version_change changes[4];
    for (size_t i = 0; i < 4; i++)
        changes[i] = (struct version_change){
            .instance = files[i]->meta.instance, .level = 1, .file = files[i], .add = true, .kind = &kind};
    assert_int_equal(version_apply(empty, changes, 3, &first), STATUS_OK);
    assert_int_equal(version_apply(first, changes + 3, 1, &bad), STATUS_CORRUPT);
    changes[0].add = false; /* the first file makes room for the fourth; the second goes too */
    changes[1].add = false;
    changes[2] = changes[3];
    assert_int_equal(version_apply(first, changes, 3, &second), STATUS_OK);
    assert_int_equal(version_find(second, 1)->levels[1].count, 1);
    assert_ptr_equal(version_find(first, 2), version_find(second, 2));
    assert_null(version_find(second, 3));
    assert_int_equal(version_find(first, 1)->levels[1].count, 2); /* as it was */
    for (size_t i = 0; i < 4; i++) file_release(files[i]);
    version_release(empty);
    version_release(first);
    assert_int_equal(bury(&morgue), 2);
    version_release(second);
    assert_int_equal(bury(&morgue), 2);
    morgue_deinit(&morgue);
}

/* ---- Views
 * ---------------------------------------------------------------------------------------------------------------------
 */

struct shared {
    struct view_table table;
    struct version *version;
    atomic_bool stop;
    _Atomic uint64_t acquired;
};

static void publish(struct shared *shared) {
    struct mem *mem = mem_create(NULL, NULL, 1);
    struct view *view = view_reserve(&shared->table);
    assert_non_null(view);
    view_fill(view, shared->version, mem, NULL, 0);
    mem_release(mem);
    view_publish(&shared->table, view);
}

static void read_views(void *context) {
    struct shared *shared = context;
    uint64_t newest = 0;
    while (!atomic_load(&shared->stop)) {
        struct view *view = view_acquire(&shared->table);
        if (view->number < newest || !view->active) abort(); /* time went back */
        newest = view->number;
        view_release(&shared->table, view);
        atomic_fetch_add(&shared->acquired, 1);
    }
}

static void a_view_dies_with_its_last_reader_and_not_before(void **state) {
    (void)state;
    struct shared shared = {.version = version_create_empty()};
    view_table_init(&shared.table);
    publish(&shared);
    struct view *held = view_acquire(&shared.table), *again = view_acquire(&shared.table);
    assert_ptr_equal(held, again);
    assert_false(view_release(&shared.table, again));
    publish(&shared);
    view_bury(&shared.table);
    assert_int_equal(view_oldest(&shared.table), held->number);
    assert_true(view_release(&shared.table, held));
    view_bury(&shared.table);
    assert_int_equal(view_oldest(&shared.table), 2);
    view_table_deinit(&shared.table);
    version_release(shared.version);
}

static void readers_and_a_publisher_need_no_lock(void **state) {
    (void)state;
    struct shared shared = {.version = version_create_empty()};
    struct thread threads[2];
    view_table_init(&shared.table);
    publish(&shared);
    for (int i = 0; i < 2; i++) assert_int_equal(thread_start(&threads[i], "views", read_views, &shared), STATUS_OK);
    for (uint64_t i = 0; i < test_scaled(3000) || atomic_load(&shared.acquired) < 1000; i++) {
        publish(&shared);
        view_bury(&shared.table);
    }
    atomic_store(&shared.stop, true);
    for (int i = 0; i < 2; i++) thread_join(&threads[i]);
    view_bury(&shared.table);
    assert_ptr_equal(view_present(&shared.table), list_entry(shared.table.alive.next, struct view, link));
    view_table_deinit(&shared.table);
    version_release(shared.version);
}

/* ---- Trees
 * -----------------------------------------------------------------------------------------------------------------------
 */

static void a_tree_is_found_at_the_sequences_of_its_life(void **state) {
    (void)state;
    static struct tree_table table;
    struct tree *first, *second;
    tree_table_init(&table);
    assert_int_equal(tree_table_create(&table, 7, 1, &kind, 10, &first), STATUS_OK);
    tree_table_drop(&table, first, 20);
    assert_int_equal(tree_table_create(&table, 7, 2, &kind, 21, &second), STATUS_OK);
    assert_null(tree_table_find(&table, 7, 9));
    assert_ptr_equal(tree_table_find(&table, 7, 10), first);
    assert_ptr_equal(tree_table_find(&table, 7, 19), first);
    assert_null(tree_table_find(&table, 7, 20));
    assert_ptr_equal(tree_table_find(&table, 7, 21), second);
    assert_ptr_equal(tree_table_live(&table, 7), second);
    assert_ptr_equal(tree_table_by_instance(&table, 1), first);
    tree_table_undo(&table, 7, 20, 1); /* the drop and what came after it never happened */
    assert_ptr_equal(tree_table_live(&table, 7), first);
    assert_int_equal(table.live, 1);
    tree_table_collect(&table, 1);
    tree_table_drop(&table, first, 30);
    tree_table_remove(&table, first, 5);
    assert_null(tree_table_find(&table, 7, 15));
    tree_table_collect(&table, 6);
    assert_null(table.removed);
    tree_table_deinit(&table);
}

static void there_is_a_limit_of_trees(void **state) {
    (void)state;
    static struct tree_table table;
    struct tree *tree;
    tree_table_init(&table);
    for (uint32_t i = 0; i < ENGINE_TREES_MAX; i++)
        assert_int_equal(tree_table_create(&table, i, i + 1, &kind, 1, &tree), STATUS_OK);
    assert_int_equal(tree_table_create(&table, ENGINE_TREES_MAX, ENGINE_TREES_MAX + 1, &kind, 1, &tree),
                     STATUS_TOO_LARGE);
    assert_non_null(tree_table_live(&table, ENGINE_TREES_MAX - 1));
    tree_table_deinit(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_know_what_they_hold),
        cmocka_unit_test(a_version_shares_what_did_not_change_and_refuses_overlap),
        cmocka_unit_test(a_view_dies_with_its_last_reader_and_not_before),
        cmocka_unit_test(readers_and_a_publisher_need_no_lock),
        cmocka_unit_test(a_tree_is_found_at_the_sequences_of_its_life),
        cmocka_unit_test(there_is_a_limit_of_trees),
    };
    return cmocka_run_group_tests_name("version", tests, NULL, NULL);
}
