/*
 * Format levels: a new store has the latest or the one that was asked for; one that is there keeps its own until it is
 * upgraded, whoever opens, copies or repairs it; a level that is not known is refused by its name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/care.h"
#include "engine/lsm/care_state.h"
#include "engine/lsm/edit.h"
#include "engine/lsm/format_level.h"
#include "engine/lsm/manifest.h"
#include "engine/lsm/superblock.h"
#include "tests/harness/engine_lab.h"
#include "tools/loam/bench/json_rows.h"
#include "tools/sim/sim_io.h"

enum { TREE = 1 };

/* ---- Names and edits --------------------------------------------------------------------------------------------- */

static void a_level_has_one_name(void **state) {
    (void)state;
    static const struct {
        const char *name;
        uint32_t level;
    } rows[] = {
        {"format level 2", 2},
        {"format level 3", 3},
        {"format level 4294967295", UINT32_MAX},
        {"format level 4294967296", 0},
        {"format level 1", 0},
        {"format level 0", 0},
        {"format level 02", 0},
        {"format level ", 0},
        {"format level", 0},
        {"format level 2 ", 0},
        {"Format level 2", 0},
        {"format level -2", 0},
        {"format level 99999999999", 0},
        {"", 0},
        {"another feature", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[FORMAT_NAME_BYTES];
        if (format_level_parse(slice_from_text(rows[i].name)) != rows[i].level) fail_msg("\"%s\"", rows[i].name);
        if (rows[i].level == 0) continue;
        assert_int_equal(format_level_name(rows[i].level, name), strlen(rows[i].name));
        assert_string_equal(name, rows[i].name);
    }
}

static enum status decode_level(uint32_t level, uint32_t *found, struct error *error) {
    struct edit edit, read;
    struct buf bytes = BUF_EMPTY;
    edit_init(&edit, EDIT_UPGRADE);
    edit_init(&read, EDIT_CREATE);
    edit.number = 7;
    edit.format_level = level;
    assert_int_equal(edit_encode(&edit, &bytes), STATUS_OK);
    const enum status status = edit_decode(buf_slice(&bytes), &read, error);
    *found = read.format_level;
    edit_deinit(&edit);
    edit_deinit(&read);
    buf_deinit(&bytes);
    return status;
}

static void an_edit_requires_a_level_by_name(void **state) {
    (void)state;
    struct error error = {.status = STATUS_OK};
    uint32_t found;
    assert_int_equal(decode_level(2, &found, &error), STATUS_OK);
    assert_int_equal(found, 2);
    assert_int_equal(decode_level(1, &found, &error), STATUS_OK); /* says nothing of it, as the first releases did */
    assert_int_equal(found, 0);
    assert_int_equal(decode_level(FORMAT_LEVEL_LATEST + 1, &found, &error), STATUS_VERSION);
    assert_non_null(strstr(error.text, "\"format level 3\""));
}

static void a_table_may_have_what_its_store_has_the_level_for(void **state) {
    (void)state;
    const struct edit_file plain = {.number = 3}, counted = {.number = 3, .hidden = 1};
    const struct edit_file apart = {.number = 3, .values = slice_from_text("uses")};
    for (uint32_t level = FORMAT_LEVEL_FIRST; level <= FORMAT_LEVEL_LATEST; level++) {
        assert_null(format_level_forbids(level, &plain));
        assert_true((format_level_forbids(level, &counted) != NULL) == (level < 2));
        assert_true((format_level_forbids(level, &apart) != NULL) == (level < 2));
    }
}

/* ---- Stores ------------------------------------------------------------------------------------------------------ */

struct lab {
    struct io *io;
    struct engine_options options;
};

static void set_up(struct lab *lab) {
    *lab = (struct lab){.io = sim_io_create_alone(5), .options = lab_options()};
}

static unsigned level_of(const struct engine *engine) {
    struct engine_options options;
    engine_get_options(engine, &options);
    return options.format_level;
}

/* What the manifest says, read without an engine. */
static unsigned level_at(struct io *io, const char *dir) {
    struct error error;
    unsigned level = 0;
    if (engine_care_format_level(io, dir, &level, &error) != STATUS_OK) fail_msg("%s", error.text);
    return level;
}

static struct engine *make(struct lab *lab, unsigned level) {
    struct engine_options options = lab->options;
    options.format_level = level;
    struct engine *engine = lab_open(lab->io, "db", &options);
    lab_create_tree(engine, TREE, LAB_PLAIN);
    lab_put(engine, TREE, "a", "1");
    assert_int_equal(engine_flush(engine), STATUS_OK);
    return engine;
}

static void print_finding(void *context, const struct engine_finding *finding) {
    (void)context;
    print_message("%s: %s\n", finding->file, finding->text);
}

/* Single puts in the log, in a table, and large ones. */
static void what_a_store_of_any_level_writes_keeps_to_it(void **state) {
    (void)state;
    for (unsigned level = FORMAT_LEVEL_FIRST; level <= FORMAT_LEVEL_LATEST; level++) {
        static const char large[600] = {[0 ... 598] = 'v'};
        const struct care_verify_options options = {.visit = print_finding};
        struct care_verify_report report;
        struct error error;
        struct lab lab;
        set_up(&lab);
        struct engine *engine = make(&lab, level);
        lab_put(engine, TREE, "a", "2");
        lab_put(engine, TREE, "b", large);
        assert_int_equal(engine_flush(engine), STATUS_OK);
        assert_int_equal(engine_compact(engine), STATUS_OK);
        lab_put(engine, TREE, "a", "3");
        assert_int_equal(engine_verify(engine, print_finding, NULL), STATUS_OK);
        engine_close(engine);
        assert_int_equal(engine_care_verify(lab.io, "db", &options, &report, &error), STATUS_OK);
        assert_true(report.log_records > 0);
        io_destroy(lab.io);
    }
}

static void a_new_store_has_the_latest_level_or_the_one_that_was_asked_for(void **state) {
    (void)state;
    for (unsigned asked = 0; asked <= FORMAT_LEVEL_LATEST; asked++) {
        struct lab lab;
        set_up(&lab);
        struct engine *engine = make(&lab, asked);
        const unsigned expected = asked ? asked : (unsigned)FORMAT_LEVEL_LATEST;
        assert_int_equal(level_of(engine), expected);
        engine_close(engine);
        assert_int_equal(level_at(lab.io, "db"), expected);
        io_destroy(lab.io);
    }
    struct lab lab;
    struct engine *engine = NULL;
    struct error error;
    set_up(&lab);
    lab.options.format_level = FORMAT_LEVEL_LATEST + 1;
    assert_int_equal(engine_open(lab.io, "db", &lab.options, &engine, &error), STATUS_INVALID);
    assert_non_null(strstr(error.text, "format_level"));
    io_destroy(lab.io);
}

static void a_store_keeps_its_level_whatever_it_is_opened_with(void **state) {
    (void)state;
    struct lab lab;
    set_up(&lab);
    engine_close(make(&lab, 1));
    for (unsigned asked = 0; asked <= FORMAT_LEVEL_LATEST; asked++) {
        lab.options.format_level = asked;
        struct engine *engine = lab_open(lab.io, "db", &lab.options);
        assert_int_equal(level_of(engine), 1);
        lab_put(engine, TREE, "b", "2");
        assert_int_equal(engine_compact(engine), STATUS_OK);
        engine_close(engine);
        assert_int_equal(level_at(lab.io, "db"), 1);
    }
    io_destroy(lab.io);
}

static void copies_have_the_level_of_the_original(void **state) {
    (void)state;
    for (unsigned level = 1; level <= FORMAT_LEVEL_LATEST; level++) {
        struct lab lab;
        struct backup_report report;
        struct error error;
        struct engine_mark mark;
        set_up(&lab);
        struct engine *engine = make(&lab, level);
        assert_int_equal(engine_checkpoint(engine, "checkpoint", &mark, &error), STATUS_OK);
        assert_int_equal(engine_backup(engine, "backups", NULL, &report, &error), STATUS_OK);
        engine_close(engine);
        assert_int_equal(engine_care_backup(lab.io, "db", "backups", NULL, &report, &error), STATUS_OK);
        assert_int_equal(engine_care_restore(lab.io, "backups", 1, "first", &error), STATUS_OK);
        assert_int_equal(engine_care_restore(lab.io, "backups", 2, "second", &error), STATUS_OK);
        static const char *const copies[] = {"checkpoint", "first", "second"};
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(level_at(lab.io, copies[i]), level);
            engine_close(lab_open(lab.io, copies[i], &lab.options));
            assert_int_equal(level_at(lab.io, copies[i]), level);
        }
        io_destroy(lab.io);
    }
}

