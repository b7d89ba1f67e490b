#include "tools/sim/server_node.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/prng.h"
#include "engine/care.h"
#include "raft/describe.h"
#include "raft/driver.h"
#include "tools/loamd/server.h"
#include "tools/sim/sim_alloc.h"
#include "tools/sim/sim_io.h"

_Static_assert((int)WORLD_AUDIT_STORES_MAX == (int)STATE_MACHINES_MAX, "an audit has a row for each store");

enum { SLOW_LEADER_MS = 700, MS_NS = 1000000 };
enum { FRAME_TYPE_AT = 4, FRAME_DATA = 5 }; /* raft/message/FORMAT.md */

static const char dir[] = "/node";

static const struct server_node_options *options_of(void *context) {
    return context;
}

static struct raft_member member(unsigned number) {
    struct raft_member member = {.id = number};
    world_peer_address(number, member.peer_address);
    world_client_address(number, member.client_address);
    return member;
}

/* Founders, and a newcomer itself. */
static void fill_members(const struct server_node_options *options, struct raft_driver_options *raft) {
    raft->member_count = options->founders;
    for (unsigned i = 0; i < options->founders; i++) raft->members[i] = member(i + 1);
    if (raft->node_id > options->founders) raft->members[raft->member_count++] = member((unsigned)raft->node_id);
}

/* Small ones, other ones for each seed, the same for all nodes of a run. */
static void fill_limits(const struct server_node_options *options, struct raft_driver_options *raft) {
    struct prng prng;
    prng_init(&prng, hash_mix(options->seed, 0x6c696d6974));
    raft->engine.memtable_bytes = prng_between(&prng, 8, 96) << 10;
    if (!prng_chance(&prng, 1, 4)) raft->engine.event_log_bytes = ENGINE_EVENT_LOG_OFF;
    raft->engine.memtable_limit = 3;
    raft->engine.format_level = options->format_level;
    raft->engine.cache_bytes = 256 << 10;
    raft->engine.block_bytes = 1 << 10;
    raft->engine.file_bytes = 16 << 10;
    raft->engine.level_base_bytes = 64 << 10;
    raft->engine.level_ratio = 4;
    raft->engine.level0_trigger = (unsigned)prng_between(&prng, 2, 8);
    raft->engine.disk_reserve_bytes = 1;
    raft->leaderless_wait_ms = 800;
    raft->tick_ms = 10;
    raft->heartbeat_ticks = 3;
    raft->election_ticks = 10;
    raft->log_segment_bytes = 32 << 10;
    raft->log_limit_bytes = prng_between(&prng, 3, 12) * (32 << 10);
    raft->entry_limit_bytes = 16 << 10;
    raft->uncommitted_limit_bytes = 128 << 10;
    raft->pending_requests = 64;
    raft->reply_memory_bytes = prng_between(&prng, 2, 16) << 10;
    raft->scrub_rate_bytes = 4 << 20;
    raft->scrub_interval_s = 1;
    raft->slow_disk_ms = (uint32_t)prng_between(&prng, 100, 400);
    raft->guard_ms = (uint32_t)prng_between(&prng, 20, 120);
    raft->drift_permille = 1000 * FAULT_DRIFT_MOST / 1000000;
    if (prng_chance(&prng, 1, 4)) raft->priority = 100 + (uint32_t)(hash_mix(options->seed, raft->node_id) % 3);
}

static enum status make(void *context, struct io *io, unsigned number, bool joins, struct error *error) {
    struct raft_driver_options raft = {.node_id = number};
    struct raft_identity identity;
    const uint64_t cluster_id = hash_mix(options_of(context)->seed, 0x636c7573) | 1;
    const enum raft_node_kind kind = number == options_of(context)->witness ? RAFT_NODE_WITNESS : RAFT_NODE_FULL;
    fill_members(options_of(context), &raft);
    enum status status =
        joins ? raft_directory_create_joining(io, dir, kind, cluster_id, number, &identity, error)
              : raft_directory_create(io, dir, kind, cluster_id, number, raft.members, raft.member_count, error);
    return status == STATUS_EXISTS ? STATUS_OK : status;
}

static enum status boot(void *context, struct io *io, unsigned number, void **node, struct error *error) {
    char listen[IO_ADDRESS_BYTES];
    world_client_address(number, listen);
    struct server_options options = {.log = sim_io_log(io), .dir = dir, .listen = listen, .lab = true};
    options.raft.node_id = number;
    fill_members(options_of(context), &options.raft);
    fill_limits(options_of(context), &options.raft);
    struct server *server = NULL;
    enum status status = server_open(io, &options, &server, error);
    *node = server;
    return status;
}

