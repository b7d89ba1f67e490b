/*
 * ast: a parsed query.
 *
 * Everything lies in one arena and lives as long as it; nothing is freed by itself. Names and strings are slices into
 * the same arena (the parser copies the text once). Every node knows its place. Arrays are pointer and count; an empty
 * one has count 0. The parser bounds the depth of every tree (CYPHER_DEPTH_MAX), so that recursion over it is safe.
 *
 * A *slot* is the number of a variable's room in a row. The checks (check.h) give every variable of a query a slot of
 * its own, in all scopes, and write it into the nodes; a slot is never used for two variables. Until then, and where
 * there is no variable, slots are CYPHER_NO_SLOT. Trees share no nodes.
 */
#ifndef GRAPH_CYPHER_AST_H
#define GRAPH_CYPHER_AST_H

#include "engine/base/slice.h"
#include "graph/cypher/fault.h"

enum {
    CYPHER_TEXT_MAX_BYTES = 1 << 20,    /* a query */
    CYPHER_MEMORY_MAX_BYTES = 64 << 20, /* what parsing, checking and planning one query may take of the arena */
    CYPHER_DEPTH_MAX = 400,             /* levels of nesting; also the height of any expression's tree */
    CYPHER_SLOTS_MAX = 65536,           /* variables, named or not, of one query */
};

#define CYPHER_NO_SLOT UINT32_MAX
#define CYPHER_HOPS_UNBOUNDED UINT32_MAX

/* A set of types of values; what an expression may give, as far as its text says. */
enum cypher_type {
    CYPHER_TYPE_NULL = 1 << 0,
    CYPHER_TYPE_BOOLEAN = 1 << 1,
    CYPHER_TYPE_INTEGER = 1 << 2,
    CYPHER_TYPE_FLOAT = 1 << 3,
    CYPHER_TYPE_STRING = 1 << 4,
    CYPHER_TYPE_LIST = 1 << 5,
    CYPHER_TYPE_MAP = 1 << 6,
    CYPHER_TYPE_NODE = 1 << 7,
    CYPHER_TYPE_EDGE = 1 << 8,
    CYPHER_TYPE_PATH = 1 << 9,
    CYPHER_TYPE_ANY = (1 << 10) - 1,
    CYPHER_TYPE_NUMBER = CYPHER_TYPE_INTEGER | CYPHER_TYPE_FLOAT,
    CYPHER_TYPE_ENTITY = CYPHER_TYPE_NODE | CYPHER_TYPE_EDGE,
    CYPHER_TYPE_KEYED = CYPHER_TYPE_ENTITY | CYPHER_TYPE_MAP,
    CYPHER_TYPE_SIZED = CYPHER_TYPE_LIST | CYPHER_TYPE_STRING,
};

enum cypher_function {
#define FUNCTION(id, name, fewest, most, first, others, result) CYPHER_FUNCTION_##id,
#include "graph/cypher/functions.def"
    CYPHER_FUNCTION_COUNT_OF_ALL
};

/* One row of functions.def. */
struct cypher_function_row {
    const char *name;
    uint16_t fewest_arguments;
    uint16_t most_arguments;
    uint16_t first_type; /* set of enum cypher_type */
    uint16_t other_types;
    uint16_t result_type;
    bool is_aggregate;
};
extern const struct cypher_function_row cypher_functions[CYPHER_FUNCTION_COUNT_OF_ALL];

enum cypher_expr_kind {
    EXPR_NULL,
    EXPR_BOOLEAN,   /* .boolean */
    EXPR_INTEGER,   /* .integer */
    EXPR_FLOAT,     /* .real */
    EXPR_STRING,    /* .text: content, escapes undone */
    EXPR_PARAMETER, /* .text: name without '$'; .parameter: index into the query's list of parameters */
    EXPR_LIST,      /* .list */
    EXPR_MAP,       /* .map; keys may repeat, the last wins */
    EXPR_VARIABLE,  /* .variable */

