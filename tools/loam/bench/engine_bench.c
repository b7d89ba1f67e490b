/*
 * engine_bench: `loam bench engine`: the same keys and values through loam's engine and its peers, step by step and in
 * turns, so that what the machine does meanwhile falls on all of them.
 *
 * Invariant: at any time one engine works; the processes of the others wait for their next step, at rest.
 */
#include "tools/loam/bench/engine_bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/loam/bench/bench.h"
#include "tools/loam/bench/bench_dir.h"
#include "tools/loam/bench/engine_child.h"
#include "tools/loam/bench/engine_options.h"
#include "tools/loam/bench/engine_report.h"
#include "tools/loam/bench/engine_workloads.h"
#include "tools/loam/commands.h"
#include "tools/loam/terminal.h"

struct engine_bench {
    struct io *io;
    struct bench_options options;
    struct report report;
    uint32_t driver_of[BENCH_ENGINES_MAX]; /* column -> index into engine_drivers */
    struct child children[BENCH_ENGINES_MAX];
    unsigned started;
};

/* ---- Engines ----------------------------------------------------------------------------------------------------- */

static void skip(struct engine_bench *bench, unsigned index, const char *why) {
    (void)snprintf(bench->report.skipped[index], sizeof bench->report.skipped[index], "%s: %.140s",
                   engine_drivers[index]->name, why);
}

/* A peer whose library was named must be there; another one may be absent. */
static enum status find_engine(struct engine_bench *bench, unsigned index, struct error *error) {
    const struct driver *driver = engine_drivers[index];
    const char *path = bench->options.libraries[index] ? bench->options.libraries[index] : "";
    struct peer_build build = {0};
    struct peer_library *library;
    enum status status = STATUS_OK;
    if (driver->bind) {
        struct error words = {0};
        void (*function)(void) = NULL;
        status = peer_load(path, driver->names, &library, &words);
        if (status == STATUS_OK) status = driver->bind(library, &words);
        if (status == STATUS_OK)
            status = peer_bind(library, &(struct peer_symbol){driver->probe, &function}, 1, &words);
        if (status == STATUS_OK && peer_inspect(bench->io, function, &build) != STATUS_OK)
            (void)snprintf(build.file, sizeof build.file, "a file that cannot be read");
        if (status != STATUS_OK && path[0]) return error_set(error, status, "%s: %s", driver->name, words.text);
        if (status != STATUS_OK) skip(bench, index, words.text);
    }
    if (status != STATUS_OK) return STATUS_OK;
    if (driver->version) (void)driver->version(build.version, sizeof build.version);
    struct report *report = &bench->report;
    report->engines[report->engine_count] = driver;
    report->builds[report->engine_count] = build;
    bench->driver_of[report->engine_count++] = index;
    return STATUS_OK;
}

/* ---- The directory ----------------------------------------------------------------------------------------------- */

static const char marker[] = "made-by-loam-bench";

static enum status find_any(void *context, const struct io_entry *entry) {
    (void)entry;
    *(bool *)context = true;
    return STATUS_END;
}

static void marker_path(const struct engine_bench *bench, char path[IO_PATH_BYTES]) {
    (void)snprintf(path, IO_PATH_BYTES, "%s/%s", bench->options.settings.dir, marker);
}

/* A directory with files of somebody else's is left alone. */
static enum status claim_dir(struct engine_bench *bench, struct error *error) {
    const char *dir = bench->options.settings.dir;
    char path[IO_PATH_BYTES];
    struct io_entry entry;
    bool used = false;
    marker_path(bench, path);
    enum status status = bench_make_dir(bench->io, dir);
    if (status != STATUS_OK) return error_set(error, status, "cannot make %s: %s", dir, status_text(status));
    if (io_stat(bench->io, path, &entry) == STATUS_OK) return STATUS_OK;
    status = io_dir_list(bench->io, dir, find_any, &used);
    if (used)
        return error_set(error, STATUS_EXISTS, "%s holds files that are not of a benchmark: give another --dir", dir);
    struct io_file *file;
    status = io_file_open(bench->io, path, IO_OPEN_WRITE | IO_OPEN_CREATE, &file);
    if (status != STATUS_OK) return error_set(error, status, "cannot make %s: %s", path, status_text(status));
    io_file_close(file);
    return STATUS_OK;
}

