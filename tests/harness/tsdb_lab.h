/*
 * tsdb_lab: a tsdb on a simulated disk, with kv beside it for commands on names; short words for tests. Calls fail the
 * test when the store does.
 */
#ifndef TESTS_HARNESS_TSDB_LAB_H
#define TESTS_HARNESS_TSDB_LAB_H

#include "kv/kv.h"
#include "tsdb/tsdb.h"

enum { TSDB_LAB_KINDS = 16 };

struct tsdb_lab {
    struct io *io;
    bool owns_io;
    struct engine *engine;
    struct engine_tree_kind kinds[TSDB_LAB_KINDS];
    struct engine_options options;
    struct name_owner owners[2];
    struct tsdb *tsdb;
    struct kv *kv;
    struct engine_batch batch;
    struct buf operation, reply, text;
    uint64_t index;
    int64_t now_ms;
};

void tsdb_lab_open(struct tsdb_lab *lab);
void tsdb_lab_close(struct tsdb_lab *lab);
void tsdb_lab_reopen(struct tsdb_lab *lab); /* flushed; what apply keeps in memory is forgotten */
struct names_view tsdb_lab_view(const struct tsdb_lab *lab);

/* Apply one operation and give its reply as text: RESP2 with blanks for line ends. */
const char *tsdb_lab_apply(struct tsdb_lab *lab, const struct tsdb_op *op);
const char *tsdb_lab_apply_kv(struct tsdb_lab *lab, enum kv_op_kind kind, const char *first, const char *second);
/* Labels: "a=b c=d"; NULL = none. */
const char *tsdb_lab_create(struct tsdb_lab *lab, const char *name, const char *labels);
const char *tsdb_lab_add(struct tsdb_lab *lab, const char *name, int64_t time_ms, double value);
/* The reply in lab->reply, as text. */
const char *tsdb_lab_text(struct tsdb_lab *lab, unsigned protocol);

/* Splits "a=b c=d" into at most `most` labels; borrows from text. */
size_t tsdb_lab_labels(const char *text, struct tsdb_label *labels, size_t most);

#endif
