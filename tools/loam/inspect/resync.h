/*
 * resync: where the pieces of a file begin that stand one behind the other without a gap, each with its size and a
 * check that covers its place (units of an SST, values kept apart), also between damaged ones and from anywhere in it.
 */
#ifndef TOOLS_LOAM_INSPECT_RESYNC_H
#define TOOLS_LOAM_INSPECT_RESYNC_H

#include <stdbool.h>
#include <stdint.h>

struct resync {
    void *context;
    uint64_t begin, end; /* of the pieces */
    /* Whether a head that makes sense stands there; then how long the piece is (it ends at `end` at most), and whether
     * its check holds. */
    bool (*look)(void *context, uint64_t offset, uint64_t *size, bool *sound);
};

/* Where the next piece begins that is to be believed, from `from` on: one whose check holds, or at `from` itself one
 * that is followed by such, or by the end. `end` if there is none. */
uint64_t resync_next(const struct resync *resync, uint64_t from);
/* Where the walk that comes to the piece or the damage around `target` goes on at the latest: reads no more than it
 * has to before it. REQUIRES: begin <= target < end. */
uint64_t resync_back(const struct resync *resync, uint64_t target);

#endif
