/* sst_dictionary_test: files with a dictionary: smaller, read as any other, and no byte of it is believed unchecked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/sst/sst_build.h"
#include "engine/sst/sst_format.h"
#include "engine/sst/sst_read.h"
#include "engine/sst/sst_walk.h"
#include "tests/harness/alloc_fault.h"
#include "tools/loam/bench/json_rows.h"
#include "tools/sim/sim_io.h"

enum { LIMIT = 2048, FILE_ROOM = 1 << 20 };

static const char path[] = "/1.sst";
static uint8_t bytes[FILE_ROOM], others[FILE_ROOM];

struct fixture {
    struct io *io;
    struct sst_environment environment;
    struct sst_build_options options;
    bool noise; /* instead of rows of JSON */
    uint64_t first_row;
};

static int set_up(void **state) {
    static struct fixture fixture;
    fixture = (struct fixture){.io = sim_io_create_alone(1)};
    fixture.environment = (struct sst_environment){.io = fixture.io, .codec = codec_create()};
    fixture.options = (struct sst_build_options){.identity = {.store = 77, .file = 1},
                                                 .origin = {.tree = 1, .kind = 1, .cause = SST_CAUSE_FLUSH},
                                                 .codec = CODEC_ZSTD,
                                                 .filter_bits_per_key = 10,
                                                 .block_bytes = 1024,
                                                 .dictionary_bytes = LIMIT};
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    codec_destroy(f->environment.codec);
    io_destroy(f->io);
    return 0;
}

static struct slice key_of(unsigned number, char room[16]) {
    const int size = snprintf(room, 16, "row%06u", number);
    return slice_make(room, (size_t)size);
}

static struct slice value_of(const struct fixture *f, unsigned number, char room[JSON_ROW_BYTES]) {
    struct prng prng;
    if (!f->noise) {
        const size_t size = json_row(f->first_row + number, room);
        return slice_make(room, size);
    }
    prng_init(&prng, number);
    prng_fill(&prng, room, 300);
    return slice_make(room, 300);
}

static enum status try_build(struct fixture *f, unsigned rows, uint64_t *saved) {
    struct sst_build *build = NULL;
    enum status status = sst_build_create(&f->environment, path, &f->options, &build);
    for (unsigned i = 0; i < rows && status == STATUS_OK; i++) {
        char key[16], value[JSON_ROW_BYTES];
        status = sst_build_add(build, key_of(i, key), entry_trailer(i + 1, ENTRY_PUT), value_of(f, i, value));
    }
    if (status == STATUS_OK) status = sst_build_finish(build);
    if (status == STATUS_OK) status = sst_build_sync(build);
    if (status == STATUS_OK && saved) *saved = sst_build_dictionary_saved(build);
    sst_build_destroy(build);
    return status;
}

static size_t load(struct fixture *f, uint8_t *to) {
    struct io_file *file;
    size_t got;
    assert_int_equal(io_file_open(f->io, path, IO_OPEN_READ, &file), STATUS_OK);
    assert_int_equal(io_file_read(file, 0, to, FILE_ROOM, &got), STATUS_OK);
    io_file_close(file);
    return got;
}

