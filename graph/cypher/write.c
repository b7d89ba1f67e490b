/*
 * write: changes of the graph by one row. Every edit goes through graph/edit.h, after the reader has forgotten what it
 * has at hand.
 */
#include "graph/cypher/write.h"

#include "engine/base/check.h"
#include "graph/cypher/evaluate_parts.h"
#include "graph/property.h"

/* --- properties --- */

/* Encoded properties for the making of a node or an edge. */
struct properties {
    struct graph_property *items; /* in the passing arena; values point into `bytes` */
    size_t count;
    struct buf bytes;
};

/* Null is no value of a property; what cannot be stored is a fault. */
static enum status encode_value(struct run *run, struct cypher_place place, struct value value, struct buf *to) {
    if (!value_is_property(value))
        return cypher_fault_set(run->evaluation.fault, CYPHER_FAULT_INVALID_PROPERTY_TYPE, place,
                                "Property values can only be of primitive types or arrays of primitive types, not %s",
                                value.type == VALUE_LIST ? "a List of others"
                                                         : value_type_name((enum value_type)value.type));
    return run_edit_failed(run, place, graph_property_encode(to, &value));
}

static enum status key_of(struct run *run, struct cypher_place place, struct slice key, uint32_t *id) {
    enum status status = graph_edit_word(run->graph, GRAPH_KEY, key, id);
    if (status == STATUS_INVALID)
        return cypher_fault_set(run->evaluation.fault, CYPHER_FAULT_INVALID_PROPERTY_TYPE, place,
                                "A property's key must not be empty");
    return run_edit_failed(run, place, status);
}

static enum status property_add(struct run *run, struct cypher_place place, const struct value_entry *entry,
                                bool merging, struct properties *properties) {
    if (value_is_null(entry->value)) {
        if (!merging) return STATUS_OK;
        return cypher_fault_set(run->evaluation.fault, CYPHER_FAULT_MERGE_READ_OWN_WRITES, place,
                                "Cannot merge using null property value for '%.*s'", (int)entry->key.size,
                                (const char *)entry->key.data);
    }
    struct graph_property *property = &properties->items[properties->count];
    size_t begin = properties->bytes.size;
    enum status status = key_of(run, place, entry->key, &property->key);
    if (status == STATUS_OK) status = encode_value(run, place, entry->value, &properties->bytes);
    if (status != STATUS_OK) return status;
    property->value = slice_make(NULL, properties->bytes.size - begin); /* data once the buffer stands still */
    properties->count++;
    return STATUS_OK;
}

static void properties_settle(struct properties *properties) {
    const uint8_t *at = properties->bytes.data;
    for (size_t i = 0; i < properties->count; i++) {
        properties->items[i].value.data = at;
        at += properties->items[i].value.size;
    }
}

/* expr: NULL, or what gives a map. properties->bytes is the caller's to free, whatever is returned. */
static enum status properties_make(struct run *run, const struct cypher_expr *expr, bool merging,
                                   struct properties *properties) {
    *properties = (struct properties){0};
    if (!expr) return STATUS_OK;
    struct value map;
    enum status status = cypher_evaluate(&run->evaluation, expr, &map);
    if (status != STATUS_OK) return status;
    if (map.type != VALUE_MAP) return evaluation_mismatch(&run->evaluation, expr->place, "Map", map);
    properties->items = evaluation_alloc(&run->evaluation, map.map.count, sizeof *properties->items, &status);
    for (size_t i = 0; i < map.map.count && status == STATUS_OK; i++)
        status = property_add(run, expr->place, &map.map.entries[i], merging, properties);
    properties_settle(properties);
    return status;
}

/* --- making --- */

static enum status labels_make(struct run *run, const struct cypher_names *names, uint32_t **ids) {
    enum status status;
    *ids = evaluation_alloc(&run->evaluation, names->count, sizeof **ids, &status);
    for (uint32_t i = 0; i < names->count && status == STATUS_OK; i++)
        status = run_edit_failed(run, names->items[i].place,
                                 graph_edit_word(run->graph, GRAPH_LABEL, names->items[i].text, &(*ids)[i]));
    return status;
}

