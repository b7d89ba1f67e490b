/*
 * sst_test: files against a sorted array: gets at every snapshot, walks both ways, all compressions; then failing
 * allocations and disks, and a flip of every single bit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/check.h"
#include "engine/base/prng.h"
#include "engine/sst/block_format.h"
#include "engine/sst/sst_build.h"
#include "engine/sst/sst_format.h"
#include "engine/sst/sst_read.h"
#include "tests/harness/alloc_fault.h"
#include "tests/harness/seeds.h"
#include "tests/harness/test_env.h"
#include "tools/sim/sim_io.h"

enum { ENTRIES_MAX = 3000, RANGES_MAX = 40 };

static const char path[] = "/000001.sst";
static const struct sst_identity identity = {.store = 0x1122334455667788, .file = 1};

struct entry {
    struct buf key, value;
    uint64_t trailer;
};

struct range {
    struct slice begin, end; /* borrowed from entries */
    uint64_t sequence;
};

struct fixture {
    struct io *io;
    struct sst_environment environment;
    struct sst_build_options options;
    struct entry entries[ENTRIES_MAX];
    size_t count;
    struct range ranges[RANGES_MAX];
    size_t range_count;
    unsigned errors; /* told to on_error */
    struct error error;
};

static void note_error(void *context, const struct error *error) {
    struct fixture *f = context;
    f->errors++;
    f->error = *error;
}

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    if (!f) return -1;
    f->io = sim_io_create_alone(1);
    f->environment = (struct sst_environment){
        .io = f->io,
        .codec = codec_create(),
        .cache = block_cache_create(1 << 20),
        .on_error = note_error,
        .context = f,
    };
    f->options = (struct sst_build_options){
        .identity = identity,
        .origin = {.tree = 3,
                   .kind = 9,
                   .cause = SST_CAUSE_FLUSH,
                   .level = 0,
                   .job = 5,
                   .created_ms = 1000,
                   .oldest_time_ms = -7},
        .codec = CODEC_LZ4,
        .filter_bits_per_key = 10,
        .block_bytes = 512,
    };
    *state = f;
    return 0;
}

static void forget_entries(struct fixture *f) {
    for (size_t i = 0; i < ENTRIES_MAX; i++) {
        buf_deinit(&f->entries[i].key);
        buf_deinit(&f->entries[i].value);
    }
    f->count = f->range_count = 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    forget_entries(f);
    block_cache_destroy(f->environment.cache);
    codec_destroy(f->environment.codec);
    io_destroy(f->io);
    free(f);
    return 0;
}

/* ---- Drawing ----------------------------------------------------------------------------------------------------- */

static int entry_order(const void *left, const void *right) {
    const struct entry *a = left;
    const struct entry *b = right;
    return entry_compare(buf_slice(&a->key), a->trailer, buf_slice(&b->key), b->trailer);
}

