/* tck_feature: the part of Gherkin that the TCK's files use. */
#include <stdlib.h>

#include "tests/harness/tck.h"

struct reader {
    struct arena *arena;
    struct slice text;
    size_t at;
    struct slice line; /* trimmed */
    bool ended;
};

struct block {
    struct slice name;
    struct tck_step *steps;
    struct tck_table examples;
};

static struct slice trim(struct slice text) {
    while (text.size && strchr(" \t\r", text.data[0])) text = slice_from(text, 1);
    while (text.size && strchr(" \t\r", text.data[text.size - 1])) text.size--;
    return text;
}

static struct slice raw_line(struct reader *reader) {
    const uint8_t *start = reader->text.data + reader->at;
    const size_t left = reader->text.size - reader->at;
    const uint8_t *end = left ? memchr(start, '\n', left) : NULL;
    const size_t size = end ? (size_t)(end - start) : left;
    reader->ended = left == 0;
    reader->at += size + (end != NULL);
    return slice_make(start, size);
}

/* The next line that says something. */
static void next_line(struct reader *reader) {
    do {
        reader->line = trim(raw_line(reader));
    } while (!reader->ended && (reader->line.size == 0 || reader->line.data[0] == '#'));
}

static bool begins(struct slice text, const char *prefix) {
    return slice_has_prefix(text, slice_from_text(prefix));
}

static void *take(struct reader *reader, size_t size) {
    void *piece = arena_alloc(reader->arena, size ? size : 1, _Alignof(max_align_t));
    if (!piece) abort();
    memset(piece, 0, size);
    return piece;
}

/* --- documents and tables --- */

static size_t indent_of(struct slice line) {
    size_t indent = 0;
    while (indent < line.size && line.data[indent] == ' ') indent++;
    return indent;
}

/* Between two lines of three quotes, without the indent of the first. */
static struct slice read_document(struct reader *reader, size_t indent) {
    uint8_t *out = take(reader, reader->text.size - reader->at + 1);
    size_t size = 0;
    for (;;) {
        struct slice line = raw_line(reader);
        if (reader->ended || begins(trim(line), "\"\"\"")) break;
        const size_t cut = indent_of(line) < indent ? indent_of(line) : indent;
        memcpy(out + size, line.data + cut, line.size - cut);
        size += line.size - cut;
        out[size++] = '\n';
    }
    next_line(reader);
    return slice_make(out, size ? size - 1 : 0);
}

/* One cell up to its bar, escapes undone. */
static struct slice read_cell(struct reader *reader, struct slice line, size_t *at) {
    uint8_t *out = take(reader, line.size);
    size_t size = 0;
    for (; *at < line.size && line.data[*at] != '|'; ++*at) {
        if (line.data[*at] == '\\' && *at + 1 < line.size && strchr("|\\", line.data[*at + 1])) ++*at;
        out[size++] = line.data[*at];
    }
    ++*at;
    return trim(slice_make(out, size));
}

static struct tck_table read_table(struct reader *reader) {
    struct tck_table table = {0};
    struct buf cells = BUF_EMPTY;
    while (!reader->ended && reader->line.size && reader->line.data[0] == '|') {
        table.rows++;
        for (size_t at = 1; at < reader->line.size;) {
            struct slice cell = read_cell(reader, reader->line, &at);
            if (buf_append(&cells, &cell, sizeof cell)) abort();
            table.columns += table.rows == 1;
        }
        next_line(reader);
    }
    table.cells = take(reader, cells.size);
    if (cells.size) memcpy(table.cells, cells.data, cells.size);
    buf_deinit(&cells);
    return table;
}

/* --- steps and scenarios --- */

static bool step_text(struct slice line, struct slice *text) {
    static const char *const words[] = {"Given ", "When ", "Then ", "And ", "But "};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!begins(line, words[i])) continue;
        *text = trim(slice_from(line, strlen(words[i])));
        return true;
    }
    return false;
}

