/*
 * sim_disk: what was synced survives every cut; of the rest anything may.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tools/sim/sim_io.h"

enum { SEEDS = 200 };

struct machine {
    struct sim *sim;
    struct sim_disk *disk;
    struct io *io;
};

static struct machine boot(uint64_t seed) {
    struct machine machine = {.sim = sim_create(seed), .disk = sim_disk_create(seed)};
    machine.io = sim_io_create(machine.sim, machine.disk, NULL);
    return machine;
}

static void cut_and_boot(struct machine *machine, enum sim_cut cut) {
    sim_disk_cut(machine->disk, cut);
    io_destroy(machine->io);
    machine->io = sim_io_create(machine->sim, machine->disk, NULL);
}

static void halt(struct machine *machine) {
    io_destroy(machine->io);
    sim_disk_destroy(machine->disk);
    sim_destroy(machine->sim);
}

static struct io_file *open_file(struct machine *machine, const char *path) {
    struct io_file *file = NULL;
    assert_int_equal(io_file_open(machine->io, path, IO_OPEN_READ | IO_OPEN_WRITE | IO_OPEN_CREATE, &file), STATUS_OK);
    return file;
}

static void write_bytes(struct io_file *file, uint64_t offset, uint8_t byte, size_t size) {
    uint8_t bytes[65536];
    assert_true(size <= sizeof bytes);
    memset(bytes, byte, size);
    assert_int_equal(io_file_write(file, offset, bytes, size), STATUS_OK);
}

/* A durable file of `size` times `byte`. */
static void make_durable(struct machine *machine, const char *path, uint8_t byte, size_t size) {
    struct io_file *file = open_file(machine, path);
    write_bytes(file, 0, byte, size);
    assert_int_equal(io_file_sync(file), STATUS_OK);
    io_file_close(file);
    assert_int_equal(io_dir_sync(machine->io, "/"), STATUS_OK);
}

static size_t read_file(struct machine *machine, const char *path, uint8_t *to, size_t size) {
    struct io_file *file = NULL;
    size_t got = 0;
    if (io_file_open(machine->io, path, IO_OPEN_READ, &file) != STATUS_OK) return SIZE_MAX;
    assert_int_equal(io_file_read(file, 0, to, size, &got), STATUS_OK);
    io_file_close(file);
    return got;
}

static bool exists(struct machine *machine, const char *path) {
    struct io_entry entry;
    return io_stat(machine->io, path, &entry) == STATUS_OK;
}

/* ---- Content ----------------------------------------------------------------------------------------------------- */

static void synced_survives(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct machine machine = boot(seed);
        uint8_t bytes[20000];
        make_durable(&machine, "/a", 7, 10001);
        struct io_file *file = open_file(&machine, "/a");
        write_bytes(file, 12000, 9, 500); /* beyond what is durable */
        cut_and_boot(&machine, SIM_CUT_RANDOM);
        size_t got = read_file(&machine, "/a", bytes, sizeof bytes);
        assert_in_range(got, 10001, 12500);
        for (size_t i = 0; i < 10001; i++) assert_int_equal(bytes[i], 7);
        halt(&machine);
    }
}

/* Of many cuts: the sectors that are old, new, and files that hold both. */
struct outcome {
    unsigned old_sectors;
    unsigned new_sectors;
    unsigned torn_files;
};

static void overwrite_and_cut(uint64_t seed, enum sim_cut cut, struct outcome *outcome) {
    struct machine machine = boot(seed);
    uint8_t bytes[16384];
    make_durable(&machine, "/a", 1, sizeof bytes);
    struct io_file *file = open_file(&machine, "/a");
    write_bytes(file, 0, 2, sizeof bytes);
    cut_and_boot(&machine, cut);
    assert_int_equal(read_file(&machine, "/a", bytes, sizeof bytes), sizeof bytes);
    unsigned new_sectors = 0;
    for (size_t sector = 0; sector < sizeof bytes / IO_SECTOR_BYTES; sector++) {
        const uint8_t *at = bytes + sector * IO_SECTOR_BYTES;
        assert_true(at[0] == 1 || at[0] == 2);
        assert_memory_equal(at, at + 1, IO_SECTOR_BYTES - 1); /* the sector itself is never torn */
        new_sectors += at[0] == 2;
    }
    outcome->new_sectors += new_sectors;
    outcome->old_sectors += 32 - new_sectors;
    outcome->torn_files += new_sectors > 0 && new_sectors < 32;
    halt(&machine);
}

