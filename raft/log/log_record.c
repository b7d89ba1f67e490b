/*
 * log_record: the records that raft keeps in the wal. Source: FORMAT.md beside this file.
 */
#include "engine/base/coding.h"
#include "raft/log/raft_log.h"

void raft_log_entry_head_encode(uint8_t head[RAFT_LOG_ENTRY_HEAD_BYTES], const struct raft_log_record *record) {
    coding_put_u64(head, record->index);
    coding_put_u64(head + 8, record->term);
    head[16] = (uint8_t)record->entry_kind;
}

static bool kind_is_known(uint8_t kind) {
    return kind == RAFT_ENTRY_NOOP || kind == RAFT_ENTRY_COMMAND || kind == RAFT_ENTRY_CONFIGURATION;
}

enum status raft_log_record_decode(uint8_t type, struct slice payload, struct raft_log_record *record) {
    struct decoder decoder = decoder_make(payload);
    *record = (struct raft_log_record){.kind = (enum raft_log_record_kind)type};
    record->index = decode_u64(&decoder);
    if (type == RAFT_LOG_CUT || type == RAFT_LOG_COMMIT)
        return decoder_finished(&decoder) && record->index > 0 ? STATUS_OK : STATUS_CORRUPT;
    if (type != RAFT_LOG_ENTRY) return STATUS_CORRUPT;
    record->term = decode_u64(&decoder);
    uint8_t kind = decode_u8(&decoder);
    if (decoder.failed || record->index == 0 || record->term == 0 || !kind_is_known(kind)) return STATUS_CORRUPT;
    record->entry_kind = (enum raft_entry_kind)kind;
    record->bytes = slice_make(decoder.cursor, decoder_left(&decoder));
    return STATUS_OK;
}
