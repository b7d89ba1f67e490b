/*
 * world_audit: whole states. The state hash of world_check follows what was applied; an audit reads what is there: all
 * that a node holds, by each store's own hash. Nodes that have reached the same index along different ways (restarts,
 * snapshots, other compactions) have to hold the same, and every store has to be whole in itself.
 *
 * When: a turn that ends at a multiple of AUDIT_EVERY; at the end, on all nodes; in every RESTART_EVERYth run once more
 * after the power of all nodes has gone at once.
 */
#include <inttypes.h>
#include <string.h>

#include "tools/sim/sim_alloc.h"
#include "tools/sim/world_private.h"

enum { AUDIT_EVERY = 128, AUDITS_FIRST = 16 };

void world_audit_stop(struct world *world) {
    sim_free(world->ledger.audits);
}

static void keep(struct world_ledger *ledger, const struct world_audit *audit) {
    if (ledger->audit_count == ledger->audit_capacity) {
        size_t grown = ledger->audit_capacity ? ledger->audit_capacity * 2 : AUDITS_FIRST;
        ledger->audits =
            sim_grow(ledger->audits, ledger->audit_count * sizeof *ledger->audits, grown * sizeof *ledger->audits);
        ledger->audit_capacity = grown;
    }
    ledger->audits[ledger->audit_count++] = *audit;
}

static void compare(struct world *world, const struct world_node *node, const struct world_audit *audit,
                    const struct world_audit *other, const char *whose) {
    for (size_t i = 0; i < audit->count; i++) {
        if (audit->stores[i].hash == other->stores[i].hash) continue;
        world_break(world, WORLD_BROKEN,
                    "node %u holds another %s at index %" PRIu64 " than %s (hash %016" PRIx64 ", %016" PRIx64 ")",
                    node->number, audit->stores[i].store, audit->index, whose, audit->stores[i].hash,
                    other->stores[i].hash);
    }
}

/* Reading took the node time, as a turn does: the next one comes after it. */
static void pass_time(struct world *world, struct world_node *node) {
    uint64_t from_ns = sim_now_ns(world->sim);
    if (node->busy_until_ns > from_ns) from_ns = node->busy_until_ns;
    node->busy_until_ns = from_ns + sim_io_take_lead_ns(node->io);
    if (sim_is_scheduled(&node->turn) && node->turn.at_ns < node->busy_until_ns)
        sim_schedule(world->sim, &node->turn, node->busy_until_ns);
}

/* False: its disk does not let it be read. */
static bool take(struct world *world, struct world_node *node, struct world_audit *audit) {
    const struct world_node_kind *kind = world->options->nodes;
    struct error error = {0};
    node->in_turn = true;
    enum status status = kind->audit(kind->context, node->handle, audit, &error);
    node->in_turn = false;
    pass_time(world, node);
    if (status == STATUS_IO) return false;
    if (status == STATUS_CORRUPT && node->is_rotten) { /* a bit of it changed: the node knows now, and acts on it */
        world->met_rot = true;
        return false;
    }
    if (status != STATUS_OK) {
        world_break(world, WORLD_BROKEN, "node %u is not whole at index %" PRIu64 ": %s", node->number, audit->index,
                    error.text);
        return false;
    }
    world->report->audits++;
    for (size_t i = 0; i < audit->count; i++)
        sim_note(world->sim, (int)node->number - 1, audit->stores[i].store, audit->index, audit->stores[i].hash);
    return true;
}

static void audit_node(struct world *world, struct world_node *node, struct world_audit *audit) {
    struct world_ledger *ledger = &world->ledger;
    size_t at = ledger->audit_count;
    if (!take(world, node, audit)) return;
    node->audited = audit->index;
    while (at > 0 && ledger->audits[at - 1].index != audit->index) at--;
    if (at == 0)
        keep(ledger, audit);
    else
        compare(world, node, audit, &ledger->audits[at - 1], "others");
}

void world_audit_node(struct world *world, struct world_node *node) {
    uint64_t index = node->view.applied;
    struct world_audit audit;
    if (node->number == world->plan->witness) return;
    if (world->options->nodes->audit == NULL || node->view.is_halted) return;
    if (index == 0 || index % AUDIT_EVERY != 0 || index == node->audited) return;
    audit_node(world, node, &audit);
}

void world_audit_all(struct world *world) {
    if (world->options->nodes->audit == NULL) return;
    for (unsigned i = 0; i < world->plan->nodes; i++) {
        struct world_audit audit = {0};
        if (i + 1 == world->plan->witness) continue;
        audit_node(world, &world->nodes[i], &audit);
        if (world->is_over) return;
        if (world->met_rot) return;
        if (audit.count == 0)
            world_break(world, WORLD_BROKEN, "node %u cannot read what it holds, and nothing is wrong any more", i + 1);
        else if (world->is_restarted)
            compare(world, &world->nodes[i], &audit, &world->settled, "was held before all nodes were restarted");
        else
            world->settled = audit;
    }
}