/* ---- Upgrades ---------------------------------------------------------------------------------------------------- */

static void count_feature(void *context, const char *text) {
    assert_true(strlen(text) > 0);
    ++*(unsigned *)context;
}

static void a_running_store_goes_up_and_never_down(void **state) {
    (void)state;
    struct lab lab;
    struct error error;
    unsigned features = 0;
    set_up(&lab);
    struct engine *engine = make(&lab, 1);
    assert_int_equal(engine_upgrade(engine, FORMAT_LEVEL_LATEST + 1, &error), STATUS_INVALID);
    assert_int_equal(engine_upgrade(engine, 1, &error), STATUS_OK);
    assert_int_equal(level_at(lab.io, "db"), 1);
    assert_int_equal(engine_upgrade(engine, 2, &error), STATUS_OK);
    assert_int_equal(level_of(engine), 2);
    assert_int_equal(level_at(lab.io, "db"), 2);
    assert_int_equal(engine_upgrade(engine, 0, &error), STATUS_OK);
    assert_int_equal(engine_upgrade(engine, 1, &error), STATUS_INVALID);
    assert_non_null(strstr(error.text, "only go up"));
    assert_int_equal(engine_verify(engine, NULL, NULL), STATUS_OK);
    engine_close(engine);
    lab.options.format_level = 1;
    engine = lab_open(lab.io, "db", &lab.options);
    assert_int_equal(level_of(engine), 2);
    lab_expect(engine, NULL, TREE, "a", "1");
    engine_close(engine);
    engine_format_level_describe(2, count_feature, &features);
    assert_true(features > 0);
    io_destroy(lab.io);
}

