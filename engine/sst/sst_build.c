/*
 * sst_build: entries -> block -> unit -> write buffer -> file; then filter, range deletes, index, properties and footer
 * behind them.
 *
 * Invariant: file offset of the next unit == written + pending.size. A call that failed leaves the build in a failed
 * state; every later one answers the same.
 */
#include "engine/sst/sst_build.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/sst/block_build.h"
#include "engine/sst/filter_format.h"
#include "engine/sst/range_build.h"
#include "engine/sst/sst_dictionary.h"
#include "engine/sst/sst_format.h"

enum { BLOCK_BYTES_DEFAULT = 4 << 10, WRITE_BACK_BYTES = 1 << 20 };

struct sst_build {
    const struct sst_environment *environment;
    struct sst_build_options options;
    struct sst_properties properties;
    struct io_file *file;
    uint64_t charged;   /* of the jobs' memory */
    enum status failed; /* OK until something failed */
    bool finished;

    uint64_t written;    /* bytes handed to the file */
    uint64_t on_its_way; /* of them, those that the system was asked to bring to the device */
    struct buf pending;  /* units that wait for a write */
    struct block_build block;
    struct buf raw; /* a block laid out, before compression */
    struct sst_dictionary dictionary;
    struct block_build index;
    struct buf hashes;        /* of user keys, for the filter; each key once */
    struct sst_handle handle; /* of the last data unit; its index entry waits for the key that follows */
    bool handle_waits;
    struct buf last_key; /* of the last data unit */
    uint64_t last_trailer;

    struct range_build ranges;
    struct buf first, last; /* what properties.first and .last point at when the build has finished */
};

enum status sst_build_create(const struct sst_environment *environment, const char *path,
                             const struct sst_build_options *options, struct sst_build **build) {
    struct sst_build *this = calloc(1, sizeof *this);
    if (!this) return STATUS_NO_MEMORY;
    this->environment = environment;
    this->options = *options;
    if (this->options.block_bytes == 0) this->options.block_bytes = BLOCK_BYTES_DEFAULT;
    this->properties = (struct sst_properties){
        .origin = options->origin,
        .codec = options->codec,
        .filter_bits_per_key = options->filter_bits_per_key,
        .filter_prefix_bytes = options->filter_bits_per_key ? options->filter_prefix_bytes : 0,
        .first_sequence = ENTRY_SEQUENCE_MAX,
    };
    block_build_init(&this->block);
    block_build_init(&this->index);
    sst_dictionary_init(&this->dictionary, options->codec == CODEC_ZSTD ? options->dictionary_bytes : 0);
    range_build_init(&this->ranges);
    uint8_t header[SST_HEADER_BYTES];
    sst_header_encode(header, &options->identity, 0);
    enum status status = buf_append(&this->pending, header, sizeof header);
    if (status == STATUS_OK) {
        unsigned flags = IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_TRUNCATE;
        status = io_file_open(environment->io, path, flags, &this->file);
    }
    if (status != STATUS_OK) {
        sst_build_destroy(this);
        return status;
    }
    *build = this;
    return STATUS_OK;
}

/* What its buffers take, told to whoever counts. */
static void recount(struct sst_build *build) {
    const struct buf *bufs[] = {
        &build->pending,        &build->raw,          &build->hashes,       &build->ranges.keys,
        &build->ranges.entries, &build->block.keys,   &build->block.values, &build->block.entries,
        &build->index.keys,     &build->index.values, &build->index.entries};
    uint64_t bytes = sizeof *build + sst_dictionary_memory_bytes(&build->dictionary);
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) bytes += bufs[i]->capacity;
    memory_charge(build->environment->memory, ENGINE_MEMORY_JOBS, &build->charged, bytes);
}

void sst_build_destroy(struct sst_build *build) {
    if (!build) return;
    memory_subtract(build->environment->memory, ENGINE_MEMORY_JOBS, build->charged);
    io_file_close(build->file);
    block_build_deinit(&build->block);
    block_build_deinit(&build->index);
    sst_dictionary_deinit(&build->dictionary);
    range_build_deinit(&build->ranges);
    struct buf *bufs[] = {&build->pending, &build->raw, &build->hashes, &build->last_key, &build->first, &build->last};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) buf_deinit(bufs[i]);
    free(build);
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

static uint64_t next_offset(const struct sst_build *build) {
    return build->written + build->pending.size;
}

