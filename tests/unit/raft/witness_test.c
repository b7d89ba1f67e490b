/*
 * witness_test: facts about a voter that keeps no data, on three simulated nodes with a toy store, the last of which is
 * the witness (tests/harness/driver_lab.h).
 */
#include "tests/harness/driver_lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raft/driver/driver_internal.h"

static struct node *witness_of(struct cluster *cluster) {
    return &cluster->nodes[NODES - 1];
}

/* The data node that does not lead. */
static struct node *other_of(struct cluster *cluster, const struct node *leader) {
    return leader == &cluster->nodes[0] ? &cluster->nodes[1] : &cluster->nodes[0];
}

static struct node *settle(struct cluster *cluster) {
    struct node *leader = cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, leader, "first=1");
    cluster_wait_until_equal(cluster);
    return leader;
}

static uint64_t rows_of(struct node *node) {
    struct engine_tree_info info;
    const enum status status = engine_tree_info(raft_driver_engine(node->driver), TOY_TREE, &info);
    if (status == STATUS_NOT_FOUND) return 0;
    assert_int_equal(status, STATUS_OK);
    return info.entries;
}

/* Whether any file of the node holds the text. */
struct search {
    struct node *node;
    const char *text;
    unsigned found;
};

static void look_into(void *context, const char *path, uint64_t size) {
    struct search *search = context;
    struct io_file *file;
    uint8_t *bytes = malloc(size + 1);
    size_t got = 0;
    assert_non_null(bytes);
    assert_int_equal(io_file_open(search->node->io, path, IO_OPEN_READ, &file), STATUS_OK);
    assert_int_equal(io_file_read(file, 0, bytes, size, &got), STATUS_OK);
    io_file_close(file);
    search->found += memmem(bytes, got, search->text, strlen(search->text)) != NULL;
    free(bytes);
}

static unsigned files_with(struct node *node, const char *text) {
    struct search search = {.node = node, .text = text};
    sim_disk_walk(node->disk, look_into, &search);
    return search.found;
}

static void a_witness_acknowledges_and_keeps_no_data(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = settle(cluster), *witness = witness_of(cluster);
    node_kill(other_of(cluster, leader)); /* leader and witness are a majority */
    cluster_must_put(cluster, leader, "secret=here-it-is");
    cluster_must_put_many(cluster, leader, "k", 30, 9000);
    cluster_wait_until_equal(cluster);
    assert_true(node_status(witness).witness);
    assert_int_equal(rows_of(witness), 0);
    assert_true(files_with(leader, "here-it-is") > 0);
    assert_int_equal(files_with(witness, "here-it-is"), 0);
    assert_true(raft_log_live_bytes(witness->driver->raft_log) * 3 < raft_log_live_bytes(leader->driver->raft_log));
}

static void a_witness_never_leads(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = settle(cluster), *witness = witness_of(cluster);
    node_kill(other_of(cluster, leader));
    node_kill(leader);
    for (unsigned i = 0; i < 60; i++) {
        cluster_run(cluster, 100);
        assert_int_equal(node_status(witness).role, RAFT_FOLLOWER);
    }
    node_start(cluster, leader);
    assert_ptr_equal(cluster_wait_for_leader(cluster), leader);
    cluster_must_put(cluster, leader, "x=1");
}

static void its_vote_makes_the_other_data_node_lead(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = settle(cluster), *other = other_of(cluster, leader);
    cluster_must_put_many(cluster, leader, "k", 20, 100);
    cluster_wait_until_equal(cluster);
    node_kill(leader);
    assert_ptr_equal(cluster_wait_for_leader(cluster), other);
    cluster_must_put(cluster, other, "b=1");
    assert_int_equal(node_count(other, "k7"), 1);
}

/* What only the leader has, and the witness has seen: nobody may go on without it. */
static void what_a_witness_has_acknowledged_is_not_forgotten(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = settle(cluster), *other = other_of(cluster, leader);
    node_kill(other);
    cluster_must_put(cluster, leader, "only=here");
    node_kill(leader);
    node_start(cluster, other);
    for (unsigned i = 0; i < 60; i++) {
        cluster_run(cluster, 100);
        assert_null(cluster_leader(cluster));
    }
    node_start(cluster, leader);
    cluster_must_put(cluster, cluster_wait_for_leader(cluster), "after=1");
    cluster_wait_until_equal(cluster);
    assert_int_equal(node_count(other, "only"), 1);
}

