/*
 * store_dir: see store_dir.h. A node's directory is known by its superblock, which is spelt small; the engine's stands
 * in capitals.
 */
#include "tools/loam/store_dir.h"

#include <stdio.h>

#include "raft/driver.h"

static enum status store_of_node(struct io *io, const char *node, char dir[IO_PATH_BYTES], struct error *error) {
    struct io_entry entry;
    const enum status status = raft_store_path(io, node, dir, error);
    if (status == STATUS_NOT_FOUND) { /* no node's: then it is meant itself */
        *error = (struct error){.status = STATUS_OK};
        (void)snprintf(dir, IO_PATH_BYTES, "%s", node);
        return STATUS_OK;
    }
    if (status != STATUS_OK)
        return error_prefix(error, status, "%s is a node's directory; which store is its own", node);
    if (io_stat(io, dir, &entry) != STATUS_OK)
        return error_set(error, STATUS_NOT_FOUND, "%s: not there; its node has not run yet, or lost it", dir);
    (void)fprintf(stderr, "%s is a node's directory; its store, without the node's log, is %s\n", node, dir);
    return STATUS_OK;
}

enum status store_dir_check(struct io *io, const char *given, struct error *error) {
    struct io_entry entry;
    const enum status status = io_stat(io, given, &entry);
    if (status == STATUS_NOT_FOUND) return error_set(error, status, "%s: no such directory", given);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", given, status_text(status));
    return entry.kind == IO_ENTRY_DIR ? STATUS_OK : error_set(error, STATUS_NOT_FOUND, "%s: not a directory", given);
}

enum status store_dir_find(struct io *io, const char *given, char dir[IO_PATH_BYTES], struct error *error) {
    if (snprintf(dir, IO_PATH_BYTES, "%s", given) >= IO_PATH_BYTES)
        return error_set(error, STATUS_TOO_LARGE, "%s: the path is too long", given);
    const enum status status = store_dir_check(io, given, error);
    return status == STATUS_OK ? store_of_node(io, given, dir, error) : status;
}
