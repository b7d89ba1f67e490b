/* check_call: CALL against what the catalogue says of the procedure. */
#include <strings.h>

#include "graph/cypher/checking.h"

/* `CALL name` takes each argument from the parameter of its name. */
static bool imply_arguments(struct checking *checking, struct cypher_clause *clause,
                            const struct cypher_procedure *procedure) {
    struct cypher_statement *statement = checking->statement;
    const uint32_t count = procedure->argument_count;
    struct cypher_expr **items = cypher_alloc(&checking->memory, count * sizeof(struct cypher_expr *));
    struct cypher_expr *exprs = cypher_alloc(&checking->memory, count * sizeof *exprs);
    struct slice *names = cypher_alloc(&checking->memory, (statement->parameter_count + count) * sizeof *names);
    if (!items || !exprs || !names) return false;
    if (statement->parameter_count) memcpy(names, statement->parameters, statement->parameter_count * sizeof *names);
    for (uint32_t i = 0; i < count; i++) {
        names[statement->parameter_count] = slice_from_text(procedure->arguments[i].name);
        exprs[i] = (struct cypher_expr){.kind = EXPR_PARAMETER, .place = clause->place, .height = 1};
        exprs[i].text = names[statement->parameter_count];
        exprs[i].parameter = statement->parameter_count++;
        items[i] = &exprs[i];
    }
    statement->parameters = names;
    clause->call.arguments = (struct cypher_list){items, count};
    return true;
}

static bool check_arguments(struct checking *checking, struct cypher_clause *clause,
                            const struct cypher_procedure *procedure) {
    const struct cypher_name *name = &clause->call.procedure;
    if (!clause->call.has_arguments && clause->call.standalone && !imply_arguments(checking, clause, procedure))
        return false;
    if (!clause->call.has_arguments && !clause->call.standalone)
        return check_fault_name(checking, CYPHER_FAULT_INVALID_ARGUMENT_PASSING, name->place, name->text,
                                "takes its arguments in brackets here");
    const struct cypher_list *arguments = &clause->call.arguments;
    if (arguments->count < procedure->fewest_arguments || arguments->count > procedure->argument_count) {
        cypher_fault_set(checking->fault, CYPHER_FAULT_INVALID_ARGUMENT_COUNT, name->place,
                         "%s takes %u to %u arguments, not %u", procedure->name, procedure->fewest_arguments,
                         procedure->argument_count, arguments->count);
        return false;
    }
    for (uint32_t i = 0; i < arguments->count; i++) {
        struct cypher_expr *argument = arguments->items[i];
        if (!check_expression(checking, argument, 0)) return false;
        if (argument->type & (procedure->arguments[i].type | CYPHER_TYPE_NULL)) continue;
        cypher_fault_set(checking->fault, CYPHER_FAULT_INVALID_ARGUMENT_TYPE, argument->place,
                         "%s does not take such a value as argument %u", procedure->name, i + 1);
        return false;
    }
    return true;
}

/* --- YIELD --- */

static const struct cypher_field *find_field(const struct cypher_procedure *procedure, struct slice name) {
    for (uint32_t i = 0; i < procedure->field_count; i++)
        if (slice_equal(name, slice_from_text(procedure->fields[i].name))) return &procedure->fields[i];
    return NULL;
}

static bool yield_everything(struct checking *checking, struct cypher_clause *clause,
                             const struct cypher_procedure *procedure) {
    struct cypher_yield *yields = cypher_alloc(&checking->memory, procedure->field_count * sizeof *yields);
    if (!yields) return false;
    for (uint32_t i = 0; i < procedure->field_count; i++) {
        yields[i].field = (struct cypher_name){slice_from_text(procedure->fields[i].name), clause->place};
        yields[i].variable = yields[i].field;
    }
    clause->call.yields = yields;
    clause->call.yield_count = procedure->field_count;
    return true;
}

static bool check_yield(struct checking *checking, struct cypher_yield *yield,
                        const struct cypher_procedure *procedure) {
    const struct cypher_field *field = find_field(procedure, yield->field.text);
    if (!field)
        return check_fault_name(checking, CYPHER_FAULT_UNDEFINED_VARIABLE, yield->field.place, yield->field.text,
                                "is no field of the procedure");
    if (scope_find(checking, yield->variable.text))
        return check_fault_name(checking, CYPHER_FAULT_VARIABLE_ALREADY_BOUND, yield->variable.place,
                                yield->variable.text, "already declared");
    struct variable *variable =
        scope_declare(checking, yield->variable.text, (uint16_t)(field->type | CYPHER_TYPE_NULL));
    if (variable) yield->slot = variable->slot;
    return variable != NULL;
}

bool check_call(struct checking *checking, struct cypher_clause *clause) {
    const struct cypher_name *name = &clause->call.procedure;
    const struct cypher_procedure *procedure =
        checking->catalogue ? checking->catalogue->find(checking->catalogue->context, name->text) : NULL;
    if (!procedure)
        return check_fault_name(checking, CYPHER_FAULT_PROCEDURE_NOT_FOUND, name->place, name->text, "is no procedure");
    if (!check_arguments(checking, clause, procedure)) return false;
    checking->statement->is_update |= procedure->is_update;
    if (clause->call.yield_star && !clause->call.standalone)
        return check_fault(checking, CYPHER_FAULT_UNEXPECTED_SYNTAX, clause->place,
                           "YIELD * is for a CALL that stands alone: name the fields");
    const bool everything = clause->call.standalone && (!clause->call.has_yield || clause->call.yield_star);
    if (everything && !yield_everything(checking, clause, procedure)) return false;
    for (uint32_t i = 0; i < clause->call.yield_count; i++)
        if (!check_yield(checking, &clause->call.yields[i], procedure)) return false;
    return !clause->call.where || check_condition(checking, clause->call.where, CHECK_PATTERNS);
}
