/*
 * log_follow: whether the own log goes on where the manifest ends, as an opening takes it (recover.c): batch by batch,
 * indices and sequences without a gap. A manifest that has lost its newest edits whole reads to an end as any other
 * does: only the log tells. Private to engine/lsm.
 */
#ifndef ENGINE_LSM_LOG_FOLLOW_H
#define ENGINE_LSM_LOG_FOLLOW_H

#include "engine/lsm/batch.h"

struct log_follow {
    uint64_t mark; /* index up to which the manifest has all in tables */
    uint64_t next_index, next_sequence;
    bool leaps;
};

static inline struct log_follow log_follow_from(uint64_t mark, uint64_t last_sequence) {
    return (struct log_follow){.mark = mark, .next_index = mark + 1, .next_sequence = last_sequence + 1};
}

/* The next batch of the log. */
static inline void log_follow_note(struct log_follow *follow, const struct batch_header *header) {
    if (header->mark.index <= follow->mark) return; /* is in a table */
    if (header->mark.index != follow->next_index || header->first_sequence != follow->next_sequence)
        follow->leaps = true;
    follow->next_index = header->mark.index + 1;
    follow->next_sequence = header->first_sequence + header->count;
}

#endif
