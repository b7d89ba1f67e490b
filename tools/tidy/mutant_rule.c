/*
 * mutant_rule: a planted bug (tests/mutants/NAME.patch) is a unified diff of at most ten changed product lines that
 * still applies: the old lines of each hunk stand, in a row, in the file that it names. The lines before the diff say
 * what is planted and which command finds it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tidy/layer.h"
#include "tools/tidy/rules.h"

enum { CHANGED_LINES_MAX = 10 };

/* The hunk's old lines, patch lines [first, end), stand in the file from `at` on. */
static bool hunk_stands_at(const struct source *patch, size_t first, size_t end, const struct source *file, size_t at) {
    for (size_t line = first; line < end; line++) {
        char mark = patch->lines[line][0];
        if (mark == '+' || mark == '\\') continue;
        const char *old = mark ? patch->lines[line] + 1 : "";
        if (at == file->line_count || strcmp(file->lines[at], old) != 0) return false;
        at++;
    }
    return true;
}

static bool hunk_applies(const struct source *patch, size_t first, size_t end, const struct source *file) {
    for (size_t at = 0; at < file->line_count; at++)
        if (hunk_stands_at(patch, first, end, file, at)) return true;
    return false;
}

static bool is_hunk_line(const char *line) {
    return line[0] == ' ' || line[0] == '+' || line[0] == '-' || line[0] == '\\' || line[0] == '\0';
}

/* How many old and new lines "@@ -a,b +c,d @@" announces; the hunk ends when both have been seen. */
static size_t hunk_end(const struct source *patch, size_t head) {
    unsigned long old_left = 1;
    unsigned long new_left = 1;
    const char *old_count = strchr(patch->lines[head], '-');
    const char *new_count = strchr(patch->lines[head], '+');
    if (!old_count || !new_count) return head + 1;
    char *rest;
    (void)strtoul(old_count + 1, &rest, 10);
    if (*rest == ',') old_left = strtoul(rest + 1, NULL, 10);
    (void)strtoul(new_count + 1, &rest, 10);
    if (*rest == ',') new_left = strtoul(rest + 1, NULL, 10);
    size_t line = head + 1;
    for (; line < patch->line_count && (old_left || new_left) && is_hunk_line(patch->lines[line]); line++) {
        char mark = patch->lines[line][0];
        if (mark != '+' && mark != '\\' && old_left) old_left--;
        if (mark != '-' && mark != '\\' && new_left) new_left--;
    }
    return line;
}

static size_t count_changes(const struct source *patch, size_t first, size_t end) {
    size_t added = 0;
    size_t removed = 0;
    for (size_t line = first; line < end; line++) {
        added += patch->lines[line][0] == '+';
        removed += patch->lines[line][0] == '-';
    }
    return added > removed ? added : removed;
}

/* The product file that a "--- a/path" line names; NULL (said) when there is none. */
static const struct source *patched_file(const struct tree *tree, const struct source *patch, size_t line,
                                         struct findings *findings) {
    const char *path = patch->lines[line] + strlen("--- ");
    if (strncmp(path, "a/", 2) == 0) path += 2;
    char name[512];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(path, "\t"), path);
    const struct source *file = tree_find(tree, name);
    if (!file)
        findings_add(findings, patch->path, line + 1, "mutant", "there is no file %s", name);
    else if (!layer_is_product(name))
        findings_add(findings, patch->path, line + 1, "mutant",
                     "%s is no product file: a bug is planted in the product", name);
    return file;
}

static void check_mutant(const struct tree *tree, const struct source *patch, struct findings *findings) {
    const struct source *file = NULL;
    size_t changes = 0;
    size_t hunks = 0;
    for (size_t line = 0; line < patch->line_count; line++) {
        const char *text = patch->lines[line];
        if (strncmp(text, "--- ", 4) == 0 && line + 1 < patch->line_count &&
            strncmp(patch->lines[line + 1], "+++ ", 4) == 0) {
            file = patched_file(tree, patch, line++, findings);
        } else if (strncmp(text, "@@ ", 3) == 0) {
            size_t end = hunk_end(patch, line);
            changes += count_changes(patch, line + 1, end);
            hunks++;
            if (file && !hunk_applies(patch, line + 1, end, file))
                findings_add(findings, patch->path, line + 1, "mutant",
                             "the hunk does not apply to %s: plant the bug anew", file->path);
            line = end - 1;
        }
    }
    if (hunks == 0) findings_add(findings, patch->path, 1, "mutant", "no hunk in it: a mutant is a unified diff");
    if (changes > CHANGED_LINES_MAX)
        findings_add(findings, patch->path, 1, "mutant", "%zu changed lines, limit %d", changes, CHANGED_LINES_MAX);
}

void rule_mutants(const struct tree *tree, struct findings *findings) {
    for (size_t i = 0; i < tree->count; i++) {
        const struct source *file = &tree->files[i];
        if (path_is_under(file->path, "tests/mutants") && path_ends_with(file->path, ".patch"))
            check_mutant(tree, file, findings);
    }
}
