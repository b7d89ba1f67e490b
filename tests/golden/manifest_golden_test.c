/*
 * manifest_golden_test: manifests and superblocks written by version 1 of the format read as they did on the day they
 * were written, and the example in engine/lsm/FORMAT.md says what the golden file says.
 *
 *     manifest_golden_test --make     writes the golden files anew (only with a new version of the format)
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
#include "engine/lsm/batch.h"
#include "engine/lsm/manifest.h"
#include "engine/lsm/superblock.h"
#include "tools/sim/sim_io.h"

enum { BYTES_MAX = 64 << 10 };

static const struct manifest_id id = {.store = 0x1122334455667788, .number = 7, .generation = 3};
static const char plain_file[] = "tests/golden/manifest/plain-v1.manifest";
static const char torn_file[] = "tests/golden/manifest/torn-v1.manifest";
static const char ingest_file[] = "tests/golden/manifest/ingest-v1.manifest";
static const char upgrade_file[] = "tests/golden/manifest/upgrade-v1.manifest";
static const char values_file[] = "tests/golden/manifest/values-v1.manifest";
static const char superblock_file[] = "tests/golden/manifest/v1.superblock";

/* ---- Making -------------------------------------------------------------------------------------------------------
 */

static void keep(struct io *io, const char *from, const char *to, size_t from_end) {
    struct buf bytes = BUF_EMPTY;
    check(file_read_all(io, from, BYTES_MAX, &bytes) == STATUS_OK);
    FILE *out = fopen(to, "wb");
    check(out != NULL && fwrite(bytes.data, 1, bytes.size - from_end, out) == bytes.size - from_end);
    check(fclose(out) == 0);
    buf_deinit(&bytes);
}

static const struct edit_file file = {
    .number = 12,
    .store = 0x1122334455667788,
    .instance = 5,
    .level = 0,
    .bytes = 4321,
    .first = {(const uint8_t *)"apple", 5},
    .last = {(const uint8_t *)"pear", 4},
    .has_last = true,
    .last_exclusive = true,
    .codec = 1,
    .entries = 40,
    .deletes = 3,
    .operands = 2,
    .range_deletes = 1,
    .first_sequence = 101,
    .last_sequence = 146,
    .created_ms = 1700000000000,
    .oldest_ms = 1700000000000,
    .droppable_ms = INT64_MAX,
};

static void build_first(struct edit *edit) {
    const struct edit_kind kind = {1, slice_from_text("kv.names"), slice_from_text(""), slice_from_text("expiry")};
    const struct edit_tree tree = {.instance = 4, .tree = 2, .kind = 1};
    edit_init(edit, EDIT_SNAPSHOT);
    edit->number = 20;
    edit->has_mark = true;
    edit->mark = (struct engine_mark){.index = 50, .term = 2, .time_ms = 1699999999000};
    edit->last_sequence = 100;
    edit->next_file = 1000;
    edit->next_instance = 5;
    check(edit_add_kind(edit, &kind) == STATUS_OK && edit_create_tree(edit, &tree) == STATUS_OK);
}

static void build_second(struct edit *edit) {
    const struct edit_tree tree = {.instance = 5, .tree = 3, .kind = 1};
    edit_init(edit, EDIT_FLUSH);
    edit->number = 21;
    edit->job = 9;
    edit->time_ms = 1700000000000;
    edit->has_mark = true;
    edit->mark = (struct engine_mark){.index = 77, .term = 2, .time_ms = 1700000000000};
    edit->last_sequence = 146;
    edit->next_file = 1024;
    edit->next_instance = 6;
    check(edit_create_tree(edit, &tree) == STATUS_OK && edit_drop_tree(edit, 4) == STATUS_OK);
    check(edit_add_file(edit, &file) == STATUS_OK);
}

/* Long enough for several sectors. */
static void build_third(struct edit *edit) {
    edit_init(edit, EDIT_COMPACTION);
    edit->number = 22;
    for (unsigned i = 0; i < 30; i++) {
        struct edit_file added = file;
        added.number = 100 + i;
        check(edit_add_file(edit, &added) == STATUS_OK);
    }
}

/* A file that was built outside. */
static void build_ingest(struct edit *edit) {
    struct edit_file added = file;
    edit_init(edit, EDIT_INGEST);
    edit->number = 21;
    edit->time_ms = 1700000000000;
    edit->has_mark = true;
    edit->mark = (struct engine_mark){.index = 50, .term = 2, .time_ms = 1699999999000};
    edit->last_sequence = 101;
    added.instance = 4;
    added.level = 6;
    added.store = 0x99aabbccddeeff00;
    added.sequence = added.first_sequence = added.last_sequence = 101;
    added.built_as = 1;
    check(edit_add_file(edit, &added) == STATUS_OK);
}

/* From here on a reader must know a level. */
static void build_upgrade(struct edit *edit) {
    edit_init(edit, EDIT_UPGRADE);
    edit->number = 21;
    edit->time_ms = 1700000000000;
    edit->format_level = 2;
    edit->next_file = 2024;
    edit->next_instance = 5;
}

