/* procedure_paths: procedures that begin at a node: algo.BFS, algo.distances, algo.SPpaths. */
#include <math.h>

#include "graph/cypher/procedure_algo.h"

static enum status take_node(struct procedure_call *call, const struct value *value, const char *key, uint64_t *node) {
    if (!value || value->type != VALUE_NODE) {
        const struct value null = value_null();
        return algo_refuse(call, key, "a node", value ? value : &null);
    }
    *node = value->node;
    return STATUS_OK;
}

/* The source's number; none: it is gone, or has no label that was asked for. */
static uint32_t find_source(const struct algo_run *run, bool *empty) {
    const uint32_t source = csr_find(&run->csr, run->source);
    *empty = source == CSR_NONE;
    return source;
}

static enum status edge_value(struct procedure_call *call, uint64_t id, struct value *value) {
    struct graph_edge edge;
    enum status status = graph_get_edge(call->graph, id, &edge);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
    *value = value_edge(id, edge.type, edge.source, edge.destination);
    graph_edge_release(&edge);
    return STATUS_OK;
}

/* ---- Breadth first, shared --------------------------------------------------------------------------------------- */

static enum status bfs_class_begin(struct procedure_call *call, struct algo_run *run, size_t limit_bytes, bool *empty) {
    (void)call;
    const uint32_t source = find_source(run, empty);
    if (*empty) return STATUS_OK;
    enum status status = bfs_begin(&run->bfs, &run->csr, source, limit_bytes);
    if (run->max_level > 0 && run->max_level < INT32_MAX) run->bfs.max_depth = (int32_t)run->max_level;
    return status;
}

static enum status bfs_class_step(struct procedure_call *call, struct algo_run *run, uint64_t work, bool *done) {
    (void)call;
    *done = bfs_step(&run->bfs, work);
    return STATUS_OK;
}

static void bfs_class_end(struct algo_run *run) {
    bfs_end(&run->bfs);
}

enum { BFS_BYTES = sizeof(int32_t) + 2 * sizeof(uint32_t) };

/* ---- algo.BFS(source, maxLevel, relationshipType) YIELD nodes, edges, logIndex ----------------------------------- */

/* Room for what was found: all but the source, and an edge to each. */
static enum status make_lists(struct procedure_call *call, struct algo_run *run) {
    const size_t count = run->bfs.reached - 1;
    run->nodes = value_alloc_array(call->arena, count ? count : 1, sizeof *run->nodes);
    run->edges = value_alloc_array(call->arena, count ? count : 1, sizeof *run->edges);
    if (!run->nodes || !run->edges) return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++) run->nodes[i] = value_node(run->csr.node_ids[run->bfs.order[i + 1]]);
    run->edge = run->csr.offsets[run->bfs.order[0]];
    return STATUS_OK;
}

/* An edge of the node at `next` is the tree's if it leads to one of its children that has none yet. */
static enum status look_at_edge(struct procedure_call *call, struct algo_run *run, uint32_t node) {
    const uint32_t target = run->csr.targets[run->edge];
    const uint64_t id = run->csr.edge_ids[run->edge++];
    if (run->bfs.parent[target] != node) return STATUS_OK;
    run->bfs.parent[target] = CSR_NONE; /* it has its edge */
    return edge_value(call, id, &run->edges[run->edge_count++]);
}

static enum status find_edges(struct procedure_call *call, struct algo_run *run) {
    for (uint64_t work = call->work; run->next < run->bfs.reached; work--) {
        const uint32_t node = run->bfs.order[run->next];
        if (work == 0) return STATUS_BUSY;
        if (run->edge < run->csr.offsets[node + 1]) {
            enum status status = look_at_edge(call, run, node);
            if (status != STATUS_OK) return status;
        } else if (++run->next < run->bfs.reached) {
            run->edge = run->csr.offsets[run->bfs.order[run->next]];
        }
    }
    return STATUS_OK;
}

/* One row; none if nothing was found. */
static enum status bfs_emit(struct procedure_call *call, struct algo_run *run, struct value *fields) {
    const size_t count = run->bfs.reached - 1;
    if (count == 0 || run->next > run->bfs.reached) return STATUS_END;
    enum status status = run->nodes ? STATUS_OK : make_lists(call, run);
    if (status == STATUS_OK) status = find_edges(call, run);
    if (status == STATUS_OK) status = value_list(run->nodes, count, &fields[0]);
    if (status == STATUS_OK) status = value_list(run->edges, run->edge_count, &fields[1]);
    if (status != STATUS_OK) return status;
    fields[2] = algo_log_index(run);
    run->next = run->bfs.reached + 1;
    return STATUS_OK;
}