static enum status upgrade(void *context, struct io *io, struct error *error) {
    char store[IO_PATH_BYTES];
    struct care_upgrade_report report;
    (void)context;
    const enum status status = raft_store_path(io, dir, store, error);
    return status == STATUS_OK ? engine_care_upgrade(io, store, 0, &report, error) : status;
}

static uint64_t turn(void *context, void *node) {
    (void)context;
    return server_turn(node);
}

static void destroy(void *context, void *node) {
    (void)context;
    server_close(node);
}

static void view(void *context, void *node, struct world_view *shown) {
    const struct raft_driver_applied applied = raft_driver_get_applied(server_driver(node));
    const struct raft_position core = raft_get_position(raft_driver_core(server_driver(node)));
    (void)context;
    *shown = (struct world_view){.is_leader = core.role == RAFT_LEADER,
                                 .is_halted = core.halted && (!applied.repairing || server_is_stopped(node)),
                                 .term = core.term,
                                 .commit = core.commit,
                                 .applied = applied.index,
                                 .first_index = core.log_start + 1,
                                 .last_index = core.last,
                                 .state_hash = applied.state_hash,
                                 .snapshots_installed = applied.snapshots_installed,
                                 .lease_ends_ns = raft_lease_ends_ms(raft_driver_core(server_driver(node))) * MS_NS,
                                 .lease_reads = core.lease_reads,
                                 .gave_way = applied.gave_way,
                                 .elsewhere = server_reads_elsewhere(node),
                                 .written = applied.written,
                                 .repairs = applied.repairs,
                                 .scrub_passes = applied.scrub_passes,
                                 .is_joint = applied.is_joint};
}

static void look(void *context, void *node, struct world_look *shown) {
    struct raft_status core;
    struct buf text = BUF_EMPTY;
    (void)context;
    raft_get_status(raft_driver_core(server_driver(node)), &core);
    shown->role = raft_role_name(core.role);
    shown->vote = core.vote;
    shown->leader = core.leader;
    shown->stable = core.stable;
    if (raft_configuration_print(&text, &core.configuration) == STATUS_OK)
        snprintf(shown->configuration, sizeof shown->configuration, "%.*s", (int)text.size, (const char *)text.data);
    buf_deinit(&text);
}

void server_node_describe(struct slice frame, struct record_words *to) {
    struct raft_frame_words said;
    raft_frame_describe(frame, &said);
    to->kind = said.kind;
    to->term = said.term;
    snprintf(to->words, sizeof to->words, "%s", said.words);
}

static uint64_t term_at(void *context, void *node, uint64_t index) {
    (void)context;
    return raft_term_at(raft_driver_core(server_driver(node)), index);
}

/* What others hold without it is no reason to wait for this node's disk: word of it is due long before this. */
static bool leads_on_with_a_slow_disk(const struct raft_driver *driver) {
    struct raft_driver_status status;
    if (!raft_driver_get_applied(driver).disk_slow) return false; /* asked for at every turn */
    raft_driver_get_status(driver, &status);
    return !status.disk_rests && status.disk_ahead_ms > SLOW_LEADER_MS && status.gave_way == 0 &&
           status.disk_slow_ms > SLOW_LEADER_MS && status.disk_waiting_ms > SLOW_LEADER_MS;
}

static const char *complaint(void *context, void *node) {
    (void)context;
    if (leads_on_with_a_slow_disk(server_driver(node)))
        return "it leads on, though its disk is slow and others are not";
    return raft_driver_check_invariants(server_driver(node));
}

static enum status read_store(const struct state_machine *machine, const struct engine_snapshot *snapshot,
                              int64_t time_ms, uint64_t *hash, struct error *error) {
    enum status status = machine->hash(machine->context, snapshot, time_ms, hash);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", machine->name, status_text(status));
    return machine->verify != NULL ? machine->verify(machine->context, snapshot, time_ms, error) : STATUS_OK;
}

static enum status audit(void *context, void *node, struct world_audit *audit, struct error *error) {
    struct raft_driver *driver = server_driver(node);
    struct engine *engine = raft_driver_engine(driver);
    size_t count;
    const struct state_machine *machines = server_machines(node, &count);
    struct engine_snapshot *snapshot = engine_snapshot_acquire(engine);
    enum status status = snapshot == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    (void)context;
    *audit = (struct world_audit){.index = engine_applied(engine).index};
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        struct world_store_hash *row = &audit->stores[audit->count++];
        row->store = machines[i].name;
        status = read_store(&machines[i], snapshot, raft_driver_log_time(driver), &row->hash, error);
    }
    engine_snapshot_release(engine, snapshot);
    return status;
}

struct handing {
    struct raft_request request; /* first */
    uint64_t *handed;
};

static void handed(struct raft_request *request, enum status status, struct slice reply) {
    struct handing *handing = request->context;
    (void)reply;
    *handing->handed += status == STATUS_OK;
    sim_free(handing);
}

