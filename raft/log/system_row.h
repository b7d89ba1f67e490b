/*
 * system_row: keys and rows of tree 1, what raft itself keeps in the engine (FORMAT.md, "System tree"). Encoders beside
 * their decoders.
 */
#ifndef RAFT_LOG_SYSTEM_ROW_H
#define RAFT_LOG_SYSTEM_ROW_H

#include "engine/base/coding.h"
#include "raft/driver.h"

/* The first byte of a key. */
enum system_row_tag {
    SYSTEM_ROW_SESSION = 0x10, /* {tag, session} */
    SYSTEM_ROW_REPLY = 0x11,   /* {tag, session, slot} */
    SYSTEM_ROW_MEMBER = 0x12,  /* {tag, node} */
    SYSTEM_ROW_CONFIGURATION = 'c',
    SYSTEM_ROW_CHAIN = 'n',
};
enum {
    SESSION_KEY_BYTES = 9,
    REPLY_KEY_BYTES = 13,
    MEMBER_KEY_BYTES = 9,
    CHAIN_ROW_BYTES = 16,
    SESSION_ROW_MAX_BYTES = 1 + VARINT64_MAX_BYTES
};

/* `key` has room for REPLY_KEY_BYTES. */
struct slice session_key(uint8_t *key, uint64_t session);
struct slice reply_key(uint8_t *key, uint64_t session, uint32_t slot);

struct slice session_row_encode(uint8_t row[SESSION_ROW_MAX_BYTES], uint64_t node);
/* CORRUPT, VERSION. */
MUST_CHECK enum status session_row_decode(struct slice value, uint64_t *node);

/* A member's row, and what OWN_MEMBER carries: both whole, id included. */
enum { SYSTEM_MEMBER_BYTES_MAX = 1 + 8 + 8 + 2 * (1 + IO_ADDRESS_BYTES) };
struct slice member_key(uint8_t *key, uint64_t node);
size_t system_member_encode(uint8_t to[SYSTEM_MEMBER_BYTES_MAX], const struct raft_member *member);
/* CORRUPT (also without an id or an address), VERSION. */
MUST_CHECK enum status system_member_decode(struct slice value, struct raft_member *member);

enum reply_kind { REPLY_KEPT = 0, REPLY_TOO_LARGE = 1 };
struct reply_row {
    uint64_t serial, index;
    uint8_t kind; /* enum reply_kind */
    struct slice reply;
};
MUST_CHECK enum status reply_row_encode(struct buf *to, const struct reply_row *row);
/* row->reply is borrowed. CORRUPT, VERSION. */
MUST_CHECK enum status reply_row_decode(struct slice value, struct reply_row *row);

#endif
