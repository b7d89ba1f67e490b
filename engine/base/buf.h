/*
 * buf: a growable run of bytes that owns its memory. Growth doubles; capacity is kept on clear, so that a buffer in a
 * loop stops allocating. Not thread-safe.
 */
#ifndef ENGINE_BASE_BUF_H
#define ENGINE_BASE_BUF_H

#include <stdarg.h>

#include "engine/base/slice.h"
#include "engine/base/status.h"

#pragma GCC visibility push(default)

struct buf {
    uint8_t *data; /* owned; NULL while capacity is 0 */
    size_t size;
    size_t capacity;
};

#define BUF_EMPTY ((struct buf){0})

void buf_deinit(struct buf *buf); /* frees; the buf is empty and usable again */
static inline void buf_clear(struct buf *buf) {
    buf->size = 0;
}
static inline struct slice buf_slice(const struct buf *buf) {
    return slice_make(buf->data, buf->size);
}

/* Makes room for `more` bytes behind size. NO_MEMORY leaves the buf as it was. */
MUST_CHECK enum status buf_reserve(struct buf *buf, size_t more);

/* Copies in; the source may not point into the buf itself. */
MUST_CHECK enum status buf_append(struct buf *buf, const void *data, size_t size);
MUST_CHECK enum status buf_append_slice(struct buf *buf, struct slice slice);
MUST_CHECK enum status buf_append_byte(struct buf *buf, uint8_t byte);
MUST_CHECK enum status buf_append_zeros(struct buf *buf, size_t size);
/* In decimal digits. */
MUST_CHECK enum status buf_append_number(struct buf *buf, uint64_t number);
MUST_CHECK enum status buf_append_format(struct buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same, of a list that the caller began and ends. */
MUST_CHECK enum status buf_append_list(struct buf *buf, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* Makes the content equal to `slice`. */
MUST_CHECK enum status buf_assign(struct buf *buf, struct slice slice);

/* Drops the first `size` bytes by moving the rest down; size <= buf->size. */
void buf_consume(struct buf *buf, size_t size);

#pragma GCC visibility pop

#endif
