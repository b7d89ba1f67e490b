/*
 * temp_dir: a directory of a test's own, made under the system's place for such, and removed with all that is in it.
 * A fault fails the test that calls.
 */
#ifndef TESTS_HARNESS_TEMP_DIR_H
#define TESTS_HARNESS_TEMP_DIR_H

#include "engine/io.h"

enum { TEMP_DIR_BYTES = 64 };

/* `what`: a short word that tells whose it is. */
void temp_dir_make(char path[TEMP_DIR_BYTES], const char *what);
/* With what is in it, also where `io` is no real machine's. */
void temp_dir_remove(struct io *io, const char *path);

#endif
