/*
 * inspect_test: every byte of every file has a name, whatever happened to the file; and damage is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/coding.h"
#include "engine/base/hash.h"
#include "engine/base/prng.h"
#include "engine/lsm/superblock_format.h"
#include "raft/log/node_state_format.h"
#include "tests/harness/seeds.h"
#include "tests/harness/test_env.h"
#include "tools/loam/inspect/inspect.h"

enum { BYTES_MAX = 256 << 10 };

static const struct sample {
    const char *path;
    void (*inspect)(struct report *report);
    bool covered; /* every bit is under a check, so that every flip is damage */
} samples[] = {
    {"tests/golden/sst/plain-v1.sst", inspect_sst, true},
    {"tests/golden/sst/lz4-v1.sst", inspect_sst, true},
    {"tests/golden/sst/zstd-v1.sst", inspect_sst, true},
    {"tests/golden/values/plain-v1.val", inspect_values, true},
    {"tests/golden/values/lz4-v1.val", inspect_values, true},
    {"tests/golden/values/zstd-v1.val", inspect_values, true},
    {"tests/golden/writes/small-v1.writes", inspect_writes, true},
    {"tests/golden/manifest/values-v1.manifest", inspect_manifest, false},
    {"tests/golden/wal/plain-v1.wal", inspect_wal, false},
    {"tests/golden/wal/torn-v1.wal", inspect_wal, false},
    {"tests/golden/manifest/plain-v1.manifest", inspect_manifest, false},
    {"tests/golden/manifest/torn-v1.manifest", inspect_manifest, false},
    {"tests/golden/manifest/v1.superblock", inspect_superblock, false},
    {"tests/golden/raft/superblock-v1", inspect_node, false},
};
enum { SAMPLES = sizeof samples / sizeof *samples };

static uint8_t bytes[BYTES_MAX];

static size_t load(const char *path) {
    FILE *in = fopen(path, "rb");
    if (!in) fail_msg("%s is missing", path);
    size_t size = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    return size;
}

static enum report_verdict inspect(const struct sample *sample, size_t size, enum report_form form) {
    uint8_t *copy = malloc(size ? size : 1); /* exact, so that a sanitizer sees reads past the end */
    if (size) memcpy(copy, bytes, size);
    struct report report;
    report_init(&report, form, slice_make(copy, size));
    sample->inspect(&report);
    if (report.next != size)
        fail_msg("%s: %zu bytes, %llu have a field", sample->path, size, (unsigned long long)report.next);
    assert_false(report.no_memory);
    assert_true((report.problems.size > 0) == (report.verdict != REPORT_CLEAN));
    enum report_verdict verdict = report.verdict;
    report_deinit(&report);
    free(copy);
    return verdict;
}

static void a_sound_sst_is_clean_and_every_byte_of_it_has_a_field(void **state) {
    (void)state;
    for (unsigned i = 0; i < SAMPLES; i++) {
        size_t size = load(samples[i].path);
        for (enum report_form form = REPORT_SUMMARY; form <= REPORT_JSON; form++) {
            enum report_verdict verdict = inspect(&samples[i], size, form);
            if (samples[i].covered) assert_int_equal(verdict, REPORT_CLEAN);
        }
    }
}

