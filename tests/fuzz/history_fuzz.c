/*
 * history_fuzz: what `loam check` reads, on arbitrary bytes. Judged: nothing is read outside the input; what is refused
 * is explained with its line; a history that was read is written as EDN and read back with the same operations, of the
 * same model, and the same verdict.
 */
#include <stdint.h>

#include "engine/base/check.h"
#include "tools/judge/edn.h"
#include "tools/judge/history_file.h"
#include "tools/judge/linearize.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OPS_JUDGED = 40 };

static void must(enum status status) {
    check(status == STATUS_OK);
}

static void write_all(const struct linearize_model *model, const struct history *history, struct buf *to) {
    struct history_writer writer;
    bool more = true;
    must(history_writer_init(&writer, model, history));
    while (more) must(history_writer_next(&writer, 100, to, &more));
    history_writer_deinit(&writer);
}

/* Operations on keys of several models may be told apart by fewer words. */
static void check_equal(const struct history *a, const struct history *b) {
    check(a->count == b->count);
    for (size_t i = 0; i < a->count; i++) {
        const struct history_op *x = &a->ops[i], *y = &b->ops[i];
        check(x->client == y->client && x->kind == y->kind && x->outcome == y->outcome);
        check(slice_equal(x->key, y->key));
        for (int j = 0; j < HISTORY_ARGUMENTS; j++) check(slice_equal(x->arguments[j], y->arguments[j]));
    }
}

static enum linearize_verdict judge(const struct linearize_model *model, const struct history *history) {
    static const struct linearize_options bounds = {.max_steps = 20000};
    struct linearize_report report;
    must(linearize(model, history, &bounds, &report));
    const enum linearize_verdict verdict = report.verdict;
    linearize_report_deinit(&report);
    return verdict;
}

static void check_history(struct slice input) {
    struct history history, again;
    struct error error = {0};
    struct buf text = BUF_EMPTY;
    const struct linearize_model *model = NULL, *model_again = NULL;
    history_init(&history);
    history_init(&again);
    const enum status status = history_read(&history, input, &model, &error);
    check(status == STATUS_OK || (status == STATUS_SYNTAX && error.text[0] != '\0'));
    if (status == STATUS_OK) {
        write_all(model, &history, &text);
        must(history_read_edn(&again, buf_slice(&text), &model_again, &error));
        check(history.count == 0 || model == model_again);
        check_equal(&history, &again);
        if (history.count <= OPS_JUDGED) check(judge(model, &history) == judge(model, &again));
    }
    buf_deinit(&text);
    history_deinit(&history);
    history_deinit(&again);
}

/* Any bytes come back from a string as they went in. */
static void check_string(struct slice bytes) {
    struct buf text = BUF_EMPTY, back = BUF_EMPTY;
    struct edn_reader reader;
    struct edn_word word;
    must(edn_string_write(&text, bytes));
    edn_reader_init(&reader, buf_slice(&text));
    must(edn_next(&reader, &word));
    check(word.kind == EDN_STRING);
    must(edn_string_append(&back, word.text));
    check(slice_equal(buf_slice(&back), bytes));
    must(edn_next(&reader, &word));
    check(word.kind == EDN_END);
    buf_deinit(&text);
    buf_deinit(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    check_history(slice_make(data, size));
    check_string(slice_make(data, size));
    return 0;
}
