/*
 * fuzz_files: one input of a fuzzer as several files on a simulated disk. The input is a row of {which (1 byte), bytes
 * of it (3 bytes, little-endian), content}; what does not fit is cut.
 */
#ifndef TESTS_HARNESS_FUZZ_FILES_H
#define TESTS_HARNESS_FUZZ_FILES_H

#include "engine/io.h"

/* Makes a file, and the folder above it if it is not there. Nothing fails but a disk that is full. */
void fuzz_files_put(struct io *io, const char *path, struct slice content);
/* The next file of the input; false: none. content is borrowed from the input. */
bool fuzz_files_next(struct slice *input, uint8_t *which, struct slice *content);

#endif
