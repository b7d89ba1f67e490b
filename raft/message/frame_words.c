/*
 * frame_words: what a frame says, for people (raft/describe.h). Whatever cannot be read as FORMAT.md says is called
 * damaged; a message in several frames is told by its first.
 */
#include <inttypes.h>
#include <stdio.h>

#include "raft/describe.h"
#include "raft/message/driver_codec.h"
#include "raft/message/frame.h"

enum { ENTRIES_READ = 64 }; /* of an append; more are not counted */

static void set_words(struct raft_frame_words *to, const struct buf *text) {
    const uint8_t *from = text->data;
    size_t size = text->size < sizeof to->words - 1 ? text->size : sizeof to->words - 1;
    while (size > 0 && (*from == ' ' || *from == ':' || *from == ',')) {
        from++;
        size--;
    }
    (void)snprintf(to->words, sizeof to->words, "%.*s", (int)size, (const char *)from);
}

/* A core message: its entries are told by their numbers alone. */
static void describe_core(struct slice bytes, struct raft_frame_words *to) {
    struct raft_entry entries[ENTRIES_READ];
    struct raft_configuration configuration;
    struct raft_message message;
    struct buf text = BUF_EMPTY;
    enum status status = message_decode(bytes, &message, entries, ENTRIES_READ, &configuration);
    if (status != STATUS_OK && status != STATUS_TOO_LARGE) {
        to->kind = "damaged";
        return;
    }
    to->kind = raft_message_kind_name(message.kind);
    to->term = message.term;
    message.entries = NULL;
    if (raft_message_print_content(&text, &message) == STATUS_OK &&
        (status == STATUS_OK || buf_append_format(&text, ", more than %d entries", ENTRIES_READ) == STATUS_OK))
        set_words(to, &text);
    buf_deinit(&text);
}

static void describe_forward(struct slice payload, struct raft_frame_words *to) {
    struct driver_forward forward;
    if (driver_forward_decode(payload, &forward) != STATUS_OK) return;
    to->kind = "forward";
    (void)snprintf(to->words, sizeof to->words, "%u operation%s of session %" PRIu64 " from serial %" PRIu64,
                   forward.count, forward.count == 1 ? "" : "s", forward.session, forward.serial);
}

static void describe_count(struct slice payload, bool is_answer, struct raft_frame_words *to) {
    struct driver_count count;
    if (driver_count_decode(payload, &count) != STATUS_OK) return;
    to->kind = is_answer ? "counted" : "count";
    (void)snprintf(to->words, sizeof to->words,
                   is_answer ? "%" PRIu64 " voters hold it" : "how many voters hold %" PRIu64, count.index);
}

static void describe_chunk(struct slice payload, struct raft_frame_words *to) {
    struct driver_chunk chunk;
    if (driver_chunk_decode(payload, &chunk) != STATUS_OK) return;
    to->kind = "snapshot-chunk";
    (void)snprintf(to->words, sizeof to->words, "%zu bytes at %" PRIu64 " of %" PRIu64, chunk.bytes.size, chunk.offset,
                   chunk.total);
}

static void describe_ack(struct slice payload, struct raft_frame_words *to) {
    static const char *const answers[] = {"", "goes on", "taken", "refused"};
    struct driver_ack ack;
    if (driver_ack_decode(payload, &ack) != STATUS_OK) return;
    to->kind = "snapshot-ack";
    (void)snprintf(to->words, sizeof to->words, "%s at %" PRIu64, answers[ack.answer], ack.offset);
}

static void describe_about(struct slice payload, struct raft_frame_words *to) {
    struct driver_about about;
    if (driver_about_decode(payload, &about) != STATUS_OK) return;
    to->kind = "about";
    (void)snprintf(to->words, sizeof to->words, "guards for %" PRIu32 " ms, priority %" PRIu32 "%s", about.guard_ms,
                   about.priority, about.is_witness ? ", a witness" : "");
}

static void describe_message(const struct frame *frame, struct raft_frame_words *to) {
    to->kind = "damaged";
    if (frame->payload.size == 0) return;
    const uint8_t kind = frame->payload.data[0];
    const struct slice rest = slice_make(frame->payload.data + 1, frame->payload.size - 1);
    if (!frame->last && kind != MESSAGE_SNAPSHOT_CHUNK) {
        to->kind = kind < MESSAGE_DRIVER_FIRST ? raft_message_kind_name((enum raft_message_kind)kind) : "forward";
        (void)snprintf(to->words, sizeof to->words, "the first piece");
        return;
    }
    switch (kind) {
    case MESSAGE_FORWARD: describe_forward(rest, to); break;
    case MESSAGE_COUNT:
    case MESSAGE_COUNTED: describe_count(rest, kind == MESSAGE_COUNTED, to); break;
    case MESSAGE_SNAPSHOT_CHUNK: describe_chunk(rest, to); break;
    case MESSAGE_SNAPSHOT_ACK: describe_ack(rest, to); break;
    case MESSAGE_ABOUT: describe_about(rest, to); break;
    default: describe_core(frame->payload, to); break;
    }
}

void raft_frame_describe(struct slice bytes, struct raft_frame_words *to) {
    static const char *const kinds[] = {"damaged", "challenge", "hello", "welcome", "refusal", "data"};
    struct frame frame;
    size_t size;
    *to = (struct raft_frame_words){.kind = "damaged"};
    if (frame_decode(bytes, &frame, &size) != STATUS_OK) return;
    to->kind = kinds[frame.type];
    if (frame.type != FRAME_DATA) return;
    if (frame.offset == 0) {
        describe_message(&frame, to);
        return;
    }
    to->kind = "piece";
    (void)snprintf(to->words, sizeof to->words, "%zu bytes more", frame.payload.size);
}
