/*
 * sst_format: encoders beside their decoders. Invariant: what a decoder accepts, its encoder would have written.
 * Source: FORMAT.md.
 */
#include "engine/sst/sst_format.h"

#include "engine/base/check.h"
#include "engine/base/hash.h"

static const uint8_t header_magic[8] = "loam.sst";
static const uint8_t footer_magic[8] = "loam.end";

const char *sst_section_name(unsigned section) {
    switch (section) {
    case SST_SECTION_DATA: return "data";
    case SST_SECTION_FILTER: return "filter";
    case SST_SECTION_RANGE_DELETES: return "range deletes";
    case SST_SECTION_INDEX: return "index";
    case SST_SECTION_PROPERTIES: return "properties";
    case SST_SECTION_DICTIONARY: return "dictionary";
    default: return "unknown";
    }
}

const char *sst_cause_name(unsigned cause) {
    switch (cause) {
    case SST_CAUSE_FLUSH: return "flush";
    case SST_CAUSE_COMPACTION: return "compaction";
    case SST_CAUSE_REPAIR: return "repair";
    case SST_CAUSE_OUTSIDE: return "outside";
    default: return "unknown";
    }
}

uint64_t sst_seed(const struct sst_identity *identity, uint64_t offset) {
    return hash_mix(hash_mix(identity->store, identity->file), offset);
}

/* ---- Header ------------------------------------------------------------------------------------------------------ */

enum { HEADER_FEATURES_AT = 32, HEADER_CHECKED_BYTES = 56, FEATURES_KNOWN = SST_FEATURE_DICTIONARY };

void sst_header_encode(uint8_t to[SST_HEADER_BYTES], const struct sst_identity *identity, uint32_t features) {
    memset(to, 0, SST_HEADER_BYTES);
    memcpy(to, header_magic, sizeof header_magic);
    coding_put_u32(to + 8, SST_VERSION);
    coding_put_u32(to + 12, SST_HEADER_BYTES);
    coding_put_u64(to + 16, identity->store);
    coding_put_u64(to + 24, identity->file);
    coding_put_u32(to + HEADER_FEATURES_AT, features);
    coding_put_u64(to + 56, hash64(slice_make(to, HEADER_CHECKED_BYTES), sst_seed(identity, 0)));
}

uint32_t sst_header_features(const uint8_t header[SST_HEADER_BYTES]) {
    return coding_get_u32(header + HEADER_FEATURES_AT);
}

enum status sst_header_decode(struct slice bytes, struct sst_identity *identity, struct error *error) {
    if (bytes.size < SST_HEADER_BYTES)
        return error_set(error, STATUS_CORRUPT, "%zu bytes are too few for an SST header", bytes.size);
    if (memcmp(bytes.data, header_magic, sizeof header_magic) != 0) {
        return error_set(error, STATUS_CORRUPT, "not an SST: the magic at offset 0 is missing");
    }
    identity->store = coding_get_u64(bytes.data + 16);
    identity->file = coding_get_u64(bytes.data + 24);
    uint64_t sum = hash64(slice_make(bytes.data, HEADER_CHECKED_BYTES), sst_seed(identity, 0));
    if (sum != coding_get_u64(bytes.data + 56))
        return error_set(error, STATUS_CORRUPT, "the SST header's check is wrong");
    uint32_t version = coding_get_u32(bytes.data + 8);
    if (version != SST_VERSION) {
        return error_set(error, STATUS_VERSION, "SST of format version %u; this program reads version %d", version,
                         SST_VERSION);
    }
    const uint32_t strange = sst_header_features(bytes.data) & ~(uint32_t)FEATURES_KNOWN;
    if (strange != 0) return error_set(error, STATUS_VERSION, "SST needs unknown features %#x", strange);
    if (coding_get_u32(bytes.data + 12) != SST_HEADER_BYTES)
        return error_set(error, STATUS_CORRUPT, "SST header of an odd size");
    for (size_t i = 36; i < HEADER_CHECKED_BYTES; i++) {
        if (bytes.data[i] != 0)
            return error_set(error, STATUS_CORRUPT, "reserved byte %zu of the SST header is not zero", i);
    }
    return STATUS_OK;
}

/* ---- Handles and footer ------------------------------------------------------------------------------------------ */

void sst_handle_encode(uint8_t to[SST_INDEX_VALUE_BYTES], const struct sst_handle *handle) {
    coding_put_u64(to, handle->offset);
    coding_put_u32(to + 8, handle->size);
    coding_put_u64(to + 12, handle->check);
}

