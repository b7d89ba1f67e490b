/*
 * configuration: what is varied: the options of the engine that decide about merging, each with a name, as a list for
 * the product of all ("--policy lazy,tiered --memtable 4m,16m") or one by one ("policy=lazy,memtable=4m").
 */
#ifndef TOOLS_LOAM_SIMULATE_CONFIGURATION_H
#define TOOLS_LOAM_SIMULATE_CONFIGURATION_H

#include "engine/base/error.h"
#include "engine/engine.h"

enum {
    SETTING_POLICY,
    SETTING_MEMTABLE,
    SETTING_MEMTABLES,
    SETTING_LEVEL_BASE,
    SETTING_LEVEL_RATIO,
    SETTING_LEVEL0_TRIGGER,
    SETTING_FILE,
    SETTING_BLOCK,
    SETTING_COMPRESSION,
    SETTING_FILTER_BITS,
    SETTING_VALUE_THRESHOLD,
    SETTING_FIFO_BYTES,
    SETTINGS,
    CONFIGURATIONS_MAX = 64,
    CONFIGURATION_NAME_BYTES = 128
};

/* "policy", "memtable"; what its values are, in words. */
const char *setting_name(unsigned setting);
const char *setting_meaning(unsigned setting);

struct configuration {
    uint64_t values[SETTINGS];
    char name[CONFIGURATION_NAME_BYTES]; /* what distinguishes it: "tiered", "lazy, memtable 4m" */
};

struct configurations {
    struct configuration items[CONFIGURATIONS_MAX];
    size_t count;
};

/* One value of a setting. False: it is none. */
bool setting_parse(unsigned setting, struct slice text, uint64_t *value);
/* As it was typed: "lazy", "4m". */
void setting_print(unsigned setting, uint64_t value, char text[24]);

/* The product of lists; lists[i] NULL: the default of setting i, which is the engine's own, and of the policy all.
 * SYNTAX, TOO_LARGE with words. */
MUST_CHECK enum status configurations_multiply(struct configurations *configurations, const char *const lists[SETTINGS],
                                               struct error *error);
/* One more: "policy=lazy,memtable=4m". What it does not name is as in the lists where these have one value, and else
 * the default. */
MUST_CHECK enum status configurations_add(struct configurations *configurations, const char *text,
                                          const char *const lists[SETTINGS], struct error *error);
/* Names of all, by what is different among them. */
void configurations_name(struct configurations *configurations);

/* What the engine is opened with. */
void configuration_apply(const struct configuration *configuration, struct engine_options *options,
                         struct engine_tree_kind *kind);

#endif
