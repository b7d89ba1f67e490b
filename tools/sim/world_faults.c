/*
 * world_faults: the plan at work. What holds at links, disks and clocks is computed anew from the faults that are
 * active whenever one begins or ends, so that overlapping faults need no undoing.
 */
#include <string.h>

#include "engine/base/hash.h"
#include "tools/sim/sim_alloc.h"
#include "tools/sim/world_private.h"

enum { PPM = 1000000, CUT_WITHIN_IOS = 40 };

/* ---- Who is concerned -------------------------------------------------------------------------------------------- */

/* index: of a machine; plan.nodes is the clients'. */
static bool is_in(const struct world *world, uint32_t set, unsigned index) {
    return (set >> (index == world->plan->nodes ? FAULT_CLIENTS_BIT : index)) & 1;
}

static bool concerns(const struct world *world, const struct fault *fault, unsigned from, unsigned to) {
    bool forth = is_in(world, fault->nodes, from) && is_in(world, fault->others, to);
    bool back = is_in(world, fault->nodes, to) && is_in(world, fault->others, from);
    return forth || (back && fault->kind == FAULT_PARTITION);
}

/* ---- What holds now ---------------------------------------------------------------------------------------------- */

static void add_to_link(struct world *world, const struct fault *fault, unsigned from, unsigned to,
                        struct sim_link *link) {
    uint32_t amount = (uint32_t)fault->amount;
    bool are_nodes = from < world->plan->nodes && to < world->plan->nodes;
    switch (fault->kind) {
    case FAULT_PARTITION:
    case FAULT_ONE_WAY: link->is_cut = true; break;
    case FAULT_SLOW_LINK: link->latency_us += amount; break;
    case FAULT_STALLS: link->stall_ppm += amount; break;
    case FAULT_FRAME_DROP:
        if (are_nodes) world->frame_drop[from][to] += amount;
        break;
    case FAULT_FRAME_REPEAT:
        if (are_nodes) world->frame_repeat[from][to] += amount;
        break;
    case FAULT_FRAME_DELAY:
        if (are_nodes) world->frame_delay[from][to] += amount;
        break;
    default: break;
    }
}

static void refresh_links(struct world *world) {
    memset(world->frame_drop, 0, sizeof world->frame_drop);
    memset(world->frame_repeat, 0, sizeof world->frame_repeat);
    memset(world->frame_delay, 0, sizeof world->frame_delay);
    for (unsigned from = 0; from <= world->plan->nodes; from++) {
        for (unsigned to = 0; to <= world->plan->nodes; to++) {
            struct sim_link link = world->base_link;
            for (size_t i = 0; i < world->plan->count; i++) {
                const struct fault *fault = &world->struck[i];
                if (world->is_active[i] && concerns(world, fault, from, to)) add_to_link(world, fault, from, to, &link);
            }
            link.is_cut |= world->hand_cut[from][to];
            sim_net_set_link(world->sim, (int)from, (int)to, &link);
        }
    }
}

/* True, and *amount the greatest, if a fault of this kind is active at the node. */
static bool is_struck(const struct world *world, const struct world_node *node, enum fault_kind kind, int64_t *amount) {
    bool is_any = false;
    for (size_t i = 0; i < world->plan->count; i++) {
        const struct fault *fault = &world->struck[i];
        if (!world->is_active[i] || fault->kind != kind || !is_in(world, fault->nodes, node->number - 1)) continue;
        if (!is_any || fault->amount > *amount) *amount = fault->amount;
        is_any = true;
    }
    return is_any;
}

void world_faults_refresh_node(struct world *world, struct world_node *node) {
    struct sim_disk_faults faults;
    int64_t amount = 0;
    sim_disk_get_faults(node->disk, &faults);
    faults.read_error_ppm = is_struck(world, node, FAULT_READ_ERRORS, &amount) ? (uint32_t)amount : 0;
    faults.write_error_ppm = is_struck(world, node, FAULT_WRITE_ERRORS, &amount) ? (uint32_t)amount : 0;
    bool is_full = is_struck(world, node, FAULT_DISK_FULL, &amount);
    if (!is_full) faults.capacity_bytes = 0;
    if (is_full && faults.capacity_bytes == 0)
        faults.capacity_bytes = sim_disk_used_bytes(node->disk) + (uint64_t)amount;
    sim_disk_set_faults(node->disk, &faults);
    if (!world_node_is_up(node)) return;
    sim_io_set_disk_slowness(node->io, is_struck(world, node, FAULT_SLOW_DISK, &amount) ? (uint32_t)amount : 10);
    sim_io_set_drift(node->io, is_struck(world, node, FAULT_CLOCK_DRIFT, &amount) ? (int32_t)amount : 0);
    world_node_pause(node, is_struck(world, node, FAULT_PAUSE, &amount) || node->is_stopped);
}

