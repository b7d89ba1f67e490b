/* local_cluster: see local_cluster.h. */
#include "tests/harness/local_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/harness/test_env.h"

enum { ATTEMPTS = 50 };

void assert_ok(enum status status, const struct error *error) {
    if (status != STATUS_OK) fail_msg("%s: %s", status_name(status), error->text);
}

static bool ports_are_free(struct cluster *cluster) {
    bool are_free = true;
    for (unsigned node = 1; node <= cluster->plan.nodes && are_free; node++)
        are_free = cluster_node_check_ports(cluster, node, NULL) == STATUS_OK;
    return are_free;
}

static void choose_ports(struct cluster *cluster, const struct local_ports *ports) {
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        uint16_t chance;
        io_entropy(cluster->io, &chance, sizeof chance);
        cluster->plan.base_port = ports->first_port + chance % ports->steps * ports->step;
        if (ports_are_free(cluster)) return;
    }
    fail_msg("no free ports found from %u on", ports->first_port);
}

/* A test that fails in its set-up has no tear-down: what runs ends with the program. */
static struct local_cluster *running;

static void kill_nodes(struct local_cluster *local) {
    struct error error = {0};
    for (unsigned node = 1; node <= local->cluster.plan.nodes; node++)
        if (cluster_node_kill(&local->cluster, node, &error) != STATUS_OK) print_message("%s\n", error.text);
    running = NULL;
}

static void kill_at_exit(void) {
    if (running) kill_nodes(running);
}

void local_cluster_plan(struct local_cluster *local, const char *what, const struct local_ports *ports) {
    const struct io_options options = {.backend = IO_BACKEND_PROBE};
    struct cluster *cluster = &local->cluster;
    struct error error = {0};
    assert_ok(io_create(&options, &cluster->io, &error), &error);
    temp_dir_make(local->dir, what);
    snprintf(local->server, sizeof local->server, "%s/loamd", test_build_dir());
    cluster->server = local->server;
    assert_ok(plan_init(&cluster->plan, local->dir, &error), &error);
    choose_ports(cluster, ports);
    assert_ok(plan_save(&cluster->plan, cluster->io, &error), &error);
    static bool registered;
    if (!registered) (void)atexit(kill_at_exit);
    registered = true;
    running = local;
}

void local_cluster_stop(struct local_cluster *local, bool passed) {
    kill_nodes(local);
    if (passed)
        temp_dir_remove(local->cluster.io, local->dir);
    else
        print_message("data and logs are in %s\n", local->dir);
}