/* What a run may take at its widest: data, garbage and logs of each engine. */
static enum status check_space(struct engine_bench *bench, struct error *error) {
    const struct bench_settings *settings = &bench->options.settings;
    uint64_t one = settings->entries * (settings->value_bytes + BENCH_KEY_BYTES) * 4;
    const uint64_t large = settings->entries / 4 * (BENCH_LARGE_VALUE_BYTES + BENCH_KEY_BYTES) * 3;
    if (large > one) one = large;
    const uint64_t need = (one + settings->memtable_bytes * 8) * bench->report.engine_count;
    uint64_t there = 0;
    enum status status = io_free_space(bench->io, settings->dir, &there);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", settings->dir, status_text(status));
    if (there >= need) return STATUS_OK;
    return error_set(error, STATUS_NO_SPACE, "%s may need %" PRIu64 " MiB, and %" PRIu64 " MiB are free", settings->dir,
                     need >> 20, there >> 20);
}

static void remove_stores(struct engine_bench *bench) {
    for (unsigned i = 0; i < bench->report.engine_count; i++) {
        char path[BENCH_PATH_BYTES];
        bench_engine_dir(&bench->options.settings, bench->report.engines[i]->name, path);
        bench_remove_dir(bench->io, path);
    }
}

static void leave_dir(struct engine_bench *bench) {
    char path[IO_PATH_BYTES];
    if (bench->options.keep) return;
    remove_stores(bench);
    marker_path(bench, path);
    enum status status = io_remove(bench->io, path);
    if (status == STATUS_OK) status = io_remove(bench->io, bench->options.settings.dir);
    (void)status; /* what somebody put there meanwhile stays */
}

/* ---- Rounds ------------------------------------------------------------------------------------------------------ */

static enum status start_children(struct engine_bench *bench, struct error *error) {
    for (unsigned i = 0; i < bench->report.engine_count; i++) {
        struct bench_settings settings = bench->options.settings;
        const char *library = bench->options.libraries[bench->driver_of[i]];
        settings.engine = bench->driver_of[i];
        if (library) (void)snprintf(settings.library, sizeof settings.library, "%s", library);
        enum status status = child_start(&settings, &bench->children[i], error);
        if (status != STATUS_OK) return status;
        bench->started = i + 1;
    }
    return STATUS_OK;
}

static enum status end_children(struct engine_bench *bench, struct error *error) {
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < bench->started; i++) {
        enum status ended = child_end(&bench->children[i]);
        if (ended != STATUS_OK && status == STATUS_OK)
            status = error_set(error, ended, "the process of %s did not end well", bench->report.engines[i]->name);
    }
    bench->started = 0;
    return status;
}

static enum status check_result(const struct engine_bench *bench, unsigned engine, enum status status,
                                const struct bench_result *result, struct error *error) {
    const char *name = bench->report.engines[engine]->name;
    if (status != STATUS_OK) return error_set(error, status, "the process of %s died", name);
    if (result->error.status != STATUS_OK)
        return error_set(error, result->error.status, "%s: %s", name, result->error.text);
    return STATUS_OK;
}

