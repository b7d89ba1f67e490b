#include "tools/loam/sim_shrink.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/io.h"
#include "tools/loam/commands.h"
#include "tools/loam/sim_apart.h"
#include "tools/sim/server_node.h"
#include "tools/sim/shrink.h"

static const uint64_t second_ns = 1000000000;

struct watch {
    struct io *io;
    uint64_t start_ns, limit_ns;
    uint64_t told_s; /* the last second in which something was told */
    struct error error;
};

static void run_server(const struct fault_plan *plan, struct world_report *report) {
    struct world_options options = {.plan = plan};
    server_world_run(&options, report);
}

/* Where no process can be made for it nothing more is tried. */
static void run(void *context, const struct fault_plan *plan, struct world_report *report) {
    struct watch *watch = context;
    if (watch->error.status == STATUS_OK && sim_apart_run(run_server, plan, report, &watch->error) == STATUS_OK) return;
    *report = (struct world_report){.verdict = WORLD_KEPT};
}

static bool go_on(void *context, const struct fault_plan *plan, unsigned runs) {
    struct watch *watch = context;
    const uint64_t passed = io_now_ns(watch->io) - watch->start_ns;
    if (passed / second_ns != watch->told_s) {
        watch->told_s = passed / second_ns;
        (void)fprintf(stderr, "%3" PRIu64 " s, %u runs: %zu faults, %u operations, %u clients, %u nodes\n",
                      watch->told_s, runs, plan->count, plan->operations, plan->clients, plan->nodes);
    }
    return passed < watch->limit_ns && watch->error.status == STATUS_OK;
}

static int print_result(const struct shrink_result *result) {
    struct buf text = BUF_EMPTY;
    enum status status = buf_append_format(
        &text, "# %s: %s\n", result->report.verdict == WORLD_STUCK ? "stuck" : "broken", result->report.text);
    if (status == STATUS_OK)
        status = buf_append_format(&text, "# %u runs%s\n", result->runs,
                                   result->is_least ? "; nothing more can be left out" : "; the time was over");
    if (status == STATUS_OK) status = fault_plan_print(&text, &result->plan);
    if (status == STATUS_OK)
        (void)printf("%.*s", (int)text.size, (const char *)text.data);
    else
        (void)fprintf(stderr, "loam sim: %s\n", status_text(status));
    buf_deinit(&text);
    return status == STATUS_OK ? SIM_EXIT_BROKEN : EXIT_FAILED;
}

int sim_shrink(const struct fault_plan *plan, uint64_t seconds) {
    static struct shrink_result result;
    struct error error = {0};
    struct watch watch = {.limit_ns = seconds * second_ns};
    const enum status opened = io_create(&(struct io_options){.backend = IO_BACKEND_POSIX}, &watch.io, &error);
    if (opened != STATUS_OK) {
        (void)fprintf(stderr, "loam sim: %s\n", error.text);
        return EXIT_FAILED;
    }
    watch.start_ns = io_now_ns(watch.io);
    const struct shrink shrink = {.run = run, .go_on = go_on, .context = &watch};
    const enum status status = shrink_plan(&shrink, plan, &result);
    io_destroy(watch.io);
    if (watch.error.status != STATUS_OK) {
        (void)fprintf(stderr, "loam sim: %s\n", watch.error.text);
        return EXIT_FAILED;
    }
    if (status == STATUS_OK) return print_result(&result);
    (void)puts("The plan keeps every promise: there is nothing to shrink.");
    return EXIT_CLEAN;
}
