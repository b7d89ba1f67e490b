/*
 * raft_core: several pure cores under a hostile network, slow disks, crashes and changes of membership, one seed a run.
 * What must always hold is checked at every event by the lab (tests/harness/raft_lab.h); then all is healed, and the
 * cluster must elect a leader, commit, and bring every member to the same state.
 *
 *     build/tests/property/raft_core_test              the suite
 *     build/tests/property/raft_core_test SEED         one seed, its story on standard output
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/hash.h"
#include "tests/harness/raft_lab_check.h"
#include "tests/harness/test_env.h"

enum { STEPS = 400, RUNS = 20000, TICK_MS = 10, HEAL_TICKS_MAX = 400, USURP_WEIGHT = 12, MET = 8 };

/* What happens how often: drawn for each seed, so that each meets its own mixture (swarm testing). */
enum deed {
    DEED_DELIVER,
    DEED_DROP,
    DEED_REPEAT,
    DEED_TICK,
    DEED_PERSIST,
    DEED_APPLY,
    DEED_PROPOSE,
    DEED_READ,
    DEED_CRASH,
    DEED_RESTART,
    DEED_CUT,
    DEED_HEAL,
    DEED_FLUSH,
    DEED_COMPACT,
    DEED_STREAM,
    DEED_LINK,
    DEED_CAMPAIGN,
    DEED_CHANGE,
    DEED_SEVER,
    DEED_BURST,
    DEED_REIGN,
    DEED_CLOCK,
    DEED_TRANSFER,
    DEED_USURP,
    DEED_DAMAGE,
    DEED_COUNT,
};

static const unsigned deed_weight[DEED_COUNT] = {
    [DEED_DELIVER] = 400, [DEED_DROP] = 20,    [DEED_REPEAT] = 20, [DEED_TICK] = 150,  [DEED_PERSIST] = 120,
    [DEED_APPLY] = 60,    [DEED_PROPOSE] = 60, [DEED_READ] = 40,   [DEED_CRASH] = 4,   [DEED_RESTART] = 12,
    [DEED_CUT] = 4,       [DEED_HEAL] = 10,    [DEED_FLUSH] = 20,  [DEED_COMPACT] = 8, [DEED_STREAM] = 40,
    [DEED_LINK] = 4,      [DEED_CAMPAIGN] = 8, [DEED_CHANGE] = 4,  [DEED_CLOCK] = 2,   [DEED_SEVER] = 6,
    [DEED_BURST] = 12,    [DEED_TRANSFER] = 6,
};

struct run {
    struct lab *lab;
    struct prng prng;
    unsigned weights[DEED_COUNT];
    unsigned weight_sum;
    bool damages;       /* logs lose what they held, one node's at a time; members stay */
    unsigned lingering; /* 0 = any message may be next; more: old ones wait longer */
    uint64_t candidate; /* of the last reign */
    bool is_hasty;      /* who is elected changes the members at once */
    bool asks_again;    /* who has asked may die and ask again */
    uint64_t led_term;  /* the latest in which somebody was seen to lead */
    bool in_order;      /* the network keeps order, like connections do; else any message may be next */
};

static uint64_t any_node(struct run *run) {
    return 1 + prng_below(&run->prng, run->lab->options.nodes);
}

/* A node that takes itself for the leader; more than one may, and the old ones are where bugs live. */
static uint64_t any_leader(struct run *run) {
    uint64_t leaders[LAB_NODES_MAX];
    unsigned count = 0;
    for (uint64_t id = 1; id <= run->lab->options.nodes; id++) {
        if (run->lab->nodes[id].raft && run->lab->nodes[id].role == RAFT_LEADER) leaders[count++] = id;
    }
    return count > 0 && prng_chance(&run->prng, 7, 8) ? leaders[prng_below(&run->prng, count)] : any_node(run);
}

/* Mostly short reigns: leaders that come and go and leave an entry here and there (figure 8 of the paper). */
static void weigh_for_unrest(struct run *run) {
    for (unsigned deed = 0; deed < DEED_COUNT; deed++) run->weights[deed] = (run->weights[deed] + 7) / 8;
    run->weights[DEED_CHANGE] = 0;
    run->weights[DEED_REIGN] = 40;
}

