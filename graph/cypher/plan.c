/* plan: from clauses to operators, one clause on top of the other. */
#include "graph/cypher/plan.h"

#include "graph/cypher/check.h"
#include "graph/cypher/parser.h"
#include "graph/cypher/planning.h"

/* --- operators --- */

static struct plan_operator *make(struct planning *planning, enum plan_kind kind, uint32_t child_count) {
    struct plan_operator *node = cypher_alloc(&planning->memory, sizeof *node);
    struct plan_operator **children = cypher_alloc(&planning->memory, child_count * sizeof(struct plan_operator *));
    if (!node || !children) return NULL;
    node->kind = kind;
    node->height = 1;
    node->children = children;
    node->child_count = child_count;
    return node;
}

static bool adopt(struct planning *planning, struct plan_operator *parent, uint32_t index,
                  struct plan_operator *child) {
    const struct cypher_place nowhere = {0, 0};
    parent->children[index] = child;
    if (child && child->height >= parent->height) parent->height = child->height + 1;
    if (parent->height <= PLAN_HEIGHT_MAX) return true;
    cypher_fault_set(planning->fault, CYPHER_FAULT_TOO_LARGE, nowhere,
                     "the plan has more than %d steps: split the query, or use UNWIND", PLAN_HEIGHT_MAX);
    return false;
}

struct plan_operator *plan_node(struct planning *planning, enum plan_kind kind, struct plan_operator *input) {
    struct plan_operator *node = make(planning, kind, input != NULL);
    if (!node || !input) return node;
    return adopt(planning, node, 0, input) ? node : NULL;
}

struct plan_operator *plan_pair(struct planning *planning, enum plan_kind kind, struct plan_operator *left,
                                struct plan_operator *right) {
    struct plan_operator *node = make(planning, kind, 2);
    return node && adopt(planning, node, 0, left) && adopt(planning, node, 1, right) ? node : NULL;
}

struct plan_operator *plan_input(struct planning *planning, struct plan_operator *input) {
    return input ? input : plan_node(planning, PLAN_ARGUMENT, NULL);
}

bool plan_unsupported(struct planning *planning, struct cypher_place place, const char *what) {
    cypher_fault_unsupported(planning->fault, place, what);
    return false;
}

/* --- slots --- */

static bool reserve_slots(struct planning *planning, uint32_t count) {
    if (count <= planning->slot_capacity) return true;
    const uint32_t capacity = count + count / 2 + 16;
    struct plan_slot_state *slots = cypher_alloc(&planning->memory, capacity * sizeof *slots);
    if (!slots) return false;
    if (planning->slot_capacity) memcpy(slots, planning->slots, planning->slot_capacity * sizeof *slots);
    planning->slots = slots;
    planning->slot_capacity = capacity;
    return true;
}

bool plan_slot(struct planning *planning, uint32_t *slot) {
    *slot = planning->slot_count;
    if (!reserve_slots(planning, planning->slot_count + 1)) return false;
    planning->slot_count++;
    return true;
}

struct cypher_expr *plan_variable(struct planning *planning, struct cypher_place place, struct slice name,
                                  uint32_t slot) {
    struct cypher_expr *expr = cypher_alloc(&planning->memory, sizeof *expr);
    if (!expr) return NULL;
    *expr = (struct cypher_expr){.kind = EXPR_VARIABLE, .place = place, .height = 1, .type = CYPHER_TYPE_ANY};
    expr->variable.name = name;
    expr->variable.slot = slot;
    return expr;
}

struct cypher_expr *plan_path_expr(struct planning *planning, struct cypher_path *path) {
    struct cypher_expr *expr = cypher_alloc(&planning->memory, sizeof *expr);
    if (!expr) return NULL;
    *expr = (struct cypher_expr){.kind = EXPR_PATH, .place = path->place, .height = 1, .type = CYPHER_TYPE_PATH};
    expr->subquery.path = path;
    return expr;
}

/* --- clauses --- */

static struct plan_operator *plan_unwind(struct planning *planning, struct plan_operator *input,
                                         struct cypher_clause *clause) {
    if (!plan_subqueries(planning, &input, &clause->unwind.list)) return NULL;
    struct plan_operator *node = plan_node(planning, PLAN_UNWIND, input);
    if (!node) return NULL;
    node->unwind.list = clause->unwind.list;
    node->unwind.slot = clause->unwind.slot;
    node->unwind.name = clause->unwind.variable.text;
    planning->slots[clause->unwind.slot].bound = true;
    return node;
}

