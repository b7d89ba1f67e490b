/*
 * driver_test: facts about a replicated log at work: three simulated nodes with a toy store on the real engine, log and
 * transport. Random faults over whole servers: tests/sim.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/check.h"
#include "engine/base/coding.h"
#include "engine/base/reply.h"
#include "engine/names.h"
#include "raft/driver.h"
#include "tests/harness/alloc_fault.h"
#include "tools/sim/sim_io.h"
#include "tools/sim/sim_net.h"

enum { NODES = 3, TOY_STORE = 1, TOY_TREE = TREE_STORES, TOY_KIND = KIND_STORES, MS = 1000000, REQUESTS = 4096 };

/* ---- A toy store: "key=value" puts, and counts how often each key was put ---- */

struct toy {
    struct engine *engine;
    uint64_t applied;
};

static enum status toy_apply(void *context, const struct envelope *envelope, struct slice operation,
                             struct engine_batch *batch, struct buf *reply) {
    struct toy *toy = context;
    const uint8_t *sign = memchr(operation.data, '=', operation.size);
    if (sign == NULL) return STATUS_UNSUPPORTED;
    struct slice key = slice_make(operation.data, (size_t)(sign - operation.data));
    struct engine_value value;
    uint64_t count = 0;
    enum status status = engine_get_try(toy->engine, NULL, TOY_TREE, key, &value);
    if (status == STATUS_OK) {
        count = coding_get_u64(value.data.data);
        engine_value_release(&value);
    } else if (status != STATUS_NOT_FOUND && status != STATUS_INVALID) {
        return status; /* INVALID: the very first entry makes the tree */
    }
    struct buf row = BUF_EMPTY;
    status = encode_u64(&row, count + 1);
    if (status == STATUS_OK) status = encode_u64(&row, envelope->seed);
    if (status == STATUS_OK) status = buf_append_slice(&row, slice_from(operation, key.size + 1));
    if (status == STATUS_OK) status = engine_batch_put(batch, TOY_TREE, key, buf_slice(&row));
    if (status == STATUS_OK) status = reply_integer(reply, (int64_t)(count + 1));
    buf_deinit(&row);
    toy->applied++;
    return status;
}