static struct tck_step *read_steps(struct reader *reader) {
    struct tck_step *first = NULL, **end = &first;
    struct slice text;
    while (!reader->ended && step_text(reader->line, &text)) {
        struct tck_step *step = take(reader, sizeof *step);
        step->text = text;
        next_line(reader);
        if (!reader->ended && begins(reader->line, "\"\"\"")) {
            size_t line_start = (size_t)(reader->line.data - reader->text.data), indent = 0;
            while (line_start > indent && reader->text.data[line_start - indent - 1] == ' ') indent++;
            step->document = read_document(reader, indent);
        } else {
            step->table = read_table(reader);
        }
        *end = step;
        end = &step->next;
    }
    return first;
}

static struct block read_block(struct reader *reader) {
    struct block block = {.name = reader->line};
    next_line(reader);
    block.steps = read_steps(reader);
    while (!reader->ended && begins(reader->line, "Examples")) {
        next_line(reader);
        block.examples = read_table(reader);
    }
    return block;
}

/* --- outlines --- */

/* Every <name> of the examples' head becomes the row's cell. */
static struct slice substitute(struct reader *reader, struct slice text, const struct tck_table *examples, size_t row) {
    struct buf out = BUF_EMPTY;
    for (size_t at = 0; at < text.size;) {
        size_t column = 0, size = 0;
        for (; column < examples->columns && text.data[at] == '<'; column++) {
            const struct slice name = examples->cells[column];
            size = name.size + 2;
            if (at + size <= text.size && memcmp(text.data + at + 1, name.data, name.size) == 0 &&
                text.data[at + size - 1] == '>')
                break;
        }
        const bool found = text.data[at] == '<' && column < examples->columns;
        const struct slice part =
            found ? examples->cells[row * examples->columns + column] : slice_make(text.data + at, 1);
        if (buf_append_slice(&out, part)) abort();
        at += found ? size : 1;
    }
    const struct slice copy = slice_make(arena_copy(reader->arena, out.data, out.size), out.size);
    buf_deinit(&out);
    return copy;
}

/* The steps again, in front of `rest`. */
static struct tck_step *copy_steps(struct reader *reader, const struct tck_step *from, const struct tck_table *examples,
                                   size_t row, struct tck_step *rest) {
    if (!from) return rest;
    struct tck_step *step = take(reader, sizeof *step);
    *step = *from;
    step->next = copy_steps(reader, from->next, examples, row, rest);
    if (!examples) return step;
    step->text = substitute(reader, from->text, examples, row);
    step->document = substitute(reader, from->document, examples, row);
    const size_t cells = from->table.rows * from->table.columns;
    step->table.cells = take(reader, cells * sizeof(struct slice));
    for (size_t i = 0; i < cells; i++) step->table.cells[i] = substitute(reader, from->table.cells[i], examples, row);
    return step;
}

static struct tck_scenario *expand(struct reader *reader, const struct block *block, const struct tck_step *background,
                                   struct tck_scenario **end) {
    const bool outline = block->examples.rows > 0;
    const size_t count = outline ? block->examples.rows : 2;
    for (size_t row = 1; row < count; row++) {
        struct tck_scenario *scenario = take(reader, sizeof *scenario);
        scenario->name = block->name;
        struct tck_step *own = copy_steps(reader, block->steps, outline ? &block->examples : NULL, row, NULL);
        scenario->steps = copy_steps(reader, background, NULL, 0, own);
        *end = scenario;
        end = &scenario->next;
    }
    return *end;
}

enum status tck_feature_parse(struct arena *arena, struct slice text, struct tck_scenario **first) {
    struct reader reader = {.arena = arena, .text = slice_make(arena_copy(arena, text.data, text.size), text.size)};
    struct tck_step *background = NULL;
    struct tck_scenario **end = first;
    *first = NULL;
    next_line(&reader);
    if (!begins(reader.line, "Feature:")) return STATUS_SYNTAX;
    next_line(&reader);
    while (!reader.ended) {
        if (begins(reader.line, "Background")) {
            background = read_block(&reader).steps;
        } else if (begins(reader.line, "Scenario")) {
            const struct block block = read_block(&reader);
            expand(&reader, &block, background, end);
            while (*end) end = &(*end)->next;
        } else if (begins(reader.line, "@") || !*first) {
            next_line(&reader); /* tags, and the description of the feature */
        } else {
            return STATUS_SYNTAX;
        }
    }
    return STATUS_OK;
}
