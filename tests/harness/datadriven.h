/*
 * datadriven: reads scripts of the form that CockroachDB's datadriven package made common:
 *
 *     # a comment
 *     command word key=value key=(value, value)
 *     input lines
 *     ----
 *     expected output, up to an empty line or the end
 *
 * A second line of four dashes right after the first allows empty lines in the output, which then ends at such a pair.
 */
#ifndef TESTS_HARNESS_DATADRIVEN_H
#define TESTS_HARNESS_DATADRIVEN_H

#include "engine/base/buf.h"

enum { DATADRIVEN_ARGUMENTS_MAX = 16, DATADRIVEN_VALUES_MAX = 32 };

struct datadriven_argument {
    struct slice key; /* a word without = has a key only */
    struct slice values[DATADRIVEN_VALUES_MAX];
    unsigned value_count;
};

struct datadriven_case {
    unsigned line; /* of the command, from 1 */
    struct slice command;
    struct datadriven_argument arguments[DATADRIVEN_ARGUMENTS_MAX];
    unsigned argument_count;
    struct slice input;    /* with its newlines */
    struct slice expected; /* with its newlines; what follows the last one is never there */
};

struct datadriven {
    struct buf text;
    size_t at;
    unsigned line;
    const char *fault; /* what is malformed, or NULL */
};

/* The folder of outside data: LOAM_DATA, or ../shared/data from the project's root. Static memory. */
const char *datadriven_folder(void);

/* Reads a whole file; NOT_FOUND when there is none. */
MUST_CHECK enum status datadriven_open(struct datadriven *script, const char *folder, const char *name);
void datadriven_close(struct datadriven *script);

/* Borrowed until datadriven_close. False at the end, or with script->fault. */
bool datadriven_next(struct datadriven *script, struct datadriven_case *next);

/* NULL if there is none of that key. */
const struct datadriven_argument *datadriven_find(const struct datadriven_case *of, const char *key);
uint64_t datadriven_number(struct slice value);

#endif
