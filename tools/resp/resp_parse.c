/*
 * resp_parse: the server's side of RESP (PROTOCOL.md; the rules are those of Redis 7.0's processInlineBuffer and
 * processMultibulkBuffer). Invariant: all offsets count from the first byte of the command that is being read, and no
 * byte before `scanned` or `position` is looked at again.
 */
#include "tools/resp/resp_parse.h"
#include "engine/base/decimal.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "tools/resp/resp_split.h"

enum { FIRST_CAPACITY = 16, KEPT_CAPACITY = 1024, KEPT_INLINE_BYTES = 4096 };

void resp_parser_init(struct resp_parser *parser, size_t max_bulk_bytes) {
    *parser = (struct resp_parser){.max_bulk_bytes = max_bulk_bytes};
}

void resp_parser_deinit(struct resp_parser *parser) {
    free(parser->spans);
    free(parser->args);
    buf_deinit(&parser->inline_text);
    *parser = (struct resp_parser){0};
}

void resp_parser_trim(struct resp_parser *parser) {
    check(parser->span_count == 0 && parser->position == 0);
    if (parser->capacity > KEPT_CAPACITY) {
        free(parser->spans);
        free(parser->args);
        parser->spans = NULL;
        parser->args = NULL;
        parser->capacity = 0;
    }
    if (parser->inline_text.capacity > KEPT_INLINE_BYTES) buf_deinit(&parser->inline_text);
}

static enum status fail(struct resp_parser *parser, const char *what) {
    static const char prefix[] = "ERR Protocol error: ";
    size_t prefix_size = sizeof prefix - 1;
    size_t size = strlen(what);
    check(prefix_size + size <= sizeof parser->error_text);
    memcpy(parser->error_text, prefix, prefix_size);
    memcpy(parser->error_text + prefix_size, what, size);
    parser->error = slice_make(parser->error_text, prefix_size + size);
    parser->broken = true;
    return STATUS_SYNTAX;
}

static enum status fail_with_byte(struct resp_parser *parser, uint8_t got) {
    static const char text[] = "expected '$', got ' '";
    (void)fail(parser, text);
    if (got != '\r' && got != '\n')
        parser->error_text[parser->error.size - 2] = (char)got; /* a line end stays a blank */
    return STATUS_SYNTAX;
}

static enum status want(struct resp_parser *parser, size_t input_bytes) {
    parser->wanted_bytes = input_bytes;
    return STATUS_END;
}

/* Room for one more span and for the args made of them. */
static enum status reserve_span(struct resp_parser *parser) {
    if (parser->span_count < parser->capacity) return STATUS_OK;
    size_t capacity = parser->capacity ? parser->capacity * 2 : FIRST_CAPACITY;
    struct resp_span *spans = realloc(parser->spans, capacity * sizeof *spans);
    if (!spans) return STATUS_NO_MEMORY;
    parser->spans = spans;
    struct slice *args = realloc(parser->args, capacity * sizeof *args);
    if (!args) return STATUS_NO_MEMORY;
    parser->args = args;
    parser->capacity = capacity;
    return STATUS_OK;
}

static void make_args(struct resp_parser *parser, struct slice base) {
    for (size_t i = 0; i < parser->span_count; i++) {
        struct resp_span span = parser->spans[i];
        parser->args[i] = slice_make(span.size ? base.data + span.offset : NULL, span.size);
    }
    parser->arg_count = parser->span_count;
    parser->span_count = 0;
}

/*
 * The line at position, without its end: up to `end` (and, if that is \r, the byte after it, which Redis does not look
 * at either). The limit holds for the line, not for what happens to be buffered, so that it does not depend on how the
 * input was cut.
 */
static enum status find_line(struct resp_parser *parser, struct slice input, uint8_t end, const char *too_big,
                             struct slice *line) {
    size_t limit = parser->position + RESP_MAX_LINE_BYTES + 1;
    size_t stop = input.size < limit ? input.size : limit;
    size_t from = parser->scanned > parser->position ? parser->scanned : parser->position;
    const uint8_t *found = from < stop ? memchr(input.data + from, end, stop - from) : NULL;
    if (!found) {
        parser->scanned = stop;
        return stop == limit ? fail(parser, too_big) : want(parser, stop + 1);
    }
    size_t at = (size_t)(found - input.data);
    parser->scanned = at;
    if (end == '\r' && at + 2 > input.size) return want(parser, at + 2);
    *line = slice_make(input.data + parser->position, at - parser->position);
    return STATUS_OK;
}

