/* vertex_words: what both forms of vertex_show call things. */
#include <inttypes.h>
#include <stdio.h>

#include "tools/loam/inspect/vertex/vertex_show.h"

const char *vertex_place_name(const struct vertex_source *source, char text[VERTEX_PLACE_BYTES]) {
    if (source->is_table)
        (void)snprintf(text, VERTEX_PLACE_BYTES, "level %" PRIu32 ", file %" PRIu64, source->level, source->file);
    else if (source->memtable)
        (void)snprintf(text, VERTEX_PLACE_BYTES, "memtable %" PRIu32, source->memtable);
    else
        (void)snprintf(text, VERTEX_PLACE_BYTES, "memtable");
    return text;
}

static void count_entry(void *context, const struct graph_piece *piece) {
    uint64_t *count = context;
    *count += piece->kind == GRAPH_PIECE_ENTRY;
}

static enum status say_block(struct slice value, char text[VERTEX_SAYS_BYTES]) {
    uint64_t count = 0;
    const enum status status = graph_explain_block(value, count_entry, &count);
    (void)snprintf(text, VERTEX_SAYS_BYTES, "%" PRIu64 " entries", count);
    return status;
}

static enum status say_operand(struct slice value, char text[VERTEX_SAYS_BYTES]) {
    uint64_t put = 0, taken = 0;
    const enum status status = graph_explain_operand(value, &put, &taken);
    (void)snprintf(text, VERTEX_SAYS_BYTES, "%" PRIu64 " put in, %" PRIu64 " taken out", put, taken);
    return status;
}

static enum status say_head(struct slice value, char text[VERTEX_SAYS_BYTES]) {
    uint64_t degree = 0, slots = 0;
    const enum status status = graph_explain_head(value, &degree, &slots);
    (void)snprintf(text, VERTEX_SAYS_BYTES, "degree %" PRIu64 ", %" PRIu64 " slots", degree, slots);
    return status;
}

static enum status say_node(struct slice value, char text[VERTEX_SAYS_BYTES]) {
    struct graph_node node;
    const enum status status = graph_explain_node(value, 0, &node);
    (void)snprintf(text, VERTEX_SAYS_BYTES, "%" PRIu32 " labels, %zu bytes of properties", node.label_count,
                   node.properties.size);
    return status;
}

static enum status say_external(struct slice value, char text[VERTEX_SAYS_BYTES]) {
    uint64_t id = 0;
    const enum status status = graph_explain_id(value, &id);
    (void)snprintf(text, VERTEX_SAYS_BYTES, "node %" PRIu64, id);
    return status;
}

const char *vertex_says(const struct vertex_version *version, char text[VERTEX_SAYS_BYTES]) {
    const struct engine_step *step = version->step;
    enum status status = STATUS_OK;
    text[0] = 0;
    if (step->entry == ENGINE_ENTRY_DELETE || step->apart) return step->apart ? "its value is kept apart" : "";
    switch (version->row->part) {
    case VERTEX_NODE: status = say_node(step->value, text); break;
    case VERTEX_OUT_HEAD:
    case VERTEX_IN_HEAD: status = say_head(step->value, text); break;
    case VERTEX_OUT_BLOCK:
    case VERTEX_IN_BLOCK:
        status = step->entry == ENGINE_ENTRY_MERGE ? say_operand(step->value, text) : say_block(step->value, text);
        break;
    case VERTEX_EXTERNAL: status = say_external(step->value, text); break;
    default: break;
    }
    if (status != STATUS_OK) (void)snprintf(text, VERTEX_SAYS_BYTES, "malformed: %s", status_text(status));
    return text;
}
