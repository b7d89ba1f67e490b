/*
 * raft_view_test: what is said of a node's directory: made by the formats' own encoders, then damaged, cut, moved.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/engine.h"
#include "engine/lsm/manifest.h"
#include "raft/log/node_state.h"
#include "raft/log/raft_log.h"
#include "tests/harness/seeds.h"
#include "tests/harness/temp_dir.h"
#include "tests/harness/test_env.h"
#include "tools/loam/inspect/raftview/raft_compare.h"
#include "tools/loam/inspect/raftview/raft_json.h"
#include "tools/loam/inspect/raftview/raft_text.h"
#include "tools/loamd/stores.h"

enum { SEGMENT = 64 << 10, ENTRY_BYTES = 600, ENTRIES = 300, KIND_SYSTEM_TREE = 1 };

struct lab {
    struct io *io;
    char home[TEMP_DIR_BYTES], dir[IO_PATH_BYTES], other[IO_PATH_BYTES];
    struct stores stores;
    struct raft_view *view;
    struct error error;
};

/* ---- Making ------------------------------------------------------------------------------------------------------ */

static void append(struct wal *wal, uint8_t type, const void *head, size_t size, size_t more) {
    static const uint8_t payload[ENTRY_BYTES];
    const struct slice parts[] = {slice_make(head, size), slice_make(payload, more)};
    uint64_t lsn;
    assert_int_equal(wal_append(wal, type, parts, more ? 2 : 1, &lsn), STATUS_OK);
    assert_int_equal(wal_commit(wal, true), STATUS_OK);
}

static void append_entry(struct wal *wal, uint64_t index, uint64_t term) {
    uint8_t head[RAFT_LOG_ENTRY_HEAD_BYTES];
    const struct raft_log_record record = {
        .kind = RAFT_LOG_ENTRY, .index = index, .term = term, .entry_kind = RAFT_ENTRY_COMMAND};
    raft_log_entry_head_encode(head, &record);
    append(wal, RAFT_LOG_ENTRY, head, sizeof head, ENTRY_BYTES);
}

static void append_index(struct wal *wal, uint8_t type, uint64_t index) {
    uint8_t bytes[8];
    for (unsigned i = 0; i < 8; i++) bytes[i] = (uint8_t)(index >> 8 * i);
    append(wal, type, bytes, sizeof bytes, 0);
}

static void file_in(const char *dir, const char *name, char path[IO_PATH_BYTES]) {
    assert_true(snprintf(path, IO_PATH_BYTES, "%s/%s", dir, name) < IO_PATH_BYTES);
}

/* Node `id` of three, with an empty store and ENTRIES entries: term 1, and 2 from the middle on. */
static void make_node(struct lab *lab, uint64_t id, const char *dir) {
    struct node_state state = {
        .generation = 1, .cluster_id = 7, .node_id = id, .incarnation = 100 + id, .members_hash = 9};
    char path[IO_PATH_BYTES];
    struct wal *wal = NULL;
    struct engine *engine = NULL;
    state.term = 2;
    state.engine_number = 1;
    for (uint64_t other = 1; other <= 3; other++)
        if (other != id) assert_true(node_state_note_incarnation(&state, other, 100 + other));
    assert_int_equal(io_dir_make(lab->io, dir), STATUS_OK);
    assert_int_equal(node_state_create(lab->io, dir, &state, &lab->error), STATUS_OK);
    file_in(dir, "log", path);
    const struct wal_options options = {.owner = raft_survey_log_owner(id, 100 + id), .segment_bytes = SEGMENT};
    assert_int_equal(wal_open(lab->io, path, &options, NULL, NULL, &wal, NULL, &lab->error), STATUS_OK);
    for (uint64_t index = 1; index <= ENTRIES; index++) append_entry(wal, index, index > ENTRIES / 2 ? 2 : 1);
    append_index(wal, RAFT_LOG_COMMIT, ENTRIES - 10);
    wal_close(wal);
    file_in(dir, "engine-00000001", path);
    const struct engine_tree_kind kind = {.id = KIND_SYSTEM_TREE, .name = "raft.system"};
    const struct engine_options store = {.kinds = &kind, .kind_count = 1, .wal = ENGINE_WAL_OFF, .owner_seals = true};
    assert_int_equal(engine_open(lab->io, path, &store, &engine, &lab->error), STATUS_OK);
    engine_close(engine);
}

