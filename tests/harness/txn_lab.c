/* txn_lab: see txn_lab.h. */
#include "tests/harness/txn_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

int txn_lab_set_up(void **state) {
    struct txn_lab *fixture = calloc(1, sizeof *fixture);
    lab_store_init(&fixture->lab, 3);
    memcpy(fixture->kinds, fixture->lab.options.kinds, fixture->lab.options.kind_count * sizeof fixture->kinds[0]);
    fixture->kinds[3] =
        (struct engine_tree_kind){.id = FIFO_KIND, .name = "txn.fifo", .policy = ENGINE_POLICY_FIFO, .fifo_bytes = 1};
    fixture->kinds[4] = (struct engine_tree_kind){.id = UNTIL_KIND, .name = "txn.until", .expires = true};
    fixture->lab.options.kinds = fixture->kinds;
    fixture->lab.options.kind_count = KINDS;
    lab_store_open(&fixture->lab);
    lab_create_tree(fixture->lab.engine, TREE, LAB_PLAIN);
    lab_create_tree(fixture->lab.engine, SUMS, LAB_SUM);
    *state = fixture;
    return 0;
}

int txn_lab_tear_down(void **state) {
    struct txn_lab *fixture = *state;
    engine_txn_end(fixture->txn);
    engine_txn_end(fixture->other);
    lab_store_deinit(&fixture->lab);
    free(fixture);
    return 0;
}

void txn_lab_begin(struct txn_lab *fixture) {
    assert_int_equal(engine_txn_begin(fixture->lab.engine, NULL, &fixture->txn), STATUS_OK);
}

void txn_lab_begin_both(struct txn_lab *fixture) {
    txn_lab_begin(fixture);
    assert_int_equal(engine_txn_begin(fixture->lab.engine, NULL, &fixture->other), STATUS_OK);
}

void txn_lab_put(struct engine_txn *txn, const char *key, const char *value) {
    assert_int_equal(engine_txn_put(txn, TREE, s(key), s(value)), STATUS_OK);
}

void txn_lab_expect(struct engine_txn *txn, uint32_t tree, const char *key, const char *expected) {
    struct engine_value value;
    const enum status status = engine_txn_get(txn, tree, s(key), &value);
    if (status != (expected ? STATUS_OK : STATUS_NOT_FOUND)) fail_msg("get %s: %s", key, status_name(status));
    if (!expected) return;
    if (!slice_equal(value.data, s(expected)))
        fail_msg("get %s: \"%.*s\", expected \"%s\"", key, (int)value.data.size, (const char *)value.data.data,
                 expected);
    engine_value_release(&value);
}

static void add(struct buf *to, struct engine_iterator *iterator) {
    const struct slice key = engine_iterator_key(iterator), value = engine_iterator_value(iterator);
    assert_int_equal(buf_append_format(to, "%s%.*s=%.*s", to->size ? " " : "", (int)key.size, (const char *)key.data,
                                       (int)value.size, (const char *)value.data),
                     STATUS_OK);
}

/* Forward, then backward, as "a=1 b=2". */
void txn_lab_expect_rows(struct engine_txn *txn, uint32_t tree, const struct engine_iterator_options *options,
                         const char *forward, const char *backward) {
    struct engine_iterator *iterator;
    struct buf rows = BUF_EMPTY;
    assert_int_equal(engine_txn_iterator_open(txn, tree, options, &iterator), STATUS_OK);
    for (engine_iterator_seek_first(iterator); engine_iterator_valid(iterator); engine_iterator_next(iterator))
        add(&rows, iterator);
    assert_int_equal(engine_iterator_status(iterator), STATUS_OK);
    if (!slice_equal(buf_slice(&rows), s(forward)))
        fail_msg("forward \"%.*s\", expected \"%s\"", (int)rows.size, (const char *)rows.data, forward);
    buf_clear(&rows);
    for (engine_iterator_seek_last(iterator); engine_iterator_valid(iterator); engine_iterator_prev(iterator))
        add(&rows, iterator);
    assert_int_equal(engine_iterator_status(iterator), STATUS_OK);
    if (!slice_equal(buf_slice(&rows), s(backward)))
        fail_msg("backward \"%.*s\", expected \"%s\"", (int)rows.size, (const char *)rows.data, backward);
    buf_deinit(&rows);
    engine_iterator_close(iterator);
}

void txn_lab_commit(struct engine_txn *txn) {
    const enum status status = engine_txn_commit(txn, NULL);
    if (status != STATUS_OK) fail_msg("commit: %s", status_name(status));
}

void txn_lab_expect_conflict(struct engine_txn *txn, uint32_t tree, const char *key) {
    struct engine_txn_conflict conflict;
    assert_int_equal(engine_txn_commit(txn, NULL), STATUS_CONFLICT);
    engine_txn_get_conflict(txn, &conflict);
    assert_int_equal(conflict.tree, tree);
    if (!slice_equal(conflict.key, s(key)))
        fail_msg("conflict at \"%.*s\", expected \"%s\"", (int)conflict.key.size, (const char *)conflict.key.data, key);
}

void txn_lab_settle(struct txn_lab *fixture) {
    assert_int_equal(engine_flush(fixture->lab.engine), STATUS_OK);
    assert_int_equal(engine_compact(fixture->lab.engine), STATUS_OK);
}
