/*
 * sst_format: the fixed pieces of an SST as bytes: header, unit, footer, properties. Pure: no I/O, no state; also for
 * tools and fuzzers. Normative text: FORMAT.md.
 */
#ifndef ENGINE_SST_SST_FORMAT_H
#define ENGINE_SST_SST_FORMAT_H

#include "engine/base/coding.h"
#include "engine/base/error.h"
#include "engine/codec/dictionary.h"
#include "engine/sst/sst.h"

enum {
    SST_VERSION = 1,
    SST_HEADER_BYTES = 64,
    SST_FOOTER_BYTES = 128,
    SST_UNIT_HEADER_BYTES = 20,
    SST_UNIT_RAW_MAX = 128 << 20, /* of any unit, before compression */
    SST_INDEX_VALUE_BYTES = 20,   /* of an index entry: a handle */
    SST_DICTIONARY_UNIT_MAX = SST_UNIT_HEADER_BYTES + DICTIONARY_MOST_BYTES,
};

/* What a unit holds. Stored on disk: never renumber. */
enum sst_section {
    SST_SECTION_DATA = 1,
    SST_SECTION_FILTER = 2,
    SST_SECTION_RANGE_DELETES = 3,
    SST_SECTION_INDEX = 4,
    SST_SECTION_PROPERTIES = 5,
    SST_SECTION_DICTIONARY = 6, /* behind the header; the properties have its handle */
};
enum { SST_FOOTER_SECTIONS = 4 }; /* 2 to 5, in this order */

/* What a reader of a file must know. Stored on disk: never renumber. */
enum sst_feature { SST_FEATURE_DICTIONARY = 1 };

const char *sst_section_name(unsigned section); /* "data"; "unknown" */

struct sst_footer {
    struct sst_handle sections[SST_FOOTER_SECTIONS];
    uint64_t file_bytes;
    struct sst_identity identity;
};

/* The seed of the check of what stands at `offset` of this file. */
uint64_t sst_seed(const struct sst_identity *identity, uint64_t offset);

/* features: of enum sst_feature, together. */
void sst_header_encode(uint8_t to[SST_HEADER_BYTES], const struct sst_identity *identity, uint32_t features);
/* CORRUPT, VERSION. Gives the identity that the file claims; comparing it is the caller's. */
MUST_CHECK enum status sst_header_decode(struct slice bytes, struct sst_identity *identity, struct error *error);
/* Of a header that decoded. */
uint32_t sst_header_features(const uint8_t header[SST_HEADER_BYTES]);

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
    bool with_dictionary; /* zstd, by the file's dictionary */
    struct slice payload; /* stored form, borrowed */
};

/* How a unit's content is to be compressed, where that pays. packer (may be NULL): zstd by a dictionary. */
struct sst_packing {
    struct codec *codec;
    enum codec_id id;
    int level; /* zstd's, 0 = 3; a packer has its own */
    const struct dictionary_packer *packer;
};

/* Appends a unit with `raw` as content for the place `offset`; *handle tells where and how. TOO_LARGE, NO_MEMORY. */
MUST_CHECK enum status sst_unit_encode(struct buf *to, const struct sst_packing *packing, unsigned section,
                                       struct slice raw, const struct sst_identity *identity, uint64_t offset,
                                       struct sst_handle *handle);
/* The same in two steps, uncompressed, where the content is made in its place: what was appended behind the header's
 * bytes, which begin at `start` of *to, is the content. TOO_LARGE, and NO_MEMORY from begin. */
MUST_CHECK enum status sst_unit_begin(struct buf *to, size_t *start);
MUST_CHECK enum status sst_unit_end(struct buf *to, size_t start, unsigned section, const struct sst_identity *identity,
                                    uint64_t offset, struct sst_handle *handle);
/* Its content into `to`, which has room for raw_size. unpacker: of the file's dictionary; NULL = it has none, and a
 * unit that needs one is CORRUPT. codec may be NULL. CORRUPT, NO_MEMORY. */
MUST_CHECK enum status sst_unit_unpack(const struct sst_unit *unit, struct codec *codec,
                                       const struct dictionary_unpacker *unpacker, uint8_t *to);
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
