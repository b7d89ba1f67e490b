/* manifest and superblock: what is torn is left out, what is damaged is told with its place, what is unknown is refused
 * by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/coding.h"
#include "engine/lsm/file_names.h"
#include "engine/lsm/manifest.h"
#include "engine/lsm/recovered.h"
#include "engine/lsm/superblock.h"
#include "tests/harness/engine_lab.h"
#include "tools/sim/sim.h"
#include "tools/sim/sim_io.h"

static const struct manifest_id id = {.store = 99, .number = 3, .generation = 1};
enum { TREE = 1, EDITS = 5, LARGE = 120 };

/* Five edits; the third fills several sectors, and so does the last. */
static void write_manifest(struct io *io, struct buf *bytes) {
    struct manifest *manifest = NULL;
    struct edit edit;
    assert_int_equal(io_dir_make(io, "m"), STATUS_OK);
    for (unsigned n = 1; n <= EDITS; n++) {
        edit_init(&edit, n == 1 ? EDIT_CREATE : EDIT_COMPACTION);
        edit.number = n;
        const struct edit_tree tree = {.instance = n, .tree = n, .kind = 1};
        assert_int_equal(edit_create_tree(&edit, &tree), STATUS_OK);
        for (unsigned f = 0; f < (n == 3 || n == EDITS ? LARGE : 1); f++) {
            const struct edit_file file = {
                .number = n * 1000 + f, .instance = n, .first = slice_from_text("a"), .bytes = 1};
            assert_int_equal(edit_add_file(&edit, &file), STATUS_OK);
        }
        const enum status status =
            n == 1 ? manifest_create(io, "m", &id, &edit, &manifest) : manifest_append(manifest, &edit);
        assert_int_equal(status, STATUS_OK);
        edit_deinit(&edit);
    }
    manifest_close(manifest);
    assert_int_equal(file_read_all(io, "m/0000000003.manifest", MANIFEST_MAX_BYTES, bytes), STATUS_OK);
}

static enum status parse(const struct buf *bytes, struct manifest_recovery *recovery, struct error *error) {
    struct recovered recovered;
    recovered_init(&recovered);
    *error = (struct error){.status = STATUS_OK};
    const enum status status = manifest_parse(buf_slice(bytes), &id, 0, recovered_apply, &recovered, recovery, error);
    recovered_deinit(&recovered);
    return status;
}

/* Where edit `n` begins, and how many sectors it has. */
static size_t edit_at(const struct buf *bytes, uint64_t n, uint32_t *sectors) {
    for (size_t at = IO_PAGE_BYTES; at < bytes->size; at += IO_SECTOR_BYTES) {
        struct manifest_sector sector;
        if (manifest_sector_parse(&id, at / IO_SECTOR_BYTES, bytes->data + at, &sector) != MANIFEST_SECTOR_VALID)
            continue;
        *sectors = sector.count;
        if (sector.edit == n) return at;
    }
    fail();
    return 0;
}

static void a_flipped_bit_in_any_sector_is_damage_with_its_offset(void **state) {
    (void)state;
    struct io *io = sim_io_create_alone(1);
    struct buf bytes = BUF_EMPTY;
    struct manifest_recovery recovery;
    struct error error;
    char offset[32];
    write_manifest(io, &bytes);
    assert_int_equal(parse(&bytes, &recovery, &error), STATUS_OK);
    assert_int_equal(recovery.edits, EDITS);
    for (size_t at = IO_PAGE_BYTES; at < bytes.size; at += 37) {
        const size_t sector = at / IO_SECTOR_BYTES * IO_SECTOR_BYTES;
        bool empty = true;
        for (size_t i = 0; i < IO_SECTOR_BYTES; i++) empty = empty && bytes.data[sector + i] == 0;
        bytes.data[at] ^= 4;
        const enum status status = parse(&bytes, &recovery, &error);
        bytes.data[at] ^= 4;
        const bool padding_inside = empty && sector % IO_PAGE_BYTES != 0;
        if (padding_inside && status == STATUS_OK) continue; /* what is left of a page is not looked at */
        assert_int_equal(status, STATUS_CORRUPT);
        snprintf(offset, sizeof offset, "offset %zu", sector);
        if (!padding_inside && !strstr(error.text, offset)) {
            /* a sector inside an edit is told by the place where the edit stops making sense */
            assert_non_null(strstr(error.text, "offset"));
        }
    }
    buf_deinit(&bytes);
    io_destroy(io);
}

