/*
 * layout: the fields of a structure as a table of plain data: name, form, meaning. From one table come what a tool
 * tells of the bytes (layout_describe), the table of the FORMAT.md (tests/unit/tools/format_table_test.c prints it),
 * and what a test holds encoders to (layout_offset). So they can't part.
 *
 * A table has what is a row of fields. What an algorithm must read (columns, bit streams, rows that repeat until
 * something ends) has a row of LAYOUT_CODE: it stands on the page, and code tells it. Constant data; any thread.
 */
#ifndef ENGINE_BASE_LAYOUT_H
#define ENGINE_BASE_LAYOUT_H

#include "engine/base/fields.h"

#pragma GCC visibility push(default)

/* What the bytes are. */
enum layout_form {
    LAYOUT_U8,
    LAYOUT_U16,
    LAYOUT_U32,
    LAYOUT_U64,
    LAYOUT_KEY_U32, /* big-endian: in keys */
    LAYOUT_KEY_U64,
    LAYOUT_VARINT,
    LAYOUT_ZIGZAG, /* signed, in a varint */
    LAYOUT_TIME,   /* the same, in ms */
    LAYOUT_STRING, /* a varint length, told as "length", and bytes */
    LAYOUT_SHORT,  /* a byte of length, told as "length", and bytes */
    LAYOUT_BYTES,  /* `size` bytes, as text */
    LAYOUT_REST,   /* all that is left, as text */
    LAYOUT_MAGIC,  /* the bytes of `text` */
    LAYOUT_ZEROS,  /* `size` bytes; another value in them is a fault */
    LAYOUT_CHECK,  /* `size` bytes, 8 where it is 0: who has what they cover says whether they are right */
    LAYOUT_TIMES,  /* the rows of `of`, `size` times */
    LAYOUT_CODE,   /* what code tells; `text` is the form in words. layout_describe stops before it */
};

/* How a number is told. */
enum layout_as {
    LAYOUT_AS_NUMBER,
    LAYOUT_AS_HEX,
    LAYOUT_AS_ID, /* 16 hexadecimal digits */
    LAYOUT_AS_MS,
    LAYOUT_AS_NAMED, /* "2: snapshot" */
    LAYOUT_AS_NAME,  /* "snapshot" */
    LAYOUT_AS_FLAGS, /* "3: expiry object"; the values of the names are bits */
    LAYOUT_AS_HEX_FLAGS,
};

/* What a value is called; a list ends with a NULL name. */
struct layout_name {
    uint64_t value;
    const char *name;
    const char *note; /* for the page; NULL: the name says it */
};

struct layout_row {
    const char *name; /* as tools tell it; NULL: behind the last */
    enum layout_form form;
    enum layout_as as;
    uint32_t size;
    const char *text;    /* of a magic, of a form in words; of a check or zeros what is told of them, or NULL */
    const char *meaning; /* what FORMAT.md says of it, behind the names; Markdown */
    const struct layout_name *names;        /* NULL: none, or those of name_of */
    const char *(*name_of)(uint64_t value); /* for 0 or 1 up to names_last; names that stand elsewhere in code */
    uint64_t names_last;
    const char *other;           /* what a value without a name is; NULL: "not known" */
    uint64_t when;               /* not 0: it is there if the nearest flags before have this bit */
    const struct layout_row *of; /* of LAYOUT_TIMES */
    /* Words that none of the above gives; `i` counts the times. NULL: none are needed. */
    void (*say)(uint64_t value, unsigned i, char words[FIELD_WORDS_BYTES]);
};

/* One of several bodies, chosen by a number. */
struct layout_case {
    uint64_t number;
    const char *name; /* NULL: behind the last */
    const char *meaning;
    const struct layout_row *rows; /* NULL: nothing follows */
};

struct layout {
    const char *name;              /* as the page's marks name it */
    const struct layout_row *rows; /* NULL: it has cases */
    const struct layout_case *cases;
    const char *chosen_by; /* the heading over the numbers of the cases: "id" */
    size_t begins_at;      /* where the first row stands in what the table is the end of */
};

enum { LAYOUT_ROWS_MAX = 32 /* of a table whose values are asked for */ };

/* Tells the rows up to the end, the first LAYOUT_CODE, or flags that are not known where they say what follows (which
 * is a fault, and false).
 * values: what each row's number was, 0 where there was none, LAYOUT_ROWS_MAX of them; NULL: not wanted. */
bool layout_describe(const struct layout_row *rows, struct fields *fields, uint64_t *values);
/* One row; returns its number. */
uint64_t layout_tell(const struct layout_row *row, struct fields *fields);
/* One row of a number, with words of the caller's. */
uint64_t layout_read(const struct layout_row *row, struct fields *fields);
/* The words for a number that was read. Returns `words`. */
const char *layout_words(const struct layout_row *row, uint64_t value, char words[FIELD_WORDS_BYTES]);

/* NULL: there is no such case. */
const struct layout_case *layout_find_case(const struct layout *layout, uint64_t number);
/* The name of a value; NULL: it has none. */
const char *layout_name(const struct layout_row *row, uint64_t value);
/* The row of that name. REQUIRES: it is there. */
size_t layout_index(const struct layout_row *rows, const char *name);
static inline const struct layout_row *layout_row(const struct layout *layout, const char *name) {
    return &layout->rows[layout_index(layout->rows, name)];
}

/* Bytes of a row; 0: it depends on what stands in it. */
size_t layout_row_size(const struct layout_row *row);
/* Bytes of the rows up to the first whose size is not fixed. */
size_t layout_size(const struct layout_row *rows);
/* Where a row begins, begins_at included. REQUIRES: it is there, and those before it have fixed sizes. */
size_t layout_offset(const struct layout *layout, const char *name);

#pragma GCC visibility pop

#endif
