/*
 * write_trace: a recorded sequence of writes: for each its kind, tree, key, the size of its value, and when it came;
 * values themselves are not kept. Bytes: FORMAT.md.
 *
 * Invariant: a frame stands by itself. What is damaged costs the operations of its frames and no others, and how many
 * these were is known.
 */
#ifndef TOOLS_LOAM_SIMULATE_WRITE_TRACE_H
#define TOOLS_LOAM_SIMULATE_WRITE_TRACE_H

#include "engine/base/buf.h"
#include "engine/base/coding.h"
#include "engine/io.h"
#include "tools/loam/simulate/write_op.h"

enum {
    TRACE_VERSION = 1,
    TRACE_HEADER_BYTES = 64,
    TRACE_PAGE_BYTES = 4096,          /* frames begin at multiples of it */
    TRACE_FRAME_BYTES = 256 << 10,    /* a writer ends a frame that has come to this size */
    TRACE_FRAME_MAX_BYTES = 768 << 10 /* payload: what an operation may add to one that is nearly full, and more */
};
#define TRACE_MAGIC "loam.wtr"

enum trace_frame_kind { TRACE_FRAME_WRITES = 1, TRACE_FRAME_END = 2 };

struct trace_frame {
    enum trace_frame_kind kind;
    uint64_t id;     /* of the trace: one number in all frames */
    uint64_t number; /* 0.. */
    uint64_t offset; /* where it stands */
    uint64_t before; /* operations of all frames before it */
    uint32_t operations;
    uint32_t payload_bytes;
    uint64_t payload_check;
};

/* ---- Bytes ------------------------------------------------------------------------------------------------------- */

void trace_header_encode(uint8_t to[TRACE_HEADER_BYTES], const struct trace_frame *frame);
/* SYNTAX: no frame begins here (another magic); VERSION; CORRUPT. *error says what. Pure. */
MUST_CHECK enum status trace_header_decode(struct slice bytes, uint64_t offset, struct trace_frame *frame,
                                           struct error *error);
/* All of it, with what fills its last page. */
static inline uint64_t trace_frame_bytes(const struct trace_frame *frame) {
    const uint64_t bytes = TRACE_HEADER_BYTES + (uint64_t)frame->payload_bytes;
    return (bytes + TRACE_PAGE_BYTES - 1) / TRACE_PAGE_BYTES * TRACE_PAGE_BYTES;
}
/* rest: of the frame's bytes, all behind its header. */
uint64_t trace_payload_check(const struct trace_frame *frame, struct slice rest);

/* Operations of one frame, one behind the other; keys and times as differences to the one before. */
struct trace_encoder {
    struct buf payload;
    struct buf key; /* of the one before */
    int64_t time_ms;
    uint32_t operations;
};
void trace_encoder_deinit(struct trace_encoder *encoder);
void trace_encoder_clear(struct trace_encoder *encoder);
/* NO_MEMORY. REQUIRES: it is within the limits of the engine. */
MUST_CHECK enum status trace_encoder_add(struct trace_encoder *encoder, const struct write_op *op);

struct trace_decoder {
    struct decoder decoder;
    struct buf key;
    int64_t time_ms;
    uint32_t left;
};
/* payload is borrowed. */
void trace_decoder_begin(struct trace_decoder *decoder, struct slice payload, uint32_t operations);
void trace_decoder_deinit(struct trace_decoder *decoder);
/* *op is borrowed until the next call. END behind the last; CORRUPT: bytes that no encoder writes; NO_MEMORY. */
MUST_CHECK enum status trace_decoder_next(struct trace_decoder *decoder, struct write_op *op);

/* ---- Files ------------------------------------------------------------------------------------------------------- */

struct trace_writer;
/* Makes `path`, which must not exist (EXISTS). IO, NO_MEMORY: *error has words. Blocking, and so are the others. */
MUST_CHECK enum status trace_writer_open(struct io *io, const char *path, struct trace_writer **writer,
                                         struct error *error);
MUST_CHECK enum status trace_writer_add(struct trace_writer *writer, const struct write_op *op);
/* What was added reaches the file now, as a frame of its own. */
MUST_CHECK enum status trace_writer_push(struct trace_writer *writer);
/* The end, and all of it durable. */
MUST_CHECK enum status trace_writer_finish(struct trace_writer *writer);
uint64_t trace_writer_operations(const struct trace_writer *writer);
uint64_t trace_writer_bytes(const struct trace_writer *writer);
/* A file without an end stays: what is in it can be read. NULL is allowed. */
void trace_writer_close(struct trace_writer *writer);

struct trace_damage {
    uint64_t places;          /* found so far */
    uint64_t lost_operations; /* that can be counted: between sound frames */
    bool lost_unknown;        /* and more at the end, nobody knows how many */
    bool torn;                /* nothing else is wrong than that the end is missing: its recording ended early */
};

struct trace_reader;
/*
 * visit (may be NULL) is told each place that is damaged, once: words with file and offset. *error: not OK: it is no
 * trace (SYNTAX), one of another version, or can't be read.
 */
MUST_CHECK enum status trace_reader_open(struct io *io, const char *path,
                                         void (*visit)(void *context, const char *words), void *context,
                                         struct trace_reader **reader, struct error *error);
/* The next operation of a sound frame, borrowed until the next call. END; IO, NO_MEMORY. */
MUST_CHECK enum status trace_reader_next(struct trace_reader *reader, struct write_op *op);
/* From the first one again; damage is not told a second time. */
void trace_reader_rewind(struct trace_reader *reader);
/* After END. */
void trace_reader_get_damage(const struct trace_reader *reader, struct trace_damage *damage);
void trace_reader_close(struct trace_reader *reader); /* NULL is allowed */

#endif
