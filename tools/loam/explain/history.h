/* history: what its parts share: where their lines go. Private to the folder. */
#ifndef TOOLS_LOAM_EXPLAIN_HISTORY_H
#define TOOLS_LOAM_EXPLAIN_HISTORY_H

#include "tools/loam/explain/event_lines.h"
#include "tools/loam/explain/json.h"
#include "tools/loam/explain/subject.h"

/* A part of the answer: lines, and the same as items of an array. */
struct telling {
    struct buf text, items;
    struct json json; /* in items */
};

/* An edit after which all entries up to `index` are in tables. */
struct history_mark {
    uint64_t edit, index, file; /* file: one that it brought, and that may hold the key; 0 = none */
    bool is_flush;              /* else: where the manifest begins */
};

struct history {
    struct subject *subject;
    const char *typed;
    struct buf key;
    struct raft_directory directory; /* of a node */
    bool is_node;
    struct event_lines events;
    struct history_mark *marks; /* owned; ascending */
    size_t mark_count, mark_capacity;
    struct telling edits, tables, log;
    struct buf damage, unknown, now; /* lines */
    uint64_t edit;                   /* told last */
    uint64_t store;                  /* its number; 0 = not known */
    uint64_t versions;               /* found in tables */
    bool uncertain;                  /* edits are lost */
    enum status status;              /* NO_MEMORY */
};

void telling_init(struct telling *telling);
void telling_deinit(struct telling *telling);
__attribute__((format(printf, 3, 4))) void history_say(struct history *history, struct buf *to, const char *format,
                                                       ...);
/* " 2026-11-22 17:08:18.321" for ms since 1970; nothing for 0. */
void history_say_time(struct history *history, struct buf *to, int64_t time_ms);
/* A value in the words of the tree, cut. */
void history_say_value(struct history *history, struct buf *to, struct slice value, enum row_form form);

/* Manifest and tables. */
MUST_CHECK enum status history_of_files(struct history *history, struct error *error);
/* The log: a node's, or the engine's own. */
MUST_CHECK enum status history_of_log(struct history *history, struct error *error);

#endif
