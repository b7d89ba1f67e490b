/* number_option: a number on a command line. */
#ifndef TOOLS_LOAM_NUMBER_OPTION_H
#define TOOLS_LOAM_NUMBER_OPTION_H

#include <stdbool.h>
#include <stdint.h>

/* Decimal digits only, 1..limit. */
static inline bool number_option(const char *text, uint64_t limit, uint64_t *value) {
    uint64_t number = 0;
    for (const char *at = text; *at; at++) {
        if (*at < '0' || *at > '9' || number > (UINT64_MAX - 9) / 10) return false;
        number = number * 10 + (uint64_t)(*at - '0');
    }
    *value = number;
    return number >= 1 && number <= limit;
}

#endif
