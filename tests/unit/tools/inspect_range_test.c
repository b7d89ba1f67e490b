/*
 * inspect_range_test: a range of a file is told as it is told with all of the file, and no more of the file is read
 * than that takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "tests/harness/seeds.h"
#include "tests/harness/sst_lab.h"
#include "tests/harness/test_env.h"
#include "tools/loam/inspect/image.h"
#include "tools/loam/inspect/inspect.h"

enum { BYTES_MAX = 256 << 10, MIB = 1 << 20 };

static const struct sample {
    const char *path;
    void (*inspect)(struct report *report);
} samples[] = {
    {"tests/golden/sst/plain-v1.sst", inspect_sst},
    {"tests/golden/sst/lz4-v1.sst", inspect_sst},
    {"tests/golden/sst/zstd-v1.sst", inspect_sst},
    {"tests/golden/values/plain-v1.val", inspect_values},
    {"tests/golden/values/zstd-v1.val", inspect_values},
    {"tests/golden/wal/plain-v1.wal", inspect_wal},
    {"tests/golden/manifest/plain-v1.manifest", inspect_manifest},
    {"tests/golden/manifest/v1.superblock", inspect_superblock},
    {"tests/golden/raft/superblock-v1", inspect_node},
};
enum { SAMPLES = sizeof samples / sizeof *samples };

static uint8_t bytes[BYTES_MAX];

static size_t load(const char *path) {
    FILE *in = fopen(path, "rb");
    if (!in) fail_msg("%s is missing", path);
    const size_t size = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    return size;
}

struct told {
    struct buf fields; /* JSON, terminated */
    enum report_verdict verdict;
};

/* Of a copy without a byte to spare. size 0: all of it. */
static void tell(const struct sample *sample, size_t file_size, uint64_t begin, uint64_t size, struct told *told) {
    uint8_t *copy = malloc(file_size);
    assert_non_null(copy);
    memcpy(copy, bytes, file_size);
    struct report report;
    report_init(&report, REPORT_JSON, slice_make(copy, file_size));
    if (size) report_set_range(&report, begin, begin + size);
    sample->inspect(&report);
    if (report.next != file_size) fail_msg("%s: ends at %llu", sample->path, (unsigned long long)report.next);
    assert_false(report.no_memory);
    *told = (struct told){.fields = report.fields, .verdict = report.verdict};
    assert_int_equal(buf_append_byte(&told->fields, 0), STATUS_OK);
    report.fields = BUF_EMPTY;
    report_deinit(&report);
    free(copy);
}

/* The next field's line, without its comma; false: no more. */
static bool next_field(const char **at, const char **line, size_t *line_size, unsigned long long *offset,
                       unsigned long long *size) {
    static const char mark[] = "\n    {\"offset\":";
    const char *found = strstr(*at, mark);
    if (!found) return false;
    const char *end = strstr(found + 1, mark);
    *line = found + 1;
    *at = end ? end : found + strlen(found);
    *line_size = (size_t)((end ? end - 1 : *at) - *line);
    assert_int_equal(sscanf(*line, "    {\"offset\":%llu,\"size\":%llu", offset, size), 2);
    return true;
}

/* Field by field: the range has those of the whole that touch it, and no others. */
static void compare(const struct sample *sample, const struct told *whole, const struct told *part, uint64_t begin,
                    uint64_t end) {
    const char *whole_at = (const char *)whole->fields.data, *part_at = (const char *)part->fields.data, *a, *b;
    unsigned long long offset, size;
    size_t a_size, b_size;
    while (next_field(&whole_at, &a, &a_size, &offset, &size)) {
        if (offset >= end || offset + size <= begin) continue;
        if (!next_field(&part_at, &b, &b_size, &offset, &size) || a_size != b_size || memcmp(a, b, a_size) != 0)
            fail_msg("%s, %llu to %llu: not told: %.*s", sample->path, (unsigned long long)begin,
                     (unsigned long long)end, (int)a_size, a);
    }
    assert_false(next_field(&part_at, &b, &b_size, &offset, &size));
}

static void a_range_is_told_as_it_is_with_the_whole_file(void **state) {
    (void)state;
    for (uint64_t seed = test_seed(1), last = seed + test_scaled(1000); seed < last; seed++) {
        seed_starts("a_range_is_told_as_it_is_with_the_whole_file", seed);
        struct prng prng;
        prng_init(&prng, seed);
        const struct sample *sample = &samples[prng_below(&prng, SAMPLES)];
        const size_t size = load(sample->path);
        const uint64_t begin = prng_below(&prng, size);
        const uint64_t most = prng_chance(&prng, 1, 2) ? 40 : size - begin;
        const uint64_t count = 1 + prng_below(&prng, most < size - begin ? most : size - begin);
        struct told whole, part;
        tell(sample, size, 0, 0, &whole);
        tell(sample, size, begin, count, &part);
        assert_int_equal(part.verdict, whole.verdict);
        compare(sample, &whole, &part, begin, begin + count);
        buf_deinit(&whole.fields);
        buf_deinit(&part.fields);
        seed_passes();
    }
}

