/* faults: see faults.h. */
#include "tools/loam/chaos/faults.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static unsigned node_count(const struct hands *hands) {
    return hands->cluster->plan.nodes;
}

/* The leader more often than others: that is where most can go wrong. */
static unsigned draw_node(const struct hands *hands, struct prng *prng) {
    if (hands->leader != 0 && prng_chance(prng, 1, 2)) return hands->leader;
    return 1 + (unsigned)prng_below(prng, node_count(hands));
}

__attribute__((format(printf, 2, 3))) static void say(struct fault *fault, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(fault->text, sizeof fault->text, format, arguments);
    va_end(arguments);
}

static const char *role_of(const struct hands *hands, unsigned node) {
    return node == hands->leader ? ", which leads" : "";
}

static struct wish *wish_of(struct hands *hands, unsigned node) {
    return &hands->nodes[node - 1].wish;
}

/* ---- Processes --------------------------------------------------------------------------------------------------- */

static bool kill_node(struct fault *fault, struct hands *hands, unsigned node) {
    fault->node = node;
    say(fault, "kill -9 node %u%s", node, role_of(hands, node));
    wish_of(hands, node)->is_down = true;
    return true;
}

static bool begin_kill(struct fault *fault, struct hands *hands, struct prng *prng) {
    return kill_node(fault, hands, draw_node(hands, prng));
}

static bool begin_kill_leader(struct fault *fault, struct hands *hands, struct prng *prng) {
    (void)prng;
    return hands->leader != 0 && kill_node(fault, hands, hands->leader);
}

static bool begin_kill_all(struct fault *fault, struct hands *hands, struct prng *prng) {
    (void)prng;
    for (unsigned node = 1; node <= node_count(hands); node++) wish_of(hands, node)->is_down = true;
    say(fault, "kill -9 all nodes");
    return true;
}

static bool begin_pause(struct fault *fault, struct hands *hands, struct prng *prng) {
    fault->node = draw_node(hands, prng);
    wish_of(hands, fault->node)->is_paused = true;
    say(fault, "SIGSTOP node %u%s", fault->node, role_of(hands, fault->node));
    return true;
}

static bool begin_restart(struct fault *fault, struct hands *hands, struct prng *prng) {
    (void)prng;
    fault->node = 1;
    *wish_of(hands, 1) = (struct wish){.is_down = true, .is_gentle = true};
    say(fault, "rolling restart of all nodes");
    return true;
}

/* The next node ends once the one before is back. */
static bool go_on_restarting(struct fault *fault, struct hands *hands) {
    char why[128];
    struct hand *hand = &hands->nodes[fault->node - 1];
    if (hand->wish.is_down) {
        if (hand->state == PROCESS_GONE) hand->wish = (struct wish){0};
        return false;
    }
    if (!hands_all_well(hands, why)) return false;
    if (fault->node == node_count(hands)) return true;
    fault->node++;
    *wish_of(hands, fault->node) = (struct wish){.is_down = true, .is_gentle = true};
    return false;
}

/* ---- Network ----------------------------------------------------------------------------------------------------- */

static void cut(struct hands *hands, unsigned from, unsigned to) {
    wish_of(hands, from)->drop_out |= UINT32_C(1) << to;
    wish_of(hands, to)->drop_in |= UINT32_C(1) << from;
}

/* Bits of the nodes of one side; some, but not all. */
static uint32_t draw_side(const struct hands *hands, struct prng *prng) {
    const uint32_t all = ((UINT32_C(1) << node_count(hands)) - 1) << 1;
    if (hands->leader != 0 && prng_chance(prng, 2, 5)) return UINT32_C(1) << hands->leader;
    uint32_t side;
    do side = (uint32_t)prng_below(prng, all) & all;
    while (side == 0 || side == all);
    return side;
}

/* "partition 1,3/2" */
static void say_sides(struct fault *fault, const struct hands *hands, const char *what, uint32_t side) {
    char names[2][32] = {"", ""};
    for (unsigned node = 1; node <= node_count(hands); node++) {
        const bool in = side >> node & 1;
        const size_t size = strlen(names[in]);
        (void)snprintf(names[in] + size, sizeof names[in] - size, "%s%u", size ? "," : "", node);
    }
    say(fault, "%s %s/%s", what, names[1], names[0]);
}

