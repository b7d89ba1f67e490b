/* temp_dir: see temp_dir.h. */
#include "tests/harness/temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct removal {
    struct io *io;
    const char *path;
};

void temp_dir_make(char path[TEMP_DIR_BYTES], const char *what) {
    snprintf(path, TEMP_DIR_BYTES, "/tmp/loam-%s-XXXXXX", what);
    assert_non_null(mkdtemp(path));
}

static enum status remove_entry(void *context, const struct io_entry *entry) {
    const struct removal *removal = context;
    char path[2 * IO_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", removal->path, entry->name);
    if (entry->kind == IO_ENTRY_DIR)
        temp_dir_remove(removal->io, path);
    else
        assert_int_equal(io_remove(removal->io, path), STATUS_OK);
    return STATUS_OK;
}

void temp_dir_remove(struct io *io, const char *path) {
    struct removal removal = {.io = io, .path = path};
    assert_int_equal(io_dir_list(io, path, remove_entry, &removal), STATUS_OK);
    assert_int_equal(io_remove(io, path), STATUS_OK);
}