static void store_byte(struct fixture *f, uint64_t offset, const void *from, size_t size) {
    struct io_file *file;
    assert_int_equal(io_file_open(f->io, path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    assert_int_equal(io_file_write(file, offset, from, size), STATUS_OK);
    io_file_close(file);
}

static struct sst *open_file(struct fixture *f) {
    struct sst *sst = NULL;
    struct error error;
    if (sst_open(&f->environment, path, f->options.identity, 1, &sst, &error) != STATUS_OK) fail_msg("%s", error.text);
    return sst;
}

static void expect_all(struct fixture *f, struct sst *sst, unsigned rows) {
    struct sst_source source;
    const unsigned flags[] = {0, SST_READ_AHEAD};
    for (unsigned way = 0; way < 2; way++) {
        sst_source_init(&source, sst, flags[way]);
        source_seek_first(&source.source);
        for (unsigned i = 0; i < rows; i++, source_next(&source.source)) {
            char value[JSON_ROW_BYTES];
            assert_true(source.source.valid);
            assert_true(slice_equal(source.source.value, value_of(f, i, value)));
        }
        assert_false(source.source.valid);
        assert_int_equal(source.source.status, STATUS_OK);
        source_close(&source.source);
    }
    for (unsigned i = 0; i < rows; i += 7) {
        char key[16], value[JSON_ROW_BYTES];
        struct sst_version version;
        assert_int_equal(sst_get(sst, key_of(i, key), UINT32_MAX, 0, &version), STATUS_OK);
        assert_true(slice_equal(version.value, value_of(f, i, value)));
        block_release(version.block);
    }
    assert_int_equal(sst_verify(sst, NULL, NULL), STATUS_OK);
}

/* 20: less than the dictionary's samples, 150: the file ends among them; 1000: it goes on. */
static void rows_are_read_as_they_were_written_and_take_less(void **state) {
    struct fixture *f = *state;
    static const unsigned counts[] = {20, 150, 1000};
    for (unsigned i = 0; i < 3; i++) {
        uint64_t saved = 0;
        f->options.dictionary_bytes = 0;
        assert_int_equal(try_build(f, counts[i], &saved), STATUS_OK);
        const size_t without = load(f, bytes);
        assert_int_equal(saved, 0);
        f->options.dictionary_bytes = LIMIT;
        assert_int_equal(try_build(f, counts[i], &saved), STATUS_OK);
        const size_t with = load(f, bytes);
        struct sst *sst = open_file(f);
        expect_all(f, sst, counts[i]);
        const bool has = sst_properties(sst)->dictionary.size > 0;
        assert_int_equal(has, counts[i] > 20);
        assert_int_equal(sst_header_features(bytes), has ? SST_FEATURE_DICTIONARY : 0);
        assert_true(has ? with < without : with == without);
        /* What is told as saved is a guess, and not far off. */
        if (has) assert_in_range(saved, (without - with) / 2, (without - with) * 2);
        sst_close(sst);
    }
}

static void a_dictionary_that_does_not_pay_is_left_out_to_the_byte(void **state) {
    struct fixture *f = *state;
    f->noise = true;
    f->options.dictionary_bytes = 0;
    assert_int_equal(try_build(f, 400, NULL), STATUS_OK);
    const size_t without = load(f, bytes);
    f->options.dictionary_bytes = LIMIT;
    assert_int_equal(try_build(f, 400, NULL), STATUS_OK);
    assert_int_equal(load(f, others), without);
    assert_memory_equal(bytes, others, without);
    struct sst *sst = open_file(f);
    expect_all(f, sst, 400);
    sst_close(sst);
}

static void an_open_file_counts_its_dictionary(void **state) {
    struct fixture *f = *state;
    assert_int_equal(try_build(f, 400, NULL), STATUS_OK);
    struct sst *sst = open_file(f);
    const size_t with = sst_memory_bytes(sst), took = sst_properties(sst)->dictionary.size;
    sst_close(sst);
    f->options.dictionary_bytes = 0;
    assert_int_equal(try_build(f, 400, NULL), STATUS_OK);
    sst = open_file(f);
    assert_true(with > sst_memory_bytes(sst) + took);
    sst_close(sst);
}

static void a_flipped_bit_of_the_dictionary_is_named_at_open(void **state) {
    struct fixture *f = *state;
    assert_int_equal(try_build(f, 200, NULL), STATUS_OK);
    struct sst *sst = open_file(f);
    const struct sst_handle handle = sst_properties(sst)->dictionary;
    sst_close(sst);
    (void)load(f, bytes);
    for (uint64_t bit = 0; bit < (uint64_t)handle.size * 8; bit += 11) {
        const uint64_t at = handle.offset + bit / 8;
        const uint8_t flipped = (uint8_t)(bytes[at] ^ 1u << bit % 8);
        struct error error;
        store_byte(f, at, &flipped, 1);
        assert_int_equal(sst_open(&f->environment, path, f->options.identity, 1, &sst, &error), STATUS_CORRUPT);
        assert_non_null(strstr(error.text, "dictionary at offset 64"));
        store_byte(f, at, &bytes[at], 1);
    }
    sst = open_file(f);
    expect_all(f, sst, 200);
    sst_close(sst);
}

/* Sound in itself, of the same size, and of the same place in another file: its blocks would come out wrong. */
static void the_dictionary_of_another_file_is_not_taken(void **state) {
    struct fixture *f = *state;
    struct error error;
    assert_int_equal(try_build(f, 200, NULL), STATUS_OK);
    struct sst *sst = open_file(f);
    const size_t size = sst_properties(sst)->dictionary.size;
    sst_close(sst);
    (void)load(f, bytes);
    f->options.identity.file = 2;
    f->first_row = 5000;
    assert_int_equal(try_build(f, 200, NULL), STATUS_OK);
    store_byte(f, 64, bytes + 64, size);
    assert_int_equal(sst_open(&f->environment, path, f->options.identity, 1, &sst, &error), STATUS_CORRUPT);
    /* Nor one that was written as this very file, which is older. */
    f->options.identity.file = 1;
    assert_int_equal(try_build(f, 200, NULL), STATUS_OK);
    store_byte(f, 64, bytes + 64, size);
    assert_int_equal(sst_open(&f->environment, path, f->options.identity, 1, &sst, &error), STATUS_CORRUPT);
}

static void walk_to_the_end(struct fixture *f, struct sst_walk *walk) {
    struct sst_walk_block block;
    enum status status = sst_walk_open(&f->environment, path, f->options.identity, walk);
    while (status == STATUS_OK) status = sst_walk_next(walk, &block);
    assert_int_equal(status, STATUS_END);
}

/* What a repair finds: all but what needs the dictionary, and how much that was. */
static void a_walk_without_the_dictionary_counts_what_is_lost(void **state) {
    struct fixture *f = *state;
    struct sst_walk walk;
    assert_int_equal(try_build(f, 400, NULL), STATUS_OK);
    walk_to_the_end(f, &walk);
    const size_t blocks = walk.count;
    assert_true(blocks > 50 && walk.without_dictionary == 0);
    sst_walk_close(&walk);
    (void)load(f, bytes);
    bytes[300] ^= 4;
    store_byte(f, 300, bytes + 300, 1);
    walk_to_the_end(f, &walk);
    assert_true(walk.has_properties);
    assert_int_equal(walk.count + walk.without_dictionary, blocks);
    assert_true(walk.without_dictionary > 0 && walk.ends_in_gap);
    sst_walk_close(&walk);
}

static void failing_allocations_end_in_no_memory(void **state) {
    struct fixture *f = *state;
    for (uint64_t nth = 1;; nth++) {
        struct sst *sst = NULL;
        alloc_fault_at(nth);
        enum status status = try_build(f, 150, NULL);
        if (status == STATUS_OK) status = sst_open(&f->environment, path, f->options.identity, 1, &sst, NULL);
        const bool failed = alloc_fault_clear();
        assert_int_equal(status, failed ? STATUS_NO_MEMORY : STATUS_OK);
        sst_close(sst);
        if (!failed) return;
    }
}

int main(void) {
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(rows_are_read_as_they_were_written_and_take_less),
        FACT(a_dictionary_that_does_not_pay_is_left_out_to_the_byte),
        FACT(an_open_file_counts_its_dictionary),
        FACT(a_flipped_bit_of_the_dictionary_is_named_at_open),
        FACT(the_dictionary_of_another_file_is_not_taken),
        FACT(a_walk_without_the_dictionary_counts_what_is_lost),
        FACT(failing_allocations_end_in_no_memory),
    };
    return cmocka_run_group_tests_name("sst_dictionary", tests, NULL, NULL);
}