static void unsynced_may_tear(void **state) {
    (void)state;
    struct outcome outcome = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) overwrite_and_cut(seed, SIM_CUT_RANDOM, &outcome);
    assert_true(outcome.torn_files > SEEDS / 2);
    assert_true(outcome.old_sectors > 32 * SEEDS / 4);
    assert_true(outcome.new_sectors > 32 * SEEDS / 4);
}

static void policies_take_all_or_none(void **state) {
    (void)state;
    struct outcome none = {0}, all = {0};
    overwrite_and_cut(1, SIM_CUT_NONE, &none);
    overwrite_and_cut(1, SIM_CUT_ALL, &all);
    assert_int_equal(none.new_sectors, 0);
    assert_int_equal(all.old_sectors, 0);
}

static void older_unsynced_state_may_survive(void **state) {
    (void)state;
    unsigned seen[4] = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct machine machine = boot(seed);
        uint8_t bytes[512];
        make_durable(&machine, "/a", 1, 512);
        struct io_file *file = open_file(&machine, "/a");
        write_bytes(file, 0, 2, 512);
        write_bytes(file, 0, 3, 512);
        cut_and_boot(&machine, SIM_CUT_RANDOM);
        read_file(&machine, "/a", bytes, sizeof bytes);
        assert_in_range(bytes[0], 1, 3);
        seen[bytes[0]]++;
        halt(&machine);
    }
    assert_true(seen[1] > 0 && seen[2] > 0 && seen[3] > 0);
}

static void older_state_is_gone_after_sync(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct machine machine = boot(seed);
        uint8_t bytes[4096];
        make_durable(&machine, "/a", 1, sizeof bytes);
        struct io_file *file = open_file(&machine, "/a");
        write_bytes(file, 0, 2, 512);
        write_bytes(file, 0, 3, 512);
        write_bytes(file, 512, 3, 512);
        assert_int_equal(io_file_sync(file), STATUS_OK);
        write_bytes(file, 0, 5, 512);
        cut_and_boot(&machine, SIM_CUT_RANDOM);
        read_file(&machine, "/a", bytes, sizeof bytes);
        assert_true(bytes[0] == 3 || bytes[0] == 5);
        assert_int_equal(bytes[512], 3);
        halt(&machine);
    }
}

static void size_may_be_old_or_new(void **state) {
    (void)state;
    unsigned short_files = 0, long_files = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct machine machine = boot(seed);
        uint8_t bytes[9000];
        make_durable(&machine, "/a", 1, 1000);
        struct io_file *file = open_file(&machine, "/a");
        write_bytes(file, 1000, 2, 8000);
        cut_and_boot(&machine, SIM_CUT_RANDOM);
        size_t got = read_file(&machine, "/a", bytes, sizeof bytes);
        assert_in_range(got, 1000, 9000);
        short_files += got == 1000;
        long_files += got == 9000;
        for (size_t i = 0; i < got; i++) assert_true(i < 1000 ? bytes[i] == 1 : bytes[i] == 2 || bytes[i] == 0);
        halt(&machine);
    }
    assert_true(short_files > 0 && long_files > 0);
}

static void truncation_may_be_lost(void **state) {
    (void)state;
    unsigned whole = 0, cut = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct machine machine = boot(seed);
        uint8_t bytes[10000];
        make_durable(&machine, "/a", 1, sizeof bytes);
        struct io_file *file = open_file(&machine, "/a");
        assert_int_equal(io_file_truncate(file, 100), STATUS_OK);
        assert_int_equal(read_file(&machine, "/a", bytes, sizeof bytes), 100);
        cut_and_boot(&machine, SIM_CUT_RANDOM);
        size_t got = read_file(&machine, "/a", bytes, sizeof bytes);
        whole += got == sizeof bytes;
        cut += got == 100;
        for (size_t i = 0; i < 100; i++) assert_int_equal(bytes[i], 1);
        halt(&machine);
    }
    assert_true(whole > 0 && cut > 0);
}

