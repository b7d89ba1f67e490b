/*
 * arguments: what stands behind a command's name: options in any order, before, between or behind what the command is
 * about (its operands: a directory, a file, a key). A word that begins with '-' is an option, "-" alone is not; behind
 * the word "--" all are operands. Texts are borrowed from argv.
 */
#ifndef TOOLS_LOAM_ARGUMENTS_H
#define TOOLS_LOAM_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Exactly one of flag, text, number and take is not NULL; or flag and text both: then a value may follow, and does if
 * the next word is no option. That is for commands without operands, where such a word can be nothing else. All but
 * `take` are refused when they come twice.
 */
struct argument_option {
    const char *name;                               /* as it is typed: "--dry-run" */
    bool *flag;                                     /* becomes true */
    const char **text;                              /* the word behind the option */
    uint64_t *number;                               /* the word behind it in decimal digits, 1..limit */
    uint64_t limit;                                 /* of `number` */
    bool may_be_empty;                              /* `text` */
    const char *meaning;                            /* of what `take` reads, in words: "a format: dot or graphml" */
    bool (*take)(void *context, const char *value); /* reads the word behind the option; false: it is unfit */
    void *context;
};

enum { ARGUMENT_OPTIONS_MAX = 32 };

struct arguments {
    const char *command;  /* "repair" */
    const char *usage;    /* whole text, with its line ends */
    const char *operands; /* in words, for who gives too few or too many: "a DIR and a KEY" */
    int least, most;      /* operands */
    const struct argument_option *options;
    size_t option_count; /* up to ARGUMENT_OPTIONS_MAX */
};

/*
 * Takes the options out of argv: the operands stand at its front then, in their order, and *argc counts them.
 * False: the command ends with the exit code *code: --help was there and is answered on stdout, or the line is not
 * understood, which was told on stderr by the word in question, with the usage. What options set is then of no meaning.
 */
bool arguments_take(const struct arguments *arguments, int *argc, char **argv, int *code);

/* Whether --help stands before a word "--". */
bool arguments_ask_for_help(int argc, char *const *argv);

/* For what a command alone can judge: tells it on stderr in the same form. Returns the exit code. */
__attribute__((format(printf, 2, 3))) int arguments_refuse(const struct arguments *arguments, const char *format, ...);

#endif
