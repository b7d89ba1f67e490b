/*
 * fold as a table: versions of keys, drawn as text, what the snapshots and levels below are, and what must stay.
 *
 * A version is key, sequence, kind and value: "a9=x" put, "a9-" delete, "a9+3" merge, "a9&x" append. A range delete
 * "a-c@7". Sequences are digits; snapshots too.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/arena.h"
#include "engine/lsm/droppable.h"
#include "engine/lsm/fold.h"
#include "tests/harness/engine_lab.h"

struct row {
    const char *name;
    const char *input;  /* in order: key ascending, sequence descending */
    const char *ranges; /* by sequence */
    const char *snapshots;
    const char *below; /* keys that may have older versions below; "*" = all */
    bool filter, zero;
    uint32_t kind;
    const char *expected;
};

static const struct row rows[] = {
    {.name = "older versions go", .input = "a9=z a5=y a1=x b3=q", .expected = "a9=z b3=q"},
    {.name = "a snapshot keeps what it sees", .input = "a9=z a5=y a1=x", .snapshots = "6", .expected = "a9=z a5=y"},
    {.name = "each stripe keeps its newest",
     .input = "a9=z a7=w a5=y a1=x",
     .snapshots = "268",
     .expected = "a9=z a7=w a5=y a1=x"},
    {.name = "a delete hides, and stays while older versions may lie below",
     .input = "a9- a5=y",
     .below = "*",
     .expected = "a9-"},
    {.name = "at the bottom it goes", .input = "a9- a5=y b1=x", .expected = "b1=x"},
    {.name = "unless a snapshot needs what it hides", .input = "a9- a5=y", .snapshots = "6", .expected = "a9- a5=y"},
    {.name = "a delete that the oldest snapshot sees goes at the bottom",
     .input = "a9=z a5- a3=y",
     .snapshots = "6",
     .expected = "a9=z"},
    {.name = "a range delete takes what is older",
     .input = "a9=z a3=y b3=x c3=w",
     .ranges = "a-c@5",
     .expected = "a9=z c3=w"},
    {.name = "not what a snapshot sees before it",
     .input = "a3=y b3=x",
     .ranges = "a-c@5",
     .snapshots = "4",
     .expected = "a3=y b3=x"},
    {.name = "what came after the snapshot and before the range delete goes",
     .input = "a4=z a2=y",
     .ranges = "a-c@5",
     .snapshots = "3",
     .expected = "a2=y"},
    {.name = "operands fold onto a value", .kind = LAB_SUM, .input = "a9+3 a7+2 a5=1", .expected = "a9=6"},
    {.name = "and onto nothing at the bottom", .kind = LAB_SUM, .input = "a9+3 a7+2", .expected = "a9=5"},
    {.name = "with something below they become one operand",
     .kind = LAB_SUM,
     .input = "a9+3 a7+2",
     .below = "*",
     .expected = "a9+5"},
    {.name = "a delete ends a chain", .kind = LAB_SUM, .input = "a9+3 a7+2 a5- a3=9", .below = "*", .expected = "a9=5"},
    {.name = "so does a range delete",
     .kind = LAB_SUM,
     .input = "a9+3 a4+2 a3=9",
     .ranges = "a-b@5",
     .below = "*",
     .expected = "a9=3"},
    {.name = "operands do not fold across a snapshot",
     .kind = LAB_SUM,
     .input = "a9+3 a7+2 a5+1 a3=1",
     .snapshots = "6",
     .expected = "a9+5 a5=2"},
    {.name = "appends join", .input = "a9&z a8&y a7=x", .expected = "a9=xyz"},
    {.name = "appends join to one without a base", .input = "a9&z a8&y", .below = "*", .expected = "a9&yz"},
    {.name = "appends and merges keep their order", .kind = LAB_SUM, .input = "a9+1 a8&0 a7=1", .expected = "a9=11"},
    {.name = "runs of one kind become one operand each",
     .kind = LAB_SUM,
     .input = "a9+1 a8+2 a7&0 a6&1 a5+4",
     .below = "*",
     .expected = "a9+3 a7&10 a5+4"},
    {.name = "an operand that can't be folded stays as it is",
     .kind = LAB_SUM,
     .input = "a9+ a7+2 a5=1",
     .expected = "a9+ a7+2 a5=1"},
    {.name = "the filter drops at the bottom",
     .kind = LAB_EXPIRY,
     .filter = true,
     .input = "a9=50 b9=200",
     .expected = "b9=200"},
    {.name = "higher up it leaves a delete",
     .kind = LAB_EXPIRY,
     .filter = true,
     .input = "a9=50",
     .below = "*",
     .expected = "a9-"},
    {.name = "it takes nothing that a snapshot sees",
     .kind = LAB_EXPIRY,
     .filter = true,
     .input = "a5=50",
     .snapshots = "7",
     .expected = "a5=50"},
    {.name = "it looks at the newest version only",
     .kind = LAB_EXPIRY,
     .filter = true,
     .input = "a9=200 a5=50",
     .snapshots = "7",
     .expected = "a9=200 a5=50"},
    {.name = "what it drops still hides older ones from the latest",
     .kind = LAB_EXPIRY,
     .filter = true,
     .input = "a9=50 a5=60",
     .snapshots = "7",
     .expected = "a9- a5=60"},
    {.name = "without being asked it takes nothing", .kind = LAB_EXPIRY, .input = "a9=50", .expected = "a9=50"},
    {.name = "sequences that nobody can tell apart become 0",
     .zero = true,
     .input = "a9=z b8=y",
     .expected = "a0=z b0=y"},
    {.name = "not where a snapshot is older",
     .zero = true,
     .input = "a9=z b3=y",
     .snapshots = "5",
     .expected = "a9=z b0=y"},
    {.name = "not under a range delete, which would then take it",
     .zero = true,
     .input = "a9=z c9=y",
     .ranges = "a-b@5",
     .expected = "a9=z c0=y"},
    {.name = "not where something lies below",
     .zero = true,
     .input = "a9=z b9=y",
     .below = "a",
     .expected = "a9=z b0=y"},
};

