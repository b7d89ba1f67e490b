/* dictionary_test: blocks that were packed by a dictionary come back, and smaller; strange bytes never do harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/codec/dictionary.h"
#include "tests/harness/alloc_fault.h"
#include "tools/loam/bench/json_rows.h"

enum { SAMPLES = 400, LIMIT = 4 << 10 };

struct fixture {
    struct codec *codec;
    struct buf samples, bytes;
    size_t sizes[SAMPLES];
    struct dictionary_packer *packer;
    struct dictionary_unpacker *unpacker;
};

static void train(struct fixture *f, uint64_t from) {
    buf_clear(&f->samples);
    buf_clear(&f->bytes);
    for (size_t i = 0; i < SAMPLES; i++) {
        char row[JSON_ROW_BYTES];
        f->sizes[i] = json_row(from + i, row);
        assert_int_equal(buf_append(&f->samples, row, f->sizes[i]), STATUS_OK);
    }
    assert_int_equal(dictionary_train(buf_slice(&f->samples), f->sizes, SAMPLES, LIMIT, 0, &f->bytes), STATUS_OK);
}

static int set_up(void **state) {
    static struct fixture fixture;
    fixture = (struct fixture){.codec = codec_create()};
    train(&fixture, 0);
    assert_int_equal(dictionary_packer_create(buf_slice(&fixture.bytes), 0, &fixture.packer), STATUS_OK);
    assert_int_equal(dictionary_unpacker_create(buf_slice(&fixture.bytes), &fixture.unpacker), STATUS_OK);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    dictionary_packer_destroy(f->packer);
    dictionary_unpacker_destroy(f->unpacker);
    codec_destroy(f->codec);
    buf_deinit(&f->samples);
    buf_deinit(&f->bytes);
    return 0;
}

static struct slice row_of(uint64_t number, char room[JSON_ROW_BYTES]) {
    const size_t size = json_row(number, room);
    return slice_make(room, size);
}

static void rows_come_back_and_take_less_than_half_of_what_they_take_alone(void **state) {
    struct fixture *f = *state;
    struct buf with = BUF_EMPTY, alone = BUF_EMPTY;
    assert_in_range(f->bytes.size, LIMIT / 2, LIMIT);
    for (uint64_t number = 100000; number < 100500; number++) {
        char room[JSON_ROW_BYTES];
        uint8_t back[JSON_ROW_BYTES];
        const struct slice row = row_of(number, room);
        const size_t at = with.size;
        bool used = false;
        enum codec_id codec;
        assert_int_equal(dictionary_compress(f->codec, f->packer, row, &with, &used), STATUS_OK);
        assert_true(used);
        const struct slice packed = slice_from(buf_slice(&with), at);
        assert_int_equal(dictionary_decompress(f->codec, f->unpacker, packed, back, row.size), STATUS_OK);
        assert_memory_equal(back, row.data, row.size);
        assert_int_equal(dictionary_decompress(NULL, f->unpacker, packed, back, row.size), STATUS_OK);
        assert_int_equal(dictionary_decompress(f->codec, f->unpacker, packed, back, row.size - 1), STATUS_CORRUPT);
        /* A context that was used with a dictionary is used without one next, and forgets it. */
        assert_int_equal(codec_compress(f->codec, CODEC_ZSTD, 0, row, &alone, &codec), STATUS_OK);
        if (codec == CODEC_NONE) assert_int_equal(buf_append_slice(&alone, row), STATUS_OK);
    }
    assert_true(with.size * 2 < alone.size);
    buf_deinit(&with);
    buf_deinit(&alone);
}

static void what_does_not_compress_is_left_alone(void **state) {
    struct fixture *f = *state;
    uint8_t noise[1000];
    struct prng prng;
    struct buf to = BUF_EMPTY;
    bool used = true;
    prng_init(&prng, 3);
    prng_fill(&prng, noise, sizeof noise);
    assert_int_equal(dictionary_compress(f->codec, f->packer, slice_make(noise, sizeof noise), &to, &used), STATUS_OK);
    assert_false(used);
    assert_int_equal(to.size, 0);
    assert_int_equal(dictionary_compress(f->codec, f->packer, slice_make(noise, 3), &to, &used), STATUS_OK);
    assert_false(used);
    buf_deinit(&to);
}

