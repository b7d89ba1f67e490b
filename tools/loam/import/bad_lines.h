/*
 * bad_lines: the lines of an input that could not be loaded: counted, the first ones kept with file, line and reason,
 * and the import refused once there are more than the limit.
 */
#ifndef TOOLS_LOAM_IMPORT_BAD_LINES_H
#define TOOLS_LOAM_IMPORT_BAD_LINES_H

#include <stdint.h>
#include <stdio.h>

#include "engine/base/error.h"

enum { BAD_LINES_KEPT = 20, BAD_LINE_BYTES = 256 };

struct bad_lines {
    uint64_t limit; /* set by the owner; 0 = the first one refuses */
    uint64_t count;
    char kept[BAD_LINES_KEPT][BAD_LINE_BYTES]; /* "file:line: why" */
};

/* Counts one. OK, or INVALID with words in *error once there are more than the limit. `line` counts from 1. */
MUST_CHECK enum status bad_lines_add(struct bad_lines *bad, struct error *error, const char *file, uint64_t line,
                                     const char *format, ...) __attribute__((format(printf, 5, 6)));

/* What is kept, one to a line, and how many are not shown; nothing if there are none. */
void bad_lines_print(const struct bad_lines *bad, FILE *to);

#endif
