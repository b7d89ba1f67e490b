/* parse_pattern: (a:A {x: 1})-[r:T|U*1..3]->(b), paths with names, shortestPath(...). */
#include "graph/cypher/parse.h"

static void no_slots(struct cypher_path *path) {
    path->slot = CYPHER_NO_SLOT;
    path->nodes[path->edge_count].slot = CYPHER_NO_SLOT;
    for (uint32_t i = 0; i < path->edge_count; i++) path->nodes[i].slot = path->edges[i].slot = CYPHER_NO_SLOT;
}

bool parse_labels(struct parser *parser, struct cypher_names *labels) {
    const size_t mark = parser->scratch.size;
    while (parse_accept(parser, ':')) {
        struct cypher_name label;
        if (!parse_any_name(parser, &label) || !parse_push(parser, &label, sizeof label)) return false;
    }
    return parse_pop(parser, mark, sizeof(struct cypher_name), &labels->items, &labels->count);
}

/* A map or a parameter, or nothing. */
static bool parse_properties(struct parser *parser, struct cypher_expr **properties) {
    *properties = NULL;
    if (parse_is(parser, '{')) {
        *properties = parse_map(parser);
        return *properties != NULL;
    }
    if (!parse_is(parser, '$')) return true;
    *properties = parse_expr_make(parser, EXPR_PARAMETER, parse_peek(parser)->place);
    return *properties && parse_parameter(parser, *properties);
}

static bool parse_node(struct parser *parser, struct cypher_node_pattern *node) {
    *node = (struct cypher_node_pattern){.place = parse_peek(parser)->place, .slot = CYPHER_NO_SLOT};
    if (!parse_expect(parser, '(', "at the beginning of a node")) return false;
    if (token_is_variable(parse_peek(parser)) && !parse_variable(parser, &node->variable)) return false;
    if (!parse_labels(parser, &node->labels)) return false;
    if (parse_is(parser, '|')) return parse_unsupported(parser, parse_peek(parser)->place, "an expression over labels");
    if (!parse_properties(parser, &node->properties)) return false;
    if (parse_is_word(parser, WORD_WHERE))
        return parse_unsupported(parser, parse_peek(parser)->place, "WHERE within a node");
    return parse_expect(parser, ')', "at the end of a node");
}

/* :T|U|:V */
static bool parse_types(struct parser *parser, struct cypher_names *types) {
    const size_t mark = parser->scratch.size;
    if (!parse_accept(parser, ':')) return true;
    do {
        struct cypher_name type;
        parse_accept(parser, ':');
        if (!parse_any_name(parser, &type) || !parse_push(parser, &type, sizeof type)) return false;
    } while (parse_accept(parser, '|'));
    return parse_pop(parser, mark, sizeof(struct cypher_name), &types->items, &types->count);
}

/* * *2 *1..3 *..3 *1.. ; the lexer reads 1..3 as 1, "..", 3. */
static bool parse_hops(struct parser *parser, struct cypher_edge_pattern *edge) {
    edge->min_hops = edge->max_hops = 1;
    if (!parse_accept(parser, '*')) return true;
    edge->is_variable = true;
    edge->max_hops = CYPHER_HOPS_UNBOUNDED;
    const bool has_least = parse_peek(parser)->kind == TOKEN_INTEGER;
    if (has_least && !parse_count(parser, &edge->min_hops)) return false;
    if (!parse_accept(parser, SYMBOL_DOTS)) {
        if (has_least) edge->max_hops = edge->min_hops;
        return true;
    }
    return parse_peek(parser)->kind != TOKEN_INTEGER || parse_count(parser, &edge->max_hops);
}

static bool parse_edge_body(struct parser *parser, struct cypher_edge_pattern *edge) {
    if (!parse_accept(parser, '[')) return true;
    if (token_is_variable(parse_peek(parser)) && !parse_variable(parser, &edge->variable)) return false;
    if (!parse_types(parser, &edge->types) || !parse_hops(parser, edge)) return false;
    if (!parse_properties(parser, &edge->properties)) return false;
    if (parse_is_word(parser, WORD_WHERE))
        return parse_unsupported(parser, parse_peek(parser)->place, "WHERE within a relationship");
    return parse_expect(parser, ']', "at the end of a relationship");
}