static int set_up(void **state) {
    struct lab *lab = calloc(1, sizeof *lab);
    const struct io_options options = {.backend = IO_BACKEND_POSIX};
    *state = lab;
    if (!lab || io_create(&options, &lab->io, NULL) != STATUS_OK || stores_init(&lab->stores) != STATUS_OK) return -1;
    temp_dir_make(lab->home, "raftview");
    file_in(lab->home, "node-1", lab->dir);
    file_in(lab->home, "node-2", lab->other);
    make_node(lab, 1, lab->dir);
    return 0;
}

static void forget(struct lab *lab) {
    if (lab->view) raft_view_deinit(lab->view);
    free(lab->view);
    lab->view = NULL;
}

static int tear_down(void **state) {
    struct lab *lab = *state;
    forget(lab);
    temp_dir_remove(lab->io, lab->home);
    stores_deinit(&lab->stores);
    io_destroy(lab->io);
    free(lab);
    return 0;
}

static const struct raft_view *look(struct lab *lab, const char *dir) {
    forget(lab);
    lab->view = calloc(1, sizeof *lab->view);
    assert_non_null(lab->view);
    const enum status status =
        raft_view_read(lab->io, dir, lab->stores.machines, lab->stores.machine_count, lab->view, &lab->error);
    if (status != STATUS_OK) fail_msg("%s", lab->error.text);
    return lab->view;
}

/* ---- Harming ----------------------------------------------------------------------------------------------------- */

