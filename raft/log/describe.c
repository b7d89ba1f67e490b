/* describe: see raft/describe.h. The decoders of the formats have the last word on what is sound. */
#include "raft/describe.h"

#include <inttypes.h>

#include "engine/names.h"
#include "raft/log/envelope.h"
#include "raft/log/raft_log.h"
#include "raft/log/system_row.h"

/* ---- Configurations ---------------------------------------------------------------------------------------------- */

static void configuration_set(struct fields *fields, const char *counted, const char *name) {
    const uint8_t count = fields_u8(fields, counted);
    for (unsigned i = 0; i < count && !fields->decoder.failed; i++) (void)fields_u64(fields, name);
}

static void describe_configuration(struct fields *fields) {
    struct raft_configuration configuration;
    fields_judge(fields, raft_configuration_decode(fields_left(fields), &configuration));
    (void)fields_u8(fields, "version");
    const uint8_t flags = decode_u8(&fields->decoder);
    fields_tell(fields, "flags", "%u%s", flags, flags & 1 ? ": leaves the joint configuration by itself" : "");
    configuration_set(fields, "voters", "voter");
    configuration_set(fields, "outgoing voters", "outgoing voter");
    configuration_set(fields, "learners", "learner");
    configuration_set(fields, "next learners", "next learner");
}

/* ---- Rows of the system tree ------------------------------------------------------------------------------------- */

static const char *tag_text(uint8_t tag) {
    switch (tag) {
    case SYSTEM_ROW_SESSION: return "a session";
    case SYSTEM_ROW_REPLY: return "a kept reply";
    case SYSTEM_ROW_MEMBER: return "a member";
    case SYSTEM_ROW_CONFIGURATION: return "the configuration in force";
    case SYSTEM_ROW_CHAIN: return "the last entry in the files, and the chain";
    default: return NULL;
    }
}

static size_t key_bytes(uint8_t tag) {
    switch (tag) {
    case SYSTEM_ROW_SESSION: return SESSION_KEY_BYTES;
    case SYSTEM_ROW_REPLY: return REPLY_KEY_BYTES;
    case SYSTEM_ROW_MEMBER: return MEMBER_KEY_BYTES;
    default: return 1;
    }
}

static void system_key(struct fields *fields) {
    const size_t size = decoder_left(&fields->decoder);
    const uint8_t tag = decode_u8(&fields->decoder);
    if (!tag_text(tag) || size != key_bytes(tag)) {
        fields_fault(fields, "not a key of the system tree");
        return;
    }
    fields_tell(fields, "what", "%s", tag_text(tag));
    if (tag == SYSTEM_ROW_SESSION || tag == SYSTEM_ROW_REPLY) (void)fields_key_u64(fields, "session");
    if (tag == SYSTEM_ROW_REPLY) (void)fields_key_u32(fields, "slot");
    if (tag == SYSTEM_ROW_MEMBER) (void)fields_key_u64(fields, "node");
}

static void chain_value(struct fields *fields) {
    (void)fields_u64(fields, "index");
    const uint64_t chain = decode_u64(&fields->decoder);
    fields_tell(fields, "chain", "%016" PRIx64, chain);
}

static void session_value(struct fields *fields) {
    uint64_t node = 0;
    fields_judge(fields, session_row_decode(fields_left(fields), &node));
    (void)fields_u8(fields, "version");
    (void)fields_varint(fields, "node");
}

static void reply_value(struct fields *fields) {
    struct reply_row row;
    fields_judge(fields, reply_row_decode(fields_left(fields), &row));
    (void)fields_u8(fields, "version");
    (void)fields_varint(fields, "serial");
    (void)fields_varint(fields, "index");
    const uint8_t kind = decode_u8(&fields->decoder);
    fields_tell(fields, "kept", "%s", kind == REPLY_KEPT ? "yes" : "no: it was too large");
    (void)fields_rest(fields, "reply");
}

static void address(struct fields *fields, const char *name) {
    const uint8_t size = fields_u8(fields, "length");
    (void)fields_text(fields, size, name);
}

static void member_value(struct fields *fields) {
    struct raft_member member;
    fields_judge(fields, system_member_decode(fields_left(fields), &member));
    (void)fields_u8(fields, "version");
    (void)fields_u64(fields, "node");
    const uint64_t incarnation = decode_u64(&fields->decoder);
    fields_tell(fields, "incarnation", "%016" PRIx64, incarnation);
    address(fields, "address for peers");
    address(fields, "address for clients");
}

