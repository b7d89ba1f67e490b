/* dump_names: see dump_names.h. A run is a heap with its greatest name on top, and is sorted at the end. */
#include "tools/loam/dump/dump_names.h"

#include <stdlib.h>

#include "engine/base/hash.h"

enum { ROWS_PER_SCAN = 1024, NAME_BYTES = sizeof(struct dump_name) + 16 };

static int compare(const struct dump_name *a, const struct dump_name *b) {
    return slice_compare(slice_make(a->text, a->size), slice_make(b->text, b->size));
}

static int by_bytes(const void *a, const void *b) {
    return compare(a, b);
}

/* ---- The heap ---------------------------------------------------------------------------------------------------- */

static void swap(struct dump_name *a, struct dump_name *b) {
    const struct dump_name kept = *a;
    *a = *b;
    *b = kept;
}

static void rise(struct dump_name *items, size_t at) {
    for (; at > 0 && compare(&items[at], &items[(at - 1) / 2]) > 0; at = (at - 1) / 2)
        swap(&items[at], &items[(at - 1) / 2]);
}

static void sink(struct dump_name *items, size_t count) {
    for (size_t at = 0;;) {
        size_t greatest = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++)
            if (compare(&items[child], &items[greatest]) > 0) greatest = child;
        if (greatest == at) return;
        swap(&items[at], &items[greatest]);
        at = greatest;
    }
}

static void drop_greatest(struct dump_names *names) {
    names->bytes -= names->items[0].size + NAME_BYTES;
    free(names->items[0].text);
    names->items[0] = names->items[--names->count];
    sink(names->items, names->count);
    names->more = true;
}

static enum status push(struct dump_names *names, struct slice name, const struct name_row *row) {
    if (names->count == names->capacity) {
        const size_t capacity = names->capacity ? 2 * names->capacity : 1024;
        struct dump_name *items = realloc(names->items, capacity * sizeof *items);
        if (!items) return STATUS_NO_MEMORY;
        names->items = items;
        names->capacity = capacity;
    }
    struct dump_name item = {
        .text = malloc(name.size + 1), .size = name.size, .type = row->type, .expire_ms = row->expire_ms};
    if (!item.text) return STATUS_NO_MEMORY;
    if (name.size > 0) memcpy(item.text, name.data, name.size);
    names->items[names->count] = item;
    rise(names->items, names->count++);
    names->bytes += name.size + NAME_BYTES;
    while (names->bytes > names->limit_bytes && names->count > 1) drop_greatest(names);
    return STATUS_OK;
}

static enum status visit(void *context, struct slice name, const struct name_row *row) {
    struct dump_names *names = context;
    names->from = hash64(name, names->view->seed) >> 1;
    if (names->runs > 0 && slice_compare(name, buf_slice(&names->last)) <= 0) return STATUS_OK;
    const struct dump_name *greatest = names->count ? &names->items[0] : NULL;
    const bool is_full = names->bytes + name.size + NAME_BYTES > names->limit_bytes;
    if (greatest && is_full && slice_compare(name, slice_make(greatest->text, greatest->size)) > 0) {
        names->more = true;
        return STATUS_OK;
    }
    return push(names, name, row);
}

/* ---- Scans ------------------------------------------------------------------------------------------------------- */

static enum status ignore(void *context, struct slice name, const struct name_row *row) {
    (void)context, (void)name, (void)row;
    return STATUS_END;
}

static enum status probe(void *context, uint64_t position) {
    const struct dump_names *names = context;
    const enum status status = names_scan(names->view, &position, 1, ignore, NULL);
    return status == STATUS_END ? STATUS_OK : status;
}

/* What a run meets the next one meets again: it is told once. */
static bool pass_damage(struct dump_names *names, enum status status, uint64_t *cursor, struct error *error) {
    if (names->runs == 0 && !dump_damage_pass(names->damage, status, error, "names")) return false;
    if (names->runs > 0 && !(names->damage->goes_on && status_class(status) == STATUS_CLASS_DAMAGE)) {
        (void)error_set(error, status, "names: %s", status_text(status));
        return false;
    }
    if (!dump_damage_find_end(probe, names, names->from, INT64_MAX, cursor)) *cursor = 0;
    names->from = *cursor;
    return true;
}

static enum status scan(struct dump_names *names, struct error *error) {
    uint64_t cursor = 0;
    names->from = 0;
    do {
        const enum status status = names_scan(names->view, &cursor, ROWS_PER_SCAN, visit, names);
        if (status == STATUS_INVALID && engine_applied(names->view->engine).index == 0) return STATUS_OK; /* no tree */
        if (status != STATUS_OK && !pass_damage(names, status, &cursor, error)) return status;
    } while (cursor != 0);
    return STATUS_OK;
}

static void clear(struct dump_names *names) {
    for (size_t i = 0; i < names->count; i++) free(names->items[i].text);
    names->count = names->bytes = 0;
}

enum status dump_names_next(struct dump_names *names, struct error *error) {
    if (names->count > 0) {
        const struct dump_name *greatest = &names->items[names->count - 1];
        const enum status status = buf_assign(&names->last, slice_make(greatest->text, greatest->size));
        if (status != STATUS_OK) return error_set(error, status, "%s", status_text(status));
        clear(names);
    }
    if (names->runs > 0 && !names->more) return STATUS_OK;
    names->more = false;
    const enum status status = scan(names, error);
    if (names->count > 0) qsort(names->items, names->count, sizeof *names->items, by_bytes);
    names->runs++;
    return status;
}

void dump_names_deinit(struct dump_names *names) {
    clear(names);
    free(names->items);
    buf_deinit(&names->last);
}
