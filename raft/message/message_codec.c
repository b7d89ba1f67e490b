/* message_codec: encoder beside decoder; raft/message/FORMAT.md is the specification. */
#include "raft/message/message_codec.h"

/* Fields that a kind carries behind {kind, from, to, term}; each is a varint, in the order of the bits. */
enum field {
    FIELD_INDEX = 1 << 0,
    FIELD_LOG_TERM = 1 << 1,
    FIELD_COMMIT = 1 << 2,
    FIELD_REJECT = 1 << 3,
    FIELD_HINT_INDEX = 1 << 4,
    FIELD_HINT_TERM = 1 << 5,
    FIELD_ROUND = 1 << 6,
    FIELD_CONTEXT = 1 << 7,
    FIELD_LIFE = 1 << 8,
    FIELD_CLOCK = 1 << 9,
    FIELD_LOG_TIME = 1 << 10,
    FIELD_ENTRIES = 1 << 11,       /* count, then kind byte, term, string each */
    FIELD_CONFIGURATION = 1 << 12, /* string */
    FIELD_HANDED = 1 << 13,        /* 1, or not there */
    FIELD_LOST = 1 << 14,          /* the same */
};

static const uint16_t fields_of_kind[] = {
    [RAFT_PRE_VOTE] = FIELD_INDEX | FIELD_LOG_TERM,
    [RAFT_PRE_VOTE_REPLY] = FIELD_COMMIT | FIELD_REJECT | FIELD_HINT_TERM,
    [RAFT_VOTE] = FIELD_INDEX | FIELD_LOG_TERM | FIELD_HANDED,
    [RAFT_VOTE_REPLY] = FIELD_COMMIT | FIELD_REJECT | FIELD_HINT_TERM,
    [RAFT_APPEND] = FIELD_INDEX | FIELD_LOG_TERM | FIELD_COMMIT | FIELD_LOG_TIME | FIELD_ENTRIES,
    [RAFT_APPEND_REPLY] =
        FIELD_INDEX | FIELD_COMMIT | FIELD_REJECT | FIELD_HINT_INDEX | FIELD_HINT_TERM | FIELD_CLOCK | FIELD_LOST,
    [RAFT_HEARTBEAT] = FIELD_COMMIT | FIELD_ROUND | FIELD_LOG_TIME,
    [RAFT_HEARTBEAT_REPLY] = FIELD_COMMIT | FIELD_ROUND | FIELD_CLOCK,
    [RAFT_SNAPSHOT] = FIELD_INDEX | FIELD_LOG_TERM | FIELD_CONFIGURATION,
    [RAFT_READ] = FIELD_CONTEXT | FIELD_LIFE,
    [RAFT_READ_REPLY] = FIELD_INDEX | FIELD_CONTEXT | FIELD_LIFE,
    [RAFT_TIMEOUT_NOW] = 0,
};
enum { KIND_COUNT = sizeof fields_of_kind / sizeof fields_of_kind[0] };

/* The plain fields of a message in the order of their bits; both ways go through this one list. */
enum { PLAIN_FIELDS = 11 };

static void gather(const struct raft_message *message, uint64_t values[PLAIN_FIELDS]) {
    values[0] = message->index;
    values[1] = message->log_term;
    values[2] = message->commit;
    values[3] = message->reject;
    values[4] = message->hint_index;
    values[5] = message->hint_term;
    values[6] = message->round;
    values[7] = message->context;
    values[8] = message->life;
    values[9] = message->clock_ms;
    values[10] = message->log_time_ms;
}

static void scatter(struct raft_message *message, const uint64_t values[PLAIN_FIELDS]) {
    message->index = values[0];
    message->log_term = values[1];
    message->commit = values[2];
    message->reject = values[3] != 0;
    message->hint_index = values[4];
    message->hint_term = values[5];
    message->round = values[6];
    message->context = values[7];
    message->life = values[8];
    message->clock_ms = values[9];
    message->log_time_ms = values[10];
}

static enum status encode_entries(struct buf *to, const struct raft_entry *entries, unsigned count) {
    enum status status = encode_varint(to, count);
    for (unsigned i = 0; status == STATUS_OK && i < count; i++) {
        status = encode_u8(to, (uint8_t)entries[i].kind);
        if (status == STATUS_OK) status = encode_varint(to, entries[i].term);
        if (status == STATUS_OK) status = encode_string(to, entries[i].bytes);
    }
    return status;
}

