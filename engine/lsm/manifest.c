/*
 * manifest: writes edits. Invariant: an acknowledged page is never written again, and nothing is written after a
 * failure. Bytes: FORMAT.md, "manifest".
 */
#include "engine/lsm/manifest.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/lsm/file_names.h"
#include "engine/lsm/manifest_format.h"

struct manifest {
    struct io_file *file;
    struct manifest_id id;
    uint64_t end;       /* where the next edit goes: a page boundary */
    uint64_t last_edit; /* number of the last one */
    bool failed;
    struct buf payload; /* of the edit being written, and its sectors; kept for reuse */
    struct buf sectors;
};

void manifest_header_encode(const struct manifest_id *id, uint8_t *sector) {
    memset(sector, 0, IO_SECTOR_BYTES);
    coding_put_u64(sector + MANIFEST_HEADER_MAGIC_AT, MANIFEST_MAGIC);
    coding_put_u32(sector + MANIFEST_HEADER_VERSION_AT, MANIFEST_VERSION);
    coding_put_u32(sector + MANIFEST_HEADER_SECTOR_BYTES_AT, IO_SECTOR_BYTES);
    coding_put_u64(sector + MANIFEST_HEADER_STORE_AT, id->store);
    coding_put_u64(sector + MANIFEST_HEADER_NUMBER_AT, id->number);
    coding_put_u64(sector + MANIFEST_HEADER_GENERATION_AT, id->generation);
    coding_put_u64(sector, manifest_check(sector, MANIFEST_HEADER_SEED));
}

/* Cuts the payload into sectors, each with its head, and pads with zeros to a page. */
static enum status encode_sectors(struct manifest *manifest, uint64_t edit) {
    const size_t size = manifest->payload.size;
    const size_t count = (size + MANIFEST_SECTOR_PAYLOAD - 1) / MANIFEST_SECTOR_PAYLOAD;
    const size_t bytes = manifest_round_to_page(count * IO_SECTOR_BYTES);
    const uint64_t first = manifest->end / IO_SECTOR_BYTES;
    buf_clear(&manifest->sectors);
    const enum status status = buf_append_zeros(&manifest->sectors, bytes);
    if (status != STATUS_OK) return status;
    for (size_t i = 0; i < count; i++) {
        uint8_t *sector = manifest->sectors.data + i * IO_SECTOR_BYTES;
        const size_t from = i * MANIFEST_SECTOR_PAYLOAD;
        const size_t used = size - from < MANIFEST_SECTOR_PAYLOAD ? size - from : MANIFEST_SECTOR_PAYLOAD;
        coding_put_u64(sector + MANIFEST_SECTOR_EDIT_AT, edit);
        coding_put_u32(sector + MANIFEST_SECTOR_INDEX_AT, (uint32_t)i);
        coding_put_u32(sector + MANIFEST_SECTOR_COUNT_AT, (uint32_t)count);
        coding_put_u32(sector + MANIFEST_SECTOR_USED_AT, (uint32_t)used);
        coding_put_u32(sector + MANIFEST_SECTOR_MAGIC_AT, MANIFEST_SECTOR_MAGIC);
        memcpy(sector + MANIFEST_SECTOR_PAYLOAD_AT, manifest->payload.data + from, used);
        coding_put_u64(sector, manifest_check(sector, manifest_sector_seed(&manifest->id, first + i)));
    }
    return STATUS_OK;
}

/*
 * There was no room for the edit. Sectors of it may stand, and the next edit will have its number and its place: so
 * that the two never mix, they go, durably, before anything else is written. If that fails, too, nothing will be.
 */
static enum status take_back(struct manifest *manifest) {
    enum status status = io_file_truncate(manifest->file, manifest->end);
    if (status == STATUS_OK) status = io_file_sync(manifest->file);
    manifest->failed = status != STATUS_OK;
    return manifest->failed ? STATUS_IO : STATUS_NO_SPACE;
}

static enum status write_edit(struct manifest *manifest, const struct edit *edit) {
    buf_clear(&manifest->payload);
    enum status status = edit_encode(edit, &manifest->payload);
    if (status == STATUS_OK && manifest->payload.size > MANIFEST_EDIT_MAX_BYTES) status = STATUS_TOO_LARGE;
    if (status == STATUS_OK) status = encode_sectors(manifest, edit->number);
    if (status != STATUS_OK) return status; /* nothing reached the file: the next edit may */
    manifest->failed = true;
    status = io_file_write(manifest->file, manifest->end, manifest->sectors.data, manifest->sectors.size);
    if (status == STATUS_NO_SPACE) return take_back(manifest);
    if (status == STATUS_OK) status = io_file_sync(manifest->file);
    if (status == STATUS_NO_SPACE) status = STATUS_IO; /* what became of it is not known */
    if (status != STATUS_OK) return status;
    manifest->failed = false;
    manifest->end += manifest->sectors.size;
    manifest->last_edit = edit->number;
    return STATUS_OK;
}

enum status manifest_append(struct manifest *manifest, const struct edit *edit) {
    if (manifest->failed) return STATUS_READ_ONLY;
    check(edit->number == manifest->last_edit + 1);
    return write_edit(manifest, edit);
}

static enum status start(struct manifest *manifest, struct io *io, const char *path, const struct edit *first) {
    uint8_t page[IO_PAGE_BYTES] = {0};
    enum status status =
        io_file_open(io, path, IO_OPEN_READ | IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_TRUNCATE, &manifest->file);
    if (status != STATUS_OK) return status;
    manifest_header_encode(&manifest->id, page);
    status = io_file_write(manifest->file, 0, page, sizeof page);
    if (status != STATUS_OK) return status;
    manifest->end = sizeof page;
    return write_edit(manifest, first);
}

enum status manifest_create(struct io *io, const char *dir, const struct manifest_id *id, const struct edit *first,
                            struct manifest **manifest) {
    char path[IO_PATH_BYTES];
    enum status status = file_path(path, dir, FILE_MANIFEST, id->number);
    if (status != STATUS_OK) return status;
    struct manifest *made = calloc(1, sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    made->id = *id;
    status = start(made, io, path, first);
    if (status == STATUS_OK)
        *manifest = made;
    else
        manifest_close(made);
    return status;
}

uint64_t manifest_bytes(const struct manifest *manifest) {
    return manifest->end;
}

void manifest_close(struct manifest *manifest) {
    if (!manifest) return;
    io_file_close(manifest->file);
    buf_deinit(&manifest->payload);
    buf_deinit(&manifest->sectors);
    free(manifest);
}
