/*
 * fields: see fields.h. Invariant: told <= decoder.cursor <= decoder.end, and every byte below `told` was given to
 * `take`, if there is one, once.
 */
#include "engine/base/fields.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { QUOTED_BYTES_MAX = 40 };

struct fields fields_make(struct slice bytes, void (*take)(void *, struct slice, const char *, const char *),
                          void *context) {
    struct decoder decoder = decoder_make(bytes);
    return (struct fields){.decoder = decoder, .told = decoder.cursor, .take = take, .context = context};
}

static void give(struct fields *fields, const uint8_t *end, const char *name, const char *words) {
    const struct slice bytes = slice_make(fields->told, (size_t)(end - fields->told));
    fields->told = end;
    if (fields->take) fields->take(fields->context, bytes, name, words);
}

void fields_tell(struct fields *fields, const char *name, const char *format, ...) {
    if (fields->decoder.failed || fields->decoder.cursor == fields->told) return;
    if (!fields->take) {
        fields->told = fields->decoder.cursor;
        return;
    }
    char words[FIELD_WORDS_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    give(fields, fields->decoder.cursor, name, words);
}

void fields_note(struct fields *fields, const char *name, const char *format, ...) {
    if (!fields->take) return;
    char words[FIELD_WORDS_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    fields->take(fields->context, slice_make(NULL, 0), name, words);
}

void fields_fault(struct fields *fields, const char *fault) {
    if (!fields->fault) fields->fault = fault;
}

void fields_judge(struct fields *fields, enum status status) {
    if (status == STATUS_OK) return;
    fields_fault(fields, status == STATUS_VERSION || status == STATUS_UNSUPPORTED ? "of a later version of loam"
                                                                                  : "not what it should be");
}

void fields_read_to(struct fields *fields, const struct decoder *other) {
    if (fields->decoder.failed) return;
    if (other->failed)
        fields->decoder.failed = true;
    else
        fields->decoder.cursor = other->cursor;
}

bool fields_end(struct fields *fields) {
    if (fields->decoder.failed) fields_fault(fields, "it ends early, or is not what it should be");
    if (fields->told != fields->decoder.end) {
        fields_fault(fields, "bytes are left over");
        give(fields, fields->decoder.end, "malformed", fields->fault);
    }
    return fields->fault == NULL;
}

void fields_describe(struct fields *fields, struct slice bytes, void (*describe)(struct fields *inner, void *context),
                     void *context) {
    if (fields->decoder.failed) return;
    struct fields inner = fields_make(bytes, fields->take, fields->context);
    describe(&inner, context);
    (void)fields_end(&inner);
    if (inner.fault) fields_fault(fields, inner.fault);
    fields->told = fields->decoder.cursor;
}

/* ---- One field of a simple type ---------------------------------------------------------------------------------- */

uint8_t fields_u8(struct fields *fields, const char *name) {
    const uint8_t value = decode_u8(&fields->decoder);
    fields_tell(fields, name, "%u", value);
    return value;
}

uint32_t fields_u32(struct fields *fields, const char *name) {
    const uint32_t value = decode_u32(&fields->decoder);
    fields_tell(fields, name, "%" PRIu32, value);
    return value;
}

uint64_t fields_u64(struct fields *fields, const char *name) {
    const uint64_t value = decode_u64(&fields->decoder);
    fields_tell(fields, name, "%" PRIu64, value);
    return value;
}

uint64_t fields_varint(struct fields *fields, const char *name) {
    const uint64_t value = decode_varint(&fields->decoder);
    fields_tell(fields, name, "%" PRIu64, value);
    return value;
}

int64_t fields_zigzag(struct fields *fields, const char *name) {
    const int64_t value = coding_unzigzag(decode_varint(&fields->decoder));
    fields_tell(fields, name, "%" PRId64, value);
    return value;
}

uint32_t fields_key_u32(struct fields *fields, const char *name) {
    const struct slice bytes = decode_bytes(&fields->decoder, 4);
    const uint32_t value = bytes.size ? coding_get_key_u32(bytes.data) : 0;
    fields_tell(fields, name, "%" PRIu32, value);
    return value;
}

uint64_t fields_key_u64(struct fields *fields, const char *name) {
    const struct slice bytes = decode_bytes(&fields->decoder, 8);
    const uint64_t value = bytes.size ? coding_get_key_u64(bytes.data) : 0;
    fields_tell(fields, name, "%" PRIu64, value);
    return value;
}

struct slice fields_text(struct fields *fields, size_t size, const char *name) {
    char words[FIELD_WORDS_BYTES];
    const struct slice text = decode_bytes(&fields->decoder, size);
    fields_tell(fields, name, "%s", fields_quote(words, text));
    return text;
}

struct slice fields_rest(struct fields *fields, const char *name) {
    return fields_text(fields, decoder_left(&fields->decoder), name);
}

struct slice fields_string(struct fields *fields, const char *name) {
    const uint64_t size = decode_varint(&fields->decoder);
    fields_tell(fields, "length", "%" PRIu64 " bytes of %s", size, name);
    return fields_text(fields, size, name);
}

const char *fields_quote(char to[FIELD_WORDS_BYTES], struct slice bytes) {
    const size_t shown = bytes.size < QUOTED_BYTES_MAX ? bytes.size : QUOTED_BYTES_MAX;
    size_t at = 0;
    to[at++] = '"';
    for (size_t i = 0; i < shown; i++) {
        const uint8_t byte = bytes.data[i];
        const bool plain = byte >= 0x20 && byte < 0x7f && byte != '\\' && byte != '"';
        at += (size_t)snprintf(to + at, FIELD_WORDS_BYTES - at, plain ? "%c" : "\\x%02x", byte);
    }
    snprintf(to + at, FIELD_WORDS_BYTES - at, "%s", shown < bytes.size ? "\".." : "\"");
    return to;
}