static void system_value(struct fields *fields, struct slice key, enum row_form form) {
    if (form != ROW_VALUE) fields_fault(fields, "rows of the system tree are written whole");
    switch (key.size ? key.data[0] : 0) {
    case SYSTEM_ROW_SESSION: session_value(fields); return;
    case SYSTEM_ROW_REPLY: reply_value(fields); return;
    case SYSTEM_ROW_MEMBER: member_value(fields); return;
    case SYSTEM_ROW_CONFIGURATION: describe_configuration(fields); return;
    case SYSTEM_ROW_CHAIN: chain_value(fields); return;
    default: return; /* the key has said so */
    }
}

const struct row_describer raft_describers[] = {{KIND_SYSTEM, "raft.system", system_key, system_value}};
const size_t raft_describer_count = sizeof raft_describers / sizeof raft_describers[0];

/* ---- Records of the log ------------------------------------------------------------------------------------------ */

static void describe_own(struct fields *fields) {
    struct own_operation own;
    fields_judge(fields, own_decode(fields_left(fields), &own));
    const uint8_t kind = decode_u8(&fields->decoder);
    fields_tell(fields, "operation", "%u: %s", kind,
                kind == OWN_OPEN_SESSION ? "open a session"
                : kind == OWN_TICK       ? "carry the time"
                : kind == OWN_MEMBER     ? "where a member is"
                                         : "not known");
    if (kind == OWN_MEMBER) member_value(fields);
    if (kind != OWN_OPEN_SESSION) return;
    (void)fields_u64(fields, "node");
    const uint64_t nonce = decode_u64(&fields->decoder);
    fields_tell(fields, "nonce", "%016" PRIx64, nonce);
}

static void describe_inside(struct fields *inner, void *context) {
    const struct operation_describer *store = context;
    store->describe(inner);
}

static void describe_operation(struct fields *fields, uint8_t store, const struct operation_describers *stores) {
    if (store == 0) {
        describe_own(fields);
        return;
    }
    for (size_t i = 0; i < stores->count; i++) {
        if (stores->rows[i].store != store) continue;
        struct operation_describer found = stores->rows[i];
        fields_describe(fields, decode_bytes(&fields->decoder, decoder_left(&fields->decoder)), describe_inside,
                        &found);
        return;
    }
    (void)fields_rest(fields, "operation of a store that is not known");
}

static const char *store_name(uint8_t store, const struct operation_describers *stores) {
    for (size_t i = 0; i < stores->count; i++)
        if (stores->rows[i].store == store) return stores->rows[i].name;
    return store == 0 ? "raft" : "not known";
}

static void describe_command(struct fields *fields, const struct operation_describers *stores) {
    struct envelope envelope;
    struct slice operation;
    uint8_t store = 0;
    fields_judge(fields, envelope_decode(fields_left(fields), &envelope, &store, &operation));
    (void)fields_u8(fields, "envelope version");
    store = decode_u8(&fields->decoder);
    fields_tell(fields, "store", "%u: %s", store, store_name(store, stores));
    const int64_t time_ms = (int64_t)decode_u64(&fields->decoder);
    fields_tell(fields, "log time", "%" PRId64 " ms", time_ms);
    const uint64_t seed = decode_u64(&fields->decoder);
    fields_tell(fields, "seed", "%016" PRIx64, seed);
    (void)fields_u64(fields, "session");
    (void)fields_u64(fields, "serial");
    if (!fields->decoder.failed) describe_operation(fields, store, stores);
}

static const char *entry_kind_text(uint8_t kind) {
    return kind == RAFT_ENTRY_NOOP            ? "no-op"
           : kind == RAFT_ENTRY_COMMAND       ? "command"
           : kind == RAFT_ENTRY_CONFIGURATION ? "configuration"
                                              : "not known";
}

void raft_record_describe(struct fields *fields, uint8_t type, const struct operation_describers *stores) {
    struct raft_log_record record;
    fields_judge(fields, raft_log_record_decode(type, fields_left(fields), &record));
    if (type == RAFT_LOG_CUT) (void)fields_u64(fields, "entries gone from");
    if (type == RAFT_LOG_COMMIT) (void)fields_u64(fields, "committed up to");
    if (type != RAFT_LOG_ENTRY) return;
    (void)fields_u64(fields, "index");
    (void)fields_u64(fields, "term");
    const uint8_t kind = decode_u8(&fields->decoder);
    fields_tell(fields, "entry", "%u: %s", kind, entry_kind_text(kind));
    if (kind == RAFT_ENTRY_COMMAND) describe_command(fields, stores);
    if (kind == RAFT_ENTRY_CONFIGURATION) describe_configuration(fields);
    if (kind == RAFT_ENTRY_NOOP && decoder_left(&fields->decoder)) (void)fields_rest(fields, "ignored");
}
