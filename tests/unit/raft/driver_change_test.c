/*
 * driver_change_test: members come and go while the cluster serves (dissertation 4): simulated nodes with a toy store
 * on the real engine, log and transport. Which sets follow which, and when, is the core's: modules_test, paper_test,
 * quorum_test. Random faults over whole servers: tests/sim.
 */
#include "raft/core/core.h"
#include "tests/harness/driver_lab.h"

#include <stdio.h>
#include <string.h>

#include "raft/driver/driver_internal.h"

/* ---- Changes ---- */

static struct raft_driver_change change_of(enum raft_change_kind kind, uint64_t id) {
    struct raft_driver_change change = {.change = {.count = 1}};
    change.change.items[0].kind = kind;
    change.change.items[0].id = id;
    return change;
}

static void also(struct raft_driver_change *change, enum raft_change_kind kind, uint64_t id) {
    change->change.items[change->change.count].kind = kind;
    change->change.items[change->change.count++].id = id;
}

static struct raft_driver_change adding(const struct raft_identity *identity) {
    struct raft_driver_change change = change_of(RAFT_CHANGE_ADD_LEARNER, identity->node_id);
    change.added[change.added_count] = cluster_member(identity->node_id);
    change.added[change.added_count++].incarnation = identity->incarnation;
    return change;
}

static enum status start_change(struct node *node, const struct raft_driver_change *change, struct call *call,
                                struct error *error) {
    *call = (struct call){.request = {.done = call_done, .context = call}};
    *error = (struct error){0};
    return raft_driver_change(node->driver, change, &call->request, error);
}

/* Asks whoever leads until it is taken, and waits until it holds there. */
static void must_change(struct cluster *cluster, const struct raft_driver_change *change) {
    struct call call;
    struct error error;
    enum status status = STATUS_BUSY;
    for (int i = 0; i < 20000 && status != STATUS_OK; i++) {
        struct node *leader = cluster_wait_for_leader(cluster);
        status = start_change(leader, change, &call, &error);
        if (status != STATUS_OK && status != STATUS_BUSY && status != STATUS_NOT_LEADER)
            fail_msg("%s: %s", status_name(status), error.text);
        if (status != STATUS_OK) cluster_turn(cluster);
    }
    if (status != STATUS_OK) fail_msg("%s: %s", status_name(status), error.text);
    cluster_wait_for(cluster, &call);
    assert_int_equal(call.status, STATUS_OK);
}

static void must_do(struct cluster *cluster, enum raft_change_kind kind, uint64_t id) {
    const struct raft_driver_change change = change_of(kind, id);
    must_change(cluster, &change);
}

/* Made, started, added, caught up, with a vote. */
static struct node *must_grow(struct cluster *cluster) {
    struct raft_identity identity;
    struct node *node = cluster_newcomer(cluster, RAFT_NODE_FULL, &identity);
    const struct raft_driver_change change = adding(&identity);
    must_change(cluster, &change);
    must_do(cluster, RAFT_CHANGE_ADD_VOTER, node->number);
    return node;
}

static void assert_voters(struct node *node, const char *text) {
    struct raft_driver_status status = node_status(node);
    struct buf words = BUF_EMPTY;
    assert_int_equal(raft_configuration_print(&words, &status.configuration), STATUS_OK);
    assert_int_equal(buf_append_byte(&words, 0), STATUS_OK);
    assert_string_equal((const char *)words.data, text);
    buf_deinit(&words);
}

/* ---- Coming ---- */

static void a_newcomer_catches_up_gets_a_vote_and_carries_the_cluster(void **state) {
    struct cluster *cluster = *state;
    cluster_must_put_many(cluster, cluster_wait_for_leader(cluster), "before", 20, 30);
    struct node *fourth = must_grow(cluster), *fifth = must_grow(cluster);
    cluster_wait_until_equal(cluster);
    assert_int_equal(node_count(fourth, "before3"), 1);
    assert_voters(fifth, "voters=(1 2 3 4 5)");
    node_kill(&cluster->nodes[0]);
    node_kill(&cluster->nodes[1]); /* a majority of three */
    cluster_must_put(cluster, fourth, "after=x");
    cluster_must_put(cluster, fifth, "after=y");
    cluster_wait_until_equal(cluster);
    assert_int_equal(node_count(&cluster->nodes[2], "after"), 2);
}