static void any_missing_part_of_the_last_edit_is_a_torn_tail(void **state) {
    (void)state;
    struct io *io = sim_io_create_alone(1);
    struct buf bytes = BUF_EMPTY, torn = BUF_EMPTY;
    struct manifest_recovery recovery;
    struct error error;
    uint32_t sectors;
    write_manifest(io, &bytes);
    const size_t at = edit_at(&bytes, EDITS, &sectors);
    assert_true(sectors > 2 && sectors < 16);
    for (uint32_t kept = 0; kept + 1 < 1u << sectors; kept++) {
        assert_int_equal(buf_assign(&torn, buf_slice(&bytes)), STATUS_OK);
        for (uint32_t i = 0; i < sectors; i++)
            if (!(kept >> i & 1)) memset(torn.data + at + i * IO_SECTOR_BYTES, 0, IO_SECTOR_BYTES);
        assert_int_equal(parse(&torn, &recovery, &error), STATUS_OK);
        assert_int_equal(recovery.edits, EDITS - 1);
        assert_int_equal(recovery.torn, kept != 0);
        assert_int_equal(recovery.end, at);
    }
    for (size_t cut = at; cut < at + sectors * IO_SECTOR_BYTES; cut += 100) { /* or the file ends early */
        torn.size = cut;
        memcpy(torn.data, bytes.data, cut);
        assert_int_equal(parse(&torn, &recovery, &error), STATUS_OK);
        assert_int_equal(recovery.edits, EDITS - 1);
    }
    buf_deinit(&bytes);
    buf_deinit(&torn);
    io_destroy(io);
}

static void a_missing_sector_before_the_last_edit_is_damage(void **state) {
    (void)state;
    struct io *io = sim_io_create_alone(1);
    struct buf bytes = BUF_EMPTY;
    struct manifest_recovery recovery;
    struct error error;
    uint32_t sectors;
    write_manifest(io, &bytes);
    const size_t at = edit_at(&bytes, 3, &sectors);
    memset(bytes.data + at + IO_SECTOR_BYTES, 0, IO_SECTOR_BYTES);
    assert_int_equal(parse(&bytes, &recovery, &error), STATUS_CORRUPT);
    assert_non_null(strstr(error.text, "offset"));
    buf_deinit(&bytes);
    io_destroy(io);
}

static void a_sector_in_another_place_does_not_verify(void **state) {
    (void)state;
    struct io *io = sim_io_create_alone(1);
    struct buf bytes = BUF_EMPTY;
    struct manifest_recovery recovery;
    struct error error;
    uint32_t sectors;
    write_manifest(io, &bytes);
    const size_t from = edit_at(&bytes, 1, &sectors), to = edit_at(&bytes, 2, &sectors);
    memcpy(bytes.data + to, bytes.data + from, IO_SECTOR_BYTES);
    assert_int_equal(parse(&bytes, &recovery, &error), STATUS_CORRUPT);
    buf_deinit(&bytes);
    io_destroy(io);
}

static void decode_fields(const char *field, size_t size, enum status expected, const char *words) {
    struct buf bytes = BUF_EMPTY;
    struct edit edit;
    struct error error = {.status = STATUS_OK};
    edit_init(&edit, EDIT_CREATE);
    edit.number = 7;
    assert_int_equal(edit_encode(&edit, &bytes), STATUS_OK);
    assert_int_equal(buf_append(&bytes, field, size), STATUS_OK);
    assert_int_equal(edit_decode(buf_slice(&bytes), &edit, &error), expected);
    if (words && !strstr(error.text, words)) fail_msg("\"%s\" does not say \"%s\"", error.text, words);
    edit_deinit(&edit);
    buf_deinit(&bytes);
}

