/*
 * shape_test: `loam inspect --lsm` without a terminal: what stood at any edit is what the engine makes of the edits up
 * to there, however many there are, and a damaged manifest is told or does not matter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/lsm/manifest_format.h"
#include "engine/lsm/recovered.h"
#include "tests/harness/seeds.h"
#include "tests/harness/test_env.h"
#include "tools/loam/inspect/shape/diff.h"
#include "tools/loam/inspect/shape/shape.h"
#include "tools/sim/sim_io.h"

enum { MANY_EDITS = 100000, SOME_EDITS = 120, FILES_MAX = 400, KEYS = 1000, KEY_BYTES = 8 };
static const struct manifest_id id = {.store = 77, .number = 3, .generation = 2};

/* What a made-up store consists of, and the manifest that says so. */
struct maker {
    struct prng prng;
    struct manifest *manifest;
    struct edit_file files[FILES_MAX];
    char keys[FILES_MAX][2][KEY_BYTES];
    size_t count;
    uint64_t next_file, edit;
    uint32_t next_instance;
    uint32_t trees[4];
    size_t tree_count;
};

static void add_file(struct maker *maker, struct edit *edit, uint32_t instance, uint32_t level, uint32_t from,
                     uint32_t to) {
    struct edit_file *file = &maker->files[maker->count];
    char(*keys)[KEY_BYTES] = maker->keys[maker->count++];
    snprintf(keys[0], KEY_BYTES, "k%05u", from);
    snprintf(keys[1], KEY_BYTES, "k%05u", to);
    *file = (struct edit_file){.number = maker->next_file++,
                               .store = id.store,
                               .instance = instance,
                               .level = level,
                               .bytes = 1000 + prng_below(&maker->prng, 100000),
                               .entries = 100,
                               .deletes = prng_below(&maker->prng, 100),
                               .created_ms = 1000,
                               .oldest_ms = (int64_t)prng_below(&maker->prng, 1000),
                               .droppable_ms = INT64_MAX,
                               .has_last = true,
                               .last_sequence = maker->next_file};
    file->first = slice_make(keys[0], 6);
    file->last = slice_make(keys[1], 6);
    file->last_exclusive = prng_chance(&maker->prng, 1, 4) && from < to;
    assert_int_equal(edit_add_file(edit, file), STATUS_OK);
}

/* The last one takes its place; its keys move with it. */
static void forget_file(struct maker *maker, size_t at) {
    maker->count--;
    if (at == maker->count) return;
    maker->files[at] = maker->files[maker->count];
    memcpy(maker->keys[at], maker->keys[maker->count], sizeof maker->keys[at]);
    maker->files[at].first.data = (const uint8_t *)maker->keys[at][0];
    maker->files[at].last.data = (const uint8_t *)maker->keys[at][1];
}

static void remove_file(struct maker *maker, struct edit *edit, size_t at) {
    const struct edit_file *file = &maker->files[at];
    const struct edit_removed removed = {file->number, file->instance, file->level};
    assert_int_equal(edit_remove_file(edit, &removed), STATUS_OK);
    forget_file(maker, at);
}

static void make_tree(struct maker *maker, struct edit *edit) {
    const struct edit_tree tree = {.instance = maker->next_instance, .tree = maker->next_instance, .kind = 1};
    assert_int_equal(edit_create_tree(edit, &tree), STATUS_OK);
    maker->trees[maker->tree_count++] = maker->next_instance++;
}

static void drop_tree(struct maker *maker, struct edit *edit) {
    const uint32_t instance = maker->trees[--maker->tree_count];
    assert_int_equal(edit_drop_tree(edit, instance), STATUS_OK);
    for (size_t i = maker->count; i-- > 0;)
        if (maker->files[i].instance == instance) forget_file(maker, i);
}

