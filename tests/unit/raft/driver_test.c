/*
 * driver_test: facts about a replicated log at work: three simulated nodes with a toy store on the real engine, log and
 * transport (tests/harness/driver_lab.h). State that travels whole: driver_snapshot_test. Random faults over whole
 * servers: tests/sim.
 */
#include "tests/harness/driver_lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raft/driver/driver_internal.h"
#include "tests/harness/alloc_fault.h"

static void a_cluster_of_one_answers_what_is_durable(void **state) {
    struct cluster *cluster = *state;
    struct node *node = cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, node, "a=1");
    cluster_must_put(cluster, node, "b=2");
    node_cut(node);
    node_start(cluster, node);
    cluster_wait_for_leader(cluster);
    struct call call;
    node_put(node, &call, "a=3");
    cluster_wait_for(cluster, &call);
    assert_int_equal(call.integer, 2);
    assert_int_equal(node_count(node, "b"), 1);
}

static void any_node_takes_writes_and_all_hold_the_same(void **state) {
    struct cluster *cluster = *state;
    cluster_wait_for_leader(cluster);
    for (size_t i = 0; i < NODES; i++) {
        char text[32];
        snprintf(text, sizeof text, "from%zu=x", i);
        cluster_must_put(cluster, &cluster->nodes[i], text);
    }
    cluster_wait_until_equal(cluster);
    for (size_t i = 0; i < NODES; i++) {
        assert_int_equal(node_count(&cluster->nodes[i], "from0"), 1);
        assert_int_equal(node_count(&cluster->nodes[i], "from2"), 1);
    }
}

static void writes_of_one_node_take_effect_in_order(void **state) {
    struct cluster *cluster = *state;
    struct node *follower = cluster_another(cluster, cluster_wait_for_leader(cluster));
    struct call calls[100];
    for (int i = 0; i < 100; i++) node_put(follower, &calls[i], "same=x");
    for (int i = 0; i < 100; i++) {
        cluster_wait_for(cluster, &calls[i]);
        assert_int_equal(calls[i].status, STATUS_OK);
        assert_int_equal(calls[i].integer, i + 1);
        if (i > 0) assert_true(calls[i].request.index > calls[i - 1].request.index);
    }
}

static void many_writes_share_few_barriers(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, leader, "first=x");
    struct raft_driver_status before = node_status(leader);
    struct call calls[60];
    for (int i = 0; i < 60; i++) node_put(leader, &calls[i], "k=v");
    for (int i = 0; i < 60; i++) cluster_wait_for(cluster, &calls[i]);
    struct raft_driver_status after = node_status(leader);
    assert_true(after.log_syncs - before.log_syncs <= 4);
    assert_int_equal(after.log_syncs - before.log_syncs, after.log_commits - before.log_commits);
}

static void a_killed_leader_loses_nothing_that_was_answered(void **state) {
    struct cluster *cluster = *state;
    for (unsigned round = 0; round < 5; round++) {
        struct node *leader = cluster_wait_for_leader(cluster);
        struct node *follower = cluster_another(cluster, leader);
        char prefix[16];
        snprintf(prefix, sizeof prefix, "r%u.", round);
        cluster_must_put_many(cluster, follower, prefix, 30, 20);
        struct call open[10];
        for (int i = 0; i < 10; i++) node_put(follower, &open[i], "open=x"); /* on their way when the leader goes */
        cluster_run(cluster, 1);
        if (round % 2)
            node_cut(leader);
        else
            node_kill(leader);
        for (int i = 0; i < 10; i++) {
            cluster_wait_for(cluster, &open[i]);
            assert_int_equal(open[i].status, STATUS_OK);
            assert_int_equal(open[i].integer, round * 10 + (unsigned)i + 1); /* each once, in order */
        }
        node_start(cluster, leader);
    }
    cluster_wait_until_equal(cluster);
    for (size_t i = 0; i < NODES; i++) {
        assert_int_equal(node_count(&cluster->nodes[i], "r0.29"), 1);
        assert_int_equal(node_count(&cluster->nodes[i], "open"), 50);
    }
}

