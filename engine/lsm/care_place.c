/*
 * care_place: at which level a table may stand so that reads are right: of two tables that share keys, the upper one
 * must be newer in every shared key. What an edit says is believed; of other tables it follows from their sequences
 * where those do not overlap, and can't be told where they do.
 */
#include "engine/lsm/care_plan.h"

static bool is_of(const struct care_table_plan *table, uint32_t instance) {
    return table->fate == TABLE_KEPT && table->meta.instance == instance;
}

static bool ends_before(const struct edit_file *a, const struct edit_file *b) {
    if (!a->has_last) return false;
    const int order = slice_compare(a->last, b->first);
    return order < 0 || (order == 0 && a->last_exclusive);
}

static bool share_keys(const struct edit_file *a, const struct edit_file *b) {
    return !ends_before(a, b) && !ends_before(b, a);
}

static bool is_newer(const struct edit_file *a, const struct edit_file *b) {
    return a->first_sequence > b->last_sequence;
}

/* The levels that they have now are right for this pair. */
static bool stand_well(const struct care_table_plan *a, const struct care_table_plan *b) {
    if ((a->known && b->known) || !share_keys(&a->meta, &b->meta)) return true;
    if (a->meta.level < b->meta.level) return is_newer(&a->meta, &b->meta);
    if (b->meta.level < a->meta.level) return is_newer(&b->meta, &a->meta);
    return a->meta.level == 0 && (is_newer(&a->meta, &b->meta) || is_newer(&b->meta, &a->meta));
}

/* In level 0 the newer one is asked first: their sequences say which. */
static bool can_be_ordered(const struct care_table_plan *a, const struct care_table_plan *b) {
    return !share_keys(&a->meta, &b->meta) || is_newer(&a->meta, &b->meta) || is_newer(&b->meta, &a->meta);
}

static bool all_pairs(const struct care_plan *plan, uint32_t instance,
                      bool (*fits)(const struct care_table_plan *a, const struct care_table_plan *b)) {
    for (size_t i = 0; i < plan->count; i++) {
        if (!is_of(&plan->tables[i], instance)) continue;
        for (size_t j = i + 1; j < plan->count; j++)
            if (is_of(&plan->tables[j], instance) && !fits(&plan->tables[i], &plan->tables[j])) return false;
    }
    return true;
}

static void set_level(struct care_plan *plan, uint32_t instance, uint32_t level) {
    for (size_t i = 0; i < plan->count; i++)
        if (is_of(&plan->tables[i], instance)) plan->tables[i].meta.level = level;
}

enum status care_place(struct care_plan *plan, bool *merges) {
    *merges = false;
    for (size_t t = 0; t < plan->salvage.tree_count; t++) {
        const uint32_t instance = plan->salvage.trees[t].tree.instance;
        if (all_pairs(plan, instance, stand_well)) continue;
        if (all_pairs(plan, instance, can_be_ordered)) {
            care_say(plan, "tree %u: its tables go to level 0, in the order of their sequences",
                     plan->salvage.trees[t].tree.tree);
            set_level(plan, instance, 0);
            continue;
        }
        care_say(plan,
                 "tree %u: which of its tables is newer can't be told from outside: they are merged entry by entry",
                 plan->salvage.trees[t].tree.tree);
        set_level(plan, instance, CARE_LEVEL_MERGE);
        *merges = true;
    }
    return STATUS_OK;
}
