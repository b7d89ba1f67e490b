#include "tools/loam/arguments.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/check.h"
#include "tools/loam/commands.h"
#include "tools/loam/number_option.h"

int arguments_refuse(const struct arguments *arguments, const char *format, ...) {
    va_list list;
    va_start(list, format);
    (void)fprintf(stderr, "loam %s: ", arguments->command);
    (void)vfprintf(stderr, format, list);
    (void)fprintf(stderr, "\n%s", arguments->usage);
    va_end(list);
    return EXIT_FAILED;
}

static const struct argument_option *find_option(const struct arguments *arguments, const char *name) {
    for (size_t i = 0; i < arguments->option_count; i++)
        if (strcmp(arguments->options[i].name, name) == 0) return &arguments->options[i];
    return NULL;
}

/* False: told, with the usage. `value`: NULL at the end of the line. */
static bool take_value(const struct arguments *arguments, const struct argument_option *option, const char *value) {
    if (!value) {
        (void)arguments_refuse(arguments, "%s needs a value", option->name);
        return false;
    }
    if (option->number) {
        if (number_option(value, option->limit, option->number)) return true;
        (void)arguments_refuse(arguments, "%s needs a number from 1 to %" PRIu64 ", not '%s'", option->name,
                               option->limit, value);
        return false;
    }
    if (option->text) {
        *option->text = value;
        if (value[0] || option->may_be_empty) return true;
        (void)arguments_refuse(arguments, "%s needs a value that is not empty", option->name);
        return false;
    }
    if (option->take(option->context, value)) return true;
    (void)arguments_refuse(arguments, "%s needs %s, not '%s'", option->name, option->meaning, value);
    return false;
}

static bool is_option(const char *word) {
    return word[0] == '-' && word[1];
}

/* How many words it took; 0: told, with the usage. `given`: a bit for each option that was there. */
static int take_option(const struct arguments *arguments, char *const *words, int left, uint32_t *given) {
    const struct argument_option *option = find_option(arguments, words[0]);
    if (!option) {
        (void)arguments_refuse(arguments, "no option '%s'", words[0]);
        return 0;
    }
    const uint32_t bit = UINT32_C(1) << (option - arguments->options);
    if ((*given & bit) != 0 && !option->take) {
        (void)arguments_refuse(arguments, "%s is given twice", option->name);
        return 0;
    }
    *given |= bit;
    if (option->flag) *option->flag = true;
    if (option->flag && (!option->text || left < 2 || is_option(words[1]))) return 1;
    return take_value(arguments, option, left > 1 ? words[1] : NULL) ? 2 : 0;
}

bool arguments_ask_for_help(int argc, char *const *argv) {
    for (int at = 0; at < argc && strcmp(argv[at], "--") != 0; at++)
        if (strcmp(argv[at], "--help") == 0) return true;
    return false;
}

bool arguments_take(const struct arguments *arguments, int *argc, char **argv, int *code) {
    uint32_t given = 0;
    int operands = 0;
    bool all_operands = false;
    check(arguments->option_count <= ARGUMENT_OPTIONS_MAX);
    for (size_t i = 0; i < arguments->option_count; i++)
        check(!arguments->options[i].flag || !arguments->options[i].text || arguments->most == 0);
    *code = EXIT_CLEAN;
    if (arguments_ask_for_help(*argc, argv)) {
        (void)fputs(arguments->usage, stdout);
        return false;
    }
    *code = EXIT_FAILED;
    for (int at = 0; at < *argc;) {
        if (all_operands || !is_option(argv[at])) {
            argv[operands++] = argv[at++];
        } else if (strcmp(argv[at], "--") == 0) {
            all_operands = true;
            at++;
        } else {
            const int taken = take_option(arguments, argv + at, *argc - at, &given);
            if (taken == 0) return false;
            at += taken;
        }
    }
    if (operands < arguments->least)
        (void)arguments_refuse(arguments, "wanted: %s", arguments->operands);
    else if (operands > arguments->most)
        (void)arguments_refuse(arguments, "'%s' is too much; wanted: %s", argv[arguments->most], arguments->operands);
    *argc = operands;
    return operands >= arguments->least && operands <= arguments->most;
}