struct sst_handle sst_handle_decode(const uint8_t from[SST_INDEX_VALUE_BYTES]) {
    return (struct sst_handle){
        .offset = coding_get_u64(from),
        .size = coding_get_u32(from + 8),
        .check = coding_get_u64(from + 12),
    };
}

enum { FOOTER_HANDLES_AT = 24, FOOTER_TAIL_AT = FOOTER_HANDLES_AT + SST_FOOTER_SECTIONS * SST_INDEX_VALUE_BYTES };

static uint64_t footer_check(const uint8_t *bytes, const struct sst_footer *footer) {
    uint64_t seed = sst_seed(&footer->identity, footer->file_bytes - SST_FOOTER_BYTES);
    return hash64(slice_make(bytes + 8, SST_FOOTER_BYTES - 8), seed);
}

void sst_footer_encode(uint8_t to[SST_FOOTER_BYTES], const struct sst_footer *footer) {
    memset(to, 0, SST_FOOTER_BYTES);
    memcpy(to + 8, footer_magic, sizeof footer_magic);
    coding_put_u32(to + 16, SST_VERSION);
    coding_put_u32(to + 20, SST_FOOTER_SECTIONS);
    for (unsigned i = 0; i < SST_FOOTER_SECTIONS; i++) {
        sst_handle_encode(to + FOOTER_HANDLES_AT + i * SST_INDEX_VALUE_BYTES, &footer->sections[i]);
    }
    coding_put_u64(to + FOOTER_TAIL_AT, footer->file_bytes);
    coding_put_u64(to + FOOTER_TAIL_AT + 8, footer->identity.store);
    coding_put_u64(to + FOOTER_TAIL_AT + 16, footer->identity.file);
    coding_put_u64(to, footer_check(to, footer));
}

uint64_t sst_footer_data_end(const struct sst_footer *footer) {
    for (unsigned i = 0; i < SST_FOOTER_SECTIONS; i++) {
        if (footer->sections[i].size) return footer->sections[i].offset;
    }
    return footer->file_bytes - SST_FOOTER_BYTES;
}

/* Sections stand one after another and end at the footer; index and properties are there. */
static bool sections_fit(const struct sst_footer *footer) {
    uint64_t at = sst_footer_data_end(footer);
    if (at < SST_HEADER_BYTES || at > footer->file_bytes - SST_FOOTER_BYTES) return false;
    for (unsigned i = 0; i < SST_FOOTER_SECTIONS; i++) {
        const struct sst_handle *handle = &footer->sections[i];
        if (handle->size == 0) {
            bool needed =
                i + SST_SECTION_FILTER == SST_SECTION_INDEX || i + SST_SECTION_FILTER == SST_SECTION_PROPERTIES;
            if (needed || handle->offset || handle->check) return false;
            continue;
        }
        if (handle->offset != at || handle->size > footer->file_bytes - SST_FOOTER_BYTES - at) return false;
        at += handle->size;
    }
    return at == footer->file_bytes - SST_FOOTER_BYTES;
}

enum status sst_footer_decode(struct slice bytes, uint64_t file_bytes, struct sst_footer *footer, struct error *error) {
    if (bytes.size != SST_FOOTER_BYTES || file_bytes < SST_HEADER_BYTES + SST_FOOTER_BYTES) {
        return error_set(error, STATUS_CORRUPT, "the file is too short to be a finished SST");
    }
    if (memcmp(bytes.data + 8, footer_magic, sizeof footer_magic) != 0) {
        return error_set(error, STATUS_CORRUPT, "the SST has no footer: it was cut or never finished");
    }
    for (unsigned i = 0; i < SST_FOOTER_SECTIONS; i++) {
        footer->sections[i] = sst_handle_decode(bytes.data + FOOTER_HANDLES_AT + i * SST_INDEX_VALUE_BYTES);
    }
    footer->file_bytes = file_bytes;
    footer->identity.store = coding_get_u64(bytes.data + FOOTER_TAIL_AT + 8);
    footer->identity.file = coding_get_u64(bytes.data + FOOTER_TAIL_AT + 16);
    if (footer_check(bytes.data, footer) != coding_get_u64(bytes.data)) {
        return error_set(error, STATUS_CORRUPT, "the SST footer's check is wrong");
    }
    uint32_t version = coding_get_u32(bytes.data + 16);
    if (version != SST_VERSION) return error_set(error, STATUS_VERSION, "SST footer of format version %u", version);
    if (coding_get_u64(bytes.data + FOOTER_TAIL_AT) != file_bytes) {
        return error_set(error, STATUS_CORRUPT, "the SST has %llu bytes, its footer says otherwise",
                         (unsigned long long)file_bytes);
    }
    if (coding_get_u32(bytes.data + 20) != SST_FOOTER_SECTIONS || !sections_fit(footer)) {
        return error_set(error, STATUS_CORRUPT, "the SST footer's sections do not fit the file");
    }
    return STATUS_OK;
}

