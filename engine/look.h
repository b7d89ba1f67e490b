/*
 * look: a store's directory, for tools that show what stands in it and what is wrong: names of files, which manifest
 * rules, what edits add up to, whether a table is what its edit says. What an edit is stands in
 * engine/lsm/manifest_format.h; whoever may read formats gets by with that and this.
 *
 * Reads only and takes no lock. All calls block; one thread each.
 */
#ifndef ENGINE_LOOK_H
#define ENGINE_LOOK_H

#include "engine/engine.h"

#pragma GCC visibility push(default)

struct edit;
struct edit_file;
struct edit_value_file;
struct superblock;

/* ---- Files by name ----------------------------------------------------------------------------------------------- */

enum look_kind { LOOK_TABLE, LOOK_VALUES, LOOK_MANIFEST, LOOK_OTHER };
/* What a name without a folder is; *number is set unless it is another. */
enum look_kind look_kind_of(const char *name, uint64_t *number);
/* TOO_LARGE. Not of LOOK_OTHER. */
MUST_CHECK enum status look_path(char path[IO_PATH_BYTES], const char *dir, enum look_kind kind, uint64_t number);

/* OK where a superblock, a manifest or a table lies; NOT_FOUND with words. */
MUST_CHECK enum status look_find_store(struct io *io, const char *dir, struct error *error);
/* The newest slot that verifies; *damaged: the other does not. NOT_FOUND, CORRUPT, VERSION. */
MUST_CHECK enum status look_superblock(struct io *io, const char *dir, struct superblock *superblock, bool *damaged,
                                       struct error *error);

/* What looks damaged may be an owner at work. True, after a while: try once more; false: it is so. All zero at first.
 */
struct look_patience {
    unsigned tries, same;
    struct error last;
};
bool look_again(struct look_patience *patience, struct io *io, enum status status, const struct error *error);

/* ---- Edits ------------------------------------------------------------------------------------------------------- */

/* What edits add up to, one behind the other. */
struct look_sum;
struct look_sum *look_sum_create(void); /* NULL when out of memory */
void look_sum_destroy(struct look_sum *sum);
/* CORRUPT when the edit contradicts what stands; *error says how. NO_MEMORY. */
MUST_CHECK enum status look_sum_add(struct look_sum *sum, const struct edit *edit, struct error *error);

/* What every edit of a damaged manifest says that verifies by itself, before the damage and behind it. */
struct look_rest;
/* store, number: of the manifest; its checks are salted with them. NO_MEMORY. */
MUST_CHECK enum status look_rest_read(struct slice bytes, uint64_t store, uint64_t number, struct look_rest **rest);
void look_rest_destroy(struct look_rest *rest); /* NULL is allowed */
uint64_t look_rest_edits(const struct look_rest *rest);
uint64_t look_rest_last_edit(const struct look_rest *rest);
/* The i-th table that they name, by number; NULL behind the last. *gone: one of them removed it. Borrowed. */
const struct edit_file *look_rest_file(const struct look_rest *rest, size_t i, bool *gone);
/* That of a number; NULL: none names it. */
const struct edit_file *look_rest_find(const struct look_rest *rest, uint64_t number, bool *gone);

/* ---- Content ----------------------------------------------------------------------------------------------------- */

struct look;
/* dir is borrowed until close. NO_MEMORY. */
MUST_CHECK enum status look_open(struct io *io, const char *dir, struct look **look);
void look_close(struct look *look); /* NULL is allowed */

/* Whether the present manifest, read anew, no longer names a table or file of values: its owner removed it. */
bool look_has_left(struct look *look, enum look_kind kind, uint64_t number);

/* What a table's header claims: the store that built it, and its number there. CORRUPT, VERSION, NOT_FOUND, IO. */
MUST_CHECK enum status look_identity(struct io *io, const char *path, uint64_t *store, uint64_t *file);
/* Reads a table, or a file of values, whole, and compares it with what the edit says. find takes each place that is
 * wrong. OK; CORRUPT and IO once told; others. */
MUST_CHECK enum status
look_verify_table(struct look *look, const char *path, const struct edit_file *meta,
                  void (*find)(void *context, const char *path, uint64_t offset, const char *text), void *context);
MUST_CHECK enum status
look_verify_values(struct look *look, const char *path, const struct edit_value_file *meta,
                   void (*find)(void *context, const char *path, uint64_t offset, const char *text), void *context);

/* A table's own word. Keys are borrowed for the call of `take`. */
struct look_table {
    uint64_t store, file;
    uint32_t instance, level;
    const char *cause; /* "flush", "compaction", "repair", "ingest"; "" = not known. Static */
    uint64_t entries, first_sequence, last_sequence;
    struct slice first, last;
    bool has_last, last_exclusive;
};
/* CORRUPT, VERSION, NOT_FOUND, IO, NO_MEMORY. */
MUST_CHECK enum status look_ask_table(struct look *look, const char *path,
                                      void (*take)(void *context, const struct look_table *table), void *context);

#pragma GCC visibility pop

#endif
