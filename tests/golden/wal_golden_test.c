/*
 * wal_golden_test: segments of each version of the format read as they did on the day they were written, and the
 * example in engine/wal/FORMAT.md says what the golden file says.
 *
 *     wal_golden_test --make             writes the golden files of version 1 anew (only with a new version of it)
 *     wal_golden_test --make-compact     and of version 2
 *     wal_golden_test --make-loose       and of version 3
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
#include "engine/base/coding.h"
#include "engine/base/hash.h"
#include "engine/wal_scan.h"
#include "tools/sim/sim_io.h"

enum {
    SEGMENT = 64 << 10,
    KEPT = 16 << 10,
    LOOSE_RECORDS = 28
}; /* the files hold the first 16 KiB; the rest is zero */
static const uint64_t OWNER = 0x1122334455667788;
static const char plain_file[] = "tests/golden/wal/plain-v1.wal";
static const char torn_file[] = "tests/golden/wal/torn-v1.wal";
static const char compact_file[] = "tests/golden/wal/compact-v2.wal";
static const char loose_file[] = "tests/golden/wal/loose-v3.wal"; /* a second segment */
static const char long_text[] = "a record that goes over the end of a sector";
static uint8_t bytes[SEGMENT];

/* ---- Making ------------------------------------------------------------------------------------------------------ */

static void keep_segment(struct io *io, const char *segment, const char *path) {
    struct io_file *file;
    size_t got;
    check(io_file_open(io, segment, IO_OPEN_READ, &file) == STATUS_OK);
    check(io_file_read(file, 0, bytes, SEGMENT, &got) == STATUS_OK && got == SEGMENT);
    io_file_close(file);
    FILE *out = fopen(path, "wb");
    check(out != NULL && fwrite(bytes, 1, KEPT, out) == KEPT);
    check(fclose(out) == 0);
}

static void keep(struct io *io, const char *path) {
    keep_segment(io, "/wal/00000001.wal", path);
}

static void add(struct wal *wal, uint8_t type, const char *text) {
    uint64_t lsn;
    struct slice part = slice_from_text(text);
    check(wal_append(wal, type, &part, 1, &lsn) == STATUS_OK);
}

static void add_at_once(struct wal *wal, uint8_t type, const char *text) {
    uint64_t lsn;
    struct slice part = slice_from_text(text);
    check(wal_put(wal, type, &part, 1, &lsn) == STATUS_OK);
}

/* Behind the mark one ordinary group, since nothing compact begins a page, then compact ones; a synced group; both
 * again. */
static int make_compact(void) {
    struct sim *sim = sim_create(1);
    struct sim_disk *disk = sim_disk_create(1);
    struct io *io = sim_io_create(sim, disk, NULL);
    struct wal_options options = {.owner = OWNER, .segment_bytes = SEGMENT, .compact = true};
    struct wal *wal;
    check(wal_open(io, "/wal", &options, NULL, NULL, &wal, NULL, NULL) == STATUS_OK);
    add_at_once(wal, 1, "first");
    add_at_once(wal, 2, "compact");
    for (int i = 0; i < 9; i++) add_at_once(wal, 3, long_text);
    add_at_once(wal, 4, "");
    add(wal, 5, "durable");
    check(wal_commit(wal, true) == STATUS_OK);
    add_at_once(wal, 6, "behind");
    add_at_once(wal, 255, "the end");
    keep(io, compact_file);
    wal_close(wal);
    io_destroy(io);
    sim_disk_destroy(disk);
    sim_destroy(sim);
    return 0;
}

/* Unsynced groups until the second segment begins. */
static int make_loose(void) {
    struct sim *sim = sim_create(1);
    struct sim_disk *disk = sim_disk_create(1);
    struct io *io = sim_io_create(sim, disk, NULL);
    struct wal_options options = {.owner = OWNER, .segment_bytes = SEGMENT, .compact = true, .loose = true};
    struct wal *wal;
    char text[2001] = {0};
    memset(text, 'x', sizeof text - 1);
    check(wal_open(io, "/wal", &options, NULL, NULL, &wal, NULL, NULL) == STATUS_OK);
    for (int i = 0; i < LOOSE_RECORDS; i++) add_at_once(wal, 1, text);
    check(wal_end(wal) >> 32 == 2);
    add_at_once(wal, 2, "behind");
    keep_segment(io, "/wal/00000002.wal", loose_file);
    wal_close(wal);
    io_destroy(io);
    sim_disk_destroy(disk);
    sim_destroy(sim);
    return 0;
}