/* A file of level 0, or one that goes, or moves down. */
static void change(struct maker *maker, struct edit *edit) {
    const uint64_t what = prng_below(&maker->prng, 10);
    const uint32_t from = (uint32_t)prng_below(&maker->prng, KEYS), size = (uint32_t)prng_below(&maker->prng, 300);
    if (maker->tree_count == 0 || (what == 0 && maker->tree_count < 4)) make_tree(maker, edit);
    if (what == 1 && maker->tree_count > 1 && edit->created_count == 0) {
        drop_tree(maker, edit);
        return;
    }
    if ((what < 4 || maker->count > 60) && maker->count > 0) {
        remove_file(maker, edit, prng_below(&maker->prng, maker->count));
        return;
    }
    if (what == 4 && maker->count > 0) {
        const size_t at = prng_below(&maker->prng, maker->count);
        struct edit_file moved = maker->files[at];
        const uint32_t lower = moved.level < ENGINE_LEVELS - 1 ? moved.level + 1 : moved.level;
        const struct edit_removed removed = {moved.number, moved.instance, moved.level};
        assert_int_equal(edit_remove_file(edit, &removed), STATUS_OK);
        maker->files[at].level = moved.level = lower;
        assert_int_equal(edit_add_file(edit, &moved), STATUS_OK);
        edit->cause = EDIT_MOVE;
        return;
    }
    add_file(maker, edit, maker->trees[prng_below(&maker->prng, maker->tree_count)], 0, from, from + size);
}

static void write_edit(struct maker *maker, struct io *io) {
    struct edit edit;
    edit_init(&edit, maker->edit == 0 ? EDIT_CREATE : EDIT_FLUSH);
    edit.number = ++maker->edit;
    edit.time_ms = (int64_t)maker->edit * 10;
    edit.job = maker->edit;
    edit.next_file = maker->next_file + 1;
    const struct edit_kind kind = {.id = 1, .name = slice_from_text("rows")};
    if (maker->edit == 1) assert_int_equal(edit_add_kind(&edit, &kind), STATUS_OK);
    change(maker, &edit);
    const enum status status = maker->edit == 1 ? manifest_create(io, "m", &id, &edit, &maker->manifest)
                                                : manifest_append(maker->manifest, &edit);
    assert_int_equal(status, STATUS_OK);
    edit_deinit(&edit);
}

/* The bytes of a manifest of so many edits. */
static void make_manifest(uint64_t seed, size_t edits, struct buf *bytes) {
    struct io *io = sim_io_create_alone(1);
    struct maker *maker = calloc(1, sizeof *maker);
    assert_non_null(maker);
    maker->next_file = 10;
    maker->next_instance = 1;
    prng_init(&maker->prng, seed);
    assert_int_equal(io_dir_make(io, "m"), STATUS_OK);
    for (size_t i = 0; i < edits; i++) write_edit(maker, io);
    manifest_close(maker->manifest);
    assert_int_equal(file_read_all(io, "m/0000000003.manifest", MANIFEST_MAX_BYTES, bytes), STATUS_OK);
    free(maker);
    io_destroy(io);
}

/* For tests/script/inspect_lsm_test.sh: shape_test --make FILE EDITS SEED */
static int write_manifest(char **argv) {
    struct buf bytes = BUF_EMPTY;
    FILE *to = fopen(argv[2], "wb");
    if (!to) return 1;
    make_manifest(strtoull(argv[4], NULL, 10), strtoull(argv[3], NULL, 10), &bytes);
    const bool is_written = fwrite(bytes.data, 1, bytes.size, to) == bytes.size;
    buf_deinit(&bytes);
    return fclose(to) == 0 && is_written ? 0 : 1;
}

/* ---- What the engine says ---------------------------------------------------------------------------------------- */

struct comparing {
    struct recovered recovered;
    const struct shape_history *history;
    uint32_t at;
    const struct state *state;
};

static enum status is_in_state(void *context, const struct edit_file *meta) {
    const struct comparing *comparing = context;
    for (size_t i = 0; i < comparing->state->count; i++) {
        const struct edit_file *file = &state_file(comparing->state, i)->meta;
        if (file->number == meta->number && file->level == meta->level && file->instance == meta->instance &&
            slice_equal(file->first, meta->first) && slice_equal(file->last, meta->last) && file->bytes == meta->bytes)
            return STATUS_OK;
    }
    fail_msg("file %llu is not in the state", (unsigned long long)meta->number);
    return STATUS_OK;
}

static enum status compare_edit(void *context, const struct edit *edit, struct error *error) {
    struct comparing *comparing = context;
    struct state state;
    const enum status status = recovered_apply(&comparing->recovered, edit, error);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(state_make(&state, comparing->history, comparing->at++), STATUS_OK);
    comparing->state = &state;
    assert_int_equal(state.count, comparing->recovered.file_count);
    assert_int_equal(recovered_each_file(&comparing->recovered, is_in_state, comparing), STATUS_OK);
    assert_int_equal(comparing->history->edits[state.at].added, edit->added_count);
    assert_int_equal(comparing->history->edits[state.at].number, edit->number);
    state_deinit(&state);
    return STATUS_OK;
}

