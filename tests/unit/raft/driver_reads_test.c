/*
 * driver_reads_test: facts about reads while messages are lost and leaders change (raft/driver/reads.c,
 * raft/core/read_index.c, lease.c), on three simulated nodes with a toy store (tests/harness/driver_lab.h).
 */
#include "tests/harness/driver_lab.h"

#include <stdlib.h>

#include "engine/base/prng.h"
#include "tests/harness/test_env.h"

enum { READS_MAX = 4096, LEADERLESS_MS = 2000 };

static uint64_t now_ms(const struct cluster *cluster) {
    return sim_now_ns(cluster->sim) / MS;
}

/* The leader has taken the question with it: nobody waits until it is clear that it will not answer. */
static void a_read_asked_of_a_leader_that_died_is_asked_of_the_next_at_once(void **state) {
    struct cluster *cluster = *state;
    for (int round = 0; round < 10; round++) {
        struct node *leader = cluster_wait_for_leader(cluster);
        cluster_run(cluster, 1000);
        cluster_must_put(cluster, leader, "a=1");
        struct node *follower = cluster_another(cluster, leader);
        struct call call = {.request = {.done = call_done, .context = &call}};
        raft_driver_read(follower->driver, &call.request);
        (void)raft_driver_turn(follower->driver);
        node_kill(leader);
        cluster_wait_for_leader(cluster);
        const uint64_t elected_ms = now_ms(cluster);
        cluster_wait_for(cluster, &call);
        assert_int_equal(call.status, STATUS_OK);
        assert_true(now_ms(cluster) - elected_ms < 40);
        node_start(cluster, leader);
    }
}

/* ---- Loss on all ways at once ---- */

struct storm {
    struct cluster *cluster;
    struct prng prng;
    uint64_t acknowledged; /* of puts of "k" */
    unsigned under_way, served, refused;
};

struct asked {
    struct raft_request request;
    struct storm *storm;
    struct node *node;
    uint64_t floor, asked_ms;
};

static void on_read(struct raft_request *request, enum status status, struct slice reply) {
    struct asked *asked = request->context;
    struct storm *storm = asked->storm;
    (void)reply;
    storm->under_way--;
    if (status == STATUS_OK) {
        storm->served++;
        assert_true(node_count(asked->node, "k") >= asked->floor);
    } else {
        storm->refused++;
        assert_int_equal(status, STATUS_NOT_LEADER);
    }
    assert_true(now_ms(storm->cluster) - asked->asked_ms < LEADERLESS_MS + 1000);
    free(asked);
}

static void on_put(struct raft_request *request, enum status status, struct slice reply) {
    struct asked *asked = request->context;
    struct storm *storm = asked->storm;
    (void)reply;
    storm->under_way--;
    if (status == STATUS_OK) storm->acknowledged++;
    free(asked);
}

static struct asked *ask(struct storm *storm) {
    struct asked *asked = calloc(1, sizeof *asked);
    assert_non_null(asked);
    *asked = (struct asked){.storm = storm,
                            .node = &storm->cluster->nodes[prng_below(&storm->prng, NODES)],
                            .floor = storm->acknowledged,
                            .asked_ms = now_ms(storm->cluster)};
    asked->request.context = asked;
    storm->under_way++;
    return asked;
}

static void do_something(struct storm *storm) {
    struct node *node = &storm->cluster->nodes[prng_below(&storm->prng, NODES)];
    const uint64_t peer = 1 + prng_below(&storm->prng, NODES);
    const uint64_t draw = prng_below(&storm->prng, 100);
    if (draw < 40) {
        struct asked *asked = ask(storm);
        asked->request.done = on_read;
        raft_driver_read(asked->node->driver, &asked->request);
    } else if (draw < 60 && storm->under_way < READS_MAX / 2) {
        struct asked *asked = ask(storm);
        asked->request.done = on_put;
        raft_driver_propose(asked->node->driver, TOY_STORE, slice_from_text("k=v"), &asked->request);
    } else if (draw < 64 && peer != node->number) { /* one way or both, or healed */
        assert_int_equal(
            raft_driver_set_link(node->driver, peer, prng_chance(&storm->prng, 1, 2), prng_chance(&storm->prng, 1, 2)),
            STATUS_OK);
    } else if (draw < 70 && peer != node->number) {
        assert_int_equal(raft_driver_set_link(node->driver, peer, false, false), STATUS_OK);
    } else if (draw == 70) {
        cluster_run(storm->cluster, prng_below(&storm->prng, 600));
    } else {
        cluster_turn(storm->cluster);
    }
}

static void heal(struct cluster *cluster) {
    for (size_t i = 0; i < NODES; i++)
        for (uint64_t peer = 1; peer <= NODES; peer++)
            if (peer != cluster->nodes[i].number)
                assert_int_equal(raft_driver_set_link(cluster->nodes[i].driver, peer, false, false), STATUS_OK);
}

static void no_read_is_stale_and_none_waits_for_ever_while_messages_are_lost(void **state) {
    struct storm storm = {.cluster = *state};
    prng_init(&storm.prng, test_seed(1));
    cluster_wait_for_leader(storm.cluster);
    for (int round = 0; round < 10; round++) {
        for (unsigned i = 0; i < 3000; i++) do_something(&storm);
        heal(storm.cluster);
        cluster_run(storm.cluster, LEADERLESS_MS + 2000);
        assert_int_equal(storm.under_way, 0);
    }
    uint64_t by_lease = 0;
    for (size_t i = 0; i < NODES; i++) by_lease += node_status(&storm.cluster->nodes[i]).lease_reads;
    print_message("%u reads served, %u refused; %llu rounds saved by leases, term %llu\n", storm.served, storm.refused,
                  (unsigned long long)by_lease, (unsigned long long)node_status(&storm.cluster->nodes[0]).term);
    assert_true(storm.served > 2000 && by_lease > 0);
    assert_true(node_status(&storm.cluster->nodes[0]).term > 3);
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, driver_lab_set_up, driver_lab_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        FACT(a_read_asked_of_a_leader_that_died_is_asked_of_the_next_at_once),
        FACT(no_read_is_stale_and_none_waits_for_ever_while_messages_are_lost),
    };
    return cmocka_run_group_tests_name("driver_reads", tests, NULL, NULL);
}
