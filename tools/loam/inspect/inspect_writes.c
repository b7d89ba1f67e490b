/* inspect_writes: a write trace: frame by frame; behind a damaged place, the next page that begins a sound one. */
#include <inttypes.h>

#include "tools/loam/inspect/inspect.h"
#include "tools/loam/inspect/report_rows.h"
#include "tools/loam/simulate/write_trace.h"
#include "tools/loam/simulate/write_trace_layout.h"

enum { SHOWN = 40, TEXT_BYTES = 200 };

struct walk {
    struct report *report;
    uint64_t id, number, writes;
    bool has_id, ended;
};

/* ---- Fields ------------------------------------------------------------------------------------------------------ */

static void take_field(void *context, struct slice bytes, const char *name, const char *words) {
    report_field(context, bytes.size, name, "%s", words);
}

/* The key as a whole, the end of a range as it stands. */
static void string_field(struct fields *fields, const struct layout_row *row, const struct slice *whole) {
    char text[TEXT_BYTES];
    const struct slice bytes = decode_string(&fields->decoder);
    report_text(text, sizeof text, whole ? *whole : bytes, SHOWN);
    fields_tell(fields, row->name, whole ? "\"%s\" in all" : "\"%s\"", text);
}

/* The write was decoded: its fields are there. */
static void write_fields(struct fields *fields, const struct write_op *op) {
    (void)layout_describe(trace_write_layout.rows, fields, NULL);
    const struct layout_case *body = layout_find_case(&trace_write_body_layout, op->kind);
    for (const struct layout_row *row = body->rows; row && row->name; row++) {
        if (row->form == LAYOUT_CODE)
            string_field(fields, row, row == body->rows + 1 ? &op->key : NULL);
        else
            (void)layout_tell(row, fields);
    }
}

/* As many writes as make sense; the rest of the payload is damage. */
static void payload_fields(struct walk *walk, const struct trace_frame *frame, struct slice payload) {
    struct report *report = walk->report;
    struct trace_decoder decoder = {.left = 0};
    struct write_op op;
    enum status status;
    const uint64_t end = report->next + payload.size;
    trace_decoder_begin(&decoder, payload, frame->operations);
    struct fields fields = fields_make(payload, take_field, report);
    while ((status = trace_decoder_next(&decoder, &op)) == STATUS_OK) {
        write_fields(&fields, &op);
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
    report_rows(report, trace_frame_layout.rows);
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
