/*
 * dictionary: what many small blocks have in common, for zstd to refer to, so that a block need not tell it again. Made
 * out of samples, kept beside the blocks, and digested once by each side: a packer compresses with it, an unpacker
 * decompresses. Both are immutable: any thread, at once.
 *
 * What was compressed with a dictionary can be had back with the same one only, and another one may give wrong bytes
 * without a word: whoever stores it checks it.
 */
#ifndef ENGINE_CODEC_DICTIONARY_H
#define ENGINE_CODEC_DICTIONARY_H

#include "engine/codec/codec.h"

enum {
    DICTIONARY_LEAST_BYTES = 256,
    DICTIONARY_MOST_BYTES = 64 << 10,
    DICTIONARY_SHARE = 16,        /* samples have at least so many times its bytes */
    DICTIONARY_LEAST_SAMPLES = 8, /* a dictionary of fewer holds what these few blocks say themselves */
};

/* Whether a limit for a dictionary's bytes is one. */
static inline bool dictionary_fits(size_t limit) {
    return limit >= DICTIONARY_LEAST_BYTES && limit <= DICTIONARY_MOST_BYTES;
}

/*
 * Appends a dictionary of at most `limit` bytes, and a sixteenth of theirs, for data like the `count` samples, which
 * stand one behind the other, to *to; nothing where they are too few, or give none. It holds some of the samples 0, 2,
 * 4, .. as they are: the others show what it does for data that it has not seen. level: zstd's, 0 = 3. NO_MEMORY.
 */
MUST_CHECK enum status dictionary_train(struct slice samples, const size_t *sizes, size_t count, size_t limit,
                                        int level, struct buf *to);

struct dictionary_packer;
struct dictionary_unpacker;

/* From bytes that dictionary_train made; copies. CORRUPT, NO_MEMORY. */
MUST_CHECK enum status dictionary_packer_create(struct slice bytes, int level, struct dictionary_packer **packer);
void dictionary_packer_destroy(struct dictionary_packer *packer); /* NULL is allowed */
size_t dictionary_packer_bytes(const struct dictionary_packer *packer);

/* From untrusted bytes; copies. CORRUPT: they are no dictionary. NO_MEMORY. */
MUST_CHECK enum status dictionary_unpacker_create(struct slice bytes, struct dictionary_unpacker **unpacker);
void dictionary_unpacker_destroy(struct dictionary_unpacker *unpacker); /* NULL is allowed */
size_t dictionary_unpacker_bytes(const struct dictionary_unpacker *unpacker);

/* As codec_compress with zstd: *used false = it saves under an eighth, and nothing was appended. */
MUST_CHECK enum status dictionary_compress(struct codec *codec, const struct dictionary_packer *packer,
                                           struct slice from, struct buf *to, bool *used);
/* As codec_decompress. */
MUST_CHECK enum status dictionary_decompress(struct codec *codec, const struct dictionary_unpacker *unpacker,
                                             struct slice from, uint8_t *to, size_t size);

/* The parts of a dictionary's bytes, for tools: magic and number (4 bytes each), entropy tables, content. CORRUPT. */
struct dictionary_parts {
    uint32_t number;
    size_t tables_bytes, content_bytes;
};
MUST_CHECK enum status dictionary_describe(struct slice bytes, struct dictionary_parts *parts);

#endif
