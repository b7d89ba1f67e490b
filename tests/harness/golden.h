/*
 * golden: files that an earlier version wrote. Today's encoders must write the same bytes, today's decoders must read
 * them. `PROGRAM --make` writes them anew, for a version that has a reason to.
 */
#ifndef TESTS_HARNESS_GOLDEN_H
#define TESTS_HARNESS_GOLDEN_H

#include "engine/base/buf.h"
#include "engine/base/slice.h"

enum { GOLDEN_MAX_BYTES = 64 << 10 };

struct golden_file {
    const char *path; /* from the project's root */
    void (*append)(struct buf *file);
};

/* The file's bytes, in `room`; the test fails if it is not there or too long. */
struct slice golden_read(const char *path, uint8_t room[GOLDEN_MAX_BYTES]);
/* The lines "00000000  6c 6f ..  comment" of a document are the file's bytes, in order of their offsets; the test fails
 * where they are not, and unless what the document leaves out is zero. Returns how many bytes it told. */
size_t golden_expect_example(const char *document, const char *path);
/* The test fails unless every file holds what its function appends. */
void golden_expect(const struct golden_file *files, size_t count);
/* True if the arguments asked for the files to be made, and they were. */
bool golden_made(int argc, char **argv, const struct golden_file *files, size_t count);

#endif
