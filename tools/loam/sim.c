/*
 * loam sim: whole clusters in the simulator, by seed or by plan.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/io.h"
#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"
#include "tools/loam/sim_apart.h"
#include "tools/loam/sim_runs.h"
#include "tools/loam/sim_shrink.h"
#include "tools/loam/sim_trace.h"
#include "tools/loam/step/step.h"
#include "tools/sim/server_node.h"
#include "tools/sim/world_batch.h"

enum {
    EXIT_RARE_CASES = 5,
    RARE_CASES_FROM = 20, /* runs: a smaller batch is not asked for them */
    PLAN_MAX_BYTES = 1 << 16,
    SHRINK_SECONDS = 60,
};

static const char usage[] =
    "usage: loam sim [--seeds N | --seed S | --plan FILE] [--first S] [--nodes N] [--jobs N] [--json]\n"
    "                [--trace [FILE.html]] [--print-plan]\n"
    "       loam sim --seed S | --plan FILE --shrink [--shrink-seconds N]\n"
    "       loam sim --seed S | --plan FILE --step [--trace FILE.html]\n"
    "\n"
    "  --seeds N      runs seeds 1 to N (or from --first on) and prints what they met [100]\n"
    "  --seed S       one run; the same seed gives the same run, to the bit\n"
    "  --plan FILE    one run by a plan of faults (see --print-plan)\n"
    "  --first S      the first seed\n"
    "  --nodes N      nodes of a cluster, 1 to 9 [3; every fourth seed 5]\n"
    "  --jobs N       seeds that run side by side [as many as processors]; what is printed is the same\n"
    "  --json         one object a run, then one of all\n"
    "  --trace        every event of a run, a line each\n"
    "  --trace FILE.html  a page that shows the run of --seed or --plan; open it in a browser\n"
    "  --step         reads commands (help lists them) that let single events pass, show nodes and interfere\n"
    "  --print-plan   prints the plan of the seed and does not run it\n"
    "  --shrink       prints a short plan, for --plan, that breaks the same promise as this one\n"
    "  --shrink-seconds N  ends the search for it after so long [60]\n"
    "\n"
    "Exit: 0 all promises kept, 1 usage or failure, 4 a promise was broken, 5 the rare cases were not reached.\n";

struct request {
    uint64_t first, count;
    uint64_t nodes; /* 0: by seed */
    const char *plan;
    const char *page; /* NULL: none is written */
    uint64_t shrink_seconds;
    uint64_t jobs;
    bool is_single, json, trace, print_plan, shrink, step;
};

/* ---- Plans ------------------------------------------------------------------------------------------------------- */

static enum status read_plan(const char *path, struct fault_plan *plan, struct error *error) {
    static uint8_t text[PLAN_MAX_BYTES];
    struct io *io = NULL;
    struct io_file *file = NULL;
    size_t size = 0;
    enum status status = io_create(&(struct io_options){.backend = IO_BACKEND_POSIX}, &io, error);
    if (status != STATUS_OK) return status;
    status = io_file_open(io, path, IO_OPEN_READ, &file);
    if (status == STATUS_OK) status = io_file_read(file, 0, text, sizeof text, &size);
    if (status != STATUS_OK) (void)error_set(error, status, "%s", status_text(status));
    if (status == STATUS_OK) status = fault_plan_parse(slice_make(text, size), plan, error);
    io_file_close(file);
    io_destroy(io);
    return status;
}

static void draw_plan(const struct request *request, uint64_t seed, struct fault_plan *plan) {
    fault_plan_draw(plan, seed, request->nodes != 0 ? (unsigned)request->nodes : seed % 4 == 0 ? 5 : 3);
}

static bool make_plan(const struct request *request, uint64_t seed, struct fault_plan *plan) {
    struct error error = {0};
    if (request->plan == NULL) {
        draw_plan(request, seed, plan);
        return true;
    }
    if (read_plan(request->plan, plan, &error) == STATUS_OK) return true;
    (void)fprintf(stderr, "loam sim: %s: %s\n", request->plan, error.text);
    return false;
}

