/*
 * tck_checker: a subject that parses, checks and plans, and runs nothing; and the procedures of a scenario as a
 * catalogue.
 */
#ifndef TESTS_HARNESS_TCK_PROCEDURES_H
#define TESTS_HARNESS_TCK_PROCEDURES_H

#include "graph/cypher/procedure_table.h"
#include "tests/harness/tck.h"

enum { TCK_PROCEDURES_MAX = 8 };

struct tck_procedure {
    struct graph_procedure procedure; /* first */
    struct tck_table table;           /* borrowed; its first row holds the names: arguments, then fields */
};

/* Procedures as a scenario describes them. */
struct tck_procedures {
    struct arena arena;
    struct tck_procedure items[TCK_PROCEDURES_MAX];
    uint32_t count;
};

void tck_procedures_init(struct tck_procedures *procedures);
void tck_procedures_deinit(struct tck_procedures *procedures);
void tck_procedures_clear(struct tck_procedures *procedures);
/* name(argument :: TYPE?, ...) :: (field :: TYPE?, ...): False if it can't be read. The table is borrowed. */
bool tck_procedures_add(struct tck_procedures *procedures, struct slice signature, const struct tck_table *table);
struct cypher_catalogue tck_procedures_catalogue(struct tck_procedures *procedures);

#endif