static bool begin_partition(struct fault *fault, struct hands *hands, struct prng *prng) {
    if (node_count(hands) < 2) return false;
    const uint32_t side = draw_side(hands, prng);
    for (unsigned a = 1; a <= node_count(hands); a++)
        for (unsigned b = 1; b <= node_count(hands); b++)
            if (a != b && (side >> a & 1) != (side >> b & 1)) cut(hands, a, b);
    say_sides(fault, hands, "partition", side);
    return true;
}

static bool begin_one_way(struct fault *fault, struct hands *hands, struct prng *prng) {
    if (node_count(hands) < 2) return false;
    const bool deaf = prng_chance(prng, 1, 2);
    fault->node = draw_node(hands, prng);
    for (unsigned other = 1; other <= node_count(hands); other++) {
        if (other == fault->node) continue;
        if (deaf)
            cut(hands, other, fault->node);
        else
            cut(hands, fault->node, other);
    }
    say(fault, "node %u%s %s no peer", fault->node, role_of(hands, fault->node), deaf ? "hears" : "is heard by");
    return true;
}

static unsigned draw_other(const struct hands *hands, struct prng *prng, unsigned than) {
    unsigned other;
    do other = 1 + (unsigned)prng_below(prng, node_count(hands));
    while (other == than);
    return other;
}

static bool begin_partial(struct fault *fault, struct hands *hands, struct prng *prng) {
    if (node_count(hands) < 3) return false; /* between two it is a partition */
    const unsigned a = draw_node(hands, prng), b = draw_other(hands, prng, a);
    cut(hands, a, b);
    cut(hands, b, a);
    say(fault, "nodes %u and %u do not hear each other", a, b);
    return true;
}

/* Below the nodes: connections stay, and nothing comes through. */
static bool begin_unplug(struct fault *fault, struct hands *hands, struct prng *prng) {
    if (hands->cluster->plan.net == 0 || node_count(hands) < 2) return false;
    if (hands->cables_wish.side != 0 || hands->cables_wish.alone != 0) return false;
    if (node_count(hands) < 3 || prng_chance(prng, 2, 3)) {
        hands->cables_wish.side = draw_side(hands, prng);
        say_sides(fault, hands, "cables pulled between", hands->cables_wish.side);
        return true;
    }
    const unsigned a = draw_node(hands, prng), b = draw_other(hands, prng, a);
    hands->cables_wish.alone = UINT32_C(1) << a | UINT32_C(1) << b;
    say(fault, "the cable between nodes %u and %u is pulled", a, b);
    return true;
}

/* ---- Leadership -------------------------------------------------------------------------------------------------- */

static bool begin_transfer(struct fault *fault, struct hands *hands, struct prng *prng) {
    char id[16];
    const unsigned leader = hands->leader;
    if (leader == 0 || node_count(hands) < 2) return false;
    const unsigned to = draw_other(hands, prng, leader);
    if (hands->cluster->witness && to == node_count(hands)) return false;
    (void)snprintf(id, sizeof id, "%u", to);
    const char *words[] = {"RAFT.TRANSFER", id};
    fault->node = leader;
    say(fault, "leadership goes from node %u to node %u", leader, to);
    return hands_tell(hands, leader, words, 2);
}

/* ---- Members ----------------------------------------------------------------------------------------------------- */

/* Two voters at least stay; nobody's place is changed while another's is. */
static bool begin_members(struct fault *fault, struct hands *hands, struct prng *prng) {
    const bool goes = prng_chance(prng, 2, 3), is_joint = prng_chance(prng, 1, 2);
    if (node_count(hands) < 3) return false;
    for (unsigned node = 1; node <= node_count(hands); node++)
        if (wish_of(hands, node)->place != WISH_VOTER) return false;
    fault->node = draw_node(hands, prng);
    wish_of(hands, fault->node)->place = goes ? WISH_OUT : WISH_LEARNER;
    wish_of(hands, fault->node)->is_joint = is_joint;
    say(fault, "node %u%s %s%s", fault->node, role_of(hands, fault->node),
        goes ? "is removed, loses its disk and comes back as a new one" : "loses its vote for a while",
        is_joint ? ", jointly" : "");
    return true;
}

/* ---- Disks and clocks -------------------------------------------------------------------------------------------- */

static bool begin_disk_full(struct fault *fault, struct hands *hands, struct prng *prng) {
    fault->node = draw_node(hands, prng);
    wish_of(hands, fault->node)->disk_is_full = true;
    say(fault, "the disk of node %u%s is full", fault->node, role_of(hands, fault->node));
    return true;
}

