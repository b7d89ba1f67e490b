/*
 * tree: all files that the rules look at, in memory. Filled from a folder by the program, by hand in tests.
 */
#ifndef TOOLS_TIDY_TREE_H
#define TOOLS_TIDY_TREE_H

#include "tools/tidy/source.h"

struct tree {
    struct source *files;
    size_t count;
    size_t capacity;
};

void tree_deinit(struct tree *tree);
void tree_add(struct tree *tree, const char *path, const char *text, size_t size);

/* Reads the files under `root`; false (said on stderr) when it cannot be read. Skips .git, build, var, and what tests
 * keep as data. */
bool tree_load(struct tree *tree, const char *root);

const struct source *tree_find(const struct tree *tree, const char *path);
bool tree_has_folder(const struct tree *tree, const char *path);

#endif