static void a_read_sees_what_was_answered_anywhere(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    struct node *follower = cluster_another(cluster, leader);
    for (int i = 1; i <= 20; i++) {
        cluster_must_put(cluster, leader, "seen=x");
        struct call call = {.request = {.done = call_done, .context = &call}};
        raft_driver_read(follower->driver, &call.request);
        cluster_wait_for(cluster, &call);
        assert_int_equal(call.status, STATUS_OK);
        assert_int_equal(node_count(follower, "seen"), (uint64_t)i);
    }
}

static void reads_of_one_turn_share_a_round(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, leader, "x=1");
    struct raft_driver_status before = node_status(leader);
    struct call calls[50];
    for (int i = 0; i < 50; i++) {
        calls[i] = (struct call){.request = {.done = call_done, .context = &calls[i]}};
        raft_driver_read(leader->driver, &calls[i].request);
    }
    for (int i = 0; i < 50; i++) cluster_wait_for(cluster, &calls[i]);
    struct raft_driver_status after = node_status(leader);
    assert_int_equal(after.reads - before.reads, 50);
    assert_int_equal(after.read_rounds - before.read_rounds, 1);
}

/* It was proposed, and nobody can tell: that is said in time. Afterwards it counts once, as what came behind it does.
 */
static void a_write_that_was_under_way_when_the_quorum_went_is_answered_as_unknown(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, leader, "x=1");
    cluster_kill_others(cluster, leader);
    struct call write;
    node_put(leader, &write, "unknown=x");
    cluster_run(cluster, 5000);
    assert_int_equal(write.answers, 1);
    assert_int_equal(write.status, STATUS_CANCELLED);
    cluster_start_others(cluster, leader);
    cluster_must_put(cluster, leader, "later=x");
    cluster_wait_until_equal(cluster);
    assert_int_equal(write.answers, 1);
    assert_int_equal(node_count(leader, "unknown"), 1);
}

static void without_a_quorum_requests_are_refused_as_not_applied(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, leader, "x=1");
    cluster_kill_others(cluster, leader);
    cluster_run(cluster, 2000); /* a leader without a quorum steps down */
    struct call write, read = {.request = {.done = call_done, .context = &read}};
    node_put(leader, &write, "never=x");
    raft_driver_read(leader->driver, &read.request);
    cluster_wait_for(cluster, &write);
    cluster_wait_for(cluster, &read);
    assert_int_equal(write.status, STATUS_NOT_LEADER);
    assert_int_equal(read.status, STATUS_NOT_LEADER);
    cluster_start_others(cluster, leader);
    cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, leader, "later=x");
    cluster_wait_until_equal(cluster);
    assert_int_equal(node_count(leader, "never"), 0);
}

/*
 * A leader that a change took out of the configuration leads on until the others know it, and takes no proposals
 * meanwhile: for its own clients that is a cluster without a leader, and a write that comes then is refused in time
 * rather than given a serial and forgotten.
 */
static void a_leader_that_is_being_replaced_counts_as_none_for_writes(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    uint64_t id = leader->number;
    cluster_must_put(cluster, leader, "x=1");
    struct raft_change change = {.count = 1, .items = {{.kind = RAFT_CHANGE_REMOVE, .id = id}}};
    struct raft_event event = {.kind = RAFT_EVENT_PROPOSE_CHANGE, .change = &change};
    assert_int_equal(driver_step(leader->driver, &event, 0, NULL), STATUS_OK);
    struct raft_status core;
    do {
        cluster_turn(cluster);
        raft_get_status(raft_driver_core(leader->driver), &core);
    } while (raft_configuration_has_voter(&core.configuration, id));
    assert_int_equal(core.role, RAFT_LEADER);
    for (uint64_t peer = 1; peer <= NODES; peer++)
        if (peer != id) assert_int_equal(raft_driver_set_link(leader->driver, peer, true, true), STATUS_OK);
    struct call call;
    node_put(leader, &call, "never=x");
    cluster_run(cluster, 3000);
    assert_int_equal(call.answers, 1);
    assert_int_equal(call.status, STATUS_NOT_LEADER);
}

static void ask_for_transfer(struct node *node, struct call *call, uint64_t to) {
    *call = (struct call){.request = {.done = call_done, .context = call}};
    raft_driver_transfer(node->driver, to, &call->request);
}

