/* files: see files.h. */
#include "tools/loam/explain/files.h"

static enum status read_open(struct io_file *file, uint64_t most, struct buf *to) {
    uint64_t size = 0;
    size_t got = 0;
    enum status status = io_file_size(file, &size);
    if (size > most) size = most;
    if (status == STATUS_OK) status = buf_reserve(to, (size_t)size + 1);
    if (status == STATUS_OK) status = io_file_read(file, 0, to->data, (size_t)size, &got);
    to->size = status == STATUS_OK ? got : 0;
    return status;
}

enum status files_read(struct io *io, const char *path, uint64_t most, struct buf *to) {
    struct io_file *file = NULL;
    buf_clear(to);
    enum status status = io_file_open(io, path, IO_OPEN_READ, &file);
    if (status == STATUS_OK) status = read_open(file, most, to);
    io_file_close(file);
    return status;
}
