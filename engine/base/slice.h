/*
 * slice: a borrowed run of bytes. Valid as long as whoever lent it says; never freed through the slice.
 */
#ifndef ENGINE_BASE_SLICE_H
#define ENGINE_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *data; /* may be NULL when size is 0 */
    size_t size;         /* bytes */
};

static inline struct slice slice_make(const void *data, size_t size) {
    return (struct slice){.data = data, .size = size};
}

static inline struct slice slice_from_text(const char *text) {
    return slice_make(text, strlen(text));
}

/* Byte order as memcmp, a prefix before what it begins: <0, 0, >0. */
static inline int slice_compare(struct slice a, struct slice b) {
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common ? memcmp(a.data, b.data, common) : 0;
    if (order != 0) return order;
    return (a.size > b.size) - (a.size < b.size);
}

static inline bool slice_equal(struct slice a, struct slice b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool slice_has_prefix(struct slice a, struct slice prefix) {
    return a.size >= prefix.size && (prefix.size == 0 || memcmp(a.data, prefix.data, prefix.size) == 0);
}

/* The part from `offset` on; offset <= size. */
static inline struct slice slice_from(struct slice a, size_t offset) {
    return slice_make(a.size > offset ? a.data + offset : NULL, a.size - offset);
}

#endif
