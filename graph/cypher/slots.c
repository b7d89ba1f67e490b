/* slots: reads and writes of operators, and what of them outlives a subtree. */
#include "graph/cypher/slots.h"

#include "graph/cypher/expr.h"

/* --- expressions --- */

static void read_path(struct slot_visitor *visitor, const struct cypher_path *path) {
    for (uint32_t i = 0; i <= path->edge_count; i++) visitor->read(visitor, path->nodes[i].slot);
    for (uint32_t i = 0; i < path->edge_count; i++) visitor->read(visitor, path->edges[i].slot);
}

static void read_expr(struct slot_visitor *visitor, struct cypher_expr *expr);

static bool read_child(void *context, struct cypher_expr **child) {
    read_expr(context, *child);
    return true;
}

static void read_expr(struct slot_visitor *visitor, struct cypher_expr *expr) {
    if (!expr) return;
    if (expr->kind == EXPR_VARIABLE) visitor->read(visitor, expr->variable.slot);
    if (expr->kind == EXPR_PATH) read_path(visitor, expr->subquery.path);
    cypher_expr_visit(expr, read_child, visitor);
}

static void read_list(struct slot_visitor *visitor, const struct cypher_list *list) {
    for (uint32_t i = 0; i < list->count; i++) read_expr(visitor, list->items[i]);
}

/* --- operators --- */

static void visit_columns(const struct plan_columns *columns, struct slot_visitor *visitor) {
    for (uint32_t i = 0; i < columns->count; i++) {
        read_expr(visitor, columns->items[i].expr);
        visitor->write(visitor, columns->items[i].slot);
    }
}

static void visit_traverse(const struct plan_traverse *hop, struct slot_visitor *visitor) {
    visitor->read(visitor, hop->from_slot);
    visitor->read(visitor, hop->to_slot);
    visitor->write(visitor, hop->edge_slot);
    visitor->write(visitor, hop->to_slot);
    read_expr(visitor, hop->edge_properties);
    for (uint32_t i = 0; i < hop->distinct_from.count; i++) visitor->read(visitor, hop->distinct_from.items[i]);
}

static void visit_creation(const struct plan_creation *creation, struct slot_visitor *visitor) {
    for (uint32_t i = 0; i < creation->node_count; i++) {
        read_expr(visitor, creation->nodes[i].properties);
        visitor->write(visitor, creation->nodes[i].slot);
    }
    for (uint32_t i = 0; i < creation->edge_count; i++) {
        read_expr(visitor, creation->edges[i].properties);
        visitor->read(visitor, creation->edges[i].source_slot);
        visitor->read(visitor, creation->edges[i].target_slot);
        visitor->write(visitor, creation->edges[i].slot);
    }
    visit_columns(&creation->paths, visitor);
}

static void visit_set_items(const struct cypher_set_items *items, struct slot_visitor *visitor) {
    for (uint32_t i = 0; i < items->count; i++) {
        read_expr(visitor, items->items[i].target);
        read_expr(visitor, items->items[i].value);
    }
}

static void visit_aggregate(const struct plan_operator *plan, struct slot_visitor *visitor) {
    visit_columns(&plan->aggregate.keys, visitor);
    for (uint32_t i = 0; i < plan->aggregate.count; i++) {
        read_list(visitor, &plan->aggregate.items[i].arguments);
        visitor->write(visitor, plan->aggregate.items[i].slot);
    }
}

static void visit_read_slots(const struct plan_slots *slots, struct slot_visitor *visitor) {
    for (uint32_t i = 0; i < slots->count; i++) visitor->read(visitor, slots->items[i]);
}

