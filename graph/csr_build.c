/* csr_build: see csr_build.h. The sweeps go by node id, as the CSR's numbers do; two of them are merged. */
#include "graph/csr_build.h"

#include "graph/property.h"

enum { BLOCK_WORK = 8 /* to fold a row, beside its entries */ };

static bool wants(const struct csr_build *build, enum graph_direction direction) {
    return build->options.direction == direction || build->options.direction == GRAPH_BOTH;
}

/* A scan for each label that the graph has; one for all nodes. */
static enum status open_scans(struct csr_build *build) {
    const struct csr_build_options *options = &build->options;
    static const uint32_t every_node = GRAPH_NONE;
    const bool all = options->label_count == 0;
    const uint32_t *labels = all ? &every_node : options->labels;
    const size_t count = all ? 1 : options->label_count;
    if (count > GRAPH_LABELS_MAX) return STATUS_INVALID;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        if (!all && labels[i] == GRAPH_NONE) continue;
        struct csr_scan *scan = &build->scans[build->scan_count];
        status = graph_scan_open_nodes(build->graph, labels[i], &scan->scan);
        if (status == STATUS_OK) build->scan_count++;
    }
    return status;
}

enum status csr_build_begin(struct csr_build *build, struct graph *graph, const struct csr_build_options *options,
                            struct csr *csr) {
    *build = (struct csr_build){.graph = graph, .csr = csr, .options = *options};
    csr_init(csr, options->limit_bytes, options->weight_key != GRAPH_NONE);
    if (options->edge_ids) csr_keep_edge_ids(csr);
    enum status status = open_scans(build);
    for (int i = 0; status == STATUS_OK && i < 2; i++)
        if (wants(build, (enum graph_direction)i))
            status = graph_sweep_open(graph, (enum graph_direction)i, &build->sweeps[i].sweep);
    return status;
}

static void close_scans(struct csr_build *build) {
    for (size_t i = 0; i < build->scan_count; i++) graph_scan_close(build->scans[i].scan);
    build->scan_count = 0;
}

void csr_build_end(struct csr_build *build) {
    close_scans(build);
    for (int i = 0; i < 2; i++) graph_sweep_close(build->sweeps[i].sweep);
    *build = (struct csr_build){0};
}

/* ---- Nodes ------------------------------------------------------------------------------------------------------- */

/* Each scan ascends: the least of what they hold is next. Those that hold the same one pass it together. END behind the
 * last. */
static enum status next_node(struct csr_build *build, uint64_t *id) {
    bool found = false;
    for (size_t i = 0; i < build->scan_count; i++) {
        struct csr_scan *scan = &build->scans[i];
        if (scan->scan && !scan->holds) {
            enum status status = graph_scan_next(scan->scan, &scan->id);
            if (status != STATUS_OK && status != STATUS_END) return status;
            scan->holds = status == STATUS_OK;
            if (status == STATUS_END) {
                graph_scan_close(scan->scan);
                scan->scan = NULL;
            }
        }
        if (scan->holds && (!found || scan->id < *id)) *id = scan->id;
        found |= scan->holds;
    }
    for (size_t i = 0; i < build->scan_count; i++) build->scans[i].holds &= build->scans[i].id != *id;
    return found ? STATUS_OK : STATUS_END;
}

static enum status add_nodes(struct csr_build *build, uint64_t *work) {
    uint64_t id = 0;
    enum status status = STATUS_OK;
    for (; *work > 0 && status == STATUS_OK; --*work) {
        status = next_node(build, &id);
        if (status == STATUS_OK) status = csr_add_node(build->csr, id);
    }
    if (status != STATUS_END) return status;
    close_scans(build);
    return STATUS_OK;
}

/* ---- Edges ------------------------------------------------------------------------------------------------------- */

static void spend(uint64_t *work, uint64_t amount) {
    *work -= amount < *work ? amount : *work;
}

/* Brings a block with something left in it, as far as the work goes; a sweep at its end is closed. */
static enum status fill(struct csr_sweep *sweep, uint64_t *work) {
    while (sweep->sweep && sweep->at == sweep->count && *work > 0) {
        sweep->at = 0;
        spend(work, BLOCK_WORK);
        enum status status = graph_sweep_next(sweep->sweep, &sweep->node, &sweep->entries, &sweep->count);
        if (status == STATUS_OK) continue;
        sweep->count = 0;
        if (status != STATUS_END) return status;
        graph_sweep_close(sweep->sweep);
        sweep->sweep = NULL;
    }
    return STATUS_OK;
}

/* The one whose node comes first; NULL when both are at their end. */
static struct csr_sweep *first_sweep(struct csr_build *build) {
    struct csr_sweep *out = &build->sweeps[GRAPH_OUT], *in = &build->sweeps[GRAPH_IN];
    if (!out->sweep) return in->sweep ? in : NULL;
    return in->sweep && in->node < out->node ? in : out;
}

static bool is_wanted(const struct csr_build *build, uint32_t type) {
    for (size_t i = 0; i < build->options.type_count; i++)
        if (build->options.types[i] == type) return true;
    return build->options.type_count == 0;
}

static enum status read_weight(const struct csr_build *build, uint64_t id, double *weight) {
    struct graph_edge edge;
    struct slice bytes;
    *weight = build->options.default_weight;
    if (build->options.weight_key == GRAPH_NONE) return STATUS_OK;
    enum status status = graph_get_edge(build->graph, id, &edge);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
    if (graph_property_find(edge.properties, build->options.weight_key, &bytes)) {
        struct graph_property_head head = {0};
        struct decoder decoder = decoder_make(bytes);
        if (graph_property_read(&decoder, &head) && head.tag == GRAPH_PROPERTY_FLOAT) *weight = head.number;
        if (head.tag == GRAPH_PROPERTY_INTEGER) *weight = (double)head.integer;
    }
    graph_edge_release(&edge);
    return STATUS_OK;
}

/* Entries of one block. */
static enum status add_block(struct csr_build *build, struct csr_sweep *sweep, uint64_t *work) {
    const uint32_t source = csr_find(build->csr, sweep->node);
    enum status status = STATUS_OK;
    for (; status == STATUS_OK && sweep->at<sweep->count && * work> 0; --*work) {
        const struct graph_neighbour *entry = &sweep->entries[sweep->at++];
        if (source == CSR_NONE || !is_wanted(build, entry->type)) continue;
        const uint32_t target = csr_find(build->csr, entry->node);
        double weight = 0;
        if (target != CSR_NONE) status = read_weight(build, entry->edge, &weight);
        if (status == STATUS_OK) status = csr_add_edge(build->csr, source, target, weight);
        if (status == STATUS_OK && target != CSR_NONE && build->options.edge_ids)
            csr_name_edge(build->csr, entry->edge);
    }
    return status;
}

static enum status add_edges(struct csr_build *build, uint64_t *work, bool *done) {
    enum status status = STATUS_OK;
    while (status == STATUS_OK && *work > 0) {
        for (int i = 0; status == STATUS_OK && i < 2; i++) status = fill(&build->sweeps[i], work);
        if (status != STATUS_OK || *work == 0) return status;
        struct csr_sweep *sweep = first_sweep(build);
        if (!sweep) {
            *done = true;
            return csr_finish(build->csr);
        }
        status = add_block(build, sweep, work);
    }
    return status;
}

enum status csr_build_step(struct csr_build *build, uint64_t work, bool *done) {
    *done = false;
    enum status status = build->scan_count > 0 ? add_nodes(build, &work) : STATUS_OK;
    if (status == STATUS_OK && build->scan_count == 0) status = add_edges(build, &work, done);
    return status;
}