/* Writes whole multiples of a page; all that is left when `all`. */
static enum status write_pending(struct sst_build *build, bool all) {
    size_t size = all ? build->pending.size : build->pending.size & ~(size_t)(IO_PAGE_BYTES - 1);
    if (size == 0) return STATUS_OK;
    enum status status = io_file_write(build->file, build->written, build->pending.data, size);
    if (status != STATUS_OK) return status;
    build->written += size;
    buf_consume(&build->pending, size);
    if (all || build->written - build->on_its_way >= WRITE_BACK_BYTES) {
        io_file_write_back(build->file, build->on_its_way, build->written - build->on_its_way);
        build->on_its_way = build->written;
    }
    return STATUS_OK;
}

static enum status put_unit(struct sst_build *build, unsigned section, struct slice raw, enum codec_id codec,
                            struct sst_handle *handle) {
    const struct sst_packing packing = {
        .codec = build->environment->codec,
        .id = codec,
        .level = build->options.codec_level,
        .packer = section == SST_SECTION_DATA ? build->dictionary.packer : NULL,
    };
    enum status status =
        sst_unit_encode(&build->pending, &packing, section, raw, &build->options.identity, next_offset(build), handle);
    if (status != STATUS_OK) return status;
    return build->pending.size >= SST_WRITE_BYTES ? write_pending(build, false) : STATUS_OK;
}

/*
 * Appends to *to a short key that is at or after `last` and before `next`: the index needs no more to tell the two
 * blocks apart.
 */
static enum status put_separator(struct buf *to, struct slice last, struct slice next) {
    size_t common = 0;
    while (common < last.size && common < next.size && last.data[common] == next.data[common]) common++;
    if (common >= last.size || common + 1 >= last.size) return buf_append_slice(to, last); /* nothing to gain */
    if (last.data[common] + 1 < next.data[common]) {
        enum status status = buf_append(to, last.data, common);
        return status == STATUS_OK ? buf_append_byte(to, (uint8_t)(last.data[common] + 1)) : status;
    }
    if (common + 1 < next.size)
        return buf_append(to, next.data, common + 1); /* a beginning of next: after last, before next */
    return buf_append_slice(to, last);
}

/* Gives the waiting data unit its index entry. next: the key behind it; NULL = it is the last. */
static enum status put_index_entry(struct sst_build *build, const struct slice *next) {
    if (!build->handle_waits) return STATUS_OK;
    struct slice last = buf_slice(&build->last_key);
    bool same_key = next && slice_equal(*next, last);
    struct buf separator = BUF_EMPTY;
    enum status status =
        next && !same_key ? put_separator(&separator, last, *next) : buf_append_slice(&separator, last);
    if (status == STATUS_OK) {
        uint8_t value[SST_INDEX_VALUE_BYTES];
        sst_handle_encode(value, &build->handle);
        uint64_t trailer = same_key ? build->last_trailer : 0;
        status = block_build_add(&build->index, buf_slice(&separator), trailer, slice_make(value, sizeof value));
    }
    buf_deinit(&separator);
    if (status == STATUS_OK) build->handle_waits = false;
    return status;
}

/* A block that is not compressed is laid out where it will be written from. */
static enum status put_block_as_it_is(struct sst_build *build, size_t *raw_bytes) {
    struct buf *to = &build->pending;
    const uint64_t offset = next_offset(build);
    size_t start;
    enum status status = sst_unit_begin(to, &start);
    if (status == STATUS_OK) status = block_build_finish(&build->block, to);
    if (status == STATUS_OK)
        status = sst_unit_end(to, start, SST_SECTION_DATA, &build->options.identity, offset, &build->handle);
    if (status != STATUS_OK) return status;
    *raw_bytes = to->size - start - SST_UNIT_HEADER_BYTES;
    return to->size >= SST_WRITE_BYTES ? write_pending(build, false) : STATUS_OK;
}

/* The blocks that waited for the dictionary; their index entries are there already, but for the last one's. */
static enum status put_held(struct sst_build *build) {
    const uint8_t *at = build->dictionary.held.data;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < sst_dictionary_count(&build->dictionary) && status == STATUS_OK; i++) {
        const struct slice raw = slice_make(at, sst_dictionary_block_size(&build->dictionary, i));
        uint8_t value[SST_INDEX_VALUE_BYTES];
        status = put_unit(build, SST_SECTION_DATA, raw, build->options.codec, &build->handle);
        sst_handle_encode(value, &build->handle);
        build->properties.data_bytes += build->handle.size;
        if (status == STATUS_OK && i < build->index.count)
            block_build_replace(&build->index, i, slice_make(value, sizeof value));
        at += raw.size;
    }
    return status;
}