static void visit_matching(const struct plan_operator *plan, struct slot_visitor *visitor) {
    switch (plan->kind) {
    case PLAN_ALL_NODE_SCAN:
    case PLAN_LABEL_SCAN:
    case PLAN_ID_SEEK:
        read_expr(visitor, plan->scan.id);
        visitor->write(visitor, plan->scan.slot);
        return;
    case PLAN_EDGE_ENDS:
        visit_traverse(&plan->ends.hop, visitor);
        visitor->read(visitor, plan->ends.hop.edge_slot);
        visitor->write(visitor, plan->ends.hop.from_slot);
        return;
    case PLAN_SHORTEST_PATH:
        visit_traverse(&plan->shortest.hop, visitor);
        if (plan->shortest.path_slot != CYPHER_NO_SLOT) visitor->write(visitor, plan->shortest.path_slot);
        return;
    default: visit_traverse(&plan->traverse, visitor); return;
    }
}

static void visit_writing(const struct plan_operator *plan, struct slot_visitor *visitor) {
    switch (plan->kind) {
    case PLAN_CREATE: visit_creation(&plan->create, visitor); return;
    case PLAN_MERGE:
        visit_creation(&plan->merge.create, visitor);
        visit_set_items(&plan->merge.on_create, visitor);
        visit_set_items(&plan->merge.on_match, visitor);
        return;
    case PLAN_UPDATE: visit_set_items(&plan->update.items, visitor); return;
    default: read_list(visitor, &plan->deletion.targets); return;
    }
}

static void visit_call(const struct plan_operator *plan, struct slot_visitor *visitor) {
    read_list(visitor, &plan->call.arguments);
    for (uint32_t i = 0; i < plan->call.count; i++) visitor->write(visitor, plan->call.slots[i]);
}

static void visit_sort(const struct plan_operator *plan, struct slot_visitor *visitor) {
    for (uint32_t i = 0; i < plan->sort.count; i++) read_expr(visitor, plan->sort.items[i].expr);
    read_expr(visitor, plan->sort.skip);
    read_expr(visitor, plan->sort.limit);
}

void slots_visit(const struct plan_operator *plan, struct slot_visitor *visitor) {
    switch (plan->kind) {
    case PLAN_ALL_NODE_SCAN ... PLAN_SHORTEST_PATH: visit_matching(plan, visitor); return;
    case PLAN_FILTER: read_expr(visitor, plan->condition); return;
    case PLAN_PROJECT: visit_columns(&plan->project, visitor); return;
    case PLAN_AGGREGATE: visit_aggregate(plan, visitor); return;
    case PLAN_DISTINCT: visit_read_slots(&plan->distinct, visitor); return;
    case PLAN_SORT: visit_sort(plan, visitor); return;
    case PLAN_SKIP:
    case PLAN_LIMIT: read_expr(visitor, plan->amount); return;
    case PLAN_UNWIND:
        read_expr(visitor, plan->unwind.list);
        visitor->write(visitor, plan->unwind.slot);
        return;
    case PLAN_PROCEDURE_CALL: visit_call(plan, visitor); return;
    case PLAN_OPTIONAL:
        for (uint32_t i = 0; i < plan->nulls.count; i++) visitor->write(visitor, plan->nulls.items[i]);
        return;
    case PLAN_ROLL_UP:
        if (plan->roll_up.item_slot != CYPHER_NO_SLOT) visitor->read(visitor, plan->roll_up.item_slot);
        visitor->write(visitor, plan->roll_up.slot);
        return;
    case PLAN_CREATE ... PLAN_DELETE: visit_writing(plan, visitor); return;
    case PLAN_RESULTS:
        for (uint32_t i = 0; i < plan->results.count; i++) visitor->read(visitor, plan->results.items[i].slot);
        return;
    default: return;
    }
}

/* --- use --- */

struct use_visitor {
    struct slot_visitor visitor;
    struct slot_use *use; /* NULL: count only */
    uint32_t index;
    uint32_t operators, writes;
};

static void use_read(struct slot_visitor *visitor, uint32_t slot) {
    struct use_visitor *self = (struct use_visitor *)(void *)visitor;
    if (!self->use || slot == CYPHER_NO_SLOT) return;
    if (self->index < self->use->first_readers[slot]) self->use->first_readers[slot] = self->index;
    if (self->index >= self->use->last_readers[slot]) self->use->last_readers[slot] = self->index;
}

