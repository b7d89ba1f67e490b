/* line_reader: see line_reader.h. */
#include "tools/loam/import/line_reader.h"

enum { READ_BYTES = 256 << 10 };

enum status line_reader_open(struct line_reader *reader, struct io *io, const char *path, struct error *error) {
    *reader = (struct line_reader){0};
    enum status status = io_file_open(io, path, IO_OPEN_READ, &reader->file);
    return status == STATUS_OK ? STATUS_OK : error_set(error, status, "%s: %s", path, status_text(status));
}

void line_reader_close(struct line_reader *reader) {
    io_file_close(reader->file);
    buf_deinit(&reader->buffer);
    *reader = (struct line_reader){0};
}

static enum status read_more(struct line_reader *reader, struct error *error) {
    const char *path = io_file_path(reader->file);
    buf_consume(&reader->buffer, reader->at);
    reader->at = 0;
    if (reader->buffer.size > LINE_READER_MAX_BYTES)
        return error_set(error, STATUS_TOO_LARGE, "%s:%llu: the line is longer than %d bytes", path,
                         (unsigned long long)reader->line + 1, LINE_READER_MAX_BYTES);
    enum status status = buf_reserve(&reader->buffer, READ_BYTES);
    size_t got = 0;
    if (status == STATUS_OK)
        status =
            io_file_read(reader->file, reader->offset, reader->buffer.data + reader->buffer.size, READ_BYTES, &got);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", path, status_text(status));
    reader->buffer.size += got;
    reader->offset += got;
    reader->at_end = got == 0;
    return STATUS_OK;
}

static struct slice without_mark(struct slice line) {
    static const uint8_t mark[] = {0xEF, 0xBB, 0xBF};
    return slice_has_prefix(line, slice_make(mark, sizeof mark)) ? slice_from(line, sizeof mark) : line;
}

enum status line_reader_next(struct line_reader *reader, struct slice *line, struct error *error) {
    size_t looked = 0;
    for (;;) {
        const size_t left = reader->buffer.size - reader->at;
        const uint8_t *start = left ? reader->buffer.data + reader->at : NULL;
        const uint8_t *end = left > looked ? memchr(start + looked, '\n', left - looked) : NULL;
        if (end || (reader->at_end && left > 0)) {
            size_t size = end ? (size_t)(end - start) : left;
            reader->at += size + (end ? 1 : 0);
            if (size > 0 && start[size - 1] == '\r') size--;
            *line = slice_make(start, size);
            if (reader->line++ == 0) *line = without_mark(*line);
            return STATUS_OK;
        }
        if (reader->at_end) return STATUS_END;
        looked = left;
        enum status status = read_more(reader, error);
        if (status != STATUS_OK) return status;
    }
}
