/* linearize_seen: see linearize_seen.h. Two open-addressed tables, at most half full. Invariant: used_bytes never
 * exceeds max_bytes. */
#include "tools/judge/linearize_seen.h"

#include <stdlib.h>

#include "engine/base/hash.h"

enum { ARENA_BLOCK_BYTES = 64 * 1024, FIRST_SLOTS = 256 };

/* Pending operations that were used up in one configuration. */
struct used_set {
    struct used_set *next;
    uint64_t words[];
};

struct linearize_known {
    uint64_t hash;
    struct used_set *sets;
    const uint64_t *words; /* NULL: free */
    size_t count;
};

void linearize_seen_init(struct linearize_seen *seen, size_t max_bytes) {
    *seen = (struct linearize_seen){.max_bytes = max_bytes};
    arena_init(&seen->arena, ARENA_BLOCK_BYTES);
}

void linearize_seen_deinit(struct linearize_seen *seen) {
    free(seen->states);
    free(seen->state_slots);
    free(seen->known);
    arena_deinit(&seen->arena);
    *seen = (struct linearize_seen){0};
}

static enum status charge(struct linearize_seen *seen, size_t bytes) {
    if (bytes > seen->max_bytes - seen->used_bytes) return STATUS_TOO_LARGE;
    seen->used_bytes += bytes;
    return STATUS_OK;
}

static enum status keep(struct linearize_seen *seen, const void *data, size_t size, const void **kept) {
    enum status status = charge(seen, size);
    if (status != STATUS_OK) return status;
    uint64_t *copy = arena_alloc(&seen->arena, size > 0 ? size : 1, sizeof(uint64_t));
    if (!copy) return STATUS_NO_MEMORY;
    if (size > 0) memcpy(copy, data, size);
    *kept = copy;
    return STATUS_OK;
}

static size_t find_state(const struct linearize_seen *seen, struct slice bytes) {
    size_t mask = seen->state_slot_count - 1;
    size_t at = (size_t)hash64(bytes, 0) & mask;
    while (seen->state_slots[at] != 0 && !slice_equal(seen->states[seen->state_slots[at] - 1], bytes))
        at = (at + 1) & mask;
    return at;
}

static enum status grow_states(struct linearize_seen *seen) {
    if (seen->state_count * 2 < seen->state_slot_count) return STATUS_OK;
    size_t slots = seen->state_slot_count ? seen->state_slot_count * 2 : FIRST_SLOTS;
    enum status status = charge(seen, (slots - seen->state_slot_count) * (sizeof(uint32_t) + sizeof(struct slice) / 2));
    if (status != STATUS_OK) return status;
    struct slice *states = realloc(seen->states, slots / 2 * sizeof *states);
    if (!states) return STATUS_NO_MEMORY;
    seen->states = states;
    uint32_t *fresh = calloc(slots, sizeof *fresh);
    if (!fresh) return STATUS_NO_MEMORY;
    free(seen->state_slots);
    seen->state_slots = fresh;
    seen->state_slot_count = slots;
    for (size_t i = 0; i < seen->state_count; i++)
        seen->state_slots[find_state(seen, seen->states[i])] = (uint32_t)i + 1;
    return STATUS_OK;
}

enum status linearize_seen_state(struct linearize_seen *seen, struct slice bytes, uint32_t *number) {
    enum status status = grow_states(seen);
    if (status != STATUS_OK) return status;
    size_t at = find_state(seen, bytes);
    if (seen->state_slots[at] == 0) {
        const void *kept;
        status = keep(seen, bytes.data, bytes.size, &kept);
        if (status != STATUS_OK) return status;
        seen->states[seen->state_count++] = slice_make(kept, bytes.size);
        seen->state_slots[at] = (uint32_t)seen->state_count;
    }
    *number = seen->state_slots[at] - 1;
    return STATUS_OK;
}

static struct linearize_known *find_known(const struct linearize_seen *seen, uint64_t hash, const uint64_t *words,
                                          size_t count) {
    size_t mask = seen->known_slot_count - 1;
    for (size_t at = (size_t)hash & mask;; at = (at + 1) & mask) {
        struct linearize_known *known = &seen->known[at];
        if (!known->words) return known;
        if (known->hash == hash && known->count == count && memcmp(known->words, words, count * sizeof *words) == 0)
            return known;
    }
}

static enum status grow_known(struct linearize_seen *seen) {
    if (seen->known_count * 2 < seen->known_slot_count) return STATUS_OK;
    size_t slots = seen->known_slot_count ? seen->known_slot_count * 2 : FIRST_SLOTS;
    enum status status = charge(seen, (slots - seen->known_slot_count) * sizeof *seen->known);
    if (status != STATUS_OK) return status;
    struct linearize_known *old = seen->known;
    size_t old_slots = seen->known_slot_count;
    struct linearize_known *fresh = calloc(slots, sizeof *fresh);
    if (!fresh) return STATUS_NO_MEMORY;
    seen->known = fresh;
    seen->known_slot_count = slots;
    for (size_t i = 0; i < old_slots; i++)
        if (old[i].words) *find_known(seen, old[i].hash, old[i].words, old[i].count) = old[i];
    free(old);
    return STATUS_OK;
}

static bool is_subset(const uint64_t *set, const uint64_t *of, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (set[i] & ~of[i]) return false;
    return true;
}

static bool has_subset(const struct linearize_known *known, const uint64_t *pending, size_t count) {
    for (const struct used_set *set = known->sets; set; set = set->next)
        if (is_subset(set->words, pending, count)) return true;
    return false;
}

/* Adds the set, takes out those that it is part of. */
static enum status add_set(struct linearize_seen *seen, struct linearize_known *known, const uint64_t *pending,
                           size_t count) {
    for (struct used_set **link = &known->sets; *link;) {
        if (is_subset(pending, (*link)->words, count)) {
            *link = (*link)->next;
        } else {
            link = &(*link)->next;
        }
    }
    size_t size = sizeof(struct used_set) + count * sizeof *pending;
    enum status status = charge(seen, size);
    if (status != STATUS_OK) return status;
    struct used_set *set = arena_alloc(&seen->arena, size, _Alignof(struct used_set));
    if (!set) return STATUS_NO_MEMORY;
    set->next = known->sets;
    if (count > 0) memcpy(set->words, pending, count * sizeof *pending);
    known->sets = set;
    return STATUS_OK;
}

enum status linearize_seen_add(struct linearize_seen *seen, const uint64_t *words, size_t count,
                               const uint64_t *pending, size_t pending_count, bool *is_new) {
    enum status status = grow_known(seen);
    if (status != STATUS_OK) return status;
    uint64_t hash = hash64(slice_make(words, count * sizeof *words), 0);
    struct linearize_known *known = find_known(seen, hash, words, count);
    *is_new = !known->words || !has_subset(known, pending, pending_count);
    if (!*is_new) return STATUS_OK;
    if (!known->words) {
        const void *kept;
        status = keep(seen, words, count * sizeof *words, &kept);
        if (status != STATUS_OK) return status;
        *known = (struct linearize_known){.hash = hash, .words = kept, .count = count};
        seen->known_count++;
    }
    return add_set(seen, known, pending, pending_count);
}
