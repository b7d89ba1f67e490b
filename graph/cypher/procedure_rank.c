/* procedure_rank: procedures that give each node a number: algo.pageRank, algo.WCC. */
#include <math.h>

#include "graph/cypher/procedure_algo.h"

/* ---- algo.pageRank(label, relationshipType, {...}) YIELD node, score, logIndex -------------------------------------
 */

enum { ITERATIONS_MAX = 1000000 };

static enum status rank_begin(struct procedure_call *call, struct algo_run *run, size_t limit_bytes, bool *empty) {
    (void)call, (void)empty;
    return pagerank_begin(&run->pagerank, &run->csr, &run->rank_options, limit_bytes);
}

static enum status rank_step(struct procedure_call *call, struct algo_run *run, uint64_t work, bool *done) {
    (void)call;
    *done = pagerank_step(&run->pagerank, work);
    return STATUS_OK;
}

static enum status rank_emit(struct procedure_call *call, struct algo_run *run, struct value *fields) {
    (void)call;
    if (run->next == run->csr.node_count) return STATUS_END;
    fields[0] = value_node(run->csr.node_ids[run->next]);
    fields[1] = value_float(run->pagerank.score[run->next]);
    fields[2] = algo_log_index(run);
    run->next++;
    return STATUS_OK;
}

static void rank_end(struct algo_run *run) {
    pagerank_end(&run->pagerank);
}

static const struct algo_class rank_class = {
    .bytes_per_node = 2 * sizeof(double), .begin = rank_begin, .step = rank_step, .emit = rank_emit, .end = rank_end};

static enum status set_damping(struct procedure_call *call, struct algo_run *run, const struct value *value,
                               const char *key) {
    const double damping = value->type == VALUE_FLOAT ? value->number : -1;
    if (!(damping > 0 && damping < 1)) return algo_refuse(call, key, "a float between 0 and 1", value);
    run->rank_options.damping = damping;
    return STATUS_OK;
}

static enum status set_iterations(struct procedure_call *call, struct algo_run *run, const struct value *value,
                                  const char *key) {
    if (value->type != VALUE_INTEGER || value->integer < 1 || value->integer > ITERATIONS_MAX)
        return algo_refuse(call, key, "an integer from 1 to 1000000", value);
    run->rank_options.max_iterations = (uint32_t)value->integer;
    return STATUS_OK;
}

static enum status set_tolerance(struct procedure_call *call, struct algo_run *run, const struct value *value,
                                 const char *key) {
    const double tolerance = value->type == VALUE_FLOAT     ? value->number
                             : value->type == VALUE_INTEGER ? (double)value->integer
                                                            : -1;
    if (!(tolerance >= 0)) return algo_refuse(call, key, "a number, 0 or more", value);
    run->rank_options.tolerance = tolerance;
    return STATUS_OK;
}

static const struct algo_setting rank_settings[] = {
    {"dampingFactor", set_damping},
    {"maxIterations", set_iterations},
    {"tolerance", set_tolerance},
    {"relDirection", algo_set_direction},
};

static enum status rank_open(struct procedure_call *call, void **state) {
    struct algo_run *run;
    enum status status = algo_make(call, &rank_class, &run);
    if (status != STATUS_OK) return status;
    run->rank_options = (struct pagerank_options){.damping = 0.85, .max_iterations = 100, .tolerance = 1e-4};
    const struct value *label = algo_argument(call, 0), *type = algo_argument(call, 1);
    if (label) status = algo_take_words(call, label, GRAPH_LABEL, "label", run);
    if (status == STATUS_OK && type) status = algo_take_words(call, type, GRAPH_TYPE, "relationshipType", run);
    if (status == STATUS_OK)
        status = algo_take_settings(call, 2, run, rank_settings, sizeof rank_settings / sizeof rank_settings[0]);
    *state = run;
    return status == STATUS_OK ? algo_start(call, run) : status;
}

static const struct cypher_field rank_arguments[] = {{"label", CYPHER_TYPE_STRING | CYPHER_TYPE_LIST},
                                                     {"relationshipType", CYPHER_TYPE_STRING | CYPHER_TYPE_LIST},
                                                     {"settings", CYPHER_TYPE_MAP}};
static const struct cypher_field rank_fields[] = {
    {"node", CYPHER_TYPE_NODE}, {"score", CYPHER_TYPE_FLOAT}, {"logIndex", CYPHER_TYPE_INTEGER}};

const struct graph_procedure algo_pagerank_procedure = {.head = {.name = "algo.pageRank",
                                                                 .arguments = rank_arguments,
                                                                 .argument_count = 3,
                                                                 .fields = rank_fields,
                                                                 .field_count = 3},
                                                        .open = rank_open,
                                                        .step = algo_step,
                                                        .close = algo_close};

/* ---- algo.WCC({nodeLabels, relationshipTypes}) YIELD node, componentId, logIndex --------------------------------- */

static enum status wcc_class_begin(struct procedure_call *call, struct algo_run *run, size_t limit_bytes, bool *empty) {
    (void)call, (void)empty;
    return wcc_begin(&run->wcc, &run->csr, limit_bytes);
}

static enum status wcc_class_step(struct procedure_call *call, struct algo_run *run, uint64_t work, bool *done) {
    (void)call;
    *done = wcc_step(&run->wcc, work);
    return STATUS_OK;
}

/* A component is named by the least id in it. */
static enum status wcc_emit(struct procedure_call *call, struct algo_run *run, struct value *fields) {
    (void)call;
    if (run->next == run->csr.node_count) return STATUS_END;
    fields[0] = value_node(run->csr.node_ids[run->next]);
    fields[1] = value_integer((int64_t)run->csr.node_ids[run->wcc.component[run->next]]);
    fields[2] = algo_log_index(run);
    run->next++;
    return STATUS_OK;
}

static void wcc_class_end(struct algo_run *run) {
    wcc_end(&run->wcc);
}

static const struct algo_class wcc_class = {.bytes_per_node = sizeof(uint32_t),
                                            .begin = wcc_class_begin,
                                            .step = wcc_class_step,
                                            .emit = wcc_emit,
                                            .end = wcc_class_end};

static const struct algo_setting wcc_settings[] = {
    {"nodeLabels", algo_set_labels},
    {"relationshipTypes", algo_set_types},
};

static enum status wcc_open(struct procedure_call *call, void **state) {
    struct algo_run *run;
    enum status status = algo_make(call, &wcc_class, &run);
    if (status == STATUS_OK)
        status = algo_take_settings(call, 0, run, wcc_settings, sizeof wcc_settings / sizeof wcc_settings[0]);
    if (status != STATUS_OK) return status;
    *state = run;
    return algo_start(call, run);
}

static const struct cypher_field wcc_arguments[] = {{"settings", CYPHER_TYPE_MAP}};
static const struct cypher_field wcc_fields[] = {
    {"node", CYPHER_TYPE_NODE}, {"componentId", CYPHER_TYPE_INTEGER}, {"logIndex", CYPHER_TYPE_INTEGER}};

const struct graph_procedure algo_wcc_procedure = {.head = {.name = "algo.WCC",
                                                            .arguments = wcc_arguments,
                                                            .argument_count = 1,
                                                            .fields = wcc_fields,
                                                            .field_count = 3},
                                                   .open = wcc_open,
                                                   .step = algo_step,
                                                   .close = algo_close};
