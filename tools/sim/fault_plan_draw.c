/*
 * fault_plan_draw: plans from seeds. Each group of faults draws from numbers of its own: a group that comes later does
 * not change what the others of a seed are.
 */
#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/prng.h"
#include "tools/sim/fault_plan.h"
#include "tools/sim/sim_disk.h"

enum {
    START_MS = 400,    /* the first leader has been found by then */
    HORIZON_MS = 1600, /* the last fault strikes before */
    FAULTS_MIN = 10,
    FAULTS_SPREAD = 11,
    KINDS_MIN = 4,
    TRANSFERS_MAX = 7,
    HUNG_DISKS_MAX = 2,
    ROTS_MAX = 3,
    WRITE_ERRORS_MAX = 2,
    SNAPSHOTS_MAX = 3,
    UPGRADES_MAX = 3,
    CHANGES_MAX = 4,
    NEWCOMERS_MAX = 2,
    AT_CHANGE_MS = 120, /* a fault so soon behind a change may meet it half done */
};

static bool concerns_links(enum fault_kind kind) {
    return kind >= FAULT_PARTITION && kind <= FAULT_FRAME_DELAY;
}

static void draw_amount(struct prng *prng, struct fault *fault) {
    switch (fault->kind) {
    case FAULT_POWER_CUT: fault->amount = (int64_t)prng_below(prng, SIM_CUT_RANDOM + 1); break;
    case FAULT_SLOW_LINK: fault->amount = (int64_t)prng_between(prng, 2000, 60000); break;
    case FAULT_STALLS: fault->amount = (int64_t)prng_between(prng, 10000, 200000); break;
    case FAULT_FRAME_DROP:
    case FAULT_FRAME_REPEAT:
    case FAULT_FRAME_DELAY: fault->amount = (int64_t)prng_between(prng, 40000, 800000); break;
    case FAULT_SLOW_DISK: fault->amount = (int64_t)prng_between(prng, 50, 3000); break;
    case FAULT_DISK_FULL: fault->amount = (int64_t)prng_below(prng, 65536); break;
    case FAULT_READ_ERRORS: fault->amount = (int64_t)prng_between(prng, 2000, 400000); break;
    case FAULT_CLOCK_JUMP: fault->amount = (int64_t)prng_below(prng, 7200000) - 3600000; break;
    case FAULT_CLOCK_DRIFT:
        fault->amount = (int64_t)prng_below(prng, 2 * FAULT_DRIFT_MOST + 1) - FAULT_DRIFT_MOST;
        break;
    default: fault->amount = 0; break;
    }
}

/*
 * Some nodes on one side, the others on the other; at times with the clients among them, always if there is one node
 * only.
 */
static void draw_sides(struct prng *prng, const struct fault_plan *plan, struct fault *fault) {
    uint32_t all = (1U << plan->nodes) - 1;
    fault->nodes = (uint32_t)prng_between(prng, 1, plan->nodes > 1 ? all - 1 : all);
    fault->others = all & ~fault->nodes;
    if (plan->nodes == 1 || prng_chance(prng, 1, 3)) fault->others |= 1U << FAULT_CLIENTS_BIT;
}

/* A leader that goes away at a bad moment is what most of Raft is about. */
static void aim_at_leader(struct fault *fault) {
    fault->nodes = 1U << FAULT_LEADER_BIT;
    if (concerns_links(fault->kind)) fault->others &= 1U << FAULT_CLIENTS_BIT;
    if (fault->for_ms > 300) fault->for_ms /= 2;
}

