/*
 * touch: whether an entry of a node's log touches a name, and its operation in words. Of kv by its own decoder, of tsdb
 * and graph by the fields that their describers call a name.
 */
#ifndef TOOLS_LOAM_EXPLAIN_TOUCH_H
#define TOOLS_LOAM_EXPLAIN_TOUCH_H

#include "engine/base/buf.h"
#include "engine/wal.h"

enum touch_kind { TOUCH_NOTHING, TOUCH_ENTRY, TOUCH_CUT, TOUCH_COMMIT, TOUCH_STRANGE };

struct touch {
    enum touch_kind kind;
    uint64_t index; /* of the entry; CUT: from where on entries are gone; COMMIT: up to where they are committed */
    uint64_t term;
    int64_t time_ms; /* of a command */
    bool touches;    /* an ENTRY: it touches the name */
};

/* words: replaced by the operation, if it touches the name. NO_MEMORY. */
MUST_CHECK enum status touch_judge(const struct wal_record *record, struct slice name, struct touch *touch,
                                   struct buf *words);

#endif