static void truncated_tail_reads_as_zeros(void **state) {
    (void)state;
    struct machine machine = boot(1);
    uint8_t bytes[8192];
    make_durable(&machine, "/a", 1, sizeof bytes);
    struct io_file *file = open_file(&machine, "/a");
    assert_int_equal(io_file_truncate(file, 100), STATUS_OK);
    assert_int_equal(io_file_truncate(file, sizeof bytes), STATUS_OK);
    assert_int_equal(read_file(&machine, "/a", bytes, sizeof bytes), sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) assert_int_equal(bytes[i], i < 100);
    halt(&machine);
}

static void done(struct io_op *op) {
    *(bool *)op->context = true;
}

static void written_in_flight_may_survive(void **state) {
    (void)state;
    unsigned some = 0, nothing = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct machine machine = boot(seed);
        uint8_t bytes[4096];
        bool is_done = false;
        make_durable(&machine, "/a", 1, sizeof bytes);
        struct io_file *file = open_file(&machine, "/a");
        memset(bytes, 2, sizeof bytes);
        struct io_op op = {.kind = IO_OP_WRITE_SYNC, .file = file, .data = bytes, .size = sizeof bytes, .done = done};
        op.context = &is_done;
        io_submit(machine.io, &op);
        io_flush(machine.io);
        sim_disk_cut(machine.disk, SIM_CUT_RANDOM);
        while (!is_done) io_run(machine.io, UINT64_MAX);
        assert_int_equal(op.status, STATUS_IO);
        cut_and_boot(&machine, SIM_CUT_NONE);
        read_file(&machine, "/a", bytes, sizeof bytes);
        bool is_changed = memchr(bytes, 2, sizeof bytes) != NULL;
        some += is_changed;
        nothing += !is_changed;
        halt(&machine);
    }
    assert_true(some > 0 && nothing > 0);
}

static void write_sync_keeps_only_its_own(void **state) {
    (void)state;
    struct machine machine = boot(1);
    uint8_t bytes[8192];
    bool is_done = false;
    make_durable(&machine, "/a", 1, sizeof bytes);
    struct io_file *file = open_file(&machine, "/a");
    write_bytes(file, 0, 2, 512);
    memset(bytes, 3, 512);
    struct io_op op = {.kind = IO_OP_WRITE_SYNC, .file = file, .data = bytes, .size = 512, .offset = 512, .done = done};
    op.context = &is_done;
    io_submit(machine.io, &op);
    while (!is_done) io_run(machine.io, UINT64_MAX);
    assert_int_equal(op.status, STATUS_OK);
    cut_and_boot(&machine, SIM_CUT_NONE);
    read_file(&machine, "/a", bytes, sizeof bytes);
    assert_int_equal(bytes[0], 1);
    assert_int_equal(bytes[512], 3);
    halt(&machine);
}

/* ---- Names ------------------------------------------------------------------------------------------------------- */

static void new_name_needs_dir_sync(void **state) {
    (void)state;
    unsigned kept = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct machine machine = boot(seed);
        struct io_file *file = open_file(&machine, "/a");
        write_bytes(file, 0, 1, 100);
        assert_int_equal(io_file_sync(file), STATUS_OK);
        cut_and_boot(&machine, SIM_CUT_RANDOM);
        uint8_t bytes[100];
        if (exists(&machine, "/a")) {
            kept++;
            assert_int_equal(read_file(&machine, "/a", bytes, 100), 100);
            assert_int_equal(bytes[99], 1);
        }
        halt(&machine);
    }
    assert_in_range(kept, 1, SEEDS - 1);
}

static void rename_is_old_or_new(void **state) {
    (void)state;
    unsigned moved = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct machine machine = boot(seed);
        uint8_t byte;
        make_durable(&machine, "/old", 1, 1);
        make_durable(&machine, "/temp", 2, 1);
        assert_int_equal(io_rename(machine.io, "/temp", "/old"), STATUS_OK);
        cut_and_boot(&machine, SIM_CUT_RANDOM);
        assert_int_equal(read_file(&machine, "/old", &byte, 1), 1);
        assert_int_equal(exists(&machine, "/temp"), byte == 1);
        moved += byte == 2;
        halt(&machine);
    }
    assert_in_range(moved, 1, SEEDS - 1);
}