static int make(void) {
    struct sim *sim = sim_create(1);
    struct sim_disk *disk = sim_disk_create(1);
    struct io *io = sim_io_create(sim, disk, NULL);
    struct wal_options options = {.owner = OWNER, .segment_bytes = SEGMENT};
    struct wal *wal;
    check(wal_open(io, "/wal", &options, NULL, NULL, &wal, NULL, NULL) == STATUS_OK);
    add(wal, 1, "hello");
    add(wal, 2, "loam");
    check(wal_commit(wal, true) == STATUS_OK);
    add(wal, 3, "unsynced");
    check(wal_commit(wal, false) == STATUS_OK);
    add(wal, 255, "");
    check(wal_commit(wal, false) == STATUS_OK);
    keep(io, plain_file);
    char text[601] = {0};
    memset(text, 'x', sizeof text - 1);
    add(wal, 4, text);
    check(wal_commit(wal, false) == STATUS_OK);
    wal_close(wal);
    struct io_file *file; /* the last group loses its second sector */
    static const uint8_t zero[IO_SECTOR_BYTES];
    check(io_file_open(io, "/wal/00000001.wal", IO_OPEN_READ | IO_OPEN_WRITE, &file) == STATUS_OK);
    check(io_file_write(file, 3 * IO_PAGE_BYTES + IO_SECTOR_BYTES, zero, sizeof zero) == STATUS_OK);
    io_file_close(file);
    keep(io, torn_file);
    io_destroy(io);
    sim_disk_destroy(disk);
    sim_destroy(sim);
    return 0;
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

static void load(const char *path) {
    memset(bytes, 0, sizeof bytes);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    assert_int_equal(fread(bytes, 1, SEGMENT, in), KEPT);
    fclose(in);
}

struct expected_record {
    uint64_t lsn;
    uint8_t type;
    const char *text;
};

static const struct expected_record expected_plain[] = {
    {0x100002040, 1, "hello"},
    {0x10000204e, 2, "loam"},
    {0x100003040, 3, "unsynced"},
    {0x100003081, 255, ""},
};

static const struct expected_record expected_compact[] = {
    {0x100002040, 1, "first"},   {0x10000204e, 2, "compact"}, {0x10000205e, 3, long_text},
    {0x100002092, 3, long_text}, {0x1000020c6, 3, long_text}, {0x1000020fa, 3, long_text},
    {0x10000212e, 3, long_text}, {0x100002162, 3, long_text}, {0x100002196, 3, long_text},
    {0x1000021ca, 3, long_text}, {0x1000021fe, 3, long_text}, {0x100002242, 4, ""},
    {0x10000227b, 5, "durable"}, {0x100003040, 6, "behind"},  {0x10000304f, 255, "the end"},
};

static enum wal_verdict read_all(struct wal_scan *scan, uint32_t version, const struct expected_record *expected,
                                 unsigned *groups, unsigned *records) {
    struct wal_segment_header header;
    assert_int_equal(wal_segment_header_decode(slice_make(bytes, SEGMENT), &header, NULL), STATUS_OK);
    assert_true(header.owner == OWNER && header.segment == 1 && header.segment_bytes == SEGMENT &&
                header.version == version);
    assert_true(header.start_group == (uint64_t)1 << 32 && header.predecessor_end == 0 &&
                header.predecessor_group == 0);
    assert_int_equal(wal_scan_init(scan, slice_make(bytes, SEGMENT), &header, NULL, NULL), STATUS_OK);
    *groups = *records = 0;
    for (;;) {
        struct wal_group group;
        enum wal_verdict verdict;
        assert_int_equal(wal_scan_next(scan, &verdict, &group), STATUS_OK);
        if (verdict != WAL_FOUND_GROUP) return verdict;
        assert_int_equal(group.group, ((uint64_t)1 << 32) + (*groups)++);
        struct wal_record record;
        uint64_t at = 0;
        enum status status;
        while ((status = wal_scan_record(scan, &group, &at, &record)) == STATUS_OK) {
            const struct expected_record *want = &expected[(*records)++];
            assert_int_equal(record.lsn, want->lsn);
            assert_int_equal(record.type, want->type);
            assert_true(slice_equal(record.payload, slice_from_text(want->text)));
        }
        assert_int_equal(status, STATUS_END);
    }
}

static void a_segment_of_version_1_reads_as_it_was_written(void **state) {
    (void)state;
    load(plain_file);
    struct wal_scan scan;
    unsigned groups, records;
    assert_int_equal(read_all(&scan, 1, expected_plain, &groups, &records), WAL_FOUND_END);
    assert_int_equal(groups, 4);
    assert_int_equal(records, 4);
    wal_scan_deinit(&scan);
}

static void a_segment_of_version_2_reads_as_it_was_written(void **state) {
    (void)state;
    load(compact_file);
    struct wal_scan scan;
    unsigned groups, records;
    assert_int_equal(read_all(&scan, 2, expected_compact, &groups, &records), WAL_FOUND_END);
    assert_int_equal(groups, 16);
    assert_int_equal(records, sizeof expected_compact / sizeof *expected_compact);
    wal_scan_deinit(&scan);
    bytes[8] = 1; /* a compact group has no place in version 1 */
    coding_put_u64(bytes + 56, hash64(slice_make(bytes, 56), 0));
    assert_int_equal(read_all(&scan, 1, expected_compact, &groups, &records), WAL_FOUND_FAULTY);
    assert_int_equal(groups, 2);
    wal_scan_deinit(&scan);
}

static void a_segment_of_version_3_tells_what_was_durable_before_it(void **state) {
    (void)state;
    load(loose_file);
    struct wal_segment_header header;
    struct wal_scan scan;
    struct wal_group group;
    struct wal_record record;
    enum wal_verdict verdict;
    const uint64_t first = (uint64_t)1 << 32;
    unsigned records = 0;
    assert_int_equal(wal_segment_header_decode(slice_make(bytes, SEGMENT), &header, NULL), STATUS_OK);
    assert_true(header.version == 3 && header.segment == 2 && header.predecessor_end >> 32 == 1);
    assert_true(header.durable == first && header.predecessor_group == first + LOOSE_RECORDS - 1);
    assert_int_equal(wal_scan_init(&scan, slice_make(bytes, SEGMENT), &header, NULL, NULL), STATUS_OK);
    while (wal_scan_next(&scan, &verdict, &group) == STATUS_OK && verdict == WAL_FOUND_GROUP) {
        uint64_t at = 0;
        while (wal_scan_record(&scan, &group, &at, &record) == STATUS_OK) records++;
    }
    assert_int_equal(verdict, WAL_FOUND_END);
    assert_int_equal(records, 2);
    assert_true(record.type == 2 && slice_equal(record.payload, slice_from_text("behind")));
    wal_scan_deinit(&scan);
    bytes[64] ^= 1; /* its own check covers it */
    assert_int_equal(wal_segment_header_decode(slice_make(bytes, SEGMENT), &header, NULL), STATUS_CORRUPT);
}

/* Every byte of a compact group is covered, its length too: a longer one would reach what was never written. */
static void a_flipped_bit_of_a_compact_group_is_faulty(void **state) {
    (void)state;
    load(compact_file);
    for (size_t bit = 0x304f * 8; bit < 0x305f * 8; bit++) {
        struct wal_scan scan;
        unsigned groups, records;
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(read_all(&scan, 2, expected_compact, &groups, &records), WAL_FOUND_FAULTY);
        assert_int_equal(groups, 15);
        wal_scan_deinit(&scan);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void a_torn_segment_of_version_1_reads_up_to_the_tear(void **state) {
    (void)state;
    load(torn_file);
    struct wal_scan scan;
    unsigned groups, records;
    assert_int_equal(read_all(&scan, 1, expected_plain, &groups, &records), WAL_FOUND_TORN);
    assert_int_equal(groups, 4);
    assert_int_equal(scan.at_group, ((uint64_t)1 << 32) + 4);
    wal_scan_deinit(&scan);
}

/* Lines "00001000  4c 4f ...  comment" of the document become bytes again. */
static void the_example_in_the_document_is_the_golden_file(void **state) {
    (void)state;
    static uint8_t told[SEGMENT];
    memset(told, 0, sizeof told);
    FILE *in = fopen("engine/wal/FORMAT.md", "r");
    assert_non_null(in);
    char line[512];
    unsigned lines = 0;
    while (fgets(line, sizeof line, in) != NULL) {
        char *cursor;
        unsigned long offset = strtoul(line, &cursor, 16);
        if (cursor != line + 8 || strncmp(cursor, "  ", 2) != 0) continue;
        lines++;
        for (cursor += 2; cursor[0] != ' ' && cursor[0] != '\n' && cursor[2] == ' '; cursor += 3) {
            assert_true(offset < SEGMENT);
            told[offset++] = (uint8_t)strtoul(cursor, NULL, 16);
        }
    }
    fclose(in);
    assert_true(lines > 10);
    load(plain_file);
    assert_memory_equal(told, bytes, SEGMENT);
}

int main(int argument_count, char **arguments) {
    if (argument_count > 1 && strcmp(arguments[1], "--make") == 0) return make();
    if (argument_count > 1 && strcmp(arguments[1], "--make-compact") == 0) return make_compact();
    if (argument_count > 1 && strcmp(arguments[1], "--make-loose") == 0) return make_loose();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_segment_of_version_1_reads_as_it_was_written),
        cmocka_unit_test(a_segment_of_version_2_reads_as_it_was_written),
        cmocka_unit_test(a_segment_of_version_3_tells_what_was_durable_before_it),
        cmocka_unit_test(a_flipped_bit_of_a_compact_group_is_faulty),
        cmocka_unit_test(a_torn_segment_of_version_1_reads_up_to_the_tear),
        cmocka_unit_test(the_example_in_the_document_is_the_golden_file),
    };
    return cmocka_run_group_tests_name("wal_golden", tests, NULL, NULL);
}
