/*
 * manifest_read: from untrusted bytes to edits. Invariant: an edit is shown only if each of its sectors verifies at its
 * place and every edit before it was shown. What is no whole edit is a torn tail only if it can be nothing else. Bytes
 * and rules: FORMAT.md, "manifest".
 */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/lsm/file_names.h"
#include "engine/lsm/manifest_format.h"

enum { SECTORS_PER_PAGE = IO_PAGE_BYTES / IO_SECTOR_BYTES };

static bool is_zero(const uint8_t *bytes, size_t size) {
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

enum manifest_sector_state manifest_sector_parse(const struct manifest_id *id, uint64_t at, const uint8_t *bytes,
                                                 struct manifest_sector *sector) {
    if (is_zero(bytes, IO_SECTOR_BYTES)) return MANIFEST_SECTOR_EMPTY;
    if (coding_get_u64(bytes) != manifest_check(bytes, manifest_sector_seed(id, at))) return MANIFEST_SECTOR_BAD;
    sector->edit = coding_get_u64(bytes + MANIFEST_SECTOR_EDIT_AT);
    sector->index = coding_get_u32(bytes + MANIFEST_SECTOR_INDEX_AT);
    sector->count = coding_get_u32(bytes + MANIFEST_SECTOR_COUNT_AT);
    sector->used = coding_get_u32(bytes + MANIFEST_SECTOR_USED_AT);
    if (coding_get_u32(bytes + MANIFEST_SECTOR_MAGIC_AT) != MANIFEST_SECTOR_MAGIC) return MANIFEST_SECTOR_BAD;
    if (sector->index >= sector->count || sector->used > MANIFEST_SECTOR_PAYLOAD) return MANIFEST_SECTOR_BAD;
    if (sector->index + 1 < sector->count && sector->used != MANIFEST_SECTOR_PAYLOAD) return MANIFEST_SECTOR_BAD;
    sector->payload = slice_make(bytes + MANIFEST_SECTOR_PAYLOAD_AT, sector->used);
    return MANIFEST_SECTOR_VALID;
}

enum status manifest_header_parse(struct slice bytes, struct manifest_id *id, struct error *error) {
    if (bytes.size < IO_PAGE_BYTES)
        return error_set(error, STATUS_CORRUPT, "offset 0: a manifest has at least %d bytes, this one has %zu",
                         IO_PAGE_BYTES, bytes.size);
    const uint8_t *header = bytes.data;
    if (coding_get_u64(header + MANIFEST_HEADER_MAGIC_AT) != MANIFEST_MAGIC)
        return error_set(error, STATUS_CORRUPT, "offset %d: not the magic of a manifest", MANIFEST_HEADER_MAGIC_AT);
    if (coding_get_u64(header) != manifest_check(header, MANIFEST_HEADER_SEED))
        return error_set(error, STATUS_CORRUPT, "offset 0: the header's check does not match");
    const uint32_t version = coding_get_u32(header + MANIFEST_HEADER_VERSION_AT);
    if (version != MANIFEST_VERSION)
        return error_set(error, STATUS_VERSION, "manifest of version %" PRIu32 "; this one reads %d", version,
                         MANIFEST_VERSION);
    if (coding_get_u32(header + MANIFEST_HEADER_SECTOR_BYTES_AT) != IO_SECTOR_BYTES)
        return error_set(error, STATUS_VERSION, "offset %d: a sector size that this version does not read",
                         MANIFEST_HEADER_SECTOR_BYTES_AT);
    id->store = coding_get_u64(header + MANIFEST_HEADER_STORE_AT);
    id->number = coding_get_u64(header + MANIFEST_HEADER_NUMBER_AT);
    id->generation = coding_get_u64(header + MANIFEST_HEADER_GENERATION_AT);
    return STATUS_OK;
}

/* One parse: the bytes, where it stands, and the payload of the present edit. */
struct parser {
    const uint8_t *bytes;
    uint64_t sectors; /* whole ones */
    uint64_t at;
    struct manifest_id id;
    bool any;
    uint64_t next_edit; /* expected number, once any was read */
    struct buf payload;
};

static enum manifest_sector_state sector_at(const struct parser *parser, uint64_t at, struct manifest_sector *sector) {
    if (at >= parser->sectors) return MANIFEST_SECTOR_EMPTY;
    return manifest_sector_parse(&parser->id, at, parser->bytes + at * IO_SECTOR_BYTES, sector);
}

/* Gathers the edit that begins here; false = there is no whole one. */
static bool gather(struct parser *parser, uint32_t *count, enum status *status) {
    struct manifest_sector head, part;
    *status = STATUS_OK;
    if (sector_at(parser, parser->at, &head) != MANIFEST_SECTOR_VALID || head.index != 0) return false;
    if (parser->any && head.edit != parser->next_edit) return false;
    buf_clear(&parser->payload);
    for (uint32_t i = 0; i < head.count; i++) {
        if (sector_at(parser, parser->at + i, &part) != MANIFEST_SECTOR_VALID) return false;
        if (part.edit != head.edit || part.index != i || part.count != head.count) return false;
        *status = buf_append_slice(&parser->payload, part.payload);
        if (*status != STATUS_OK) return true;
    }
    *count = head.count;
    parser->next_edit = head.edit + 1;
    parser->any = true;
    return true;
}

/*
 * No whole edit begins at parser->at. Fine if what follows is nothing, or parts of the one edit that comes next with
 * some part missing; a sector that is neither empty nor ours, or one of a later edit, is damage.
 */
static enum status judge_tail(const struct parser *parser, bool *torn, struct error *error) {
    struct manifest_sector part;
    *torn = false;
    for (uint64_t at = parser->at; at < parser->sectors; at++) {
        const uint64_t offset = at * IO_SECTOR_BYTES;
        const enum manifest_sector_state state = sector_at(parser, at, &part);
        if (state == MANIFEST_SECTOR_EMPTY) continue;
        if (state == MANIFEST_SECTOR_BAD)
            return error_set(error, STATUS_CORRUPT,
                             "offset %" PRIu64 ": a sector's check does not match; edits from here on can't be trusted",
                             offset);
        if (!parser->any || part.edit != parser->next_edit || part.index != at - parser->at)
            return error_set(error, STATUS_CORRUPT,
                             "offset %" PRIu64 ": sector %" PRIu32 " of edit %" PRIu64 " stands where edit %" PRIu64
                             " was expected",
                             offset, part.index, part.edit, parser->next_edit);
        *torn = true;
    }
    return STATUS_OK;
}

static enum status show(struct parser *parser,
                        enum status (*visit)(void *context, const struct edit *edit, struct error *error),
                        void *context, struct error *error) {
    struct edit edit;
    edit_init(&edit, EDIT_CREATE);
    enum status status = edit_decode(buf_slice(&parser->payload), &edit, error);
    if (status == STATUS_OK && edit.number + 1 != parser->next_edit)
        status = error_set(error, STATUS_CORRUPT, "edit %" PRIu64 " calls itself %" PRIu64, parser->next_edit - 1,
                           edit.number);
    if (status == STATUS_OK)
        status = visit(context, &edit, error);
    else
        error_prefix(error, status, "offset %" PRIu64, parser->at * IO_SECTOR_BYTES);
    edit_deinit(&edit);
    return status;
}

/* An edit is followed by zeros up to its page's end. */
static enum status check_padding(const struct parser *parser, uint64_t from, uint64_t to, struct error *error) {
    for (uint64_t at = from; at < to && at < parser->sectors; at++)
        if (!is_zero(parser->bytes + at * IO_SECTOR_BYTES, IO_SECTOR_BYTES))
            return error_set(error, STATUS_CORRUPT, "offset %" PRIu64 ": bytes behind an edit that are not zero",
                             at * IO_SECTOR_BYTES);
    return STATUS_OK;
}

static enum status parse_edits(struct parser *parser,
                               enum status (*visit)(void *context, const struct edit *edit, struct error *error),
                               void *context, struct manifest_recovery *recovery, struct error *error) {
    enum status status = STATUS_OK;
    uint32_t count = 0;
    while (status == STATUS_OK && gather(parser, &count, &status)) {
        if (status != STATUS_OK) break;
        status = show(parser, visit, context, error);
        recovery->edits++;
        const uint64_t end = parser->at + manifest_round_to_page((size_t)count * IO_SECTOR_BYTES) / IO_SECTOR_BYTES;
        if (status == STATUS_OK) status = check_padding(parser, parser->at + count, end, error);
        parser->at = end;
    }
    recovery->end = parser->at * IO_SECTOR_BYTES;
    return status == STATUS_OK ? judge_tail(parser, &recovery->torn, error) : status;
}

static enum status check_id(const struct manifest_id *id, const struct manifest_id *expected, struct error *error) {
    if (!expected) return STATUS_OK;
    if (id->store == expected->store && id->number == expected->number && id->generation == expected->generation)
        return STATUS_OK;
    return error_set(error, STATUS_MISMATCH,
                     "is manifest %" PRIu64 " of store %016" PRIx64 ", generation %" PRIu64 "; expected %" PRIu64
                     " of %016" PRIx64 ", generation %" PRIu64,
                     id->number, id->store, id->generation, expected->number, expected->store, expected->generation);
}

enum status manifest_parse(struct slice bytes, const struct manifest_id *expected, uint64_t durable_bytes,
                           enum status (*visit)(void *context, const struct edit *edit, struct error *error),
                           void *context, struct manifest_recovery *recovery, struct error *error) {
    struct parser parser = {.bytes = bytes.data, .sectors = bytes.size / IO_SECTOR_BYTES, .at = SECTORS_PER_PAGE};
    *recovery = (struct manifest_recovery){0};
    enum status status = manifest_header_parse(bytes, &parser.id, error);
    if (status == STATUS_OK) status = check_id(&parser.id, expected, error);
    recovery->id = parser.id;
    if (status == STATUS_OK) status = parse_edits(&parser, visit, context, recovery, error);
    if (status == STATUS_OK && recovery->edits == 0)
        status = error_set(error, STATUS_CORRUPT, "offset %d: no edit; a manifest begins with the whole state",
                           IO_PAGE_BYTES);
    if (status == STATUS_OK && recovery->end < durable_bytes)
        status = error_set(error, STATUS_CORRUPT,
                           "offset %" PRIu64 ": edits are missing; the superblock knows of %" PRIu64 " bytes",
                           recovery->end, durable_bytes);
    buf_deinit(&parser.payload);
    return status;
}

enum status file_read_all(struct io *io, const char *path, uint64_t limit, struct buf *to) {
    struct io_file *file = NULL;
    uint64_t size = 0;
    size_t got = 0;
    enum status status = io_file_open(io, path, IO_OPEN_READ, &file);
    if (status == STATUS_OK) status = io_file_size(file, &size);
    if (status == STATUS_OK && size > limit) status = STATUS_TOO_LARGE;
    buf_clear(to);
    if (status == STATUS_OK && size > 0) status = buf_reserve(to, (size_t)size);
    if (status == STATUS_OK && size > 0) status = io_file_read(file, 0, to->data, (size_t)size, &got);
    to->size = status == STATUS_OK ? got : 0;
    io_file_close(file);
    return status;
}

enum status manifest_read(struct io *io, const char *dir, const struct manifest_id *expected, uint64_t durable_bytes,
                          enum status (*visit)(void *context, const struct edit *edit, struct error *error),
                          void *context, struct manifest_recovery *recovery, struct error *error) {
    char path[IO_PATH_BYTES];
    struct buf bytes = BUF_EMPTY;
    *recovery = (struct manifest_recovery){0};
    enum status status = file_path(path, dir, FILE_MANIFEST, expected->number);
    if (status != STATUS_OK) return error_set(error, status, "%s: the path is too long", dir);
    status = file_read_all(io, path, MANIFEST_MAX_BYTES, &bytes);
    if (status != STATUS_OK)
        error_set(error, status, "%s: can't be read: %s", path, status_text(status));
    else if ((status = manifest_parse(buf_slice(&bytes), expected, durable_bytes, visit, context, recovery, error)) !=
             STATUS_OK)
        error_prefix(error, status, "%s", path);
    buf_deinit(&bytes);
    return status;
}
