/* linearize: splits a history by key and judges each key by a search of its own (linearize.h). */
#include "tools/judge/linearize.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "tools/judge/linearize_search.h"

enum { EXPLAIN_STEPS = 1000 * 1000, EXPLAIN_BYTES = 64 * 1024 * 1024, FIRST_STEPS = 100 * 1000 };

static int compare_ops(const void *left, const void *right) {
    const struct history_op *a = *(const struct history_op *const *)left;
    const struct history_op *b = *(const struct history_op *const *)right;
    int order = slice_compare(a->key, b->key);
    if (order != 0) return order;
    if (a->invoked != b->invoked) return a->invoked < b->invoked ? -1 : 1;
    return (a > b) - (a < b); /* both in one array: the order of history_invoke */
}

const char *linearize_verdict_name(enum linearize_verdict verdict) {
    static const char *const names[] = {
        [LINEARIZE_YES] = "linearizable", [LINEARIZE_NO] = "not linearizable", [LINEARIZE_UNDECIDED] = "undecided"};
    return names[verdict];
}

/* All but the refused ones; INVALID for a kind that the model does not know. */
static enum status collect(const struct linearize_model *model, const struct history *history,
                           const struct history_op **ops, size_t *count) {
    *count = 0;
    for (size_t i = 0; i < history->count; i++) {
        const struct history_op *op = &history->ops[i];
        if (op->kind >= model->kind_count) return STATUS_INVALID;
        if (op->outcome != HISTORY_REFUSED) ops[(*count)++] = op;
    }
    qsort(ops, *count, sizeof *ops, compare_ops);
    return STATUS_OK;
}

/*
 * A search that looks ahead gives up before the operation that has no place is reached. One that does not finds that
 * operation, if it can be done in a few steps; if not, the words say less.
 */
static enum status explain_no(const struct linearize_search *search, const struct history_op *const *ops, size_t count,
                              struct buf *text) {
    static const struct linearize_options bounds = {.max_steps = EXPLAIN_STEPS, .max_bytes = EXPLAIN_BYTES};
    struct linearize_search exact;
    enum linearize_verdict verdict;
    enum status status = linearize_search_init(&exact, search->model, ops, count, &bounds);
    if (status != STATUS_OK) return status;
    exact.looks_ahead = false;
    status = linearize_search_run(&exact, &verdict);
    if (status == STATUS_OK) {
        check(verdict != LINEARIZE_YES);
        status = linearize_explain(verdict == LINEARIZE_NO ? &exact : search, LINEARIZE_NO, text);
    }
    linearize_search_deinit(&exact);
    return status;
}

/* NO outweighs UNDECIDED outweighs YES; the text is of the first key with the weightiest verdict. */
static bool outweighs(enum linearize_verdict verdict, enum linearize_verdict standing) {
    if (verdict == LINEARIZE_NO) return standing != LINEARIZE_NO;
    return verdict == LINEARIZE_UNDECIDED && standing == LINEARIZE_YES;
}

/* The operations of one key, in the order of collect. */
struct key_run {
    size_t begin, end;
    bool is_open; /* the first look did not decide it */
};

struct judging {
    const struct linearize_model *model;
    const struct history_op **ops;
    struct key_run *keys;
    size_t key_count;
    struct linearize_report *report;
};

static enum status note_verdict(struct judging *judging, const struct linearize_search *search, struct key_run *key,
                                enum linearize_verdict verdict) {
    struct linearize_report *report = judging->report;
    if (!outweighs(verdict, report->verdict)) return STATUS_OK;
    report->verdict = verdict;
    buf_clear(&report->text);
    if (verdict != LINEARIZE_NO || !search->looks_ahead) return linearize_explain(search, verdict, &report->text);
    return explain_no(search, judging->ops + key->begin, key->end - key->begin, &report->text);
}

static enum status judge_key(struct judging *judging, struct key_run *key, const struct linearize_options *options,
                             bool is_last) {
    struct linearize_search search;
    enum linearize_verdict verdict;
    enum status status =
        linearize_search_init(&search, judging->model, judging->ops + key->begin, key->end - key->begin, options);
    if (status != STATUS_OK) return status;
    status = linearize_search_run(&search, &verdict);
    judging->report->steps += search.steps;
    if (!key->is_open) judging->report->operations += search.item_count;
    key->is_open = verdict == LINEARIZE_UNDECIDED;
    if (status == STATUS_OK && (is_last || !key->is_open)) status = note_verdict(judging, &search, key, verdict);
    linearize_search_deinit(&search);
    return status;
}

/*
 * A short look at each key first: what one key says no to is no whatever the hard ones would say, and then these are
 * left as they are.
 */
static enum status judge_all(struct judging *judging, const struct linearize_options *options) {
    struct linearize_options first = options ? *options : (struct linearize_options){0};
    const bool is_last = first.max_steps > 0 && first.max_steps <= FIRST_STEPS;
    if (!is_last) first.max_steps = FIRST_STEPS;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < judging->key_count && status == STATUS_OK; i++)
        status = judge_key(judging, &judging->keys[i], &first, is_last);
    for (size_t i = 0; i < judging->key_count && status == STATUS_OK; i++) {
        struct key_run *key = &judging->keys[i];
        if (key->is_open && !is_last && judging->report->verdict != LINEARIZE_NO)
            status = judge_key(judging, key, options, true);
        judging->report->undecided_keys += key->is_open;
    }
    judging->report->keys = judging->key_count;
    return status;
}

static size_t part_by_key(const struct history_op *const *ops, size_t count, struct key_run *keys) {
    size_t runs = 0;
    for (size_t begin = 0, end; begin < count; begin = end) {
        for (end = begin + 1; end < count && slice_equal(ops[end]->key, ops[begin]->key);) end++;
        keys[runs++] = (struct key_run){.begin = begin, .end = end};
    }
    return runs;
}

enum status linearize(const struct linearize_model *model, const struct history *history,
                      const struct linearize_options *options, struct linearize_report *report) {
    *report = (struct linearize_report){.verdict = LINEARIZE_YES};
    struct judging judging = {.model = model, .report = report};
    size_t count = 0;
    judging.ops = calloc(history->count + 1, sizeof *judging.ops);
    judging.keys = calloc(history->count + 1, sizeof *judging.keys);
    enum status status = judging.ops && judging.keys ? STATUS_OK : STATUS_NO_MEMORY;
    if (status == STATUS_OK) status = collect(model, history, judging.ops, &count);
    if (status == STATUS_OK) {
        judging.key_count = part_by_key(judging.ops, count, judging.keys);
        status = judge_all(&judging, options);
    }
    free(judging.ops);
    free(judging.keys);
    if (status != STATUS_OK) linearize_report_deinit(report);
    return status;
}

void linearize_report_deinit(struct linearize_report *report) {
    buf_deinit(&report->text);
    *report = (struct linearize_report){0};
}
