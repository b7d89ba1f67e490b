/*
 * check: `loam check`: is a recorded history of client operations linearizable? Judges files, or histories that it
 * makes itself, to show how fast it is and that it finds lies.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/judge/history_make.h"
#include "tools/judge/models.h"
#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"
#include "tools/loam/history_store.h"
#include "tools/loam/json_text.h"
#include "tools/loam/terminal.h"

static const char usage[] =
    "usage: loam check FILE... [--json] [--write FILE.edn]\n"
    "       loam check --made N [--keys K] [--clients C] [--seed S] [--lie WHICH] [--json] [--write FILE.edn]\n"
    "\n"
    "Says of each history whether there is one order of its operations that respects real time and that the object "
    "could\n"
    "have answered (linearizability), and if not, where it breaks. Files are EDN as Jepsen's tools and `loam chaos\n"
    "--history` write it, or log lines \"INFO  jepsen.util - 3 :invoke :cas [1 2]\"; tools/judge/FORMAT.md says more.\n"
    "\n"
    "  --made N         makes a history of N operations of Redis strings instead of reading one\n"
    "  --keys K         of it [1000]\n"
    "  --clients C      at a time [16]\n"
    "  --seed S         [1]\n"
    "  --lie WHICH      with one answer that no order explains: stale, future, twice or refused\n"
    "  --write FILE     writes the history (the last one) as EDN, for outside checkers\n"
    "  --json           an object for each history\n"
    "\n"
    "Exit: 0 all are linearizable, 1 usage, failure, or one that is undecided (the search has a bound), 4 one is "
    "not.\n";

struct request {
    bool json;
    const char *write;
    uint64_t made, keys, clients, seed;
    enum history_lie lie;
};

struct judged {
    const char *name;
    const struct linearize_model *model;
    struct linearize_report report;
    double read_seconds, judge_seconds;
};

static double seconds_since(struct io *io, uint64_t start_ns) {
    return (double)(io_now_ns(io) - start_ns) / 1e9;
}

/* ---- Answers ----------------------------------------------------------------------------------------------------- */

static void print_text(const struct judged *judged) {
    const struct linearize_report *report = &judged->report;
    printf("%s: %s (%zu operations of a %s on %zu keys; read in %.3f s, judged in %.3f s)\n", judged->name,
           linearize_verdict_name(report->verdict), report->operations, judged->model->name, report->keys,
           judged->read_seconds, judged->judge_seconds);
    terminal_print(buf_slice(&report->text));
}

static enum status print_json(struct judged *judged) {
    const struct linearize_report *report = &judged->report;
    struct buf text = BUF_EMPTY;
    enum status status = buf_append_byte(&judged->report.text, '\0');
    if (status == STATUS_OK) status = buf_append_format(&text, "{\"history\": ");
    if (status == STATUS_OK) status = json_text_append(&text, judged->name);
    if (status == STATUS_OK)
        status = buf_append_format(&text,
                                   ", \"verdict\": \"%s\", \"model\": \"%s\", \"operations\": %zu, \"keys\": %zu, "
                                   "\"steps\": %" PRIu64 ", \"undecided_keys\": %zu, \"read_seconds\": %.6f, "
                                   "\"judge_seconds\": %.6f, \"explanation\": ",
                                   linearize_verdict_name(report->verdict), judged->model->name, report->operations,
                                   report->keys, report->steps, report->undecided_keys, judged->read_seconds,
                                   judged->judge_seconds);
    if (status == STATUS_OK) status = json_text_append(&text, (const char *)judged->report.text.data);
    if (status == STATUS_OK) status = buf_append(&text, "}\n", 2);
    if (status == STATUS_OK) terminal_print(buf_slice(&text));
    buf_deinit(&text);
    return status;
}

/* ---- Histories --------------------------------------------------------------------------------------------------- */

static enum status make(const struct request *request, struct history *history) {
    const struct history_plan plan = {.model = &model_redis_string,
                                      .lie = request->lie,
                                      .clients = (uint32_t)request->clients,
                                      .keys = (uint32_t)request->keys,
                                      .operations = (uint32_t)request->made,
                                      .crash_percent = 1};
    struct prng prng;
    prng_init(&prng, request->seed);
    return history_make(history, &plan, &prng);
}

