/*
 * sst_golden_test: files written earlier, by version 1 of the format (v2: with what format level 2 allows), answer as
 * they did on the day they were written, and the example in engine/sst/FORMAT.md is one of them.
 *
 *     sst_golden_test --make NAME     writes a golden file anew (only with a new version of the format)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/check.h"
#include "engine/sst/sst_build.h"
#include "engine/sst/sst_read.h"
#include "tools/sim/sim_io.h"

enum { ROWS = 400, FILE_MAX_BYTES = 256 << 10 };

static const struct sst_identity identity = {.store = 0x1122334455667788, .file = 7};
static const char sim_path[] = "/0000000007.sst";

static const struct golden {
    const char *path;
    enum codec_id codec;
    unsigned rows; /* 0: the three entries of the document's example */
    unsigned prefix_bytes;
    unsigned dictionary_bytes; /* at most; what stands there is a property */
} goldens[] = {
    {"tests/golden/sst/plain-v1.sst", CODEC_NONE, 0, 0, 0},
    {"tests/golden/sst/lz4-v1.sst", CODEC_LZ4, ROWS, 0, 0},
    {"tests/golden/sst/zstd-v1.sst", CODEC_ZSTD, ROWS, 0, 0},
    {"tests/golden/sst/prefix-v1.sst", CODEC_NONE, ROWS, 8, 0},
    {"tests/golden/sst/dictionary-v2.sst", CODEC_ZSTD, ROWS, 0, 2048},
};
enum { GOLDENS = sizeof goldens / sizeof *goldens };

static uint8_t bytes[FILE_MAX_BYTES];

/* ---- What stands in them --------------------------------------------------------------------------------------- */

struct row {
    char key[32];
    char value[80];
    uint64_t trailer;
};

/* Row `at` of a file: three versions a key, of changing kinds. */
static struct row row_at(const struct golden *golden, unsigned at) {
    static const struct row example[] = {
        {"apple", "red", (uint64_t)5 << 8 | ENTRY_PUT},
        {"apple", "", (uint64_t)2 << 8 | ENTRY_DELETE},
        {"apricot-tree", "orange", (uint64_t)4 << 8 | ENTRY_PUT},
    };
    if (golden->rows == 0) return example[at];
    static const enum entry_kind kinds[] = {ENTRY_APPEND, ENTRY_PUT, ENTRY_DELETE, ENTRY_PUT, ENTRY_MERGE};
    struct row row;
    enum entry_kind kind = kinds[at % 5];
    row.trailer = entry_trailer(1000000 + 10 * (at / 3) + (2 - at % 3) * 3, kind);
    snprintf(row.key, sizeof row.key, "user:%05u:name", at / 3);
    snprintf(row.value, sizeof row.value, "value %u of row %u, somewhat longer so that it can be compressed", at % 3,
             at);
    if (kind == ENTRY_DELETE) row.value[0] = 0;
    return row;
}

static unsigned row_count(const struct golden *golden) {
    return golden->rows ? golden->rows : 3;
}

/* ---- Making ---------------------------------------------------------------------------------------------------- */

static struct sst_environment environment_make(struct io *io) {
    return (struct sst_environment){.io = io, .codec = codec_create()};
}

static void make_file(const struct golden *golden) {
    struct io *io = sim_io_create_alone(1);
    struct sst_environment environment = environment_make(io);
    struct sst_build_options options = {
        .identity = identity,
        .origin = {.tree = 3,
                   .kind = 1,
                   .cause = SST_CAUSE_FLUSH,
                   .job = 12,
                   .created_ms = 1700000000000,
                   .oldest_time_ms = 1699999999000},
        .codec = golden->codec,
        .filter_bits_per_key = 10,
        .filter_prefix_bytes = golden->prefix_bytes,
        .dictionary_bytes = golden->dictionary_bytes,
        .block_bytes = 1024,
    };
    struct sst_build *build;
    check(sst_build_create(&environment, sim_path, &options, &build) == STATUS_OK);
    for (unsigned i = 0; i < row_count(golden); i++) {
        struct row row = row_at(golden, i);
        check(sst_build_add(build, slice_from_text(row.key), row.trailer, slice_from_text(row.value)) == STATUS_OK);
    }
    check(sst_build_range_delete(build, slice_from_text("b"), slice_from_text("c"), 3) == STATUS_OK);
    check(sst_build_range_delete(build, slice_from_text("x"), (struct slice){0}, 1) == STATUS_OK);
    check(sst_build_finish(build) == STATUS_OK && sst_build_sync(build) == STATUS_OK);
    sst_build_destroy(build);
    struct io_file *file;
    size_t got;
    check(io_file_open(io, sim_path, IO_OPEN_READ, &file) == STATUS_OK);
    check(io_file_read(file, 0, bytes, sizeof bytes, &got) == STATUS_OK && got < sizeof bytes);
    io_file_close(file);
    FILE *out = fopen(golden->path, "wb");
    check(out != NULL && fwrite(bytes, 1, got, out) == got);
    check(fclose(out) == 0);
    codec_destroy(environment.codec);
    io_destroy(io);
}

/* ---- Reading --------------------------------------------------------------------------------------------------- */

