/*
 * driver_reading_test: facts about a node's directory that is read without its node.
 */
#include "tests/harness/driver_lab.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/coding.h"
#include "raft/driver/driver_internal.h"

struct opened {
    struct io *io;
    struct toy toy;
    struct state_machine machine;
    struct raft_reading *reading;
    struct raft_reading_facts facts;
};

static enum status try_to_open(struct cluster *cluster, struct node *node, bool uncommitted, struct opened *opened,
                               struct error *error) {
    assert_null(node->io);
    opened->io = sim_io_create(cluster->sim, node->disk, &(struct sim_io_options){.node = (int)node->number - 1});
    opened->toy = (struct toy){0};
    opened->machine = node->machine;
    opened->machine.context = &opened->toy;
    struct raft_reading_options options = {
        .machines = &opened->machine, .machine_count = 1, .uncommitted = uncommitted};
    enum status status = raft_reading_open(opened->io, "/node", &options, &opened->reading, error);
    if (status == STATUS_OK) raft_reading_get_facts(opened->reading, &opened->facts);
    return status;
}

static void open_reading(struct cluster *cluster, struct node *node, bool uncommitted, struct opened *opened) {
    struct error error = {0};
    if (try_to_open(cluster, node, uncommitted, opened, &error) != STATUS_OK) fail_msg("%s", error.text);
}

static void close_reading(struct opened *opened) {
    raft_reading_close(opened->reading);
    io_destroy(opened->io);
}

static uint64_t count_in(struct opened *opened, const char *key) {
    struct engine_value value;
    enum status status = engine_get(raft_reading_engine(opened->reading), NULL, TOY_TREE, slice_from_text(key), &value);
    if (status == STATUS_NOT_FOUND || status == STATUS_INVALID) return 0;
    assert_int_equal(status, STATUS_OK);
    uint64_t count = coding_get_u64(value.data.data);
    engine_value_release(&value);
    return count;
}

static void what_is_known_to_be_committed_is_shown_as_the_node_would(void **state) {
    struct cluster *cluster = *state;
    struct node *node = cluster_wait_for_leader(cluster);
    struct opened opened;
    for (unsigned i = 0; i < 30; i++) cluster_must_put(cluster, node, "a=1"); /* flushed none of it */
    struct raft_driver_status status = node_status(node);
    assert_int_equal(engine_installed(raft_driver_engine(node->driver)).index, 0);
    node_kill(node);
    open_reading(cluster, node, false, &opened);
    assert_int_equal(opened.facts.flushed, 0);
    assert_in_range(opened.facts.applied, status.applied - 2, status.applied); /* the note comes one group later */
    assert_int_equal(opened.facts.applied, opened.facts.commit);
    assert_int_equal(opened.facts.last, status.last_index);
    assert_in_range(count_in(&opened, "a"), 28, 30);
    close_reading(&opened);
    open_reading(cluster, node, true, &opened);
    assert_int_equal(opened.facts.applied, status.applied);
    assert_int_equal(opened.facts.state_hash, status.state_hash);
    assert_int_equal(count_in(&opened, "a"), 30);
    close_reading(&opened);
    node_start(cluster, node); /* nothing has changed for it */
    cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, node, "b=1");
    assert_int_equal(node_count(node, "a"), 30);
}

static void flushed_rows_and_those_of_the_log_are_one_state(void **state) {
    struct cluster *cluster = *state;
    struct node *node = cluster_wait_for_leader(cluster);
    struct opened opened;
    cluster_must_put_many(cluster, node, "early", 200, 1000); /* several memtables */
    cluster_run(cluster, 1000);
    uint64_t flushed = engine_installed(raft_driver_engine(node->driver)).index;
    cluster_must_put(cluster, node, "late=1");
    struct raft_driver_status status = node_status(node);
    assert_true(flushed > 100 && flushed < status.applied);
    node_kill(node);
    open_reading(cluster, node, true, &opened);
    assert_true(opened.facts.flushed >= flushed);
    assert_int_equal(opened.facts.applied, status.applied);
    assert_int_equal(opened.facts.state_hash, status.state_hash);
    assert_int_equal(count_in(&opened, "early0"), 1);
    assert_int_equal(count_in(&opened, "early199"), 1);
    assert_int_equal(count_in(&opened, "late"), 1);
    close_reading(&opened);
}