static void a_node_that_waits_to_be_added_neither_votes_nor_campaigns(void **state) {
    struct cluster *cluster = *state;
    struct raft_identity identity;
    cluster_wait_for_leader(cluster);
    struct node *waits = cluster_newcomer(cluster, RAFT_NODE_FULL, &identity);
    cluster_run(cluster, 3000);
    struct raft_driver_status status = node_status(waits);
    assert_int_equal(status.elections, 0);
    assert_int_equal(status.term, 0);
    assert_int_equal(status.configuration.voter_count, 0);
    assert_false(status.removed);
    node_cut(waits); /* and it still knows that it waits */
    node_start(cluster, waits);
    cluster_run(cluster, 3000);
    assert_int_equal(node_status(waits).elections, 0);
    const struct raft_driver_change change = adding(&identity);
    must_change(cluster, &change);
    cluster_wait_until_equal(cluster);
    assert_voters(waits, "voters=(1 2 3) learners=(4)");
}

/* What it told before it was a member was not heard; it tells again as soon as it is one. */
static void a_newcomer_that_is_a_witness_is_known_as_one_at_once(void **state) {
    struct cluster *cluster = *state;
    struct raft_identity identity;
    struct node *leader = cluster_wait_for_leader(cluster),
                *waits = cluster_newcomer(cluster, RAFT_NODE_WITNESS, &identity);
    cluster_run(cluster, 3000);
    leader = cluster_wait_for_leader(cluster);
    const struct raft_driver_change change = adding(&identity);
    must_change(cluster, &change);
    cluster_run(cluster, 50);
    const struct progress *peer = membership_find(leader->driver->raft, waits->number);
    assert_non_null(peer);
    assert_true(peer->is_witness);
}

static void a_newcomer_that_gets_a_snapshot_knows_the_members_by_it(void **state) {
    struct cluster *cluster = *state;
    struct raft_identity identity;
    struct node *leader = cluster_wait_for_leader(cluster);
    for (unsigned round = 0; node_status(leader).first_index < 100; round++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "r%u.", round);
        cluster_must_put_many(cluster, leader, prefix, 32, 2000);
        cluster_run(cluster, 500);
        leader = cluster_wait_for_leader(cluster);
    }
    struct node *fourth = cluster_newcomer(cluster, RAFT_NODE_FULL, &identity);
    const struct raft_driver_change change = adding(&identity);
    must_change(cluster, &change);
    cluster_wait_until_equal(cluster);
    assert_int_equal(node_status(fourth).snapshots_installed, 1);
    assert_voters(fourth, "voters=(1 2 3) learners=(4)");
    must_do(cluster, RAFT_CHANGE_ADD_VOTER, 4);
    cluster_wait_until_equal(cluster);
    const struct raft_driver_options options = cluster->options;
    cluster->options.members[0] = cluster_member(8); /* it needs nobody's list any more */
    cluster->options.member_count = 1;
    node_kill(fourth);
    node_start(cluster, fourth);
    cluster->options = options;
    cluster_must_put(cluster, fourth, "alone=x");
    cluster_wait_until_equal(cluster);
    assert_int_equal(node_status(fourth).peer_count, 4);
}

/* ---- Going ---- */

static void a_leader_that_is_removed_hands_on_and_writes_go_on(void **state) {
    struct cluster *cluster = *state;
    must_grow(cluster);
    struct node *leader = cluster_wait_for_leader(cluster);
    struct node *other = cluster_another(cluster, leader);
    must_do(cluster, RAFT_CHANGE_REMOVE, leader->number);
    cluster_must_put(cluster, other, "gone=x");
    assert_true(node_status(leader).removed);
    cluster_run(cluster, 2000 + RAFT_RETIRED_MS);
    cluster_must_put(cluster, other, "gone=y");
    assert_int_equal(node_status(other).peer_count, 3);
    const uint64_t term = node_status(other).term;
    cluster_run(cluster, 5000); /* who has gone disturbs nobody */
    assert_int_equal(node_status(other).term, term);
}

