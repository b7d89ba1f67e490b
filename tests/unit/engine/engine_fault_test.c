/* The engine when memory or the disk fails: every call answers with a status, nothing acknowledged is lost, and a
 * reopen finds a state that makes sense. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/alloc_fault.h"
#include "tests/harness/engine_lab.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim.h"
#include "tools/sim/sim_io.h"

enum { TREE = 1, OTHER = 2, STEPS = 60 };

/* A story of writes in which each step may fail; what was acknowledged is remembered. */
struct story {
    struct io *io;
    struct engine_options options;
    struct engine *engine;
    bool created;
    bool acknowledged[STEPS];
    bool unknown[STEPS];
};

static void write_step(struct story *story, unsigned i) {
    char key[16], value[600];
    struct engine_batch batch;
    engine_batch_init(&batch);
    snprintf(key, sizeof key, "k%03u", i);
    memset(value, 'a' + (int)(i % 26), sizeof value);
    enum status status = STATUS_OK;
    if (!story->created) status = engine_batch_create_tree(&batch, TREE, LAB_PLAIN);
    if (status == STATUS_OK)
        status = engine_batch_put(&batch, TREE, slice_from_text(key), slice_make(value, sizeof value));
    if (status == STATUS_OK) status = engine_batch_append(&batch, TREE, slice_from_text("log"), slice_from_text("x"));
    bool asked = status == STATUS_OK;
    if (asked) status = engine_write(story->engine, &batch, &(struct engine_write_options){.sync = true});
    engine_batch_deinit(&batch);
    if (status == STATUS_OK) story->created = story->acknowledged[i] = true;
    if (asked && status_class(status) == STATUS_CLASS_DEVICE && status != STATUS_NO_MEMORY) story->unknown[i] = true;
}

static enum status scan(struct engine *engine) {
    struct engine_iterator *iterator;
    enum status status = engine_iterator_open(engine, TREE, NULL, &iterator);
    if (status != STATUS_OK) return status;
    for (engine_iterator_seek_last(iterator); engine_iterator_valid(iterator); engine_iterator_prev(iterator)) continue;
    status = engine_iterator_status(iterator);
    engine_iterator_close(iterator);
    return status;
}

static void expect_device_or_ok(enum status status) {
    const bool fine = status == STATUS_OK || status_class(status) == STATUS_CLASS_DEVICE || status == STATUS_INVALID;
    if (!fine) fail_msg("answered %s", status_name(status));
}

/* Opens, writes, flushes, compacts, scans, makes a checkpoint, closes. */
static void tell(struct story *story) {
    struct engine_snapshot *snapshot = NULL;
    enum status status = engine_open(story->io, "db", &story->options, &story->engine, NULL);
    expect_device_or_ok(status);
    if (status != STATUS_OK) return;
    for (unsigned i = 0; i < STEPS; i++) {
        write_step(story, i);
        if (i == STEPS / 3) snapshot = engine_snapshot_acquire(story->engine);
        if (i % 16 == 15) expect_device_or_ok(engine_flush(story->engine));
    }
    engine_snapshot_release(story->engine, snapshot);
    expect_device_or_ok(scan(story->engine));
    expect_device_or_ok(engine_compact(story->engine));
    expect_device_or_ok(scan(story->engine));
    expect_device_or_ok(engine_checkpoint(story->engine, "db/copy", NULL, NULL));
    engine_close(story->engine);
    story->engine = NULL;
}

/* What was acknowledged is there; what was not may be there only if its outcome was unknown; the appended value counts
 * the same. */
