/* bench_dir: see bench_dir.h. Invariant: nothing outside the path that was given is touched. */
#include "tools/loam/bench/bench_dir.h"

#include <stdio.h>

enum { DEPTH_MAX = 16 };

struct removal {
    struct io *io;
    const char *path;
    unsigned depth;
};

static void remove_tree(struct io *io, const char *path, unsigned depth);

static enum status remove_entry(void *context, const struct io_entry *entry) {
    const struct removal *removal = context;
    char path[IO_PATH_BYTES];
    int size = snprintf(path, sizeof path, "%s/%s", removal->path, entry->name);
    if (size < 0 || (size_t)size >= sizeof path) return STATUS_OK;
    if (entry->kind == IO_ENTRY_DIR)
        remove_tree(removal->io, path, removal->depth + 1);
    else if (io_remove(removal->io, path))
        return STATUS_OK; /* what stays is seen: the directory stays too */
    return STATUS_OK;
}

/* Links are entries of another kind. */
static void remove_tree(struct io *io, const char *path, unsigned depth) {
    if (depth > DEPTH_MAX) return;
    struct removal removal = {.io = io, .path = path, .depth = depth};
    enum status status = io_dir_list(io, path, remove_entry, &removal);
    if (status == STATUS_OK) status = io_remove(io, path);
    (void)status;
}

void bench_remove_dir(struct io *io, const char *path) {
    remove_tree(io, path, 0);
}

enum status bench_make_dir(struct io *io, const char *path) {
    char part[IO_PATH_BYTES];
    for (size_t i = 1; i < sizeof part; i++) {
        if (path[i - 1] == 0) break;
        if (path[i] != '/' && path[i] != 0) continue;
        memcpy(part, path, i);
        part[i] = 0;
        enum status status = io_dir_make(io, part);
        if (status != STATUS_OK && status != STATUS_EXISTS) return status;
        if (path[i] == 0) return STATUS_OK;
    }
    return STATUS_TOO_LARGE;
}
