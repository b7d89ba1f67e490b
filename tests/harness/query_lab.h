/*
 * query_lab: a graph_lab with one graph, and queries on it: run to their end in steps of a chosen size, their effects
 * applied, their rows kept as text. For tests of Cypher.
 */
#ifndef TESTS_HARNESS_QUERY_LAB_H
#define TESTS_HARNESS_QUERY_LAB_H

#include "graph/cypher/fault.h"
#include "graph/query.h"
#include "tests/harness/graph_lab.h"

struct query_lab {
    struct graph_lab graphs;
    uint64_t step_work;  /* of each step */
    size_t memory_limit; /* 0 = the default */
    uint64_t row_limit;  /* 0 = none */
    struct buf rows;     /* of the last query: values joined by ", ", each row ended by "\n" */
    uint64_t row_count;
    uint64_t steps;                  /* that the last query took */
    struct cypher_fault fault;       /* of the last query */
    struct graph_edit_counts counts; /* of the last query */
    size_t peak_bytes;
};

void query_lab_init(struct query_lab *lab);
void query_lab_deinit(struct query_lab *lab);

/* Prepares, runs and applies: what the first failure was, or OK. */
enum status query_lab_try(struct query_lab *lab, const char *text);
/* The same; a failure fails the test with its words. */
void query_lab_run(struct query_lab *lab, const char *text);
/* Runs; the rows must be `rows`, as one text, "a, b|c, d" for two rows, in this order. */
void query_lab_expect(struct query_lab *lab, const char *text, const char *rows);
/* Fails with this fault. */
void query_lab_expect_fault(struct query_lab *lab, const char *text, enum cypher_fault_code code);

#endif
