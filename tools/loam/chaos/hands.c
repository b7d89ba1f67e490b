/* hands: see hands.h. */
#include "tools/loam/chaos/hands.h"
#include "tools/loam/info_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/decimal.h"

enum {
    MS = 1000000,
    LOOK_MS = 20,   /* between two looks at a node */
    STALE_MS = 150, /* what a node has not said for so long counts no more */
    WATCH_TIMEOUT_MS = 400,
    CONTROL_TIMEOUT_MS = 1000,
    SURE_MS = 200,
    BEHIND_MS = 200,
    END_MS = 10000, /* a gentle end takes at most so long */
};

static uint64_t now_ns(const struct hands *hands) {
    return io_now_ns(hands->cluster->io);
}

__attribute__((format(printf, 3, 4))) static void fail(struct hands *hands, bool is_broken, const char *format, ...) {
    if (hands->status != STATUS_OK) return;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(hands->failure.text, sizeof hands->failure.text, format, arguments);
    va_end(arguments);
    hands->status = hands->failure.status = STATUS_INVALID;
    hands->is_broken = is_broken;
}

/* ---- Leaders ----------------------------------------------------------------------------------------------------- */

static bool is_heard(const struct hand *hand) {
    return hand->heard_ns != 0 && now_ns(hand->hands) - hand->heard_ns <= (uint64_t)STALE_MS * MS;
}

static void note_change(struct hands *hands, unsigned leader, uint64_t term) {
    if (hands->change_count == hands->change_capacity) {
        const size_t capacity = hands->change_capacity ? hands->change_capacity * 2 : 64;
        struct leader_change *changes = realloc(hands->changes, capacity * sizeof *changes);
        if (!changes) {
            fail(hands, false, "out of memory");
            return;
        }
        hands->changes = changes;
        hands->change_capacity = capacity;
    }
    hands->changes[hands->change_count++] =
        (struct leader_change){.at_ns = now_ns(hands), .node = leader, .term = term};
}

static void look_for_leader(struct hands *hands) {
    unsigned leader = 0;
    uint64_t term = 0;
    for (unsigned i = 0; i < hands->cluster->plan.nodes; i++) {
        const struct hand *hand = &hands->nodes[i];
        if (!is_heard(hand)) continue;
        if (hand->facts.term > hands->term) {
            hands->terms_seen += hands->term > 0;
            hands->term = hand->facts.term;
        }
        if (strcmp(hand->facts.role, "leader") != 0 || hand->facts.term < hands->term) continue;
        leader = hand->node;
        term = hand->facts.term;
    }
    const struct leader_change *last = hands->change_count ? &hands->changes[hands->change_count - 1] : NULL;
    hands->leader = leader;
    if (!last || last->node != leader || (leader != 0 && last->term != term)) note_change(hands, leader, term);
}

/* ---- What nodes say ---------------------------------------------------------------------------------------------- */

static void heard(struct asker *asker, enum asker_end end, const struct resp_reply *reply) {
    struct hand *hand = asker->context;
    struct node_facts facts = {.node = hand->node};
    hand->heard_ns = 0;
    if (end == ASKER_ANSWERED && reply->type != RESP_ERROR && cluster_facts_parse(&facts, reply->text)) {
        const struct slice disk = info_field(reply->text, "raft_disk");
        int64_t waiting_ms = 0;
        const bool waits = decimal_parse(info_field(reply->text, "raft_disk_waiting_ms"), &waiting_ms);
        hand->disk_has_failed = slice_equal(disk, slice_from_text("failed"));
        hand->disk_is_behind = slice_equal(disk, slice_from_text("slow")) || (waits && waiting_ms > BEHIND_MS);
        hand->facts = facts;
        for (unsigned i = 0; i < hand->hands->cluster->plan.nodes; i++)
            hand->places[i] = cluster_place_of(reply->text, i + 1);
        info_copy(info_field(reply->text, "raft_incarnation"), hand->incarnation, sizeof hand->incarnation);
        if (hand->hands->cluster->cluster_id[0] == '\0')
            info_copy(info_field(reply->text, "raft_cluster_id"), hand->hands->cluster->cluster_id,
                      sizeof hand->hands->cluster->cluster_id);
        hand->heard_ns = now_ns(hand->hands);
    }
    hand->next_look_ns = now_ns(hand->hands) + (uint64_t)LOOK_MS * MS;
}

static void look(struct hand *hand) {
    const struct slice words[] = {slice_from_text("INFO"), slice_from_text("raft")};
    if (!asker_is_idle(&hand->watch) || now_ns(hand->hands) < hand->next_look_ns) return;
    if (asker_ask(&hand->watch, hand->address, words, 2) != STATUS_OK) fail(hand->hands, false, "out of memory");
}