static void flip(struct lab *lab, const char *name, uint64_t at, uint8_t mask) {
    char path[IO_PATH_BYTES];
    struct io_file *file = NULL;
    uint8_t byte;
    size_t got = 0;
    file_in(lab->dir, name, path);
    assert_int_equal(io_file_open(lab->io, path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    assert_int_equal(io_file_read(file, at, &byte, 1, &got), STATUS_OK);
    byte ^= mask;
    assert_int_equal(io_file_write(file, at, &byte, 1), STATUS_OK);
    io_file_close(file);
}

static void move(struct lab *lab, const char *from_dir, const char *from, const char *to_dir, const char *to) {
    char a[IO_PATH_BYTES], b[IO_PATH_BYTES];
    file_in(from_dir, from, a);
    file_in(to_dir, to, b);
    assert_int_equal(io_rename(lab->io, a, b), STATUS_OK);
}

static bool blames(const struct raft_view *view, const char *file, const char *words) {
    for (size_t i = 0; i < raft_view_problems_kept(view); i++)
        if (strcmp(raft_view_short(view, view->problems[i].path), file) == 0 && strstr(view->problems[i].text, words))
            return true;
    for (size_t i = 0; i < raft_view_problems_kept(view); i++)
        print_message("%s: %s\n", view->problems[i].path, view->problems[i].text);
    return false;
}

/* ---- Facts ------------------------------------------------------------------------------------------------------- */

static void a_sound_directory_is_told_whole_and_clean(void **state) {
    const struct raft_view *view = look(*state, ((struct lab *)*state)->dir);
    assert_int_equal(view->verdict, RAFT_VIEW_CLEAN);
    assert_int_equal(view->problem_count, 0);
    assert_int_equal(view->entry_count, ENTRIES);
    assert_int_equal(view->commit, ENTRIES - 10);
    assert_int_equal(raft_view_last_term(view), 2);
    assert_true(view->segment_count > 2 && view->segments[0].first == 1 && view->slot->term == 2);
    assert_int_equal(view->entries[0].size, ENTRY_BYTES);
    assert_true(raft_view_is_whole(view));
}

static void a_cut_takes_entries_back_and_is_counted(void **state) {
    struct lab *lab = *state;
    char path[IO_PATH_BYTES];
    struct wal *wal = NULL;
    const struct wal_options options = {.owner = raft_survey_log_owner(1, 101), .segment_bytes = SEGMENT};
    file_in(lab->dir, "log", path);
    assert_int_equal(wal_open(lab->io, path, &options, NULL, NULL, &wal, NULL, &lab->error), STATUS_OK);
    append_index(wal, RAFT_LOG_CUT, ENTRIES - 4);
    append_entry(wal, ENTRIES - 4, 2);
    wal_close(wal);
    const struct raft_view *view = look(lab, lab->dir);
    assert_int_equal(view->verdict, RAFT_VIEW_CLEAN);
    assert_true(view->cuts == 1 && view->cut_entries == 5 && raft_view_last(view) == ENTRIES - 4);
}

static void a_flipped_bit_costs_the_entries_of_its_group_alone(void **state) {
    struct lab *lab = *state;
    const uint64_t offset = look(lab, lab->dir)->entries[9].lsn & UINT32_MAX;
    flip(lab, "log/00000001.wal", offset + 100, 4);
    const struct raft_view *view = look(lab, lab->dir);
    assert_int_equal(view->verdict, RAFT_VIEW_CORRUPT);
    assert_int_equal(view->problem_count, 1);
    assert_string_equal(raft_view_short(view, view->problems[0].path), "log/00000001.wal");
    assert_true(view->problems[0].lost_from == 10 && view->problems[0].lost_to == 10);
    assert_true(view->problems[0].from <= offset + 100 && offset + 100 < view->problems[0].to);
    assert_int_equal(raft_view_at(view, 10), RAFT_VIEW_LOST);
    assert_int_equal(view->entry_count, ENTRIES - 1);
}

/* A log that does not open is told twice: what was told before is forgotten. */
static void a_record_of_nobodys_is_told_once_also_before_damage(void **state) {
    struct lab *lab = *state;
    char path[IO_PATH_BYTES];
    struct wal *wal = NULL;
    const struct wal_options options = {.owner = raft_survey_log_owner(1, 101), .segment_bytes = SEGMENT};
    file_in(lab->dir, "log", path);
    assert_int_equal(wal_open(lab->io, path, &options, NULL, NULL, &wal, NULL, &lab->error), STATUS_OK);
    append_index(wal, 9, 1);
    append_entry(wal, ENTRIES + 1, 2);
    append_entry(wal, ENTRIES + 2, 2);
    wal_close(wal);
    const struct raft_view *view = look(lab, lab->dir);
    assert_true(blames(view, raft_view_short(view, view->problems[0].path), "it is none of raft's"));
    assert_int_equal(view->problem_count, 1);
    const uint64_t lsn = raft_view_find(view, ENTRIES + 1)->lsn;
    char name[32];
    (void)snprintf(name, sizeof name, "log/%08x.wal", (unsigned)(lsn >> 32));
    flip(lab, name, (lsn & UINT32_MAX) + 100, 1);
    view = look(lab, lab->dir);
    assert_int_equal(view->problem_count, 2);
    assert_true(view->problems[1].lost_from == ENTRIES + 1 && view->problems[1].lost_to == ENTRIES + 1);
}

/* A sector of the last group was never written: nothing of it was acknowledged. */
static void a_tail_that_was_not_completed_is_torn_and_no_damage(void **state) {
    struct lab *lab = *state;
    static const uint8_t zeros[IO_SECTOR_BYTES];
    char name[32], path[IO_PATH_BYTES];
    const struct raft_view *view = look(lab, lab->dir);
    const uint64_t end = view->log.recovery.end_lsn; /* of a group that fills its page */
    struct io_file *file = NULL;
    (void)snprintf(name, sizeof name, "log/%08x.wal", (unsigned)(end >> 32));
    file_in(lab->dir, name, path);
    const uint64_t page = (end & UINT32_MAX) / IO_PAGE_BYTES * IO_PAGE_BYTES - IO_PAGE_BYTES;
    assert_int_equal(io_file_open(lab->io, path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    assert_int_equal(io_file_write(file, page + 5 * IO_SECTOR_BYTES, zeros, sizeof zeros), STATUS_OK);
    io_file_close(file);
    view = look(lab, lab->dir);
    assert_int_equal(view->verdict, RAFT_VIEW_TORN);
    assert_true(blames(view, name, "Nothing of it was ever acknowledged"));
    assert_true(view->problem_count == 1 && raft_view_is_whole(view));
    assert_int_equal(view->commit_note, 0); /* it was in that group */
    assert_int_equal(view->entry_count, ENTRIES);
}

static void a_segment_that_is_missing_is_named_with_its_entries(void **state) {
    struct lab *lab = *state;
    const struct raft_view_segment lost = look(lab, lab->dir)->segments[1];
    char path[IO_PATH_BYTES];
    file_in(lab->dir, "log/00000002.wal", path);
    assert_int_equal(io_remove(lab->io, path), STATUS_OK);
    const struct raft_view *view = look(lab, lab->dir);
    assert_true(blames(view, "log/00000002.wal", "missing"));
    assert_true(view->problems[0].lost_from == lost.first && view->problems[0].lost_to == lost.last);
}

static void a_segment_that_was_cut_short_is_blamed_itself(void **state) {
    struct lab *lab = *state;
    char path[IO_PATH_BYTES];
    struct io_file *file = NULL;
    file_in(lab->dir, "log/00000002.wal", path);
    assert_int_equal(io_file_open(lab->io, path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    assert_int_equal(io_file_truncate(file, SEGMENT / 2), STATUS_OK);
    io_file_close(file);
    const struct raft_view *view = look(lab, lab->dir);
    assert_true(blames(view, "log/00000002.wal", "and was made with"));
    for (size_t i = 0; i < view->problem_count; i++)
        assert_string_equal(raft_view_short(view, view->problems[i].path), "log/00000002.wal");
}

static void a_segment_of_another_node_is_named_as_such(void **state) {
    struct lab *lab = *state;
    make_node(lab, 2, lab->other);
    move(lab, lab->other, "log/00000002.wal", lab->dir, "log/00000002.wal");
    const struct raft_view *view = look(lab, lab->dir);
    assert_true(blames(view, "log/00000002.wal", "it is node 2's"));
    assert_int_equal(view->problem_count, 1);
    assert_true(view->problems[0].lost_from > 1 && view->problems[0].lost_to > view->problems[0].lost_from);
}

static void the_superblock_of_another_node_is_not_called_damage_of_the_log(void **state) {
    struct lab *lab = *state;
    make_node(lab, 2, lab->other);
    move(lab, lab->other, "superblock", lab->dir, "superblock");
    const struct raft_view *view = look(lab, lab->dir);
    assert_true(view->log_is_foreign);
    assert_int_equal(view->entry_count, ENTRIES);
    assert_true(blames(view, ".", "the superblock is node 2's, the log is node 1's"));
    assert_true(blames(view, "superblock", "the superblock was moved or copied here"));
    for (size_t i = 0; i < view->problem_count; i++) assert_null(strstr(view->problems[i].path, ".wal"));
}

static void segments_that_changed_names_are_told_by_their_own(void **state) {
    struct lab *lab = *state;
    move(lab, lab->dir, "log/00000001.wal", lab->dir, "log/swap");
    move(lab, lab->dir, "log/00000002.wal", lab->dir, "log/00000001.wal");
    move(lab, lab->dir, "log/swap", lab->dir, "log/00000002.wal");
    const struct raft_view *view = look(lab, lab->dir);
    assert_true(blames(view, "log/00000001.wal", "the file is segment 00000002"));
    assert_true(blames(view, "log/00000002.wal", "the file is segment 00000001"));
    assert_int_equal(view->problem_count, 2);
}

static void one_damaged_slot_costs_nothing_and_both_cost_the_promise(void **state) {
    struct lab *lab = *state;
    flip(lab, "superblock", 60, 1);
    const struct raft_view *view = look(lab, lab->dir);
    assert_true(blames(view, "superblock", "slot 0: it does not verify. The other slot counts"));
    assert_true(view->slot && view->slot->term == 2 && raft_view_is_whole(view));
    flip(lab, "superblock", NODE_STATE_STRIDE + 60, 1);
    view = look(lab, lab->dir);
    assert_true(blames(view, "superblock", "Term and vote are lost"));
    assert_true(!view->slot && view->entry_count == ENTRIES); /* the log tells all the same */
}

static void a_node_without_a_superblock_is_known_by_whom_others_have_met(void **state) {
    struct lab *lab = *state;
    make_node(lab, 2, lab->other);
    flip(lab, "superblock", 60, 1);
    flip(lab, "superblock", NODE_STATE_STRIDE + 60, 1);
    look(lab, lab->other);
    struct raft_view *other = lab->view;
    lab->view = NULL;
    assert_int_equal(look(lab, lab->dir)->node_id, 0);
    raft_view_identify(lab->view, other);
    assert_int_equal(lab->view->node_id, 1);
    raft_view_deinit(other);
    free(other);
}

static void a_superblock_older_than_the_log_is_blamed_itself(void **state) {
    struct lab *lab = *state;
    struct node_state state_of = {
        .generation = 1, .cluster_id = 7, .node_id = 1, .incarnation = 101, .term = 1, .engine_number = 1};
    char path[IO_PATH_BYTES];
    file_in(lab->dir, "superblock", path);
    assert_int_equal(io_remove(lab->io, path), STATUS_OK);
    assert_int_equal(node_state_create(lab->io, lab->dir, &state_of, &lab->error), STATUS_OK);
    const struct raft_view *view = look(lab, lab->dir);
    assert_true(blames(view, "superblock", "it promises term 1, and the log has entries of term 2"));
    assert_int_equal(view->problem_count, 1);
}

static void a_missing_log_store_or_superblock_is_told_by_its_name(void **state) {
    struct lab *lab = *state;
    move(lab, lab->dir, "log", lab->home, "log-away");
    assert_true(blames(look(lab, lab->dir), "log", "the log is missing"));
    move(lab, lab->home, "log-away", lab->dir, "log");
    move(lab, lab->dir, "engine-00000001", lab->home, "store-away");
    assert_true(blames(look(lab, lab->dir), "engine-00000001", "the store is missing"));
    move(lab, lab->home, "store-away", lab->dir, "engine-00000001");
    move(lab, lab->dir, "superblock", lab->home, "superblock-away");
    const struct raft_view *view = look(lab, lab->dir);
    assert_true(blames(view, "superblock", "the file is missing"));
    assert_int_equal(view->entry_count, ENTRIES);
}

static void a_directory_of_something_else_is_refused_by_name(void **state) {
    struct lab *lab = *state;
    lab->view = calloc(1, sizeof *lab->view);
    assert_non_null(lab->view);
    assert_int_equal(
        raft_view_read(lab->io, lab->home, lab->stores.machines, lab->stores.machine_count, lab->view, &lab->error),
        STATUS_NOT_FOUND);
    assert_non_null(strstr(lab->error.text, "no node's directory"));
}

/* ---- Any damage -------------------------------------------------------------------------------------------------- */

static uint64_t hash_of(struct lab *lab, const char *name) {
    char path[IO_PATH_BYTES];
    struct buf bytes = BUF_EMPTY;
    file_in(lab->dir, name, path);
    assert_int_equal(file_read_all(lab->io, path, 1 << 20, &bytes), STATUS_OK);
    uint64_t sum = 14695981039346656037u;
    for (size_t i = 0; i < bytes.size; i++) sum = (sum ^ bytes.data[i]) * 1099511628211u;
    buf_deinit(&bytes);
    return sum;
}

/* The words and the JSON of whatever was found. */
static void tell(struct lab *lab) {
    struct out out = {.text = BUF_EMPTY};
    struct raft_compare compare;
    const struct raft_view *views[] = {lab->view};
    assert_int_equal(raft_compare_make(views, 1, &compare), STATUS_OK);
    raft_text_node(&out, lab->view, NULL, 80);
    raft_text_compare(&out, &compare, 80);
    raft_json_directories(&out, &compare);
    assert_int_equal(out.status, STATUS_OK);
    raft_compare_deinit(&compare);
    buf_deinit(&out.text);
}

/* Whatever is told names the file that was harmed and no other, and nothing that stands is made up. */
static void a_flipped_bit_anywhere_is_told_of_its_file_or_matters_to_nobody(void **state) {
    static const char *const names[] = {"superblock", "log/00000001.wal", "log/00000002.wal", "log/00000003.wal"};
    struct lab *lab = *state;
    struct prng prng;
    unsigned told = 0;
    for (uint64_t run = 0; run < test_scaled(150); run++) {
        const uint64_t seed = test_seed(1) + run;
        seed_starts("a_flipped_bit_anywhere_is_told_of_its_file_or_matters_to_nobody", seed);
        prng_init(&prng, seed);
        const char *name = names[prng_below(&prng, sizeof names / sizeof *names)];
        const uint64_t at = prng_below(&prng, *name == 's' ? NODE_STATE_BYTES : SEGMENT);
        const uint8_t mask = (uint8_t)(1u << prng_below(&prng, 8));
        flip(lab, name, at, mask);
        const uint64_t before = hash_of(lab, name);
        const struct raft_view *view = look(lab, lab->dir);
        tell(lab);
        assert_true(before == hash_of(lab, name));
        for (size_t i = 0; i < view->problem_count; i++)
            if (strcmp(raft_view_short(view, view->problems[i].path), name) != 0)
                fail_msg("%s at %llu: %s is blamed: %s", name, (unsigned long long)at, view->problems[i].path,
                         view->problems[i].text);
        if (view->problem_count == 0) assert_int_equal(view->entry_count, ENTRIES);
        for (size_t i = 0; i < view->entry_count; i++)
            assert_true(view->entries[i].size == ENTRY_BYTES &&
                        view->entries[i].term == (view->entries[i].index > ENTRIES / 2 ? 2 : 1));
        told += view->problem_count > 0;
        flip(lab, name, at, mask);
        seed_passes();
    }
    assert_true(told > 0);
}

#define fact(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        fact(a_sound_directory_is_told_whole_and_clean),
        fact(a_cut_takes_entries_back_and_is_counted),
        fact(a_flipped_bit_costs_the_entries_of_its_group_alone),
        fact(a_record_of_nobodys_is_told_once_also_before_damage),
        fact(a_tail_that_was_not_completed_is_torn_and_no_damage),
        fact(a_segment_that_is_missing_is_named_with_its_entries),
        fact(a_segment_that_was_cut_short_is_blamed_itself),
        fact(a_segment_of_another_node_is_named_as_such),
        fact(the_superblock_of_another_node_is_not_called_damage_of_the_log),
        fact(segments_that_changed_names_are_told_by_their_own),
        fact(one_damaged_slot_costs_nothing_and_both_cost_the_promise),
        fact(a_node_without_a_superblock_is_known_by_whom_others_have_met),
        fact(a_superblock_older_than_the_log_is_blamed_itself),
        fact(a_missing_log_store_or_superblock_is_told_by_its_name),
        fact(a_directory_of_something_else_is_refused_by_name),
        fact(a_flipped_bit_anywhere_is_told_of_its_file_or_matters_to_nobody),
    };
    return seed_report(cmocka_run_group_tests_name("raft view", tests, NULL, NULL),
                       "build/tests/unit/tools/raft_view_test");
}
