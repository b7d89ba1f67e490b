/*
 * evaluate_list: IN, subscripts, slices, comprehensions, quantifiers, reduce.
 *
 * A loop writes its variable's slot in the row. Slots belong to one variable each, so that nothing has to be put back.
 */
#include "engine/base/check.h"
#include "graph/cypher/evaluate_parts.h"

static enum status set_null(struct value *value) {
    *value = value_null();
    return STATUS_OK;
}

enum status evaluate_in(struct evaluation *evaluation, const struct cypher_expr *expr, struct value item,
                        struct value list, struct value *value) {
    if (list.type == VALUE_NULL) return set_null(value);
    if (list.type != VALUE_LIST) return evaluation_mismatch(evaluation, expr->place, "List or Null", list);
    enum truth found = TRUTH_FALSE;
    for (size_t i = 0; i < list.list.count && found != TRUTH_TRUE; i++) {
        enum status status = evaluation_tick(evaluation);
        if (status != STATUS_OK) return status;
        found = truth_or(found, value_equal(item, list.list.items[i]));
    }
    *value = value_from_truth(found);
    return STATUS_OK;
}

/* --- subscripts --- */

static enum status map_subscript(struct evaluation *evaluation, const struct cypher_expr *expr, struct value object,
                                 struct value index, struct value *value) {
    if (index.type != VALUE_STRING)
        return cypher_fault_set(evaluation->fault, CYPHER_FAULT_MAP_ELEMENT_ACCESS, expr->place,
                                "Type mismatch: a key must be a String but was %s",
                                value_type_name((enum value_type)index.type));
    return evaluate_property(evaluation, expr->place, object, index.text, false, value);
}

enum status evaluate_subscript(struct evaluation *evaluation, const struct cypher_expr *expr, struct value object,
                               struct value index, struct value *value) {
    if (object.type == VALUE_NULL || index.type == VALUE_NULL) return set_null(value);
    if (object.type == VALUE_MAP || object.type == VALUE_NODE || object.type == VALUE_EDGE)
        return map_subscript(evaluation, expr, object, index, value);
    if (object.type != VALUE_LIST)
        return evaluation_mismatch(evaluation, expr->place, "List, Map, Node or Edge", object);
    if (index.type != VALUE_INTEGER)
        return cypher_fault_set(evaluation->fault, CYPHER_FAULT_LIST_ELEMENT_ACCESS, expr->place,
                                "Type mismatch: an index must be an Integer but was %s",
                                value_type_name((enum value_type)index.type));
    int64_t count = (int64_t)object.list.count;
    int64_t at = index.integer < 0 ? index.integer + count : index.integer;
    *value = at >= 0 && at < count ? object.list.items[at] : value_null();
    return STATUS_OK;
}

/* An end of a slice: counted from the back when negative, kept within the list. */
static enum status slice_end(struct evaluation *evaluation, const struct cypher_expr *end, size_t count,
                             int64_t missing, int64_t *at, bool *is_null) {
    *at = missing;
    if (!end) return STATUS_OK;
    struct value value;
    enum status status = cypher_evaluate(evaluation, end, &value);
    if (status != STATUS_OK) return status;
    if (value.type == VALUE_NULL) {
        *is_null = true;
        return STATUS_OK;
    }
    if (value.type != VALUE_INTEGER) return evaluation_mismatch(evaluation, end->place, "Integer or Null", value);
    int64_t limit = (int64_t)count;
    *at = value.integer < 0 ? value.integer + limit : value.integer;
    if (*at < 0) *at = 0;
    if (*at > limit) *at = limit;
    return STATUS_OK;
}

enum status evaluate_slice(struct evaluation *evaluation, const struct cypher_expr *expr, struct value *value) {
    struct value list;
    int64_t from, to;
    enum status status = cypher_evaluate(evaluation, expr->range.object, &list);
    if (status != STATUS_OK) return status;
    bool is_null = list.type == VALUE_NULL;
    if (!is_null && list.type != VALUE_LIST) return evaluation_mismatch(evaluation, expr->place, "List or Null", list);
    size_t count = is_null ? 0 : list.list.count;
    status = slice_end(evaluation, expr->range.from, count, 0, &from, &is_null);
    if (status == STATUS_OK) status = slice_end(evaluation, expr->range.to, count, (int64_t)count, &to, &is_null);
    if (status != STATUS_OK) return status;
    if (is_null) return set_null(value);
    size_t size = to > from ? (size_t)(to - from) : 0;
    return evaluation_list(evaluation, size ? list.list.items + from : NULL, size, value);
}

/* --- loops --- */