static void a_witness_serves_no_client(void **state) {
    struct cluster *cluster = *state;
    (void)settle(cluster);
    struct call call;
    node_put(witness_of(cluster), &call, "x=1");
    cluster_wait_for(cluster, &call);
    assert_int_equal(call.status, STATUS_WITNESS);
    call = (struct call){.request = {.done = call_done, .context = &call}};
    raft_driver_read(witness_of(cluster)->driver, &call.request);
    cluster_wait_for(cluster, &call);
    assert_int_equal(call.status, STATUS_WITNESS);
}

static void leadership_is_not_given_to_a_witness(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = settle(cluster);
    struct call call = {.request = {.done = call_done, .context = &call}};
    raft_driver_transfer(leader->driver, witness_of(cluster)->number, &call.request);
    cluster_wait_for(cluster, &call);
    assert_int_equal(call.status, STATUS_INVALID);
    const uint64_t term = node_status(leader).term;
    sim_disk_fail_at(leader->disk, 1, STATUS_IO, true);
    struct call put;
    node_put(leader, &put, "x=1");
    cluster_run(cluster, 100); /* its last word goes to who may lead */
    assert_ptr_equal(cluster_leader(cluster), other_of(cluster, leader));
    assert_int_equal(node_status(other_of(cluster, leader)).term, term + 1);
}

/* It is sent what everybody is sent, and drops the data: from memory at once, from the disk with the next flush. */
static void a_witness_that_was_left_behind_takes_a_snapshot_without_its_data(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = settle(cluster), *witness = witness_of(cluster);
    node_kill(witness);
    cluster_must_put(cluster, leader, "secret=here-it-is");
    for (unsigned round = 0; round < 30; round++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "r%u.", round);
        cluster_must_put_many(cluster, leader, prefix, 30, 900);
    }
    node_start(cluster, witness);
    cluster_wait_until_equal(cluster);
    assert_true(node_status(witness).snapshots_installed > 0);
    assert_int_equal(rows_of(witness), 0);
    cluster_run(cluster, 3000);
    assert_int_equal(files_with(witness, "here-it-is"), 0);
    node_kill(witness);
    node_start(cluster, witness);
    assert_int_equal(rows_of(witness), 0);
    cluster_must_put(cluster, leader, "after=1");
    cluster_wait_until_equal(cluster);
}

static void a_directory_stays_what_it_was_made_as(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = settle(cluster), *witness = witness_of(cluster);
    struct error error = {.status = STATUS_OK};
    node_kill(leader);
    struct io *io =
        sim_io_create(cluster->sim, leader->disk, &(struct sim_io_options){.node = (int)leader->number - 1});
    assert_int_equal(raft_directory_create(io, "/node", RAFT_NODE_WITNESS, 0, leader->number, cluster->options.members,
                                           NODES, &error),
                     STATUS_EXISTS);
    io_destroy(io);
    node_start(cluster, leader);
    assert_false(node_status(leader).witness);
    for (unsigned i = 0; i < 3; i++) { /* whichever slot of its superblock counts */
        node_cut(witness);
        node_start(cluster, witness);
        assert_true(node_status(witness).witness);
        cluster_must_put(cluster, cluster_wait_for_leader(cluster), "more=1");
    }
    cluster_wait_until_equal(cluster);
}

static void the_last_who_can_lead_is_not_removed(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = settle(cluster), *other = other_of(cluster, leader);
    struct error error = {.status = STATUS_OK};
    struct call call = {.request = {.done = call_done}};
    const struct raft_driver_change change = {.change = {.count = 2,
                                                         .items = {{.kind = RAFT_CHANGE_REMOVE, .id = leader->number},
                                                                   {.kind = RAFT_CHANGE_REMOVE, .id = other->number}}}};
    assert_int_equal(raft_driver_change(leader->driver, &change, &call.request, &error), STATUS_INVALID);
    assert_non_null(strstr(error.text, "only witnesses would be left"));
}

#define T(fact) cmocka_unit_test_setup_teardown(fact, driver_lab_set_up_witness, driver_lab_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(a_witness_acknowledges_and_keeps_no_data),
        T(a_witness_never_leads),
        T(its_vote_makes_the_other_data_node_lead),
        T(what_a_witness_has_acknowledged_is_not_forgotten),
        T(a_witness_serves_no_client),
        T(leadership_is_not_given_to_a_witness),
        T(a_witness_that_was_left_behind_takes_a_snapshot_without_its_data),
        T(a_directory_stays_what_it_was_made_as),
        T(the_last_who_can_lead_is_not_removed),
    };
    return cmocka_run_group_tests_name("witness", tests, NULL, NULL);
}
