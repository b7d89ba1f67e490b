/*
 * findings: what the rules object to, and where.
 */
#ifndef TOOLS_TIDY_FINDINGS_H
#define TOOLS_TIDY_FINDINGS_H

#include <stddef.h>
#include <stdio.h>

struct finding {
    char *path; /* owned */
    size_t line;
    const char *rule; /* static */
    char *text;       /* owned: what is wrong and what to do */
};

struct findings {
    struct finding *items;
    size_t count;
    size_t capacity;
};

void findings_deinit(struct findings *findings);
void findings_add(struct findings *findings, const char *path, size_t line, const char *rule, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* By path, line and rule, one line each: "path:line: rule: text". */
void findings_print(struct findings *findings, FILE *to);

#endif