/* ---- A source over text
 * --------------------------------------------------------------------------------------------------------- */

struct text_source {
    struct source source;
    const char *at;
    char key[1], value[16];
};

static void read_version(struct text_source *text) {
    while (*text->at == ' ') text->at++;
    text->source.valid = *text->at != 0;
    if (!text->source.valid) return;
    text->key[0] = *text->at++;
    const uint64_t sequence = (uint64_t)(*text->at++ - '0');
    static const char signs[] = "-=+&";
    const enum entry_kind kind = (enum entry_kind)(strchr(signs, *text->at++) - signs);
    size_t size = 0;
    while (*text->at && *text->at != ' ') text->value[size++] = *text->at++;
    text->source.key = slice_make(text->key, 1);
    text->source.head = entry_head(text->source.key);
    text->source.trailer = entry_trailer(sequence, kind);
    text->source.value = slice_make(text->value, size);
}

static void text_next(struct source *source) {
    read_version((struct text_source *)(void *)source);
}

static const struct source_vtable vtable = {.next = text_next};

/* ---- The run
 * ------------------------------------------------------------------------------------------------------------------------
 */

struct run {
    const struct row *row;
    char out[256];
    char last_key;
};

static enum status take(void *context, struct slice key, uint64_t trailer, struct slice value, bool new_key) {
    struct run *run = context;
    const size_t used = strlen(run->out);
    assert_int_equal(new_key, run->last_key != (char)key.data[0]);
    run->last_key = (char)key.data[0];
    snprintf(run->out + used, sizeof run->out - used, "%s%c%d%c%.*s", used ? " " : "", key.data[0],
             (int)entry_sequence(trailer), "-=+&"[entry_kind(trailer)], (int)value.size, (const char *)value.data);
    return STATUS_OK;
}

static bool is_bottom(void *context, struct slice key) {
    const struct run *run = context;
    const char *below = run->row->below;
    return !below || (strcmp(below, "*") != 0 && strchr(below, key.data[0]) == NULL);
}

static void add_ranges(struct range_set *set, const char *ranges) {
    for (const char *at = ranges; at && *at; at += at[5] ? 6 : 5)
        assert_int_equal(range_set_add(set, 1, slice_make(at, 1), slice_make(at + 2, 1), (uint64_t)(at[4] - '0')),
                         STATUS_OK);
}

static void check_row(const struct row *row) {
    const struct engine_options lab = lab_options();
    struct arena arena;
    struct range_set ranges;
    uint64_t snapshots[8];
    size_t snapshot_count = 0;
    struct run run = {.row = row};
    struct text_source text = {.source = {.vtable = &vtable}, .at = row->input};
    struct fold fold;
    bool done = false;
    arena_init(&arena, 1 << 10);
    range_set_init(&ranges, &arena, 1);
    add_ranges(&ranges, row->ranges);
    for (const char *at = row->snapshots; at && *at; at++) snapshots[snapshot_count++] = (uint64_t)(*at - '0');
    const struct fold_options options = {
        .kind = &lab.kinds[(row->kind ? row->kind : LAB_PLAIN) - 1],
        .instance = 1,
        .snapshots = snapshots,
        .snapshot_count = snapshot_count,
        .ranges = &ranges,
        .mark_time_ms = 100,
        .filter = row->filter,
        .zero_sequences = row->zero,
        .is_bottom = is_bottom,
        .add = take,
        .context = &run,
    };
    fold_init(&fold, &options, &text.source);
    read_version(&text);
    while (!done) assert_int_equal(fold_step(&fold, 1, &done), STATUS_OK);
    if (strcmp(run.out, row->expected) != 0)
        fail_msg("%s: \"%s\" became \"%s\", expected \"%s\"", row->name, row->input, run.out, row->expected);
    fold_deinit(&fold);
    arena_deinit(&arena);
}

static void every_row_folds_to_what_must_stay(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) check_row(&rows[i]);
}

static void a_file_is_due_when_a_quarter_of_it_can_go(void **state) {
    (void)state;
    const struct engine_options lab = lab_options();
    const struct engine_filter *filter = lab.kinds[LAB_EXPIRY - 1].filter;
    struct droppable droppable;
    char value[16];
    droppable_init(&droppable, 1000);
    for (int i = 0; i < 100; i++) {
        snprintf(value, sizeof value, "%d", i < 30 ? 1500 : 100000000);
        droppable_add(&droppable, filter, slice_from_text("k"), slice_from_text(value));
    }
    const int64_t due = droppable_due_ms(&droppable);
    assert_true(due >= 1500 && due <= 1000 + 1024);
    droppable_init(&droppable, 1000);
    droppable_add(&droppable, filter, slice_from_text("k"), slice_from_text("2000"));
    for (int i = 0; i < 100; i++) droppable_add(&droppable, filter, slice_from_text("k"), slice_from_text(""));
    assert_int_equal(droppable_due_ms(&droppable), 2000 + DROPPABLE_LATE_MS); /* one alone waits a while */
    droppable_init(&droppable, 1000);
    droppable_add(&droppable, NULL, slice_from_text("k"), slice_from_text("1"));
    assert_true(droppable_due_ms(&droppable) == INT64_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_folds_to_what_must_stay),
        cmocka_unit_test(a_file_is_due_when_a_quarter_of_it_can_go),
    };
    return cmocka_run_group_tests_name("fold", tests, NULL, NULL);
}
