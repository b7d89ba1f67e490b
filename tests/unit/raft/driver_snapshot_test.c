/*
 * driver_snapshot_test: facts about state that travels whole: a log that was cut, a node that missed it, an install
 * that is broken off.
 */
#include "tests/harness/driver_lab.h"

#include <stdio.h>

static void the_log_stays_short_and_a_node_that_missed_it_gets_a_snapshot(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    struct node *absent = cluster_another(cluster, leader);
    cluster_must_put(cluster, leader, "before=x");
    cluster_wait_until_equal(cluster);
    node_kill(absent);
    leader = cluster_wait_for_leader(cluster);
    for (unsigned i = 0; i < 12; i++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "fill%u.", i);
        cluster_must_put_many(cluster, leader, prefix, 64, 2000);
        cluster_run(cluster, 300);
        leader = cluster_wait_for_leader(cluster);
    }
    assert_true(node_status(leader).first_index > 10);
    assert_true(node_status(leader).log_bytes < 512 << 10);

    node_start(cluster, absent);
    cluster_wait_until_equal(cluster);
    assert_int_equal(node_status(absent).snapshots_installed, 1);
    assert_int_equal(node_count(absent, "before"), 1);
    assert_int_equal(node_count(absent, "fill0.0"), 1);
    assert_int_equal(node_count(absent, "fill11.63"), 1);
    cluster_must_put(cluster, absent, "again=x");

    /* What was installed is the node's own from now on. */
    node_cut(absent);
    node_start(cluster, absent);
    cluster_wait_until_equal(cluster);
    assert_int_equal(node_status(absent).snapshots_installed, 0);
    assert_int_equal(node_count(absent, "fill0.0"), 1);
    assert_int_equal(node_count(absent, "again"), 1);
}

static void a_crash_at_any_moment_of_an_install_leaves_old_or_new(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    struct node *absent = cluster_another(cluster, leader);
    cluster_must_put(cluster, leader, "before=x");
    cluster_wait_until_equal(cluster);
    node_kill(absent);
    leader = cluster_wait_for_leader(cluster);
    for (unsigned i = 0; i < 6; i++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "fill%u.", i);
        cluster_must_put_many(cluster, leader, prefix, 64, 2000);
        cluster_run(cluster, 300);
        leader = cluster_wait_for_leader(cluster);
    }
    unsigned cuts = 0;
    for (uint64_t at = 40;; at += 7) {
        node_start(cluster, absent);
        sim_disk_cut_at(absent->disk, at, SIM_CUT_RANDOM);
        for (int i = 0; i < 4000 && sim_disk_is_powered(absent->disk) && node_status(absent).snapshots_installed == 0;
             i++)
            cluster_turn(cluster);
        bool cut = !sim_disk_is_powered(absent->disk);
        if (cut) cuts++;
        if (!cut) break;
        node_end(absent);
        if (cuts > 60) {
            node_start(cluster, absent);
            break;
        }
    }
    sim_disk_cut_at(absent->disk, 0, SIM_CUT_RANDOM);
    cluster_wait_until_equal(cluster);
    assert_true(cuts > 3);
    assert_int_equal(node_count(absent, "before"), 1);
    assert_int_equal(node_count(absent, "fill5.63"), 1);
}

int main(void) {
#define fact(name) cmocka_unit_test_setup_teardown(name, driver_lab_set_up, driver_lab_tear_down)
    const struct CMUnitTest tests[] = {
        fact(the_log_stays_short_and_a_node_that_missed_it_gets_a_snapshot),
        fact(a_crash_at_any_moment_of_an_install_leaves_old_or_new),
    };
#undef fact
    return cmocka_run_group_tests_name("driver_snapshot", tests, NULL, NULL);
}