static void what_stood_at_each_edit_is_what_the_engine_makes_of_the_edits(void **context) {
    (void)context;
    const uint64_t first = test_seed(1), count = test_scaled(20);
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct buf bytes = BUF_EMPTY;
        struct shape_history history;
        struct manifest_recovery recovery;
        struct comparing comparing = {.history = &history};
        seed_starts("what_stood_at_each_edit_is_what_the_engine_makes_of_the_edits", seed);
        make_manifest(seed, SOME_EDITS, &bytes);
        assert_int_equal(shape_history_read(&history, buf_slice(&bytes), &id, 0), STATUS_OK);
        assert_int_equal(history.damage.status, STATUS_OK);
        assert_int_equal(history.edit_count, SOME_EDITS);
        recovered_init(&comparing.recovered);
        assert_int_equal(manifest_parse(buf_slice(&bytes), &id, 0, compare_edit, &comparing, &recovery, NULL),
                         STATUS_OK);
        recovered_deinit(&comparing.recovered);
        shape_history_deinit(&history);
        buf_deinit(&bytes);
        seed_passes();
    }
}

static void edits_know_where_they_stand_in_the_manifest(void **context) {
    (void)context;
    struct buf bytes = BUF_EMPTY;
    struct shape_history history;
    struct manifest_sector sector;
    make_manifest(5, SOME_EDITS, &bytes);
    assert_int_equal(shape_history_read(&history, buf_slice(&bytes), &id, 0), STATUS_OK);
    for (size_t i = 0; i < history.edit_count; i++) {
        const uint64_t offset = history.edits[i].offset;
        assert_int_equal(manifest_sector_parse(&id, offset / IO_SECTOR_BYTES, bytes.data + offset, &sector),
                         MANIFEST_SECTOR_VALID);
        assert_int_equal(sector.edit, history.edits[i].number);
        assert_int_equal(sector.index, 0);
    }
    shape_history_deinit(&history);
    buf_deinit(&bytes);
}

/* ---- Many edits -------------------------------------------------------------------------------------------------- */

static void each_of_a_hundred_thousand_edits_is_applied_once_however_often_a_state_is_asked_for(void **context) {
    (void)context;
    struct buf bytes = BUF_EMPTY;
    struct shape_history history;
    struct prng prng;
    prng_init(&prng, test_seed(1));
    const size_t edits = test_scaled(MANY_EDITS);
    make_manifest(1, edits, &bytes);
    assert_int_equal(shape_history_read(&history, buf_slice(&bytes), &id, 0), STATUS_OK);
    buf_deinit(&bytes);
    assert_int_equal(history.edit_count, edits);
    assert_int_equal(history.applied, edits);
    for (unsigned step = 0; step < 200; step++) {
        struct state state;
        assert_int_equal(state_make(&state, &history, (uint32_t)prng_below(&prng, edits)), STATUS_OK);
        assert_true(state.examined <= history.file_count && state.count <= FILES_MAX);
        state_deinit(&state);
    }
    assert_int_equal(history.applied, edits);
    assert_true(history.file_count <= edits);
    shape_history_deinit(&history);
}

/* ---- Overlaps and differences ------------------------------------------------------------------------------------ */

static bool ends_before(const struct edit_file *file, struct slice key) {
    const int order = slice_compare(file->last, key);
    return file->has_last && (order < 0 || (order == 0 && file->last_exclusive));
}

