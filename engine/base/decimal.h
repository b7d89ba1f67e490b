/*
 * decimal: a number as Redis takes it, in protocol and arguments: optional '-', decimal digits, no leading zero, no
 * sign before 0, no blanks, within 64 bits.
 */
#ifndef ENGINE_BASE_DECIMAL_H
#define ENGINE_BASE_DECIMAL_H

#include "engine/base/slice.h"

#pragma GCC visibility push(default)

/* False, and *value as it was, if the text is anything else. */
bool decimal_parse(struct slice text, int64_t *value);

#pragma GCC visibility pop

#endif
