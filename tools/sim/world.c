/*
 * world: the run. Time only moves in world_run's loop; a node's turn is an event that comes when its io has something
 * for it, when its deadline has come, and not before the CPU time of its last turn has passed.
 */
#include "tools/sim/world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "tools/sim/sim_alloc.h"
#include "tools/sim/world_action.h"
#include "tools/sim/world_private.h"

enum {
    BOOT_RETRY_NS = 200 * WORLD_MS,
    HALTED_RESTART_NS = 300 * WORLD_MS,
    CHECK_EVERY_NS = 20 * WORLD_MS, /* whether the run is over */
    WAKE_MOST_NS = WORLD_MS,        /* between what wakes a loop and its turn: what comes meanwhile is taken together */
    RESTART_EVERY = 8,              /* runs: the power of all nodes goes at the end */
};

static const uint64_t heal_bound_ns = UINT64_C(20000) * WORLD_MS;

void world_client_address(unsigned number, char address[IO_ADDRESS_BYTES]) {
    snprintf(address, IO_ADDRESS_BYTES, "127.0.0.1:%u", 7000 + number);
}

void world_peer_address(unsigned number, char address[IO_ADDRESS_BYTES]) {
    snprintf(address, IO_ADDRESS_BYTES, "127.0.0.1:%u", 7100 + number);
}

void world_break(struct world *world, enum world_verdict verdict, const char *format, ...) {
    if (world->report->verdict != WORLD_KEPT) return;
    char text[900];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    uint64_t now = sim_now_ns(world->sim);
    snprintf(world->report->text, sizeof world->report->text, "%s (at %" PRIu64 ".%06" PRIu64 " s)", text,
             now / 1000000000U, now / 1000 % 1000000U);
    world->report->verdict = verdict;
    world->report->promise = format;
    world->report->broken_ms = now / WORLD_MS;
    world->is_over = true;
    sim_note_text(world->sim, SIM_NOBODY, 0, "BROKEN: %s", text);
}

bool world_restarts_at_the_end(const struct world *world) {
    return world->plan->seed % RESTART_EVERY == 0;
}

bool world_is_healed(const struct world *world) {
    return sim_now_ns(world->sim) >= world->heal_ns;
}

/* ---- Nodes: up --------------------------------------------------------------------------------------------------- */

bool world_node_is_up(const struct world_node *node) {
    return node->handle != NULL;
}

static const struct world_node_kind *kind_of(const struct world_node *node) {
    return node->world->options->nodes;
}

static void plan_turn(struct world_node *node, uint64_t at_ns) {
    if (at_ns < node->busy_until_ns) at_ns = node->busy_until_ns;
    if (sim_is_scheduled(&node->turn) && node->turn.at_ns <= at_ns) return;
    sim_schedule(node->world->sim, &node->turn, at_ns);
}

static void node_wanted(void *context) {
    struct world_node *node = context;
    if (node->in_turn || !world_node_is_up(node) || node->is_paused) return;
    const uint64_t now = sim_now_ns(node->world->sim);
    if (sim_is_scheduled(&node->turn) && node->turn.at_ns <= now) return;
    plan_turn(node, now + prng_below(&node->prng, node->wake_ns));
}

static void plan_boot(struct world_node *node, uint64_t for_ns) {
    uint64_t at_ns = sim_now_ns(node->world->sim) + for_ns;
    if (node->is_held) return;
    if (at_ns > node->down_until_ns) node->down_until_ns = at_ns;
    sim_schedule(node->world->sim, &node->boot, node->down_until_ns);
}

/* An operator's errand between two lives; where it fails they see why, and the node goes on as it was. */
static void upgrade(struct world_node *node) {
    const struct world_node_kind *kind = kind_of(node);
    struct error error = {0};
    const enum status status = kind->upgrade(kind->context, node->io, &error);
    node->is_upgraded = false;
    node->world->report->upgraded += status == STATUS_OK;
    sim_note_text(node->world->sim, (int)node->number - 1, (uint64_t)status, "upgrade: %s",
                  status == STATUS_OK ? "done" : error.text);
}