static void overlaps_are_those_that_a_comparison_of_all_pairs_finds(void **context) {
    (void)context;
    struct buf bytes = BUF_EMPTY;
    struct shape_history history;
    uint64_t found = 0;
    make_manifest(9, 400, &bytes);
    assert_int_equal(shape_history_read(&history, buf_slice(&bytes), &id, 0), STATUS_OK);
    for (uint32_t at = 0; at < 400; at += 7) {
        struct state state;
        assert_int_equal(state_make(&state, &history, at), STATUS_OK);
        for (size_t i = 0; i < state.count; i++) {
            const struct edit_file *file = &state_file(&state, i)->meta;
            struct state_overlap beside = {0, 0}, below = {0, 0};
            for (size_t j = 0; j < state.count; j++) {
                const struct edit_file *other = &state_file(&state, j)->meta;
                if (i == j || other->instance != file->instance || ends_before(file, other->first) ||
                    ends_before(other, file->first))
                    continue;
                struct state_overlap *to = other->level == file->level                 ? &beside
                                           : other->level == state.rows[i].below_level ? &below
                                                                                       : NULL;
                if (to) to->files++;
                if (to) to->bytes += other->bytes;
            }
            assert_int_equal(state.rows[i].beside.files, beside.files);
            assert_int_equal(state.rows[i].beside.bytes, beside.bytes);
            assert_int_equal(state.rows[i].below.files, below.files);
            assert_int_equal(state.rows[i].below.bytes, below.bytes);
            found += below.files + beside.files;
        }
        state_deinit(&state);
    }
    assert_true(found > 1000);
    shape_history_deinit(&history);
    buf_deinit(&bytes);
}

static void a_diff_leads_from_one_state_to_the_other(void **context) {
    (void)context;
    struct buf bytes = BUF_EMPTY;
    struct shape_history history;
    size_t moved = 0;
    make_manifest(3, 400, &bytes);
    assert_int_equal(shape_history_read(&history, buf_slice(&bytes), &id, 0), STATUS_OK);
    for (uint32_t at = 0; at + 40 < 400; at += 13) {
        struct state before, after;
        struct diff diff;
        assert_int_equal(state_make(&before, &history, at), STATUS_OK);
        assert_int_equal(state_make(&after, &history, at + 40), STATUS_OK);
        assert_int_equal(diff_make(&diff, &before, &after), STATUS_OK);
        assert_int_equal(before.count - diff.counts[DIFF_REMOVED] + diff.counts[DIFF_ADDED], after.count);
        for (size_t i = 0; i < diff.count; i++) {
            const struct diff_item *item = &diff.items[i];
            assert_true((item->before != NULL) == (item->kind != DIFF_ADDED));
            assert_true((item->after != NULL) == (item->kind != DIFF_REMOVED));
            if (item->kind != DIFF_MOVED) continue;
            assert_int_equal(item->before->number, item->after->number);
            assert_true(item->before->level < item->after->level);
        }
        moved += diff.counts[DIFF_MOVED];
        diff_deinit(&diff);
        state_deinit(&before);
        state_deinit(&after);
    }
    assert_true(moved > 0);
    shape_history_deinit(&history);
    buf_deinit(&bytes);
}

/* ---- Damage ------------------------------------------------------------------------------------------------------ */

static void show_all(const struct shape_history *history) {
    struct shape shape = {.given = "m", .source.history = *history, .has_state = history->edit_count > 0};
    struct out out = {.status = STATUS_OK};
    const struct shape_text_options options = {.all_files = true, .edits = true};
    if (shape.has_state)
        assert_int_equal(state_make(&shape.state, history, (uint32_t)history->edit_count - 1), STATUS_OK);
    shape_text(&out, &shape, &options);
    shape_json(&out, &shape, true);
    shape_page(&out, &shape);
    assert_int_equal(out.status, STATUS_OK);
    buf_deinit(&out.text);
    state_deinit(&shape.state);
}

/* Every edit that is shown is one of the sound manifest's, and none before it is left out. */
static void assert_prefix(const struct shape_history *history, const struct shape_history *sound) {
    assert_true(history->edit_count <= sound->edit_count && history->file_count <= sound->file_count);
    for (size_t i = 0; i < history->edit_count; i++) {
        const struct shape_history_edit *edit = &history->edits[i], *original = &sound->edits[i];
        assert_int_equal(edit->number, original->number);
        assert_int_equal(edit->cause, original->cause);
        assert_int_equal(edit->added, original->added);
        assert_int_equal(edit->removed, original->removed);
    }
    for (size_t i = 0; i < history->file_count; i++) {
        assert_int_equal(history->files[i].meta.number, sound->files[i].meta.number);
        assert_true(slice_equal(history->files[i].meta.first, sound->files[i].meta.first));
    }
}

