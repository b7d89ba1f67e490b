/*
 * tables: which SSTs are open. One is opened when it is first read, and stays until its file goes, or until there are
 * more than engine_options.open_files of them and of files of values (engine/lsm/value_load.c), or more of their bytes
 * in memory than a quarter of memory_bytes: then those that were not asked for lately are closed (a clock's hand goes
 * round over the files of the version).
 *
 * A reader holds no reference to a table, only to its view; so a table that is taken from its file is closed once every
 * view that was there by then is gone: a new view is published behind it. A job that reads without a view pins its
 * files.
 */
#ifndef ENGINE_LSM_TABLES_H
#define ENGINE_LSM_TABLES_H

#include "engine/base/list.h"
#include "engine/base/status.h"

struct engine;
struct file;
struct sst;

/* Counts a table that was opened; starts the sweep when there are too many. */
void tables_note_open(struct engine *engine, struct sst *sst);
/* Closes and counts it; NULL is allowed. */
void tables_close_one(struct engine *engine, struct sst *sst);
/* While pinned, a file's table stays. */
void tables_pin(struct engine *engine, struct file *file);
void tables_unpin(struct engine *engine, struct file *file);
/* The sweep: closes what no reader can know any more, and takes what is too much from its files. */
void tables_sweep(struct engine *engine);
/* At close, when no view is left. */
void tables_close_all(struct engine *engine);

#endif
