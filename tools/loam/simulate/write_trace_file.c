/*
 * write_trace_file: traces in files. The reader goes from frame to frame; behind a place that is damaged it looks page
 * by page for the next header that verifies.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "tools/loam/simulate/write_trace.h"

enum { WORDS_BYTES = IO_PATH_BYTES + 400 };

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

struct trace_writer {
    struct io *io;
    struct io_file *file;
    struct trace_encoder encoder;
    struct buf bytes; /* of a frame */
    uint64_t id, number, offset, before;
    int64_t time_ms;
};

enum status trace_writer_open(struct io *io, const char *path, struct trace_writer **writer, struct error *error) {
    struct trace_writer *made = calloc(1, sizeof *made);
    if (!made) return error_set(error, STATUS_NO_MEMORY, "%s: %s", path, status_text(STATUS_NO_MEMORY));
    made->io = io;
    io_entropy(io, &made->id, sizeof made->id);
    const enum status status = io_file_open(io, path, IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_EXCLUSIVE, &made->file);
    if (status != STATUS_OK) {
        free(made);
        return error_set(error, status, status == STATUS_EXISTS ? "%s: exists; nothing is written over" : "%s: %s",
                         path, status_text(status));
    }
    *writer = made;
    return STATUS_OK;
}

static enum status write_frame(struct trace_writer *writer, enum trace_frame_kind kind) {
    const struct slice payload = buf_slice(&writer->encoder.payload);
    struct trace_frame frame = {.kind = kind,
                                .id = writer->id,
                                .number = writer->number,
                                .offset = writer->offset,
                                .before = writer->before,
                                .operations = writer->encoder.operations,
                                .payload_bytes = (uint32_t)payload.size};
    const uint64_t size = trace_frame_bytes(&frame);
    buf_clear(&writer->bytes);
    enum status status = buf_append_zeros(&writer->bytes, TRACE_HEADER_BYTES);
    if (status == STATUS_OK) status = buf_append_slice(&writer->bytes, payload);
    if (status == STATUS_OK) status = buf_append_zeros(&writer->bytes, (size_t)size - writer->bytes.size);
    if (status != STATUS_OK) return status;
    frame.payload_check = trace_payload_check(&frame, slice_from(buf_slice(&writer->bytes), TRACE_HEADER_BYTES));
    trace_header_encode(writer->bytes.data, &frame);
    status = io_file_write(writer->file, writer->offset, writer->bytes.data, writer->bytes.size);
    if (status != STATUS_OK) return status;
    writer->number++;
    writer->offset += size;
    writer->before += frame.operations;
    trace_encoder_clear(&writer->encoder);
    return STATUS_OK;
}

enum status trace_writer_push(struct trace_writer *writer) {
    return writer->encoder.operations == 0 ? STATUS_OK : write_frame(writer, TRACE_FRAME_WRITES);
}

/* Time never goes back. */
enum status trace_writer_add(struct trace_writer *writer, const struct write_op *op) {
    struct write_op later = *op;
    if (later.time_ms < writer->time_ms) later.time_ms = writer->time_ms;
    writer->time_ms = later.time_ms;
    const enum status status = trace_encoder_add(&writer->encoder, &later);
    if (status != STATUS_OK || writer->encoder.payload.size < TRACE_FRAME_BYTES) return status;
    return trace_writer_push(writer);
}

enum status trace_writer_finish(struct trace_writer *writer) {
    enum status status = trace_writer_push(writer);
    if (status == STATUS_OK) status = write_frame(writer, TRACE_FRAME_END);
    return status == STATUS_OK ? io_file_sync(writer->file) : status;
}

uint64_t trace_writer_operations(const struct trace_writer *writer) {
    return writer->before + writer->encoder.operations;
}

uint64_t trace_writer_bytes(const struct trace_writer *writer) {
    return writer->offset;
}

