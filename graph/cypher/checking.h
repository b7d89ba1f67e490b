/*
 * checking: what the parts of the checks share; private to them. A bool false or a NULL: the fault stands.
 */
#ifndef GRAPH_CYPHER_CHECKING_H
#define GRAPH_CYPHER_CHECKING_H

#include "graph/cypher/ast.h"
#include "graph/cypher/expr.h"
#include "graph/cypher/memory.h"
#include "graph/cypher/procedure.h"
#include "graph/cypher/symbols.h"

/* A name in scope. */
struct variable {
    struct slice name;
    uint32_t symbol;
    uint32_t slot;
    uint16_t type;    /* set of enum cypher_type */
    uint16_t element; /* of a list: types of its items */
    uint32_t clause;  /* number of the clause that declared it */
    struct variable *shadowed;
};

struct checking {
    struct cypher_memory memory;
    struct cypher_fault *fault;
    struct cypher_statement *statement;
    const struct cypher_catalogue *catalogue;
    struct symbols symbols;
    struct variable **bound; /* by symbol: the variable in scope, or NULL */
    uint32_t bound_capacity;
    struct variable **visible; /* in the order of declaration */
    uint32_t visible_count;
    uint32_t visible_capacity;
    uint32_t base;   /* the variables of the query at hand begin here; below it are those of the queries around it */
    uint32_t clause; /* number of the clause at hand */
    uint32_t depth;  /* of subqueries */
    uint64_t work;   /* nodes compared so far */
};

/* --- scope --- */
struct variable *scope_find(const struct checking *checking, struct slice name);
struct variable *scope_declare(struct checking *checking, struct slice name, uint16_t type);
/* As scope_declare, under a slot that exists. */
struct variable *scope_declare_slot(struct checking *checking, struct slice name, uint16_t type, uint32_t slot);
void scope_leave(struct checking *checking,
                 uint32_t mark); /* forgets what was declared since visible_count was `mark` */
bool scope_slot(struct checking *checking, struct cypher_place place, uint32_t *slot);

bool check_fault(struct checking *checking, enum cypher_fault_code code, struct cypher_place place, const char *what);
bool check_fault_name(struct checking *checking, enum cypher_fault_code code, struct cypher_place place,
                      struct slice name, const char *what); /* "'name' what" */
bool check_unsupported(struct checking *checking, struct cypher_place place, const char *what);
bool check_work(struct checking *checking); /* false once too much was compared */

/* --- expressions --- */
enum {
    CHECK_AGGREGATIONS = 1 << 0, /* are allowed here */
    CHECK_IN_AGGREGATION = 1 << 1,
    CHECK_PATTERNS = 1 << 2,         /* as predicates are allowed here */
    CHECK_LOST_AGGREGATION = 1 << 3, /* in ORDER BY or WHERE: none that is not a column */
};
bool check_expression(struct checking *checking, struct cypher_expr *expr, unsigned allowed);
bool check_condition(struct checking *checking, struct cypher_expr *expr, unsigned allowed);
bool check_variable_use(struct checking *checking, struct slice name, struct cypher_place place,
                        struct variable **found);

/* --- patterns --- */
enum pattern_use {
    PATTERN_MATCH,
    PATTERN_CREATE,
    PATTERN_MERGE,
    PATTERN_PREDICATE, /* no new variables */
};
bool check_pattern(struct checking *checking, struct cypher_path *paths, uint32_t count, enum pattern_use use);

/* --- clauses --- */
bool check_query(struct checking *checking, struct cypher_query *query);
bool check_projection(struct checking *checking, struct cypher_clause *clause);
bool check_call(struct checking *checking, struct cypher_clause *clause);

#endif
