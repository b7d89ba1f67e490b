/*
 * shape: the command: what is asked for, what is read, how it ends. Reads only, takes no lock, and works beside a
 * running node.
 */
#include "tools/loam/inspect/shape/shape.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"
#include "tools/loam/number_option.h"
#include "tools/loam/terminal.h"

static const char usage[] =
    "usage: loam inspect PATH --lsm [--at EDIT] [--files] [--edits] [--quick] [--json | --html]\n"
    "       loam inspect PATH --lsm --diff EDIT EDIT [--json]\n"
    "       loam inspect --lsm --diff PATH PATH [--json]\n"
    "\n"
    "The shape of a store's trees: levels, files, key ranges, overlaps, tombstones, age, garbage; and what is wrong, "
    "what is\naffected by it, what to do. Changes nothing.\n"
    "\n"
    "  PATH    a store's directory, that of a node (it may be running), or a manifest alone\n"
    "  --at    as of that edit of the manifest, by its number, or 'first'; else of the last one; implies --quick\n"
    "  --diff  what two edits, or two stores, do not have in common\n"
    "  --files all files, not only up to 12 of each level\n"
    "  --edits a line for each edit\n"
    "  --quick names, sizes and headers of files are looked at; they are not read whole\n"
    "  --json  for programs\n"
    "  --html  a page for a browser, with all edits to go back through\n"
    "\n"
    "exit codes: 0 clean, 1 usage or failure, 2 corruption found, 3 torn tail only\n";

struct asked {
    bool lsm, files, edits, quick, json, html;
    const char *at;
    char *diff_a, *diff_b; /* the two words behind --diff */
};

const char *shape_cause_name(const struct shape *shape, uint32_t file) {
    const struct shape_history *history = &shape->source.history;
    const uint8_t cause = history->edits[history->files[file].born].cause;
    const char *own = shape->judgement.causes ? shape->judgement.causes[file] : NULL;
    const bool is_whole_state = cause == EDIT_SNAPSHOT || cause == EDIT_CHECKPOINT;
    return is_whole_state && own && own[0] ? own : edit_cause_name(cause);
}

