/*
 * value: what Cypher computes with and what a property holds: null, boolean, integer, float, string, list, map, node,
 * edge, path.
 *
 * A struct value is copied freely; what is longer than it (bytes of a string, items, entries) lies in a value arena or
 * wherever its maker says, is never changed after it was made, and must outlive the value. Nodes and edges are ids:
 * what they carry is read from the graph. Comparisons follow openCypher 9: equality and order of `=` and `<` are
 * three-valued; value_order and value_equivalent are total, for ORDER BY, DISTINCT and grouping. Not thread-safe per
 * arena; values may be read from any thread.
 */
#ifndef GRAPH_VALUE_H
#define GRAPH_VALUE_H

#include <stdatomic.h>

#include "engine/base/arena.h"
#include "engine/base/slice.h"
#include "engine/base/status.h"

/* The order of the names is no order of values: see value_order. */
enum value_type {
    VALUE_NULL = 0,
    VALUE_BOOLEAN,
    VALUE_INTEGER,
    VALUE_FLOAT,
    VALUE_STRING,
    VALUE_LIST,
    VALUE_MAP,
    VALUE_NODE,
    VALUE_EDGE,
    VALUE_PATH,
    VALUE_TYPE_COUNT,
};

enum { VALUE_DEPTH_MAX = 200 }; /* lists and maps within one another */

struct value_entry;

struct value {
    uint8_t type;       /* enum value_type */
    uint8_t depth;      /* 0, or how many lists and maps lie within one another */
    uint32_t edge_type; /* EDGE: id of its type in the graph's schema */
    union {
        bool boolean;
        int64_t integer;
        double number;
        struct slice text; /* STRING: UTF-8 as the user gave it; data may be NULL when size is 0 */
        struct {
            const struct value *items;
            size_t count;
        } list; /* LIST; PATH: node, edge, node, ..., node: count is odd */
        struct {
            const struct value_entry *entries; /* keys ascending by bytes, each once */
            size_t count;
        } map;
        uint64_t node; /* NODE: id */
        struct {
            uint64_t id, source, destination;
        } edge;
    };
};

struct value_entry {
    struct slice key;
    struct value value;
};

/* --- memory --- */

/* What all queries together may hold. Threads share it; with n of them the limit may be passed by n arena blocks. */
struct value_pool {
    atomic_size_t limit_bytes; /* 0: no limit */
    atomic_size_t used_bytes;
};

enum value_refusal { VALUE_NOT_REFUSED, VALUE_REFUSED_BY_BUDGET, VALUE_REFUSED_BY_POOL };

/* What one query may hold, over all its arenas. */
struct value_budget {
    size_t limit_bytes; /* 0: no limit */
    size_t used_bytes;
    size_t peak_bytes;
    struct value_pool *pool; /* what it holds counts there, too; NULL: nobody shares; borrowed until it holds nothing */
    enum value_refusal refused; /* something was refused for a limit's sake; the first of them stays */
};

/* An arena that counts against a budget (borrowed until deinit; may be NULL). */
struct value_arena {
    struct arena arena;
    struct value_budget *budget;
    size_t charged_bytes;
};

void value_arena_init(struct value_arena *arena, struct value_budget *budget);
void value_arena_deinit(struct value_arena *arena); /* gives back to the budget */
void value_arena_reset(struct value_arena *arena);

/* Aligned for any type here. NULL when out of memory or over a limit (`refused` tells which). */
void *value_alloc(struct value_arena *arena, size_t size);
/* value_alloc of count * size; NULL also when the product does not fit. */
void *value_alloc_array(struct value_arena *arena, size_t count, size_t size);

/* For memory that does not come from a value arena. False, and nothing charged, when it would pass the limit. */
bool value_budget_charge(struct value_budget *budget, size_t size);
void value_budget_release(struct value_budget *budget, size_t size);
/* What may still be charged; SIZE_MAX without a limit, or without a budget. */
size_t value_budget_left(const struct value_budget *budget);
/* Notes as refused what its user has kept to value_budget_left for. */
void value_budget_refuse(struct value_budget *budget);

/* --- making --- */