static enum status encode_configuration(struct buf *to, const struct raft_configuration *configuration) {
    uint8_t bytes[RAFT_CONFIGURATION_BYTES_MAX];
    return encode_string(to, slice_make(bytes, raft_configuration_encode(configuration, bytes)));
}

enum status message_encode(struct buf *to, const struct raft_message *message, const struct raft_entry *entries) {
    unsigned fields = fields_of_kind[message->kind];
    uint64_t values[PLAIN_FIELDS];
    gather(message, values);
    enum status status = encode_u8(to, (uint8_t)message->kind);
    if (status == STATUS_OK) status = encode_varint(to, message->from);
    if (status == STATUS_OK) status = encode_varint(to, message->to);
    if (status == STATUS_OK) status = encode_varint(to, message->term);
    for (int i = 0; status == STATUS_OK && i < PLAIN_FIELDS; i++)
        if (fields >> i & 1) status = encode_varint(to, values[i]);
    if (status == STATUS_OK && fields & FIELD_ENTRIES) status = encode_entries(to, entries, message->entry_count);
    if (status == STATUS_OK && fields & FIELD_CONFIGURATION) status = encode_configuration(to, message->configuration);
    if (status == STATUS_OK && fields & FIELD_HANDED && message->handed) status = encode_u8(to, 1);
    if (status == STATUS_OK && fields & FIELD_LOST && message->lost) status = encode_u8(to, 1);
    return status;
}

static enum status decode_entries(struct decoder *decoder, struct raft_message *message, struct raft_entry *entries,
                                  unsigned capacity) {
    uint64_t count = decode_varint(decoder);
    if (decoder->failed || count > decoder_left(decoder)) return STATUS_CORRUPT;
    if (count > capacity) return STATUS_TOO_LARGE;
    for (uint64_t i = 0; i < count; i++) {
        uint8_t kind = decode_u8(decoder);
        entries[i].kind = (enum raft_entry_kind)kind;
        entries[i].term = decode_varint(decoder);
        entries[i].bytes = decode_string(decoder);
        if (kind < RAFT_ENTRY_NOOP || kind > RAFT_ENTRY_CONFIGURATION) return STATUS_CORRUPT;
    }
    message->entry_count = (unsigned)count;
    message->entries = entries;
    return STATUS_OK;
}

enum status message_decode(struct slice bytes, struct raft_message *message, struct raft_entry *entries,
                           unsigned capacity, struct raft_configuration *configuration) {
    struct decoder decoder = decoder_make(bytes);
    uint64_t values[PLAIN_FIELDS] = {0};
    *message = (struct raft_message){0};
    uint8_t kind = decode_u8(&decoder);
    if (decoder.failed) return STATUS_CORRUPT;
    if (kind >= KIND_COUNT || kind < RAFT_PRE_VOTE) return STATUS_UNSUPPORTED;
    unsigned fields = fields_of_kind[kind];
    message->kind = (enum raft_message_kind)kind;
    message->from = decode_varint(&decoder);
    message->to = decode_varint(&decoder);
    message->term = decode_varint(&decoder);
    for (int i = 0; i < PLAIN_FIELDS; i++)
        if (fields >> i & 1) values[i] = decode_varint(&decoder);
    if (values[3] > 1) return STATUS_CORRUPT;
    scatter(message, values);
    enum status status = STATUS_OK;
    if (fields & FIELD_ENTRIES) status = decode_entries(&decoder, message, entries, capacity);
    if (status == STATUS_OK && fields & FIELD_CONFIGURATION) {
        status = raft_configuration_decode(decode_string(&decoder), configuration);
        message->configuration = configuration;
    }
    if (status) return status;
    if (fields & FIELD_HANDED && decoder_left(&decoder) > 0) {
        message->handed = decode_u8(&decoder) == 1;
        if (!message->handed) return STATUS_CORRUPT;
    }
    if (fields & FIELD_LOST && decoder_left(&decoder) > 0) {
        message->lost = decode_u8(&decoder) == 1;
        if (!message->lost) return STATUS_CORRUPT;
    }
    return decoder_finished(&decoder) ? STATUS_OK : STATUS_CORRUPT;
}
