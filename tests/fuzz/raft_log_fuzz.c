/*
 * raft_log_fuzz: what a node reads of its own: superblock, log records, envelopes, own operations; and what drivers say
 * to each other. The first byte chooses; whatever decodes must encode to the same bytes again.
 */
#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "raft/driver/snapshot_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_superblock(struct slice bytes) {
    struct node_state found;
    (void)!node_state_choose(bytes, &found, NULL);
    uint8_t slot[NODE_STATE_SLOT_BYTES] = {0}, again[NODE_STATE_SLOT_BYTES];
    memcpy(slot, bytes.data, bytes.size < sizeof slot ? bytes.size : sizeof slot);
    uint64_t seed = coding_get_u64(slot + 16) % 2; /* the check made right: what stands behind it is reached */
    coding_put_u64(slot + sizeof slot - 8, hash64(slice_make(slot, sizeof slot - 8), seed));
    if (node_state_decode(slice_make(slot, sizeof slot), &found) != STATUS_OK) return;
    node_state_encode(&found, again);
    struct node_state twice;
    check(node_state_decode(slice_make(again, sizeof again), &twice) == STATUS_OK &&
          memcmp(&found, &twice, sizeof found) == 0);
}

static void fuzz_record(struct slice bytes) {
    struct raft_log_record record;
    if (bytes.size < 1 || raft_log_record_decode(bytes.data[0], slice_from(bytes, 1), &record) != STATUS_OK) return;
    if (record.kind != RAFT_LOG_ENTRY) return;
    uint8_t head[RAFT_LOG_ENTRY_HEAD_BYTES];
    raft_log_entry_head_encode(head, &record);
    check(memcmp(head, bytes.data + 1, sizeof head) == 0 && record.bytes.size == bytes.size - 1 - sizeof head);
    struct envelope envelope;
    uint8_t store, again[ENVELOPE_HEAD_BYTES];
    struct slice operation;
    if (envelope_decode(record.bytes, &envelope, &store, &operation) != STATUS_OK) return;
    envelope_encode(again, &envelope, store);
    check(memcmp(again, record.bytes.data, sizeof again) == 0 && operation.size == record.bytes.size - sizeof again);
    struct own_operation own;
    uint8_t own_again[OWN_BYTES_MAX];
    if (own_decode(operation, &own) != STATUS_OK) return;
    check(slice_equal(operation, slice_make(own_again, own_encode(own_again, &own))));
}

static void fuzz_forward(struct slice bytes, struct buf *again) {
    struct driver_forward forward;
    if (driver_forward_decode(bytes, &forward) != STATUS_OK) return;
    enum status status = driver_forward_encode(again, forward.session, forward.serial, forward.count);
    uint8_t store;
    struct slice operation;
    enum status next;
    while ((next = driver_forward_next(&forward, &store, &operation)) == STATUS_OK && status == STATUS_OK)
        status = driver_forward_add(again, store, operation);
    check(status == STATUS_OK);
    if (next == STATUS_END) check(again->size >= 21);
}

static void fuzz_others(struct slice bytes, struct buf *again) {
    struct driver_count count;
    struct driver_chunk chunk;
    struct driver_ack ack;
    struct driver_about about;
    if (driver_count_decode(bytes, &count) == STATUS_OK) {
        check(driver_count_encode(again, MESSAGE_COUNT, &count) == STATUS_OK);
        check(slice_equal(slice_from(buf_slice(again), 1), bytes));
    }
    buf_clear(again);
    if (driver_chunk_decode(bytes, &chunk) == STATUS_OK) {
        check(chunk.offset + chunk.bytes.size <= chunk.total);
        check(driver_chunk_encode(again, &chunk) == STATUS_OK && buf_append_slice(again, chunk.bytes) == STATUS_OK);
        check(slice_equal(slice_from(buf_slice(again), 1), bytes));
    }
    buf_clear(again);
    if (driver_about_decode(bytes, &about) == STATUS_OK) {
        check(driver_about_encode(again, &about) == STATUS_OK);
        check(slice_equal(slice_from(buf_slice(again), 1), bytes));
    }
    buf_clear(again);
    if (driver_ack_decode(bytes, &ack) != STATUS_OK) return;
    check(driver_ack_encode(again, &ack) == STATUS_OK);
    check(slice_equal(slice_from(buf_slice(again), 1), bytes));
}

static void fuzz_snapshot_head(struct slice bytes, struct buf *again) {
    struct snapshot_head head;
    size_t used;
    check(buf_append_slice(again, bytes) == STATUS_OK);
    if (again->size >= SNAPSHOT_HEAD_FIXED_BYTES) { /* the check made right */
        coding_put_u32(again->data + 12, (uint32_t)again->size);
        coding_put_u64(again->data + 16, hash64(slice_from(buf_slice(again), 24), 0));
    }
    if (snapshot_head_decode(buf_slice(again), &head, &used) != STATUS_OK) return;
    for (uint32_t i = 0; i < head.file_count; i++)
        check(strchr(head.files[i].name, '/') == NULL && head.files[i].name[0] != '.');
    struct buf twice = BUF_EMPTY;
    check(used == again->size && snapshot_head_encode(&twice, &head) == STATUS_OK);
    buf_deinit(&twice);
    snapshot_head_deinit(&head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct buf again = BUF_EMPTY;
    if (size == 0) return 0;
    struct slice bytes = slice_make(data + 1, size - 1);
    switch (data[0] % 5) {
    case 0: fuzz_superblock(bytes); break;
    case 1: fuzz_record(bytes); break;
    case 2: fuzz_forward(bytes, &again); break;
    case 3: fuzz_others(bytes, &again); break;
    default: fuzz_snapshot_head(bytes, &again);
    }
    buf_deinit(&again);
    return 0;
}
