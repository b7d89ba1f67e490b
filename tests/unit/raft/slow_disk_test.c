/*
 * slow_disk_test: facts about nodes whose disks are slow or dead, on three simulated nodes with a toy store
 * (tests/harness/driver_lab.h).
 */
#include "tests/harness/driver_lab.h"

#include "raft/driver/driver_internal.h"

enum { SLOW_MS = 200, HUNG = 30000 /* tenths of the ordinary latency: half a second and more for a barrier */ };

static int set_up(void **state) {
    if (driver_lab_set_up(state) != 0) return -1;
    struct cluster *cluster = *state;
    cluster->options.slow_disk_ms = SLOW_MS;
    for (size_t i = 0; i < NODES; i++) {
        node_kill(&cluster->nodes[i]);
        node_start(cluster, &cluster->nodes[i]);
    }
    return 0;
}

static uint64_t now_ms(const struct cluster *cluster) {
    return sim_now_ns(cluster->sim) / MS;
}

/* Puts one after the other; the longest that any of them took. */
static uint64_t put_for(struct cluster *cluster, struct node *node, uint64_t ms) {
    const uint64_t until = now_ms(cluster) + ms;
    uint64_t longest = 0;
    while (now_ms(cluster) < until) {
        const uint64_t began = now_ms(cluster);
        cluster_must_put(cluster, node, "k=v");
        if (now_ms(cluster) - began > longest) longest = now_ms(cluster) - began;
    }
    return longest;
}

static void a_leader_with_a_slow_disk_gives_its_place_away_and_writes_go_on(void **state) {
    struct cluster *cluster = *state;
    struct node *slow = cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, slow, "a=1");
    const uint64_t term = node_status(slow).term;
    struct node *client = cluster_another(cluster, slow);
    sim_io_set_disk_slowness(slow->io, HUNG);
    assert_true(put_for(cluster, client, 3 * SLOW_MS) < SLOW_MS);
    struct node *leader = cluster_wait_for_leader(cluster);
    assert_ptr_not_equal(leader, slow);
    assert_int_equal(node_status(leader).term, term + 1); /* given, not fought for */
    assert_int_equal(node_status(slow).gave_way, 1);
    assert_true(node_status(slow).disk_slow);
    sim_io_set_disk_slowness(slow->io, 10);
    assert_true(put_for(cluster, client, 2000) < SLOW_MS);
    assert_int_equal(node_status(leader).term, term + 1); /* and nobody has fought for it since */
    cluster_wait_until_equal(cluster);
    cluster_run(cluster, 12 * SLOW_MS);
    assert_false(node_status(slow).disk_slow);
}

static void where_all_disks_are_slow_leadership_does_not_go_round(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, leader, "a=1");
    const uint64_t term = node_status(leader).term;
    /* Not so slow that no election could end: a promise takes two barriers. */
    for (size_t i = 0; i < NODES; i++) sim_io_set_disk_slowness(cluster->nodes[i].io, HUNG / 2);
    (void)put_for(cluster, &cluster->nodes[0], 4000);
    uint64_t gave_way = 0;
    for (size_t i = 0; i < NODES; i++) gave_way += node_status(&cluster->nodes[i]).gave_way;
    assert_true(gave_way <= NODES);
    assert_true(node_status(cluster_wait_for_leader(cluster)).term <= term + NODES);
}

static void a_slow_leader_whose_disk_is_needed_leads_on(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, leader, "a=1");
    const uint64_t term = node_status(leader).term;
    node_kill(cluster_another(cluster, leader));
    sim_io_set_disk_slowness(leader->io, HUNG);
    cluster_must_put(cluster, leader, "b=1");
    assert_ptr_equal(cluster_wait_for_leader(cluster), leader);
    assert_int_equal(node_status(leader).term, term);
    assert_int_equal(node_status(leader).gave_way, 0);
}

static void writes_wait_for_no_timeout_when_the_leader_s_disk_dies(void **state) {
    struct cluster *cluster = *state;
    struct node *dead = cluster_wait_for_leader(cluster);
    struct node *client = cluster_another(cluster, dead);
    cluster_must_put(cluster, client, "a=1");
    cluster_wait_until_equal(cluster);
    const uint64_t term = node_status(dead).term;
    sim_disk_fail_at(dead->disk, 1, STATUS_IO, true);
    const uint64_t began = now_ms(cluster);
    cluster_must_put(cluster, client, "b=1");
    assert_true(now_ms(cluster) - began < 100); /* an election timeout is 400 ms at least */
    assert_int_equal(node_status(client).term, term + 1);
    assert_true(node_status(dead).disk_failed);
    struct call refused;
    node_put(dead, &refused, "c=1");
    cluster_wait_for(cluster, &refused);
    assert_int_equal(refused.status, STATUS_READ_ONLY);
}

/* The log can be written, the store can't: it could neither flush nor send a snapshot, and so lead nobody who needs
 * one. */
static void a_leader_whose_store_has_failed_gives_its_place_away(void **state) {
    struct cluster *cluster = *state;
    struct node *failed = cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, failed, "a=1");
    cluster_wait_until_equal(cluster);
    const uint64_t term = node_status(failed).term;
    sim_disk_fail_at(failed->disk, 1, STATUS_IO, false);
    assert_int_equal(raft_driver_flush_start(failed->driver), STATUS_OK);
    cluster_run(cluster, 300); /* nobody writes, and an election timeout is 400 ms at least */
    assert_true(node_status(failed).disk_failed);
    assert_ptr_not_equal(cluster_leader(cluster), failed);
    cluster_must_put(cluster, cluster_another(cluster, failed), "b=1");
    assert_int_equal(node_status(cluster_wait_for_leader(cluster)).term, term + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_leader_with_a_slow_disk_gives_its_place_away_and_writes_go_on, set_up,
                                        driver_lab_tear_down),
        cmocka_unit_test_setup_teardown(where_all_disks_are_slow_leadership_does_not_go_round, set_up,
                                        driver_lab_tear_down),
        cmocka_unit_test_setup_teardown(a_slow_leader_whose_disk_is_needed_leads_on, set_up, driver_lab_tear_down),
        cmocka_unit_test_setup_teardown(writes_wait_for_no_timeout_when_the_leader_s_disk_dies, set_up,
                                        driver_lab_tear_down),
        cmocka_unit_test_setup_teardown(a_leader_whose_store_has_failed_gives_its_place_away, set_up,
                                        driver_lab_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