static void any_set_follows_any_set_in_one_change_while_writes_go_on(void **state) {
    struct cluster *cluster = *state;
    struct raft_identity identity;
    cluster_must_put_many(cluster, cluster_wait_for_leader(cluster), "first", 20, 30);
    for (int i = 0; i < 3; i++) {
        (void)cluster_newcomer(cluster, RAFT_NODE_FULL, &identity);
        const struct raft_driver_change change = adding(&identity);
        must_change(cluster, &change);
    }
    struct raft_driver_change change = change_of(RAFT_CHANGE_ADD_VOTER, 4);
    also(&change, RAFT_CHANGE_ADD_VOTER, 5);
    also(&change, RAFT_CHANGE_ADD_VOTER, 6);
    for (uint64_t id = 1; id <= 3; id++) also(&change, RAFT_CHANGE_REMOVE, id);
    struct call writes[40];
    for (unsigned i = 0; i < 40; i++) node_put(&cluster->nodes[i % 6], &writes[i], "during=x");
    must_change(cluster, &change);
    for (unsigned i = 0; i < 40; i++) {
        cluster_wait_for(cluster, &writes[i]);
        assert_int_equal(writes[i].status, STATUS_OK);
    }
    cluster_run(cluster, 2000);
    for (unsigned i = 0; i < 3; i++) node_kill(&cluster->nodes[i]);
    cluster_must_put(cluster, &cluster->nodes[3], "during=y");
    cluster_wait_until_equal(cluster);
    for (unsigned i = 3; i < 6; i++) {
        assert_int_equal(node_count(&cluster->nodes[i], "during"), 41);
        assert_voters(&cluster->nodes[i], "voters=(4 5 6)");
    }
}

static void an_explicit_joint_configuration_stands_until_it_is_left(void **state) {
    struct cluster *cluster = *state;
    struct raft_identity identity;
    cluster_wait_for_leader(cluster);
    struct node *fourth = cluster_newcomer(cluster, RAFT_NODE_FULL, &identity);
    struct raft_driver_change change = adding(&identity);
    must_change(cluster, &change);
    change = change_of(RAFT_CHANGE_ADD_VOTER, 4);
    also(&change, RAFT_CHANGE_ADD_LEARNER, 3);
    change.change.transition = RAFT_TRANSITION_JOINT_EXPLICIT;
    must_change(cluster, &change);
    cluster_run(cluster, 3000);
    cluster_wait_until_equal(cluster);
    assert_voters(fourth, "voters=(1 2 4)&&(1 2 3) learners_next=(3)");
    change = (struct raft_driver_change){.change = {.count = 0}};
    must_change(cluster, &change);
    cluster_wait_until_equal(cluster);
    assert_voters(fourth, "voters=(1 2 4) learners=(3)");
}

/* ---- Refused ---- */

static void assert_refused(struct node *node, const struct raft_driver_change *change, enum status wanted,
                           const char *words) {
    struct call call;
    struct error error;
    const uint64_t last = node_status(node).last_index;
    assert_int_equal(start_change(node, change, &call, &error), wanted);
    if (strstr(error.text, words) == NULL) fail_msg("\"%s\" does not say \"%s\"", error.text, words);
    assert_int_equal(node_status(node).last_index, last); /* nothing entered the log */
}