void trace_writer_close(struct trace_writer *writer) {
    if (!writer) return;
    io_file_close(writer->file);
    trace_encoder_deinit(&writer->encoder);
    buf_deinit(&writer->bytes);
    free(writer);
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

struct trace_reader {
    struct io_file *file;
    const char *path;
    void (*visit)(void *context, const char *words);
    void *context;
    uint64_t size, id, at;
    uint64_t number, seen; /* of the next frame; operations up to it, lost ones included */
    bool told;             /* one pass has told all damage */
    bool ended;
    struct trace_damage damage;
    struct buf payload;
    struct trace_decoder decoder;
};

static void tell(struct trace_reader *reader, uint64_t offset, const char *what) {
    char words[WORDS_BYTES];
    if (reader->told) return;
    reader->damage.places++;
    if (!reader->visit) return;
    (void)snprintf(words, sizeof words, "%s: offset %" PRIu64 ": %s", reader->path, offset, what);
    reader->visit(reader->context, words);
}

static enum status read_header(struct trace_reader *reader, uint64_t offset, struct trace_frame *frame,
                               struct error *error) {
    uint8_t bytes[TRACE_HEADER_BYTES];
    size_t got = 0;
    const enum status status = io_file_read(reader->file, offset, bytes, sizeof bytes, &got);
    if (status != STATUS_OK) return error_set(error, status, "%s", status_text(status));
    return trace_header_decode(slice_make(bytes, got), offset, frame, error);
}

/* The first page from `at` on with a header of this trace. False: there is none. */
static bool find_frame(struct trace_reader *reader, uint64_t *at, struct trace_frame *frame) {
    for (; *at < reader->size; *at += TRACE_PAGE_BYTES)
        if (read_header(reader, *at, frame, NULL) == STATUS_OK && frame->id == reader->id &&
            frame->number >= reader->number)
            return true;
    return false;
}

static enum status open_file(struct trace_reader *reader, struct error *error) {
    struct trace_frame frame;
    struct error why = {.status = STATUS_OK};
    enum status status = io_file_size(reader->file, &reader->size);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", reader->path, status_text(status));
    if (reader->size == 0) return error_set(error, STATUS_SYNTAX, "%s: is empty: no write trace", reader->path);
    status = read_header(reader, 0, &frame, &why);
    if (status == STATUS_OK) {
        reader->id = frame.id;
        return STATUS_OK;
    }
    if (status != STATUS_CORRUPT && status != STATUS_SYNTAX)
        return error_set(error, status, "%s: offset 0: %s", reader->path, why.text);
    /* The first frame is damaged: a later one says which trace it is. */
    for (uint64_t at = 0; at < reader->size; at += TRACE_PAGE_BYTES) {
        if (read_header(reader, at, &frame, NULL) != STATUS_OK) continue;
        reader->id = frame.id;
        return STATUS_OK;
    }
    return error_set(error, STATUS_SYNTAX, "%s: is no write trace: %s", reader->path, why.text);
}

enum status trace_reader_open(struct io *io, const char *path, void (*visit)(void *context, const char *words),
                              void *context, struct trace_reader **reader, struct error *error) {
    struct trace_reader *made = calloc(1, sizeof *made);
    if (!made) return error_set(error, STATUS_NO_MEMORY, "%s: %s", path, status_text(STATUS_NO_MEMORY));
    made->path = path;
    made->visit = visit;
    made->context = context;
    enum status status = io_file_open(io, path, IO_OPEN_READ, &made->file);
    if (status != STATUS_OK)
        (void)error_set(error, status, "%s: %s", path, status_text(status));
    else
        status = open_file(made, error);
    if (status != STATUS_OK) {
        trace_reader_close(made);
        return status;
    }
    trace_reader_rewind(made);
    *reader = made;
    return STATUS_OK;
}

void trace_reader_rewind(struct trace_reader *reader) {
    reader->at = reader->number = reader->seen = 0;
    reader->ended = false;
    trace_decoder_begin(&reader->decoder, slice_make(NULL, 0), 0);
}

/* The file has no sound frame from here on. */
static void end_early(struct trace_reader *reader) {
    reader->ended = true;
    if (reader->told) return;
    if (reader->at < reader->size) tell(reader, reader->at, "no sound frame from here on");
    reader->damage.lost_unknown = true;
    reader->damage.torn = reader->damage.places == 0;
}

/* The payload of a frame, and what fills its last page. */
static enum status read_payload(struct trace_reader *reader, const struct trace_frame *frame) {
    const size_t size = (size_t)trace_frame_bytes(frame) - TRACE_HEADER_BYTES;
    size_t got = 0;
    buf_clear(&reader->payload);
    enum status status = buf_reserve(&reader->payload, size);
    if (status != STATUS_OK) return status;
    status = io_file_read(reader->file, frame->offset + TRACE_HEADER_BYTES, reader->payload.data, size, &got);
    if (status != STATUS_OK) return status;
    reader->payload.size = got;
    if (got < size || trace_payload_check(frame, buf_slice(&reader->payload)) != frame->payload_check)
        return STATUS_CORRUPT;
    reader->payload.size = frame->payload_bytes;
    return STATUS_OK;
}

/* A cut last frame was never complete; anything else is damage. */
static bool is_cut(const struct trace_reader *reader, const struct trace_frame *frame) {
    return frame->offset + trace_frame_bytes(frame) > reader->size;
}

/* A sound header: what of the frames before it is missing counts as lost. */
static void pass_to(struct trace_reader *reader, const struct trace_frame *frame) {
    if (!reader->told && frame->before > reader->seen) reader->damage.lost_operations += frame->before - reader->seen;
    reader->seen = frame->before;
    reader->number = frame->number + 1;
    reader->at = frame->offset + trace_frame_bytes(frame);
}

static enum status next_frame(struct trace_reader *reader) {
    struct trace_frame frame;
    struct error error = {.status = STATUS_OK};
    const uint64_t begin = reader->at;
    if (begin >= reader->size) {
        end_early(reader);
        return STATUS_END;
    }
    enum status status = read_header(reader, begin, &frame, &error);
    if (status == STATUS_IO) return status;
    const bool is_next = status == STATUS_OK && frame.id == reader->id && frame.number == reader->number;
    if (!is_next && !find_frame(reader, &reader->at, &frame)) {
        reader->at = begin;
        end_early(reader);
        return STATUS_END;
    }
    if (!is_next) tell(reader, begin, status == STATUS_OK ? "a frame of another place or trace" : error.text);
    status = read_payload(reader, &frame);
    if (status == STATUS_CORRUPT && is_cut(reader, &frame)) {
        reader->at = reader->size;
        end_early(reader);
        return STATUS_END;
    }
    pass_to(reader, &frame);
    if (frame.kind == TRACE_FRAME_END) {
        if (status == STATUS_CORRUPT) tell(reader, frame.offset, "the check of the last frame is wrong");
        reader->ended = true;
        return status == STATUS_OK || status == STATUS_CORRUPT ? STATUS_END : status;
    }
    if (status == STATUS_OK) {
        trace_decoder_begin(&reader->decoder, buf_slice(&reader->payload), frame.operations);
        reader->seen += frame.operations;
        return STATUS_OK;
    }
    if (status != STATUS_CORRUPT) return status;
    tell(reader, frame.offset, "the check of a frame's payload is wrong");
    trace_decoder_begin(&reader->decoder, slice_make(NULL, 0), 0);
    return STATUS_OK;
}

enum status trace_reader_next(struct trace_reader *reader, struct write_op *op) {
    for (;;) {
        enum status status = trace_decoder_next(&reader->decoder, op);
        if (status == STATUS_OK || status == STATUS_NO_MEMORY) return status;
        if (status == STATUS_CORRUPT) {
            tell(reader, reader->at, "before here: a frame that verifies holds what no writer writes");
            if (!reader->told) reader->damage.lost_operations += reader->decoder.left + 1;
            trace_decoder_begin(&reader->decoder, slice_make(NULL, 0), 0);
        }
        status = reader->ended ? STATUS_END : next_frame(reader);
        if (status == STATUS_END) reader->told = true;
        if (status != STATUS_OK) return status;
    }
}

void trace_reader_get_damage(const struct trace_reader *reader, struct trace_damage *damage) {
    *damage = reader->damage;
}

void trace_reader_close(struct trace_reader *reader) {
    if (!reader) return;
    io_file_close(reader->file);
    buf_deinit(&reader->payload);
    trace_decoder_deinit(&reader->decoder);
    free(reader);
}
