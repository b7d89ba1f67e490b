/*
 * sst_verify: every byte of an open SST read and understood: checks, order, and what index, filter and properties say
 * about the entries.
 *
 * It goes on after a bad block, so that one run names them all.
 */
#include <inttypes.h>
#include <stdio.h>

#include "engine/sst/block_count.h"
#include "engine/sst/sst_file.h"

enum { STRETCH_BYTES = 1 << 20, HASHES = 64 };

struct verify {
    struct sst *sst;
    void (*visit)(void *context, uint64_t offset, const char *text);
    void *context;
    struct sst_properties found; /* counted anew */
    struct buf last;             /* the last key of the last block that was read */
    struct buf key, raw;         /* room for a key, and for a block that was compressed */
    struct buf stretch;          /* of the file, from stretch_at on */
    uint64_t stretch_at;
    bool bad;
    bool unread; /* the device failed: nothing is known of what stands there */
};

static void finding(struct verify *verify, uint64_t offset, const char *text) {
    verify->bad = true;
    if (verify->visit) verify->visit(verify->context, offset, text);
}

/* ---- A block ----------------------------------------------------------------------------------------------------- */

static void count_span(struct sst_properties *found, uint64_t first, uint64_t last) {
    if (first < found->first_sequence) found->first_sequence = first;
    if (last > found->last_sequence) found->last_sequence = last;
}

static void verify_counts(struct verify *verify, uint64_t offset, const struct sst_block_view *view) {
    struct sst_properties *found = &verify->found;
    struct block_counts counts;
    block_count(view, &counts);
    if (counts.kinds[ENTRY_RANGE_DELETE]) finding(verify, offset, "an entry of a kind that can't stand among entries");
    found->entries += view->count;
    found->deletes += counts.kinds[ENTRY_DELETE];
    found->merges += counts.kinds[ENTRY_MERGE];
    found->appends += counts.kinds[ENTRY_APPEND];
    found->references += counts.kinds[ENTRY_REFERENCE];
    found->key_bytes += counts.key_bytes;
    found->value_bytes += counts.value_bytes;
    count_span(found, counts.first_sequence, counts.last_sequence);
}

/* The filter must not deny what is here. `room` holds the block's prefix. */
static void verify_filter(struct verify *verify, uint64_t offset, const struct sst_block_view *view, uint8_t *room) {
    const struct sst *sst = verify->sst;
    const size_t prefix_size = sst->properties.filter_prefix_bytes;
    uint64_t whole[HASHES], begun[HASHES];
    uint32_t keys = 0, beginnings = 0; /* denied */
    for (uint32_t i = 0; sst->filter_block && i < view->count;) {
        uint32_t count = 0, prefixes = 0;
        for (; i < view->count && count < HASHES; i++) {
            const struct slice key = slice_make(room, block_view_suffix(view, i, room));
            whole[count++] = entry_key_hash(key);
            if (prefix_size && key.size >= prefix_size)
                begun[prefixes++] = entry_prefix_hash(slice_make(room, prefix_size));
        }
        keys += filter_count_denied(&sst->filter, whole, count);
        beginnings += filter_count_denied(&sst->filter, begun, prefixes);
    }
    if (keys) finding(verify, offset, "the filter denies a key that is here");
    if (beginnings) finding(verify, offset, "the filter denies the beginning of a key that is here");
}

/* No entry is behind that one: a read of it would not look here. */
static bool ends_at_or_before(const struct sst_block_view *view, struct slice key, uint64_t trailer) {
    const uint32_t last = view->count - 1, found = block_view_seek(view, key, trailer);
    if (found > last) return true;
    return found == last && block_view_key_is(view, last, key) && block_view_trailer(view, last) == trailer;
}

/* The last entry of a block stands at or before its index entry's key, the first one behind the index entry before. So
 * blocks, too, are in order, as the index is. */
static enum status verify_index_entry(struct verify *verify, uint32_t at, const struct sst_block_view *view) {
    const struct sst_block_view *index = &verify->sst->index;
    struct buf *room = &verify->key;
    uint64_t offset = sst_index_handle(verify->sst, at).offset;
    buf_clear(room);
    enum status status = buf_reserve(room, block_view_key_room(index));
    if (status != STATUS_OK) return status;
    struct slice key = block_view_key(index, at, room->data);
    if (!ends_at_or_before(view, key, block_view_trailer(index, at)))
        finding(verify, offset, "a key behind the block's index entry");
    if (at == 0) return STATUS_OK;
    key = block_view_key(index, at - 1, room->data);
    uint64_t trailer = block_view_trailer(index, at - 1);
    /* The first of all entries is also the first behind that one, and is not that one itself. */
    if (block_view_seek(view, key, trailer) != 0 ||
        (block_view_key_is(view, 0, key) && block_view_trailer(view, 0) == trailer))
        finding(verify, offset, "a key that belongs to the block before");
    return STATUS_OK;
}

static enum status verify_block(struct verify *verify, uint32_t at, const struct sst_block_view *view) {
    const struct sst_handle handle = sst_index_handle(verify->sst, at);
    struct buf *room = &verify->key;
    verify->found.data_blocks++;
    verify->found.data_bytes += handle.size;
    verify->found.raw_bytes += view->size;
    verify_counts(verify, handle.offset, view);
    if (block_view_check_order(view) != STATUS_OK) finding(verify, handle.offset, "entries are out of order");
    buf_clear(room);
    enum status status = buf_reserve(room, block_view_key_room(view));
    if (status != STATUS_OK) return status;
    const struct slice first = block_view_key(view, 0, room->data);
    if (at == 0 && slice_compare(verify->sst->properties.first, first) > 0)
        finding(verify, handle.offset, "a key before the file's first");
    verify_filter(verify, handle.offset, view, room->data);
    status = buf_assign(&verify->last, block_view_key(view, view->count - 1, room->data));
    return status == STATUS_OK ? verify_index_entry(verify, at, view) : status;
}

/* ---- All blocks -------------------------------------------------------------------------------------------------- */

/* The unit's bytes, borrowed until the next call: the file is read in large stretches, and where one can't be read,
 * unit by unit. */
static enum status read_unit(struct verify *verify, const struct sst_handle *handle, struct slice *unit) {
    struct buf *stretch = &verify->stretch;
    const uint64_t end = handle->offset + handle->size, data_end = sst_footer_data_end(&verify->sst->footer);
    if (handle->offset < verify->stretch_at || end > verify->stretch_at + stretch->size) {
        uint64_t want = data_end - handle->offset;
        if (want > STRETCH_BYTES) want = handle->size > STRETCH_BYTES ? handle->size : STRETCH_BYTES;
        buf_clear(stretch);
        enum status status = buf_reserve(stretch, (size_t)want + BLOCK_SLACK_BYTES);
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

static enum status verify_data(struct verify *verify) {
    struct sst *sst = verify->sst;
    for (uint32_t at = 0; at < sst->index.count; at++) {
        struct sst_handle handle = sst_index_handle(sst, at);
        struct sst_block_view view;
        struct slice unit;
        enum status status = read_unit(verify, &handle, &unit);
        if (status == STATUS_OK) status = sst_block_look(sst, at, unit, &verify->raw, &view);
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
        if (status == STATUS_OK) status = verify_block(verify, at, &view);
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
        count_span(&verify->found, tombstone.sequence, tombstone.sequence);
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
    enum status status = verify_data(&verify);
    if (status == STATUS_OK) {
        verify_ranges(&verify);
        if (!verify.bad && !verify.unread) verify_properties(&verify);
    }
    buf_deinit(&verify.key);
    buf_deinit(&verify.raw);
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
