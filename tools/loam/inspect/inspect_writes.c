/* inspect_writes: a write trace: frame by frame; behind a damaged place, the next page that begins a sound one. */
#include <inttypes.h>

#include "tools/loam/inspect/inspect.h"
#include "tools/loam/simulate/write_trace.h"

enum { SHOWN = 40, TEXT_BYTES = 200 };

struct walk {
    struct report *report;
    uint64_t id, number, writes;
    bool has_id, ended;
};

static const char *kind_name(enum write_kind kind) {
    switch (kind) {
    case WRITE_PUT: return "put";
    case WRITE_DELETE: return "delete";
    case WRITE_DELETE_RANGE: return "range delete";
    case WRITE_MERGE: return "merge";
    case WRITE_APPEND: return "append";
    case WRITE_DROP_TREE: return "drop of a tree";
    }
    return "unknown";
}

/* ---- Fields ------------------------------------------------------------------------------------------------------ */

static void varint_field(struct report *report, struct decoder *decoder, const char *name) {
    const uint8_t *begin = decoder->cursor;
    const uint64_t value = decode_varint(decoder);
    report_field(report, (uint64_t)(decoder->cursor - begin), name, "%" PRIu64, value);
}

static void string_field(struct report *report, struct decoder *decoder, const char *name) {
    char text[TEXT_BYTES];
    const uint8_t *begin = decoder->cursor;
    const struct slice bytes = decode_string(decoder);
    report_text(text, sizeof text, bytes, SHOWN);
    report_field(report, (uint64_t)(decoder->cursor - begin), name, "\"%s\"", text);
}

/* The write was decoded: its fields are there. */
static void write_fields(struct report *report, struct decoder *decoder, const struct write_op *op) {
    char text[TEXT_BYTES];
    report_field(report, 1, "kind", "%u: %s", (unsigned)decode_u8(decoder), kind_name(op->kind));
    varint_field(report, decoder, "tree");
    varint_field(report, decoder, "time since the one before");
    if (op->kind == WRITE_DROP_TREE) return;
    varint_field(report, decoder, "bytes shared with the key before");
    report_text(text, sizeof text, op->key, SHOWN);
    const uint8_t *begin = decoder->cursor;
    (void)decode_string(decoder);
    report_field(report, (uint64_t)(decoder->cursor - begin), "rest of the key", "\"%s\" in all", text);
    if (op->kind == WRITE_DELETE_RANGE) string_field(report, decoder, "end of the range");
    if (op->kind != WRITE_DELETE && op->kind != WRITE_DELETE_RANGE) varint_field(report, decoder, "value bytes");
}

static void header_fields(struct report *report, const struct trace_frame *frame) {
    report_field(report, 8, "magic", "\"" TRACE_MAGIC "\"");
    report_field(report, 2, "version", "%d", TRACE_VERSION);
    report_field(report, 2, "kind", frame->kind == TRACE_FRAME_END ? "2: end" : "1: writes");
    report_field(report, 4, "writes", "%" PRIu32, frame->operations);
    report_field(report, 8, "trace", "%016" PRIx64, frame->id);
    report_field(report, 8, "number", "%" PRIu64, frame->number);
    report_field(report, 8, "writes before", "%" PRIu64, frame->before);
    report_field(report, 4, "payload bytes", "%" PRIu32, frame->payload_bytes);
    report_plain(report, 4, "zero");
    report_field(report, 8, "payload check", "of all behind the header");
    report_field(report, 8, "header check", "of the 56 bytes before");
}

/* As many writes as make sense; the rest of the payload is damage. */
static void payload_fields(struct walk *walk, const struct trace_frame *frame, struct slice payload) {
    struct report *report = walk->report;
    struct trace_decoder decoder = {.left = 0};
    struct write_op op;
    enum status status;
    const uint64_t end = report->next + payload.size;
    trace_decoder_begin(&decoder, payload, frame->operations);
    struct decoder fields = decoder.decoder;
    while ((status = trace_decoder_next(&decoder, &op)) == STATUS_OK) {
        write_fields(report, &fields, &op);
        walk->writes++;
    }
    if (status == STATUS_NO_MEMORY) report->no_memory = true;
    if (report->next < end || status == STATUS_CORRUPT) {
        report_problem(report, REPORT_CORRUPT, report->next, "no write that a writer makes");
        report_plain(report, end - report->next, "malformed writes");
    }
    trace_decoder_deinit(&decoder);
}

