#include "tests/harness/stores_model.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "graph/property.h"

static const char *const names[MODEL_NAMES] = {"name0", "name1", "name2", "name3", "name4", "name5"};

const char *model_name_text(unsigned number) {
    check(number < MODEL_NAMES);
    return names[number];
}

static void must(enum status status) {
    check(status == STATUS_OK);
}

/* ---- States ------------------------------------------------------------------------------------------------------ */

void model_copy(struct model_state *to, const struct model_state *from) {
    for (size_t i = 0; i < MODEL_NAMES; i++) {
        const struct model_name *name = &from->names[i];
        to->names[i].type = name->type;
        must(buf_assign(&to->names[i].text, buf_slice(&name->text)));
        must(buf_assign(&to->names[i].samples, buf_slice(&name->samples)));
        must(buf_assign(&to->names[i].nodes, buf_slice(&name->nodes)));
        must(buf_assign(&to->names[i].edges, buf_slice(&name->edges)));
    }
}

void model_become(struct model_name *name, enum model_type type) {
    buf_deinit(&name->text);
    buf_deinit(&name->samples);
    buf_deinit(&name->nodes);
    buf_deinit(&name->edges);
    name->type = type;
}

void model_clear(struct model_state *state) {
    for (size_t i = 0; i < MODEL_NAMES; i++) model_become(&state->names[i], MODEL_NOTHING);
}

/* Items of one size in a buf. */
static void erase(struct buf *items, size_t size, size_t at) {
    memmove(items->data + at * size, items->data + (at + 1) * size, items->size - (at + 1) * size);
    items->size -= size;
}

static struct model_sample *samples_of(const struct model_name *series, size_t *count) {
    *count = series->samples.size / sizeof(struct model_sample);
    return (struct model_sample *)(void *)series->samples.data;
}

static uint64_t *nodes_of(const struct model_name *graph, size_t *count) {
    *count = graph->nodes.size / sizeof(uint64_t);
    return (uint64_t *)(void *)graph->nodes.data;
}

static struct model_edge *edges_of(const struct model_name *graph, size_t *count) {
    *count = graph->edges.size / sizeof(struct model_edge);
    return (struct model_edge *)(void *)graph->edges.data;
}

void model_put_sample(struct model_name *series, int64_t time_ms, double value) {
    struct model_sample sample = {.time_ms = time_ms};
    size_t count, at = 0;
    memcpy(&sample.bits, &value, sizeof sample.bits);
    struct model_sample *samples = samples_of(series, &count);
    while (at < count && samples[at].time_ms < time_ms) at++;
    if (at == count || samples[at].time_ms != time_ms) {
        must(buf_append_zeros(&series->samples, sizeof sample));
        samples = samples_of(series, &count);
        memmove(&samples[at + 1], &samples[at], (count - 1 - at) * sizeof sample);
    }
    samples[at] = sample;
}

void model_delete_samples(struct model_name *series, int64_t from_ms, int64_t to_ms) {
    size_t count;
    const struct model_sample *samples = samples_of(series, &count);
    for (size_t i = count; i-- > 0;) {
        if (samples[i].time_ms >= from_ms && samples[i].time_ms <= to_ms) erase(&series->samples, sizeof *samples, i);
    }
}

size_t model_node_count(const struct model_name *graph) {
    return graph->nodes.size / sizeof(uint64_t);
}

size_t model_edge_count(const struct model_name *graph) {
    return graph->edges.size / sizeof(struct model_edge);
}

void model_add_node(struct model_name *graph, uint64_t id) {
    must(buf_append(&graph->nodes, &id, sizeof id));
}

void model_add_edge(struct model_name *graph, const struct model_edge *edge) {
    must(buf_append(&graph->edges, edge, sizeof *edge));
}

void model_delete_edge(struct model_name *graph, uint64_t id) {
    size_t count;
    const struct model_edge *edges = edges_of(graph, &count);
    for (size_t i = count; i-- > 0;) {
        if (edges[i].id == id) erase(&graph->edges, sizeof *edges, i);
    }
}