/* Nothing but the header waits for a write until now: it is made anew where a dictionary follows it. */
static enum status settle_dictionary(struct sst_build *build, bool goes_on) {
    struct sst_dictionary *dictionary = &build->dictionary;
    enum status status =
        sst_dictionary_settle(dictionary, build->environment->codec, build->options.codec_level, goes_on);
    recount(build);
    if (status == STATUS_OK && dictionary->packer) {
        check(build->written == 0 && build->pending.size == SST_HEADER_BYTES);
        sst_header_encode(build->pending.data, &build->options.identity, SST_FEATURE_DICTIONARY);
        status = put_unit(build, SST_SECTION_DICTIONARY, buf_slice(&dictionary->bytes), CODEC_NONE,
                          &build->properties.dictionary);
    }
    if (status == STATUS_OK) status = put_held(build);
    sst_dictionary_release(dictionary);
    return status;
}

static enum status put_block_compressed(struct sst_build *build, size_t *raw_bytes) {
    buf_clear(&build->raw);
    const enum status status = block_build_finish(&build->block, &build->raw);
    if (status != STATUS_OK) return status;
    *raw_bytes = build->raw.size;
    if (build->dictionary.gathers) return sst_dictionary_hold(&build->dictionary, buf_slice(&build->raw));
    return put_unit(build, SST_SECTION_DATA, buf_slice(&build->raw), build->options.codec, &build->handle);
}

static enum status finish_block(struct sst_build *build) {
    size_t raw_bytes = 0;
    if (build->block.count == 0) return STATUS_OK;
    enum status status = buf_assign(&build->last_key, block_build_last_key(&build->block));
    if (status == STATUS_OK)
        status = build->options.codec == CODEC_NONE ? put_block_as_it_is(build, &raw_bytes)
                                                    : put_block_compressed(build, &raw_bytes);
    if (status != STATUS_OK) return status;
    build->last_trailer = block_build_last_trailer(&build->block);
    build->handle_waits = true;
    build->properties.data_blocks++;
    if (!build->dictionary.gathers) build->properties.data_bytes += build->handle.size;
    build->properties.raw_bytes += raw_bytes;
    block_build_clear(&build->block);
    if (build->dictionary.gathers && sst_dictionary_is_full(&build->dictionary))
        status = settle_dictionary(build, true);
    recount(build);
    return status;
}

/* ---- Adding ------------------------------------------------------------------------------------------------------ */

static void count_sequence(struct sst_properties *properties, uint64_t sequence) {
    if (sequence < properties->first_sequence) properties->first_sequence = sequence;
    if (sequence > properties->last_sequence) properties->last_sequence = sequence;
}

static void count_entry(struct sst_properties *properties, struct slice key, uint64_t trailer, struct slice value) {
    properties->entries++;
    properties->deletes += entry_kind(trailer) == ENTRY_DELETE;
    properties->merges += entry_kind(trailer) == ENTRY_MERGE;
    properties->appends += entry_kind(trailer) == ENTRY_APPEND;
    properties->references += entry_kind(trailer) == ENTRY_REFERENCE;
    properties->key_bytes += key.size;
    properties->value_bytes += value.size;
    count_sequence(properties, entry_sequence(trailer));
}

/* The key before this one: in the open block, or the last of the block before. False if this is the first. */
static bool previous_entry(const struct sst_build *build, struct slice *key, uint64_t *trailer) {
    if (build->block.count) {
        *key = block_build_last_key(&build->block);
        *trailer = block_build_last_trailer(&build->block);
    } else {
        *key = buf_slice(&build->last_key);
        *trailer = build->last_trailer;
    }
    return build->properties.entries > 0;
}

static enum status add_hash(struct sst_build *build, uint64_t hash) {
    struct buf *hashes = &build->hashes;
    if (hashes->capacity - hashes->size < sizeof hash) {
        const enum status status = buf_reserve(hashes, sizeof hash);
        if (status != STATUS_OK) return status;
    }
    memcpy(hashes->data + hashes->size, &hash, sizeof hash);
    hashes->size += sizeof hash;
    return STATUS_OK;
}

