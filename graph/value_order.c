/*
 * value_order: equality, comparison, the total order and the hash of values.
 *
 * Invariant: value_order is a total order, value_equivalent(a, b) == (value_order(a, b) == 0), and equivalent values
 * hash alike. An integer and a float compare by their exact values, never by rounding one to the other's type:
 * otherwise `=` would not be transitive above 2^53. Source: openCypher 9, "Equality", "Comparability", "Orderability".
 */
#include <math.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "graph/value.h"

/* --- three-valued logic --- */

enum truth truth_and(enum truth a, enum truth b) {
    if (a == TRUTH_FALSE || b == TRUTH_FALSE) return TRUTH_FALSE;
    return a == TRUTH_NULL || b == TRUTH_NULL ? TRUTH_NULL : TRUTH_TRUE;
}

enum truth truth_or(enum truth a, enum truth b) {
    if (a == TRUTH_TRUE || b == TRUTH_TRUE) return TRUTH_TRUE;
    return a == TRUTH_NULL || b == TRUTH_NULL ? TRUTH_NULL : TRUTH_FALSE;
}

enum truth truth_xor(enum truth a, enum truth b) {
    if (a == TRUTH_NULL || b == TRUTH_NULL) return TRUTH_NULL;
    return a != b ? TRUTH_TRUE : TRUTH_FALSE;
}

/* --- numbers --- */

/* Integers are those from -INTEGERS_END on and below INTEGERS_END: 2^63, exact as a float. */
static const double INTEGERS_END = 9223372036854775808.0;

