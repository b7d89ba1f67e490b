/*
 * image: the bytes of a file at their offsets, in memory that takes addresses for all of them and pages for those that
 * were asked for. One thread; the file may change meanwhile, and may be cut.
 */
#ifndef TOOLS_LOAM_INSPECT_IMAGE_H
#define TOOLS_LOAM_INSPECT_IMAGE_H

#include "engine/base/slice.h"
#include "engine/io.h"

enum { IMAGE_CHUNK_BYTES = 64 << 10 /* that much is read at least */ };

struct image {
    struct io_file *file;
    uint8_t *bytes; /* what was not asked for has no meaning */
    uint64_t size;  /* of the file when it was opened */
    uint8_t *has;   /* of each chunk */
    uint64_t held_bytes;
    uint64_t near_bytes; /* what lies farther than that from what is asked for may go, once four times as much is held,
                          * and is read anew when it is asked for; 0: all stays. Set by who opened it */
    uint64_t read_bytes;
    enum status failed; /* the last read that did; IO: the file ends earlier now */
};

/* NOT_FOUND, DENIED, IO, NO_MEMORY, TOO_LARGE (over `most`). On OK the caller closes it. */
MUST_CHECK enum status image_open(struct io *io, const char *path, uint64_t most, struct image *image);
void image_close(struct image *image);
/* From now on the range stands in memory, for good or as near_bytes says. False: a part of it can't be read; it is zero
 * there, and `failed` says why. REQUIRES: within the file. */
bool image_need(struct image *image, uint64_t offset, uint64_t size);

#endif