static bool begin_disk_slow(struct fault *fault, struct hands *hands, struct prng *prng) {
    fault->node = draw_node(hands, prng);
    const uint32_t delay_ms = (uint32_t)prng_between(prng, 20, 1500);
    wish_of(hands, fault->node)->disk_slow_ms = delay_ms;
    say(fault, "barriers of node %u%s take %u ms more", fault->node, role_of(hands, fault->node), delay_ms);
    return true;
}

static bool begin_clock(struct fault *fault, struct hands *hands, struct prng *prng) {
    static const int64_t reach_ms[] = {500, 60 * 1000, 86400 * 1000};
    const uint64_t reach = (uint64_t)reach_ms[prng_below(prng, 3)];
    const int64_t offset_ms = (int64_t)prng_between(prng, 1, 2 * reach) - (int64_t)reach;
    fault->node = draw_node(hands, prng);
    wish_of(hands, fault->node)->clock_ms = offset_ms;
    say(fault, "the clock of node %u%s is off by %lld ms", fault->node, role_of(hands, fault->node),
        (long long)offset_ms);
    return true;
}

/* ---- The table --------------------------------------------------------------------------------------------------- */

const struct fault_facts fault_table[FAULT_KINDS] = {
    [FAULT_KILL] = {"kill", "kill -9 of a node, and a start later", 200, 2000, begin_kill, NULL},
    [FAULT_KILL_LEADER] = {"kill-leader", "the same, always of the leader", 200, 2000, begin_kill_leader, NULL},
    [FAULT_KILL_ALL] = {"kill-all", "kill -9 of all nodes at once", 50, 300, begin_kill_all, NULL},
    [FAULT_PAUSE] = {"pause", "SIGSTOP, SIGCONT later", 100, 3000, begin_pause, NULL},
    [FAULT_PARTITION] = {"partition", "two sides that do not hear each other", 200, 3000, begin_partition, NULL},
    [FAULT_ONE_WAY] = {"one-way", "a node that hears nobody, or is heard by nobody", 200, 3000, begin_one_way, NULL},
    [FAULT_PARTIAL] = {"partial", "two nodes that do not hear each other, while others hear both", 200, 3000,
                       begin_partial, NULL},
    [FAULT_UNPLUG] = {"unplug", "with --netns: cables between nodes are pulled", 200, 4000, begin_unplug, NULL},
    [FAULT_RESTART] = {"restart", "every node ends gently and starts again, one after another", 0, 60000, begin_restart,
                       go_on_restarting},
    [FAULT_TRANSFER] = {"transfer", "the leader gives its place away", 50, 300, begin_transfer, NULL},
    [FAULT_MEMBERS] = {"members", "a node is removed and comes back with an empty disk, or loses its vote for a while",
                       500, 4000, begin_members, NULL},
    [FAULT_DISK_FULL] = {"disk-full", "no room on a node's disk", 500, 3000, begin_disk_full, NULL},
    [FAULT_DISK_SLOW] = {"disk-slow", "barriers of a node take up to 1.5 s more", 500, 3000, begin_disk_slow, NULL},
    [FAULT_CLOCK] = {"clock", "a node's wall clock is off by up to a day", 200, 3000, begin_clock, NULL},
};

static bool find_kind(const char *name, size_t size, enum fault_kind *kind) {
    for (unsigned i = 0; i < FAULT_KINDS; i++) {
        if (strlen(fault_table[i].name) != size || memcmp(fault_table[i].name, name, size) != 0) continue;
        *kind = (enum fault_kind)i;
        return true;
    }
    return false;
}

bool faults_parse(const char *text, uint32_t *kinds) {
    *kinds = 0;
    if (strcmp(text, "none") == 0) return true;
    if (strcmp(text, "all") == 0) {
        *kinds = ((UINT32_C(1) << FAULT_KINDS) - 1) & ~(UINT32_C(1) << FAULT_KILL_LEADER);
        return true;
    }
    for (const char *at = text;; at++) {
        enum fault_kind kind;
        const size_t size = strcspn(at, ",");
        if (!find_kind(at, size, &kind)) return false;
        *kinds |= UINT32_C(1) << kind;
        at += size;
        if (*at == '\0') return true;
    }
}
