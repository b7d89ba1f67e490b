/*
 * sst_verify: every byte of an open SST read and understood: checks, order, and what index, filter and properties say
 * about the entries.
 *
 * It goes on after a bad block, so that one run names them all.
 */
#include <inttypes.h>
#include <stdio.h>

#include "engine/sst/sst_file.h"

enum { STRETCH_BYTES = 1 << 20 };

struct verify {
    struct sst *sst;
    void (*visit)(void *context, uint64_t offset, const char *text);
    void *context;
    struct sst_properties found; /* counted anew */
    struct buf last;             /* the key before */
    uint64_t last_trailer;
    struct buf stretch; /* of the file, from stretch_at on */
    uint64_t stretch_at;
    bool bad;
    bool unread; /* the device failed: nothing is known of what stands there */
};

static void finding(struct verify *verify, uint64_t offset, const char *text) {
    verify->bad = true;
    if (verify->visit) verify->visit(verify->context, offset, text);
}

static void count_sequence(struct sst_properties *found, uint64_t sequence) {
    if (sequence < found->first_sequence) found->first_sequence = sequence;
    if (sequence > found->last_sequence) found->last_sequence = sequence;
}

static enum status verify_entry(struct verify *verify, uint64_t offset, struct slice key, uint64_t trailer,
                                struct slice value) {
    struct sst_properties *found = &verify->found;
    struct slice last = buf_slice(&verify->last);
    if (found->entries && entry_compare(last, verify->last_trailer, key, trailer) >= 0)
        finding(verify, offset, "entries are out of order");
    if (entry_kind(trailer) == ENTRY_RANGE_DELETE || entry_kind(trailer) >= ENTRY_KIND_COUNT)
        finding(verify, offset, "an entry of a kind that can't stand among entries");
    if (!sst_may_have(verify->sst, entry_key_hash(key)))
        finding(verify, offset, "the filter denies a key that is here");
    const size_t prefix_size = verify->sst->properties.filter_prefix_bytes;
    if (prefix_size && key.size >= prefix_size) {
        const struct slice prefix = slice_make(key.data, prefix_size);
        if (!sst_may_have_prefix(verify->sst, prefix, entry_prefix_hash(prefix)))
            finding(verify, offset, "the filter denies the beginning of a key that is here");
    }
    if (!found->entries && slice_compare(verify->sst->properties.first, key) > 0)
        finding(verify, offset, "a key before the file's first");
    found->entries++;
    found->deletes += entry_kind(trailer) == ENTRY_DELETE;
    found->merges += entry_kind(trailer) == ENTRY_MERGE;
    found->appends += entry_kind(trailer) == ENTRY_APPEND;
    found->references += entry_kind(trailer) == ENTRY_REFERENCE;
    found->key_bytes += key.size;
    found->value_bytes += value.size;
    count_sequence(found, entry_sequence(trailer));
    verify->last_trailer = trailer;
    return buf_assign(&verify->last, key);
}

/* The last entry of a block stands at or before its index entry's key, the first one behind the index entry before. */
static enum status verify_index_entry(struct verify *verify, uint32_t at, const struct sst_block_view *view,
                                      struct buf *room) {
    const struct sst_block_view *index = &verify->sst->index;
    uint64_t offset = sst_index_handle(verify->sst, at).offset;
    buf_clear(room);
    enum status status = buf_reserve(room, block_view_key_room(index));
    if (status != STATUS_OK) return status;
    struct slice key = block_view_key(index, at, room->data);
    if (block_view_seek(view, key, block_view_trailer(index, at)) < view->count - 1)
        finding(verify, offset, "a key behind the block's index entry");
    if (at == 0) return STATUS_OK;
    key = block_view_key(index, at - 1, room->data);
    uint64_t trailer = block_view_trailer(index, at - 1);
    if (block_view_seek(view, key, trailer) != 0) finding(verify, offset, "a key that belongs to the block before");
    return STATUS_OK;
}

static enum status verify_block(struct verify *verify, uint32_t at, struct block *block, struct buf *room) {
    const struct sst_block_view *view = sst_block_view_of(block);
    struct sst_handle handle = sst_index_handle(verify->sst, at);
    verify->found.data_blocks++;
    verify->found.data_bytes += handle.size;
    verify->found.raw_bytes += view->size;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < view->count && status == STATUS_OK; i++) {
        buf_clear(room);
        status = buf_reserve(room, block_view_key_room(view));
        if (status != STATUS_OK) return status;
        struct slice key = block_view_key(view, i, room->data);
        status = verify_entry(verify, handle.offset, key, block_view_trailer(view, i), block_view_value(view, i));
    }
    return status == STATUS_OK ? verify_index_entry(verify, at, view, room) : status;
}

/* The unit's bytes, borrowed until the next call: the file is read in large stretches, and where one can't be read,
 * unit by unit. */
