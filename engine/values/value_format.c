/* value_format: see value_format.h. Invariant: decode(encode(x)) = x, and every byte is covered by a check that knows
 * its file and place. */
#include "engine/values/value_format.h"

#include <inttypes.h>

#include "engine/base/hash.h"
#include "engine/sst/sst_format.h"

static const char header_magic[8] = {'l', 'o', 'a', 'm', '.', 'v', 'a', 'l'};
static const char footer_magic[8] = {'l', 'o', 'a', 'm', '.', 'v', 'n', 'd'};

/* ---- Reference --------------------------------------------------------------------------------------------------- */

void value_reference_encode(uint8_t to[VALUE_REFERENCE_BYTES], const struct value_reference *reference) {
    coding_put_u64(to, reference->file);
    coding_put_u64(to + 8, reference->offset);
    coding_put_u32(to + 16, reference->bytes);
    coding_put_u64(to + 20, reference->check);
}

enum status value_reference_decode(struct slice bytes, struct value_reference *reference) {
    if (bytes.size != VALUE_REFERENCE_BYTES) return STATUS_CORRUPT;
    reference->file = coding_get_u64(bytes.data);
    reference->offset = coding_get_u64(bytes.data + 8);
    reference->bytes = coding_get_u32(bytes.data + 16);
    reference->check = coding_get_u64(bytes.data + 20);
    const bool fits = reference->offset >= VALUE_HEADER_BYTES && reference->bytes >= VALUE_RECORD_HEADER_BYTES;
    return fits ? STATUS_OK : STATUS_CORRUPT;
}

enum status value_count_next(struct decoder *decoder, struct value_count *count) {
    if (decoder_left(decoder) == 0) return STATUS_END;
    count->number = decode_varint(decoder);
    count->records = decode_varint(decoder);
    count->bytes = decode_varint(decoder);
    return decoder->failed || count->records == 0 ? STATUS_CORRUPT : STATUS_OK;
}

enum status value_count_encode(struct buf *to, const struct value_count *count) {
    enum status status = encode_varint(to, count->number);
    if (status == STATUS_OK) status = encode_varint(to, count->records);
    return status == STATUS_OK ? encode_varint(to, count->bytes) : status;
}

/* ---- Header and footer ------------------------------------------------------------------------------------------- */

void value_header_encode(uint8_t to[VALUE_HEADER_BYTES], const struct sst_identity *identity) {
    memset(to, 0, VALUE_HEADER_BYTES);
    memcpy(to, header_magic, sizeof header_magic);
    coding_put_u32(to + 8, VALUE_VERSION);
    coding_put_u32(to + 12, VALUE_HEADER_BYTES);
    coding_put_u64(to + 16, identity->store);
    coding_put_u64(to + 24, identity->file);
    coding_put_u64(to + 56, hash64(slice_make(to, 56), sst_seed(identity, 0)));
}

static enum status refuse_version(uint32_t version, struct error *error) {
    return error_set(error, STATUS_VERSION, "a file of values of version %" PRIu32 "; this one reads %d", version,
                     VALUE_VERSION);
}

enum status value_header_decode(struct slice bytes, struct sst_identity *identity, struct error *error) {
    if (bytes.size < VALUE_HEADER_BYTES || memcmp(bytes.data, header_magic, sizeof header_magic) != 0)
        return error_set(error, STATUS_CORRUPT, "not a file of values");
    const uint32_t version = coding_get_u32(bytes.data + 8);
    identity->store = coding_get_u64(bytes.data + 16);
    identity->file = coding_get_u64(bytes.data + 24);
    if (coding_get_u64(bytes.data + 56) != hash64(slice_make(bytes.data, 56), sst_seed(identity, 0)))
        return error_set(error, STATUS_CORRUPT, "the header does not verify");
    if (version != VALUE_VERSION) return refuse_version(version, error);
    if (coding_get_u32(bytes.data + 32) != 0)
        return error_set(error, STATUS_VERSION, "it needs features that this version does not have");
    for (unsigned i = 36; i < 56; i++)
        if (bytes.data[i]) return error_set(error, STATUS_CORRUPT, "the header is malformed");
    if (coding_get_u32(bytes.data + 12) != VALUE_HEADER_BYTES)
        return error_set(error, STATUS_CORRUPT, "the header is malformed");
    return STATUS_OK;
}

void value_footer_encode(uint8_t to[VALUE_FOOTER_BYTES], const struct value_footer *footer) {
    memset(to, 0, VALUE_FOOTER_BYTES);
    memcpy(to + 8, footer_magic, sizeof footer_magic);
    coding_put_u32(to + 16, VALUE_VERSION);
    coding_put_u64(to + 24, footer->records);
    coding_put_u64(to + 32, footer->value_bytes);
    coding_put_u64(to + 40, footer->file_bytes);
    coding_put_u64(to + 48, footer->identity.store);
    coding_put_u64(to + 56, footer->identity.file);
    const uint64_t seed = sst_seed(&footer->identity, footer->file_bytes - VALUE_FOOTER_BYTES);
    coding_put_u64(to, hash64(slice_make(to + 8, VALUE_FOOTER_BYTES - 8), seed));
}

