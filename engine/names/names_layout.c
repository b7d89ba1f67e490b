/* names_layout: see names_layout_format.h. Names, and the meanings that FORMAT.md prints. */
#include "engine/names/names_format.h"
#include "engine/names/names_layout_format.h"

static const struct layout_row key_rows[] = {
    {"hash of the name", LAYOUT_KEY_U64, LAYOUT_AS_ID,
     .meaning = "XXH3-64(name, seed of the directory: its cluster id) >> 1"},
    {"name", LAYOUT_REST, .meaning = "as the user gave it"},
    {.name = NULL},
};
const struct layout names_key_layout = {.name = "key of a name", .rows = key_rows};

static const struct layout_name types[] = {
    {NAME_STRING, "string", NULL},
    {NAME_SERIES, "series", NULL},
    {NAME_GRAPH, "graph", NULL},
    {.name = NULL},
};
static const struct layout_name flags[] = {
    {NAME_ROW_HAS_EXPIRY, "expiry", NULL},
    {NAME_ROW_HAS_OBJECT, "object", NULL},
    {.name = NULL},
};
static const struct layout_row row_rows[] = {
    {"type", LAYOUT_U8, LAYOUT_AS_NAMED, .names = types, .other = "of a store that is not known",
     .meaning = "stores add theirs; 0 is invalid"},
    {"flags", LAYOUT_U8, LAYOUT_AS_FLAGS, .names = flags, .meaning = "says what follows; others must be 0"},
    {"expires at ms", LAYOUT_U64, .when = NAME_ROW_HAS_EXPIRY,
     .meaning = "log time (ms since 1970 UTC) from which the name is absent; > 0"},
    {"object", LAYOUT_VARINT, .when = NAME_ROW_HAS_OBJECT,
     .meaning = "id of the object's rows in its store's trees; > 0"},
    {"value", LAYOUT_REST, .meaning = "a string's bytes; empty for others"},
    {.name = NULL},
};
const struct layout names_row_layout = {.name = "row of a name", .rows = row_rows};

static const struct layout_row expiry_rows[] = {
    {"expires at ms", LAYOUT_KEY_U64, .meaning = "as in the row"},
    {"name", LAYOUT_REST, .meaning = "whose row has it"},
    {.name = NULL},
};
const struct layout names_expiry_key_layout = {.name = "key of an expiry", .rows = expiry_rows};

static const struct layout_row meta_key_rows[] = {
    {"what", LAYOUT_REST, .meaning = "`count`"},
    {.name = NULL},
};
const struct layout names_meta_key_layout = {.name = "key of the count", .rows = meta_key_rows};

static const struct layout_row meta_rows[] = {
    {"names", LAYOUT_U64, .meaning = "number of names"},
    {.name = NULL},
};
const struct layout names_meta_row_layout = {.name = "row of the count", .rows = meta_rows};
