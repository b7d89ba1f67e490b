/* golden: see golden.h. */
#include "tests/harness/golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
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
