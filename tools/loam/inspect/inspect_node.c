/*
 * inspect_node: the superblock of a node: who it is and what it has promised, in two slots; the newer sound one counts.
 */
#include <inttypes.h>
#include <stdio.h>

#include "raft/log/log_layout_format.h"
#include "raft/log/node_state_format.h"
#include "tools/loam/inspect/inspect.h"
#include "tools/loam/inspect/report_rows.h"

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
            report_rows(report, node_state_layout.rows);
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
