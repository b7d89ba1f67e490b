/*
 * engine_peer: other engines' shared libraries, loaded when they are asked for. What is declared of their C interfaces
 * stands in the drivers; nothing of them is needed to build.
 */
#ifndef TOOLS_LOAM_BENCH_ENGINE_PEER_H
#define TOOLS_LOAM_BENCH_ENGINE_PEER_H

#include <stdbool.h>

#include "engine/io.h"
#include "tools/loam/bench/engine_bench.h"

struct peer_library;

/* Names of a library, the best first, up to NULL; what the loader finds counts. */
struct peer_names {
    const char *names[4];
};

/* A function of the library and where its address goes. */
struct peer_symbol {
    const char *name;
    void (**address)(void);
};

struct peer_build {
    char file[BENCH_PATH_BYTES]; /* the file itself, links resolved */
    char version[64];            /* as the library or its file name tells; "" = not known */
    bool has_assertions;         /* it calls the C library's assertion handler */
    uint64_t size_bytes;
};

/* path "" = the usual names. NOT_FOUND with the loader's words. The library stays for the life of the process. */
MUST_CHECK enum status peer_load(const char *path, const struct peer_names *names, struct peer_library **library,
                                 struct error *error);
/* NOT_FOUND names the first symbol that is missing. */
MUST_CHECK enum status peer_bind(struct peer_library *library, const struct peer_symbol *symbols, size_t count,
                                 struct error *error);
/* Which file a bound function came from, and how that was built as far as its bytes tell. */
MUST_CHECK enum status peer_inspect(struct io *io, void (*function)(void), struct peer_build *build);

#endif
