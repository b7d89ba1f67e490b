/*
 * edn: the words of a text in EDN (Clojure's data notation, github.com/edn-format/edn), one after another, as far as
 * histories have them. Untrusted bytes; no allocation, no recursion; nesting is bounded.
 *
 * Comments, commas, discarded values (#_) and tags (#inst, #jepsen.history.Op{...}) are stepped over: a tagged value
 * reads as the value. Texts are borrowed from the input.
 */
#ifndef TOOLS_JUDGE_EDN_H
#define TOOLS_JUDGE_EDN_H

#include "engine/base/buf.h"

enum { EDN_DEPTH_MAX = 64 };

enum edn_kind {
    EDN_END,     /* of the input, outside all brackets */
    EDN_OPEN,    /* text: one byte, '{', '[' or '(' ; a set opens with '#' */
    EDN_CLOSE,   /* of the innermost open one */
    EDN_KEYWORD, /* text: without its colon */
    EDN_STRING,  /* text: between its quotes, escapes as they stand: edn_string_append */
    EDN_WORD,    /* nil, true, numbers, symbols, characters */
};

struct edn_word {
    enum edn_kind kind;
    struct slice text;
};

struct edn_reader {
    struct slice input;
    size_t at;
    uint64_t line;    /* where the word read last, or what is wrong with it, begins; from 1 */
    uint64_t at_line; /* of `at` */
    unsigned depth;
    uint8_t open[EDN_DEPTH_MAX]; /* the brackets that must come */
};

void edn_reader_init(struct edn_reader *reader, struct slice input);

/* SYNTAX: a bracket that closes nothing, or stays open at the end; a string without an end; nested too deep. */
MUST_CHECK enum status edn_next(struct edn_reader *reader, struct edn_word *word);

/* Reads up to the end of the value that `word` begins; a CLOSE begins none: SYNTAX. */
MUST_CHECK enum status edn_skip(struct edn_reader *reader, struct edn_word word);

/* Appends what a STRING's text means. SYNTAX: an escape that EDN does not have. */
MUST_CHECK enum status edn_string_append(struct buf *to, struct slice text);

/* Appends a string with its quotes, any bytes: those that are no printable ASCII as \u00XX. */
MUST_CHECK enum status edn_string_write(struct buf *to, struct slice bytes);

#endif
