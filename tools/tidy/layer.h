/*
 * layer: where a file stands in the house.
 */
#ifndef TOOLS_TIDY_LAYER_H
#define TOOLS_TIDY_LAYER_H

#include <stdbool.h>

/* The floor of a path: includes go down or stay. */
enum floor { FLOOR_ENGINE, FLOOR_RAFT, FLOOR_STORE, FLOOR_TOOLS, FLOOR_TESTS, FLOOR_NONE };

enum floor layer_floor(const char *path);

/* Both in the same top folder. */
bool layer_same(const char *a, const char *b);

/* A header in the root folder of a layer, or in engine/base. */
bool layer_header_is_public(const char *path);

/* A public header whose functions the shared library exports: of a store only its own name's and the state machine's.
 */
bool layer_header_is_exported(const char *path);

bool layer_is_store(const char *path);
bool layer_is_product(
    const char *path); /* everything but tests and tidy itself, which is a tool of the work, not of the product */
bool layer_is_library(const char *path); /* engine, raft and the stores */

#endif
