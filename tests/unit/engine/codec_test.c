/*
 * codec_test: what goes in comes out, and bytes that are not what a compressor made never do harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/codec/codec.h"
#include "tests/harness/alloc_fault.h"

static const enum codec_id compressors[] = {CODEC_LZ4, CODEC_ZSTD};

/* Text that compresses well: `kinds` different bytes in runs. */
static void fill(struct prng *prng, uint8_t *to, size_t size, unsigned kinds) {
    uint8_t byte = 0;
    for (size_t i = 0; i < size; i++) {
        if (prng_chance(prng, 1, 8)) byte = (uint8_t)prng_below(prng, kinds);
        to[i] = byte;
    }
}

static void every_size_comes_back_as_it_was(void **state) {
    (void)state;
    struct codec *codec = codec_create();
    struct prng prng;
    prng_init(&prng, 1);
    static uint8_t raw[70000], back[70000];
    struct buf stored = BUF_EMPTY;
    for (size_t size = 0; size < sizeof raw; size = size * 5 / 4 + 1) {
        for (size_t i = 0; i < 2; i++) {
            fill(&prng, raw, size, 4);
            buf_clear(&stored);
            assert_int_equal(buf_append(&stored, "before", 6), STATUS_OK);
            enum codec_id used;
            struct slice from = slice_make(raw, size);
            assert_int_equal(codec_compress(codec, compressors[i], 0, from, &stored, &used), STATUS_OK);
            assert_memory_equal(stored.data, "before", 6);
            if (used == CODEC_NONE) {
                assert_int_equal(stored.size, 6);
                assert_true(size < 200);
                continue;
            }
            assert_int_equal(used, compressors[i]);
            assert_true(stored.size - 6 <= size - size / 8);
            memset(back, 0xee, sizeof back);
            struct slice bytes = slice_from(buf_slice(&stored), 6);
            assert_int_equal(codec_decompress(codec, used, bytes, back, size), STATUS_OK);
            assert_memory_equal(back, raw, size);
            assert_int_equal(codec_decompress(NULL, used, bytes, back, size), STATUS_OK);
            assert_int_equal(codec_decompress(codec, used, bytes, back, size - 1), STATUS_CORRUPT);
            assert_int_equal(codec_decompress(codec, used, bytes, back, size + 1), STATUS_CORRUPT);
        }
    }
    buf_deinit(&stored);
    codec_destroy(codec);
}

static void what_does_not_shrink_by_an_eighth_stays_raw(void **state) {
    (void)state;
    struct codec *codec = codec_create();
    struct prng prng;
    prng_init(&prng, 1);
    static uint8_t raw[4096];
    prng_fill(&prng, raw, sizeof raw);
    struct buf stored = BUF_EMPTY;
    for (size_t i = 0; i < 2; i++) {
        enum codec_id used = CODEC_COUNT;
        struct slice from = slice_make(raw, sizeof raw);
        assert_int_equal(codec_compress(codec, compressors[i], 0, from, &stored, &used), STATUS_OK);
        assert_int_equal(used, CODEC_NONE);
        assert_int_equal(stored.size, 0);
    }
    buf_deinit(&stored);
    codec_destroy(codec);
}

static void damaged_input_never_writes_beyond_its_room(void **state) {
    (void)state;
    struct codec *codec = codec_create();
    struct prng prng;
    prng_init(&prng, 2);
    enum { SIZE = 2000, GUARD = 64 };
    static uint8_t raw[SIZE], back[SIZE + GUARD];
    fill(&prng, raw, SIZE, 9);
    for (size_t i = 0; i < 2; i++) {
        struct buf stored = BUF_EMPTY;
        enum codec_id used;
        assert_int_equal(codec_compress(codec, compressors[i], 0, slice_make(raw, SIZE), &stored, &used), STATUS_OK);
        assert_int_equal(used, compressors[i]);
        for (int run = 0; run < 20000; run++) {
            uint8_t *damaged = malloc(stored.size); /* exact, so that a sanitizer sees reads past the end */
            memcpy(damaged, stored.data, stored.size);
            size_t size = prng_chance(&prng, 1, 4) ? prng_below(&prng, stored.size) : stored.size;
            for (int flips = 0; flips < 3; flips++)
                damaged[prng_below(&prng, stored.size)] ^= (uint8_t)prng_next(&prng);
            memset(back + SIZE, 0xee, GUARD);
            enum status status = codec_decompress(codec, used, slice_make(damaged, size), back, SIZE);
            assert_true(status == STATUS_OK || status == STATUS_CORRUPT);
            for (int j = 0; j < GUARD; j++) assert_int_equal(back[SIZE + j], 0xee);
            free(damaged);
        }
        buf_deinit(&stored);
    }
    codec_destroy(codec);
}

static void a_bomb_is_stopped_at_the_size_that_was_promised(void **state) {
    (void)state;
    struct codec *codec = codec_create();
    size_t size = 32 << 20;
    uint8_t *zeros = calloc(1, size);
    static uint8_t room[4096];
    for (size_t i = 0; i < 2; i++) {
        struct buf stored = BUF_EMPTY;
        enum codec_id used;
        assert_int_equal(codec_compress(codec, compressors[i], 0, slice_make(zeros, size), &stored, &used), STATUS_OK);
        assert_int_equal(codec_decompress(codec, used, buf_slice(&stored), room, sizeof room), STATUS_CORRUPT);
        buf_deinit(&stored);
    }
    free(zeros);
    codec_destroy(codec);
}

static void an_unknown_compressor_is_named_unsupported(void **state) {
    (void)state;
    uint8_t room[4];
    assert_int_equal(codec_decompress(NULL, (enum codec_id)77, slice_from_text("abcd"), room, 4), STATUS_UNSUPPORTED);
    assert_string_equal(codec_name((enum codec_id)77), "unknown");
    assert_string_equal(codec_name(CODEC_ZSTD), "zstd");
    assert_int_equal(codec_decompress(NULL, CODEC_NONE, slice_from_text("abcd"), room, 3), STATUS_CORRUPT);
    assert_int_equal(codec_decompress(NULL, CODEC_NONE, slice_from_text("abcd"), room, 4), STATUS_OK);
    assert_memory_equal(room, "abcd", 4);
}

static void no_memory_is_said_so(void **state) {
    (void)state;
    struct codec *codec = NULL;
    for (uint64_t nth = 1; !codec; nth++) {
        alloc_fault_at(nth);
        codec = codec_create();
        assert_int_equal(alloc_fault_clear(), codec == NULL);
    }
    static uint8_t raw[5000];
    struct buf stored = BUF_EMPTY;
    enum codec_id used;
    alloc_fault_at(1);
    assert_int_equal(codec_compress(codec, CODEC_LZ4, 0, slice_make(raw, sizeof raw), &stored, &used),
                     STATUS_NO_MEMORY);
    assert_true(alloc_fault_clear());
    assert_int_equal(stored.size, 0);
    codec_destroy(codec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_comes_back_as_it_was),
        cmocka_unit_test(what_does_not_shrink_by_an_eighth_stays_raw),
        cmocka_unit_test(damaged_input_never_writes_beyond_its_room),
        cmocka_unit_test(a_bomb_is_stopped_at_the_size_that_was_promised),
        cmocka_unit_test(an_unknown_compressor_is_named_unsupported),
        cmocka_unit_test(no_memory_is_said_so),
    };
    return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