static enum status node_try_boot(struct world_node *node, struct error *error) {
    const struct world_node_kind *kind = kind_of(node);
    enum status status = STATUS_OK;
    if (!node->is_made) status = kind->make(kind->context, node->io, node->number, node->joins, error);
    if (status != STATUS_OK) return status;
    node->is_made = true;
    if (node->is_upgraded) upgrade(node);
    return kind->boot(kind->context, node->io, node->number, &node->handle, error);
}

/* What a power cut sent astray: the node may find damage from now on. */
static void note_stray(struct world_node *node) {
    struct sim_stray stray;
    if (sim_disk_take_stray(node->disk, &stray)) {
        node->is_rotten = true;
        node->world->report->misdirected++;
        sim_note_text(node->world->sim, (int)node->number - 1, stray.offset,
                      "%zu bytes meant for %s at %" PRIu64 " stand in %s at %" PRIu64, stray.size, stray.from,
                      stray.from_offset, stray.path, stray.offset);
    }
}

static void boot_fires(struct sim_event *event) {
    struct world_node *node = event->context;
    struct world *world = node->world;
    struct sim_io_options options = {.node = (int)node->number - 1, .compaction_workers = 1 + node->boots % 2};
    struct error error = {0};
    node->io = sim_io_create(world->sim, node->disk, &options);
    sim_io_set_owner(node->io, node_wanted, node);
    node->in_turn = true;
    enum status status = node_try_boot(node, &error);
    node->in_turn = false;
    node->boots++;
    note_stray(node);
    sim_note(world->sim, options.node, "booted", node->boots, (uint64_t)status);
    if (status != STATUS_OK) {
        snprintf(node->last_error, sizeof node->last_error, "%.200s: %.40s", error.text, status_name(status));
        sim_note_text(world->sim, options.node, 0, "does not boot: %s", node->last_error);
        world_record_boot_failure(node);
        node->handle = NULL;
        io_destroy(node->io);
        node->io = NULL;
        plan_boot(node, BOOT_RETRY_NS);
        return;
    }
    if (node->boots > 1 && !world->is_restarted) world->report->restarts++;
    world_faults_refresh_node(world, node);
    world_record_node(node);
    node->busy_until_ns = sim_now_ns(world->sim) + sim_io_take_lead_ns(node->io);
    node->deadline_ns = 0;
    prng_init(&node->prng, hash_mix(world->plan->seed, (uint64_t)node->boots << 8 | node->number));
    node->wake_ns = prng_between(&node->prng, 1, WAKE_MOST_NS);
    plan_turn(node, node->busy_until_ns);
}

/* ---- Nodes: down ------------------------------------------------------------------------------------------------- */

/* The io is dead; the process's memory goes. */
static void node_bury(struct world_node *node, uint64_t for_ns) {
    note_stray(node);
    if (world_node_is_up(node)) {
        world_members_note_down(node->world, node);
        node->in_turn = true;
        kind_of(node)->destroy(kind_of(node)->context, node->handle);
        node->in_turn = false;
        io_destroy(node->io);
        node->handle = NULL;
        node->io = NULL;
        world_check_forget(node);
    }
    node->is_paused = false;
    sim_unschedule(node->world->sim, &node->turn);
    world_record_node(node);
    plan_boot(node, for_ns);
}

void world_node_power_cut(struct world_node *node, enum sim_cut cut, uint64_t for_ns) {
    if (!node->world->is_restarted) node->world->report->power_cuts++;
    sim_disk_cut(node->disk, cut);
    node_bury(node, for_ns);
}

void world_node_kill(struct world_node *node, uint64_t for_ns) {
    if (node->io != NULL) sim_io_kill(node->io);
    node_bury(node, for_ns);
}

void world_node_boot_now(struct world_node *node) {
    node->down_until_ns = 0;
    plan_boot(node, 0);
}

void world_node_pause(struct world_node *node, bool is_paused) {
    if (node->is_paused == is_paused || !world_node_is_up(node)) return;
    node->is_paused = is_paused;
    sim_io_set_paused(node->io, is_paused);
    world_record_node(node);
    if (is_paused) {
        sim_unschedule(node->world->sim, &node->turn);
    } else {
        plan_turn(node, sim_now_ns(node->world->sim));
    }
}

/* ---- Nodes: a turn ----------------------------------------------------------------------------------------------- */