/* Every byte of the range has a field, and they stand in order. */
static void expect_no_gap(const struct sample *sample, const struct told *part, uint64_t begin, uint64_t end) {
    const char *at = (const char *)part->fields.data, *line;
    unsigned long long offset, size, next = begin;
    size_t line_size;
    while (next_field(&at, &line, &line_size, &offset, &size)) {
        if (offset > next || offset + size <= begin || offset >= end)
            fail_msg("%s: a field of %llu bytes at %llu, where %llu is next", sample->path, size, offset, next);
        next = offset + size;
    }
    if (next < end) fail_msg("%s: nothing tells of %llu", sample->path, next);
}

static void a_range_of_a_damaged_file_has_no_gap(void **state) {
    (void)state;
    for (uint64_t seed = test_seed(1), last = seed + test_scaled(2000); seed < last; seed++) {
        seed_starts("a_range_of_a_damaged_file_has_no_gap", seed);
        struct prng prng;
        prng_init(&prng, seed);
        const struct sample *sample = &samples[prng_below(&prng, SAMPLES)];
        size_t size = load(sample->path);
        if (prng_chance(&prng, 1, 3)) size = 1 + prng_below(&prng, size);
        for (uint64_t i = prng_below(&prng, 5); i > 0; i--) {
            const size_t at = prng_below(&prng, size),
                         run = prng_chance(&prng, 1, 3) ? prng_below(&prng, size - at) : 1;
            prng_fill(&prng, bytes + at, run);
        }
        const uint64_t begin = prng_below(&prng, size), count = 1 + prng_below(&prng, size - begin);
        struct told part;
        tell(sample, size, begin, count, &part);
        expect_no_gap(sample, &part, begin, begin + count);
        buf_deinit(&part.fields);
        seed_passes();
    }
}