static void move_between_directories_never_loses_the_file(void **state) {
    (void)state;
    unsigned seen[4] = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct machine machine = boot(seed);
        assert_int_equal(io_dir_make(machine.io, "/d"), STATUS_OK);
        make_durable(&machine, "/a", 1, 1);
        assert_int_equal(io_rename(machine.io, "/a", "/d/a"), STATUS_OK);
        cut_and_boot(&machine, SIM_CUT_RANDOM);
        seen[exists(&machine, "/a") + 2 * exists(&machine, "/d/a")]++;
        halt(&machine);
    }
    assert_int_equal(seen[0], 0);
    assert_true(seen[1] > 0 && seen[2] > 0 && seen[3] > 0);
}

static void removal_may_be_undone(void **state) {
    (void)state;
    unsigned back = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct machine machine = boot(seed);
        uint8_t byte;
        make_durable(&machine, "/a", 1, 1);
        assert_int_equal(io_remove(machine.io, "/a"), STATUS_OK);
        cut_and_boot(&machine, SIM_CUT_RANDOM);
        if (read_file(&machine, "/a", &byte, 1) == 1) back += byte == 1;
        halt(&machine);
    }
    assert_in_range(back, 1, SEEDS - 1);
}

static void dir_sync_makes_names_durable(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct machine machine = boot(seed);
        make_durable(&machine, "/a", 1, 1);
        make_durable(&machine, "/b", 1, 1);
        assert_int_equal(io_dir_make(machine.io, "/d"), STATUS_OK);
        assert_int_equal(io_remove(machine.io, "/a"), STATUS_OK);
        assert_int_equal(io_link(machine.io, "/b", "/c"), STATUS_OK);
        assert_int_equal(io_dir_sync(machine.io, "/"), STATUS_OK);
        assert_int_equal(io_link(machine.io, "/b", "/d/b"), STATUS_OK);
        cut_and_boot(&machine, SIM_CUT_RANDOM);
        assert_false(exists(&machine, "/a"));
        assert_true(exists(&machine, "/b") && exists(&machine, "/c") && exists(&machine, "/d"));
        halt(&machine);
    }
}

static void lost_directory_takes_its_files_along(void **state) {
    (void)state;
    struct machine machine = boot(1);
    assert_int_equal(io_dir_make(machine.io, "/d"), STATUS_OK);
    struct io_file *file = open_file(&machine, "/d/a");
    write_bytes(file, 0, 1, 5000);
    assert_int_equal(io_file_sync(file), STATUS_OK);
    assert_int_equal(io_dir_sync(machine.io, "/d"), STATUS_OK);
    cut_and_boot(&machine, SIM_CUT_NONE);
    assert_false(exists(&machine, "/d"));
    assert_int_equal(sim_disk_used_bytes(machine.disk), 0);
    halt(&machine);
}

/* ---- Faults ------------------------------------------------------------------------------------------------------ */

static void failed_sync_loses_for_good(void **state) {
    (void)state;
    unsigned lost = 0, reads_old = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct machine machine = boot(seed);
        uint8_t bytes[4096];
        make_durable(&machine, "/a", 1, sizeof bytes);
        struct io_file *file = open_file(&machine, "/a");
        write_bytes(file, 0, 2, sizeof bytes);
        sim_disk_fail_at(machine.disk, 1, STATUS_IO, false);
        assert_int_equal(io_file_sync(file), STATUS_IO);
        assert_int_equal(io_file_sync(file), STATUS_READ_ONLY);
        io_file_close(file);
        file = open_file(&machine, "/a");
        assert_int_equal(io_file_sync(file), STATUS_OK); /* as a kernel says */
        read_file(&machine, "/a", bytes, sizeof bytes);
        reads_old += memchr(bytes, 1, sizeof bytes) != NULL;
        cut_and_boot(&machine, SIM_CUT_ALL);
        read_file(&machine, "/a", bytes, sizeof bytes);
        lost += memchr(bytes, 1, sizeof bytes) != NULL;
        halt(&machine);
    }
    assert_true(lost > SEEDS / 2);
    assert_in_range(reads_old, 1, SEEDS - 1);
}