/* An old leader that does not know yet is none. */
static void note_leader(struct world_node *node) {
    struct world *world = node->world;
    struct world_ledger *ledger = &world->ledger;
    if (!node->view.is_leader || node->view.term <= ledger->last_leader_term) return;
    bool is_change = ledger->last_leader != 0 && ledger->last_leader != node->number;
    if (is_change && !world->is_restarted) world->report->leader_changes++;
    ledger->last_leader = node->number;
    ledger->last_leader_term = node->view.term;
    sim_note(world->sim, (int)node->number - 1, "leads term", node->view.term, node->view.last_index);
}

/* The power went in the midst of it. */
static bool bury_if_dead(struct world_node *node) {
    if (sim_io_is_alive(node->io)) return false;
    node->world->report->power_cuts++;
    node_bury(node, BOOT_RETRY_NS);
    return true;
}

/* False: what has come asks for no turn, as a server's loop finds, too (tools/loamd/main.c). */
static bool take_turn(struct world_node *node) {
    const struct world_node_kind *kind = kind_of(node);
    const uint64_t news = io_news(node->io);
    (void)io_run(node->io, 0);
    if (io_news(node->io) == news && io_now_ns(node->io) < node->deadline_ns) return false;
    node->deadline_ns = kind->turn(kind->context, node->handle);
    return true;
}

static void plan_next_turn(struct world_node *node) {
    const uint64_t now = sim_now_ns(node->world->sim);
    plan_turn(node, sim_io_is_ready(node->io) ? now : sim_io_to_sim_ns(node->io, node->deadline_ns));
}

static void turn_fires(struct sim_event *event) {
    struct world_node *node = event->context;
    struct world *world = node->world;
    node->in_turn = true;
    const bool was_taken = take_turn(node);
    node->in_turn = false;
    node->busy_until_ns = sim_now_ns(world->sim) + sim_io_take_lead_ns(node->io);
    if (bury_if_dead(node)) return;
    if (!was_taken) {
        plan_next_turn(node);
        return;
    }
    uint64_t snapshots = node->has_view ? node->view.snapshots_installed : 0;
    const uint64_t lease_reads = node->has_view ? node->view.lease_reads : 0;
    const uint64_t scrubs = node->has_view ? node->view.scrub_passes : 0;
    const uint64_t repairs = node->has_view ? node->view.repairs : 0;
    const uint64_t gave_way = node->has_view ? node->view.gave_way : 0;
    const uint64_t elsewhere = node->has_view ? node->view.elsewhere : 0;
    world_check_node(world, node);
    if (node->view.elsewhere > elsewhere) world->report->elsewhere += node->view.elsewhere - elsewhere;
    if (node->view.snapshots_installed > snapshots)
        world->report->snapshots += node->view.snapshots_installed - snapshots;
    if (node->view.lease_reads > lease_reads) world->report->lease_reads += node->view.lease_reads - lease_reads;
    if (node->view.gave_way > gave_way) world->report->gave_way += node->view.gave_way - gave_way;
    if (node->view.scrub_passes > scrubs) world->report->scrubs += node->view.scrub_passes - scrubs;
    if (node->view.repairs > repairs && !node->is_rotten)
        world_break(world, WORLD_BROKEN, "node %u took its log or store for damaged, and no bit of it has changed",
                    node->number);
    if (node->view.repairs > repairs) world->report->repairs += node->view.repairs - repairs;
    note_leader(node);
    world_record_node(node);
    world_audit_node(world, node);
    if (bury_if_dead(node)) return;
    if (node->view.is_halted) {
        world_node_kill(node, HALTED_RESTART_NS);
        return;
    }
    plan_next_turn(node);
}

/* ---- The run ----------------------------------------------------------------------------------------------------- */

static void nodes_start(struct world *world) {
    world->report->witnesses = world->plan->witness != 0;
    for (unsigned i = 0; i < world->plan->nodes; i++) {
        struct world_node *node = &world->nodes[i];
        char address[IO_ADDRESS_BYTES];
        node->world = world;
        node->number = i + 1;
        node->joins = node->number > fault_plan_founders(world->plan);
        node->disk = sim_disk_create(hash_mix(world->plan->seed, node->number));
        node->turn = (struct sim_event){.fire = turn_fires, .context = node};
        node->boot = (struct sim_event){.fire = boot_fires, .context = node};
        world_peer_address(node->number, address);
        sim_net_frame_address(world->sim, address);
        sim_schedule(world->sim, &node->boot, prng_below(&world->prng, 50 * WORLD_MS));
    }
}

