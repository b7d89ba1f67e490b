/* describe_parts: see describe_parts.h. */
#include "graph/describe_parts.h"

#include <inttypes.h>

#include "graph/graph_layout.h"
#include "graph/property.h"

const char *graph_vocabulary_name(uint64_t vocabulary) {
    static const char *const names[] = {[GRAPH_LABEL] = "label", [GRAPH_TYPE] = "type", [GRAPH_KEY] = "key"};
    return vocabulary < GRAPH_VOCABULARIES ? names[vocabulary] : "not known";
}

static void tell_value(struct fields *fields, const struct graph_property_head *head) {
    char words[FIELD_WORDS_BYTES];
    switch (head->tag) {
    case GRAPH_PROPERTY_FALSE: fields_tell(fields, "value", "false"); return;
    case GRAPH_PROPERTY_TRUE: fields_tell(fields, "value", "true"); return;
    case GRAPH_PROPERTY_INTEGER: fields_tell(fields, "value", "integer %" PRId64, head->integer); return;
    case GRAPH_PROPERTY_FLOAT: fields_tell(fields, "value", "float %.17g", head->number); return;
    case GRAPH_PROPERTY_STRING: fields_tell(fields, "value", "string %s", fields_quote(words, head->text)); return;
    case GRAPH_PROPERTY_LIST: fields_tell(fields, "value", "list of %" PRIu64, head->count); return;
    default: return; /* the decoder has failed */
    }
}

bool describe_property_value(struct fields *fields) {
    struct graph_property_head head;
    if (!graph_property_read(&fields->decoder, &head)) return false;
    tell_value(fields, &head);
    for (uint64_t left = head.tag == GRAPH_PROPERTY_LIST ? head.count : 0; left > 0; left--) {
        if (!graph_property_read(&fields->decoder, &head)) return false;
        tell_value(fields, &head);
    }
    return true;
}

void describe_properties(struct fields *fields) {
    while (decoder_left(&fields->decoder)) {
        (void)layout_tell(property_layout.rows, fields);
        if (!describe_property_value(fields)) return;
    }
}

void describe_labels(struct fields *fields) {
    const uint64_t count = layout_tell(label_list_layout.rows, fields);
    uint64_t label = 0;
    for (uint64_t i = 0; i < count && !fields->decoder.failed; i++) {
        label += decode_varint(&fields->decoder);
        fields_tell(fields, "label", "%" PRIu64, label);
    }
}
