/* rows: see rows.h. */
#include "tsdb/codec/rows.h"

enum { SERIES_ROW_VERSION = 1, ESCAPE_ZERO = 0xff, ESCAPE_END = 0x01 };

struct series_key series_key_make(uint64_t series) {
    struct series_key key;
    coding_put_key_u64(key.bytes, series);
    return key;
}

enum status series_key_decode(struct slice key, uint64_t *series) {
    if (key.size != SERIES_KEY_BYTES) return STATUS_CORRUPT;
    *series = coding_get_key_u64(key.data);
    return *series ? STATUS_OK : STATUS_CORRUPT;
}

/* The sign bit is turned over, so that unsigned byte order is the order of signed times. */
static const uint64_t sign_bit = (uint64_t)1 << 63;

struct chunk_key chunk_key_make(uint64_t series, int64_t first_ms) {
    struct chunk_key key;
    coding_put_key_u64(key.bytes, series);
    coding_put_key_u64(key.bytes + SERIES_KEY_BYTES, (uint64_t)first_ms ^ sign_bit);
    return key;
}

enum status chunk_key_decode(struct slice key, uint64_t *series, int64_t *first_ms) {
    if (key.size != CHUNK_KEY_BYTES) return STATUS_CORRUPT;
    *series = coding_get_key_u64(key.data);
    *first_ms = (int64_t)(coding_get_key_u64(key.data + SERIES_KEY_BYTES) ^ sign_bit);
    return *series ? STATUS_OK : STATUS_CORRUPT;
}

struct chunk_range chunk_range_make(uint64_t series) {
    struct chunk_range range = {.end_size = series == UINT64_MAX ? 0 : SERIES_KEY_BYTES};
    coding_put_key_u64(range.begin, series);
    coding_put_key_u64(range.end, series + 1);
    return range;
}

/* ---- the row of a series ----------------------------------------------------------------------------------------- */

enum status series_row_encode(struct buf *to, struct slice name, const struct tsdb_settings *settings) {
    enum status status = encode_u8(to, SERIES_ROW_VERSION);
    if (status == STATUS_OK) status = encode_string(to, name);
    return status ? status : settings_encode(to, settings);
}

enum status series_row_decode(struct slice data, struct series_row *row) {
    struct decoder decoder = decoder_make(data);
    uint8_t version = decode_u8(&decoder);
    if (!decoder.failed && version > SERIES_ROW_VERSION) return STATUS_VERSION;
    row->name = decode_string(&decoder);
    settings_decode(&decoder, &row->settings, &row->labels);
    return version == SERIES_ROW_VERSION && decoder_finished(&decoder) ? STATUS_OK : STATUS_CORRUPT;
}

struct tsdb_label series_row_next_label(struct series_row *row) {
    struct tsdb_label label;
    label.name = decode_string(&row->labels);
    label.value = decode_string(&row->labels);
    return label;
}

/* ---- postings ---------------------------------------------------------------------------------------------------- */

/* A zero byte becomes 00 ff, the end 00 01: a text sorts before those that it begins. */
static enum status append_escaped(struct buf *to, struct slice text) {
    static const uint8_t zero[] = {0, ESCAPE_ZERO}, end[] = {0, ESCAPE_END};
    enum status status = STATUS_OK;
    while (status == STATUS_OK && text.size) {
        const uint8_t *found = memchr(text.data, 0, text.size);
        size_t plain = found ? (size_t)(found - text.data) : text.size;
        status = buf_append(to, text.data, plain);
        if (status == STATUS_OK && found) status = buf_append(to, zero, sizeof zero);
        text = slice_from(text, plain + (found ? 1 : 0));
    }
    return status ? status : buf_append(to, end, sizeof end);
}

enum status label_prefix_encode(struct buf *prefix, struct slice name, struct slice value) {
    buf_clear(prefix);
    enum status status = append_escaped(prefix, name);
    return status ? status : append_escaped(prefix, value);
}

enum status label_key_encode(struct buf *key, const struct tsdb_label *label, uint64_t series) {
    enum status status = label_prefix_encode(key, label->name, label->value);
    struct series_key id = series_key_make(series);
    return status ? status : buf_append(key, id.bytes, sizeof id.bytes);
}

enum status label_text_decode(struct decoder *decoder, struct buf *to) {
    buf_clear(to);
    while (!decoder->failed) {
        uint8_t byte = decode_u8(decoder);
        uint8_t after = byte == 0 ? decode_u8(decoder) : ESCAPE_ZERO;
        if (decoder->failed) break;
        if (after == ESCAPE_END) return STATUS_OK;
        if (after != ESCAPE_ZERO) break;
        enum status status = buf_append_byte(to, byte);
        if (status) return status;
    }
    return STATUS_CORRUPT;
}

enum status label_key_decode(struct slice key, struct buf *name, struct buf *value, uint64_t *series) {
    struct decoder decoder = decoder_make(key);
    enum status status = label_text_decode(&decoder, name);
    if (status == STATUS_OK) status = label_text_decode(&decoder, value);
    if (status) return status;
    return series_key_decode(decode_bytes(&decoder, decoder_left(&decoder)), series);
}