static inline struct value value_null(void) {
    return (struct value){.type = VALUE_NULL};
}
static inline struct value value_boolean(bool boolean) {
    return (struct value){.type = VALUE_BOOLEAN, .boolean = boolean};
}
static inline struct value value_integer(int64_t integer) {
    return (struct value){.type = VALUE_INTEGER, .integer = integer};
}
static inline struct value value_float(double number) {
    return (struct value){.type = VALUE_FLOAT, .number = number};
}
/* Borrows the bytes. */
static inline struct value value_string(struct slice text) {
    return (struct value){.type = VALUE_STRING, .text = text};
}
static inline struct value value_node(uint64_t id) {
    return (struct value){.type = VALUE_NODE, .node = id};
}
static inline struct value value_edge(uint64_t id, uint32_t type, uint64_t source, uint64_t destination) {
    return (struct value){.type = VALUE_EDGE, .edge_type = type, .edge = {id, source, destination}};
}

/* Borrow the array. TOO_LARGE, and *value untouched, when nested deeper than VALUE_DEPTH_MAX. */
MUST_CHECK enum status value_list(const struct value *items, size_t count, struct value *value);
/* `entries` is the caller's and is sorted in place; of equal keys the later one stays. */
MUST_CHECK enum status value_map(struct value_entry *entries, size_t count, struct value *value);
/* node, edge, node, ...; count is odd. */
struct value value_path(const struct value *items, size_t count);

/* Deep copy. NO_MEMORY when the arena gave none. */
MUST_CHECK enum status value_copy(struct value_arena *arena, struct value value, struct value *copy);
/* A string whose bytes are copied into the arena. */
MUST_CHECK enum status value_copy_string(struct value_arena *arena, struct slice text, struct value *value);
/* What the deep copy takes of an arena, about. */
size_t value_size_bytes(struct value value);

/* --- asking --- */

static inline bool value_is_null(struct value value) {
    return value.type == VALUE_NULL;
}
static inline bool value_is_number(struct value value) {
    return value.type == VALUE_INTEGER || value.type == VALUE_FLOAT;
}
/* "Integer", "Float", "String", "Boolean", "List", "Map", "Node", "Edge", "Path", "Null": a static text. */
const char *value_type_name(enum value_type type);
/* True for what a property may hold: boolean, integer, float, string, or a list of these. */
bool value_is_property(struct value value);
/* The entry's value; NULL when the map has no such key. `map` is a MAP. */
const struct value *value_map_get(const struct value *map, struct slice key);

/* --- comparing --- */

enum truth {
    TRUTH_FALSE = 0,
    TRUTH_TRUE = 1,
    TRUTH_NULL = 2,
};

static inline struct value value_from_truth(enum truth truth) {
    return truth == TRUTH_NULL ? value_null() : value_boolean(truth == TRUTH_TRUE);
}
static inline enum truth truth_not(enum truth a) {
    return a == TRUTH_NULL ? TRUTH_NULL : a == TRUTH_TRUE ? TRUTH_FALSE : TRUTH_TRUE;
}
enum truth truth_and(enum truth a, enum truth b);
enum truth truth_or(enum truth a, enum truth b);
enum truth truth_xor(enum truth a, enum truth b);

/* `a = b`: NULL when either is null or an item decides nothing; integers and floats by their exact value; NaN equals
 * nothing; other types are never equal. */
enum truth value_equal(struct value a, struct value b);

enum value_comparison {
    VALUE_LESS,
    VALUE_EQUAL,
    VALUE_GREATER,
    VALUE_UNORDERED,    /* a NaN: every comparison is false */
    VALUE_INCOMPARABLE, /* null or types that have no `<` between them: every comparison is null */
};
/* `a < b` and kin: numbers, strings (by bytes), booleans, lists item by item; a node, edge, path or map has none. */
enum value_comparison value_compare(struct value a, struct value b);

/* The total order of ORDER BY, min and max: map < node < edge < list < path < string < boolean < number < NaN < null.
 * 0 if and only if equivalent. */
int value_order(struct value a, struct value b);
/* DISTINCT and grouping: as `=`, but null is null and NaN is NaN. */
bool value_equivalent(struct value a, struct value b);
/* Equivalent values have the same hash under one seed. */
uint64_t value_hash(struct value value, uint64_t seed);

#endif
