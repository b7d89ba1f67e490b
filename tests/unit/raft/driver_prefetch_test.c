/*
 * driver_prefetch_test: facts about rows that are read ahead while their entries are replicated: apply does not wait
 * for them, nothing depends on it, and it has bounds.
 */
#include "tests/harness/driver_lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raft/driver/driver_internal.h"

enum { KEYS = 4000, VALUE = 200, BATCH = 50 };

/* Puts each key once more; `round` tells what must be answered. */
static void put_round(struct cluster *cluster, struct node *node, unsigned first, unsigned count, int64_t round) {
    static char texts[BATCH][VALUE + 32];
    struct call calls[BATCH];
    assert_true(count <= BATCH);
    for (unsigned i = 0; i < count; i++) {
        int head = snprintf(texts[i], 32, "key%05u=", (first + i) * 7919 % KEYS); /* far from each other */
        memset(texts[i] + head, 'v', VALUE);
        texts[i][head + VALUE] = 0;
        node_put(node, &calls[i], texts[i]);
    }
    for (unsigned i = 0; i < count; i++) {
        cluster_wait_for(cluster, &calls[i]);
        assert_int_equal(calls[i].status, STATUS_OK);
        assert_int_equal(calls[i].integer, round);
    }
}

static void put_all(struct cluster *cluster, struct node *node, int64_t round) {
    for (unsigned first = 0; first < KEYS; first += BATCH) put_round(cluster, node, first, BATCH, round);
}

static void restart_with(struct cluster *cluster, size_t memtable_bytes, size_t cache_bytes) {
    cluster->options.log_limit_bytes = 64 << 20;
    cluster->options.engine.block_bytes = 512;
    cluster->options.engine.memtable_bytes = memtable_bytes;
    cluster->options.engine.cache_bytes = cache_bytes;
    for (size_t i = 0; i < cluster->count; i++) {
        node_kill(&cluster->nodes[i]);
        node_start(cluster, &cluster->nodes[i]);
    }
}

static void rows_that_are_not_in_memory_are_read_while_their_entry_is_replicated(void **state) {
    struct cluster *cluster = *state;
    restart_with(cluster, 32 << 10, 256 << 10); /* a quarter of the rows */
    struct node *leader = cluster_wait_for_leader(cluster);
    put_all(cluster, leader, 1);
    put_all(cluster, leader, 2);
    cluster_wait_until_equal(cluster);
    struct raft_driver_status before[NODES];
    for (size_t i = 0; i < NODES; i++) before[i] = node_status(&cluster->nodes[i]);
    put_all(cluster, leader, 3);
    cluster_wait_until_equal(cluster);
    for (size_t i = 0; i < NODES; i++) {
        struct raft_driver_status after = node_status(&cluster->nodes[i]);
        uint64_t fetched = after.prefetched_entries - before[i].prefetched_entries;
        uint64_t stalls = after.apply_stalls - before[i].apply_stalls;
        printf("node %zu: %d entries, %llu fetched ahead, %llu stalls\n", i + 1, KEYS, (unsigned long long)fetched,
               (unsigned long long)stalls);
        assert_true(fetched > KEYS / 3);
        assert_true(stalls < fetched / 5);
    }
}

static void a_cache_that_holds_nothing_costs_reads_and_no_answer(void **state) {
    struct cluster *cluster = *state;
    restart_with(cluster, 32 << 10, 1024);
    struct node *leader = cluster_wait_for_leader(cluster);
    for (int64_t round = 1; round <= 3; round++) put_all(cluster, leader, round);
    cluster_wait_until_equal(cluster);
    struct raft_driver_status status = node_status(leader);
    assert_true(status.prefetch_lost > 0);
    assert_true(status.prefetch_window <= 2); /* what does not stay is not fetched in masses */
    assert_true(status.prefetched_entries < status.apply_stalls * 2);
    for (size_t i = 0; i < NODES; i++) assert_int_equal(node_count(&cluster->nodes[i], "key00007"), 3);
}

static void while_all_is_in_memory_nobody_looks(void **state) {
    struct cluster *cluster = *state;
    restart_with(cluster, 8 << 20, 256 << 10);
    struct node *leader = cluster_wait_for_leader(cluster);
    leader->driver->ahead.credit = 100; /* as after many entries that were in memory */
    uint64_t looks = node_status(leader).prefetch_looks;
    for (unsigned i = 1; i <= 300; i++) cluster_must_put(cluster, leader, "hot=x");
    struct raft_driver_status status = node_status(leader);
    assert_true(status.prefetch_looks - looks <= 100);
    assert_int_equal(status.prefetched_entries + status.apply_stalls, 0);
}

static void the_first_stall_makes_it_look_again(void **state) {
    struct cluster *cluster = *state;
    restart_with(cluster, 32 << 10, 256 << 10);
    struct node *leader = cluster_wait_for_leader(cluster);
    put_all(cluster, leader, 1);
    cluster_wait_until_equal(cluster);
    for (size_t i = 0; i < NODES; i++) cluster->nodes[i].driver->ahead.credit = 0;
    struct raft_driver_status before = node_status(leader);
    put_all(cluster, leader, 2);
    struct raft_driver_status after = node_status(leader);
    assert_true(after.prefetched_entries - before.prefetched_entries > KEYS / 3);
    assert_in_range(after.apply_stalls - before.apply_stalls, 1, KEYS / 5);
}

static void what_waits_for_its_apply_stays_within_the_window(void **state) {
    struct cluster *cluster = *state;
    restart_with(cluster, 32 << 10, 256 << 10);
    struct node *leader = cluster_wait_for_leader(cluster);
    put_all(cluster, leader, 1);
    cluster_wait_until_equal(cluster);
    leader->driver->ahead.window = 10;
    cluster_kill_others(cluster, leader); /* nothing is committed any more */
    static struct call calls[BATCH];      /* answered when the node ends */
    static char texts[BATCH][16];
    for (unsigned i = 0; i < BATCH; i++) {
        snprintf(texts[i], sizeof texts[i], "key%05u=x", i * 29);
        node_put(leader, &calls[i], texts[i]);
    }
    cluster_run(cluster, 100);
    assert_int_equal(node_status(leader).prefetch_ahead, 10);
    /* And its jobs may be under way when the node ends. */
    leader->driver->ahead.window = PREFETCH_WINDOW_MAX;
    (void)raft_driver_turn(leader->driver);
    assert_true(node_status(leader).prefetch_ahead > 10);
}

int main(void) {
#define fact(name) cmocka_unit_test_setup_teardown(name, driver_lab_set_up, driver_lab_tear_down)
    const struct CMUnitTest tests[] = {
        fact(rows_that_are_not_in_memory_are_read_while_their_entry_is_replicated),
        fact(a_cache_that_holds_nothing_costs_reads_and_no_answer),
        fact(while_all_is_in_memory_nobody_looks),
        fact(the_first_stall_makes_it_look_again),
        fact(what_waits_for_its_apply_stays_within_the_window),
    };
#undef fact
    return cmocka_run_group_tests_name("driver_prefetch", tests, NULL, NULL);
}
