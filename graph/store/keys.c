/* keys: see keys.h. */
#include "graph/store/keys.h"

struct graph_key graph_key_graph(uint64_t graph) {
    struct graph_key key = {.size = 8};
    coding_put_key_u64(key.bytes, graph);
    return key;
}

struct graph_key graph_key_part(uint64_t graph, enum graph_part part) {
    struct graph_key key = graph_key_graph(graph);
    key.bytes[key.size++] = (uint8_t)part;
    return key;
}

struct graph_key graph_key_word(uint64_t graph, enum graph_vocabulary vocabulary, uint32_t id) {
    struct graph_key key = graph_key_graph(graph);
    key.bytes[8] = (uint8_t)vocabulary;
    key.bytes[9] = 0;
    coding_put_key_u32(key.bytes + 10, id);
    key.size = 14;
    return key;
}

struct graph_key graph_key_element(uint64_t graph, uint64_t id) {
    struct graph_key key = graph_key_graph(graph);
    coding_put_key_u64(key.bytes + 8, id);
    key.size = 16;
    return key;
}

struct graph_key graph_key_head(uint64_t graph, uint64_t node, enum graph_direction direction) {
    struct graph_key key = graph_key_element(graph, node);
    key.bytes[16] = (uint8_t)direction;
    key.size = GRAPH_HEAD_KEY_BYTES;
    return key;
}

struct graph_key graph_key_block(uint64_t graph, uint64_t node, enum graph_direction direction, uint32_t block) {
    struct graph_key key = graph_key_head(graph, node, direction);
    coding_put_key_u32(key.bytes + GRAPH_HEAD_KEY_BYTES, block);
    key.size = GRAPH_BLOCK_KEY_BYTES;
    return key;
}

struct graph_key graph_key_label_prefix(uint64_t graph, uint32_t label) {
    struct graph_key key = graph_key_graph(graph);
    coding_put_key_u32(key.bytes + 8, label);
    key.size = 12;
    return key;
}

struct graph_key graph_key_label(uint64_t graph, uint32_t label, uint64_t node) {
    struct graph_key key = graph_key_label_prefix(graph, label);
    coding_put_key_u64(key.bytes + 12, node);
    key.size = 20;
    return key;
}

enum status graph_key_text(struct buf *key, uint64_t graph, enum graph_vocabulary vocabulary, struct slice text) {
    struct graph_key head = graph_key_graph(graph);
    head.bytes[8] = (uint8_t)vocabulary;
    head.bytes[9] = 1;
    head.size = 10;
    enum status status = buf_assign(key, graph_key_slice(&head));
    return status ? status : buf_append_slice(key, text);
}

enum status graph_key_external(struct buf *key, uint64_t graph, struct slice external) {
    const struct graph_key head = graph_key_graph(graph);
    enum status status = buf_assign(key, graph_key_slice(&head));
    return status ? status : buf_append_slice(key, external);
}

struct graph_key graph_key_after(const struct graph_key *prefix) {
    struct graph_key key = *prefix;
    while (key.size > 0 && ++key.bytes[key.size - 1] == 0) key.size--;
    return key;
}
