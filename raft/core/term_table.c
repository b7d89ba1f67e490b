/*
 * term_table: see the header. Invariant: count >= 1, and pairs[i] covers pairs[i].first .. pairs[i+1].first - 1.
 */
#include "raft/core/term_table.h"

#include <string.h>

#include "engine/base/check.h"

void term_table_init(struct term_table *table, struct term_pair *pairs, unsigned capacity, uint64_t base,
                     uint64_t base_term) {
    check(capacity >= TERM_TABLE_PAIRS_MIN);
    *table = (struct term_table){.pairs = pairs, .capacity = capacity};
    term_table_reset(table, base, base_term);
}

void term_table_reset(struct term_table *table, uint64_t base, uint64_t base_term) {
    table->pairs[0] = (struct term_pair){.term = base_term, .first = base};
    table->count = 1;
    table->last = base;
}

unsigned term_table_room(const struct term_table *table, uint64_t first, uint64_t keep,
                         uint64_t (*term_of)(const void *entries, unsigned i), const void *entries, unsigned count) {
    unsigned staying = 1;
    while (staying < table->count && table->pairs[staying].first < first) staying++;
    unsigned forgettable = 0;
    while (forgettable + 1 < staying && table->pairs[forgettable + 1].first <= keep) forgettable++;
    unsigned room = table->capacity - staying + forgettable;
    uint64_t term = table->pairs[staying - 1].term;
    for (unsigned i = 0; i < count; i++) {
        if (term_of(entries, i) == term) continue;
        if (room-- == 0) return i;
        term = term_of(entries, i);
    }
    return count;
}

void term_table_append(struct term_table *table, uint64_t term) {
    uint64_t last_term = term_table_last_term(table);
    check(term >= last_term && term > 0);
    table->last++;
    if (term == last_term) return;
    if (table->count == table->capacity) {
        memmove(table->pairs, table->pairs + 1, (table->count - 1) * sizeof *table->pairs);
        table->count--;
    }
    table->pairs[table->count++] = (struct term_pair){.term = term, .first = table->last};
}

void term_table_cut(struct term_table *table, uint64_t index) {
    if (index > table->last) return;
    check(index > term_table_start(table));
    table->last = index - 1;
    while (table->pairs[table->count - 1].first > table->last) table->count--;
}

void term_table_compact(struct term_table *table, uint64_t base) {
    check(base <= table->last);
    if (base <= term_table_start(table)) return;
    unsigned drop = 0;
    while (drop + 1 < table->count && table->pairs[drop + 1].first <= base) drop++;
    memmove(table->pairs, table->pairs + drop, (table->count - drop) * sizeof *table->pairs);
    table->count -= drop;
    table->pairs[0].first = base;
}

uint64_t term_table_start(const struct term_table *table) {
    return table->pairs[0].first;
}

uint64_t term_table_last_term(const struct term_table *table) {
    return table->pairs[table->count - 1].term;
}

/* The pair that covers index, start <= index <= last. */
static unsigned pair_of(const struct term_table *table, uint64_t index) {
    unsigned low = 0;
    unsigned high = table->count - 1;
    if (table->pairs[high].first <= index) return high; /* where nearly all look */
    while (low < high) {
        unsigned middle = low + (high - low + 1) / 2;
        if (table->pairs[middle].first <= index) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

uint64_t term_table_at(const struct term_table *table, uint64_t index) {
    if (index < term_table_start(table) || index > table->last) return 0;
    return table->pairs[pair_of(table, index)].term;
}

uint64_t term_table_conflict(const struct term_table *table, uint64_t index, uint64_t term, uint64_t *its_term) {
    uint64_t start = term_table_start(table);
    *its_term = 0;
    if (index < start) return index;
    for (unsigned at = pair_of(table, index) + 1; at-- > 0; index = table->pairs[at].first - 1) {
        if (table->pairs[at].term > term) continue;
        *its_term = table->pairs[at].term;
        return index;
    }
    return start > 0 ? start - 1 : 0;
}
