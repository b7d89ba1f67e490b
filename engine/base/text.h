/*
 * text: what the line-making modules share; a line that is shown to people has no control characters in it, whatever
 * bytes went in.
 */
#ifndef ENGINE_BASE_TEXT_H
#define ENGINE_BASE_TEXT_H

#include <stdarg.h>
#include <stddef.h>

/* Formats into to[0..capacity), cut when longer, always terminated; newlines and other control characters become '?'.
 * capacity > 0. Returns the length of what stands there. */
size_t text_format_line(char *to, size_t capacity, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

#endif
