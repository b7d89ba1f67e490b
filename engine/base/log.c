/*
 * log: formatting of a line for whoever takes it.
 */
#include "engine/base/log.h"

#include <stddef.h>

#include "engine/base/text.h"

enum { LOG_LINE_BYTES = 1024 };

const char *log_level_name(enum log_level level) {
    switch (level) {
    case LOG_DEBUG: return "debug";
    case LOG_INFO: return "info";
    case LOG_WARN: return "warn";
    case LOG_ERROR: return "error";
    }
    return "unknown";
}

void log_write(struct log *log, enum log_level level, const char *format, ...) {
    if (!log || level < log->level) return;
    char text[LOG_LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    text_format_line(text, sizeof text, format, arguments);
    va_end(arguments);
    log->line(log->context, level, text);
}
