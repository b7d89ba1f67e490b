/*
 * reader: what a query reads of its graph, with the last node and the last edge at hand, and the ids of the words that
 * its text names: `n.a + n.b` reads n once.
 *
 * Whoever edits the graph calls reader_forget before the next read. A text's address is its identity in the cache of
 * words, so it has to live as long as the reader; ids of words that were not found are not kept, for a later clause may
 * make them. Statuses: as graph.h, with NOT_FOUND for what is not there (any more).
 */
#ifndef GRAPH_CYPHER_READER_H
#define GRAPH_CYPHER_READER_H

#include "graph/graph.h"
#include "graph/value.h"

enum { READER_WORDS = 128 };

struct reader {
    struct graph *graph; /* borrowed */
    bool has_node, has_edge;
    struct graph_node node;
    struct graph_edge edge;
    struct {
        struct slice text;
        enum graph_vocabulary vocabulary;
        uint32_t id;
    } words[READER_WORDS];
};

void reader_init(struct reader *reader, struct graph *graph);
void reader_forget(struct reader *reader); /* the node and the edge; before edits and at the end */

/* Borrowed until the next call of the same function or reader_forget. */
MUST_CHECK enum status reader_get_node(struct reader *reader, uint64_t id, const struct graph_node **node);
MUST_CHECK enum status reader_get_edge(struct reader *reader, uint64_t id, const struct graph_edge **edge);

/* The id of a word of the query's text. */
MUST_CHECK enum status reader_find_word(struct reader *reader, enum graph_vocabulary vocabulary, struct slice text,
                                        uint32_t *id);

/* A property as a value of its own, copied into the arena. NO_MEMORY: the arena gave none; CORRUPT. */
MUST_CHECK enum status reader_decode(struct value_arena *arena, struct slice bytes, struct value *value);

#endif
