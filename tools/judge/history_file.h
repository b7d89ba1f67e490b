/*
 * history_file: histories as text: those that others recorded, and our own.
 *
 * Read are (FORMAT.md has examples of each):
 *  - EDN as Jepsen's tools write it, one map an event, in a vector or one after another: register operations (:read,
 *    :write, :cas), with or without [key value] tuples; text operations with a :key (:get, :put, :append); and ours,
 *    which is the same with :reply for what a tuple does not say.
 *  - log lines: `INFO  jepsen.util - 3 :invoke :cas [1 2]`.
 *
 * Time is the event's number in the file. A client that was told :info, or nothing, leaves its operation pending; :fail
 * means that nothing was done. Events of what is no client (:process :nemesis) are passed over.
 */
#ifndef TOOLS_JUDGE_HISTORY_FILE_H
#define TOOLS_JUDGE_HISTORY_FILE_H

#include "engine/base/buf.h"
#include "engine/base/error.h"
#include "tools/judge/history.h"
#include "tools/judge/linearize.h"

/*
 * Appends to an empty history and says which of models.h's models its operations are of. SYNTAX with the line's number
 * when an event is not understood, answers what was not asked, or when no model has all operations.
 */
MUST_CHECK enum status history_read(struct history *history, struct slice input, const struct linearize_model **model,
                                    struct error *error);
MUST_CHECK enum status history_read_edn(struct history *history, struct slice input,
                                        const struct linearize_model **model, struct error *error);
/* Of a register. */
MUST_CHECK enum status history_read_log(struct history *history, struct slice input, struct error *error);

/*
 * Writes a history as EDN, a piece at a time, events in the order of their times. What was refused is a :fail, what is
 * pending an :info. An operation without a key is written without a tuple. A client asks later than it was answered.
 */
struct history_moment;
struct history_writer {
    const struct history *history; /* borrowed, and left as it is until deinit */
    const struct linearize_model *model;
    struct history_moment *moments; /* owned */
    size_t count, at;
};
MUST_CHECK enum status history_writer_init(struct history_writer *writer, const struct linearize_model *model,
                                           const struct history *history);
/* Appends about `bytes`; *more is false with the last piece. */
MUST_CHECK enum status history_writer_next(struct history_writer *writer, size_t bytes, struct buf *to, bool *more);
void history_writer_deinit(struct history_writer *writer);

#endif