static enum status node_create(struct run *run, const struct plan_create_node *plan, bool merging) {
    struct properties properties;
    uint32_t *labels = NULL;
    uint64_t id = 0;
    enum status status = properties_make(run, plan->properties, merging, &properties);
    if (status == STATUS_OK) status = labels_make(run, &plan->labels, &labels);
    if (status == STATUS_OK) {
        reader_forget(&run->reader);
        status =
            graph_edit_create_node(run->graph, labels, plan->labels.count, properties.items, properties.count, &id);
        status = run_edit_failed(run, plan->place, status);
    }
    if (status == STATUS_OK) run->row[plan->slot] = value_node(id);
    buf_deinit(&properties.bytes);
    return status;
}

static enum status edge_end(struct run *run, const struct plan_create_edge *plan, uint32_t slot, uint64_t *node) {
    struct value value = run->row[slot];
    if (value.type == VALUE_NODE) {
        *node = value.node;
        return STATUS_OK;
    }
    return cypher_fault_set(run->evaluation.fault, CYPHER_FAULT_INVALID_ARGUMENT_VALUE, plan->place,
                            "Failed to create relationship; endpoint was not found: expected Node but was %s",
                            value_type_name((enum value_type)value.type));
}

static enum status edge_create(struct run *run, const struct plan_create_edge *plan, bool merging) {
    struct properties properties;
    uint32_t type = 0;
    uint64_t source = 0, target = 0, id = 0;
    enum status status = properties_make(run, plan->properties, merging, &properties);
    if (status == STATUS_OK) status = edge_end(run, plan, plan->source_slot, &source);
    if (status == STATUS_OK) status = edge_end(run, plan, plan->target_slot, &target);
    if (status == STATUS_OK)
        status = run_edit_failed(run, plan->place, graph_edit_word(run->graph, GRAPH_TYPE, plan->type.text, &type));
    if (status == STATUS_OK) {
        reader_forget(&run->reader);
        status = graph_edit_create_edge(run->graph, type, source, target, properties.items, properties.count, &id);
        status = evaluation_deleted(&run->evaluation, plan->place, "node", run_edit_failed(run, plan->place, status));
    }
    if (status == STATUS_OK) run->row[plan->slot] = value_edge(id, type, source, target);
    buf_deinit(&properties.bytes);
    return status;
}

enum status write_create(struct run *run, const struct plan_creation *creation, bool merging) {
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < creation->node_count && status == STATUS_OK; i++)
        status = node_create(run, &creation->nodes[i], merging);
    for (uint32_t i = 0; i < creation->edge_count && status == STATUS_OK; i++)
        status = edge_create(run, &creation->edges[i], merging);
    for (uint32_t i = 0; i < creation->paths.count && status == STATUS_OK; i++)
        status =
            cypher_evaluate(&run->evaluation, creation->paths.items[i].expr, &run->row[creation->paths.items[i].slot]);
    return status;
}

/* --- setting --- */

/* An empty value removes. */
static enum status property_put(struct run *run, struct cypher_place place, struct value target, uint32_t key,
                                struct slice bytes) {
    reader_forget(&run->reader);
    bool is_node = target.type == VALUE_NODE;
    enum status status = is_node ? graph_edit_set_node_property(run->graph, target.node, key, bytes)
                                 : graph_edit_set_edge_property(run->graph, target.edge.id, key, bytes);
    return evaluation_deleted(&run->evaluation, place, is_node ? "node" : "relationship",
                              run_edit_failed(run, place, status));
}

/* Null removes, and makes no key that the graph does not know. */
static enum status property_set(struct run *run, struct cypher_place place, struct value target, struct slice key,
                                struct value value) {
    uint32_t id;
    if (value_is_null(value)) {
        enum status status = graph_find_word(run->graph, GRAPH_KEY, key, &id);
        if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        return property_put(run, place, target, id, slice_make(NULL, 0));
    }
    struct buf bytes = BUF_EMPTY;
    enum status status = encode_value(run, place, value, &bytes);
    if (status == STATUS_OK) status = key_of(run, place, key, &id);
    if (status == STATUS_OK) status = property_put(run, place, target, id, buf_slice(&bytes));
    buf_deinit(&bytes);
    return status;
}

