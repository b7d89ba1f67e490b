/* pick as a table: a tree drawn as text, and the choice that it must lead to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/lsm/pick.h"

enum { LAST = ENGINE_LEVELS - 1, KIB = 1 << 10 };

static const struct engine_tree_kind kind = {
    .id = 1, .name = "k", .upper = ENGINE_COMPRESSION_LZ4, .bottom = ENGINE_COMPRESSION_LZ4};

/* A file: one letter for its first key and one for its last. */
struct drawn {
    uint32_t level;
    const char *span;
    uint64_t kib;
    uint64_t deletes;     /* of 100 entries */
    uint64_t covered_kib; /* that its range deletes cover below */
    int64_t droppable_ms; /* 0 = never */
    bool damaged;
};

enum { DRAWN_MAX = 24 };

struct row {
    const char *name;
    struct drawn files[DRAWN_MAX];
    bool snapshot; /* one that sees everything */
    bool all;
    /* expected */
    enum pick_kind kind;
    uint32_t level, output_level;
    const char *inputs; /* first letters of the spans, in order */
    const char *next;
};

static const struct row rows[] = {
    {.name = "nothing to do below the trigger",
     .files = {{.level = 0, .span = "az", .kib = 1},
               {.level = 0, .span = "az", .kib = 1},
               {.level = 0, .span = "az", .kib = 1}},
     .kind = PICK_NONE},
    {.name = "a full level 0 goes to the last level of a small tree",
     .files = {{.level = 0, .span = "ak", .kib = 1},
               {.level = 0, .span = "bz", .kib = 1},
               {.level = 0, .span = "cd", .kib = 1},
               {.level = 0, .span = "ef", .kib = 1},
               {.level = LAST, .span = "bc", .kib = 2},
               {.level = LAST, .span = "yz", .kib = 2}},
     .kind = PICK_MERGE,
     .output_level = LAST,
     .inputs = "ecba", /* newest first */
     .next = "by"},
    {.name = "what nothing overlaps moves, several at once",
     .files = {{.level = 0, .span = "ab", .kib = 1},
               {.level = 0, .span = "cd", .kib = 1},
               {.level = 0, .span = "ef", .kib = 1},
               {.level = 0, .span = "gh", .kib = 1},
               {.level = LAST, .span = "ij", .kib = 2}},
     .kind = PICK_MOVE,
     .output_level = LAST,
     .inputs = "geca",
     .next = ""},
    {.name = "deletes do not move into the last level: they are dropped on the way",
     .files = {{.level = 0, .span = "ab", .kib = 1, .deletes = 1},
               {.level = 0, .span = "cd", .kib = 1},
               {.level = 0, .span = "ef", .kib = 1},
               {.level = 0, .span = "gh", .kib = 1}},
     .kind = PICK_MERGE,
     .output_level = LAST,
     .inputs = "geca",
     .next = ""},
    {.name = "level 0 does not jump over a level that still holds something",
     .files = {{.level = 0, .span = "ak", .kib = 1},
               {.level = 0, .span = "bz", .kib = 1},
               {.level = 0, .span = "cd", .kib = 1},
               {.level = 0, .span = "ef", .kib = 1},
               {.level = 0, .span = "gh", .kib = 1},
               {.level = 3, .span = "cd", .kib = 1}},
     .kind = PICK_MERGE,
     .output_level = 3,
     .inputs = "gecba",
     .next = "c"},
    {.name = "a level over its target gives its cheapest file",
     .files = {{.level = LAST - 1, .span = "ac", .kib = 30},
               {.level = LAST - 1, .span = "df", .kib = 30},
               {.level = LAST - 1, .span = "gi", .kib = 30},
               {.level = LAST, .span = "ac", .kib = 300},
               {.level = LAST, .span = "de", .kib = 20},
               {.level = LAST, .span = "gi", .kib = 300}},
     .kind = PICK_MERGE,
     .level = LAST - 1,
     .output_level = LAST,
     .inputs = "d",
     .next = "d"},
    {.name = "a damaged file is left alone, and so is what it overlaps",
     .files = {{.level = LAST - 1, .span = "ac", .kib = 30},
               {.level = LAST - 1, .span = "df", .kib = 30},
               {.level = LAST - 1, .span = "gi", .kib = 30},
               {.level = LAST, .span = "ac", .kib = 300},
               {.level = LAST, .span = "de", .kib = 20, .damaged = true},
               {.level = LAST, .span = "gi", .kib = 100}},
     .kind = PICK_MERGE,
     .level = LAST - 1,
     .output_level = LAST,
     .inputs = "g",
     .next = "g"},
    {.name = "a file of deletes goes down though its level is small",
     .files = {{.level = LAST - 1, .span = "ac", .kib = 1, .deletes = 60}, {.level = LAST, .span = "az", .kib = 2}},
     .kind = PICK_MERGE,
     .level = LAST - 1,
     .output_level = LAST,
     .inputs = "a",
     .next = "a"},
    {.name = "a range delete that covers whole files below goes down",
     .files = {{.level = 0, .span = "az", .kib = 1, .covered_kib = 40},
               {.level = LAST, .span = "bc", .kib = 20},
               {.level = LAST, .span = "de", .kib = 20}},
     .kind = PICK_MERGE,
     .output_level = LAST,
     .inputs = "a",
     .next = "bd"},
    {.name = "spent deletes in the last level are written anew",
     .files = {{.level = LAST, .span = "ac", .kib = 1}, {.level = LAST, .span = "df", .kib = 1, .deletes = 30}},
     .kind = PICK_MERGE,
     .level = LAST,
     .output_level = LAST,
     .inputs = "d",
     .next = ""},
    {.name = "but not while a snapshot needs them",
     .files = {{.level = LAST, .span = "df", .kib = 1, .deletes = 30}},
     .snapshot = true,
     .kind = PICK_NONE},
    {.name = "a file is written anew when its filter drops from it",
     .files = {{.level = LAST, .span = "ac", .kib = 1}, {.level = LAST, .span = "df", .kib = 1, .droppable_ms = 900}},
     .kind = PICK_MERGE,
     .level = LAST,
     .output_level = LAST,
     .inputs = "d",
     .next = ""},
    {.name = "but not before its time",
     .files = {{.level = LAST, .span = "df", .kib = 1, .droppable_ms = 1100}},
     .kind = PICK_NONE},
    {.name = "nor while a snapshot sees it",
     .files = {{.level = LAST, .span = "df", .kib = 1, .droppable_ms = 900}},
     .snapshot = true,
     .kind = PICK_NONE},
    {.name = "all: a single file of level 0 goes to the last level",
     .files = {{.level = 0, .span = "ac", .kib = 1}, {.level = LAST, .span = "bd", .kib = 1}},
     .all = true,
     .kind = PICK_MERGE,
     .output_level = LAST,
     .inputs = "a",
     .next = "b"},
    {.name = "all: every level goes down",
     .files = {{.level = 2, .span = "ac", .kib = 1}, {.level = 3, .span = "zz", .kib = 1}},
     .all = true,
     .kind = PICK_MOVE,
     .level = 2,
     .output_level = 3,
     .inputs = "a",
     .next = ""},
    {.name = "all: what lies in the last level alone is done",
     .files = {{.level = LAST, .span = "ac", .kib = 1}},
     .all = true,
     .kind = PICK_NONE},
};

