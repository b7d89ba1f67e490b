/* check: clauses in their order; what each brings into scope. */
#include "graph/cypher/check.h"

#include "engine/base/hash.h"
#include "graph/cypher/checking.h"

static bool check_match(struct checking *checking, struct cypher_clause *clause) {
    struct cypher_pattern *pattern = &clause->match.pattern;
    if (!check_pattern(checking, pattern->paths, pattern->count, PATTERN_MATCH)) return false;
    return !clause->match.where || check_condition(checking, clause->match.where, CHECK_PATTERNS);
}

static bool check_unwind(struct checking *checking, struct cypher_clause *clause) {
    const struct cypher_name *name = &clause->unwind.variable;
    struct cypher_expr *list = clause->unwind.list;
    if (!check_expression(checking, list, 0)) return false;
    if (scope_find(checking, name->text))
        return check_fault_name(checking, CYPHER_FAULT_VARIABLE_ALREADY_BOUND, name->place, name->text,
                                "already declared");
    const bool is_list = (list->type & ~(unsigned)CYPHER_TYPE_NULL) == CYPHER_TYPE_LIST;
    struct variable *variable = scope_declare(checking, name->text, is_list ? list->element : CYPHER_TYPE_ANY);
    if (variable) clause->unwind.slot = variable->slot;
    return variable != NULL;
}

/* --- CREATE, MERGE, SET, REMOVE, DELETE --- */

static bool check_set_items(struct checking *checking, struct cypher_set_items *items) {
    for (uint32_t i = 0; i < items->count; i++) {
        struct cypher_set_item *item = &items->items[i];
        const unsigned types = item->kind == CYPHER_SET_LABELS ? CYPHER_TYPE_NODE : CYPHER_TYPE_ENTITY;
        if (!check_expression(checking, item->target, 0)) return false;
        if (!(item->target->type & (types | CYPHER_TYPE_NULL)))
            return check_fault(checking, CYPHER_FAULT_INVALID_ARGUMENT_TYPE, item->place,
                               "only nodes and relationships can be changed");
        if (item->value && !check_expression(checking, item->value, 0)) return false;
        if (item->kind != CYPHER_SET_REPLACE && item->kind != CYPHER_SET_MERGE) continue;
        if (!(item->value->type & (CYPHER_TYPE_KEYED | CYPHER_TYPE_NULL)))
            return check_fault(checking, CYPHER_FAULT_INVALID_ARGUMENT_TYPE, item->value->place,
                               "all properties are set from a map, a node or a relationship");
    }
    return true;
}

static bool check_merge(struct checking *checking, struct cypher_clause *clause) {
    if (!check_pattern(checking, &clause->merge.path, 1, PATTERN_MERGE)) return false;
    return check_set_items(checking, &clause->merge.on_create) && check_set_items(checking, &clause->merge.on_match);
}

static bool check_delete(struct checking *checking, struct cypher_clause *clause) {
    const struct cypher_list *targets = &clause->deletion.targets;
    for (uint32_t i = 0; i < targets->count; i++) {
        struct cypher_expr *target = targets->items[i];
        if (target->kind == EXPR_HAS_LABELS)
            return check_fault(checking, CYPHER_FAULT_INVALID_DELETE, target->place,
                               "DELETE takes no labels (REMOVE takes them from a node)");
        if (!check_expression(checking, target, 0)) return false;
        if (!(target->type & (CYPHER_TYPE_ENTITY | CYPHER_TYPE_PATH | CYPHER_TYPE_NULL)))
            return check_fault(checking, CYPHER_FAULT_INVALID_ARGUMENT_TYPE, target->place,
                               "only nodes, relationships and paths can be deleted");
    }
    return true;
}

/* --- queries --- */

static bool is_update(enum cypher_clause_kind kind) {
    return kind == CLAUSE_CREATE || kind == CLAUSE_MERGE || kind == CLAUSE_SET || kind == CLAUSE_REMOVE ||
           kind == CLAUSE_DELETE;
}

static bool check_clause(struct checking *checking, struct cypher_clause *clause) {
    checking->clause++;
    checking->statement->is_update |= is_update(clause->kind);
    if (checking->depth && is_update(clause->kind))
        return check_fault(checking, CYPHER_FAULT_INVALID_CLAUSE_COMPOSITION, clause->place,
                           "a subquery of EXISTS can't change the graph");
    switch (clause->kind) {
    case CLAUSE_MATCH: return check_match(checking, clause);
    case CLAUSE_UNWIND: return check_unwind(checking, clause);
    case CLAUSE_CALL: return check_call(checking, clause);
    case CLAUSE_CREATE: return check_pattern(checking, clause->create.paths, clause->create.count, PATTERN_CREATE);
    case CLAUSE_MERGE: return check_merge(checking, clause);
    case CLAUSE_SET:
    case CLAUSE_REMOVE: return check_set_items(checking, &clause->set);
    case CLAUSE_DELETE: return check_delete(checking, clause);
    default: return check_projection(checking, clause);
    }
}

static const struct cypher_projection *returned(const struct cypher_single_query *part) {
    const struct cypher_clause *last = part->clauses[part->clause_count - 1];
    return last->kind == CLAUSE_RETURN ? &last->projection : NULL;
}

/* All parts of a UNION return columns of the same names. */
static bool check_union(struct checking *checking, const struct cypher_query *query, uint32_t index) {
    const struct cypher_projection *first = returned(&query->parts[0]), *other = returned(&query->parts[index]);
    bool same = first && other && first->column_count == other->column_count;
    for (uint32_t i = 0; same && i < first->column_count; i++)
        same = slice_equal(first->columns[i].name, other->columns[i].name);
    return same || check_fault(checking, CYPHER_FAULT_DIFFERENT_COLUMNS_IN_UNION, query->parts[index].place,
                               "the parts of a UNION return columns of the same names in the same order");
}

bool check_query(struct checking *checking, struct cypher_query *query) {
    for (uint32_t i = 0; i < query->part_count; i++) {
        struct cypher_single_query *part = &query->parts[i];
        for (uint32_t j = 0; j < part->clause_count; j++)
            if (!check_clause(checking, part->clauses[j])) return false;
        scope_leave(checking, checking->base);
        if (i > 0 && !check_union(checking, query, i)) return false;
    }
    return true;
}

enum status cypher_check(struct arena *arena, struct cypher_statement *statement,
                         const struct cypher_catalogue *catalogue, struct cypher_fault *fault) {
    *fault = (struct cypher_fault){0};
    struct checking checking = {
        .memory = cypher_memory_make(arena, fault), .fault = fault, .statement = statement, .catalogue = catalogue};
    symbols_init(&checking.symbols, arena, hash64(statement->text, 0));
    statement->slot_count = 0;
    return check_query(&checking, &statement->query) ? STATUS_OK : cypher_fault_status(fault->code);
}
