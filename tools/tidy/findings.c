/*
 * findings: a growing list, sorted when it is printed.
 */
#include "tools/tidy/findings.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tidy/memory.h"

enum { FINDING_TEXT_BYTES = 400 };

void findings_deinit(struct findings *findings) {
    for (size_t i = 0; i < findings->count; i++) {
        free(findings->items[i].path);
        free(findings->items[i].text);
    }
    free(findings->items);
    *findings = (struct findings){0};
}

void findings_add(struct findings *findings, const char *path, size_t line, const char *rule, const char *format, ...) {
    char text[FINDING_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    findings->items = memory_grow(findings->items, findings->count, &findings->capacity, sizeof *findings->items);
    findings->items[findings->count++] = (struct finding){
        .path = memory_copy_text(path, strlen(path)),
        .line = line,
        .rule = rule,
        .text = memory_copy_text(text, strlen(text)),
    };
}

static int compare_findings(const void *a, const void *b) {
    const struct finding *left = a;
    const struct finding *right = b;
    int order = strcmp(left->path, right->path);
    if (order == 0) order = (left->line > right->line) - (left->line < right->line);
    if (order == 0) order = strcmp(left->rule, right->rule);
    return order ? order : strcmp(left->text, right->text);
}

void findings_print(struct findings *findings, FILE *to) {
    if (findings->count > 1) qsort(findings->items, findings->count, sizeof *findings->items, compare_findings);
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        fprintf(to, "%s:%zu: %s: %s\n", finding->path, finding->line, finding->rule, finding->text);
    }
}