static struct version *draw(const struct drawn *files, struct morgue *morgue) {
    struct version_change changes[DRAWN_MAX];
    struct version *empty = version_create_empty(), *version;
    size_t count = 0;
    for (; count < DRAWN_MAX && files[count].span; count++) {
        const struct drawn *drawn = &files[count];
        const struct edit_file meta = {
            .number = count + 1,
            .instance = 1,
            .level = drawn->level,
            .bytes = drawn->kib * KIB,
            .first = slice_make(drawn->span, 1),
            .last = slice_make(drawn->span + 1, 1),
            .has_last = true,
            .codec = ENGINE_COMPRESSION_LZ4,
            .entries = 100,
            .deletes = drawn->deletes,
            .range_deletes = drawn->covered_kib ? 1 : 0,
            .first_sequence = 10 * count + 10,
            .last_sequence = 10 * count + 19,
            .droppable_ms = drawn->droppable_ms ? drawn->droppable_ms : INT64_MAX,
        };
        struct file *file = file_create(morgue, &meta);
        file->covered_bytes = drawn->covered_kib * KIB;
        atomic_store(&file->damaged, drawn->damaged);
        changes[count] =
            (struct version_change){.instance = 1, .level = drawn->level, .file = file, .add = true, .kind = &kind};
    }
    assert_int_equal(version_apply(empty, changes, count, &version), STATUS_OK);
    for (size_t i = 0; i < count; i++) file_release(changes[i].file);
    version_release(empty);
    return version;
}

