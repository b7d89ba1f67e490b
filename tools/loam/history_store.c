/* history_store: see history_store.h. */
#include "tools/loam/history_store.h"

enum { PIECE_BYTES = 1 << 20 };
#define FILE_BYTES_MAX ((uint64_t)4 << 30)

static enum status read_file(struct io *io, const char *path, struct buf *content, struct error *error) {
    struct io_file *file = NULL;
    uint64_t size = 0;
    enum status status = io_file_open(io, path, IO_OPEN_READ, &file);
    if (status == STATUS_OK) status = io_file_size(file, &size);
    if (status == STATUS_OK && size > FILE_BYTES_MAX) status = STATUS_TOO_LARGE;
    if (status == STATUS_OK) status = buf_reserve(content, (size_t)size + 1);
    if (status == STATUS_OK) status = io_file_read(file, 0, content->data, (size_t)size, &content->size);
    io_file_close(file);
    return status == STATUS_OK ? STATUS_OK : error_set(error, status, "%s", status_text(status));
}

enum status history_load(struct io *io, const char *path, struct history *history, const struct linearize_model **model,
                         struct error *error) {
    struct buf content = BUF_EMPTY;
    enum status status = read_file(io, path, &content, error);
    if (status == STATUS_OK) {
        status = history_read(history, buf_slice(&content), model, error);
        if (status != STATUS_OK && status != STATUS_SYNTAX) (void)error_set(error, status, "%s", status_text(status));
    }
    buf_deinit(&content);
    return status;
}

static enum status write_pieces(struct io_file *file, struct history_writer *writer) {
    struct buf piece = BUF_EMPTY;
    uint64_t at = 0;
    enum status status = STATUS_OK;
    for (bool more = true; more && status == STATUS_OK; at += piece.size) {
        buf_clear(&piece);
        status = history_writer_next(writer, PIECE_BYTES, &piece, &more);
        if (status == STATUS_OK) status = io_file_write(file, at, piece.data, piece.size);
    }
    buf_deinit(&piece);
    return status;
}

enum status history_save(struct io *io, const char *path, const struct history *history,
                         const struct linearize_model *model, struct error *error) {
    struct history_writer writer;
    struct io_file *file = NULL;
    enum status status = history_writer_init(&writer, model, history);
    if (status == STATUS_OK) status = io_file_open(io, path, IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_TRUNCATE, &file);
    if (status == STATUS_OK) status = write_pieces(file, &writer);
    io_file_close(file);
    history_writer_deinit(&writer);
    return status == STATUS_OK ? STATUS_OK : error_set(error, status, "%s: %s", path, status_text(status));
}
