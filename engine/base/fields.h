/*
 * fields: bytes told as named fields, one behind the other, so that none is left out and none told twice.
 *
 * A *describer* of a format is a function that reads the bytes through `decoder`, with the same decoding functions as
 * everybody else, and says after each step what that was. It never fails: bytes that are not what they should be end as
 * a field "malformed" to the end, and as `fault`. Words are texts for people. Plain data, nothing to release.
 */
#ifndef ENGINE_BASE_FIELDS_H
#define ENGINE_BASE_FIELDS_H

#include "engine/base/coding.h"

#pragma GCC visibility push(default)

enum { FIELD_WORDS_BYTES = 256 };

struct fields {
    struct decoder decoder; /* what comes next; a describer reads through it, then tells */
    const uint8_t *told;    /* what lies below has its fields */
    const char *fault;      /* what is wrong, the first thing that was found; static text; NULL: nothing */
    /* Takes a field; `bytes` is borrowed from what is described, name is static, words are for the call. Empty bytes: a
     * note about the whole. NULL: nobody listens; fields are read and judged, and no words are made. */
    void (*take)(void *context, struct slice bytes, const char *name, const char *words);
    void *context;
};

struct fields fields_make(struct slice bytes,
                          void (*take)(void *context, struct slice bytes, const char *name, const char *words),
                          void *context);

/* What the decoder has read since the last field is `name`. Nothing if it has failed, or has read nothing. */
void fields_tell(struct fields *fields, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* About the whole: no bytes. */
void fields_note(struct fields *fields, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What was read does not mean what it should; the first fault counts. */
void fields_fault(struct fields *fields, const char *fault);
/* A decoder's verdict on the same bytes becomes a fault, if it is none yet. */
void fields_judge(struct fields *fields, enum status status);
/* What the decoder has not read yet. */
static inline struct slice fields_left(const struct fields *fields) {
    return slice_make(fields->decoder.cursor, decoder_left(&fields->decoder));
}
/* Reads on to where another decoder has come to in the same bytes. */
void fields_read_to(struct fields *fields, const struct decoder *other);
/* What nobody could read becomes "malformed". True if there is no fault. */
bool fields_end(struct fields *fields);
/* Fields of a format inside: `bytes` were just read, behind everything that has its fields. */
void fields_describe(struct fields *fields, struct slice bytes, void (*describe)(struct fields *inner, void *context),
                     void *context);

/* Read one, tell it, return it; 0 or empty when the bytes end. */
uint8_t fields_u8(struct fields *fields, const char *name);
uint32_t fields_u32(struct fields *fields, const char *name);
uint64_t fields_u64(struct fields *fields, const char *name);
uint64_t fields_varint(struct fields *fields, const char *name);
int64_t fields_zigzag(struct fields *fields, const char *name);
uint32_t fields_key_u32(struct fields *fields, const char *name);
uint64_t fields_key_u64(struct fields *fields, const char *name);
struct slice fields_text(struct fields *fields, size_t size, const char *name);
struct slice fields_rest(struct fields *fields, const char *name); /* all that is left, as text */
/* A varint length, told as "length", and the bytes behind it. */
struct slice fields_string(struct fields *fields, const char *name);

/* Bytes as text in quotes: plain where they can be, \xNN where not, cut with ".." behind 40 bytes. Returns `to`. */
const char *fields_quote(char to[FIELD_WORDS_BYTES], struct slice bytes);

#pragma GCC visibility pop

#endif
