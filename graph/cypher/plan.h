/*
 * plan: a checked query as a tree of operators over rows.
 *
 * A row is an array of `slot_count` values, all null at first; an operator takes rows from child 0, writes slots and
 * passes rows on. Slots are never reused (ast.h), so that no operator has to clear or rename anything: a Project only
 * adds. Where child 0 is missing (NULL) the operator starts from *the argument*: in the plan's main line one row of
 * nulls, within the right side of an operator that runs it per row (Apply, Cartesian Product, Semi Apply, Roll Up,
 * Merge) that row. Expressions in a plan have neither names to look up nor aggregations nor subqueries: variables are
 * slots.
 *
 * Clauses see the graph as the clauses before them left it. Therefore operators that change it (Create, Merge, Update,
 * Delete) take all rows of their child before the first change, and pass on none before the last. Limit pulls its child
 * at least once even if it is 0, so that changes below it happen.
 *
 * All of it lies in the arena of the AST and points into it.
 */
#ifndef GRAPH_CYPHER_PLAN_H
#define GRAPH_CYPHER_PLAN_H

#include "engine/base/arena.h"
#include "engine/base/buf.h"
#include "graph/cypher/ast.h"
#include "graph/cypher/procedure.h"

/* clang-format off */
/*  kind                  name in EXPLAIN                          children */
#define PLAN_LIST(X)                                                                     \
    X(ARGUMENT,           "Argument")                             /* 0 */                 \
    X(ALL_NODE_SCAN,      "All Node Scan")                        /* 0 or 1 */            \
    X(LABEL_SCAN,         "Node By Label Scan")                   /* 0 or 1 */            \
    X(ID_SEEK,            "NodeByIdSeek")                         /* 0 or 1 */            \
    X(TRAVERSE,           "Conditional Traverse")                 /* 1 */                 \
    X(EXPAND_INTO,        "Expand Into")                          /* 1 */                 \
    X(VARIABLE_TRAVERSE,  "Conditional Variable Length Traverse") /* 1 */                 \
    X(VARIABLE_EXPAND_INTO, "Conditional Variable Length Traverse (Expand Into)")        /* 1 */                 \
    X(EDGE_ENDS,          "Edge Ends")                            /* 1 */                 \
    X(SHORTEST_PATH,      "Shortest Path")                        /* 1 */                 \
    X(FILTER,             "Filter")                               /* 0 or 1 */            \
    X(PROJECT,            "Project")                              /* 0 or 1 */            \
    X(AGGREGATE,          "Aggregate")                            /* 0 or 1 */            \
    X(DISTINCT,           "Distinct")                             /* 1 */                 \
    X(SORT,               "Sort")                                 /* 1 */                 \
    X(SKIP,               "Skip")                                 /* 1 */                 \
    X(LIMIT,              "Limit")                                /* 1 */                 \
    X(UNWIND,             "Unwind")                               /* 0 or 1 */            \
    X(PROCEDURE_CALL,     "ProcedureCall")                        /* 0 or 1 */            \
    X(APPLY,              "Apply")                                /* 2 */                 \
    X(CARTESIAN_PRODUCT,  "Cartesian Product")                    /* 2 */                 \
    X(OPTIONAL,           "Optional")                             /* 1 */                 \
    X(SEMI_APPLY,         "Semi Apply")                           /* 2 */                 \
    X(ANTI_SEMI_APPLY,    "Anti Semi Apply")                      /* 2 */                 \
    X(ROLL_UP,            "Roll Up")                              /* 2 */                 \
    X(CREATE,             "Create")                               /* 0 or 1 */            \
    X(MERGE,              "Merge")                                /* 2, the first may be NULL */ \
    X(UPDATE,             "Update")                               /* 1 */                 \
    X(DELETE,             "Delete")                               /* 1 */                 \
    X(UNION,              "Join")                                 /* 1 or more */         \
    X(RESULTS,            "Results")                              /* 0 or 1 */

