/* linearize_explain: a failed search in words. Text from clients is shown with escapes, and cut in its middle when
 * long. */
#include <stdio.h>

#include "tools/judge/linearize_search.h"

enum { SHOWN_HEAD = 24, SHOWN_TAIL = 48, SHOWN_OPEN = 12 };

static enum status put_bytes(struct buf *text, struct slice bytes) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < bytes.size && status == STATUS_OK; i++) {
        uint8_t byte = bytes.data[i];
        bool plain = byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\';
        status = plain ? buf_append_byte(text, byte) : buf_append_format(text, "\\x%02x", byte);
    }
    return status;
}

static enum status put_quoted(struct buf *text, struct slice bytes) {
    bool cut = bytes.size > SHOWN_HEAD + SHOWN_TAIL;
    enum status status = buf_append_byte(text, '"');
    if (status == STATUS_OK) status = put_bytes(text, cut ? slice_make(bytes.data, SHOWN_HEAD) : bytes);
    if (status == STATUS_OK && cut)
        status = buf_append_format(text, "\" ...%zu bytes... \"", bytes.size - SHOWN_HEAD - SHOWN_TAIL);
    if (status == STATUS_OK && cut) status = put_bytes(text, slice_from(bytes, bytes.size - SHOWN_TAIL));
    return status == STATUS_OK ? buf_append_byte(text, '"') : status;
}

static enum status put_result(struct buf *text, const struct history_op *op) {
    if (op->outcome == HISTORY_PENDING) return buf_append_format(text, " -> never answered\n");
    const char *type = op->result_type == HISTORY_NIL ? "nil" : op->result_type == HISTORY_ERROR ? "error " : "";
    enum status status = buf_append_format(text, " -> %s", type);
    if (status == STATUS_OK && op->result_type != HISTORY_NIL) status = put_quoted(text, op->result);
    return status == STATUS_OK ? buf_append_byte(text, '\n') : status;
}

static enum status put_op(struct buf *text, const struct linearize_search *search, const struct history_op *op) {
    char until[24] = "";
    if (op->outcome == HISTORY_RETURNED) (void)snprintf(until, sizeof until, "%llu", (unsigned long long)op->returned);
    enum status status = buf_append_format(text, "    [%llu, %s] client %u: %s", (unsigned long long)op->invoked, until,
                                           op->client, search->model->kind_names[op->kind]);
    for (int i = 0; i < HISTORY_ARGUMENTS && status == STATUS_OK; i++) {
        if (!op->arguments[i].data) continue;
        status = buf_append_byte(text, ' ');
        if (status == STATUS_OK) status = put_quoted(text, op->arguments[i]);
    }
    return status == STATUS_OK ? put_result(text, op) : status;
}

static enum status put_heading(struct buf *text, const struct linearize_search *search, const char *verdict) {
    enum status status = buf_append_format(text, "%s: key ", verdict);
    if (status == STATUS_OK)
        status = put_quoted(text, search->item_count ? search->items[0].op->key : slice_make(NULL, 0));
    if (status != STATUS_OK) return status;
    return buf_append_format(text,
                             ", model %s, %zu operations, %zu of them never answered, %llu steps, %zu configurations\n",
                             search->model->name, search->item_count, search->pending_count,
                             (unsigned long long)search->steps, search->seen.known_count);
}

/* Was it under way when the blocked one returned, and not in the order that is shown? Placed ones are back in the list
 * by now. */
static bool is_open_at(const struct linearize_search *search, const struct linearize_item *item) {
    return item->call < search->blocked && (item->is_pending || item->call->match > search->blocked);
}

static enum status put_open(struct buf *text, const struct linearize_search *search) {
    size_t shown = 0;
    enum status status = STATUS_OK;
    for (size_t i = search->item_count; i > 0 && status == STATUS_OK && shown < SHOWN_OPEN; i--) {
        if (!is_open_at(search, &search->items[i - 1])) continue;
        if (shown++ == 0)
            status = buf_append_format(
                text, "  under way at that time, so that they may stand before or after (newest first, at most %d):\n",
                SHOWN_OPEN);
        if (status == STATUS_OK) status = put_op(text, search, search->items[i - 1].op);
    }
    return status;
}

static enum status put_order(struct buf *text, const struct linearize_search *search) {
    enum status status =
        buf_append_format(text, "  an order that comes up to it places %zu operations; the last %zu:\n",
                          search->blocked_placed, search->tail_count);
    for (size_t i = 0; i < search->tail_count && status == STATUS_OK; i++)
        status = put_op(text, search, search->items[search->tail[i]].op);
    if (status == STATUS_OK) status = buf_append_format(text, "  state behind them: ");
    if (status == STATUS_OK) status = put_quoted(text, search->seen.states[search->blocked_state]);
    return status == STATUS_OK ? buf_append_byte(text, '\n') : status;
}

static const char *claim(const struct linearize_search *search, enum linearize_verdict verdict) {
    if (verdict == LINEARIZE_UNDECIDED) return "the search had not got past the return of this one yet";
    if (search->looks_ahead)
        return "the search got no further than the return of this one (reads after it were looked at too)";
    return "what returned before this one has an order; there is none once this one returned";
}

enum status linearize_explain(const struct linearize_search *search, enum linearize_verdict verdict, struct buf *text) {
    bool undecided = verdict == LINEARIZE_UNDECIDED;
    enum status status =
        put_heading(text, search, undecided ? "undecided (a bound of the search was reached)" : "not linearizable");
    if (status != STATUS_OK || !search->blocked) return status;
    status = buf_append_format(text, "  %s:\n", claim(search, verdict));
    if (status == STATUS_OK) status = put_op(text, search, search->items[search->blocked->item].op);
    if (status == STATUS_OK) status = put_order(text, search);
    return status == STATUS_OK ? put_open(text, search) : status;
}
