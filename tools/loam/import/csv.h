/*
 * csv: the fields of one line: separated by a comma, or quoted with "..." where "" stands for a quote. A quoted field
 * ends with its line: line breaks within fields are not known here. Blanks around a field that is not quoted don't
 * count.
 */
#ifndef TOOLS_LOAM_IMPORT_CSV_H
#define TOOLS_LOAM_IMPORT_CSV_H

#include "engine/base/buf.h"

struct csv_line {
    struct slice *fields; /* room for `capacity`, the caller's */
    size_t capacity;
    size_t count;
    struct buf text; /* fields whose quotes were doubled; reused from line to line, the caller deinits it */
};

/* Fields are borrowed from `line` and from csv->text until the next call. TOO_LARGE: more fields than there is room
 * for; SYNTAX: a quote that is not closed, or bytes behind a closing one; NO_MEMORY. */
MUST_CHECK enum status csv_split(struct csv_line *csv, struct slice line);

#endif