/* A file that refers to values kept apart. */
static void build_values(struct edit *edit) {
    static const uint8_t uses[] = {13, 3, 0x80, 0x40, 14, 1, 100};
    const struct edit_value_file values[] = {
        {.number = 13, .store = id.store, .instance = 4, .bytes = 9000, .records = 4},
        {.number = 14, .store = id.store, .instance = 4, .bytes = 1000, .records = 7},
    };
    struct edit_file added = file;
    edit_init(edit, EDIT_FLUSH);
    edit->number = 21;
    edit->time_ms = 1700000000000;
    added.instance = 4;
    added.values = slice_make(uses, sizeof uses);
    check(edit_add_value_file(edit, &values[0]) == STATUS_OK && edit_add_value_file(edit, &values[1]) == STATUS_OK);
    check(edit_add_file(edit, &added) == STATUS_OK);
}

/* A manifest of the first edit and another. */
static void make_two(struct io *io, const char *dir, void (*second)(struct edit *edit), const char *to) {
    struct manifest *manifest;
    struct edit edit;
    char path[64];
    check(io_dir_make(io, dir) == STATUS_OK);
    build_first(&edit);
    check(manifest_create(io, dir, &id, &edit, &manifest) == STATUS_OK);
    edit_deinit(&edit);
    second(&edit);
    check(manifest_append(manifest, &edit) == STATUS_OK);
    edit_deinit(&edit);
    manifest_close(manifest);
    snprintf(path, sizeof path, "%s/0000000007.manifest", dir);
    keep(io, path, to, 0);
}

static int make(void) {
    struct io *io = sim_io_create_alone(1);
    struct manifest *manifest;
    struct edit edit;
    make_two(io, "/i", build_ingest, ingest_file);
    make_two(io, "/u", build_upgrade, upgrade_file);
    make_two(io, "/v", build_values, values_file);
    check(io_dir_make(io, "/s") == STATUS_OK);
    build_first(&edit);
    check(manifest_create(io, "/s", &id, &edit, &manifest) == STATUS_OK);
    edit_deinit(&edit);
    build_second(&edit);
    check(manifest_append(manifest, &edit) == STATUS_OK);
    edit_deinit(&edit);
    keep(io, "/s/0000000007.manifest", plain_file, 0);
    build_third(&edit);
    check(manifest_append(manifest, &edit) == STATUS_OK);
    edit_deinit(&edit);
    manifest_close(manifest);
    keep(io, "/s/0000000007.manifest", torn_file, IO_PAGE_BYTES - 2 * IO_SECTOR_BYTES); /* two sectors made it */
    const struct superblock superblock = {.store = id.store, .generation = 3, .manifest = 7, .manifest_bytes = 8192};
    check(superblock_create(io, "/s", &superblock) == STATUS_OK);
    keep(io, "/s/SUPERBLOCK", superblock_file, 0);
    io_destroy(io);
    return 0;
}

/* ---- Reading ------------------------------------------------------------------------------------------------------
 */

static void load(const char *path, struct buf *bytes) {
    uint8_t part[BYTES_MAX];
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    const size_t size = fread(part, 1, sizeof part, in);
    fclose(in);
    assert_int_equal(buf_assign(bytes, slice_make(part, size)), STATUS_OK);
}

/* What the edits of a file must be, in order. */
struct expected {
    void (*second)(struct edit *edit);
    unsigned count;
};

/* Each edit must be, byte for byte, what this version's encoder makes of the same change. */
static enum status expect_edit(void *context, const struct edit *edit, struct error *error) {
    struct expected *expected_edits = context;
    unsigned *count = &expected_edits->count;
    struct edit wanted;
    struct buf told = BUF_EMPTY, expected = BUF_EMPTY;
    (void)error;
    if (*count == 0)
        build_first(&wanted);
    else
        expected_edits->second(&wanted);
    assert_int_equal(edit_encode(edit, &told), STATUS_OK);
    assert_int_equal(edit_encode(&wanted, &expected), STATUS_OK);
    assert_int_equal(told.size, expected.size);
    assert_memory_equal(told.data, expected.data, told.size);
    buf_deinit(&told);
    buf_deinit(&expected);
    edit_deinit(&wanted);
    ++*count;
    return STATUS_OK;
}

static void read_manifest_file(const char *path, void (*second)(struct edit *edit), bool torn) {
    struct buf bytes = BUF_EMPTY;
    struct manifest_recovery recovery;
    struct error error = {.status = STATUS_OK};
    struct expected expected = {.second = second};
    load(path, &bytes);
    const enum status status = manifest_parse(buf_slice(&bytes), &id, 8192, expect_edit, &expected, &recovery, &error);
    if (status != STATUS_OK) fail_msg("%s: %s", path, error.text);
    assert_int_equal(expected.count, 2);
    assert_int_equal(recovery.edits, 2);
    assert_int_equal(recovery.torn, torn);
    assert_int_equal(recovery.end, 3 * IO_PAGE_BYTES);
    buf_deinit(&bytes);
}

static void a_manifest_of_version_1_reads_as_it_was_written(void **state) {
    (void)state;
    read_manifest_file(plain_file, build_second, false);
}

