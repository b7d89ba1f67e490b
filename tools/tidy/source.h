/*
 * source: one text file as the rules see it: lines, and for C also lines with comments and literals blanked out, and
 * the functions.
 */
#ifndef TOOLS_TIDY_SOURCE_H
#define TOOLS_TIDY_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

struct function {
    char *name; /* owned */
    size_t first_line;
    size_t last_line; /* of the closing brace; lines count from 1 */
};

struct source {
    char *path;   /* relative to the root; owned */
    char *text;   /* owned; newlines are NUL: lines[i] are texts in it */
    char *masked; /* owned; the same with comments, strings and characters blanked, for .c and .h; else NULL */
    char **lines;
    char **code; /* masked lines; NULL when masked is */
    size_t line_count;
    struct function *functions;
    size_t function_count;
};

/* Takes nothing: path and text are copied. */
void source_init(struct source *source, const char *path, const char *text, size_t size);
void source_deinit(struct source *source);

/* Questions about paths. */
bool path_is_c(const char *path); /* .c or .h */
bool path_is_header(const char *path);
bool path_is_under(const char *path, const char *folder); /* folder without a slash at its end */
const char *path_name(const char *path);                  /* behind the last slash */
bool path_ends_with(const char *path, const char *end);

/* Questions about code. */
bool is_word_character(char character);

/* The next place at or behind `from` where `word` stands as a whole word; NULL when there is none. */
const char *find_word(const char *from, const char *word);

/* True if the file has a function, macro, type or constant of that name (a definition or a declaration). */
bool source_defines(const struct source *source, const char *name);

/* The function that the line is in, or NULL. */
const struct function *source_function_at(const struct source *source, size_t line);

#endif
