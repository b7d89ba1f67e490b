/*
 * inspect_node: the superblock of a node: who it is and what it has promised, in two slots; the newer sound one counts.
 */
#include <inttypes.h>
#include <stdio.h>

#include "engine/base/coding.h"
#include "raft/log/node_state_format.h"
#include "tools/loam/inspect/inspect.h"

static void number_field(struct report *report, const char *name, uint64_t number) {
    report_field(report, 8, name, "%" PRIu64, number);
}

static void slot_fields(struct report *report, const struct node_state *state) {
    const uint8_t *at = report->bytes.data + report->next;
    report_field(report, 8, "magic", "\"LOAMNOD\\n\"");
    report_field(report, 4, "version", "%" PRIu32, coding_get_u32(at + 8));
    report_plain(report, 4, "zero");
    number_field(report, "generation", state->generation);
    report_field(report, 8, "cluster", "%016" PRIx64, state->cluster_id);
    number_field(report, "node", state->node_id);
    report_field(report, 8, "incarnation", "%016" PRIx64, state->incarnation);
    report_field(report, 8, "members hash", "%016" PRIx64, state->members_hash);
    number_field(report, "term", state->term);
    number_field(report, "vote", state->vote);
    number_field(report, "engine directory", state->engine_number);
    report_field(report, 8, "log from", "position %" PRIx64, state->log_from);
    number_field(report, "log start index", state->log_start);
    number_field(report, "log start term", state->log_start_term);
    number_field(report, "doubt: entries acknowledged up to this term may be missing", state->doubt_term);
    for (unsigned i = 0; i < NODE_STATE_PEERS_MAX; i++) {
        report_field(report, 8, "peer", "%" PRIu64, state->peers[i].node_id);
        report_field(report, 8, "peer incarnation", "%016" PRIx64, state->peers[i].incarnation);
    }
    number_field(report, "log directory", state->log_number);
    number_field(report, "store set aside", state->damaged_engine);
    number_field(report, "log set aside, and 1", state->damaged_log);
    report_field(report, 1, "kind", "%s", state->is_witness ? "witness" : "0");
    report_plain(report, NODE_STATE_SLOT_BYTES - 112 - 16 * NODE_STATE_PEERS_MAX - 24 - 1 - 8, "zero");
    report_plain(report, 8, "check");
}

static void slot_fact(struct report *report, unsigned slot, const struct node_state *state) {
    char name[16];
    snprintf(name, sizeof name, "slot %u", slot);
    report_fact(report, name,
                "generation %" PRIu64 ", cluster %016" PRIx64 ", node %" PRIu64 ", term %" PRIu64 ", vote %" PRIu64
                ", engine directory %" PRIu64 "%s",
                state->generation, state->cluster_id, state->node_id, state->term, state->vote, state->engine_number,
                state->is_witness ? ", a witness" : "");
}

void inspect_node(struct report *report) {
    unsigned sound = 0;
    for (unsigned slot = 0; slot < 2 && report->bytes.size - report->next >= NODE_STATE_SLOT_BYTES; slot++) {
        const uint64_t offset = report->next;
        struct node_state state;
        const enum status status =
            node_state_decode(slice_make(report->bytes.data + offset, NODE_STATE_SLOT_BYTES), &state);
        if (status == STATUS_OK && state.generation % 2 == slot) {
            sound++;
            report_part(report, REPORT_RIGHT, "slot %u", slot);
            slot_fact(report, slot, &state);
            slot_fields(report, &state);
        } else if (status == STATUS_NOT_FOUND) {
            report_part(report, REPORT_UNCHECKED, "slot %u", slot);
            report_plain(report, NODE_STATE_SLOT_BYTES, "slot that was never written");
        } else {
            report_problem(report, REPORT_TORN, offset, "slot %u does not verify", slot);
            report_part(report, REPORT_WRONG, "slot %u", slot);
            report_plain(report, NODE_STATE_SLOT_BYTES, "slot that does not verify");
        }
        const uint64_t page_end = offset + NODE_STATE_STRIDE;
        const uint64_t end = page_end < report->bytes.size ? page_end : report->bytes.size;
        report_part(report, REPORT_UNCHECKED, "rest of slot %u's page", slot);
        report_plain(report, end - report->next, "rest of the slot's page");
    }
    if (sound == 0)
        report_problem(report, REPORT_CORRUPT, 0, "no slot verifies: who the node is and what it promised is lost");
    report_part(report, REPORT_UNCHECKED, "behind the slots");
    report_plain(report, report->bytes.size - report->next, "behind the slots");
}