static enum status split_inline(struct resp_parser *parser, struct slice line) {
    size_t position = 0;
    buf_clear(&parser->inline_text);
    parser->span_count = 0;
    for (;;) {
        enum status status = reserve_span(parser);
        if (status != STATUS_OK) return status;
        size_t offset = parser->inline_text.size;
        status = resp_split_next(line, &position, &parser->inline_text);
        if (status == STATUS_END) return STATUS_OK;
        if (status == STATUS_SYNTAX) return fail(parser, "unbalanced quotes in request");
        if (status != STATUS_OK) return status;
        parser->spans[parser->span_count++] = (struct resp_span){offset, parser->inline_text.size - offset};
    }
}

static enum status read_inline(struct resp_parser *parser, struct slice input) {
    struct slice line;
    enum status status = find_line(parser, input, '\n', "too big inline request", &line);
    if (status != STATUS_OK) return status;
    size_t line_bytes = line.size + 1;
    if (line.size > 0 && line.data[line.size - 1] == '\r') line.size--;
    status = split_inline(parser, line);
    if (status != STATUS_OK) return status;
    make_args(parser, buf_slice(&parser->inline_text));
    parser->position = line_bytes;
    return STATUS_OK;
}

/* "*n": how many arguments follow. */
static enum status read_count(struct resp_parser *parser, struct slice input) {
    struct slice line;
    enum status status = find_line(parser, input, '\r', "too big mbulk count string", &line);
    if (status != STATUS_OK) return status;
    int64_t count;
    if (!decimal_parse(slice_from(line, 1), &count) || count > RESP_MAX_ARGS)
        return fail(parser, "invalid multibulk length");
    if (count > RESP_UNAUTHENTICATED_ARGS && parser->unauthenticated)
        return fail(parser, "unauthenticated multibulk length");
    parser->args_left = count > 0 ? (uint64_t)count : 0;
    parser->position += line.size + 2;
    return STATUS_OK;
}

/* "$n": how many bytes the next argument has. */
static enum status read_bulk_size(struct resp_parser *parser, struct slice input) {
    struct slice line;
    enum status status = find_line(parser, input, '\r', "too big bulk count string", &line);
    if (status != STATUS_OK) return status;
    uint8_t sign = input.data[parser->position];
    if (sign != '$') return fail_with_byte(parser, sign);
    int64_t size;
    if (!decimal_parse(slice_from(line, 1), &size) || size < 0 || (uint64_t)size > parser->max_bulk_bytes)
        return fail(parser, "invalid bulk length");
    if (size > RESP_UNAUTHENTICATED_BYTES && parser->unauthenticated)
        return fail(parser, "unauthenticated bulk length");
    parser->bulk_bytes = (size_t)size;
    parser->in_bulk = true;
    parser->position += line.size + 2;
    return STATUS_OK;
}

static enum status read_argument(struct resp_parser *parser, struct slice input) {
    if (!parser->in_bulk) {
        enum status status = read_bulk_size(parser, input);
        if (status != STATUS_OK) return status;
    }
    size_t end =
        parser->position + parser->bulk_bytes + 2; /* the two bytes behind are \r\n; Redis does not look at them */
    if (input.size < end) return want(parser, end);
    enum status status = reserve_span(parser);
    if (status != STATUS_OK) return status;
    parser->spans[parser->span_count++] = (struct resp_span){parser->position, parser->bulk_bytes};
    parser->position = end;
    parser->in_bulk = false;
    parser->args_left--;
    return STATUS_OK;
}

static enum status read_multibulk(struct resp_parser *parser, struct slice input) {
    if (parser->position == 0) {
        enum status status = read_count(parser, input);
        if (status != STATUS_OK) return status;
    }
    while (parser->args_left > 0) {
        enum status status = read_argument(parser, input);
        if (status != STATUS_OK) return status;
    }
    make_args(parser, input);
    return STATUS_OK;
}

enum status resp_parser_next(struct resp_parser *parser, struct slice input) {
    parser->consumed = 0;
    parser->wanted_bytes = 0;
    parser->arg_count = 0;
    if (parser->broken) return STATUS_SYNTAX;
    for (;;) {
        if (input.size == 0) return want(parser, 1);
        enum status status = input.data[0] == '*' ? read_multibulk(parser, input) : read_inline(parser, input);
        if (status != STATUS_OK) return status;
        input = slice_from(input, parser->position);
        parser->consumed += parser->position;
        parser->position = 0;
        parser->scanned = 0;
        if (parser->arg_count > 0) return STATUS_OK;
    }
}
