/*
 * store_dir: see store_dir.h. A node's directory is known by its superblock, which is spelt small; the engine's stands
 * in capitals.
 */
#include "tools/loam/store_dir.h"

#include <inttypes.h>
#include <stdio.h>

#include "raft/log/node_state.h"

static bool is_node(struct io *io, const char *dir) {
    char path[IO_PATH_BYTES];
    struct io_entry entry;
    return snprintf(path, sizeof path, "%s/superblock", dir) < (int)sizeof path &&
           io_stat(io, path, &entry) == STATUS_OK && entry.kind == IO_ENTRY_FILE;
}

static enum status store_of_node(struct io *io, const char *node, char dir[IO_PATH_BYTES], struct error *error) {
    struct node_state state;
    enum status status = node_state_read(io, node, &state, error);
    if (status != STATUS_OK)
        return error_prefix(error, status, "%s is a node's directory, and which store is its own can't be read", node);
    if (snprintf(dir, IO_PATH_BYTES, "%s/engine-%08" PRIx64, node, state.engine_number) >= IO_PATH_BYTES)
        return error_set(error, STATUS_TOO_LARGE, "%s: the path is too long", node);
    struct io_entry entry;
    if (io_stat(io, dir, &entry) != STATUS_OK)
        return error_set(error, STATUS_NOT_FOUND, "%s: not there; node %" PRIu64 " has not run yet, or lost it", dir,
                         state.node_id);
    (void)fprintf(stderr, "%s is the directory of node %" PRIu64 "; its store is %s\n", node, state.node_id, dir);
    return STATUS_OK;
}

enum status store_dir_find(struct io *io, const char *given, char dir[IO_PATH_BYTES], struct error *error) {
    struct io_entry entry;
    if (snprintf(dir, IO_PATH_BYTES, "%s", given) >= IO_PATH_BYTES)
        return error_set(error, STATUS_TOO_LARGE, "%s: the path is too long", given);
    if (io_stat(io, given, &entry) != STATUS_OK)
        return error_set(error, STATUS_NOT_FOUND, "%s: no such directory", given);
    if (entry.kind != IO_ENTRY_DIR) return error_set(error, STATUS_NOT_FOUND, "%s: not a directory", given);
    return is_node(io, given) ? store_of_node(io, given, dir, error) : STATUS_OK;
}
