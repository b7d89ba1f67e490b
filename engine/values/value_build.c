/* value_build: records -> write buffer -> file. Invariant: offset of the next record == written + pending.size. */
#include "engine/values/value_build.h"

#include <stdlib.h>

struct value_build {
    const struct sst_environment *environment;
    struct sst_identity identity;
    enum codec_id codec;
    struct io_file *file;
    enum status failed; /* OK until something failed */
    uint64_t written;
    struct buf pending;
    struct value_footer footer; /* counts so far */
};

enum status value_build_create(const struct sst_environment *environment, const char *path,
                               struct sst_identity identity, enum codec_id codec, struct value_build **build) {
    struct value_build *made = calloc(1, sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    made->environment = environment;
    made->identity = made->footer.identity = identity;
    made->codec = codec;
    uint8_t header[VALUE_HEADER_BYTES];
    value_header_encode(header, &identity);
    enum status status = buf_append(&made->pending, header, sizeof header);
    if (status == STATUS_OK)
        status = io_file_open(environment->io, path, IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_TRUNCATE, &made->file);
    if (status == STATUS_OK)
        *build = made;
    else
        value_build_destroy(made);
    return status;
}

void value_build_destroy(struct value_build *build) {
    if (!build) return;
    io_file_close(build->file);
    buf_deinit(&build->pending);
    free(build);
}

uint64_t value_build_size(const struct value_build *build) {
    return build->written + build->pending.size + VALUE_FOOTER_BYTES;
}

/* Whole multiples of a page; all that is left when `all`. */
static enum status write_pending(struct value_build *build, bool all) {
    const size_t size = all ? build->pending.size : build->pending.size & ~(size_t)(IO_PAGE_BYTES - 1);
    if (size == 0) return STATUS_OK;
    const enum status status = io_file_write(build->file, build->written, build->pending.data, size);
    if (status != STATUS_OK) return status;
    build->written += size;
    buf_consume(&build->pending, size);
    return STATUS_OK;
}

enum status value_build_add(struct value_build *build, struct slice key, struct slice value,
                            struct value_reference *reference) {
    if (build->failed != STATUS_OK) return build->failed;
    enum status status = value_record_encode(&build->pending, build->environment->codec, build->codec, key, value,
                                             &build->identity, build->written + build->pending.size, reference);
    if (status == STATUS_OK) {
        build->footer.records++;
        build->footer.value_bytes += value.size;
        if (build->pending.size >= VALUE_WRITE_BYTES) status = write_pending(build, false);
    }
    return build->failed = status;
}

static enum status finish(struct value_build *build) {
    uint8_t bytes[VALUE_FOOTER_BYTES];
    build->footer.file_bytes = value_build_size(build);
    value_footer_encode(bytes, &build->footer);
    enum status status = buf_append(&build->pending, bytes, sizeof bytes);
    if (status == STATUS_OK) status = write_pending(build, true);
    return status == STATUS_OK ? io_file_sync(build->file) : status;
}

enum status value_build_finish(struct value_build *build, struct value_footer *footer) {
    if (build->failed == STATUS_OK) build->failed = finish(build);
    *footer = build->footer;
    return build->failed;
}