static void nodes_stop(struct world *world) {
    for (unsigned i = 0; i < world->plan->nodes; i++) {
        struct world_node *node = &world->nodes[i];
        struct sim_disk_stats stats;
        sim_disk_stats(node->disk, &stats);
        world->report->disk_faults += stats.faults;
        if (node->io != NULL) sim_io_kill(node->io);
        node_bury(node, 0);
        sim_unschedule(world->sim, &node->boot);
        sim_disk_destroy(node->disk);
    }
}

/* All nodes are up and have applied the same. */
static bool nodes_agree(const struct world *world) {
    const struct world_view *first = &world->nodes[world->plan->witness == 1 ? 1 : 0].view;
    for (unsigned i = 0; i < world->plan->nodes; i++) {
        const struct world_node *node = &world->nodes[i];
        if (!world_node_is_up(node) || !node->has_view || node->view.applied != first->applied) return false;
        if (node->view.commit != node->view.applied) return false;
        if (node->number != world->plan->witness && node->view.state_hash != first->state_hash) return false;
        if (node->view.last_index != node->view.applied) return false; /* what is not committed may be yet */
    }
    return true;
}

static void describe_stuck(const struct world *world, char *text, size_t size) {
    size_t at = 0;
    for (unsigned i = 0; i < world->plan->nodes && at < size; i++) {
        const struct world_node *node = &world->nodes[i];
        int printed;
        if (world_node_is_up(node)) {
            printed = snprintf(text + at, size - at,
                               "; node %u: %s term %" PRIu64 " commit %" PRIu64 " applied %" PRIu64 " last %" PRIu64,
                               node->number, node->view.is_leader ? "leader" : "follower", node->view.term,
                               node->view.commit, node->view.applied, node->view.last_index);
        } else {
            printed = snprintf(text + at, size - at, "; node %u: down (%s)", node->number, node->last_error);
        }
        at += (size_t)printed;
    }
}

/* Nothing is under way any more. True: the run is over. (The figures tell of the faults of the plan alone.) */
static bool settle(struct world *world) {
    world->met_rot = false;
    world_audit_all(world);
    if (world->met_rot) return false; /* to be mended, and looked at again */
    if (world->is_over || world->is_restarted || !world_restarts_at_the_end(world)) return true;
    world->is_restarted = true;
    world->bound_ns = sim_now_ns(world->sim) + heal_bound_ns;
    for (unsigned i = 0; i < world->plan->nodes; i++)
        world_node_power_cut(&world->nodes[i], SIM_CUT_RANDOM, prng_below(&world->prng, 50 * WORLD_MS));
    return false;
}

/* From here on everything is read, from each node. */
static void begin_last_reads(struct world *world) {
    world->is_ending = true;
    world->final_from = world->history_count;
    world->final_commit = 0;
    for (unsigned i = 0; i < world->plan->nodes; i++) {
        uint64_t commit = world->nodes[i].view.commit;
        if (commit > world->final_commit) world->final_commit = commit;
    }
    world_clients_read_all(world);
}

static bool has_written_since(const struct world *world, uint64_t index) {
    for (unsigned i = 0; i < world->plan->nodes; i++) {
        if (world->nodes[i].view.written > index) return true;
    }
    return false;
}

/*
 * A write whose client has left may still be applied while the last reads are under way, by a node that had held it
 * without a leader: then they are no last reads, and are made again.
 */
static void end_last_reads(struct world *world) {
    if (world->is_restarted || !has_written_since(world, world->final_commit))
        world->is_over = settle(world);
    else
        begin_last_reads(world);
}

