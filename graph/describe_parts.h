/* describe_parts: what rows and operations have in common, field by field. Private to the describers. */
#ifndef GRAPH_DESCRIBE_PARTS_H
#define GRAPH_DESCRIBE_PARTS_H

#include "engine/base/fields.h"

const char *graph_vocabulary_name(uint64_t vocabulary); /* "label", "type", "key"; "not known" */

/* One value of a property. False: there is none. */
bool describe_property_value(struct fields *fields);
/* Properties to the end of the bytes. */
void describe_properties(struct fields *fields);
/* Count, then ids, as rows and operations have them. */
void describe_labels(struct fields *fields);

#endif
