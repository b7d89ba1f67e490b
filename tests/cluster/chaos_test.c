/*
 * chaos: three real processes under load, killed, paused and parted; what the clients were told is judged by the
 * checker of linearizability, so that a lost acknowledged write, a stale read or a write applied twice fails the test.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "tests/harness/cluster_load.h"
#include "tests/harness/local_cluster.h"
#include "tests/harness/seeds.h"
#include "tests/harness/test_env.h"
#include "tools/judge/models.h"

enum { NODES = 3, CLIENTS = 8, KEYS = 12, PAUSE_MS = 8, TIMEOUT_MS = 3000, READY_MS = 20000, MS = 1000000 };
enum { KILLS = 10, ROUNDS = 4, NEW_LEADER_MS = 2000 };

struct fixture {
    struct local_cluster local;
    struct cluster_load *load;
    char addresses[NODES][IO_ADDRESS_BYTES];
    const char *address_list[NODES];
    struct prng prng;
    uint64_t seed;
};

/* ---- A cluster of its own -------------------------------------------------------------------------------------------
 */

static int set_up(void **state) {
    static const struct local_ports ports = {.first_port = 20000, .step = 100, .steps = 100};
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct error error = {0};
    *state = fixture;
    assert_non_null(fixture);
    local_cluster_plan(&fixture->local, "chaos", &ports);
    struct cluster *cluster = &fixture->local.cluster;
    for (unsigned node = 1; node <= NODES; node++) {
        assert_ok(cluster_node_start(cluster, node, &error), &error);
        plan_address(&cluster->plan, node, PLAN_CLIENTS, fixture->addresses[node - 1]);
        fixture->address_list[node - 1] = fixture->addresses[node - 1];
    }
    assert_ok(cluster_wait_ready(cluster, READY_MS, &error), &error);
    return 0;
}

/* After a failure operations of the clients are still in flight. */
static int tear_down(void **state) {
    struct fixture *fixture = *state;
    const bool passed = fixture->load == NULL;
    local_cluster_stop(&fixture->local, passed);
    if (passed) io_destroy(fixture->local.cluster.io);
    if (passed) free(fixture);
    return 0;
}

/* ---- Load and judgement ---------------------------------------------------------------------------------------------
 */

static void start_load(struct fixture *fixture, const char *test, uint64_t seed) {
    fixture->seed = test_seed(seed);
    seed_starts(test, fixture->seed);
    prng_init(&fixture->prng, fixture->seed);
    const struct cluster_load_options options = {.io = fixture->local.cluster.io,
                                                 .addresses = fixture->address_list,
                                                 .address_count = NODES,
                                                 .clients = CLIENTS,
                                                 .keys = KEYS,
                                                 .seed = fixture->seed,
                                                 .pause_ms = PAUSE_MS,
                                                 .timeout_ms = TIMEOUT_MS};
    fixture->load = cluster_load_start(&options);
}

static void run_for(struct fixture *fixture, uint64_t ms) {
    cluster_load_run(fixture->load, io_now_ns(fixture->local.cluster.io) + ms * MS);
}

static void assert_linearizable(const struct history *history) {
    const struct linearize_options options = {0};
    struct linearize_report report;
    assert_int_equal(linearize(&model_redis_string, history, &options, &report), STATUS_OK);
    if (report.verdict != LINEARIZE_YES) print_message("%.*s\n", (int)report.text.size, (const char *)report.text.data);
    assert_string_equal(linearize_verdict_name(report.verdict), linearize_verdict_name(LINEARIZE_YES));
    linearize_report_deinit(&report);
}

/* All nodes have applied the same entries and hold the same state. */
static void wait_for_equal_state(struct fixture *fixture) {
    const uint64_t give_up_ns = io_now_ns(fixture->local.cluster.io) + (uint64_t)READY_MS * MS;
    struct node_facts facts[PLAN_NODES_MAX];
    for (;;) {
        cluster_ask_all(&fixture->local.cluster, facts);
        bool equal = true;
        for (unsigned i = 0; i < NODES; i++)
            equal &= facts[i].answers && facts[i].applied == facts[0].applied && facts[i].commit == facts[0].commit;
        if (equal) break;
        if (io_now_ns(fixture->local.cluster.io) > give_up_ns) fail_msg("the nodes do not come to the same index");
        io_sleep(fixture->local.cluster.io, 20 * MS);
    }
    for (unsigned i = 1; i < NODES; i++) assert_string_equal(facts[i].state_hash, facts[0].state_hash);
    assert_string_not_equal(facts[0].state_hash, "");
}

