/*
 * ledger: an outside program with a state machine of its own on raft: one account, deposits, a balance.
 *
 *     cc ledger.c $(pkg-config --cflags --libs loam-sim) -o ledger
 *     ./ledger node DIR     a cluster of one on this machine: deposits 42, prints the balance; it grows from run to run
 *     ./ledger sim SEED     three nodes in the simulator: deposits, the power of the leader goes, it comes back, all
 * agree
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/coding.h"
#include "engine/base/hash.h"
#include "engine/base/reply.h"
#include "raft/driver.h"
#include "tools/sim/sim.h"
#include "tools/sim/sim_disk.h"
#include "tools/sim/sim_io.h"

enum { LEDGER_STORE = 9, LEDGER_TREE = 900, LEDGER_KIND = 900, NODES = 3, DEPOSITS = 20 };

static const uint64_t second_ns = 1000000000;

/* ---- The state machine --------------------------------------------------------------------------------------------*/

struct ledger {
    struct engine *engine; /* the driver's; set by after_restore */
};

static const struct slice account = {(const uint8_t *)"account", 7};

static enum status balance_decode(struct slice value, uint64_t *balance) {
    struct decoder decoder = decoder_make(value);
    *balance = decode_u64(&decoder);
    return decoder_finished(&decoder) ? STATUS_OK : STATUS_CORRUPT;
}

/* An account that was never used holds 0. */
static enum status balance_read(struct ledger *ledger, bool from_memory, uint64_t *balance) {
    struct engine_value value;
    *balance = 0;
    enum status status = from_memory ? engine_get_try(ledger->engine, NULL, LEDGER_TREE, account, &value)
                                     : engine_get(ledger->engine, NULL, LEDGER_TREE, account, &value);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status != STATUS_OK) return status;
    status = balance_decode(value.data, balance);
    engine_value_release(&value);
    return status;
}

/* An operation is the amount, 8 bytes; the reply is the new balance. */
static enum status ledger_apply(void *context, const struct envelope *envelope, struct slice operation,
                                struct engine_batch *batch, struct buf *reply) {
    (void)envelope;
    uint64_t balance;
    uint64_t amount;
    if (balance_decode(operation, &amount) != STATUS_OK) return STATUS_UNSUPPORTED;
    enum status status = balance_read(context, true, &balance);
    if (status != STATUS_OK) return status;
    uint8_t value[8];
    coding_put_u64(value, balance + amount);
    status = engine_batch_put(batch, LEDGER_TREE, account, slice_make(value, sizeof value));
    return status == STATUS_OK ? reply_integer(reply, (int64_t)(balance + amount)) : status;
}

static enum status ledger_prefetch(void *context, const struct engine_snapshot *snapshot, struct slice operation) {
    (void)snapshot;
    (void)operation;
    uint64_t balance;
    return balance_read(context, false, &balance);
}

static enum status ledger_after_restore(void *context, struct engine *engine, uint64_t seed) {
    (void)seed;
    struct ledger *ledger = context;
    ledger->engine = engine;
    return STATUS_OK;
}

static enum status ledger_hash(void *context, const struct engine_snapshot *snapshot, int64_t time_ms, uint64_t *hash) {
    (void)snapshot;
    (void)time_ms;
    return balance_read(context, false, hash);
}

static const struct engine_tree_kind ledger_kinds[] = {{.id = LEDGER_KIND, .name = "ledger"}};
static const struct state_machine_tree ledger_trees[] = {{.tree = LEDGER_TREE, .kind = LEDGER_KIND}};

static struct state_machine ledger_machine(struct ledger *ledger) {
    return (struct state_machine){
        .store = LEDGER_STORE,
        .name = "ledger",
        .context = ledger,
        .kinds = ledger_kinds,
        .kind_count = 1,
        .trees = ledger_trees,
        .tree_count = 1,
        .apply = ledger_apply,
        .prefetch = ledger_prefetch,
        .after_restore = ledger_after_restore,
        .hash = ledger_hash,
    };
}

/* ---- A node -------------------------------------------------------------------------------------------------------*/

struct node {
    struct io *io;
    struct raft_driver *driver; /* NULL while it is down */
    struct ledger ledger;
    struct state_machine machine;

    /* in the simulator */
    struct sim *sim;
    struct sim_disk *disk;
    struct sim_event turn;
    uint64_t busy_until_ns;
    int number;
};

