/*
 * line_reader: the lines of a file, one after the other, in bounded memory: files of any size, lines up to
 * LINE_READER_MAX_BYTES. Blocking.
 */
#ifndef TOOLS_LOAM_IMPORT_LINE_READER_H
#define TOOLS_LOAM_IMPORT_LINE_READER_H

#include "engine/base/buf.h"
#include "engine/io.h"

enum { LINE_READER_MAX_BYTES = 1 << 20 };

struct line_reader {
    struct io_file *file;
    struct buf buffer;
    size_t at;       /* of the buffer: the next line begins here */
    uint64_t offset; /* of the file: what has been read into the buffer so far */
    uint64_t line;   /* of the last line that was given, from 1 */
    bool at_end;     /* nothing is left in the file */
};

MUST_CHECK enum status line_reader_open(struct line_reader *reader, struct io *io, const char *path,
                                        struct error *error);
void line_reader_close(struct line_reader *reader); /* of a zeroed or opened one */

/*
 * The next line without its end ("\n" or "\r\n"; a byte order mark before the first one is dropped), borrowed until the
 * next call. END behind the last; TOO_LARGE with words for a line over the limit; IO, NO_MEMORY.
 */
MUST_CHECK enum status line_reader_next(struct line_reader *reader, struct slice *line, struct error *error);

/* Bytes of the file that stand before the next line. */
static inline uint64_t line_reader_position(const struct line_reader *reader) {
    return reader->offset - (reader->buffer.size - reader->at);
}

#endif