void model_delete_node(struct model_name *graph, uint64_t id) {
    size_t count;
    const struct model_edge *edges = edges_of(graph, &count);
    for (size_t i = count; i-- > 0;) {
        if (edges[i].source == id || edges[i].destination == id) erase(&graph->edges, sizeof *edges, i);
    }
    const uint64_t *nodes = nodes_of(graph, &count);
    for (size_t i = count; i-- > 0;) {
        if (nodes[i] == id) erase(&graph->nodes, sizeof id, i);
    }
}

/* ---- Comparison -------------------------------------------------------------------------------------------------- */

/* Where a comparison is. */
struct place {
    const struct names_view *view;
    struct slice name;
    const struct model_name *wanted;
    struct error *error;
};

static enum status differs(const struct place *place, const char *how, uint64_t number) {
    return error_set(place->error, STATUS_MISMATCH, "%.*s: %s (%" PRIu64 ")", (int)place->name.size,
                     (const char *)place->name.data, how, number);
}

struct scan {
    const struct place *place;
    size_t next;
};

static enum status compare_samples(void *context, const int64_t *times_ms, const double *values, size_t count) {
    struct scan *scan = context;
    size_t wanted_count;
    const struct model_sample *wanted = samples_of(scan->place->wanted, &wanted_count);
    for (size_t i = 0; i < count; i++, scan->next++) {
        uint64_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        if (scan->next == wanted_count) return differs(scan->place, "a sample too many at ms", (uint64_t)times_ms[i]);
        const struct model_sample *sample = &wanted[scan->next];
        if (sample->time_ms != times_ms[i])
            return differs(scan->place, "a sample is missing, or a strange one is there: ms",
                           (uint64_t)sample->time_ms);
        if (sample->bits != bits) return differs(scan->place, "another value at ms", (uint64_t)sample->time_ms);
    }
    return STATUS_OK;
}

static enum status compare_series(const struct place *place) {
    struct scan scan = {.place = place};
    size_t count;
    const struct model_sample *samples = samples_of(place->wanted, &count);
    enum status status = tsdb_scan(place->view, place->name, INT64_MIN, INT64_MAX, compare_samples, &scan);
    if (status != STATUS_OK || scan.next == count) return status;
    return differs(place, "samples are lost from ms", (uint64_t)samples[scan.next].time_ms);
}

/* Of the edges of one node in one direction: equal for equal sets. */
struct ends {
    size_t count;
    uint64_t sum;
};

static void add_end(struct ends *ends, uint64_t edge, uint64_t other) {
    ends->count++;
    ends->sum += hash_mix(edge, other);
}

static struct ends wanted_ends(const struct model_name *graph, uint64_t node, bool is_in) {
    struct ends ends = {0};
    size_t count;
    const struct model_edge *edges = edges_of(graph, &count);
    for (size_t i = 0; i < count; i++) {
        if ((is_in ? edges[i].destination : edges[i].source) == node)
            add_end(&ends, edges[i].id, is_in ? edges[i].source : edges[i].destination);
    }
    return ends;
}

static enum status compare_neighbours(const struct place *place, struct graph_neighbours *walk, uint64_t node) {
    for (int is_in = 0; is_in < 2; is_in++) {
        struct ends wanted = wanted_ends(place->wanted, node, is_in), found = {0};
        struct graph_neighbour neighbour;
        enum status status;
        graph_neighbours_start(walk, node, is_in ? GRAPH_IN : GRAPH_OUT, NULL, 0);
        while ((status = graph_neighbours_next(walk, &neighbour)) == STATUS_OK)
            add_end(&found, neighbour.edge, neighbour.node);
        if (status != STATUS_END) return status;
        if (found.count != wanted.count || found.sum != wanted.sum)
            return differs(place, is_in ? "other edges come in at node" : "other edges go out from node", node);
    }
    return STATUS_OK;
}

static enum status compare_edge(const struct place *place, struct graph *graph, const struct model_edge *wanted) {
    struct graph_edge edge;
    struct slice value;
    struct buf token = BUF_EMPTY;
    uint32_t key = 0;
    enum status status = graph_find_word(graph, GRAPH_KEY, slice_from_text("token"), &key);
    if (status == STATUS_OK) status = graph_get_edge(graph, wanted->id, &edge);
    if (status == STATUS_NOT_FOUND) return differs(place, "an edge is lost", wanted->id);
    if (status != STATUS_OK) return status;
    must(graph_property_encode_integer(&token, wanted->token));
    bool is_same = edge.source == wanted->source && edge.destination == wanted->destination &&
                   graph_property_find(edge.properties, key, &value) && slice_equal(value, buf_slice(&token));
    graph_edge_release(&edge);
    buf_deinit(&token);
    return is_same ? STATUS_OK : differs(place, "another edge stands under this id", wanted->id);
}