static void lying_sync_keeps_nothing(void **state) {
    (void)state;
    struct machine machine = boot(1);
    uint8_t byte;
    make_durable(&machine, "/a", 1, 1);
    struct sim_disk_faults faults = {.sync_lies = true};
    sim_disk_set_faults(machine.disk, &faults);
    struct io_file *file = open_file(&machine, "/a");
    write_bytes(file, 0, 2, 1);
    assert_int_equal(io_file_sync(file), STATUS_OK);
    cut_and_boot(&machine, SIM_CUT_NONE);
    assert_int_equal(read_file(&machine, "/a", &byte, 1), 1);
    assert_int_equal(byte, 1);
    halt(&machine);
}

static void nth_io_fails_once_or_for_ever(void **state) {
    (void)state;
    for (int forever = 0; forever < 2; forever++) {
        struct machine machine = boot(1);
        make_durable(&machine, "/a", 1, 1);
        struct io_file *file = open_file(&machine, "/a");
        uint8_t byte;
        size_t got;
        sim_disk_fail_at(machine.disk, 3, STATUS_IO, forever);
        for (int i = 1; i <= 4; i++) {
            bool fails = i == 3 || (i > 3 && forever);
            assert_int_equal(io_file_read(file, 0, &byte, 1, &got), fails ? STATUS_IO : STATUS_OK);
        }
        assert_true(sim_disk_has_failed(machine.disk));
        halt(&machine);
    }
}

static void power_goes_at_the_nth_io(void **state) {
    (void)state;
    struct machine machine = boot(1);
    make_durable(&machine, "/a", 1, 1);
    struct io_file *file = open_file(&machine, "/a");
    sim_disk_cut_at(machine.disk, 2, SIM_CUT_NONE);
    write_bytes(file, 0, 2, 1);
    assert_int_equal(io_file_sync(file), STATUS_IO);
    assert_false(sim_io_is_alive(machine.io));
    assert_false(sim_disk_is_powered(machine.disk));
    struct io_entry entry;
    assert_int_equal(io_stat(machine.io, "/a", &entry), STATUS_IO);
    cut_and_boot(&machine, SIM_CUT_NONE);
    uint8_t byte;
    read_file(&machine, "/a", &byte, 1);
    assert_int_equal(byte, 1);
    halt(&machine);
}

static void full_disk_says_no_space(void **state) {
    (void)state;
    struct machine machine = boot(1);
    struct sim_disk_faults faults = {.capacity_bytes = 8 * IO_PAGE_BYTES};
    sim_disk_set_faults(machine.disk, &faults);
    struct io_file *file = open_file(&machine, "/a");
    uint8_t page[IO_PAGE_BYTES] = {0};
    for (uint64_t i = 0; i < 8; i++) {
        page[0] = (uint8_t)(i & 1); /* pages of zeros take space, too */
        assert_int_equal(io_file_write(file, i * sizeof page, page, sizeof page), STATUS_OK);
    }
    assert_int_equal(io_file_write(file, 8 * sizeof page, page, sizeof page), STATUS_NO_SPACE);
    assert_int_equal(io_file_write(file, 0, page, sizeof page), STATUS_OK); /* in place */
    uint64_t left;
    assert_int_equal(io_free_space(machine.io, "/", &left), STATUS_OK);
    assert_int_equal(left, 0);
    assert_int_equal(io_remove(machine.io, "/a"), STATUS_OK);
    assert_int_equal(sim_disk_used_bytes(machine.disk), 8 * IO_PAGE_BYTES); /* still open */
    io_file_close(file);
    assert_int_equal(sim_disk_used_bytes(machine.disk), 0);
    halt(&machine);
}

static void damage_hits_durable_bytes(void **state) {
    (void)state;
    struct machine machine = boot(1);
    uint8_t bytes[4096];
    make_durable(&machine, "/a", 1, sizeof bytes);
    assert_int_equal(sim_disk_damage(machine.disk, "/a", 100, SIM_DAMAGE_FLIP), STATUS_OK);
    assert_int_equal(sim_disk_damage(machine.disk, "/a", 600, SIM_DAMAGE_ZERO), STATUS_OK);
    assert_int_equal(sim_disk_damage(machine.disk, "/a", 5000, SIM_DAMAGE_ZERO), STATUS_NOT_FOUND);
    cut_and_boot(&machine, SIM_CUT_RANDOM);
    read_file(&machine, "/a", bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bool is_hit = i == 100 || (i >= 512 && i < 1024);
        assert_int_equal(bytes[i] != 1, is_hit);
    }
    assert_int_equal(__builtin_popcount(bytes[100] ^ 1U), 1);
    halt(&machine);
}

