/*
 * edit_describe: an edit field by field, for tools (FORMAT.md, "edit"). What the bodies hold stands in tables, in the
 * order of FORMAT.md; edit.c reads them.
 */
#include <inttypes.h>

#include "engine/lsm/edit.h"
#include "engine/lsm/edit_format.h"

enum form { NUMBER, TIME, TEXT };

struct member {
    const char *name;
    enum form form;
};

struct body {
    const char *name;
    const struct member *members; /* up to the first without a name */
};

#define MEMBERS(...) ((const struct member[]){__VA_ARGS__, {.name = NULL}})

static const struct member file_members[] = {
    {"file", NUMBER},
    {"store", NUMBER},
    {"instance", NUMBER},
    {"level", NUMBER},
    {"bytes", NUMBER},
    {"flags", NUMBER},
    {"first key", TEXT},
    {"last key", TEXT},
    {"codec", NUMBER},
    {"entries", NUMBER},
    {"deletes", NUMBER},
    {"operands", NUMBER},
    {"range deletes", NUMBER},
    {"first sequence", NUMBER},
    {"last sequence", NUMBER},
    {"made", TIME},
    {"oldest data", TIME},
    {"drops from", TIME},
    {.name = NULL},
};

/* Numbers below the first are no field. */
static const struct body bodies[] = {
    [FIELD_FEATURE] = {"feature", MEMBERS({"feature", TEXT})},
    [FIELD_MARK] = {"mark", MEMBERS({"index", NUMBER}, {"term", NUMBER}, {"time", TIME}, {"last sequence", NUMBER})},
    [FIELD_COUNTERS] = {"counters", MEMBERS({"next file", NUMBER}, {"next instance", NUMBER})},
    [FIELD_KIND] = {"kind", MEMBERS({"kind", NUMBER}, {"name", TEXT}, {"merge operator", TEXT}, {"filter", TEXT})},
    [FIELD_TREE_CREATED] = {"tree created", MEMBERS({"instance", NUMBER}, {"tree", NUMBER}, {"kind", NUMBER})},
    [FIELD_TREE_DROPPED] = {"tree dropped", MEMBERS({"instance", NUMBER})},
    [FIELD_FILE_ADDED] = {"file added", file_members},
    [FIELD_FILE_REMOVED] = {"file removed", MEMBERS({"file", NUMBER}, {"instance", NUMBER}, {"level", NUMBER})},
    [FIELD_FILE_EXTENDED] = {"file added, extended", file_members},
    [FIELD_VALUE_FILE] = {"file of values added", MEMBERS({"file", NUMBER}, {"store", NUMBER}, {"instance", NUMBER},
                                                          {"bytes", NUMBER}, {"records", NUMBER})},
};
enum { BODIES = sizeof bodies / sizeof *bodies };

static void describe_member(struct fields *fields, const struct member *member) {
    switch (member->form) {
    case NUMBER: (void)fields_varint(fields, member->name); break;
    case TIME: (void)fields_zigzag(fields, member->name); break;
    case TEXT: (void)fields_string(fields, member->name); break;
    }
}

static void describe_attributes(struct fields *fields) {
    static const char *const names[] = {[ATTRIBUTE_SEQUENCE] = "one sequence",
                                        [ATTRIBUTE_BUILT_AS] = "built as file",
                                        [ATTRIBUTE_VALUES] = "values referred to",
                                        [ATTRIBUTE_HIDDEN] = "hidden versions"};
    while (!fields->decoder.failed && decoder_left(&fields->decoder) > 0) {
        const uint64_t attribute = decode_varint(&fields->decoder);
        const bool is_known = attribute >= ATTRIBUTE_SEQUENCE && attribute < sizeof names / sizeof *names;
        fields_tell(fields, "attribute", "%" PRIu64 ": %s", attribute, is_known ? names[attribute] : "not known");
        (void)fields_string(fields, "attribute's value");
    }
}

static void describe_body(struct fields *fields, void *context) {
    const struct body *body = context;
    for (const struct member *member = body->members; member->name; member++) describe_member(fields, member);
    if (body == &bodies[FIELD_FILE_EXTENDED]) describe_attributes(fields);
}

static void describe_field(struct fields *fields) {
    const uint64_t tag = decode_varint(&fields->decoder), number = tag >> 1;
    const struct body *body = number >= FIELD_FEATURE && number < BODIES ? &bodies[number] : NULL;
    fields_tell(fields, "field", "%" PRIu64 ": %s%s", number, body ? body->name : "not known",
                tag & 1 ? "" : ", may be passed over");
    const uint64_t size = fields_varint(fields, "length");
    if (body)
        fields_describe(fields, decode_bytes(&fields->decoder, (size_t)size), describe_body, (void *)(uintptr_t)body);
    else
        (void)fields_text(fields, (size_t)size, "body");
}

void edit_describe(struct fields *fields) {
    (void)fields_u8(fields, "edit format");
    (void)fields_varint(fields, "edit");
    const uint8_t cause = decode_u8(&fields->decoder);
    fields_tell(fields, "cause", "%u: %s", cause, edit_cause_name(cause));
    (void)fields_varint(fields, "job");
    (void)fields_zigzag(fields, "log time");
    while (!fields->decoder.failed && decoder_left(&fields->decoder) > 0) describe_field(fields);
    (void)fields_end(fields);
}
