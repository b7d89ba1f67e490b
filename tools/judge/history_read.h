/*
 * history_read: histories that others recorded, from text.
 *
 * Two forms: lines of `{:process 3, :type :invoke, :f :append, :key "4", :value "x"}` (for model_text) and lines of
 * `INFO  jepsen.util - 3 :invoke :cas [1 2]` (for model_register). Types are invoke, ok, fail, info. Time is the line's
 * number. An answer `info` (timed out) leaves an operation pending; a read that failed has no result and counts for
 * nothing.
 */
#ifndef TOOLS_JUDGE_HISTORY_READ_H
#define TOOLS_JUDGE_HISTORY_READ_H

#include "engine/base/buf.h"
#include "engine/base/error.h"
#include "tools/judge/history.h"

/* Appends to an empty history. SYNTAX with the line's number when a line is not of the form, or answers what was not
 * asked. */
MUST_CHECK enum status history_read_text(struct history *history, struct slice input, struct error *error);
MUST_CHECK enum status history_read_register(struct history *history, struct slice input, struct error *error);

#endif
