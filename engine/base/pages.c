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

/* Out of one run more, whose rest goes back. */
static void *map_and_cut(size_t bytes) {
    uint8_t *mapped = map(bytes + PAGES_RUN_BYTES);
    if (!mapped) return NULL;
    const size_t before = before_boundary(mapped);
    if (before) (void)munmap(mapped, before);
    (void)munmap(mapped + before + bytes, PAGES_RUN_BYTES - before);
    return mapped + before;
}

/* Whole runs. */
static void *map_runs(size_t bytes, bool huge) {
    void *runs = map(bytes);
    if (runs && before_boundary(runs)) {
        (void)munmap(runs, bytes);
        runs = map_and_cut(bytes);
    }
    if (runs && huge) (void)madvise(runs, bytes, MADV_HUGEPAGE);
    return runs;
}

void *pages_run_alloc(bool huge) {
    return map_runs(PAGES_RUN_BYTES, huge);
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

static size_t round_to_runs(size_t bytes) {
    return (bytes + PAGES_RUN_BYTES - 1) / PAGES_RUN_BYTES * PAGES_RUN_BYTES;
}

void *pages_room_alloc(size_t bytes) {
    return bytes < PAGES_RUN_BYTES ? malloc(bytes) : map_runs(round_to_runs(bytes), true);
}

void pages_room_free(void *room, size_t bytes) {
    if (bytes < PAGES_RUN_BYTES) {
        free(room);
    } else if (room) {
        const int failed = munmap(room, round_to_runs(bytes));
        check(failed == 0);
    }
}

void pages_trim_heap(void) {
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}