/* ---- Frames ------------------------------------------------------------------------------------------------------ */

static bool frame_at(const struct walk *walk, uint64_t offset, struct trace_frame *frame, struct error *error) {
    const struct slice rest = slice_from(walk->report->bytes, (size_t)offset);
    if (trace_header_decode(rest, offset, frame, error) != STATUS_OK) return false;
    return !walk->has_id || (frame->id == walk->id && frame->number >= walk->number);
}

static void frame_fields(struct walk *walk, const struct trace_frame *frame) {
    struct report *report = walk->report;
    const uint64_t size = trace_frame_bytes(frame), begin = report->next;
    const struct slice rest =
        slice_make(report->bytes.data + begin + TRACE_HEADER_BYTES, (size_t)size - TRACE_HEADER_BYTES);
    const bool sound = trace_payload_check(frame, rest) == frame->payload_check;
    if (walk->has_id && frame->number != walk->number)
        report_problem(report, REPORT_CORRUPT, begin, "frame %" PRIu64 " stands where %" PRIu64 " should",
                       frame->number, walk->number);
    if (!sound) report_problem(report, REPORT_CORRUPT, begin, "the check of this frame's payload is wrong");
    walk->has_id = true;
    walk->id = frame->id;
    walk->number = frame->number + 1;
    report_part(report, sound ? REPORT_RIGHT : REPORT_WRONG, "frame %" PRIu64, frame->number);
    header_fields(report, frame);
    if (sound)
        payload_fields(walk, frame, slice_make(rest.data, frame->payload_bytes));
    else
        report_plain(report, frame->payload_bytes, "writes that do not verify");
    report_plain(report, begin + size - report->next, "filling");
    walk->ended = frame->kind == TRACE_FRAME_END;
}

/* Up to the next sound frame, or the end. */
static void damage_fields(struct walk *walk, const char *why) {
    struct report *report = walk->report;
    struct trace_frame frame;
    const uint64_t size = report->bytes.size, begin = report->next;
    uint64_t at = begin / TRACE_PAGE_BYTES * TRACE_PAGE_BYTES + TRACE_PAGE_BYTES;
    while (at < size && !(frame_at(walk, at, &frame, NULL) && at + trace_frame_bytes(&frame) <= size))
        at += TRACE_PAGE_BYTES;
    report_problem(report, REPORT_CORRUPT, begin, "%s", why);
    report_part(report, REPORT_WRONG, "damage at %" PRIu64, begin);
    report_plain(report, (at < size ? at : size) - begin, "no sound frame");
}

void inspect_writes(struct report *report) {
    struct walk walk = {.report = report};
    struct trace_frame frame;
    const uint64_t size = report->bytes.size;
    while (report->next < size && !walk.ended) {
        struct error error = {.status = STATUS_OK};
        const bool found = frame_at(&walk, report->next, &frame, &error);
        if (found && report->next + trace_frame_bytes(&frame) <= size) {
            frame_fields(&walk, &frame);
        } else if (found) { /* the last one, which was being written */
            report_part(report, REPORT_UNCHECKED, "frame %" PRIu64, frame.number);
            report_plain(report, size - report->next, "cut frame");
        } else {
            damage_fields(&walk, error.status == STATUS_OK ? "a frame of another place or trace" : error.text);
        }
    }
    if (report->next < size) {
        report_problem(report, REPORT_CORRUPT, report->next, "behind the frame that is the last");
        report_part(report, REPORT_WRONG, "behind the end");
        report_plain(report, size - report->next, "no part of the trace");
    }
    if (!walk.ended && report->verdict == REPORT_CLEAN)
        report_problem(report, REPORT_TORN, size, "there is no end: the recording was cut short");
    report_fact(report, "trace", "%016" PRIx64, walk.id);
    report_fact(report, "writes", "%" PRIu64, walk.writes);
}