/* ---- Runs -------------------------------------------------------------------------------------------------------- */

static void print_line(void *context, const char *line) {
    (void)context;
    (void)puts(line);
}

static void print_buf(struct buf *text, enum status status) {
    if (status == STATUS_OK)
        (void)printf("%.*s", (int)text->size, (const char *)text->data);
    else
        (void)fprintf(stderr, "loam sim: %s\n", status_text(status));
    buf_clear(text);
}

static void print_run(const struct request *request, uint64_t seed, const struct world_report *report,
                      struct buf *text) {
    if (request->json) {
        print_buf(text, world_report_print_json(text, seed, report));
        return;
    }
    if (!request->is_single && report->verdict == WORLD_KEPT) return;
    print_buf(text, world_report_print(text, seed, report));
    (void)puts("");
    if (report->verdict == WORLD_KEPT || request->plan != NULL) return;
    (void)printf("  replay: loam sim --seed %" PRIu64, seed);
    if (request->nodes != 0) (void)printf(" --nodes %" PRIu64, request->nodes);
    (void)puts("; --trace FILE.html draws it, --step leads it by hand, --shrink shortens it");
}

struct batch_run {
    const struct request *request;
    const struct fault_plan *plan; /* of --plan; NULL: by seed */
    struct world_batch *batch;
    struct buf *text;
    bool page_is_missing; /* told */
};

/* One run alone. */
static bool run_drawn(const struct fault_plan *plan, const char *page, struct world_report *report) {
    struct world_options options = {.plan = plan};
    struct sim_trace trace;
    sim_trace_open(&trace, &options);
    server_world_run(&options, report);
    const bool is_written = sim_trace_write(&trace, &options, report, page);
    sim_trace_close(&trace);
    return is_written;
}

static void run_seed(void *context, uint64_t seed, struct world_report *report) {
    struct batch_run *run = context;
    struct fault_plan plan;
    if (run->plan != NULL)
        plan = *run->plan;
    else
        draw_plan(run->request, seed, &plan);
    if (run->request->page) {
        run->page_is_missing = !run_drawn(&plan, run->request->page, report);
        return;
    }
    struct world_options options = {.plan = &plan, .trace = run->request->trace ? print_line : NULL};
    sim_apart_mark(run->plan == NULL ? seed : 0);
    server_world_run(&options, report);
    sim_apart_mark(0);
}

static void take_report(void *context, uint64_t seed, const struct world_report *report) {
    struct batch_run *run = context;
    world_batch_add(run->batch, report);
    print_run(run->request, run->plan != NULL ? run->plan->seed : seed, report, run->text);
}

static int print_plan(const struct request *request, struct buf *text) {
    struct fault_plan plan;
    if (!make_plan(request, request->first, &plan)) return EXIT_FAILED;
    print_buf(text, fault_plan_print(text, &plan));
    return EXIT_CLEAN;
}

static int run_all(const struct request *request, struct world_batch *batch, struct buf *text) {
    struct fault_plan plan;
    struct batch_run run = {.request = request, .batch = batch, .text = text};
    if (request->plan != NULL) {
        if (!make_plan(request, request->first, &plan)) return EXIT_FAILED;
        run.plan = &plan;
    }
    const struct sim_runs runs = {.first = request->first,
                                  .count = request->count,
                                  .jobs = request->trace ? 1 : request->jobs,
                                  .run = run_seed,
                                  .take = take_report,
                                  .context = &run};
    sim_apart_catch_ends();
    const enum status status = sim_runs_make(&runs);
    if (status != STATUS_OK) (void)fprintf(stderr, "loam sim: %s\n", status_text(status));
    return status == STATUS_OK && !run.page_is_missing ? EXIT_CLEAN : EXIT_FAILED;
}

