/* format_level: the table, and how a level is called. */
#include "engine/lsm/format_level.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/base/check.h"
#include "engine/base/decimal.h"
#include "engine/lsm/edit.h"
#include "engine/sst/sst.h"

#define NAME_HEAD "format level "

static const struct {
    uint32_t level;
    const char *text;
} features[FORMAT_FEATURES] = {
#define X(name, number, words) [FORMAT_##name] = {number, words},
    FORMAT_FEATURE_LIST(X)
#undef X
};

uint32_t format_feature_level(enum format_feature feature) {
    check(feature < FORMAT_FEATURES);
    return features[feature].level;
}

const char *format_level_forbids(uint32_t level, const struct edit_file *meta) {
    if (meta->values.size > 0 && level < format_feature_level(FORMAT_VALUES_APART))
        return "refers to files of values, which the store's format level does not know";
    if (meta->hidden > 0 && level < format_feature_level(FORMAT_HIDDEN_COUNTS))
        return "counts old versions in the manifest, which the store's format level does not know";
    return NULL;
}

const char *format_level_forbids_inside(uint32_t level, const struct sst_properties *properties) {
    if (properties->dictionary.size > 0 && level < format_feature_level(FORMAT_DICTIONARIES))
        return "has a dictionary, which the store's format level does not know";
    if (properties->references > 0 && level < format_feature_level(FORMAT_VALUES_APART))
        return "holds references to files of values, which the store's format level does not know";
    return NULL;
}

size_t format_level_name(uint32_t level, char name[FORMAT_NAME_BYTES]) {
    return (size_t)snprintf(name, FORMAT_NAME_BYTES, NAME_HEAD "%" PRIu32, level);
}

uint32_t format_level_parse(struct slice name) {
    char told[FORMAT_NAME_BYTES];
    uint64_t level = 0;
    const size_t head = sizeof NAME_HEAD - 1;
    if (name.size <= head || memcmp(name.data, NAME_HEAD, head) != 0) return 0;
    for (size_t at = head; at < name.size; at++) {
        if (name.data[at] < '0' || name.data[at] > '9' || level > UINT32_MAX / 10) return 0;
        level = level * 10 + (uint64_t)(name.data[at] - '0');
    }
    /* Written in one way only, and never for the first. */
    if (level <= FORMAT_LEVEL_FIRST || level > UINT32_MAX) return 0;
    const size_t size = format_level_name((uint32_t)level, told);
    return size == name.size && memcmp(told, name.data, size) == 0 ? (uint32_t)level : 0;
}

void engine_format_level_describe(uint32_t level, void (*visit)(void *context, const char *text), void *context) {
    for (size_t i = 0; i < FORMAT_FEATURES; i++)
        if (features[i].level == level) visit(context, features[i].text);
}