static void check_story(struct story *story, const char *what, uint64_t n) {
    char key[16];
    struct engine_value value;
    size_t present = 0;
    struct error error;
    const enum status opened = engine_open(story->io, "db", &story->options, &story->engine, &error);
    if (opened != STATUS_OK) fail_msg("%s %" PRIu64 ": reopen: %s: %s", what, n, status_name(opened), error.text);
    for (unsigned i = 0; i < STEPS; i++) {
        snprintf(key, sizeof key, "k%03u", i);
        const enum status status = engine_get(story->engine, NULL, TREE, slice_from_text(key), &value);
        const bool there = status == STATUS_OK;
        if (status != STATUS_OK && status != STATUS_NOT_FOUND && (story->created || status != STATUS_INVALID))
            fail_msg("%s %" PRIu64 ": get %s: %s", what, n, key, status_name(status));
        if (story->acknowledged[i] && !there) fail_msg("%s %" PRIu64 ": %s was acknowledged and is gone", what, n, key);
        if (!story->acknowledged[i] && !story->unknown[i] && there)
            fail_msg("%s %" PRIu64 ": %s was refused and is there", what, n, key);
        if (!there) continue;
        present++;
        engine_value_release(&value);
    }
    if (present > 0) {
        assert_int_equal(engine_get(story->engine, NULL, TREE, slice_from_text("log"), &value), STATUS_OK);
        if (value.data.size != present)
            fail_msg("%s %" PRIu64 ": %zu appends for %zu batches", what, n, value.data.size, present);
        engine_value_release(&value);
    }
    const enum status verified = engine_verify(story->engine, NULL, NULL);
    if (verified != STATUS_OK) fail_msg("%s %" PRIu64 ": verify: %s", what, n, status_name(verified));
    engine_close(story->engine);
    story->engine = NULL;
}

static struct story begin_story(struct io *io) {
    struct story story = {.io = io, .options = lab_options()};
    story.options.memtable_bytes = 8 << 10;
    story.options.file_bytes = 4 << 10;
    story.options.level_base_bytes = 8 << 10;
    return story;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    const uint64_t step = 100 / (test_scaled(100) ? test_scaled(100) : 1) + (test_scaled(100) < 100 ? 1 : 0);
    for (uint64_t n = 1;; n += step) {
        struct io *io = sim_io_create_alone(n);
        struct story story = begin_story(io);
        alloc_fault_at(n);
        tell(&story);
        const bool delivered = alloc_fault_clear();
        check_story(&story, "allocation", n);
        io_destroy(io);
        if (delivered) continue;
        print_message("%" PRIu64 " allocations\n", n - 1);
        assert_true(n > 500);
        break;
    }
}

static void every_io_may_fail(void **state) {
    (void)state;
    for (int forever = 0; forever < 2; forever++) {
        for (uint64_t n = 1;; n += test_scaled(100) < 100 ? 7 : 1) {
            struct sim *sim = sim_create(n);
            struct sim_disk *disk = sim_disk_create(n);
            struct io *io = sim_io_create(sim, disk, NULL);
            struct story story = begin_story(io);
            sim_disk_fail_at(disk, n, n % 3 == 0 ? STATUS_NO_SPACE : STATUS_IO, forever);
            tell(&story);
            const bool delivered = sim_disk_has_failed(disk);
            sim_disk_fail_at(disk, 0, STATUS_OK, false);
            check_story(&story, forever ? "lasting I/O failure" : "I/O failure", n);
            io_destroy(io);
            sim_disk_destroy(disk);
            sim_destroy(sim);
            if (delivered) continue;
            print_message("%" PRIu64 " I/Os\n", n - 1);
            assert_true(n > 100);
            break;
        }
    }
}

/* ---- Particular faults
 * ----------------------------------------------------------------------------------------------------------------------
 */

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

static void shut_down(struct machine *machine) {
    io_destroy(machine->io);
    sim_disk_destroy(machine->disk);
    sim_destroy(machine->sim);
}

/* Orders the failure of the sync of the first file whose path ends so. */
struct trap {
    const char *ending;
    bool sprung;
};

static void spring(void *context, struct sim_disk *disk, enum sim_disk_call call, const char *path) {
    struct trap *trap = context;
    const size_t length = strlen(path), ending = strlen(trap->ending);
    if (trap->sprung || call != SIM_DISK_SYNC || length < ending || strcmp(path + length - ending, trap->ending) != 0)
        return;
    trap->sprung = true;
    sim_disk_fail_sync(disk);
}

static void count_sst(void *context, const char *path, uint64_t size) {
    (void)size;
    const size_t length = strlen(path);
    if (length > 4 && strcmp(path + length - 4, ".sst") == 0) ++*(uint64_t *)context;
}

static uint64_t count_ssts(struct sim_disk *disk) {
    uint64_t count = 0;
    sim_disk_walk(disk, count_sst, &count);
    return count;
}