static const struct algo_class bfs_class = {.bytes_per_node = BFS_BYTES,
                                            .begin = bfs_class_begin,
                                            .step = bfs_class_step,
                                            .emit = bfs_emit,
                                            .end = bfs_class_end};

static enum status bfs_open(struct procedure_call *call, void **state) {
    struct algo_run *run;
    enum status status = algo_make(call, &bfs_class, &run);
    if (status != STATUS_OK) return status;
    const struct value *level = algo_argument(call, 1), *type = algo_argument(call, 2);
    run->options.edge_ids = true;
    status = take_node(call, algo_argument(call, 0), "source", &run->source);
    if (status == STATUS_OK && level && level->type != VALUE_INTEGER) status = procedure_refuse(call, 1, "an integer");
    if (status == STATUS_OK && level) run->max_level = level->integer;
    if (status == STATUS_OK && type) status = algo_take_words(call, type, GRAPH_TYPE, "relationshipType", run);
    *state = run;
    return status == STATUS_OK ? algo_start(call, run) : status;
}

static const struct cypher_field bfs_arguments[] = {{"source", CYPHER_TYPE_NODE},
                                                    {"maxLevel", CYPHER_TYPE_INTEGER},
                                                    {"relationshipType", CYPHER_TYPE_STRING | CYPHER_TYPE_LIST}};
static const struct cypher_field bfs_fields[] = {
    {"nodes", CYPHER_TYPE_LIST}, {"edges", CYPHER_TYPE_LIST}, {"logIndex", CYPHER_TYPE_INTEGER}};

const struct graph_procedure algo_bfs_procedure = {.head = {.name = "algo.BFS",
                                                            .arguments = bfs_arguments,
                                                            .argument_count = 3,
                                                            .fewest_arguments = 1,
                                                            .fields = bfs_fields,
                                                            .field_count = 3},
                                                   .open = bfs_open,
                                                   .step = algo_step,
                                                   .close = algo_close};

/* ---- Shortest paths by weight, shared ---------------------------------------------------------------------------- */

static enum status sssp_class_begin(struct procedure_call *call, struct algo_run *run, size_t limit_bytes,
                                    bool *empty) {
    (void)call;
    const uint32_t source = find_source(run, empty);
    return *empty ? STATUS_OK : sssp_begin(&run->sssp, &run->csr, source, limit_bytes);
}

static enum status sssp_class_step(struct procedure_call *call, struct algo_run *run, uint64_t work, bool *done) {
    enum status status = sssp_step(&run->sssp, work, done);
    if (status != STATUS_INVALID) return status;
    return cypher_fault_set(call->fault, CYPHER_FAULT_ARGUMENT_RANGE, call->place,
                            "%s: an edge's weight is negative or not a number", call->procedure->head.name);
}

static void sssp_class_end(struct algo_run *run) {
    sssp_end(&run->sssp);
}

enum { SSSP_BYTES = sizeof(double) + 3 * sizeof(uint32_t) };

/* ---- algo.distances(source, {relTypes, relDirection, weightProp, maxLen}) YIELD node, distance, logIndex ----------
 */

/* Hops, nearest first. */
static enum status hops_emit(struct procedure_call *call, struct algo_run *run, struct value *fields) {
    (void)call;
    if (run->next == run->bfs.reached) return STATUS_END;
    const uint32_t node = run->bfs.order[run->next++];
    fields[0] = value_node(run->csr.node_ids[node]);
    fields[1] = value_integer(run->bfs.depth[node]);
    fields[2] = algo_log_index(run);
    return STATUS_OK;
}

/* Sums of weights, in the order of ids. */
static enum status sums_emit(struct procedure_call *call, struct algo_run *run, struct value *fields) {
    for (uint64_t work = call->work; run->next < run->csr.node_count; work--) {
        const uint32_t node = run->next;
        if (work == 0) return STATUS_BUSY;
        run->next++;
        if (isinf(run->sssp.distance[node])) continue;
        fields[0] = value_node(run->csr.node_ids[node]);
        fields[1] = value_float(run->sssp.distance[node]);
        fields[2] = algo_log_index(run);
        return STATUS_OK;
    }
    return STATUS_END;
}

