/* aggregate: one value of many. */
#include "graph/cypher/aggregate.h"

#include <math.h>
#include <stdlib.h>

#include "engine/base/check.h"
#include "graph/cypher/evaluate_parts.h"

/* Collected values in pieces, each twice as large as the one before, up to a limit. */
struct aggregate_piece {
    struct aggregate_piece *next;
    size_t count, capacity;
    struct value items[];
};

enum { PIECE_FIRST = 4, PIECE_LAST = 512, ROOM_FIRST_BYTES = 32 };

void aggregate_init(struct aggregate *aggregate, enum cypher_function function) {
    *aggregate = (struct aggregate){.function = function};
}

/* --- numbers --- */

static double as_float(struct value value) {
    return value.type == VALUE_INTEGER ? (double)value.integer : value.number;
}

static enum status number_add(struct aggregate *aggregate, struct evaluation *evaluation, struct cypher_place place,
                              struct value value) {
    if (!value_is_number(value))
        return cypher_fault_set(evaluation->fault, CYPHER_FAULT_INVALID_ARGUMENT_VALUE, place,
                                "Type mismatch: %s() expected Integer, Float or Null but was %s",
                                cypher_functions[aggregate->function].name,
                                value_type_name((enum value_type)value.type));
    aggregate->has_float |= value.type == VALUE_FLOAT;
    bool exact = aggregate->function == CYPHER_FUNCTION_SUM && !aggregate->has_float;
    if (exact && __builtin_add_overflow(aggregate->integer_sum, value.integer, &aggregate->integer_sum))
        return cypher_fault_set(evaluation->fault, CYPHER_FAULT_ARITHMETIC, place,
                                "The sum is no 64 bit integer: overflow");
    double number = as_float(value), delta = number - aggregate->mean;
    aggregate->float_sum += number;
    aggregate->mean += delta / (double)aggregate->count;
    aggregate->squares += delta * (number - aggregate->mean);
    return STATUS_OK;
}

/* --- extremes --- */

/* A string is copied into room that is kept, so that a rising sequence does not fill the memory. */
static enum status extreme_take(struct aggregate *aggregate, struct value_arena *arena, struct value value) {
    if (value.type != VALUE_STRING) return value_copy(arena, value, &aggregate->extreme);
    if (value.text.size > aggregate->room_bytes) {
        size_t bytes = 2 * value.text.size + ROOM_FIRST_BYTES;
        uint8_t *room = value_alloc(arena, bytes);
        if (!room) return STATUS_NO_MEMORY;
        aggregate->room = room;
        aggregate->room_bytes = bytes;
    }
    if (value.text.size) memcpy(aggregate->room, value.text.data, value.text.size);
    aggregate->extreme = value_string(slice_make(aggregate->room, value.text.size));
    return STATUS_OK;
}

static enum status extreme_add(struct aggregate *aggregate, struct value_arena *arena, struct value value) {
    bool better = aggregate->count == 1;
    if (!better) {
        int order = value_order(value, aggregate->extreme);
        better = aggregate->function == CYPHER_FUNCTION_MIN ? order < 0 : order > 0;
    }
    return better ? extreme_take(aggregate, arena, value) : STATUS_OK;
}

/* --- collected values --- */

static enum status piece_add(struct aggregate *aggregate, struct value_arena *arena) {
    size_t capacity = aggregate->last ? 2 * aggregate->last->capacity : PIECE_FIRST;
    if (capacity > PIECE_LAST) capacity = PIECE_LAST;
    struct aggregate_piece *piece = value_alloc(arena, sizeof *piece + capacity * sizeof *piece->items);
    if (!piece) return STATUS_NO_MEMORY;
    *piece = (struct aggregate_piece){.capacity = capacity};
    if (aggregate->last)
        aggregate->last->next = piece;
    else
        aggregate->first = piece;
    aggregate->last = piece;
    return STATUS_OK;
}

static enum status collected_add(struct aggregate *aggregate, struct value_arena *arena, struct value value) {
    struct aggregate_piece *piece = aggregate->last;
    enum status status = STATUS_OK;
    if (!piece || piece->count == piece->capacity) status = piece_add(aggregate, arena);
    if (status != STATUS_OK) return status;
    piece = aggregate->last;
    status = value_copy(arena, value, &piece->items[piece->count]);
    if (status == STATUS_OK) piece->count++;
    return status;
}

static enum status collected_list(const struct aggregate *aggregate, struct evaluation *evaluation,
                                  struct value *list) {
    enum status status;
    struct value *items = evaluation_alloc(evaluation, aggregate->count, sizeof *items, &status);
    size_t count = 0;
    for (const struct aggregate_piece *piece = aggregate->first; piece && status == STATUS_OK; piece = piece->next)
        for (size_t i = 0; i < piece->count && status == STATUS_OK; i++)
            status = value_copy(evaluation->arena, piece->items[i], &items[count++]);
    if (status == STATUS_NO_MEMORY) return evaluation_no_memory(evaluation);
    return status == STATUS_OK ? evaluation_list(evaluation, items, count, list) : status;
}

