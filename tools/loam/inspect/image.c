#include "tools/loam/inspect/image.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/pages.h"

static uint64_t chunks_of(uint64_t size) {
    return size / IMAGE_CHUNK_BYTES + 1;
}

enum status image_open(struct io *io, const char *path, uint64_t most, struct image *image) {
    *image = (struct image){.failed = STATUS_OK};
    enum status status = io_file_open(io, path, IO_OPEN_READ, &image->file);
    if (status != STATUS_OK) return status;
    status = io_file_size(image->file, &image->size);
    if (status == STATUS_OK && image->size > most) status = STATUS_TOO_LARGE;
    if (status == STATUS_OK) {
        image->bytes = pages_room_alloc((size_t)image->size + 1);
        image->has = calloc(chunks_of(image->size), 1);
        if (!image->bytes || !image->has) status = STATUS_NO_MEMORY;
    }
    if (status != STATUS_OK) image_close(image);
    return status;
}

void image_close(struct image *image) {
    if (image->bytes) pages_room_free(image->bytes, (size_t)image->size + 1);
    free(image->has);
    io_file_close(image->file);
    *image = (struct image){.failed = STATUS_OK};
}

static bool read_piece(struct image *image, uint64_t begin, uint64_t end) {
    size_t got = 0;
    const enum status status = io_file_read(image->file, begin, image->bytes + begin, (size_t)(end - begin), &got);
    if (status == STATUS_OK && got == end - begin) {
        image->read_bytes += got;
        return true;
    }
    image->failed = status == STATUS_OK ? STATUS_IO : status;
    return false;
}

/* In one piece, or as much of it as there is, page by page. */
static bool read_range(struct image *image, uint64_t begin, uint64_t end) {
    if (end > image->size) end = image->size;
    if (read_piece(image, begin, end)) return true;
    for (uint64_t at = begin; at < end; at += IO_PAGE_BYTES) {
        const uint64_t until = at + IO_PAGE_BYTES < end ? at + IO_PAGE_BYTES : end;
        if (!read_piece(image, at, until)) memset(image->bytes + at, 0, (size_t)(until - at));
    }
    return false;
}

/* Chunks from `first` on, up to `end`, are not held any more. */
static void forget(struct image *image, uint64_t first, uint64_t end) {
    for (uint64_t at = first; at < end; at++) {
        const uint64_t begin = at;
        while (at < end && image->has[at]) at++;
        const uint64_t bytes = (at - begin) * IMAGE_CHUNK_BYTES;
        if (bytes == 0 || !pages_part_discard(image->bytes + begin * IMAGE_CHUNK_BYTES, (size_t)bytes)) continue;
        memset(image->has + begin, 0, (size_t)(at - begin));
        image->held_bytes -= bytes;
    }
}

static void forget_far(struct image *image, uint64_t offset, uint64_t size) {
    if (!image->near_bytes || image->held_bytes < 4 * image->near_bytes || image->size < PAGES_RUN_BYTES) return;
    const uint64_t whole = image->size / IMAGE_CHUNK_BYTES; /* the last one, which may be cut, stays */
    const uint64_t near = image->near_bytes / IMAGE_CHUNK_BYTES + 1;
    const uint64_t first = offset / IMAGE_CHUNK_BYTES, last = (offset + size) / IMAGE_CHUNK_BYTES;
    if (first > near) forget(image, 0, first - near);
    if (last + near < whole) forget(image, last + near, whole);
}

bool image_need(struct image *image, uint64_t offset, uint64_t size) {
    check(offset <= image->size && size <= image->size - offset);
    bool whole = true;
    if (size == 0) return true;
    const uint64_t last = (offset + size - 1) / IMAGE_CHUNK_BYTES;
    for (uint64_t at = offset / IMAGE_CHUNK_BYTES; at <= last; at++) {
        const uint64_t first = at;
        while (at <= last && !image->has[at]) image->has[at++] = 1;
        image->held_bytes += (at - first) * IMAGE_CHUNK_BYTES;
        if (at > first) whole = read_range(image, first * IMAGE_CHUNK_BYTES, at * IMAGE_CHUNK_BYTES) && whole;
    }
    forget_far(image, offset, size);
    return whole;
}