static enum status read_unit(struct verify *verify, const struct sst_handle *handle, struct slice *unit) {
    struct buf *stretch = &verify->stretch;
    const uint64_t end = handle->offset + handle->size, data_end = sst_footer_data_end(&verify->sst->footer);
    if (handle->offset < verify->stretch_at || end > verify->stretch_at + stretch->size) {
        uint64_t want = data_end - handle->offset;
        if (want > STRETCH_BYTES) want = handle->size > STRETCH_BYTES ? handle->size : STRETCH_BYTES;
        buf_clear(stretch);
        enum status status = buf_reserve(stretch, (size_t)want);
        if (status == STATUS_OK) status = sst_file_read(verify->sst, handle->offset, stretch->data, (size_t)want);
        if (status == STATUS_CORRUPT || status == STATUS_IO) {
            want = handle->size;
            status = sst_file_read(verify->sst, handle->offset, stretch->data, (size_t)want);
        }
        if (status != STATUS_OK) return status;
        verify->stretch_at = handle->offset;
        stretch->size = (size_t)want;
    }
    *unit = slice_make(stretch->data + (handle->offset - verify->stretch_at), handle->size);
    return STATUS_OK;
}

static enum status verify_data(struct verify *verify, struct buf *room) {
    struct sst *sst = verify->sst;
    for (uint32_t at = 0; at < sst->index.count; at++) {
        struct sst_handle handle = sst_index_handle(sst, at);
        struct block *block = NULL;
        struct slice unit;
        enum status status = read_unit(verify, &handle, &unit);
        if (status == STATUS_OK) status = sst_block_decode(sst, at, unit, &block);
        if (sst->progress) sst->progress(sst->progress_context, handle.size);
        if (status == STATUS_CORRUPT || status == STATUS_IO) {
            if (status == STATUS_IO) verify->unread = true;
            char text[96];
            snprintf(text, sizeof text, "data block %" PRIu32 " (%" PRIu32 " bytes): %s", at, handle.size,
                     status_text(status));
            if (status == STATUS_CORRUPT) verify->bad = true;
            if (verify->visit) verify->visit(verify->context, handle.offset, text);
            continue;
        }
        if (status == STATUS_OK) status = verify_block(verify, at, block, room);
        block_release(block);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static void verify_ranges(struct verify *verify) {
    struct range_cursor cursor;
    struct range_tombstone tombstone;
    range_cursor_init(&cursor, &verify->sst->ranges, 0);
    while (range_cursor_next(&cursor, &tombstone)) {
        verify->found.range_deletes++;
        count_sequence(&verify->found, tombstone.sequence);
    }
}

/* Only meaningful when every block could be read. */
static void verify_properties(struct verify *verify) {
    const struct sst_properties *says = &verify->sst->properties;
    struct sst_properties *found = &verify->found;
    uint64_t at = verify->sst->footer.sections[SST_SECTION_PROPERTIES - SST_SECTION_FILTER].offset;
    if (found->entries + found->range_deletes == 0) found->first_sequence = 0;
    bool counts = says->entries == found->entries && says->deletes == found->deletes && says->merges == found->merges &&
                  says->appends == found->appends && says->references == found->references &&
                  says->range_deletes == found->range_deletes;
    bool bytes = says->key_bytes == found->key_bytes && says->value_bytes == found->value_bytes &&
                 says->data_blocks == found->data_blocks && says->data_bytes == found->data_bytes &&
                 says->raw_bytes == found->raw_bytes;
    bool sequences = says->first_sequence == found->first_sequence && says->last_sequence == found->last_sequence;
    if (!counts) finding(verify, at, "the properties count other entries than the file has");
    if (!bytes) finding(verify, at, "the properties count other bytes than the file has");
    if (!sequences) finding(verify, at, "the properties tell other sequences than the file has");
    if (!found->entries || !says->has_last) return;
    int order = slice_compare(buf_slice(&verify->last), says->last);
    if (order > 0 || (order == 0 && says->last_exclusive)) finding(verify, at, "a key behind the file's last");
}

enum status sst_verify(struct sst *sst, void (*visit)(void *context, uint64_t offset, const char *text),
                       void *context) {
    struct verify verify = {
        .sst = sst, .visit = visit, .context = context, .found = {.first_sequence = ENTRY_SEQUENCE_MAX}};
    struct buf room = BUF_EMPTY;
    enum status status = verify_data(&verify, &room);
    if (status == STATUS_OK) {
        verify_ranges(&verify);
        if (!verify.bad && !verify.unread) verify_properties(&verify);
    }
    buf_deinit(&room);
    buf_deinit(&verify.last);
    buf_deinit(&verify.stretch);
    if (status != STATUS_OK) return status;
    if (verify.bad) return STATUS_CORRUPT;
    return verify.unread ? STATUS_IO : STATUS_OK;
}

void sst_set_progress(struct sst *sst, void (*progress)(void *context, uint64_t bytes), void *context) {
    sst->progress = progress;
    sst->progress_context = context;
}

enum status sst_read_identity(struct io *io, const char *path, struct sst_identity *identity, struct error *error) {
    uint8_t header[SST_HEADER_BYTES];
    struct io_file *file = NULL;
    size_t got = 0;
    enum status status = io_file_open(io, path, IO_OPEN_READ, &file);
    if (status == STATUS_OK) status = io_file_read(file, 0, header, sizeof header, &got);
    io_file_close(file);
    if (status == STATUS_OK && got < sizeof header) status = STATUS_CORRUPT;
    if (status != STATUS_OK) return error_set(error, status, "%s: its header can't be read", path);
    return sst_header_decode(slice_make(header, sizeof header), identity, error);
}