static void a_reader_can_not_upgrade(void **state) {
    (void)state;
    struct lab lab;
    struct error error;
    set_up(&lab);
    engine_close(make(&lab, 1));
    lab.options.read_only = true;
    struct engine *engine = lab_open(lab.io, "db", &lab.options);
    assert_int_equal(engine_upgrade(engine, 2, &error), STATUS_READ_ONLY);
    assert_int_equal(level_of(engine), 1);
    engine_close(engine);
    assert_int_equal(level_at(lab.io, "db"), 1);
    io_destroy(lab.io);
}

static void a_store_at_rest_goes_up(void **state) {
    (void)state;
    struct lab lab;
    struct error error;
    struct care_upgrade_report report;
    struct buf options = BUF_EMPTY;
    set_up(&lab);
    struct engine *engine = make(&lab, 1);
    lab_put(engine, TREE, "b", "only in the log");
    assert_int_equal(engine_care_upgrade(lab.io, "db", 0, &report, &error), STATUS_LOCKED);
    engine_close(engine);
    assert_int_equal(engine_care_upgrade(lab.io, "db", FORMAT_LEVEL_LATEST + 1, &report, &error), STATUS_INVALID);
    assert_int_equal(engine_care_upgrade(lab.io, "nowhere", 0, &report, &error), STATUS_NOT_FOUND);
    assert_int_equal(engine_care_upgrade(lab.io, "db", 2, &report, &error), STATUS_OK);
    assert_true(report.from == 1 && report.to == 2);
    assert_int_equal(engine_care_upgrade(lab.io, "db", 0, &report, &error), STATUS_OK);
    assert_true(report.from == 2 && report.to == 2);
    assert_int_equal(engine_care_upgrade(lab.io, "db", 1, &report, &error), STATUS_INVALID);
    assert_int_equal(file_read_all(lab.io, "db/OPTIONS", 1 << 20, &options), STATUS_OK);
    assert_non_null(memmem(options.data, options.size, "\nformat_level 2\n", 16));
    buf_deinit(&options);
    engine = lab_open(lab.io, "db", &lab.options);
    assert_int_equal(level_of(engine), 2);
    lab_expect(engine, NULL, TREE, "a", "1");
    lab_expect(engine, NULL, TREE, "b", "only in the log");
    engine_close(engine);
    io_destroy(lab.io);
}

/* ---- Others' stores ---------------------------------------------------------------------------------------------- */

/* A sound manifest whose first edit requires the level after the latest. */
static void write_newer(struct io *io) {
    struct manifest *manifest = NULL;
    struct superblock superblock;
    struct error error;
    struct edit edit;
    bool damaged;
    assert_int_equal(superblock_read(io, "db", &superblock, &damaged, &error), STATUS_OK);
    superblock.generation++;
    superblock.manifest = 99999;
    const struct manifest_id id = {superblock.store, superblock.manifest, superblock.generation};
    edit_init(&edit, EDIT_SNAPSHOT);
    edit.number = 1000;
    edit.format_level = FORMAT_LEVEL_LATEST + 1;
    assert_int_equal(manifest_create(io, "db", &id, &edit, &manifest), STATUS_OK);
    superblock.manifest_bytes = manifest_bytes(manifest);
    manifest_close(manifest);
    assert_int_equal(superblock_create(io, "db", &superblock), STATUS_OK);
    edit_deinit(&edit);
}