static void after_a_failed_manifest_sync_the_engine_is_read_only_and_deletes_nothing(void **state) {
    (void)state;
    struct machine machine = boot(5);
    struct engine_options options = lab_options();
    struct engine *engine = lab_open(machine.io, "db", &options);
    struct error error;
    lab_create_tree(engine, TREE, LAB_PLAIN);
    lab_put(engine, TREE, "a", "1");
    assert_int_equal(engine_flush(engine), STATUS_OK);
    lab_put(engine, TREE, "a", "2");
    struct trap trap = {.ending = ".manifest"};
    sim_disk_set_watch(machine.disk, spring, &trap);
    assert_int_equal(engine_flush(engine), STATUS_READ_ONLY);
    assert_true(trap.sprung);
    const uint64_t before = count_ssts(machine.disk);
    assert_true(before >= 2);
    struct engine_batch batch;
    engine_batch_init(&batch);
    assert_int_equal(engine_batch_put(&batch, TREE, slice_from_text("b"), slice_from_text("1")), STATUS_OK);
    assert_int_equal(lab_write(engine, &batch), STATUS_READ_ONLY);
    engine_batch_deinit(&batch);
    assert_int_equal(engine_compact(engine), STATUS_READ_ONLY);
    engine_last_error(engine, &error);
    assert_int_equal(error.status, STATUS_IO);
    assert_non_null(strstr(error.text, "manifest"));
    lab_expect(engine, NULL, TREE, "a", "2");
    assert_int_equal(engine_verify(engine, NULL, NULL), STATUS_OK); /* it failed, and nothing is damaged */
    engine_close(engine);
    assert_int_equal(count_ssts(machine.disk), before);
    sim_disk_set_watch(machine.disk, NULL, NULL);
    engine = lab_open(machine.io, "db", &options);
    lab_expect(engine, NULL, TREE, "a", "2");
    engine_close(engine);
    shut_down(&machine);
}

static void find_sst(void *context, const char *path, uint64_t size) {
    char *found = context;
    (void)size;
    const size_t length = strlen(path);
    if (length > 4 && strcmp(path + length - 4, ".sst") == 0) memcpy(found, path, length + 1);
}

/* A table's index and properties are in memory while it is open; on disk they may rot all the same. */
static bool flip_at(uint64_t at) {
    struct machine machine = boot(6 + at);
    struct engine_options options = lab_options();
    struct engine *engine = lab_open(machine.io, "db", &options);
    char path[IO_PATH_BYTES] = "";
    lab_create_tree(engine, TREE, LAB_PLAIN);
    lab_put(engine, TREE, "a", "1");
    assert_int_equal(engine_flush(engine), STATUS_OK);
    lab_expect(engine, NULL, TREE, "a", "1");
    assert_int_equal(engine_verify(engine, NULL, NULL), STATUS_OK);
    sim_disk_walk(machine.disk, find_sst, path);
    const bool is_there = sim_disk_damage(machine.disk, path, at, SIM_DAMAGE_FLIP) == STATUS_OK;
    if (is_there && engine_verify(engine, NULL, NULL) != STATUS_CORRUPT) fail_msg("%s at %u", path, (unsigned)at);
    engine_close(engine);
    shut_down(&machine);
    return is_there;
}

static void a_verify_sees_what_has_changed_under_an_open_table(void **state) {
    (void)state;
    uint64_t at = 0;
    while (flip_at(at)) at += 11;
    assert_true(at > 200);
}

/* Until the disk of a megabyte refuses it. */
static void fill_disk(struct machine *machine, struct engine *engine, struct engine_batch *batch) {
    const struct sim_disk_faults faults = {.capacity_bytes = 1 << 20};
    char key[16], value[1000];
    lab_create_tree(engine, TREE, LAB_EXPIRY); /* stored without compression in upper levels */
    lab_create_tree(engine, OTHER, LAB_PLAIN);
    sim_disk_set_faults(machine->disk, &faults);
    enum status status = STATUS_OK;
    unsigned written = 0;
    for (; written < 5000 && status == STATUS_OK; written++) {
        snprintf(key, sizeof key, "k%05u", written);
        for (size_t j = 0; j < sizeof value; j++) value[j] = (char)(33 + (written * 31 + j * (17 + written)) % 90);
        assert_int_equal(engine_batch_put(batch, TREE, slice_from_text(key), slice_make(value, sizeof value)),
                         STATUS_OK);
        status = lab_write(engine, batch);
    }
    assert_int_equal(status, STATUS_NO_SPACE);
    assert_true(written > 100);
}

