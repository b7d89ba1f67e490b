/*
 * driver_snapshot_test: facts about state that travels whole: a log that was cut, a node that missed it, an install
 * that is broken off.
 */
#include "tests/harness/driver_lab.h"

#include <stdio.h>

#include "raft/driver/driver_internal.h"
#include "tools/sim/sim_net.h"

/* A leader whose log has moved on past a node that is down. */
static struct node *leave_behind(struct cluster *cluster, struct node **absent) {
    struct node *leader = cluster_wait_for_leader(cluster);
    *absent = cluster_another(cluster, leader);
    cluster_must_put(cluster, leader, "before=x");
    cluster_wait_until_equal(cluster);
    node_kill(*absent);
    leader = cluster_wait_for_leader(cluster);
    for (unsigned i = 0; i < 12; i++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "fill%u.", i);
        cluster_must_put_many(cluster, leader, prefix, 64, 2000);
        cluster_run(cluster, 300);
        leader = cluster_wait_for_leader(cluster);
    }
    return leader;
}

static void the_log_stays_short_and_a_node_that_missed_it_gets_a_snapshot(void **state) {
    struct cluster *cluster = *state;
    struct node *absent;
    struct node *leader = leave_behind(cluster, &absent);
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

static void a_stream_goes_on_where_a_broken_connection_left_it(void **state) {
    struct cluster *cluster = *state;
    struct node *absent;
    struct node *leader = leave_behind(cluster, &absent);
    leader->driver->options.snapshot_rate_bytes = 400 << 10; /* some seconds */
    const uint64_t begun = leader->driver->snapshot_counter;
    node_start(cluster, absent);
    for (unsigned breaks = 0; breaks < 3; breaks++) {
        cluster_run(cluster, 700);
        assert_true(sim_net_reset(cluster->sim, (int)leader->number - 1, (int)absent->number - 1) > 0);
    }
    assert_int_equal(node_status(absent).snapshots_installed, 0); /* it was under way all the time */
    cluster_wait_until_equal(cluster);
    assert_int_equal(node_status(absent).snapshots_installed, 1);
    assert_int_equal(leader->driver->snapshot_counter, begun + 1);
}

static void a_receiver_that_starts_anew_gets_a_stream_of_its_own(void **state) {
    struct cluster *cluster = *state;
    struct node *absent;
    struct node *leader = leave_behind(cluster, &absent);
    leader->driver->options.snapshot_rate_bytes = 400 << 10;
    node_start(cluster, absent);
    cluster_run(cluster, 1500);
    node_kill(absent);
    leader->driver->options.snapshot_rate_bytes = 64 << 20;
    node_start(cluster, absent);
    cluster_run(cluster, 4000); /* far less than a stream without an answer is kept up */
    assert_int_equal(node_status(absent).snapshots_installed, 1);
    cluster_wait_until_equal(cluster);
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

/* A node that missed the log's beginning, started again; the others are up. */
static struct node *start_one_that_needs_a_snapshot(struct cluster *cluster) {
    struct node *leader = cluster_wait_for_leader(cluster);
    struct node *absent = cluster_another(cluster, leader);
    cluster_must_put(cluster, leader, "before=x");
    cluster_wait_until_equal(cluster);
    node_kill(absent);
    for (unsigned i = 0; i < 6; i++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "fill%u.", i);
        cluster_must_put_many(cluster, cluster_wait_for_leader(cluster), prefix, 64, 2000);
        cluster_run(cluster, 300);
    }
    node_start(cluster, absent);
    return absent;
}

static void an_install_waits_for_who_reads_the_engine_and_lets_nobody_new_hold_it_up(void **state) {
    struct cluster *cluster = *state;
    struct node *absent = start_one_that_needs_a_snapshot(cluster);
    assert_true(raft_driver_pin_engine(absent->driver));
    const struct engine *pinned = raft_driver_engine(absent->driver);
    for (int turn = 0; turn < 20000 && !absent->driver->installing; turn++) cluster_turn(cluster);
    assert_true(absent->driver->installing);
    cluster_run(cluster, 500);
    assert_ptr_equal(raft_driver_engine(absent->driver), pinned);
    raft_driver_unpin_engine(absent->driver);
    unsigned refused = 0;
    for (int turn = 0; absent->driver->installing; turn++) {
        if (turn % 2 && !snapshot_take_is_switching(absent->driver)) {
            cluster_turn(cluster);
            continue;
        }
        const bool could = raft_driver_pin_engine(absent->driver);
        pinned = raft_driver_engine(absent->driver);
        cluster_turn(cluster);
        if (!could) {
            refused++;
            continue;
        }
        assert_ptr_equal(raft_driver_engine(absent->driver), pinned);
        raft_driver_unpin_engine(absent->driver);
    }
    assert_true(refused > 0);
    cluster_wait_until_equal(cluster);
    assert_int_equal(node_status(absent).snapshots_installed, 1);
    assert_true(raft_driver_pin_engine(absent->driver));
    raft_driver_unpin_engine(absent->driver);
}

int main(void) {
#define fact(name) cmocka_unit_test_setup_teardown(name, driver_lab_set_up, driver_lab_tear_down)
    const struct CMUnitTest tests[] = {
        fact(the_log_stays_short_and_a_node_that_missed_it_gets_a_snapshot),
        fact(a_stream_goes_on_where_a_broken_connection_left_it),
        fact(a_receiver_that_starts_anew_gets_a_stream_of_its_own),
        fact(a_crash_at_any_moment_of_an_install_leaves_old_or_new),
        fact(an_install_waits_for_who_reads_the_engine_and_lets_nobody_new_hold_it_up),
    };
#undef fact
    return cmocka_run_group_tests_name("driver_snapshot", tests, NULL, NULL);
}
