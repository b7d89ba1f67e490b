/* operator_scan: operators that bring in nodes: All Node Scan, Node By Label Scan, NodeByIdSeek. */
#include "engine/base/check.h"
#include "graph/cypher/hop.h"

enum status run_node_has_labels(struct run *run, uint64_t node, const struct cypher_names *labels, uint32_t first,
                                bool *has) {
    *has = true;
    if (labels->count <= first) return STATUS_OK;
    const struct graph_node *row;
    enum status status = reader_get_node(&run->reader, node, &row);
    for (uint32_t i = first; i < labels->count && status == STATUS_OK && *has; i++) {
        uint32_t label;
        status = reader_find_word(&run->reader, GRAPH_LABEL, labels->items[i].text, &label);
        *has = status == STATUS_OK && graph_node_has_label(row, label);
    }
    if (status == STATUS_NOT_FOUND) *has = false;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* --- scans --- */

struct scan_state {
    struct graph_scan *scan; /* NULL: the next row of the child is wanted */
};

/* Without the label no scan is opened: there are no nodes. */
static enum status scan_open(struct run *run, const struct plan_operator *plan, struct scan_state *state) {
    uint32_t label = GRAPH_NONE;
    if (plan->kind == PLAN_LABEL_SCAN) {
        enum status status = reader_find_word(&run->reader, GRAPH_LABEL, plan->scan.labels.items[0].text, &label);
        if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    return graph_scan_open_nodes(run->graph, label, &state->scan);
}

static void scan_close(struct run *run, struct stage *stage) {
    (void)run;
    struct scan_state *state = stage->state;
    graph_scan_close(state->scan);
    state->scan = NULL;
}

/* One id, or one row of the child. OK with *found, or END. */
static enum status scan_step(struct run *run, struct stage *stage, bool *found) {
    struct scan_state *state = stage->state;
    const struct plan_operator *plan = stage->plan;
    uint64_t id;
    enum status status = graph_scan_next(state->scan, &id);
    if (status == STATUS_OK)
        status = run_node_has_labels(run, id, &plan->scan.labels, plan->kind == PLAN_LABEL_SCAN, found);
    if (status == STATUS_OK && *found) run->row[plan->scan.slot] = value_node(id);
    return status;
}

static enum pull scan_pull(struct run *run, struct stage *stage) {
    struct scan_state *state = stage->state;
    do {
        enum status status;
        if (!state->scan) {
            enum pull pull = operator_pull(run, stage->children[0]);
            if (pull != PULL_ROW) return pull;
            status = scan_open(run, stage->plan, state);
            if (status != STATUS_OK) return run_fail(run, status);
            continue;
        }
        bool found = false;
        status = scan_step(run, stage, &found);
        if (status == STATUS_END)
            scan_close(run, stage);
        else if (status != STATUS_OK)
            return run_fail(run, status);
        if (found) return PULL_ROW;
    } while (run_work(run));
    return PULL_MORE;
}

const struct operator_class scan_class = {
    .state_bytes = sizeof(struct scan_state), .pull = scan_pull, .restart = scan_close, .stop = scan_close};

/* --- by id --- */

static enum status seek(struct run *run, const struct plan_operator *plan, bool *found) {
    struct value id;
    *found = false;
    enum status status = cypher_evaluate(&run->evaluation, plan->scan.id, &id);
    if (status != STATUS_OK) return status;
    bool whole = value_equal(id, id) == TRUTH_TRUE && value_is_number(id);
    int64_t integer = id.integer;
    if (whole && id.type == VALUE_FLOAT) {
        whole = id.number >= 0 && id.number < 9007199254740992.0 && (double)(int64_t)id.number == id.number;
        integer = whole ? (int64_t)id.number : 0;
    }
    if (!whole || integer < 0) return STATUS_OK;
    status = graph_look_for_node(run->graph, (uint64_t)integer);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    run->row[plan->scan.slot] = value_node((uint64_t)integer);
    return run_node_has_labels(run, (uint64_t)integer, &plan->scan.labels, 0, found);
}

static enum pull id_seek_pull(struct run *run, struct stage *stage) {
    do {
        enum pull pull = operator_pull(run, stage->children[0]);
        if (pull != PULL_ROW) return pull;
        bool found;
        enum status status = seek(run, stage->plan, &found);
        if (status != STATUS_OK) return run_fail(run, status);
        if (found) return PULL_ROW;
    } while (run_work(run));
    return PULL_MORE;
}

const struct operator_class id_seek_class = {.pull = id_seek_pull};
