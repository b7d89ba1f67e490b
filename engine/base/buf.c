/*
 * buf: growth by doubling over realloc.
 */
#include "engine/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/check.h"

enum {
    BUF_FIRST_BYTES = 64,
    FORMAT_ROOM_BYTES = 128, /* most texts fit in, and are made once */
    NUMBER_DIGITS = 20,
};

void buf_deinit(struct buf *buf) {
    free(buf->data);
    *buf = BUF_EMPTY;
}

static enum status grow(struct buf *buf, size_t more) {
    if (more > SIZE_MAX / 2 - buf->size) return STATUS_NO_MEMORY;
    size_t needed = buf->size + more;
    size_t capacity = buf->capacity ? buf->capacity : BUF_FIRST_BYTES;
    while (capacity < needed) capacity *= 2;
    uint8_t *data = realloc(buf->data, capacity);
    if (!data) return STATUS_NO_MEMORY;
    buf->data = data;
    buf->capacity = capacity;
    return STATUS_OK;
}

/* Inline below: there is room nearly always. */
static inline enum status reserve(struct buf *buf, size_t more) {
    return more <= buf->capacity - buf->size ? STATUS_OK : grow(buf, more);
}

enum status buf_reserve(struct buf *buf, size_t more) {
    return reserve(buf, more);
}

enum status buf_append(struct buf *buf, const void *data, size_t size) {
    if (size == 0) return STATUS_OK; /* data may be NULL, which memcpy does not take */
    enum status status = reserve(buf, size);
    if (status != STATUS_OK) return status;
    memcpy(buf->data + buf->size, data, size);
    buf->size += size;
    return STATUS_OK;
}

enum status buf_append_slice(struct buf *buf, struct slice slice) {
    return buf_append(buf, slice.data, slice.size);
}

enum status buf_append_byte(struct buf *buf, uint8_t byte) {
    enum status status = reserve(buf, 1);
    if (status != STATUS_OK) return status;
    buf->data[buf->size++] = byte;
    return STATUS_OK;
}

enum status buf_append_zeros(struct buf *buf, size_t size) {
    if (size == 0) return STATUS_OK;
    enum status status = reserve(buf, size);
    if (status != STATUS_OK) return status;
    memset(buf->data + buf->size, 0, size);
    buf->size += size;
    return STATUS_OK;
}

enum status buf_append_number(struct buf *buf, uint64_t number) {
    uint8_t digits[NUMBER_DIGITS];
    size_t at = sizeof digits;
    do digits[--at] = (uint8_t)('0' + number % 10);
    while ((number /= 10) > 0);
    return buf_append(buf, digits + at, sizeof digits - at);
}

enum status buf_append_list(struct buf *buf, const char *format, va_list arguments) {
    enum status status = reserve(buf, FORMAT_ROOM_BYTES);
    if (status != STATUS_OK) return status;
    va_list again;
    va_copy(again, arguments);
    const size_t room = buf->capacity - buf->size;
    int length = vsnprintf((char *)buf->data + buf->size, room, format, arguments);
    check(length >= 0); /* only a format that is no format can fail */

    if ((size_t)length >= room) { /* one byte more than its text, for the terminator that vsnprintf writes */
        status = buf_reserve(buf, (size_t)length + 1);
        if (status == STATUS_OK) vsnprintf((char *)buf->data + buf->size, (size_t)length + 1, format, again);
    }
    if (status == STATUS_OK) buf->size += (size_t)length;
    va_end(again);
    return status;
}

enum status buf_append_format(struct buf *buf, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const enum status status = buf_append_list(buf, format, arguments);
    va_end(arguments);
    return status;
}

enum status buf_assign(struct buf *buf, struct slice slice) {
    size_t more = slice.size > buf->size ? slice.size - buf->size : 0;
    enum status status = reserve(buf, more);
    if (status != STATUS_OK) return status;
    if (slice.size) memcpy(buf->data, slice.data, slice.size);
    buf->size = slice.size;
    return STATUS_OK;
}

void buf_consume(struct buf *buf, size_t size) {
    check(size <= buf->size);
    if (size == 0) return;
    memmove(buf->data, buf->data + size, buf->size - size);
    buf->size -= size;
}