static const struct algo_class hops_class = {.bytes_per_node = BFS_BYTES,
                                             .begin = bfs_class_begin,
                                             .step = bfs_class_step,
                                             .emit = hops_emit,
                                             .end = bfs_class_end};
static const struct algo_class sums_class = {.bytes_per_node = SSSP_BYTES,
                                             .begin = sssp_class_begin,
                                             .step = sssp_class_step,
                                             .emit = sums_emit,
                                             .end = sssp_class_end};

static enum status set_max_length(struct procedure_call *call, struct algo_run *run, const struct value *value,
                                  const char *key) {
    if (value->type != VALUE_INTEGER || value->integer < 1) return algo_refuse(call, key, "an integer over 0", value);
    run->max_level = value->integer;
    return STATUS_OK;
}

static const struct algo_setting distance_settings[] = {
    {"relTypes", algo_set_types},
    {"relDirection", algo_set_direction},
    {"weightProp", algo_set_weight},
    {"maxLen", set_max_length},
};

static enum status distances_open(struct procedure_call *call, void **state) {
    struct algo_run *run;
    enum status status = algo_make(call, &hops_class, &run);
    if (status != STATUS_OK) return status;
    status = take_node(call, algo_argument(call, 0), "source", &run->source);
    if (status == STATUS_OK)
        status =
            algo_take_settings(call, 1, run, distance_settings, sizeof distance_settings / sizeof distance_settings[0]);
    if (status == STATUS_OK && run->weighted && run->max_level > 0)
        status = cypher_fault_unsupported(call->fault, call->place, "algo.distances with both weightProp and maxLen");
    if (run->weighted) run->class = &sums_class;
    *state = run;
    return status == STATUS_OK ? algo_start(call, run) : status;
}

static const struct cypher_field distance_arguments[] = {{"source", CYPHER_TYPE_NODE}, {"settings", CYPHER_TYPE_MAP}};
static const struct cypher_field distance_fields[] = {
    {"node", CYPHER_TYPE_NODE}, {"distance", CYPHER_TYPE_NUMBER}, {"logIndex", CYPHER_TYPE_INTEGER}};

const struct graph_procedure algo_distances_procedure = {.head = {.name = "algo.distances",
                                                                  .arguments = distance_arguments,
                                                                  .argument_count = 2,
                                                                  .fewest_arguments = 1,
                                                                  .fields = distance_fields,
                                                                  .field_count = 3},
                                                         .open = distances_open,
                                                         .step = algo_step,
                                                         .close = algo_close};

/* ---- algo.SPpaths({sourceNode, targetNode, ...}) YIELD path, pathWeight, pathCost, logIndex -----------------------
 */

static enum status paths_begin(struct procedure_call *call, struct algo_run *run, size_t limit_bytes, bool *empty) {
    const uint32_t target = csr_find(&run->csr, run->target);
    *empty = target == CSR_NONE;
    if (*empty) return STATUS_OK;
    enum status status = sssp_class_begin(call, run, limit_bytes, empty);
    run->sssp.target = target;
    return status;
}

/* The lightest edge between two nodes that follow each other on the path; the first of equal ones. */
static enum status lightest_edge(struct procedure_call *call, const struct algo_run *run, uint32_t from, uint32_t to,
                                 struct value *value) {
    const struct csr *csr = &run->csr;
    uint64_t best = UINT64_MAX;
    for (uint64_t i = csr->offsets[from]; i < csr->offsets[from + 1]; i++) {
        if (csr->targets[i] != to) continue;
        if (best == UINT64_MAX || (csr->weights && csr->weights[i] < csr->weights[best])) best = i;
    }
    return best == UINT64_MAX ? STATUS_CORRUPT : edge_value(call, csr->edge_ids[best], value);
}

