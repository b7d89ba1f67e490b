/* hop: the pattern of one hop. */
#include "graph/cypher/hop.h"

#include "graph/cypher/evaluate_parts.h"

enum status hop_init(struct run *run, const struct plan_traverse *plan, struct hop *hop) {
    static const enum graph_direction directions[] = {
        [CYPHER_OUT] = GRAPH_OUT, [CYPHER_IN] = GRAPH_IN, [CYPHER_BOTH] = GRAPH_BOTH};
    *hop = (struct hop){.plan = plan, .direction = directions[plan->direction]};
    hop->types = value_alloc_array(&run->frame, plan->types.count, sizeof *hop->types);
    return hop->types ? STATUS_OK : STATUS_NO_MEMORY;
}

static bool has_type(const struct hop *hop, uint32_t type) {
    for (uint32_t i = 0; i < hop->type_count; i++)
        if (hop->types[i] == type) return true;
    return false;
}

enum status hop_begin(struct run *run, struct hop *hop) {
    const struct cypher_names *types = &hop->plan->types;
    hop->type_count = 0;
    for (uint32_t i = 0; i < types->count; i++) {
        uint32_t type;
        enum status status = reader_find_word(&run->reader, GRAPH_TYPE, types->items[i].text, &type);
        if (status == STATUS_NOT_FOUND) continue;
        if (status != STATUS_OK) return status;
        if (!has_type(hop, type)) hop->types[hop->type_count++] = type;
    }
    hop->impossible = types->count > 0 && hop->type_count == 0;
    hop->properties = value_null();
    if (!hop->plan->edge_properties) return STATUS_OK;
    return cypher_evaluate(&run->evaluation, hop->plan->edge_properties, &hop->properties);
}

enum status hop_node(struct run *run, const struct hop *hop, uint32_t slot, uint64_t *node, bool *is_null) {
    struct value value = run->row[slot];
    *is_null = value.type == VALUE_NULL;
    *node = value.type == VALUE_NODE ? value.node : 0;
    if (*is_null || value.type == VALUE_NODE) return STATUS_OK;
    struct cypher_place place = hop->plan->edge ? hop->plan->edge->place : (struct cypher_place){0};
    return evaluation_mismatch(&run->evaluation, place, "Node or Null", value);
}

struct value hop_edge(uint64_t from, const struct graph_neighbour *neighbour) {
    uint64_t source = neighbour->incoming ? neighbour->node : from;
    uint64_t destination = neighbour->incoming ? from : neighbour->node;
    return value_edge(neighbour->edge, neighbour->type, source, destination);
}

static bool holds_edge(struct value value, uint64_t edge) {
    if (value.type == VALUE_EDGE) return value.edge.id == edge;
    for (size_t i = 0; value.type == VALUE_LIST && i < value.list.count; i++)
        if (value.list.items[i].type == VALUE_EDGE && value.list.items[i].edge.id == edge) return true;
    return false;
}

bool hop_is_distinct(const struct run *run, const struct plan_traverse *plan, uint64_t edge) {
    for (uint32_t i = 0; i < plan->distinct_from.count; i++)
        if (holds_edge(run->row[plan->distinct_from.items[i]], edge)) return false;
    return true;
}

enum status hop_check_properties(struct run *run, const struct hop *hop, struct value edge, bool *has) {
    *has = true;
    if (hop->properties.type != VALUE_MAP) return STATUS_OK;
    for (size_t i = 0; i < hop->properties.map.count && *has; i++) {
        const struct value_entry *entry = &hop->properties.map.entries[i];
        struct value value;
        enum status status =
            evaluate_property(&run->evaluation, (struct cypher_place){0}, edge, entry->key, false, &value);
        if (status != STATUS_OK) return status;
        *has = value_equal(value, entry->value) == TRUTH_TRUE;
    }
    return STATUS_OK;
}
