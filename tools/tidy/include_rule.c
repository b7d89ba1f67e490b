/*
 * include_rule: the include graph has four floors and no include that points up (DESIGN R1); libraries with a door of
 * their own are included behind it only (R2); raft/core sees nothing that does I/O (R3); one file of a store knows raft
 * (R4).
 */
#include <string.h>

#include "tools/tidy/layer.h"
#include "tools/tidy/rules.h"

enum { HEADER_BYTES = 256 };

struct include {
    const struct source *file;
    size_t line;
    bool system; /* <...> */
    char header[HEADER_BYTES];
};

/* The text between quotes or angle brackets of an #include line; false when it is none. */
static bool include_parse(const struct source *file, size_t index, struct include *include) {
    const char *code = file->code[index];
    code += strspn(code, " \t");
    if (*code != '#' || !find_word(code, "include")) return false;
    const char *open = strpbrk(file->lines[index], "\"<");
    if (!open) return false;
    const char *close = strchr(open + 1, *open == '<' ? '>' : '"');
    if (!close || close - open > HEADER_BYTES) return false;
    *include = (struct include){.file = file, .line = index + 1, .system = *open == '<'};
    memcpy(include->header, open + 1, (size_t)(close - open - 1));
    return true;
}

/* Headers of others, and the only place that may include each. */
static const struct {
    const char *header; /* a prefix of the name */
    const char *home;   /* a prefix of the path */
    const char *advice;
} doors[] = {
    {"liburing", "engine/io/io_uring", "only engine/io/io_uring.c talks to liburing; go through struct io"},
    {"zstd", "engine/codec/", "only engine/codec knows compressors"},
    {"zdict", "engine/codec/", "only engine/codec knows compressors"},
    {"lz4", "engine/codec/", "only engine/codec knows compressors"},
    {"xxh", "engine/base/hash", "hash through engine/base/hash.h"},
    {"microhttpd", "tools/loamd/http", "only tools/loamd/http.c knows the HTTP library"},
    {"pthread", "engine/base/sync.", "lock and start threads through engine/base/sync.h"},
    {"threads.h", "engine/base/sync.", "lock and start threads through engine/base/sync.h"},
    {"semaphore", "engine/base/sync.", "lock and start threads through engine/base/sync.h"},
};

static void check_door(const struct include *include, struct findings *findings) {
    if (!layer_is_product(include->file->path)) return;
    for (size_t i = 0; i < sizeof doors / sizeof doors[0]; i++) {
        if (strncmp(include->header, doors[i].header, strlen(doors[i].header)) != 0) continue;
        if (strncmp(include->file->path, doors[i].home, strlen(doors[i].home)) == 0) continue;
        findings_add(findings, include->file->path, include->line, "R2", "<%s>: %s", include->header, doors[i].advice);
    }
}

/* Format descriptions may be read by those who show every byte. */
static bool may_read_formats(const char *path) {
    return path_is_under(path, "tools/sim") || path_is_under(path, "tools/loam/inspect");
}

static void check_privacy(const struct include *include, struct findings *findings) {
    const char *from = include->file->path;
    if (layer_header_is_public(include->header) || layer_floor(from) == FLOOR_TESTS) return;
    if (!layer_same(from, include->header)) {
        if (may_read_formats(from) && path_ends_with(include->header, "_format.h")) return;
        findings_add(findings, from, include->line, "R1",
                     "%s is private to its layer; use a header of the layer's root folder, or move what you need there",
                     include->header);
    } else if (path_is_header(from) && layer_header_is_public(from) && layer_is_library(from)) {
        findings_add(findings, from, include->line, "R1",
                     "a public header includes public headers only; %s is private: declare the type, or make it public",
                     include->header);
    }
}

static void check_direction(const struct include *include, struct findings *findings) {
    const char *from = include->file->path;
    enum floor here = layer_floor(from);
    enum floor there = layer_floor(include->header);
    if (there > here) {
        findings_add(
            findings, from, include->line, "R1",
            "%s is on a floor above; turn the dependency round (a callback, or a struct that the upper floor fills in)",
            include->header);
    } else if (here == FLOOR_STORE && there == FLOOR_STORE && !layer_same(from, include->header)) {
        findings_add(findings, from, include->line, "R1",
                     "stores do not know each other; what %s shares belongs to engine", include->header);
    }
    if (path_is_under(from, "engine/base") && !path_is_under(include->header, "engine/base"))
        findings_add(findings, from, include->line, "R1", "engine/base knows nothing of the house above it, such as %s",
                     include->header);
}

static void check_core(const struct include *include, struct findings *findings) {
    static const char *const pure[] = {"inttypes.h", "stdbool.h", "stddef.h", "stdint.h",
                                       "stdlib.h",   "string.h",  "limits.h", "stdarg.h"};
    if (!path_is_under(include->file->path, "raft/core")) return;
    bool allowed = false;
    if (include->system) {
        for (size_t i = 0; i < sizeof pure / sizeof pure[0]; i++) allowed |= strcmp(include->header, pure[i]) == 0;
    } else {
        static const char *const impure[] = {"engine/base/sync.h", "engine/base/log.h"};
        allowed = path_is_under(include->header, "engine/base") || layer_floor(include->header) == FLOOR_RAFT;
        for (size_t i = 0; i < sizeof impure / sizeof impure[0]; i++)
            allowed &= strcmp(include->header, impure[i]) != 0;
        allowed &= !path_is_under(include->header, "raft/log") && strcmp(include->header, "raft/driver.h") != 0 &&
                   strcmp(include->header, "raft/transport.h") != 0;
    }
    if (!allowed)
        findings_add(findings, include->file->path, include->line, "R3",
                     "raft/core does no I/O and knows no clock: %s has no place in it; let the driver do it",
                     include->header);
}

static void check_store(const struct include *include, struct findings *findings) {
    const char *from = include->file->path;
    if (!layer_is_store(from) || layer_floor(include->header) != FLOOR_RAFT) return;
    if (strcmp(path_name(from), "state_machine.c") == 0 || strcmp(path_name(from), "state_machine.h") == 0) return;
    findings_add(findings, from, include->line, "R4",
                 "only a store's state_machine.[ch] knows raft; %s does not belong here", include->header);
}

static void check_own(const struct tree *tree, const struct include *include, struct findings *findings) {
    if (!tree_find(tree, include->header)) {
        findings_add(findings, include->file->path, include->line, "R1",
                     "\"%s\" is no file under the root: includes are root-relative, system headers in <>",
                     include->header);
        return;
    }
    check_direction(include, findings);
    check_privacy(include, findings);
    check_store(include, findings);
}

void rule_includes(const struct tree *tree, struct findings *findings) {
    for (size_t i = 0; i < tree->count; i++) {
        const struct source *file = &tree->files[i];
        /* tests/embed are outside programs: they see the installed prefix. */
        if (!file->code || path_is_under(file->path, "tests/embed")) continue;
        for (size_t line = 0; line < file->line_count; line++) {
            struct include include;
            if (!include_parse(file, line, &include)) continue;
            check_door(&include, findings);
            check_core(&include, findings);
            if (!include.system) check_own(tree, &include, findings);
        }
    }
}