/* node, edge, node, ..., from the target backward. */
static enum status make_path(struct procedure_call *call, struct algo_run *run, struct value *path, size_t *hops) {
    const struct sssp *sssp = &run->sssp;
    *hops = 0;
    for (uint32_t node = sssp->target; sssp->parent[node] != CSR_NONE; node = sssp->parent[node]) ++*hops;
    struct value *items = value_alloc_array(call->arena, 2 * *hops + 1, sizeof *items);
    if (!items) return STATUS_NO_MEMORY;
    uint32_t node = sssp->target;
    enum status status = STATUS_OK;
    items[2 * *hops] = value_node(run->csr.node_ids[node]);
    for (size_t at = *hops; status == STATUS_OK && at > 0; at--) {
        const uint32_t before = sssp->parent[node];
        status = lightest_edge(call, run, before, node, &items[2 * at - 1]);
        items[2 * at - 2] = value_node(run->csr.node_ids[before]);
        node = before;
    }
    *path = value_path(items, 2 * *hops + 1);
    return status;
}

static enum status paths_emit(struct procedure_call *call, struct algo_run *run, struct value *fields) {
    const double weight = run->sssp.distance[run->sssp.target];
    size_t hops;
    if (run->next > 0 || isinf(weight)) return STATUS_END;
    run->next = 1;
    enum status status = make_path(call, run, &fields[0], &hops);
    fields[1] = value_float(weight);
    fields[2] = value_float((double)hops);
    fields[3] = algo_log_index(run);
    return status;
}

static const struct algo_class paths_class = {.bytes_per_node = SSSP_BYTES,
                                              .begin = paths_begin,
                                              .step = sssp_class_step,
                                              .emit = paths_emit,
                                              .end = sssp_class_end};

static enum status set_source(struct procedure_call *call, struct algo_run *run, const struct value *value,
                              const char *key) {
    return take_node(call, value, key, &run->source);
}

static enum status set_target(struct procedure_call *call, struct algo_run *run, const struct value *value,
                              const char *key) {
    return take_node(call, value, key, &run->target);
}

static enum status set_path_count(struct procedure_call *call, struct algo_run *run, const struct value *value,
                                  const char *key) {
    (void)run;
    if (value->type != VALUE_INTEGER) return algo_refuse(call, key, "an integer", value);
    return value->integer == 1
               ? STATUS_OK
               : cypher_fault_unsupported(call->fault, call->place, "algo.SPpaths with a pathCount other than 1");
}

static enum status refuse_bound(struct procedure_call *call, struct algo_run *run, const struct value *value,
                                const char *key) {
    (void)run, (void)value, (void)key;
    return cypher_fault_unsupported(call->fault, call->place, "algo.SPpaths with maxLen, costProp or maxCost");
}

static const struct algo_setting path_settings[] = {
    {"sourceNode", set_source},      {"targetNode", set_target},           {"relTypes", algo_set_types},
    {"weightProp", algo_set_weight}, {"relDirection", algo_set_direction}, {"pathCount", set_path_count},
    {"maxLen", refuse_bound},        {"costProp", refuse_bound},           {"maxCost", refuse_bound},
};

static enum status paths_open(struct procedure_call *call, void **state) {
    struct algo_run *run;
    enum status status = algo_make(call, &paths_class, &run);
    if (status != STATUS_OK) return status;
    const struct value *settings = algo_argument(call, 0);
    run->options.edge_ids = true;
    if (!settings || settings->type != VALUE_MAP) return procedure_refuse(call, 0, "a map");
    status = take_node(call, value_map_get(settings, slice_from_text("sourceNode")), "sourceNode", &run->source);
    if (status == STATUS_OK)
        status = take_node(call, value_map_get(settings, slice_from_text("targetNode")), "targetNode", &run->target);
    if (status == STATUS_OK)
        status = algo_take_settings(call, 0, run, path_settings, sizeof path_settings / sizeof path_settings[0]);
    *state = run;
    return status == STATUS_OK ? algo_start(call, run) : status;
}

static const struct cypher_field path_arguments[] = {{"settings", CYPHER_TYPE_MAP}};
static const struct cypher_field path_fields[] = {{"path", CYPHER_TYPE_PATH},
                                                  {"pathWeight", CYPHER_TYPE_FLOAT},
                                                  {"pathCost", CYPHER_TYPE_FLOAT},
                                                  {"logIndex", CYPHER_TYPE_INTEGER}};

const struct graph_procedure algo_sp_paths_procedure = {.head = {.name = "algo.SPpaths",
                                                                 .arguments = path_arguments,
                                                                 .argument_count = 1,
                                                                 .fewest_arguments = 1,
                                                                 .fields = path_fields,
                                                                 .field_count = 4},
                                                        .open = paths_open,
                                                        .step = algo_step,
                                                        .close = algo_close};