struct answer {
    struct raft_request request;
    bool is_done;
    enum status status;
};

static void answer_done(struct raft_request *request, enum status status, struct slice reply) {
    (void)reply;
    struct answer *answer = request->context;
    answer->status = status;
    answer->is_done = true;
}

static void answer_init(struct answer *answer) {
    *answer = (struct answer){.request = {.done = answer_done, .context = answer}};
}

static void fail(const char *what, enum status status, const struct error *error) {
    printf("%s: %s: %s\n", what, status_text(status), error ? error->text : "");
    exit(1);
}

static void deposit(struct node *node, uint64_t amount, struct answer *answer) {
    uint8_t operation[8];
    coding_put_u64(operation, amount);
    answer_init(answer);
    raft_driver_propose(node->driver, LEDGER_STORE, slice_make(operation, sizeof operation), &answer->request);
}

static void node_open(struct node *node, const char *dir, unsigned nodes) {
    struct raft_driver_options options = {
        .node_id = (uint64_t)node->number, .machines = &node->machine, .machine_count = 1};
    options.member_count = nodes;
    for (unsigned i = 0; i < nodes; i++) {
        options.members[i].id = i + 1;
        snprintf(options.members[i].peer_address, IO_ADDRESS_BYTES, "127.0.0.1:%u", nodes == 1 ? 0 : 7101 + i);
        snprintf(options.members[i].client_address, IO_ADDRESS_BYTES, "127.0.0.1:%u", 7001 + i);
    }
    node->machine = ledger_machine(&node->ledger);
    struct error error = {0};
    enum status status =
        raft_directory_create(node->io, dir, RAFT_NODE_FULL, 0, options.node_id, options.members, nodes, &error);
    if (status == STATUS_OK || status == STATUS_EXISTS)
        status = raft_driver_open(node->io, dir, &options, &node->driver, &error);
    if (status != STATUS_OK) fail("open", status, &error);
}

/* ---- On this machine ----------------------------------------------------------------------------------------------*/

static void wait_for(struct node *node, const struct answer *answer) {
    uint64_t limit = io_now_ns(node->io) + 30 * second_ns;
    while (!answer->is_done) {
        uint64_t deadline = raft_driver_turn(node->driver);
        (void)io_run(node->io, deadline);
        if (io_now_ns(node->io) > limit) fail("no answer", STATUS_TIMED_OUT, NULL);
    }
    if (answer->status != STATUS_OK) fail("answer", answer->status, NULL);
}

static int run_node(const char *dir) {
    struct node node = {.number = 1};
    struct io_options options = {0};
    struct error error = {0};
    enum status status = io_create(&options, &node.io, &error);
    if (status != STATUS_OK) fail("io", status, &error);
    node_open(&node, dir, 1);
    struct answer answer;
    deposit(&node, 42, &answer);
    wait_for(&node, &answer);
    answer_init(&answer);
    raft_driver_read(node.driver, &answer.request);
    wait_for(&node, &answer);
    uint64_t balance;
    status = balance_read(&node.ledger, false, &balance);
    if (status != STATUS_OK) fail("read", status, NULL);
    printf("balance %" PRIu64 "\n", balance);
    raft_driver_close(node.driver);
    io_destroy(node.io);
    return 0;
}

/* ---- In the simulator ---------------------------------------------------------------------------------------------*/

static void plan_turn(struct node *node, uint64_t at_ns) {
    if (at_ns < node->busy_until_ns) at_ns = node->busy_until_ns;
    if (sim_is_scheduled(&node->turn) && node->turn.at_ns <= at_ns) return;
    sim_schedule(node->sim, &node->turn, at_ns);
}

static void node_wanted(void *context) {
    struct node *node = context;
    if (node->driver) plan_turn(node, sim_now_ns(node->sim));
}

static void turn_fires(struct sim_event *event) {
    struct node *node = event->context;
    (void)io_run(node->io, 0);
    uint64_t deadline = raft_driver_turn(node->driver);
    uint64_t now = sim_now_ns(node->sim);
    node->busy_until_ns = now + sim_io_take_lead_ns(node->io);
    plan_turn(node, sim_io_is_ready(node->io) ? now : sim_io_to_sim_ns(node->io, deadline));
}