/* ---- Units ------------------------------------------------------------------------------------------------------- */

static uint64_t unit_check(struct slice unit, const struct sst_identity *identity, uint64_t offset) {
    return hash64(slice_from(unit, 8), sst_seed(identity, offset));
}

enum { UNIT_CODEC_AT = 17, UNIT_FLAGS_AT = 18, UNIT_FLAG_DICTIONARY = 1 };

/* Fills in the header of a unit that ends where *to ends. */
static void seal_unit(struct buf *to, size_t start, unsigned section, enum codec_id used, unsigned flags,
                      size_t raw_bytes, const struct sst_identity *identity, uint64_t offset,
                      struct sst_handle *handle) {
    uint8_t *unit = to->data + start;
    const size_t size = to->size - start;
    coding_put_u32(unit + 8, (uint32_t)(size - SST_UNIT_HEADER_BYTES));
    coding_put_u32(unit + 12, (uint32_t)raw_bytes);
    unit[16] = (uint8_t)section;
    unit[UNIT_CODEC_AT] = (uint8_t)used;
    unit[UNIT_FLAGS_AT] = (uint8_t)flags;
    *handle = (struct sst_handle){.offset = offset, .size = (uint32_t)size};
    handle->check = unit_check(slice_make(unit, size), identity, offset);
    coding_put_u64(unit, handle->check);
}

enum status sst_unit_begin(struct buf *to, size_t *start) {
    *start = to->size;
    return buf_append_zeros(to, SST_UNIT_HEADER_BYTES);
}

enum status sst_unit_end(struct buf *to, size_t start, unsigned section, const struct sst_identity *identity,
                         uint64_t offset, struct sst_handle *handle) {
    const size_t raw_bytes = to->size - start - SST_UNIT_HEADER_BYTES;
    if (raw_bytes > SST_UNIT_RAW_MAX) return STATUS_TOO_LARGE;
    seal_unit(to, start, section, CODEC_NONE, 0, raw_bytes, identity, offset, handle);
    return STATUS_OK;
}

/* Appends the content as it is stored: compressed, if that pays. */
static enum status put_payload(struct buf *to, const struct sst_packing *packing, struct slice raw,
                               enum codec_id *codec, bool *with_dictionary) {
    *with_dictionary = false;
    enum status status = packing->packer
                             ? dictionary_compress(packing->codec, packing->packer, raw, to, with_dictionary)
                             : codec_compress(packing->codec, packing->id, packing->level, raw, to, codec);
    if (packing->packer) *codec = *with_dictionary ? CODEC_ZSTD : CODEC_NONE;
    return status == STATUS_OK && *codec == CODEC_NONE ? buf_append_slice(to, raw) : status;
}

enum status sst_unit_encode(struct buf *to, const struct sst_packing *packing, unsigned section, struct slice raw,
                            const struct sst_identity *identity, uint64_t offset, struct sst_handle *handle) {
    if (raw.size > SST_UNIT_RAW_MAX) return STATUS_TOO_LARGE;
    size_t start = to->size;
    enum codec_id used = CODEC_NONE;
    bool with_dictionary = false;
    enum status status = buf_append_zeros(to, SST_UNIT_HEADER_BYTES);
    if (status == STATUS_OK) status = put_payload(to, packing, raw, &used, &with_dictionary);
    if (status != STATUS_OK) {
        to->size = start;
        return status;
    }
    const unsigned flags = with_dictionary ? UNIT_FLAG_DICTIONARY : 0;
    seal_unit(to, start, section, used, flags, raw.size, identity, offset, handle);
    return STATUS_OK;
}

