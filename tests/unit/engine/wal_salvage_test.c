/*
 * wal_salvage_test: facts about what is had of a damaged log: never a record that the log did not hold, nothing that it
 * went on without, and of a log that opens the same as an opening shows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/coding.h"
#include "engine/lsm/manifest.h"
#include "engine/wal/wal_internal.h"
#include "engine/wal_salvage.h"
#include "tests/harness/alloc_fault.h"
#include "tests/harness/wal_lab.h"

enum { SEGMENT = WAL_LAB_SEGMENT, SECTORS = SEGMENT / IO_SECTOR_BYTES, NUMBERS_MAX = 16 };

/* What was had. */
struct had {
    struct wal_model *model;
    uint64_t first, next, records; /* numbers: [first, next) with gaps at losses alone */
    unsigned losses, of_records;
    bool gap;
    bool segments[NUMBERS_MAX]; /* that a record came from */
    uint64_t hash;
};

static enum status note_record(void *context, const struct wal_record *record) {
    struct had *had = context;
    uint8_t type;
    const uint64_t number = coding_get_u64(record->payload.data);
    assert_true(slice_equal(wal_model_record(had->model, number, &type), record->payload) && type == record->type);
    if (had->records == 0) had->first = number;
    if (had->records > 0 && (had->gap ? number < had->next : number != had->next))
        fail_msg("record %llu where %llu is the next", (unsigned long long)number, (unsigned long long)had->next);
    had->gap = false;
    had->next = number + 1;
    had->records++;
    had->hash = hash_mix(had->hash, record->lsn);
    assert_true(wal_lsn_segment(record->lsn) < NUMBERS_MAX);
    had->segments[wal_lsn_segment(record->lsn)] = true;
    return STATUS_OK;
}

static void note_loss(void *context, const struct wal_loss *loss) {
    struct had *had = context;
    assert_non_null(strstr(loss->path, ".wal"));
    assert_true(loss->from < loss->to && loss->to <= SEGMENT && loss->what);
    had->losses++;
    had->of_records += loss->costs_records;
    had->gap = had->gap || loss->costs_records;
}

static enum status try_salvage(struct wal_lab *f, struct had *had) {
    const struct wal_salvage_visitor visitor = {note_record, note_loss, had};
    *had = (struct had){.model = &f->model};
    f->error = (struct error){.status = STATUS_OK};
    return wal_salvage(f->machine.io, WAL_LAB_DIR, f->options.owner, &visitor, &f->error);
}

static struct had salvage(struct wal_lab *f) {
    struct had had;
    const enum status status = try_salvage(f, &had);
    if (status != STATUS_OK) fail_msg("%s: %s", status_name(status), f->error.text);
    return had;
}

/* What an opening that changes nothing shows. */
static enum status look(struct wal_lab *f, struct had *had) {
    struct wal_options options = f->options;
    struct wal *none = NULL;
    options.read_only = true;
    *had = (struct had){.model = &f->model};
    return wal_open(f->machine.io, WAL_LAB_DIR, &options, note_record, had, &none, &f->recovery, &f->error);
}

static void path_of(uint32_t number, char path[32]) {
    (void)snprintf(path, 32, WAL_LAB_DIR "/%08x.wal", (unsigned)number);
}

static void damage(struct wal_lab *f, uint32_t number, uint64_t from, uint64_t to, enum sim_damage how) {
    char path[32];
    path_of(number, path);
    for (uint64_t at = from; at < to; at += IO_SECTOR_BYTES)
        assert_int_equal(sim_disk_damage(f->machine.disk, path, at, how), STATUS_OK);
}

static void copy_of(struct wal_lab *f, uint64_t seed, struct wal_lab *copy) {
    *copy = *f;
    copy->machine.disk = sim_disk_clone(f->machine.disk, seed);
    copy->machine.io = sim_io_create(f->machine.sim, copy->machine.disk, &(struct sim_io_options){.node = 1});
}

static void end_copy(struct wal_lab *copy) {
    io_destroy(copy->machine.io);
    sim_disk_destroy(copy->machine.disk);
}

static void shut(struct wal_lab *f) {
    wal_lab_close(f);
    sim_disk_cut(f->machine.disk, SIM_CUT_ALL);
    wal_machine_boot(&f->machine);
}

