/* configuration: see configuration.h. Invariant: a value that is not understood is an error, never a default. */
#include "tools/loam/simulate/configuration.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum setting_form { FORM_WORD, FORM_NUMBER, FORM_BYTES };

static const char *const policies[] = {"lazy", "leveled", "tiered", "fifo", NULL};
static const char *const compressions[] = {"none", "lz4", "zstd", NULL};

static const struct {
    const char *name;
    enum setting_form form;
    const char *const *words; /* FORM_WORD */
    uint64_t least, most, normal;
    const char *meaning;
} settings[SETTINGS] = {
    [SETTING_POLICY] = {"policy", FORM_WORD, policies, 0, 3, 0, "lazy, leveled, tiered or fifo"},
    [SETTING_MEMTABLE] = {"memtable", FORM_BYTES, NULL, 16 << 10, 1 << 30, 64 << 20, "a size from 16k to 1g"},
    [SETTING_MEMTABLES] = {"memtables", FORM_NUMBER, NULL, 2, 15, 4, "a number from 2 to 15"},
    [SETTING_LEVEL_BASE] = {"level-base", FORM_BYTES, NULL, 4 << 10, UINT64_C(1) << 40, 64 << 20,
                            "a size from 4k to 1024g"},
    [SETTING_LEVEL_RATIO] = {"level-ratio", FORM_NUMBER, NULL, 2, 100, 10, "a number from 2 to 100"},
    [SETTING_LEVEL0_TRIGGER] = {"level0-trigger", FORM_NUMBER, NULL, 1, 1000, 4, "a number from 1 to 1000"},
    [SETTING_FILE] = {"file", FORM_BYTES, NULL, 16 << 10, 1 << 30, 8 << 20, "a size from 16k to 1g"},
    [SETTING_BLOCK] = {"block", FORM_BYTES, NULL, 512, 1 << 20, 4 << 10, "a size from 512 to 1m"},
    [SETTING_COMPRESSION] = {"compression", FORM_WORD, compressions, 0, 2, 0, "none, lz4 or zstd"},
    [SETTING_FILTER_BITS] = {"filter-bits", FORM_NUMBER, NULL, 0, 64, 10, "a number from 0 to 64"},
    [SETTING_VALUE_THRESHOLD] = {"value-threshold", FORM_BYTES, NULL, 0, 64 << 20, 0, "0, or a size from 256 to 64m"},
    [SETTING_FIFO_BYTES] = {"fifo-bytes", FORM_BYTES, NULL, 0, UINT64_C(1) << 40, 0, "0, or a size up to 1024g"},
};

const char *setting_name(unsigned setting) {
    return settings[setting].name;
}

const char *setting_meaning(unsigned setting) {
    return settings[setting].meaning;
}

/* ---- Single values ----------------------------------------------------------------------------------------------- */

static bool parse_number(struct slice text, bool has_unit, uint64_t *value) {
    static const char units[] = "kmg";
    uint64_t number = 0;
    size_t at = 0;
    for (; at < text.size && text.data[at] >= '0' && text.data[at] <= '9'; at++) {
        if (number > (UINT64_MAX - 9) / 10) return false;
        number = number * 10 + (uint64_t)(text.data[at] - '0');
    }
    const bool has_digits = at > 0;
    unsigned shift = 0;
    for (unsigned i = 0; has_unit && at + 1 == text.size && units[i]; i++)
        if ((text.data[at] | 0x20) == units[i]) shift = 10 * (i + 1);
    if (shift > 0) at++;
    *value = number << shift;
    return has_digits && at == text.size && *value >> shift == number;
}

bool setting_parse(unsigned setting, struct slice text, uint64_t *value) {
    if (settings[setting].form != FORM_WORD) {
        if (!parse_number(text, settings[setting].form == FORM_BYTES, value)) return false;
        if (setting == SETTING_VALUE_THRESHOLD && *value > 0 && *value < 256) return false;
        return *value >= settings[setting].least && *value <= settings[setting].most;
    }
    for (*value = 0; settings[setting].words[*value]; (*value)++)
        if (slice_equal(text, slice_from_text(settings[setting].words[*value]))) return true;
    return false;
}

void setting_print(unsigned setting, uint64_t value, char text[24]) {
    static const char units[] = " kmg";
    unsigned unit = 0;
    if (settings[setting].form == FORM_WORD) {
        (void)snprintf(text, 24, "%s", settings[setting].words[value]);
        return;
    }
    while (settings[setting].form == FORM_BYTES && unit < 3 && value > 0 && value % 1024 == 0) {
        value /= 1024;
        unit++;
    }
    (void)snprintf(text, 24, unit ? "%" PRIu64 "%c" : "%" PRIu64, value, units[unit]);
}

/* ---- Lists ------------------------------------------------------------------------------------------------------- */

static enum status refuse(struct error *error, unsigned setting, struct slice text) {
    return error_set(error, STATUS_SYNTAX, "%s: '%.*s' is not %s", settings[setting].name, (int)text.size,
                     (const char *)text.data, settings[setting].meaning);
}

/* The next word of a list with commas; *at moves behind it. */
static struct slice next_word(const char **at) {
    const size_t size = strcspn(*at, ",");
    const struct slice word = slice_make(*at, size);
    *at += size;
    if (**at == ',') (*at)++;
    return word;
}

