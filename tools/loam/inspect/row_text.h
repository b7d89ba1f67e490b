/*
 * row_text: a row in one line, by the describer of its tree: "series 17, first time 1000 ms -> count 3, ...".
 */
#ifndef TOOLS_LOAM_INSPECT_ROW_TEXT_H
#define TOOLS_LOAM_INSPECT_ROW_TEXT_H

#include "tools/loam/inspect/describers.h"

/* Append; rows NULL: as text in quotes. *fault (may be NULL) says what is wrong with the bytes, NULL if nothing.
 * NO_MEMORY. */
MUST_CHECK enum status key_text_append(struct buf *to, const struct row_describer *rows, struct slice key,
                                       const char **fault);
MUST_CHECK enum status row_text_append(struct buf *to, const struct row_describer *rows, struct slice key,
                                       struct slice value, enum row_form form, const char **fault);

/* What is wrong with a row, NULL if nothing; without a text. A row that is deleted has no value. */
const char *row_fault(const struct row_describer *rows, struct slice key, const struct slice *value,
                      enum row_form form);

#endif
