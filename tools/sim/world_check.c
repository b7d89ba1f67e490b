/*
 * world_check: the five safety properties of the Raft paper (figure 3 there, 3.2 of the dissertation), seen from
 * outside, after each turn of each node:
 *
 * - election safety: one leader in a term, ever
 * - leader append-only: while a node leads a term its log does not shrink, nor do entries in it change their term
 * - log matching: an entry (index, term) has the same entry before it in every log that ever held it; equal commands
 *   show in the state hash
 * - leader completeness: who leads the latest term holds every committed entry
 * - state machine safety: equal state hashes at equal applied index; a committed entry keeps its term
 *
 * that while one node holds a lease no other commits (raft/core/lease.h), and that term, commit and applied index never
 * fall within one life.
 */
#include <inttypes.h>
#include <string.h>

#include "engine/base/hash.h"
#include "tools/sim/sim_alloc.h"
#include "tools/sim/sim_io.h"
#include "tools/sim/world_private.h"

enum { LINKS_FIRST = 1 << 12 };

void world_check_start(struct world *world) {
    struct world_ledger *ledger = &world->ledger;
    ledger->committed_terms = sim_alloc(WORLD_INDEX_MAX * sizeof *ledger->committed_terms);
    ledger->state_hashes = sim_alloc(WORLD_INDEX_MAX * sizeof *ledger->state_hashes);
    ledger->link_capacity = LINKS_FIRST;
    ledger->links = sim_alloc(LINKS_FIRST * sizeof *ledger->links);
    for (unsigned i = 0; i < world->plan->nodes; i++) {
        world->nodes[i].terms = sim_alloc(WORLD_INDEX_MAX * sizeof *world->nodes[i].terms);
    }
}

void world_check_stop(struct world *world) {
    sim_free(world->ledger.committed_terms);
    sim_free(world->ledger.state_hashes);
    sim_free(world->ledger.links);
    for (unsigned i = 0; i < world->plan->nodes; i++) sim_free(world->nodes[i].terms);
}

void world_check_forget(struct world_node *node) {
    for (uint64_t i = 0; i <= node->known_last; i++) node->terms[i] = 0;
    node->known_last = 0;
    node->has_view = false;
    node->view = (struct world_view){0};
}

/* ---- Log matching ------------------------------------------------------------------------------------------------ */

static struct world_link *find_link(const struct world_ledger *ledger, uint64_t index, uint64_t term) {
    size_t at = (size_t)hash_mix(index, term);
    for (;; at++) {
        struct world_link *link = &ledger->links[at & (ledger->link_capacity - 1)];
        if (link->index == 0 || (link->index == index && link->term == term)) return link;
    }
}

static void grow_links(struct world_ledger *ledger) {
    struct world_ledger old = *ledger;
    ledger->link_capacity *= 2;
    ledger->links = sim_alloc(ledger->link_capacity * sizeof *ledger->links);
    for (size_t i = 0; i < old.link_capacity; i++) {
        if (old.links[i].index != 0) *find_link(ledger, old.links[i].index, old.links[i].term) = old.links[i];
    }
    sim_free(old.links);
}

static void match_entry(struct world *world, const struct world_node *node, uint64_t index, uint64_t term,
                        uint64_t before) {
    struct world_ledger *ledger = &world->ledger;
    if (2 * ledger->link_count > ledger->link_capacity) grow_links(ledger);
    struct world_link *link = find_link(ledger, index, term);
    if (link->index == 0) {
        *link = (struct world_link){.index = index, .term = term, .before = before};
        ledger->link_count++;
    } else if (link->before != before) {
        world_break(world, WORLD_BROKEN,
                    "log matching: entry %" PRIu64 " of term %" PRIu64 " follows term %" PRIu64
                    " on node %u, and term %" PRIu64 " elsewhere",
                    index, term, before, node->number, link->before);
    }
    uint64_t committed = ledger->committed_terms[index];
    if (committed == 0 || committed == term || index > node->view.commit) return;
    world_break(world, WORLD_BROKEN,
                "state machine safety: entry %" PRIu64 " was committed with term %" PRIu64
                "; node %u has committed term %" PRIu64,
                index, committed, node->number, term);
}

static uint64_t term_at(const struct world *world, const struct world_node *node, uint64_t index) {
    const struct world_node_kind *kind = world->options->nodes;
    return index == 0 ? 0 : kind->term_at(kind->context, node->handle, index);
}

/* What of the log is new, from its end down to what was known before. */
static void check_log(struct world *world, struct world_node *node) {
    uint64_t last = node->view.last_index < WORLD_INDEX_MAX ? node->view.last_index : WORLD_INDEX_MAX - 1;
    for (uint64_t i = last + 1; i <= node->known_last; i++) node->terms[i] = 0;
    node->known_last = last;
    for (uint64_t index = last; index > 0; index--) {
        uint64_t term = term_at(world, node, index);
        if (term == 0 || node->terms[index] == term)
            break; /* below it stands what stood before: log matching of one log */
        node->terms[index] = term;
        uint64_t before = term_at(world, node, index - 1);
        if (before == 0 && index > 1) break; /* compacted */
        match_entry(world, node, index, term, before);
    }
}

/* ---- The others -------------------------------------------------------------------------------------------------- */

static void check_steady(struct world *world, const struct world_node *node, const struct world_view *before) {
    const struct world_view *view = &node->view;
    const char *what = NULL;
    if (view->term < before->term) what = "its term";
    if (view->commit < before->commit) what = "its commit index";
    if (view->applied < before->applied) what = "its applied index";
    if (before->is_leader && view->is_leader && view->term == before->term && view->last_index < before->last_index) {
        what = "the log of a leader (leader append-only)";
    }
    if (view->applied > view->commit) {
        world_break(world, WORLD_BROKEN, "node %u applied %" PRIu64 " of %" PRIu64 " committed", node->number,
                    view->applied, view->commit);
    }
    if (what != NULL) world_break(world, WORLD_BROKEN, "node %u: %s went back", node->number, what);
}

