/*
 * world_members: an operator who wants other nodes to have a vote, as the plan says, and at last all of them. It does
 * what a person at `loam cluster` does: looks at what the leader holds, asks for what is missing, looks again. What it
 * was not told it does not know: a change whose leader died may hold or not.
 *
 * A node that was wiped is another one under its old number: it is taken out first, and comes back as a newcomer. One
 * is wiped in a run at most, and none of fewer than three voters: more than a minority gone is not promised to be
 * survived. Where a node is damaged nobody goes before the others are there without whom it would be one of two.
 */
#include "engine/base/hash.h"
#include "tools/sim/world_private.h"

enum { LOOK_MS = 20, LOOK_SPREAD_MS = 60, WIPED_FOR_MS = 50, VOTERS_MIN = 3 };

static bool has(uint32_t set, unsigned number) {
    return (set >> (number - 1)) & 1;
}

static uint32_t all_nodes(const struct world *world) {
    return (1U << world->plan->nodes) - 1;
}

/* Who leads by what the nodes show, and can be spoken with; NULL = nobody. */
static struct world_node *find_leader(struct world *world) {
    struct world_node *leader = NULL;
    for (unsigned i = 0; i < world->plan->nodes; i++) {
        struct world_node *node = &world->nodes[i];
        if (!world_node_is_up(node) || node->is_paused || !node->has_view || !node->view.is_leader) continue;
        if (leader == NULL || node->view.term > leader->view.term) leader = node;
    }
    return leader;
}

static void look_at(const struct world *world, const struct world_node *node, struct world_membership *shown) {
    const struct world_node_kind *kind = world->options->nodes;
    *shown = (struct world_membership){0};
    kind->membership(kind->context, node->handle, shown);
}

/* ---- What is missing --------------------------------------------------------------------------------------------- */

/* Newcomers must be there to say who they are. */
static void add_who_is_there(struct world *world, uint32_t missing, struct world_change *change) {
    for (unsigned number = 1; number <= world->plan->nodes; number++) {
        const struct world_node *node = &world->nodes[number - 1];
        if (!has(missing, number) || !world_node_is_up(node) || node->is_paused) continue;
        struct world_membership shown;
        look_at(world, node, &shown);
        change->add |= 1U << (number - 1);
        change->incarnations[number - 1] = shown.incarnation;
    }
}

/* The next change on the way from what holds to what is wanted; false: there is none, or not now. */
static bool next_change(struct world *world, const struct world_membership *now, struct world_change *change) {
    struct world_members *members = &world->members;
    const uint32_t known = now->voters | now->outgoing | now->learners;
    *change = (struct world_change){.joint = members->how == WORLD_CHANGE_JOINT,
                                    .explicitly = members->how == WORLD_CHANGE_EXPLICIT};
    if (now->outgoing != 0) {
        change->leave = !now->leaves; /* else it leaves by itself */
        return change->leave;
    }
    members->replaced &= known; /* it is out, and may come in */
    change->remove = members->replaced;
    if (change->remove != 0) return true;
    add_who_is_there(world, members->wanted & ~known, change);
    if (change->add != 0) return true;
    change->promote = members->wanted & now->learners;
    uint32_t going = now->voters & ~members->wanted;
    const uint32_t left = (now->voters | change->promote) & ~going;
    if (fault_plan_damages(world->plan) && __builtin_popcount(left) < FAULT_PLAN_WHOLE_VOTERS) going = 0;
    *(members->how == WORLD_CHANGE_DEMOTES ? &change->demote : &change->remove) |= going;
    return (change->promote | change->demote | change->remove) != 0;
}

void world_members_change_ended(struct world *world, bool holds) {
    world->members.under_way = false;
    world->report->member_changes += holds;
}

static void look(struct world *world) {
    struct world_members *members = &world->members;
    const struct world_node_kind *kind = world->options->nodes;
    struct world_node *leader = find_leader(world);
    struct world_membership now;
    struct world_change change;
    if (world_is_healed(world)) {
        members->wanted = all_nodes(world);
        members->how = WORLD_CHANGE_PLAIN;
    }
    members->settled = false;
    if (leader == NULL || members->under_way) return;
    look_at(world, leader, &now);
    members->settled = now.voters == members->wanted && now.outgoing == 0 && now.learners == 0 && !members->replaced;
    if (!next_change(world, &now, &change)) return;
    members->under_way = kind->change(kind->context, leader->handle, &change, world);
    sim_note(world->sim, (int)leader->number - 1, "members", (uint64_t)change.add << 32 | change.promote,
             (uint64_t)change.remove << 32 | change.demote);
}

static void look_fires(struct sim_event *event) {
    struct world *world = event->context;
    look(world);
    const uint64_t after_ns = (LOOK_MS + prng_below(&world->members.prng, LOOK_SPREAD_MS)) * WORLD_MS;
    sim_schedule(world->sim, &world->members.looks, sim_now_ns(world->sim) + after_ns);
}

/* ---- Wiped ------------------------------------------------------------------------------------------------------- */

static bool may_wipe(struct world *world) {
    const struct world_node *leader = find_leader(world);
    struct world_membership now;
    if (leader == NULL || world->members.wiped) return false;
    look_at(world, leader, &now);
    if (now.pending) return false; /* there may be fewer soon */
    return __builtin_popcount(now.voters) >= VOTERS_MIN &&
           (now.outgoing == 0 || __builtin_popcount(now.outgoing) >= VOTERS_MIN);
}

void world_members_wipe(struct world *world, struct world_node *node) {
    if (!may_wipe(world)) return;
    world->members.wiped = true;
    world->members.replaced |= 1U << (node->number - 1);
    world->report->wiped++;
    world_node_power_cut(node, SIM_CUT_RANDOM, WIPED_FOR_MS * WORLD_MS);
    sim_disk_destroy(node->disk);
    node->disk = sim_disk_create(hash_mix(world->plan->seed, 0x77697065 + node->number));
    node->is_made = false;
    node->joins = true;
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

bool world_members_change(const struct world *world) {
    return world->members.looks.fire != NULL;
}

void world_members_want(struct world *world, const struct fault *fault) {
    if (!world_members_change(world)) return;
    world->members.wanted = fault->nodes & all_nodes(world);
    world->members.how = (enum world_change_how)fault->amount;
}

bool world_members_are_settled(const struct world *world) {
    return !world_members_change(world) || (world->members.settled && world->members.wanted == all_nodes(world));
}

void world_members_note_down(struct world *world, const struct world_node *node) {
    if (node->has_view && node->view.is_joint) world->report->joint_crashes++;
}

static bool is_called_for(const struct world *world) {
    if (fault_plan_founders(world->plan) < world->plan->nodes) return true;
    for (size_t i = 0; i < world->plan->count; i++)
        if (world->plan->faults[i].kind == FAULT_MEMBERS || world->plan->faults[i].kind == FAULT_WIPE) return true;
    return false;
}

void world_members_start(struct world *world) {
    if (world->options->nodes->change == NULL || !is_called_for(world)) return;
    struct world_members *members = &world->members;
    members->wanted = (1U << fault_plan_founders(world->plan)) - 1;
    prng_init(&members->prng, hash_mix(world->plan->seed, 0x6d656d62));
    members->looks = (struct sim_event){.fire = look_fires, .context = world};
    sim_schedule(world->sim, &members->looks, LOOK_MS * WORLD_MS);
}

void world_members_stop(struct world *world) {
    if (world_members_change(world)) sim_unschedule(world->sim, &world->members.looks);
}
