/*
 * driver_recover_test: a lost majority is given up (raft_directory_recover): what the survivor holds goes on, and
 * nothing is half done.
 */
#include "tests/harness/driver_lab.h"

#include <string.h>

/* Runs on a machine of the node that is down; its toy store is known by its kinds only. */
static enum status recover(struct cluster *cluster, struct node *node, const uint64_t *survivors, size_t count,
                           bool write, struct raft_recovery *found, struct error *error) {
    struct io *io = sim_io_create(cluster->sim, node->disk, &(struct sim_io_options){.node = (int)node->number - 1});
    const struct raft_reading_options options = {.log = sim_io_log(io),
                                                 .machines = &node->machine,
                                                 .machine_count = 1,
                                                 .founders = cluster->options.members,
                                                 .founder_count = cluster->options.member_count};
    sim_io_set_owner(io, NULL, NULL);
    *error = (struct error){0};
    enum status status = raft_directory_recover(io, "/node", &options, survivors, count, write, found, error);
    io_destroy(io);
    return status;
}

static struct node *only_survivor(struct cluster *cluster) {
    struct node *survivor = cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, survivor, "kept=1");
    cluster_wait_until_equal(cluster);
    for (size_t i = 0; i < NODES; i++) node_kill(&cluster->nodes[i]);
    return survivor;
}

static void a_survivor_goes_on_with_what_it_holds(void **state) {
    struct cluster *cluster = *state;
    struct raft_recovery found;
    struct error error;
    struct node *survivor = only_survivor(cluster);
    const uint64_t ids[] = {survivor->number};
    if (recover(cluster, survivor, ids, 1, true, &found, &error) != STATUS_OK) fail_msg("%s", error.text);
    assert_int_equal(found.before.voter_count, 3);
    node_start(cluster, survivor);
    cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, survivor, "kept=2");
    assert_int_equal(node_count(survivor, "kept"), 2);
    assert_int_equal(node_status(survivor).configuration.voter_count, 1);
    node_cut(survivor);
    node_start(cluster, survivor);
    cluster_must_put(cluster, survivor, "kept=3");
    assert_int_equal(node_count(survivor, "kept"), 3);
}

static void to_look_changes_nothing(void **state) {
    struct cluster *cluster = *state;
    struct raft_recovery once, again;
    struct error error;
    struct node *survivor = only_survivor(cluster);
    const uint64_t ids[] = {survivor->number};
    assert_int_equal(recover(cluster, survivor, ids, 1, false, &once, &error), STATUS_OK);
    assert_int_equal(recover(cluster, survivor, ids, 1, false, &again, &error), STATUS_OK);
    assert_int_equal(once.last, again.last);
    assert_int_equal(once.term, again.term);
    assert_true(once.last >= 2 && once.last_term >= 1 && once.term > once.last_term);
    for (size_t i = 0; i < NODES; i++) node_start(cluster, &cluster->nodes[i]);
    cluster_must_put(cluster, survivor, "kept=2"); /* they go on as they were */
    cluster_wait_until_equal(cluster);
    assert_int_equal(node_status(survivor).configuration.voter_count, 3);
}

static void what_needs_no_recovery_gets_none(void **state) {
    struct cluster *cluster = *state;
    struct raft_recovery found;
    struct error error;
    struct node *survivor = only_survivor(cluster);
    const uint64_t majority[] = {1, 2}, stranger[] = {survivor->number, 9};
    const uint64_t other[] = {cluster_another(cluster, survivor)->number};
    assert_int_equal(recover(cluster, &cluster->nodes[0], majority, 2, true, &found, &error), STATUS_INVALID);
    assert_non_null(strstr(error.text, "a majority"));
    assert_int_equal(recover(cluster, survivor, stranger, 2, true, &found, &error), STATUS_INVALID);
    assert_non_null(strstr(error.text, "node 9 is no member"));
    assert_int_equal(recover(cluster, survivor, other, 1, true, &found, &error), STATUS_INVALID);
    assert_non_null(strstr(error.text, "must be among the survivors"));
}

static void a_node_that_runs_is_let_alone(void **state) {
    struct cluster *cluster = *state;
    struct raft_recovery found;
    struct error error = {0};
    struct node *leader = cluster_wait_for_leader(cluster);
    const struct raft_reading_options options = {.machines = &leader->machine, .machine_count = 1};
    const uint64_t ids[] = {leader->number};
    assert_int_equal(raft_directory_recover(leader->io, "/node", &options, ids, 1, true, &found, &error),
                     STATUS_LOCKED);
}

/* Whatever fails: the node starts, alone or still waiting for the others; and said again it is done. */
static void an_io_that_fails_leaves_it_done_or_not(void **state) {
    struct cluster *cluster = *state;
    struct raft_recovery found;
    struct error error;
    struct node *survivor = only_survivor(cluster);
    const uint64_t ids[] = {survivor->number};
    bool failed = true;
    for (uint64_t at = 1; failed; at++) {
        assert_true(at < 400);
        sim_disk_fail_at(survivor->disk, at, STATUS_IO, false);
        failed = recover(cluster, survivor, ids, 1, true, &found, &error) != STATUS_OK;
        sim_disk_fail_at(survivor->disk, 0, STATUS_IO, false);
        if (at % 2 == 0) sim_disk_cut(survivor->disk, SIM_CUT_RANDOM);
        node_start(cluster, survivor);
        cluster_run(cluster, 50);
        const unsigned voters = node_status(survivor).configuration.voter_count;
        assert_true(voters == 1 || (voters == 3 && failed));
        node_kill(survivor);
        if (voters == 1) break; /* it was written, and the failure came behind it */
    }
    node_start(cluster, survivor);
    cluster_must_put(cluster, survivor, "kept=2");
    assert_int_equal(node_count(survivor, "kept"), 2);
}

int main(void) {
#define fact(name) cmocka_unit_test_setup_teardown(name, driver_lab_set_up, driver_lab_tear_down)
    const struct CMUnitTest tests[] = {
        fact(a_survivor_goes_on_with_what_it_holds),  fact(to_look_changes_nothing),
        fact(what_needs_no_recovery_gets_none),       fact(a_node_that_runs_is_let_alone),
        fact(an_io_that_fails_leaves_it_done_or_not),
    };
#undef fact
    return cmocka_run_group_tests_name("driver_recover", tests, NULL, NULL);
}