static enum status toy_prefetch(void *context, const struct engine_snapshot *snapshot, struct slice operation) {
    struct toy *toy = context;
    const uint8_t *sign = memchr(operation.data, '=', operation.size);
    struct engine_value value;
    enum status status = engine_get(toy->engine, snapshot, TOY_TREE,
                                    slice_make(operation.data, (size_t)(sign - operation.data)), &value);
    if (status == STATUS_OK) engine_value_release(&value);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status toy_after_restore(void *context, struct engine *engine, uint64_t seed) {
    struct toy *toy = context;
    (void)seed;
    toy->engine = engine;
    return STATUS_OK;
}

static const struct engine_tree_kind toy_kinds[] = {{.id = TOY_KIND, .name = "toy", .filter_bits_per_key = 10}};
static const struct state_machine_tree toy_trees[] = {{TOY_TREE, TOY_KIND}};

/* ---- A cluster ---- */

struct node {
    unsigned number;
    struct sim_disk *disk;
    struct io *io; /* NULL: down */
    struct raft_driver *driver;
    struct toy toy;
    struct state_machine machine;
    uint64_t wake_ns;
};

struct cluster {
    struct sim *sim;
    struct node nodes[NODES];
    struct raft_driver_options options;
    size_t count;
};

static void fill_members(struct raft_driver_options *options, size_t count) {
    options->member_count = count;
    for (size_t i = 0; i < count; i++) {
        options->members[i].id = i + 1;
        snprintf(options->members[i].peer_address, IO_ADDRESS_BYTES, "127.0.0.1:%zu", 7101 + i);
        snprintf(options->members[i].client_address, IO_ADDRESS_BYTES, "127.0.0.1:%zu", 7001 + i);
    }
}

static void node_boot(struct cluster *cluster, struct node *node) {
    struct sim_io_options io_options = {.node = (int)node->number - 1};
    struct error error = {0};
    node->io = sim_io_create(cluster->sim, node->disk, &io_options);
    struct raft_driver_options options = cluster->options;
    options.node_id = node->number;
    options.log = sim_io_log(node->io);
    node->machine = (struct state_machine){
        .store = TOY_STORE,
        .name = "toy",
        .context = &node->toy,
        .kinds = toy_kinds,
        .kind_count = 1,
        .trees = toy_trees,
        .tree_count = 1,
        .apply = toy_apply,
        .prefetch = toy_prefetch,
        .after_restore = toy_after_restore,
    };
    options.machines = &node->machine;
    options.machine_count = 1;
    enum status status = raft_driver_open(node->io, "/node", &options, &node->driver, &error);
    if (status != STATUS_OK) fail_msg("node %u: %s: %s", node->number, status_name(status), error.text);
    node->wake_ns = 0;
}

static void node_end(struct node *node) {
    raft_driver_close(node->driver);
    io_destroy(node->io);
    node->driver = NULL;
    node->io = NULL;
}

static void node_kill(struct node *node) {
    sim_io_kill(node->io);
    node_end(node);
}

static void node_cut(struct node *node) {
    sim_disk_cut(node->disk, SIM_CUT_RANDOM);
    node_end(node);
}

static void be_idle(void *context) {
    (void)context;
}

/* One turn of every node that is up; then time passes to the next thing that happens. */
static void cluster_turn(struct cluster *cluster) {
    for (size_t i = 0; i < cluster->count; i++) {
        struct node *node = &cluster->nodes[i];
        if (node->io == NULL) continue;
        bool due = sim_io_is_ready(node->io) || io_now_ns(node->io) >= node->wake_ns;
        if (!due) continue;
        io_run(node->io, 0);
        node->wake_ns = raft_driver_turn(node->driver);
        io_run(node->io, 0);
    }
    uint64_t next = sim_next_ns(cluster->sim), soon = sim_now_ns(cluster->sim) + MS;
    sim_run_until(cluster->sim, next < soon ? next : soon);
}

static void run_for(struct cluster *cluster, uint64_t ms) {
    uint64_t until = sim_now_ns(cluster->sim) + ms * MS;
    while (sim_now_ns(cluster->sim) < until) cluster_turn(cluster);
}

static int set_up_nodes(void **state, size_t count) {
    struct cluster *cluster = calloc(1, sizeof *cluster);
    if (cluster == NULL) return -1;
    cluster->sim = sim_create(11);
    cluster->count = count;
    cluster->options = (struct raft_driver_options){
        .log_segment_bytes = 64 << 10,
        .log_limit_bytes = 512 << 10,
        .engine = {.memtable_bytes = 64 << 10, .cache_bytes = 1 << 20, .disk_reserve_bytes = 1},
    };
    fill_members(&cluster->options, count);
    for (size_t i = 0; i < count; i++) {
        struct node *node = &cluster->nodes[i];
        node->number = (unsigned)i + 1;
        node->disk = sim_disk_create(i + 1);
        struct sim_io_options io_options = {.node = (int)i};
        struct io *io = sim_io_create(cluster->sim, node->disk, &io_options);
        enum status status = raft_directory_create(io, "/node", 0, node->number, cluster->options.members, count, NULL);
        io_destroy(io);
        if (status != STATUS_OK) return -1;
        node_boot(cluster, node);
        sim_io_set_owner(node->io, be_idle, NULL);
    }
    *state = cluster;
    return 0;
}

static int set_up(void **state) {
    return set_up_nodes(state, NODES);
}

static int set_up_one(void **state) {
    return set_up_nodes(state, 1);
}

static int tear_down(void **state) {
    struct cluster *cluster = *state;
    for (size_t i = 0; i < cluster->count; i++) {
        if (cluster->nodes[i].io != NULL) node_kill(&cluster->nodes[i]);
        sim_disk_destroy(cluster->nodes[i].disk);
    }
    sim_destroy(cluster->sim);
    free(cluster);
    return 0;
}

static void boot(struct cluster *cluster, struct node *node) {
    node_boot(cluster, node);
    sim_io_set_owner(node->io, be_idle, NULL);
}

static struct node *leader_of(struct cluster *cluster) {
    for (size_t i = 0; i < cluster->count; i++) {
        struct raft_driver_status status;
        if (cluster->nodes[i].io == NULL) continue;
        raft_driver_get_status(cluster->nodes[i].driver, &status);
        if (status.role == RAFT_LEADER) return &cluster->nodes[i];
    }
    return NULL;
}

static struct node *wait_for_leader(struct cluster *cluster) {
    for (int i = 0; i < 20000; i++) {
        struct node *leader = leader_of(cluster);
        if (leader != NULL) return leader;
        cluster_turn(cluster);
    }
    fail_msg("no leader");
    return NULL;
}

static struct node *another(struct cluster *cluster, const struct node *than) {
    return &cluster->nodes[than->number % cluster->count];
}

/* ---- Requests ---- */

struct call {
    struct raft_request request;
    unsigned answers;
    enum status status;
    int64_t integer;
};

static void call_done(struct raft_request *request, enum status status, struct slice reply) {
    struct call *call = request->context;
    struct decoder decoder = decoder_make(reply);
    struct reply_value value;
    call->answers++;
    call->status = status;
    if (status == STATUS_OK && reply.size > 0 && reply_decode(&decoder, &value) == STATUS_OK)
        call->integer = value.integer;
}

static void put(struct node *node, struct call *call, const char *text) {
    *call = (struct call){.request = {.done = call_done, .context = call}};
    raft_driver_propose(node->driver, TOY_STORE, slice_from_text(text), &call->request);
    assert_int_equal(call->answers, 0);
}

static void wait_for(struct cluster *cluster, const struct call *call) {
    for (int i = 0; i < 60000 && call->answers == 0; i++) cluster_turn(cluster);
    assert_int_equal(call->answers, 1);
}

static void must_put(struct cluster *cluster, struct node *node, const char *text) {
    struct call call;
    put(node, &call, text);
    wait_for(cluster, &call);
    if (call.status != STATUS_OK) fail_msg("%s: %s", text, status_name(call.status));
}

/* Many puts of keys that are told apart by prefix and number; all must be answered with 1. */
static void must_put_many(struct cluster *cluster, struct node *node, const char *prefix, unsigned count,
                          size_t value_bytes) {
    struct call *calls = calloc(count, sizeof *calls);
    char *text = malloc(value_bytes + 64);
    assert_true(calls != NULL && text != NULL);
    for (unsigned i = 0; i < count; i++) {
        int head = snprintf(text, 64, "%s%u=", prefix, i);
        memset(text + head, 'a' + (int)(i % 26), value_bytes);
        text[(size_t)head + value_bytes] = 0;
        put(node, &calls[i], text);
        if (i % 16 == 15) run_for(cluster, 2);
    }
    for (unsigned i = 0; i < count; i++) {
        wait_for(cluster, &calls[i]);
        if (calls[i].status != STATUS_OK) fail_msg("%s%u: %s", prefix, i, status_name(calls[i].status));
        assert_int_equal(calls[i].integer, 1);
    }
    free(text);
    free(calls);
}

static uint64_t count_of(struct node *node, const char *key) {
    struct engine_value value;
    enum status status = engine_get(raft_driver_engine(node->driver), NULL, TOY_TREE, slice_from_text(key), &value);
    if (status == STATUS_NOT_FOUND || status == STATUS_INVALID) return 0;
    assert_int_equal(status, STATUS_OK);
    uint64_t count = coding_get_u64(value.data.data);
    engine_value_release(&value);
    return count;
}

static struct raft_driver_status status_of(struct node *node) {
    struct raft_driver_status status;
    raft_driver_get_status(node->driver, &status);
    return status;
}

/* Until all that are up have applied the same, and then hold the same. */
static void wait_until_equal(struct cluster *cluster) {
    for (int i = 0; i < 60000; i++) {
        uint64_t applied[NODES], commit = 0, hash[NODES];
        size_t up = 0;
        for (size_t n = 0; n < cluster->count; n++) {
            if (cluster->nodes[n].io == NULL) continue;
            struct raft_driver_status status = status_of(&cluster->nodes[n]);
            applied[up] = status.applied;
            hash[up++] = status.state_hash;
            if (status.last_index > commit) commit = status.last_index;
        }
        bool equal = true;
        for (size_t n = 0; n < up; n++) equal = equal && applied[n] == commit;
        if (equal) {
            for (size_t n = 1; n < up; n++) assert_int_equal(hash[n], hash[0]);
            return;
        }
        cluster_turn(cluster);
    }
    fail_msg("the nodes do not agree in time");
}

/* ---- Facts ---- */

static void a_cluster_of_one_answers_what_is_durable(void **state) {
    struct cluster *cluster = *state;
    struct node *node = wait_for_leader(cluster);
    must_put(cluster, node, "a=1");
    must_put(cluster, node, "b=2");
    node_cut(node);
    boot(cluster, node);
    wait_for_leader(cluster);
    struct call call;
    put(node, &call, "a=3");
    wait_for(cluster, &call);
    assert_int_equal(call.integer, 2);
    assert_int_equal(count_of(node, "b"), 1);
}

static void any_node_takes_writes_and_all_hold_the_same(void **state) {
    struct cluster *cluster = *state;
    wait_for_leader(cluster);
    for (size_t i = 0; i < NODES; i++) {
        char text[32];
        snprintf(text, sizeof text, "from%zu=x", i);
        must_put(cluster, &cluster->nodes[i], text);
    }
    wait_until_equal(cluster);
    for (size_t i = 0; i < NODES; i++) {
        assert_int_equal(count_of(&cluster->nodes[i], "from0"), 1);
        assert_int_equal(count_of(&cluster->nodes[i], "from2"), 1);
    }
}

static void writes_of_one_node_take_effect_in_order(void **state) {
    struct cluster *cluster = *state;
    struct node *follower = another(cluster, wait_for_leader(cluster));
    struct call calls[100];
    for (int i = 0; i < 100; i++) put(follower, &calls[i], "same=x");
    for (int i = 0; i < 100; i++) {
        wait_for(cluster, &calls[i]);
        assert_int_equal(calls[i].status, STATUS_OK);
        assert_int_equal(calls[i].integer, i + 1);
        if (i > 0) assert_true(calls[i].request.index > calls[i - 1].request.index);
    }
}

static void many_writes_share_few_barriers(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = wait_for_leader(cluster);
    must_put(cluster, leader, "first=x");
    struct raft_driver_status before = status_of(leader);
    struct call calls[60];
    for (int i = 0; i < 60; i++) put(leader, &calls[i], "k=v");
    for (int i = 0; i < 60; i++) wait_for(cluster, &calls[i]);
    struct raft_driver_status after = status_of(leader);
    assert_true(after.log_syncs - before.log_syncs <= 4);
    assert_int_equal(after.log_syncs - before.log_syncs, after.log_commits - before.log_commits);
}

static void a_killed_leader_loses_nothing_that_was_answered(void **state) {
    struct cluster *cluster = *state;
    for (unsigned round = 0; round < 5; round++) {
        struct node *leader = wait_for_leader(cluster);
        struct node *follower = another(cluster, leader);
        char prefix[16];
        snprintf(prefix, sizeof prefix, "r%u.", round);
        must_put_many(cluster, follower, prefix, 30, 20);
        struct call open[10];
        for (int i = 0; i < 10; i++) put(follower, &open[i], "open=x"); /* on their way when the leader goes */
        run_for(cluster, 1);
        if (round % 2)
            node_cut(leader);
        else
            node_kill(leader);
        for (int i = 0; i < 10; i++) {
            wait_for(cluster, &open[i]);
            assert_int_equal(open[i].status, STATUS_OK);
            assert_int_equal(open[i].integer, round * 10 + (unsigned)i + 1); /* each once, in order */
        }
        boot(cluster, leader);
    }
    wait_until_equal(cluster);
    for (size_t i = 0; i < NODES; i++) {
        assert_int_equal(count_of(&cluster->nodes[i], "r0.29"), 1);
        assert_int_equal(count_of(&cluster->nodes[i], "open"), 50);
    }
}

static void a_read_sees_what_was_answered_anywhere(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = wait_for_leader(cluster);
    struct node *follower = another(cluster, leader);
    for (int i = 1; i <= 20; i++) {
        must_put(cluster, leader, "seen=x");
        struct call call = {.request = {.done = call_done, .context = &call}};
        raft_driver_read(follower->driver, &call.request);
        wait_for(cluster, &call);
        assert_int_equal(call.status, STATUS_OK);
        assert_int_equal(count_of(follower, "seen"), (uint64_t)i);
    }
}

static void reads_of_one_turn_share_a_round(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = wait_for_leader(cluster);
    must_put(cluster, leader, "x=1");
    struct raft_driver_status before = status_of(leader);
    struct call calls[50];
    for (int i = 0; i < 50; i++) {
        calls[i] = (struct call){.request = {.done = call_done, .context = &calls[i]}};
        raft_driver_read(leader->driver, &calls[i].request);
    }
    for (int i = 0; i < 50; i++) wait_for(cluster, &calls[i]);
    struct raft_driver_status after = status_of(leader);
    assert_int_equal(after.reads - before.reads, 50);
    assert_int_equal(after.read_rounds - before.read_rounds, 1);
}

static void without_a_quorum_requests_are_refused_as_not_applied(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = wait_for_leader(cluster);
    must_put(cluster, leader, "x=1");
    for (size_t i = 0; i < NODES; i++)
        if (&cluster->nodes[i] != leader) node_kill(&cluster->nodes[i]);
    run_for(cluster, 2000); /* a leader without a quorum steps down */
    struct call write, read = {.request = {.done = call_done, .context = &read}};
    put(leader, &write, "never=x");
    raft_driver_read(leader->driver, &read.request);
    wait_for(cluster, &write);
    wait_for(cluster, &read);
    assert_int_equal(write.status, STATUS_NOT_LEADER);
    assert_int_equal(read.status, STATUS_NOT_LEADER);
    for (size_t i = 0; i < NODES; i++)
        if (&cluster->nodes[i] != leader) boot(cluster, &cluster->nodes[i]);
    wait_for_leader(cluster);
    must_put(cluster, leader, "later=x");
    wait_until_equal(cluster);
    assert_int_equal(count_of(leader, "never"), 0);
}

static void a_cancelled_request_is_not_answered(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = wait_for_leader(cluster);
    struct call write, read = {.request = {.done = call_done, .context = &read}}, tick = read;
    tick.request.context = &tick;
    put(leader, &write, "w=x");
    raft_driver_read(leader->driver, &read.request);
    raft_driver_tick_time(leader->driver, &tick.request);
    raft_driver_cancel(leader->driver, &write.request);
    raft_driver_cancel(leader->driver, &read.request);
    raft_driver_cancel(leader->driver, &tick.request);
    run_for(cluster, 500);
    assert_int_equal(write.answers + read.answers + tick.answers, 0);
}

static void a_time_tick_carries_log_time_past_the_call(void **state) {
    struct cluster *cluster = *state;
    struct node *follower = another(cluster, wait_for_leader(cluster));
    must_put(cluster, follower, "x=1");
    run_for(cluster, 3000);
    int64_t now = io_clock_ms(follower->io);
    assert_true(raft_driver_log_time(follower->driver) < now - 1000);
    struct call calls[3];
    for (int i = 0; i < 3; i++) {
        calls[i] = (struct call){.request = {.done = call_done, .context = &calls[i]}};
        raft_driver_tick_time(follower->driver, &calls[i].request);
    }
    for (int i = 0; i < 3; i++) wait_for(cluster, &calls[i]);
    assert_true(raft_driver_log_time(follower->driver) >= now - 100);
}

static void the_voters_that_hold_an_index_are_counted(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = wait_for_leader(cluster);
    struct node *follower = another(cluster, leader);
    struct call write;
    put(follower, &write, "x=1");
    wait_for(cluster, &write);
    run_for(cluster, 200);
    struct call count = {.request = {.done = call_done, .context = &count}};
    raft_driver_count_durable(follower->driver, write.request.index, &count.request);
    wait_for(cluster, &count);
    assert_int_equal(count.status, STATUS_OK);
    assert_int_equal(count.integer, NODES);
}

static void an_operation_over_the_limit_is_refused(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = wait_for_leader(cluster);
    size_t size = RAFT_ENTRY_LIMIT_BYTES + 1;
    uint8_t *large = calloc(1, size);
    struct call call = {.request = {.done = call_done, .context = &call}};
    raft_driver_propose(leader->driver, TOY_STORE, slice_make(large, size), &call.request);
    assert_int_equal(call.answers, 0);
    wait_for(cluster, &call);
    assert_int_equal(call.status, STATUS_TOO_LARGE);
    free(large);
}

static void a_large_entry_reaches_all_while_heartbeats_pass(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = wait_for_leader(cluster);
    struct node *follower = another(cluster, leader);
    uint64_t term = status_of(leader).term;
    size_t size = 3 << 20;
    char *large = malloc(size + 1);
    memset(large, 'v', size);
    memcpy(large, "big=", 4);
    large[size] = 0;
    must_put(cluster, follower, large);
    wait_until_equal(cluster);
    assert_int_equal(status_of(leader).term, term);
    for (size_t i = 0; i < NODES; i++) assert_int_equal(count_of(&cluster->nodes[i], "big"), 1);
    free(large);
}

static void the_log_stays_short_and_a_node_that_missed_it_gets_a_snapshot(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = wait_for_leader(cluster);
    struct node *absent = another(cluster, leader);
    must_put(cluster, leader, "before=x");
    wait_until_equal(cluster);
    node_kill(absent);
    leader = wait_for_leader(cluster);
    for (unsigned i = 0; i < 12; i++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "fill%u.", i);
        must_put_many(cluster, leader, prefix, 64, 2000);
        run_for(cluster, 300);
        leader = wait_for_leader(cluster);
    }
    assert_true(status_of(leader).first_index > 10);
    assert_true(status_of(leader).log_bytes < 512 << 10);