static enum status compare_parts(const struct place *place, struct graph *graph, struct graph_neighbours *walk) {
    size_t node_count, edge_count;
    const uint64_t *nodes = nodes_of(place->wanted, &node_count);
    const struct model_edge *edges = edges_of(place->wanted, &edge_count);
    struct graph_facts facts;
    graph_get_facts(graph, &facts);
    if (facts.node_count != node_count) return differs(place, "another number of nodes", facts.node_count);
    if (facts.edge_count != edge_count) return differs(place, "another number of edges", facts.edge_count);
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < node_count; i++) {
        status = graph_look_for_node(graph, nodes[i]);
        if (status == STATUS_NOT_FOUND) status = differs(place, "a node is lost", nodes[i]);
        if (status == STATUS_OK) status = compare_neighbours(place, walk, nodes[i]);
    }
    for (size_t i = 0; status == STATUS_OK && i < edge_count; i++) status = compare_edge(place, graph, &edges[i]);
    return status;
}

static enum status compare_graph(const struct place *place) {
    struct graph *graph = NULL;
    struct graph_neighbours *walk = NULL;
    enum status status = graph_create(&graph);
    if (status == STATUS_OK) status = graph_open(graph, place->view, place->name);
    if (status == STATUS_OK) status = graph_neighbours_create(graph, &walk);
    if (status == STATUS_OK) status = compare_parts(place, graph, walk);
    graph_neighbours_destroy(walk);
    graph_destroy(graph);
    return status;
}

static enum status compare_name(const struct place *place) {
    static const uint8_t types[] = {
        [MODEL_STRING] = NAME_STRING, [MODEL_SERIES] = NAME_SERIES, [MODEL_GRAPH] = NAME_GRAPH};
    struct engine_value value;
    struct name_row row;
    enum model_type type = place->wanted->type;
    enum status status = names_get(place->view, place->name, &row, &value);
    if (status == STATUS_NOT_FOUND && type == MODEL_NOTHING) return STATUS_OK;
    if (status == STATUS_NOT_FOUND) return differs(place, "the name is lost, of type", type);
    if (status != STATUS_OK) return status;
    bool is_type = type != MODEL_NOTHING && row.type == types[type];
    bool is_text = type != MODEL_STRING || slice_equal(row.value, buf_slice(&place->wanted->text));
    engine_value_release(&value);
    if (!is_type) return differs(place, "the name has another type", row.type);
    if (!is_text) return differs(place, "another string", 0);
    if (type == MODEL_SERIES) return compare_series(place);
    return type == MODEL_GRAPH ? compare_graph(place) : STATUS_OK;
}

struct finding {
    struct error *error;
    bool is_told;
};

static void note_finding(void *context, uint64_t object, const char *text) {
    struct finding *finding = context;
    if (!finding->is_told) (void)error_set(finding->error, STATUS_CORRUPT, "graph %" PRIu64 ": %s", object, text);
    finding->is_told = true;
}

enum status model_compare(const struct model_state *state, const struct stores_lab *lab, struct error *error) {
    const struct names_view view = stores_lab_view(lab);
    struct finding finding = {.error = error};
    uint64_t count = 0, wanted = 0;
    *error = (struct error){0};
    enum status status = STATUS_OK;
    for (unsigned i = 0; status == STATUS_OK && i < MODEL_NAMES; i++) {
        const struct place place = {&view, slice_from_text(names[i]), &state->names[i], error};
        wanted += state->names[i].type != MODEL_NOTHING;
        status = compare_name(&place);
    }
    if (status == STATUS_OK) status = names_count(&view, &count);
    if (status == STATUS_OK && count != wanted)
        status =
            error_set(error, STATUS_MISMATCH, "%" PRIu64 " names are counted, %" PRIu64 " are there", count, wanted);
    if (status == STATUS_OK) status = graph_verify(&view, note_finding, &finding);
    if (status != STATUS_OK && error->text[0] == '\0') (void)error_set(error, status, "%s", status_text(status));
    return status;
}
