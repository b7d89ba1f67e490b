/* sst_fault_test: a file that is damaged in any single bit, misplaced or cut, and failing allocations and disks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/sst/block_format.h"
#include "engine/sst/sst_file.h"
#include "engine/sst/sst_format.h"
#include "tests/harness/alloc_fault.h"
#include "tests/harness/sst_lab.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim_io.h"

static void another_file_under_this_name_is_a_mismatch(void **state) {
    struct sst_lab *f = *state;
    sst_lab_add_numbers(f, 10);
    assert_int_equal(sst_lab_build(f), STATUS_OK);
    struct sst *sst;
    struct error error;
    struct sst_identity other = {.store = sst_lab_identity.store, .file = 2};
    assert_int_equal(sst_open(&f->environment, sst_lab_path, other, 1, &sst, &error), STATUS_MISMATCH);
    assert_non_null(strstr(error.text, sst_lab_path));
    assert_int_equal(sst_open(&f->environment, "/none.sst", sst_lab_identity, 1, &sst, &error), STATUS_NOT_FOUND);
    assert_non_null(strstr(error.text, "/none.sst"));
}

static void a_file_that_was_not_finished_is_corrupt(void **state) {
    struct sst_lab *f = *state;
    sst_lab_add_numbers(f, 300);
    assert_int_equal(sst_lab_build(f), STATUS_OK);
    struct io_file *file;
    uint64_t size;
    assert_int_equal(io_file_open(f->io, sst_lab_path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    assert_int_equal(io_file_size(file, &size), STATUS_OK);
    for (uint64_t left = size; left-- > 0;) {
        assert_int_equal(io_file_truncate(file, left), STATUS_OK);
        struct sst *sst;
        struct error error;
        assert_int_equal(sst_open(&f->environment, sst_lab_path, sst_lab_identity, 1, &sst, &error), STATUS_CORRUPT);
        assert_int_equal(error.status, STATUS_CORRUPT);
    }
    io_file_close(file);
}

/* All that a file can be asked: OK with the right answer, or CORRUPT. */
static bool answers_or_is_corrupt(struct sst_lab *f) {
    struct sst *sst;
    struct error error;
    f->errors = 0;
    enum status status = sst_open(&f->environment, sst_lab_path, sst_lab_identity, 1, &sst, &error);
    if (status != STATUS_OK) {
        assert_true(status == STATUS_CORRUPT || status == STATUS_VERSION || status == STATUS_MISMATCH);
        assert_int_equal(error.status, status);
        return false;
    }
    bool whole = true;
    for (size_t i = 0; i < f->count; i++) {
        struct sst_version version;
        struct slice key = buf_slice(&f->entries[i].key);
        status = sst_get(sst, key, entry_sequence(f->entries[i].trailer), 0, &version);
        if (status == STATUS_CORRUPT) {
            whole = false;
            continue;
        }
        assert_int_equal(status, STATUS_OK);
        assert_true(sst_may_have(sst, entry_key_hash(key)));
        assert_int_equal(version.trailer, f->entries[i].trailer);
        assert_true(slice_equal(version.value, buf_slice(&f->entries[i].value)));
        block_release(version.block);
    }
    struct sst_source source;
    sst_source_init(&source, sst, SST_READ_AHEAD);
    size_t at = 0;
    for (source_seek_first(&source.source); source.source.valid; source_next(&source.source))
        sst_lab_expect(f, &source.source, at++);
    assert_true(source.source.status == (whole ? STATUS_OK : STATUS_CORRUPT));
    if (whole) assert_int_equal(at, f->count);
    source_close(&source.source);
    assert_int_equal(sst_verify(sst, NULL, NULL), whole ? STATUS_OK : STATUS_CORRUPT);
    assert_int_equal(f->errors > 0, !whole);
    if (!whole) {
        assert_non_null(strstr(f->error.text, sst_lab_path));
        assert_non_null(strstr(f->error.text, "offset"));
        assert_non_null(strstr(f->error.text, "key0"));
    }
    sst_close(sst);
    return whole;
}

