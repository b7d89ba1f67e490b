/*
 * care_values: files of values kept apart (engine/values/FORMAT.md), read without an engine: which are there, which are
 * sound, and single values out of those that are not. For verify, repair, backup and restore.
 *
 * One thread. Memory: an entry for each file, and one value.
 */
#ifndef ENGINE_LSM_CARE_VALUES_H
#define ENGINE_LSM_CARE_VALUES_H

#include "engine/lsm/care_state.h"
#include "engine/values/value_format.h"

/* The files of values that the tables of a state refer to, each once, ascending; the caller frees them. CORRUPT: a
 * table refers to one that no edit names, or its list is malformed; error says which (may be NULL). */
MUST_CHECK enum status care_state_values(struct recovered *recovered, struct edit_value_file **files, size_t *count,
                                         struct error *error);

/* Opens a file of values as its number and store say, reads all of it and compares bytes and records. Findings go to
 * the sink (may be NULL). OK, or CORRUPT and IO once told; others. */
MUST_CHECK enum status care_values_verify(const struct sst_environment *environment, const char *path,
                                          const struct edit_value_file *meta, const struct care_sink *sink);

/* ---- Those of a directory ---------------------------------------------------------------------------------------- */

struct care_value_file {
    struct edit_value_file meta; /* store: of its identity; 0 = nobody knows */
    struct io_file *file;        /* NULL: it can't even be opened */
    uint64_t size;
    bool is_sound; /* every byte verifies */
    bool is_used;  /* the owner's: a table that stays refers to it */
};

struct care_values {
    /* Set by the owner, borrowed. */
    const struct sst_environment *environment;
    const char *dir;
    const struct care_sink *sink; /* takes what is wrong with a file */
    /* What an edit says of a file, which is compared; NULL = none does. */
    const struct edit_value_file *(*known)(void *context, uint64_t number);
    void *context;
    uint64_t store; /* tried where the file has lost its own word and no edit knows */

    struct care_value_file *files; /* by number; init with 0 */
    size_t count, capacity;
    uint64_t refused; /* a file of which the device did not give all; 0 = none */
    struct buf bytes; /* of one record */
};

void care_values_deinit(struct care_values *values);

/* File `number`, read whole when it is asked for first; damaged or missing, it is there too. *file is valid until the
 * next call. NO_MEMORY, TOO_LARGE. */
MUST_CHECK enum status care_values_look(struct care_values *values, uint64_t number, struct care_value_file **file);
/* NULL: it was not looked at. */
struct care_value_file *care_values_find(const struct care_values *values, uint64_t number);

/* Whether a reference of an SST names a value of `key` that can be read: from a sound file only place, check and key
 * are looked at. OK, CORRUPT (*why: a static text), NO_MEMORY. */
MUST_CHECK enum status care_values_judge(struct care_values *values, struct slice reference, struct slice key,
                                         const char **why);
/* The value itself. CORRUPT, NO_MEMORY. */
MUST_CHECK enum status care_values_read(struct care_values *values, struct slice reference, struct slice key,
                                        struct buf *value);

/* ---- What a table refers to -------------------------------------------------------------------------------------- */

struct care_references {
    /* Takes each reference that can't be followed. */
    void (*lost)(void *context, struct slice key, uint64_t trailer, struct slice reference, const char *why);
    void *context;
    struct value_count *counts; /* by number */
    size_t count, capacity;
    uint64_t references, lost_count;
    bool needs_damaged; /* some lie in files that are not sound */
};

void care_references_deinit(struct care_references *references);
/* Counts one that stays. NO_MEMORY, CORRUPT. */
MUST_CHECK enum status care_references_add(struct care_references *references, struct slice reference);
/* Reads all entries of a table that verifies, and judges its references. IO, CORRUPT, NO_MEMORY. */
MUST_CHECK enum status care_references_walk(struct care_references *references, struct care_values *values,
                                            struct sst *sst);
/* As in struct edit_file; the bytes are appended to `to`. */
MUST_CHECK enum status care_references_encode(const struct care_references *references, struct buf *to);

#endif
