/*
 * dump_damage: what of a store can't be read: told on standard error with file, offset and keys, counted, and, if the
 * user wants the rest all the same, stepped over.
 */
#ifndef TOOLS_LOAM_DUMP_DUMP_DAMAGE_H
#define TOOLS_LOAM_DUMP_DUMP_DAMAGE_H

#include "engine/base/error.h"
#include "engine/engine.h"

struct dump_damage {
    struct engine *engine; /* borrowed */
    bool goes_on;          /* --partial */
    uint64_t places;
};

/* True: `status` is damage and the dump goes on; it was told and counted. Else *error has the words, where it is damage
 * with what was read when it was met. */
bool dump_damage_pass(struct dump_damage *damage, enum status status, struct error *error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The least position in (from, last] that can be read again, found by `probe` in some hundred tries; false: there is
 * none. Where two damaged places lie close together, what is between them may be passed over. */
bool dump_damage_find_end(enum status (*probe)(void *context, uint64_t position), void *context, uint64_t from,
                          uint64_t last, uint64_t *position);

#endif
