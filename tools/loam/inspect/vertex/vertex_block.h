/* vertex_block: one block of a list, varint by varint. */
#ifndef TOOLS_LOAM_INSPECT_VERTEX_VERTEX_BLOCK_H
#define TOOLS_LOAM_INSPECT_VERTEX_VERTEX_BLOCK_H

#include "tools/loam/explain/json.h"
#include "tools/loam/inspect/vertex/vertex_view.h"
#include "tools/loam/out.h"

/* Every byte with what it means, and bits an edge so far. NOT_FOUND: the list has no such block; what else keeps it
 * from being read is in the view's damage. */
MUST_CHECK enum status vertex_block_tell(struct vertex_view *view, const struct vertex_list *list, uint32_t number,
                                         struct out *out);
/* The same as an item of an array. */
MUST_CHECK enum status vertex_block_tell_json(struct vertex_view *view, const struct vertex_list *list, uint32_t number,
                                              struct json *json);

#endif
