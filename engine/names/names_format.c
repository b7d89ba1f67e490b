/* names_format: encoders beside their decoders; engine/names/FORMAT.md is the specification. */
#include "engine/names/names_format.h"

#include "engine/base/coding.h"
#include "engine/base/hash.h"

uint64_t names_hash_of(uint64_t seed, struct slice name) {
    return hash64(name, seed) >> 1;
}

static enum status encode_prefixed(struct buf *key, uint64_t prefix, struct slice name) {
    uint8_t bytes[8];
    coding_put_key_u64(bytes, prefix);
    buf_clear(key);
    enum status status = buf_append(key, bytes, sizeof bytes);
    return status ? status : buf_append_slice(key, name);
}

static enum status decode_prefixed(struct slice key, uint64_t *prefix, struct slice *name) {
    if (key.size < 8) return STATUS_CORRUPT;
    *prefix = coding_get_key_u64(key.data);
    *name = slice_from(key, 8);
    return STATUS_OK;
}

enum status names_encode_key(struct buf *key, uint64_t hash, struct slice name) {
    return encode_prefixed(key, hash, name);
}

enum status names_decode_key(struct slice key, uint64_t *hash, struct slice *name) {
    return decode_prefixed(key, hash, name);
}

enum status names_encode_expiry(struct buf *key, int64_t expire_ms, struct slice name) {
    return encode_prefixed(key, (uint64_t)expire_ms, name);
}

enum status names_decode_expiry(struct slice key, int64_t *expire_ms, struct slice *name) {
    uint64_t bits = 0;
    enum status status = decode_prefixed(key, &bits, name);
    *expire_ms = (int64_t)bits;
    return status;
}

enum status names_encode_row(struct buf *to, const struct name_row *row) {
    uint8_t flags = (uint8_t)((row->expire_ms ? NAME_ROW_HAS_EXPIRY : 0) | (row->object ? NAME_ROW_HAS_OBJECT : 0));
    enum status status = encode_u8(to, row->type);
    if (status == STATUS_OK) status = encode_u8(to, flags);
    if (status == STATUS_OK && row->expire_ms) status = encode_u64(to, (uint64_t)row->expire_ms);
    if (status == STATUS_OK && row->object) status = encode_varint(to, row->object);
    return status ? status : buf_append_slice(to, row->value);
}

enum status names_decode_row(struct slice data, struct name_row *row) {
    struct decoder decoder = decoder_make(data);
    *row = (struct name_row){.type = decode_u8(&decoder)};
    uint8_t flags = decode_u8(&decoder);
    if (flags & ~NAME_ROW_KNOWN_FLAGS) return STATUS_VERSION;
    if (flags & NAME_ROW_HAS_EXPIRY) row->expire_ms = (int64_t)decode_u64(&decoder);
    if (flags & NAME_ROW_HAS_OBJECT) row->object = decode_varint(&decoder);
    row->value = decode_bytes(&decoder, decoder_left(&decoder));
    bool expiry_sound = !(flags & NAME_ROW_HAS_EXPIRY) || row->expire_ms > 0;
    bool object_sound = !(flags & NAME_ROW_HAS_OBJECT) || row->object > 0;
    return decoder_finished(&decoder) && row->type != 0 && expiry_sound && object_sound ? STATUS_OK : STATUS_CORRUPT;
}

struct slice names_count_key(void) {
    return slice_from_text("count");
}

/* A due string's row holds nothing that anybody may still see. A row with an object stays until a reap has deleted the
 * object's rows. */
static enum engine_filter_decision names_filter_decide(void *context, struct slice key, struct slice value,
                                                       int64_t mark_time_ms) {
    (void)context;
    (void)key;
    struct name_row row;
    if (names_decode_row(value, &row) != STATUS_OK) return ENGINE_KEEP;
    return names_row_is_due(&row, mark_time_ms) && row.object == 0 ? ENGINE_DROP : ENGINE_KEEP;
}

static const struct engine_filter names_filter = {.name = "names.expiry", .decide = names_filter_decide};

const struct engine_tree_kind names_kinds[] = {
    {.id = KIND_NAMES,
     .name = "names",
     .upper = ENGINE_COMPRESSION_LZ4,
     .bottom = ENGINE_COMPRESSION_LZ4,
     .filter_bits_per_key = 10,
     .filter = &names_filter},
    {.id = KIND_NAMES_EXPIRY,
     .name = "names.expiry",
     .upper = ENGINE_COMPRESSION_LZ4,
     .bottom = ENGINE_COMPRESSION_LZ4},
    {.id = KIND_NAMES_META, .name = "names.meta"},
};
const size_t names_kind_count = sizeof names_kinds / sizeof names_kinds[0];