/* Writes of all nodes are on their way all the time; leadership goes round. None is refused, each counts once. */
static void leadership_goes_round_without_a_refused_write(void **state) {
    struct cluster *cluster = *state;
    enum { ROUNDS = 6, EACH = 40 };
    struct call writes[NODES * EACH], handed;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct node *leader = cluster_wait_for_leader(cluster), *next = cluster_another(cluster, leader);
        const struct raft_driver_status before = node_status(leader);
        for (unsigned i = 0; i < NODES * EACH; i++) {
            node_put(&cluster->nodes[i % NODES], &writes[i], "around=x");
            if (i == EACH) ask_for_transfer(leader, &handed, next->number);
            if (i % 8 == 0) cluster_turn(cluster);
        }
        cluster_wait_for(cluster, &handed);
        assert_int_equal(handed.status, STATUS_OK);
        assert_int_equal(node_status(leader).leader, next->number);
        assert_int_equal(node_status(leader).term, before.term + 1);
        for (unsigned i = 0; i < NODES * EACH; i++) {
            cluster_wait_for(cluster, &writes[i]);
            assert_int_equal(writes[i].status, STATUS_OK);
        }
    }
    cluster_wait_until_equal(cluster);
    for (unsigned i = 0; i < NODES; i++)
        assert_int_equal(node_count(&cluster->nodes[i], "around"), ROUNDS * NODES * EACH);
}

static void a_transfer_that_can_t_be_is_told_and_the_leader_leads_on(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster), *other = cluster_another(cluster, leader);
    struct call call, second;
    ask_for_transfer(other, &call, leader->number);
    cluster_wait_for(cluster, &call);
    assert_int_equal(call.status, STATUS_NOT_LEADER);
    ask_for_transfer(leader, &call, 77);
    cluster_wait_for(cluster, &call);
    assert_int_equal(call.status, STATUS_INVALID);
    ask_for_transfer(leader, &call, leader->number);
    cluster_wait_for(cluster, &call);
    assert_int_equal(call.status, STATUS_OK);
    const uint64_t term = node_status(leader).term;
    node_kill(other);
    cluster_must_put(cluster, leader, "behind=x");
    ask_for_transfer(leader, &call, other->number);
    ask_for_transfer(leader, &second, other->number);
    struct call write;
    node_put(leader, &write, "waits=x");
    cluster_wait_for(cluster, &second);
    assert_int_equal(second.status, STATUS_BUSY);
    cluster_wait_for(cluster, &call);
    assert_int_equal(call.status, STATUS_TIMED_OUT);
    cluster_wait_for(cluster, &write);
    assert_int_equal(write.status, STATUS_OK);
    ask_for_transfer(leader, &call, other->number);
    ask_for_transfer(leader, &second, leader->number); /* takes it back */
    cluster_must_put(cluster, leader, "goes-on=x");
    assert_int_equal(second.status, STATUS_OK);
    assert_int_equal(call.status, STATUS_TIMED_OUT);
    assert_int_equal(call.answers + second.answers, 2);
    assert_int_equal(node_status(leader).role, RAFT_LEADER);
    assert_int_equal(node_status(leader).term, term);
}

static void a_cancelled_request_is_not_answered(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    struct call write, handed, read = {.request = {.done = call_done, .context = &read}}, tick = read;
    tick.request.context = &tick;
    node_put(leader, &write, "w=x");
    raft_driver_read(leader->driver, &read.request);
    raft_driver_tick_time(leader->driver, &tick.request);
    raft_driver_cancel(leader->driver, &write.request);
    raft_driver_cancel(leader->driver, &read.request);
    raft_driver_cancel(leader->driver, &tick.request);
    ask_for_transfer(leader, &handed, cluster_another(cluster, leader)->number);
    raft_driver_cancel(leader->driver, &handed.request);
    cluster_run(cluster, 500);
    assert_int_equal(write.answers + read.answers + tick.answers + handed.answers, 0);
}

static void a_time_tick_carries_log_time_past_the_call(void **state) {
    struct cluster *cluster = *state;
    struct node *follower = cluster_another(cluster, cluster_wait_for_leader(cluster));
    cluster_must_put(cluster, follower, "x=1");
    cluster_run(cluster, 3000);
    int64_t now = io_clock_ms(follower->io);
    assert_true(raft_driver_log_time(follower->driver) < now - 1000);
    struct call calls[3];
    for (int i = 0; i < 3; i++) {
        calls[i] = (struct call){.request = {.done = call_done, .context = &calls[i]}};
        raft_driver_tick_time(follower->driver, &calls[i].request);
    }
    for (int i = 0; i < 3; i++) cluster_wait_for(cluster, &calls[i]);
    assert_true(raft_driver_log_time(follower->driver) >= now - 100);
}