static void what_cannot_be_is_refused_with_words_and_changes_nothing(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, leader, "a=1");
    struct raft_driver_change change = change_of(RAFT_CHANGE_REMOVE, 9);
    assert_refused(leader, &change, STATUS_INVALID, "node 9 is no member");
    change = change_of(RAFT_CHANGE_ADD_LEARNER, 9);
    assert_refused(leader, &change, STATUS_INVALID, "node 9: the cluster does not know where it is");
    change = change_of(RAFT_CHANGE_ADD_VOTER, 9);
    change.added[change.added_count++] = cluster_member(9);
    assert_refused(leader, &change, STATUS_INVALID, "node 9 has to be a learner first");
    change = change_of(RAFT_CHANGE_ADD_LEARNER, 9);
    change.added[change.added_count++] =
        (struct raft_member){.id = 9, .peer_address = "nowhere", .client_address = "x:1"};
    assert_refused(leader, &change, STATUS_INVALID, "HOST:PORT");
    change = change_of(RAFT_CHANGE_ADD_LEARNER, 9);
    change.added[change.added_count++] =
        (struct raft_member){.id = 9, .peer_address = "127.0.0.1:7009", .client_address = "somewhere:7109"};
    assert_refused(leader, &change, STATUS_INVALID, "the host in numbers");
    change = change_of(RAFT_CHANGE_ADD_LEARNER, 2);
    change.added[change.added_count++] = cluster_member(2);
    assert_refused(leader, &change, STATUS_INVALID, "node 2 is a member already");
    change = change_of(RAFT_CHANGE_REMOVE, 1);
    also(&change, RAFT_CHANGE_REMOVE, 2);
    also(&change, RAFT_CHANGE_REMOVE, 3);
    assert_refused(leader, &change, STATUS_INVALID, "removed all voters");
    change = change_of(RAFT_CHANGE_REMOVE, leader->number);
    assert_refused(cluster_another(cluster, leader), &change, STATUS_NOT_LEADER, "does not lead");
    change = (struct raft_driver_change){.change = {.count = 0}};
    assert_refused(leader, &change, STATUS_INVALID, "non-joint");
}

static void one_change_at_a_time(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    struct call call;
    struct error error;
    cluster_must_put(cluster, leader, "a=1");
    struct raft_driver_change change = change_of(RAFT_CHANGE_ADD_LEARNER, cluster_another(cluster, leader)->number);
    assert_int_equal(start_change(leader, &change, &call, &error), STATUS_OK);
    change.change.items[0].kind = RAFT_CHANGE_REMOVE;
    assert_refused(leader, &change, STATUS_BUSY, "another change of members is under way");
    cluster_wait_for(cluster, &call);
    assert_int_equal(call.status, STATUS_OK);
}

static void a_learner_that_is_behind_gets_no_vote(void **state) {
    struct cluster *cluster = *state;
    struct raft_identity identity;
    struct node *leader = cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, leader, "a=1");
    struct node *fourth = cluster_newcomer(cluster, RAFT_NODE_FULL, &identity);
    struct raft_driver_change change = adding(&identity);
    node_kill(fourth); /* before it has heard a word */
    must_change(cluster, &change);
    change = change_of(RAFT_CHANGE_ADD_VOTER, 4);
    assert_refused(cluster_wait_for_leader(cluster), &change, STATUS_BUSY, "entries behind");
    node_start(cluster, fourth);
    must_change(cluster, &change);
}

static void a_change_whose_leader_loses_its_place_is_not_answered_as_done(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    struct call call;
    struct error error;
    cluster_must_put(cluster, leader, "a=1");
    for (uint64_t peer = 1; peer <= NODES; peer++)
        if (peer != leader->number) assert_int_equal(raft_driver_set_link(leader->driver, peer, true, true), STATUS_OK);
    const struct raft_driver_change change = change_of(RAFT_CHANGE_REMOVE, cluster_another(cluster, leader)->number);
    assert_int_equal(start_change(leader, &change, &call, &error), STATUS_OK);
    cluster_wait_for(cluster, &call);
    assert_int_equal(call.status, STATUS_TIMED_OUT);
    for (uint64_t peer = 1; peer <= NODES; peer++)
        if (peer != leader->number)
            assert_int_equal(raft_driver_set_link(leader->driver, peer, false, false), STATUS_OK);
    cluster_must_put(cluster, leader, "a=2");
    cluster_wait_until_equal(cluster);
    assert_voters(leader, "voters=(1 2 3)");
}

/* ---- Who is who ---- */

