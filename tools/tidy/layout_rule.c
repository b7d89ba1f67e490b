/*
 * layout_rule: what stands in the root, and that a file is found by its name within its layer.
 */
#include <string.h>

#include "tools/tidy/layer.h"
#include "tools/tidy/rules.h"

static bool is_root_entry(const char *name, size_t size) {
    static const char *const entries[] = {"Makefile", "README.md", "LICENSE", "engine", "raft",
                                          "kv",       "tsdb",      "graph",   "tools",  "tests"};
    if (name[0] == '.') return true;
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++)
        if (strlen(entries[i]) == size && strncmp(name, entries[i], size) == 0) return true;
    return false;
}

static void check_root(const struct tree *tree, struct findings *findings) {
    const char *said = "";
    for (size_t i = 0; i < tree->count; i++) {
        const char *path = tree->files[i].path;
        size_t size = strcspn(path, "/");
        if (is_root_entry(path, size) || (strlen(said) >= size && strncmp(said, path, size) == 0)) continue;
        findings_add(findings, path, 1, "layout",
                     "%.*s has no place in the root: Makefile, README.md, LICENSE and the layers only", (int)size,
                     path);
        said = path;
    }
}

/* How much of the path names the space in which file names are unique: the layer, or the program among the tools. */
static size_t name_space(const char *path) {
    size_t size = strcspn(path, "/");
    if (layer_floor(path) == FLOOR_TOOLS && path[size]) size += 1 + strcspn(path + size + 1, "/");
    return size;
}

static void check_names(const struct tree *tree, struct findings *findings) {
    for (size_t i = 0; i < tree->count; i++) {
        const char *path = tree->files[i].path;
        if (!path_is_c(path) || layer_floor(path) == FLOOR_TESTS || layer_floor(path) == FLOOR_NONE) continue;
        for (size_t j = 0; j < i; j++) {
            const char *other = tree->files[j].path;
            size_t size = name_space(path);
            if (size != name_space(other) || strncmp(path, other, size) != 0) continue;
            if (strcmp(path_name(path), path_name(other)) != 0) continue;
            findings_add(findings, path, 1, "layout", "%s has that name already; names are unique within a layer",
                         other);
        }
    }
}

void rule_layout(const struct tree *tree, struct findings *findings) {
    check_root(tree, findings);
    check_names(tree, findings);
}
