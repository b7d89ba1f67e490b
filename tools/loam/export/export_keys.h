/* export_keys: the property keys of a graph and which types their values have, on nodes and on edges. */
#ifndef TOOLS_LOAM_EXPORT_EXPORT_KEYS_H
#define TOOLS_LOAM_EXPORT_EXPORT_KEYS_H

#include "engine/base/buf.h"
#include "tools/resp/resp_reply.h"

enum export_type { EXPORT_BOOLEAN = 1, EXPORT_LONG = 2, EXPORT_DOUBLE = 4, EXPORT_STRING = 8 };

struct export_key {
    size_t offset, size; /* in text */
    unsigned types[2];   /* sets of export_type: of nodes, of edges; 0 = it does not occur */
};

struct export_keys {
    struct buf text;
    struct export_key *items;
    uint32_t *slots; /* index + 1; 0 = free */
    size_t count, slot_count;
};

void export_keys_deinit(struct export_keys *keys); /* of a zeroed or used one */
/* Notes the properties of a row: key, value, key, value. */
MUST_CHECK enum status export_keys_note(struct export_keys *keys, const struct resp_reply *properties, bool edges);
/* The number of a key that was noted; SIZE_MAX if it was not. */
size_t export_keys_find(const struct export_keys *keys, struct slice name);
struct slice export_keys_name(const struct export_keys *keys, size_t number);

#endif
