/* sst_walk_test: what a repair finds of a damaged file, block by block, of whatever size, in little memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/sst/sst_walk.h"
#include "tests/harness/alloc_fault.h"
#include "tests/harness/sst_lab.h"
#include "tools/sim/sim_io.h"

enum { MIB = 1 << 20, ROWS = 2000 };

struct found {
    size_t blocks, gaps, entries;
    size_t window_bytes; /* of memory, at most */
    uint64_t unread_bytes;
    bool ends_in_gap, has_properties;
};

/* All blocks, and that what they hold is what was built, in its order. */
static enum status walk(struct sst_lab *f, struct found *found) {
    struct sst_walk walk;
    struct sst_walk_block block;
    struct buf room = BUF_EMPTY;
    size_t at = 0;
    *found = (struct found){.blocks = 0};
    enum status status = sst_walk_open(&f->environment, sst_lab_path, sst_lab_identity, &walk);
    while (status == STATUS_OK && (status = sst_walk_next(&walk, &block)) == STATUS_OK) {
        found->blocks++;
        found->gaps += block.after_gap;
        status = buf_reserve(&room, block_view_key_room(&block.view));
        for (uint32_t i = 0; i < block.view.count && status == STATUS_OK; i++, at++) {
            const struct slice key = block_view_key(&block.view, i, room.data);
            while (at < f->count && !slice_equal(buf_slice(&f->entries[at].key), key)) at++;
            assert_true(at < f->count);
            assert_true(slice_equal(block_view_value(&block.view, i), buf_slice(&f->entries[at].value)));
            found->entries++;
        }
        if (walk.window.capacity > found->window_bytes) found->window_bytes = walk.window.capacity;
    }
    found->unread_bytes = walk.unread_bytes;
    found->ends_in_gap = walk.ends_in_gap;
    found->has_properties = walk.has_properties;
    sst_walk_close(&walk);
    buf_deinit(&room);
    return status;
}

static uint64_t size_of_file(struct sst_lab *f) {
    struct io_entry entry;
    assert_int_equal(io_stat(f->io, sst_lab_path, &entry), STATUS_OK);
    return entry.size;
}