static int integer_order(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

/* Exact; b is no NaN. Outside of the integers' range the float decides; inside, its whole part fits an integer, and a
 * fraction decides between equal ones. */
static int integer_float_order(int64_t a, double b) {
    if (b >= INTEGERS_END) return -1;
    if (b < -INTEGERS_END) return 1;
    double whole = trunc(b);
    int order = integer_order(a, (int64_t)whole);
    if (order != 0) return order;
    return (whole > b) - (whole < b);
}

/* Neither is NaN. */
static int number_order(struct value a, struct value b) {
    if (a.type == VALUE_INTEGER)
        return b.type == VALUE_INTEGER ? integer_order(a.integer, b.integer) : integer_float_order(a.integer, b.number);
    if (b.type == VALUE_INTEGER) return -integer_float_order(b.integer, a.number);
    return (a.number > b.number) - (a.number < b.number);
}

static bool is_nan(struct value value) {
    return value.type == VALUE_FLOAT && isnan(value.number);
}

/* --- equality --- */

static enum truth items_equal(struct value a, struct value b) {
    if (a.list.count != b.list.count) return TRUTH_FALSE;
    enum truth all = TRUTH_TRUE;
    for (size_t i = 0; i < a.list.count && all != TRUTH_FALSE; i++)
        all = truth_and(all, value_equal(a.list.items[i], b.list.items[i]));
    return all;
}

static enum truth maps_equal(struct value a, struct value b) {
    if (a.map.count != b.map.count) return TRUTH_FALSE;
    for (size_t i = 0; i < a.map.count; i++)
        if (!slice_equal(a.map.entries[i].key, b.map.entries[i].key)) return TRUTH_FALSE;
    enum truth all = TRUTH_TRUE;
    for (size_t i = 0; i < a.map.count && all != TRUTH_FALSE; i++)
        all = truth_and(all, value_equal(a.map.entries[i].value, b.map.entries[i].value));
    return all;
}

static enum truth truth_from(bool condition) {
    return condition ? TRUTH_TRUE : TRUTH_FALSE;
}

enum truth value_equal(struct value a, struct value b) {
    if (value_is_null(a) || value_is_null(b)) return TRUTH_NULL;
    if (value_is_number(a) && value_is_number(b))
        return truth_from(!is_nan(a) && !is_nan(b) && number_order(a, b) == 0);
    if (a.type != b.type) return TRUTH_FALSE;
    switch ((enum value_type)a.type) {
    case VALUE_BOOLEAN: return truth_from(a.boolean == b.boolean);
    case VALUE_STRING: return truth_from(slice_equal(a.text, b.text));
    case VALUE_NODE: return truth_from(a.node == b.node);
    case VALUE_EDGE: return truth_from(a.edge.id == b.edge.id);
    case VALUE_MAP: return maps_equal(a, b);
    default: return items_equal(a, b);
    }
}

/* --- comparison --- */

static enum value_comparison comparison_from(int order) {
    return order < 0 ? VALUE_LESS : order > 0 ? VALUE_GREATER : VALUE_EQUAL;
}

static enum value_comparison lists_compare(struct value a, struct value b) {
    size_t common = a.list.count < b.list.count ? a.list.count : b.list.count;
    for (size_t i = 0; i < common; i++) {
        enum value_comparison item = value_compare(a.list.items[i], b.list.items[i]);
        if (item != VALUE_EQUAL) return item;
    }
    return comparison_from((a.list.count > b.list.count) - (a.list.count < b.list.count));
}

enum value_comparison value_compare(struct value a, struct value b) {
    if (value_is_number(a) && value_is_number(b))
        return is_nan(a) || is_nan(b) ? VALUE_UNORDERED : comparison_from(number_order(a, b));
    if (a.type != b.type) return VALUE_INCOMPARABLE;
    switch ((enum value_type)a.type) {
    case VALUE_BOOLEAN: return comparison_from((int)a.boolean - (int)b.boolean);
    case VALUE_STRING: return comparison_from(slice_compare(a.text, b.text));
    case VALUE_LIST: return lists_compare(a, b);
    default: return VALUE_INCOMPARABLE;
    }
}

/* --- the total order --- */

static int type_rank(enum value_type type) {
    static const uint8_t ranks[VALUE_TYPE_COUNT] = {
        [VALUE_MAP] = 0,    [VALUE_NODE] = 1,    [VALUE_EDGE] = 2,    [VALUE_LIST] = 3,  [VALUE_PATH] = 4,
        [VALUE_STRING] = 5, [VALUE_BOOLEAN] = 6, [VALUE_INTEGER] = 7, [VALUE_FLOAT] = 7, [VALUE_NULL] = 8,
    };
    return ranks[type];
}

static int size_order(size_t a, size_t b) {
    return (a > b) - (a < b);
}

static int items_order(struct value a, struct value b) {
    size_t common = a.list.count < b.list.count ? a.list.count : b.list.count;
    for (size_t i = 0; i < common; i++) {
        int order = value_order(a.list.items[i], b.list.items[i]);
        if (order != 0) return order;
    }
    return size_order(a.list.count, b.list.count);
}

/* Fewer entries first, then the keys, then the values. */
static int maps_order(struct value a, struct value b) {
    int order = size_order(a.map.count, b.map.count);
    for (size_t i = 0; i < a.map.count && order == 0; i++)
        order = slice_compare(a.map.entries[i].key, b.map.entries[i].key);
    for (size_t i = 0; i < a.map.count && order == 0; i++)
        order = value_order(a.map.entries[i].value, b.map.entries[i].value);
    return order;
}

static int id_order(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

int value_order(struct value a, struct value b) {
    int rank = type_rank((enum value_type)a.type) - type_rank((enum value_type)b.type);
    if (rank != 0) return rank;
    switch ((enum value_type)a.type) {
    case VALUE_NULL: return 0;
    case VALUE_BOOLEAN: return (int)a.boolean - (int)b.boolean;
    case VALUE_INTEGER:
    case VALUE_FLOAT: return is_nan(a) || is_nan(b) ? (int)is_nan(a) - (int)is_nan(b) : number_order(a, b);
    case VALUE_STRING: return slice_compare(a.text, b.text);
    case VALUE_NODE: return id_order(a.node, b.node);
    case VALUE_EDGE: return id_order(a.edge.id, b.edge.id);
    case VALUE_MAP: return maps_order(a, b);
    default: return items_order(a, b);
    }
}

bool value_equivalent(struct value a, struct value b) {
    return value_order(a, b) == 0;
}

/* --- hashing --- */

/* A float that is a whole number within the integers' range hashes as that integer. */
static uint64_t float_hash(double number, uint64_t seed) {
    if (isnan(number)) return hash_mix(seed, 0x6e616e);
    if (number >= -INTEGERS_END && number < INTEGERS_END && trunc(number) == number)
        return hash_mix(seed + VALUE_INTEGER, (uint64_t)(int64_t)number);
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return hash_mix(seed + VALUE_FLOAT, bits);
}

uint64_t value_hash(struct value value, uint64_t seed) {
    uint64_t hash = seed + value.type;
    switch ((enum value_type)value.type) {
    case VALUE_BOOLEAN: return hash_mix(hash, value.boolean);
    case VALUE_INTEGER: return hash_mix(hash, (uint64_t)value.integer);
    case VALUE_FLOAT: return float_hash(value.number, seed);
    case VALUE_STRING: return hash64(value.text, hash);
    case VALUE_NODE: return hash_mix(hash, value.node);
    case VALUE_EDGE: return hash_mix(hash, value.edge.id);
    case VALUE_MAP:
        for (size_t i = 0; i < value.map.count; i++)
            hash = value_hash(value.map.entries[i].value, hash64(value.map.entries[i].key, hash));
        return hash_mix(hash, value.map.count);
    case VALUE_LIST:
    case VALUE_PATH:
        for (size_t i = 0; i < value.list.count; i++) hash = value_hash(value.list.items[i], hash_mix(hash, i));
        return hash_mix(hash, value.list.count);
    default: return hash_mix(hash, 0);
    }
}