/* ---- What DEBUG sets --------------------------------------------------------------------------------------------- */

static bool tell(struct hand *hand, const char *const *words, size_t count) {
    struct slice slices[8];
    check(count <= sizeof slices / sizeof *slices);
    for (size_t i = 0; i < count; i++) slices[i] = slice_from_text(words[i]);
    hand->may_refuse = false;
    if (asker_ask(&hand->control, hand->address, slices, count) == STATUS_OK) return true;
    fail(hand->hands, false, "out of memory");
    return false;
}

/* One to a life of the node that is over means nothing. */
static void told(struct asker *asker, enum asker_end end, const struct resp_reply *reply) {
    struct hand *hand = asker->context;
    if (end == ASKER_UNKNOWN) {
        hand->is_unsure = true;
        hand->unsure_ns = now_ns(hand->hands);
    }
    if (end != ASKER_ANSWERED) return;
    const bool is_refused = reply->type == RESP_ERROR && slice_has_prefix(reply->text, slice_from_text("ERR"));
    if (is_refused && !hand->may_refuse)
        fail(hand->hands, false, "node %u refuses what the lab wants: %.*s", hand->node, (int)reply->text.size,
             (const char *)reply->text.data);
    hand->done = hand->asked;
}

/* The first peer for which the two sets differ, 0 = none. */
static unsigned first_difference(uint32_t wished, uint32_t done) {
    return wished == done ? 0 : (unsigned)__builtin_ctz(wished ^ done);
}

static bool tell_links(struct hand *hand, bool in) {
    const uint32_t wished = in ? hand->wish.drop_in : hand->wish.drop_out;
    uint32_t *asked = in ? &hand->asked.drop_in : &hand->asked.drop_out;
    const unsigned peer = first_difference(wished, *asked);
    char id[16];
    if (peer == 0) return false;
    (void)snprintf(id, sizeof id, "%u", peer);
    /* The command sets both directions: one that is not named passes. */
    const uint32_t bit = UINT32_C(1) << peer;
    hand->asked.drop_in = (hand->asked.drop_in & ~bit) | (hand->wish.drop_in & bit);
    hand->asked.drop_out = (hand->asked.drop_out & ~bit) | (hand->wish.drop_out & bit);
    const bool drops_in = hand->wish.drop_in & bit, drops_out = hand->wish.drop_out & bit;
    const char *words[] = {"DEBUG", "LINK", id,
                           drops_in == drops_out ? "both"
                           : drops_in            ? "in"
                                                 : "out",
                           drops_in || drops_out ? "drop" : "pass"};
    return tell(hand, words, 5);
}

static bool tell_disk(struct hand *hand) {
    char delay[16];
    const char *full[] = {"DEBUG", "DISK", "FULL", hand->wish.disk_is_full ? "1" : "0"};
    const char *slow[] = {"DEBUG", "DISK", "SLOW", delay};
    if (hand->wish.disk_is_full != hand->done.disk_is_full) {
        hand->asked.disk_is_full = hand->wish.disk_is_full;
        return tell(hand, full, 4);
    }
    if (hand->wish.disk_slow_ms == hand->done.disk_slow_ms) return false;
    (void)snprintf(delay, sizeof delay, "%u", (unsigned)hand->wish.disk_slow_ms);
    hand->asked.disk_slow_ms = hand->wish.disk_slow_ms;
    return tell(hand, slow, 4);
}

static bool tell_clock(struct hand *hand) {
    char offset[32];
    const char *words[] = {"DEBUG", "CLOCK", offset};
    if (hand->wish.clock_ms == hand->done.clock_ms) return false;
    (void)snprintf(offset, sizeof offset, "%lld", (long long)hand->wish.clock_ms);
    hand->asked.clock_ms = hand->wish.clock_ms;
    return tell(hand, words, 3);
}

/* What a node has been told is not known: everything is said again, once it has answered for some time and so has done
 * whatever lay in its sockets. */
static void forget_what_was_told(struct hand *hand) {
    const uint32_t peers =
        (((UINT32_C(1) << hand->hands->cluster->plan.nodes) - 1) << 1) & ~(UINT32_C(1) << hand->node);
    const struct wish *wish = &hand->wish;
    if (hand->heard_ns < hand->unsure_ns + (uint64_t)SURE_MS * MS) return;
    hand->is_unsure = false;
    hand->done = (struct wish){.drop_in = wish->drop_in ^ peers,
                               .drop_out = wish->drop_out ^ peers,
                               .disk_is_full = !wish->disk_is_full,
                               .disk_slow_ms = wish->disk_slow_ms + 1,
                               .clock_ms = wish->clock_ms + 1};
}