static void the_voters_that_hold_an_index_are_counted(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    struct node *follower = cluster_another(cluster, leader);
    struct call write;
    node_put(follower, &write, "x=1");
    cluster_wait_for(cluster, &write);
    cluster_run(cluster, 200);
    struct call count = {.request = {.done = call_done, .context = &count}};
    raft_driver_count_durable(follower->driver, write.request.index, &count.request);
    cluster_wait_for(cluster, &count);
    assert_int_equal(count.status, STATUS_OK);
    assert_int_equal(count.integer, NODES);
}

/* How long the node has not heard node `of`, as it says. */
static int64_t silence_ms(struct node *node, unsigned of) {
    const struct raft_driver_status status = node_status(node);
    for (size_t i = 0; i < status.peer_count; i++)
        if (status.peers[i].member.id == of) return status.peers[i].last_heard_ms;
    fail_msg("node %u has no peer %u", node->number, of);
    return 0;
}

static void a_peer_that_is_silent_is_known_to_be_for_so_long(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    struct node *follower = &cluster->nodes[leader == &cluster->nodes[0] ? 1 : 0];
    cluster_run(cluster, 2000);
    assert_true(silence_ms(leader, follower->number) >= 0);
    assert_true(silence_ms(leader, follower->number) < 1000);
    assert_int_equal(silence_ms(leader, leader->number), -1);
    node_kill(follower);
    cluster_run(cluster, 5000);
    assert_true(silence_ms(leader, follower->number) >= 4000);
    assert_true(silence_ms(leader, follower->number) <= 6000);
}

static void an_operation_over_the_limit_is_refused(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    size_t size = RAFT_ENTRY_LIMIT_BYTES + 1;
    uint8_t *large = calloc(1, size);
    struct call call = {.request = {.done = call_done, .context = &call}};
    raft_driver_propose(leader->driver, TOY_STORE, slice_make(large, size), &call.request);
    assert_int_equal(call.answers, 0);
    cluster_wait_for(cluster, &call);
    assert_int_equal(call.status, STATUS_TOO_LARGE);
    free(large);
}

static void a_large_entry_reaches_all_while_heartbeats_pass(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    struct node *follower = cluster_another(cluster, leader);
    uint64_t term = node_status(leader).term;
    size_t size = 3 << 20;
    char *large = malloc(size + 1);
    memset(large, 'v', size);
    memcpy(large, "big=", 4);
    large[size] = 0;
    cluster_must_put(cluster, follower, large);
    cluster_wait_until_equal(cluster);
    assert_int_equal(node_status(leader).term, term);
    for (size_t i = 0; i < NODES; i++) assert_int_equal(node_count(&cluster->nodes[i], "big"), 1);
    free(large);
}

/* Writes of a follower that are sent again to a new leader, while flushes cut at another index on each node, replies
 * overflow their memory, and nodes come back with what their last cut holds. */
/* An apply that takes its time: the simulated clock moves on inside. */
enum { SLOW_MS = 300 };
static struct sim *slow_sim;
static enum status (*ordinary_apply)(void *context, const struct envelope *envelope, struct slice operation,
                                     struct engine_batch *batch, struct buf *reply);

static enum status slow_apply(void *context, const struct envelope *envelope, struct slice operation,
                              struct engine_batch *batch, struct buf *reply) {
    sim_run_until(slow_sim, sim_now_ns(slow_sim) + (uint64_t)SLOW_MS * MS);
    return ordinary_apply(context, envelope, operation, batch, reply);
}

