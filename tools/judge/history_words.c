/* history_words: see history_words.h. */
#include "tools/judge/history_words.h"

#include "engine/base/check.h"
#include "tools/judge/models.h"

const struct history_word_facts history_words[HISTORY_WORDS] = {
    [HISTORY_READ] = {"read", 0, true},      [HISTORY_WRITE] = {"write", 1, false},
    [HISTORY_CAS] = {"cas", 2, false},       [HISTORY_GET] = {"get", 0, true},
    [HISTORY_PUT] = {"put", 1, false},       [HISTORY_APPEND] = {"append", 1, false},
    [HISTORY_SETNX] = {"setnx", 1, false},   [HISTORY_GETSET] = {"getset", 1, false},
    [HISTORY_GETDEL] = {"getdel", 0, false}, [HISTORY_DEL] = {"del", 0, false},
    [HISTORY_EXISTS] = {"exists", 0, false}, [HISTORY_STRLEN] = {"strlen", 0, false},
    [HISTORY_INCRBY] = {"incrby", 1, false},
};

/* A model's words by its own numbers of kinds. */
static const enum history_word text_words[] = {
    [MODEL_TEXT_GET] = HISTORY_GET, [MODEL_TEXT_PUT] = HISTORY_PUT, [MODEL_TEXT_APPEND] = HISTORY_APPEND};
static const enum history_word register_words[] = {
    [MODEL_REGISTER_READ] = HISTORY_READ, [MODEL_REGISTER_WRITE] = HISTORY_WRITE, [MODEL_REGISTER_CAS] = HISTORY_CAS};
static const enum history_word redis_words[] = {
    [MODEL_REDIS_GET] = HISTORY_READ,      [MODEL_REDIS_SET] = HISTORY_WRITE,     [MODEL_REDIS_SETNX] = HISTORY_SETNX,
    [MODEL_REDIS_GETSET] = HISTORY_GETSET, [MODEL_REDIS_GETDEL] = HISTORY_GETDEL, [MODEL_REDIS_DEL] = HISTORY_DEL,
    [MODEL_REDIS_EXISTS] = HISTORY_EXISTS, [MODEL_REDIS_STRLEN] = HISTORY_STRLEN, [MODEL_REDIS_APPEND] = HISTORY_APPEND,
    [MODEL_REDIS_INCRBY] = HISTORY_INCRBY,
};

static const struct {
    const struct linearize_model *model;
    const enum history_word *words;
    uint32_t count;
} tables[] = {
    {&model_text, text_words, sizeof text_words / sizeof *text_words},
    {&model_register, register_words, sizeof register_words / sizeof *register_words},
    {&model_redis_string, redis_words, sizeof redis_words / sizeof *redis_words},
};
enum { TABLES = sizeof tables / sizeof *tables };

bool history_word_find(struct slice name, enum history_word *word) {
    for (unsigned i = 0; i < HISTORY_WORDS; i++) {
        if (!slice_equal(name, slice_from_text(history_words[i].name))) continue;
        *word = (enum history_word)i;
        return true;
    }
    return false;
}

const struct linearize_model *history_words_model(uint32_t set) {
    for (unsigned i = 0; i < TABLES; i++) {
        uint32_t known = 0;
        for (uint32_t kind = 0; kind < tables[i].count; kind++) known |= UINT32_C(1) << tables[i].words[kind];
        if ((set & ~known) == 0) return tables[i].model;
    }
    return NULL;
}

uint32_t history_word_kind(const struct linearize_model *model, enum history_word word) {
    for (unsigned i = 0; i < TABLES; i++)
        for (uint32_t kind = 0; tables[i].model == model && kind < tables[i].count; kind++)
            if (tables[i].words[kind] == word) return kind;
    check(false); /* the caller asked history_words_model before */
    return 0;
}

enum history_word history_kind_word(const struct linearize_model *model, uint32_t kind) {
    for (unsigned i = 0; i < TABLES; i++)
        if (tables[i].model == model && kind < tables[i].count) return tables[i].words[kind];
    check(false); /* a history of another model */
    return HISTORY_READ;
}

bool history_word_answer_counts(const struct linearize_model *model, enum history_word word) {
    return model == &model_redis_string || history_words[word].value_is_answer || word == HISTORY_CAS;
}
