/*
 * history: what clients asked and what they were told, for a checker that judges it (linearize.h).
 *
 * Times are numbers of any one clock or counter; a counter of events is best, since equal times count as concurrent.
 * Not thread-safe.
 */
#ifndef TOOLS_JUDGE_HISTORY_H
#define TOOLS_JUDGE_HISTORY_H

#include "engine/base/arena.h"
#include "engine/base/slice.h"
#include "engine/base/status.h"

enum history_outcome {
    HISTORY_PENDING, /* no answer, or one that says "outcome unknown": it may take effect at any later time, or never */
    HISTORY_RETURNED, /* result is what the client was told */
    HISTORY_REFUSED,  /* the answer says that nothing was done, and is believed: no checker looks at it */
};

enum history_result { HISTORY_NIL, HISTORY_TEXT, HISTORY_ERROR };

enum { HISTORY_ARGUMENTS = 2 };

struct history_op {
    uint32_t client;
    uint32_t kind; /* the model's number for what is done */
    struct slice key;
    struct slice arguments[HISTORY_ARGUMENTS];
    uint64_t invoked;
    uint64_t returned; /* of a RETURNED one */
    enum history_outcome outcome;
    enum history_result result_type;
    struct slice result; /* numbers in decimal, a status such as OK as its text */
};

struct history {
    struct history_op *ops; /* owned, `count` of them, in the order of history_invoke */
    size_t count;
    size_t capacity;
    struct arena text; /* what the slices point to */
};

void history_init(struct history *history);
void history_deinit(struct history *history);

/* Notes that a client asks: client, kind, key, arguments and invoked of `op` are copied, texts too. The op is PENDING;
 * *index names it. */
MUST_CHECK enum status history_invoke(struct history *history, const struct history_op *op, size_t *index);

/* Notes the answer; `result` is copied. */
MUST_CHECK enum status history_return(struct history *history, size_t index, uint64_t time, enum history_result type,
                                      struct slice result);

void history_refuse(struct history *history, size_t index);

#endif