/* What follows damage is found again, in a range and without one. */
static void values_behind_a_damaged_one_are_told(void **state) {
    (void)state;
    static const struct sample sample = {"tests/golden/values/plain-v1.val", inspect_values};
    const size_t size = load(sample.path);
    struct told sound, damaged;
    tell(&sample, size, 0, 0, &sound);
    const char *last = (const char *)sound.fields.data, *at = last;
    while ((at = strstr(at, "\"stored bytes\"")) != NULL) last = at++;
    assert_ptr_not_equal(last, sound.fields.data);
    memset(bytes + 64 + 8, 0xff, 12); /* the sizes of the first value */
    tell(&sample, size, 0, 0, &damaged);
    assert_int_equal(damaged.verdict, REPORT_CORRUPT);
    const size_t tail = strlen(last);
    assert_true(damaged.fields.size > tail);
    assert_string_equal((const char *)damaged.fields.data + damaged.fields.size - 1 - tail, last);
    buf_deinit(&sound.fields);
    buf_deinit(&damaged.fields);
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

/* 3 MB of blocks. */
static void make_table(struct sst_lab *f) {
    uint8_t value[1000];
    struct prng prng;
    prng_init(&prng, 5);
    sst_lab_forget(f);
    for (unsigned i = 0; i < SST_LAB_ENTRIES_MAX; i++) {
        char key[32];
        const size_t size = (size_t)snprintf(key, sizeof key, "key%06u", i);
        prng_fill(&prng, value, sizeof value);
        sst_lab_add(f, slice_make(key, size), entry_trailer(i + 1, ENTRY_PUT), slice_make(value, sizeof value));
    }
    assert_int_equal(sst_lab_build(f), STATUS_OK);
}

static void open_table(const struct sst_lab *f, struct image *image, struct report *report) {
    assert_int_equal(image_open(f->io, sst_lab_path, UINT64_MAX, image), STATUS_OK);
    report_init(report, REPORT_JSON, slice_make(image->bytes, (size_t)image->size));
    report->image = image;
}

static void no_more_of_a_table_is_read_than_its_range_takes(void **state) {
    struct sst_lab *f = *state;
    struct image image;
    struct report report;
    make_table(f);
    for (unsigned place = 0; place < 8; place++) {
        open_table(f, &image, &report);
        const uint64_t begin = image.size / 8 * place;
        report_set_range(&report, begin, begin + 100);
        inspect_sst(&report);
        assert_int_equal(report.verdict, REPORT_CLEAN);
        assert_int_equal(report.next, image.size);
        assert_true(report.fields.size > 0);
        assert_true(image.size > 3 * MIB - 64000 && image.read_bytes < image.size / 4);
        report_deinit(&report);
        image_close(&image);
    }
}

static void a_summary_reads_all_of_it_once(void **state) {
    struct sst_lab *f = *state;
    struct image image;
    struct report report;
    make_table(f);
    open_table(f, &image, &report);
    inspect_sst(&report);
    assert_int_equal(report.verdict, REPORT_CLEAN);
    assert_int_equal(image.read_bytes, image.size);
    report_deinit(&report);
    image_close(&image);
}

static void told_with(const struct sst_lab *f, enum report_form form, uint64_t near_bytes, struct image *image,
                      struct report *report) {
    open_table(f, image, report);
    report->form = form;
    report->fields_wanted = form != REPORT_SUMMARY;
    image->near_bytes = near_bytes;
    inspect_sst(report);
    assert_int_equal(report->next, image->size);
}

/* What lies far behind, or ahead, may go: what is told is the same, of damage, too. */
static void what_is_held_has_a_bound(void **state) {
    struct sst_lab *f = *state;
    static const enum report_form forms[] = {REPORT_SUMMARY, REPORT_HEX};
    make_table(f);
    for (unsigned i = 0; i < 4; i++) {
        struct image whole, part;
        struct report of_whole, of_part;
        if (i == 2) {
            struct io_file *file;
            assert_int_equal(io_file_open(f->io, sst_lab_path, IO_OPEN_WRITE, &file), STATUS_OK);
            assert_int_equal(io_file_write(file, 2 * MIB, "damaged", 7), STATUS_OK);
            io_file_close(file);
        }
        told_with(f, forms[i % 2], 0, &whole, &of_whole);
        told_with(f, forms[i % 2], IMAGE_CHUNK_BYTES, &part, &of_part);
        assert_int_equal(of_part.verdict, i < 2 ? REPORT_CLEAN : REPORT_CORRUPT);
        assert_true(buf_slice(&of_whole.facts).size > 0);
        assert_true(slice_equal(buf_slice(&of_part.facts), buf_slice(&of_whole.facts)));
        assert_true(slice_equal(buf_slice(&of_part.fields), buf_slice(&of_whole.fields)));
        assert_true(slice_equal(buf_slice(&of_part.problems), buf_slice(&of_whole.problems)));
        assert_true(whole.held_bytes >= whole.size && part.held_bytes <= 6 * IMAGE_CHUNK_BYTES);
        report_deinit(&of_whole);
        report_deinit(&of_part);
        image_close(&whole);
        image_close(&part);
    }
}

static void what_a_file_lost_while_it_was_read_is_told(void **state) {
    struct sst_lab *f = *state;
    struct image image;
    struct report report;
    struct io_file *file;
    make_table(f);
    open_table(f, &image, &report);
    assert_int_equal(io_file_open(f->io, sst_lab_path, IO_OPEN_WRITE | IO_OPEN_TRUNCATE, &file), STATUS_OK);
    io_file_close(file);
    inspect_sst(&report);
    assert_int_equal(report.verdict, REPORT_CORRUPT);
    assert_int_equal(report.next, image.size);
    assert_int_equal(buf_append_byte(&report.problems, 0), STATUS_OK);
    assert_non_null(strstr((const char *)report.problems.data, "can't be read"));
    report_deinit(&report);
    image_close(&image);
}

static void a_file_over_the_limit_is_not_opened(void **state) {
    struct sst_lab *f = *state;
    struct image image;
    make_table(f);
    assert_int_equal(image_open(f->io, sst_lab_path, MIB, &image), STATUS_TOO_LARGE);
    assert_int_equal(image_open(f->io, "nothing", MIB, &image), STATUS_NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_is_told_as_it_is_with_the_whole_file),
        cmocka_unit_test(a_range_of_a_damaged_file_has_no_gap),
        cmocka_unit_test(values_behind_a_damaged_one_are_told),
        cmocka_unit_test_setup_teardown(no_more_of_a_table_is_read_than_its_range_takes, sst_lab_set_up,
                                        sst_lab_tear_down),
        cmocka_unit_test_setup_teardown(a_summary_reads_all_of_it_once, sst_lab_set_up, sst_lab_tear_down),
        cmocka_unit_test_setup_teardown(what_is_held_has_a_bound, sst_lab_set_up, sst_lab_tear_down),
        cmocka_unit_test_setup_teardown(what_a_file_lost_while_it_was_read_is_told, sst_lab_set_up, sst_lab_tear_down),
        cmocka_unit_test_setup_teardown(a_file_over_the_limit_is_not_opened, sst_lab_set_up, sst_lab_tear_down),
    };
    return seed_report(cmocka_run_group_tests_name("inspect_range", tests, NULL, NULL),
                       "build/tests/unit/tools/inspect_range_test");
}
