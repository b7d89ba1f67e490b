/*
 * report_rows: the fields of a structure, told by its table (engine/base/layout.h).
 */
#ifndef TOOLS_LOAM_INSPECT_REPORT_ROWS_H
#define TOOLS_LOAM_INSPECT_REPORT_ROWS_H

#include "engine/base/layout.h"
#include "tools/loam/inspect/report.h"

/* The next bytes of the file are these rows, up to the first of LAYOUT_CODE. What they should be and are not is a
 * problem where the part's check is right; where it is not, that has been said. REQUIRES: their sizes are fixed, and
 * so many bytes are left. */
void report_rows(struct report *report, const struct layout_row *rows);

#endif