/* What a sanitizer or an assertion of our own says goes to the log. */
static void assert_log_is_clean(struct fixture *fixture, unsigned node) {
    static const char *const alarms[] = {"Sanitizer", "runtime error:", "check failed"};
    char path[IO_PATH_BYTES];
    struct io_file *file;
    struct buf text = BUF_EMPTY;
    uint64_t size;
    size_t got;
    plan_path(&fixture->local.cluster.plan, node, ".log", path);
    assert_int_equal(io_file_open(fixture->local.cluster.io, path, IO_OPEN_READ, &file), STATUS_OK);
    assert_int_equal(io_file_size(file, &size), STATUS_OK);
    assert_int_equal(buf_reserve(&text, size + 1), STATUS_OK);
    assert_int_equal(io_file_read(file, 0, text.data, size, &got), STATUS_OK);
    io_file_close(file);
    for (size_t i = 0; i < sizeof alarms / sizeof *alarms; i++) {
        const char *found = memmem(text.data, got, alarms[i], strlen(alarms[i]));
        if (found) fail_msg("%s: %.*s", path, (int)((const char *)text.data + got - found), found);
    }
    buf_deinit(&text);
}

/* Everything runs again: reads all keys through every node, and judges the whole history. */
static void finish(struct fixture *fixture) {
    struct error error = {0};
    assert_ok(cluster_wait_ready(&fixture->local.cluster, READY_MS, &error), &error);
    run_for(fixture, 500);
    cluster_load_stop(fixture->load);
    for (size_t node = 0; node < NODES; node++) cluster_load_read_all(fixture->load, node);
    wait_for_equal_state(fixture);
    for (unsigned node = 1; node <= NODES; node++) assert_log_is_clean(fixture, node);
    print_message("%" PRIu64 " operations answered\n", cluster_load_answered(fixture->load));
    assert_linearizable(cluster_load_history(fixture->load));
    cluster_load_destroy(fixture->load);
    fixture->load = NULL;
    seed_passes();
}

static unsigned find_leader(struct fixture *fixture) {
    const uint64_t give_up_ns = io_now_ns(fixture->local.cluster.io) + (uint64_t)READY_MS * MS;
    struct node_facts facts[PLAN_NODES_MAX];
    while (io_now_ns(fixture->local.cluster.io) < give_up_ns) {
        cluster_ask_all(&fixture->local.cluster, facts);
        unsigned leader = 0;
        uint64_t term = 0;
        for (unsigned i = 0; i < NODES; i++) {
            if (strcmp(facts[i].role, "leader") != 0 || facts[i].term < term) continue;
            leader = i + 1;
            term = facts[i].term;
        }
        if (leader) return leader;
        run_for(fixture, 10);
    }
    fail_msg("no leader");
    return 0;
}

/* Runs the load until a write that came after `since_ns` is acknowledged; returns how long that took. */
static uint64_t wait_for_write_ms(struct fixture *fixture, uint64_t since_ns) {
    struct io *io = fixture->local.cluster.io;
    while (cluster_load_last_write_ns(fixture->load) <= since_ns) {
        if (io_now_ns(io) - since_ns > (uint64_t)READY_MS * MS) fail_msg("no write succeeds any more");
        run_for(fixture, 2);
    }
    return (cluster_load_last_write_ns(fixture->load) - since_ns) / MS;
}

/* ---- Tests ----------------------------------------------------------------------------------------------------------
 */