static void empty_morgue(struct morgue *morgue) {
    struct list *link;
    while ((link = list_pop_front(&morgue->files)) != NULL) file_destroy(list_entry(link, struct file, link));
    morgue_deinit(morgue);
}

static void spell(char *to, const struct level *level, uint32_t from, uint32_t end) {
    for (; from < end; from++) *to++ = (char)level->files[from]->meta.first.data[0];
    *to = 0;
}

static void check_row(const struct row *row) {
    struct morgue morgue;
    const struct engine_options options = {
        .level_base_bytes = 64 * KIB, .level_ratio = 10, .level0_trigger = 4, .file_bytes = 16 * KIB};
    const struct pick_context context = {
        .options = &options, .oldest_snapshot = row->snapshot ? 1 : UINT64_MAX, .mark_time_ms = 1000, .all = row->all};
    struct pick choice;
    char inputs[32], next[32];
    morgue_init(&morgue);
    struct version *version = draw(row->files, &morgue);
    pick(version, &context, &choice);
    if (choice.kind != row->kind) fail_msg("%s: chose %d, expected %d", row->name, choice.kind, row->kind);
    if (choice.kind != PICK_NONE) {
        spell(inputs, &choice.tree->levels[choice.level], choice.from, choice.to);
        spell(next, &choice.tree->levels[choice.output_level], choice.next_from, choice.next_to);
        if (choice.level != row->level || choice.output_level != row->output_level ||
            strcmp(inputs, row->inputs) != 0 || strcmp(next, row->next) != 0)
            fail_msg("%s: chose level %u to %u, inputs %s, next %s", row->name, choice.level, choice.output_level,
                     inputs, next);
    }
    version_release(version);
    empty_morgue(&morgue);
}

static void every_row_leads_to_its_choice(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) check_row(&rows[i]);
}

static void targets_grow_from_the_last_level_up(void **state) {
    (void)state;
    struct morgue morgue;
    struct pick_targets targets;
    const struct engine_options options = {.level_base_bytes = 64 * KIB, .level_ratio = 10, .level0_trigger = 4};
    const struct drawn files[DRAWN_MAX] = {{.level = LAST, .span = "az", .kib = 6400}};
    morgue_init(&morgue);
    struct version *version = draw(files, &morgue);
    pick_targets(version->trees[0], &options, &targets);
    assert_int_equal(targets.base, LAST - 2);
    assert_int_equal(targets.bytes[LAST], 6400 * KIB);
    assert_int_equal(targets.bytes[LAST - 1], 640 * KIB);
    assert_int_equal(targets.bytes[LAST - 2], 64 * KIB);
    assert_int_equal(targets.bytes[LAST - 3], 0);
    version_release(version);
    empty_morgue(&morgue);
}

static void debt_is_what_lies_over_the_targets(void **state) {
    (void)state;
    struct morgue morgue;
    uint64_t most;
    const struct engine_options options = {.level_base_bytes = 64 * KIB, .level_ratio = 10, .level0_trigger = 2};
    const struct drawn files[DRAWN_MAX] = {{.level = 0, .span = "az", .kib = 5},
                                           {.level = 0, .span = "az", .kib = 6},
                                           {.level = LAST - 1, .span = "ac", .kib = 10},
                                           {.level = LAST, .span = "az", .kib = 64}};
    morgue_init(&morgue);
    struct version *version = draw(files, &morgue);
    assert_int_equal(pick_debt(version, &options, &most), 21 * KIB);
    assert_int_equal(most, 2);
    version_release(version);
    empty_morgue(&morgue);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_leads_to_its_choice),
        cmocka_unit_test(targets_grow_from_the_last_level_up),
        cmocka_unit_test(debt_is_what_lies_over_the_targets),
    };
    return cmocka_run_group_tests_name("pick", tests, NULL, NULL);
}