static void tell_wishes(struct hand *hand) {
    if (!asker_is_idle(&hand->control)) return;
    if (hand->is_unsure) forget_what_was_told(hand);
    if (hand->is_unsure) return;
    hand->asked = hand->done;
    if (tell_links(hand, true) || tell_links(hand, false) || tell_disk(hand) || tell_clock(hand)) return;
}

static bool is_told(const struct hand *hand) {
    const struct wish *wish = &hand->wish, *done = &hand->done;
    return !hand->is_unsure && wish->drop_in == done->drop_in && wish->drop_out == done->drop_out &&
           wish->disk_is_full == done->disk_is_full && wish->disk_slow_ms == done->disk_slow_ms &&
           wish->clock_ms == done->clock_ms;
}

/* ---- Processes --------------------------------------------------------------------------------------------------- */

static void signal_node(struct hand *hand, enum process_signal signal) {
    const enum status status = process_signal(hand->pid, signal);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        fail(hand->hands, false, "node %u: %s", hand->node, status_text(status));
}

static void end_node(struct hand *hand) {
    const bool first = !hand->is_ended_by_us;
    hand->is_ended_by_us = true;
    hand->heard_ns = 0;
    if (first) hand->asked_to_end_ns = now_ns(hand->hands);
    const bool waited = now_ns(hand->hands) - hand->asked_to_end_ns > (uint64_t)END_MS * MS;
    if (!hand->wish.is_gentle || waited) {
        signal_node(hand, PROCESS_KILL);
    } else if (first) {
        signal_node(hand, PROCESS_TERMINATE);
        if (hand->state == PROCESS_PAUSED) signal_node(hand, PROCESS_RESUME);
    }
}

static void bury(struct hand *hand) {
    int code = 0;
    if (hand->pid == 0) return;
    const enum status status = process_wait(hand->pid, &code);
    hand->pid = 0;
    hand->heard_ns = 0;
    hand->done = (struct wish){0};
    if (status == STATUS_OK && !hand->is_ended_by_us)
        fail(hand->hands, true, "node %u ended by itself, with code %d; %s/node-%u.log says why", hand->node, code,
             hand->hands->cluster->plan.dir, hand->node);
}

static void start_node(struct hand *hand) {
    struct cluster *cluster = hand->hands->cluster;
    struct error error = {0};
    cluster->joining = hand->is_wiped ? hand->node : 0;
    const enum status status = cluster_node_start(cluster, hand->node, &error);
    cluster->joining = 0;
    hand->is_wiped = false;
    hand->place.none_ns = 0;
    hand->pid = status == STATUS_OK ? plan_read_pid(&cluster->plan, cluster->io, hand->node) : 0;
    hand->is_ended_by_us = hand->is_unsure = false;
    hand->done = (struct wish){0};
    hand->disk_has_failed = false;
    hand->next_look_ns = 0;
    hand->starts++;
    if (status != STATUS_OK) fail(hand->hands, false, "node %u: %s", hand->node, error.text);
}

/* REQUIRES: it does not run. */
static void wipe_node(struct hand *hand) {
    struct error error = {0};
    hand->place.must_end = false;
    hand->is_wiped = true;
    if (cluster_node_wipe(hand->hands->cluster, hand->node, &error) != STATUS_OK)
        fail(hand->hands, false, "node %u: %s", hand->node, error.text);
}

static void turn_node(struct hand *hand) {
    struct cluster *cluster = hand->hands->cluster;
    hand->state = process_state(cluster->io, hand->pid, hand->address);
    if (hand->state == PROCESS_GONE) {
        bury(hand);
        if (hand->place.must_end) wipe_node(hand);
        const bool stays_out = hand->wish.place == WISH_OUT && hand->is_wiped;
        if (!hand->wish.is_down && !stays_out && hand->hands->status == STATUS_OK) start_node(hand);
        return;
    }
    /* Ended, and wished for again before it was gone: it goes first. */
    if (hand->wish.is_down || hand->is_ended_by_us || hand->place.must_end) {
        end_node(hand);
        return;
    }
    if (hand->wish.is_paused != (hand->state == PROCESS_PAUSED))
        signal_node(hand, hand->wish.is_paused ? PROCESS_PAUSE : PROCESS_RESUME);
    look(hand);
    if (hand->state == PROCESS_RUNNING && !hand->wish.is_paused) tell_wishes(hand);
}