/* Each beginning once: keys that share it come one behind the other. previous NULL: this is the first key. */
static enum status add_prefix(struct sst_build *build, struct slice key, const struct slice *previous) {
    const size_t size = build->properties.filter_prefix_bytes;
    if (size == 0 || key.size < size) return STATUS_OK;
    const struct slice prefix = slice_make(key.data, size);
    if (previous && slice_has_prefix(*previous, prefix)) return STATUS_OK;
    return add_hash(build, entry_prefix_hash(prefix));
}

static enum status add_entry(struct sst_build *build, struct slice key, uint64_t trailer, struct slice value) {
    struct slice previous;
    uint64_t previous_trailer;
    const bool has_previous = previous_entry(build, &previous, &previous_trailer);
    const int order = has_previous ? slice_compare(previous, key) : -1;
    const bool same_key = order == 0;
    check(order < 0 || (same_key && previous_trailer > trailer));
    enum status status = STATUS_OK;
    if (!has_previous) status = buf_assign(&build->first, key);
    if (status == STATUS_OK && build->options.filter_bits_per_key && !same_key)
        status = add_hash(build, entry_key_hash(key));
    if (status == STATUS_OK && !same_key) status = add_prefix(build, key, has_previous ? &previous : NULL);
    size_t size = key.size + value.size + 8;
    if (status == STATUS_OK && build->block.count &&
        block_build_size(&build->block) + size > build->options.block_bytes) {
        status = finish_block(build); /* `previous` is gone now */
    }
    if (status == STATUS_OK && build->block.count == 0) status = put_index_entry(build, &key);
    if (status == STATUS_OK) status = block_build_add(&build->block, key, trailer, value);
    if (status == STATUS_OK) count_entry(&build->properties, key, trailer, value);
    return status;
}

enum status sst_build_add(struct sst_build *build, struct slice key, uint64_t trailer, struct slice value) {
    check(!build->finished && entry_kind(trailer) != ENTRY_RANGE_DELETE);
    if (build->failed == STATUS_OK) build->failed = add_entry(build, key, trailer, value);
    return build->failed;
}

static enum status add_range(struct sst_build *build, struct slice begin, struct slice end, uint64_t sequence) {
    const enum status status = range_build_add(&build->ranges, begin, end, sequence);
    if (status != STATUS_OK) return status;
    build->properties.range_deletes++;
    count_sequence(&build->properties, sequence);
    return STATUS_OK;
}

enum status sst_build_range_delete(struct sst_build *build, struct slice begin, struct slice end, uint64_t sequence) {
    check(!build->finished && (end.size == 0 || slice_compare(begin, end) < 0));
    if (build->failed == STATUS_OK) build->failed = add_range(build, begin, end, sequence);
    return build->failed;
}

uint64_t sst_build_size(const struct sst_build *build) {
    if (build->finished) return build->written;
    uint64_t filter = build->properties.entries * build->options.filter_bits_per_key / 8;
    size_t block = build->block.count ? block_build_size(&build->block) : 0;
    block += build->dictionary.held.size;
    return next_offset(build) + block + filter + block_build_size(&build->index) + build->ranges.keys.size;
}

uint64_t sst_build_entries(const struct sst_build *build) {
    return build->properties.entries + build->properties.range_deletes;
}

/* ---- Finishing ----------------------------------------------------------------------------------------------------
 */

/* The ends of the file's span that range deletes set. */
static enum status span_ranges(struct sst_build *build) {
    struct sst_properties *properties = &build->properties;
    const struct slice begin = range_build_begin(&build->ranges), end = range_build_end(&build->ranges);
    enum status status = STATUS_OK;
    if (properties->entries == 0 || slice_compare(begin, buf_slice(&build->first)) < 0)
        status = buf_assign(&build->first, begin);
    if (end.size == 0) {
        properties->has_last = false;
        properties->last_exclusive = false;
        buf_clear(&build->last);
    } else if (status == STATUS_OK && slice_compare(end, buf_slice(&build->last)) > 0) {
        properties->last_exclusive = true;
        status = buf_assign(&build->last, end);
    }
    return status;
}

