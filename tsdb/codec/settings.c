/* settings: see settings.h. */
#include "tsdb/codec/settings.h"

#include <strings.h>

enum { GIVEN_ALL = TSDB_RETENTION | TSDB_CHUNK_SIZE | TSDB_DUPLICATE_POLICY | TSDB_LABELS };

static const char *const policy_names[] = {
    [TSDB_POLICY_NONE] = NULL,   [TSDB_POLICY_BLOCK] = "block", [TSDB_POLICY_FIRST] = "first",
    [TSDB_POLICY_LAST] = "last", [TSDB_POLICY_MIN] = "min",     [TSDB_POLICY_MAX] = "max",
    [TSDB_POLICY_SUM] = "sum",
};
enum { POLICY_COUNT = sizeof policy_names / sizeof policy_names[0] };

const char *tsdb_policy_name(enum tsdb_policy policy) {
    return (unsigned)policy < POLICY_COUNT && policy_names[policy] ? policy_names[policy] : "unknown";
}

bool tsdb_policy_parse(struct slice text, enum tsdb_policy *policy) {
    for (int i = TSDB_POLICY_BLOCK; i < POLICY_COUNT; i++) {
        size_t size = strlen(policy_names[i]);
        if (text.size != size || strncasecmp((const char *)text.data, policy_names[i], size) != 0) continue;
        *policy = (enum tsdb_policy)i;
        return true;
    }
    return false;
}

static bool chunk_size_is_valid(uint64_t bytes) {
    return bytes >= TSDB_CHUNK_MIN_BYTES && bytes <= TSDB_CHUNK_MAX_BYTES && bytes % 8 == 0;
}

static bool is_label_text(struct slice text) {
    return text.size > 0 && text.size <= TSDB_LABEL_MAX_BYTES;
}

static enum status check_label_text(struct slice text) {
    if (text.size == 0) return STATUS_INVALID;
    return text.size > TSDB_LABEL_MAX_BYTES ? STATUS_TOO_LARGE : STATUS_OK;
}

enum status settings_check(const struct tsdb_settings *settings) {
    uint32_t given = settings->given;
    if (given & ~(uint32_t)GIVEN_ALL) return STATUS_INVALID;
    if (given & TSDB_RETENTION && settings->retention_ms > INT64_MAX) return STATUS_INVALID;
    if (given & TSDB_CHUNK_SIZE && !chunk_size_is_valid(settings->chunk_bytes)) return STATUS_INVALID;
    if (given & TSDB_DUPLICATE_POLICY && (unsigned)settings->policy > TSDB_POLICY_SUM) return STATUS_INVALID;
    if (!(given & TSDB_LABELS)) return STATUS_OK;
    if (settings->label_count > TSDB_LABELS_MAX) return STATUS_TOO_LARGE;
    for (size_t i = 0; i < settings->label_count; i++) {
        enum status status = check_label_text(settings->labels[i].name);
        if (status == STATUS_OK) status = check_label_text(settings->labels[i].value);
        if (status) return status;
    }
    return STATUS_OK;
}

enum status settings_encode(struct buf *to, const struct tsdb_settings *settings) {
    uint32_t given = settings->given;
    enum status status = encode_u8(to, (uint8_t)given);
    if (status == STATUS_OK && given & TSDB_RETENTION) status = encode_varint(to, settings->retention_ms);
    if (status == STATUS_OK && given & TSDB_CHUNK_SIZE) status = encode_varint(to, settings->chunk_bytes);
    if (status == STATUS_OK && given & TSDB_DUPLICATE_POLICY) status = encode_u8(to, (uint8_t)settings->policy);
    if (!(given & TSDB_LABELS)) return status;
    if (status == STATUS_OK) status = encode_varint(to, settings->label_count);
    for (size_t i = 0; status == STATUS_OK && i < settings->label_count; i++) {
        status = encode_string(to, settings->labels[i].name);
        if (status == STATUS_OK) status = encode_string(to, settings->labels[i].value);
    }
    return status;
}

static void decode_labels(struct decoder *decoder, struct tsdb_settings *settings, struct decoder *labels) {
    uint64_t count = decode_varint(decoder);
    if (count > TSDB_LABELS_MAX) decoder->failed = true;
    settings->label_count = decoder->failed ? 0 : (size_t)count;
    *labels = *decoder;
    for (size_t i = 0; i < 2 * settings->label_count && !decoder->failed; i++)
        if (!is_label_text(decode_string(decoder))) decoder->failed = true;
}

void settings_decode(struct decoder *decoder, struct tsdb_settings *settings, struct decoder *labels) {
    *settings = (struct tsdb_settings){.given = decode_u8(decoder), .chunk_bytes = TSDB_CHUNK_DEFAULT_BYTES};
    uint32_t given = settings->given;
    *labels = (struct decoder){0};
    if (given & ~(uint32_t)GIVEN_ALL) decoder->failed = true;
    if (given & TSDB_RETENTION) settings->retention_ms = decode_varint(decoder);
    if (given & TSDB_CHUNK_SIZE) {
        uint64_t bytes = decode_varint(decoder);
        if (!chunk_size_is_valid(bytes)) decoder->failed = true;
        settings->chunk_bytes = (uint32_t)bytes;
    }
    if (given & TSDB_DUPLICATE_POLICY) settings->policy = (enum tsdb_policy)decode_u8(decoder);
    if (settings->retention_ms > INT64_MAX || (unsigned)settings->policy > TSDB_POLICY_SUM) decoder->failed = true;
    if (given & TSDB_LABELS) decode_labels(decoder, settings, labels);
}
