/*
 * error: the words beside a status.
 */
#include "engine/base/error.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/text.h"

enum status error_set(struct error *error, enum status status, const char *format, ...) {
    if (!error) return status;
    va_list arguments;
    va_start(arguments, format);
    error->status = status;
    text_format_line(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return status;
}

enum status error_prefix(struct error *error, enum status status, const char *format, ...) {
    if (!error) return status;
    char rest[ERROR_TEXT_BYTES];
    size_t rest_size = strnlen(error->text, sizeof error->text - 1);
    memcpy(rest, error->text, rest_size);

    va_list arguments;
    va_start(arguments, format);
    size_t size = text_format_line(error->text, sizeof error->text, format, arguments);
    va_end(arguments);

    const char *between = rest_size ? ": " : "";
    snprintf(error->text + size, sizeof error->text - size, "%s%.*s", between, (int)rest_size, rest);
    return error->status;
}
