#include "tests/harness/driver_lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/coding.h"
#include "engine/base/reply.h"
#include "tools/sim/sim_net.h"

/* ---- A toy store: "key=value" puts, and counts how often each key was put ---- */

static enum status toy_apply(void *context, const struct envelope *envelope, struct slice operation,
                             struct engine_batch *batch, struct buf *reply) {
    struct toy *toy = context;
    const uint8_t *sign = memchr(operation.data, '=', operation.size);
    if (sign == NULL) return STATUS_UNSUPPORTED;
    struct slice key = slice_make(operation.data, (size_t)(sign - operation.data));
    struct engine_value value;
    uint64_t count = 0;
    enum status status = envelope->may_block ? engine_get(toy->engine, NULL, TOY_TREE, key, &value)
                                             : engine_get_try(toy->engine, NULL, TOY_TREE, key, &value);
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

static enum status toy_probe(void *context, struct slice operation) {
    struct toy *toy = context;
    const uint8_t *sign = memchr(operation.data, '=', operation.size);
    struct engine_value value;
    enum status status = engine_get_try(toy->engine, NULL, TOY_TREE,
                                        slice_make(operation.data, (size_t)(sign - operation.data)), &value);
    if (status == STATUS_OK) engine_value_release(&value);
    return status;
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

struct raft_member cluster_member(uint64_t id) {
    struct raft_member member = {.id = id};
    snprintf(member.peer_address, IO_ADDRESS_BYTES, "127.0.0.1:%u", (unsigned)(7100 + id));
    snprintf(member.client_address, IO_ADDRESS_BYTES, "127.0.0.1:%u", (unsigned)(7000 + id));
    return member;
}

static void fill_members(struct raft_driver_options *options, size_t count) {
    options->member_count = count;
    for (size_t i = 0; i < count; i++) options->members[i] = cluster_member(i + 1);
}

static void node_boot(struct cluster *cluster, struct node *node) {
    struct sim_io_options io_options = {.node = (int)node->number - 1};
    struct error error = {0};
    node->io = sim_io_create(cluster->sim, node->disk, &io_options);
    struct raft_driver_options options = cluster->options;
    options.node_id = node->number;
    if (node->number > options.member_count) options.members[options.member_count++] = cluster_member(node->number);
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
        .probe = toy_probe,
        .after_restore = toy_after_restore,
    };
    options.machines = &node->machine;
    options.machine_count = 1;
    enum status status = raft_driver_open(node->io, "/node", &options, &node->driver, &error);
    if (status != STATUS_OK) fail_msg("node %u: %s: %s", node->number, status_name(status), error.text);
    node->wake_ns = 0;
}

void node_end(struct node *node) {
    raft_driver_close(node->driver);
    io_destroy(node->io);
    node->driver = NULL;
    node->io = NULL;
}

void node_kill(struct node *node) {
    sim_io_kill(node->io);
    node_end(node);
}

void node_cut(struct node *node) {
    sim_disk_cut(node->disk, SIM_CUT_RANDOM);
    node_end(node);
}

static void be_idle(void *context) {
    (void)context;
}

/* A node that is driven by cluster_turn: what its io completes wakes nobody else. */
void driver_lab_own(struct node *node) {
    sim_io_set_owner(node->io, be_idle, NULL);
}

/* One turn of every node that is up; then time passes to the next thing that happens. */
void cluster_turn(struct cluster *cluster) {
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

void cluster_run(struct cluster *cluster, uint64_t ms) {
    uint64_t until = sim_now_ns(cluster->sim) + ms * MS;
    while (sim_now_ns(cluster->sim) < until) cluster_turn(cluster);
}

static int set_up_nodes(void **state, size_t count, unsigned witness) {
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
        const enum raft_node_kind kind = node->number == witness ? RAFT_NODE_WITNESS : RAFT_NODE_FULL;
        enum status status =
            raft_directory_create(io, "/node", kind, 0, node->number, cluster->options.members, count, NULL);
        io_destroy(io);
        if (status != STATUS_OK) return -1;
        node_boot(cluster, node);
        driver_lab_own(node);
    }
    *state = cluster;
    return 0;
}

struct node *cluster_newcomer(struct cluster *cluster, enum raft_node_kind kind, struct raft_identity *identity) {
    assert_true(cluster->count < NODES_MOST);
    struct node *node = &cluster->nodes[cluster->count++];
    node->number = (unsigned)cluster->count;
    node->disk = sim_disk_create(node->number);
    struct sim_io_options io_options = {.node = (int)node->number - 1};
    struct io *io = sim_io_create(cluster->sim, node->disk, &io_options);
    struct raft_driver_status status = node_status(cluster_wait_for_leader(cluster));
    assert_int_equal(
        raft_directory_create_joining(io, "/node", kind, status.identity.cluster_id, node->number, identity, NULL),
        STATUS_OK);
    io_destroy(io);
    node_start(cluster, node);
    return node;
}

int driver_lab_set_up(void **state) {
    return set_up_nodes(state, NODES, 0);
}

int driver_lab_set_up_one(void **state) {
    return set_up_nodes(state, 1, 0);
}

int driver_lab_set_up_witness(void **state) {
    return set_up_nodes(state, NODES, NODES);
}

int driver_lab_tear_down(void **state) {
    struct cluster *cluster = *state;
    for (size_t i = 0; i < cluster->count; i++) {
        if (cluster->nodes[i].io != NULL) node_kill(&cluster->nodes[i]);
        sim_disk_destroy(cluster->nodes[i].disk);
    }
    sim_destroy(cluster->sim);
    free(cluster);
    return 0;
}

void node_start(struct cluster *cluster, struct node *node) {
    node_boot(cluster, node);
    driver_lab_own(node);
}

struct node *cluster_leader(struct cluster *cluster) {
    for (size_t i = 0; i < cluster->count; i++) {
        struct raft_driver_status status;
        if (cluster->nodes[i].io == NULL) continue;
        raft_driver_get_status(cluster->nodes[i].driver, &status);
        if (status.role == RAFT_LEADER) return &cluster->nodes[i];
    }
    return NULL;
}

struct node *cluster_wait_for_leader(struct cluster *cluster) {
    for (int i = 0; i < 20000; i++) {
        struct node *leader = cluster_leader(cluster);
        if (leader != NULL) return leader;
        cluster_turn(cluster);
    }
    fail_msg("no leader");
    return NULL;
}

void cluster_kill_others(struct cluster *cluster, const struct node *than) {
    for (size_t i = 0; i < cluster->count; i++)
        if (&cluster->nodes[i] != than) node_kill(&cluster->nodes[i]);
}

void cluster_start_others(struct cluster *cluster, const struct node *than) {
    for (size_t i = 0; i < cluster->count; i++)
        if (&cluster->nodes[i] != than) node_start(cluster, &cluster->nodes[i]);
}

struct node *cluster_another(struct cluster *cluster, const struct node *than) {
    return &cluster->nodes[than->number % cluster->count];
}

/* ---- Requests ---- */

void call_done(struct raft_request *request, enum status status, struct slice reply) {
    struct call *call = request->context;
    struct decoder decoder = decoder_make(reply);
    struct reply_value value;
    call->answers++;
    call->status = status;
    if (status == STATUS_OK && reply.size > 0 && reply_decode(&decoder, &value) == STATUS_OK)
        call->integer = value.integer;
}

void node_put(struct node *node, struct call *call, const char *text) {
    *call = (struct call){.request = {.done = call_done, .context = call}};
    raft_driver_propose(node->driver, TOY_STORE, slice_from_text(text), &call->request);
    assert_int_equal(call->answers, 0);
}

/* How things stand, for whoever reads of a failure. */
static void tell_nodes(struct cluster *cluster) {
    for (size_t i = 0; i < cluster->count; i++) {
        if (cluster->nodes[i].io == NULL) continue;
        struct raft_driver_status status = node_status(&cluster->nodes[i]);
        struct buf words = BUF_EMPTY;
        if (raft_configuration_print(&words, &status.configuration) != STATUS_OK) buf_clear(&words);
        print_message("node %zu: %s term %llu leader %llu commit %llu applied %llu last %llu %.*s\n", i + 1,
                      raft_role_name(status.role), (unsigned long long)status.term, (unsigned long long)status.leader,
                      (unsigned long long)status.commit, (unsigned long long)status.applied,
                      (unsigned long long)status.last_index, (int)words.size, (const char *)words.data);
        buf_deinit(&words);
    }
}

void cluster_wait_for(struct cluster *cluster, const struct call *call) {
    for (int i = 0; i < 60000 && call->answers == 0; i++) cluster_turn(cluster);
    if (call->answers == 0) tell_nodes(cluster);
    assert_int_equal(call->answers, 1);
}

void cluster_must_put(struct cluster *cluster, struct node *node, const char *text) {
    struct call call;
    node_put(node, &call, text);
    cluster_wait_for(cluster, &call);
    if (call.status != STATUS_OK) fail_msg("%s: %s", text, status_name(call.status));
}

/* Many puts of keys that are told apart by prefix and number; all must be answered with 1. */
void cluster_must_put_many(struct cluster *cluster, struct node *node, const char *prefix, unsigned count,
                           size_t value_bytes) {
    struct call *calls = calloc(count, sizeof *calls);
    char *text = malloc(value_bytes + 64);
    assert_true(calls != NULL && text != NULL);
    for (unsigned i = 0; i < count; i++) {
        int head = snprintf(text, 64, "%s%u=", prefix, i);
        memset(text + head, 'a' + (int)(i % 26), value_bytes);
        text[(size_t)head + value_bytes] = 0;
        node_put(node, &calls[i], text);
        if (i % 16 == 15) cluster_run(cluster, 2);
    }
    for (unsigned i = 0; i < count; i++) {
        cluster_wait_for(cluster, &calls[i]);
        if (calls[i].status != STATUS_OK) fail_msg("%s%u: %s", prefix, i, status_name(calls[i].status));
        assert_int_equal(calls[i].integer, 1);
    }
    free(text);
    free(calls);
}

uint64_t node_count(struct node *node, const char *key) {
    struct engine_value value;
    enum status status = engine_get(raft_driver_engine(node->driver), NULL, TOY_TREE, slice_from_text(key), &value);
    if (status == STATUS_NOT_FOUND || status == STATUS_INVALID) return 0;
    assert_int_equal(status, STATUS_OK);
    uint64_t count = coding_get_u64(value.data.data);
    engine_value_release(&value);
    return count;
}

struct raft_driver_status node_status(struct node *node) {
    struct raft_driver_status status;
    raft_driver_get_status(node->driver, &status);
    return status;
}

/* Until all that are up have applied the same, and then hold the same. */
void cluster_wait_until_equal(struct cluster *cluster) {
    for (int i = 0; i < 60000; i++) {
        uint64_t applied[NODES_MOST], commit = 0, hash[NODES_MOST];
        size_t up = 0;
        for (size_t n = 0; n < cluster->count; n++) {
            if (cluster->nodes[n].io == NULL) continue;
            struct raft_driver_status status = node_status(&cluster->nodes[n]);
            applied[up] = status.applied;
            hash[up++] = status.witness ? 0 : status.state_hash;
            if (status.last_index > commit) commit = status.last_index;
        }
        bool equal = true;
        for (size_t n = 0; n < up; n++) equal = equal && applied[n] == commit;
        if (equal) {
            uint64_t expected = 0;
            for (size_t n = 0; n < up; n++) {
                if (expected == 0) expected = hash[n];
                if (hash[n] != 0) assert_int_equal(hash[n], expected); /* a witness has none */
            }
            return;
        }
        cluster_turn(cluster);
    }
    fail_msg("the nodes do not agree in time");
}
