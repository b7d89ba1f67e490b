/* function_graph: functions of nodes, edges and paths. */
#include "engine/base/check.h"
#include "graph/cypher/function.h"
#include "graph/property.h"

enum status function_id(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    (void)evaluation;
    struct value entity = call->arguments[0];
    *value = value_integer((int64_t)(entity.type == VALUE_NODE ? entity.node : entity.edge.id));
    return STATUS_OK;
}

/* Words live as long as the graph's handle is open: no copy. */
static enum status word_value(struct evaluation *evaluation, enum graph_vocabulary vocabulary, uint32_t id,
                              struct value *value) {
    struct slice text;
    enum status status = graph_get_word(evaluation->reader->graph, vocabulary, id, &text);
    if (status == STATUS_OK) *value = value_string(text);
    return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
}

enum status function_labels(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    const struct graph_node *node;
    enum status status = reader_get_node(evaluation->reader, call->arguments[0].node, &node);
    if (status != STATUS_OK) return evaluation_deleted(evaluation, call->expr->place, "node", status);
    struct value *items = evaluation_alloc(evaluation, node->label_count, sizeof *items, &status);
    for (uint32_t i = 0; i < node->label_count && status == STATUS_OK; i++)
        status = word_value(evaluation, GRAPH_LABEL, node->labels[i], &items[i]);
    return status == STATUS_OK ? evaluation_list(evaluation, items, node->label_count, value) : status;
}

enum status function_type(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    return word_value(evaluation, GRAPH_TYPE, call->arguments[0].edge_type, value);
}

/* --- properties --- */

static size_t property_count(struct slice properties) {
    struct graph_property property;
    size_t count = 0;
    while (graph_property_next(&properties, &property)) count++;
    return count;
}

enum status evaluation_property_map(struct evaluation *evaluation, struct cypher_place place, struct value entity,
                                    struct value *map) {
    struct slice properties;
    struct graph_property property;
    enum status status = evaluation_read_properties(evaluation, place, entity, &properties);
    if (status != STATUS_OK) return status;
    size_t capacity = property_count(properties), count = 0;
    struct value_entry *entries = evaluation_alloc(evaluation, capacity, sizeof *entries, &status);
    while (status == STATUS_OK && graph_property_next(&properties, &property)) {
        struct value key;
        status = word_value(evaluation, GRAPH_KEY, property.key, &key);
        if (status != STATUS_OK) break;
        entries[count].key = key.text;
        status = evaluation_decode(evaluation, property.value, &entries[count++].value);
    }
    return status == STATUS_OK ? evaluation_map(evaluation, entries, count, map) : status;
}

enum status function_properties(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    *value = call->arguments[0];
    if (value->type == VALUE_MAP) return STATUS_OK;
    return evaluation_property_map(evaluation, call->expr->place, call->arguments[0], value);
}

static enum status map_keys(struct evaluation *evaluation, struct value map, struct value *value) {
    enum status status;
    struct value *items = evaluation_alloc(evaluation, map.map.count, sizeof *items, &status);
    for (size_t i = 0; i < map.map.count && status == STATUS_OK; i++) items[i] = value_string(map.map.entries[i].key);
    return status == STATUS_OK ? evaluation_list(evaluation, items, map.map.count, value) : status;
}

enum status function_keys(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    if (call->arguments[0].type == VALUE_MAP) return map_keys(evaluation, call->arguments[0], value);
    struct slice properties;
    struct graph_property property;
    enum status status = evaluation_read_properties(evaluation, call->expr->place, call->arguments[0], &properties);
    if (status != STATUS_OK) return status;
    size_t capacity = property_count(properties), count = 0;
    struct value *items = evaluation_alloc(evaluation, capacity, sizeof *items, &status);
    while (status == STATUS_OK && graph_property_next(&properties, &property))
        status = word_value(evaluation, GRAPH_KEY, property.key, &items[count++]);
    return status == STATUS_OK ? evaluation_list(evaluation, items, count, value) : status;
}

/* --- edges and paths --- */

enum status function_start_node(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    (void)evaluation;
    *value = value_node(call->arguments[0].edge.source);
    return STATUS_OK;
}

enum status function_end_node(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    (void)evaluation;
    *value = value_node(call->arguments[0].edge.destination);
    return STATUS_OK;
}

