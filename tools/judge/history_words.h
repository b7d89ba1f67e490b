/* history_words: what operations are called in files, and which model knows which. */
#ifndef TOOLS_JUDGE_HISTORY_WORDS_H
#define TOOLS_JUDGE_HISTORY_WORDS_H

#include "tools/judge/linearize.h"

enum history_word {
    HISTORY_READ,
    HISTORY_WRITE,
    HISTORY_CAS,
    HISTORY_GET,
    HISTORY_PUT,
    HISTORY_APPEND,
    HISTORY_SETNX,
    HISTORY_GETSET,
    HISTORY_GETDEL,
    HISTORY_DEL,
    HISTORY_EXISTS,
    HISTORY_STRLEN,
    HISTORY_INCRBY,
    HISTORY_WORDS,
};

extern const struct history_word_facts {
    const char *name;
    unsigned arguments;
    bool value_is_answer; /* a :value of an answer is the answer, not the arguments again */
} history_words[HISTORY_WORDS];

/* False if there is no such word. */
bool history_word_find(struct slice name, enum history_word *word);
/* The model that knows all words of the set (a bit each); NULL: none does. */
const struct linearize_model *history_words_model(uint32_t set);
uint32_t history_word_kind(const struct linearize_model *model, enum history_word word);
enum history_word history_kind_word(const struct linearize_model *model, uint32_t kind);
/* Does the model look at the answer of such an operation, beyond that it came? */
bool history_word_answer_counts(const struct linearize_model *model, enum history_word word);

#endif
