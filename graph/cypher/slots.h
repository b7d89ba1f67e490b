/*
 * slots: which slots an operator reads and writes, and which of those written below an operator that keeps rows have to
 * be kept with them: the ones that it or something outside of its subtree reads.
 */
#ifndef GRAPH_CYPHER_SLOTS_H
#define GRAPH_CYPHER_SLOTS_H

#include "graph/cypher/plan.h"
#include "graph/value.h"

/* Visits the slots of one operator, children not included; a slot may come more than once. */
struct slot_visitor {
    void (*read)(struct slot_visitor *visitor, uint32_t slot);
    void (*write)(struct slot_visitor *visitor, uint32_t slot);
};
void slots_visit(const struct plan_operator *plan, struct slot_visitor *visitor);

/* The plan in preorder with what is known of each slot; lives in the arena. */
struct slot_use {
    const struct plan_operator **operators;
    uint32_t *subtree_ends; /* operators[i]'s subtree is [i, subtree_ends[i]) */
    uint32_t operator_count;
    uint32_t *write_begins; /* operators[i] wrote writes[write_begins[i] .. write_begins[i + 1]) */
    uint32_t *writes;
    uint32_t *first_readers, *last_readers; /* of a slot; first > last: nobody */
    uint32_t *marks;                        /* by slot: the last operator that took it, plus 1 */
    uint32_t slot_count;
};

/* NO_MEMORY: the arena gave none. */
MUST_CHECK enum status slot_use_make(struct value_arena *arena, const struct plan *plan, struct slot_use *use);
/* What the operator at `index` of the preorder has to keep with a row that comes out of its children; with its own
 * writes if `with_own`. Lies in the arena. */
MUST_CHECK enum status slot_use_carried(struct value_arena *arena, struct slot_use *use, uint32_t index, bool with_own,
                                        struct plan_slots *carried);

#endif
