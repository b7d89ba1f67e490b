/*
 * edit_describe: an edit field by field, for tools (FORMAT.md, "edit"). What the bodies hold stands in tables, in the
 * order of FORMAT.md; edit.c reads them.
 */
#include <inttypes.h>

#include "engine/lsm/edit.h"

enum form { NUMBER, TIME, TEXT };

struct member {
    const char *name;
    enum form form;
};

enum { MEMBERS_MAX = 20 };

struct body {
    const char *name;
    struct member members[MEMBERS_MAX]; /* up to the first without a name */
    bool has_attributes;
};

#define FILE_MEMBERS                                                                                                   \
    {                                                                                                                  \
        {"file", NUMBER}, {"store", NUMBER}, {"instance", NUMBER}, {"level", NUMBER}, {"bytes", NUMBER},               \
            {"flags", NUMBER}, {"first key", TEXT}, {"last key", TEXT}, {"codec", NUMBER}, {"entries", NUMBER},        \
            {"deletes", NUMBER}, {"operands", NUMBER}, {"range deletes", NUMBER}, {"first sequence", NUMBER},          \
            {"last sequence", NUMBER}, {"made", TIME}, {"oldest data", TIME}, {                                        \
            "drops from", TIME                                                                                         \
        }                                                                                                              \
    }

/* By number; 0 is none. */
static const struct body bodies[] = {
    [1] = {"feature", {{"feature", TEXT}}, false},
    [2] = {"mark", {{"index", NUMBER}, {"term", NUMBER}, {"time", TIME}, {"last sequence", NUMBER}}, false},
    [3] = {"counters", {{"next file", NUMBER}, {"next instance", NUMBER}}, false},
    [4] = {"kind", {{"kind", NUMBER}, {"name", TEXT}, {"merge operator", TEXT}, {"filter", TEXT}}, false},
    [5] = {"tree created", {{"instance", NUMBER}, {"tree", NUMBER}, {"kind", NUMBER}}, false},
    [6] = {"tree dropped", {{"instance", NUMBER}}, false},
    [7] = {"file added", FILE_MEMBERS, false},
    [8] = {"file removed", {{"file", NUMBER}, {"instance", NUMBER}, {"level", NUMBER}}, false},
    [9] = {"file added, extended", FILE_MEMBERS, true},
    [10] = {"file of values added",
            {{"file", NUMBER}, {"store", NUMBER}, {"instance", NUMBER}, {"bytes", NUMBER}, {"records", NUMBER}},
            false},
};
enum { BODIES = sizeof bodies / sizeof *bodies };

/* What a feature's name is told as is its bytes, all of them. */
static void describe_member(struct fields *fields, const struct member *member) {
    switch (member->form) {
    case NUMBER: (void)fields_varint(fields, member->name); break;
    case TIME: (void)fields_zigzag(fields, member->name); break;
    case TEXT: (void)fields_string(fields, member->name); break;
    }
}

static void describe_attributes(struct fields *fields) {
    static const char *const names[] = {"", "one sequence", "built as file", "values referred to", "hidden versions"};
    while (!fields->decoder.failed && decoder_left(&fields->decoder) > 0) {
        const uint64_t attribute = decode_varint(&fields->decoder);
        fields_tell(fields, "attribute", "%" PRIu64 ": %s", attribute,
                    attribute < sizeof names / sizeof *names ? names[attribute] : "not known");
        (void)fields_string(fields, "attribute's value");
    }
}

static void describe_body(struct fields *fields, void *context) {
    const struct body *body = context;
    for (const struct member *member = body->members; member->name; member++) describe_member(fields, member);
    if (body->has_attributes) describe_attributes(fields);
}

static void describe_field(struct fields *fields) {
    const uint64_t tag = decode_varint(&fields->decoder), number = tag >> 1;
    const struct body *body = number > 0 && number < BODIES ? &bodies[number] : NULL;
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
