/*
 * message_codec: what peers say to each other as bytes (FORMAT.md). A peer message is a kind byte and its content; how
 * messages travel is raft/transport's matter. Numbers never change; a kind that is not known is UNSUPPORTED.
 */
#ifndef RAFT_MESSAGE_MESSAGE_CODEC_H
#define RAFT_MESSAGE_MESSAGE_CODEC_H

#include "engine/base/coding.h"
#include "raft/raft.h"

enum {
    /* Versions of this page that are spoken. 1 did not tell in answers what is committed, without which members cannot
     * change: a leader that was replaced would lead for ever. */
    MESSAGE_VERSION_MIN = 2,
    MESSAGE_VERSION_MAX = 2,
    MESSAGE_ENTRIES_MAX = 65536, /* in one APPEND */
};

/* The first byte of a peer message. 1..31 are the core's, numbered by raft_message_kind; the driver's begin at 32. */
enum message_kind {
    MESSAGE_DRIVER_FIRST = 32,
};

/*
 * Appends a core message. For APPEND, `entries` (message->entry_count of them, from the caller's log) stand in for
 * message->entries. NO_MEMORY only.
 */
MUST_CHECK enum status message_encode(struct buf *to, const struct raft_message *message,
                                      const struct raft_entry *entries);

/*
 * Decodes a core message. *entries is filled with at most `capacity` entries (their bytes borrow from `bytes`) and
 * message->entries points at it; *configuration likewise for SNAPSHOT. CORRUPT: not a valid message; TOO_LARGE: more
 * entries than capacity; UNSUPPORTED: a kind of a later version.
 */
MUST_CHECK enum status message_decode(struct slice bytes, struct raft_message *message, struct raft_entry *entries,
                                      unsigned capacity, struct raft_configuration *configuration);

#endif