static uint32_t field_index(const struct cypher_procedure *procedure, struct slice name) {
    uint32_t index = 0;
    while (!slice_equal(name, slice_from_text(procedure->fields[index].name))) index++;
    return index;
}

static struct plan_operator *plan_call(struct planning *planning, struct plan_operator *input,
                                       struct cypher_clause *clause) {
    const struct cypher_procedure *procedure =
        planning->catalogue->find(planning->catalogue->context, clause->call.procedure.text);
    struct cypher_list *arguments = &clause->call.arguments;
    for (uint32_t i = 0; i < arguments->count; i++)
        if (!plan_subqueries(planning, &input, &arguments->items[i])) return NULL;
    struct plan_operator *node = plan_node(planning, PLAN_PROCEDURE_CALL, input);
    uint32_t *fields = cypher_alloc(&planning->memory, clause->call.yield_count * sizeof *fields);
    uint32_t *slots = cypher_alloc(&planning->memory, clause->call.yield_count * sizeof *slots);
    if (!node || !fields || !slots) return NULL;
    for (uint32_t i = 0; i < clause->call.yield_count; i++) {
        fields[i] = field_index(procedure, clause->call.yields[i].field.text);
        slots[i] = clause->call.yields[i].slot;
        planning->slots[slots[i]].bound = true;
    }
    node->call.procedure = procedure;
    node->call.arguments = *arguments;
    node->call.fields = fields;
    node->call.slots = slots;
    node->call.count = clause->call.yield_count;
    node->call.passes_row = procedure->field_count == 0;
    return clause->call.where ? plan_filter(planning, node, clause->call.where) : node;
}

static struct plan_operator *plan_set(struct planning *planning, struct plan_operator *input,
                                      struct cypher_clause *clause) {
    struct cypher_set_items *items = &clause->set;
    for (uint32_t i = 0; i < items->count; i++) {
        if (!plan_subqueries(planning, &input, &items->items[i].target)) return NULL;
        if (items->items[i].value && !plan_subqueries(planning, &input, &items->items[i].value)) return NULL;
    }
    struct plan_operator *node = plan_node(planning, PLAN_UPDATE, plan_input(planning, input));
    if (!node) return NULL;
    node->update.items = *items;
    node->update.remove = clause->kind == CLAUSE_REMOVE;
    return node;
}

static struct plan_operator *plan_delete(struct planning *planning, struct plan_operator *input,
                                         struct cypher_clause *clause) {
    struct cypher_list *targets = &clause->deletion.targets;
    for (uint32_t i = 0; i < targets->count; i++)
        if (!plan_subqueries(planning, &input, &targets->items[i])) return NULL;
    struct plan_operator *node = plan_node(planning, PLAN_DELETE, plan_input(planning, input));
    if (!node) return NULL;
    node->deletion.targets = *targets;
    node->deletion.detach = clause->deletion.detach;
    return node;
}

static struct plan_operator *plan_clause(struct planning *planning, struct plan_operator *input,
                                         struct cypher_clause *clause) {
    switch (clause->kind) {
    case CLAUSE_MATCH: return plan_match_clause(planning, input, clause);
    case CLAUSE_UNWIND: return plan_unwind(planning, input, clause);
    case CLAUSE_CALL: return plan_call(planning, input, clause);
    case CLAUSE_CREATE: return plan_create(planning, input, clause);
    case CLAUSE_MERGE: return plan_merge(planning, input, clause);
    case CLAUSE_SET:
    case CLAUSE_REMOVE: return plan_set(planning, input, clause);
    case CLAUSE_DELETE: return plan_delete(planning, input, clause);
    default: return plan_projection(planning, input, &clause->projection);
    }
}

/* --- queries --- */

const struct cypher_projection *plan_returned(const struct cypher_single_query *part) {
    const struct cypher_clause *last = part->clauses[part->clause_count - 1];
    return last->kind == CLAUSE_RETURN ? &last->projection : NULL;
}

static struct plan_operator *plan_part(struct planning *planning, struct cypher_single_query *part) {
    struct plan_operator *top = NULL;
    for (uint32_t i = 0; i < part->clause_count; i++) {
        top = plan_clause(planning, top, part->clauses[i]);
        if (!top) return NULL;
    }
    return top;
}

