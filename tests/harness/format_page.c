/* format_page: see format_page.h. */
#include "tests/harness/format_page.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/check.h"

enum { TEXT_BYTES = 160, NAME_BYTES = 64 };

static const char begin_mark[] = "<!-- fields: ", begin_end[] = " -->\n", end_mark[] = "<!-- end -->\n";

static void add(struct buf *to, const char *text) {
    check(buf_append(to, text, strlen(text)) == STATUS_OK);
}

/* ---- Columns ----------------------------------------------------------------------------------------------------- */

static const char *form_words(const struct layout_row *row, char words[TEXT_BYTES]) {
    static const char *const words_of[] = {
        [LAYOUT_U8] = "u8",
        [LAYOUT_U16] = "u16",
        [LAYOUT_U32] = "u32",
        [LAYOUT_U64] = "u64",
        [LAYOUT_KEY_U32] = "u32, big-endian",
        [LAYOUT_KEY_U64] = "u64, big-endian",
        [LAYOUT_VARINT] = "varint",
        [LAYOUT_ZIGZAG] = "zigzag varint",
        [LAYOUT_TIME] = "time",
        [LAYOUT_STRING] = "string",
        [LAYOUT_SHORT] = "u8 length, bytes",
        [LAYOUT_REST] = "the rest",
    };
    if (row->form == LAYOUT_CODE)
        snprintf(words, TEXT_BYTES, "%s", row->text);
    else if (row->form < sizeof words_of / sizeof *words_of && words_of[row->form])
        snprintf(words, TEXT_BYTES, "%s", words_of[row->form]);
    else
        snprintf(words, TEXT_BYTES, "%zu bytes", layout_row_size(row));
    const size_t at = strlen(words);
    if (row->when) snprintf(words + at, TEXT_BYTES - at, ", if bit %d", __builtin_ctzll(row->when));
    return words;
}

static void add_magic(const struct layout_row *row, struct buf *to) {
    add(to, "`");
    for (const char *at = row->text; *at; at++)
        check(buf_append_format(to, *at == '\n' ? "\\n" : "%c", *at) == STATUS_OK);
    add(to, "`");
}

static void add_name(const struct layout_row *row, uint64_t value, const char *name, const char *note, struct buf *to,
                     bool *goes_on) {
    const bool flags = row->as == LAYOUT_AS_FLAGS || row->as == LAYOUT_AS_HEX_FLAGS;
    if (*goes_on) add(to, ", ");
    *goes_on = true;
    if (flags)
        check(buf_append_format(to, "bit %d %s", __builtin_ctzll(value), name) == STATUS_OK);
    else
        check(buf_append_format(to, "%" PRIu64 " %s", value, name) == STATUS_OK);
    if (note) check(buf_append_format(to, " (%s)", note) == STATUS_OK);
}

static void add_meaning(const struct layout_row *row, struct buf *to) {
    bool goes_on = false;
    if (row->form == LAYOUT_MAGIC) {
        add_magic(row, to);
        goes_on = true;
    }
    if (row->form == LAYOUT_ZEROS && strcmp(row->name, "zero") != 0) {
        add(to, "zero");
        goes_on = true;
    }
    for (const struct layout_name *one = row->names; one && one->name; one++)
        add_name(row, one->value, one->name, one->note, to, &goes_on);
    for (uint64_t value = 0; row->name_of && value <= row->names_last; value++) {
        const char *name = row->name_of(value);
        if (name && !(row->other && strcmp(name, row->other) == 0)) add_name(row, value, name, NULL, to, &goes_on);
    }
    if (!row->meaning || !*row->meaning) return;
    if (goes_on) add(to, row->form == LAYOUT_MAGIC || row->form == LAYOUT_ZEROS ? ", " : "; ");
    add(to, row->meaning);
}

/* " meaning |" and the line's end. */
static void end_row(const struct layout_row *row, struct buf *to) {
    const size_t before = to->size;
    add(to, " ");
    add_meaning(row, to);
    add(to, to->size == before + 1 ? "|\n" : " |\n");
}

/* ---- Tables ------------------------------------------------------------------------------------------------------ */

/* Every field has its place: what depends on others comes last, or says how long it is. */
static bool is_fixed(const struct layout_row *rows) {
    for (const struct layout_row *row = rows; row->name; row++)
        if (row->when || (!layout_row_size(row) && row->form != LAYOUT_CODE && row->form != LAYOUT_REST)) return false;
    return layout_row_size(rows) > 0;
}

struct place {
    size_t fixed;
    char also[TEXT_BYTES]; /* " + k" */
    bool lost;             /* nobody can say where it is */
};

static void add_place(const struct place *place, struct buf *to) {
    if (place->lost)
        add(to, "| | ");
    else
        check(buf_append_format(to, "| %zu%s | ", place->fixed, place->also) == STATUS_OK);
}

