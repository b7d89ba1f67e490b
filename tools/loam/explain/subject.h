/*
 * subject: what is to be explained: a store, a tree of it, and how keys are meant. Without --tree a key is a name,
 * whose row lies in the names tree under its hash; with it, bytes as `loam explain` and `loam inspect` print them:
 * text, in which \xHH is a byte and \\ a backslash.
 */
#ifndef TOOLS_LOAM_EXPLAIN_SUBJECT_H
#define TOOLS_LOAM_EXPLAIN_SUBJECT_H

#include "engine/explain.h"
#include "tools/loam/inspect/describers.h"
#include "tools/loam/store_reading.h"

struct subject {
    const char *dir;  /* as given */
    const char *tree; /* as given; NULL: names */
    bool uncommitted, json;
    struct store_reading store;
    bool is_open; /* store.engine may be read */
    uint32_t tree_id;
    const struct row_describer *rows; /* of the tree; NULL: keys and values are shown as texts */
    bool is_node;
    char where[IO_PATH_BYTES]; /* the engine's directory */
    struct error error;        /* why it is not open */
};

/* Opens as subject->dir and ->tree say. NOT OK: *error says why; it is told to the caller only. Close in any case. */
MUST_CHECK enum status subject_open(struct subject *subject);
void subject_close(struct subject *subject);
/* Only the tree, for who needs no open store: INVALID with words. */
MUST_CHECK enum status subject_choose_tree(struct subject *subject);
/* The bytes of a key as it was typed. NOT_FOUND: a name whose place nobody can tell: an engine's directory by itself
 * has no seed, and no row of it has that name. SYNTAX: the escapes. */
MUST_CHECK enum status subject_key(struct subject *subject, const char *typed, struct buf *key);
/* "names.rows", "tree 7" */
const char *subject_tree_name(const struct subject *subject, char room[32]);

/* Damage, or a file that is another store's. */
bool subject_is_damage(enum status status);
/* What to do about damage, for this kind of directory. */
const char *subject_advice(const struct subject *subject);

#endif