enum judged shape_judged(const struct shape *shape, uint32_t file) {
    const struct shape_history_file *found = &shape->source.history.files[file];
    if (!shape->judgement.files) return JUDGED_NOT;
    if (found->gone == HISTORY_STAYS) return (enum judged)shape->judgement.files[file];
    /* It went later; or moved, and is judged where it stands now. */
    const struct shape_history_file *now = shape_history_find_file(&shape->source.history, found->meta.number);
    return now ? (enum judged)shape->judgement.files[now - shape->source.history.files] : JUDGED_LEFT;
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

static enum status find_edit(const struct shape *shape, const char *text, uint32_t *at, struct error *error) {
    const struct shape_history *history = &shape->source.history;
    uint64_t number = 0;
    *at = (uint32_t)history->edit_count - 1;
    if (!text || strcmp(text, "last") == 0) return STATUS_OK;
    const bool is_first = strcmp(text, "first") == 0;
    if (is_first) *at = 0;
    if (is_first || (number_option(text, UINT64_MAX, &number) && shape_history_find_edit(history, number, at)))
        return STATUS_OK;
    return error_set(error, STATUS_NOT_FOUND,
                     "%s: '%s' is no edit that can be read; there are %" PRIu64 " (%s) to %" PRIu64
                     "; those before it went with the manifest before this one",
                     shape->given, text, history->edits[0].number, edit_cause_name(history->edits[0].cause),
                     history->edits[history->edit_count - 1].number);
}

static void shape_deinit(struct shape *shape) {
    state_deinit(&shape->state);
    judgement_deinit(&shape->judgement);
    findings_deinit(&shape->findings);
    source_deinit(&shape->source);
}

/* deinit in any case. */
static enum status shape_make(struct shape *shape, struct io *io, const char *given, const char *at, bool quick,
                              struct error *error) {
    uint32_t edit = 0;
    *shape = (struct shape){.given = given};
    enum status status = source_open(&shape->source, io, given, &shape->findings, error);
    if (status == STATUS_OK) status = judge_source(&shape->judgement, &shape->source, quick, &shape->findings, error);
    if (status == STATUS_OK && shape->findings.no_memory) status = STATUS_NO_MEMORY;
    shape->has_state = status == STATUS_OK && shape->source.history.edit_count > 0;
    if (shape->has_state) status = find_edit(shape, at, &edit, error);
    if (shape->has_state && status == STATUS_OK) status = state_make(&shape->state, &shape->source.history, edit);
    if (status != STATUS_OK && !error->text[0]) error_set(error, status, "%s: %s", given, status_text(status));
    return status;
}

static int exit_code(const struct shape *shape) {
    if (shape->findings.counts[FINDING_CORRUPT]) return EXIT_CORRUPT;
    if (shape->judgement.failed) return EXIT_FAILED;
    return shape->findings.counts[FINDING_TORN] ? EXIT_TORN : EXIT_CLEAN;
}

static int fail_with(enum status status, const struct error *error) {
    (void)fprintf(stderr, "loam inspect: %s\n", error->text[0] ? error->text : status_text(status));
    return status_class(status) == STATUS_CLASS_DAMAGE ? EXIT_CORRUPT : EXIT_FAILED;
}

static int print(struct out *out, int code) {
    const struct error none = {.status = STATUS_OK};
    if (out->status == STATUS_OK)
        terminal_print(buf_slice(&out->text));
    else
        code = fail_with(out->status, &none);
    buf_deinit(&out->text);
    return code;
}

/* ---- What is asked for ------------------------------------------------------------------------------------------- */

static int show(struct io *io, const char *path, const struct asked *asked) {
    struct shape shape;
    struct error error = {.status = STATUS_OK};
    struct out out = {.status = STATUS_OK};
    const struct shape_text_options options = {.all_files = asked->files, .edits = asked->edits};
    int code;
    /* Who steps through edits does not wait for every byte of every table at each. */
    const bool is_quick = asked->quick || asked->at;
    const enum status status = shape_make(&shape, io, path, asked->at, is_quick, &error);
    if (status != STATUS_OK) {
        code = fail_with(status, &error);
    } else {
        if (asked->json)
            shape_json(&out, &shape, asked->edits);
        else if (asked->html)
            shape_page(&out, &shape);
        else
            shape_text(&out, &shape, &options);
        code = print(&out, exit_code(&shape));
    }
    shape_deinit(&shape);
    return code;
}

static int tell_diff(const struct shape *before, const struct shape *after, bool json) {
    struct out out = {.status = STATUS_OK};
    const int a = exit_code(before), b = exit_code(after);
    if (!before->has_state || !after->has_state) {
        (void)fprintf(stderr, "loam inspect: %s: no edit of its manifest can be read\n",
                      before->has_state ? after->given : before->given);
        return EXIT_CORRUPT;
    }
    if (json)
        shape_diff_json(&out, before, after);
    else
        shape_diff_text(&out, before, after);
    if (a == EXIT_CORRUPT || b == EXIT_CORRUPT) return print(&out, EXIT_CORRUPT);
    return print(&out, a == EXIT_FAILED || b == EXIT_FAILED ? EXIT_FAILED : a > b ? a : b);
}

/* Of one store: both states are of one reading. */
static int diff_edits(struct io *io, const char *path, const struct asked *asked) {
    struct shape after;
    struct error error = {.status = STATUS_OK};
    uint32_t edit = 0;
    int code;
    enum status status = shape_make(&after, io, path, asked->diff_b, true, &error);
    struct shape before = after;
    before.state = (struct state){.rows = NULL};
    if (status == STATUS_OK && after.has_state) status = find_edit(&after, asked->diff_a, &edit, &error);
    if (status == STATUS_OK && after.has_state) status = state_make(&before.state, &after.source.history, edit);
    before.state.history = &after.source.history;
    code = status == STATUS_OK ? tell_diff(&before, &after, asked->json) : fail_with(status, &error);
    state_deinit(&before.state);
    shape_deinit(&after);
    return code;
}

static int diff_stores(struct io *io, const struct asked *asked) {
    struct shape before, after;
    struct error error = {.status = STATUS_OK};
    enum status status = shape_make(&before, io, asked->diff_a, NULL, true, &error);
    int code = status == STATUS_OK ? EXIT_CLEAN : fail_with(status, &error);
    if (status == STATUS_OK) {
        status = shape_make(&after, io, asked->diff_b, NULL, true, &error);
        code = status == STATUS_OK ? tell_diff(&before, &after, asked->json) : fail_with(status, &error);
        shape_deinit(&after);
    }
    shape_deinit(&before);
    return code;
}

/* Takes --diff and its two words out of argv. False: they are not there, or not both. */
static bool take_diff(struct asked *asked, int *argc, char **argv) {
    for (int i = 0; i < *argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--diff") != 0) continue;
        if (i + 2 >= *argc || argv[i + 1][0] == '-' || argv[i + 2][0] == '-') return false;
        asked->diff_a = argv[i + 1];
        asked->diff_b = argv[i + 2];
        memmove(argv + i, argv + i + 3, (size_t)(*argc - i - 3) * sizeof *argv);
        *argc -= 3;
        return true;
    }
    return true;
}

static int run(const struct asked *asked, int argc, char *const *argv) {
    struct error error = {.status = STATUS_OK};
    struct io *io = NULL;
    const enum status status = io_create(&(struct io_options){.backend = IO_BACKEND_POSIX}, &io, &error);
    if (status != STATUS_OK) return fail_with(status, &error);
    int code;
    if (!asked->diff_a)
        code = show(io, argv[0], asked);
    else
        code = argc == 1 ? diff_edits(io, argv[0], asked) : diff_stores(io, asked);
    io_destroy(io);
    return code;
}

int shape_run(int argc, char **argv) {
    struct asked asked = {.lsm = true};
    const bool helps = arguments_ask_for_help(argc, argv);
    const bool has_diff = helps || take_diff(&asked, &argc, argv);
    const struct argument_option taken[] = {
        {.name = "--lsm", .flag = &asked.lsm},     {.name = "--files", .flag = &asked.files},
        {.name = "--edits", .flag = &asked.edits}, {.name = "--quick", .flag = &asked.quick},
        {.name = "--json", .flag = &asked.json},   {.name = "--html", .flag = &asked.html},
        {.name = "--at", .text = &asked.at},
    };
    const struct arguments arguments = {
        "inspect", usage, "one PATH", asked.diff_a ? 0 : 1, 1, taken, sizeof taken / sizeof *taken};
    int code;
    if (!has_diff) return arguments_refuse(&arguments, "--diff needs two edits, or two paths");
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    if (asked.json && asked.html) return arguments_refuse(&arguments, "--json or --html: one of them");
    if (asked.diff_a && (asked.html || asked.at))
        return arguments_refuse(&arguments, "--diff goes with neither --html nor --at; the page compares by itself");
    return run(&asked, argc, argv);
}
