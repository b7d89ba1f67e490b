/*
 * resp_write: the one place where replies and commands become RESP bytes (PROTOCOL.md). Invariant: after the first
 * failure nothing is appended any more, so what the buf holds is a prefix of the reply.
 */
#include "tools/resp/resp_write.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "engine/base/check.h"
#include "engine/base/reply.h"

enum { HEADER_BYTES = 24, ERROR_FORMAT_BYTES = 1024 };

static void put(struct resp_writer *writer, const void *data, size_t size) {
    if (writer->status == STATUS_OK) writer->status = buf_append(writer->out, data, size);
}

static void put_line_end(struct resp_writer *writer) {
    put(writer, "\r\n", 2);
}

/* Decimal digits of `value` into `to`; returns how many. */
static size_t format_integer(uint8_t to[HEADER_BYTES], int64_t value) {
    uint8_t digits[HEADER_BYTES];
    size_t count = 0;
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[count++] = (uint8_t)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude > 0);
    size_t size = 0;
    if (value < 0) to[size++] = '-';
    while (count > 0) to[size++] = digits[--count];
    return size;
}

/* Makes room for `size` bytes; what is written there counts once out->size says so. NULL after a failure. */
static uint8_t *reserve(struct resp_writer *writer, size_t size) {
    if (writer->status == STATUS_OK) writer->status = buf_reserve(writer->out, size);
    return writer->status == STATUS_OK ? writer->out->data + writer->out->size : NULL;
}

/* `sign`, a number, a line end: at most HEADER_BYTES + 3; returns how many. */
static size_t format_header(uint8_t *to, char sign, int64_t value) {
    to[0] = (uint8_t)sign;
    size_t size = 1 + format_integer(to + 1, value);
    to[size++] = '\r';
    to[size++] = '\n';
    return size;
}

static void put_header(struct resp_writer *writer, char sign, int64_t value) {
    uint8_t *to = reserve(writer, HEADER_BYTES + 3);
    if (to) writer->out->size += format_header(to, sign, value);
}

/* Text for one line: \r and \n become blanks. */
static void put_one_line(struct resp_writer *writer, struct slice text) {
    size_t begin = writer->out->size;
    put(writer, text.data, text.size);
    if (writer->status != STATUS_OK) return;
    for (size_t i = begin; i < writer->out->size; i++) {
        uint8_t *byte = &writer->out->data[i];
        if (*byte == '\r' || *byte == '\n') *byte = ' ';
    }
}

static void put_simple(struct resp_writer *writer, struct slice text) {
    put(writer, "+", 1);
    put_one_line(writer, text);
    put_line_end(writer);
}

void resp_write_simple(struct resp_writer *writer, const char *text) {
    put_simple(writer, slice_from_text(text));
}

void resp_write_error(struct resp_writer *writer, struct slice text) {
    while (text.size > 0 && (text.data[text.size - 1] == '\r' || text.data[text.size - 1] == '\n')) text.size--;
    put(writer, "-", 1);
    put_one_line(writer, text);
    put_line_end(writer);
}

void resp_write_error_format(struct resp_writer *writer, const char *format, ...) {
    char text[ERROR_FORMAT_BYTES];
    va_list list;
    va_start(list, format);
    int size = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    check(size >= 0);
    resp_write_error(writer, slice_make(text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1));
}

void resp_write_integer(struct resp_writer *writer, int64_t value) {
    put_header(writer, ':', value);
}

/* "$n" text, or another counted text of that shape: the most frequent of all, so with one look at the room. */
static void put_counted(struct resp_writer *writer, char sign, struct slice value) {
    uint8_t *begin = reserve(writer, HEADER_BYTES + 3 + value.size + 2);
    if (!begin) return;
    uint8_t *to = begin + format_header(begin, sign, (int64_t)value.size);
    if (value.size > 0) memcpy(to, value.data, value.size);
    to += value.size;
    *to++ = '\r';
    *to++ = '\n';
    writer->out->size += (size_t)(to - begin);
}

void resp_write_bulk(struct resp_writer *writer, struct slice value) {
    put_counted(writer, '$', value);
}

void resp_write_bulk_text(struct resp_writer *writer, const char *text) {
    resp_write_bulk(writer, slice_from_text(text));
}

void resp_write_bulk_integer(struct resp_writer *writer, int64_t value) {
    uint8_t digits[HEADER_BYTES];
    resp_write_bulk(writer, slice_make(digits, format_integer(digits, value)));
}

void resp_write_null(struct resp_writer *writer) {
    resp_write_raw(writer, slice_from_text(writer->protocol >= 3 ? "_\r\n" : "$-1\r\n"));
}

void resp_write_null_array(struct resp_writer *writer) {
    resp_write_raw(writer, slice_from_text(writer->protocol >= 3 ? "_\r\n" : "*-1\r\n"));
}

