/* merge_source against one sorted array: any series of seeks and moves, turning round anywhere, stands where the array
 * says. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/lsm/merge_source.h"
#include "tests/harness/test_env.h"

enum { ENTRIES_MAX = 60, SOURCES_MAX = 6, KEYS = 12, MOVES = 400 };

struct entry {
    char key[2];
    uint64_t trailer;
};

static int compare(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    return entry_compare(slice_make(x->key, 2), x->trailer, slice_make(y->key, 2), y->trailer);
}

/* ---- A source over an array
 * ------------------------------------------------------------------------------------------------------ */

struct array_source {
    struct source source;
    struct entry entries[ENTRIES_MAX];
    int count, at; /* at -1 or count: past an end */
    bool broken;   /* every move fails */
};

static void show(struct array_source *array) {
    array->source.status = array->broken ? STATUS_CORRUPT : STATUS_OK;
    array->source.valid = !array->broken && array->at >= 0 && array->at < array->count;
    if (!array->source.valid) return;
    array->source.key = slice_make(array->entries[array->at].key, 2);
    array->source.head = entry_head(array->source.key);
    array->source.trailer = array->entries[array->at].trailer;
}

/* The first entry at or after. */
static int lower_bound(const struct array_source *array, struct slice key, uint64_t trailer) {
    int at = 0;
    while (at < array->count &&
           entry_compare(slice_make(array->entries[at].key, 2), array->entries[at].trailer, key, trailer) < 0)
        at++;
    return at;
}

static struct array_source *own(struct source *source) {
    return (struct array_source *)(void *)source;
}

static void array_seek(struct source *source, struct slice key, uint64_t trailer) {
    own(source)->at = lower_bound(own(source), key, trailer);
    show(own(source));
}

static void array_seek_before(struct source *source, struct slice key, uint64_t trailer) {
    own(source)->at = lower_bound(own(source), key, trailer) - 1;
    show(own(source));
}

static void array_seek_first(struct source *source) {
    own(source)->at = 0;
    show(own(source));
}

static void array_seek_last(struct source *source) {
    own(source)->at = own(source)->count - 1;
    show(own(source));
}

static void array_next(struct source *source) {
    own(source)->at++;
    show(own(source));
}

static void array_prev(struct source *source) {
    own(source)->at--;
    show(own(source));
}

static void array_close(struct source *source) {
    own(source)->count = -1;
}

static const struct source_vtable vtable = {
    .seek = array_seek,
    .seek_before = array_seek_before,
    .seek_first = array_seek_first,
    .seek_last = array_seek_last,
    .next = array_next,
    .prev = array_prev,
    .close = array_close,
};

/* ---- The comparison
 * ----------------------------------------------------------------------------------------------------------------- */

struct lab {
    struct array_source all; /* what the merge must show */
    struct array_source parts[SOURCES_MAX];
    struct source *children[SOURCES_MAX], *heap[SOURCES_MAX];
    size_t count;
    struct merge_source merge;
};

static void set_up(struct lab *lab, struct prng *prng) {
    memset(lab, 0, sizeof *lab);
    lab->count = (size_t)prng_between(prng, 1, SOURCES_MAX);
    lab->all.source.vtable = &vtable;
    const int entries = (int)prng_below(prng, ENTRIES_MAX);
    for (int i = 0; i < entries; i++) {
        const char key[2] = {'k', (char)('a' + prng_below(prng, KEYS))};
        struct entry entry = {.trailer = (uint64_t)i << 8 | 1};
        memcpy(entry.key, key, sizeof key);
        struct array_source *part = &lab->parts[prng_below(prng, lab->count)];
        part->entries[part->count++] = lab->all.entries[lab->all.count++] = entry;
    }
    qsort(lab->all.entries, (size_t)lab->all.count, sizeof(struct entry), compare);
    for (size_t i = 0; i < lab->count; i++) {
        qsort(lab->parts[i].entries, (size_t)lab->parts[i].count, sizeof(struct entry), compare);
        lab->parts[i].source.vtable = &vtable;
        lab->children[i] = &lab->parts[i].source;
    }
    merge_source_init(&lab->merge, lab->children, lab->heap, lab->count);
}

static void move_both(struct lab *lab, struct prng *prng) {
    struct source *merge = &lab->merge.source, *all = &lab->all.source;
    const char key[2] = {'k', (char)('a' + prng_below(prng, KEYS + 1))};
    const uint64_t trailer = prng_chance(prng, 1, 2) ? ENTRY_TRAILER_FIRST : prng_below(prng, ENTRIES_MAX) << 8;
    switch (prng_below(prng, all->valid ? 10 : 4)) {
    case 0:
        source_seek(merge, slice_make(key, 2), trailer);
        source_seek(all, slice_make(key, 2), trailer);
        break;
    case 1:
        source_seek_before(merge, slice_make(key, 2), trailer);
        source_seek_before(all, slice_make(key, 2), trailer);
        break;
    case 2:
        source_seek_first(merge);
        source_seek_first(all);
        break;
    case 3:
        source_seek_last(merge);
        source_seek_last(all);
        break;
    case 4:
    case 5:
    case 6:
        source_next(merge);
        source_next(all);
        break;
    default:
        source_prev(merge);
        source_prev(all);
        break;
    }
}

static void any_moves_stand_where_a_sorted_array_says(void **state) {
    (void)state;
    static struct lab lab;
    const uint64_t first = test_seed(1);
    for (uint64_t seed = first; seed < first + test_scaled(300); seed++) {
        struct prng prng;
        prng_init(&prng, seed);
        set_up(&lab, &prng);
        for (int i = 0; i < MOVES; i++) {
            move_both(&lab, &prng);
            const struct source *merge = &lab.merge.source, *all = &lab.all.source;
            const bool same = merge->valid == all->valid && merge->status == STATUS_OK &&
                              (!all->valid || (merge->trailer == all->trailer && slice_equal(merge->key, all->key)));
            if (!same) fail_msg("seed %" PRIu64 ", move %d: replay with LOAM_TEST_SEED=%" PRIu64, seed, i, seed);
        }
        source_close(&lab.merge.source);
        for (size_t i = 0; i < lab.count; i++) assert_int_equal(lab.parts[i].count, -1); /* all are closed */
    }
}

static void a_source_that_fails_fails_the_merge(void **state) {
    (void)state;
    static struct lab lab;
    struct prng prng;
    prng_init(&prng, 3);
    do set_up(&lab, &prng);
    while (lab.count < 3 || lab.all.count < 20 || lab.parts[1].count < 3);
    source_seek_first(&lab.merge.source);
    assert_true(lab.merge.source.valid);
    lab.parts[1].broken = true;
    while (lab.merge.source.valid) source_next(&lab.merge.source);
    assert_int_equal(lab.merge.source.status, STATUS_CORRUPT);
    lab.parts[1].broken = false;
    source_seek_last(&lab.merge.source);
    assert_true(lab.merge.source.valid);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_moves_stand_where_a_sorted_array_says),
        cmocka_unit_test(a_source_that_fails_fails_the_merge),
    };
    return cmocka_run_group_tests_name("merge_source", tests, NULL, NULL);
}
