/*
 * replay_main: a fuzzer as a plain test. Every file of tests/fuzz/corpus/NAME goes through LLVMFuzzerTestOneInput as it
 * is, and again in seeded mutations (cut, flipped, overwritten, spliced). The fuzzer itself judges with check(), which
 * ends the program.
 *
 *     NAME_fuzz [FILE...]      replays these files only
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/prng.h"
#include "tests/harness/test_env.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MUTATIONS_PER_CORPUS = 20000 };

struct corpus {
    char folder[256];
    char name[128];
    struct dirent **entries;
    int count;
    struct buf *contents;
};

/* A copy of exactly the input's size on the heap, so that ASan sees a read past its end. */
static void run_input(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    if (size) memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void read_file(const char *path, struct buf *to) {
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("cannot open %s", path);
    uint8_t part[4096];
    size_t size;
    while ((size = fread(part, 1, sizeof part, file)) > 0) assert_int_equal(buf_append(to, part, size), STATUS_OK);
    assert_false(ferror(file));
    fclose(file);
}

static int entry_is_file(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static int corpus_open(void **state) {
    struct corpus *corpus = *state;
    corpus->count = scandir(corpus->folder, &corpus->entries, entry_is_file, alphasort);
    if (corpus->count <= 0) {
        print_error("%s holds no input\n", corpus->folder);
        return -1;
    }
    corpus->contents = calloc((size_t)corpus->count, sizeof *corpus->contents);
    if (!corpus->contents) return -1;
    for (int i = 0; i < corpus->count; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", corpus->folder, corpus->entries[i]->d_name);
        read_file(path, &corpus->contents[i]);
    }
    return 0;
}

static int corpus_close(void **state) {
    struct corpus *corpus = *state;
    for (int i = 0; i < corpus->count; i++) {
        buf_deinit(&corpus->contents[i]);
        free(corpus->entries[i]);
    }
    free(corpus->contents);
    free(corpus->entries);
    return 0;
}

static void corpus_replays(void **state) {
    struct corpus *corpus = *state;
    for (int i = 0; i < corpus->count; i++) run_input(corpus->contents[i].data, corpus->contents[i].size);
}

static void mutate(struct prng *prng, struct buf *input, const struct buf *other) {
    if (input->size == 0) return;
    size_t at = prng_below(prng, input->size);
    switch (prng_below(prng, 5)) {
    case 0: input->size = at; break;
    case 1: input->data[at] ^= (uint8_t)(1u << prng_below(prng, 8)); break;
    case 2: input->data[at] = (uint8_t)prng_next(prng); break;
    case 3: memset(input->data + at, prng_chance(prng, 1, 2) ? 0xff : 0, 1 + prng_below(prng, input->size - at)); break;
    default:
        if (other->size == 0) break;
        input->size = at;
        size_t from = prng_below(prng, other->size);
        assert_int_equal(buf_append(input, other->data + from, other->size - from), STATUS_OK);
    }
}

static void mutated_corpus_is_handled(void **state) {
    struct corpus *corpus = *state;
    uint64_t seed = test_seed(1);
    uint64_t runs = test_scaled(MUTATIONS_PER_CORPUS);
    print_message("seed %llu; replay: LOAM_TEST_SEED=%llu build/tests/fuzz/%s_fuzz\n", (unsigned long long)seed,
                  (unsigned long long)seed, corpus->name);
    struct prng prng;
    prng_init(&prng, seed);
    struct buf input = BUF_EMPTY;
    for (uint64_t i = 0; i < runs; i++) {
        const struct buf *base = &corpus->contents[prng_below(&prng, (uint64_t)corpus->count)];
        const struct buf *other = &corpus->contents[prng_below(&prng, (uint64_t)corpus->count)];
        assert_int_equal(buf_assign(&input, buf_slice(base)), STATUS_OK);
        for (uint64_t left = 1 + prng_below(&prng, 4); left > 0; left--) mutate(&prng, &input, other);
        run_input(input.data, input.size);
    }
    buf_deinit(&input);
}

static int replay_files(int count, char **paths) {
    for (int i = 0; i < count; i++) {
        struct buf content = BUF_EMPTY;
        read_file(paths[i], &content);
        run_input(content.data, content.size);
        buf_deinit(&content);
        printf("%s: handled\n", paths[i]);
    }
    return 0;
}

int main(int argument_count, char **arguments) {
    if (argument_count > 1) return replay_files(argument_count - 1, arguments + 1);
    static struct corpus corpus;
    const char *slash = strrchr(arguments[0], '/');
    const char *name = slash ? slash + 1 : arguments[0];
    const char *suffix = strstr(name, "_fuzz");
    snprintf(corpus.name, sizeof corpus.name, "%.*s", (int)(suffix ? suffix - name : (ptrdiff_t)strlen(name)), name);
    snprintf(corpus.folder, sizeof corpus.folder, "tests/fuzz/corpus/%s", corpus.name);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(corpus_replays, &corpus),
        cmocka_unit_test_prestate(mutated_corpus_is_handled, &corpus),
    };
    void *state = &corpus;
    if (corpus_open(&state) != 0) return 1;
    int failed = cmocka_run_group_tests_name(corpus.name, tests, NULL, NULL);
    corpus_close(&state);
    return failed;
}