void world_faults_refresh(struct world *world) {
    refresh_links(world);
    for (unsigned i = 0; i < world->plan->nodes; i++) world_faults_refresh_node(world, &world->nodes[i]);
}

/* ---- What happens at once ---------------------------------------------------------------------------------------- */

/* What a fault leaves open is told by itself, not by how many came before. */
static struct prng prng_of(const struct world *world, const struct fault *fault) {
    struct prng prng;
    prng_init(&prng, hash_mix(world->plan->seed, fault->at_ms << 8 | (uint64_t)fault->kind));
    return prng;
}

static void rot(struct world_node *node, enum fault_kind kind) {
    const char *part = kind == FAULT_ROT_LOG     ? "/node/log"
                       : kind == FAULT_ROT_STORE ? "/node/engine-"
                                                 : "/node/superblock";
    char path[IO_PATH_BYTES];
    uint64_t offset = 0;
    const enum status status = sim_disk_damage_any(node->disk, part, SIM_DAMAGE_FLIP, path, sizeof path, &offset);
    if (status == STATUS_OK)
        sim_note_text(node->world->sim, (int)node->number - 1, offset, "a bit changes in %s at %llu", path,
                      (unsigned long long)offset);
}

static void strike_node(struct world *world, struct world_node *node, const struct fault *fault) {
    struct prng prng = prng_of(world, fault);
    const struct world_node_kind *kind = world->options->nodes;
    uint64_t for_ns = fault->for_ms * WORLD_MS;
    switch (fault->kind) {
    case FAULT_POWER_CUT:
        if (world_node_is_up(node) && prng_chance(&prng, 1, 2)) {
            sim_disk_cut_at(node->disk, prng_between(&prng, 1, CUT_WITHIN_IOS), (enum sim_cut)fault->amount);
        } else {
            world_node_power_cut(node, (enum sim_cut)fault->amount, for_ns);
        }
        break;
    case FAULT_KILL: world_node_kill(node, for_ns); break;
    case FAULT_MISDIRECT:
        if (world_node_is_up(node)) sim_disk_cut_at(node->disk, prng_between(&prng, 1, CUT_WITHIN_IOS), SIM_CUT_ASTRAY);
        break;
    case FAULT_SNAPSHOT:
        if (kind->snapshot != NULL && world_node_is_up(node) && !node->is_paused)
            sim_note(world->sim, (int)node->number - 1, "snapshot", node->view.applied,
                     (uint64_t)kind->snapshot(kind->context, node->handle));
        break;
    case FAULT_UPGRADE:
        node->is_upgraded = kind->upgrade != NULL;
        world_node_kill(node, for_ns);
        break;
    case FAULT_ROT_LOG:
    case FAULT_ROT_STORE:
    case FAULT_ROT_PROMISE:
        if (for_ns > 0) world_node_kill(node, for_ns);
        rot(node, fault->kind);
        node->is_rotten = true;
        break;
    case FAULT_WIPE: world_members_wipe(world, node); break;
    case FAULT_SYNC_FAILURE: sim_disk_fail_sync(node->disk); break;
    case FAULT_CLOCK_JUMP:
        if (world_node_is_up(node)) sim_io_jump_wall(node->io, fault->amount);
        break;
    default: break;
    }
}

static void reset_links(struct world *world, const struct fault *fault) {
    for (unsigned from = 0; from <= world->plan->nodes; from++) {
        for (unsigned to = 0; to <= world->plan->nodes; to++) {
            if (concerns(world, fault, from, to)) sim_net_reset(world->sim, (int)from, (int)to);
        }
    }
}

static void note_fault(struct world *world, const struct fault *fault, const char *what) {
    struct buf text = BUF_EMPTY;
    if (sim_is_traced(world->sim) && fault_print(&text, fault) != STATUS_OK) buf_clear(&text);
    sim_note_text(world->sim, SIM_NOBODY, (uint64_t)fault->kind << 1 | (what[0] == 'l'), "%s: %.*s", what,
                  (int)text.size, (const char *)text.data);
    buf_deinit(&text);
}

/* Who leads now: the one with the highest term, if it is up; else the first node. */
static unsigned present_leader(const struct world *world) {
    unsigned leader = 0;
    for (unsigned i = 1; i < world->plan->nodes; i++) {
        const struct world_view *view = &world->nodes[i].view;
        const struct world_view *best = &world->nodes[leader].view;
        if (view->is_leader && (!best->is_leader || view->term > best->term)) leader = i;
    }
    return leader;
}

static struct fault resolve(const struct world *world, struct fault fault) {
    if (!((fault.nodes >> FAULT_LEADER_BIT) & 1)) return fault;
    uint32_t leader = 1U << present_leader(world);
    if (fault.kind >= FAULT_PARTITION && fault.kind <= FAULT_FRAME_DELAY) {
        fault.others |= ((1U << world->plan->nodes) - 1) & ~leader;
    }
    fault.nodes = leader;
    return fault;
}