static void entries_that_take_long_have_a_turn_each(void **state) {
    enum { ENTRIES = 12 };
    struct cluster *cluster = *state;
    struct node *node = cluster_wait_for_leader(cluster);
    struct call calls[ENTRIES];
    cluster_must_put(cluster, node, "first=x");
    slow_sim = cluster->sim;
    ordinary_apply = node->machine.apply;
    node->machine.apply = slow_apply;
    for (unsigned i = 0; i < ENTRIES; i++) node_put(node, &calls[i], "slow=x");
    uint64_t most = 0;
    for (int turn = 0; turn < 20000 && calls[ENTRIES - 1].answers == 0; turn++) {
        const uint64_t before = node->toy.applied;
        cluster_turn(cluster);
        if (node->toy.applied - before > most) most = node->toy.applied - before;
    }
    node->machine.apply = ordinary_apply;
    assert_int_equal(calls[ENTRIES - 1].integer, ENTRIES);
    assert_int_equal(most, 1);
}

static void a_restart_between_two_cuts_applies_nothing_twice(void **state) {
    struct cluster *cluster = *state;
    for (size_t i = 0; i < NODES; i++) node_kill(&cluster->nodes[i]);
    cluster->options.reply_memory_bytes = 1500;
    for (size_t i = 0; i < NODES; i++) node_start(cluster, &cluster->nodes[i]);
    for (unsigned round = 0; round < 12; round++) {
        struct node *leader = cluster_wait_for_leader(cluster), *follower = cluster_another(cluster, leader);
        struct node *third = cluster_another(cluster, follower);
        struct call calls[40];
        char text[32];
        for (unsigned i = 0; i < 40; i++) {
            snprintf(text, sizeof text, "r%u.%u=x", round, i);
            node_put(follower, &calls[i], text);
            if (i == 10 + round) assert_int_equal(raft_driver_flush_start(third->driver), STATUS_OK);
            if (i == 25) assert_int_equal(raft_driver_flush_start(follower->driver), STATUS_OK);
            if (i % 8 == 7) cluster_run(cluster, 1 + round % 3);
        }
        if (round % 2)
            node_cut(leader);
        else
            node_kill(leader);
        for (unsigned i = 0; i < 40; i++) {
            cluster_wait_for(cluster, &calls[i]);
            assert_int_equal(calls[i].status, STATUS_OK);
            assert_int_equal(calls[i].integer, 1); /* never a second time */
        }
        node_start(cluster, leader);
        cluster_wait_until_equal(cluster);
        node_kill(third);
        node_start(cluster, third);
        cluster_wait_until_equal(
            cluster); /* the chain as well: of those that kept it in memory, and of one that did not */
    }
    for (size_t i = 0; i < NODES; i++)
        assert_true(engine_installed(raft_driver_engine(cluster->nodes[i].driver)).index > 0);
}

static void a_flush_that_is_asked_for_is_installed_and_a_second_one_is_nothing(void **state) {
    struct cluster *cluster = *state;
    struct node *node = cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, node, "a=1");
    const uint64_t applied = node_status(node).applied;
    assert_int_equal(raft_driver_flush_start(node->driver), STATUS_OK);
    cluster_run(cluster, 300);
    assert_true(engine_installed(raft_driver_engine(node->driver)).index >= applied);
    assert_int_equal(node_status(node).reply_bytes, 0);
    struct engine_stats before, after;
    engine_get_stats(raft_driver_engine(node->driver), &before);
    assert_int_equal(raft_driver_flush_start(node->driver), STATUS_OK);
    cluster_run(cluster, 300);
    engine_get_stats(raft_driver_engine(node->driver), &after);
    assert_int_equal(after.flushes, before.flushes);
    assert_int_equal(after.sequence, before.sequence);
}

static void a_failed_disk_ends_a_nodes_part_and_not_the_clusters(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, leader, "x=1");
    sim_disk_fail_at(leader->disk, 1, STATUS_IO, true);
    struct node *follower = cluster_another(cluster, leader);
    struct call calls[20];
    for (int i = 0; i < 20; i++) node_put(follower, &calls[i], "y=1");
    for (int i = 0; i < 20; i++) {
        cluster_wait_for(cluster, &calls[i]);
        assert_int_equal(calls[i].status, STATUS_OK);
        assert_int_equal(calls[i].integer, i + 1);
    }
    struct call refused;
    node_put(leader, &refused, "z=1");
    cluster_wait_for(cluster, &refused);
    assert_int_equal(refused.status, STATUS_READ_ONLY);
    assert_true(raft_driver_pressure(leader->driver) == 1000);
    cluster_run(cluster, 500);
    assert_true(leader->wake_ns + 100 * MS >
                io_now_ns(leader->io)); /* its turns follow time: they are not due for ever */
    node_kill(leader);
    sim_disk_fail_at(leader->disk, 0, STATUS_IO, false);
    node_start(cluster, leader);
    cluster_wait_until_equal(cluster);
    assert_int_equal(node_count(leader, "y"), 20);
}