/* The list of a loop; *is_null for null. */
static enum status loop_list(struct evaluation *evaluation, const struct cypher_expr *expr, struct value *list,
                             bool *is_null) {
    enum status status = cypher_evaluate(evaluation, expr, list);
    if (status != STATUS_OK) return status;
    *is_null = list->type == VALUE_NULL;
    if (*is_null || list->type == VALUE_LIST) return STATUS_OK;
    return evaluation_mismatch(evaluation, expr->place, "List or Null", *list);
}

/* Puts the next item into the slot and asks the condition (NULL: true). */
static enum status loop_step(struct evaluation *evaluation, const struct cypher_expr *expr, struct value item,
                             enum truth *truth) {
    evaluation->row[expr->loop.slot] = item;
    *truth = TRUTH_TRUE;
    enum status status = evaluation_tick(evaluation);
    if (status != STATUS_OK || !expr->loop.condition) return status;
    return cypher_evaluate_truth(evaluation, expr->loop.condition, truth);
}

enum status evaluate_comprehension(struct evaluation *evaluation, const struct cypher_expr *expr, struct value *value) {
    struct value list;
    bool is_null;
    enum status status = loop_list(evaluation, expr->loop.list, &list, &is_null);
    if (status != STATUS_OK) return status;
    if (is_null) return set_null(value);
    struct value *items = evaluation_alloc(evaluation, list.list.count, sizeof *items, &status);
    size_t count = 0;
    for (size_t i = 0; i < list.list.count && status == STATUS_OK; i++) {
        enum truth truth;
        status = loop_step(evaluation, expr, list.list.items[i], &truth);
        if (status != STATUS_OK || truth != TRUTH_TRUE) continue;
        items[count] = list.list.items[i];
        if (expr->loop.result) status = cypher_evaluate(evaluation, expr->loop.result, &items[count]);
        count++;
    }
    return status == STATUS_OK ? evaluation_list(evaluation, items, count, value) : status;
}

struct verdicts {
    size_t true_count, null_count, count;
};

/* What the items' verdicts say together; an unknown one leaves open what it could still turn. */
static enum truth quantifier_truth(enum cypher_expr_kind kind, const struct verdicts *verdicts) {
    size_t false_count = verdicts->count - verdicts->true_count - verdicts->null_count;
    bool unknown = verdicts->null_count > 0;
    switch (kind) {
    case EXPR_ALL: return false_count > 0 ? TRUTH_FALSE : unknown ? TRUTH_NULL : TRUTH_TRUE;
    case EXPR_ANY: return verdicts->true_count > 0 ? TRUTH_TRUE : unknown ? TRUTH_NULL : TRUTH_FALSE;
    case EXPR_NONE: return verdicts->true_count > 0 ? TRUTH_FALSE : unknown ? TRUTH_NULL : TRUTH_TRUE;
    default:
        if (verdicts->true_count > 1) return TRUTH_FALSE;
        return unknown ? TRUTH_NULL : verdicts->true_count == 1 ? TRUTH_TRUE : TRUTH_FALSE;
    }
}

enum status evaluate_quantifier(struct evaluation *evaluation, const struct cypher_expr *expr, struct value *value) {
    struct value list;
    bool is_null;
    enum status status = loop_list(evaluation, expr->loop.list, &list, &is_null);
    if (status != STATUS_OK) return status;
    if (is_null) return set_null(value);
    struct verdicts verdicts = {.count = list.list.count};
    for (size_t i = 0; i < list.list.count; i++) {
        enum truth truth;
        status = loop_step(evaluation, expr, list.list.items[i], &truth);
        if (status != STATUS_OK) return status;
        verdicts.true_count += truth == TRUTH_TRUE;
        verdicts.null_count += truth == TRUTH_NULL;
    }
    *value = value_from_truth(quantifier_truth(expr->kind, &verdicts));
    return STATUS_OK;
}

enum status evaluate_reduce(struct evaluation *evaluation, const struct cypher_expr *expr, struct value *value) {
    struct value list, accumulator;
    bool is_null;
    enum status status = loop_list(evaluation, expr->reduce.list, &list, &is_null);
    if (status != STATUS_OK) return status;
    if (is_null) return set_null(value);
    status = cypher_evaluate(evaluation, expr->reduce.initial, &accumulator);
    for (size_t i = 0; i < list.list.count && status == STATUS_OK; i++) {
        evaluation->row[expr->reduce.accumulator_slot] = accumulator;
        evaluation->row[expr->reduce.slot] = list.list.items[i];
        status = evaluation_tick(evaluation);
        if (status == STATUS_OK) status = cypher_evaluate(evaluation, expr->reduce.result, &accumulator);
    }
    if (status == STATUS_OK) *value = accumulator;
    return status;
}