static void draw_weights(struct run *run, bool unrest) {
    for (unsigned deed = 0; deed < DEED_COUNT; deed++) {
        static const unsigned factor[] = {0, 1, 1, 4};
        bool needed = deed == DEED_DELIVER || deed == DEED_TICK || deed == DEED_PERSIST || deed == DEED_APPLY ||
                      deed == DEED_PROPOSE || deed == DEED_RESTART || deed == DEED_BURST || deed == DEED_STREAM ||
                      deed == DEED_HEAL;
        run->weights[deed] = deed_weight[deed] * (needed ? 1 : factor[prng_below(&run->prng, 4)]);
    }
    if (unrest) weigh_for_unrest(run);
    run->weights[DEED_DAMAGE] = run->damages ? 4 : 0;
    if (run->damages) run->weights[DEED_CHANGE] = 0;
    run->weight_sum = 0;
    for (unsigned deed = 0; deed < DEED_COUNT; deed++) run->weight_sum += run->weights[deed];
    run->in_order = prng_chance(&run->prng, 1, 3);
    run->lingering = (unsigned)prng_below(&run->prng, 4);
}

static void change_by(struct run *run, uint64_t leader) {
    struct raft_change change = {.transition = (enum raft_transition)prng_below(&run->prng, 3),
                                 .count = (unsigned)prng_below(&run->prng, 4)};
    if (run->is_hasty && prng_chance(&run->prng, 3, 4))
        change.count = 1; /* the step that needs no joint configuration */
    for (unsigned i = 0; i < change.count; i++) {
        change.items[i].kind = (enum raft_change_kind)prng_below(&run->prng, 3);
        change.items[i].id = any_node(run);
    }
    (void)lab_propose_change(run->lab, leader, &change);
}

static void do_change(struct run *run) {
    uint64_t leader = lab_leader(run->lab);
    if (leader) change_by(run, leader);
}

/* Ongaro's letter of 2015: the change that a new leader makes meets the one that it inherited. */
static void change_in_haste(struct run *run) {
    const struct lab *lab = run->lab;
    for (uint64_t id = 1; run->is_hasty && id <= lab->options.nodes; id++) {
        if (!lab->nodes[id].raft || lab->nodes[id].role != RAFT_LEADER) continue;
        const uint64_t term = raft_get_position(lab->nodes[id].raft).term;
        if (term <= run->led_term) continue;
        run->led_term = term;
        change_by(run, id);
    }
}

/* To anybody: a learner, one that is far behind, a node that is down or no member. */
static void do_transfer(struct run *run, uint64_t leader) {
    const struct raft_event event = {.kind = RAFT_EVENT_TRANSFER, .transfer = {.to = any_node(run)}};
    (void)lab_step(run->lab, leader, &event);
}

/*
 * Some of the nodes work at full speed for a while, the others stand still (a long pause, a slow link): elections come
 * to an end and entries get committed, while a leader of before may not have noticed.
 */
static void do_burst(struct run *run) {
    struct lab *lab = run->lab;
    bool awake[LAB_NODES_MAX + 1];
    for (uint64_t id = 1; id <= lab->options.nodes; id++) {
        bool leads = lab->nodes[id].raft && lab->nodes[id].role == RAFT_LEADER;
        awake[id] = !prng_chance(&run->prng, leads ? 2 : 1, 4);
    }
    unsigned rounds = 1 + (unsigned)prng_below(&run->prng, 2 * lab->options.election_ticks);
    bool time_passes = lab->options.guard_ms > 0 && prng_chance(&run->prng, 1, 2);
    for (unsigned round = 0; round < rounds && lab->failure[0] == '\0'; round++) {
        if (time_passes) lab->now_ms += TICK_MS;
        for (uint64_t id = 1; id <= lab->options.nodes; id++) {
            if (awake[id]) lab_tick(lab, id);
        }
        for (unsigned i = lab->message_count; i-- > 0 && i < lab->message_count;) {
            if (awake[lab->network[i].message.to] && !prng_chance(&run->prng, 1, 8)) lab_deliver(lab, i);
        }
        for (uint64_t id = 1; id <= lab->options.nodes; id++) {
            if (!awake[id]) continue;
            lab_persist(lab, id, LAB_WORKS_MAX);
            lab_apply(lab, id, 4);
        }
    }
}

