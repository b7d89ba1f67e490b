/*
 * value_format: a file of values kept apart as bytes: header, records, footer, and the reference that stands in an SST
 * in a value's place. Pure: no I/O, no state; also for tools and fuzzers. Normative text: FORMAT.md.
 */
#ifndef ENGINE_VALUES_VALUE_FORMAT_H
#define ENGINE_VALUES_VALUE_FORMAT_H

#include "engine/base/error.h"
#include "engine/sst/sst.h"

enum {
    VALUE_VERSION = 1,
    VALUE_HEADER_BYTES = 64,
    VALUE_FOOTER_BYTES = 64,
    VALUE_RECORD_HEADER_BYTES = 24,
    VALUE_REFERENCE_BYTES = 28,
    VALUE_KEY_MAX_BYTES = 128 << 10,
    VALUE_RAW_MAX_BYTES = 64 << 20,
};

/* Where a value lies: what an entry of kind REFERENCE has for a value. */
struct value_reference {
    uint64_t file; /* number, of the store at hand */
    uint64_t offset;
    uint32_t bytes; /* of the record, all of it */
    uint64_t check; /* the record's: another record in its place is found out */
};
void value_reference_encode(uint8_t to[VALUE_REFERENCE_BYTES], const struct value_reference *reference);
/* CORRUPT: not a reference. */
MUST_CHECK enum status value_reference_decode(struct slice bytes, struct value_reference *reference);

/* What an SST uses of one file of values, as its entry in the manifest lists it: ascending by number. */
struct value_count {
    uint64_t number, records, bytes;
};
/* END after the last; CORRUPT. */
MUST_CHECK enum status value_count_next(struct decoder *decoder, struct value_count *count);
MUST_CHECK enum status value_count_encode(struct buf *to, const struct value_count *count);

void value_header_encode(uint8_t to[VALUE_HEADER_BYTES], const struct sst_identity *identity);
/* CORRUPT, VERSION. Gives the identity that the file claims; comparing it is the caller's. */
MUST_CHECK enum status value_header_decode(struct slice bytes, struct sst_identity *identity, struct error *error);

struct value_footer {
    uint64_t records;
    uint64_t value_bytes; /* raw */
    uint64_t file_bytes;
    struct sst_identity identity;
};
void value_footer_encode(uint8_t to[VALUE_FOOTER_BYTES], const struct value_footer *footer);
/* The last bytes of a file of file_bytes. CORRUPT, VERSION. */
MUST_CHECK enum status value_footer_decode(struct slice bytes, uint64_t file_bytes, struct value_footer *footer,
                                           struct error *error);

struct value_record {
    uint64_t check;
    uint32_t raw_bytes; /* of the value */
    enum codec_id codec;
    struct slice key;     /* borrowed */
    struct slice payload; /* the value as stored, borrowed */
};

/* Appends a record of key and value for the place `offset`, the value compressed if that pays. TOO_LARGE, NO_MEMORY. */
MUST_CHECK enum status value_record_encode(struct buf *to, struct codec *codec, enum codec_id id, struct slice key,
                                           struct slice value, const struct sst_identity *identity, uint64_t offset,
                                           struct value_reference *reference);
/* Reads a record's sizes only: *bytes is what it takes, all of it, key and payload are set if they are there. The check
 * is not looked at. For walking a file front to back. CORRUPT. */
MUST_CHECK enum status value_record_peek(struct slice bytes, struct value_record *record, size_t *size);
/* The whole record, check included; `bytes` is exactly the record. CORRUPT. */
MUST_CHECK enum status value_record_decode(struct slice bytes, const struct sst_identity *identity, uint64_t offset,
                                           struct value_record *record);

#endif