    EXPR_OR, /* .binary for all of these */
    EXPR_XOR,
    EXPR_AND,
    EXPR_EQUAL,
    EXPR_NOT_EQUAL,
    EXPR_LESS,
    EXPR_LESS_EQUAL,
    EXPR_GREATER,
    EXPR_GREATER_EQUAL,
    EXPR_ADD,
    EXPR_SUBTRACT,
    EXPR_MULTIPLY,
    EXPR_DIVIDE,
    EXPR_MODULO,
    EXPR_POWER,
    EXPR_IN,
    EXPR_STARTS_WITH,
    EXPR_ENDS_WITH,
    EXPR_CONTAINS,
    EXPR_MATCHES, /* =~ */

    EXPR_CHAIN, /* .chain: a < b <= c: all links hold; each operand is evaluated once */

    EXPR_NOT, /* .operand for all of these */
    EXPR_NEGATE,
    EXPR_PLUS,
    EXPR_IS_NULL,
    EXPR_IS_NOT_NULL,

    EXPR_PROPERTY,   /* .property: object.key */
    EXPR_HAS_LABELS, /* .labels: subject:A:B, true for all of them; of an edge its type */
    EXPR_SUBSCRIPT,  /* .binary: left[right] */
    EXPR_SLICE,      /* .range: object[from..to], each end may be NULL */
    EXPR_CALL,       /* .call */
    EXPR_COUNT_STAR,
    EXPR_CASE,               /* .choice */
    EXPR_LIST_COMPREHENSION, /* .loop: [variable IN list WHERE condition | result], both may be NULL */
    EXPR_ALL,                /* .loop for these: quantifier(variable IN list WHERE condition) */
    EXPR_ANY,
    EXPR_NONE,
    EXPR_SINGLE,
    EXPR_REDUCE,                /* .reduce */
    EXPR_PATTERN,               /* .subquery: true if the one path matches */
    EXPR_PATTERN_COMPREHENSION, /* .subquery: [path WHERE condition | result] */
    EXPR_EXISTS,                /* .subquery: EXISTS { MATCH ... }: true if there is a row */

    /* Made by the plan only. */
    EXPR_PATH, /* .subquery.path: the path out of the slots of its nodes and edges; null if one is null */
};

struct cypher_expr;
struct cypher_path;
struct cypher_query;

struct cypher_list {
    struct cypher_expr **items;
    uint32_t count;
};

struct cypher_map {
    struct slice *keys;
    struct cypher_expr **values;
    uint32_t count;
};

/* A name: text and place. */
struct cypher_name {
    struct slice text; /* data NULL: there is none */
    struct cypher_place place;
};

struct cypher_names {
    struct cypher_name *items;
    uint32_t count;
};

struct cypher_alternative {
    struct cypher_expr *when;
    struct cypher_expr *then;
};