static void a_wiped_node_under_its_old_id_is_not_let_in(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    struct node *wiped = cluster_another(cluster, leader);
    cluster_must_put(cluster, leader, "x=1");
    cluster_wait_until_equal(cluster);
    node_kill(wiped);
    sim_disk_destroy(wiped->disk);
    wiped->disk = sim_disk_create(99);
    struct sim_io_options io_options = {.node = (int)wiped->number - 1};
    struct io *io = sim_io_create(cluster->sim, wiped->disk, &io_options);
    assert_int_equal(
        raft_directory_create(io, "/node", RAFT_NODE_FULL, 0, wiped->number, cluster->options.members, NODES, NULL),
        STATUS_OK);
    io_destroy(io);
    node_start(cluster, wiped);
    cluster_run(cluster, 3000);
    struct raft_driver_status status = node_status(wiped);
    assert_int_equal(status.leader, 0);
    assert_int_equal(status.last_index, 0);
    cluster_must_put(cluster, cluster_wait_for_leader(cluster), "y=1"); /* the others go on */
}

static void a_directory_is_made_once_and_belongs_to_one_node(void **state) {
    struct cluster *cluster = *state;
    struct node *node = &cluster->nodes[0];
    struct raft_driver_options options = cluster->options;
    struct error error;
    struct raft_driver *second;
    options.node_id = 1;
    assert_int_equal(raft_driver_open(node->io, "/node", &options, &second, &error), STATUS_LOCKED);
    node_kill(node);
    node->io = sim_io_create(cluster->sim, node->disk, &(struct sim_io_options){.node = 0});
    assert_int_equal(raft_directory_create(node->io, "/node", RAFT_NODE_FULL, 0, 1, options.members, NODES, &error),
                     STATUS_EXISTS);
    options.node_id = 2;
    assert_int_equal(raft_driver_open(node->io, "/node", &options, &second, &error), STATUS_MISMATCH);
    options.node_id = 1;
    options.member_count = 2;
    options.machines = &node->machine;
    options.machine_count = 1;
    assert_int_equal(raft_driver_open(node->io, "/node", &options, &second, &error), STATUS_MISMATCH);
    assert_non_null(strstr(error.text, "another list of members"));
    io_destroy(node->io);
    node->io = NULL;
}

/* A write whose sync failed may be seen after a restart, and be gone after the next power cut. */
static void an_io_that_fails_once_loses_nothing_over_restart_and_power_cut(void **state) {
    struct cluster *cluster = *state;
    struct node *node = cluster_wait_for_leader(cluster);
    unsigned answered = 0;
    for (uint64_t at = 1; at < 40; at++) {
        sim_disk_fail_at(node->disk, at, STATUS_IO, false);
        struct call call;
        node_put(node, &call, "k=v");
        cluster_run(cluster, 200);
        if (call.answers > 0 && call.status == STATUS_OK) answered++;
        node_kill(node);
        sim_disk_fail_at(node->disk, 0, STATUS_IO, false);
        node_start(cluster, node);
        cluster_wait_for_leader(cluster); /* a new term, promised and written */
        cluster_must_put(cluster, node, "k=v");
        answered++;
        sim_disk_cut(node->disk, SIM_CUT_NONE);
        node_end(node);
        node_start(cluster, node);
        cluster_wait_for_leader(cluster);
        cluster_must_put(cluster, node, "k=v");
        answered++;
        assert_true(node_count(node, "k") >= answered);
    }
}

/* ---- Out of memory ---- */

