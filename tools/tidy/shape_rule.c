/*
 * shape_rule: what a file looks like: sizes, an opening comment, a guard named after the path, no mutable globals in
 * libraries, no conditional code for tests, no notes to self.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "tools/tidy/layer.h"
#include "tools/tidy/rules.h"

enum { FUNCTION_LINES_MAX = 100, FILE_LINES_MAX = 1000, LINE_COLUMNS_MAX = 140 };

static void check_sizes(const struct source *file, struct findings *findings) {
    if (file->line_count > FILE_LINES_MAX)
        findings_add(findings, file->path, FILE_LINES_MAX, "size",
                     "%zu lines, limit %d: look for the second idea and give it a file", file->line_count,
                     FILE_LINES_MAX);
    for (size_t i = 0; i < file->function_count; i++) {
        const struct function *function = &file->functions[i];
        size_t lines = function->last_line - function->first_line + 1;
        if (lines <= FUNCTION_LINES_MAX) continue;
        findings_add(findings, file->path, function->first_line, "size", "%s has %zu lines, limit %d: name its steps",
                     function->name, lines, FUNCTION_LINES_MAX);
    }
    for (size_t i = 0; i < file->line_count; i++)
        if (strlen(file->lines[i]) > LINE_COLUMNS_MAX)
            findings_add(findings, file->path, i + 1, "size", "%zu columns, limit %d", strlen(file->lines[i]),
                         LINE_COLUMNS_MAX);
}

/* A .c file beside a header of its name may leave the words to it. */
static bool has_header(const struct tree *tree, const char *path) {
    char header[512];
    if (!path_ends_with(path, ".c") || strlen(path) >= sizeof header) return false;
    snprintf(header, sizeof header, "%.*s.h", (int)(strlen(path) - 2), path);
    return tree_find(tree, header) != NULL;
}

static void check_opening(const struct tree *tree, const struct source *file, struct findings *findings) {
    bool opens = file->line_count > 0 && strncmp(file->lines[0], "/*", 2) == 0;
    if (!opens && !has_header(tree, file->path))
        findings_add(findings, file->path, 1, "opening",
                     "a file opens with a comment that says what it is and its invariant");
}

static size_t line_that_begins(const struct source *file, const char *text) {
    for (size_t i = 0; i < file->line_count; i++)
        if (strncmp(file->lines[i], text, strlen(text)) == 0) return i + 1;
    return 0;
}

static size_t last_include(const struct source *file) {
    size_t last = 0;
    for (size_t i = 0; i < file->line_count; i++)
        if (strncmp(file->lines[i], "#include", 8) == 0) last = i + 1;
    return last;
}

/* True if it declares a function that has a body elsewhere. */
static bool declares_functions(const struct source *file) {
    for (size_t i = 0; i < file->line_count; i++) {
        const char *line = file->code[i];
        if (!is_word_character(line[0]) || strncmp(line, "static", 6) == 0 || strncmp(line, "typedef", 7) == 0)
            continue;
        if (strchr(line, '(') && !source_function_at(file, i + 1)) return true;
    }
    return false;
}

/* All is built with hidden visibility; public headers take their functions out of it. */
static void check_export(const struct source *file, struct findings *findings) {
    static const char push[] = "#pragma GCC visibility push(default)";
    static const char pop[] = "#pragma GCC visibility pop";
    if (!path_is_header(file->path)) return;
    size_t pushed = line_that_begins(file, push);
    size_t popped = line_that_begins(file, pop);
    if (!layer_header_is_exported(file->path)) {
        if (pushed)
            findings_add(findings, file->path, pushed, "export", "only public headers of the library export functions");
    } else if (declares_functions(file) && (pushed == 0 || popped < pushed || pushed < last_include(file))) {
        findings_add(findings, file->path, 1, "export", "a public header has, behind its includes, %s ... %s", push,
                     pop);
    }
}

static void check_guard(const struct source *file, struct findings *findings) {
    if (!path_is_header(file->path)) return;
    char guard[256];
    size_t size = strlen(file->path) < sizeof guard ? strlen(file->path) : sizeof guard - 1;
    for (size_t i = 0; i < size; i++) {
        unsigned char character = (unsigned char)file->path[i];
        guard[i] = isalnum(character) ? (char)toupper(character) : '_';
    }
    guard[size] = '\0';
    for (size_t i = 0; i < file->line_count; i++) {
        if (strncmp(file->lines[i], "#ifndef ", 8) != 0) continue;
        if (strcmp(file->lines[i] + 8, guard) == 0) return;
        break;
    }
    findings_add(findings, file->path, 1, "guard", "a header is guarded by #ifndef %s", guard);
}

/* A definition of a variable that is not constant: `static` without const and without a parameter list. */
static void check_globals(const struct source *file, struct findings *findings) {
    if (!layer_is_library(file->path)) return;
    for (size_t i = 0; i < file->line_count; i++) {
        const char *line = file->code[i] + strspn(file->code[i], " ");
        if (strncmp(line, "static ", 7) != 0 && strncmp(line, "_Thread_local ", 14) != 0) continue;
        if (find_word(line, "const") || find_word(line, "inline")) continue;
        size_t end = strcspn(line, "(=;");
        if (line[end] != '=' && line[end] != ';') continue; /* a function, or a head that goes on */
        findings_add(findings, file->path, i + 1, "global",
                     "no mutable state outside of objects: put it into a struct that is passed");
    }
}

static void check_conditionals(const struct source *file, struct findings *findings) {
    static const char *const marks[] = {"TEST", "FUZZ", "MOCK", "UNIT", "SIM", "MUTANT"};
    if (!layer_is_product(file->path)) return;
    for (size_t i = 0; i < file->line_count; i++) {
        const char *line = file->code[i] + strspn(file->code[i], " ");
        if (strncmp(line, "#if", 3) != 0) continue;
        if (strncmp(line, "#ifndef", 7) == 0 && strcmp(line + strlen(line) - 2, "_H") == 0) continue; /* the guard */
        for (size_t mark = 0; mark < sizeof marks / sizeof marks[0]; mark++)
            if (strstr(line, marks[mark]))
                findings_add(findings, file->path, i + 1, "R5",
                             "no code for tests in product files: swap struct io, or pass a hook");
    }
}

static void check_notes(const struct source *file, struct findings *findings) {
    static const char *const notes[] = {"TODO", "FIXME", "XXX", "HACK"};
    for (size_t i = 0; i < file->line_count; i++)
        for (size_t note = 0; note < sizeof notes / sizeof notes[0]; note++)
            if (find_word(file->lines[i], notes[note]) && !find_word(file->code[i], notes[note]) &&
                !strchr(file->code[i], '"'))
                findings_add(findings, file->path, i + 1, "note", "%s: do it, or say in the text what is not done",
                             notes[note]);
}

void rule_shape(const struct tree *tree, struct findings *findings) {
    for (size_t i = 0; i < tree->count; i++) {
        const struct source *file = &tree->files[i];
        if (!file->code) continue;
        check_sizes(file, findings);
        check_opening(tree, file, findings);
        check_guard(file, findings);
        check_export(file, findings);
        check_globals(file, findings);
        check_conditionals(file, findings);
        check_notes(file, findings);
    }
}
