/* reader: the last node, the last edge and the query's words at hand. */
#include "graph/cypher/reader.h"

#include "engine/base/hash.h"
#include "graph/property.h"

void reader_init(struct reader *reader, struct graph *graph) {
    *reader = (struct reader){.graph = graph};
}

static void forget_node(struct reader *reader) {
    if (reader->has_node) graph_node_release(&reader->node);
    reader->has_node = false;
}

static void forget_edge(struct reader *reader) {
    if (reader->has_edge) graph_edge_release(&reader->edge);
    reader->has_edge = false;
}

void reader_forget(struct reader *reader) {
    forget_node(reader);
    forget_edge(reader);
}

enum status reader_get_node(struct reader *reader, uint64_t id, const struct graph_node **node) {
    *node = &reader->node;
    if (reader->has_node && reader->node.id == id) return STATUS_OK;
    forget_node(reader);
    enum status status = graph_get_node(reader->graph, id, &reader->node);
    reader->has_node = status == STATUS_OK;
    return status;
}

enum status reader_get_edge(struct reader *reader, uint64_t id, const struct graph_edge **edge) {
    *edge = &reader->edge;
    if (reader->has_edge && reader->edge.id == id) return STATUS_OK;
    forget_edge(reader);
    enum status status = graph_get_edge(reader->graph, id, &reader->edge);
    reader->has_edge = status == STATUS_OK;
    return status;
}

enum status reader_find_word(struct reader *reader, enum graph_vocabulary vocabulary, struct slice text, uint32_t *id) {
    uint64_t hash = hash_mix((uint64_t)(uintptr_t)text.data, vocabulary);
    size_t at = hash % READER_WORDS;
    const struct slice *kept = &reader->words[at].text;
    if (kept->data == text.data && kept->size == text.size && reader->words[at].vocabulary == vocabulary && text.data) {
        *id = reader->words[at].id;
        return STATUS_OK;
    }
    enum status status = graph_find_word(reader->graph, vocabulary, text, id);
    if (status != STATUS_OK) return status;
    reader->words[at].text = text;
    reader->words[at].vocabulary = vocabulary;
    reader->words[at].id = *id;
    return STATUS_OK;
}

/* Decoded strings lie in the row that was read; the value outlives it. */
enum status reader_decode(struct value_arena *arena, struct slice bytes, struct value *value) {
    struct value borrowed;
    enum status status = graph_property_decode(bytes, arena, &borrowed);
    return status == STATUS_OK ? value_copy(arena, borrowed, value) : status;
}
