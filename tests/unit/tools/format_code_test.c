/*
 * format_code_test: what the encoders write stands where the tables of fields say, which tools and pages are made of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/check.h"
#include "engine/lsm/lsm_layout_format.h"
#include "engine/lsm/manifest_format.h"
#include "engine/lsm/superblock_format.h"

/* The number of the field in bytes that an encoder wrote. */
static uint64_t field_at(const struct layout *layout, const uint8_t *bytes, const char *name) {
    const struct layout_row *row = layout_row(layout, name);
    struct fields fields =
        fields_make(slice_make(bytes + layout_offset(layout, name), layout_row_size(row)), NULL, NULL);
    return layout_read(row, &fields);
}

/* Magics and zeros are where they should be. */
static void pass_over(void *context, struct slice bytes, const char *name, const char *words) {
    (void)context, (void)bytes, (void)name, (void)words;
}
static void expect_sound(const struct layout *layout, const uint8_t *bytes) {
    struct fields fields = fields_make(slice_make(bytes, layout_size(layout->rows)), pass_over, NULL);
    (void)layout_describe(layout->rows, &fields, NULL);
    if (!fields_end(&fields)) fail_msg("%s: %s", layout->name, fields.fault);
}

static void a_superblock_is_written_as_its_table_says(void **state) {
    (void)state;
    uint8_t bytes[IO_SECTOR_BYTES];
    const struct superblock superblock = {.store = 11, .generation = 12, .manifest = 13, .manifest_bytes = 14};
    const struct layout *layout = &superblock_slot_layout;
    superblock_encode(&superblock, 1, bytes);
    expect_sound(layout, bytes);
    assert_int_equal(layout_size(layout->rows), IO_SECTOR_BYTES);
    assert_int_equal(field_at(layout, bytes, "version"), 1);
    assert_int_equal(field_at(layout, bytes, "store"), 11);
    assert_int_equal(field_at(layout, bytes, "generation"), 12);
    assert_int_equal(field_at(layout, bytes, "manifest"), 13);
    assert_int_equal(field_at(layout, bytes, "manifest bytes"), 14);
}

static void a_manifest_is_written_as_its_tables_say(void **state) {
    (void)state;
    uint8_t bytes[IO_SECTOR_BYTES];
    const struct manifest_id id = {.store = 11, .number = 12, .generation = 13};
    const struct layout *layout = &manifest_header_layout, *sector = &manifest_sector_layout;
    manifest_header_encode(&id, bytes);
    expect_sound(layout, bytes);
    assert_int_equal(layout_offset(layout, "magic"), MANIFEST_HEADER_MAGIC_AT);
    assert_int_equal(field_at(layout, bytes, "version"), MANIFEST_VERSION);
    assert_int_equal(field_at(layout, bytes, "sector bytes"), IO_SECTOR_BYTES);
    assert_int_equal(field_at(layout, bytes, "store"), 11);
    assert_int_equal(field_at(layout, bytes, "number"), 12);
    assert_int_equal(field_at(layout, bytes, "generation"), 13);
    assert_int_equal(layout_offset(sector, "edit"), MANIFEST_SECTOR_EDIT_AT);
    assert_int_equal(layout_offset(sector, "sector of the edit"), MANIFEST_SECTOR_INDEX_AT);
    assert_int_equal(layout_offset(sector, "sectors"), MANIFEST_SECTOR_COUNT_AT);
    assert_int_equal(layout_offset(sector, "used bytes"), MANIFEST_SECTOR_USED_AT);
    assert_int_equal(layout_offset(sector, "magic"), MANIFEST_SECTOR_MAGIC_AT);
    assert_int_equal(layout_size(sector->rows), MANIFEST_SECTOR_PAYLOAD_AT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_superblock_is_written_as_its_table_says),
        cmocka_unit_test(a_manifest_is_written_as_its_tables_say),
    };
    return cmocka_run_group_tests_name("format_code", tests, NULL, NULL);
}
