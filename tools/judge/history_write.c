/* history_write: a history as EDN (history_file.h, FORMAT.md). */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/decimal.h"
#include "tools/judge/edn.h"
#include "tools/judge/history_file.h"
#include "tools/judge/history_words.h"

struct history_moment {
    uint64_t time;
    size_t op;
    bool is_answer;
};

/* At equal times calls come first: such operations are concurrent. */
static int compare_moments(const void *left, const void *right) {
    const struct history_moment *a = left;
    const struct history_moment *b = right;
    if (a->time != b->time) return a->time < b->time ? -1 : 1;
    if (a->is_answer != b->is_answer) return a->is_answer ? 1 : -1;
    return (a->op > b->op) - (a->op < b->op);
}

enum status history_writer_init(struct history_writer *writer, const struct linearize_model *model,
                                const struct history *history) {
    *writer = (struct history_writer){.history = history, .model = model};
    writer->moments = malloc((history->count * 2 + 1) * sizeof *writer->moments);
    if (!writer->moments) return STATUS_NO_MEMORY;
    for (size_t i = 0; i < history->count; i++) {
        const struct history_op *op = &history->ops[i];
        writer->moments[writer->count++] = (struct history_moment){.time = op->invoked, .op = i};
        /* When one was refused, or given up, is not known, and means nothing. */
        const uint64_t time = op->outcome == HISTORY_RETURNED ? op->returned : op->invoked;
        writer->moments[writer->count++] = (struct history_moment){.time = time, .op = i, .is_answer = true};
    }
    qsort(writer->moments, writer->count, sizeof *writer->moments, compare_moments);
    return STATUS_OK;
}

void history_writer_deinit(struct history_writer *writer) {
    free(writer->moments);
    *writer = (struct history_writer){0};
}

/* Numbers as numbers, so that other tools count with them. */
static enum status put_scalar(struct buf *to, struct slice text) {
    int64_t number;
    return decimal_parse(text, &number) ? buf_append_slice(to, text) : edn_string_write(to, text);
}

static enum status put_arguments(struct buf *to, const struct history_op *op, unsigned count) {
    if (count == 0) return buf_append_slice(to, slice_from_text("nil"));
    enum status status = count > 1 ? buf_append_byte(to, '[') : STATUS_OK;
    for (unsigned i = 0; i < count && status == STATUS_OK; i++) {
        if (i > 0) status = buf_append_byte(to, ' ');
        if (status == STATUS_OK) status = put_scalar(to, op->arguments[i]);
    }
    return status == STATUS_OK && count > 1 ? buf_append_byte(to, ']') : status;
}

static enum status put_result(struct buf *to, const struct history_op *op) {
    if (op->result_type == HISTORY_NIL) return buf_append_slice(to, slice_from_text("nil"));
    return put_scalar(to, op->result);
}

static enum status put_value(struct buf *to, const struct history_op *op, const struct history_word_facts *facts,
                             bool is_result) {
    enum status status = buf_append_slice(to, slice_from_text(", :value "));
    if (status == STATUS_OK && op->key.size > 0) {
        status = buf_append_byte(to, '[');
        if (status == STATUS_OK) status = put_scalar(to, op->key);
        if (status == STATUS_OK) status = buf_append_byte(to, ' ');
    }
    if (status == STATUS_OK) status = is_result ? put_result(to, op) : put_arguments(to, op, facts->arguments);
    return status == STATUS_OK && op->key.size > 0 ? buf_append_byte(to, ']') : status;
}

static bool is_failed_swap(const struct history_op *op, enum history_word word) {
    return word == HISTORY_CAS && slice_equal(op->result, slice_from_text("fail"));
}

/* What a client was told beyond the :value. */
static enum status put_reply(struct buf *to, const struct history_writer *writer, const struct history_op *op,
                             enum history_word word) {
    if (op->outcome != HISTORY_RETURNED) return STATUS_OK;
    enum status status = STATUS_OK;
    if (op->result_type == HISTORY_ERROR) {
        status = buf_append_slice(to, slice_from_text(", :error "));
        return status == STATUS_OK ? edn_string_write(to, op->result) : status;
    }
    const bool told = history_words[word].value_is_answer || (word == HISTORY_CAS && !is_failed_swap(op, word)) ||
                      (word == HISTORY_WRITE && slice_equal(op->result, slice_from_text("OK")));
    if (told || !history_word_answer_counts(writer->model, word)) return STATUS_OK;
    status = buf_append_slice(to, slice_from_text(", :reply "));
    return status == STATUS_OK ? put_result(to, op) : status;
}

static enum status put_event(struct buf *to, const struct history_writer *writer, size_t index) {
    const struct history_moment *moment = &writer->moments[index];
    const struct history_op *op = &writer->history->ops[moment->op];
    const enum history_word word = history_kind_word(writer->model, op->kind);
    const struct history_word_facts *facts = &history_words[word];
    const bool failed = op->outcome == HISTORY_REFUSED || is_failed_swap(op, word);
    const bool is_error = op->outcome == HISTORY_RETURNED && op->result_type == HISTORY_ERROR;
    const char *type = !moment->is_answer ? "invoke" : failed ? "fail" : op->outcome == HISTORY_PENDING ? "info" : "ok";
    enum status status =
        buf_append_format(to, "{:index %zu, :time %" PRIu64 ", :type :%s, :process %" PRIu32 ", :f :%s", index,
                          moment->time, type, op->client, facts->name);
    const bool is_result = moment->is_answer && op->outcome == HISTORY_RETURNED && facts->value_is_answer && !is_error;
    if (status == STATUS_OK) status = put_value(to, op, facts, is_result);
    if (status == STATUS_OK && moment->is_answer) status = put_reply(to, writer, op, word);
    return status == STATUS_OK ? buf_append(to, "}\n", 2) : status;
}

enum status history_writer_next(struct history_writer *writer, size_t bytes, struct buf *to, bool *more) {
    const size_t end = to->size + bytes;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && writer->at < writer->count && to->size < end)
        status = put_event(to, writer, writer->at++);
    *more = writer->at < writer->count;
    return status;
}