static void transfer(struct world *world, const struct fault *fault) {
    const struct world_node_kind *kind = world->options->nodes;
    const struct world_node *leader = &world->nodes[present_leader(world)];
    if (kind->transfer == NULL || !world_node_is_up(leader) || leader->is_paused) return;
    kind->transfer(kind->context, leader->handle, (unsigned)__builtin_ctz(fault->nodes) + 1, &world->report->transfers);
}

static void strike_fires(struct sim_event *event) {
    struct world *world = event->context;
    size_t number = (size_t)(event - world->strikes);
    world->struck[number] = resolve(world, world->plan->faults[number]);
    const struct fault *fault = &world->struck[number];
    note_fault(world, fault, "fault");
    world_record_strike(world, number);
    world->report->faults++;
    world->is_active[number] = fault->for_ms > 0;
    for (unsigned i = 0; i < world->plan->nodes; i++) {
        if (is_in(world, fault->nodes, i)) strike_node(world, &world->nodes[i], fault);
    }
    if (fault->kind == FAULT_RESET) reset_links(world, fault);
    if (fault->kind == FAULT_TRANSFER) transfer(world, fault);
    if (fault->kind == FAULT_MEMBERS) world_members_want(world, fault);
    world_faults_refresh(world);
}

/* Orders that found nothing to strike are taken back; a process whose sync failed starts anew. */
static void lift_node(struct world_node *node, const struct fault *fault) {
    if (fault->kind == FAULT_POWER_CUT || fault->kind == FAULT_MISDIRECT) sim_disk_cut_at(node->disk, 0, SIM_CUT_NONE);
    if (fault->kind == FAULT_SYNC_FAILURE && sim_disk_take_sync_failure(node->disk)) world_node_kill(node, 0);
}

static void lift_fires(struct sim_event *event) {
    struct world *world = event->context;
    size_t number = (size_t)(event - world->lifts);
    const struct fault *fault = &world->struck[number];
    note_fault(world, fault, "lifted");
    world_record_lift(world, number);
    world->is_active[number] = false;
    for (unsigned i = 0; i < world->plan->nodes; i++) {
        if (is_in(world, fault->nodes, i)) lift_node(&world->nodes[i], fault);
    }
    world_faults_refresh(world);
}

/* ---- Frames ------------------------------------------------------------------------------------------------------ */

static enum sim_frame_fate filter_frame(void *context, struct sim_frame *frame) {
    struct world *world = context;
    unsigned from = (unsigned)frame->from, to = (unsigned)frame->to;
    const struct world_node_kind *kind = world->options->nodes;
    if (from >= world->plan->nodes || to >= world->plan->nodes) return SIM_FRAME_PASS;
    if (kind->may_lose != NULL && !kind->may_lose(kind->context, frame->bytes)) return SIM_FRAME_PASS;
    /* As many numbers for each frame, whatever holds. */
    struct prng *prng = &world->frames[from][to];
    const uint64_t delays = prng_below(prng, PPM), by_ns = prng_below(prng, 300 * WORLD_MS);
    const uint64_t drops = prng_below(prng, PPM), repeats = prng_below(prng, PPM);
    if (delays < world->frame_delay[from][to]) frame->delay_ns = by_ns;
    if (drops < world->frame_drop[from][to]) return SIM_FRAME_DROP;
    return repeats < world->frame_repeat[from][to] ? SIM_FRAME_REPEAT : SIM_FRAME_PASS;
}

void world_faults_start(struct world *world) {
    for (unsigned from = 0; from < world->plan->nodes; from++)
        for (unsigned to = 0; to < world->plan->nodes; to++)
            prng_init(&world->frames[from][to], hash_mix(world->plan->seed, 0x6672616d0000 | from << 8 | to));
    world->base_link.latency_us = (uint32_t)prng_between(&world->prng, 30, 800);
    world->base_link.jitter_us = (uint32_t)prng_between(&world->prng, 10, 800);
    for (size_t i = 0; i < world->plan->count; i++) {
        const struct fault *fault = &world->plan->faults[i];
        world->strikes[i] = (struct sim_event){.fire = strike_fires, .context = world};
        world->lifts[i] = (struct sim_event){.fire = lift_fires, .context = world};
        sim_schedule(world->sim, &world->strikes[i], fault->at_ms * WORLD_MS);
        if (fault->for_ms > 0) sim_schedule(world->sim, &world->lifts[i], (fault->at_ms + fault->for_ms) * WORLD_MS);
    }
    sim_net_set_filter(world->sim, filter_frame, world);
    world_faults_refresh(world);
}

void world_faults_stop(struct world *world) {
    for (size_t i = 0; i < world->plan->count; i++) {
        sim_unschedule(world->sim, &world->strikes[i]);
        sim_unschedule(world->sim, &world->lifts[i]);
    }
    sim_net_set_filter(world->sim, NULL, NULL);
}