static void what_is_unknown_is_refused_by_name_if_required_and_passed_over_if_not(void **state) {
    (void)state;
    decode_fields("\x28\x01x", 3, STATUS_OK, NULL);
    decode_fields("\x29\x01x", 3, STATUS_VERSION, "required field 20");
    decode_fields("\x03\x06\x05warps", 8, STATUS_VERSION, "\"warps\"");
    decode_fields("\x0d\x01", 2, STATUS_CORRUPT, "edit 7");          /* the body is cut */
    decode_fields("\x0d\x02\x01\x01", 4, STATUS_CORRUPT, "field 6"); /* and here it is too long */
}

static void an_edit_that_contradicts_the_state_is_refused(void **state) {
    (void)state;
    struct recovered recovered;
    struct edit edit;
    struct error error;
    const struct edit_tree tree = {.instance = 1, .tree = 1, .kind = 1};
    const struct edit_file file = {.number = 5, .instance = 1};
    recovered_init(&recovered);
    edit_init(&edit, EDIT_CREATE);
    assert_int_equal(edit_create_tree(&edit, &tree), STATUS_OK);
    assert_int_equal(edit_add_file(&edit, &file), STATUS_OK);
    assert_int_equal(recovered_apply(&recovered, &edit, &error), STATUS_OK);
    edit.created_count = 0;
    assert_int_equal(recovered_apply(&recovered, &edit, &error), STATUS_CORRUPT); /* added twice */
    edit.added_count = 0;
    assert_int_equal(edit_remove_file(&edit, &(struct edit_removed){.number = 6, .instance = 1}), STATUS_OK);
    assert_int_equal(recovered_apply(&recovered, &edit, &error), STATUS_CORRUPT); /* not there */
    edit.removed[0].number = 5;
    edit.removed[0].level = 1;
    assert_int_equal(recovered_apply(&recovered, &edit, &error), STATUS_CORRUPT); /* on another level */
    edit.removed_count = 0;
    assert_int_equal(edit_drop_tree(&edit, 2), STATUS_OK);
    assert_int_equal(recovered_apply(&recovered, &edit, &error), STATUS_CORRUPT);
    edit.dropped[0] = 1;
    assert_int_equal(recovered_apply(&recovered, &edit, &error), STATUS_OK);
    assert_false(recovered_has_file(&recovered, 5)); /* went with its tree */
    edit_deinit(&edit);
    recovered_deinit(&recovered);
}

/* ---- Superblock
 * ------------------------------------------------------------------------------------------------------------- */

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

/* A store that was opened `opens` times, so that its superblock has that generation. */
static void make_store(struct io *io, unsigned opens) {
    const struct engine_options options = lab_options();
    for (unsigned i = 0; i < opens; i++) {
        struct engine *engine = lab_open(io, "db", &options);
        if (i == 0) lab_create_tree(engine, TREE, LAB_PLAIN);
        lab_put(engine, TREE, "opens", (char[]){(char)('1' + i), 0});
        assert_int_equal(engine_flush(engine), STATUS_OK);
        engine_close(engine);
    }
}

static void either_slot_may_be_damaged(void **state) {
    (void)state;
    for (unsigned slot = 0; slot < SUPERBLOCK_SLOTS; slot++) {
        struct machine machine = boot(slot + 1);
        const struct engine_options options = lab_options();
        struct superblock superblock;
        bool damaged;
        make_store(machine.io, 3);
        assert_int_equal(sim_disk_damage(machine.disk, "db/SUPERBLOCK", slot * IO_PAGE_BYTES + 30, SIM_DAMAGE_FLIP),
                         STATUS_OK);
        assert_int_equal(superblock_read(machine.io, "db", &superblock, &damaged, NULL), STATUS_OK);
        assert_true(damaged);
        struct engine *engine = lab_open(machine.io, "db", &options);
        lab_expect(engine, NULL, TREE, "opens", "3"); /* also when the slot that ruled is the damaged one */
        engine_close(engine);
        assert_int_equal(superblock_read(machine.io, "db", &superblock, &damaged, NULL), STATUS_OK);
        shut_down(&machine);
    }
}

