/* pages: aligned memory, and a hint about it. The hint may be refused: it changes speed, never meaning. */
#include "engine/base/pages.h"

#include <stdlib.h>
#include <sys/mman.h>

void *pages_run_alloc(bool huge) {
    void *run = aligned_alloc(PAGES_RUN_BYTES, PAGES_RUN_BYTES);
    if (run && huge) (void)madvise(run, PAGES_RUN_BYTES, MADV_HUGEPAGE);
    return run;
}

void *pages_room_alloc(size_t bytes) {
    if (bytes < PAGES_RUN_BYTES) return malloc(bytes);
    const size_t size = (bytes + PAGES_RUN_BYTES - 1) / PAGES_RUN_BYTES * PAGES_RUN_BYTES;
    void *room = aligned_alloc(PAGES_RUN_BYTES, size);
    if (room) (void)madvise(room, size, MADV_HUGEPAGE);
    return room;
}