    boot(cluster, absent);
    wait_until_equal(cluster);
    assert_int_equal(status_of(absent).snapshots_installed, 1);
    assert_int_equal(count_of(absent, "before"), 1);
    assert_int_equal(count_of(absent, "fill0.0"), 1);
    assert_int_equal(count_of(absent, "fill11.63"), 1);
    must_put(cluster, absent, "again=x");

    /* What was installed is the node's own from now on. */
    node_cut(absent);
    boot(cluster, absent);
    wait_until_equal(cluster);
    assert_int_equal(status_of(absent).snapshots_installed, 0);
    assert_int_equal(count_of(absent, "fill0.0"), 1);
    assert_int_equal(count_of(absent, "again"), 1);
}

static void a_crash_at_any_moment_of_an_install_leaves_old_or_new(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = wait_for_leader(cluster);
    struct node *absent = another(cluster, leader);
    must_put(cluster, leader, "before=x");
    wait_until_equal(cluster);
    node_kill(absent);
    leader = wait_for_leader(cluster);
    for (unsigned i = 0; i < 6; i++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "fill%u.", i);
        must_put_many(cluster, leader, prefix, 64, 2000);
        run_for(cluster, 300);
        leader = wait_for_leader(cluster);
    }
    unsigned cuts = 0;
    for (uint64_t at = 40;; at += 7) {
        boot(cluster, absent);
        sim_disk_cut_at(absent->disk, at, SIM_CUT_RANDOM);
        for (int i = 0; i < 4000 && sim_disk_is_powered(absent->disk) && status_of(absent).snapshots_installed == 0;
             i++)
            cluster_turn(cluster);
        bool cut = !sim_disk_is_powered(absent->disk);
        if (cut) cuts++;
        if (!cut) break;
        node_end(absent);
        if (cuts > 60) {
            boot(cluster, absent);
            break;
        }
    }
    sim_disk_cut_at(absent->disk, 0, SIM_CUT_RANDOM);
    wait_until_equal(cluster);
    assert_true(cuts > 3);
    assert_int_equal(count_of(absent, "before"), 1);
    assert_int_equal(count_of(absent, "fill5.63"), 1);
}

