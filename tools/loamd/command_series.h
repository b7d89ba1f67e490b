/* command_series: what the handlers of TS.* share. */
#ifndef TOOLS_LOAMD_COMMAND_SERIES_H
#define TOOLS_LOAMD_COMMAND_SERIES_H

#include "tools/loamd/commands.h"
#include "tsdb/tsdb.h"

/* Answers "ERR TSDB: text"; and that argument i is not known. */
MUST_CHECK enum status series_error(struct call *call, const char *text);
MUST_CHECK enum status series_unknown(struct call *call, size_t i);

/* Arguments i and i + 1 as fromTimestamp and toTimestamp, "-" and "+" included. False: *status is that of having
 * answered what is wrong. */
bool series_span(struct call *call, size_t i, int64_t *from_ms, int64_t *to_ms, enum status *status);

#endif
