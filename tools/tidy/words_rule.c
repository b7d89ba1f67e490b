/*
 * words_rule: documents name what exists.
 *
 * In every section of a README.md whose heading has the word "walk" or "way", a name in backticks (with an underscore
 * or
 * "()") is looked up in the files that the same item names; an item without a file may name what stands anywhere. The
 * README.md of the root has such a section. In every .md file a path in backticks that ends in .c, .h, .sh, .def or .md
 * exists; in every FORMAT.md, names with "()" and CONSTANTS_WITH_UNDERSCORES exist in its layer.
 */
#include <ctype.h>
#include <string.h>

#include "tools/tidy/layer.h"
#include "tools/tidy/rules.h"

enum { NAME_BYTES = 200, FILES_PER_ITEM = 16 };

/* The next text in backticks of the line, without "()"; NULL at the end. */
static const char *next_quoted(const char *at, char *name, bool *is_call) {
    const char *open = strchr(at, '`');
    const char *close = open ? strchr(open + 1, '`') : NULL;
    if (!close) return NULL;
    size_t size = (size_t)(close - open - 1);
    if (size >= NAME_BYTES) size = 0;
    memcpy(name, open + 1, size);
    name[size] = '\0';
    *is_call = path_ends_with(name, "()");
    if (*is_call) name[size - 2] = '\0';
    return close + 1;
}

static bool is_identifier(const char *name) {
    if (!*name || isdigit((unsigned char)*name)) return false;
    for (; *name; name++)
        if (!is_word_character(*name)) return false;
    return true;
}

static bool is_constant(const char *name) {
    for (const char *at = name; *at; at++)
        if (islower((unsigned char)*at)) return false;
    return isupper((unsigned char)*name) && strchr(name, '_') != NULL;
}

static bool is_path(const char *name) {
    static const char *const ends[] = {".c", ".h", ".sh", ".def", ".md"};
    if (strpbrk(name, " *<>{}[],:=|$") || name[0] == '/' || name[0] == '.' || name[0] == '-') return false;
    if (strstr(name, "NAME")) return false; /* a pattern */
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (path_ends_with(name, ends[i]) && strlen(name) > strlen(ends[i])) return true;
    return false;
}

/* A path as written from the root, from the folder of the document, or as a bare name within the document's layer. */
static const struct source *find_path(const struct tree *tree, const char *document, const char *path) {
    const struct source *exact = tree_find(tree, path);
    if (exact) return exact;
    size_t folder = (size_t)(path_name(document) - document);
    for (size_t i = 0; i < tree->count; i++) {
        const char *candidate = tree->files[i].path;
        if (folder && strncmp(candidate, document, folder) == 0 && strcmp(candidate + folder, path) == 0)
            return &tree->files[i];
    }
    if (strchr(path, '/')) return NULL;
    for (size_t i = 0; i < tree->count; i++) {
        const char *candidate = tree->files[i].path;
        if (strcmp(path_name(candidate), path) == 0 && (!folder || layer_same(candidate, document)))
            return &tree->files[i];
    }
    return NULL;
}

static bool layer_defines(const struct tree *tree, const char *document, const char *name) {
    for (size_t i = 0; i < tree->count; i++)
        if ((!document || layer_same(tree->files[i].path, document)) && source_defines(&tree->files[i], name))
            return true;
    return false;
}

static void check_document(const struct tree *tree, const struct source *document, struct findings *findings) {
    bool is_format = strcmp(path_name(document->path), "FORMAT.md") == 0;
    for (size_t line = 0; line < document->line_count; line++) {
        char name[NAME_BYTES];
        bool is_call;
        for (const char *at = document->lines[line]; (at = next_quoted(at, name, &is_call));) {
            if (is_path(name) && !find_path(tree, document->path, name))
                findings_add(findings, document->path, line + 1, "words", "there is no file %s", name);
            bool is_name = is_identifier(name) && (is_call || is_constant(name));
            if (is_format && is_name && !layer_defines(tree, document->path, name))
                findings_add(findings, document->path, line + 1, "words", "%s is defined nowhere in this layer", name);
        }
    }
}

/* An item of the walk: a list entry, a table row or a paragraph. */
static bool begins_item(const char *line) {
    line += strspn(line, " ");
    return !*line || *line == '-' || *line == '*' || *line == '|' || isdigit((unsigned char)*line);
}

static bool is_heading(const char *line) {
    return line[0] == '#';
}

static bool is_walk_heading(const char *line) {
    return is_heading(line) && (find_word(line, "walk") || find_word(line, "Walk") || find_word(line, "way"));
}

static void check_walk_item(const struct tree *tree, const struct source *readme, size_t first, size_t end,
                            struct findings *findings) {
    const struct source *files[FILES_PER_ITEM];
    size_t file_count = 0;
    char name[NAME_BYTES];
    bool is_call;
    for (size_t line = first; line < end; line++)
        for (const char *at = readme->lines[line]; (at = next_quoted(at, name, &is_call));) {
            const struct source *file = is_path(name) ? find_path(tree, readme->path, name) : NULL;
            if (file && file_count < FILES_PER_ITEM) files[file_count++] = file;
        }
    for (size_t line = first; line < end; line++)
        for (const char *at = readme->lines[line]; (at = next_quoted(at, name, &is_call));) {
            if (!is_identifier(name) || !(is_call || strchr(name, '_'))) continue;
            bool found = file_count == 0 && layer_defines(tree, NULL, name);
            for (size_t i = 0; i < file_count; i++) found |= source_defines(files[i], name);
            if (!found)
                findings_add(findings, readme->path, line + 1, "words", "the walk names %s, which %s does not define",
                             name, file_count ? files[0]->path : "any file");
        }
}

/* The section whose heading is at `line`; returns where it ends. */
static size_t check_walk(const struct tree *tree, const struct source *readme, size_t line, struct findings *findings) {
    size_t first = ++line;
    for (; line <= readme->line_count; line++) {
        bool ended = line == readme->line_count || is_heading(readme->lines[line]);
        if (!ended && !begins_item(readme->lines[line])) continue;
        check_walk_item(tree, readme, first, line, findings);
        if (ended) break;
        first = line;
    }
    return line;
}

static void check_walks(const struct tree *tree, const struct source *readme, struct findings *findings) {
    bool found = false;
    for (size_t line = 0; line < readme->line_count;) {
        const bool is_walk = is_walk_heading(readme->lines[line]);
        line = is_walk ? check_walk(tree, readme, line, findings) : line + 1;
        found |= is_walk;
    }
    if (!found && strcmp(readme->path, "README.md") == 0)
        findings_add(findings, readme->path, 1, "words",
                     "README.md has a section that walks through the life of a SET");
}

void rule_words(const struct tree *tree, struct findings *findings) {
    for (size_t i = 0; i < tree->count; i++) {
        const struct source *file = &tree->files[i];
        if (path_ends_with(file->path, ".md")) check_document(tree, file, findings);
        if (strcmp(path_name(file->path), "README.md") == 0) check_walks(tree, file, findings);
    }
}
