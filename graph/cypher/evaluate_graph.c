/*
 * evaluate_graph: what expressions ask of nodes, edges and paths.
 *
 * A node or an edge that an earlier clause has deleted is a fault to whoever reads it (EntityNotFound); its id, and an
 * edge's type and ends, are in the value and stay readable.
 */
#include "engine/base/check.h"
#include "graph/cypher/evaluate_parts.h"
#include "graph/property.h"

enum status evaluation_deleted(struct evaluation *evaluation, struct cypher_place place, const char *what,
                               enum status status) {
    if (status != STATUS_NOT_FOUND) return status;
    return cypher_fault_set(evaluation->fault, CYPHER_FAULT_DELETED_ENTITY, place,
                            "The %s has been deleted in this query", what);
}

enum status evaluation_read_properties(struct evaluation *evaluation, struct cypher_place place, struct value entity,
                                       struct slice *properties) {
    const struct graph_node *node;
    const struct graph_edge *edge;
    enum status status;
    if (entity.type == VALUE_NODE) {
        status = reader_get_node(evaluation->reader, entity.node, &node);
        if (status == STATUS_OK) *properties = node->properties;
        return evaluation_deleted(evaluation, place, "node", status);
    }
    check(entity.type == VALUE_EDGE);
    status = reader_get_edge(evaluation->reader, entity.edge.id, &edge);
    if (status == STATUS_OK) *properties = edge->properties;
    return evaluation_deleted(evaluation, place, "relationship", status);
}

enum status evaluation_decode(struct evaluation *evaluation, struct slice bytes, struct value *value) {
    enum status status = reader_decode(evaluation->arena, bytes, value);
    return status == STATUS_NO_MEMORY ? evaluation_no_memory(evaluation) : status;
}

static enum status entity_property(struct evaluation *evaluation, struct cypher_place place, struct value entity,
                                   struct slice key, bool key_is_lasting, struct value *value) {
    struct slice properties, bytes;
    enum status status = evaluation_read_properties(evaluation, place, entity, &properties);
    if (status != STATUS_OK) return status;
    *value = value_null();
    if (properties.size == 0) return STATUS_OK;
    uint32_t id;
    status = key_is_lasting ? reader_find_word(evaluation->reader, GRAPH_KEY, key, &id)
                            : graph_find_word(evaluation->reader->graph, GRAPH_KEY, key, &id);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status != STATUS_OK || !graph_property_find(properties, id, &bytes)) return status;
    return evaluation_decode(evaluation, bytes, value);
}

enum status evaluate_property(struct evaluation *evaluation, struct cypher_place place, struct value object,
                              struct slice key, bool key_is_lasting, struct value *value) {
    const struct value *entry;
    switch ((enum value_type)object.type) {
    case VALUE_NODE:
    case VALUE_EDGE: return entity_property(evaluation, place, object, key, key_is_lasting, value);
    case VALUE_MAP:
        entry = value_map_get(&object, key);
        *value = entry ? *entry : value_null();
        return STATUS_OK;
    case VALUE_NULL: *value = value_null(); return STATUS_OK;
    default: return evaluation_mismatch(evaluation, place, "Map, Node, Edge or Null", object);
    }
}

/* --- labels --- */

static enum status node_has_labels(struct evaluation *evaluation, const struct cypher_expr *expr, uint64_t id,
                                   bool *has) {
    const struct graph_node *node;
    enum status status = reader_get_node(evaluation->reader, id, &node);
    if (status != STATUS_OK) return evaluation_deleted(evaluation, expr->place, "node", status);
    const struct cypher_names *names = &expr->labels.names;
    *has = true;
    for (uint32_t i = 0; i < names->count && *has && status == STATUS_OK; i++) {
        uint32_t label;
        status = reader_find_word(evaluation->reader, GRAPH_LABEL, names->items[i].text, &label);
        *has = status == STATUS_OK && graph_node_has_label(node, label);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status edge_has_types(struct evaluation *evaluation, const struct cypher_expr *expr, uint32_t type,
                                  bool *has) {
    const struct cypher_names *names = &expr->labels.names;
    enum status status = STATUS_OK;
    *has = true;
    for (uint32_t i = 0; i < names->count && *has && status == STATUS_OK; i++) {
        uint32_t named;
        status = reader_find_word(evaluation->reader, GRAPH_TYPE, names->items[i].text, &named);
        *has = status == STATUS_OK && named == type;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status evaluate_labels(struct evaluation *evaluation, const struct cypher_expr *expr, struct value subject,
                            struct value *value) {
    bool has = false;
    enum status status;
    switch ((enum value_type)subject.type) {
    case VALUE_NULL: *value = value_null(); return STATUS_OK;
    case VALUE_NODE: status = node_has_labels(evaluation, expr, subject.node, &has); break;
    case VALUE_EDGE: status = edge_has_types(evaluation, expr, subject.edge_type, &has); break;
    default: return evaluation_mismatch(evaluation, expr->place, "Node, Edge or Null", subject);
    }
    if (status == STATUS_OK) *value = value_boolean(has);
    return status;
}

/* --- paths --- */

/* How many items the path has, 0 if one of its parts is null. */
static size_t path_size(const struct cypher_path *path, const struct value *row) {
    size_t count = 1;
    for (uint32_t i = 0; i <= path->edge_count; i++) {
        if (value_is_null(row[path->nodes[i].slot])) return 0;
        if (i == path->edge_count) break;
        struct value edge = row[path->edges[i].slot];
        if (value_is_null(edge)) return 0;
        count += edge.type == VALUE_LIST ? 2 * edge.list.count : 2;
    }
    return count;
}

/* Appends an edge and the node at its other end, seen from the last item. */
static size_t path_step(struct value *items, size_t count, struct value edge) {
    check(edge.type == VALUE_EDGE);
    uint64_t from = items[count - 1].node;
    items[count] = edge;
    items[count + 1] = value_node(edge.edge.source == from ? edge.edge.destination : edge.edge.source);
    return count + 2;
}

enum status evaluate_path(struct evaluation *evaluation, const struct cypher_expr *expr, struct value *value) {
    const struct cypher_path *path = expr->subquery.path;
    const struct value *row = evaluation->row;
    size_t size = path_size(path, row), count = 1;
    if (size == 0) {
        *value = value_null();
        return STATUS_OK;
    }
    enum status status;
    struct value *items = evaluation_alloc(evaluation, size, sizeof *items, &status);
    if (!items) return status;
    items[0] = row[path->nodes[0].slot];
    for (uint32_t i = 0; i < path->edge_count; i++) {
        struct value edge = row[path->edges[i].slot];
        if (edge.type != VALUE_LIST) count = path_step(items, count, edge);
        for (size_t j = 0; edge.type == VALUE_LIST && j < edge.list.count; j++)
            count = path_step(items, count, edge.list.items[j]);
    }
    *value = value_path(items, count);
    return STATUS_OK;
}
