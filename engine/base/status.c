/*
 * status: the table behind STATUS_LIST.
 */
#include "engine/base/status.h"

#include <stddef.h>

struct status_row {
    const char *name;
    enum status_class class;
    const char *text;
};

static const struct status_row status_rows[STATUS_COUNT] = {
#define X(name, class, text) {#name, STATUS_CLASS_##class, text},
    STATUS_LIST(X)
#undef X
};

static const struct status_row *status_find(enum status status) {
    static const struct status_row unknown = {"UNKNOWN", STATUS_CLASS_DAMAGE, "unknown status"};
    return (unsigned)status < STATUS_COUNT ? &status_rows[status] : &unknown;
}

const char *status_name(enum status status) {
    return status_find(status)->name;
}

const char *status_text(enum status status) {
    return status_find(status)->text;
}

enum status_class status_class(enum status status) {
    return status_find(status)->class;
}
