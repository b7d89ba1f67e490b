/* sst_dictionary: gathered, made, tried. Invariant: packer is there only if `bytes` are what the file's readers get. */
#include "engine/sst/sst_dictionary.h"

#include "engine/base/check.h"

enum { GOES_ON_TIMES = 4 };

void sst_dictionary_init(struct sst_dictionary *dictionary, size_t limit) {
    *dictionary = (struct sst_dictionary){.limit = limit, .gathers = limit > 0};
}

void sst_dictionary_deinit(struct sst_dictionary *dictionary) {
    sst_dictionary_release(dictionary);
    dictionary_packer_destroy(dictionary->packer);
    dictionary->packer = NULL;
}

void sst_dictionary_release(struct sst_dictionary *dictionary) {
    buf_deinit(&dictionary->held);
    buf_deinit(&dictionary->sizes);
    buf_deinit(&dictionary->bytes);
}

size_t sst_dictionary_memory_bytes(const struct sst_dictionary *dictionary) {
    const size_t bytes = dictionary->held.capacity + dictionary->sizes.capacity + dictionary->bytes.capacity;
    return dictionary->packer ? bytes + dictionary_packer_bytes(dictionary->packer) : bytes;
}

enum status sst_dictionary_hold(struct sst_dictionary *dictionary, struct slice raw) {
    check(dictionary->gathers);
    const size_t size = raw.size;
    enum status status = buf_append_slice(&dictionary->held, raw);
    return status == STATUS_OK ? buf_append(&dictionary->sizes, &size, sizeof size) : status;
}

size_t sst_dictionary_block_size(const struct sst_dictionary *dictionary, size_t at) {
    size_t size;
    memcpy(&size, dictionary->sizes.data + at * sizeof size, sizeof size);
    return size;
}

/* ---- Settling ---------------------------------------------------------------------------------------------------- */

/* What the block would take as a unit's payload. */
static enum status payload_bytes(const struct sst_packing *packing, struct slice raw, struct buf *room,
                                 uint64_t *bytes) {
    enum codec_id used = CODEC_NONE;
    bool with = false;
    buf_clear(room);
    enum status status = packing->packer
                             ? dictionary_compress(packing->codec, packing->packer, raw, room, &with)
                             : codec_compress(packing->codec, packing->id, packing->level, raw, room, &used);
    *bytes += with || used != CODEC_NONE ? room->size : raw.size;
    return status;
}

/* Every second of the held blocks, which the dictionary does not hold, compressed both ways. */
static enum status try_both(struct sst_dictionary *dictionary, const struct sst_packing *with) {
    const struct sst_packing without = {.codec = with->codec, .id = CODEC_ZSTD, .level = with->level};
    struct buf room = BUF_EMPTY;
    enum status status = STATUS_OK;
    const uint8_t *at = dictionary->held.data;
    for (size_t i = 0; i < sst_dictionary_count(dictionary) && status == STATUS_OK; i++) {
        const struct slice raw = slice_make(at, sst_dictionary_block_size(dictionary, i));
        if (i % 2) status = payload_bytes(with, raw, &room, &dictionary->tried_with);
        if (i % 2 && status == STATUS_OK) status = payload_bytes(&without, raw, &room, &dictionary->tried_without);
        at += raw.size;
    }
    buf_deinit(&room);
    return status;
}

static enum status train(struct sst_dictionary *dictionary, int level) {
    const size_t *sizes = (const size_t *)(const void *)dictionary->sizes.data;
    return dictionary_train(buf_slice(&dictionary->held), sizes, sst_dictionary_count(dictionary), dictionary->limit,
                            level, &dictionary->bytes);
}

/* A file that goes on is taken to become four times what is held. */
static bool pays(const struct sst_dictionary *dictionary, bool goes_on) {
    const uint64_t cost = dictionary->stored_bytes + SST_UNIT_HEADER_BYTES;
    if (dictionary->tried_with >= dictionary->tried_without) return false;
    return (dictionary->tried_without - dictionary->tried_with) * 2 * (goes_on ? GOES_ON_TIMES : 1) > cost;
}

enum status sst_dictionary_settle(struct sst_dictionary *dictionary, struct codec *codec, int level, bool goes_on) {
    check(dictionary->gathers);
    dictionary->gathers = false;
    enum status status = train(dictionary, level);
    if (status != STATUS_OK || dictionary->bytes.size == 0) return status;
    dictionary->stored_bytes = dictionary->bytes.size;
    status = dictionary_packer_create(buf_slice(&dictionary->bytes), level, &dictionary->packer);
    if (status != STATUS_OK) return status;
    const struct sst_packing with = {.codec = codec, .id = CODEC_ZSTD, .level = level, .packer = dictionary->packer};
    status = try_both(dictionary, &with);
    if (status != STATUS_OK || pays(dictionary, goes_on)) return status;
    dictionary_packer_destroy(dictionary->packer);
    dictionary->packer = NULL;
    buf_deinit(&dictionary->bytes);
    return STATUS_OK;
}

uint64_t sst_dictionary_saved(const struct sst_dictionary *dictionary, uint64_t data_bytes) {
    if (dictionary->tried_with == 0) return 0;
    const double ratio = (double)dictionary->tried_without / (double)dictionary->tried_with;
    const double saved = (double)data_bytes * (ratio - 1) - (double)dictionary->stored_bytes;
    return saved > 0 ? (uint64_t)saved : 0;
}