static void a_newer_store_is_refused_by_name_and_left_alone(void **state) {
    (void)state;
    struct lab lab;
    struct error error;
    struct engine *engine = NULL;
    struct care_verify_report verified;
    struct care_repair_report repaired;
    struct care_upgrade_report upgraded;
    const struct care_verify_options verify = {.visit = NULL};
    const struct care_repair_options repair = {.say = NULL};
    set_up(&lab);
    engine_close(make(&lab, 1));
    write_newer(lab.io);
    assert_int_equal(engine_open(lab.io, "db", &lab.options, &engine, &error), STATUS_VERSION);
    assert_non_null(strstr(error.text, "\"format level 3\""));
    assert_int_equal(engine_care_verify(lab.io, "db", &verify, &verified, &error), STATUS_VERSION);
    assert_int_equal(engine_care_upgrade(lab.io, "db", 0, &upgraded, &error), STATUS_VERSION);
    assert_int_equal(engine_care_repair(lab.io, "db", &repair, &repaired, &error), STATUS_VERSION);
    assert_non_null(strstr(error.text, "\"format level 3\""));
    /* Nor does a repair take it for a ruin when the superblock is gone. */
    assert_int_equal(io_remove(lab.io, "db/SUPERBLOCK"), STATUS_OK);
    assert_int_equal(engine_care_repair(lab.io, "db", &repair, &repaired, &error), STATUS_VERSION);
    io_destroy(lab.io);
}

static void a_repair_keeps_a_level_that_it_can_read_and_else_takes_the_latest(void **state) {
    (void)state;
    const struct care_repair_options options = {.say = NULL};
    for (unsigned lost = 0; lost < 2; lost++) {
        struct lab lab;
        struct care_repair_report report;
        struct error error;
        set_up(&lab);
        struct engine *engine = make(&lab, 1);
        engine_close(engine);
        if (lost) {
            assert_int_equal(io_remove(lab.io, "db/SUPERBLOCK"), STATUS_OK);
        } else { /* a table that is named and gone: the manifest is sound */
            assert_int_equal(io_remove(lab.io, "db/0000000002.sst"), STATUS_OK);
        }
        const enum status status = engine_care_repair(lab.io, "db", &options, &report, &error);
        if (status != STATUS_OK) fail_msg("%s", error.text);
        assert_true(report.needed);
        assert_int_equal(level_at(lab.io, "db"), lost ? FORMAT_LEVEL_LATEST : 1);
        io_destroy(lab.io);
    }
}

/* ---- What is beyond the level ------------------------------------------------------------------------------------ */

static enum status add_file(void *context, const struct edit_file *meta) {
    return edit_add_file(context, meta);
}

/* A manifest that says the same as the store's, and requires no level. */
static void forget_level(struct io *io) {
    struct care_state state;
    struct manifest *manifest = NULL;
    struct error error;
    struct edit edit;
    assert_int_equal(care_state_load(&state, io, "db", &error), STATUS_OK);
    const struct recovered *recovered = &state.recovered;
    struct superblock superblock = state.superblock;
    edit_init(&edit, EDIT_SNAPSHOT);
    edit.number = recovered->last_edit + 1;
    edit.has_mark = true;
    edit.mark = recovered->mark;
    edit.last_sequence = recovered->last_sequence;
    edit.next_instance = recovered->next_instance;
    edit.next_file = 100000;
    for (size_t i = 0; i < recovered->kind_count; i++)
        assert_int_equal(edit_add_kind(&edit, &recovered->kinds[i]), STATUS_OK);
    for (size_t i = 0; i < recovered->tree_count; i++)
        assert_int_equal(edit_create_tree(&edit, &recovered->trees[i].tree), STATUS_OK);
    assert_int_equal(recovered_each_file(recovered, add_file, &edit), STATUS_OK);
    superblock.generation++;
    superblock.manifest = 99999;
    const struct manifest_id id = {superblock.store, superblock.manifest, superblock.generation};
    assert_int_equal(manifest_create(io, "db", &id, &edit, &manifest), STATUS_OK);
    superblock.manifest_bytes = manifest_bytes(manifest);
    manifest_close(manifest);
    assert_int_equal(superblock_create(io, "db", &superblock), STATUS_OK);
    edit_deinit(&edit);
    care_state_deinit(&state);
    assert_int_equal(level_at(io, "db"), 1);
}

struct words {
    const char *expected;
    unsigned found, others;
};