static void with_both_slots_damaged_the_open_fails_and_touches_nothing(void **state) {
    (void)state;
    struct machine machine = boot(1);
    const struct engine_options options = lab_options();
    struct engine *engine;
    struct error error;
    make_store(machine.io, 2);
    assert_int_equal(sim_disk_damage(machine.disk, "db/SUPERBLOCK", 30, SIM_DAMAGE_FLIP), STATUS_OK);
    assert_int_equal(sim_disk_damage(machine.disk, "db/SUPERBLOCK", IO_PAGE_BYTES + 30, SIM_DAMAGE_ZERO), STATUS_OK);
    const uint64_t before = sim_disk_hash(machine.disk);
    assert_int_equal(engine_open(machine.io, "db", &options, &engine, &error), STATUS_CORRUPT);
    assert_non_null(strstr(error.text, "SUPERBLOCK"));
    assert_int_equal(sim_disk_hash(machine.disk), before);
    shut_down(&machine);
}

static void tables_without_a_superblock_are_not_wiped(void **state) {
    (void)state;
    struct machine machine = boot(1);
    const struct engine_options options = lab_options();
    struct engine *engine;
    struct error error;
    make_store(machine.io, 1);
    assert_int_equal(io_remove(machine.io, "db/SUPERBLOCK"), STATUS_OK);
    const uint64_t before = sim_disk_hash(machine.disk);
    assert_int_equal(engine_open(machine.io, "db", &options, &engine, &error), STATUS_CORRUPT);
    assert_int_equal(sim_disk_hash(machine.disk), before);
    shut_down(&machine);
}

static void a_missing_table_is_named(void **state) {
    (void)state;
    struct machine machine = boot(1);
    const struct engine_options options = lab_options();
    struct engine *engine;
    struct error error;
    char path[IO_PATH_BYTES];
    uint64_t offset;
    make_store(machine.io, 1);
    assert_int_equal(sim_disk_damage_any(machine.disk, ".sst", SIM_DAMAGE_FLIP, path, sizeof path, &offset), STATUS_OK);
    assert_int_equal(io_remove(machine.io, path), STATUS_OK);
    assert_int_equal(engine_open(machine.io, "db", &options, &engine, &error), STATUS_CORRUPT);
    assert_non_null(strstr(error.text, ".sst"));
    shut_down(&machine);
}

static void names_of_files_are_read_back_exactly(void **state) {
    (void)state;
    uint64_t number = 0;
    char path[IO_PATH_BYTES];
    assert_int_equal(file_path(path, "d", FILE_SST, 12), STATUS_OK);
    assert_string_equal(path, "d/0000000012.sst");
    assert_int_equal(file_path(path, "d", FILE_MANIFEST, UINT64_C(123456789012)), STATUS_OK);
    assert_string_equal(path, "d/123456789012.manifest");
    assert_int_equal(file_classify("0000000012.sst", &number), FILE_SST);
    assert_int_equal(number, 12);
    assert_int_equal(file_classify("123456789012.manifest", &number), FILE_MANIFEST);
    assert_true(number == UINT64_C(123456789012));
    static const char *const foreign[] = {
        "12.sst", "00000000012.sst", "0000000012.sst~", "x.sst", "99999999999999999999999.sst", ""};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        assert_int_equal(file_classify(foreign[i], &number), FILE_FOREIGN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flipped_bit_in_any_sector_is_damage_with_its_offset),
        cmocka_unit_test(any_missing_part_of_the_last_edit_is_a_torn_tail),
        cmocka_unit_test(a_missing_sector_before_the_last_edit_is_damage),
        cmocka_unit_test(a_sector_in_another_place_does_not_verify),
        cmocka_unit_test(what_is_unknown_is_refused_by_name_if_required_and_passed_over_if_not),
        cmocka_unit_test(an_edit_that_contradicts_the_state_is_refused),
        cmocka_unit_test(either_slot_may_be_damaged),
        cmocka_unit_test(with_both_slots_damaged_the_open_fails_and_touches_nothing),
        cmocka_unit_test(tables_without_a_superblock_are_not_wiped),
        cmocka_unit_test(a_missing_table_is_named),
        cmocka_unit_test(names_of_files_are_read_back_exactly),
    };
    return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