struct cypher_expr {
    enum cypher_expr_kind kind;
    struct cypher_place place;
    uint16_t height;  /* 1 for a leaf; at most CYPHER_DEPTH_MAX */
    uint16_t type;    /* set of enum cypher_type, filled by the checks */
    uint16_t element; /* of a list: types of its items, filled by the checks */
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct {
            struct slice text;
            uint32_t parameter;
        };
        struct cypher_list list;
        struct cypher_map map;
        struct {
            struct slice name;
            uint32_t slot;
        } variable;
        struct {
            struct cypher_expr *left;
            struct cypher_expr *right;
        } binary;
        struct {
            struct cypher_expr **operands; /* count + 1 */
            enum cypher_expr_kind *links;  /* EXPR_EQUAL ... EXPR_GREATER_EQUAL, between operands i and i + 1 */
            uint32_t count;                /* at least 2: a single one is .binary */
        } chain;
        struct cypher_expr *operand;
        struct {
            struct cypher_expr *object;
            struct slice key;
        } property;
        struct {
            struct cypher_expr *subject;
            struct cypher_names names;
        } labels;
        struct {
            struct cypher_expr *object;
            struct cypher_expr *from;
            struct cypher_expr *to;
        } range;
        struct {
            enum cypher_function function;
            bool distinct; /* aggregations only */
            struct cypher_list arguments;
        } call;
        struct {
            struct cypher_expr *subject; /* NULL: CASE WHEN condition */
            struct cypher_alternative *alternatives;
            uint32_t count;
            struct cypher_expr *otherwise; /* NULL: null */
        } choice;
        struct {
            struct cypher_name variable;
            uint32_t slot; /* of the variable: the evaluation writes the row's slot for each item */
            struct cypher_expr *list;
            struct cypher_expr *condition;
            struct cypher_expr *result;
        } loop;
        struct {
            struct cypher_name accumulator;
            struct cypher_name variable;
            uint32_t accumulator_slot;
            uint32_t slot;
            struct cypher_expr *initial;
            struct cypher_expr *list;
            struct cypher_expr *result;
        } reduce;
        struct {
            struct cypher_path *path;      /* EXPR_PATTERN, EXPR_PATTERN_COMPREHENSION */
            struct cypher_query *query;    /* EXPR_EXISTS */
            struct cypher_expr *condition; /* EXPR_PATTERN_COMPREHENSION: may be NULL */
            struct cypher_expr *result;    /* EXPR_PATTERN_COMPREHENSION */
        } subquery; /* never reaches execution: the plan turns it into an operator and a variable */
    };
};

/* --- patterns ------------------------------------------------------------------------------------------------------
 */

struct cypher_node_pattern {
    struct cypher_place place;
    struct cypher_name variable;
    uint32_t slot; /* also when it has no name */
    bool bound;    /* the slot is filled before this pattern */
    struct cypher_names labels;
    struct cypher_expr *properties; /* NULL, EXPR_MAP, or EXPR_PARAMETER in CREATE and MERGE */
};

enum cypher_direction { CYPHER_OUT, CYPHER_IN, CYPHER_BOTH };

struct cypher_edge_pattern {
    struct cypher_place place;
    struct cypher_name variable;
    uint32_t slot; /* also when it has no name; a list of edges if is_variable */
    bool bound;
    enum cypher_direction direction; /* OUT: from the node before it to the node behind it */
    struct cypher_names types;       /* any of them; none: all */
    struct cypher_expr *properties;
    bool is_variable; /* [*min..max] */
    uint32_t min_hops;
    uint32_t max_hops; /* CYPHER_HOPS_UNBOUNDED */
};

enum cypher_path_function { CYPHER_PATH_PLAIN, CYPHER_PATH_SHORTEST, CYPHER_PATH_ALL_SHORTEST };

/* nodes[0] edges[0] nodes[1] ...: edge_count + 1 nodes. */
struct cypher_path {
    struct cypher_place place;
    struct cypher_name variable;
    uint32_t slot; /* CYPHER_NO_SLOT without a name */
    enum cypher_path_function function;
    struct cypher_node_pattern *nodes;
    struct cypher_edge_pattern *edges;
    uint32_t edge_count;
};

struct cypher_pattern {
    struct cypher_path *paths;
    uint32_t count;
};

/* --- clauses -------------------------------------------------------------------------------------------------------
 */

enum cypher_set_kind {
    CYPHER_SET_PROPERTY, /* target.key = value */
    CYPHER_SET_REPLACE,  /* target = value */
    CYPHER_SET_MERGE,    /* target += value */
    CYPHER_SET_LABELS,   /* target:A:B */
};

/* One item of SET, ON CREATE SET, ON MATCH SET, and of REMOVE (property or labels, without a value). */
struct cypher_set_item {
    struct cypher_place place;
    enum cypher_set_kind kind;
    struct cypher_expr *target; /* an expression that gives a node or an edge */
    struct slice key;
    struct cypher_names labels;
    struct cypher_expr *value;
};