static void look_for_words(void *context, const struct engine_finding *finding) {
    struct words *words = context;
    const bool is_it = strstr(finding->text, words->expected) && strstr(finding->text, "format level");
    words->found += is_it;
    words->others += !is_it;
    if (!is_it) print_message("%s: %s\n", finding->file, finding->text);
}

static void expect_finding(struct io *io, const char *text) {
    struct words words = {.expected = text};
    const struct care_verify_options options = {.visit = look_for_words, .context = &words};
    struct care_verify_report report;
    struct error error;
    assert_int_equal(engine_care_verify(io, "db", &options, &report, &error), STATUS_CORRUPT);
    assert_true(words.found > 0 && words.others == 0);
}

/* Of the log: all of it is in tables. */
static enum status remove_entry(void *context, const struct io_entry *entry) {
    char path[IO_PATH_BYTES];
    snprintf(path, sizeof path, "db/wal/%s", entry->name);
    return io_remove(context, path);
}

/* A batch of two is no compact record, but its segment may have some, and stands behind unsynced ones. */
static void segments_beyond_the_level_are_found(void **state) {
    (void)state;
    struct lab lab;
    struct engine_batch batch;
    set_up(&lab);
    struct engine *engine = make(&lab, 2);
    engine_batch_init(&batch);
    assert_int_equal(engine_batch_put(&batch, TREE, slice_from_text("x"), slice_from_text("1")), STATUS_OK);
    assert_int_equal(engine_batch_put(&batch, TREE, slice_from_text("y"), slice_from_text("2")), STATUS_OK);
    assert_int_equal(lab_write(engine, &batch), STATUS_OK);
    engine_batch_deinit(&batch);
    engine_close(engine);
    forget_level(lab.io);
    expect_finding(lab.io, "segments behind unsynced ones");
    io_destroy(lab.io);
}

static void dictionaries_beyond_the_level_are_found(void **state) {
    (void)state;
    const struct engine_tree_kind kind = {.id = 1,
                                          .name = "rows",
                                          .upper = ENGINE_COMPRESSION_ZSTD,
                                          .bottom = ENGINE_COMPRESSION_ZSTD,
                                          .dictionary_bytes = 1024};
    struct lab lab;
    set_up(&lab);
    lab.options.kinds = &kind;
    lab.options.kind_count = 1;
    lab.options.memtable_bytes = 1 << 20;
    lab.options.file_bytes = 1 << 20;
    struct engine *engine = lab_open(lab.io, "db", &lab.options);
    lab_create_tree(engine, TREE, 1);
    for (unsigned i = 0; i < 500; i++) {
        char key[16], text[JSON_ROW_BYTES];
        snprintf(key, sizeof key, "row%05u", i);
        text[json_row(i, text)] = 0;
        lab_put(engine, TREE, key, text);
    }
    assert_int_equal(engine_flush(engine), STATUS_OK);
    struct engine_stats stats;
    engine_get_stats(engine, &stats);
    assert_true(stats.dictionaries > 0);
    engine_close(engine);
    assert_int_equal(io_dir_list(lab.io, "db/wal", remove_entry, lab.io), STATUS_OK);
    forget_level(lab.io);
    expect_finding(lab.io, "has a dictionary");
    engine = lab_open(lab.io, "db", &lab.options);
    assert_int_equal(engine_verify(engine, NULL, NULL), STATUS_CORRUPT);
    engine_close(engine);
    io_destroy(lab.io);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_beyond_the_level_are_found),
        cmocka_unit_test(dictionaries_beyond_the_level_are_found),
        cmocka_unit_test(a_level_has_one_name),
        cmocka_unit_test(an_edit_requires_a_level_by_name),
        cmocka_unit_test(a_table_may_have_what_its_store_has_the_level_for),
        cmocka_unit_test(what_a_store_of_any_level_writes_keeps_to_it),
        cmocka_unit_test(a_new_store_has_the_latest_level_or_the_one_that_was_asked_for),
        cmocka_unit_test(a_store_keeps_its_level_whatever_it_is_opened_with),
        cmocka_unit_test(copies_have_the_level_of_the_original),
        cmocka_unit_test(a_running_store_goes_up_and_never_down),
        cmocka_unit_test(a_reader_can_not_upgrade),
        cmocka_unit_test(a_store_at_rest_goes_up),
        cmocka_unit_test(a_newer_store_is_refused_by_name_and_left_alone),
        cmocka_unit_test(a_repair_keeps_a_level_that_it_can_read_and_else_takes_the_latest),
    };
    return cmocka_run_group_tests_name("format levels", tests, NULL, NULL);
}
