/*
 * hash: known values of XXH3, the same in pieces as at once, and a place that counts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "engine/base/hash.h"
#include "engine/base/prng.h"
#include "tests/harness/alloc_fault.h"

/* From the specification of XXH3: an algorithm that drifts would make every file unreadable. */
static void xxh3_has_its_published_values(void **state) {
    (void)state;
    assert_true(hash64(slice_make(NULL, 0), 0) == 0x2d06800538d394c2u);
    assert_true(hash64(slice_make("", 0), 0) == 0x2d06800538d394c2u);
    assert_int_equal(hash32(slice_make(NULL, 0), 0), 0x38d394c2u);
}

/* Whatever vectors the processor has. */
static void all_lengths_hash_as_the_header_of_the_library_does(void **state) {
    (void)state;
    struct prng prng;
    static uint8_t data[3000];
    prng_init(&prng, 12);
    prng_fill(&prng, data, sizeof data);
    for (size_t size = 0; size < sizeof data - 7; size++) {
        const uint8_t *from = data + size % 8;
        assert_true(hash64(slice_make(from, size), size) == XXH3_64bits_withSeed(from, size, size));
    }
}

static void the_seed_changes_the_hash(void **state) {
    (void)state;
    struct slice data = slice_from_text("a block of bytes");
    assert_true(hash64(data, 1) != hash64(data, 2));
    assert_true(hash64(data, 1) == hash64(data, 1));
}

static void pieces_hash_as_the_whole(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, 11);
    enum { SIZE = 5000 };
    uint8_t *data = malloc(SIZE);
    assert_non_null(data);
    prng_fill(&prng, data, SIZE);
    for (int run = 0; run < 200; run++) {
        size_t size = prng_below(&prng, run % 2 ? SIZE + 1 : 800);
        uint64_t seed = prng_next(&prng);
        struct hash_stream *stream = hash_stream_create(seed);
        struct slice parts[SIZE];
        unsigned count = 0;
        assert_non_null(stream);
        for (size_t at = 0; at < size;) {
            size_t part = 1 + prng_below(&prng, size - at);
            hash_stream_update(stream, slice_make(data + at, part));
            parts[count++] = slice_make(data + at, part);
            at += part;
        }
        assert_true(hash64_parts(parts, count, seed) == hash64(slice_make(data, size), seed));
        assert_true(hash_stream_value(stream) == hash64(slice_make(data, size), seed));
        hash_stream_destroy(stream);
    }
    free(data);
}

static void a_stream_tells_when_memory_ends(void **state) {
    (void)state;
    alloc_fault_at(1);
    assert_null(hash_stream_create(0));
    assert_true(alloc_fault_clear());
}

static void mixing_depends_on_order_and_loses_no_zero(void **state) {
    (void)state;
    assert_true(hash_mix(1, 2) != hash_mix(2, 1));
    assert_true(hash_mix(0, 0) != 0);
    assert_true(hash_mix(0, 1) != hash_mix(0, 2));
    assert_true(hash_mix(1, 0) != hash_mix(2, 0));
}

#ifdef __x86_64__
enum { CPUID_XSAVE_LEAF = 0xd, CPUID_XGETBV_1 = 1 << 2, XINUSE_UPPER_HALVES = 1 << 2 };

static bool tells_what_is_in_use(void) {
    unsigned a, b, c, d;
    return __builtin_cpu_supports("avx") && __get_cpuid_count(CPUID_XSAVE_LEAF, 1, &a, &b, &c, &d) &&
           (a & CPUID_XGETBV_1) != 0;
}
static bool halves_are_in_use(void) {
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(1));
    return (low & XINUSE_UPPER_HALVES) != 0;
}
static void use_halves(void) { /* in assembly: a compiler would clear them at the end */
    __asm__ volatile("vcmpps $15, %%ymm0, %%ymm0, %%ymm0" ::: "xmm0");
}

/* Else the old vector instructions of its caller wait at every turn. */
static void a_hash_leaves_no_upper_half_of_a_vector_register_in_use(void **state) {
    (void)state;
    static uint8_t data[100000];
    if (!tells_what_is_in_use()) skip();
    struct hash_stream *stream = hash_stream_create(1);
    assert_non_null(stream);
    for (size_t size = 250; size <= sizeof data; size += 250) {
        const struct slice part = slice_make(data, size), parts[2] = {part, part};
        use_halves();
        assert_true(halves_are_in_use());
        (void)hash64(part, 1);
        assert_false(halves_are_in_use());
        use_halves();
        (void)hash64_parts(parts, 2, 1);
        assert_false(halves_are_in_use());
        use_halves();
        hash_stream_update(stream, part);
        assert_false(halves_are_in_use());
        use_halves();
        (void)hash_stream_value(stream);
        assert_false(halves_are_in_use());
    }
    hash_stream_destroy(stream);
}
#else
static void a_hash_leaves_no_upper_half_of_a_vector_register_in_use(void **state) {
    (void)state;
    skip();
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xxh3_has_its_published_values),
        cmocka_unit_test(all_lengths_hash_as_the_header_of_the_library_does),
        cmocka_unit_test(the_seed_changes_the_hash),
        cmocka_unit_test(pieces_hash_as_the_whole),
        cmocka_unit_test(a_stream_tells_when_memory_ends),
        cmocka_unit_test(a_hash_leaves_no_upper_half_of_a_vector_register_in_use),
        cmocka_unit_test(mixing_depends_on_order_and_loses_no_zero),
    };
    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