enum plan_kind {
#define X(name, text) PLAN_##name,
    PLAN_LIST(X)
#undef X
    PLAN_KIND_COUNT
};
/* clang-format on */

enum { PLAN_HEIGHT_MAX = 2000 };

/* slot = value of expr */
struct plan_column {
    struct cypher_expr *expr;
    uint32_t slot;
    struct slice name; /* for EXPLAIN and results; may be empty */
};

struct plan_columns {
    struct plan_column *items;
    uint32_t count;
};

struct plan_slots {
    uint32_t *items;
    uint32_t count;
};

/* slot = function over the rows of a group; COUNT with no argument is count(*). Nulls are not counted, but by count(*).
 */
struct plan_aggregate {
    enum cypher_function function;
    bool is_star;
    bool distinct;
    struct cypher_list arguments;
    uint32_t slot;
};

/* A node to be made; its slot gets it. properties: NULL, a map, or a parameter that holds one. */
struct plan_create_node {
    uint32_t slot;
    struct slice variable; /* may be empty */
    struct cypher_names labels;
    struct cypher_expr *properties;
    struct cypher_place place;
};

struct plan_create_edge {
    uint32_t slot;
    struct slice variable;
    uint32_t source_slot; /* as the arrow points */
    uint32_t target_slot;
    struct cypher_name type;
    struct cypher_expr *properties;
    struct cypher_place place;
};

/* Nodes first, then edges, then paths (EXPR_PATH). */
struct plan_creation {
    struct plan_create_node *nodes;
    uint32_t node_count;
    struct plan_create_edge *edges;
    uint32_t edge_count;
    struct plan_columns paths;
};

/*
 * One edge pattern from a bound node. Rows come out with `edge_slot` and, unless it is an Expand Into, `to_slot`
 * filled. An edge fits if its type is one of `types` (none: any), its direction fits seen from `from`, its other end
 * has all `to_labels`, it is (in) none of `distinct_from`, which hold edges and lists of edges. A self-loop comes out
 * once also for CYPHER_BOTH.
 *
 * With a variable length the slot gets the list of edges in the order from -> to, no edge twice; every edge has to have
 * `edge_properties` (a map, evaluated per row; NULL: none). min_hops 0 gives the empty list and the node itself. If
 * `reversed`, the pattern was written from `to` to `from`: the list's order is turned, so that it reads as written.
 */
struct plan_traverse {
    uint32_t from_slot;
    uint32_t edge_slot;
    uint32_t to_slot;
    enum cypher_direction direction; /* seen from `from` */
    struct cypher_names types;
    struct cypher_names to_labels;
    struct plan_slots distinct_from;
    struct cypher_expr *edge_properties;
    uint32_t min_hops; /* variable length and shortest path */
    uint32_t max_hops;
    bool reversed;
    const struct cypher_edge_pattern *edge; /* for EXPLAIN */
    const struct cypher_node_pattern *from;
    const struct cypher_node_pattern *to;
};

/*
 * The edge is bound, the nodes are found from it: a row for each way in which the edge fits direction and types. An end
 * whose flag says so is bound and has to be equal; the others are filled. A null edge gives no row.
 */
struct plan_edge_ends {
    struct plan_traverse hop;
    bool from_bound;
    bool to_bound;
};

/* Both ends bound; path_slot gets one path of least length (all of them, a row each, if `all`); edge_slot gets its list
 * of edges. No row if there is none. */
struct plan_shortest_path {
    struct plan_traverse hop;
    uint32_t path_slot;
    bool all;
};

struct plan_operator;

