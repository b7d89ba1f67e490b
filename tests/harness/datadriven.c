/*
 * datadriven: see the header.
 */
#include "tests/harness/datadriven.h"

#include <stdio.h>
#include <stdlib.h>

const char *datadriven_folder(void) {
    const char *folder = getenv("LOAM_DATA");
    return folder ? folder : "../shared/data";
}

enum status datadriven_open(struct datadriven *script, const char *folder, const char *name) {
    *script = (struct datadriven){0};
    char path[1024];
    snprintf(path, sizeof path, "%s/%s/%s", datadriven_folder(), folder, name);
    FILE *file = fopen(path, "rb");
    if (!file) return STATUS_NOT_FOUND;
    char block[4096];
    enum status status = STATUS_OK;
    for (size_t got; status == STATUS_OK && (got = fread(block, 1, sizeof block, file)) > 0;) {
        status = buf_append(&script->text, block, got);
    }
    if (status == STATUS_OK && ferror(file)) status = STATUS_IO;
    fclose(file);
    if (status != STATUS_OK) buf_deinit(&script->text);
    return status;
}

void datadriven_close(struct datadriven *script) {
    buf_deinit(&script->text);
}

/* The next line without its newline; false at the end. */
static bool next_line(struct datadriven *script, struct slice *line) {
    if (script->at >= script->text.size) return false;
    const uint8_t *from = script->text.data + script->at;
    size_t left = script->text.size - script->at;
    const uint8_t *newline = memchr(from, '\n', left);
    *line = slice_make(from, newline ? (size_t)(newline - from) : left);
    script->at += line->size + (newline != NULL);
    script->line++;
    return true;
}

static bool is_blank(struct slice line) {
    for (size_t i = 0; i < line.size; i++) {
        if (line.data[i] != ' ' && line.data[i] != '\t') return false;
    }
    return true;
}

static bool is_separator(struct slice line) {
    return slice_equal(line, slice_from_text("----"));
}

static void skip_spaces(struct slice *rest) {
    while (rest->size > 0 && rest->data[0] == ' ') *rest = slice_from(*rest, 1);
}

/* Up to one of `stops`. */
static struct slice take_word(struct slice *rest, const char *stops) {
    size_t size = 0;
    while (size < rest->size && !strchr(stops, rest->data[size])) size++;
    struct slice word = slice_make(rest->data, size);
    *rest = slice_from(*rest, size);
    return word;
}

static bool take_list(struct slice *rest, struct datadriven_argument *argument) {
    *rest = slice_from(*rest, 1);
    for (;;) {
        skip_spaces(rest);
        struct slice value = take_word(rest, " ,)");
        skip_spaces(rest);
        if (value.size > 0 && argument->value_count < DATADRIVEN_VALUES_MAX)
            argument->values[argument->value_count++] = value;
        if (rest->size == 0) return false;
        bool closes = rest->data[0] == ')';
        *rest = slice_from(*rest, 1);
        if (closes) return true;
    }
}

static bool parse_command(struct slice line, struct datadriven_case *next) {
    next->command = take_word(&line, " ");
    for (skip_spaces(&line); line.size > 0; skip_spaces(&line)) {
        if (next->argument_count == DATADRIVEN_ARGUMENTS_MAX) return false;
        struct datadriven_argument *argument = &next->arguments[next->argument_count++];
        argument->key = take_word(&line, " =");
        if (line.size == 0 || line.data[0] != '=') continue;
        line = slice_from(line, 1);
        if (line.size > 0 && line.data[0] == '(') {
            if (!take_list(&line, argument)) return false;
        } else {
            argument->values[argument->value_count++] = take_word(&line, " ");
        }
    }
    return true;
}

static bool fail(struct datadriven *script, const char *fault) {
    script->fault = fault;
    return false;
}

/* From the separator to the end of the case. */
static void read_expected(struct datadriven *script, struct datadriven_case *next) {
    size_t begin = script->at;
    size_t end = begin;
    unsigned begin_line = script->line;
    struct slice line;
    bool doubled = next_line(script, &line) && is_separator(line);
    if (doubled) {
        begin = end = script->at;
    } else {
        script->at = begin;
        script->line = begin_line;
    }
    while (next_line(script, &line)) {
        if (doubled ? is_separator(line) : line.size == 0) {
            if (doubled) (void)next_line(script, &line);
            break;
        }
        end = script->at;
    }
    next->expected = slice_make(script->text.data + begin, end - begin);
}

bool datadriven_next(struct datadriven *script, struct datadriven_case *next) {
    *next = (struct datadriven_case){0};
    struct slice line;
    do {
        if (!next_line(script, &line)) return false;
    } while (is_blank(line) || line.data[0] == '#');
    next->line = script->line;
    if (!parse_command(line, next)) return fail(script, "a command with too many words or an open parenthesis");
    size_t begin = script->at;
    size_t end = begin;
    for (;;) {
        if (!next_line(script, &line)) return fail(script, "a command without ----");
        if (is_separator(line)) break;
        end = script->at;
    }
    next->input = slice_make(script->text.data + begin, end - begin);
    read_expected(script, next);
    return true;
}

const struct datadriven_argument *datadriven_find(const struct datadriven_case *of, const char *key) {
    for (unsigned i = 0; i < of->argument_count; i++) {
        if (slice_equal(of->arguments[i].key, slice_from_text(key))) return &of->arguments[i];
    }
    return NULL;
}

uint64_t datadriven_number(struct slice value) {
    uint64_t number = 0;
    for (size_t i = 0; i < value.size && value.data[i] >= '0' && value.data[i] <= '9'; i++) {
        number = number * 10 + (uint64_t)(value.data[i] - '0');
    }
    return number;
}