/* Moves the columns of a later part of a UNION into the slots of the first part's. */
static struct plan_operator *plan_align(struct planning *planning, struct plan_operator *input,
                                        const struct cypher_projection *from, const struct cypher_projection *to) {
    struct plan_operator *node = plan_node(planning, PLAN_PROJECT, input);
    struct plan_column *columns = cypher_alloc(&planning->memory, from->column_count * sizeof *columns);
    if (!node || !columns) return NULL;
    for (uint32_t i = 0; i < from->column_count; i++) {
        const struct cypher_column *column = &from->columns[i];
        columns[i].expr = plan_variable(planning, column->place, column->name, column->slot);
        columns[i].slot = to->columns[i].slot;
        columns[i].name = column->name;
        if (!columns[i].expr) return NULL;
    }
    node->project = (struct plan_columns){columns, from->column_count};
    return node;
}

struct plan_operator *plan_query(struct planning *planning, struct cypher_query *query) {
    if (query->part_count == 1) return plan_part(planning, &query->parts[0]);
    const struct cypher_projection *first = plan_returned(&query->parts[0]);
    struct plan_operator *node = make(planning, PLAN_UNION, query->part_count);
    if (!node) return NULL;
    for (uint32_t i = 0; i < query->part_count; i++) {
        struct plan_operator *part = plan_part(planning, &query->parts[i]);
        if (part && i > 0) part = plan_align(planning, part, plan_returned(&query->parts[i]), first);
        if (!part || !adopt(planning, node, i, part)) return NULL;
    }
    return query->union_all ? node : plan_distinct(planning, node, first);
}

/* --- results --- */

static bool fill_results(struct planning *planning, struct plan_operator *node, uint32_t count) {
    node->results.items = cypher_alloc(&planning->memory, count * sizeof *node->results.items);
    node->results.count = count;
    return node->results.items != NULL;
}

/* What the last clause returns: RETURN's columns, or all that a CALL that stands alone yields. */
static struct plan_operator *plan_results(struct planning *planning, struct plan_operator *input,
                                          const struct cypher_single_query *part) {
    const struct cypher_projection *returned = plan_returned(part);
    const struct cypher_clause *last = part->clauses[part->clause_count - 1];
    if (!returned && !(last->kind == CLAUSE_CALL && last->call.standalone && last->call.yield_count)) return input;
    struct plan_operator *node = plan_node(planning, PLAN_RESULTS, input);
    if (!node || !fill_results(planning, node, returned ? returned->column_count : last->call.yield_count)) return NULL;
    for (uint32_t i = 0; i < node->results.count; i++) {
        struct plan_column *column = &node->results.items[i];
        column->name = returned ? returned->columns[i].name : last->call.yields[i].variable.text;
        column->slot = returned ? returned->columns[i].slot : last->call.yields[i].slot;
    }
    return node;
}

enum status plan_make(struct arena *arena, struct cypher_statement *statement, const struct cypher_catalogue *catalogue,
                      struct plan *plan, struct cypher_fault *fault) {
    *fault = (struct cypher_fault){0};
    struct planning planning = {.memory = cypher_memory_make(arena, fault),
                                .fault = fault,
                                .catalogue = catalogue,
                                .slot_count = statement->slot_count};
    *plan = (struct plan){.statement = statement, .is_update = statement->is_update};
    struct plan_operator *top = NULL;
    if (reserve_slots(&planning, statement->slot_count + 1)) top = plan_query(&planning, &statement->query);
    if (top) top = plan_results(&planning, top, &statement->query.parts[0]);
    if (!top) return cypher_fault_status(fault->code);
    plan->root = top;
    plan->slot_count = planning.slot_count;
    if (top->kind == PLAN_RESULTS) plan->columns = &top->results;
    return STATUS_OK;
}

enum status cypher_prepare(struct arena *arena, struct slice text, const struct cypher_catalogue *catalogue,
                           struct plan *plan, struct cypher_fault *fault) {
    struct cypher_statement *statement = arena_alloc(arena, sizeof *statement, _Alignof(struct cypher_statement));
    *fault = (struct cypher_fault){0};
    if (!statement)
        return cypher_fault_set(fault, CYPHER_FAULT_NO_MEMORY, (struct cypher_place){0, 0}, "out of memory");
    enum status status = cypher_parse(arena, text, statement, fault);
    if (status == STATUS_OK) status = cypher_check(arena, statement, catalogue, fault);
    if (status == STATUS_OK) status = plan_make(arena, statement, catalogue, plan, fault);
    return status;
}
