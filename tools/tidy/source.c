/*
 * source: lines, masked lines and functions of one file. It relies on the layout that clang-format gives: what stands
 * at the left margin begins a declaration, and a closing brace at the left margin ends a function.
 */
#include "tools/tidy/source.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tidy/memory.h"

bool is_word_character(char character) {
    return isalnum((unsigned char)character) || character == '_';
}

const char *find_word(const char *from, const char *word) {
    size_t size = strlen(word);
    for (const char *at = strstr(from, word); at; at = strstr(at + 1, word)) {
        if (at > from && is_word_character(at[-1])) continue;
        if (!is_word_character(at[size])) return at;
    }
    return NULL;
}

bool path_ends_with(const char *path, const char *end) {
    size_t size = strlen(path);
    size_t end_size = strlen(end);
    return size >= end_size && strcmp(path + size - end_size, end) == 0;
}

bool path_is_header(const char *path) {
    return path_ends_with(path, ".h");
}

bool path_is_c(const char *path) {
    return path_ends_with(path, ".c") || path_is_header(path);
}

bool path_is_under(const char *path, const char *folder) {
    size_t size = strlen(folder);
    return strncmp(path, folder, size) == 0 && path[size] == '/';
}

const char *path_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

enum mask_state { MASK_CODE, MASK_BLOCK_COMMENT, MASK_LINE_COMMENT, MASK_STRING, MASK_CHARACTER };

/* What begins at `at` in plain code. */
static enum mask_state mask_opens(const char *at) {
    if (at[0] == '/' && at[1] == '*') return MASK_BLOCK_COMMENT;
    if (at[0] == '/' && at[1] == '/') return MASK_LINE_COMMENT;
    if (at[0] == '"') return MASK_STRING;
    if (at[0] == '\'') return MASK_CHARACTER;
    return MASK_CODE;
}

/* How many characters at `at` end the state; 0 when they do not. */
static size_t mask_closes(enum mask_state state, const char *at) {
    switch (state) {
    case MASK_BLOCK_COMMENT: return at[0] == '*' && at[1] == '/' ? 2 : 0;
    case MASK_LINE_COMMENT: return at[0] == '\n' ? 1 : 0;
    case MASK_STRING: return at[0] == '"' ? 1 : 0;
    case MASK_CHARACTER: return at[0] == '\'' ? 1 : 0;
    case MASK_CODE: break;
    }
    return 0;
}

static void blank(char *at, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (at[i] != '\n' && at[i] != '\0') at[i] = ' ';
}

/* Quotes stay, so that a string is still seen to be one; what is in it goes. */
static void mask_text(char *text) {
    enum mask_state state = MASK_CODE;
    for (char *at = text; *at;) {
        if (state == MASK_CODE) {
            state = mask_opens(at);
            if (state == MASK_BLOCK_COMMENT || state == MASK_LINE_COMMENT) {
                blank(at, 2);
                at++;
            }
            at++;
            continue;
        }
        bool in_literal = state == MASK_STRING || state == MASK_CHARACTER;
        if (in_literal && at[0] == '\\' && at[1]) {
            blank(at, 2);
            at += 2;
            continue;
        }
        size_t closing = mask_closes(state, at);
        if (!in_literal || closing == 0) blank(at, closing ? closing : 1);
        at += closing ? closing : 1;
        if (closing) state = MASK_CODE;
    }
}

/* Cuts text at its newlines. The array is the caller's. */
static char **split_lines(char *text, size_t *count) {
    char **lines = NULL;
    size_t capacity = 0;
    *count = 0;
    for (char *at = text; *at;) {
        lines = memory_grow(lines, *count, &capacity, sizeof *lines);
        lines[(*count)++] = at;
        char *newline = strchr(at, '\n');
        if (!newline) break;
        *newline = '\0';
        at = newline + 1;
    }
    return lines;
}

/* The name before the first parenthesis that belongs to a declarator, not to an attribute; 0 when there is none. */
static size_t declarator_name(const char *head, const char **name) {
    for (const char *open = strchr(head, '('); open; open = strchr(open + 1, '(')) {
        const char *end = open;
        while (end > head && end[-1] == ' ') end--;
        const char *start = end;
        while (start > head && is_word_character(start[-1])) start--;
        size_t size = (size_t)(end - start);
        if (size == 0 || strncmp(start, "__attribute__", size) == 0) continue;
        *name = start;
        return size;
    }
    return 0;
}

static bool begins_declaration(const char *line) {
    return isalpha((unsigned char)line[0]) || line[0] == '_';
}

/* The line (index) whose end opens the body of what begins at `first`; line_count when it has none. */
static size_t body_line(const struct source *source, size_t first) {
    for (size_t i = first; i < source->line_count && i < first + 20; i++) {
        const char *line = source->code[i];
        size_t size = strlen(line);
        while (size > 0 && line[size - 1] == ' ') size--;
        if (size > 0 && line[size - 1] == '{') return i;
        if (strchr(line, ';') || strchr(line, '}')) break;
    }
    return source->line_count;
}

static void function_add(struct source *source, size_t *capacity, const char *name, size_t size, size_t first,
                         size_t last) {
    source->functions = memory_grow(source->functions, source->function_count, capacity, sizeof *source->functions);
    source->functions[source->function_count++] =
        (struct function){.name = memory_copy_text(name, size), .first_line = first + 1, .last_line = last + 1};
}

static void find_functions(struct source *source) {
    size_t capacity = 0;
    for (size_t i = 0; i < source->line_count; i++) {
        if (!begins_declaration(source->code[i])) continue;
        size_t body = body_line(source, i);
        if (body == source->line_count || strchr(source->code[i], '=')) continue;
        const char *name;
        size_t size = declarator_name(source->code[i], &name);
        if (size == 0 && i + 1 < source->line_count) size = declarator_name(source->code[i + 1], &name);
        if (size == 0) continue;
        size_t end = body;
        while (end < source->line_count && source->code[end][0] != '}') end++;
        function_add(source, &capacity, name, size, i, end);
        i = end;
    }
}

void source_init(struct source *source, const char *path, const char *text, size_t size) {
    *source = (struct source){.path = memory_copy_text(path, strlen(path)), .text = memory_copy_text(text, size)};
    if (path_is_c(path)) {
        source->masked = memory_copy_text(source->text, strlen(source->text));
        mask_text(source->masked);
        source->code = split_lines(source->masked, &source->line_count);
    }
    source->lines = split_lines(source->text, &source->line_count);
    if (source->code) find_functions(source);
}

void source_deinit(struct source *source) {
    for (size_t i = 0; i < source->function_count; i++) free(source->functions[i].name);
    free(source->functions);
    free(source->lines);
    free(source->code);
    free(source->masked);
    free(source->text);
    free(source->path);
}

const struct function *source_function_at(const struct source *source, size_t line) {
    for (size_t i = 0; i < source->function_count; i++)
        if (line >= source->functions[i].first_line && line <= source->functions[i].last_line)
            return &source->functions[i];
    return NULL;
}

bool source_defines(const struct source *source, const char *name) {
    for (size_t i = 0; i < source->function_count; i++)
        if (strcmp(source->functions[i].name, name) == 0) return true;
    if (!source->code) return false;
    for (size_t i = 0; i < source->line_count; i++) {
        const char *line = source->code[i];
        if (!find_word(line, name)) continue;
        bool in_body = source_function_at(source, i + 1) != NULL;
        if (!in_body && !strstr(line, "#include")) return true;
    }
    return false;
}
