/*
 * time_text: a point in time as people and programs write it -> milliseconds since 1970 UTC.
 *
 *   ISO 8601   2014-04-01 00:05:00   2014-04-01T00:05:00.250Z   2014-04-01T02:05+02:00   2014-04-01
 *              without a zone it is UTC; fractions of a second beyond milliseconds are cut
 *   epoch      1396310700, 1396310700.25, 1396310700000, ...: what a 1 means is the unit's matter
 */
#ifndef TOOLS_LOAM_IMPORT_TIME_TEXT_H
#define TOOLS_LOAM_IMPORT_TIME_TEXT_H

#include "engine/base/slice.h"

enum time_unit { TIME_UNIT_UNKNOWN, TIME_UNIT_S, TIME_UNIT_MS, TIME_UNIT_US, TIME_UNIT_NS };

/* "s", "ms", "us", "ns"; UNKNOWN for any other word. */
enum time_unit time_unit_find(const char *name);

/*
 * Parses the whole text. *unit is that of epoch times; UNKNOWN is replaced by a guess from the first epoch time: below
 * 10^11 seconds, 10^14 milliseconds, 10^17 microseconds, else nanoseconds. False: neither form, or out of range.
 */
bool time_text_parse(struct slice text, enum time_unit *unit, int64_t *time_ms);

#endif