static void ten_kills_of_the_leader_lose_nothing(void **state) {
    struct fixture *fixture = *state;
    struct error error = {0};
    const uint64_t kills = test_scaled(KILLS);
    uint64_t slowest_ms = 0;
    start_load(fixture, "ten_kills_of_the_leader_lose_nothing", 1);
    run_for(fixture, 500);
    for (uint64_t i = 0; i < kills; i++) {
        const unsigned leader = find_leader(fixture);
        const uint64_t killed_ns = io_now_ns(fixture->local.cluster.io);
        assert_ok(cluster_node_kill(&fixture->local.cluster, leader, &error), &error);
        const unsigned next = find_leader(fixture);
        const uint64_t leader_ms = (io_now_ns(fixture->local.cluster.io) - killed_ns) / MS;
        const uint64_t write_ms = wait_for_write_ms(fixture, killed_ns);
        print_message("kill %" PRIu64 ": node %u after %" PRIu64 " ms, a write after %" PRIu64 " ms\n", i + 1, next,
                      leader_ms, write_ms);
        if (leader_ms > slowest_ms) slowest_ms = leader_ms;
        run_for(fixture, prng_between(&fixture->prng, 100, 500));
        assert_ok(cluster_node_start(&fixture->local.cluster, leader, &error), &error);
        assert_ok(cluster_wait_ready(&fixture->local.cluster, READY_MS, &error), &error);
        run_for(fixture, prng_between(&fixture->prng, 100, 500));
    }
    finish(fixture);
    if (test_scaled(100) >= 100) assert_in_range(slowest_ms, 0, NEW_LEADER_MS); /* sanitizers are slow */
}

static void all_nodes_killed_at_once_lose_nothing(void **state) {
    struct fixture *fixture = *state;
    struct error error = {0};
    const uint64_t rounds = test_scaled(ROUNDS);
    start_load(fixture, "all_nodes_killed_at_once_lose_nothing", 2);
    for (uint64_t i = 0; i < rounds; i++) {
        run_for(fixture, prng_between(&fixture->prng, 300, 800));
        for (unsigned node = 1; node <= NODES; node++)
            assert_ok(cluster_node_kill(&fixture->local.cluster, node, &error), &error);
        for (unsigned node = 1; node <= NODES; node++)
            assert_ok(cluster_node_start(&fixture->local.cluster, node, &error), &error);
        assert_ok(cluster_wait_ready(&fixture->local.cluster, READY_MS, &error), &error);
    }
    finish(fixture);
}

static void signal_node(struct fixture *fixture, unsigned node, enum process_signal signal) {
    long pid;
    assert_int_not_equal(cluster_node_process(&fixture->local.cluster, node, &pid), PROCESS_GONE);
    assert_int_equal(process_signal(pid, signal), STATUS_OK);
}

static void a_paused_leader_that_wakes_up_serves_nothing_stale(void **state) {
    struct fixture *fixture = *state;
    const uint64_t rounds = test_scaled(ROUNDS);
    start_load(fixture, "a_paused_leader_that_wakes_up_serves_nothing_stale", 3);
    for (uint64_t i = 0; i < rounds; i++) {
        run_for(fixture, prng_between(&fixture->prng, 200, 500));
        const unsigned leader = find_leader(fixture);
        signal_node(fixture, leader, PROCESS_PAUSE);
        const uint64_t paused_ns = io_now_ns(fixture->local.cluster.io);
        run_for(fixture, prng_between(&fixture->prng, 600, 1500));
        wait_for_write_ms(fixture, paused_ns);
        signal_node(fixture, leader, PROCESS_RESUME);
        run_for(fixture, prng_between(&fixture->prng, 200, 500));
    }
    finish(fixture);
}

static void a_leader_cut_off_serves_nothing_stale(void **state) {
    struct fixture *fixture = *state;
    struct error error = {0};
    const uint64_t rounds = test_scaled(ROUNDS);
    start_load(fixture, "a_leader_cut_off_serves_nothing_stale", 4);
    for (uint64_t i = 0; i < rounds; i++) {
        unsigned group[PLAN_NODES_MAX] = {0};
        run_for(fixture, prng_between(&fixture->prng, 200, 500));
        group[find_leader(fixture) - 1] = 1;
        assert_ok(cluster_set_links(&fixture->local.cluster, group, &error), &error);
        const uint64_t cut_ns = io_now_ns(fixture->local.cluster.io);
        run_for(fixture, prng_between(&fixture->prng, 600, 1500));
        wait_for_write_ms(fixture, cut_ns);
        assert_ok(cluster_set_links(&fixture->local.cluster, NULL, &error), &error);
        run_for(fixture, prng_between(&fixture->prng, 200, 500));
    }
    finish(fixture);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(ten_kills_of_the_leader_lose_nothing),
        TEST(all_nodes_killed_at_once_lose_nothing),
        TEST(a_paused_leader_that_wakes_up_serves_nothing_stale),
        TEST(a_leader_cut_off_serves_nothing_stale),
    };
    return seed_report(cmocka_run_group_tests_name("chaos", tests, NULL, NULL), "build/tests/cluster/chaos_test");
}
