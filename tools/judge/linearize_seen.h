/*
 * linearize_seen: what a search has met: states (bytes to a small number) and configurations (words to "met before").
 * Both count what they hold against one ceiling of bytes; TOO_LARGE when it is reached.
 */
#ifndef TOOLS_JUDGE_LINEARIZE_SEEN_H
#define TOOLS_JUDGE_LINEARIZE_SEEN_H

#include "engine/base/arena.h"
#include "engine/base/slice.h"
#include "engine/base/status.h"

struct linearize_seen {
    size_t max_bytes;
    size_t used_bytes;
    struct arena arena;   /* bytes of states, words of configurations */
    struct slice *states; /* by number */
    size_t state_count;
    size_t state_capacity;
    uint32_t *state_slots;         /* number + 1; 0: free */
    size_t state_slot_count;       /* a power of two */
    struct linearize_known *known; /* open addressing */
    size_t known_slot_count;
    size_t known_count;
};

void linearize_seen_init(struct linearize_seen *seen, size_t max_bytes);
void linearize_seen_deinit(struct linearize_seen *seen);

/* The number of a state; the same bytes always give the same number. */
MUST_CHECK enum status linearize_seen_state(struct linearize_seen *seen, struct slice bytes, uint32_t *number);

/*
 * Remembers a configuration: `words` and, apart, the set of pending operations that it used up. *is_new is false if a
 * configuration with the same words and no other pending operations was met before: what cannot be done from there
 * cannot be done from here.
 */
MUST_CHECK enum status linearize_seen_add(struct linearize_seen *seen, const uint64_t *words, size_t count,
                                          const uint64_t *pending, size_t pending_count, bool *is_new);

#endif
