/* parse_query: clauses in an order that means something, parts joined by UNION. */
#include "graph/cypher/parse.h"

static bool is_update(enum cypher_clause_kind kind) {
    return kind == CLAUSE_CREATE || kind == CLAUSE_MERGE || kind == CLAUSE_SET || kind == CLAUSE_REMOVE ||
           kind == CLAUSE_DELETE;
}

static bool is_read(enum cypher_clause_kind kind) {
    return kind == CLAUSE_MATCH || kind == CLAUSE_UNWIND || kind == CLAUSE_CALL;
}

static bool compose_fault(struct parser *parser, const struct cypher_clause *clause, const char *what) {
    return parse_fault(parser, CYPHER_FAULT_INVALID_CLAUSE_COMPOSITION, clause->place, what);
}

/* RETURN only at the end; a clause that reads behind one that writes only behind WITH. */
bool parse_compose(struct parser *parser, struct cypher_single_query *part) {
    bool updated = false;
    for (uint32_t i = 0; i < part->clause_count; i++) {
        const struct cypher_clause *clause = part->clauses[i];
        if (clause->kind == CLAUSE_RETURN && i + 1 < part->clause_count)
            return compose_fault(parser, part->clauses[i + 1], "nothing but UNION follows RETURN");
        if (is_read(clause->kind) && updated)
            return compose_fault(parser, clause,
                                 "WITH is needed between a clause that changes the graph and one that reads it");
        updated = is_update(clause->kind) || (updated && clause->kind != CLAUSE_WITH);
    }
    return true;
}

/* How a part may end, unless it is the inside of EXISTS. */
static bool check_end(struct parser *parser, const struct cypher_single_query *part) {
    const struct cypher_clause *last = part->clauses[part->clause_count - 1];
    if (last->kind == CLAUSE_RETURN || is_update(last->kind) || last->kind == CLAUSE_CALL) return true;
    return compose_fault(parser, last, "the query ends without RETURN, and with a clause that changes nothing");
}

static bool parse_single_query(struct parser *parser, struct cypher_single_query *part, bool is_inner) {
    const size_t mark = parser->scratch.size;
    part->place = parse_peek(parser)->place;
    do {
        struct cypher_clause *clause = parse_alloc(parser, sizeof *clause);
        if (!clause || !parse_clause(parser, clause) || !parse_push(parser, &clause, sizeof clause)) return false;
    } while (!parse_is(parser, ';') && !parse_is(parser, '}') && !parse_is_word(parser, WORD_UNION) &&
             parse_peek(parser)->kind != TOKEN_END);
    if (!parse_pop(parser, mark, sizeof(struct cypher_clause *), &part->clauses, &part->clause_count)) return false;
    return parse_compose(parser, part) && (is_inner || check_end(parser, part));
}

bool parse_query(struct parser *parser, struct cypher_query *query) {
    const size_t mark = parser->scratch.size;
    const bool is_inner = parser->depth > 0;
    bool goes_on;
    do {
        struct cypher_single_query part = {0};
        if (!parse_single_query(parser, &part, is_inner)) return false;
        if (!parse_push(parser, &part, sizeof part)) return false;
        const struct cypher_place place = parse_peek(parser)->place;
        goes_on = parse_accept_word(parser, WORD_UNION);
        const bool all = goes_on && parse_accept_word(parser, WORD_ALL);
        if (goes_on && parser->scratch.size > mark + sizeof part && all != query->union_all)
            return parse_fault(parser, CYPHER_FAULT_INVALID_CLAUSE_COMPOSITION, place,
                               "UNION and UNION ALL do not mix");
        if (goes_on) query->union_all = all;
    } while (goes_on);
    if (!parse_pop(parser, mark, sizeof(struct cypher_single_query), &query->parts, &query->part_count)) return false;
    const struct cypher_single_query *first = &query->parts[0];
    if (query->part_count == 1 && first->clause_count == 1 && first->clauses[0]->kind == CLAUSE_CALL)
        first->clauses[0]->call.standalone = true;
    return true;
}
