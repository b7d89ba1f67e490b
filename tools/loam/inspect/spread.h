/*
 * spread: fields of a stream whose bytes lie in the bodies of sectors, one behind the other: what is told of the stream
 * comes out cut at the bounds of the sectors. Fields are added by position, ascending, and told sector by sector.
 */
#ifndef TOOLS_LOAM_INSPECT_SPREAD_H
#define TOOLS_LOAM_INSPECT_SPREAD_H

#include "engine/base/fields.h"
#include "tools/loam/inspect/report.h"

struct spread {
    struct report *report; /* borrowed */
    struct buf items;      /* array of struct spread_item, by position */
    struct buf words;      /* their texts, terminated */
    size_t part;           /* of what is added now: a place in words */
    size_t at;             /* the first item that may still matter */
};

void spread_init(struct spread *spread, struct report *report);
void spread_deinit(struct spread *spread);

/* What is added from now on is of this part, whose check is right. */
void spread_part(struct spread *spread, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* name is static. */
void spread_add(struct spread *spread, uint64_t position, uint64_t size, const char *name, const char *words);

/* The fields of bytes that a describer tells (engine/base/fields.h): give spread_take with this as its context. */
struct spread_bytes {
    struct spread *spread;
    const uint8_t *begin;
    uint64_t position; /* of begin */
};
void spread_take(void *context, struct slice bytes, const char *name, const char *words);

/* The report's next `size` bytes are the stream's from `position` on; what has no field is `otherwise`, a part of its
 * own. Positions never go back. */
void spread_tell(struct spread *spread, uint64_t position, uint64_t size, const char *otherwise);

#endif
