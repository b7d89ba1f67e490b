/*
 * superblock: two slots, the newer one rules. Invariant: a switch touches only the slot that rules no longer. Bytes:
 * FORMAT.md, "superblock".
 */
#include "engine/lsm/superblock.h"

#include "engine/base/coding.h"
#include "engine/base/hash.h"
#include "engine/lsm/file_names.h"

#define SUPERBLOCK_MAGIC UINT64_C(0x525055534d414f4c) /* "LOAMSUPR" */
#define SUPERBLOCK_SEED UINT64_C(0x5375706572626c6b)

enum {
    SUPERBLOCK_VERSION = 1,
    CHECK_AT = 0,
    MAGIC_AT = 8,
    VERSION_AT = 16,
    STORE_AT = 24,
    GENERATION_AT = 32,
    MANIFEST_AT = 40,
    MANIFEST_BYTES_AT = 48,
};

static uint64_t check_of(const uint8_t *bytes, unsigned slot) {
    return hash64(slice_make(bytes + MAGIC_AT, IO_SECTOR_BYTES - MAGIC_AT), SUPERBLOCK_SEED + slot);
}

enum status superblock_parse(const uint8_t *bytes, unsigned slot, struct superblock *superblock) {
    if (coding_get_u64(bytes + MAGIC_AT) != SUPERBLOCK_MAGIC) return STATUS_CORRUPT;
    if (coding_get_u64(bytes + CHECK_AT) != check_of(bytes, slot)) return STATUS_CORRUPT;
    if (coding_get_u32(bytes + VERSION_AT) != SUPERBLOCK_VERSION) return STATUS_VERSION;
    superblock->store = coding_get_u64(bytes + STORE_AT);
    superblock->generation = coding_get_u64(bytes + GENERATION_AT);
    superblock->manifest = coding_get_u64(bytes + MANIFEST_AT);
    superblock->manifest_bytes = coding_get_u64(bytes + MANIFEST_BYTES_AT);
    return STATUS_OK;
}

void superblock_encode(const struct superblock *superblock, unsigned slot, uint8_t *bytes) {
    memset(bytes, 0, IO_SECTOR_BYTES);
    coding_put_u64(bytes + MAGIC_AT, SUPERBLOCK_MAGIC);
    coding_put_u32(bytes + VERSION_AT, SUPERBLOCK_VERSION);
    coding_put_u64(bytes + STORE_AT, superblock->store);
    coding_put_u64(bytes + GENERATION_AT, superblock->generation);
    coding_put_u64(bytes + MANIFEST_AT, superblock->manifest);
    coding_put_u64(bytes + MANIFEST_BYTES_AT, superblock->manifest_bytes);
    coding_put_u64(bytes + CHECK_AT, check_of(bytes, slot));
}

static enum status read_slots(struct io *io, const char *path, uint8_t bytes[SUPERBLOCK_BYTES], size_t *got) {
    struct io_file *file = NULL;
    enum status status = io_file_open(io, path, IO_OPEN_READ, &file);
    if (status != STATUS_OK) return status;
    status = io_file_read(file, 0, bytes, SUPERBLOCK_BYTES, got);
    io_file_close(file);
    return status;
}

enum status superblock_read(struct io *io, const char *dir, struct superblock *superblock, bool *damaged,
                            struct error *error) {
    char path[IO_PATH_BYTES];
    uint8_t bytes[SUPERBLOCK_BYTES] = {0};
    size_t got = 0;
    enum status status = file_path(path, dir, FILE_SUPERBLOCK, 0);
    if (status != STATUS_OK) return error_set(error, status, "%s: the path is too long", dir);
    status = read_slots(io, path, bytes, &got);
    if (status != STATUS_OK) return error_set(error, status, "%s: can't be read: %s", path, status_text(status));
    unsigned valid = 0;
    for (unsigned slot = 0; slot < SUPERBLOCK_SLOTS; slot++) {
        struct superblock found;
        status = superblock_parse(bytes + slot * IO_PAGE_BYTES, slot, &found);
        if (status == STATUS_VERSION)
            return error_set(error, status, "%s: slot %u was written by a version that this one does not read", path,
                             slot);
        if (status != STATUS_OK) continue;
        if (valid == 0 || found.generation > superblock->generation) *superblock = found;
        valid++;
    }
    *damaged = valid < SUPERBLOCK_SLOTS;
    if (valid == 0)
        return error_set(error, STATUS_CORRUPT, "%s: neither slot (offsets 0 and %d) verifies", path, IO_PAGE_BYTES);
    return STATUS_OK;
}

static enum status fill_and_sync(struct io_file *file, const struct superblock *superblock) {
    uint8_t bytes[SUPERBLOCK_BYTES] = {0};
    for (unsigned slot = 0; slot < SUPERBLOCK_SLOTS; slot++)
        superblock_encode(superblock, slot, bytes + slot * IO_PAGE_BYTES);
    const enum status status = io_file_write(file, 0, bytes, sizeof bytes);
    return status == STATUS_OK ? io_file_sync(file) : status;
}

enum status superblock_create(struct io *io, const char *dir, const struct superblock *superblock) {
    char path[IO_PATH_BYTES], new_path[IO_PATH_BYTES];
    struct io_file *file = NULL;
    enum status status = file_path(path, dir, FILE_SUPERBLOCK, 0);
    if (status == STATUS_OK) status = file_path(new_path, dir, FILE_TEMPORARY, 0);
    if (status == STATUS_OK)
        status = io_file_open(io, new_path, IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_TRUNCATE, &file);
    if (status != STATUS_OK) return status;
    status = fill_and_sync(file, superblock);
    io_file_close(file);
    if (status == STATUS_OK) status = io_rename(io, new_path, path);
    return status == STATUS_OK ? io_dir_sync(io, dir) : status;
}

enum status superblock_write(struct io *io, const char *dir, const struct superblock *superblock) {
    char path[IO_PATH_BYTES];
    uint8_t bytes[IO_SECTOR_BYTES];
    struct io_file *file = NULL;
    const unsigned slot = (unsigned)(superblock->generation % SUPERBLOCK_SLOTS);
    enum status status = file_path(path, dir, FILE_SUPERBLOCK, 0);
    if (status == STATUS_OK) status = io_file_open(io, path, IO_OPEN_WRITE, &file);
    if (status != STATUS_OK) return status;
    superblock_encode(superblock, slot, bytes);
    status = io_file_write(file, (uint64_t)slot * IO_PAGE_BYTES, bytes, sizeof bytes);
    if (status == STATUS_OK) status = io_file_sync(file);
    io_file_close(file);
    return status;
}
