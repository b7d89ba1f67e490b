/* range_build: keys lie one behind the other, entries tell where. Invariant: after finish entries are in the order of
 * entry_compare by their begins. */
#include "engine/sst/range_build.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/entry/internal_key.h"

struct range_entry {
    size_t begin_at, begin_size, end_size; /* end follows begin */
    uint64_t sequence;
};

void range_build_init(struct range_build *build) {
    *build = (struct range_build){.keys = BUF_EMPTY};
}

void range_build_deinit(struct range_build *build) {
    buf_deinit(&build->keys);
    buf_deinit(&build->entries);
}

enum status range_build_add(struct range_build *build, struct slice begin, struct slice end, uint64_t sequence) {
    const struct range_entry entry = {
        .begin_at = build->keys.size,
        .begin_size = begin.size,
        .end_size = end.size,
        .sequence = sequence,
    };
    enum status status = buf_append_slice(&build->keys, begin);
    if (status == STATUS_OK) status = buf_append_slice(&build->keys, end);
    return status == STATUS_OK ? buf_append(&build->entries, &entry, sizeof entry) : status;
}

/* ---- In order ---------------------------------------------------------------------------------------------------- */

static size_t count_of(const struct range_build *build) {
    return build->entries.size / sizeof(struct range_entry);
}

static const struct range_entry *entry_at(const struct range_build *build, size_t at) {
    return (const struct range_entry *)(const void *)build->entries.data + at;
}

static struct slice begin_of(const struct range_build *build, const struct range_entry *entry) {
    return slice_make(build->keys.data + entry->begin_at, entry->begin_size);
}

static struct slice end_of(const struct range_build *build, const struct range_entry *entry) {
    return slice_make(build->keys.data + entry->begin_at + entry->begin_size, entry->end_size);
}

static int compare(const void *left, const void *right, void *context) {
    const struct range_build *build = context;
    const struct range_entry *a = left, *b = right;
    const int order = entry_compare(begin_of(build, a), a->sequence, begin_of(build, b), b->sequence);
    return order != 0 ? order : (a->begin_at > b->begin_at) - (a->begin_at < b->begin_at);
}

enum status range_build_finish(struct range_build *build, struct block_build *block) {
    enum status status = STATUS_OK;
    if (count_of(build) > 0) qsort_r(build->entries.data, count_of(build), sizeof(struct range_entry), compare, build);
    for (size_t i = 0; i < count_of(build) && status == STATUS_OK; i++) {
        const struct range_entry *entry = entry_at(build, i);
        status = block_build_add(block, begin_of(build, entry), entry_trailer(entry->sequence, ENTRY_RANGE_DELETE),
                                 end_of(build, entry));
    }
    return status;
}

struct slice range_build_begin(const struct range_build *build) {
    check(count_of(build) > 0);
    return begin_of(build, entry_at(build, 0));
}

struct slice range_build_end(const struct range_build *build) {
    check(count_of(build) > 0);
    struct slice furthest = end_of(build, entry_at(build, 0));
    for (size_t i = 1; i < count_of(build) && furthest.size > 0; i++) {
        const struct slice end = end_of(build, entry_at(build, i));
        if (end.size == 0 || slice_compare(end, furthest) > 0) furthest = end;
    }
    return furthest;
}
