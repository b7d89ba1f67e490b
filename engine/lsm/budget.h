/*
 * budget: how engine_options.memory_bytes is shared out. Each part tells what it holds (engine/cache/memory.h); what
 * can give way does so in this order: the cache, down to a sixteenth of the limit; tables that were not asked for
 * lately (engine/lsm/tables.h); writers, who wait for a flush; and last of all new iterators and writes are refused,
 * when open iterators are what keeps the memory.
 *
 * Threads: any. Locks: budget_lock, a leaf but for those of the cache.
 */
#ifndef ENGINE_LSM_BUDGET_H
#define ENGINE_LSM_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/status.h"

struct engine;
struct engine_options;
struct engine_stats;

/* The defaults of what hangs on memory_bytes. */
void budget_fill_options(struct engine_options *options);
/* After the options are filled in, before anything is taken. */
void budget_init(struct engine *engine);
/* Gives the cache what the others leave. After something has grown or gone. With no limit: does nothing. */
void budget_balance(struct engine *engine);
/* A flush or a merge has freed its buffers: what malloc keeps of them is in no line. With no limit: does nothing. */
void budget_end_job(const struct engine *engine);
/* Counts the active memtable; its leader, after operations were applied. */
void budget_note_write(struct engine *engine);
/* The memtables may grow beside what all hold now. Any thread. */
bool budget_has_room(const struct engine *engine);
/* REQUIRES: mutex. The same, and also true when nothing but the active one is in memory. */
bool budget_allows_write(const struct engine *engine);
/* REQUIRES: mutex, which is given up meanwhile. For a writer to which that was denied while no flush is under way:
 * readers keep old memtables. Waits a little; NO_MEMORY when it has waited for a second since start_ns. */
MUST_CHECK enum status budget_wait_for_readers(struct engine *engine, uint64_t start_ns);
/* Counts an iterator of so many bytes: NO_MEMORY when it does not fit, and then it is not counted. */
MUST_CHECK enum status budget_admit_reader(struct engine *engine, uint64_t bytes);
/* The lines of the statistics. */
void budget_get_stats(struct engine *engine, struct engine_stats *stats);

#endif