static void a_flush_that_a_full_disk_puts_off_says_so_and_does_not_wait(void **state) {
    (void)state;
    struct machine machine = boot(6);
    struct engine_options options = lab_options();
    options.disk_reserve_bytes = 256 << 10;
    options.level0_trigger = 100; /* nothing is merged, so nothing makes room */
    struct engine *engine = lab_open(machine.io, "db", &options);
    struct engine_batch batch;
    engine_batch_init(&batch);
    fill_disk(&machine, engine, &batch);
    enum status status = STATUS_OK;
    for (int i = 0; i < 2000 && status == STATUS_OK; i++) { /* deletes go on until memory is full, too */
        char key[16];
        snprintf(key, sizeof key, "k%05d", i);
        assert_int_equal(engine_batch_delete(&batch, OTHER, slice_from_text(key)), STATUS_OK);
        status = lab_write(engine, &batch);
    }
    assert_int_equal(engine_flush(engine), STATUS_NO_SPACE);
    sim_disk_set_faults(machine.disk, &(struct sim_disk_faults){.capacity_bytes = 0});
    for (int i = 0; i < 10; i++) {
        assert_int_equal(engine_batch_put(&batch, TREE, slice_from_text("again"), slice_from_text("1")), STATUS_OK);
        status = lab_write(engine, &batch);
        while (io_job_assist(machine.io)) continue;
    }
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(engine_flush(engine), STATUS_OK);
    engine_batch_deinit(&batch);
    engine_close(engine);
    shut_down(&machine);
}

static void a_full_disk_refuses_writes_and_recovers_when_there_is_space(void **state) {
    (void)state;
    struct machine machine = boot(6);
    struct engine_options options = lab_options();
    options.disk_reserve_bytes = 256 << 10; /* enough to merge what level 0 gathers */
    options.level0_trigger = 2;
    struct engine *engine = lab_open(machine.io, "db", &options);
    struct engine_batch batch;
    engine_batch_init(&batch);
    fill_disk(&machine, engine, &batch);
    enum status status = STATUS_NO_SPACE;
    lab_delete_range(engine, TREE, "k", ""); /* deletes go on in the reserve */
    assert_int_equal(engine_flush(engine), STATUS_OK);
    assert_int_equal(engine_compact(engine), STATUS_OK);
    for (int i = 0; i < 100 && status != STATUS_OK; i++) {
        assert_int_equal(engine_batch_put(&batch, TREE, slice_from_text("again"), slice_from_text("1")), STATUS_OK);
        status = lab_write(engine, &batch);
        while (io_job_assist(machine.io)) continue;
    }
    assert_int_equal(status, STATUS_OK);
    engine_batch_deinit(&batch);
    engine_close(engine);
    shut_down(&machine);
}

static void a_damaged_block_is_an_error_with_its_place_and_never_an_answer(void **state) {
    (void)state;
    struct machine machine = boot(7);
    const struct engine_options options = lab_options();
    struct engine *engine = lab_open(machine.io, "db", &options);
    struct error error;
    struct engine_value value;
    char path[IO_PATH_BYTES];
    uint64_t offset;
    lab_create_tree(engine, TREE, LAB_PLAIN);
    lab_put(engine, TREE, "a", "1");
    assert_int_equal(engine_flush(engine), STATUS_OK);
    engine_close(engine);
    assert_int_equal(sim_disk_damage_any(machine.disk, ".sst", SIM_DAMAGE_FLIP, path, sizeof path, &offset), STATUS_OK);
    engine = lab_open(machine.io, "db", &options);
    const enum status status = engine_get(engine, NULL, TREE, slice_from_text("a"), &value);
    assert_int_equal(status, STATUS_CORRUPT);
    engine_last_error(engine, &error);
    assert_int_equal(error.status, STATUS_CORRUPT);
    assert_non_null(strstr(error.text, ".sst"));
    assert_non_null(strstr(error.text, "offset"));
    assert_int_equal(engine_verify(engine, NULL, NULL), STATUS_CORRUPT);
    engine_close(engine);
    shut_down(&machine);
}

