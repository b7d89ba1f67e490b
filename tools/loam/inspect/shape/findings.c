/* findings: see findings.h. */
#include "tools/loam/inspect/shape/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void findings_deinit(struct findings *findings) {
    free(findings->items);
    *findings = (struct findings){.items = NULL};
}

struct finding *findings_add(struct findings *findings, enum finding_weight weight, const char *file) {
    findings->counts[weight]++;
    if (findings->count == FINDINGS_MAX) return NULL;
    if (findings->count == findings->capacity) {
        const size_t more = findings->capacity ? findings->capacity * 2 : 16;
        struct finding *grown = realloc(findings->items, more * sizeof *grown);
        findings->no_memory |= !grown;
        if (!grown) return NULL;
        findings->items = grown;
        findings->capacity = more;
    }
    struct finding *finding = &findings->items[findings->count++];
    memset(finding, 0, sizeof *finding);
    finding->weight = weight;
    (void)snprintf(finding->file, sizeof finding->file, "%s", file);
    return finding;
}

void finding_tell(struct finding *finding, const char *format, ...) {
    va_list list;
    if (!finding) return;
    va_start(list, format);
    (void)vsnprintf(finding->what, sizeof finding->what, format, list);
    va_end(list);
}

void finding_lose(struct finding *finding, const char *format, ...) {
    va_list list;
    if (!finding) return;
    va_start(list, format);
    (void)vsnprintf(finding->lost, sizeof finding->lost, format, list);
    va_end(list);
}

void finding_advise(struct finding *finding, const char *format, ...) {
    va_list list;
    if (!finding) return;
    va_start(list, format);
    (void)vsnprintf(finding->advice, sizeof finding->advice, format, list);
    va_end(list);
}

void finding_place(struct finding *finding, uint64_t offset) {
    if (!finding) return;
    finding->offset = offset;
    finding->has_offset = true;
}

void findings_cut(struct findings *findings, size_t count) {
    while (findings->count > count) findings->counts[findings->items[--findings->count].weight]--;
}

const char *finding_weight_name(enum finding_weight weight) {
    static const char *const names[] = {
        [FINDING_NOTE] = "note", [FINDING_TORN] = "torn", [FINDING_CORRUPT] = "corrupt"};
    return names[weight];
}

const char *findings_verdict(const struct findings *findings) {
    if (findings->counts[FINDING_CORRUPT]) return "corrupt";
    return findings->counts[FINDING_TORN] ? "torn" : "clean";
}
