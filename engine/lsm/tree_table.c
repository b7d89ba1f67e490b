/*
 * tree_table: two hash tables over the same nodes. Invariant: of the instances of one id at most one is live, and their
 * [created, dropped) spans are disjoint.
 */
#include "engine/lsm/tree_table.h"

#include <stdlib.h>
#include <string.h>

static size_t bucket_of(uint32_t number) {
    return (number * UINT32_C(2654435761)) >> 20; /* Fibonacci hashing onto 12 bits */
}
_Static_assert(TREE_TABLE_BUCKETS == 1 << 12, "bucket_of");

void tree_table_init(struct tree_table *table) {
    memset(table, 0, sizeof *table);
}

void tree_table_deinit(struct tree_table *table) {
    for (size_t i = 0; i < TREE_TABLE_BUCKETS; i++) {
        struct tree *tree = table->by_instance[i];
        while (tree) {
            struct tree *next = tree->next_instance;
            free(tree);
            tree = next;
        }
    }
    tree_table_collect(table, UINT64_MAX);
    tree_table_init(table);
}

struct tree *tree_table_find(const struct tree_table *table, uint32_t id, uint64_t sequence) {
    struct tree *tree = atomic_load_explicit(&table->by_id[bucket_of(id)], memory_order_acquire);
    for (; tree; tree = atomic_load_explicit(&tree->next, memory_order_acquire)) {
        if (tree->id != id || tree->created > sequence) continue;
        if (sequence < atomic_load_explicit(&tree->dropped, memory_order_acquire)) return tree;
    }
    return NULL;
}

struct tree *tree_table_live(const struct tree_table *table, uint32_t id) {
    return tree_table_find(table, id, TREE_LIVE - 1);
}

struct tree *tree_table_by_instance(const struct tree_table *table, uint32_t instance) {
    struct tree *tree = table->by_instance[bucket_of(instance)];
    while (tree && tree->instance != instance) tree = tree->next_instance;
    return tree;
}

enum status tree_table_create(struct tree_table *table, uint32_t id, uint32_t instance,
                              const struct engine_tree_kind *kind, uint64_t sequence, struct tree **tree) {
    if (table->live >= ENGINE_TREES_MAX) return STATUS_TOO_LARGE;
    struct tree *made = malloc(sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    _Atomic(struct tree *) *head = &table->by_id[bucket_of(id)];
    struct tree **instance_head = &table->by_instance[bucket_of(instance)];
    *made = (struct tree){.id = id, .instance = instance, .kind = kind, .created = sequence, .dropped = TREE_LIVE};
    made->next_instance = *instance_head;
    *instance_head = made;
    atomic_store_explicit(&made->next, atomic_load_explicit(head, memory_order_relaxed), memory_order_relaxed);
    atomic_store_explicit(head, made, memory_order_release);
    table->live++;
    *tree = made;
    return STATUS_OK;
}

void tree_table_drop(struct tree_table *table, struct tree *tree, uint64_t sequence) {
    atomic_store_explicit(&tree->dropped, sequence, memory_order_release);
    table->live--;
    table->dropped++;
}

static void unlink_tree(struct tree_table *table, struct tree *tree) {
    _Atomic(struct tree *) *at = &table->by_id[bucket_of(tree->id)];
    struct tree *here;
    while ((here = atomic_load_explicit(at, memory_order_relaxed)) != tree) at = &here->next;
    /* A reader that stands on the node goes on through its next, which stays. */
    atomic_store_explicit(at, atomic_load_explicit(&tree->next, memory_order_relaxed), memory_order_release);
    struct tree **instance_at = &table->by_instance[bucket_of(tree->instance)];
    while (*instance_at != tree) instance_at = &(*instance_at)->next_instance;
    *instance_at = tree->next_instance;
}

static void retire(struct tree_table *table, struct tree *tree, uint64_t view) {
    unlink_tree(table, tree);
    tree->removed_view = view;
    tree->next_instance = table->removed;
    table->removed = tree;
}

void tree_table_remove(struct tree_table *table, struct tree *tree, uint64_t view) {
    retire(table, tree, view);
    table->dropped--;
}

void tree_table_undo(struct tree_table *table, uint32_t id, uint64_t first, uint64_t view) {
    struct tree *tree = atomic_load_explicit(&table->by_id[bucket_of(id)], memory_order_relaxed);
    while (tree) {
        struct tree *next = atomic_load_explicit(&tree->next, memory_order_relaxed);
        if (tree->id == id) {
            const uint64_t dropped = atomic_load_explicit(&tree->dropped, memory_order_relaxed);
            if (dropped != TREE_LIVE && dropped >= first) {
                atomic_store_explicit(&tree->dropped, TREE_LIVE, memory_order_release);
                table->live++;
                table->dropped--;
            }
            if (tree->created >= first) {
                table->live--;
                retire(table, tree, view);
            }
        }
        tree = next;
    }
}

void tree_table_collect(struct tree_table *table, uint64_t oldest_view) {
    struct tree **at = &table->removed;
    while (*at) {
        struct tree *tree = *at;
        if (tree->removed_view >= oldest_view) {
            at = &tree->next_instance;
            continue;
        }
        *at = tree->next_instance;
        free(tree);
    }
}

void tree_table_each(struct tree_table *table, void (*visit)(void *context, struct tree *tree), void *context) {
    for (size_t i = 0; i < TREE_TABLE_BUCKETS; i++) {
        struct tree *tree = table->by_instance[i];
        while (tree) {
            struct tree *next = tree->next_instance;
            visit(context, tree);
            tree = next;
        }
    }
}