/* --- percentiles --- */

static enum status percentile_add(struct aggregate *aggregate, struct evaluation *evaluation, struct value_arena *arena,
                                  struct cypher_place place, const struct value *arguments) {
    double percentile = value_is_number(arguments[1]) ? as_float(arguments[1]) : NAN;
    if (!(percentile >= 0 && percentile <= 1))
        return cypher_fault_set(evaluation->fault, CYPHER_FAULT_ARGUMENT_RANGE, place,
                                "%s() takes a percentile between 0.0 and 1.0",
                                cypher_functions[aggregate->function].name);
    enum status status = number_add(aggregate, evaluation, place, arguments[0]);
    aggregate->percentile = percentile;
    return status == STATUS_OK ? collected_add(aggregate, arena, arguments[0]) : status;
}

static int compare_values(const void *a, const void *b) {
    return value_order(*(const struct value *)a, *(const struct value *)b);
}

/* Discrete: the value of the nearest rank; continuous: between the two nearest by straight line. */
static enum status percentile_finish(const struct aggregate *aggregate, struct evaluation *evaluation,
                                     struct value *value) {
    struct value list;
    *value = value_null();
    if (aggregate->count == 0) return STATUS_OK;
    enum status status = collected_list(aggregate, evaluation, &list);
    if (status != STATUS_OK) return status;
    struct value *items = evaluation_alloc(evaluation, list.list.count, sizeof *items, &status);
    if (!items) return status;
    memcpy(items, list.list.items, list.list.count * sizeof *items);
    qsort(items, list.list.count, sizeof *items, compare_values);
    double last = (double)(list.list.count - 1);
    if (aggregate->function == CYPHER_FUNCTION_PERCENTILE_DISC) {
        double rank = ceil(aggregate->percentile * (double)list.list.count);
        *value = items[rank < 1 ? 0 : (size_t)rank - 1];
        return STATUS_OK;
    }
    double place = aggregate->percentile * last, below = floor(place);
    double low = as_float(items[(size_t)below]), high = as_float(items[(size_t)ceil(place)]);
    *value = value_float(low == high ? low : low + (high - low) * (place - below));
    return STATUS_OK;
}

/* --- all --- */

enum status aggregate_add(struct aggregate *aggregate, struct evaluation *evaluation, struct value_arena *arena,
                          struct cypher_place place, const struct value *arguments) {
    aggregate->count++;
    enum status status;
    switch (aggregate->function) {
    case CYPHER_FUNCTION_COUNT: return STATUS_OK;
    case CYPHER_FUNCTION_MIN:
    case CYPHER_FUNCTION_MAX: status = extreme_add(aggregate, arena, arguments[0]); break;
    case CYPHER_FUNCTION_COLLECT: status = collected_add(aggregate, arena, arguments[0]); break;
    case CYPHER_FUNCTION_PERCENTILE_DISC:
    case CYPHER_FUNCTION_PERCENTILE_CONT:
        status = percentile_add(aggregate, evaluation, arena, place, arguments);
        break;
    default: status = number_add(aggregate, evaluation, place, arguments[0]); break;
    }
    return status == STATUS_NO_MEMORY ? evaluation_no_memory(evaluation) : status;
}

static struct value deviation(const struct aggregate *aggregate, uint64_t less) {
    if (aggregate->count <= less) return value_float(0);
    return value_float(sqrt(aggregate->squares / (double)(aggregate->count - less)));
}

enum status aggregate_finish(const struct aggregate *aggregate, struct evaluation *evaluation, struct value *value) {
    bool empty = aggregate->count == 0;
    switch (aggregate->function) {
    case CYPHER_FUNCTION_COUNT: *value = value_integer((int64_t)aggregate->count); return STATUS_OK;
    case CYPHER_FUNCTION_SUM:
        *value = aggregate->has_float ? value_float(aggregate->float_sum) : value_integer(aggregate->integer_sum);
        return STATUS_OK;
    case CYPHER_FUNCTION_AVG:
        *value = empty ? value_null() : value_float(aggregate->float_sum / (double)aggregate->count);
        return STATUS_OK;
    case CYPHER_FUNCTION_STDEV: *value = deviation(aggregate, 1); return STATUS_OK;
    case CYPHER_FUNCTION_STDEVP: *value = deviation(aggregate, 0); return STATUS_OK;
    case CYPHER_FUNCTION_COLLECT: return collected_list(aggregate, evaluation, value);
    case CYPHER_FUNCTION_MIN:
    case CYPHER_FUNCTION_MAX:
        *value = value_null();
        return empty ? STATUS_OK : value_copy(evaluation->arena, aggregate->extreme, value);
    default: return percentile_finish(aggregate, evaluation, value);
    }
}