enum status sst_unit_peek(struct slice bytes, struct sst_unit *unit) {
    if (bytes.size < SST_UNIT_HEADER_BYTES) return STATUS_CORRUPT;
    uint32_t stored = coding_get_u32(bytes.data + 8);
    *unit = (struct sst_unit){
        .check = coding_get_u64(bytes.data),
        .raw_size = coding_get_u32(bytes.data + 12),
        .section = bytes.data[16],
        .codec = (enum codec_id)bytes.data[UNIT_CODEC_AT],
        .with_dictionary = bytes.data[UNIT_FLAGS_AT] == UNIT_FLAG_DICTIONARY,
        .payload = slice_make(bytes.data + SST_UNIT_HEADER_BYTES, stored),
    };
    if (stored > bytes.size - SST_UNIT_HEADER_BYTES || unit->raw_size > SST_UNIT_RAW_MAX) return STATUS_CORRUPT;
    if (unit->section < SST_SECTION_DATA || unit->section > SST_SECTION_DICTIONARY) return STATUS_CORRUPT;
    if (bytes.data[UNIT_CODEC_AT] >= CODEC_COUNT || bytes.data[UNIT_FLAGS_AT] > UNIT_FLAG_DICTIONARY || bytes.data[19])
        return STATUS_CORRUPT;
    if (unit->with_dictionary && (unit->codec != CODEC_ZSTD || unit->section != SST_SECTION_DATA))
        return STATUS_CORRUPT;
    if (unit->codec == CODEC_NONE && unit->raw_size != stored) return STATUS_CORRUPT;
    return STATUS_OK;
}

enum status sst_unit_decode(struct slice bytes, const struct sst_identity *identity, uint64_t offset,
                            struct sst_unit *unit) {
    enum status status = sst_unit_peek(bytes, unit);
    if (status != STATUS_OK) return status;
    if (unit->payload.size != bytes.size - SST_UNIT_HEADER_BYTES) return STATUS_CORRUPT;
    return unit_check(bytes, identity, offset) == unit->check ? STATUS_OK : STATUS_CORRUPT;
}

enum status sst_unit_unpack(const struct sst_unit *unit, struct codec *codec,
                            const struct dictionary_unpacker *unpacker, uint8_t *to) {
    if (!unit->with_dictionary) return codec_decompress(codec, unit->codec, unit->payload, to, unit->raw_size);
    if (!unpacker) return STATUS_CORRUPT;
    return dictionary_decompress(codec, unpacker, unit->payload, to, unit->raw_size);
}

/* ---- Properties -------------------------------------------------------------------------------------------------- */

/* Tag, name, what it fills in. Stored on disk: never renumber; an unknown tag is passed over. */
#define NUMBER_LIST(X)                                                                                                 \
    X(1, "tree", origin.tree)                                                                                          \
    X(2, "kind", origin.kind)                                                                                          \
    X(3, "cause", origin.cause)                                                                                        \
    X(4, "level", origin.level)                                                                                        \
    X(5, "job", origin.job)                                                                                            \
    X(6, "created_ms", origin.created_ms)                                                                              \
    X(7, "oldest_time_ms", origin.oldest_time_ms)                                                                      \
    X(8, "entries", entries)                                                                                           \
    X(9, "deletes", deletes)                                                                                           \
    X(10, "merges", merges)                                                                                            \
    X(11, "appends", appends)                                                                                          \
    X(12, "range_deletes", range_deletes)                                                                              \
    X(13, "key_bytes", key_bytes)                                                                                      \
    X(14, "value_bytes", value_bytes)                                                                                  \
    X(15, "data_blocks", data_blocks)                                                                                  \
    X(16, "data_bytes", data_bytes)                                                                                    \
    X(17, "raw_bytes", raw_bytes)                                                                                      \
    X(18, "first_sequence", first_sequence)                                                                            \
    X(19, "last_sequence", last_sequence)                                                                              \
    X(20, "codec", codec)                                                                                              \
    X(21, "filter_bits_per_key", filter_bits_per_key)                                                                  \
    X(22, "has_last", has_last)                                                                                        \
    X(23, "last_exclusive", last_exclusive)                                                                            \
    X(24, "filter_prefix_bytes", filter_prefix_bytes)

/* Written where they are not 0, behind the keys. */
#define RARE_LIST(X) X(40, "references", references)

enum {
    TAG_FIRST = 32,
    TAG_LAST = 33,
    TAG_NUMBERS = 24,
    TAG_OPTIONAL_FIRST = 24,
    TAG_RARE_FIRST = 40,
    TAG_RARE_LAST = 40,
    TAG_DICTIONARY = 41, /* a handle */
};

/* A later tag is left out where it is 0, so that a file without that feature is the one that was always written. */
static enum status number_encode(struct buf *to, uint64_t tag, uint64_t number) {
    if (tag >= TAG_OPTIONAL_FIRST && number == 0) return STATUS_OK;
    uint8_t bytes[3 * VARINT64_MAX_BYTES];
    size_t size = coding_put_varint(bytes, tag);
    size += coding_put_varint(bytes + size, coding_varint_size(number));
    size += coding_put_varint(bytes + size, number);
    return buf_append(to, bytes, size);
}