static size_t read_whole(struct io *io, const char *path, uint8_t *bytes, size_t room) {
    struct io_file *file = NULL;
    size_t size = 0;
    assert_int_equal(io_file_open(io, path, IO_OPEN_READ, &file), STATUS_OK);
    assert_int_equal(io_file_read(file, 0, bytes, room, &size), STATUS_OK);
    io_file_close(file);
    return size;
}

struct tables {
    char paths[2][IO_PATH_BYTES];
    size_t count;
};

static enum status note_table(void *context, const struct io_entry *entry) {
    struct tables *tables = context;
    if (strstr(entry->name, ".sst") == NULL) return STATUS_OK;
    assert_true(tables->count < 2);
    snprintf(tables->paths[tables->count++], IO_PATH_BYTES, "db/%s", entry->name);
    return STATUS_OK;
}

/* Sound as it is, it is another one: a write that went astray, or a hand that took the wrong file. What goes wrong
 * later does not make it forgotten. */
static void a_table_in_another_s_place_is_damage(void **state) {
    (void)state;
    struct machine machine = boot(8);
    const struct engine_options options = lab_options();
    struct engine *engine = lab_open(machine.io, "db", &options);
    struct tables tables = {.count = 0};
    struct error error;
    struct engine_value value;
    static uint8_t bytes[1 << 16];
    lab_create_tree(engine, TREE, LAB_PLAIN);
    lab_put(engine, TREE, "a", "1");
    assert_int_equal(engine_flush(engine), STATUS_OK);
    lab_put(engine, TREE, "b", "2");
    assert_int_equal(engine_flush(engine), STATUS_OK);
    engine_last_damage(engine, &error);
    assert_int_equal(error.status, STATUS_OK);
    engine_close(engine);
    assert_int_equal(io_dir_list(machine.io, "db", note_table, &tables), STATUS_OK);
    assert_int_equal(tables.count, 2);
    const size_t size = read_whole(machine.io, tables.paths[0], bytes, sizeof bytes);
    assert_int_equal(read_whole(machine.io, tables.paths[1], bytes, sizeof bytes), size);
    struct io_file *file = NULL;
    assert_int_equal(io_file_open(machine.io, tables.paths[0], IO_OPEN_WRITE, &file), STATUS_OK);
    assert_int_equal(io_file_write(file, 0, bytes, size), STATUS_OK);
    io_file_close(file);
    engine = lab_open(machine.io, "db", &options);
    enum status met = engine_get(engine, NULL, TREE, slice_from_text("a"), &value);
    if (met != STATUS_CORRUPT) met = engine_get(engine, NULL, TREE, slice_from_text("b"), &value);
    assert_int_equal(met, STATUS_CORRUPT);
    engine_last_damage(engine, &error);
    assert_int_equal(error.status, STATUS_CORRUPT);
    assert_non_null(strstr(error.text, "it is file"));
    lab_put(engine, TREE, "c", "3");
    sim_disk_fail_sync(machine.disk);
    assert_int_not_equal(engine_flush(engine), STATUS_OK);
    engine_last_error(engine, &error);
    assert_int_not_equal(error.status, STATUS_CORRUPT);
    engine_last_damage(engine, &error);
    assert_int_equal(error.status, STATUS_CORRUPT);
    engine_close(engine);
    shut_down(&machine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_in_another_s_place_is_damage),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(every_io_may_fail),
        cmocka_unit_test(after_a_failed_manifest_sync_the_engine_is_read_only_and_deletes_nothing),
        cmocka_unit_test(a_verify_sees_what_has_changed_under_an_open_table),
        cmocka_unit_test(a_flush_that_a_full_disk_puts_off_says_so_and_does_not_wait),
        cmocka_unit_test(a_full_disk_refuses_writes_and_recovers_when_there_is_space),
        cmocka_unit_test(a_damaged_block_is_an_error_with_its_place_and_never_an_answer),
    };
    return cmocka_run_group_tests_name("engine_fault", tests, NULL, NULL);
}