/* ---- Cables ------------------------------------------------------------------------------------------------------ */

static void plug_cables(struct hands *hands) {
    const struct cables *wish = &hands->cables_wish, *done = &hands->cables;
    struct error error = {0};
    if (wish->side == done->side && wish->alone == done->alone) return;
    if (namespaces_plug(hands->cluster, done, wish, &error) != STATUS_OK) fail(hands, false, "%s", error.text);
    hands->cables = *wish;
}

/* ---- All nodes --------------------------------------------------------------------------------------------------- */

enum status hands_init(struct hands *hands, struct cluster *cluster, struct error *error) {
    *hands = (struct hands){.cluster = cluster};
    roster_init(&hands->roster, hands);
    for (unsigned i = 0; i < cluster->plan.nodes; i++) {
        struct hand *hand = &hands->nodes[i];
        *hand = (struct hand){.hands = hands, .node = i + 1, .is_ended_by_us = true};
        plan_address(&cluster->plan, hand->node, PLAN_CLIENTS, hand->address);
        asker_init(&hand->control, cluster->io, CONTROL_TIMEOUT_MS);
        asker_init(&hand->watch, cluster->io, WATCH_TIMEOUT_MS);
        hand->control.answered = told;
        hand->watch.answered = heard;
        hand->control.context = hand->watch.context = hand;
        hand->control.password = hand->watch.password = slice_from_text(cluster->secret);
    }
    if (hands_turn(hands)) return STATUS_OK;
    *error = hands->failure;
    return hands->status;
}

bool hands_turn(struct hands *hands) {
    plug_cables(hands);
    for (unsigned i = 0; i < hands->cluster->plan.nodes; i++) turn_node(&hands->nodes[i]);
    look_for_leader(hands);
    roster_turn(&hands->roster);
    return hands->status == STATUS_OK;
}

void hands_rest(struct hands *hands) {
    for (unsigned i = 0; i < hands->cluster->plan.nodes; i++) {
        asker_give_up(&hands->nodes[i].control);
        asker_give_up(&hands->nodes[i].watch);
    }
    asker_give_up(&hands->roster.asker);
}

bool hands_are_idle(const struct hands *hands) {
    for (unsigned i = 0; i < hands->cluster->plan.nodes; i++)
        if (!asker_is_idle(&hands->nodes[i].control) || !asker_is_idle(&hands->nodes[i].watch)) return false;
    return asker_is_idle(&hands->roster.asker);
}

void hands_deinit(struct hands *hands) {
    for (unsigned i = 0; i < hands->cluster->plan.nodes; i++) {
        asker_deinit(&hands->nodes[i].control);
        asker_deinit(&hands->nodes[i].watch);
    }
    roster_deinit(&hands->roster);
    free(hands->changes);
}

void hands_wish_nothing(struct hands *hands) {
    hands->cables_wish = (struct cables){0};
    for (unsigned i = 0; i < hands->cluster->plan.nodes; i++) hands->nodes[i].wish = (struct wish){0};
}

bool hands_all_well(const struct hands *hands, char *why) {
    for (unsigned i = 0; i < hands->cluster->plan.nodes; i++) {
        const struct hand *hand = &hands->nodes[i];
        if (hand->state != PROCESS_RUNNING || hand->pid == 0 || hand->is_ended_by_us)
            (void)snprintf(why, 128, "node %u does not run", hand->node);
        else if (!is_told(hand))
            (void)snprintf(why, 128, "node %u has not been told all", hand->node);
        else if (!is_heard(hand))
            (void)snprintf(why, 128, "node %u does not answer", hand->node);
        else if (hand->disk_has_failed)
            (void)snprintf(why, 128, "node %u has halted: its disk has failed", hand->node);
        else if (hand->disk_is_behind)
            (void)snprintf(why, 128, "the disk of node %u is still slow", hand->node);
        else if (hands->leader == 0 || hand->facts.leader != hands->leader)
            (void)snprintf(why, 128, "node %u does not follow a leader that others follow", hand->node);
        else if (roster_is_well(&hands->roster, hand, why))
            continue;
        return false;
    }
    return true;
}

bool hands_tell(struct hands *hands, unsigned node, const char *const *words, size_t count) {
    struct hand *hand = &hands->nodes[node - 1];
    if (hand->state != PROCESS_RUNNING || !asker_is_idle(&hand->control)) return false;
    hand->asked = hand->done;
    if (!tell(hand, words, count)) return false;
    hand->may_refuse = true;
    return true;
}
