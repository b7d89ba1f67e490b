/*
 * compaction: `loam simulate compaction`: the same writes under several configurations, in virtual time, and what each
 * costs. Progress goes to stderr if a person watches; nothing is written but the page that was asked for.
 */
#include "tools/loam/simulate/compaction.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"
#include "tools/loam/number_option.h"
#include "tools/loam/simulate/simulate.h"
#include "tools/loam/simulate/write_sources.h"
#include "tools/loam/terminal.h"

static const char usage[] =
    "usage: loam simulate compaction [options] TRACE | --workload A,B,..\n"
    "\n"
    "Gives the writes of a trace (loam simulate record makes one), or of a workload that is made up, to the engine "
    "once\n"
    "for each configuration, on a simulated disk in virtual time, and prints what that costs. The same command prints\n"
    "the same figures on every machine, however busy. Nothing is written but the page of --html.\n"
    "\n"
    "  --workload A,B,..      fillseq, fillrandom, overwrite, overwritehot, deleterandom, one after the other\n"
    "  --entries N            keys of a workload, and writes of each step (400000)\n"
    "  --value-bytes N        of its values (100)               --seed N   (1)\n"
    "  --sample N             of one key in N alone; divide sizes by N, too\n"
    "\n"
    "What is varied: each of these takes a list, and every combination is run. Sizes are 4096, 512k, 16m, 1g.\n"
    "  --policy P,..          lazy, leveled, tiered, fifo (all four)\n"
    "  --memtable S,..        (64m)                             --memtables N,..       in memory (4)\n"
    "  --level-base S,..      (64m)                             --level-ratio N,..     (10)\n"
    "  --level0-trigger N,..  (4)                               --file S,..            of tables (8m)\n"
    "  --block S,..           (4k)                              --compression C,..     none, lz4, zstd (none)\n"
    "  --filter-bits N,..     a key (10)                        --value-threshold S,.. values apart from it on (0: "
    "off)\n"
    "  --fifo-bytes S,..      what a fifo tree keeps (0: all)\n"
    "  --config N=V,..        one configuration, instead of combinations; may come again: policy=tiered,memtable=16m\n"
    "\n"
    "  --rate R               writes a second; full: as fast as they are taken; recorded: at the trace's times\n"
    "                         (recorded where the trace has times, else full)\n"
    "  --disk-mib N           that the disk moves in a second (200)\n"
    "  --disk-read-us N       of a read, beside that (80)       --disk-sync-us N       of a sync (1000)\n"
    "  --memory-mib N         bound of the simulated disk, and of memtables (2048)\n"
    "  --json                 one object, schema in tools/loam/README.md\n"
    "  --html FILE            a page with plots, beside what is printed\n"
    "\n"
    "exit codes: 0 clean, 1 usage or failure, 2 a part of the trace is damaged, 3 the trace has no end: its recording\n"
    "was cut short\n";

enum { WRITE_US = 20, CONFIGS_MAX = CONFIGURATIONS_MAX };

struct asked {
    const char *workload, *rate, *html;
    uint64_t entries, value_bytes, seed, sample;
    uint64_t disk_mib, read_us, sync_us, memory_mib;
    const char *lists[SETTINGS];
    const char *configs[CONFIGS_MAX];
    size_t config_count;
    bool json;
};

/* ---- Progress ---------------------------------------------------------------------------------------------------- */

struct watching {
    bool is_watched;
    const char *what;
    size_t at, of;
    unsigned percent;
};

static void show(void *context, uint64_t done, uint64_t all) {
    struct watching *watching = context;
    const unsigned percent = all ? (unsigned)(done * 100 / all) : 100;
    if (!watching->is_watched || percent == watching->percent) return;
    watching->percent = percent;
    (void)fprintf(stderr, "\r\033[K[%zu/%zu] %s: %u %%", watching->at, watching->of, watching->what, percent);
}

static void watch(struct watching *watching, const char *what) {
    watching->what = what;
    watching->at++;
    watching->percent = 101;
    show(watching, 0, 100);
}

static void end_watch(const struct watching *watching) {
    if (watching->is_watched) (void)fputs("\r\033[K", stderr);
}

/* ---- What is asked ----------------------------------------------------------------------------------------------- */

