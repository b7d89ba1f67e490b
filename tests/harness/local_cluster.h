/*
 * local_cluster: real processes of loamd for a test: a directory and ports of their own, planned and not yet started.
 * A fault fails the test that calls.
 */
#ifndef TESTS_HARNESS_LOCAL_CLUSTER_H
#define TESTS_HARNESS_LOCAL_CLUSTER_H

#include "tests/harness/temp_dir.h"
#include "tools/loam/cluster/cluster.h"

struct local_cluster {
    struct cluster cluster; /* its plan has as many nodes as `loam cluster` gives by itself */
    char dir[TEMP_DIR_BYTES];
    char server[IO_PATH_BYTES];
};

/* Ports: the first of `steps` places, `step` apart from `first_port` on, that nobody has at the moment; by chance. */
struct local_ports {
    unsigned first_port, step, steps;
};

void assert_ok(enum status status, const struct error *error);

/* One at a time. What runs of it is killed when the program ends, at the latest: *local is there until then. */
void local_cluster_plan(struct local_cluster *local, const char *what, const struct local_ports *ports);
/* Kills what runs. The directory is removed if `passed`, else it stays, and is named. */
void local_cluster_stop(struct local_cluster *local, bool passed);

#endif
