/*
 * layer: four floors of product code and the tests above them.
 */
#include "tools/tidy/layer.h"

#include <string.h>

#include "tools/tidy/source.h"

enum floor layer_floor(const char *path) {
    static const struct {
        const char *folder;
        enum floor floor;
    } floors[] = {
        {"engine", FLOOR_ENGINE}, {"raft", FLOOR_RAFT},   {"kv", FLOOR_STORE},    {"tsdb", FLOOR_STORE},
        {"graph", FLOOR_STORE},   {"tools", FLOOR_TOOLS}, {"tests", FLOOR_TESTS},
    };
    for (size_t i = 0; i < sizeof floors / sizeof floors[0]; i++)
        if (path_is_under(path, floors[i].folder)) return floors[i].floor;
    return FLOOR_NONE;
}

bool layer_same(const char *a, const char *b) {
    size_t size = strcspn(a, "/");
    return size == strcspn(b, "/") && strncmp(a, b, size) == 0;
}

bool layer_header_is_public(const char *path) {
    const char *slash = strchr(path, '/');
    return path_is_under(path, "engine/base") || (slash && !strchr(slash + 1, '/'));
}

bool layer_is_store(const char *path) {
    return layer_floor(path) == FLOOR_STORE;
}

bool layer_is_library(const char *path) {
    enum floor floor = layer_floor(path);
    return floor == FLOOR_ENGINE || floor == FLOOR_RAFT || floor == FLOOR_STORE;
}

bool layer_is_product(const char *path) {
    return layer_is_library(path) || (layer_floor(path) == FLOOR_TOOLS && !path_is_under(path, "tools/tidy"));
}

bool layer_header_is_exported(const char *path) {
    if (!layer_is_library(path) || !layer_header_is_public(path)) return false;
    const char *name = path_name(path);
    if (strcmp(path, "engine/base/text.h") == 0) return false;
    if (!layer_is_store(path)) return true;
    size_t store = strcspn(path, "/");
    return strcmp(name, "state_machine.h") == 0 || (strncmp(name, path, store) == 0 && strcmp(name + store, ".h") == 0);
}