static void too_few_samples_make_none(void **state) {
    struct fixture *f = *state;
    buf_clear(&f->bytes);
    assert_int_equal(dictionary_train(buf_slice(&f->samples), f->sizes, 4, LIMIT, 0, &f->bytes), STATUS_OK);
    assert_int_equal(f->bytes.size, 0);
    const size_t eight = f->sizes[0] * 8;
    const size_t sizes[8] = {f->sizes[0], f->sizes[0], f->sizes[0], f->sizes[0],
                             f->sizes[0], f->sizes[0], f->sizes[0], f->sizes[0]};
    const struct slice little = slice_make(f->samples.data, eight);
    assert_int_equal(dictionary_train(little, sizes, 8, LIMIT, 0, &f->bytes), STATUS_OK);
    assert_int_equal(f->bytes.size, 0); /* a sixteenth of it is no dictionary */
}

static void damaged_frames_are_corrupt_or_have_their_size(void **state) {
    struct fixture *f = *state;
    struct prng prng;
    prng_init(&prng, 8);
    for (unsigned i = 0; i < 20000; i++) {
        char room[JSON_ROW_BYTES];
        uint8_t back[JSON_ROW_BYTES];
        struct buf packed = BUF_EMPTY;
        bool used;
        const struct slice row = row_of(i % 50, room);
        assert_int_equal(dictionary_compress(f->codec, f->packer, row, &packed, &used), STATUS_OK);
        packed.data[prng_below(&prng, packed.size)] ^= (uint8_t)(1 + prng_below(&prng, 255));
        const enum status status = dictionary_decompress(f->codec, f->unpacker, buf_slice(&packed), back, row.size);
        assert_true(status == STATUS_OK || status == STATUS_CORRUPT);
        buf_deinit(&packed);
    }
}

static void what_is_no_dictionary_is_corrupt(void **state) {
    struct fixture *f = *state;
    struct dictionary_unpacker *unpacker;
    struct dictionary_packer *packer;
    struct dictionary_parts parts;
    assert_int_equal(dictionary_describe(buf_slice(&f->bytes), &parts), STATUS_OK);
    assert_int_equal(8 + parts.tables_bytes + parts.content_bytes, f->bytes.size);
    for (size_t size = 0; size < 64; size++) {
        const struct slice cut = slice_make(f->bytes.data, size);
        assert_int_equal(dictionary_unpacker_create(cut, &unpacker), STATUS_CORRUPT);
        assert_int_equal(dictionary_packer_create(cut, 0, &packer), STATUS_CORRUPT);
        assert_int_equal(dictionary_describe(cut, &parts), STATUS_CORRUPT);
    }
    f->bytes.data[0] ^= 1;
    assert_int_equal(dictionary_unpacker_create(buf_slice(&f->bytes), &unpacker), STATUS_CORRUPT);
}

static void failing_allocations_end_in_no_memory(void **state) {
    struct fixture *f = *state;
    for (uint64_t nth = 1;; nth++) {
        struct buf to = BUF_EMPTY;
        alloc_fault_at(nth);
        enum status status = dictionary_train(buf_slice(&f->samples), f->sizes, SAMPLES, LIMIT, 0, &to);
        struct dictionary_packer *packer = NULL;
        struct dictionary_unpacker *unpacker = NULL;
        if (status == STATUS_OK) status = dictionary_packer_create(buf_slice(&to), 0, &packer);
        if (status == STATUS_OK) status = dictionary_unpacker_create(buf_slice(&to), &unpacker);
        const bool failed = alloc_fault_clear();
        assert_int_equal(status, failed ? STATUS_NO_MEMORY : STATUS_OK);
        dictionary_packer_destroy(packer);
        dictionary_unpacker_destroy(unpacker);
        buf_deinit(&to);
        if (!failed) return;
    }
}

int main(void) {
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(rows_come_back_and_take_less_than_half_of_what_they_take_alone),
        FACT(what_does_not_compress_is_left_alone),
        FACT(too_few_samples_make_none),
        FACT(damaged_frames_are_corrupt_or_have_their_size),
        FACT(what_is_no_dictionary_is_corrupt),
        FACT(failing_allocations_end_in_no_memory),
    };
    return cmocka_run_group_tests_name("dictionary", tests, NULL, NULL);
}
