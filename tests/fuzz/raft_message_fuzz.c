/*
 * raft_message_fuzz: what a peer may send. The first byte chooses a parser; each must refuse or read within its input,
 * and what it takes must be written back the same.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "raft/describe.h"
#include "raft/message/frame.h"
#include "raft/message/message_codec.h"

enum { ENTRIES = 64, JOIN_LIMIT = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Words for a picture, whatever the bytes are. */
static void describe(struct slice bytes) {
    struct raft_frame_words words;
    raft_frame_describe(bytes, &words);
    check(words.kind != NULL && strlen(words.kind) > 0 && strlen(words.words) < sizeof words.words);
}

/* A message as the payload of a frame whose check fits: what the checksum keeps from the describer. */
static void describe_framed(struct slice payload) {
    struct buf framed = BUF_EMPTY;
    const struct frame frame = {.type = FRAME_DATA, .lane = 1, .last = true, .message = 1, .payload = payload};
    if (payload.size > FRAME_PAYLOAD_MAX_BYTES) return;
    if (frame_encode(&framed, &frame)) abort();
    describe(buf_slice(&framed));
    buf_deinit(&framed);
}

/* A message that is taken says the same after a way through the encoder. */
static void read_message(struct slice bytes) {
    struct raft_message message, again;
    struct raft_entry entries[ENTRIES], entries_again[ENTRIES];
    struct raft_configuration configuration, configuration_again;
    describe_framed(bytes);
    if (message_decode(bytes, &message, entries, ENTRIES, &configuration)) return;
    struct buf written = BUF_EMPTY, rewritten = BUF_EMPTY;
    if (message_encode(&written, &message, entries)) abort();
    check(message_decode(buf_slice(&written), &again, entries_again, ENTRIES, &configuration_again) == STATUS_OK);
    if (message_encode(&rewritten, &again, entries_again)) abort();
    check(slice_equal(buf_slice(&written), buf_slice(&rewritten)));
    buf_deinit(&written);
    buf_deinit(&rewritten);
}

/* A stream of frames, data ones joined. */
static void read_frames(struct slice bytes) {
    struct frame_joiner joiner = {0};
    struct frame frame;
    struct slice whole;
    size_t size = 0;
    describe(bytes);
    while (frame_decode(bytes, &frame, &size) == STATUS_OK) {
        check(size <= bytes.size && frame.payload.size <= size);
        if (frame.type == FRAME_DATA && frame_join(&joiner, &frame, JOIN_LIMIT, &whole) == STATUS_OK)
            check(whole.size <= JOIN_LIMIT);
        bytes = slice_from(bytes, size);
    }
    frame_joiner_deinit(&joiner);
}

static void read_handshake(struct slice bytes) {
    static const uint8_t nonce[FRAME_NONCE_BYTES] = {1};
    struct frame_challenge challenge;
    struct frame_hello hello;
    struct frame_welcome welcome;
    struct slice text, secret = {0};
    if (frame_decode_challenge(bytes, &challenge) == STATUS_OK) check(bytes.size == 8 + FRAME_NONCE_BYTES);
    if (frame_decode_hello(bytes, &hello, secret, nonce) == STATUS_OK) check(bytes.size > MAC_BYTES);
    if (frame_decode_welcome(bytes, &welcome, secret, nonce) == STATUS_OK) check(bytes.size > MAC_BYTES);
    if (frame_decode_refusal(bytes, &text) == STATUS_OK) check(text.size < bytes.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    struct slice rest = slice_make(data + 1, size - 1);
    if (data[0] % 3 == 0)
        read_message(rest);
    else if (data[0] % 3 == 1)
        read_frames(rest);
    else
        read_handshake(rest);
    return 0;
}
