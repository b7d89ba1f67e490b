/* describe: see describe.h. kv_op_decode has the last word. */
#include "kv/describe.h"

#include <inttypes.h>
#include <stdio.h>

#include "kv/kv.h"

/* " NX GET" */
static const char *flags_text(uint64_t flags, char to[FIELD_WORDS_BYTES]) {
    static const char *const names[] = {"NX",      "XX",        "GET",       "KEEP_TTL",      "GT",     "LT", "REPLACE",
                                        "PERSIST", "EXPIRE_IN", "EXPIRE_AT", "REPLY_INTEGER", "SECONDS"};
    size_t at = 0;
    to[0] = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (flags >> i & 1) at += (size_t)snprintf(to + at, FIELD_WORDS_BYTES - at, " %s", names[i]);
    return to;
}

void kv_operation_describe(struct fields *fields) {
    struct kv_op_reader reader;
    char words[FIELD_WORDS_BYTES];
    const enum status status = kv_op_decode(fields_left(fields), &reader);
    fields_judge(fields, status);
    (void)fields_u8(fields, "version");
    const uint8_t kind = decode_u8(&fields->decoder);
    fields_tell(fields, "operation", "%u: %s", kind, kv_op_kind_name((enum kv_op_kind)kind));
    if (status == STATUS_UNSUPPORTED) return;
    const uint64_t flags = decode_varint(&fields->decoder);
    fields_tell(fields, "flags", "%" PRIx64 "%s%s", flags, flags ? ":" : "", flags_text(flags, words));
    const uint8_t origin = decode_u8(&fields->decoder);
    fields_tell(fields, "origin", "%u%s%s", origin, origin ? ": " : "",
                origin ? kv_origin_name((enum kv_origin)origin) : "");
    (void)fields_zigzag(fields, "number");
    const uint64_t count = fields_varint(fields, "arguments");
    for (uint64_t i = 0; i < count && !fields->decoder.failed; i++) (void)fields_string(fields, "argument");
}
