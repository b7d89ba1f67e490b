#include "graph/cypher/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *type;
    const char *detail;
    enum status status;
} faults[] = {
#define X(name, type_text, detail_text, status_name) {type_text, detail_text, STATUS_##status_name},
    CYPHER_FAULT_LIST(X)
#undef X
};

const char *cypher_fault_type(enum cypher_fault_code code) {
    return (unsigned)code < CYPHER_FAULT_COUNT ? faults[code].type : "";
}

const char *cypher_fault_detail(enum cypher_fault_code code) {
    return (unsigned)code < CYPHER_FAULT_COUNT ? faults[code].detail : "";
}

enum status cypher_fault_status(enum cypher_fault_code code) {
    return (unsigned)code < CYPHER_FAULT_COUNT ? faults[code].status : STATUS_INVALID;
}

/* Cuts the text where a character begins, so that a place still fits behind it. */
static size_t text_cut(const char *text, size_t size, size_t limit) {
    if (size <= limit) return size;
    while (limit > 0 && ((unsigned char)text[limit] & 0xC0) == 0x80) limit--;
    return limit;
}

enum status cypher_fault_set(struct cypher_fault *fault, enum cypher_fault_code code, struct cypher_place place,
                             const char *format, ...) {
    if (fault->code != CYPHER_FAULT_NONE) return cypher_fault_status(fault->code);
    fault->code = code;
    fault->place = place;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->text, sizeof fault->text, format, arguments);
    va_end(arguments);
    for (char *at = fault->text; *at; at++)
        if (*at == '\n' || *at == '\r') *at = ' ';
    if (place.line == 0) return cypher_fault_status(code);
    char where[48];
    int where_size = snprintf(where, sizeof where, " (line %u, column %u)", place.line, place.column);
    size_t size = text_cut(fault->text, strlen(fault->text), sizeof fault->text - 1 - (size_t)where_size);
    memcpy(fault->text + size, where, (size_t)where_size + 1);
    return cypher_fault_status(code);
}

enum status cypher_fault_unsupported(struct cypher_fault *fault, struct cypher_place place, const char *what) {
    return cypher_fault_set(fault, CYPHER_FAULT_UNSUPPORTED, place, "%s is not supported yet", what);
}