static void draw_fault(struct prng *prng, const struct fault_plan *plan, struct fault *fault, const bool *kinds) {
    do {
        fault->kind = (enum fault_kind)prng_below(prng, FAULT_TRANSFER); /* which has draws of its own */
    } while (!kinds[fault->kind]);
    fault->at_ms = prng_between(prng, START_MS, HORIZON_MS);
    fault->for_ms = prng_between(prng, 30, 600);
    if (fault->kind == FAULT_RESET || fault->kind == FAULT_CLOCK_JUMP) fault->for_ms = 0;
    if (concerns_links(fault->kind)) {
        draw_sides(prng, plan, fault);
    } else {
        fault->nodes = 1U << prng_below(prng, plan->nodes);
        fault->others = 0;
    }
    draw_amount(prng, fault);
    if (plan->nodes > 1 && prng_chance(prng, plan->seed % 3 == 0 ? 16 : 5, 20)) aim_at_leader(fault);
}

/* One that stops a process is always among them: a batch of runs must see restarts and new leaders. */
static void draw_kinds(struct prng *prng, bool *kinds) {
    static const enum fault_kind stops[] = {FAULT_POWER_CUT, FAULT_KILL};
    memset(kinds, 0, FAULT_KIND_COUNT * sizeof *kinds);
    kinds[stops[prng_below(prng, 2)]] = true;
    for (unsigned left = KINDS_MIN + (unsigned)prng_below(prng, 5); left > 0; left--) {
        kinds[prng_below(prng, FAULT_TRANSFER)] = true;
    }
}

/* From numbers of their own: what else a seed stands for does not change. */
static void draw_transfers(struct fault_plan *plan) {
    struct prng prng;
    prng_init(&prng, hash_mix(plan->seed, 0x7472616e));
    if (plan->nodes == 1 || prng_chance(&prng, 1, 2)) return;
    for (uint64_t left = prng_between(&prng, 1, TRANSFERS_MAX); left > 0; left--)
        plan->faults[plan->count++] = (struct fault){.kind = FAULT_TRANSFER,
                                                     .at_ms = prng_between(&prng, START_MS, HORIZON_MS),
                                                     .nodes = 1U << prng_below(&prng, plan->nodes)};
}

/* A disk so slow that who leads should not: as transfers, from numbers of their own. */
static void draw_hung_disks(struct fault_plan *plan) {
    struct prng prng;
    prng_init(&prng, hash_mix(plan->seed, 0x68756e67));
    if (plan->nodes < 3 || !prng_chance(&prng, 1, 3)) return;
    for (uint64_t left = prng_between(&prng, 1, HUNG_DISKS_MAX); left > 0; left--)
        plan->faults[plan->count++] = (struct fault){.kind = FAULT_SLOW_DISK,
                                                     .at_ms = prng_between(&prng, START_MS, HORIZON_MS),
                                                     .for_ms = prng_between(&prng, 500, 1300),
                                                     .nodes = 1U << FAULT_LEADER_BIT,
                                                     .amount = (int64_t)prng_between(&prng, 5000, 20000)};
}

/*
 * What is damaged is had again from the others, who must be a majority that is whole: one node in a plan, of three at
 * least. As transfers, from numbers of their own. One slot of its superblock is all that it may lose of that.
 */
static void draw_rots(struct fault_plan *plan) {
    struct prng prng;
    prng_init(&prng, hash_mix(plan->seed, 0x726f74));
    if (plan->nodes < 3 || !prng_chance(&prng, 1, 3)) return;
    const uint32_t node = 1U << prng_below(&prng, plan->nodes);
    enum fault_kind most = FAULT_ROT_PROMISE;
    for (uint64_t left = prng_between(&prng, 1, ROTS_MAX); left > 0; left--) {
        const enum fault_kind kind = (enum fault_kind)prng_between(&prng, FAULT_ROT_LOG, most);
        if (kind == FAULT_ROT_PROMISE) most = FAULT_ROT_STORE;
        plan->faults[plan->count++] =
            (struct fault){.kind = kind,
                           .at_ms = prng_between(&prng, START_MS, HORIZON_MS),
                           .for_ms = prng_chance(&prng, 1, 2) ? prng_between(&prng, 50, 500) : 0,
                           .nodes = node};
    }
}