/* A node asks, dies, and asks again under the same number while the first answer is still on its way. */
static void ask_in_two_lives(struct run *run, uint64_t node) {
    struct lab *lab = run->lab;
    (void)lab_read(lab, node);
    for (unsigned i = lab->message_count; i-- > 0 && i < lab->message_count;) {
        if (lab->network[i].message.to != node) lab_deliver(lab, i);
    }
    lab_crash(lab, node, LAB_WORKS_MAX);
    lab_restart(lab, node);
    do_burst(run);
    (void)lab_read(lab, node);
}

/* Its driver may look at the clock after it, or stand still. */
static void do_read(struct run *run, uint64_t node) {
    if (run->lab->options.guard_ms > 0 && prng_chance(&run->prng, 1, 4)) node = any_node(run);
    if (run->asks_again && prng_chance(&run->prng, 1, 4)) ask_in_two_lives(run, node);
    (void)lab_read(run->lab, node);
    if (run->lab->options.guard_ms > 0 && prng_chance(&run->prng, 1, 2)) lab_clock(run->lab, node);
}

/* Within the budget: no second one before the first is whole again. */
static void do_damage(struct run *run, uint64_t id) {
    struct lab *lab = run->lab;
    for (uint64_t other = 1; other <= lab->options.nodes; other++)
        if (lab->nodes[other].doubt_term != 0) return;
    lab_crash(lab, id, (unsigned)prng_below(&run->prng, 4));
    const uint64_t last = lab->nodes[id].durable_last;
    if (!lab->nodes[id].raft) lab_damage_log(lab, id, last - prng_below(&run->prng, last + 1));
    if (prng_chance(&run->prng, 3, 4)) lab_restart(lab, id);
}

static void do_cut(struct run *run) {
    struct lab *lab = run->lab;
    lab->met.partitions++;
    if (prng_chance(&run->prng, 1, 3)) {
        lab_isolate(lab, any_node(run));
        return;
    }
    unsigned links = 1 + (unsigned)prng_below(&run->prng, 4); /* one way each */
    while (links-- > 0) lab->cut[any_node(run)][any_node(run)] = true;
    for (unsigned id = 0; id <= LAB_NODES_MAX; id++) lab->cut[id][id] = false;
}

/* Cuts a leader off, wholly or with a few others: it goes on in the belief that it leads. */
static void do_sever(struct run *run) {
    struct lab *lab = run->lab;
    uint64_t leader = any_leader(run);
    lab->met.partitions++;
    lab_heal(lab);
    bool with[LAB_NODES_MAX + 1] = {false};
    for (uint64_t id = 1; id <= lab->options.nodes; id++) with[id] = id == leader || prng_chance(&run->prng, 1, 4);
    for (uint64_t id = 1; id <= lab->options.nodes; id++) {
        for (uint64_t other = 1; other <= lab->options.nodes; other++) lab->cut[id][other] = with[id] != with[other];
    }
}

static void do_link(struct run *run) {
    struct raft_event event = {.kind = RAFT_EVENT_LINK,
                               .report = {.peer = any_node(run), .ok = prng_chance(&run->prng, 1, 2)}};
    (void)lab_step(run->lab, any_node(run), &event);
}

static void do_network(struct run *run, enum deed deed) {
    struct lab *lab = run->lab;
    if (lab->message_count == 0) return;
    unsigned position = run->in_order ? 0 : (unsigned)prng_below(&run->prng, lab->message_count);
    for (unsigned i = 0; i < run->lingering && !run->in_order;
         i++) { /* the newer is preferred: some stay behind for long */
        unsigned other = (unsigned)prng_below(&run->prng, lab->message_count);
        position = other > position ? other : position;
    }
    if (deed == DEED_DELIVER) lab_deliver(lab, position);
    if (deed == DEED_DROP) lab_drop(lab, position);
    if (deed == DEED_REPEAT) lab_repeat(lab, position);
}

/*
 * A short reign: somebody campaigns among some of the nodes, which then exchange messages for a few rounds, and no
 * further. What is not delivered by then may be lost; the candidate may die.
 */