static void unreadable_sector_heals_by_writing(void **state) {
    (void)state;
    struct machine machine = boot(1);
    uint8_t bytes[1024];
    size_t got;
    make_durable(&machine, "/a", 1, sizeof bytes);
    assert_int_equal(sim_disk_damage(machine.disk, "/a", 700, SIM_DAMAGE_UNREADABLE), STATUS_OK);
    struct io_file *file = open_file(&machine, "/a");
    assert_int_equal(io_file_read(file, 0, bytes, 512, &got), STATUS_OK);
    assert_int_equal(io_file_read(file, 0, bytes, 1024, &got), STATUS_IO);
    write_bytes(file, 512, 3, 512);
    assert_int_equal(io_file_read(file, 0, bytes, 1024, &got), STATUS_OK);
    halt(&machine);
}

static void misdirected_write_lands_elsewhere(void **state) {
    (void)state;
    struct machine machine = boot(3);
    uint8_t bytes[8192];
    make_durable(&machine, "/a", 1, sizeof bytes);
    make_durable(&machine, "/b", 1, sizeof bytes);
    struct sim_disk_faults faults = {.misdirect_ppm = 1000000};
    struct io_file *file = open_file(&machine, "/a");
    unsigned elsewhere = 0;
    sim_disk_set_faults(machine.disk, &faults);
    for (int i = 0; i < 20; i++) write_bytes(file, 0, 2, 512);
    for (int which = 0; which < 2; which++) {
        read_file(&machine, which ? "/b" : "/a", bytes, sizeof bytes);
        elsewhere += memchr(bytes + 512 * (1 - which), 2, sizeof bytes - 512) != NULL;
    }
    assert_int_equal(elsewhere, 2);
    halt(&machine);
}

/* Where the power goes in the midst of a write it may stand over what was durable; once, and told once. */
static void a_cut_may_send_a_write_astray(void **state) {
    (void)state;
    unsigned strays = 0, struck = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct machine machine = boot(seed);
        uint8_t bytes[8192];
        struct sim_stray stray;
        make_durable(&machine, "/a", 1, sizeof bytes);
        make_durable(&machine, "/b", 1, sizeof bytes);
        struct io_file *file = open_file(&machine, "/a");
        write_bytes(file, 0, 2, 512);
        assert_false(sim_disk_take_stray(machine.disk, &stray));
        cut_and_boot(&machine, SIM_CUT_ASTRAY);
        if (sim_disk_take_stray(machine.disk, &stray)) {
            strays++;
            assert_string_equal(stray.from, "/a");
            assert_int_equal(stray.from_offset, 0);
            read_file(&machine, stray.path, bytes, sizeof bytes);
            struck += bytes[stray.offset] == 2 && bytes[stray.offset + 511] == 2;
        }
        assert_false(sim_disk_take_stray(machine.disk, &stray));
        halt(&machine);
    }
    assert_true(strays > 20);
    assert_int_equal(struck, strays);
}

/* ---- Clones ------------------------------------------------------------------------------------------------------ */

struct cuts {
    struct sim *sim;
    unsigned count;
    unsigned with_name;
    unsigned with_content;
};

static void cut_a_clone(void *context, struct sim_disk *disk, enum sim_disk_call call, const char *path) {
    struct cuts *cuts = context;
    (void)call;
    (void)path;
    struct machine clone = {.sim = cuts->sim, .disk = sim_disk_clone(disk, cuts->count++)};
    sim_disk_cut(clone.disk, SIM_CUT_NONE);
    clone.io = sim_io_create(clone.sim, clone.disk, NULL);
    uint8_t byte;
    size_t got = read_file(&clone, "/a", &byte, 1);
    cuts->with_name += got != SIZE_MAX;
    cuts->with_content += got == 1 && byte == 1;
    io_destroy(clone.io);
    sim_disk_destroy(clone.disk);
}