static enum status put_ranges(struct sst_build *build, struct sst_handle *handle) {
    struct block_build block;
    if (build->properties.range_deletes == 0) return STATUS_OK;
    block_build_init(&block);
    buf_clear(&build->raw);
    enum status status = range_build_finish(&build->ranges, &block);
    if (status == STATUS_OK) status = span_ranges(build);
    if (status == STATUS_OK) status = block_build_finish(&block, &build->raw);
    if (status == STATUS_OK)
        status = put_unit(build, SST_SECTION_RANGE_DELETES, buf_slice(&build->raw), build->options.codec, handle);
    block_build_deinit(&block);
    return status;
}

static enum status put_filter(struct sst_build *build, struct sst_handle *handle) {
    size_t count = build->hashes.size / sizeof(uint64_t);
    if (count == 0) return STATUS_OK;
    buf_clear(&build->raw);
    const uint64_t *hashes = (const uint64_t *)(const void *)build->hashes.data;
    enum status status = filter_build(&build->raw, hashes, count, build->options.filter_bits_per_key);
    if (status != STATUS_OK) return status;
    return put_unit(build, SST_SECTION_FILTER, buf_slice(&build->raw), CODEC_NONE, handle);
}

static enum status put_index(struct sst_build *build, struct sst_handle *handle) {
    enum status status = put_index_entry(build, NULL);
    buf_clear(&build->raw);
    if (status == STATUS_OK) status = block_build_finish(&build->index, &build->raw);
    if (status != STATUS_OK) return status;
    return put_unit(build, SST_SECTION_INDEX, buf_slice(&build->raw), build->options.codec, handle);
}

static enum status put_properties(struct sst_build *build, struct sst_handle *handle) {
    struct sst_properties *properties = &build->properties;
    if (sst_build_entries(build) == 0) properties->first_sequence = 0;
    properties->first = buf_slice(&build->first);
    properties->last = buf_slice(&build->last);
    buf_clear(&build->raw);
    enum status status = sst_properties_encode(&build->raw, properties);
    if (status != STATUS_OK) return status;
    return put_unit(build, SST_SECTION_PROPERTIES, buf_slice(&build->raw), CODEC_NONE, handle);
}

static enum status finish(struct sst_build *build) {
    struct sst_footer footer = {.identity = build->options.identity};
    struct sst_handle *sections = footer.sections;
    enum status status = finish_block(build);
    if (status == STATUS_OK && build->dictionary.gathers) status = settle_dictionary(build, false);
    sst_dictionary_deinit(&build->dictionary);
    recount(build);
    build->properties.has_last = true;
    if (status == STATUS_OK) status = buf_assign(&build->last, buf_slice(&build->last_key));
    if (status == STATUS_OK) status = put_filter(build, &sections[SST_SECTION_FILTER - SST_SECTION_FILTER]);
    if (status == STATUS_OK) status = put_ranges(build, &sections[SST_SECTION_RANGE_DELETES - SST_SECTION_FILTER]);
    if (status == STATUS_OK) status = put_index(build, &sections[SST_SECTION_INDEX - SST_SECTION_FILTER]);
    if (status == STATUS_OK) status = put_properties(build, &sections[SST_SECTION_PROPERTIES - SST_SECTION_FILTER]);
    if (status != STATUS_OK) return status;
    uint8_t bytes[SST_FOOTER_BYTES];
    footer.file_bytes = next_offset(build) + sizeof bytes;
    build->properties.file_bytes = footer.file_bytes;
    sst_footer_encode(bytes, &footer);
    status = buf_append(&build->pending, bytes, sizeof bytes);
    return status == STATUS_OK ? write_pending(build, true) : status;
}

enum status sst_build_finish(struct sst_build *build) {
    check(!build->finished);
    if (build->failed == STATUS_OK) build->failed = finish(build);
    build->finished = build->failed == STATUS_OK;
    return build->failed;
}

enum status sst_build_sync(struct sst_build *build) {
    if (build->failed != STATUS_OK) return build->failed;
    check(build->finished);
    return build->failed = io_file_sync(build->file);
}

const struct sst_properties *sst_build_properties(const struct sst_build *build) {
    check(build->finished);
    return &build->properties;
}

uint64_t sst_build_dictionary_saved(const struct sst_build *build) {
    if (build->properties.dictionary.size == 0) return 0;
    return sst_dictionary_saved(&build->dictionary, build->properties.data_bytes);
}