void resp_write_bool(struct resp_writer *writer, bool value) {
    if (writer->protocol >= 3) {
        resp_write_raw(writer, slice_from_text(value ? "#t\r\n" : "#f\r\n"));
    } else {
        resp_write_integer(writer, value);
    }
}

/* A one-line type in RESP3 that is a bulk string in RESP2. */
static void put_line_or_bulk(struct resp_writer *writer, char sign, struct slice text) {
    if (writer->protocol < 3) {
        resp_write_bulk(writer, text);
        return;
    }
    put(writer, &sign, 1);
    put(writer, text.data, text.size);
    put_line_end(writer);
}

void resp_write_double(struct resp_writer *writer, double value) {
    char text[40];
    if (isnan(value)) {
        put_line_or_bulk(writer, ',', slice_from_text("nan"));
    } else if (isinf(value)) {
        put_line_or_bulk(writer, ',', slice_from_text(value > 0 ? "inf" : "-inf"));
    } else {
        int size = snprintf(text, sizeof text, "%.17g", value);
        check(size > 0 && (size_t)size < sizeof text);
        put_line_or_bulk(writer, ',', slice_make(text, (size_t)size));
    }
}

void resp_write_big_number(struct resp_writer *writer, struct slice digits) {
    put_line_or_bulk(writer, '(', digits);
}

void resp_write_verbatim(struct resp_writer *writer, const char format[3], struct slice value) {
    if (writer->protocol < 3) {
        resp_write_bulk(writer, value);
        return;
    }
    put_header(writer, '=', (int64_t)value.size + 4);
    put(writer, format, 3);
    put(writer, ":", 1);
    put(writer, value.data, value.size);
    put_line_end(writer);
}

void resp_write_array(struct resp_writer *writer, size_t count) {
    put_header(writer, '*', (int64_t)count);
}

void resp_write_map(struct resp_writer *writer, size_t count) {
    if (writer->protocol >= 3) {
        put_header(writer, '%', (int64_t)count);
    } else {
        put_header(writer, '*', (int64_t)count * 2);
    }
}

void resp_write_set(struct resp_writer *writer, size_t count) {
    put_header(writer, writer->protocol >= 3 ? '~' : '*', (int64_t)count);
}

void resp_write_push(struct resp_writer *writer, size_t count) {
    put_header(writer, writer->protocol >= 3 ? '>' : '*', (int64_t)count);
}

void resp_write_attribute(struct resp_writer *writer, size_t count) {
    check(writer->protocol >= 3);
    put_header(writer, '|', (int64_t)count);
}

void resp_write_raw(struct resp_writer *writer, struct slice reply) {
    put(writer, reply.data, reply.size);
}

/* One value, or the head of a nested one; returns how many values it announces. */
static uint64_t put_reply_value(struct resp_writer *writer, const struct reply_value *value) {
    switch (value->tag) {
    case REPLY_NULL: resp_write_null(writer); return 0;
    case REPLY_NULL_ARRAY: resp_write_null_array(writer); return 0;
    case REPLY_OK: resp_write_simple(writer, "OK"); return 0;
    case REPLY_TRUE: resp_write_bool(writer, true); return 0;
    case REPLY_FALSE: resp_write_bool(writer, false); return 0;
    case REPLY_INTEGER: resp_write_integer(writer, value->integer); return 0;
    case REPLY_DOUBLE: resp_write_double(writer, value->number); return 0;
    case REPLY_BULK: resp_write_bulk(writer, value->text); return 0;
    case REPLY_STATUS: put_simple(writer, value->text); return 0;
    case REPLY_ERROR: resp_write_error(writer, value->text); return 0;
    case REPLY_ARRAY: resp_write_array(writer, (size_t)value->count); return value->count;
    case REPLY_SET: resp_write_set(writer, (size_t)value->count); return value->count;
    case REPLY_MAP: resp_write_map(writer, (size_t)value->count); return 2 * value->count;
    }
    return 0;
}

/* Both encodings put a head before its values, so that no nesting needs to be followed: only the values still owed are
 * counted. */
enum status resp_write_reply(struct resp_writer *writer, struct slice reply) {
    struct decoder decoder = decoder_make(reply);
    size_t begin = writer->out->size;
    bool valid = true;
    for (uint64_t owed = 1; owed > 0 && valid; owed--) {
        struct reply_value value;
        valid = reply_decode(&decoder, &value) == STATUS_OK && value.count <= reply.size;
        if (valid) owed += put_reply_value(writer, &value);
    }
    if (valid && decoder_finished(&decoder)) return writer->status;
    writer->out->size = begin;
    return STATUS_SYNTAX;
}

void resp_write_command(struct resp_writer *writer, const struct slice *args, size_t count) {
    put_header(writer, '*', (int64_t)count);
    for (size_t i = 0; i < count; i++) put_counted(writer, '$', args[i]);
}