static void clone_is_cut_while_the_original_runs(void **state) {
    (void)state;
    struct machine machine = boot(1);
    struct cuts cuts = {.sim = machine.sim};
    sim_disk_set_watch(machine.disk, cut_a_clone, &cuts);
    make_durable(&machine, "/a", 1, 100); /* open, write, sync, dir_sync */
    assert_int_equal(cuts.count, 4);
    assert_int_equal(cuts.with_name, 0);
    assert_true(exists(&machine, "/a"));
    assert_int_equal(cuts.with_name, 1);
    assert_int_equal(cuts.with_content, 1);
    sim_disk_set_watch(machine.disk, NULL, NULL);
    uint64_t before = sim_disk_hash(machine.disk);
    struct sim_disk *clone = sim_disk_clone(machine.disk, 9);
    assert_int_equal(sim_disk_hash(clone), before);
    struct io_file *file = open_file(&machine, "/a");
    write_bytes(file, 50, 2, 1);
    assert_int_not_equal(sim_disk_hash(machine.disk), before);
    assert_int_equal(sim_disk_hash(clone), before);
    sim_disk_destroy(clone);
    halt(&machine);
}

static uint64_t run_script(uint64_t seed) {
    struct machine machine = boot(seed);
    struct sim_disk_faults faults = {.write_error_ppm = 100000, .sync_error_ppm = 100000, .misdirect_ppm = 100000};
    make_durable(&machine, "/a", 1, 30000);
    make_durable(&machine, "/b", 1, 30000);
    sim_disk_set_faults(machine.disk, &faults);
    for (int i = 0; i < 50; i++) {
        struct io_file *file = open_file(&machine, i % 2 ? "/a" : "/b");
        uint8_t bytes[700];
        memset(bytes, i, sizeof bytes);
        enum status status = io_file_write(file, (uint64_t)i * 333, bytes, sizeof bytes);
        if (status == STATUS_OK) status = io_file_sync(file);
        assert_true(status == STATUS_OK || status == STATUS_IO);
        io_file_close(file);
    }
    cut_and_boot(&machine, SIM_CUT_RANDOM);
    uint64_t hash = sim_disk_hash(machine.disk) ^ sim_hash(machine.sim);
    halt(&machine);
    return hash;
}

static void same_seed_same_bytes(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed < 20; seed++) {
        assert_int_equal(run_script(seed), run_script(seed));
        assert_int_not_equal(run_script(seed), run_script(seed + 100));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(synced_survives),
        cmocka_unit_test(unsynced_may_tear),
        cmocka_unit_test(policies_take_all_or_none),
        cmocka_unit_test(older_unsynced_state_may_survive),
        cmocka_unit_test(older_state_is_gone_after_sync),
        cmocka_unit_test(size_may_be_old_or_new),
        cmocka_unit_test(truncation_may_be_lost),
        cmocka_unit_test(truncated_tail_reads_as_zeros),
        cmocka_unit_test(written_in_flight_may_survive),
        cmocka_unit_test(write_sync_keeps_only_its_own),
        cmocka_unit_test(new_name_needs_dir_sync),
        cmocka_unit_test(rename_is_old_or_new),
        cmocka_unit_test(move_between_directories_never_loses_the_file),
        cmocka_unit_test(removal_may_be_undone),
        cmocka_unit_test(dir_sync_makes_names_durable),
        cmocka_unit_test(lost_directory_takes_its_files_along),
        cmocka_unit_test(failed_sync_loses_for_good),
        cmocka_unit_test(lying_sync_keeps_nothing),
        cmocka_unit_test(nth_io_fails_once_or_for_ever),
        cmocka_unit_test(power_goes_at_the_nth_io),
        cmocka_unit_test(full_disk_says_no_space),
        cmocka_unit_test(damage_hits_durable_bytes),
        cmocka_unit_test(unreadable_sector_heals_by_writing),
        cmocka_unit_test(misdirected_write_lands_elsewhere),
        cmocka_unit_test(a_cut_may_send_a_write_astray),
        cmocka_unit_test(clone_is_cut_while_the_original_runs),
        cmocka_unit_test(same_seed_same_bytes),
    };
    return cmocka_run_group_tests_name("sim_disk", tests, NULL, NULL);
}
