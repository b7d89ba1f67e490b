/* rmat: see rmat.h. */
#include "tools/loam/bench/rmat.h"

#include <inttypes.h>

#include "engine/base/buf.h"
#include "engine/base/prng.h"

enum { WRITE_BYTES = 1 << 20 };

/* A quarter of the matrix for each bit. */
static void draw_edge(struct prng *prng, uint32_t scale, uint64_t *source, uint64_t *target) {
    *source = *target = 0;
    for (uint32_t bit = 0; bit < scale; bit++) {
        const uint64_t dice = prng_below(prng, 100);
        *source = *source << 1 | (dice >= 76);
        *target = *target << 1 | (dice >= 95 || (dice >= 57 && dice < 76));
    }
}

static enum status write_text(struct io_file *file, struct buf *text, uint64_t *offset) {
    enum status status = io_file_write(file, *offset, text->data, text->size);
    *offset += text->size;
    buf_clear(text);
    return status;
}

enum status rmat_write(struct io *io, const char *path, uint32_t scale, uint64_t edges, uint64_t seed,
                       struct error *error) {
    struct io_file *file = NULL;
    struct buf text = BUF_EMPTY;
    struct prng prng;
    uint64_t offset = 0;
    prng_init(&prng, seed);
    enum status status = io_file_open(io, path, IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_TRUNCATE, &file);
    for (uint64_t i = 0; status == STATUS_OK && i < edges; i++) {
        uint64_t source, target;
        draw_edge(&prng, scale, &source, &target);
        status = buf_append_format(&text, "%" PRIu64 " %" PRIu64 "\n", source, target);
        if (status == STATUS_OK && text.size >= WRITE_BYTES) status = write_text(file, &text, &offset);
    }
    if (status == STATUS_OK && text.size > 0) status = write_text(file, &text, &offset);
    io_file_close(file);
    buf_deinit(&text);
    return status == STATUS_OK ? STATUS_OK : error_set(error, status, "%s: %s", path, status_text(status));
}