static int shrink_one(const struct request *request) {
    struct fault_plan plan;
    return make_plan(request, request->first, &plan) ? sim_shrink(&plan, request->shrink_seconds) : EXIT_FAILED;
}

static int step_one(const struct request *request) {
    struct fault_plan plan;
    return make_plan(request, request->first, &plan) ? step_run(&plan, request->page, request->trace && !request->page)
                                                     : EXIT_FAILED;
}

static int conclude(const struct request *request, struct world_batch *batch, struct buf *text) {
    const char *misses = batch->runs >= RARE_CASES_FROM ? world_batch_misses(batch) : NULL;
    if (!request->is_single) {
        print_buf(text, request->json ? world_batch_print_json(text, batch) : world_batch_print(text, batch));
    }
    if (batch->broken + batch->stuck > 0) return SIM_EXIT_BROKEN;
    if (misses == NULL) return EXIT_CLEAN;
    (void)fprintf(stderr, "loam sim: rare cases were not reached: %s\n", misses);
    return EXIT_RARE_CASES;
}

static bool is_page_name(const char *name) {
    static const char end[] = ".html";
    const size_t size = strlen(name);
    return size >= sizeof end && strcmp(name + size - (sizeof end - 1), end) == 0;
}

int command_sim(int argc, char **argv) {
    struct request request = {
        .first = 1, .count = 100, .shrink_seconds = SHRINK_SECONDS, .jobs = sim_runs_processors()};
    struct world_batch batch;
    struct buf text = BUF_EMPTY;
    uint64_t seed = 0;
    const struct argument_option taken[] = {
        {.name = "--seeds", .number = &request.count, .limit = UINT32_MAX},
        {.name = "--first", .number = &request.first, .limit = UINT64_MAX},
        {.name = "--nodes", .number = &request.nodes, .limit = FAULT_PLAN_NODES_MAX},
        {.name = "--seed", .number = &seed, .limit = UINT64_MAX},
        {.name = "--jobs", .number = &request.jobs, .limit = UINT32_MAX},
        {.name = "--plan", .text = &request.plan},
        {.name = "--json", .flag = &request.json},
        {.name = "--trace", .flag = &request.trace, .text = &request.page},
        {.name = "--print-plan", .flag = &request.print_plan},
        {.name = "--shrink", .flag = &request.shrink},
        {.name = "--step", .flag = &request.step},
        {.name = "--shrink-seconds", .number = &request.shrink_seconds, .limit = UINT32_MAX},
    };
    const struct arguments arguments = {"sim", usage, "options only", 0, 0, taken, sizeof taken / sizeof taken[0]};
    int code;
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    request.is_single = seed != 0 || request.plan != NULL;
    if (seed != 0) request.first = seed;
    if (request.is_single || request.print_plan) request.count = 1;
    if (request.shrink && !request.is_single) return arguments_refuse(&arguments, "--shrink needs --seed or --plan");
    if (request.page && !is_page_name(request.page))
        return arguments_refuse(&arguments, "--trace writes a page: '%s' does not end with .html", request.page);
    if (request.page && (!request.is_single || request.shrink || request.print_plan))
        return arguments_refuse(&arguments, "--trace FILE.html needs one run: --seed or --plan");
    if (request.step && (!request.is_single || request.shrink || request.print_plan || request.json))
        return arguments_refuse(&arguments, "--step needs --seed or --plan, and goes with --trace alone");
    if (request.shrink) return shrink_one(&request);
    if (request.step) return step_one(&request);
    world_batch_init(&batch);
    code = request.print_plan ? print_plan(&request, &text) : run_all(&request, &batch, &text);
    if (code == EXIT_CLEAN && !request.print_plan) code = conclude(&request, &batch, &text);
    world_batch_deinit(&batch);
    buf_deinit(&text);
    return code;
}
