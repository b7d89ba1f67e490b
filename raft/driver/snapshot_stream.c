/*
 * snapshot_stream: see the header.
 */
#include "raft/driver/snapshot_stream.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/coding.h"
#include "engine/base/hash.h"

static const uint8_t magic[8] = {'L', 'O', 'A', 'M', 'S', 'N', 'A', 'P'};
enum { VERSION = 1, HEAD_MAX_BYTES = 64 << 20 };

void snapshot_head_deinit(struct snapshot_head *head) {
    free(head->files);
    *head = (struct snapshot_head){0};
}

/* A name that stays in its directory. */
static bool name_is_safe(const char *name, size_t size) {
    if (size == 0 || size >= SNAPSHOT_NAME_BYTES || name[0] == '.') return false;
    for (size_t i = 0; i < size; i++) {
        char c = name[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                     c == '_' || c == '.';
        if (!plain) return false;
    }
    return true;
}

static enum status add(struct snapshot_head *head, const char *name, size_t name_size, uint64_t size) {
    if (!name_is_safe(name, name_size) || head->file_count == SNAPSHOT_FILES_MAX) return STATUS_INVALID;
    if (head->file_count == head->capacity) {
        uint32_t capacity = head->capacity ? head->capacity * 2 : 64;
        struct snapshot_file *files = realloc(head->files, capacity * sizeof *files);
        if (files == NULL) return STATUS_NO_MEMORY;
        head->files = files;
        head->capacity = capacity;
    }
    struct snapshot_file *file = &head->files[head->file_count++];
    *file = (struct snapshot_file){.size = size};
    memcpy(file->name, name, name_size);
    return STATUS_OK;
}

enum status snapshot_head_add(struct snapshot_head *head, const char *name, uint64_t size) {
    return add(head, name, strlen(name), size);
}

enum status snapshot_head_encode(struct buf *to, const struct snapshot_head *head) {
    size_t start = to->size;
    enum status status = buf_append(to, magic, sizeof magic);
    if (status == STATUS_OK) status = encode_u32(to, VERSION);
    if (status == STATUS_OK) status = encode_u32(to, 0); /* length of the head */
    if (status == STATUS_OK) status = encode_u64(to, 0); /* check of what follows */
    if (status == STATUS_OK) status = encode_u64(to, head->index);
    if (status == STATUS_OK) status = encode_u64(to, head->term);
    if (status == STATUS_OK) status = encode_u32(to, head->file_count);
    for (uint32_t i = 0; i < head->file_count && status == STATUS_OK; i++) {
        status = encode_string(to, slice_from_text(head->files[i].name));
        if (status == STATUS_OK) status = encode_u64(to, head->files[i].size);
    }
    if (status != STATUS_OK) return status;
    uint8_t *bytes = to->data + start;
    size_t size = to->size - start;
    coding_put_u32(bytes + 12, (uint32_t)size);
    coding_put_u64(bytes + 16, hash64(slice_make(bytes + 24, size - 24), 0));
    return STATUS_OK;
}

static enum status decode_files(struct decoder *decoder, struct snapshot_head *head, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        struct slice name = decode_string(decoder);
        uint64_t size = decode_u64(decoder);
        if (decoder->failed) return STATUS_CORRUPT;
        enum status status = add(head, (const char *)name.data, name.size, size);
        if (status != STATUS_OK) return status == STATUS_INVALID ? STATUS_CORRUPT : status;
    }
    return decoder_finished(decoder) ? STATUS_OK : STATUS_CORRUPT;
}

enum status snapshot_head_decode(struct slice bytes, struct snapshot_head *head, size_t *used) {
    if (bytes.size < SNAPSHOT_HEAD_FIXED_BYTES) return STATUS_END;
    if (memcmp(bytes.data, magic, sizeof magic) != 0) return STATUS_CORRUPT;
    if (coding_get_u32(bytes.data + 8) != VERSION) return STATUS_VERSION;
    size_t size = coding_get_u32(bytes.data + 12);
    if (size < SNAPSHOT_HEAD_FIXED_BYTES || size > HEAD_MAX_BYTES) return STATUS_CORRUPT;
    if (bytes.size < size) return STATUS_END;
    struct slice covered = slice_make(bytes.data + 24, size - 24);
    if (coding_get_u64(bytes.data + 16) != hash64(covered, 0)) return STATUS_CORRUPT;
    struct decoder decoder = decoder_make(covered);
    *head = (struct snapshot_head){.index = decode_u64(&decoder)};
    head->term = decode_u64(&decoder);
    uint32_t count = decode_u32(&decoder);
    enum status status = decode_files(&decoder, head, count);
    if (status != STATUS_OK) snapshot_head_deinit(head);
    *used = size;
    return status;
}

enum status snapshot_file_path(const char *dir, const char *name, char path[IO_PATH_BYTES]) {
    int length = snprintf(path, IO_PATH_BYTES, "%s/%s", dir, name);
    return length > 0 && length < IO_PATH_BYTES ? STATUS_OK : STATUS_TOO_LARGE;
}