static bool take_config(void *context, const char *value) {
    struct asked *asked = context;
    if (asked->config_count == CONFIGS_MAX || !value[0]) return false;
    asked->configs[asked->config_count++] = value;
    return true;
}

static int fail(const char *text) {
    (void)fprintf(stderr, "loam simulate compaction: %s\n", text);
    return EXIT_FAILED;
}

static enum status make_configurations(const struct asked *asked, struct configurations *all, struct error *error) {
    enum status status = STATUS_OK;
    all->count = 0;
    if (asked->config_count == 0) status = configurations_multiply(all, asked->lists, error);
    for (size_t i = 0; i < asked->config_count && status == STATUS_OK; i++)
        status = configurations_add(all, asked->configs[i], asked->lists, error);
    configurations_name(all);
    for (size_t i = 0; i < all->count && status == STATUS_OK; i++) {
        const uint64_t *values = all->items[i].values;
        if (values[SETTING_MEMTABLE] * values[SETTING_MEMTABLES] > asked->memory_mib << 20)
            return error_set(error, STATUS_TOO_LARGE,
                             "%s: its memtables take more than the %" PRIu64 " MiB of --memory-mib", all->items[i].name,
                             asked->memory_mib);
    }
    return status;
}

static bool take_rate(const char *rate, const struct write_totals *totals, struct replay_plan *plan) {
    const bool timed = write_totals_have_times(totals);
    plan->pace = timed ? REPLAY_RECORDED : REPLAY_FULL;
    if (!rate) return true;
    if (strcmp(rate, "full") == 0) {
        plan->pace = REPLAY_FULL;
        return true;
    }
    if (strcmp(rate, "recorded") == 0) return timed;
    plan->pace = REPLAY_RATE;
    return number_option(rate, 1000000000, &plan->rate);
}

/* ---- Running ----------------------------------------------------------------------------------------------------- */

static bool check_writes(const struct compaction_report *report) {
    if (report->totals.writes > 0) return true;
    (void)fprintf(stderr, "loam simulate compaction: %s: holds no writes%s\n", report->source,
                  report->sample > 1 ? " of the sampled keys" : "");
    return false;
}

/* What is alive; a trace that does not fit is told with what to do. */
static bool measure(struct compaction_report *report, struct watching *watching, struct error *error) {
    const struct write_progress progress = {.tell = show, .context = watching};
    watch(watching, "what is alive");
    const enum status status =
        write_totals_measure(&report->totals, report->plan.source, report->plan.capacity_bytes, &progress, error);
    return status == STATUS_OK;
}

static void run_all(struct compaction_report *report, struct watching *watching) {
    const struct write_progress progress = {.tell = show, .context = watching};
    for (size_t i = 0; i < report->configurations.count; i++) {
        watch(watching, report->configurations.items[i].name);
        replay_run(&report->plan, &report->configurations.items[i], &progress, &report->results[i]);
    }
}

/* Of a store that outgrew its disk. */
static void say_how_to_sample(const struct compaction_report *report) {
    (void)fprintf(
        stderr,
        "loam simulate compaction: the store outgrew the %" PRIu64
        " MiB that the simulated disk may take: --memory-mib allows more; or --sample N replays one key in N, "
        "with --memtable, --level-base and --file divided by N\n",
        report->plan.capacity_bytes >> 20);
}

static bool any_failed(const struct compaction_report *report) {
    bool failed = false, outgrown = false;
    for (size_t i = 0; i < report->configurations.count; i++) {
        const struct replay_result *result = &report->results[i];
        if (result->status == STATUS_OK) continue;
        failed = true;
        outgrown |= result->status == STATUS_NO_SPACE;
        (void)fprintf(stderr, "loam simulate compaction: %s: %s\n", report->configurations.items[i].name,
                      result->error.text);
    }
    if (outgrown) say_how_to_sample(report);
    return failed;
}

static int write_page(struct io *io, const char *path, const struct compaction_report *report) {
    struct out out = {.status = STATUS_OK};
    struct io_file *file = NULL;
    compaction_page(&out, report);
    enum status status = out.status;
    if (status == STATUS_OK) status = io_file_open(io, path, IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_TRUNCATE, &file);
    if (status == STATUS_OK) status = io_file_write(file, 0, out.text.data, out.text.size);
    io_file_close(file);
    buf_deinit(&out.text);
    if (status == STATUS_OK) return EXIT_CLEAN;
    (void)fprintf(stderr, "loam simulate compaction: %s: %s\n", path, status_text(status));
    return EXIT_FAILED;
}

