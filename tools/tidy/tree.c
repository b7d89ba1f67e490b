/*
 * tree: a walk over the folder, files in the order of their names, whatever the file system's order is.
 */
#include "tools/tidy/tree.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/tidy/memory.h"

enum { PATH_BYTES = 4096 };

void tree_deinit(struct tree *tree) {
    for (size_t i = 0; i < tree->count; i++) source_deinit(&tree->files[i]);
    free(tree->files);
    *tree = (struct tree){0};
}

void tree_add(struct tree *tree, const char *path, const char *text, size_t size) {
    tree->files = memory_grow(tree->files, tree->count, &tree->capacity, sizeof *tree->files);
    source_init(&tree->files[tree->count++], path, text, size);
}

const struct source *tree_find(const struct tree *tree, const char *path) {
    for (size_t i = 0; i < tree->count; i++)
        if (strcmp(tree->files[i].path, path) == 0) return &tree->files[i];
    return NULL;
}

bool tree_has_folder(const struct tree *tree, const char *path) {
    for (size_t i = 0; i < tree->count; i++)
        if (path_is_under(tree->files[i].path, path)) return true;
    return false;
}

/* Generated folders, and data of tests, which is not text of ours. */
static bool is_skipped(const char *path) {
    static const char *const folders[] = {".git", "build", "var", "tests/fuzz/corpus", "tests/golden"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        if (strcmp(path, folders[i]) == 0) return true;
    return strcmp(path, "compile_commands.json") == 0;
}

static bool load_file(struct tree *tree, const char *full, const char *path) {
    FILE *file = fopen(full, "rb");
    if (!file) return false;
    char *text = NULL;
    size_t size = 0;
    size_t capacity = 0;
    for (size_t part = 1; part > 0; size += part) {
        if (size + PATH_BYTES > capacity) {
            capacity = 2 * capacity + PATH_BYTES;
            text = memory_resize(text, capacity);
        }
        part = fread(text + size, 1, PATH_BYTES, file);
    }
    bool read = !ferror(file);
    fclose(file);
    if (read) tree_add(tree, path, text, size);
    free(text);
    return read;
}

static int entry_is_visible(const struct dirent *entry) {
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static bool load_entry(struct tree *tree, const char *root, const char *path);

static bool load_folder(struct tree *tree, const char *root, const char *path) {
    char full[PATH_BYTES];
    snprintf(full, sizeof full, "%s/%s", root, path);
    struct dirent **entries;
    int count = scandir(full, &entries, entry_is_visible, alphasort);
    if (count < 0) return false;
    bool loaded = true;
    for (int i = 0; i < count; i++) {
        char below[PATH_BYTES];
        snprintf(below, sizeof below, "%s%s%s", path, *path ? "/" : "", entries[i]->d_name);
        loaded = load_entry(tree, root, below) && loaded;
        free(entries[i]);
    }
    free(entries);
    return loaded;
}

static bool load_entry(struct tree *tree, const char *root, const char *path) {
    if (is_skipped(path)) return true;
    char full[PATH_BYTES * 2];
    snprintf(full, sizeof full, "%s/%s", root, path);
    struct stat info;
    bool loaded = lstat(full, &info) == 0;
    if (loaded && S_ISDIR(info.st_mode)) return load_folder(tree, root, path);
    if (loaded && S_ISREG(info.st_mode)) loaded = load_file(tree, full, path);
    if (!loaded) fprintf(stderr, "tidy: cannot read %s\n", full);
    return loaded;
}

bool tree_load(struct tree *tree, const char *root) {
    if (load_folder(tree, root, "")) return true;
    fprintf(stderr, "tidy: cannot read all of %s\n", root);
    return false;
}