static void what_a_damaged_manifest_shows_is_right_and_what_is_lost_is_told(void **context) {
    (void)context;
    const uint64_t first = test_seed(1), count = test_scaled(3000);
    struct buf bytes = BUF_EMPTY;
    struct shape_history sound;
    uint64_t told = 0;
    make_manifest(2, SOME_EDITS, &bytes);
    assert_int_equal(shape_history_read(&sound, buf_slice(&bytes), NULL, 0), STATUS_OK);
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct shape_history history;
        struct prng prng;
        seed_starts("what_a_damaged_manifest_shows_is_right_and_what_is_lost_is_told", seed);
        prng_init(&prng, seed);
        const size_t size = prng_chance(&prng, 1, 4) ? prng_below(&prng, bytes.size + 1) : bytes.size;
        uint8_t *copy = malloc(size ? size : 1); /* exact, so that a sanitizer sees reads past the end */
        assert_non_null(copy);
        memcpy(copy, bytes.data, size);
        for (uint64_t flips = prng_below(&prng, 3); flips > 0 && size > 0; flips--)
            copy[prng_below(&prng, size)] ^= (uint8_t)(1u << prng_below(&prng, 8));
        const bool is_same = size == bytes.size && memcmp(copy, bytes.data, size) == 0;
        assert_int_equal(shape_history_read(&history, slice_make(copy, size), NULL, bytes.size), STATUS_OK);
        assert_prefix(&history, &sound);
        const bool is_whole = history.edit_count == sound.edit_count;
        const bool is_told = history.damage.status != STATUS_OK;
        if (!is_whole) assert_true(is_told && history.damage.text[0] != 0);
        if (is_same) assert_false(is_told);
        if (seed % 16 == 0) show_all(&history);
        told += is_told;
        shape_history_deinit(&history);
        free(copy);
        seed_passes();
    }
    assert_true(told > count / 4);
    shape_history_deinit(&sound);
    buf_deinit(&bytes);
}

static void a_torn_last_edit_is_left_out_and_is_no_damage(void **context) {
    (void)context;
    struct buf bytes = BUF_EMPTY;
    struct shape_history history;
    struct edit edit;
    struct manifest *manifest = NULL;
    struct io *io = sim_io_create_alone(1);
    assert_int_equal(io_dir_make(io, "m"), STATUS_OK);
    edit_init(&edit, EDIT_CREATE);
    edit.number = 1;
    assert_int_equal(manifest_create(io, "m", &id, &edit, &manifest), STATUS_OK);
    edit.number = 2;
    for (uint32_t i = 1; i <= 200; i++) { /* several sectors */
        const struct edit_tree tree = {.instance = i, .tree = i, .kind = 1};
        assert_int_equal(edit_create_tree(&edit, &tree), STATUS_OK);
    }
    assert_int_equal(manifest_append(manifest, &edit), STATUS_OK);
    edit_deinit(&edit);
    manifest_close(manifest);
    assert_int_equal(file_read_all(io, "m/0000000003.manifest", MANIFEST_MAX_BYTES, &bytes), STATUS_OK);
    io_destroy(io);
    memset(bytes.data + 2 * (size_t)IO_PAGE_BYTES + IO_SECTOR_BYTES, 0, IO_SECTOR_BYTES);
    assert_int_equal(shape_history_read(&history, buf_slice(&bytes), &id, 0), STATUS_OK);
    assert_int_equal(history.damage.status, STATUS_OK);
    assert_true(history.recovery.torn);
    assert_int_equal(history.edit_count, 1);
    show_all(&history);
    shape_history_deinit(&history);
    buf_deinit(&bytes);
}

int main(int argc, char **argv) {
    if (argc == 5 && strcmp(argv[1], "--make") == 0) return write_manifest(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stood_at_each_edit_is_what_the_engine_makes_of_the_edits),
        cmocka_unit_test(edits_know_where_they_stand_in_the_manifest),
        cmocka_unit_test(each_of_a_hundred_thousand_edits_is_applied_once_however_often_a_state_is_asked_for),
        cmocka_unit_test(overlaps_are_those_that_a_comparison_of_all_pairs_finds),
        cmocka_unit_test(a_diff_leads_from_one_state_to_the_other),
        cmocka_unit_test(what_a_damaged_manifest_shows_is_right_and_what_is_lost_is_told),
        cmocka_unit_test(a_torn_last_edit_is_left_out_and_is_no_damage),
    };
    return seed_report(cmocka_run_group_tests(tests, NULL, NULL), "build/tests/unit/tools/shape_test");
}
