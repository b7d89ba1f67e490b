/*
 * term_table: the terms of a log whose entries are elsewhere. Terms only rise along a log, so pairs (term, first index
 * of it) say all; one leader adds at most one pair.
 *
 * Bounded: when it is full the oldest pair is forgotten, if what it covers is applied. What is forgotten is answered
 * with term 0, "unknown", which every caller treats like a compacted entry: a leader sends a snapshot instead of a
 * probe that it can't name, and a snapshot is never below what is known; a follower is asked about nothing below its
 * commit index. Nobody ever takes an unknown term for a match, so forgetting costs speed and never safety. When nothing
 * may be forgotten there is no room for another term: a follower takes no entries of it for now, and a node doesn't
 * campaign for it. That takes as many leaders in a row without a commit as there are pairs.
 */
#ifndef RAFT_CORE_TERM_TABLE_H
#define RAFT_CORE_TERM_TABLE_H

#include <stdbool.h>
#include <stdint.h>

enum { TERM_TABLE_PAIRS_MIN = 2 }; /* the pair at the base and the last one are never both forgotten */

struct term_pair {
    uint64_t term, first;
};

/* pairs ascend in term and in first; pairs[0].first is the lowest index whose term is known; the last pair reaches to
 * `last`. */
struct term_table {
    struct term_pair *pairs; /* borrowed: capacity of them */
    unsigned count, capacity;
    uint64_t last;
};

/* A log that starts after `base`, whose own term is known too (0, 0: an empty log). Takes the memory as borrowed. */
void term_table_init(struct term_table *table, struct term_pair *pairs, unsigned capacity, uint64_t base,
                     uint64_t base_term);
/* The same table for another log. */
void term_table_reset(struct term_table *table, uint64_t base, uint64_t base_term);

/*
 * How many entries with these terms, from index `first` (start < first <= last + 1) on, there is room for, when pairs
 * that end below `keep` may be forgotten.
 */
unsigned term_table_room(const struct term_table *table, uint64_t first, uint64_t keep,
                         uint64_t (*term_of)(const void *entries, unsigned i), const void *entries, unsigned count);
/* Entry last + 1; term is not less than the last one's, and there is room. */
void term_table_append(struct term_table *table, uint64_t term);
/* Forgets from `index` on; index is above the base. */
void term_table_cut(struct term_table *table, uint64_t index);
/* Forgets below `base`, which stays known if it was. */
void term_table_compact(struct term_table *table, uint64_t base);

/* Lowest index with a known term. */
uint64_t term_table_start(const struct term_table *table);
uint64_t term_table_last_term(const struct term_table *table);
/* 0 outside start..last. */
uint64_t term_table_at(const struct term_table *table, uint64_t index);
/* The greatest index <= `index` whose term is <= `term`, and that term; or the greatest index below start, and 0. index
 * <= last. */
uint64_t term_table_conflict(const struct term_table *table, uint64_t index, uint64_t term, uint64_t *its_term);

#endif
