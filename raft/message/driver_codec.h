/*
 * driver_codec: what drivers say to each other beside the core's messages (FORMAT.md). Encoders append whole messages,
 * kind byte included; decoders take what follows the kind byte: untrusted bytes.
 */
#ifndef RAFT_MESSAGE_DRIVER_CODEC_H
#define RAFT_MESSAGE_DRIVER_CODEC_H

#include "engine/base/coding.h"
#include "raft/message/message_codec.h"

enum driver_message_kind {
    MESSAGE_FORWARD = MESSAGE_DRIVER_FIRST,
    MESSAGE_COUNT = 33,
    MESSAGE_COUNTED = 34,
    MESSAGE_SNAPSHOT_CHUNK = 35,
    MESSAGE_SNAPSHOT_ACK = 36,
    MESSAGE_ABOUT = 37,
};

/* Operations of one session, in order, for the leader to propose. */
struct driver_forward {
    uint64_t session, serial; /* of the first */
    uint32_t count;
    struct decoder operations; /* decode: read with driver_forward_next */
};
MUST_CHECK enum status driver_forward_encode(struct buf *to, uint64_t session, uint64_t serial, uint32_t count);
MUST_CHECK enum status driver_forward_add(struct buf *to, uint8_t store, struct slice operation);
MUST_CHECK enum status driver_forward_decode(struct slice payload, struct driver_forward *forward);
/* END after the last. */
MUST_CHECK enum status driver_forward_next(struct driver_forward *forward, uint8_t *store, struct slice *operation);

/* How many voters hold an index: question and answer. */
struct driver_count {
    uint64_t id, index;
};
MUST_CHECK enum status driver_count_encode(struct buf *to, enum driver_message_kind kind,
                                           const struct driver_count *count);
MUST_CHECK enum status driver_count_decode(struct slice payload, struct driver_count *count);

/* What a node tells all others of itself, now and then. */
struct driver_about {
    uint32_t guard_ms; /* raft_options.guard_ms */
    uint32_t priority; /* 0 = it should not lead now */
    bool is_witness;   /* it never leads, and is sent no data */
};
MUST_CHECK enum status driver_about_encode(struct buf *to, const struct driver_about *about);
MUST_CHECK enum status driver_about_decode(struct slice payload, struct driver_about *about);

/* A piece of a snapshot's stream, and how far the other has it. */
struct driver_chunk {
    uint64_t stream, offset, total;
    struct slice bytes; /* borrowed */
};
MUST_CHECK enum status
driver_chunk_encode(struct buf *to, const struct driver_chunk *chunk); /* the head; bytes are a part of their own */
MUST_CHECK enum status driver_chunk_decode(struct slice payload, struct driver_chunk *chunk);

enum snapshot_answer { SNAPSHOT_GOES_ON = 1, SNAPSHOT_TAKEN = 2, SNAPSHOT_REFUSED = 3 };
struct driver_ack {
    uint64_t stream, offset;
    enum snapshot_answer answer;
};
MUST_CHECK enum status driver_ack_encode(struct buf *to, const struct driver_ack *ack);
MUST_CHECK enum status driver_ack_decode(struct slice payload, struct driver_ack *ack);

#endif
