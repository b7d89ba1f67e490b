/*
 * txn_lab: a store in a simulated machine, with trees of several kinds and up to two transactions at a time, and calls
 * that fail the test when the engine does. For cmocka: *state is a struct txn_lab.
 */
#ifndef TESTS_HARNESS_TXN_LAB_H
#define TESTS_HARNESS_TXN_LAB_H

#include "engine/txn.h"
#include "tests/harness/engine_lab.h"

enum { TREE = 1, SUMS = 2, FIFO_TREE = 3, UNTIL_TREE = 4, FIFO_KIND = 20, UNTIL_KIND = 21, KINDS = 5 };

struct txn_lab {
    struct lab_store lab;
    struct engine_tree_kind kinds[KINDS];
    struct engine_txn *txn, *other;
};

static inline struct slice s(const char *text) {
    return slice_from_text(text);
}

/* TREE and SUMS are there. */
int txn_lab_set_up(void **state);
int txn_lab_tear_down(void **state);

void txn_lab_begin(struct txn_lab *fixture);
void txn_lab_begin_both(struct txn_lab *fixture);
void txn_lab_put(struct engine_txn *txn, const char *key, const char *value); /* into TREE */
void txn_lab_commit(struct engine_txn *txn);

/* expected NULL: it is not there. */
void txn_lab_expect(struct engine_txn *txn, uint32_t tree, const char *key, const char *expected);
/* Forward, then backward, as "a=1 b=2". */
void txn_lab_expect_rows(struct engine_txn *txn, uint32_t tree, const struct engine_iterator_options *options,
                         const char *forward, const char *backward);
/* Of its commit, at this key. */
void txn_lab_expect_conflict(struct engine_txn *txn, uint32_t tree, const char *key);

/* Flushes and compacts all. */
void txn_lab_settle(struct txn_lab *fixture);

#endif
