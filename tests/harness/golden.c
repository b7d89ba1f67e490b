/* golden: see golden.h. */
#include "tests/harness/golden.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/check.h"

struct slice golden_read(const char *path, uint8_t room[GOLDEN_MAX_BYTES]) {
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("%s is not there", path);
    const size_t size = fread(room, 1, GOLDEN_MAX_BYTES, file);
    assert_int_equal(fclose(file), 0);
    assert_true(size < GOLDEN_MAX_BYTES);
    return slice_make(room, size);
}

size_t golden_expect_example(const char *document, const char *path) {
    static uint8_t room[GOLDEN_MAX_BYTES], told[GOLDEN_MAX_BYTES];
    const struct slice golden = golden_read(path, room);
    size_t count = 0, next = 0;
    char line[512];
    FILE *in = fopen(document, "r");
    if (!in) fail_msg("%s is not there", document);
    memset(told, 0, sizeof told);
    while (fgets(line, sizeof line, in)) {
        char *at;
        size_t offset = strtoul(line, &at, 16);
        if (at != line + 8 || strncmp(at, "  ", 2) != 0) continue;
        if (offset < next) fail_msg("%s: %08zx is told twice", document, offset);
        for (at += 2; isxdigit((unsigned char)at[0]) && isxdigit((unsigned char)at[1]); at += 3, count++) {
            if (offset >= golden.size) fail_msg("%s: %08zx is behind the end of %s", document, offset, path);
            told[offset++] = (uint8_t)strtoul(at, NULL, 16);
        }
        next = offset;
    }
    assert_int_equal(fclose(in), 0);
    assert_memory_equal(told, golden.data, golden.size);
    return count;
}

void golden_expect(const struct golden_file *files, size_t count) {
    static uint8_t room[GOLDEN_MAX_BYTES];
    for (size_t i = 0; i < count; i++) {
        struct buf today = BUF_EMPTY;
        files[i].append(&today);
        if (!slice_equal(golden_read(files[i].path, room), buf_slice(&today)))
            fail_msg("%s is not what today's encoder writes", files[i].path);
        buf_deinit(&today);
    }
}

static void make(const struct golden_file *golden) {
    struct buf bytes = BUF_EMPTY;
    golden->append(&bytes);
    FILE *file = fopen(golden->path, "wb");
    check(file && fwrite(bytes.data, 1, bytes.size, file) == bytes.size);
    check(fclose(file) == 0);
    buf_deinit(&bytes);
}

bool golden_made(int argc, char **argv, const struct golden_file *files, size_t count) {
    if (argc != 2 || strcmp(argv[1], "--make") != 0) return false;
    for (size_t i = 0; i < count; i++) make(&files[i]);
    return true;
}
