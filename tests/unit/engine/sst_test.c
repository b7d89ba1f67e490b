/* sst_test: files against a sorted array: gets at every snapshot, walks both ways, all compressions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "tests/harness/seeds.h"
#include "tests/harness/sst_lab.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim_io.h"

/* ---- Drawing ----------------------------------------------------------------------------------------------------- */

static int entry_order(const void *left, const void *right) {
    const struct sst_lab_entry *a = left;
    const struct sst_lab_entry *b = right;
    return entry_compare(buf_slice(&a->key), a->trailer, buf_slice(&b->key), b->trailer);
}

static size_t draw_key(struct prng *prng, unsigned style, uint8_t key[64]) {
    static const char letters[] = "aab";
    size_t size = prng_below(prng, style == 0 ? 4 : 24);
    switch (style) {
    case 0: /* few short keys with many versions; zeros and 0xff among their bytes */
        for (size_t i = 0; i < size; i++) key[i] = (uint8_t)(prng_below(prng, 3) * 0xff / 2);
        return size;
    case 1: /* long shared beginnings */
        memset(key, 'p', 24);
        for (size_t i = 0; i < size; i++) key[24 + i] = (uint8_t)letters[prng_below(prng, 3)];
        return 24 + size;
    case 2: /* numbers, as a benchmark has them */
        return (size_t)snprintf((char *)key, 64, "%016llu", (unsigned long long)prng_below(prng, 100000));
    default: prng_fill(prng, key, size); return size;
    }
}

static void draw_ranges(struct sst_lab *f, struct prng *prng) {
    f->range_count = f->count ? prng_below(prng, SST_LAB_RANGES_MAX) * prng_below(prng, 2) : 0;
    size_t kept = 0;
    for (size_t i = 0; i < f->range_count; i++) {
        struct slice a = buf_slice(&f->entries[prng_below(prng, f->count)].key);
        struct slice b = buf_slice(&f->entries[prng_below(prng, f->count)].key);
        if (prng_chance(prng, 1, 10)) b = (struct slice){0};
        if (b.size && slice_compare(a, b) >= 0) continue;
        f->ranges[kept++] = (struct sst_lab_range){a, b, 1 + i * 7};
    }
    f->range_count = kept;
}

static void draw(struct sst_lab *f, struct prng *prng) {
    static const enum entry_kind kinds[] = {ENTRY_PUT, ENTRY_PUT, ENTRY_PUT, ENTRY_DELETE, ENTRY_MERGE, ENTRY_APPEND};
    static uint8_t value[4000];
    sst_lab_forget(f);
    unsigned style = (unsigned)prng_below(prng, 4);
    bool plain = prng_chance(prng, 1, 3); /* one kind, sequence 0, one size of value */
    size_t count = prng_below(prng, prng_chance(prng, 1, 4) ? 5 : SST_LAB_ENTRIES_MAX);
    for (size_t i = 0; i < count; i++) {
        uint8_t key[64];
        size_t key_size = draw_key(prng, style, key);
        uint64_t sequence = plain ? 0 : 1 + prng_below(prng, prng_chance(prng, 1, 2) ? 300 : 1 << 30);
        enum entry_kind kind = plain ? ENTRY_PUT : kinds[prng_below(prng, 6)];
        size_t value_size = plain                  ? 20
                            : kind == ENTRY_DELETE ? 0
                                                   : prng_below(prng, prng_chance(prng, 1, 40) ? sizeof value : 60);
        memset(value, 'v', value_size);
        prng_fill(prng, value, value_size / 3);
        sst_lab_add(f, slice_make(key, key_size), entry_trailer(sequence, kind), slice_make(value, value_size));
    }
    qsort(f->entries, f->count, sizeof f->entries[0], entry_order);
    size_t kept = 0; /* two operations never have one sequence */
    for (size_t i = 0; i < f->count; i++) {
        bool twin = kept && slice_equal(buf_slice(&f->entries[kept - 1].key), buf_slice(&f->entries[i].key)) &&
                    entry_sequence(f->entries[kept - 1].trailer) == entry_sequence(f->entries[i].trailer);
        if (twin) continue;
        struct sst_lab_entry swap = f->entries[kept];
        f->entries[kept++] = f->entries[i];
        f->entries[i] = swap;
    }
    f->count = kept;
    draw_ranges(f, prng);
    f->options.codec = (enum codec_id)prng_below(prng, CODEC_COUNT);
    f->options.block_bytes = (size_t)64 << prng_below(prng, 8);
    f->options.filter_bits_per_key = (unsigned)prng_below(prng, 3) * 7;
}

