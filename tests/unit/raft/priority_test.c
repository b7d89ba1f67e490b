/*
 * priority_test: facts about who should lead (raft/driver/priority.c), on three simulated nodes with a toy store
 * (tests/harness/driver_lab.h). An election timeout is 400 ms here, so a node that should lead is watched for 2 s.
 */
#include "tests/harness/driver_lab.h"

enum { HOLD_MS = 2000, REST_MS = 4000 };

static void start_with(struct cluster *cluster, struct node *node, uint32_t priority) {
    if (node->io != NULL) node_kill(node);
    cluster->options.priority = priority;
    node_start(cluster, node);
}

static void start_all(struct cluster *cluster, uint32_t first, uint32_t second, uint32_t third) {
    start_with(cluster, &cluster->nodes[0], first);
    start_with(cluster, &cluster->nodes[1], second);
    start_with(cluster, &cluster->nodes[2], third);
}

/* Writes without a break, none of them refused. */
static void write_for(struct cluster *cluster, struct node *node, uint64_t ms) {
    const uint64_t until = sim_now_ns(cluster->sim) + ms * MS;
    while (sim_now_ns(cluster->sim) < until) cluster_must_put(cluster, node, "k=v");
}

static uint64_t leader_of(struct cluster *cluster) {
    return cluster_wait_for_leader(cluster)->number;
}

static void who_has_the_highest_priority_comes_to_lead_and_stays(void **state) {
    struct cluster *cluster = *state;
    for (uint64_t best = 1; best <= NODES; best++) {
        start_all(cluster, best == 1 ? 300 : 100, best == 2 ? 300 : 200, best == 3 ? 300 : 100);
        write_for(cluster, &cluster->nodes[0], 2 * (HOLD_MS + REST_MS));
        assert_int_equal(leader_of(cluster), best);
        const uint64_t term = node_status(&cluster->nodes[0]).term;
        write_for(cluster, &cluster->nodes[0], 2 * (HOLD_MS + REST_MS));
        assert_int_equal(leader_of(cluster), best);
        assert_int_equal(node_status(&cluster->nodes[0]).term, term);
    }
}

static void among_equals_leadership_stays_where_it_is(void **state) {
    struct cluster *cluster = *state;
    start_all(cluster, 0, 0, 100); /* the default is 100 */
    const uint64_t leader = leader_of(cluster);
    const uint64_t term = node_status(&cluster->nodes[0]).term;
    write_for(cluster, &cluster->nodes[0], 2 * (HOLD_MS + REST_MS));
    assert_int_equal(leader_of(cluster), leader);
    assert_true(node_status(&cluster->nodes[0]).term <= term + 1);
}

static void a_node_that_comes_back_leads_again_when_it_has_been_well_for_a_while(void **state) {
    struct cluster *cluster = *state;
    start_all(cluster, 100, 100, 300);
    write_for(cluster, &cluster->nodes[0], 2 * (HOLD_MS + REST_MS));
    assert_int_equal(leader_of(cluster), 3);
    node_kill(&cluster->nodes[2]);
    write_for(cluster, &cluster->nodes[0], 1000);
    const uint64_t meanwhile = leader_of(cluster);
    assert_true(meanwhile != 3);
    start_with(cluster, &cluster->nodes[2], 300);
    write_for(cluster, &cluster->nodes[0], HOLD_MS - 100);
    assert_int_equal(leader_of(cluster), meanwhile);
    write_for(cluster, &cluster->nodes[0], 1000);
    assert_int_equal(leader_of(cluster), 3);
    assert_int_equal(node_status(&cluster->nodes[meanwhile - 1]).gave_to_higher, 1);
}

static void a_node_that_comes_and_goes_is_offered_nothing(void **state) {
    struct cluster *cluster = *state;
    start_all(cluster, 200, 100, 300);
    node_kill(&cluster->nodes[2]);
    write_for(cluster, &cluster->nodes[0], HOLD_MS + REST_MS); /* whoever was elected first */
    assert_int_equal(leader_of(cluster), 1);
    for (int round = 0; round < 8; round++) {
        start_with(cluster, &cluster->nodes[2], 300);
        write_for(cluster, &cluster->nodes[0], HOLD_MS - 300);
        node_kill(&cluster->nodes[2]);
        write_for(cluster, &cluster->nodes[0], 500);
    }
    assert_int_equal(leader_of(cluster), 1);
    assert_int_equal(node_status(&cluster->nodes[0]).gave_to_higher, 0);
}

static void a_slow_disk_leads_nobody_whatever_its_priority(void **state) {
    struct cluster *cluster = *state;
    start_all(cluster, 200, 100, 300);
    write_for(cluster, &cluster->nodes[0], 2 * (HOLD_MS + REST_MS));
    assert_int_equal(leader_of(cluster), 3);
    sim_io_set_disk_slowness(cluster->nodes[2].io, 100000);
    write_for(cluster, &cluster->nodes[0], HOLD_MS + REST_MS + HOLD_MS);
    assert_int_equal(leader_of(cluster), 1);
    const uint64_t term = node_status(&cluster->nodes[0]).term;
    write_for(cluster, &cluster->nodes[0], HOLD_MS + REST_MS);
    assert_int_equal(node_status(&cluster->nodes[0]).term, term);
}

static void every_node_shows_what_the_others_told(void **state) {
    struct cluster *cluster = *state;
    start_all(cluster, 100, 200, 300);
    cluster_run(cluster, 2000);
    for (size_t i = 0; i < NODES; i++) {
        const struct raft_driver_status status = node_status(&cluster->nodes[i]);
        assert_int_equal(status.priority, 100 * (i + 1));
        assert_int_equal(status.peer_count, NODES);
        for (size_t k = 0; k < NODES; k++) assert_int_equal(status.peers[k].priority, 100 * (k + 1));
    }
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, driver_lab_set_up, driver_lab_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        FACT(who_has_the_highest_priority_comes_to_lead_and_stays),
        FACT(among_equals_leadership_stays_where_it_is),
        FACT(a_node_that_comes_back_leads_again_when_it_has_been_well_for_a_while),
        FACT(a_node_that_comes_and_goes_is_offered_nothing),
        FACT(a_slow_disk_leads_nobody_whatever_its_priority),
        FACT(every_node_shows_what_the_others_told),
    };
    return cmocka_run_group_tests_name("priority", tests, NULL, NULL);
}