static void what_may_still_be_replaced_is_not_shown(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    struct opened opened;
    cluster_must_put(cluster, leader, "x=1");
    cluster_must_put(cluster, leader, "x=2");
    cluster_kill_others(cluster, leader);
    static struct call call;
    node_put(leader, &call, "never=1");
    cluster_run(cluster, 200); /* durable here, and nowhere else */
    uint64_t last = node_status(leader).last_index;
    assert_true(last > node_status(leader).commit);
    node_kill(leader);
    open_reading(cluster, leader, false, &opened);
    assert_int_equal(opened.facts.last, last);
    assert_true(opened.facts.applied < last);
    assert_int_equal(count_in(&opened, "never"), 0);
    assert_true(count_in(&opened, "x") >= 1);
    close_reading(&opened);
    open_reading(cluster, leader, true, &opened);
    assert_int_equal(count_in(&opened, "never"), 1);
    close_reading(&opened);

    /* The others go on without it, and it takes their entries in place of its own. */
    cluster_start_others(cluster, leader);
    struct node *next = cluster_wait_for_leader(cluster);
    for (unsigned i = 0; i < 5; i++) cluster_must_put(cluster, next, "after=1");
    node_start(cluster, leader);
    cluster_wait_until_equal(cluster);
    cluster_must_put(cluster, next, "after=1");
    cluster_wait_until_equal(cluster);
    /* What is committed is applied while the node's own disk may still be at work. */
    while (node_status(leader).durable_index < node_status(leader).applied) cluster_turn(cluster);
    struct raft_driver_status status = node_status(leader);
    node_kill(leader);
    open_reading(cluster, leader, true, &opened);
    assert_int_equal(opened.facts.applied, status.applied);
    assert_int_equal(opened.facts.state_hash, status.state_hash);
    assert_int_equal(count_in(&opened, "never"), 0);
    assert_int_equal(count_in(&opened, "after"), 6);
    close_reading(&opened);
}

static void a_node_that_took_a_snapshot_is_read_from_there(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    struct node *absent = cluster_another(cluster, leader);
    struct opened opened;
    cluster_must_put(cluster, leader, "before=x");
    cluster_wait_until_equal(cluster);
    node_kill(absent);
    for (unsigned i = 0; i < 12; i++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "fill%u.", i);
        cluster_must_put_many(cluster, cluster_wait_for_leader(cluster), prefix, 64, 2000);
        cluster_run(cluster, 300);
    }
    node_start(cluster, absent);
    cluster_wait_until_equal(cluster);
    assert_int_equal(node_status(absent).snapshots_installed, 1);
    cluster_must_put(cluster, absent, "again=x");
    struct raft_driver_status status = node_status(absent);
    node_kill(absent);
    open_reading(cluster, absent, true, &opened);
    assert_int_equal(opened.facts.state_hash, status.state_hash);
    assert_int_equal(count_in(&opened, "before"), 1);
    assert_int_equal(count_in(&opened, "fill11.63"), 1);
    assert_int_equal(count_in(&opened, "again"), 1);
    close_reading(&opened);
}

static void a_directory_without_a_node_is_refused_in_words(void **state) {
    struct cluster *cluster = *state;
    struct node *node = cluster_wait_for_leader(cluster);
    node_kill(node);
    struct sim_disk *disk = node->disk, *blank = sim_disk_create(77);
    struct opened opened;
    struct error error = {0};
    node->disk = blank;
    assert_int_not_equal(try_to_open(cluster, node, false, &opened, &error), STATUS_OK);
    assert_true(error.text[0] != 0);
    io_destroy(opened.io);
    node->disk = disk;
    sim_disk_destroy(blank);
}

static void note_log(void *context, const char *path, uint64_t size) {
    (void)size;
    if (strstr(path, "/log/") != NULL) snprintf(context, IO_PATH_BYTES, "%s", path);
}

static void a_log_that_is_gone_is_no_empty_one(void **state) {
    struct cluster *cluster = *state;
    struct node *node = cluster_wait_for_leader(cluster);
    char path[IO_PATH_BYTES] = "";
    struct opened opened;
    struct error error = {0};
    cluster_must_put(cluster, node, "a=1");
    node_kill(node);
    sim_disk_walk(node->disk, note_log, path);
    struct io *io = sim_io_create(cluster->sim, node->disk, &(struct sim_io_options){.node = (int)node->number - 1});
    assert_int_equal(io_remove(io, path), STATUS_OK);
    io_destroy(io);
    assert_int_equal(try_to_open(cluster, node, false, &opened, &error), STATUS_CORRUPT);
    assert_non_null(strstr(error.text, "/node/log: the log is gone"));
    io_destroy(opened.io);
}

int main(void) {
#define fact(name) cmocka_unit_test_setup_teardown(name, driver_lab_set_up, driver_lab_tear_down)
#define fact_of_one(name) cmocka_unit_test_setup_teardown(name, driver_lab_set_up_one, driver_lab_tear_down)
    const struct CMUnitTest tests[] = {
        fact_of_one(what_is_known_to_be_committed_is_shown_as_the_node_would),
        fact_of_one(flushed_rows_and_those_of_the_log_are_one_state),
        fact(what_may_still_be_replaced_is_not_shown),
        fact(a_node_that_took_a_snapshot_is_read_from_there),
        fact_of_one(a_directory_without_a_node_is_refused_in_words),
        fact_of_one(a_log_that_is_gone_is_no_empty_one),
    };
#undef fact
#undef fact_of_one
    return cmocka_run_group_tests_name("driver_reading", tests, NULL, NULL);
}