static int tell(struct io *io, const struct asked *asked, const struct compaction_report *report) {
    struct out out = {.status = STATUS_OK};
    int code = any_failed(report) ? EXIT_FAILED : EXIT_CLEAN;
    if (asked->json)
        compaction_json(&out, report);
    else
        compaction_text(&out, report);
    if (out.status == STATUS_OK)
        terminal_print(buf_slice(&out.text));
    else
        code = fail(status_text(out.status));
    buf_deinit(&out.text);
    if (asked->html && write_page(io, asked->html, report) != EXIT_CLEAN) return EXIT_FAILED;
    if (report->damage.places > 0) return EXIT_CORRUPT;
    return code == EXIT_CLEAN && report->damage.torn ? EXIT_TORN : code;
}

static int run(struct io *io, const struct asked *asked, struct compaction_report *report, struct watching *watching) {
    struct error error = {.status = STATUS_OK};
    const enum status status = write_totals_count(&report->totals, report->plan.source);
    if (status != STATUS_OK) return fail(status_text(status));
    if (!check_writes(report)) return EXIT_FAILED;
    if (!take_rate(asked->rate, &report->totals, &report->plan))
        return fail("--rate needs 'full', a number of writes a second, or 'recorded' for a trace that has times");
    watching->of = report->configurations.count + 1;
    const bool measured = measure(report, watching, &error);
    if (measured) run_all(report, watching);
    end_watch(watching);
    if (measured) return tell(io, asked, report);
    (void)fail(error.text);
    if (error.status == STATUS_NO_SPACE) say_how_to_sample(report);
    return EXIT_FAILED;
}

/* ---- Where writes come from -------------------------------------------------------------------------------------- */

static void say_damage(void *context, const char *words) {
    (void)context;
    (void)fprintf(stderr, "loam simulate compaction: damage: %s\n", words);
}

static void say_lost(const struct compaction_report *report) {
    const struct trace_damage *damage = &report->damage;
    if (damage->torn)
        (void)fprintf(stderr,
                      "loam simulate compaction: %s: has no end: its recording was cut short; what is there is "
                      "replayed\n",
                      report->source);
    else if (damage->places > 0)
        (void)fprintf(stderr, "loam simulate compaction: %s: lost: %" PRIu64 " writes%s; the others are replayed\n",
                      report->source, damage->lost_operations,
                      damage->lost_unknown ? ", and all behind the last sound frame" : "");
}

static int run_trace(struct io *io, const struct asked *asked, struct compaction_report *report,
                     struct watching *watching) {
    struct error error = {.status = STATUS_OK};
    struct trace_source trace;
    struct sampled_source sampled;
    struct trace_reader *reader = NULL;
    struct write_totals first; /* a pass that finds what is damaged */
    if (trace_reader_open(io, report->source, say_damage, NULL, &reader, &error) != STATUS_OK) return fail(error.text);
    trace_source_init(&trace, reader);
    sampled_source_init(&sampled, &trace.source, asked->sample);
    report->plan.source = asked->sample > 1 ? &sampled.source : &trace.source;
    const enum status status = write_totals_count(&first, &trace.source);
    trace_reader_get_damage(reader, &report->damage);
    say_lost(report);
    const int code = status == STATUS_OK ? run(io, asked, report, watching) : fail(status_text(status));
    trace_reader_close(reader);
    return code != EXIT_FAILED || report->damage.places == 0 ? code : EXIT_CORRUPT;
}

static int run_workload(struct io *io, const struct asked *asked, struct compaction_report *report,
                        struct watching *watching) {
    struct workload_source workload;
    struct sampled_source sampled;
    if (!workload_source_init(&workload, asked->workload, asked->entries, (uint32_t)asked->value_bytes, asked->seed)) {
        (void)fprintf(stderr, "loam simulate compaction: '%s': not a list of workloads, of up to %d:\n",
                      asked->workload, WORKLOAD_STEPS_MAX);
        for (unsigned i = 0; i < WORKLOAD_KINDS; i++)
            (void)fprintf(stderr, "  %-14s %s\n", workload_name((enum workload_kind)i),
                          workload_summary((enum workload_kind)i));
        return EXIT_FAILED;
    }
    sampled_source_init(&sampled, &workload.source, asked->sample);
    report->plan.source = asked->sample > 1 ? &sampled.source : &workload.source;
    return run(io, asked, report, watching);
}