static void no_flipped_bit_ever_becomes_an_answer(void **state) {
    struct sst_lab *f = *state;
    sst_lab_add_numbers(f, 60);
    for (size_t i = 0; i < 5; i++) {
        f->ranges[f->range_count++] =
            (struct sst_lab_range){buf_slice(&f->entries[i * 3].key), buf_slice(&f->entries[i * 7 + 1].key), 100 + i};
    }
    assert_int_equal(sst_lab_build(f), STATUS_OK);
    assert_true(answers_or_is_corrupt(f));
    struct io_file *file;
    uint64_t size;
    assert_int_equal(io_file_open(f->io, sst_lab_path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    assert_int_equal(io_file_size(file, &size), STATUS_OK);
    unsigned step = test_scaled(100) >= 100 ? 1 : 7;
    for (uint64_t bit = 0; bit < size * 8; bit += step) {
        uint8_t byte;
        size_t got;
        assert_int_equal(io_file_read(file, bit / 8, &byte, 1, &got), STATUS_OK);
        byte ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(io_file_write(file, bit / 8, &byte, 1), STATUS_OK);
        if (answers_or_is_corrupt(f))
            fail_msg("bit %u of byte %llu is not covered by any check", (unsigned)(bit % 8),
                     (unsigned long long)(bit / 8));
        byte ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(io_file_write(file, bit / 8, &byte, 1), STATUS_OK);
    }
    assert_true(answers_or_is_corrupt(f));
    io_file_close(file);
}

/* A block of another place of the same file, and one of another file at the same place: both are sound in themselves.
 */
static void a_sound_block_in_a_strange_place_is_corrupt(void **state) {
    struct sst_lab *f = *state;
    f->options.codec = CODEC_NONE;
    f->options.block_bytes = 400;
    sst_lab_add_numbers(f, 100);
    assert_int_equal(sst_lab_build(f), STATUS_OK);
    struct io_file *file;
    static uint8_t unit[2000], header[20];
    size_t got;
    assert_int_equal(io_file_open(f->io, sst_lab_path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    assert_int_equal(io_file_read(file, 64, unit, sizeof unit, &got), STATUS_OK);
    size_t size = 20 + coding_get_u32(unit + 8);
    assert_int_equal(io_file_read(file, 64 + size, header, sizeof header, &got), STATUS_OK);
    assert_int_equal(20 + coding_get_u32(header + 8), size); /* the second block has the same size */
    static uint8_t second[2000];
    assert_int_equal(io_file_read(file, 64 + size, second, size, &got), STATUS_OK);
    assert_int_equal(io_file_write(file, 64 + size, unit, size), STATUS_OK);
    assert_false(answers_or_is_corrupt(f));
    assert_int_equal(io_file_write(file, 64 + size, second, size), STATUS_OK);
    assert_true(answers_or_is_corrupt(f));
    io_file_close(file);

    f->options.identity.file = 2;
    assert_int_equal(sst_lab_build(f), STATUS_OK);
    assert_int_equal(io_file_open(f->io, sst_lab_path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    assert_int_equal(io_file_read(file, 64, second, size, &got), STATUS_OK);
    io_file_close(file);
    f->options.identity.file = 1;
    assert_int_equal(sst_lab_build(f), STATUS_OK);
    assert_int_equal(io_file_open(f->io, sst_lab_path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    assert_memory_equal(second + 8, unit + 8, size - 8); /* the same content: only its check tells them apart */
    assert_int_equal(io_file_write(file, 64, second, size), STATUS_OK);
    assert_false(answers_or_is_corrupt(f));
    io_file_close(file);
}

/* A section of the file, and the file with another content in that place, sound in itself. */
static void read_section(struct io_file *file, unsigned section, struct sst_footer *footer, struct buf *raw) {
    static uint8_t bytes[64 << 10];
    uint64_t size;
    size_t got;
    struct sst_unit unit;
    assert_int_equal(io_file_size(file, &size), STATUS_OK);
    assert_int_equal(io_file_read(file, size - SST_FOOTER_BYTES, bytes, SST_FOOTER_BYTES, &got), STATUS_OK);
    assert_int_equal(sst_footer_decode(slice_make(bytes, SST_FOOTER_BYTES), size, footer, NULL), STATUS_OK);
    const struct sst_handle *handle = &footer->sections[section - SST_SECTION_FILTER];
    assert_int_equal(io_file_read(file, handle->offset, bytes, handle->size, &got), STATUS_OK);
    assert_int_equal(sst_unit_decode(slice_make(bytes, handle->size), &sst_lab_identity, handle->offset, &unit),
                     STATUS_OK);
    assert_int_equal(unit.codec, CODEC_NONE);
    assert_int_equal(buf_assign(raw, unit.payload), STATUS_OK);
}

static void write_section(struct io_file *file, unsigned section, const struct sst_footer *footer, struct slice raw) {
    struct sst_footer changed = *footer;
    struct sst_handle *handle = &changed.sections[section - SST_SECTION_FILTER];
    struct buf unit = BUF_EMPTY;
    uint8_t end[SST_FOOTER_BYTES];
    const struct sst_packing raw_only = {.id = CODEC_NONE};
    assert_int_equal(sst_unit_encode(&unit, &raw_only, section, raw, &sst_lab_identity, handle->offset, handle),
                     STATUS_OK);
    assert_int_equal(unit.size, footer->sections[section - SST_SECTION_FILTER].size);
    assert_int_equal(io_file_write(file, handle->offset, unit.data, unit.size), STATUS_OK);
    sst_footer_encode(end, &changed);
    assert_int_equal(io_file_write(file, footer->file_bytes - sizeof end, end, sizeof end), STATUS_OK);
    buf_deinit(&unit);
}

static enum status verify_built(struct sst_lab *f) {
    struct sst *sst = NULL;
    enum status status = sst_open(&f->environment, sst_lab_path, sst_lab_identity, 1, &sst, NULL);
    if (status == STATUS_OK) status = sst_verify(sst, NULL, NULL);
    sst_close(sst);
    return status;
}

/* An index key that lies before the last key of its block: reads of that key would look in the next one. */
static void a_key_that_no_read_would_find_is_a_finding(void **state) {
    struct sst_lab *f = *state;
    struct sst_footer footer;
    struct sst_block_view view;
    struct buf raw = BUF_EMPTY;
    struct io_file *file;
    f->options.codec = CODEC_NONE;
    f->options.block_bytes = 400;
    sst_lab_add_numbers(f, 100);
    assert_int_equal(sst_lab_build(f), STATUS_OK);
    assert_int_equal(verify_built(f), STATUS_OK);
    assert_int_equal(io_file_open(f->io, sst_lab_path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    read_section(file, SST_SECTION_INDEX, &footer, &raw);
    assert_int_equal(buf_append_zeros(&raw, BLOCK_SLACK_BYTES), STATUS_OK);
    raw.size -= BLOCK_SLACK_BYTES;
    assert_int_equal(block_view_parse(buf_slice(&raw), &view), STATUS_OK);
    assert_true(view.count > 3);
    for (uint32_t i = 0; i < view.count; i++) {
        uint8_t *head = raw.data + BLOCK_HEADER_BYTES + (size_t)i * BLOCK_HEAD_BYTES;
        const uint64_t was = coding_get_u64(head);
        coding_put_u64(head, was - (UINT64_C(1) << 8 * (BLOCK_HEAD_BYTES - block_view_head_size(&view, i))));
        write_section(file, SST_SECTION_INDEX, &footer, buf_slice(&raw));
        if (verify_built(f) != STATUS_CORRUPT) fail_msg("index entry %u of %u", i, view.count);
        coding_put_u64(head, was);
    }
    write_section(file, SST_SECTION_INDEX, &footer, buf_slice(&raw));
    assert_int_equal(verify_built(f), STATUS_OK);
    io_file_close(file);
    buf_deinit(&raw);
}

/* Each bit of the filter that says "maybe" is there for a key. */
static void a_filter_that_denies_a_key_is_a_finding(void **state) {
    struct sst_lab *f = *state;
    struct sst_footer footer;
    struct buf raw = BUF_EMPTY;
    struct io_file *file;
    unsigned bits = 0;
    f->options.codec = CODEC_NONE;
    sst_lab_add_numbers(f, 100);
    assert_int_equal(sst_lab_build(f), STATUS_OK);
    assert_int_equal(io_file_open(f->io, sst_lab_path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    read_section(file, SST_SECTION_FILTER, &footer, &raw);
    for (size_t bit = 64; bit < raw.size * 8; bit++) {
        const uint8_t mask = (uint8_t)(1u << bit % 8);
        if (!(raw.data[bit / 8] & mask)) continue;
        raw.data[bit / 8] ^= mask;
        write_section(file, SST_SECTION_FILTER, &footer, buf_slice(&raw));
        if (verify_built(f) != STATUS_CORRUPT) fail_msg("bit %zu", bit);
        raw.data[bit / 8] ^= mask;
        bits++;
    }
    assert_true(bits > 300);
    io_file_close(file);
    buf_deinit(&raw);
}

static void every_failing_allocation_ends_in_no_memory(void **state) {
    struct sst_lab *f = *state;
    sst_lab_add_numbers(f, 200);
    f->ranges[f->range_count++] =
        (struct sst_lab_range){buf_slice(&f->entries[3].key), buf_slice(&f->entries[9].key), 400};
    for (uint64_t nth = 1;; nth++) {
        alloc_fault_at(nth);
        enum status status = sst_lab_build(f);
        bool failed = alloc_fault_clear();
        assert_int_equal(status, failed ? STATUS_NO_MEMORY : STATUS_OK);
        if (!failed) break;
    }
    for (uint64_t nth = 1;; nth++) {
        struct sst *sst = NULL;
        alloc_fault_at(nth);
        enum status status = sst_open(&f->environment, sst_lab_path, sst_lab_identity, 1, &sst, NULL);
        bool failed = alloc_fault_clear();
        const bool is_read_instead = failed && status == STATUS_OK && f->environment.map_tables && !sst->map;
        if (!is_read_instead) assert_int_equal(status, failed ? STATUS_NO_MEMORY : STATUS_OK);
        sst_close(sst);
        if (!failed) break;
    }
    for (uint64_t nth = 1;; nth++) {
        struct sst_source source;
        struct sst *sst = sst_lab_open(f, 77); /* none of its blocks is in the cache */
        sst_source_init(&source, sst, 0);
        alloc_fault_at(nth);
        size_t seen = 0;
        for (source_seek_first(&source.source); source.source.valid; source_next(&source.source)) seen++;
        bool failed = alloc_fault_clear();
        bool whole = source.source.status == STATUS_OK;
        assert_true(whole ? seen == f->count : failed && source.source.status == STATUS_NO_MEMORY);
        source_close(&source.source);
        sst_close(sst);
        if (!failed) break;
    }
    assert_int_equal(f->errors, 0);
}

static void every_failing_call_of_the_disk_is_answered(void **state) {
    struct sst_lab *f = *state;
    struct sim_disk *disk = sim_io_disk(f->io);
    struct prng prng;
    prng_init(&prng, 3);
    static uint8_t value[1000];
    for (unsigned i = 0; i < 700; i++) { /* several writes of 256 KiB */
        char key[16];
        prng_fill(&prng, value, sizeof value);
        size_t size = (size_t)snprintf(key, sizeof key, "key0%05u", i);
        sst_lab_add(f, slice_make(key, size), entry_trailer(1, ENTRY_PUT), slice_make(value, sizeof value));
    }
    unsigned failures = 0;
    for (uint64_t nth = 1;; nth++, failures++) {
        sim_disk_fail_at(disk, nth, nth % 2 ? STATUS_IO : STATUS_NO_SPACE, false);
        enum status status = sst_lab_build(f);
        bool failed = sim_disk_has_failed(disk);
        sim_disk_fail_at(disk, 0, STATUS_OK, false);
        if (!failed) {
            assert_int_equal(status, STATUS_OK);
            break;
        }
        assert_true(status == STATUS_IO || status == STATUS_NO_SPACE);
    }
    assert_true(failures >= 5); /* open, three writes, sync */
    for (uint64_t nth = 1;; nth++) {
        struct sst *sst = NULL;
        struct sst_version version = {0};
        f->errors = 0;
        sim_disk_fail_at(disk, nth, STATUS_IO, false);
        enum status opened = sst_open(&f->environment, sst_lab_path, sst_lab_identity, 1, &sst, NULL);
        enum status got = opened == STATUS_OK ? sst_get(sst, slice_from_text("key000300"), 9, 0, &version) : opened;
        bool failed = sim_disk_has_failed(disk);
        sim_disk_fail_at(disk, 0, STATUS_OK, false);
        const bool is_read_instead = f->environment.map_tables && failed && opened == STATUS_OK;
        assert_int_equal(got, failed && !is_read_instead ? STATUS_IO : STATUS_OK);
        assert_int_equal(f->errors, failed && opened == STATUS_OK && !is_read_instead);
        block_release(version.block);
        sst_close(sst);
        if (!failed) break;
    }
}

/* Each as read, and as mapped. */
#define FACT(name)                                                                                                     \
    cmocka_unit_test_setup_teardown(name, sst_lab_set_up, sst_lab_tear_down),                                          \
        cmocka_unit_test_setup_teardown(name, sst_lab_set_up_mapped, sst_lab_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        FACT(another_file_under_this_name_is_a_mismatch), FACT(a_file_that_was_not_finished_is_corrupt),
        FACT(no_flipped_bit_ever_becomes_an_answer),      FACT(a_sound_block_in_a_strange_place_is_corrupt),
        FACT(a_key_that_no_read_would_find_is_a_finding), FACT(a_filter_that_denies_a_key_is_a_finding),
        FACT(every_failing_allocation_ends_in_no_memory), FACT(every_failing_call_of_the_disk_is_answered),
    };
    return cmocka_run_group_tests_name("sst_fault", tests, NULL, NULL);
}