static void a_wiped_node_comes_back_by_a_change_and_not_before(void **state) {
    struct cluster *cluster = *state;
    struct raft_identity identity;
    struct node *leader = cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, leader, "a=1");
    must_grow(cluster); /* now the log knows everybody's incarnation */
    cluster_wait_until_equal(cluster);
    leader = cluster_wait_for_leader(cluster);
    struct node *wiped = cluster_another(cluster, leader);
    const uint64_t cluster_id = node_status(wiped).identity.cluster_id;
    node_kill(wiped);
    sim_disk_destroy(wiped->disk);
    wiped->disk = sim_disk_create(77);
    struct sim_io_options io_options = {.node = (int)wiped->number - 1};
    struct io *io = sim_io_create(cluster->sim, wiped->disk, &io_options);
    assert_int_equal(
        raft_directory_create_joining(io, "/node", RAFT_NODE_FULL, cluster_id, wiped->number, &identity, NULL),
        STATUS_OK);
    io_destroy(io);
    node_start(cluster, wiped);
    cluster_run(cluster, 3000);
    assert_int_equal(node_status(wiped).last_index, 0); /* nobody speaks with it */
    must_do(cluster, RAFT_CHANGE_REMOVE, wiped->number);
    const struct raft_driver_change change = adding(&identity);
    must_change(cluster, &change);
    must_do(cluster, RAFT_CHANGE_ADD_VOTER, wiped->number);
    cluster_wait_until_equal(cluster);
    assert_int_equal(node_count(wiped, "a"), 1);
}

static void after_a_restart_the_log_says_who_the_members_are(void **state) {
    struct cluster *cluster = *state;
    cluster_wait_for_leader(cluster);
    must_grow(cluster);
    must_do(cluster, RAFT_CHANGE_REMOVE, 2);
    cluster_run(cluster, 1000);
    for (size_t i = 0; i < cluster->count; i++) node_kill(&cluster->nodes[i]);
    for (size_t i = 0; i < cluster->count; i++)
        if (i != 1) node_start(cluster, &cluster->nodes[i]); /* with the list of the founders */
    cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, &cluster->nodes[3], "a=1");
    cluster_wait_until_equal(cluster);
    assert_voters(&cluster->nodes[0], "voters=(1 3 4)");
}

static void a_list_that_contradicts_the_log_is_refused(void **state) {
    struct cluster *cluster = *state;
    struct node *first = &cluster->nodes[0];
    cluster_wait_for_leader(cluster);
    must_grow(cluster);
    cluster_wait_until_equal(cluster);
    assert_int_equal(raft_driver_flush_start(first->driver), STATUS_OK);
    cluster_run(cluster, 2000);
    node_kill(first);
    struct sim_io_options io_options = {.node = 0};
    struct io *io = sim_io_create(cluster->sim, first->disk, &io_options);
    struct raft_driver_options options = cluster->options;
    struct raft_driver *driver = NULL;
    struct error error = {0};
    options.node_id = 1;
    options.log = sim_io_log(io);
    options.machines = &first->machine;
    options.machine_count = 1;
    options.members[1] = cluster_member(7);
    assert_int_equal(raft_driver_open(io, "/node", &options, &driver, &error), STATUS_MISMATCH);
    assert_non_null(strstr(error.text, "node 7 in the list of members is not there by the log"));
    io_destroy(io);
    node_start(cluster, first);
}

static void a_member_that_moves_is_found_at_its_new_place(void **state) {
    struct cluster *cluster = *state;
    struct node *moves = cluster_another(cluster, cluster_wait_for_leader(cluster));
    struct raft_driver_change change = change_of(RAFT_CHANGE_UPDATE, moves->number);
    change.added[0] = cluster_member(moves->number);
    snprintf(change.added[0].peer_address, IO_ADDRESS_BYTES, "127.0.0.1:7177");
    change.added_count = 1;
    must_change(cluster, &change);
    node_kill(moves);
    cluster->options.peer_listen = "127.0.0.1:7177";
    node_start(cluster, moves);
    cluster->options.peer_listen = NULL;
    cluster_must_put(cluster, moves, "moved=x");
    cluster_wait_until_equal(cluster);
    assert_int_equal(node_count(moves, "moved"), 1);
}

/* Who has missed the change hears of the newcomer from the newcomer alone. */
static void a_newcomer_that_leads_reaches_those_who_do_not_know_it(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    struct node *behind = cluster_another(cluster, leader);
    cluster_must_put(cluster, leader, "a=1");
    node_kill(behind);
    struct node *fourth = must_grow(cluster);
    struct call call = {.request = {.done = call_done, .context = &call}};
    raft_driver_transfer(leader->driver, fourth->number, &call.request);
    cluster_wait_for(cluster, &call);
    assert_int_equal(call.status, STATUS_OK);
    node_start(cluster, behind);
    cluster_must_put(cluster, fourth, "b=1");
    cluster_wait_until_equal(cluster);
    assert_int_equal(node_count(behind, "b"), 1);
    assert_ptr_equal(cluster_wait_for_leader(cluster), fourth);
}