static void add_entry(struct fixture *f, struct slice key, uint64_t trailer, struct slice value) {
    struct entry *entry = &f->entries[f->count++];
    assert_int_equal(buf_assign(&entry->key, key), STATUS_OK);
    assert_int_equal(buf_assign(&entry->value, value), STATUS_OK);
    entry->trailer = trailer;
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

static void draw_ranges(struct fixture *f, struct prng *prng) {
    f->range_count = f->count ? prng_below(prng, RANGES_MAX) * prng_below(prng, 2) : 0;
    size_t kept = 0;
    for (size_t i = 0; i < f->range_count; i++) {
        struct slice a = buf_slice(&f->entries[prng_below(prng, f->count)].key);
        struct slice b = buf_slice(&f->entries[prng_below(prng, f->count)].key);
        if (prng_chance(prng, 1, 10)) b = (struct slice){0};
        if (b.size && slice_compare(a, b) >= 0) continue;
        f->ranges[kept++] = (struct range){a, b, 1 + i * 7};
    }
    f->range_count = kept;
}

static void draw(struct fixture *f, struct prng *prng) {
    static const enum entry_kind kinds[] = {ENTRY_PUT, ENTRY_PUT, ENTRY_PUT, ENTRY_DELETE, ENTRY_MERGE, ENTRY_APPEND};
    static uint8_t value[4000];
    forget_entries(f);
    unsigned style = (unsigned)prng_below(prng, 4);
    bool plain = prng_chance(prng, 1, 3); /* one kind, sequence 0, one size of value */
    size_t count = prng_below(prng, prng_chance(prng, 1, 4) ? 5 : ENTRIES_MAX);
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
        add_entry(f, slice_make(key, key_size), entry_trailer(sequence, kind), slice_make(value, value_size));
    }
    qsort(f->entries, f->count, sizeof f->entries[0], entry_order);
    size_t kept = 0; /* two operations never have one sequence */
    for (size_t i = 0; i < f->count; i++) {
        bool twin = kept && slice_equal(buf_slice(&f->entries[kept - 1].key), buf_slice(&f->entries[i].key)) &&
                    entry_sequence(f->entries[kept - 1].trailer) == entry_sequence(f->entries[i].trailer);
        if (twin) continue;
        struct entry swap = f->entries[kept];
        f->entries[kept++] = f->entries[i];
        f->entries[i] = swap;
    }
    f->count = kept;
    draw_ranges(f, prng);
    f->options.codec = (enum codec_id)prng_below(prng, CODEC_COUNT);
    f->options.block_bytes = (size_t)64 << prng_below(prng, 8);
    f->options.filter_bits_per_key = (unsigned)prng_below(prng, 3) * 7;
}

/* ---- Building and opening ---------------------------------------------------------------------------------------- */

static enum status try_build(struct fixture *f) {
    struct sst_build *build = NULL;
    enum status status = sst_build_create(&f->environment, path, &f->options, &build);
    for (size_t i = 0; i < f->range_count / 2 && status == STATUS_OK; i++) {
        status = sst_build_range_delete(build, f->ranges[i].begin, f->ranges[i].end, f->ranges[i].sequence);
    }
    for (size_t i = 0; i < f->count && status == STATUS_OK; i++) {
        const struct entry *entry = &f->entries[i];
        status = sst_build_add(build, buf_slice(&entry->key), entry->trailer, buf_slice(&entry->value));
    }
    for (size_t i = f->range_count / 2; i < f->range_count && status == STATUS_OK; i++) {
        status = sst_build_range_delete(build, f->ranges[i].begin, f->ranges[i].end, f->ranges[i].sequence);
    }
    if (status == STATUS_OK) status = sst_build_finish(build);
    if (status == STATUS_OK) status = sst_build_sync(build);
    if (status == STATUS_OK) assert_int_equal(sst_build_entries(build), f->count + f->range_count);
    sst_build_destroy(build);
    return status;
}

static struct sst *open_built(struct fixture *f, uint64_t cache_file) {
    struct sst *sst = NULL;
    struct error error;
    enum status status = sst_open(&f->environment, path, identity, cache_file, &sst, &error);
    if (status != STATUS_OK) fail_msg("%s", error.text);
    return sst;
}

static struct sst *build_and_open(struct fixture *f) {
    static uint64_t cache_file;
    assert_int_equal(try_build(f), STATUS_OK);
    return open_built(f, ++cache_file);
}

/* ---- What must be ------------------------------------------------------------------------------------------------ */