static void use_write(struct slot_visitor *visitor, uint32_t slot) {
    struct use_visitor *self = (struct use_visitor *)(void *)visitor;
    if (slot == CYPHER_NO_SLOT) return;
    if (self->use) self->use->writes[self->writes] = slot;
    self->writes++;
}

static void use_walk(struct use_visitor *self, const struct plan_operator *plan) {
    if (!plan) return;
    uint32_t index = self->operators++;
    self->index = index;
    if (self->use) {
        self->use->operators[index] = plan;
        self->use->write_begins[index] = self->writes;
    }
    slots_visit(plan, &self->visitor);
    for (uint32_t i = 0; i < plan->child_count; i++) use_walk(self, plan->children[i]);
    if (self->use) self->use->subtree_ends[index] = self->operators;
}

static enum status use_allocate(struct value_arena *arena, struct slot_use *use, const struct use_visitor *counted) {
    size_t operators = counted->operators + 1U, slots = use->slot_count;
    use->operators = value_alloc_array(arena, operators, sizeof *use->operators);
    use->subtree_ends = value_alloc_array(arena, operators, sizeof *use->subtree_ends);
    use->write_begins = value_alloc_array(arena, operators, sizeof *use->write_begins);
    use->writes = value_alloc_array(arena, counted->writes, sizeof *use->writes);
    use->first_readers = value_alloc_array(arena, slots, sizeof *use->first_readers);
    use->last_readers = value_alloc_array(arena, slots, sizeof *use->last_readers);
    use->marks = value_alloc_array(arena, slots, sizeof *use->marks);
    bool done = use->operators && use->subtree_ends && use->write_begins && use->writes && use->first_readers &&
                use->last_readers && use->marks;
    return done ? STATUS_OK : STATUS_NO_MEMORY;
}

enum status slot_use_make(struct value_arena *arena, const struct plan *plan, struct slot_use *use) {
    struct slot_visitor visitor = {use_read, use_write};
    struct use_visitor counter = {.visitor = visitor}, filler = {.visitor = visitor, .use = use};
    *use = (struct slot_use){.slot_count = plan->slot_count};
    use_walk(&counter, plan->root);
    use->operator_count = counter.operators;
    enum status status = use_allocate(arena, use, &counter);
    if (status != STATUS_OK) return status;
    for (uint32_t slot = 0; slot < plan->slot_count; slot++) {
        use->first_readers[slot] = UINT32_MAX;
        use->last_readers[slot] = 0;
        use->marks[slot] = 0;
    }
    use_walk(&filler, plan->root);
    use->write_begins[counter.operators] = filler.writes;
    return STATUS_OK;
}

/* Read by the operator itself, before it in the preorder, or behind its subtree. */
static bool is_read_outside(const struct slot_use *use, uint32_t index, uint32_t slot) {
    return use->first_readers[slot] <= index ||
           (use->first_readers[slot] != UINT32_MAX && use->last_readers[slot] >= use->subtree_ends[index]);
}

enum status slot_use_carried(struct value_arena *arena, struct slot_use *use, uint32_t index, bool with_own,
                             struct plan_slots *carried) {
    uint32_t from = use->write_begins[with_own ? index : index + 1], to = use->write_begins[use->subtree_ends[index]];
    carried->items = value_alloc_array(arena, to - from, sizeof *carried->items);
    carried->count = 0;
    if (!carried->items) return STATUS_NO_MEMORY;
    for (uint32_t i = from; i < to; i++) {
        uint32_t slot = use->writes[i];
        if (use->marks[slot] == index + 1 || !is_read_outside(use, index, slot)) continue;
        use->marks[slot] = index + 1;
        carried->items[carried->count++] = slot;
    }
    return STATUS_OK;
}
