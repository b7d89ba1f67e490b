/* event_lines: what a store's file of events says of a file: when and why it came, when it went. */
#ifndef TOOLS_LOAM_EXPLAIN_EVENT_LINES_H
#define TOOLS_LOAM_EXPLAIN_EVENT_LINES_H

#include "engine/base/buf.h"
#include "engine/io.h"

struct event_lines {
    struct buf text; /* EVENTS.1 and EVENTS */
};

/* Nothing where there are none. NO_MEMORY, IO. */
MUST_CHECK enum status event_lines_read(struct event_lines *lines, struct io *io, const char *dir);
void event_lines_deinit(struct event_lines *lines);

/* The wall clock of an event in ms since 1970, and its words; 0 = not there. */
struct event_found {
    int64_t time_ms;
    char why[160]; /* "the memtable is full"; "" = not told */
};
/* The end of the flush, compaction, move or ingest that the file came of, and why that was begun. */
bool event_lines_find_made(const struct event_lines *lines, uint64_t file, struct event_found *found);
/* Its removal from disk. */
bool event_lines_find_removed(const struct event_lines *lines, uint64_t file, struct event_found *found);
/* The first event's; 0 = none. */
int64_t event_lines_begin(const struct event_lines *lines);

#endif
