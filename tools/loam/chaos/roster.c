/* roster: see roster.h. */
#include "tools/loam/chaos/roster.h"

#include <stdio.h>
#include <string.h>

#include "tools/loam/chaos/hands.h"

enum {
    MS = 1000000,
    TIMEOUT_MS = 3000,
    AGAIN_MS = 50,      /* between two words to the leader */
    BELIEVED_MS = 1000, /* a node that the leader knows nothing of for so long does not only not know it yet */
    WORDS_MAX = 7,
};

static uint64_t now_ns(const struct roster *roster) {
    return io_now_ns(roster->hands->cluster->io);
}

static void told(struct asker *asker, enum asker_end end, const struct resp_reply *reply) {
    struct roster *roster = asker->context;
    const bool is_refused = end == ASKER_ANSWERED && reply->type == RESP_ERROR;
    const struct slice why = is_refused ? reply->text : slice_from_text(end == ASKER_ANSWERED ? "" : "no answer");
    (void)snprintf(roster->words, sizeof roster->words, "%.*s", (int)why.size, (const char *)why.data);
    roster->changes += end == ASKER_ANSWERED && !is_refused;
    roster->again_ns = now_ns(roster) + (uint64_t)AGAIN_MS * MS;
}

void roster_init(struct roster *roster, struct hands *hands) {
    *roster = (struct roster){.hands = hands};
    asker_init(&roster->asker, hands->cluster->io, TIMEOUT_MS);
    roster->asker.answered = told;
    roster->asker.context = roster;
    roster->asker.password = slice_from_text(hands->cluster->secret);
}

void roster_deinit(struct roster *roster) {
    asker_deinit(&roster->asker);
}

/* ---- To the leader ----------------------------------------------------------------------------------------------- */

static void say(struct roster *roster, bool is_joint, const char *const *words, size_t count) {
    struct slice slices[WORDS_MAX];
    size_t at = 0;
    slices[at++] = slice_from_text("RAFT.CHANGE");
    if (is_joint) slices[at++] = slice_from_text("JOINT");
    for (size_t i = 0; i < count; i++) slices[at++] = slice_from_text(words[i]);
    const char *leader = roster->hands->nodes[roster->hands->leader - 1].address;
    if (asker_ask(&roster->asker, leader, slices, at) != STATUS_OK)
        (void)snprintf(roster->words, sizeof roster->words, "out of memory");
}

/* True if something was said: the next step towards what is wished of the node. */
static bool say_of(struct roster *roster, const struct hand *hand) {
    const struct wish *wish = &hand->wish;
    const enum cluster_place is = hand->place.is;
    char id[16], peer[IO_ADDRESS_BYTES], client[IO_ADDRESS_BYTES];
    (void)snprintf(id, sizeof id, "%u", hand->node);
    plan_address(&roster->hands->cluster->plan, hand->node, PLAN_PEERS, peer);
    plan_address(&roster->hands->cluster->plan, hand->node, PLAN_CLIENTS, client);
    const char *remove[] = {"REMOVE", id}, *demote[] = {"DEMOTE", id}, *promote[] = {"PROMOTE", id};
    const char *add[] = {"ADD", id, peer, client, hand->incarnation};
    const bool waits = hand->heard_ns != 0 && strcmp(hand->facts.role, "waiting") == 0;
    if (wish->place == WISH_OUT && is != PLACE_NONE)
        say(roster, wish->is_joint, remove, 2);
    else if (wish->place == WISH_LEARNER && is == PLACE_VOTER)
        say(roster, wish->is_joint, demote, 2);
    else if (wish->place == WISH_VOTER && is == PLACE_LEARNER)
        say(roster, wish->is_joint, promote, 2);
    else if (wish->place != WISH_OUT && is == PLACE_NONE && waits)
        say(roster, wish->is_joint, add, 5);
    else
        return false;
    return true;
}

/* ---- What the leader tells --------------------------------------------------------------------------------------- */

/* One that was started anew says so itself; one that was removed may never have heard of it. */
static void note_place(const struct roster *roster, struct hand *hand, enum cluster_place is, uint64_t index) {
    struct roster_place *place = &hand->place;
    if (index < place->index) return; /* by a leader that has not applied all yet */
    place->is = is;
    if (is != PLACE_NONE) {
        place->index = index;
        place->none_ns = 0;
        place->must_end = false;
        return;
    }
    if (place->none_ns == 0) place->none_ns = now_ns(roster);
    const bool lasts = now_ns(roster) - place->none_ns > (uint64_t)BELIEVED_MS * MS;
    const bool is_a_member = hand->heard_ns != 0 && strcmp(hand->facts.role, "waiting") != 0;
    if (hand->wish.place == WISH_OUT ? !hand->is_wiped : is_a_member && lasts) place->must_end = true;
}

void roster_turn(struct roster *roster) {
    struct hands *hands = roster->hands;
    if (hands->leader == 0) return;
    const struct hand *leader = &hands->nodes[hands->leader - 1];
    for (unsigned i = 0; i < hands->cluster->plan.nodes; i++)
        note_place(roster, &hands->nodes[i], leader->places[i], leader->facts.applied);
    if (!asker_is_idle(&roster->asker) || now_ns(roster) < roster->again_ns) return;
    for (unsigned i = 0; i < hands->cluster->plan.nodes; i++)
        if (say_of(roster, &hands->nodes[i])) return;
}

bool roster_is_well(const struct roster *roster, const struct hand *hand, char *why) {
    if (hand->place.is == PLACE_VOTER && !hand->place.must_end) return true;
    (void)snprintf(why, 128, "node %u has no vote: %s", hand->node, roster->words);
    return false;
}