struct cypher_set_items {
    struct cypher_set_item *items;
    uint32_t count;
};

struct cypher_sort_item {
    struct cypher_expr *expr;
    bool descending;
};

struct cypher_column {
    struct cypher_expr *expr;
    struct slice name; /* the alias, or the expression as it was written */
    struct cypher_place place;
    bool has_alias;
    uint32_t slot;
};

/* What WITH and RETURN have in common. */
struct cypher_projection {
    bool distinct;
    bool star; /* the checks put the variables of the scope before the other columns */
    struct cypher_column *columns;
    uint32_t column_count;
    struct cypher_sort_item *sort;
    uint32_t sort_count;
    struct cypher_expr *skip; /* may be NULL, as the next two */
    struct cypher_expr *limit;
    struct cypher_expr *where; /* WITH only */
    bool aggregates;           /* filled by the checks: some column has an aggregation */
};

struct cypher_yield {
    struct cypher_name field;
    struct cypher_name variable; /* the field's name unless AS */
    uint32_t slot;
};

enum cypher_clause_kind {
    CLAUSE_MATCH,
    CLAUSE_UNWIND,
    CLAUSE_CALL,
    CLAUSE_CREATE,
    CLAUSE_MERGE,
    CLAUSE_SET,
    CLAUSE_REMOVE,
    CLAUSE_DELETE,
    CLAUSE_WITH,
    CLAUSE_RETURN,
};

struct cypher_clause {
    enum cypher_clause_kind kind;
    struct cypher_place place;
    union {
        struct {
            bool optional;
            struct cypher_pattern pattern;
            struct cypher_expr *where;
        } match;
        struct {
            struct cypher_expr *list;
            struct cypher_name variable;
            uint32_t slot;
        } unwind;
        struct {
            struct cypher_name procedure; /* with its dots */
            bool has_arguments;           /* false: `CALL name` takes them from parameters of the same names */
            struct cypher_list arguments;
            bool has_yield;
            bool yield_star;
            struct cypher_yield *yields;
            uint32_t yield_count;
            struct cypher_expr *where;
            bool standalone; /* the only clause of the query */
        } call;
        struct cypher_pattern create;
        struct {
            struct cypher_path path;
            struct cypher_set_items on_create;
            struct cypher_set_items on_match;
        } merge;
        struct cypher_set_items set; /* CLAUSE_SET, CLAUSE_REMOVE */
        struct {
            bool detach;
            struct cypher_list targets;
        } deletion;
        struct cypher_projection projection; /* CLAUSE_WITH, CLAUSE_RETURN */
    };
};

struct cypher_single_query {
    struct cypher_place place;
    struct cypher_clause **clauses;
    uint32_t clause_count;
};

/* Parts joined by UNION (duplicates go) or UNION ALL; not mixed. */
struct cypher_query {
    struct cypher_single_query *parts;
    uint32_t part_count;
    bool union_all;
};

/* A `name=value` of the header before the query; the value has neither variables nor parameters. */
struct cypher_setting {
    struct cypher_name name;
    struct cypher_expr *value;
    uint32_t parameter; /* which the text names so, of statement->parameters; SYMBOL_NONE */
};

/* All of a text: [CYPHER name=value ...] [EXPLAIN|PROFILE is a command's, not the text's] query [;] */
struct cypher_statement {
    struct slice text; /* as given, in the arena */
    struct cypher_setting *settings;
    uint32_t setting_count;
    struct slice *parameters; /* the names that the query uses, each once; EXPR_PARAMETER indexes it */
    uint32_t parameter_count;
    struct cypher_query query;
    uint32_t slot_count; /* filled by the checks: width of a row */
    bool is_update;      /* filled by the checks: some clause changes the graph */
};

#endif
