/*
 * resp_reply: the client's side of RESP (PROTOCOL.md). Two passes: a scan that can stop anywhere and go on, and, once a
 * reply is complete, one walk that builds the tree. Both read heads through decode_head(), so that what was scanned can
 * be built.
 */
#include "tools/resp/resp_reply.h"
#include "engine/base/decimal.h"

#include <math.h>
#include <stdlib.h>

#include "engine/base/check.h"
#include "tools/resp/resp_parse.h"

enum { SHORT_LINE_BYTES = 512, ATTRIBUTE = -1 };

/* What one line says: "+OK", "$5", "*3", ... */
struct head {
    uint8_t sign;
    int type;          /* enum resp_type or ATTRIBUTE */
    struct slice line; /* without sign and line end */
    int64_t integer;
    double number;
    uint64_t elements; /* of an aggregate */
    bool has_body;     /* `integer` bytes and a line end follow */
};

void resp_reply_parser_init(struct resp_reply_parser *parser) {
    *parser = (struct resp_reply_parser){0};
}

static bool parse_double(struct slice text, double *number) {
    char digits[SHORT_LINE_BYTES];
    if (text.size == 0 || text.size >= sizeof digits) return false;
    if (slice_equal(text, slice_from_text("inf")) || slice_equal(text, slice_from_text("-inf"))) {
        *number = text.data[0] == '-' ? -INFINITY : INFINITY;
        return true;
    }
    if (slice_equal(text, slice_from_text("nan")) || slice_equal(text, slice_from_text("-nan"))) {
        *number = NAN;
        return true;
    }
    memcpy(digits, text.data, text.size);
    digits[text.size] = '\0';
    if (strspn(digits, "0123456789+-.eE") != text.size) return false;
    char *end;
    *number = strtod(digits, &end);
    return end == digits + text.size;
}

static bool is_big_number(struct slice text) {
    size_t at = text.size > 0 && (text.data[0] == '-' || text.data[0] == '+') ? 1 : 0;
    if (at == text.size) return false;
    for (; at < text.size; at++)
        if (text.data[at] < '0' || text.data[at] > '9') return false;
    return true;
}

/* An integer reply may carry a '+'. */
static bool parse_signed(struct slice text, int64_t *value) {
    if (text.size > 1 && text.data[0] == '+' && text.data[1] != '-') text = slice_from(text, 1);
    return decimal_parse(text, value);
}

static enum status decode_counted(struct head *head, int type, uint64_t per_element, struct error *error) {
    if (!decimal_parse(head->line, &head->integer) || head->integer < -1)
        return error_set(error, STATUS_SYNTAX, "a length that is not a number");
    bool may_be_null = type == RESP_BULK || type == RESP_ARRAY;
    if (head->integer == -1) {
        if (!may_be_null) return error_set(error, STATUS_SYNTAX, "negative length");
        head->type = RESP_NULL;
        return STATUS_OK;
    }
    head->type = type;
    if (per_element == 0) {
        head->has_body = true;
        if (head->integer > INT64_MAX / 2)
            return error_set(error, STATUS_TOO_LARGE, "a text of %lld bytes", (long long)head->integer);
        return STATUS_OK;
    }
    if (head->integer > RESP_REPLY_MAX_COUNT)
        return error_set(error, STATUS_TOO_LARGE, "%lld elements", (long long)head->integer);
    head->elements = (uint64_t)head->integer * per_element;
    return STATUS_OK;
}

static enum status decode_scalar(struct head *head, int type, bool valid, struct error *error) {
    head->type = type;
    if (valid) return STATUS_OK;
    return error_set(error, STATUS_SYNTAX, "a bad value in a reply of type '%c'", head->sign);
}

static enum status decode_bool(struct head *head, struct error *error) {
    bool is_true = slice_equal(head->line, slice_from_text("t"));
    head->integer = is_true;
    return decode_scalar(head, RESP_BOOL, is_true || slice_equal(head->line, slice_from_text("f")), error);
}

static enum status decode_verbatim(struct head *head, struct error *error) {
    enum status status = decode_counted(head, RESP_VERBATIM, 0, error);
    if (status == STATUS_OK && head->integer < 4)
        return error_set(error, STATUS_SYNTAX, "a verbatim text without its format");
    return status;
}

