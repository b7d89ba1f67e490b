/*
 * sst_format: the fixed pieces of an SST as bytes: header, unit, footer, properties. Pure: no I/O, no state; also for
 * tools and fuzzers. Normative text: FORMAT.md.
 */
#ifndef ENGINE_SST_SST_FORMAT_H
#define ENGINE_SST_SST_FORMAT_H

#include "engine/base/coding.h"
#include "engine/base/error.h"
#include "engine/sst/sst.h"

enum {
    SST_VERSION = 1,
    SST_HEADER_BYTES = 64,
    SST_FOOTER_BYTES = 128,
    SST_UNIT_HEADER_BYTES = 20,
    SST_UNIT_RAW_MAX = 128 << 20, /* of any unit, before compression */
    SST_INDEX_VALUE_BYTES = 20,   /* of an index entry: a handle */
};

/* What a unit holds. Stored on disk: never renumber. */
enum sst_section {
    SST_SECTION_DATA = 1,
    SST_SECTION_FILTER = 2,
    SST_SECTION_RANGE_DELETES = 3,
    SST_SECTION_INDEX = 4,
    SST_SECTION_PROPERTIES = 5,
};
enum { SST_FOOTER_SECTIONS = 4 }; /* all but data, in this order */

const char *sst_section_name(unsigned section); /* "data"; "unknown" */

/* Where a unit stands and what its check is: kept by the parent, so that a stale or strange unit is found out. size 0 =
 * no such unit. */
struct sst_handle {
    uint64_t offset;
    uint32_t size; /* with the unit's header */
    uint64_t check;
};

struct sst_footer {
    struct sst_handle sections[SST_FOOTER_SECTIONS];
    uint64_t file_bytes;
    struct sst_identity identity;
};

/* The seed of the check of what stands at `offset` of this file. */
uint64_t sst_seed(const struct sst_identity *identity, uint64_t offset);

void sst_header_encode(uint8_t to[SST_HEADER_BYTES], const struct sst_identity *identity);
/* CORRUPT, VERSION. Gives the identity that the file claims; comparing it is the caller's. */
MUST_CHECK enum status sst_header_decode(struct slice bytes, struct sst_identity *identity, struct error *error);

void sst_footer_encode(uint8_t to[SST_FOOTER_BYTES], const struct sst_footer *footer);
/* The last bytes of a file of file_bytes. CORRUPT, VERSION. On OK the sections follow each other without a gap up to
 * the footer. */
MUST_CHECK enum status sst_footer_decode(struct slice bytes, uint64_t file_bytes, struct sst_footer *footer,
                                         struct error *error);
/* Where the data units end. */
uint64_t sst_footer_data_end(const struct sst_footer *footer);

void sst_handle_encode(uint8_t to[SST_INDEX_VALUE_BYTES], const struct sst_handle *handle);
struct sst_handle sst_handle_decode(const uint8_t from[SST_INDEX_VALUE_BYTES]);

/* One unit: header, then payload as stored. */
struct sst_unit {
    uint64_t check;
    uint32_t raw_size;
    unsigned section;
    enum codec_id codec;
    struct slice payload; /* stored form, borrowed */
};

/*
 * Appends a unit with `raw` as content, compressed if that pays, for the place `offset`; *handle tells where and how.
 * TOO_LARGE, NO_MEMORY.
 */
MUST_CHECK enum status sst_unit_encode(struct buf *to, struct codec *codec, enum codec_id id, int level,
                                       unsigned section, struct slice raw, const struct sst_identity *identity,
                                       uint64_t offset, struct sst_handle *handle);
/* The same in two steps, uncompressed, where the content is made in its place: what was appended behind the header's
 * bytes, which begin at `start` of *to, is the content. TOO_LARGE, and NO_MEMORY from begin. */
MUST_CHECK enum status sst_unit_begin(struct buf *to, size_t *start);
MUST_CHECK enum status sst_unit_end(struct buf *to, size_t start, unsigned section, const struct sst_identity *identity,
                                    uint64_t offset, struct sst_handle *handle);
/* Reads a unit's header only: sizes within bounds; the check is not looked at. For walking a file front to back.
 * CORRUPT. */
MUST_CHECK enum status sst_unit_peek(struct slice bytes, struct sst_unit *unit);
/* The whole unit, check included. `bytes` is exactly the unit. CORRUPT. */
MUST_CHECK enum status sst_unit_decode(struct slice bytes, const struct sst_identity *identity, uint64_t offset,
                                       struct sst_unit *unit);

/* Properties: the unit's content. The decoded keys are borrowed from `raw`. */
MUST_CHECK enum status sst_properties_encode(struct buf *to, const struct sst_properties *properties);
MUST_CHECK enum status sst_properties_decode(struct slice raw, struct sst_properties *properties);

/* One field of the properties as it stands, for tools. END after the last; CORRUPT. */
struct sst_property {
    uint64_t tag;
    const char *name; /* "unknown" */
    struct slice value;
    bool is_number;
    uint64_t number; /* when is_number */
};
MUST_CHECK enum status sst_property_next(struct decoder *decoder, struct sst_property *property);

const char *sst_cause_name(unsigned cause);

#endif
