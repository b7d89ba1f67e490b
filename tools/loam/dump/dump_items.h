/*
 * dump_items: what stands behind a name, as commands: a string, a series, a graph, each a file dump_*.c. Each counts
 * what it wrote, and what it could not read. Memory: one value, one chunk, one page of rows.
 */
#ifndef TOOLS_LOAM_DUMP_DUMP_ITEMS_H
#define TOOLS_LOAM_DUMP_DUMP_ITEMS_H

#include "tools/loam/dump/dump_damage.h"
#include "tools/loam/dump/dump_names.h"
#include "tools/loam/dump/dump_write.h"

enum { DUMP_PAGE_BYTES = 256 << 10, DUMP_PART_BYTES = 1 << 20 };

struct dump_source {
    const struct names_view *view; /* all borrowed */
    struct dump_writer *writer;
    struct dump_damage *damage;
    struct error *error;
};

MUST_CHECK enum status dump_string(struct dump_source *source, const struct dump_name *name);
MUST_CHECK enum status dump_series(struct dump_source *source, const struct dump_name *name);
MUST_CHECK enum status dump_graph(struct dump_source *source, const struct dump_name *name);

static inline struct slice dump_name_slice(const struct dump_name *name) {
    return slice_make(name->text, name->size);
}
/* PEXPIREAT, if it expires. */
MUST_CHECK enum status dump_expiry(struct dump_source *source, const struct dump_name *name);
/* Damage in what stands behind a name: OK if the dump goes on. */
MUST_CHECK enum status dump_damaged(struct dump_source *source, const struct dump_name *name, enum status status,
                                    const char *where);

#endif