static void a_failed_disk_ends_a_nodes_part_and_not_the_clusters(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = wait_for_leader(cluster);
    must_put(cluster, leader, "x=1");
    sim_disk_fail_at(leader->disk, 1, STATUS_IO, true);
    struct node *follower = another(cluster, leader);
    struct call calls[20];
    for (int i = 0; i < 20; i++) put(follower, &calls[i], "y=1");
    for (int i = 0; i < 20; i++) {
        wait_for(cluster, &calls[i]);
        assert_int_equal(calls[i].status, STATUS_OK);
        assert_int_equal(calls[i].integer, i + 1);
    }
    struct call refused;
    put(leader, &refused, "z=1");
    wait_for(cluster, &refused);
    assert_int_equal(refused.status, STATUS_READ_ONLY);
    assert_true(raft_driver_pressure(leader->driver) == 1000);
    node_kill(leader);
    sim_disk_fail_at(leader->disk, 0, STATUS_IO, false);
    boot(cluster, leader);
    wait_until_equal(cluster);
    assert_int_equal(count_of(leader, "y"), 20);
}

static void a_wiped_node_under_its_old_id_is_not_let_in(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = wait_for_leader(cluster);
    struct node *wiped = another(cluster, leader);
    must_put(cluster, leader, "x=1");
    wait_until_equal(cluster);
    node_kill(wiped);
    sim_disk_destroy(wiped->disk);
    wiped->disk = sim_disk_create(99);
    struct sim_io_options io_options = {.node = (int)wiped->number - 1};
    struct io *io = sim_io_create(cluster->sim, wiped->disk, &io_options);
    assert_int_equal(raft_directory_create(io, "/node", 0, wiped->number, cluster->options.members, NODES, NULL),
                     STATUS_OK);
    io_destroy(io);
    boot(cluster, wiped);
    run_for(cluster, 3000);
    struct raft_driver_status status = status_of(wiped);
    assert_int_equal(status.leader, 0);
    assert_int_equal(status.last_index, 0);
    must_put(cluster, wait_for_leader(cluster), "y=1"); /* the others go on */
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
    assert_int_equal(raft_directory_create(node->io, "/node", 0, 1, options.members, NODES, &error), STATUS_EXISTS);
    options.node_id = 2;
    assert_int_equal(raft_driver_open(node->io, "/node", &options, &second, &error), STATUS_MISMATCH);
    options.node_id = 1;
    options.member_count = 2;
    assert_int_equal(raft_driver_open(node->io, "/node", &options, &second, &error), STATUS_MISMATCH);
    assert_non_null(strstr(error.text, "another list of members"));
    io_destroy(node->io);
    node->io = NULL;
}