static void a_sound_log_is_had_whole(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    wal_lab_fill_to(f, 4);
    shut(f);
    const struct had had = salvage(f);
    assert_int_equal(had.losses, 0);
    assert_true(had.first == 0 && had.next == f->model.next);
}

/* A hole ends the log, or is faulty: then what comes behind is had as well. */
static void of_a_log_that_opens_the_same_is_had(void **state) {
    struct wal_lab *f = *state;
    unsigned opened = 0, faulty = 0;
    wal_lab_open(f);
    wal_lab_fill_to(f, 2);
    wal_lab_commit(f);
    wal_lab_fill_to(f, 5);
    shut(f);
    for (uint32_t segment = 1; segment <= 5; segment++) {
        for (uint64_t sector = 8; sector < SECTORS; sector += 3) {
            struct wal_lab copy;
            struct had had, shown;
            copy_of(f, sector, &copy);
            damage(&copy, segment, sector * IO_SECTOR_BYTES, sector * IO_SECTOR_BYTES + 1, SIM_DAMAGE_ZERO);
            const enum status status = look(&copy, &shown);
            had = salvage(&copy);
            if (status == STATUS_OK) {
                opened++;
                if (had.hash != shown.hash || had.of_records > 0)
                    fail_msg("segment %u, sector %u: %u records, an opening shows %u", segment, (unsigned)sector,
                             (unsigned)had.records, (unsigned)shown.records);
            } else {
                faulty++;
                assert_true(had.records >= shown.records && had.of_records > 0);
            }
            end_copy(&copy);
        }
    }
    assert_true(opened > 20 && faulty > 20);
}

static void a_header_is_told_by_its_neighbours_and_its_groups(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    wal_lab_fill_to(f, 3);
    wal_lab_close(f);
    wal_lab_open(f); /* another opening goes on in the same segment */
    wal_lab_fill_to(f, 5);
    shut(f);
    for (uint32_t segment = 1; segment <= 5; segment++) {
        struct wal_lab copy;
        copy_of(f, segment, &copy);
        damage(&copy, segment, 0, IO_PAGE_BYTES, SIM_DAMAGE_UNREADABLE);
        const struct had had = salvage(&copy);
        assert_true(had.losses == 1 && had.of_records == 0);
        assert_true(had.first == 0 && had.next == f->model.next);
        end_copy(&copy);
    }
}

/* Header and first groups are gone: the segments before it are the log's, as the same opening wrote into the last of
 * them. */
static void what_stands_before_a_segment_without_a_beginning_is_had(void **state) {
    struct wal_lab *f = *state;
    wal_lab_open(f);
    wal_lab_fill_to(f, 5);
    shut(f);
    for (uint32_t segment = 2; segment <= 5; segment++) {
        struct wal_lab copy;
        copy_of(f, segment, &copy);
        damage(&copy, segment, 0, segment % 2 ? SEGMENT : 2 * IO_PAGE_BYTES, SIM_DAMAGE_UNREADABLE);
        const struct had had = salvage(&copy);
        assert_true(had.first == 0 && had.of_records > 0);
        for (uint32_t i = 1; i <= 5; i++) assert_true(had.segments[i] || i == segment);
        end_copy(&copy);
    }
}

static void a_file_that_is_missing_is_told_and_costs_no_other(void **state) {
    struct wal_lab *f = *state;
    char path[32];
    wal_lab_open(f);
    wal_lab_fill_to(f, 5);
    shut(f);
    path_of(3, path);
    assert_int_equal(io_remove(f->machine.io, path), STATUS_OK);
    const struct had had = salvage(f);
    assert_int_equal(had.of_records, 1);
    assert_true(had.segments[1] && had.segments[2] && !had.segments[3] && had.segments[4] && had.segments[5]);
}

/* Segments 3 to 5 stood behind a hole when the log went on in 6; they could not be removed. */
static void make_dead_ones(struct wal_lab *f) {
    struct buf kept[3] = {BUF_EMPTY, BUF_EMPTY, BUF_EMPTY};
    char path[32];
    wal_lab_open(f);
    wal_lab_fill_to(f, 5);
    shut(f);
    damage(f, 2, 60 * IO_SECTOR_BYTES, 61 * IO_SECTOR_BYTES, SIM_DAMAGE_ZERO);
    for (uint32_t i = 0; i < 3; i++) {
        path_of(3 + i, path);
        assert_int_equal(file_read_all(f->machine.io, path, SEGMENT, &kept[i]), STATUS_OK);
    }
    wal_lab_open(f);
    wal_lab_fill_to(f, 8);
    wal_lab_commit(f);
    shut(f);
    for (uint32_t i = 0; i < 3; i++) {
        struct io_file *file = NULL;
        const unsigned flags = IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_TRUNCATE;
        path_of(3 + i, path);
        assert_int_equal(io_file_open(f->machine.io, path, flags, &file), STATUS_OK);
        assert_int_equal(io_file_write(file, 0, kept[i].data, kept[i].size), STATUS_OK);
        io_file_close(file);
        buf_deinit(&kept[i]);
    }
}

