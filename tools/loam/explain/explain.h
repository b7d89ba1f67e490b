/* explain: the parts of `loam explain`. Each prints and returns the exit code. */
#ifndef TOOLS_LOAM_EXPLAIN_EXPLAIN_H
#define TOOLS_LOAM_EXPLAIN_EXPLAIN_H

#include "tools/loam/explain/subject.h"

/* The subject has dir, tree and flags set; it is opened and closed here. */
int explain_get(struct subject *subject, const char *key);
/* from, to: NULL = from the first, to the last. */
int explain_scan(struct subject *subject, const char *from, const char *to, uint64_t count);
int explain_history(struct subject *subject, const char *key);

#endif