/* A write whose sync failed may be seen after a restart, and be gone after the next power cut. */
static void an_io_that_fails_once_loses_nothing_over_restart_and_power_cut(void **state) {
    struct cluster *cluster = *state;
    struct node *node = wait_for_leader(cluster);
    unsigned answered = 0;
    for (uint64_t at = 1; at < 40; at++) {
        sim_disk_fail_at(node->disk, at, STATUS_IO, false);
        struct call call;
        put(node, &call, "k=v");
        run_for(cluster, 200);
        if (call.answers > 0 && call.status == STATUS_OK) answered++;
        node_kill(node);
        sim_disk_fail_at(node->disk, 0, STATUS_IO, false);
        boot(cluster, node);
        wait_for_leader(cluster); /* a new term, promised and written */
        must_put(cluster, node, "k=v");
        answered++;
        sim_disk_cut(node->disk, SIM_CUT_NONE);
        node_end(node);
        boot(cluster, node);
        wait_for_leader(cluster);
        must_put(cluster, node, "k=v");
        answered++;
        assert_true(count_of(node, "k") >= answered);
    }
}

/* ---- Out of memory ---- */

static void every_failed_allocation_of_an_opening_is_answered(void **state) {
    struct cluster *cluster = *state;
    struct node *node = wait_for_leader(cluster);
    must_put(cluster, node, "a=1");
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
    sim_io_set_owner(node->io, be_idle, NULL);
    wait_for_leader(cluster);
    must_put(cluster, node, "a=2");
    assert_int_equal(count_of(node, "a"), 2);
}