struct plan_operator {
    enum plan_kind kind;
    uint32_t height; /* 1 for a leaf; at most PLAN_HEIGHT_MAX, so that execution may recurse */
    struct plan_operator **children;
    uint32_t child_count;
    union {
        struct {
            uint32_t slot;
            struct cypher_names labels; /* Label Scan: scan the first, check the others; others: check all */
            struct cypher_expr *id;     /* ID_SEEK: nodes whose id equals it; a null or another type: no row */
            const struct cypher_node_pattern *pattern;
        } scan;
        struct plan_traverse traverse; /* TRAVERSE, EXPAND_INTO and their VARIABLE kin */
        struct plan_edge_ends ends;
        struct plan_shortest_path shortest;
        struct cypher_expr *condition; /* FILTER: passes what is true; false and null not */
        struct plan_columns project;
        struct {
            struct plan_columns keys; /* none: exactly one row, also of no input */
            struct plan_aggregate *items;
            uint32_t count;
        } aggregate;
        struct plan_slots distinct; /* the first row of those that are equal in these (null equals null) */
        struct {
            struct cypher_sort_item *items; /* stable */
            uint32_t count;
            struct cypher_expr *skip; /* with limit: only the first skip + limit rows are wanted; may be NULL */
            struct cypher_expr *limit;
        } sort;
        struct cypher_expr *amount; /* SKIP, LIMIT: no variables; a non-negative integer, else a runtime fault */
        struct {
            struct cypher_expr *list; /* null: no row; not a list: one row with the value */
            uint32_t slot;
            struct slice name;
        } unwind;
        struct {
            const struct cypher_procedure *procedure;
            struct cypher_list arguments;
            uint32_t *fields; /* of the procedure, filled into ... */
            uint32_t *slots;
            uint32_t count;
            bool passes_row; /* it has no fields: it runs once per row and passes the row on as it is */
        } call;
        struct plan_slots nulls; /* OPTIONAL: what is null in the argument when the child gives no row */
        struct {
            uint32_t slot;
            uint32_t item_slot; /* the list of this slot's values in the right side's rows; CYPHER_NO_SLOT: true if
                                   there is a row */
        } roll_up;
        struct plan_creation create;
        struct {
            /* Child 1 gives the matches of the row. If there are none, `create` is done and `on_create`; else
             * `on_match` for each. Rows take turns, each sees what those before it made. */
            struct plan_creation create;
            struct cypher_set_items on_create;
            struct cypher_set_items on_match;
        } merge;
        struct {
            struct cypher_set_items items;
            bool remove; /* REMOVE: the items have no values */
        } update;
        struct {
            struct cypher_list
                targets; /* nodes, edges, paths, lists of them, null; a node with edges left is a fault unless detach */
            bool detach;
        } deletion;
        struct plan_columns results; /* expr NULL: name and slot are what matters */
    };
};

struct plan {
    struct plan_operator *root; /* RESULTS if the query returns rows */
    uint32_t slot_count;
    bool is_update;
    const struct plan_columns *columns; /* of RESULTS; NULL if there are none */
    const struct cypher_statement *statement;
};

/*
 * From text to plan: parses, checks and plans. *statement is filled as far as it came (its settings and parameters are
 * valid once it returns OK). All memory comes from the arena; on failure *fault says what and where. `catalogue` may be
 * NULL: there are no procedures then. SYNTAX, UNSUPPORTED, TOO_LARGE, INVALID, NO_MEMORY.
 */
MUST_CHECK enum status cypher_prepare(struct arena *arena, struct slice text, const struct cypher_catalogue *catalogue,
                                      struct plan *plan, struct cypher_fault *fault);

/* The plan itself of a statement that is checked; it changes expressions of the statement, and refers to them. */
MUST_CHECK enum status plan_make(struct arena *arena, struct cypher_statement *statement,
                                 const struct cypher_catalogue *catalogue, struct plan *plan,
                                 struct cypher_fault *fault);

/* One operator as EXPLAIN names it: "Conditional Traverse | (a:A)-[:T]->(b)". */
MUST_CHECK enum status plan_operator_print(const struct plan_operator *operator, struct buf * to);

/* Lines of EXPLAIN: "\n" ends each, four blanks per level. */
MUST_CHECK enum status plan_explain(const struct plan *plan, struct buf *to);

#endif
