/*
 * decimal: numbers as text: integers as Redis takes them, floats of files, and the shortest digits of a float.
 * Independent of the locale as long as nobody sets one, and nobody does.
 */
#ifndef ENGINE_BASE_DECIMAL_H
#define ENGINE_BASE_DECIMAL_H

#include "engine/base/slice.h"

#pragma GCC visibility push(default)

enum { DECIMAL_DIGITS_MAX = 17 };

/* As in Redis' protocol and arguments: optional '-', decimal digits, no leading zero, no sign before 0, no blanks,
 * within 64 bits. False, and *value as it was, if the text is anything else. */
bool decimal_parse(struct slice text, int64_t *value);

/* As in files that people bring: what strtod reads, to its end, nan and inf included, but no blanks, no hexadecimal and
 * no number that is too large. False if the text is anything else. */
bool decimal_parse_double(struct slice text, double *value);

/* The fewest digits that read back as the same double: d.ddd times 10^*exponent, without the point, not terminated.
 * Returns how many. `value` is finite and above 0. */
unsigned decimal_shortest(double value, char digits[DECIMAL_DIGITS_MAX], int *exponent);

#pragma GCC visibility pop

#endif
