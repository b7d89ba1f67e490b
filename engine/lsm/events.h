/*
 * events: what the engine did and why, one line of JSON an event: each flush, compaction, move, drop and sweep with its
 * start and end, what went in and out and why it was picked; each opening; each failure. Lines go to the owner's
 * callback and to the file EVENTS of the directory, which at its limit becomes EVENTS.1. Bytes: FORMAT.md, "events".
 *
 * Events are for people and tools: nothing reads them back, none is synced, and one that can't be written is counted
 * and left out.
 *
 * Threads: an event is built by one thread; any may build one. Lines are kept in memory (EVENTS_PENDING_BYTES at most)
 * until events_write, which is called where a thread may block on a file.
 */
#ifndef ENGINE_LSM_EVENTS_H
#define ENGINE_LSM_EVENTS_H

#include "engine/base/buf.h"
#include "engine/base/sync.h"
#include "engine/engine.h"

enum { EVENTS_PENDING_BYTES = 256 << 10, EVENT_FILES_MAX = 64 };

struct events {
    struct mutex mutex; /* a leaf */
    struct buf pending;
    uint64_t lost;           /* lines */
    struct mutex file_mutex; /* across I/O; before `mutex` */
    struct buf writing;
    struct io_file *file;
    uint64_t file_bytes;
    bool file_failed; /* told once */
};

void events_init(struct events *events);
void events_deinit(struct engine *engine);
/* Puts what is pending into the file. Blocking; never fails. */
void events_write(struct engine *engine);

/* One event: begun, filled, ended. A failure in between loses the event and nothing else. */
struct event {
    struct engine *engine;
    struct buf line;
    bool lost;
};

struct file;
struct version_change;

/* `name` and keys are plain words. */
void event_begin(struct event *event, struct engine *engine, const char *name);
void event_text(struct event *event, const char *key, const char *text);
void event_number(struct event *event, const char *key, uint64_t number);
/* Files of an install: those that are added, or those that are removed; the first EVENT_FILES_MAX of them by name, and
 * how many there are. Returns the bytes of all. */
uint64_t event_changes(struct event *event, const char *key, const struct version_change *changes, size_t count,
                       bool added);
void event_end(struct event *event);

#endif