static void a_torn_manifest_of_version_1_reads_up_to_the_tear(void **state) {
    (void)state;
    read_manifest_file(torn_file, build_second, true);
}

static void a_manifest_with_an_ingested_file_reads_as_it_was_written(void **state) {
    (void)state;
    read_manifest_file(ingest_file, build_ingest, false);
}

static void a_manifest_with_an_upgrade_reads_as_it_was_written(void **state) {
    (void)state;
    read_manifest_file(upgrade_file, build_upgrade, false);
}

static void a_manifest_with_values_kept_apart_reads_as_it_was_written(void **state) {
    (void)state;
    read_manifest_file(values_file, build_values, false);
}

static void a_superblock_of_version_1_reads_as_it_was_written(void **state) {
    (void)state;
    struct buf bytes = BUF_EMPTY;
    struct superblock superblock;
    load(superblock_file, &bytes);
    assert_int_equal(bytes.size, SUPERBLOCK_BYTES);
    for (unsigned slot = 0; slot < SUPERBLOCK_SLOTS; slot++) {
        assert_int_equal(superblock_parse(bytes.data + slot * IO_PAGE_BYTES, slot, &superblock), STATUS_OK);
        assert_true(superblock.store == id.store && superblock.generation == 3 && superblock.manifest == 7);
        assert_int_equal(superblock.manifest_bytes, 8192);
    }
    assert_int_equal(superblock_parse(bytes.data, 1, &superblock), STATUS_CORRUPT); /* a slot in the other's place */
    buf_deinit(&bytes);
}

/* Lines "00001000  4c 4f ...  comment" of the document become bytes again. */
static void the_example_in_the_document_is_the_golden_file(void **state) {
    (void)state;
    struct buf bytes = BUF_EMPTY;
    static uint8_t told[BYTES_MAX];
    char line[512];
    unsigned lines = 0;
    load(plain_file, &bytes);
    FILE *in = fopen("engine/lsm/FORMAT.md", "r");
    assert_non_null(in);
    while (fgets(line, sizeof line, in) != NULL) {
        char *cursor;
        unsigned long offset = strtoul(line, &cursor, 16);
        if (cursor != line + 8 || strncmp(cursor, "  ", 2) != 0) continue;
        lines++;
        for (cursor += 2; cursor[0] != ' ' && cursor[0] != '\n' && cursor[2] == ' '; cursor += 3) {
            assert_true(offset < bytes.size);
            told[offset++] = (uint8_t)strtoul(cursor, NULL, 16);
        }
    }
    fclose(in);
    assert_true(lines > 20);
    assert_memory_equal(told, bytes.data, bytes.size);
    buf_deinit(&bytes);
}

/* The batch of FORMAT.md's table: one operation of each kind. */
static void a_batch_is_encoded_as_the_document_says(void **state) {
    (void)state;
    static const uint8_t expected[] = {1, 2,   1, 'k', 2, 'v', 'w', 2,   2, 1,   'k', 3,    2, 1, 'a', 1, 'b',  4, 2,
                                       1, 'k', 1, '5', 5, 2,   1,   'k', 1, '+', 6,   0xac, 2, 1, 7,   7, 0xac, 2};
    struct engine_batch batch;
    engine_batch_init(&batch);
    const struct slice k = slice_from_text("k");
    assert_int_equal(engine_batch_put(&batch, 2, k, slice_from_text("vw")), STATUS_OK);
    assert_int_equal(engine_batch_delete(&batch, 2, k), STATUS_OK);
    assert_int_equal(engine_batch_delete_range(&batch, 2, slice_from_text("a"), slice_from_text("b")), STATUS_OK);
    assert_int_equal(engine_batch_merge(&batch, 2, k, slice_from_text("5")), STATUS_OK);
    assert_int_equal(engine_batch_append(&batch, 2, k, slice_from_text("+")), STATUS_OK);
    assert_int_equal(engine_batch_create_tree(&batch, 300, 7), STATUS_OK);
    assert_int_equal(engine_batch_drop_tree(&batch, 300), STATUS_OK);
    assert_int_equal(batch.operations.size, sizeof expected);
    assert_memory_equal(batch.operations.data, expected, sizeof expected);
    engine_batch_deinit(&batch);
}

int main(int argument_count, char **arguments) {
    if (argument_count > 1 && strcmp(arguments[1], "--make") == 0) return make();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manifest_of_version_1_reads_as_it_was_written),
        cmocka_unit_test(a_torn_manifest_of_version_1_reads_up_to_the_tear),
        cmocka_unit_test(a_manifest_with_an_ingested_file_reads_as_it_was_written),
        cmocka_unit_test(a_manifest_with_an_upgrade_reads_as_it_was_written),
        cmocka_unit_test(a_manifest_with_values_kept_apart_reads_as_it_was_written),
        cmocka_unit_test(a_superblock_of_version_1_reads_as_it_was_written),
        cmocka_unit_test(the_example_in_the_document_is_the_golden_file),
        cmocka_unit_test(a_batch_is_encoded_as_the_document_says),
    };
    return cmocka_run_group_tests_name("manifest_golden", tests, NULL, NULL);
}
