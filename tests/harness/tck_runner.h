/*
 * tck_runner: the library as a subject of the TCK: queries run to their end on a graph of their own, changes go through
 * apply, rows come back as the TCK writes values.
 */
#ifndef TESTS_HARNESS_TCK_RUNNER_H
#define TESTS_HARNESS_TCK_RUNNER_H

#include "tests/harness/graph_lab.h"
#include "tests/harness/tck_procedures.h"

struct tck_runner {
    struct graph_lab lab;
    struct tck_procedures procedures;
    char name[32]; /* of the graph at hand */
    uint64_t graphs;
    uint64_t step_work;
};

void tck_runner_init(struct tck_runner *runner);
void tck_runner_deinit(struct tck_runner *runner);
/* Borrows the runner. */
struct tck_subject tck_runner_subject(struct tck_runner *runner);

#endif
