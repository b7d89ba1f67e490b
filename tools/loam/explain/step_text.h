/* step_text: steps as lines for people. */
#ifndef TOOLS_LOAM_EXPLAIN_STEP_TEXT_H
#define TOOLS_LOAM_EXPLAIN_STEP_TEXT_H

#include "tools/loam/explain/steps.h"

/* Append to *to. NO_MEMORY only. A get: memtables, then level by level what each file said. */
MUST_CHECK enum status step_text_get(struct buf *to, const struct steps *steps);
/* A scan: what was taken in, then what was met on the way, in its order. */
MUST_CHECK enum status step_text_scan(struct buf *to, const struct steps *steps);
MUST_CHECK enum status step_text_cost(struct buf *to, const struct steps *steps);
/* Why a get stopped where it did, without a full stop. */
MUST_CHECK enum status step_text_why(struct buf *to, const struct steps *steps);

const char *step_entry_name(enum engine_step_entry entry);
const char *step_effect_name(enum engine_step_effect effect);
const char *step_from_name(enum engine_step_from from);
const char *step_answer_name(enum engine_step_answer answer);

#endif
