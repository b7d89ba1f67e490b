/* source_dir: see source_dir.h. A node keeps its store in a folder `engine` or `engine-N`, and says which in its
 * superblock; where that is lost, the last one by name is the newest. */
#include "tools/loam/inspect/shape/source_dir.h"

#include <stdio.h>

#include "raft/driver.h"

struct looking {
    struct shape_source *source;
    const char *given;
    unsigned found;
};

static enum status take_store(void *context, const struct io_entry *entry) {
    struct looking *looking = context;
    char path[IO_PATH_BYTES];
    if (entry->kind != IO_ENTRY_DIR || strncmp(entry->name, "engine", 6) != 0) return STATUS_OK;
    const int size = snprintf(path, sizeof path, "%s/%s", looking->given, entry->name);
    if (size < 0 || size >= IO_PATH_BYTES || look_find_store(looking->source->io, path, NULL) != STATUS_OK)
        return STATUS_OK;
    memcpy(looking->source->dir, path, (size_t)size + 1);
    looking->found++;
    return STATUS_OK;
}

/* The node's word on it is lost. */
static enum status look_for_store(struct shape_source *source, const char *given, const char *why,
                                  struct findings *findings, struct error *error) {
    struct looking looking = {.source = source, .given = given};
    const enum status status = io_dir_list(source->io, given, take_store, &looking);
    if (status != STATUS_OK) return error_set(error, status, "%s: can't be listed: %s", given, status_text(status));
    if (looking.found == 0) return error_set(error, STATUS_NOT_FOUND, "%s: %s; and no store lies below", given, why);
    struct finding *finding = findings_add(findings, FINDING_CORRUPT, "superblock");
    finding_tell(finding, "of the node: %s", why);
    finding_lose(finding, "which of %u stores below is the node's; the last one is shown", looking.found);
    finding_advise(finding, "%s", source_advice(source));
    return STATUS_OK;
}

enum status source_dir_find(struct shape_source *source, const char *given, struct findings *findings,
                            struct error *error) {
    struct error why = {.status = STATUS_OK};
    if (snprintf(source->dir, sizeof source->dir, "%s", given) >= IO_PATH_BYTES)
        return error_set(error, STATUS_TOO_LARGE, "%s: the path is too long", given);
    enum status status = raft_store_path(source->io, given, source->dir, &why);
    source->is_node = status != STATUS_NOT_FOUND;
    if (status == STATUS_OK && look_find_store(source->io, source->dir, &why) == STATUS_OK) {
        (void)fprintf(stderr, "%s is a node's directory; its store, without the node's log, is %s\n", given,
                      source->dir);
        return STATUS_OK;
    }
    if (source->is_node) return look_for_store(source, given, why.text, findings, error);
    (void)snprintf(source->dir, sizeof source->dir, "%s", given);
    if (look_find_store(source->io, given, error) == STATUS_OK) return STATUS_OK;
    struct findings none = {.items = NULL}; /* a node whose superblock is gone */
    struct error unused;
    source->is_node = true;
    status = look_for_store(source, given, "it is missing", &none, &unused);
    findings_deinit(&none);
    if (status != STATUS_OK) return error->status;
    return look_for_store(source, given, "it is missing", findings, error);
}
