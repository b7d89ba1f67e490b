/* export_keys: see export_keys.h. Open addressing; half of the slots stay free. */
#include "tools/loam/export/export_keys.h"

#include <stdlib.h>

#include "engine/base/hash.h"

enum { FEWEST_SLOTS = 64 };

void export_keys_deinit(struct export_keys *keys) {
    buf_deinit(&keys->text);
    free(keys->items);
    free(keys->slots);
    *keys = (struct export_keys){0};
}

struct slice export_keys_name(const struct export_keys *keys, size_t number) {
    return slice_make(keys->text.data + keys->items[number].offset, keys->items[number].size);
}

/* The slot that holds the name, or the free one where it belongs. */
static size_t slot_of(const struct export_keys *keys, struct slice name) {
    size_t at = hash64(name, 0) & (keys->slot_count - 1);
    while (keys->slots[at] && !slice_equal(export_keys_name(keys, keys->slots[at] - 1), name))
        at = (at + 1) & (keys->slot_count - 1);
    return at;
}

size_t export_keys_find(const struct export_keys *keys, struct slice name) {
    if (keys->slot_count == 0) return SIZE_MAX;
    const uint32_t held = keys->slots[slot_of(keys, name)];
    return held ? held - 1 : SIZE_MAX;
}

static enum status grow(struct export_keys *keys) {
    const size_t slot_count = keys->slot_count ? 2 * keys->slot_count : FEWEST_SLOTS;
    struct export_key *items = realloc(keys->items, slot_count / 2 * sizeof *items);
    if (!items) return STATUS_NO_MEMORY;
    keys->items = items;
    uint32_t *slots = calloc(slot_count, sizeof *slots);
    if (!slots) return STATUS_NO_MEMORY;
    free(keys->slots);
    keys->slots = slots;
    keys->slot_count = slot_count;
    for (size_t i = 0; i < keys->count; i++) slots[slot_of(keys, export_keys_name(keys, i))] = (uint32_t)i + 1;
    return STATUS_OK;
}

static enum status find_or_add(struct export_keys *keys, struct slice name, size_t *number) {
    if (2 * keys->count >= keys->slot_count) {
        enum status status = grow(keys);
        if (status != STATUS_OK) return status;
    }
    const size_t slot = slot_of(keys, name);
    if (!keys->slots[slot]) {
        keys->items[keys->count] = (struct export_key){.offset = keys->text.size, .size = name.size};
        enum status status = buf_append_slice(&keys->text, name);
        if (status != STATUS_OK) return status;
        keys->slots[slot] = (uint32_t)++keys->count;
    }
    *number = keys->slots[slot] - 1;
    return STATUS_OK;
}

static enum export_type type_of(const struct resp_reply *value) {
    if (value->type == RESP_BOOL) return EXPORT_BOOLEAN;
    if (value->type == RESP_INTEGER) return EXPORT_LONG;
    return value->type == RESP_DOUBLE ? EXPORT_DOUBLE : EXPORT_STRING;
}

enum status export_keys_note(struct export_keys *keys, const struct resp_reply *properties, bool edges) {
    for (size_t i = 0; i + 1 < properties->count; i += 2) {
        size_t number;
        enum status status = find_or_add(keys, properties->elements[i].text, &number);
        if (status != STATUS_OK) return status;
        keys->items[number].types[edges] |= type_of(&properties->elements[i + 1]);
    }
    return STATUS_OK;
}