/* ---- What must be ------------------------------------------------------------------------------------------------ */

/* The first entry at or after (key, trailer). */
static size_t model_seek(const struct sst_lab *f, struct slice key, uint64_t trailer) {
    size_t low = 0, high = f->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct sst_lab_entry *entry = &f->entries[middle];
        if (entry_compare(buf_slice(&entry->key), entry->trailer, key, trailer) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void assert_walks(struct sst_lab *f, struct sst *sst, unsigned flags) {
    struct sst_source source;
    sst_source_init(&source, sst, flags);
    source_seek_first(&source.source);
    for (size_t i = 0; i <= f->count; i++) {
        sst_lab_expect(f, &source.source, i);
        if (i < f->count) source_next(&source.source);
    }
    source_seek_last(&source.source);
    for (size_t i = f->count; i-- > 0;) {
        sst_lab_expect(f, &source.source, i);
        source_prev(&source.source);
    }
    assert_false(source.source.valid);
    source_close(&source.source);
}

static struct slice draw_probe(const struct sst_lab *f, struct prng *prng, uint8_t key[64]) {
    if (f->count && prng_chance(prng, 1, 2)) {
        struct slice taken = buf_slice(&f->entries[prng_below(prng, f->count)].key);
        if (taken.size <= 60) {
            if (taken.size) memcpy(key, taken.data, taken.size);
            if (prng_chance(prng, 1, 3) && taken.size) key[taken.size - 1] ^= (uint8_t)(1u << prng_below(prng, 8));
            if (prng_chance(prng, 1, 5)) key[taken.size++] = 0;
            if (prng_chance(prng, 1, 5) && taken.size) taken.size--;
            return slice_make(key, taken.size);
        }
    }
    return slice_make(key, draw_key(prng, (unsigned)prng_below(prng, 4), key));
}

/* On from entry `at`, mostly ahead, so that stretches of the file are read, with turns on the way. */
static void assert_wanders(struct sst_lab *f, struct source *source, size_t at, struct prng *prng) {
    for (uint64_t steps = prng_below(prng, 200); steps > 0 && source->valid; steps--) {
        const bool back = prng_chance(prng, 1, 20);
        if (back)
            source_prev(source);
        else
            source_next(source);
        at = !back ? at + 1 : at > 0 ? at - 1 : f->count;
        sst_lab_expect(f, source, at);
    }
}

static void assert_seeks(struct sst_lab *f, struct sst *sst, unsigned flags, struct prng *prng) {
    struct sst_source source;
    sst_source_init(&source, sst, flags);
    for (int i = 0; i < 300; i++) {
        uint8_t bytes[64];
        struct slice key = draw_probe(f, prng, bytes);
        uint64_t snapshot = prng_chance(prng, 1, 3) ? ENTRY_SEQUENCE_MAX : prng_below(prng, 400);
        size_t at = model_seek(f, key, entry_trailer_at(snapshot));
        source_seek(&source.source, key, entry_trailer_at(snapshot));
        sst_lab_expect(f, &source.source, at);
        if (source.source.valid && prng_chance(prng, 1, 4)) { /* turn round */
            source_prev(&source.source);
            sst_lab_expect(f, &source.source, at ? at - 1 : f->count);
            assert_wanders(f, &source.source, at ? at - 1 : f->count, prng);
        }
        source_seek_before(&source.source, key, entry_trailer_at(snapshot));
        sst_lab_expect(f, &source.source, at ? at - 1 : f->count);

        struct sst_version version;
        enum status status = sst_get(sst, key, snapshot, 0, &version);
        bool here = at < f->count && slice_equal(buf_slice(&f->entries[at].key), key);
        assert_int_equal(status, here ? STATUS_OK : STATUS_NOT_FOUND);
        if (!here) continue;
        assert_true(sst_may_have(sst, entry_key_hash(key)));
        assert_int_equal(version.trailer, f->entries[at].trailer);
        assert_true(slice_equal(version.value, buf_slice(&f->entries[at].value)));
        block_release(version.block);
    }
    source_close(&source.source);
}

static void assert_covers(struct sst_lab *f, struct sst *sst, struct prng *prng) {
    for (int i = 0; i < 100; i++) {
        uint8_t bytes[64];
        struct slice key = draw_probe(f, prng, bytes);
        uint64_t snapshot = prng_below(prng, 400), expected = 0;
        for (size_t j = 0; j < f->range_count; j++) {
            const struct sst_lab_range *range = &f->ranges[j];
            bool inside =
                slice_compare(range->begin, key) <= 0 && (!range->end.size || slice_compare(key, range->end) < 0);
            if (inside && range->sequence <= snapshot && range->sequence > expected) expected = range->sequence;
        }
        assert_int_equal(range_set_cover(sst_range_deletes(sst), 3, key, snapshot), expected);
    }
}

static void assert_properties(const struct sst_lab *f, const struct sst *sst) {
    const struct sst_properties *p = sst_properties(sst);
    assert_int_equal(p->entries, f->count);
    assert_int_equal(p->range_deletes, f->range_count);
    assert_int_equal(p->origin.tree, 3);
    assert_int_equal(p->origin.kind, 9);
    assert_int_equal(p->origin.cause, SST_CAUSE_FLUSH);
    assert_int_equal(p->origin.job, 5);
    assert_int_equal(p->origin.created_ms, 1000);
    assert_int_equal(p->origin.oldest_time_ms, -7);
    for (size_t i = 0; i < f->count; i++) {
        struct slice key = buf_slice(&f->entries[i].key);
        assert_true(slice_compare(p->first, key) <= 0);
        if (p->has_last) assert_true(slice_compare(key, p->last) < !p->last_exclusive);
        assert_true(p->first_sequence <= entry_sequence(f->entries[i].trailer));
        assert_true(p->last_sequence >= entry_sequence(f->entries[i].trailer));
    }
    for (size_t i = 0; i < f->range_count; i++) {
        assert_true(slice_compare(p->first, f->ranges[i].begin) <= 0);
        assert_true(f->ranges[i].end.size ? !p->has_last || slice_compare(f->ranges[i].end, p->last) <= 0
                                          : !p->has_last);
    }
}

/* ---- Tests: what a file answers ---------------------------------------------------------------------------------- */

static void a_file_answers_as_the_sorted_array_does(void **state) {
    struct sst_lab *f = *state;
    for (uint64_t seed = test_seed(1), last = seed + test_scaled(150); seed < last; seed++) {
        seed_starts("a_file_answers_as_the_sorted_array_does", seed);
        struct prng prng;
        prng_init(&prng, seed);
        draw(f, &prng);
        struct sst *sst = sst_lab_build_and_open(f);
        assert_properties(f, sst);
        assert_walks(f, sst, 0);
        assert_walks(f, sst, SST_READ_AHEAD);
        assert_seeks(f, sst, 0, &prng);
        assert_seeks(f, sst, SST_NO_FILL, &prng);
        assert_seeks(f, sst, SST_READ_AHEAD, &prng);
        assert_covers(f, sst, &prng);
        assert_int_equal(sst_verify(sst, NULL, NULL), STATUS_OK);
        assert_int_equal(f->errors, 0);
        sst_close(sst);
        seed_passes();
    }
}

static void an_empty_file_is_a_file(void **state) {
    struct sst_lab *f = *state;
    struct sst *sst = sst_lab_build_and_open(f);
    struct sst_version version;
    assert_int_equal(sst_get(sst, slice_from_text("k"), 9, 0, &version), STATUS_NOT_FOUND);
    assert_walks(f, sst, 0);
    assert_int_equal(sst_verify(sst, NULL, NULL), STATUS_OK);
    assert_int_equal(sst_approximate_bytes(sst, (struct slice){0}, (struct slice){0}), 0);
    sst_close(sst);
}

static void the_largest_keys_and_values_fit(void **state) {
    struct sst_lab *f = *state;
    size_t key_size = 128 << 10, value_size = 64 << 20;
    uint8_t *bytes = malloc(value_size);
    memset(bytes, 'x', value_size);
    sst_lab_add(f, slice_make(bytes, key_size), entry_trailer(2, ENTRY_PUT), slice_make(bytes, value_size));
    sst_lab_add(f, slice_make(bytes, key_size), entry_trailer(1, ENTRY_PUT), slice_from_text("small"));
    bytes[key_size - 1] = 'y';
    sst_lab_add(f, slice_make(bytes, key_size), entry_trailer(3, ENTRY_PUT), slice_from_text("last"));
    struct sst *sst = sst_lab_build_and_open(f);
    assert_int_equal(sst_properties(sst)->data_blocks, 3); /* a large value has a block of its own */
    assert_walks(f, sst, 0);
    assert_walks(f, sst, SST_READ_AHEAD);
    struct sst_version version;
    assert_int_equal(sst_get(sst, buf_slice(&f->entries[0].key), 9, 0, &version), STATUS_OK);
    assert_int_equal(version.value.size, value_size);
    block_release(version.block);
    struct block_cache_stats stats;
    block_cache_get_stats(f->environment.cache, &stats);
    assert_true(stats.bytes <= stats.limit); /* it was handed out uncached */
    sst_close(sst);
    free(bytes);
}

static void memory_only_blocks_until_the_block_is_in_the_cache(void **state) {
    struct sst_lab *f = *state;
    sst_lab_add_numbers(f, 500);
    struct sst *sst = sst_lab_build_and_open(f);
    struct sst_version version;
    struct slice key = slice_from_text("key000400");
    assert_int_equal(sst_get(sst, key, 9999, SST_MEMORY_ONLY, &version), STATUS_WOULD_BLOCK);
    assert_int_equal(sst_get(sst, key, 9999, SST_NO_FILL, &version), STATUS_OK);
    block_release(version.block);
    assert_int_equal(sst_get(sst, key, 9999, SST_MEMORY_ONLY, &version), STATUS_WOULD_BLOCK);
    assert_int_equal(sst_get(sst, key, 9999, 0, &version), STATUS_OK);
    block_release(version.block);
    assert_int_equal(sst_get(sst, key, 9999, SST_MEMORY_ONLY, &version), STATUS_OK);
    assert_true(slice_equal(version.value, slice_from_text("0123456789012345678901234567")));
    struct sst_source source;
    sst_source_init(&source, sst, SST_MEMORY_ONLY);
    source_seek(&source.source, key, ENTRY_TRAILER_FIRST);
    assert_true(source.source.valid);
    while (source.source.valid) source_next(&source.source);
    assert_int_equal(source.source.status, STATUS_WOULD_BLOCK);
    source_seek(&source.source, key, ENTRY_TRAILER_FIRST);
    assert_true(source.source.valid);
    source_close(&source.source);
    assert_int_equal(f->errors, 0);
    sst_close(sst);
    block_release(version.block); /* a pinned value outlives the open file */
}

/* Blocks that a walk of the whole file added to the cache. */
static uint64_t walk_adds(struct sst_lab *f, unsigned flags, unsigned codec) {
    struct block_cache_stats before, after;
    f->options.codec = (enum codec_id)codec;
    struct sst *sst = sst_lab_build_and_open(f);
    block_cache_get_stats(f->environment.cache, &before);
    assert_walks(f, sst, flags);
    block_cache_get_stats(f->environment.cache, &after);
    sst_close(sst);
    return after.added - before.added;
}

static void a_walk_fills_the_cache_unless_told_not_to(void **state) {
    struct sst_lab *f = *state;
    sst_lab_add_numbers(f, 500);
    for (unsigned codec = 0; codec < CODEC_COUNT; codec++) {
        assert_true(walk_adds(f, 0, codec) > 20);
        assert_int_equal(walk_adds(f, SST_NO_FILL, codec), 0);
        assert_int_equal(walk_adds(f, SST_READ_AHEAD, codec), 0);
    }
}

static void the_filter_turns_away_nearly_all_that_is_not_there(void **state) {
    struct sst_lab *f = *state;
    sst_lab_add_numbers(f, SST_LAB_ENTRIES_MAX);
    struct sst *sst = sst_lab_build_and_open(f);
    unsigned wrong = 0;
    for (unsigned i = 0; i < 100000; i++) {
        char key[32];
        size_t size = (size_t)snprintf(key, sizeof key, "other%06u", i);
        wrong += sst_may_have(sst, entry_key_hash(slice_make(key, size)));
    }
    assert_in_range(wrong, 300, 1500); /* 10 bits a key: about 1 % */
    sst_close(sst);
}

static void approximate_bytes_adds_up(void **state) {
    struct sst_lab *f = *state;
    sst_lab_add_numbers(f, 2000);
    struct sst *sst = sst_lab_build_and_open(f);
    struct slice middle = slice_from_text("key002000"), none = {0};
    uint64_t all = sst_approximate_bytes(sst, none, none);
    assert_int_equal(all, sst_properties(sst)->data_bytes);
    uint64_t left = sst_approximate_bytes(sst, none, middle), right = sst_approximate_bytes(sst, middle, none);
    assert_int_equal(left + right, all);
    assert_in_range(left, all * 4 / 10, all * 6 / 10);
    sst_close(sst);
}

static void a_part_key_has_its_part_of_the_blocks_before_it(void **state) {
    struct sst_lab *f = *state;
    sst_lab_add_numbers(f, 2000);
    struct sst *sst = sst_lab_build_and_open(f);
    const struct slice none = {0};
    const uint64_t all = sst_approximate_bytes(sst, none, none), block = all / sst_properties(sst)->data_blocks;
    struct buf key = BUF_EMPTY;
    for (uint64_t part = 0; part < 10; part++) {
        buf_clear(&key);
        assert_int_equal(sst_part_key(sst, part, 10, &key), STATUS_OK);
        const uint64_t before = sst_approximate_bytes(sst, none, buf_slice(&key));
        assert_in_range(before, all * part / 10 - (part > 0 ? block * 2 : 0), all * part / 10 + block * 2);
    }
    buf_deinit(&key);
    sst_close(sst);
}

static void the_same_entries_make_the_same_bytes(void **state) {
    struct sst_lab *f = *state;
    struct prng prng;
    prng_init(&prng, 8);
    do draw(f, &prng);
    while (f->count < 1000);
    assert_int_equal(sst_lab_build(f), STATUS_OK);
    uint64_t first = sim_disk_hash(sim_io_disk(f->io));
    assert_int_equal(sst_lab_build(f), STATUS_OK);
    assert_int_equal(sim_disk_hash(sim_io_disk(f->io)), first);
}

/* Each as read, and as mapped. */
#define FACT(name)                                                                                                     \
    cmocka_unit_test_setup_teardown(name, sst_lab_set_up, sst_lab_tear_down),                                          \
        cmocka_unit_test_setup_teardown(name, sst_lab_set_up_mapped, sst_lab_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        FACT(a_file_answers_as_the_sorted_array_does),
        FACT(an_empty_file_is_a_file),
        FACT(the_largest_keys_and_values_fit),
        FACT(memory_only_blocks_until_the_block_is_in_the_cache),
        FACT(a_walk_fills_the_cache_unless_told_not_to),
        FACT(the_filter_turns_away_nearly_all_that_is_not_there),
        FACT(approximate_bytes_adds_up),
        FACT(a_part_key_has_its_part_of_the_blocks_before_it),
        FACT(the_same_entries_make_the_same_bytes),
    };
    return seed_report(cmocka_run_group_tests_name("sst", tests, NULL, NULL), "build/tests/unit/engine/sst_test");
}
