/* reset: a cluster's files are removed. */
#include <stdio.h>

#include "tools/loam/cluster/cluster.h"

struct removal {
    struct io *io;
    const char *path;
};

static enum status remove_tree(struct io *io, const char *path);

static enum status remove_entry(void *context, const struct io_entry *entry) {
    const struct removal *removal = context;
    char path[IO_PATH_BYTES];
    if (snprintf(path, sizeof path, "%s/%s", removal->path, entry->name) >= (int)sizeof path) return STATUS_INVALID;
    return entry->kind == IO_ENTRY_DIR ? remove_tree(removal->io, path) : io_remove(removal->io, path);
}

static enum status remove_tree(struct io *io, const char *path) {
    struct removal removal = {.io = io, .path = path};
    enum status status = io_dir_list(io, path, remove_entry, &removal);
    return status == STATUS_OK ? io_remove(io, path) : status;
}

enum status cluster_node_wipe(const struct cluster *cluster, unsigned node, struct error *error) {
    char path[IO_PATH_BYTES];
    plan_path(&cluster->plan, node, "", path);
    const enum status status = remove_tree(cluster->io, path);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND) return STATUS_OK;
    return error_set(error, status, "%s: %s", path, status_text(status));
}

enum status cluster_reset(struct cluster *cluster, bool *is_gone, struct error *error) {
    static const char *const suffixes[] = {".log", ".pid"};
    char path[IO_PATH_BYTES];
    for (unsigned node = 1; node <= cluster->plan.nodes; node++) {
        enum status status = cluster_node_kill(cluster, node, error);
        if (status != STATUS_OK) return status;
        status = cluster_node_wipe(cluster, node, error);
        if (status != STATUS_OK) return status;
        for (int i = 0; i < 2 && (status == STATUS_OK || status == STATUS_NOT_FOUND); i++) {
            plan_path(&cluster->plan, node, suffixes[i], path);
            status = io_remove(cluster->io, path);
        }
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            return error_set(error, status, "%s: %s", path, status_text(status));
    }
    (void)snprintf(path, sizeof path, "%s/cluster.conf", cluster->plan.dir);
    enum status status = io_remove(cluster->io, path);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", path, status_text(status));
    *is_gone = io_remove(cluster->io, cluster->plan.dir) == STATUS_OK;
    return STATUS_OK;
}
