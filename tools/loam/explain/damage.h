/* damage: what a read met, for people: where, what is lost, what to do. */
#ifndef TOOLS_LOAM_EXPLAIN_DAMAGE_H
#define TOOLS_LOAM_EXPLAIN_DAMAGE_H

#include "tools/loam/explain/steps.h"
#include "tools/loam/explain/subject.h"

/* Damage that the opening met: it may be elsewhere than what was read. */
MUST_CHECK enum status damage_add_of_opening(struct buf *to, const struct subject *subject);
/* The read ended with `failed`, damage. The lines say which file, and where an answer may still be. */
MUST_CHECK enum status damage_add_of_read(struct buf *to, const struct subject *subject, const struct steps *steps,
                                          enum status failed);
/* The store does not open. */
MUST_CHECK enum status damage_add_closed(struct buf *to, const struct subject *subject);

#endif
