/*
 * lexer: a query's text as an array of tokens, ended by one of kind TOKEN_END.
 *
 * Tokens refer to the text by offset and hold their place. Comments and blanks (also those of Unicode) are dropped. The
 * lexer refuses what no query can hold: bytes that are not UTF-8, a string or comment without an end, characters that
 * begin nothing. Words are names until the parser wants them to be something else; `word` says which word of the
 * language a name spells, without regard to case.
 */
#ifndef GRAPH_CYPHER_LEXER_H
#define GRAPH_CYPHER_LEXER_H

#include "engine/base/buf.h"
#include "graph/cypher/fault.h"

enum token_kind {
    TOKEN_END,
    TOKEN_NAME,        /* letters, digits, '_' */
    TOKEN_QUOTED_NAME, /* `in back quotes`, a back quote doubled */
    TOKEN_INTEGER,     /* decimal, 0x, 0o; range not judged */
    TOKEN_FLOAT,
    TOKEN_BAD_NUMBER, /* begins like a number and is none; the parser says what that means where it stands */
    TOKEN_STRING,     /* with its quotes and escapes */
    TOKEN_SYMBOL,     /* `symbol` */
};

/* Symbols of one character are that character. */
enum token_symbol {
    SYMBOL_LESS_EQUAL = 256,
    SYMBOL_GREATER_EQUAL,
    SYMBOL_NOT_EQUAL,
    SYMBOL_PLUS_EQUAL,
    SYMBOL_MATCHES,
    SYMBOL_DOTS,
};

/* clang-format off */
/* Words of the language, in alphabetical order; R: reserved, no name of a variable. */
#define WORD_LIST(X)                                                                                                    \
    X(ALL, R) X(ALLSHORTESTPATHS, N) X(AND, R) X(ANY, N) X(AS, R) X(ASC, R) X(ASCENDING, R) X(BY, R) X(CALL, N) X(CASE, R)\
    X(CONTAINS, R) X(COUNT, N) X(CREATE, R) X(CYPHER, N) X(DELETE, R) X(DESC, R) X(DESCENDING, R) X(DETACH, R)          \
    X(DISTINCT, R) X(DROP, N) X(ELSE, R) X(END, R) X(ENDS, R) X(EXISTS, R) X(EXPLAIN, N) X(FALSE, R) X(FINISH, N)       \
    X(FOREACH, N) X(IN, R) X(INDEX, N) X(IS, R) X(LIMIT, R) X(LOAD, N) X(MATCH, R) X(MERGE, R) X(NONE, N) X(NOT, R)     \
    X(NULL, R) X(ON, R) X(OPTIONAL, R) X(OR, R) X(ORDER, R) X(PROFILE, N) X(REDUCE, N) X(REMOVE, R) X(RETURN, R)        \
    X(SET, R) X(SHORTESTPATH, N) X(SINGLE, N) X(SKIP, R) X(STARTS, R) X(THEN, R) X(TRUE, R) X(UNION, R) X(UNWIND, R)    \
    X(USE, N) X(USING, N) X(WHEN, R) X(WHERE, R) X(WITH, R) X(XOR, R) X(YIELD, N)

enum token_word {
    WORD_NONE_OF_THESE,
#define X(name, reserved) WORD_##name,
    WORD_LIST(X)
#undef X
    WORD_COUNT_OF_ALL
};
/* clang-format on */

struct token {
    uint8_t kind; /* enum token_kind */
    uint8_t word; /* enum token_word, of a TOKEN_NAME */
    uint16_t symbol;
    uint32_t offset; /* bytes */
    uint32_t size;
    uint32_t match; /* '(' '[' '{': index of the token that closes it, or of TOKEN_END */
    struct cypher_place place;
};

/* Appends all tokens to *tokens (struct token, TOKEN_END last), which the caller frees. The text may not be longer than
 * CYPHER_TEXT_MAX_BYTES. SYNTAX, NO_MEMORY. */
MUST_CHECK enum status lexer_run(struct slice text, struct buf *tokens, struct cypher_fault *fault);

/* "MATCH" for WORD_MATCH. */
const char *token_word_text(enum token_word word);
bool token_word_is_reserved(enum token_word word);

#endif
