/*
 * driver_lease_test: facts about reads by lease (raft/core/lease.h) as a driver does them, on three simulated nodes
 * with a toy store (tests/harness/driver_lab.h). A guard is 80 ms by default, a lease 72.
 */
#include "tests/harness/driver_lab.h"

enum { LEASE_MS = 72 };

static uint64_t now_ms(const struct cluster *cluster) {
    return sim_now_ns(cluster->sim) / MS;
}

static void ask(struct node *node, struct call *call) {
    *call = (struct call){.request = {.done = call_done, .context = call}};
    raft_driver_read(node->driver, &call->request);
}

static void must_read(struct cluster *cluster, struct node *node) {
    struct call call;
    ask(node, &call);
    cluster_wait_for(cluster, &call);
    assert_int_equal(call.status, STATUS_OK);
}

/* All know each other's guards, and an entry has just been committed. */
static struct node *settled_leader(struct cluster *cluster) {
    cluster_wait_for_leader(cluster);
    cluster_run(cluster, 1000);
    struct node *leader = cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, leader, "a=1");
    return leader;
}

static void isolate(struct cluster *cluster, struct node *node, bool is_cut) {
    for (uint64_t id = 1; id <= cluster->count; id++) {
        if (id == node->number) continue;
        assert_int_equal(raft_driver_set_link(node->driver, id, is_cut, is_cut), STATUS_OK);
    }
}

static void a_leader_that_just_committed_reads_though_it_hears_nobody(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = settled_leader(cluster);
    isolate(cluster, leader, true);
    must_read(cluster, leader);
    assert_int_equal(node_status(leader).lease_reads, 1);
    assert_in_range(node_status(leader).lease_ms, 1, LEASE_MS);
    cluster_run(cluster, LEASE_MS + 1);
    assert_int_equal(node_status(leader).lease_ms, 0);
    struct call call;
    ask(leader, &call);
    cluster_run(cluster, 300);
    assert_int_equal(call.answers, 0);
    isolate(cluster, leader, false);
    cluster_wait_for(cluster, &call);
    assert_int_equal(call.status, STATUS_OK);
}

static void followers_reads_are_answered_by_lease_too(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = settled_leader(cluster);
    struct node *follower = cluster_another(cluster, leader);
    struct node *third = cluster_another(cluster, follower);
    assert_int_equal(raft_driver_set_link(leader->driver, third->number, true, true), STATUS_OK);
    must_read(cluster, follower);
    assert_int_equal(node_status(leader).lease_reads, 1);
    assert_int_equal(node_count(follower, "a"), 1);
}

static void reads_renew_the_lease_and_few_rounds_are_left(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = settled_leader(cluster);
    cluster_run(cluster, 1000);
    const struct raft_driver_status before = node_status(leader);
    const uint64_t began_ms = now_ms(cluster);
    for (int i = 0; i < 1000; i++) must_read(cluster, leader);
    const struct raft_driver_status after = node_status(leader);
    const uint64_t asked = after.read_rounds - before.read_rounds;
    assert_true(after.lease_reads - before.lease_reads > asked * 95 / 100);
    assert_in_range(after.last_index - before.last_index, 1, 2 * (now_ms(cluster) - began_ms) / LEASE_MS + 2);
    cluster_run(cluster, 3000); /* and an idle cluster writes nothing */
    assert_int_equal(node_status(leader).last_index, after.last_index);
}

static void without_leases_each_read_takes_a_round(void **state) {
    struct cluster *cluster = *state;
    cluster->options.no_lease = true;
    for (size_t i = 0; i < NODES; i++) {
        node_kill(&cluster->nodes[i]);
        node_start(cluster, &cluster->nodes[i]);
    }
    struct node *leader = settled_leader(cluster);
    for (int i = 0; i < 50; i++) must_read(cluster, leader);
    assert_int_equal(node_status(leader).lease_reads, 0);
}

/* A cluster of one commits at once after a start, and needs no lease. */
static void a_cluster_of_one_waits_for_no_guard(void **state) {
    struct cluster *cluster = *state;
    struct node *node = &cluster->nodes[0];
    cluster_must_put(cluster, node, "a=1");
    node_kill(node);
    node_start(cluster, node);
    cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, node, "a=2");
    assert_false(node_status(node).guards);
    must_read(cluster, node);
}

static void a_dead_leader_s_lease_delays_nobody(void **state) {
    struct cluster *cluster = *state;
    for (int round = 0; round < 20; round++) {
        struct node *leader = settled_leader(cluster);
        struct node *client = cluster_another(cluster, leader);
        node_kill(leader);
        const struct node *next = cluster_wait_for_leader(cluster);
        const uint64_t elected_ms = now_ms(cluster);
        cluster_must_put(cluster, client, "b=1");
        assert_ptr_not_equal(next, leader);
        assert_true(now_ms(cluster) - elected_ms < 40);
        node_start(cluster, leader);
    }
}

static void a_planned_transfer_waits_for_no_lease(void **state) {
    struct cluster *cluster = *state;
    for (int round = 0; round < 20; round++) {
        struct node *leader = settled_leader(cluster);
        struct node *next = cluster_another(cluster, leader);
        struct call call = {.request = {.done = call_done, .context = &call}};
        raft_driver_transfer(leader->driver, next->number, &call.request);
        assert_int_equal(node_status(leader).lease_ms, 0);
        while (node_status(next).role != RAFT_LEADER) cluster_turn(cluster);
        assert_false(node_status(next).guards);
        cluster_wait_for(cluster, &call);
        assert_int_equal(call.status, STATUS_OK);
    }
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, driver_lab_set_up, driver_lab_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        FACT(a_leader_that_just_committed_reads_though_it_hears_nobody),
        FACT(followers_reads_are_answered_by_lease_too),
        FACT(reads_renew_the_lease_and_few_rounds_are_left),
        FACT(without_leases_each_read_takes_a_round),
        cmocka_unit_test_setup_teardown(a_cluster_of_one_waits_for_no_guard, driver_lab_set_up_one,
                                        driver_lab_tear_down),
        FACT(a_dead_leader_s_lease_delays_nobody),
        FACT(a_planned_transfer_waits_for_no_lease),
    };
    return cmocka_run_group_tests_name("driver_lease", tests, NULL, NULL);
}