/*
 * A write that goes astray damages what it hits: of the same node as the other damage. Not where a slot of its
 * superblock is damaged anyhow: it may hit the other one.
 */
static void draw_misdirect(struct fault_plan *plan) {
    struct prng prng;
    prng_init(&prng, hash_mix(plan->seed, 0x73747261));
    if (plan->nodes < 3 || !prng_chance(&prng, 1, 4)) return;
    uint32_t node = 1U << prng_below(&prng, plan->nodes);
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->faults[i].kind == FAULT_ROT_PROMISE) return;
        if (fault_is_damage(plan->faults[i].kind)) node = plan->faults[i].nodes;
    }
    plan->faults[plan->count++] = (struct fault){.kind = FAULT_MISDIRECT,
                                                 .at_ms = prng_between(&prng, START_MS, HORIZON_MS),
                                                 .for_ms = prng_between(&prng, 50, 500),
                                                 .nodes = node};
}

/* As transfers, from numbers of their own. */
static void draw_snapshots(struct fault_plan *plan) {
    struct prng prng;
    prng_init(&prng, hash_mix(plan->seed, 0x736e6170));
    if (!prng_chance(&prng, 1, 3)) return;
    for (uint64_t left = prng_between(&prng, 1, SNAPSHOTS_MAX); left > 0; left--)
        plan->faults[plan->count++] = (struct fault){.kind = FAULT_SNAPSHOT,
                                                     .at_ms = prng_between(&prng, START_MS, HORIZON_MS),
                                                     .nodes = 1U << prng_below(&prng, plan->nodes)};
}

/* Nodes that were made by an older version, and are upgraded one by one; the same one may be it twice. */
static void draw_upgrades(struct fault_plan *plan) {
    struct prng prng;
    prng_init(&prng, hash_mix(plan->seed, 0x75706772));
    if (!prng_chance(&prng, 1, 3)) return;
    plan->format_level = 1;
    for (uint64_t left = prng_between(&prng, 1, UPGRADES_MAX); left > 0; left--)
        plan->faults[plan->count++] = (struct fault){.kind = FAULT_UPGRADE,
                                                     .at_ms = prng_between(&prng, START_MS, HORIZON_MS),
                                                     .for_ms = prng_between(&prng, 20, 300),
                                                     .nodes = 1U << prng_below(&prng, plan->nodes)};
}

/* As transfers, from numbers of their own. */
static void draw_write_errors(struct fault_plan *plan) {
    struct prng prng;
    prng_init(&prng, hash_mix(plan->seed, 0x77726974));
    if (!prng_chance(&prng, 1, 4)) return;
    for (uint64_t left = prng_between(&prng, 1, WRITE_ERRORS_MAX); left > 0; left--) {
        struct fault *fault = &plan->faults[plan->count++];
        *fault = (struct fault){.kind = FAULT_WRITE_ERRORS,
                                .at_ms = prng_between(&prng, START_MS, HORIZON_MS),
                                .for_ms = prng_between(&prng, 50, 500),
                                .nodes = 1U << prng_below(&prng, plan->nodes),
                                .amount = (int64_t)prng_between(&prng, 1000, 100000)};
        if (plan->nodes > 1 && prng_chance(&prng, 1, 3)) aim_at_leader(fault);
    }
}

/* What goes wrong just when members change: somebody stops, newcomers as often as others. */
static void draw_fault_at_change(struct prng *prng, struct fault_plan *plan, uint64_t change_ms) {
    static const enum fault_kind kinds[] = {FAULT_KILL, FAULT_POWER_CUT, FAULT_PAUSE, FAULT_PARTITION};
    struct fault *fault = &plan->faults[plan->count++];
    *fault = (struct fault){.kind = kinds[prng_below(prng, 4)],
                            .at_ms = change_ms + prng_below(prng, AT_CHANGE_MS),
                            .for_ms = prng_between(prng, 30, 400),
                            .nodes = 1U << prng_below(prng, plan->nodes)};
    draw_amount(prng, fault);
    if (fault->kind == FAULT_PARTITION) fault->others = ((1U << plan->nodes) - 1) & ~fault->nodes;
    if (prng_chance(prng, 1, 3)) aim_at_leader(fault);
}