/* Who begins goes round, so that nobody always comes first. */
static enum status run_step(struct engine_bench *bench, unsigned round, uint32_t step, struct error *error) {
    struct report *report = &bench->report;
    const struct workload *workload = &engine_workloads[report->steps[step].workload];
    char name[64];
    const unsigned engines = workload->alone ? 1 : report->engine_count;
    for (unsigned turn = 0; turn < engines; turn++) {
        const unsigned engine = (turn + round + step) % engines;
        if (terminal_has_errors())
            (void)fprintf(stderr, "\r\033[Kround %u of %u: %s, %s", round + 1, report->rounds,
                          report_step_name(report, step, name), report->engines[engine]->name);
        struct bench_result *result = report_result(report, round, step, engine);
        enum status status = child_ask(&bench->children[engine], &report->steps[step], result);
        status = check_result(bench, engine, status, result, error);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

/* The same keys through all of them find the same. */
static enum status compare_engines(const struct report *report, unsigned round, uint32_t step, struct error *error) {
    const struct bench_result *loam = report_result(report, round, step, 0);
    for (unsigned i = 1; i < report->engine_count; i++) {
        char name[64];
        const struct bench_result *other = report_result(report, round, step, i);
        if (!loam->comparable || !other->comparable) continue;
        if (other->found == loam->found && other->bytes == loam->bytes) continue;
        return error_set(error, STATUS_MISMATCH,
                         "%s: loam found %" PRIu64 " (%" PRIu64 " bytes), %s %" PRIu64 " (%" PRIu64
                         " bytes): one of them is wrong",
                         report_step_name(report, step, name), loam->found, loam->bytes, report->engines[i]->name,
                         other->found, other->bytes);
    }
    return STATUS_OK;
}

static enum status run_round(struct engine_bench *bench, unsigned round, struct error *error) {
    if (!bench->options.settings.reuse) remove_stores(bench);
    enum status status = start_children(bench, error);
    for (uint32_t step = 0; status == STATUS_OK && step < bench->report.step_count; step++) {
        status = run_step(bench, round, step, error);
        if (status == STATUS_OK) status = compare_engines(&bench->report, round, step, error);
    }
    enum status ended = end_children(bench, status == STATUS_OK ? error : NULL);
    return status == STATUS_OK ? ended : status;
}

/* In this process: one engine, one round. */
static enum status run_here(struct engine_bench *bench, struct error *error) {
    struct report *report = &bench->report;
    struct bench_run *run;
    if (!bench->options.settings.reuse) remove_stores(bench);
    enum status status = bench_run_create(bench->io, &bench->options.settings, report->engines[0], &run);
    if (status != STATUS_OK) return status;
    for (uint32_t step = 0; status == STATUS_OK && step < report->step_count; step++) {
        struct bench_result *result = report_result(report, 0, step, 0);
        bench_run_step(run, &report->steps[step], result);
        status = check_result(bench, 0, STATUS_OK, result, error);
    }
    bench_run_destroy(run);
    return status;
}

static enum status run_all(struct engine_bench *bench, struct error *error) {
    struct report *report = &bench->report;
    size_t results = (size_t)report->rounds * report->step_count * report->engine_count;
    report->results = calloc(results, sizeof *report->results);
    enum status status = report->results ? claim_dir(bench, error) : STATUS_NO_MEMORY;
    if (status != STATUS_OK) return status;
    status = check_space(bench, error);
    if (status == STATUS_OK && bench->options.here) status = run_here(bench, error);
    for (unsigned round = 0; status == STATUS_OK && !bench->options.here && round < report->rounds; round++)
        status = run_round(bench, round, error);
    if (terminal_has_errors()) (void)fputs("\r\033[K", stderr);
    leave_dir(bench);
    return status;
}

/* ---- Start ------------------------------------------------------------------------------------------------------- */

static enum status write_page(const struct engine_bench *bench, struct error *error) {
    const char *path = bench->options.html;
    struct buf page = BUF_EMPTY;
    struct io_file *file = NULL;
    enum status status = report_make_page(&bench->report, &page);
    if (status == STATUS_OK)
        status = io_file_open(bench->io, path, IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_TRUNCATE, &file);
    if (status == STATUS_OK) status = io_file_write(file, 0, page.data, page.size);
    io_file_close(file);
    buf_deinit(&page);
    return status == STATUS_OK ? status : error_set(error, status, "cannot write %s: %s", path, status_text(status));
}

static enum status print_report(const struct engine_bench *bench, struct error *error) {
    enum status status = bench->options.html ? write_page(bench, error) : STATUS_OK;
    if (status != STATUS_OK) return status;
    if (bench->options.json) return report_print_json(&bench->report);
    report_print_text(&bench->report);
    return STATUS_OK;
}

static int run_bench(struct engine_bench *bench) {
    struct error error = {0};
    struct report *report = &bench->report;
    enum status status = io_create(&(struct io_options){0}, &bench->io, &error);
    for (unsigned i = 0; status == STATUS_OK && i < BENCH_ENGINES_MAX; i++)
        if (bench->options.asked[i]) status = find_engine(bench, i, &error);
    if (status == STATUS_OK) status = run_all(bench, &error);
    if (status == STATUS_OK) {
        report_summarize(report);
        status = print_report(bench, &error);
    }
    if (status != STATUS_OK)
        (void)fprintf(stderr, "loam bench engine: %s\n", error.text[0] ? error.text : status_text(status));
    if (bench->io) io_destroy(bench->io);
    free(report->results);
    return status == STATUS_OK && (!bench->options.check_goals || report_met(report)) ? EXIT_CLEAN : EXIT_FAILED;
}

int bench_engine(int argc, char **argv) {
    struct engine_bench *bench = calloc(1, sizeof *bench); /* large */
    if (!bench) return EXIT_FAILED;
    int code = EXIT_FAILED;
    if (bench_options_parse(argc, argv, &bench->options)) {
        struct report *report = &bench->report;
        report->settings = bench->options.settings;
        report->rounds = bench->options.rounds;
        if (bench->options.help) {
            bench_options_print_usage(true);
            code = EXIT_CLEAN;
        } else if (bench->options.child) {
            code = child_serve();
        } else if ((report->step_count = bench_options_plan(&bench->options, report->steps)) > 0) {
            code = run_bench(bench);
        }
    }
    free(bench);
    return code;
}