static void do_reign(struct run *run) {
    struct lab *lab = run->lab;
    bool among[LAB_NODES_MAX + 1];
    for (uint64_t id = 1; id <= lab->options.nodes; id++) {
        among[id] = prng_chance(&run->prng, 2, 3);
        if (among[id]) lab_restart(lab, id);
    }
    /* Who led before leads again, and meets what was on its way to it then. */
    uint64_t candidate = run->candidate != 0 && prng_chance(&run->prng, 1, 3) ? run->candidate : any_node(run);
    run->candidate = candidate;
    if (prng_chance(&run->prng, 1, 2)) {
        while (lab->message_count > 0) lab_drop(lab, 0);
    }
    lab_heal(lab);
    unsigned campaigns = 1 + (unsigned)prng_below(&run->prng, 2);
    unsigned held = (unsigned)prng_below(&run->prng, 3); /* of eight messages, in each round: they come late */
    unsigned rounds = 2 + (unsigned)prng_below(&run->prng, 8);
    for (unsigned round = 0; round < rounds && lab->failure[0] == '\0'; round++) {
        if (round < campaigns && lab->nodes[candidate].role != RAFT_LEADER) lab_campaign(lab, candidate);
        lab_persist(lab, candidate, LAB_WORKS_MAX);
        for (unsigned i = lab->message_count; i-- > 0;) {
            if (i >= lab->message_count || prng_chance(&run->prng, held, 8)) continue;
            if (among[lab->network[i].message.to] && among[lab->network[i].message.from]) lab_deliver(lab, i);
        }
        for (uint64_t id = 1; id <= lab->options.nodes; id++) {
            if (among[id]) lab_persist(lab, id, LAB_WORKS_MAX);
        }
    }
    if (prng_chance(&run->prng, 1, 2)) lab_crash(lab, candidate, LAB_WORKS_MAX);
}

/* All but the old leader work, each with some luck. */
static void usurp_round(struct run *run, uint64_t leader, uint64_t most_ms) {
    struct lab *lab = run->lab;
    lab->now_ms += prng_below(&run->prng, most_ms + 1);
    for (uint64_t id = 1; id <= lab->options.nodes; id++) {
        if (id != leader && prng_chance(&run->prng, 1, 2)) lab_tick(lab, id);
        if (id != leader && prng_chance(&run->prng, 3, 4)) lab_persist(lab, id, LAB_WORKS_MAX);
        if (id != leader && prng_chance(&run->prng, 1, 2)) lab_apply(lab, id, 4);
    }
    for (unsigned i = lab->message_count; i-- > 0 && i < lab->message_count;) {
        if (lab->network[i].message.to != leader && prng_chance(&run->prng, 7, 8)) lab_deliver(lab, i);
    }
}

/* The leader tells another to campaign, may take that back and lead on, and its word may arrive all the same. */
static void give_away(struct run *run, uint64_t leader, uint64_t to) {
    struct lab *lab = run->lab;
    struct raft_event wish = {.kind = RAFT_EVENT_TRANSFER, .transfer = {.to = to}};
    (void)lab_step(lab, leader, &wish);
    if (!prng_chance(&run->prng, 1, 3)) return;
    wish.transfer.to = leader;
    (void)lab_step(lab, leader, &wish);
    lab_clock(lab, leader);
    (void)lab_propose(lab, leader, 1);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = lab->message_count; i-- > 0 && i < lab->message_count;) {
            if (lab->network[i].message.kind != RAFT_TIMEOUT_NOW) lab_deliver(lab, i);
        }
        for (uint64_t id = 1; id <= lab->options.nodes; id++) lab_persist(lab, id, LAB_WORKS_MAX);
    }
}

/*
 * A leader that has just committed, and holds a lease if it may, stands still while another comes to lead, by its own
 * will or the leader's, and writes; then it wakes up, looks at its clock or not, and is asked. This takes no time, or
 * some: a lease ends by clocks alone.
 */
