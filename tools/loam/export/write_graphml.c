/*
 * write_graphml: GraphML 1.0: typed keys, then nodes and edges. A key whose values have several types, and lists, are
 * strings. Labels are ":A:B" under the key "labels", an edge's type under "label", as other graph databases write them.
 */
#include <inttypes.h>

#include "tools/loam/export/export_format.h"
#include "tools/loam/export/export_text.h"

static enum status put_text(struct export_writing *writing, const char *text) {
    return buf_append(&writing->text, text, strlen(text));
}

static const char *type_name(unsigned types) {
    if (types == EXPORT_BOOLEAN) return "boolean";
    if (types == EXPORT_LONG) return "long";
    return types == EXPORT_DOUBLE ? "double" : "string";
}

static enum status put_key(struct export_writing *writing, size_t number, bool edges) {
    const unsigned types = writing->keys.items[number].types[edges];
    if (types == 0) return STATUS_OK;
    enum status status = buf_append_format(&writing->text, "  <key id=\"%c%zu\" for=\"%s\" attr.name=\"",
                                           edges ? 'q' : 'p', number, edges ? "edge" : "node");
    if (status == STATUS_OK)
        status = export_text_xml(&writing->text, export_keys_name(&writing->keys, number), &writing->replaced);
    return status == STATUS_OK ? buf_append_format(&writing->text, "\" attr.type=\"%s\"/>\n", type_name(types))
                               : status;
}

static enum status head(struct export_writing *writing) {
    enum status status =
        put_text(writing, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                          "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\"\n"
                          "    xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"\n"
                          "    xsi:schemaLocation=\"http://graphml.graphdrawing.org/xmlns "
                          "http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd\">\n"
                          "  <key id=\"labels\" for=\"node\" attr.name=\"labels\" attr.type=\"string\"/>\n"
                          "  <key id=\"label\" for=\"edge\" attr.name=\"label\" attr.type=\"string\"/>\n");
    for (size_t i = 0; status == STATUS_OK && i < writing->keys.count; i++) {
        status = put_key(writing, i, false);
        if (status == STATUS_OK) status = put_key(writing, i, true);
    }
    return status == STATUS_OK ? put_text(writing, "  <graph id=\"G\" edgedefault=\"directed\">\n") : status;
}

static enum status put_property(struct export_writing *writing, const struct resp_reply *key,
                                const struct resp_reply *value, bool edges) {
    const size_t number = export_keys_find(&writing->keys, key->text);
    if (number == SIZE_MAX) return STATUS_CORRUPT; /* all of them were noted in the first pass over the same state */
    buf_clear(&writing->value);
    enum status status = export_text_value(&writing->value, value);
    if (status == STATUS_OK)
        status = buf_append_format(&writing->text, "<data key=\"%c%zu\">", edges ? 'q' : 'p', number);
    if (status == STATUS_OK) status = export_text_xml(&writing->text, buf_slice(&writing->value), &writing->replaced);
    return status == STATUS_OK ? put_text(writing, "</data>") : status;
}

static enum status put_properties(struct export_writing *writing, const struct resp_reply *properties, bool edges) {
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i + 1 < properties->count; i += 2)
        status = put_property(writing, &properties->elements[i], &properties->elements[i + 1], edges);
    return status;
}

static enum status put_labels(struct export_writing *writing, const struct resp_reply *labels) {
    if (labels->count == 0) return STATUS_OK;
    enum status status = put_text(writing, "<data key=\"labels\">");
    for (size_t i = 0; status == STATUS_OK && i < labels->count; i++) {
        status = put_text(writing, ":");
        if (status == STATUS_OK) status = export_text_xml(&writing->text, labels->elements[i].text, &writing->replaced);
    }
    return status == STATUS_OK ? put_text(writing, "</data>") : status;
}

static enum status node(struct export_writing *writing, const struct resp_reply *row) {
    enum status status = buf_append_format(&writing->text, "    <node id=\"n%" PRId64 "\">", row->elements[0].integer);
    if (status == STATUS_OK) status = put_labels(writing, &row->elements[2]);
    if (status == STATUS_OK) status = put_properties(writing, &row->elements[3], false);
    return status == STATUS_OK ? put_text(writing, "</node>\n") : status;
}

static enum status edge(struct export_writing *writing, const struct resp_reply *row) {
    const struct resp_reply *parts = row->elements;
    enum status status = buf_append_format(&writing->text,
                                           "    <edge id=\"e%" PRId64 "\" source=\"n%" PRId64 "\" target=\"n%" PRId64
                                           "\"><data key=\"label\">",
                                           parts[0].integer, parts[1].integer, parts[2].integer);
    if (status == STATUS_OK) status = export_text_xml(&writing->text, parts[3].text, &writing->replaced);
    if (status == STATUS_OK) status = put_text(writing, "</data>");
    if (status == STATUS_OK) status = put_properties(writing, &parts[4], true);
    return status == STATUS_OK ? put_text(writing, "</edge>\n") : status;
}

static enum status foot(struct export_writing *writing) {
    return put_text(writing, "  </graph>\n</graphml>\n");
}

const struct export_format export_graphml = {
    .name = "graphml", .needs_keys = true, .head = head, .node = node, .edge = edge, .foot = foot};