static void check_leader(struct world *world, const struct world_node *node) {
    struct world_ledger *ledger = &world->ledger;
    uint64_t term = node->view.term;
    if (!node->view.is_leader || term >= WORLD_TERM_MAX) return;
    if (ledger->leaders[term] == 0) ledger->leaders[term] = node->number;
    if (ledger->leaders[term] != node->number) {
        world_break(world, WORLD_BROKEN, "election safety: nodes %u and %u both led term %" PRIu64,
                    ledger->leaders[term], node->number, term);
    }
    if (term < ledger->max_leader_term) return; /* an old leader that does not know yet */
    ledger->max_leader_term = term;
    if (node->view.last_index < ledger->max_commit) {
        world_break(world, WORLD_BROKEN,
                    "leader completeness: node %u leads term %" PRIu64 " with a log up to %" PRIu64 "; %" PRIu64
                    " is committed",
                    node->number, term, node->view.last_index, ledger->max_commit);
    }
    for (uint64_t i = ledger->max_commit; i > 0 && i < WORLD_INDEX_MAX; i--) {
        uint64_t held = term_at(world, node, i);
        if (held == 0) break; /* compacted, so applied: the state hash answers for it */
        if (ledger->committed_terms[i] != 0 && held != ledger->committed_terms[i]) {
            world_break(world, WORLD_BROKEN,
                        "leader completeness: node %u leads term %" PRIu64 " without entry %" PRIu64, node->number,
                        term, i);
        }
        if (node->has_view && i + 64 < ledger->max_commit) break; /* the rest was looked at when it was elected */
    }
}

static void check_commit(struct world *world, const struct world_node *node, uint64_t from) {
    struct world_ledger *ledger = &world->ledger;
    uint64_t to = node->view.commit < WORLD_INDEX_MAX ? node->view.commit : WORLD_INDEX_MAX - 1;
    for (uint64_t index = to; index > from; index--) {
        uint64_t term = term_at(world, node, index);
        if (term == 0) break;
        if (ledger->committed_terms[index] == 0) ledger->committed_terms[index] = term;
        if (ledger->committed_terms[index] == term) continue;
        world_break(world, WORLD_BROKEN,
                    "state machine safety: entry %" PRIu64 " is committed with term %" PRIu64
                    " on node %u, with %" PRIu64 " elsewhere",
                    index, term, node->number, ledger->committed_terms[index]);
    }
    if (to > ledger->max_commit) ledger->max_commit = to;
}

/* While one may read by a lease, by its own clock, nobody else commits what it does not know. */
static void check_leases(struct world *world, const struct world_node *node) {
    if (node->view.commit <= world->ledger.max_commit) return;
    for (unsigned i = 0; i < world->plan->nodes; i++) {
        const struct world_node *holder = &world->nodes[i];
        if (holder == node || !holder->has_view || holder->view.lease_ends_ns == 0 || holder->io == NULL) continue;
        if (sim_io_to_sim_ns(holder->io, holder->view.lease_ends_ns) <= node->busy_until_ns) continue;
        world_break(world, WORLD_BROKEN,
                    "lease exclusion: node %u commits %" PRIu64 " in term %" PRIu64 " while node %u holds the lease of "
                    "term %" PRIu64,
                    node->number, node->view.commit, node->view.term, holder->number, holder->view.term);
    }
}

static void check_state(struct world *world, const struct world_node *node) {
    uint64_t index = node->view.applied;
    if (index == 0 || index >= WORLD_INDEX_MAX || node->view.is_halted) return; /* halted: it says nothing any more */
    if (node->number == world->plan->witness) return;                           /* it has no state */
    uint64_t *seen = &world->ledger.state_hashes[index];
    if (*seen == 0) *seen = node->view.state_hash;
    if (*seen != node->view.state_hash) {
        world_break(world, WORLD_BROKEN,
                    "state machine safety: node %u holds another state than others at index %" PRIu64 " (%016" PRIx64
                    ", %016" PRIx64 ")",
                    node->number, index, node->view.state_hash, *seen);
    }
}

static bool is_same(const struct world_view *a, const struct world_view *b) {
    return a->is_leader == b->is_leader && a->is_halted == b->is_halted && a->term == b->term &&
           a->commit == b->commit && a->applied == b->applied && a->first_index == b->first_index &&
           a->last_index == b->last_index && a->state_hash == b->state_hash &&
           a->snapshots_installed == b->snapshots_installed;
}

void world_check_node(struct world *world, struct world_node *node) {
    const struct world_node_kind *kind = world->options->nodes;
    struct world_view before = node->view;
    struct world_view view = {0};
    kind->view(kind->context, node->handle, &view);
    node->view = view;
    if (node->has_view && is_same(&before, &view)) return;
    if (node->has_view) check_steady(world, node, &before);
    bool is_elected = view.is_leader && !(node->has_view && before.is_leader && before.term == view.term);
    node->has_view = !is_elected; /* tells check_leader to look at everything */
    check_log(world, node);
    check_leader(world, node);
    check_leases(world, node);
    check_commit(world, node, is_elected ? 0 : before.commit);
    check_state(world, node);
    node->has_view = true;
    const char *complaint = kind->complaint != NULL ? kind->complaint(kind->context, node->handle) : NULL;
    if (complaint != NULL) world_break(world, WORLD_BROKEN, "node %u: %s", node->number, complaint);
    sim_note(world->sim, (int)node->number - 1, "view", view.term << 32 | view.applied, view.state_hash);
}