static void resize(struct sst_lab *f, uint64_t size) {
    struct io_file *file;
    assert_int_equal(io_file_open(f->io, sst_lab_path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    assert_int_equal(io_file_truncate(file, size), STATUS_OK);
    io_file_close(file);
}

static void overwrite(struct sst_lab *f, uint64_t offset, const void *bytes, size_t size) {
    struct io_file *file;
    assert_int_equal(io_file_open(f->io, sst_lab_path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    assert_int_equal(io_file_write(file, offset, bytes, size), STATUS_OK);
    io_file_close(file);
}

static void a_sound_file_is_walked_whole(void **state) {
    struct sst_lab *f = *state;
    struct found found;
    sst_lab_add_numbers(f, ROWS);
    assert_int_equal(sst_lab_build(f), STATUS_OK);
    assert_int_equal(walk(f, &found), STATUS_END);
    assert_int_equal(found.entries, ROWS);
    assert_true(found.blocks > 10 && found.gaps == 0 && !found.ends_in_gap && found.has_properties);
}

/* Its footer is not where it was: a GiB of zeros stands behind it. */
static void a_file_of_more_than_a_gib_takes_a_window_of_memory(void **state) {
    struct sst_lab *f = *state;
    struct found found;
    sst_lab_add_numbers(f, ROWS);
    assert_int_equal(sst_lab_build(f), STATUS_OK);
    resize(f, (1024 + 1) * (uint64_t)MIB + 77);
    assert_int_equal(walk(f, &found), STATUS_END);
    assert_int_equal(found.entries, ROWS);
    assert_true(found.gaps == 0 && !found.ends_in_gap && found.has_properties);
    assert_true(found.window_bytes <= 4 * MIB);
}

/* Values of 300 KiB: units stand over the ends of windows. Then a header among them claims more than the file has. */
static void units_larger_than_what_is_left_of_a_window_are_found(void **state) {
    struct sst_lab *f = *state;
    struct found found;
    struct prng prng;
    struct buf value = BUF_EMPTY;
    prng_init(&prng, 1);
    assert_int_equal(buf_append_zeros(&value, 3 * MIB), STATUS_OK);
    for (unsigned i = 0; i < 40; i++) {
        char key[16];
        snprintf(key, sizeof key, "key%03u", i);
        for (size_t at = 0; at < value.size; at++) value.data[at] = (uint8_t)prng_next(&prng);
        sst_lab_add(f, slice_from_text(key), entry_trailer(i + 1, ENTRY_PUT),
                    slice_make(value.data, i == 20 ? value.size : 300 << 10));
    }
    assert_int_equal(sst_lab_build(f), STATUS_OK);
    assert_int_equal(walk(f, &found), STATUS_END);
    assert_true(found.entries == 40 && found.gaps == 0);
    assert_true(found.window_bytes <= 8 * MIB);
    static const uint8_t claim[4] = {0xff, 0xff, 0xff, 0x00};
    overwrite(f, SST_HEADER_BYTES + 8, claim, sizeof claim);
    assert_int_equal(walk(f, &found), STATUS_END);
    assert_true(found.entries == 39 && found.gaps == 1 && !found.ends_in_gap);
    buf_deinit(&value);
}

static void what_the_device_refuses_is_counted_and_lost_and_nothing_else(void **state) {
    struct sst_lab *f = *state;
    struct found whole, found;
    sst_lab_add_numbers(f, ROWS);
    assert_int_equal(sst_lab_build(f), STATUS_OK);
    assert_int_equal(walk(f, &whole), STATUS_END);
    assert_int_equal(sim_disk_damage(sim_io_disk(f->io), sst_lab_path, 9000, SIM_DAMAGE_UNREADABLE), STATUS_OK);
    assert_int_equal(walk(f, &found), STATUS_END);
    assert_true(found.unread_bytes >= IO_SECTOR_BYTES && found.unread_bytes <= 2 * IO_SECTOR_BYTES);
    assert_true(found.blocks + 20 >= whole.blocks && found.blocks < whole.blocks);
    assert_true(found.gaps == 1 && !found.ends_in_gap && found.has_properties);
}

static void a_cut_file_ends_in_a_gap(void **state) {
    struct sst_lab *f = *state;
    struct found found;
    sst_lab_add_numbers(f, ROWS);
    assert_int_equal(sst_lab_build(f), STATUS_OK);
    resize(f, size_of_file(f) / 2);
    assert_int_equal(walk(f, &found), STATUS_END);
    assert_true(found.entries > ROWS / 4 && found.entries < ROWS);
    assert_true(found.gaps == 0 && found.ends_in_gap && !found.has_properties);
    resize(f, 10);
    assert_int_equal(walk(f, &found), STATUS_END);
    assert_true(found.blocks == 0 && found.ends_in_gap);
}

static void every_failing_allocation_ends_in_no_memory(void **state) {
    struct sst_lab *f = *state;
    sst_lab_add_numbers(f, 300);
    assert_int_equal(sst_lab_build(f), STATUS_OK);
    for (uint64_t nth = 1;; nth++) {
        struct found found;
        alloc_fault_at(nth);
        const enum status status = walk(f, &found);
        const bool failed = alloc_fault_clear();
        assert_int_equal(status, failed ? STATUS_NO_MEMORY : STATUS_END);
        if (!failed) return;
    }
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, sst_lab_set_up, sst_lab_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        FACT(a_sound_file_is_walked_whole),
        FACT(a_file_of_more_than_a_gib_takes_a_window_of_memory),
        FACT(units_larger_than_what_is_left_of_a_window_are_found),
        FACT(what_the_device_refuses_is_counted_and_lost_and_nothing_else),
        FACT(a_cut_file_ends_in_a_gap),
        FACT(every_failing_allocation_ends_in_no_memory),
    };
    return cmocka_run_group_tests_name("sst_walk", tests, NULL, NULL);
}