static void a_failed_allocation_at_work_loses_nothing(void **state) {
    struct cluster *cluster = *state;
    struct node *node = wait_for_leader(cluster);
    uint64_t applied = 0, hits = 0;
    must_put(cluster, node, "first=x");
    for (uint64_t n = 1; n < 60; n++) {
        struct call call;
        static char text[60 * 3000 + 3] = "k="; /* ever larger ones: buffers have to grow, too */
        memset(text + 2, 'v', n * 3000);
        alloc_fault_at(1 + n % 6);
        put(node, &call, text);
        run_for(cluster, 60);
        if (alloc_fault_clear()) hits++;
        wait_for(cluster, &call);
        if (call.status == STATUS_OK)
            applied++;
        else
            assert_int_equal(call.status, STATUS_BUSY);
        if (call.status == STATUS_OK) assert_int_equal(call.integer, (int64_t)applied);
    }
    assert_true(applied > 10 && hits > 20);
    assert_int_equal(count_of(node, "k"), applied);
}

int main(void) {
#define fact(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_cluster_of_one_answers_what_is_durable, set_up_one, tear_down),
        fact(any_node_takes_writes_and_all_hold_the_same),
        fact(writes_of_one_node_take_effect_in_order),
        fact(many_writes_share_few_barriers),
        fact(a_killed_leader_loses_nothing_that_was_answered),
        fact(a_read_sees_what_was_answered_anywhere),
        fact(reads_of_one_turn_share_a_round),
        fact(without_a_quorum_requests_are_refused_as_not_applied),
        fact(a_cancelled_request_is_not_answered),
        fact(a_time_tick_carries_log_time_past_the_call),
        fact(the_voters_that_hold_an_index_are_counted),
        fact(an_operation_over_the_limit_is_refused),
        fact(a_large_entry_reaches_all_while_heartbeats_pass),
        fact(the_log_stays_short_and_a_node_that_missed_it_gets_a_snapshot),
        fact(a_crash_at_any_moment_of_an_install_leaves_old_or_new),
        fact(a_failed_disk_ends_a_nodes_part_and_not_the_clusters),
        fact(a_wiped_node_under_its_old_id_is_not_let_in),
        fact(a_directory_is_made_once_and_belongs_to_one_node),
        cmocka_unit_test_setup_teardown(an_io_that_fails_once_loses_nothing_over_restart_and_power_cut, set_up_one,
                                        tear_down),
        cmocka_unit_test_setup_teardown(every_failed_allocation_of_an_opening_is_answered, set_up_one, tear_down),
        cmocka_unit_test_setup_teardown(a_failed_allocation_at_work_loses_nothing, set_up_one, tear_down),
    };
#undef fact
    return cmocka_run_group_tests_name("driver", tests, NULL, NULL);
}
