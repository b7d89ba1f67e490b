/* linearize: splits a history by key and judges each key by a search of its own (linearize.h). */
#include "tools/judge/linearize.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "tools/judge/linearize_search.h"

enum { EXPLAIN_STEPS = 1000 * 1000, EXPLAIN_BYTES = 64 * 1024 * 1024 };

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

static enum status judge_key(const struct linearize_model *model, const struct history_op *const *ops, size_t count,
                             const struct linearize_options *options, struct linearize_report *report) {
    struct linearize_search search;
    enum linearize_verdict verdict;
    enum status status = linearize_search_init(&search, model, ops, count, options);
    if (status != STATUS_OK) return status;
    status = linearize_search_run(&search, &verdict);
    report->keys++;
    report->operations += search.item_count;
    report->steps += search.steps;
    if (status == STATUS_OK) {
        report->undecided_keys += verdict == LINEARIZE_UNDECIDED;
        if (outweighs(verdict, report->verdict)) {
            report->verdict = verdict;
            buf_clear(&report->text);
            bool exact = verdict == LINEARIZE_NO && search.looks_ahead;
            status = exact ? explain_no(&search, ops, count, &report->text)
                           : linearize_explain(&search, verdict, &report->text);
        }
    }
    linearize_search_deinit(&search);
    return status;
}

enum status linearize(const struct linearize_model *model, const struct history *history,
                      const struct linearize_options *options, struct linearize_report *report) {
    *report = (struct linearize_report){.verdict = LINEARIZE_YES};
    const struct history_op **ops = calloc(history->count + 1, sizeof *ops);
    if (!ops) return STATUS_NO_MEMORY;
    size_t count = 0;
    enum status status = collect(model, history, ops, &count);
    for (size_t begin = 0, end; begin < count && status == STATUS_OK; begin = end) {
        for (end = begin + 1; end < count && slice_equal(ops[end]->key, ops[begin]->key);) end++;
        status = judge_key(model, ops + begin, end - begin, options, report);
    }
    free(ops);
    if (status != STATUS_OK) linearize_report_deinit(report);
    return status;
}

void linearize_report_deinit(struct linearize_report *report) {
    buf_deinit(&report->text);
    *report = (struct linearize_report){0};
}
