/*
 * number: decimal texts as Redis judges and prints them (the integer parser is public: kv.h). Sums of floats are made
 * in long double and printed with 17 decimals, trailing zeros cut, as Redis does; equal on every replica of one
 * architecture.
 */
#ifndef KV_NUMBER_H
#define KV_NUMBER_H

#include <stdbool.h>

#include "engine/base/buf.h"

bool kv_parse_float(struct slice text, long double *value);
MUST_CHECK enum status kv_format_float(long double value, struct buf *to);
MUST_CHECK enum status kv_format_integer(int64_t value, struct buf *to);

#endif