static void transfer(void *context, void *node, unsigned to, uint64_t *count) {
    struct handing *handing = sim_alloc(sizeof *handing);
    (void)context;
    *handing = (struct handing){.request = {.done = handed, .context = handing}, .handed = count};
    raft_driver_transfer(server_driver(node), to, &handing->request);
}

static enum status snapshot(void *context, void *node) {
    (void)context;
    return raft_driver_flush_start(server_driver(node));
}

/* ---- Members ---- */

static uint32_t set_of(const uint64_t *ids, unsigned count) {
    uint32_t set = 0;
    for (unsigned i = 0; i < count; i++) set |= 1U << (ids[i] - 1);
    return set;
}

static void membership(void *context, void *node, struct world_membership *shown) {
    struct raft_driver_status status;
    struct raft_status core;
    (void)context;
    raft_driver_get_status(server_driver(node), &status);
    raft_get_status(raft_driver_core(server_driver(node)), &core);
    const struct raft_configuration *now = &status.configuration;
    *shown = (struct world_membership){.voters = set_of(now->voters, now->voter_count),
                                       .outgoing = set_of(now->outgoing, now->outgoing_count),
                                       .learners = set_of(now->learners, now->learner_count),
                                       .leaves = now->auto_leave,
                                       .pending = core.pending_change_index > core.applied,
                                       .incarnation = status.identity.incarnation};
}

static void add_items(struct raft_driver_change *to, uint32_t set, enum raft_change_kind kind) {
    for (unsigned number = 1; number <= FAULT_PLAN_NODES_MAX; number++) {
        if (!((set >> (number - 1)) & 1)) continue;
        to->change.items[to->change.count].kind = kind;
        to->change.items[to->change.count++].id = number;
    }
}

static struct raft_driver_change change_of(const struct world_change *change) {
    struct raft_driver_change made = {.change = {.count = 0}};
    if (change->leave) return made;
    if (change->joint) made.change.transition = RAFT_TRANSITION_JOINT_IMPLICIT;
    if (change->explicitly) made.change.transition = RAFT_TRANSITION_JOINT_EXPLICIT;
    add_items(&made, change->add, RAFT_CHANGE_ADD_LEARNER);
    for (unsigned i = 0; i < made.change.count; i++) {
        const unsigned number = (unsigned)made.change.items[i].id;
        made.added[made.added_count] = member(number);
        made.added[made.added_count++].incarnation = change->incarnations[number - 1];
    }
    add_items(&made, change->promote, RAFT_CHANGE_ADD_VOTER);
    add_items(&made, change->demote, RAFT_CHANGE_ADD_LEARNER);
    add_items(&made, change->remove, RAFT_CHANGE_REMOVE);
    return made;
}

struct changing {
    struct raft_request request; /* first */
    struct world *world;
};

static void changed(struct raft_request *request, enum status status, struct slice reply) {
    struct changing *changing = request->context;
    (void)reply;
    world_members_change_ended(changing->world, status == STATUS_OK);
    sim_free(changing);
}

static bool change(void *context, void *node, const struct world_change *wanted, struct world *world) {
    struct changing *changing = sim_alloc(sizeof *changing);
    const struct raft_driver_change made = change_of(wanted);
    struct error why;
    (void)context;
    *changing = (struct changing){.request = {.done = changed, .context = changing}, .world = world};
    if (raft_driver_change(server_driver(node), &made, &changing->request, &why) == STATUS_OK) return true;
    sim_free(changing);
    return false;
}

static bool may_lose(void *context, struct slice frame) {
    (void)context;
    return frame.size > FRAME_TYPE_AT && frame.data[FRAME_TYPE_AT] == FRAME_DATA;
}

struct world_node_kind server_node_kind(const struct server_node_options *options) {
    return (struct world_node_kind){.name = "server",
                                    .stores = WORLD_KV | WORLD_SERIES | WORLD_GRAPHS,
                                    .make = make,
                                    .boot = boot,
                                    .upgrade = upgrade,
                                    .turn = turn,
                                    .destroy = destroy,
                                    .view = view,
                                    .term_at = term_at,
                                    .complaint = complaint,
                                    .look = look,
                                    .audit = audit,
                                    .transfer = transfer,
                                    .snapshot = snapshot,
                                    .membership = membership,
                                    .change = change,
                                    .may_lose = may_lose,
                                    .context = (void *)(uintptr_t)options};
}

void server_world_run(struct world_options *options, struct world_report *report) {
    struct server_node_options servers = {.founders = fault_plan_founders(options->plan),
                                          .witness = options->plan->witness,
                                          .format_level = options->plan->format_level,
                                          .seed = options->plan->seed};
    struct world_node_kind kind = server_node_kind(&servers);
    options->nodes = &kind;
    world_run(options, report);
    options->nodes = NULL;
}
