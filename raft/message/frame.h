/*
 * frame: the checksummed pieces in which messages travel, and the handshake's texts (FORMAT.md). Pure: bytes in, bytes
 * out.
 */
#ifndef RAFT_MESSAGE_FRAME_H
#define RAFT_MESSAGE_FRAME_H

#include "engine/base/coding.h"
#include "engine/base/error.h"
#include "engine/base/mac.h"
#include "raft/driver.h"

enum {
    FRAME_HEADER_BYTES = 20,
    FRAME_PAYLOAD_MAX_BYTES = 64 << 10,
    FRAME_NONCE_BYTES = 16,
    FRAME_MAGIC = 0x4d414f4c, /* "LOAM" */
};

enum frame_type { FRAME_CHALLENGE = 1, FRAME_HELLO = 2, FRAME_WELCOME = 3, FRAME_REFUSAL = 4, FRAME_DATA = 5 };

struct frame {
    enum frame_type type;
    uint8_t lane;         /* DATA */
    bool last;            /* DATA: the message ends with it */
    uint32_t message;     /* DATA: the message's number in its lane */
    uint32_t offset;      /* DATA: of the payload in the message */
    struct slice payload; /* borrowed */
};

/* Appends one frame; payload.size <= FRAME_PAYLOAD_MAX_BYTES. NO_MEMORY. */
MUST_CHECK enum status frame_encode(struct buf *to, const struct frame *frame);
/* The frame at the front of `bytes`: OK and *size of it; END: more bytes are needed; CORRUPT: the stream can't be read
 * on. */
MUST_CHECK enum status frame_decode(struct slice bytes, struct frame *frame, size_t *size);

/* Puts a lane's frames together again. A piece that does not continue what is there starts nothing: its message is lost
 * whole. */
struct frame_joiner {
    struct buf bytes;
    uint32_t message;
    bool open;
};
/* OK: *whole is a message, borrowed until the next call; END: not complete; TOO_LARGE: over limit (the message is
 * dropped); NO_MEMORY. */
MUST_CHECK enum status frame_join(struct frame_joiner *joiner, const struct frame *frame, size_t limit,
                                  struct slice *whole);
void frame_joiner_deinit(struct frame_joiner *joiner);

struct frame_challenge {
    uint16_t version_min, version_max;
    uint8_t nonce[FRAME_NONCE_BYTES];
};

struct frame_hello {
    uint16_t version_min, version_max;
    struct raft_identity from;
    uint64_t to;
    uint64_t members_hash;
    char peer_address[IO_ADDRESS_BYTES], client_address[IO_ADDRESS_BYTES]; /* of who dials: others may not know it */
    uint8_t nonce[FRAME_NONCE_BYTES];
    uint8_t mac[MAC_BYTES]; /* zeros without a secret */
};

struct frame_welcome {
    uint16_t version;
    struct raft_identity from;
    uint64_t members_hash; /* of the founders; 0 = it joined later */
    uint8_t mac[MAC_BYTES];
};

/* Whole frames appended to `to`; `nonce` is the other end's, which the mac answers. */
MUST_CHECK enum status frame_encode_challenge(struct buf *to, const struct frame_challenge *challenge);
MUST_CHECK enum status frame_encode_hello(struct buf *to, const struct frame_hello *hello, struct slice secret,
                                          const uint8_t nonce[FRAME_NONCE_BYTES]);
MUST_CHECK enum status frame_encode_welcome(struct buf *to, const struct frame_welcome *welcome, struct slice secret,
                                            const uint8_t nonce[FRAME_NONCE_BYTES]);
MUST_CHECK enum status frame_encode_refusal(struct buf *to, const char *text);

/* Payloads read back. CORRUPT; DENIED: the mac does not prove the secret. */
MUST_CHECK enum status frame_decode_challenge(struct slice payload, struct frame_challenge *challenge);
MUST_CHECK enum status frame_decode_hello(struct slice payload, struct frame_hello *hello, struct slice secret,
                                          const uint8_t nonce[FRAME_NONCE_BYTES]);
MUST_CHECK enum status frame_decode_welcome(struct slice payload, struct frame_welcome *welcome, struct slice secret,
                                            const uint8_t nonce[FRAME_NONCE_BYTES]);
MUST_CHECK enum status frame_decode_refusal(struct slice payload, struct slice *text);

#endif
