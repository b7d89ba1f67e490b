/*
 * format_page: the tables of a FORMAT.md, printed from the layouts that drive the tools (engine/base/layout.h).
 *
 * On the page a table stands between two lines, "<!-- fields: NAME -->" and "<!-- end -->".
 */
#ifndef TESTS_HARNESS_FORMAT_PAGE_H
#define TESTS_HARNESS_FORMAT_PAGE_H

#include "engine/base/buf.h"
#include "engine/base/layout.h"

/* Appends the table as a page has it, without the marks. */
void format_table_print(const struct layout *layout, struct buf *to);

/* Where the table of this name stands in a page: `lines` between the marks. False: it has no marks. */
bool format_page_find(struct slice page, const char *name, struct slice *lines);
/* The names on the page, one after another: `from` is moved behind each; the name is copied. False: no more. */
bool format_page_next(struct slice page, size_t *from, char name[64]);

#endif
