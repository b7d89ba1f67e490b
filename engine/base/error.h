/*
 * error: a status with one line that says what, where and what to do.
 *
 * A caller that wants the words passes a struct error (its own memory, no clean-up); NULL is always allowed. Only
 * functions that open, recover, verify or parse fill one in; hot paths return the bare status.
 */
#ifndef ENGINE_BASE_ERROR_H
#define ENGINE_BASE_ERROR_H

#include "engine/base/status.h"

#pragma GCC visibility push(default)

enum { ERROR_TEXT_BYTES = 512 };

struct error {
    enum status status;
    char text[ERROR_TEXT_BYTES]; /* one line without a newline; cut when longer; "" when nothing was said */
};

/* Writes status and the formatted line into *error (unless NULL) and returns status, so that `return error_set(...)`
 * reads well. */
enum status error_set(struct error *error, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "what: " before the line that stands; for a caller that knows the place better. Returns error->status, or status
 * if error is NULL. */
enum status error_prefix(struct error *error, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#pragma GCC visibility pop

#endif
