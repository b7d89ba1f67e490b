/*
 * pages: memory in runs of 2 MiB, straight from the system, that it is asked to back with huge pages.
 *
 * A search at random through tens of megabytes of small pages waits for the page tables as long as for the data; with
 * huge pages the processor knows the whole of it. What is small or short-lived belongs in malloc: a run is cleared and
 * counted whole with the first byte that is touched.
 */
#ifndef ENGINE_BASE_PAGES_H
#define ENGINE_BASE_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

enum { PAGES_RUN_BYTES = 2 << 20, PAGES_PART_BYTES = 4096 };

/* One run, aligned to its size, content zero; the caller's until pages_run_free. With `huge` the system is asked for a
 * huge page; where it has none it is ordinary memory. NULL when out of memory. Any thread. */
void *pages_run_alloc(bool huge);
/* REQUIRES: nothing was written to it. Has the system clear all of it now. */
void pages_run_touch(void *run);
/* Back to the system at once, which malloc would not promise. NULL is allowed. */
void pages_run_free(void *run);
/* Its content is not needed any more: the system may take the memory when it is short of some, until the run is written
 * to again. Content undefined from now on. */
void pages_run_offer(void *run);
/* From now on parts of it may be discarded: it is of ordinary pages, and stays so until it is freed. */
void pages_run_split(void *run);
/* REQUIRES: in a run that was split; aligned to PAGES_PART_BYTES, and a multiple of it. The bytes are not needed any
 * more: their memory goes back to the system at once, their addresses stay the run's. False: the system keeps larger
 * pages, and nothing changed. */
bool pages_part_discard(void *part, size_t bytes);

/* Room for `bytes` in a row: as many runs as that takes, with huge pages, or ordinary memory where it is less than one.
 * What is not written to takes addresses, no memory. Content undefined; the caller's until pages_room_free, with the
 * same size. NULL when out of memory. Any thread. */
void *pages_room_alloc(size_t bytes);
void pages_room_free(void *room, size_t bytes); /* NULL is allowed */

/* What malloc keeps of pieces that were freed goes back to the system, whoever in the process freed them. Costs some
 * hundred microseconds, and page faults when malloc needs as much again: for the end of large work. Where the C library
 * has no such call: does nothing. Any thread. */
void pages_trim_heap(void);

#pragma GCC visibility pop

#endif