static uint32_t draw_voters(struct prng *prng, uint32_t all, int least) {
    uint32_t voters;
    do voters = (uint32_t)prng_between(prng, 1, all);
    while (__builtin_popcount(voters) < least);
    return voters;
}

/* Where a node is damaged it never is one of two voters, or the only one, and no other one loses its disk. */
static void draw_changes(struct fault_plan *plan) {
    struct prng prng;
    const bool is_damaged = fault_plan_damages(plan);
    prng_init(&prng, hash_mix(plan->seed, 0x6d656d62));
    if (plan->nodes < 3 || !prng_chance(&prng, 1, 2)) return;
    plan->nodes += (unsigned)prng_below(&prng, NEWCOMERS_MAX + 1);
    if (plan->nodes > FAULT_PLAN_NODES_MAX) plan->nodes = FAULT_PLAN_NODES_MAX;
    const uint32_t all = (1U << plan->nodes) - 1;
    for (uint64_t left = prng_between(&prng, 1, CHANGES_MAX); left > 0; left--) {
        const struct fault change = {.kind = FAULT_MEMBERS,
                                     .at_ms = prng_between(&prng, START_MS, HORIZON_MS),
                                     .nodes = draw_voters(&prng, all, is_damaged ? FAULT_PLAN_WHOLE_VOTERS : 1),
                                     .amount = (int64_t)prng_below(&prng, 4)};
        plan->faults[plan->count++] = change;
        if (prng_chance(&prng, 2, 3)) draw_fault_at_change(&prng, plan, change.at_ms);
    }
    if (!is_damaged && prng_chance(&prng, 1, 3))
        plan->faults[plan->count++] = (struct fault){.kind = FAULT_WIPE,
                                                     .at_ms = prng_between(&prng, START_MS, HORIZON_MS),
                                                     .nodes = 1U << prng_below(&prng, plan->nodes)};
}

/* Not where disks are damaged or members change: what only the leader and a witness hold is on one disk. */
static void draw_witness(struct fault_plan *plan) {
    struct prng prng;
    prng_init(&prng, hash_mix(plan->seed, 0x7769746e));
    if (plan->nodes < 3 || plan->nodes != plan->founders || fault_plan_damages(plan) || !prng_chance(&prng, 1, 4))
        return;
    for (size_t i = 0; i < plan->count; i++)
        if (plan->faults[i].kind == FAULT_MEMBERS || plan->faults[i].kind == FAULT_WIPE) return;
    plan->witness = 1 + (unsigned)prng_below(&prng, plan->nodes);
}

void fault_plan_draw(struct fault_plan *plan, uint64_t seed, unsigned nodes) {
    struct prng prng;
    bool kinds[FAULT_KIND_COUNT];
    *plan = (struct fault_plan){.seed = seed, .nodes = nodes, .founders = nodes, .operations = FAULT_PLAN_OPERATIONS};
    prng_init(&prng, hash_mix(seed, 0x706c616e));
    plan->clients = (unsigned)prng_between(&prng, 3, 6);
    do {
        draw_kinds(&prng, kinds);
        plan->count = FAULTS_MIN + (size_t)prng_below(&prng, FAULTS_SPREAD);
        for (size_t i = 0; i < plan->count; i++) draw_fault(&prng, plan, &plan->faults[i], kinds);
    } while (fault_plan_kinds(plan) < 3);
    draw_transfers(plan);
    draw_hung_disks(plan);
    draw_rots(plan);
    draw_misdirect(plan);
    draw_write_errors(plan);
    draw_changes(plan);
    draw_witness(plan);
    draw_snapshots(plan);
    draw_upgrades(plan);
    fault_plan_sort(plan);
}
