/*
 * text: one printable line out of a format and its arguments.
 */
#include "engine/base/text.h"

#include <stdio.h>
#include <string.h>

size_t text_format_line(char *to, size_t capacity, const char *format, va_list arguments) {
    to[0] = '\0';
    /* A negative result is an encoding error of the C library: what it wrote up to there stands. */
    if (vsnprintf(to, capacity, format, arguments) < 0) to[capacity - 1] = '\0';
    size_t length = strlen(to);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)to[i] < ' ' || to[i] == 0x7f) to[i] = '?';
    return length;
}