static void do_usurp(struct run *run, uint64_t leader) {
    struct lab *lab = run->lab;
    if (prng_chance(&run->prng, 3, 4)) {
        (void)lab_propose(lab, leader, 1);
        lab_settle(lab);
    }
    const uint64_t usurper = any_node(run);
    const bool is_handed = prng_chance(&run->prng, 1, 3);
    const unsigned rounds = 3 + (unsigned)prng_below(&run->prng, 8);
    const uint64_t most_ms = lab->options.guard_ms >> (1 + prng_below(&run->prng, 5)); /* a round takes */
    if (is_handed) give_away(run, leader, usurper);
    if (usurper != leader && prng_chance(&run->prng, 1, 3)) {
        lab_crash(lab, usurper, LAB_WORKS_MAX);
        lab_restart(lab, usurper);
    }
    if (!is_handed && prng_chance(&run->prng, 1, 2)) do_sever(run);
    for (unsigned round = 0; round < rounds && lab->failure[0] == '\0'; round++) {
        if (usurper != leader && !is_handed && round < 2) lab_campaign(lab, usurper);
        usurp_round(run, leader, most_ms);
        if (usurper != leader && lab->nodes[usurper].role == RAFT_LEADER) (void)lab_propose(lab, usurper, 1);
        if (prng_chance(&run->prng, 1, 4)) do_read(run, leader);
        if (prng_chance(&run->prng, 1, 8)) (void)lab_propose(lab, leader, 1);
    }
    do_read(run, leader);
}

static void do_deed(struct run *run, enum deed deed) {
    struct lab *lab = run->lab;
    uint64_t node = any_node(run);
    uint64_t leader = any_leader(run);
    switch (deed) {
    case DEED_DELIVER:
    case DEED_DROP:
    case DEED_REPEAT: do_network(run, deed); break;
    case DEED_TICK:
        lab->now_ms += TICK_MS / 2;
        lab_tick(lab, node);
        break;
    case DEED_PERSIST: lab_persist(lab, node, 1 + (unsigned)prng_below(&run->prng, 3)); break;
    case DEED_APPLY: lab_apply(lab, node, 1 + (unsigned)prng_below(&run->prng, 8)); break;
    case DEED_PROPOSE: (void)lab_propose(lab, leader, 1 + (unsigned)prng_below(&run->prng, 4)); break;
    case DEED_READ: do_read(run, leader); break;
    case DEED_CRASH: lab_crash(lab, node, (unsigned)prng_below(&run->prng, 4)); break;
    case DEED_RESTART: lab_restart(lab, node); break;
    case DEED_CUT: do_cut(run); break;
    case DEED_HEAL: lab_heal(lab); break;
    case DEED_FLUSH: lab_flush(lab, node); break;
    case DEED_COMPACT: lab_compact(lab, node, lab->nodes[node].durable_state.index - prng_below(&run->prng, 4)); break;
    case DEED_STREAM:
        if (lab->stream_count > 0)
            lab_stream_end(lab, (unsigned)prng_below(&run->prng, lab->stream_count), prng_chance(&run->prng, 3, 4));
        break;
    case DEED_LINK: do_link(run); break;
    case DEED_CAMPAIGN: lab_campaign(lab, node); break;
    case DEED_CHANGE: do_change(run); break;
    case DEED_SEVER: do_sever(run); break;
    case DEED_BURST: do_burst(run); break;
    case DEED_REIGN: do_reign(run); break;
    case DEED_DAMAGE: do_damage(run, node); break;
    case DEED_TRANSFER: do_transfer(run, leader); break;
    case DEED_USURP: do_usurp(run, leader); break;
    case DEED_CLOCK: lab->nodes[node].clock_offset_ms = prng_below(&run->prng, 100000); break;
    case DEED_COUNT: break;
    }
}

static enum deed draw_deed(struct run *run) {
    unsigned at = (unsigned)prng_below(&run->prng, run->weight_sum);
    unsigned deed = 0;
    while (at >= run->weights[deed]) at -= run->weights[deed++];
    return (enum deed)deed;
}

/* ---- after the storm --------------------------------------------------------------------------------------------- */

/* Everybody who is a member, as the leader has it, has caught up with it. */
static bool has_converged(const struct lab *lab, uint64_t leader) {
    struct raft_status status = lab_status(lab, leader);
    if (status.configuration.outgoing_count > 0 && status.configuration.auto_leave) return false;
    for (unsigned i = 0; i < status.peer_count; i++) {
        const struct lab_node *node = &lab->nodes[status.peers[i].id];
        if (node->state.index != status.last || node->state.hash != lab->nodes[leader].state.hash) return false;
    }
    return status.commit == status.last;
}