static void every_failed_allocation_of_an_opening_is_answered(void **state) {
    struct cluster *cluster = *state;
    struct node *node = cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, node, "a=1");
    for (uint64_t n = 1;; n++) {
        node_kill(node);
        node->io = sim_io_create(cluster->sim, node->disk, &(struct sim_io_options){.node = 0});
        struct raft_driver_options options = cluster->options;
        struct error error = {0};
        options.node_id = 1;
        options.machines = &node->machine;
        options.machine_count = 1;
        alloc_fault_at(n);
        enum status status = raft_driver_open(node->io, "/node", &options, &node->driver, &error);
        bool hit = alloc_fault_clear();
        if (status != STATUS_OK && status != STATUS_NO_MEMORY)
            fail_msg("allocation %llu: %s: %s", (unsigned long long)n, status_name(status), error.text);
        if (status == STATUS_OK && !hit) break;
    }
    driver_lab_own(node);
    cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, node, "a=2");
    assert_int_equal(node_count(node, "a"), 2);
}

static void a_failed_allocation_at_work_loses_nothing(void **state) {
    struct cluster *cluster = *state;
    struct node *node = cluster_wait_for_leader(cluster);
    uint64_t applied = 0, hits = 0;
    cluster_must_put(cluster, node, "first=x");
    for (uint64_t n = 1; n < 60; n++) {
        struct call call;
        static char text[60 * 3000 + 3] = "k="; /* ever larger ones: buffers have to grow, too */
        memset(text + 2, 'v', n * 3000);
        alloc_fault_at(1 + n % 6);
        node_put(node, &call, text);
        cluster_run(cluster, 60);
        if (alloc_fault_clear()) hits++;
        cluster_wait_for(cluster, &call);
        if (call.status == STATUS_OK)
            applied++;
        else
            assert_int_equal(call.status, STATUS_BUSY);
        if (call.status == STATUS_OK) assert_int_equal(call.integer, (int64_t)applied);
    }
    assert_true(applied > 10 && hits > 20);
    assert_int_equal(node_count(node, "k"), applied);
}

int main(void) {
#define fact(name) cmocka_unit_test_setup_teardown(name, driver_lab_set_up, driver_lab_tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_cluster_of_one_answers_what_is_durable, driver_lab_set_up_one,
                                        driver_lab_tear_down),
        fact(any_node_takes_writes_and_all_hold_the_same),
        fact(writes_of_one_node_take_effect_in_order),
        fact(many_writes_share_few_barriers),
        fact(a_killed_leader_loses_nothing_that_was_answered),
        fact(a_read_sees_what_was_answered_anywhere),
        fact(reads_of_one_turn_share_a_round),
        fact(a_write_that_was_under_way_when_the_quorum_went_is_answered_as_unknown),
        fact(without_a_quorum_requests_are_refused_as_not_applied),
        fact(a_leader_that_is_being_replaced_counts_as_none_for_writes),
        fact(leadership_goes_round_without_a_refused_write),
        fact(a_transfer_that_can_t_be_is_told_and_the_leader_leads_on),
        fact(a_cancelled_request_is_not_answered),
        fact(a_time_tick_carries_log_time_past_the_call),
        fact(the_voters_that_hold_an_index_are_counted),
        fact(a_peer_that_is_silent_is_known_to_be_for_so_long),
        fact(an_operation_over_the_limit_is_refused),
        fact(a_large_entry_reaches_all_while_heartbeats_pass),
        fact(a_restart_between_two_cuts_applies_nothing_twice),
        cmocka_unit_test_setup_teardown(entries_that_take_long_have_a_turn_each, driver_lab_set_up_one,
                                        driver_lab_tear_down),
        cmocka_unit_test_setup_teardown(a_flush_that_is_asked_for_is_installed_and_a_second_one_is_nothing,
                                        driver_lab_set_up_one, driver_lab_tear_down),
        fact(a_failed_disk_ends_a_nodes_part_and_not_the_clusters),
        fact(a_wiped_node_under_its_old_id_is_not_let_in),
        fact(a_directory_is_made_once_and_belongs_to_one_node),
        cmocka_unit_test_setup_teardown(an_io_that_fails_once_loses_nothing_over_restart_and_power_cut,
                                        driver_lab_set_up_one, driver_lab_tear_down),
        cmocka_unit_test_setup_teardown(every_failed_allocation_of_an_opening_is_answered, driver_lab_set_up_one,
                                        driver_lab_tear_down),
        cmocka_unit_test_setup_teardown(a_failed_allocation_at_work_loses_nothing, driver_lab_set_up_one,
                                        driver_lab_tear_down),
    };
#undef fact
    return cmocka_run_group_tests_name("driver", tests, NULL, NULL);
}