static void check_end(struct world *world) {
    if (!world_is_healed(world)) return;
    if (!world->is_ending && world_members_are_settled(world) && world_clients_are_content(world))
        begin_last_reads(world);
    if (world->is_ending && world_clients_have_finished(world) && nodes_agree(world)) {
        end_last_reads(world);
        if (world->is_over || !world->met_rot) return; /* what is never mended is no progress either */
    }
    if (sim_now_ns(world->sim) < world->bound_ns) return;
    char text[700] = "";
    describe_stuck(world, text, sizeof text);
    world_break(world, WORLD_STUCK, "no progress %" PRIu64 " s after healing: %" PRIu64 " operations done%s",
                heal_bound_ns / 1000000000U, world->completed, text);
}

static void take_figures(struct world *world) {
    struct world_report *report = world->report;
    struct sim_net_stats net;
    sim_net_stats(world->sim, &net);
    report->frames_dropped = net.frames_dropped;
    report->frames_repeated = net.frames_repeated;
    report->frames_delayed = net.frames_delayed;
    report->connections_reset = net.resets;
    report->max_term = world->ledger.max_leader_term;
    report->kinds = fault_plan_kinds(world->plan);
    report->virtual_ms = sim_now_ns(world->sim) / WORLD_MS;
    report->events = sim_event_count(world->sim);
    report->trace_hash = sim_hash(world->sim);
    for (size_t i = 0; i < world->history_count; i++) {
        enum world_action action = world->history[i].action;
        enum world_store store = world_action_row(action)->store;
        report->completed += world->history[i].outcome == WORLD_DONE;
        report->series += world->history[i].outcome == WORLD_DONE && store == WORLD_SERIES;
        report->graphs += world->history[i].outcome == WORLD_DONE && store == WORLD_GRAPHS;
        report->refused += world->history[i].outcome == WORLD_REFUSED;
        report->timed_out += world->history[i].outcome == WORLD_REFUSED && action == WORLD_EDGES_SQUARED;
        report->unknown += world->history[i].outcome == WORLD_UNKNOWN || world->history[i].outcome == WORLD_PENDING;
    }
}

static void tell_history(struct world *world) {
    if (world->options->history == NULL) return;
    for (size_t i = 0; i < world->history_count; i++) {
        world->options->history(world->options->history_context, &world->history[i]);
    }
}

bool world_is_over(const struct world *world) {
    return world->is_over;
}

bool world_step(struct world *world) {
    if (world->is_over) return false;
    if (sim_now_ns(world->sim) >= world->next_check_ns) {
        check_end(world);
        world->next_check_ns = sim_now_ns(world->sim) + CHECK_EVERY_NS;
    }
    if (!world->is_over && !sim_step(world->sim)) world_break(world, WORLD_STUCK, "nothing is left to happen");
    if (world->is_over && world->report->verdict == WORLD_KEPT) world_history_judge(world);
    return !world->is_over;
}

void world_give_time(struct world *world) {
    const uint64_t bound_ns = sim_now_ns(world->sim) + heal_bound_ns;
    if (world->bound_ns < bound_ns) world->bound_ns = bound_ns;
}

struct world *world_open(const struct world_options *options, struct world_report *report) {
    struct world *world = sim_alloc(sizeof *world);
    *report = (struct world_report){.verdict = WORLD_KEPT};
    world->options = options;
    world->plan = options->plan;
    world->report = report;
    world->sim = sim_create(options->plan->seed);
    world->heal_ns = fault_plan_end_ms(options->plan) * WORLD_MS;
    world->bound_ns = world->heal_ns + heal_bound_ns;
    prng_init(&world->prng, hash_mix(options->plan->seed, 0x776f726c64));
    if (options->trace != NULL) sim_set_trace(world->sim, options->trace, options->trace_context);
    world_check_start(world);
    nodes_start(world);
    world_record_start(world);
    world_faults_start(world);
    world_members_start(world);
    world_clients_start(world);
    return world;
}

void world_close(struct world *world) {
    take_figures(world);
    world_record_stop(world);
    tell_history(world);
    world_clients_stop(world);
    world_members_stop(world);
    world_faults_stop(world);
    nodes_stop(world);
    world_check_stop(world);
    world_audit_stop(world);
    world_history_clear(world);
    sim_destroy(world->sim);
    sim_free(world);
}

void world_run(const struct world_options *options, struct world_report *report) {
    struct world *world = world_open(options, report);
    while (world_step(world)) continue;
    world_close(world);
}
