/* pages: aligned memory straight from the system, and a hint about it. The hint may be refused: it changes speed, never
 * meaning. */
#include "engine/base/pages.h"

#include <stdlib.h>
#include <sys/mman.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "engine/base/check.h"

static void *map(size_t bytes) {
    void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mapped == MAP_FAILED ? NULL : mapped;
}

static size_t before_boundary(const void *address) {
    return (PAGES_RUN_BYTES - (uintptr_t)address % PAGES_RUN_BYTES) % PAGES_RUN_BYTES;
}

/* Out of twice as much, whose rest goes back. */
static void *map_and_cut(void) {
    uint8_t *mapped = map(2 * (size_t)PAGES_RUN_BYTES);
    if (!mapped) return NULL;
    const size_t before = before_boundary(mapped);
    if (before) (void)munmap(mapped, before);
    (void)munmap(mapped + before + PAGES_RUN_BYTES, PAGES_RUN_BYTES - before);
    return mapped + before;
}

void *pages_run_alloc(bool huge) {
    void *run = map(PAGES_RUN_BYTES);
    if (run && before_boundary(run)) {
        (void)munmap(run, PAGES_RUN_BYTES);
        run = map_and_cut();
    }
    if (run && huge) (void)madvise(run, PAGES_RUN_BYTES, MADV_HUGEPAGE);
    return run;
}

void pages_run_touch(void *run) {
    volatile uint8_t *bytes = run;
    for (size_t at = 0; at < PAGES_RUN_BYTES; at += PAGES_PART_BYTES) bytes[at] = 0;
}

void pages_run_free(void *run) {
    if (!run) return;
    const int failed = munmap(run, PAGES_RUN_BYTES);
    check(failed == 0);
}

void pages_run_offer(void *run) {
    (void)madvise(run, PAGES_RUN_BYTES, MADV_FREE);
}

void pages_run_split(void *run) {
    (void)madvise(run, PAGES_RUN_BYTES, MADV_NOHUGEPAGE);
}

bool pages_part_discard(void *part, size_t bytes) {
    return madvise(part, bytes, MADV_DONTNEED) == 0;
}

void *pages_room_alloc(size_t bytes) {
    if (bytes < PAGES_RUN_BYTES) return malloc(bytes);
    const size_t size = (bytes + PAGES_RUN_BYTES - 1) / PAGES_RUN_BYTES * PAGES_RUN_BYTES;
    void *room = aligned_alloc(PAGES_RUN_BYTES, size);
    if (room) (void)madvise(room, size, MADV_HUGEPAGE);
    return room;
}

void pages_trim_heap(void) {
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}