static void heal_and_converge(struct run *run) {
    struct lab *lab = run->lab;
    lab_heal(lab);
    for (uint64_t id = 1; id <= lab->options.nodes; id++) {
        lab->nodes[id].clock_offset_ms = 0;
        lab_restart(lab, id);
    }
    enum { ASK_AGAIN_TICKS = 20 };
    uint64_t asked = 0; /* the leader that took a proposal and a read */
    uint64_t served = 0;
    for (unsigned tick = 0; tick < HEAL_TICKS_MAX && lab->failure[0] == '\0'; tick++) {
        lab->now_ms += TICK_MS;
        for (uint64_t id = 1; id <= lab->options.nodes; id++) lab_tick(lab, id);
        lab_settle(lab);
        uint64_t leader = lab_leader(lab);
        if (!leader) continue;
        if (leader == asked && has_converged(lab, leader) && lab->nodes[leader].reads_served > served) return;
        if (leader == asked && tick % ASK_AGAIN_TICKS != 0) continue;
        served = lab->nodes[leader].reads_served;
        asked = lab_propose(lab, leader, 1) == STATUS_OK && lab_read(lab, leader) == STATUS_OK ? leader : 0;
    }
    lab_fail(lab, "healed, and still no progress after %d ticks", HEAL_TICKS_MAX);
}

static void run_seed(struct lab *lab, uint64_t seed, struct buf *trace) {
    struct run run = {.lab = lab};
    prng_init(&run.prng, seed);
    struct lab_options options = {.seed = seed, .by_hand = true, .trace = trace, .heartbeat_ticks = 1};
    options.election_ticks = 3 + (unsigned)prng_below(&run.prng, 8);
    options.late_arrivals = prng_chance(&run.prng, 1, 2);
    options.no_pre_vote = prng_chance(&run.prng, 1, 3);
    options.no_check_quorum = prng_chance(&run.prng, 1, 3);
    options.voters = 3 + 2 * (unsigned)prng_below(&run.prng, 2);
    if (prng_chance(&run.prng, 1, 5)) options.voters = 1 + (unsigned)prng_below(&run.prng, 5);
    options.nodes = options.voters;
    if (prng_chance(&run.prng, 1, 2)) options.nodes += (unsigned)prng_below(&run.prng, 3);
    if (options.nodes > LAB_NODES_MAX) options.nodes = LAB_NODES_MAX;
    options.terms_max = prng_chance(&run.prng, 1, 4) ? 10 + (unsigned)prng_below(&run.prng, 4) : 32;
    options.inflight_messages_max = 1 + (unsigned)prng_below(&run.prng, 8);
    options.messages_max = prng_chance(&run.prng, 1, 4) ? 4 : 64;
    options.append_bytes_max = prng_chance(&run.prng, 1, 3) ? 16 : 16 * (1 + prng_below(&run.prng, 8));
    options.uncommitted_bytes_max = 16 * (8 + prng_below(&run.prng, 64));
    options.start_index = prng_chance(&run.prng, 1, 4) ? 10 : 0;
    bool unrest = prng_chance(&run.prng, 1, 4);
    if (unrest) {
        options.no_pre_vote = options.no_check_quorum = true;
        options.append_bytes_max = 16;
        options.terms_max = 0; /* the default: more leaders without a commit than a small table has room for */
    }
    if (!unrest && prng_chance(&run.prng, 1, 2)) {
        options.guard_ms = 10 + (uint32_t)prng_below(&run.prng, 100);
        options.drift_permille = (uint32_t)prng_below(&run.prng, 300);
        options.guards_differ = prng_chance(&run.prng, 1, 2);
        options.no_check_quorum = options.no_check_quorum || prng_chance(&run.prng, 1, 3);
        options.no_pre_vote = options.no_pre_vote || options.no_check_quorum;
    }
    struct prng damage;
    prng_init(&damage, hash_mix(seed, 0x64616d61));
    run.damages = options.voters >= 3 && prng_chance(&damage, 1, 4);
    run.is_hasty = !run.damages && prng_chance(&damage, 1, 4);
    run.asks_again = prng_chance(&damage, 1, 4);
    if (options.voters >= 3 && !run.damages && !run.is_hasty && prng_chance(&damage, 1, 4))
        options.witness = 1 + prng_below(&damage, options.voters);
    draw_weights(&run, unrest);
    if (options.witness != 0) { /* a change could leave a witness alone */
        run.weight_sum -= run.weights[DEED_CHANGE];
        run.weights[DEED_CHANGE] = 0;
    }
    run.weights[DEED_USURP] = options.guard_ms > 0 ? USURP_WEIGHT : 0;
    run.weight_sum += run.weights[DEED_USURP];
    lab_start(lab, &options);
    for (unsigned step = 0; step < STEPS && lab->failure[0] == '\0' && !lab_is_full(lab); step++) {
        do_deed(&run, draw_deed(&run));
        change_in_haste(&run);
    }
    if (lab->failure[0] == '\0') heal_and_converge(&run);
}