/* `line` is one line without its end, at least one byte. */
static enum status decode_head(struct slice line, struct head *head, struct error *error) {
    *head = (struct head){.sign = line.data[0], .line = slice_from(line, 1)};
    switch (line.data[0]) {
    case '+': return decode_scalar(head, RESP_SIMPLE, true, error);
    case '-': return decode_scalar(head, RESP_ERROR, true, error);
    case ':': return decode_scalar(head, RESP_INTEGER, parse_signed(head->line, &head->integer), error);
    case ',': return decode_scalar(head, RESP_DOUBLE, parse_double(head->line, &head->number), error);
    case '(': return decode_scalar(head, RESP_BIG_NUMBER, is_big_number(head->line), error);
    case '_': return decode_scalar(head, RESP_NULL, head->line.size == 0, error);
    case '#': return decode_bool(head, error);
    case '$': return decode_counted(head, RESP_BULK, 0, error);
    case '!': return decode_counted(head, RESP_ERROR, 0, error);
    case '=': return decode_verbatim(head, error);
    case '*': return decode_counted(head, RESP_ARRAY, 1, error);
    case '~': return decode_counted(head, RESP_SET, 1, error);
    case '>': return decode_counted(head, RESP_PUSH, 1, error);
    case '%': return decode_counted(head, RESP_MAP, 2, error);
    case '|': return decode_counted(head, ATTRIBUTE, 2, error);
    default: return error_set(error, STATUS_SYNTAX, "no reply begins with byte 0x%02x", line.data[0]);
    }
}

static bool may_be_long(uint8_t sign) {
    return sign == '+' || sign == '-' || sign == '(';
}

/* The line at position; its end is \r\n. A line that must be short is not waited for without end. */
static enum status find_line(struct resp_reply_parser *parser, struct slice input, struct slice *line,
                             struct error *error) {
    size_t from = parser->scanned > parser->position ? parser->scanned : parser->position;
    const uint8_t *found = from < input.size ? memchr(input.data + from, '\r', input.size - from) : NULL;
    size_t at = found ? (size_t)(found - input.data) : input.size;
    parser->scanned = at;
    if (parser->position < input.size && !may_be_long(input.data[parser->position]) &&
        at - parser->position > SHORT_LINE_BYTES)
        return error_set(error, STATUS_SYNTAX, "a line without an end");
    if (at + 2 > input.size) {
        parser->wanted_bytes = found ? at + 2 : at + 1;
        return STATUS_END;
    }
    if (input.data[at + 1] != '\n') return error_set(error, STATUS_SYNTAX, "a carriage return without a newline");
    if (at == parser->position) return error_set(error, STATUS_SYNTAX, "an empty line");
    *line = slice_make(input.data + parser->position, at - parser->position);
    return STATUS_OK;
}

/* The bytes behind the head at position, checked; `size` is head and body together. */
static enum status check_body(struct resp_reply_parser *parser, struct slice input, const struct head *head,
                              size_t line_bytes, size_t *size, struct error *error) {
    *size = line_bytes;
    if (!head->has_body) return STATUS_OK;
    size_t begin = parser->position + line_bytes;
    size_t body = (size_t)head->integer;
    if (input.size - begin < body + 2) {
        parser->wanted_bytes = begin + body + 2;
        return STATUS_END;
    }
    const uint8_t *end = input.data + begin + body;
    if (end[0] != '\r' || end[1] != '\n')
        return error_set(error, STATUS_SYNTAX, "a text that does not end where its length says");
    if (head->type == RESP_VERBATIM && input.data[begin + 3] != ':')
        return error_set(error, STATUS_SYNTAX, "a verbatim text without its format");
    *size = line_bytes + body + 2;
    return STATUS_OK;
}

/* An element is complete: so may be what it is the last element of. True if the whole reply is. */
static bool close_element(struct resp_reply_parser *parser) {
    while (parser->depth > 0) {
        uint64_t *left = &parser->left[parser->depth];
        if (--*left > 0) return false;
        bool attribute = parser->is_attribute >> parser->depth & 1;
        parser->depth--;
        if (attribute) {
            parser->after_attribute = true;
            return false;
        }
    }
    return true;
}

/* Takes note of an element whose head (and body) is complete. */
static enum status enter_element(struct resp_reply_parser *parser, const struct head *head, bool *complete,
                                 struct error *error) {
    bool attribute = head->type == ATTRIBUTE;
    *complete = false;
    if (attribute && parser->after_attribute) return error_set(error, STATUS_SYNTAX, "an attribute of an attribute");
    if (head->elements > 0 && parser->depth == RESP_REPLY_MAX_DEPTH)
        return error_set(error, STATUS_TOO_LARGE, "nested too deeply");
    parser->after_attribute = false;
    if (head->elements > 0) {
        parser->depth++;
        parser->left[parser->depth] = head->elements;
        parser->is_attribute &= ~(UINT64_C(1) << parser->depth);
        parser->is_attribute |= (uint64_t)attribute << parser->depth;
        return STATUS_OK;
    }
    if (attribute) {
        parser->after_attribute = true;
    } else {
        *complete = close_element(parser);
    }
    return STATUS_OK;
}

/* Goes over complete elements from position on, until the reply is complete (OK). */
static enum status scan(struct resp_reply_parser *parser, struct slice input, struct error *error) {
    for (bool complete = false; !complete;) {
        struct slice line;
        struct head head;
        size_t size;
        enum status status = find_line(parser, input, &line, error);
        if (status != STATUS_OK) return status;
        status = decode_head(line, &head, error);
        if (status != STATUS_OK) return status;
        status = check_body(parser, input, &head, line.size + 2, &size, error);
        if (status != STATUS_OK) return status;
        status = enter_element(parser, &head, &complete, error);
        if (status != STATUS_OK) return status;
        parser->position += size;
    }
    return STATUS_OK;
}