/* One that was made anew under an old id counts for nobody, not for those either who never met the old one. */
static void a_wiped_founder_gives_nobody_a_majority(void **state) {
    struct cluster *cluster = *state;
    struct raft_identity identity;
    struct node *leader = cluster_wait_for_leader(cluster);
    struct node *wiped = cluster_another(cluster, leader), *apart = cluster_another(cluster, wiped);
    node_kill(apart);
    sim_disk_destroy(apart->disk); /* as if it had never met anybody */
    apart->disk = sim_disk_create(78);
    struct io *io = sim_io_create(cluster->sim, apart->disk, &(struct sim_io_options){.node = (int)apart->number - 1});
    assert_int_equal(
        raft_directory_create(io, "/node", RAFT_NODE_FULL, 0, apart->number, cluster->options.members, NODES, NULL),
        STATUS_OK);
    io_destroy(io);
    cluster_must_put(cluster, leader, "kept=1"); /* by leader and wiped */
    const uint64_t cluster_id = node_status(leader).identity.cluster_id, last = node_status(leader).last_index;
    node_kill(leader);
    node_kill(wiped);
    sim_disk_destroy(wiped->disk);
    wiped->disk = sim_disk_create(79);
    io = sim_io_create(cluster->sim, wiped->disk, &(struct sim_io_options){.node = (int)wiped->number - 1});
    assert_int_equal(
        raft_directory_create_joining(io, "/node", RAFT_NODE_FULL, cluster_id, wiped->number, &identity, NULL),
        STATUS_OK);
    io_destroy(io);
    node_start(cluster, wiped);
    node_start(cluster, apart);
    cluster_run(cluster, 5000);
    assert_null(cluster_leader(cluster)); /* the one copy is down: nobody may go on without it */
    node_start(cluster, leader);
    cluster_run(cluster, 3000);
    assert_null(cluster_leader(cluster)); /* two of three are gone: for loam cluster recover */
    assert_int_equal(node_status(leader).last_index, last);
}

static void one_node_grows_to_three(void **state) {
    struct cluster *cluster = *state;
    cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, &cluster->nodes[0], "a=1");
    must_grow(cluster);
    struct node *third = must_grow(cluster);
    node_kill(&cluster->nodes[0]);
    cluster_must_put(cluster, third, "a=2");
    cluster_wait_until_equal(cluster);
    assert_int_equal(node_count(third, "a"), 2);
}

int main(void) {
#define fact(name) cmocka_unit_test_setup_teardown(name, driver_lab_set_up, driver_lab_tear_down)
    const struct CMUnitTest tests[] = {
        fact(a_newcomer_catches_up_gets_a_vote_and_carries_the_cluster),
        fact(a_node_that_waits_to_be_added_neither_votes_nor_campaigns),
        fact(a_newcomer_that_is_a_witness_is_known_as_one_at_once),
        fact(a_newcomer_that_gets_a_snapshot_knows_the_members_by_it),
        fact(a_leader_that_is_removed_hands_on_and_writes_go_on),
        fact(any_set_follows_any_set_in_one_change_while_writes_go_on),
        fact(an_explicit_joint_configuration_stands_until_it_is_left),
        fact(what_cannot_be_is_refused_with_words_and_changes_nothing),
        fact(one_change_at_a_time),
        fact(a_learner_that_is_behind_gets_no_vote),
        fact(a_change_whose_leader_loses_its_place_is_not_answered_as_done),
        fact(a_wiped_node_comes_back_by_a_change_and_not_before),
        fact(after_a_restart_the_log_says_who_the_members_are),
        fact(a_list_that_contradicts_the_log_is_refused),
        fact(a_member_that_moves_is_found_at_its_new_place),
        fact(a_newcomer_that_leads_reaches_those_who_do_not_know_it),
        fact(a_wiped_founder_gives_nobody_a_majority),
        cmocka_unit_test_setup_teardown(one_node_grows_to_three, driver_lab_set_up_one, driver_lab_tear_down),
    };
#undef fact
    return cmocka_run_group_tests_name("driver_change", tests, NULL, NULL);
}
