/* engine_peer: see engine_peer.h. */
#include "tools/loam/bench/engine_peer.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAPS_BYTES = 1 << 20, SCAN_BYTES = 256 << 10 };

/* ---- Loading ----------------------------------------------------------------------------------------------------- */

enum status peer_load(const char *path, const struct peer_names *names, struct peer_library **library,
                      struct error *error) {
    void *handle = NULL;
    if (path[0]) {
        handle = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
    } else {
        for (size_t i = 0; !handle && i < sizeof names->names / sizeof *names->names && names->names[i]; i++)
            handle = dlopen(names->names[i], RTLD_LAZY | RTLD_LOCAL);
    }
    if (!handle) {
        const char *words = dlerror();
        return error_set(error, STATUS_NOT_FOUND, "%s", words ? words : "no such library");
    }
    *library = (struct peer_library *)handle;
    return STATUS_OK;
}

enum status peer_bind(struct peer_library *library, const struct peer_symbol *symbols, size_t count,
                      struct error *error) {
    for (size_t i = 0; i < count; i++) {
        void *found = dlsym(library, symbols[i].name);
        if (!found) return error_set(error, STATUS_NOT_FOUND, "the library has no %s", symbols[i].name);
        /* POSIX: an address from dlsym may be used as one of a function. */
        memcpy(symbols[i].address, &found, sizeof found);
    }
    return STATUS_OK;
}

/* ---- Which build ------------------------------------------------------------------------------------------------- */

/* Reads to the end of a file whose size is not known. */
static char *read_text(struct io *io, const char *path) {
    struct io_file *file;
    if (io_file_open(io, path, IO_OPEN_READ, &file)) return NULL;
    char *text = malloc(MAPS_BYTES + 1);
    size_t total = 0, got = 1;
    while (text && got && total < MAPS_BYTES) {
        if (io_file_read(file, total, text + total, MAPS_BYTES - total, &got)) break;
        total += got;
    }
    io_file_close(file);
    if (text) text[total] = '\0';
    return text;
}

/* The file that is mapped where `address` lies: "begin-end rights offset device inode   path". */
static bool find_mapping(const char *maps, uint64_t address, char *file, size_t size) {
    for (const char *line = maps; *line;) {
        const char *end = line + strcspn(line, "\n");
        uint64_t low, high;
        const char *path = memchr(line, '/', (size_t)(end - line));
        if (path && sscanf(line, "%" SCNx64 "-%" SCNx64, &low, &high) == 2 && address >= low && address < high) {
            (void)snprintf(file, size, "%.*s", (int)(end - path), path);
            return true;
        }
        line = *end ? end + 1 : end;
    }
    return false;
}

/* "librocksdb.so.7.8.3" -> "7.8.3" */
static void version_of_name(const char *file, char *version, size_t size) {
    const char *mark = strstr(file, ".so.");
    if (mark && strchr(mark + 4, '.')) (void)snprintf(version, size, "%s", mark + 4);
}

/* Whether the bytes of the file hold the name of the assertion handler: it is imported then. */
static enum status scan_assertions(struct io_file *file, struct peer_build *build) {
    static const char handler[] = "__assert_fail";
    char *piece = malloc(SCAN_BYTES);
    if (!piece) return STATUS_NO_MEMORY;
    enum status status = STATUS_OK;
    /* Pieces overlap by the name's length, so that none is cut in two. */
    for (uint64_t at = 0; status == STATUS_OK && !build->has_assertions; at += SCAN_BYTES - sizeof handler) {
        size_t got = 0;
        status = io_file_read(file, at, piece, SCAN_BYTES, &got);
        if (status == STATUS_OK) build->has_assertions = memmem(piece, got, handler, sizeof handler) != NULL;
        if (got < SCAN_BYTES) break;
    }
    free(piece);
    return status;
}

enum status peer_inspect(struct io *io, void (*function)(void), struct peer_build *build) {
    char *maps = read_text(io, "/proc/self/maps");
    bool found = maps && find_mapping(maps, (uint64_t)(uintptr_t)function, build->file, sizeof build->file);
    free(maps);
    if (!found) return STATUS_NOT_FOUND;
    version_of_name(build->file, build->version, sizeof build->version);
    struct io_file *file;
    enum status status = io_file_open(io, build->file, IO_OPEN_READ, &file);
    if (status != STATUS_OK) return status;
    status = io_file_size(file, &build->size_bytes);
    if (status == STATUS_OK) status = scan_assertions(file, build);
    io_file_close(file);
    return status;
}