/* ---- the suite --------------------------------------------------------------------------------------------------- */

static void promises_hold_under_faults_and_progress_follows_healing(void **state) {
    (void)state;
    struct lab *lab = lab_create();
    assert_non_null(lab);
    uint64_t first = test_seed(1);
    uint64_t runs = test_scaled(RUNS);
    uint64_t met[MET] = {0};
    uint64_t commits = 0;
    uint64_t events = 0;
    for (uint64_t seed = first; seed < first + runs; seed++) {
        run_seed(lab, seed, NULL);
        bool failed = lab->failure[0] != '\0';
        if (failed)
            printf("seed %" PRIu64 ": %s\nreplay: build/tests/property/raft_core_test %" PRIu64 "\n", seed,
                   lab->failure, seed);
        met[0] += lab->met.crashes > 0;
        met[1] += lab->met.snapshots > 0;
        met[2] += lab->met.cuts_of_log > 0;
        met[3] += lab->met.changes > 0;
        met[4] += lab->met.handed > 0;
        met[5] += lab->met.lease_reads > 0;
        met[6] += lab->met.guarded > 0;
        met[7] += lab->met.repairs > 0;
        commits += lab->met.commits;
        events += lab->met.events;
        lab_stop(lab);
        assert_false(failed);
    }
    printf("%" PRIu64 " runs, %" PRIu64 " events, %" PRIu64 " commits; runs with a crash %" PRIu64
           ", with a snapshot %" PRIu64 ", with a cut log %" PRIu64 ", with a new configuration %" PRIu64
           ", with a leader that was told to campaign %" PRIu64 ", with a read by lease %" PRIu64
           ", with a leader that guarded %" PRIu64 ", with a damaged log that became whole %" PRIu64 "\n",
           runs, events, commits, met[0], met[1], met[2], met[3], met[4], met[5], met[6], met[7]);
    /* A green run that met nothing would prove nothing. */
    for (unsigned i = 0; i < MET; i++) assert_true(runs < 200 || met[i] * 50 >= runs);
    lab_destroy(lab);
}

static void a_seed_replays_bit_for_bit(void **state) {
    (void)state;
    struct lab *lab = lab_create();
    assert_non_null(lab);
    for (uint64_t seed = test_seed(1); seed < test_seed(1) + 20; seed++) {
        run_seed(lab, seed, NULL);
        uint64_t hash = lab_hash(lab);
        lab_stop(lab);
        struct buf trace = BUF_EMPTY;
        run_seed(lab, seed, &trace);
        assert_true(lab_hash(lab) == hash);
        assert_true(trace.size > 0);
        lab_stop(lab);
        buf_deinit(&trace);
    }
    lab_destroy(lab);
}

static int replay(uint64_t seed) {
    struct lab *lab = lab_create();
    struct buf trace = BUF_EMPTY;
    if (!lab) return 1;
    run_seed(lab, seed, &trace);
    fwrite(trace.data, 1, trace.size, stdout);
    printf("seed %" PRIu64 ": %s\n", seed, lab->failure[0] != '\0' ? lab->failure : "all promises held");
    int failed = lab->failure[0] != '\0';
    buf_deinit(&trace);
    lab_destroy(lab);
    return failed;
}

int main(int argc, char **argv) {
    if (argc > 1) return replay(strtoull(argv[1], NULL, 0));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(promises_hold_under_faults_and_progress_follows_healing),
        cmocka_unit_test(a_seed_replays_bit_for_bit),
    };
    return cmocka_run_group_tests_name("raft_core", tests, NULL, NULL);
}