/* Every second item of a path. */
static enum status path_items(struct evaluation *evaluation, struct value path, size_t first, struct value *value) {
    size_t count = (path.list.count + 1 - first) / 2;
    enum status status;
    struct value *items = evaluation_alloc(evaluation, count, sizeof *items, &status);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) items[i] = path.list.items[first + 2 * i];
    return status == STATUS_OK ? evaluation_list(evaluation, items, count, value) : status;
}

enum status function_nodes(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    return path_items(evaluation, call->arguments[0], 0, value);
}

enum status function_relationships(struct evaluation *evaluation, const struct function_call *call,
                                   struct value *value) {
    return path_items(evaluation, call->arguments[0], 1, value);
}

enum status function_length(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    (void)evaluation;
    *value = value_integer((int64_t)(call->arguments[0].list.count / 2));
    return STATUS_OK;
}

/* --- labels and degrees --- */

enum status function_has_labels(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    struct value names = call->arguments[1];
    const struct graph_node *node;
    enum status status = reader_get_node(evaluation->reader, call->arguments[0].node, &node);
    if (status != STATUS_OK) return evaluation_deleted(evaluation, call->expr->place, "node", status);
    bool has = true;
    for (size_t i = 0; i < names.list.count; i++) {
        uint32_t label;
        if (names.list.items[i].type != VALUE_STRING) return function_refuse(evaluation, call, 1, "List of Strings");
        status = graph_find_word(evaluation->reader->graph, GRAPH_LABEL, names.list.items[i].text, &label);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
        has = has && status == STATUS_OK && graph_node_has_label(node, label);
    }
    *value = value_boolean(has);
    return STATUS_OK;
}

/* The second argument as type ids: a name or a list of names; unknown ones are left out. */
static enum status degree_types(struct evaluation *evaluation, const struct function_call *call, uint32_t **types,
                                size_t *count) {
    struct value names = call->arguments[1];
    const struct value *items = names.type == VALUE_LIST ? names.list.items : &call->arguments[1];
    size_t item_count = names.type == VALUE_LIST ? names.list.count : 1;
    enum status status;
    *types = evaluation_alloc(evaluation, item_count, sizeof **types, &status);
    *count = 0;
    for (size_t i = 0; i < item_count && status == STATUS_OK; i++) {
        if (items[i].type != VALUE_STRING) return function_refuse(evaluation, call, 1, "String or List of Strings");
        status = graph_find_word(evaluation->reader->graph, GRAPH_TYPE, items[i].text, &(*types)[*count]);
        if (status == STATUS_OK) ++*count;
        if (status == STATUS_NOT_FOUND) status = STATUS_OK;
    }
    return status;
}

static enum status count_neighbours(struct evaluation *evaluation, uint64_t node, enum graph_direction direction,
                                    const uint32_t *types, size_t type_count, uint64_t *degree) {
    struct graph_neighbours *walk;
    struct graph_neighbour neighbour;
    enum status status = graph_neighbours_create(evaluation->reader->graph, &walk);
    if (status != STATUS_OK) return status;
    graph_neighbours_start(walk, node, direction, types, type_count);
    while (status == STATUS_OK && (status = graph_neighbours_next(walk, &neighbour)) == STATUS_OK) {
        ++*degree;
        status = evaluation_tick(evaluation);
    }
    graph_neighbours_destroy(walk);
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status degree(struct evaluation *evaluation, const struct function_call *call,
                          enum graph_direction direction, struct value *value) {
    uint64_t node = call->arguments[0].node, count = 0;
    enum status status = graph_look_for_node(evaluation->reader->graph, node);
    if (status != STATUS_OK) return evaluation_deleted(evaluation, call->expr->place, "node", status);
    if (call->count < 2) {
        status = graph_degree(evaluation->reader->graph, node, direction, &count);
    } else {
        uint32_t *types;
        size_t type_count;
        status = degree_types(evaluation, call, &types, &type_count);
        if (status == STATUS_OK && type_count > 0)
            status = count_neighbours(evaluation, node, direction, types, type_count, &count);
    }
    *value = value_integer((int64_t)count);
    return status;
}

enum status function_in_degree(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    return degree(evaluation, call, GRAPH_IN, value);
}
enum status function_out_degree(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    return degree(evaluation, call, GRAPH_OUT, value);
}
