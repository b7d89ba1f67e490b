/*
 * format_tables: all tables of fields of all formats, and the page that prints each.
 */
#ifndef TESTS_HARNESS_FORMAT_TABLES_H
#define TESTS_HARNESS_FORMAT_TABLES_H

#include "engine/base/layout.h"

struct format_table {
    const char *symbol; /* "superblock_slot_layout" */
    const struct layout *layout;
};

struct format_page {
    const char *path;   /* "engine/lsm/FORMAT.md" */
    const char *header; /* that declares its tables */
    const struct format_table *tables;
    size_t count;
};

extern const struct format_page format_pages[];
extern const size_t format_page_count;

/* A field, or a case, of some table has this name. */
bool format_tables_name(const char *name);

#endif