static void what_stood_behind_a_hole_never_comes_back(void **state) {
    struct wal_lab *f = *state;
    static const struct {
        uint32_t segment;
        uint64_t bytes;
        bool whole;
    } damages[] = {{1, 0, true},
                   {6, IO_PAGE_BYTES, true},
                   {7, IO_PAGE_BYTES, true},
                   {2, IO_PAGE_BYTES, true},
                   {6, 2 * IO_PAGE_BYTES, false},
                   {7, 2 * IO_PAGE_BYTES, false},
                   {7, SEGMENT, false},
                   {6, SEGMENT, false}};
    make_dead_ones(f);
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        struct wal_lab copy;
        copy_of(f, i, &copy);
        damage(&copy, damages[i].segment, 0, damages[i].bytes, SIM_DAMAGE_UNREADABLE);
        const struct had had = salvage(&copy);
        if (had.segments[3] || had.segments[4] || had.segments[5] || !had.segments[8])
            fail_msg("damage %u: what is dead came back, or what is not is gone", (unsigned)i);
        if (damages[i].whole) assert_true(had.of_records == 0 && had.next == f->model.next && had.first == 0);
        if (damages[i].segment == 7) assert_true(had.segments[1] && had.segments[2] && had.next == f->model.next);
        end_copy(&copy);
    }
}

/* Segments in the order of their numbers: one whose header is not sound is told, too. */
static void note_listed(void *context, const struct wal_listed *segment) {
    struct had *had = context;
    assert_int_equal(segment->number, ++had->next);
    assert_int_equal(segment->size, SEGMENT);
    if (segment->status == STATUS_OK)
        assert_true(segment->header.owner == 42 && segment->header.segment == segment->number && !*segment->why);
    else
        had->losses++;
}

static void segments_are_listed_with_what_their_headers_say(void **state) {
    struct wal_lab *f = *state;
    struct had had = {.next = 0};
    wal_lab_open(f);
    wal_lab_fill_to(f, 4);
    shut(f);
    damage(f, 2, 0, 1, SIM_DAMAGE_ZERO);
    assert_int_equal(wal_list(f->machine.io, WAL_LAB_DIR, note_listed, &had, &f->error), STATUS_OK);
    assert_true(had.next == 4 && had.losses == 1);
    assert_int_equal(wal_list(f->machine.io, "/nowhere", note_listed, &had, &f->error), STATUS_NOT_FOUND);
}

static void memory_may_end_anywhere(void **state) {
    struct wal_lab *f = *state;
    struct had had;
    wal_lab_open(f);
    wal_lab_fill_to(f, 4);
    shut(f);
    damage(f, 3, 0, 2 * IO_PAGE_BYTES, SIM_DAMAGE_UNREADABLE);
    for (uint64_t n = 1;; n++) {
        alloc_fault_at(n);
        const enum status status = try_salvage(f, &had);
        if (!alloc_fault_clear()) break;
        assert_int_equal(status, STATUS_NO_MEMORY);
    }
    assert_true(had.segments[4]);
}

#define fact(name) cmocka_unit_test_setup_teardown(name, wal_lab_set_up_loose, wal_lab_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        fact(a_sound_log_is_had_whole),
        fact(of_a_log_that_opens_the_same_is_had),
        fact(a_header_is_told_by_its_neighbours_and_its_groups),
        fact(what_stands_before_a_segment_without_a_beginning_is_had),
        fact(a_file_that_is_missing_is_told_and_costs_no_other),
        fact(what_stood_behind_a_hole_never_comes_back),
        fact(segments_are_listed_with_what_their_headers_say),
        fact(memory_may_end_anywhere),
    };
    return cmocka_run_group_tests_name("wal salvage", tests, NULL, NULL);
}
