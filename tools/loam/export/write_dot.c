/*
 * write_dot: Graphviz' DOT: for looking at. Each node and edge has one attribute, its label: ":A:B" or the type, then
 * the properties, one to a line. (Properties as attributes would mean something else to Graphviz: color, pos, ...)
 */
#include <inttypes.h>

#include "tools/loam/export/export_format.h"
#include "tools/loam/export/export_text.h"

static enum status put_text(struct export_writing *writing, const char *text) {
    return buf_append(&writing->text, text, strlen(text));
}

static enum status put_user_text(struct export_writing *writing, struct slice text) {
    return export_text_dot(&writing->text, text, &writing->replaced);
}

static enum status head(struct export_writing *writing) {
    enum status status = put_text(writing, "digraph \"");
    if (status == STATUS_OK) status = put_user_text(writing, slice_from_text(writing->graph));
    return status == STATUS_OK ? put_text(writing, "\" {\n") : status;
}

static enum status put_properties(struct export_writing *writing, const struct resp_reply *properties) {
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i + 1 < properties->count; i += 2) {
        buf_clear(&writing->value);
        status = put_text(writing, "\\n");
        if (status == STATUS_OK) status = put_user_text(writing, properties->elements[i].text);
        if (status == STATUS_OK) status = put_text(writing, ": ");
        if (status == STATUS_OK) status = export_text_value(&writing->value, &properties->elements[i + 1]);
        if (status == STATUS_OK) status = put_user_text(writing, buf_slice(&writing->value));
    }
    return status;
}

static enum status node(struct export_writing *writing, const struct resp_reply *row) {
    const struct resp_reply *labels = &row->elements[2];
    enum status status = buf_append_format(&writing->text, "  n%" PRId64 " [label=\"", row->elements[0].integer);
    if (status == STATUS_OK && labels->count == 0)
        status = buf_append_format(&writing->text, "%" PRId64, row->elements[0].integer);
    for (size_t i = 0; status == STATUS_OK && i < labels->count; i++) {
        status = put_text(writing, ":");
        if (status == STATUS_OK) status = put_user_text(writing, labels->elements[i].text);
    }
    if (status == STATUS_OK) status = put_properties(writing, &row->elements[3]);
    return status == STATUS_OK ? put_text(writing, "\"];\n") : status;
}

static enum status edge(struct export_writing *writing, const struct resp_reply *row) {
    const struct resp_reply *parts = row->elements;
    enum status status = buf_append_format(&writing->text, "  n%" PRId64 " -> n%" PRId64 " [label=\"", parts[1].integer,
                                           parts[2].integer);
    if (status == STATUS_OK) status = put_user_text(writing, parts[3].text);
    if (status == STATUS_OK) status = put_properties(writing, &parts[4]);
    return status == STATUS_OK ? put_text(writing, "\"];\n") : status;
}

static enum status foot(struct export_writing *writing) {
    return put_text(writing, "}\n");
}

const struct export_format export_dot = {.name = "dot", .head = head, .node = node, .edge = edge, .foot = foot};