/* Behind the row. The size of code is a number, or an expression, or nothing. */
static void move_place(struct place *place, const struct layout_row *row) {
    const char *text = row->form == LAYOUT_CODE ? row->text : "";
    const size_t at = strlen(place->also);
    if (layout_row_size(row))
        place->fixed += layout_row_size(row);
    else if (isdigit((unsigned char)*text) && strspn(text, "0123456789") == strlen(text))
        place->fixed += strtoul(text, NULL, 10);
    else if (*text && !strchr(text, ' '))
        snprintf(place->also + at, TEXT_BYTES - at, " + %s", text);
    else
        place->lost = true;
}

static void print_fixed_row(const struct layout_row *row, struct place *place, struct buf *to) {
    add_place(place, to);
    const bool is_key = row->form == LAYOUT_KEY_U32 || row->form == LAYOUT_KEY_U64;
    if (layout_row_size(row))
        check(buf_append_format(to, "%zu%s ", layout_row_size(row), is_key ? ", big-endian" : "") == STATUS_OK);
    if (row->form == LAYOUT_CODE && *row->text) check(buf_append_format(to, "%s ", row->text) == STATUS_OK);
    check(buf_append_format(to, "| %s |", row->name) == STATUS_OK);
    end_row(row, to);
    move_place(place, row);
}

static void print_times(const struct layout_row *row, struct place *place, struct buf *to) {
    struct place inner = *place;
    const size_t size = layout_size(row->of);
    add_place(place, to);
    check(buf_append_format(to, "%zu | | %" PRIu32 " times, i from 0%s%s: |\n", layout_row_size(row), row->size,
                            row->meaning ? ", " : "", row->meaning ? row->meaning : "") == STATUS_OK);
    snprintf(inner.also, sizeof inner.also, " + %zui", size);
    for (const struct layout_row *one = row->of; one->name; one++) print_fixed_row(one, &inner, to);
    move_place(place, row);
}

static void print_fixed(const struct layout *layout, struct buf *to) {
    struct place place = {.fixed = layout->begins_at};
    add(to, "| offset | size | field | meaning |\n|---|---|---|---|\n");
    for (const struct layout_row *row = layout->rows; row->name; row++) {
        if (row->form == LAYOUT_TIMES)
            print_times(row, &place, to);
        else
            print_fixed_row(row, &place, to);
    }
}

static void print_form_row(const struct layout_row *row, struct buf *to) {
    char words[TEXT_BYTES];
    check(buf_append_format(to, "| %s | %s |", form_words(row, words), row->name) == STATUS_OK);
    end_row(row, to);
}

static void print_case(const struct layout_case *one, struct buf *to) {
    check(buf_append_format(to, "| %" PRIu64 " | %s ", one->number, one->name) == STATUS_OK);
    if (one->meaning) check(buf_append_format(to, "(%s) ", one->meaning) == STATUS_OK);
    if (!one->rows) add(to, "| | | |\n");
    for (const struct layout_row *row = one->rows; row && row->name; row++) {
        if (row != one->rows) add(to, "| | ");
        print_form_row(row, to);
    }
}

void format_table_print(const struct layout *layout, struct buf *to) {
    if (layout->cases) {
        check(buf_append_format(to, "| %s | name | form | field | meaning |\n|---|---|---|---|---|\n",
                                layout->chosen_by) == STATUS_OK);
        for (const struct layout_case *one = layout->cases; one->name; one++) print_case(one, to);
    } else if (is_fixed(layout->rows)) {
        print_fixed(layout, to);
    } else {
        add(to, "| form | field | meaning |\n|---|---|---|\n");
        for (const struct layout_row *row = layout->rows; row->name; row++) print_form_row(row, to);
    }
}

/* ---- Marks ------------------------------------------------------------------------------------------------------- */

static size_t find(struct slice page, size_t from, const char *text) {
    const size_t size = strlen(text);
    const uint8_t *at = page.size > from ? memmem(page.data + from, page.size - from, text, size) : NULL;
    return at ? (size_t)(at - page.data) : SIZE_MAX;
}

bool format_page_next(struct slice page, size_t *from, char name[NAME_BYTES]) {
    size_t at = find(page, *from, begin_mark);
    if (at == SIZE_MAX) return false;
    at += sizeof begin_mark - 1;
    const size_t end = find(page, at, begin_end);
    if (end == SIZE_MAX || end - at >= NAME_BYTES) return false;
    memcpy(name, page.data + at, end - at);
    name[end - at] = 0;
    *from = end + sizeof begin_end - 1;
    return true;
}

bool format_page_find(struct slice page, const char *name, struct slice *lines) {
    char found[NAME_BYTES];
    size_t at = 0;
    while (format_page_next(page, &at, found)) {
        if (strcmp(found, name) != 0) continue;
        const size_t end = find(page, at, end_mark);
        if (end == SIZE_MAX) return false;
        *lines = slice_make(page.data + at, end - at);
        return true;
    }
    return false;
}