enum status value_footer_decode(struct slice bytes, uint64_t file_bytes, struct value_footer *footer,
                                struct error *error) {
    if (bytes.size != VALUE_FOOTER_BYTES || memcmp(bytes.data + 8, footer_magic, sizeof footer_magic) != 0)
        return error_set(error, STATUS_CORRUPT, "the file has no end");
    footer->records = coding_get_u64(bytes.data + 24);
    footer->value_bytes = coding_get_u64(bytes.data + 32);
    footer->file_bytes = coding_get_u64(bytes.data + 40);
    footer->identity.store = coding_get_u64(bytes.data + 48);
    footer->identity.file = coding_get_u64(bytes.data + 56);
    const uint64_t seed = sst_seed(&footer->identity, file_bytes - VALUE_FOOTER_BYTES);
    if (coding_get_u64(bytes.data) != hash64(slice_from(bytes, 8), seed))
        return error_set(error, STATUS_CORRUPT, "the footer does not verify");
    if (coding_get_u32(bytes.data + 16) != VALUE_VERSION) return refuse_version(coding_get_u32(bytes.data + 16), error);
    if (footer->file_bytes != file_bytes || coding_get_u32(bytes.data + 20) != 0)
        return error_set(error, STATUS_CORRUPT, "the footer is malformed");
    return STATUS_OK;
}

/* ---- Record ------------------------------------------------------------------------------------------------------ */

enum status value_record_encode(struct buf *to, struct codec *codec, enum codec_id id, struct slice key,
                                struct slice value, const struct sst_identity *identity, uint64_t offset,
                                struct value_reference *reference) {
    if (key.size > VALUE_KEY_MAX_BYTES || value.size > VALUE_RAW_MAX_BYTES) return STATUS_TOO_LARGE;
    static const uint8_t zeros[VALUE_RECORD_HEADER_BYTES];
    const size_t at = to->size;
    enum codec_id used = CODEC_NONE;
    enum status status = buf_append(to, zeros, sizeof zeros);
    if (status == STATUS_OK) status = buf_append_slice(to, key);
    const size_t payload = to->size;
    if (status == STATUS_OK && id != CODEC_NONE) status = codec_compress(codec, id, 0, value, to, &used);
    if (status == STATUS_OK && used == CODEC_NONE) status = buf_append_slice(to, value);
    if (status != STATUS_OK) {
        to->size = at;
        return status;
    }
    uint8_t *head = to->data + at;
    coding_put_u32(head + 8, (uint32_t)(to->size - payload));
    coding_put_u32(head + 12, (uint32_t)value.size);
    coding_put_u32(head + 16, (uint32_t)key.size);
    head[20] = (uint8_t)used;
    const uint64_t check = hash64(slice_make(head + 8, to->size - at - 8), sst_seed(identity, offset));
    coding_put_u64(head, check);
    *reference = (struct value_reference){
        .file = identity->file, .offset = offset, .bytes = (uint32_t)(to->size - at), .check = check};
    return STATUS_OK;
}

enum status value_record_peek(struct slice bytes, struct value_record *record, size_t *size) {
    if (bytes.size < VALUE_RECORD_HEADER_BYTES) return STATUS_CORRUPT;
    const uint32_t stored = coding_get_u32(bytes.data + 8), key = coding_get_u32(bytes.data + 16);
    record->check = coding_get_u64(bytes.data);
    record->raw_bytes = coding_get_u32(bytes.data + 12);
    record->codec = (enum codec_id)bytes.data[20];
    if (key > VALUE_KEY_MAX_BYTES || record->raw_bytes > VALUE_RAW_MAX_BYTES || stored > record->raw_bytes ||
        bytes.data[20] >= CODEC_COUNT || bytes.data[21] || bytes.data[22] || bytes.data[23])
        return STATUS_CORRUPT;
    if (record->codec == CODEC_NONE && stored != record->raw_bytes) return STATUS_CORRUPT;
    *size = VALUE_RECORD_HEADER_BYTES + (size_t)key + stored;
    record->key = record->payload = slice_make(NULL, 0);
    if (bytes.size < *size) return STATUS_OK;
    record->key = slice_make(bytes.data + VALUE_RECORD_HEADER_BYTES, key);
    record->payload = slice_make(bytes.data + VALUE_RECORD_HEADER_BYTES + key, stored);
    return STATUS_OK;
}

enum status value_record_decode(struct slice bytes, const struct sst_identity *identity, uint64_t offset,
                                struct value_record *record) {
    size_t size = 0;
    const enum status status = value_record_peek(bytes, record, &size);
    if (status != STATUS_OK) return status;
    if (size != bytes.size || hash64(slice_from(bytes, 8), sst_seed(identity, offset)) != record->check)
        return STATUS_CORRUPT;
    return STATUS_OK;
}