/* Each of `base` with each value of the list, in place. */
static enum status multiply_by(struct configurations *all, unsigned setting, const char *list, struct error *error) {
    const size_t before = all->count;
    size_t times = 0;
    for (const char *at = list; *at || times == 0; times++) {
        uint64_t value;
        const struct slice word = next_word(&at);
        if (!setting_parse(setting, word, &value)) return refuse(error, setting, word);
        if ((times + 1) * before > CONFIGURATIONS_MAX)
            return error_set(error, STATUS_TOO_LARGE, "more than %d configurations", CONFIGURATIONS_MAX);
        for (size_t i = 0; i < before; i++) {
            all->items[times * before + i] = all->items[i];
            all->items[times * before + i].values[setting] = value;
        }
    }
    all->count = before * times;
    return STATUS_OK;
}

static void set_defaults(struct configuration *configuration) {
    *configuration = (struct configuration){.name = ""};
    for (unsigned i = 0; i < SETTINGS; i++) configuration->values[i] = settings[i].normal;
}

enum status configurations_multiply(struct configurations *configurations, const char *const lists[SETTINGS],
                                    struct error *error) {
    set_defaults(&configurations->items[0]);
    configurations->count = 1;
    for (unsigned i = SETTINGS; i-- > 0;) {
        const char *list = lists[i] || i != SETTING_POLICY ? lists[i] : "lazy,leveled,tiered,fifo";
        const enum status status = list ? multiply_by(configurations, i, list, error) : STATUS_OK;
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static bool find_setting(struct slice name, unsigned *setting) {
    for (*setting = 0; *setting < SETTINGS; (*setting)++)
        if (slice_equal(name, slice_from_text(settings[*setting].name))) return true;
    return false;
}

enum status configurations_add(struct configurations *configurations, const char *text,
                               const char *const lists[SETTINGS], struct error *error) {
    struct configuration made;
    set_defaults(&made);
    for (unsigned i = 0; i < SETTINGS; i++) {
        if (!lists[i] || strchr(lists[i], ',')) continue;
        if (!setting_parse(i, slice_from_text(lists[i]), &made.values[i]))
            return refuse(error, i, slice_from_text(lists[i]));
    }
    if (configurations->count == CONFIGURATIONS_MAX)
        return error_set(error, STATUS_TOO_LARGE, "more than %d configurations", CONFIGURATIONS_MAX);
    for (const char *at = text; *at || at == text;) {
        const struct slice word = next_word(&at);
        const uint8_t *equals = word.size ? memchr(word.data, '=', word.size) : NULL;
        const size_t size = equals ? (size_t)(equals - word.data) : word.size;
        unsigned setting;
        if (!equals || !find_setting(slice_make(word.data, size), &setting))
            return error_set(error, STATUS_SYNTAX,
                             "'%.*s' is no NAME=VALUE with a name that is known (--help lists them)", (int)word.size,
                             word.size ? (const char *)word.data : "");
        if (!setting_parse(setting, slice_from(word, size + 1), &made.values[setting]))
            return refuse(error, setting, slice_from(word, size + 1));
    }
    configurations->items[configurations->count++] = made;
    return STATUS_OK;
}

static bool differs(const struct configurations *all, unsigned setting) {
    for (size_t i = 1; i < all->count; i++)
        if (all->items[i].values[setting] != all->items[0].values[setting]) return true;
    return false;
}

void configurations_name(struct configurations *configurations) {
    for (size_t i = 0; i < configurations->count; i++) {
        struct configuration *one = &configurations->items[i];
        char text[24];
        setting_print(SETTING_POLICY, one->values[SETTING_POLICY], text);
        size_t size = (size_t)snprintf(one->name, sizeof one->name, "%s", text);
        for (unsigned s = SETTING_POLICY + 1; s < SETTINGS && size < sizeof one->name; s++) {
            if (!differs(configurations, s)) continue;
            setting_print(s, one->values[s], text);
            size += (size_t)snprintf(one->name + size, sizeof one->name - size, ", %s %s", settings[s].name, text);
        }
    }
}

void configuration_apply(const struct configuration *configuration, struct engine_options *options,
                         struct engine_tree_kind *kind) {
    const uint64_t *values = configuration->values;
    *options = (struct engine_options){.memtable_bytes = (size_t)values[SETTING_MEMTABLE],
                                       .memtable_limit = (unsigned)values[SETTING_MEMTABLES],
                                       .level_base_bytes = values[SETTING_LEVEL_BASE],
                                       .level_ratio = (unsigned)values[SETTING_LEVEL_RATIO],
                                       .level0_trigger = (unsigned)values[SETTING_LEVEL0_TRIGGER],
                                       .file_bytes = (size_t)values[SETTING_FILE],
                                       .block_bytes = (size_t)values[SETTING_BLOCK]};
    *kind = (struct engine_tree_kind){.policy = (enum engine_policy)values[SETTING_POLICY],
                                      .upper = (enum engine_compression)values[SETTING_COMPRESSION],
                                      .bottom = (enum engine_compression)values[SETTING_COMPRESSION],
                                      .filter_bits_per_key = (unsigned)values[SETTING_FILTER_BITS],
                                      .value_threshold_bytes = (size_t)values[SETTING_VALUE_THRESHOLD],
                                      .fifo_bytes = values[SETTING_FIFO_BYTES]};
}