/* Removes what the target has and the map has not. */
static enum status properties_trim(struct run *run, struct cypher_place place, struct value target,
                                   const struct value *map) {
    struct value present;
    enum status status = evaluation_property_map(&run->evaluation, place, target, &present);
    for (size_t i = 0; status == STATUS_OK && i < present.map.count; i++) {
        struct slice key = present.map.entries[i].key;
        if (!value_map_get(map, key)) status = property_set(run, place, target, key, value_null());
    }
    return status;
}

static enum status properties_set(struct run *run, const struct cypher_set_item *item, struct value target,
                                  struct value value) {
    struct value map = value;
    enum status status = STATUS_OK;
    if (value.type == VALUE_NODE || value.type == VALUE_EDGE)
        status = evaluation_property_map(&run->evaluation, item->place, value, &map);
    else if (value.type != VALUE_MAP)
        return evaluation_mismatch(&run->evaluation, item->place, "Map, Node or Edge", value);
    if (status == STATUS_OK && item->kind == CYPHER_SET_REPLACE)
        status = properties_trim(run, item->place, target, &map);
    for (size_t i = 0; status == STATUS_OK && i < map.map.count; i++)
        status = property_set(run, item->place, target, map.map.entries[i].key, map.map.entries[i].value);
    return status;
}

static enum status labels_set(struct run *run, const struct cypher_set_item *item, struct value target, bool remove) {
    if (target.type != VALUE_NODE) return evaluation_mismatch(&run->evaluation, item->place, "Node or Null", target);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < item->labels.count && status == STATUS_OK; i++) {
        uint32_t label;
        struct slice text = item->labels.items[i].text;
        status = remove ? graph_find_word(run->graph, GRAPH_LABEL, text, &label)
                        : graph_edit_word(run->graph, GRAPH_LABEL, text, &label);
        if (remove && status == STATUS_NOT_FOUND) {
            status = STATUS_OK;
            continue;
        }
        reader_forget(&run->reader);
        if (status == STATUS_OK)
            status = remove ? graph_edit_remove_label(run->graph, target.node, label)
                            : graph_edit_add_label(run->graph, target.node, label);
        status = evaluation_deleted(&run->evaluation, item->place, "node", run_edit_failed(run, item->place, status));
    }
    return status;
}

static enum status item_set(struct run *run, const struct cypher_set_item *item, bool remove) {
    struct value target, value = value_null();
    enum status status = cypher_evaluate(&run->evaluation, item->target, &target);
    if (status != STATUS_OK || value_is_null(target)) return status;
    if (target.type != VALUE_NODE && target.type != VALUE_EDGE)
        return evaluation_mismatch(&run->evaluation, item->place, "Node, Edge or Null", target);
    if (item->kind == CYPHER_SET_LABELS) return labels_set(run, item, target, remove);
    if (!remove) status = cypher_evaluate(&run->evaluation, item->value, &value);
    if (status != STATUS_OK) return status;
    if (item->kind == CYPHER_SET_PROPERTY) return property_set(run, item->place, target, item->key, value);
    return properties_set(run, item, target, value);
}

enum status write_set(struct run *run, const struct cypher_set_items *items, bool remove) {
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < items->count && status == STATUS_OK; i++) status = item_set(run, &items->items[i], remove);
    return status;
}

/* --- deleting --- */

enum status write_delete_edge(struct run *run, uint64_t id) {
    reader_forget(&run->reader);
    enum status status = graph_edit_delete_edge(run->graph, id);
    return status == STATUS_NOT_FOUND ? STATUS_OK : run_edit_failed(run, (struct cypher_place){0}, status);
}

enum status write_delete_node(struct run *run, uint64_t id, bool detach) {
    reader_forget(&run->reader);
    enum status status = graph_edit_delete_node(run->graph, id, detach);
    if (status == STATUS_EXISTS)
        return cypher_fault_set(run->evaluation.fault, CYPHER_FAULT_DELETE_CONNECTED_NODE, (struct cypher_place){0},
                                "Cannot delete node %llu, because it still has relationships; delete these first, or "
                                "use DETACH DELETE",
                                (unsigned long long)id);
    return status == STATUS_NOT_FOUND ? STATUS_OK : run_edit_failed(run, (struct cypher_place){0}, status);
}