/* The first entry at or after (key, trailer). */
static size_t model_seek(const struct fixture *f, struct slice key, uint64_t trailer) {
    size_t low = 0, high = f->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct entry *entry = &f->entries[middle];
        if (entry_compare(buf_slice(&entry->key), entry->trailer, key, trailer) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void assert_shows(const struct fixture *f, const struct source *source, size_t at) {
    assert_int_equal(source->status, STATUS_OK);
    assert_int_equal(source->valid, at < f->count);
    if (at >= f->count) return;
    const struct entry *entry = &f->entries[at];
    assert_true(slice_equal(source->key, buf_slice(&entry->key)));
    assert_int_equal(source->trailer, entry->trailer);
    assert_true(slice_equal(source->value, buf_slice(&entry->value)));
    assert_int_equal(source->head, entry_head(source->key));
}

static void assert_walks(struct fixture *f, struct sst *sst, unsigned flags) {
    struct sst_source source;
    sst_source_init(&source, sst, flags);
    source_seek_first(&source.source);
    for (size_t i = 0; i <= f->count; i++) {
        assert_shows(f, &source.source, i);
        if (i < f->count) source_next(&source.source);
    }
    source_seek_last(&source.source);
    for (size_t i = f->count; i-- > 0;) {
        assert_shows(f, &source.source, i);
        source_prev(&source.source);
    }
    assert_false(source.source.valid);
    source_close(&source.source);
}

static struct slice draw_probe(const struct fixture *f, struct prng *prng, uint8_t key[64]) {
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
static void assert_wanders(struct fixture *f, struct source *source, size_t at, struct prng *prng) {
    for (uint64_t steps = prng_below(prng, 200); steps > 0 && source->valid; steps--) {
        const bool back = prng_chance(prng, 1, 20);
        if (back)
            source_prev(source);
        else
            source_next(source);
        at = !back ? at + 1 : at > 0 ? at - 1 : f->count;
        assert_shows(f, source, at);
    }
}

static void assert_seeks(struct fixture *f, struct sst *sst, unsigned flags, struct prng *prng) {
    struct sst_source source;
    sst_source_init(&source, sst, flags);
    for (int i = 0; i < 300; i++) {
        uint8_t bytes[64];
        struct slice key = draw_probe(f, prng, bytes);
        uint64_t snapshot = prng_chance(prng, 1, 3) ? ENTRY_SEQUENCE_MAX : prng_below(prng, 400);
        size_t at = model_seek(f, key, entry_trailer_at(snapshot));
        source_seek(&source.source, key, entry_trailer_at(snapshot));
        assert_shows(f, &source.source, at);
        if (source.source.valid && prng_chance(prng, 1, 4)) { /* turn round */
            source_prev(&source.source);
            assert_shows(f, &source.source, at ? at - 1 : f->count);
            assert_wanders(f, &source.source, at ? at - 1 : f->count, prng);
        }
        source_seek_before(&source.source, key, entry_trailer_at(snapshot));
        assert_shows(f, &source.source, at ? at - 1 : f->count);

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

static void assert_covers(struct fixture *f, struct sst *sst, struct prng *prng) {
    for (int i = 0; i < 100; i++) {
        uint8_t bytes[64];
        struct slice key = draw_probe(f, prng, bytes);
        uint64_t snapshot = prng_below(prng, 400), expected = 0;
        for (size_t j = 0; j < f->range_count; j++) {
            const struct range *range = &f->ranges[j];
            bool inside =
                slice_compare(range->begin, key) <= 0 && (!range->end.size || slice_compare(key, range->end) < 0);
            if (inside && range->sequence <= snapshot && range->sequence > expected) expected = range->sequence;
        }
        assert_int_equal(range_set_cover(sst_range_deletes(sst), 3, key, snapshot), expected);
    }
}

static void assert_properties(const struct fixture *f, const struct sst *sst) {
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
    struct fixture *f = *state;
    for (uint64_t seed = test_seed(1), last = seed + test_scaled(150); seed < last; seed++) {
        seed_starts("a_file_answers_as_the_sorted_array_does", seed);
        struct prng prng;
        prng_init(&prng, seed);
        draw(f, &prng);
        struct sst *sst = build_and_open(f);
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
    struct fixture *f = *state;
    struct sst *sst = build_and_open(f);
    struct sst_version version;
    assert_int_equal(sst_get(sst, slice_from_text("k"), 9, 0, &version), STATUS_NOT_FOUND);
    assert_walks(f, sst, 0);
    assert_int_equal(sst_verify(sst, NULL, NULL), STATUS_OK);
    assert_int_equal(sst_approximate_bytes(sst, (struct slice){0}, (struct slice){0}), 0);
    sst_close(sst);
}

static void the_largest_keys_and_values_fit(void **state) {
    struct fixture *f = *state;
    size_t key_size = 128 << 10, value_size = 64 << 20;
    uint8_t *bytes = malloc(value_size);
    memset(bytes, 'x', value_size);
    add_entry(f, slice_make(bytes, key_size), entry_trailer(2, ENTRY_PUT), slice_make(bytes, value_size));
    add_entry(f, slice_make(bytes, key_size), entry_trailer(1, ENTRY_PUT), slice_from_text("small"));
    bytes[key_size - 1] = 'y';
    add_entry(f, slice_make(bytes, key_size), entry_trailer(3, ENTRY_PUT), slice_from_text("last"));
    struct sst *sst = build_and_open(f);
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

static void add_numbers(struct fixture *f, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        char key[32];
        size_t size = (size_t)snprintf(key, sizeof key, "key%06u", i * 2);
        add_entry(f, slice_make(key, size), entry_trailer(i + 1, ENTRY_PUT),
                  slice_from_text("0123456789012345678901234567"));
    }
}

static void memory_only_blocks_until_the_block_is_in_the_cache(void **state) {
    struct fixture *f = *state;
    add_numbers(f, 500);
    struct sst *sst = build_and_open(f);
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
static uint64_t walk_adds(struct fixture *f, unsigned flags, unsigned codec) {
    struct block_cache_stats before, after;
    f->options.codec = (enum codec_id)codec;
    struct sst *sst = build_and_open(f);
    block_cache_get_stats(f->environment.cache, &before);
    assert_walks(f, sst, flags);
    block_cache_get_stats(f->environment.cache, &after);
    sst_close(sst);
    return after.added - before.added;
}

static void a_walk_fills_the_cache_unless_told_not_to(void **state) {
    struct fixture *f = *state;
    add_numbers(f, 500);
    for (unsigned codec = 0; codec < CODEC_COUNT; codec++) {
        assert_true(walk_adds(f, 0, codec) > 20);
        assert_int_equal(walk_adds(f, SST_NO_FILL, codec), 0);
        assert_int_equal(walk_adds(f, SST_READ_AHEAD, codec), 0);
    }
}

static void the_filter_turns_away_nearly_all_that_is_not_there(void **state) {
    struct fixture *f = *state;
    add_numbers(f, ENTRIES_MAX);
    struct sst *sst = build_and_open(f);
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
    struct fixture *f = *state;
    add_numbers(f, 2000);
    struct sst *sst = build_and_open(f);
    struct slice middle = slice_from_text("key002000"), none = {0};
    uint64_t all = sst_approximate_bytes(sst, none, none);
    assert_int_equal(all, sst_properties(sst)->data_bytes);
    uint64_t left = sst_approximate_bytes(sst, none, middle), right = sst_approximate_bytes(sst, middle, none);
    assert_int_equal(left + right, all);
    assert_in_range(left, all * 4 / 10, all * 6 / 10);
    sst_close(sst);
}

static void a_part_key_has_its_part_of_the_blocks_before_it(void **state) {
    struct fixture *f = *state;
    add_numbers(f, 2000);
    struct sst *sst = build_and_open(f);
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
    struct fixture *f = *state;
    struct prng prng;
    prng_init(&prng, 8);
    do draw(f, &prng);
    while (f->count < 1000);
    assert_int_equal(try_build(f), STATUS_OK);
    uint64_t first = sim_disk_hash(sim_io_disk(f->io));
    assert_int_equal(try_build(f), STATUS_OK);
    assert_int_equal(sim_disk_hash(sim_io_disk(f->io)), first);
}

/* ---- Tests: faults ----------------------------------------------------------------------------------------------- */

static void another_file_under_this_name_is_a_mismatch(void **state) {
    struct fixture *f = *state;
    add_numbers(f, 10);
    assert_int_equal(try_build(f), STATUS_OK);
    struct sst *sst;
    struct error error;
    struct sst_identity other = {.store = identity.store, .file = 2};
    assert_int_equal(sst_open(&f->environment, path, other, 1, &sst, &error), STATUS_MISMATCH);
    assert_non_null(strstr(error.text, path));
    assert_int_equal(sst_open(&f->environment, "/none.sst", identity, 1, &sst, &error), STATUS_NOT_FOUND);
    assert_non_null(strstr(error.text, "/none.sst"));
}

static void a_file_that_was_not_finished_is_corrupt(void **state) {
    struct fixture *f = *state;
    add_numbers(f, 300);
    assert_int_equal(try_build(f), STATUS_OK);
    struct io_file *file;
    uint64_t size;
    assert_int_equal(io_file_open(f->io, path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    assert_int_equal(io_file_size(file, &size), STATUS_OK);
    for (uint64_t left = size; left-- > 0;) {
        assert_int_equal(io_file_truncate(file, left), STATUS_OK);
        struct sst *sst;
        struct error error;
        assert_int_equal(sst_open(&f->environment, path, identity, 1, &sst, &error), STATUS_CORRUPT);
        assert_int_equal(error.status, STATUS_CORRUPT);
    }
    io_file_close(file);
}

/* Of any file under this key: it has no more blocks than entries. */
static void forget_blocks(struct fixture *f, uint64_t cache_file) {
    for (size_t at = 0; at <= f->count; at++) block_cache_drop(f->environment.cache, cache_file, at);
}

/* All that a file can be asked: OK with the right answer, or CORRUPT. */
static bool answers_or_is_corrupt(struct fixture *f) {
    struct sst *sst;
    struct error error;
    forget_blocks(f, 1);
    f->errors = 0;
    enum status status = sst_open(&f->environment, path, identity, 1, &sst, &error);
    if (status != STATUS_OK) {
        assert_true(status == STATUS_CORRUPT || status == STATUS_VERSION || status == STATUS_MISMATCH);
        assert_int_equal(error.status, status);
        return false;
    }
    bool whole = true;
    for (size_t i = 0; i < f->count; i++) {
        struct sst_version version;
        struct slice key = buf_slice(&f->entries[i].key);
        status = sst_get(sst, key, entry_sequence(f->entries[i].trailer), 0, &version);
        if (status == STATUS_CORRUPT) {
            whole = false;
            continue;
        }
        assert_int_equal(status, STATUS_OK);
        assert_true(sst_may_have(sst, entry_key_hash(key)));
        assert_int_equal(version.trailer, f->entries[i].trailer);
        assert_true(slice_equal(version.value, buf_slice(&f->entries[i].value)));
        block_release(version.block);
    }
    struct sst_source source;
    sst_source_init(&source, sst, SST_READ_AHEAD);
    size_t at = 0;
    for (source_seek_first(&source.source); source.source.valid; source_next(&source.source))
        assert_shows(f, &source.source, at++);
    assert_true(source.source.status == (whole ? STATUS_OK : STATUS_CORRUPT));
    if (whole) assert_int_equal(at, f->count);
    source_close(&source.source);
    assert_int_equal(sst_verify(sst, NULL, NULL), whole ? STATUS_OK : STATUS_CORRUPT);
    assert_int_equal(f->errors > 0, !whole);
    if (!whole) {
        assert_non_null(strstr(f->error.text, path));
        assert_non_null(strstr(f->error.text, "offset"));
        assert_non_null(strstr(f->error.text, "key0"));
    }
    sst_close(sst);
    return whole;
}

static void no_flipped_bit_ever_becomes_an_answer(void **state) {
    struct fixture *f = *state;
    add_numbers(f, 60);
    for (size_t i = 0; i < 5; i++) {
        f->ranges[f->range_count++] =
            (struct range){buf_slice(&f->entries[i * 3].key), buf_slice(&f->entries[i * 7 + 1].key), 100 + i};
    }
    assert_int_equal(try_build(f), STATUS_OK);
    assert_true(answers_or_is_corrupt(f));
    struct io_file *file;
    uint64_t size;
    assert_int_equal(io_file_open(f->io, path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    assert_int_equal(io_file_size(file, &size), STATUS_OK);
    unsigned step = test_scaled(100) >= 100 ? 1 : 7;
    for (uint64_t bit = 0; bit < size * 8; bit += step) {
        uint8_t byte;
        size_t got;
        assert_int_equal(io_file_read(file, bit / 8, &byte, 1, &got), STATUS_OK);
        byte ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(io_file_write(file, bit / 8, &byte, 1), STATUS_OK);
        if (answers_or_is_corrupt(f))
            fail_msg("bit %u of byte %llu is not covered by any check", (unsigned)(bit % 8),
                     (unsigned long long)(bit / 8));
        byte ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(io_file_write(file, bit / 8, &byte, 1), STATUS_OK);
    }
    assert_true(answers_or_is_corrupt(f));
    io_file_close(file);
}

/* A block of another place of the same file, and one of another file at the same place: both are sound in themselves.
 */
static void a_sound_block_in_a_strange_place_is_corrupt(void **state) {
    struct fixture *f = *state;
    f->options.codec = CODEC_NONE;
    f->options.block_bytes = 400;
    add_numbers(f, 100);
    assert_int_equal(try_build(f), STATUS_OK);
    struct io_file *file;
    static uint8_t unit[2000], header[20];
    size_t got;
    assert_int_equal(io_file_open(f->io, path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    assert_int_equal(io_file_read(file, 64, unit, sizeof unit, &got), STATUS_OK);
    size_t size = 20 + coding_get_u32(unit + 8);
    assert_int_equal(io_file_read(file, 64 + size, header, sizeof header, &got), STATUS_OK);
    assert_int_equal(20 + coding_get_u32(header + 8), size); /* the second block has the same size */
    static uint8_t second[2000];
    assert_int_equal(io_file_read(file, 64 + size, second, size, &got), STATUS_OK);
    assert_int_equal(io_file_write(file, 64 + size, unit, size), STATUS_OK);
    assert_false(answers_or_is_corrupt(f));
    assert_int_equal(io_file_write(file, 64 + size, second, size), STATUS_OK);
    assert_true(answers_or_is_corrupt(f));
    io_file_close(file);

    f->options.identity.file = 2;
    assert_int_equal(try_build(f), STATUS_OK);
    assert_int_equal(io_file_open(f->io, path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    assert_int_equal(io_file_read(file, 64, second, size, &got), STATUS_OK);
    io_file_close(file);
    f->options.identity.file = 1;
    assert_int_equal(try_build(f), STATUS_OK);
    assert_int_equal(io_file_open(f->io, path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    assert_memory_equal(second + 8, unit + 8, size - 8); /* the same content: only its check tells them apart */
    assert_int_equal(io_file_write(file, 64, second, size), STATUS_OK);
    assert_false(answers_or_is_corrupt(f));
    io_file_close(file);
}

/* A section of the file, and the file with another content in that place, sound in itself. */
static void read_section(struct io_file *file, unsigned section, struct sst_footer *footer, struct buf *raw) {
    static uint8_t bytes[64 << 10];
    uint64_t size;
    size_t got;
    struct sst_unit unit;
    assert_int_equal(io_file_size(file, &size), STATUS_OK);
    assert_int_equal(io_file_read(file, size - SST_FOOTER_BYTES, bytes, SST_FOOTER_BYTES, &got), STATUS_OK);
    assert_int_equal(sst_footer_decode(slice_make(bytes, SST_FOOTER_BYTES), size, footer, NULL), STATUS_OK);
    const struct sst_handle *handle = &footer->sections[section - SST_SECTION_FILTER];
    assert_int_equal(io_file_read(file, handle->offset, bytes, handle->size, &got), STATUS_OK);
    assert_int_equal(sst_unit_decode(slice_make(bytes, handle->size), &identity, handle->offset, &unit), STATUS_OK);
    assert_int_equal(unit.codec, CODEC_NONE);
    assert_int_equal(buf_assign(raw, unit.payload), STATUS_OK);
}

static void write_section(struct io_file *file, unsigned section, const struct sst_footer *footer, struct slice raw) {
    struct sst_footer changed = *footer;
    struct sst_handle *handle = &changed.sections[section - SST_SECTION_FILTER];
    struct buf unit = BUF_EMPTY;
    uint8_t end[SST_FOOTER_BYTES];
    const struct sst_packing raw_only = {.id = CODEC_NONE};
    assert_int_equal(sst_unit_encode(&unit, &raw_only, section, raw, &identity, handle->offset, handle), STATUS_OK);
    assert_int_equal(unit.size, footer->sections[section - SST_SECTION_FILTER].size);
    assert_int_equal(io_file_write(file, handle->offset, unit.data, unit.size), STATUS_OK);
    sst_footer_encode(end, &changed);
    assert_int_equal(io_file_write(file, footer->file_bytes - sizeof end, end, sizeof end), STATUS_OK);
    buf_deinit(&unit);
}

static enum status verify_built(struct fixture *f) {
    struct sst *sst = NULL;
    enum status status = sst_open(&f->environment, path, identity, 1, &sst, NULL);
    if (status == STATUS_OK) status = sst_verify(sst, NULL, NULL);
    sst_close(sst);
    return status;
}

/* An index key that lies before the last key of its block: reads of that key would look in the next one. */
static void a_key_that_no_read_would_find_is_a_finding(void **state) {
    struct fixture *f = *state;
    struct sst_footer footer;
    struct sst_block_view view;
    struct buf raw = BUF_EMPTY;
    struct io_file *file;
    f->options.codec = CODEC_NONE;
    f->options.block_bytes = 400;
    add_numbers(f, 100);
    assert_int_equal(try_build(f), STATUS_OK);
    assert_int_equal(verify_built(f), STATUS_OK);
    assert_int_equal(io_file_open(f->io, path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    read_section(file, SST_SECTION_INDEX, &footer, &raw);
    assert_int_equal(buf_append_zeros(&raw, BLOCK_SLACK_BYTES), STATUS_OK);
    raw.size -= BLOCK_SLACK_BYTES;
    assert_int_equal(block_view_parse(buf_slice(&raw), &view), STATUS_OK);
    assert_true(view.count > 3);
    for (uint32_t i = 0; i < view.count; i++) {
        uint8_t *head = raw.data + BLOCK_HEADER_BYTES + (size_t)i * BLOCK_HEAD_BYTES;
        const uint64_t was = coding_get_u64(head);
        coding_put_u64(head, was - (UINT64_C(1) << 8 * (BLOCK_HEAD_BYTES - block_view_head_size(&view, i))));
        write_section(file, SST_SECTION_INDEX, &footer, buf_slice(&raw));
        if (verify_built(f) != STATUS_CORRUPT) fail_msg("index entry %u of %u", i, view.count);
        coding_put_u64(head, was);
    }
    write_section(file, SST_SECTION_INDEX, &footer, buf_slice(&raw));
    assert_int_equal(verify_built(f), STATUS_OK);
    io_file_close(file);
    buf_deinit(&raw);
}

/* Each bit of the filter that says "maybe" is there for a key. */
static void a_filter_that_denies_a_key_is_a_finding(void **state) {
    struct fixture *f = *state;
    struct sst_footer footer;
    struct buf raw = BUF_EMPTY;
    struct io_file *file;
    unsigned bits = 0;
    f->options.codec = CODEC_NONE;
    add_numbers(f, 100);
    assert_int_equal(try_build(f), STATUS_OK);
    assert_int_equal(io_file_open(f->io, path, IO_OPEN_READ | IO_OPEN_WRITE, &file), STATUS_OK);
    read_section(file, SST_SECTION_FILTER, &footer, &raw);
    for (size_t bit = 64; bit < raw.size * 8; bit++) {
        const uint8_t mask = (uint8_t)(1u << bit % 8);
        if (!(raw.data[bit / 8] & mask)) continue;
        raw.data[bit / 8] ^= mask;
        write_section(file, SST_SECTION_FILTER, &footer, buf_slice(&raw));
        if (verify_built(f) != STATUS_CORRUPT) fail_msg("bit %zu", bit);
        raw.data[bit / 8] ^= mask;
        bits++;
    }
    assert_true(bits > 300);
    io_file_close(file);
    buf_deinit(&raw);
}

static void every_failing_allocation_ends_in_no_memory(void **state) {
    struct fixture *f = *state;
    add_numbers(f, 200);
    f->ranges[f->range_count++] = (struct range){buf_slice(&f->entries[3].key), buf_slice(&f->entries[9].key), 400};
    for (uint64_t nth = 1;; nth++) {
        alloc_fault_at(nth);
        enum status status = try_build(f);
        bool failed = alloc_fault_clear();
        assert_int_equal(status, failed ? STATUS_NO_MEMORY : STATUS_OK);
        if (!failed) break;
    }
    for (uint64_t nth = 1;; nth++) {
        struct sst *sst = NULL;
        alloc_fault_at(nth);
        enum status status = sst_open(&f->environment, path, identity, 1, &sst, NULL);
        bool failed = alloc_fault_clear();
        assert_int_equal(status, failed ? STATUS_NO_MEMORY : STATUS_OK);
        sst_close(sst);
        if (!failed) break;
    }
    struct sst *sst = open_built(f, 77);
    for (uint64_t nth = 1;; nth++) {
        struct sst_source source;
        sst_forget_blocks(sst);
        sst_source_init(&source, sst, 0);
        alloc_fault_at(nth);
        size_t seen = 0;
        for (source_seek_first(&source.source); source.source.valid; source_next(&source.source)) seen++;
        bool failed = alloc_fault_clear();
        bool whole = source.source.status == STATUS_OK;
        assert_true(whole ? seen == f->count : failed && source.source.status == STATUS_NO_MEMORY);
        source_close(&source.source);
        if (!failed) break;
    }
    assert_int_equal(f->errors, 0);
    sst_close(sst);
}

static void every_failing_call_of_the_disk_is_answered(void **state) {
    struct fixture *f = *state;
    struct sim_disk *disk = sim_io_disk(f->io);
    struct prng prng;
    prng_init(&prng, 3);
    static uint8_t value[1000];
    for (unsigned i = 0; i < 700; i++) { /* several writes of 256 KiB */
        char key[16];
        prng_fill(&prng, value, sizeof value);
        size_t size = (size_t)snprintf(key, sizeof key, "key0%05u", i);
        add_entry(f, slice_make(key, size), entry_trailer(1, ENTRY_PUT), slice_make(value, sizeof value));
    }
    unsigned failures = 0;
    for (uint64_t nth = 1;; nth++, failures++) {
        sim_disk_fail_at(disk, nth, nth % 2 ? STATUS_IO : STATUS_NO_SPACE, false);
        enum status status = try_build(f);
        bool failed = sim_disk_has_failed(disk);
        sim_disk_fail_at(disk, 0, STATUS_OK, false);
        if (!failed) {
            assert_int_equal(status, STATUS_OK);
            break;
        }
        assert_true(status == STATUS_IO || status == STATUS_NO_SPACE);
    }
    assert_true(failures >= 5); /* open, three writes, sync */
    for (uint64_t nth = 1;; nth++) {
        struct sst *sst = NULL;
        struct sst_version version = {0};
        f->errors = 0;
        forget_blocks(f, 1);
        sim_disk_fail_at(disk, nth, STATUS_IO, false);
        enum status opened = sst_open(&f->environment, path, identity, 1, &sst, NULL);
        enum status got = opened == STATUS_OK ? sst_get(sst, slice_from_text("key000300"), 9, 0, &version) : opened;
        bool failed = sim_disk_has_failed(disk);
        sim_disk_fail_at(disk, 0, STATUS_OK, false);
        assert_int_equal(got, failed ? STATUS_IO : STATUS_OK);
        assert_int_equal(f->errors, failed && opened == STATUS_OK);
        block_release(version.block);
        sst_close(sst);
        if (!failed) break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_answers_as_the_sorted_array_does, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_file_is_a_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_largest_keys_and_values_fit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_only_blocks_until_the_block_is_in_the_cache, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_walk_fills_the_cache_unless_told_not_to, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_filter_turns_away_nearly_all_that_is_not_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(approximate_bytes_adds_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_part_key_has_its_part_of_the_blocks_before_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_same_entries_make_the_same_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_file_under_this_name_is_a_mismatch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_was_not_finished_is_corrupt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_flipped_bit_ever_becomes_an_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_sound_block_in_a_strange_place_is_corrupt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_that_no_read_would_find_is_a_finding, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_filter_that_denies_a_key_is_a_finding, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_failing_allocation_ends_in_no_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_failing_call_of_the_disk_is_answered, set_up, tear_down),
    };
    return seed_report(cmocka_run_group_tests_name("sst", tests, NULL, NULL), "build/tests/unit/engine/sst_test");
}
