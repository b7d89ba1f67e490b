/* fuzz_files: see fuzz_files.h. */
#include "tests/harness/fuzz_files.h"

#include <stdio.h>

#include "engine/base/check.h"

enum { HEAD_BYTES = 4 };

void fuzz_files_put(struct io *io, const char *path, struct slice content) {
    char folder[IO_PATH_BYTES];
    struct io_file *file = NULL;
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
        const enum status status = io_dir_make(io, folder);
        check(status == STATUS_OK || status == STATUS_EXISTS);
    }
    check(io_file_open(io, path, IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_TRUNCATE, &file) == STATUS_OK);
    if (content.size) check(io_file_write(file, 0, content.data, content.size) == STATUS_OK);
    io_file_close(file);
}

bool fuzz_files_next(struct slice *input, uint8_t *which, struct slice *content) {
    if (input->size < HEAD_BYTES) return false;
    const uint8_t *head = input->data;
    size_t size = (size_t)head[1] | (size_t)head[2] << 8 | (size_t)head[3] << 16;
    *which = head[0];
    if (size > input->size - HEAD_BYTES) size = input->size - HEAD_BYTES;
    *content = slice_make(head + HEAD_BYTES, size);
    *input = slice_from(*input, HEAD_BYTES + size);
    return true;
}