/* `path` NULL: one is made. */
static enum status judge(struct io *io, const struct request *request, const char *path, struct judged *judged,
                         struct error *error) {
    struct history history;
    history_init(&history);
    *judged = (struct judged){.name = path ? path : "made", .model = &model_redis_string};
    const uint64_t read_ns = io_now_ns(io);
    enum status status = path ? history_load(io, path, &history, &judged->model, error) : make(request, &history);
    judged->read_seconds = seconds_since(io, read_ns);
    if (status == STATUS_OK && request->write)
        status = history_save(io, request->write, &history, judged->model, error);
    const uint64_t judge_ns = io_now_ns(io);
    if (status == STATUS_OK) status = linearize(judged->model, &history, NULL, &judged->report);
    judged->judge_seconds = seconds_since(io, judge_ns);
    history_deinit(&history);
    return status;
}

/* The graver of two exit codes. */
static int worse(int a, int b) {
    return a == EXIT_BROKEN || b == EXIT_CLEAN ? a : b;
}

static int judge_one(struct io *io, const struct request *request, const char *path) {
    struct judged judged;
    struct error error = {0};
    enum status status = judge(io, request, path, &judged, &error);
    if (status == STATUS_OK && request->json) status = print_json(&judged);
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "loam check: %s: %s\n", judged.name, error.text[0] ? error.text : status_text(status));
        linearize_report_deinit(&judged.report);
        return EXIT_FAILED;
    }
    if (!request->json) print_text(&judged);
    const enum linearize_verdict verdict = judged.report.verdict;
    linearize_report_deinit(&judged.report);
    return verdict == LINEARIZE_YES ? EXIT_CLEAN : verdict == LINEARIZE_NO ? EXIT_BROKEN : EXIT_FAILED;
}

/* ---- Command line ------------------------------------------------------------------------------------------------ */

static bool take_lie(void *context, const char *value) {
    static const char *const names[HISTORY_LIES] = {[HISTORY_STALE_READ] = "stale",
                                                    [HISTORY_FUTURE_READ] = "future",
                                                    [HISTORY_APPLIED_TWICE] = "twice",
                                                    [HISTORY_REFUSED_SEEN] = "refused"};
    struct request *request = context;
    for (int i = HISTORY_STALE_READ; i < HISTORY_LIES; i++)
        if (strcmp(names[i], value) == 0) request->lie = (enum history_lie)i;
    return request->lie != HISTORY_HONEST;
}

int command_check(int argc, char **argv) {
    struct request request = {.keys = 1000, .clients = 16, .seed = 1};
    const struct argument_option options[] = {
        {.name = "--json", .flag = &request.json},
        {.name = "--write", .text = &request.write},
        {.name = "--made", .number = &request.made, .limit = 100 * 1000 * 1000},
        {.name = "--keys", .number = &request.keys, .limit = 100 * 1000 * 1000},
        {.name = "--clients", .number = &request.clients, .limit = 10000},
        {.name = "--seed", .number = &request.seed, .limit = UINT64_MAX},
        {.name = "--lie", .meaning = "a lie: stale, future, twice or refused", .take = take_lie, .context = &request},
    };
    const struct arguments arguments = {.command = "check",
                                        .usage = usage,
                                        .operands = "files with histories, or --made N",
                                        .least = 0,
                                        .most = 1 << 20,
                                        .options = options,
                                        .option_count = sizeof options / sizeof *options};
    struct error error = {0};
    struct io *io = NULL;
    int code;
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    if ((argc == 0) == (request.made == 0)) return arguments_refuse(&arguments, "files, or --made N");
    if (io_create(&(struct io_options){.backend = IO_BACKEND_POSIX}, &io, &error) != STATUS_OK) {
        (void)fprintf(stderr, "loam check: %s\n", error.text);
        return EXIT_FAILED;
    }
    code = request.made > 0 ? judge_one(io, &request, NULL) : EXIT_CLEAN;
    for (int i = 0; i < argc; i++) code = worse(code, judge_one(io, &request, argv[i]));
    io_destroy(io);
    return code;
}