static bool parse_edge(struct parser *parser, struct cypher_edge_pattern *edge) {
    *edge = (struct cypher_edge_pattern){
        .place = parse_peek(parser)->place, .slot = CYPHER_NO_SLOT, .min_hops = 1, .max_hops = 1};
    const bool left = parse_accept(parser, '<');
    if (!parse_expect(parser, '-', "of a relationship") || !parse_edge_body(parser, edge)) return false;
    if (!parse_expect(parser, '-', "of a relationship")) return false;
    const bool right = parse_accept(parser, '>');
    edge->direction = left == right ? CYPHER_BOTH : left ? CYPHER_IN : CYPHER_OUT;
    return true;
}

struct element {
    struct cypher_node_pattern node;
    struct cypher_edge_pattern edge; /* behind the node */
};

static bool parse_elements(struct parser *parser, struct cypher_path *path) {
    const size_t mark = parser->scratch.size;
    struct element element, *elements;
    uint32_t count;
    bool goes_on;
    do {
        element = (struct element){0};
        if (!parse_node(parser, &element.node)) return false;
        goes_on = parse_is(parser, '-') || (parse_is(parser, '<') && parse_peek_at(parser, 1)->symbol == '-');
        if (goes_on && !parse_edge(parser, &element.edge)) return false;
        if (!parse_push(parser, &element, sizeof element)) return false;
    } while (goes_on);
    if (!parse_pop(parser, mark, sizeof element, &elements, &count)) return false;
    path->edge_count = count - 1;
    path->nodes = parse_alloc(parser, count * sizeof *path->nodes);
    path->edges = parse_alloc(parser, path->edge_count * sizeof *path->edges);
    if (!path->nodes || !path->edges) return false;
    for (uint32_t i = 0; i < count; i++) path->nodes[i] = elements[i].node;
    for (uint32_t i = 0; i + 1 < count; i++) path->edges[i] = elements[i].edge;
    no_slots(path);
    return true;
}

static bool parse_shortest(struct parser *parser, struct cypher_path *path) {
    const struct cypher_place place = parse_peek(parser)->place;
    path->function = parse_is_word(parser, WORD_SHORTESTPATH) ? CYPHER_PATH_SHORTEST : CYPHER_PATH_ALL_SHORTEST;
    parser->at++;
    if (!parse_expect(parser, '(', "behind shortestPath") || !parse_elements(parser, path)) return false;
    if (path->edge_count != 1)
        return parse_fault(parser, CYPHER_FAULT_INVALID_RELATIONSHIP_PATTERN, place,
                           "a shortest path has one relationship");
    return parse_expect(parser, ')', "behind the pattern of shortestPath");
}

bool parse_path(struct parser *parser, struct cypher_path *path) {
    path->place = parse_peek(parser)->place;
    path->slot = CYPHER_NO_SLOT;
    if (parse_is_word(parser, WORD_SHORTESTPATH) || parse_is_word(parser, WORD_ALLSHORTESTPATHS))
        return parse_shortest(parser, path);
    return parse_elements(parser, path);
}

bool parse_named_path(struct parser *parser, struct cypher_path *path) {
    struct cypher_name name = {0};
    const struct token *second = parse_peek_at(parser, 1);
    if (token_is_variable(parse_peek(parser)) && second->kind == TOKEN_SYMBOL && second->symbol == '=') {
        if (!parse_variable(parser, &name)) return false;
        parser->at++;
    }
    if (!parse_path(parser, path)) return false;
    path->variable = name;
    return true;
}

bool parse_pattern(struct parser *parser, struct cypher_pattern *pattern) {
    const size_t mark = parser->scratch.size;
    do {
        struct cypher_path path = {0};
        if (!parse_named_path(parser, &path) || !parse_push(parser, &path, sizeof path)) return false;
    } while (parse_accept(parser, ','));
    return parse_pop(parser, mark, sizeof(struct cypher_path), &pattern->paths, &pattern->count);
}