struct builder {
    struct slice input;
    size_t position;
    struct arena *arena;
};

static enum status build_reply(struct builder *builder, struct resp_reply *reply);

static enum status build_elements(struct builder *builder, struct resp_reply *reply, uint64_t count) {
    reply->count = (size_t)count;
    if (count == 0) return STATUS_OK;
    reply->elements = arena_alloc(builder->arena, (size_t)count * sizeof *reply, _Alignof(struct resp_reply));
    if (!reply->elements) return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        enum status status = build_reply(builder, &reply->elements[i]);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

/* The head at position, which the scan found good. */
static struct head take_head(struct builder *builder) {
    const uint8_t *begin = builder->input.data + builder->position;
    const uint8_t *end = memchr(begin, '\r', builder->input.size - builder->position);
    struct head head;
    check(end && decode_head(slice_make(begin, (size_t)(end - begin)), &head, NULL) == STATUS_OK);
    builder->position += (size_t)(end - begin) + 2;
    return head;
}

static void take_body(struct builder *builder, const struct head *head, struct resp_reply *reply) {
    reply->text = slice_make(builder->input.data + builder->position, (size_t)head->integer);
    builder->position += reply->text.size + 2;
    if (head->type != RESP_VERBATIM) return;
    memcpy(reply->format, reply->text.data, 3);
    reply->text = slice_from(reply->text, 4);
}

/* Recursion is bounded by RESP_REPLY_MAX_DEPTH, which the scan enforces; an attribute has no attribute itself. */
static enum status build_reply(struct builder *builder, struct resp_reply *reply) {
    struct resp_reply *attributes = NULL;
    struct head head = take_head(builder);
    if (head.type == ATTRIBUTE) {
        attributes = arena_alloc(builder->arena, sizeof *attributes, _Alignof(struct resp_reply));
        if (!attributes) return STATUS_NO_MEMORY;
        *attributes = (struct resp_reply){.type = RESP_MAP};
        enum status status = build_elements(builder, attributes, head.elements);
        if (status != STATUS_OK) return status;
        head = take_head(builder);
    }
    *reply = (struct resp_reply){.type = (enum resp_type)head.type, .number = head.number, .attributes = attributes};
    if (head.has_body) {
        take_body(builder, &head, reply);
        return STATUS_OK;
    }
    switch (reply->type) {
    case RESP_SIMPLE:
    case RESP_ERROR:
    case RESP_BIG_NUMBER: reply->text = head.line; break;
    case RESP_INTEGER:
    case RESP_BOOL: reply->integer = head.integer; break;
    default: break;
    }
    return build_elements(builder, reply, head.elements);
}

enum status resp_reply_next(struct resp_reply_parser *parser, struct slice input, struct arena *arena,
                            struct resp_reply **reply, struct error *error) {
    parser->consumed = 0;
    parser->wanted_bytes = 0;
    *reply = NULL;
    bool scanned_before =
        parser->depth == 0 && parser->position > 0 && !parser->after_attribute; /* building ran out of memory */
    if (!scanned_before) {
        enum status status = scan(parser, input, error);
        if (status != STATUS_OK) return status;
    }
    struct builder builder = {.input = input, .arena = arena};
    struct resp_reply *root = arena_alloc(arena, sizeof *root, _Alignof(struct resp_reply));
    if (!root || build_reply(&builder, root) != STATUS_OK) return STATUS_NO_MEMORY;
    check(builder.position == parser->position);
    size_t consumed = parser->position;
    resp_reply_parser_init(parser);
    parser->consumed = consumed;
    *reply = root;
    return STATUS_OK;
}

/* Bit for bit, so that a NaN equals itself and 0 is not -0. */
static bool numbers_equal(double a, double b) {
    uint64_t bits_a;
    uint64_t bits_b;
    memcpy(&bits_a, &a, sizeof a);
    memcpy(&bits_b, &b, sizeof b);
    return bits_a == bits_b;
}

static bool scalars_equal(const struct resp_reply *a, const struct resp_reply *b) {
    return a->type == b->type && memcmp(a->format, b->format, sizeof a->format) == 0 && a->integer == b->integer &&
           numbers_equal(a->number, b->number) && slice_equal(a->text, b->text) && a->count == b->count;
}

bool resp_reply_equal(const struct resp_reply *a, const struct resp_reply *b) {
    if (!scalars_equal(a, b) || !a->attributes != !b->attributes) return false;
    if (a->attributes && !resp_reply_equal(a->attributes, b->attributes)) return false;
    for (size_t i = 0; i < a->count; i++)
        if (!resp_reply_equal(&a->elements[i], &b->elements[i])) return false;
    return true;
}
