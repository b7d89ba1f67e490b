/* directory: see directory.h. Names alone are looked at: what stands in the files is told file by file. */
#include "tools/loam/inspect/directory.h"

#include <stdio.h>
#include <string.h>

struct contents {
    bool has_promise, has_superblock; /* a node's, an engine's */
    unsigned nodes, stores, logs, own_logs, tables, manifests, segments, backups;
};

static bool begins_with(const char *name, const char *beginning) {
    return strncmp(name, beginning, strlen(beginning)) == 0;
}

static bool ends_with(const char *name, const char *end) {
    const size_t size = strlen(name), end_size = strlen(end);
    return size >= end_size && strcmp(name + size - end_size, end) == 0;
}

static bool is_number(const char *name) {
    return *name != '\0' && strspn(name, "0123456789") == strlen(name);
}

static enum status note_entry(void *context, const struct io_entry *entry) {
    struct contents *contents = context;
    const char *name = entry->name;
    if (entry->kind == IO_ENTRY_DIR) {
        contents->nodes += begins_with(name, "node-") && is_number(name + 5);
        contents->stores += begins_with(name, "engine-");
        contents->logs += strcmp(name, "log") == 0 || begins_with(name, "log-");
        contents->own_logs += strcmp(name, "wal") == 0;
        contents->backups += is_number(name);
    } else if (entry->kind == IO_ENTRY_FILE) {
        contents->has_promise |= strcmp(name, "superblock") == 0;
        contents->has_superblock |= strcmp(name, "SUPERBLOCK") == 0;
        contents->tables += ends_with(name, ".sst");
        contents->manifests += ends_with(name, ".manifest");
        contents->segments += ends_with(name, ".wal");
    }
    return STATUS_OK;
}

void directory_describe(struct io *io, const char *path, char words[DIRECTORY_WORDS_BYTES]) {
    struct contents in = {.nodes = 0};
    words[0] = '\0';
    if (io_dir_list(io, path, note_entry, &in) != STATUS_OK) return;
    if (in.has_promise || (in.stores > 0 && in.logs > 0) || (in.logs > 0 && in.nodes == 0)) {
        (void)snprintf(words, DIRECTORY_WORDS_BYTES,
                       "data directory of a node: %s, %u %s, %u %s. As a whole: loam verify; its log: inspect --raft; "
                       "its store: inspect --lsm",
                       in.has_promise ? "superblock" : "NO SUPERBLOCK, so it does not start", in.logs,
                       in.logs == 1 ? "log" : "logs", in.stores, in.stores == 1 ? "store" : "stores");
    } else if (in.has_superblock || in.manifests > 0 || in.tables > 0) {
        (void)snprintf(words, DIRECTORY_WORDS_BYTES,
                       "an engine's store: %s, %u %s, %u %s%s. As a whole: loam verify; its shape: inspect --lsm",
                       in.has_superblock ? "superblock" : "NO SUPERBLOCK, so it does not open", in.manifests,
                       in.manifests == 1 ? "manifest" : "manifests", in.tables, in.tables == 1 ? "table" : "tables",
                       in.own_logs ? ", a log of its own" : "");
    } else if (in.nodes > 0) {
        (void)snprintf(words, DIRECTORY_WORDS_BYTES,
                       "a cluster's directory: %u %s. Their logs side by side: inspect --raft", in.nodes,
                       in.nodes == 1 ? "node" : "nodes");
    } else if (in.segments > 0) {
        (void)snprintf(words, DIRECTORY_WORDS_BYTES, "a log: %u %s", in.segments,
                       in.segments == 1 ? "segment" : "segments");
    } else if (in.backups > 0) {
        (void)snprintf(words, DIRECTORY_WORDS_BYTES,
                       "perhaps backups: %u %s, each a store (loam backup --list, loam restore)", in.backups,
                       in.backups == 1 ? "folder" : "folders");
    }
}