static void node_boot(struct node *node) {
    struct sim_io_options options = {.node = node->number - 1};
    node->io = sim_io_create(node->sim, node->disk, &options);
    sim_io_set_owner(node->io, node_wanted, node);
    node_open(node, "ledger", NODES);
    plan_turn(node, sim_now_ns(node->sim));
}

static void node_lose_power(struct node *node) {
    sim_disk_cut(node->disk, SIM_CUT_RANDOM);
    sim_unschedule(node->sim, &node->turn);
    raft_driver_close(node->driver);
    node->driver = NULL;
    io_destroy(node->io);
}

static void run_until(struct sim *sim, bool (*holds)(const void *context), const void *context, const char *what) {
    uint64_t limit = sim_now_ns(sim) + 60 * second_ns;
    while (!holds(context)) {
        if (sim_now_ns(sim) > limit || !sim_step(sim)) fail(what, STATUS_TIMED_OUT, NULL);
    }
}

static struct node *find_leader(struct node *nodes) {
    for (int i = 0; i < NODES; i++) {
        struct raft_driver_status status;
        if (!nodes[i].driver) continue;
        raft_driver_get_status(nodes[i].driver, &status);
        if (status.role == RAFT_LEADER) return &nodes[i];
    }
    return NULL;
}

static bool has_leader(const void *context) {
    return find_leader((struct node *)context) != NULL;
}

static bool is_answered(const void *context) {
    return ((const struct answer *)context)->is_done;
}

/* Through the node that leads now; an answer that the outcome is unknown is not repeated: the test knows both sums. */
static bool deposit_once(struct sim *sim, struct node *nodes, uint64_t amount) {
    struct answer answer;
    run_until(sim, has_leader, nodes, "no leader");
    deposit(find_leader(nodes), amount, &answer);
    run_until(sim, is_answered, &answer, "no answer");
    return answer.status == STATUS_OK;
}

static uint64_t read_everywhere(struct sim *sim, struct node *nodes) {
    uint64_t first = 0;
    for (int i = 0; i < NODES; i++) {
        struct answer answer;
        uint64_t balance;
        answer_init(&answer);
        raft_driver_read(nodes[i].driver, &answer.request);
        run_until(sim, is_answered, &answer, "no read");
        enum status status =
            answer.status == STATUS_OK ? balance_read(&nodes[i].ledger, false, &balance) : answer.status;
        if (status != STATUS_OK) fail("read", status, NULL);
        if (i == 0) first = balance;
        if (balance != first) fail("nodes differ", STATUS_CORRUPT, NULL);
    }
    return first;
}

static int run_simulation(uint64_t seed) {
    struct sim *sim = sim_create(seed);
    struct node nodes[NODES] = {0};
    for (int i = 0; i < NODES; i++) {
        nodes[i] = (struct node){.number = i + 1, .sim = sim, .disk = sim_disk_create(hash_mix(seed, (uint64_t)i))};
        nodes[i].turn = (struct sim_event){.fire = turn_fires, .context = &nodes[i]};
        node_boot(&nodes[i]);
    }
    uint64_t acknowledged = 0;
    for (uint64_t amount = 1; amount <= DEPOSITS; amount++) {
        if (amount == DEPOSITS / 2) {
            run_until(sim, has_leader, nodes, "no leader");
            struct node *leader = find_leader(nodes);
            node_lose_power(leader);
            if (deposit_once(sim, nodes, 1000)) acknowledged += 1000;
            node_boot(leader);
        }
        if (deposit_once(sim, nodes, amount)) acknowledged += amount;
    }
    uint64_t balance = read_everywhere(sim, nodes);
    printf("%d nodes agree: balance %" PRIu64 ", acknowledged %" PRIu64 ", trace %016" PRIx64 "\n", NODES, balance,
           acknowledged, sim_hash(sim));
    for (int i = 0; i < NODES; i++) node_lose_power(&nodes[i]);
    sim_destroy(sim);
    for (int i = 0; i < NODES; i++) sim_disk_destroy(nodes[i].disk);
    return balance >= acknowledged ? 0 : 1;
}

int main(int argument_count, char **arguments) {
    if (argument_count == 3 && strcmp(arguments[1], "node") == 0) return run_node(arguments[2]);
    if (argument_count == 3 && strcmp(arguments[1], "sim") == 0)
        return run_simulation(strtoull(arguments[2], NULL, 10));
    fprintf(stderr, "usage: ledger node DIR | ledger sim SEED\n");
    return 1;
}