static void every_flipped_bit_of_an_sst_is_told(void **state) {
    (void)state;
    for (unsigned i = 0; i < SAMPLES; i++) {
        size_t size = load(samples[i].path);
        if (!samples[i].covered) continue;
        size_t step = i == 0 ? 1 : 1 + (size_t)(997 * 100 / test_scaled(100));
        for (size_t bit = 0; bit < size * 8; bit += step) {
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (inspect(&samples[i], size, REPORT_HEX) != REPORT_CORRUPT)
                fail_msg("bit %zu of %s", bit, samples[i].path);
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

static void every_cut_of_an_sst_is_told(void **state) {
    (void)state;
    size_t size = load(samples[0].path);
    while (size-- > 0) assert_int_equal(inspect(&samples[0], size, REPORT_HEX), REPORT_CORRUPT);
}

static void any_bytes_have_fields(void **state) {
    (void)state;
    static void (*const all[])(struct report *) = {inspect_sst,      inspect_values,     inspect_wal,
                                                   inspect_manifest, inspect_superblock, inspect_node};
    for (uint64_t seed = test_seed(1), last = seed + test_scaled(2000); seed < last; seed++) {
        seed_starts("any_bytes_have_fields", seed);
        struct prng prng;
        prng_init(&prng, seed);
        struct sample sample = samples[prng_below(&prng, SAMPLES)];
        size_t size = load(sample.path);
        if (prng_chance(&prng, 1, 3)) sample.inspect = all[prng_below(&prng, sizeof all / sizeof *all)];
        if (prng_chance(&prng, 1, 3)) size = prng_below(&prng, size + 1);
        for (uint64_t i = prng_below(&prng, 6); i > 0 && size; i--) {
            size_t at = prng_below(&prng, prng_chance(&prng, 1, 2) ? size : size < 200 ? size : 200);
            size_t run = prng_chance(&prng, 1, 4) ? prng_below(&prng, size - at) : 1;
            if (prng_chance(&prng, 1, 2)) {
                prng_fill(&prng, bytes + at, run);
            } else {
                memset(bytes + at, prng_chance(&prng, 1, 2) ? 0xff : 0, run);
            }
        }
        inspect(&sample, size, prng_chance(&prng, 1, 2) ? REPORT_HEX : REPORT_JSON);
        seed_passes();
    }
}

/* A report of the first `size` bytes; deinit it. */
static void make_report(const struct sample *sample, size_t size, struct report *report) {
    report_init(report, REPORT_JSON, slice_make(bytes, size));
    sample->inspect(report);
    report_part(report, REPORT_UNCHECKED, "end"); /* the last one is told when another begins */
    assert_false(report->no_memory);
}

static bool buf_equal(const struct buf *a, const struct buf *b) {
    return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

/* One bit in every twenty-third byte of the part; in each at a scale of 2300. */
static uint64_t flip_all_of(const struct sample *sample, size_t size, const struct report *sound, uint64_t from,
                            uint64_t count) {
    const uint64_t step = 2300 / test_scaled(100);
    for (uint64_t at = from; at < from + count; at += step ? step : 1) {
        struct report report;
        bytes[at] ^= (uint8_t)(1u << at % 8);
        make_report(sample, size, &report);
        if (buf_equal(&report.problems, &sound->problems) && buf_equal(&report.parts, &sound->parts))
            fail_msg("%s: byte %llu lies in a part whose check is right, and changed", sample->path,
                     (unsigned long long)at);
        bytes[at] ^= (uint8_t)(1u << at % 8);
        report_deinit(&report);
    }
    return count;
}

/* What is said to be under a check is: no byte of such a part can change without another word. */
static void a_right_check_covers_its_part(void **state) {
    (void)state;
    static const char mark[] = "{\"offset\":", check_mark[] = "\"check\":\"right\"";
    for (unsigned i = 0; i < SAMPLES; i++) {
        const size_t size = load(samples[i].path);
        struct report sound;
        uint64_t covered = 0;
        make_report(&samples[i], size, &sound);
        assert_int_equal(buf_append_byte(&sound.parts, 0), STATUS_OK);
        sound.parts.size--;
        for (const char *at = (const char *)sound.parts.data; (at = strstr(at, mark)) != NULL; at++) {
            unsigned long long offset = 0, count = 0;
            assert_int_equal(sscanf(at, "{\"offset\":%llu,\"size\":%llu", &offset, &count), 2);
            const char *check = strstr(at, check_mark), *end = strchr(at, '}');
            if (check && check < end) covered += flip_all_of(&samples[i], size, &sound, offset, count);
        }
        assert_true(covered > 0);
        report_deinit(&sound);
    }
}

static bool tells(const struct report *report, const char *words) {
    return memmem(report->fields.data, report->fields.size, words, strlen(words)) != NULL;
}

static void an_edit_is_told_down_to_its_fields(void **state) {
    (void)state;
    static const char *const manifests[] = {
        "tests/golden/manifest/plain-v1.manifest", "tests/golden/manifest/values-v1.manifest",
        "tests/golden/manifest/ingest-v1.manifest", "tests/golden/manifest/upgrade-v1.manifest"};
    static const char *const words[] = {"\"next file\"", ": values referred to", ": one sequence", "format level 2"};
    for (size_t i = 0; i < sizeof manifests / sizeof *manifests; i++) {
        const size_t size = load(manifests[i]);
        struct report report;
        report_init(&report, REPORT_JSON, slice_make(bytes, size));
        inspect_manifest(&report);
        assert_int_equal(report.verdict, REPORT_CLEAN);
        if (!tells(&report, words[i])) fail_msg("%s does not tell '%s'", manifests[i], words[i]);
        assert_false(tells(&report, "part of the edit"));
        assert_false(tells(&report, "malformed"));
        report_deinit(&report);
    }
}

/* A version is told as it stands: a plain node's, one that was repaired, a witness's. */
static void a_superblock_s_version_is_that_of_its_bytes(void **state) {
    (void)state;
    static const struct node_state states[] = {
        {.cluster_id = 1, .node_id = 1, .incarnation = 5, .generation = 2},
        {.cluster_id = 1, .node_id = 1, .incarnation = 5, .generation = 2, .doubt_term = 3},
        {.cluster_id = 1, .node_id = 1, .incarnation = 5, .generation = 2, .is_witness = true}};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        memset(bytes, 0, NODE_STATE_BYTES);
        node_state_encode(&states[i], bytes);
        struct report report;
        report_init(&report, REPORT_JSON, slice_make(bytes, NODE_STATE_BYTES));
        inspect_node(&report);
        assert_int_equal(report.verdict, REPORT_CLEAN);
        char words[64];
        snprintf(words, sizeof words, "\"name\":\"version\",\"value\":\"%u\"", (unsigned)coding_get_u32(bytes + 8));
        assert_true(tells(&report, words));
        report_deinit(&report);
    }
}

/* The store's own reader passes over such bytes; whoever looks is told. */
static void zeros_that_are_not_zero_under_a_right_check_are_told(void **state) {
    (void)state;
    const struct superblock superblock = {.store = 1, .generation = 2, .manifest = 3, .manifest_bytes = 4096};
    struct superblock again;
    memset(bytes, 0, SUPERBLOCK_BYTES);
    superblock_encode(&superblock, 0, bytes);
    bytes[500] = 7;
    coding_put_u64(bytes, hash64(slice_make(bytes + 8, IO_SECTOR_BYTES - 8), UINT64_C(0x5375706572626c6b)));
    assert_int_equal(superblock_parse(bytes, 0, &again), STATUS_OK);
    struct report report;
    report_init(&report, REPORT_JSON, slice_make(bytes, IO_PAGE_BYTES));
    inspect_superblock(&report);
    assert_int_equal(report.verdict, REPORT_CORRUPT);
    assert_true(tells(&report, "NOT zero"));
    report_deinit(&report);
}

static void text_shows_what_can_be_shown(void **state) {
    (void)state;
    char text[40];
    report_text(text, sizeof text, slice_make("a\\\x01\"z\xff", 6), 100);
    assert_string_equal(text, "a\\x5c\\x01\\x22z\\xff");
    report_text(text, sizeof text, slice_from_text("abcdefgh"), 3);
    assert_string_equal(text, "abc..");
    report_text(text, 12, slice_from_text("abcdefghijklmnopqrstuvwxyz"), 100);
    assert_true(strlen(text) < 12);
    report_text(text, sizeof text, (struct slice){0}, 3);
    assert_string_equal(text, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_sst_is_clean_and_every_byte_of_it_has_a_field),
        cmocka_unit_test(every_flipped_bit_of_an_sst_is_told),
        cmocka_unit_test(every_cut_of_an_sst_is_told),
        cmocka_unit_test(any_bytes_have_fields),
        cmocka_unit_test(a_right_check_covers_its_part),
        cmocka_unit_test(an_edit_is_told_down_to_its_fields),
        cmocka_unit_test(a_superblock_s_version_is_that_of_its_bytes),
        cmocka_unit_test(zeros_that_are_not_zero_under_a_right_check_are_told),
        cmocka_unit_test(text_shows_what_can_be_shown),
    };
    return seed_report(cmocka_run_group_tests_name("inspect", tests, NULL, NULL),
                       "build/tests/unit/tools/inspect_test");
}