static size_t load(const char *path) {
    FILE *in = fopen(path, "rb");
    if (!in) fail_msg("%s is missing", path);
    size_t size = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    return size;
}

static void assert_entries(const struct golden *golden, struct sst *sst) {
    struct sst_source source;
    sst_source_init(&source, sst, 0);
    source_seek_first(&source.source);
    for (unsigned i = 0; i < row_count(golden); i++, source_next(&source.source)) {
        struct row row = row_at(golden, i);
        assert_true(source.source.valid);
        assert_true(slice_equal(source.source.key, slice_from_text(row.key)));
        assert_true(slice_equal(source.source.value, slice_from_text(row.value)));
        assert_int_equal(source.source.trailer, row.trailer);
        struct sst_version version;
        assert_true(sst_may_have(sst, entry_key_hash(source.source.key)));
        const struct slice prefix = slice_make(source.source.key.data, golden->prefix_bytes);
        assert_true(sst_may_have_prefix(sst, prefix, entry_prefix_hash(prefix)));
        assert_int_equal(sst_get(sst, source.source.key, entry_sequence(row.trailer), 0, &version), STATUS_OK);
        assert_true(slice_equal(version.value, slice_from_text(row.value)));
        block_release(version.block);
    }
    assert_false(source.source.valid);
    assert_int_equal(source.source.status, STATUS_OK);
    source_close(&source.source);
}

static void assert_properties(const struct golden *golden, struct sst *sst) {
    const struct sst_properties *properties = sst_properties(sst);
    assert_int_equal(properties->entries, row_count(golden));
    assert_int_equal(properties->range_deletes, 2);
    assert_int_equal(properties->origin.tree, 3);
    assert_int_equal(properties->origin.job, 12);
    assert_int_equal(properties->origin.created_ms, 1700000000000);
    assert_int_equal(properties->codec, golden->codec);
    assert_int_equal(properties->filter_prefix_bytes, golden->prefix_bytes);
    assert_int_equal(properties->dictionary.size > 0, golden->dictionary_bytes > 0);
    const struct slice strange = slice_from_text("nobody's");
    if (golden->prefix_bytes) assert_false(sst_may_have_prefix(sst, strange, entry_prefix_hash(strange)));
    assert_int_equal(properties->first_sequence, 1);
    assert_false(properties->has_last);
    const struct range_set *ranges = sst_range_deletes(sst);
    assert_int_equal(range_set_cover(ranges, 3, slice_from_text("banana"), 9), 3);
    assert_int_equal(range_set_cover(ranges, 3, slice_from_text("cherry"), 9), 0);
    assert_int_equal(range_set_cover(ranges, 3, slice_from_text("zebra"), 9), 1);
}

static void files_of_earlier_days_answer_as_they_were_written(void **state) {
    (void)state;
    for (unsigned i = 0; i < GOLDENS; i++) {
        size_t size = load(goldens[i].path);
        struct io *io = sim_io_create_alone(1);
        struct sst_environment environment = environment_make(io);
        struct io_file *file;
        assert_int_equal(io_file_open(io, sim_path, IO_OPEN_WRITE | IO_OPEN_CREATE, &file), STATUS_OK);
        assert_int_equal(io_file_write(file, 0, bytes, size), STATUS_OK);
        io_file_close(file);
        struct sst *sst;
        struct error error;
        if (sst_open(&environment, sim_path, identity, 1, &sst, &error) != STATUS_OK) fail_msg("%s", error.text);
        assert_entries(&goldens[i], sst);
        assert_properties(&goldens[i], sst);
        assert_int_equal(sst_verify(sst, NULL, NULL), STATUS_OK);
        sst_close(sst);
        codec_destroy(environment.codec);
        io_destroy(io);
    }
}

/* Lines "00000010  4c 4f ...  words" of the document become bytes again. */
static void the_example_in_the_document_is_the_golden_file(void **state) {
    (void)state;
    static uint8_t told[FILE_MAX_BYTES];
    size_t end = 0;
    FILE *in = fopen("engine/sst/FORMAT.md", "r");
    assert_non_null(in);
    char line[512];
    while (fgets(line, sizeof line, in) != NULL) {
        char *cursor;
        unsigned long offset = strtoul(line, &cursor, 16);
        if (cursor != line + 8 || strncmp(cursor, "  ", 2) != 0) continue;
        assert_int_equal(offset, end); /* without a gap */
        for (cursor += 2; cursor[0] != ' ' && cursor[0] != '\n' && (cursor[2] == ' ' || cursor[2] == '\n');
             cursor += 3) {
            told[end++] = (uint8_t)strtoul(cursor, NULL, 16);
            if (cursor[2] == '\n') break;
        }
    }
    fclose(in);
    assert_int_equal(end, load(goldens[0].path));
    assert_memory_equal(told, bytes, end);
}

int main(int argument_count, char **arguments) {
    if (argument_count > 2 && strcmp(arguments[1], "--make") == 0) {
        for (unsigned i = 0; i < GOLDENS; i++)
            if (strstr(goldens[i].path, arguments[2])) make_file(&goldens[i]);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_earlier_days_answer_as_they_were_written),
        cmocka_unit_test(the_example_in_the_document_is_the_golden_file),
    };
    return cmocka_run_group_tests_name("sst_golden", tests, NULL, NULL);
}