enum status sst_properties_encode(struct buf *to, const struct sst_properties *properties) {
    enum status status;
#define X(tag, name, field)                                                                                            \
    if ((status = number_encode(to, tag, (uint64_t)properties->field)) != STATUS_OK) return status;
    NUMBER_LIST(X)
#undef X
    if ((status = encode_varint(to, TAG_FIRST)) != STATUS_OK) return status;
    if ((status = encode_string(to, properties->first)) != STATUS_OK) return status;
    if ((status = encode_varint(to, TAG_LAST)) != STATUS_OK) return status;
    if ((status = encode_string(to, properties->last)) != STATUS_OK) return status;
#define X(tag, name, field)                                                                                            \
    if ((status = number_encode(to, tag, properties->field)) != STATUS_OK) return status;
    RARE_LIST(X)
#undef X
    if (properties->dictionary.size == 0) return STATUS_OK;
    uint8_t handle[SST_INDEX_VALUE_BYTES];
    sst_handle_encode(handle, &properties->dictionary);
    if ((status = encode_varint(to, TAG_DICTIONARY)) != STATUS_OK) return status;
    return encode_string(to, slice_make(handle, sizeof handle));
}

enum status sst_property_next(struct decoder *decoder, struct sst_property *property) {
    if (decoder_finished(decoder)) return STATUS_END;
    *property = (struct sst_property){.tag = decode_varint(decoder), .name = "unknown"};
    property->value = decode_string(decoder);
    if (decoder->failed) return STATUS_CORRUPT;
    switch (property->tag) {
#define X(tag_number, text, field)                                                                                     \
    case tag_number: property->name = text; break;
        NUMBER_LIST(X)
        RARE_LIST(X)
#undef X
    case TAG_FIRST: property->name = "first"; break;
    case TAG_LAST: property->name = "last"; break;
    case TAG_DICTIONARY: property->name = "dictionary"; break;
    default: break;
    }
    property->is_number = (property->tag >= 1 && property->tag <= TAG_NUMBERS) ||
                          (property->tag >= TAG_RARE_FIRST && property->tag <= TAG_RARE_LAST);
    if (!property->is_number) return STATUS_OK;
    struct decoder number = decoder_make(property->value);
    property->number = decode_varint(&number);
    return decoder_finished(&number) ? STATUS_OK : STATUS_CORRUPT;
}

/* Enumerations and flags hold what this version knows; the rest was checked by its type. */
static bool properties_are_sound(const struct sst_properties *properties) {
    return (unsigned)properties->codec < CODEC_COUNT && properties->deletes <= properties->entries &&
           properties->merges <= properties->entries && properties->appends <= properties->entries &&
           properties->references <= properties->entries && properties->first_sequence <= properties->last_sequence &&
           properties->last_sequence <= ENTRY_SEQUENCE_MAX;
}

enum status sst_properties_decode(struct slice raw, struct sst_properties *properties) {
    *properties = (struct sst_properties){0};
    struct decoder decoder = decoder_make(raw);
    struct sst_property property;
    uint64_t before = 0;
    enum status status;
    while ((status = sst_property_next(&decoder, &property)) == STATUS_OK) {
        if (property.tag <= before) return STATUS_CORRUPT;
        before = property.tag;
        switch (property.tag) {
#define X(tag, name, field)                                                                                            \
    case tag:                                                                                                          \
        properties->field = (__typeof__(properties->field))property.number;                                            \
        if ((uint64_t)properties->field != property.number) return STATUS_CORRUPT;                                     \
        break;
            NUMBER_LIST(X)
            RARE_LIST(X)
#undef X
        case TAG_FIRST: properties->first = property.value; break;
        case TAG_LAST: properties->last = property.value; break;
        case TAG_DICTIONARY:
            if (property.value.size != SST_INDEX_VALUE_BYTES) return STATUS_CORRUPT;
            properties->dictionary = sst_handle_decode(property.value.data);
            if (properties->dictionary.offset != SST_HEADER_BYTES || properties->dictionary.size == 0)
                return STATUS_CORRUPT;
            break;
        default: break;
        }
    }
    if (status != STATUS_END) return status;
    return properties_are_sound(properties) ? STATUS_OK : STATUS_CORRUPT;
}
