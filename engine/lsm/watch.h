/*
 * watch: what the steps of a read tell to a struct engine_watch (engine/explain.h), which is never NULL here. Private
 * to engine/lsm.
 */
#ifndef ENGINE_LSM_WATCH_H
#define ENGINE_LSM_WATCH_H

#include "engine/explain.h"
#include "engine/lsm/store.h"

enum engine_step_entry watch_entry_of(enum entry_kind kind);

/* A memtable, the at-th from the newest, is asked; cover: of its range deletes, 0 = none. */
void watch_memtable(struct engine_watch *watch, const struct memtable *memtable, uint32_t at, uint32_t instance,
                    uint64_t hash, uint64_t cover);
/* Which file of a level comes next: `at`, or none if that is its count. */
void watch_level(struct engine_watch *watch, const struct level *level, uint32_t number, uint32_t at);
/* A scan: the files [from, to) of a level below 0 may hold what is wanted. Each is told as a candidate. */
void watch_level_range(struct engine_watch *watch, const struct level *level, uint32_t number, uint32_t from,
                       uint32_t to);
void watch_candidate(struct engine_watch *watch, const struct file *file, uint32_t level, struct slice key,
                     uint64_t snapshot);
void watch_file(struct engine_watch *watch, const struct file *file, uint32_t level, enum engine_step_answer answer);
/* The filter of the file asked last is asked; cover: of the file's own range deletes, 0 = none. */
void watch_filter(struct engine_watch *watch, const struct sst *sst, uint64_t hash, uint64_t cover);
void watch_index(struct engine_watch *watch, uint32_t at, uint32_t count);
void watch_version(struct engine_watch *watch, uint64_t trailer, struct slice value, uint64_t cover);
void watch_fold(struct engine_watch *watch, size_t operands, enum status status);
/* *step is filled in but for the entry itself. */
void watch_entry(struct engine_watch *watch, struct engine_step *step, uint64_t trailer, struct slice value);
/* A scan takes the memtable in, the at-th from the newest, if it has something of the tree. */
void watch_memtable_source(struct engine_watch *watch, const struct memtable *memtable, uint32_t at, bool has_tree);
/* A file of values was opened, or was not. */
void watch_values(struct engine_watch *watch, uint64_t number, enum status status);

#endif