static int run_on(struct io *io, const struct asked *asked, const char *path) {
    struct compaction_report *report = calloc(1, sizeof *report); /* large */
    struct error error = {.status = STATUS_OK};
    struct watching watching = {.is_watched = terminal_has_errors()};
    if (!report) return fail(status_text(STATUS_NO_MEMORY));
    report->source = path ? path : asked->workload;
    report->is_trace = path != NULL;
    report->sample = asked->sample;
    report->plan = (struct replay_plan){.totals = &report->totals,
                                        .device = {.read_ns = asked->read_us * 1000,
                                                   .write_ns = WRITE_US * 1000,
                                                   .sync_ns = asked->sync_us * 1000,
                                                   .bytes_per_second = asked->disk_mib << 20},
                                        .capacity_bytes = asked->memory_mib << 20};
    int code = EXIT_FAILED;
    if (make_configurations(asked, &report->configurations, &error) != STATUS_OK) {
        (void)fail(error.text);
    } else if ((report->results = calloc(report->configurations.count, sizeof *report->results)) == NULL) {
        (void)fail(status_text(STATUS_NO_MEMORY));
    } else {
        code = path ? run_trace(io, asked, report, &watching) : run_workload(io, asked, report, &watching);
    }
    free(report->results);
    free(report);
    return code;
}

static size_t add_settings(struct asked *asked, struct argument_option *options, char names[SETTINGS][32]) {
    for (unsigned i = 0; i < SETTINGS; i++) {
        (void)snprintf(names[i], 32, "--%s", setting_name(i));
        options[i] = (struct argument_option){.name = names[i], .text = &asked->lists[i]};
    }
    return SETTINGS;
}

int simulate_compaction(int argc, char **argv) {
    struct asked asked = {.entries = 400000,
                          .value_bytes = 100,
                          .seed = 1,
                          .sample = 1,
                          .disk_mib = 200,
                          .read_us = 80,
                          .sync_us = 1000,
                          .memory_mib = 2048};
    const struct argument_option own[] = {
        {.name = "--workload", .text = &asked.workload},
        {.name = "--entries", .number = &asked.entries, .limit = 1000000000},
        {.name = "--value-bytes", .number = &asked.value_bytes, .limit = ENGINE_VALUE_MAX_BYTES},
        {.name = "--seed", .number = &asked.seed, .limit = UINT64_MAX},
        {.name = "--sample", .number = &asked.sample, .limit = 1000000},
        {.name = "--config", .meaning = "NAME=VALUE,.. (64 times at most)", .take = take_config, .context = &asked},
        {.name = "--rate", .text = &asked.rate},
        {.name = "--disk-mib", .number = &asked.disk_mib, .limit = 1 << 20},
        {.name = "--disk-read-us", .number = &asked.read_us, .limit = 1000000},
        {.name = "--disk-sync-us", .number = &asked.sync_us, .limit = 1000000},
        {.name = "--memory-mib", .number = &asked.memory_mib, .limit = 1 << 20},
        {.name = "--json", .flag = &asked.json},
        {.name = "--html", .text = &asked.html},
    };
    enum { OWN = sizeof own / sizeof *own };
    struct argument_option options[OWN + SETTINGS];
    char names[SETTINGS][32];
    memcpy(options, own, sizeof own);
    const size_t count = OWN + add_settings(&asked, options + OWN, names);
    const struct arguments arguments = {"simulate compaction", usage, "a TRACE, or --workload", 0, 1, options, count};
    struct error error = {.status = STATUS_OK};
    struct io *io = NULL;
    int code;
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    if ((argc == 1) == (asked.workload != NULL))
        return arguments_refuse(&arguments, "a TRACE or --workload: one of them");
    if (io_create(&(struct io_options){.backend = IO_BACKEND_POSIX}, &io, &error) != STATUS_OK) return fail(error.text);
    code = run_on(io, &asked, argc == 1 ? argv[0] : NULL);
    io_destroy(io);
    return code;
}
