/* engine_page: the report as one page that needs nothing else: no script, no font, no file (engine_report.h). */
#include <inttypes.h>
#include <stdio.h>

#include "tools/loam/bench/engine_plot.h"
#include "tools/loam/bench/engine_workloads.h"

static const char style[] =
    "<style>\n"
    ":root{color-scheme:light "
    "dark;--back:#fff;--ink:#1d2327;--soft:#68727a;--grid:#e3e6e8;--met:#1a7f4b;--missed:#c0392b;"
    "--e0:#15805d;--e1:#c8641b;--e2:#3767c8;--e3:#8a56b0}\n"
    "@media(prefers-color-scheme:dark){:root{--back:#14181a;--ink:#e4e8ea;--soft:#96a0a6;--grid:#2c3338;--met:#4cc38a;"
    "--missed:#f0796b;--e0:#3fbf92;--e1:#ee9350;--e2:#7ba2f0;--e3:#bd8fe0}}\n"
    "body{background:var(--back);color:var(--ink);font:15px/1.5 system-ui,sans-serif;max-width:900px;margin:2em auto;"
    "padding:0 1em}\n"
    "h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2.2em;border-bottom:1px solid var(--grid)}\n"
    "figure{display:inline-block;margin:.4em .4em .8em 0;vertical-align:top}svg{max-width:100%;height:auto}\n"
    "figcaption{font-size:13px;font-weight:600}text{font:12px system-ui,sans-serif;fill:var(--ink)}\n"
    "text.value{font-variant-numeric:tabular-nums}text.tick{fill:var(--soft);font-size:11px}\n"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}\n"
    "td,th{padding:.15em .7em;text-align:right;border-bottom:1px solid var(--grid);white-space:nowrap}"
    "td:first-child,th:first-child{text-align:left}td.words{text-align:left;white-space:normal}\n"
    ".met{color:var(--met)}.missed{color:var(--missed)}.soft{color:var(--soft)}\n"
    "line.grid{stroke:var(--grid)}line.one{stroke:var(--soft)}line.goal{stroke:var(--ink);stroke-width:2}\n"
    "line.rest{stroke:var(--back);stroke-width:2}line.spread{stroke:var(--ink);stroke-opacity:.55}\n"
    "line.met{stroke:var(--met);stroke-width:3}line.missed{stroke:var(--missed);stroke-width:3}\n"
    "circle.met{fill:var(--met)}circle.missed{fill:var(--missed)}polyline{fill:none;stroke-width:1.5}\n";

static void add_head(struct page *page) {
    page_add(page,
             "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>loam bench engine</title>\n");
    page_add(page, "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n");
    if (page->status == STATUS_OK) page->status = buf_append(page->out, style, sizeof style - 1);
    for (unsigned i = 0; i < BENCH_ENGINES_MAX; i++)
        page_add(page, ".e%u{fill:var(--e%u)}.l%u,.c%u{stroke:var(--e%u)}.k%u{color:var(--e%u)}\n", i, i, i, i, i, i,
                 i);
    page_add(page, "</style></head><body>\n<h1>loam bench engine</h1>\n");
}

static void add_settings(struct page *page, const struct report *report) {
    static const char *const compressions[] = {"no compression", "lz4", "zstd"};
    const struct bench_settings *settings = &report->settings;
    page_add(
        page,
        "<p>%" PRIu64 " entries, %d-byte %s keys, values of %" PRIu64 " bytes%s, seed %" PRIu64 "; memtable %" PRIu64
        " MiB, cache %.4g MiB, filters of %" PRIu64 " bits a key, log on and not synced, %s. Medians of %u "
        "round%s, step by step in turns, each engine in a process "
        "of its own.</p>\n<div class=\"scroll\"><table><tr><th>engine</th><th>version</th><th>opened with</th></tr>\n",
        settings->entries, BENCH_KEY_BYTES, settings->decimal_keys ? "decimal" : "binary", settings->value_bytes,
        settings->json_values ? " (rows of JSON)" : "", settings->seed, settings->memtable_bytes >> 20,
        (double)settings->cache_bytes / 1048576, settings->filter_bits, compressions[settings->compression],
        report->rounds, report->rounds == 1 ? "" : "s");
    for (unsigned i = 0; i < report->engine_count; i++) {
        const struct peer_build *build = &report->builds[i];
        char words[256];
        report->engines[i]->describe(settings, words, sizeof words);
        page_add(page, "<tr><td class=\"k%u\">&#9632; %s</td><td>", i, report->engines[i]->name);
        page_add_text(page, build->version);
        page_add(page, "</td><td class=\"words\">");
        page_add_text(page, words);
        if (build->file[0]) {
            page_add(page, "<br><span class=\"soft\">");
            page_add_text(page, build->file);
            page_add(page, build->has_assertions
                               ? "</span><br><b class=\"missed\">built with assertions: its figures do not count</b>"
                               : ", built without assertions</span>");
        }
        page_add(page, "</td></tr>\n");
    }
    page_add(page, "</table></div>\n");
    for (unsigned i = 0; i < BENCH_ENGINES_MAX; i++) {
        if (!report->skipped[i][0]) continue;
        page_add(page, "<p class=\"soft\">skipped: ");
        page_add_text(page, report->skipped[i]);
        page_add(page, "</p>\n");
    }
}

static void add_goals(struct page *page, const struct report *report) {
    char name[64];
    page_add(page, "<h2>Goals</h2>\n");
    plot_ratios(page, report);
    page_add(page,
             "<div class=\"scroll\"><table><tr><th>step</th><th>what</th><th>value</th><th>goal</th><th></th></tr>\n");
    for (unsigned i = 0; i < report->goal_count; i++) {
        const struct report_goal *goal = &report->goals[i];
        page_add(page, "<tr><td>%s</td><td>%s</td><td>%.2f</td><td>at %s %.2f</td><td class=\"%s\">%s</td></tr>\n",
                 report_step_name(report, goal->step, name), goal->what, goal->value, goal->at_most ? "most" : "least",
                 goal->goal, goal->met ? "met" : "missed", goal->met ? "met" : "missed");
    }
    page_add(page, "</table></div>\n");
}

static double cpu_of(const struct report_cell *cell) {
    return cell->cpu_us;
}
static double peak_of(const struct report_cell *cell) {
    return cell->peak_mib;
}
static double written_of(const struct report_cell *cell) {
    return cell->write_amplification;
}
static double space_of(const struct report_cell *cell) {
    return cell->space_amplification;
}

enum which { EVERY_STEP, WRITES };

static void add_bars(struct page *page, const struct report *report, enum which which, plot_value value) {
    for (uint32_t step = 0; step < report->step_count; step++) {
        const struct workload *workload = &engine_workloads[report->steps[step].workload];
        char name[64];
        if (workload->alone || (which == WRITES && (!workload->writes || workload->compacts))) continue;
        plot_bars(page, report, step, report_step_name(report, step, name), value);
    }
}

static void add_plots(struct page *page, const struct report *report) {
    page_add(page,
             "<h2>Operations a second</h2>\n<p class=\"soft\">Bars end at the rate to the last operation; the light "
             "mark is the rate to rest, the thin line the spread of the rounds.</p>\n");
    for (uint32_t step = 0; step < report->step_count; step++) plot_rates(page, report, step);
    page_add(page, "<h2>Latency</h2>\n");
    for (uint32_t step = 0; step < report->step_count; step++) plot_latencies(page, report, step);
    page_add(page, "<h2>Over time</h2>\n");
    for (uint32_t step = 0; step < report->step_count; step++) {
        const struct workload *workload = &engine_workloads[report->steps[step].workload];
        if (workload->writes || workload->beside) plot_timeline(page, report, step);
    }
    page_add(page, "<h2>Processor: us an operation, background included</h2>\n");
    add_bars(page, report, EVERY_STEP, cpu_of);
    page_add(page, "<h2>Write amplification at rest</h2>\n");
    add_bars(page, report, WRITES, written_of);
    page_add(page, "<h2>Space amplification at rest, without logs</h2>\n");
    add_bars(page, report, WRITES, space_of);
    page_add(page, "<h2>Peak memory, MiB</h2>\n");
    add_bars(page, report, EVERY_STEP, peak_of);
}

/* A row of the table of all figures. */
static void add_figures_of(struct page *page, const struct report *report, uint32_t step, unsigned engine) {
    const struct workload *workload = &engine_workloads[report->steps[step].workload];
    const struct report_cell *cell = &report->cells[step][engine];
    const double ratio = engine ? 0 : report_ratio(report, step, false);
    const double rest = engine || !workload->writes ? 0 : report_ratio(report, step, true);
    char name[64];
    page_add(page, "<tr><td>%s</td><td>%s</td><td>%.0f</td><td>%.0f</td>", report_step_name(report, step, name),
             workload->alone ? "the device" : report->engines[engine]->name, cell->rate, cell->rest_rate);
    page_add(page, ratio > 0 ? "<td>%.2f</td>" : "<td></td>", ratio);
    page_add(page, rest > 0 ? "<td>%.2f</td>" : "<td></td>", rest);
    page_add(page, "<td>%.2f</td><td>%.2f</td><td>%.2f</td><td>%.2f</td><td>%.3f</td>", cell->p50_us, cell->p99_us,
             cell->p999_us, cell->max_ms, cell->cpu_us);
    page_add(page, "<td>%.2f</td><td>%.2f</td><td>%.2f</td><td>%.0f</td>", cell->write_amplification,
             cell->space_amplification, cell->directory_amplification, cell->peak_mib);
    page_add(page, workload->transacts ? "<td>%.3f</td></tr>\n" : "<td></td></tr>\n", cell->conflict_share * 100);
}

static void add_figures(struct page *page, const struct report *report) {
    page_add(page,
             "<h2>All figures</h2>\n<div class=\"scroll\"><table><tr><th>step</th><th>engine</th><th>operations/s</th>"
             "<th>to rest</th><th>by the better peer</th><th>to rest</th><th>p50 "
             "us</th><th>p99</th><th>p99.9</th><th>longest ms</th><th>cpu us</th>"
             "<th>written</th><th>space</th><th>with logs</th><th>peak MiB</th><th>conflicts %%</th></tr>\n");
    for (uint32_t step = 0; step < report->step_count; step++) {
        const bool alone = engine_workloads[report->steps[step].workload].alone;
        for (unsigned i = 0; i < (alone ? 1 : report->engine_count); i++)
            if (report->cells[step][i].rate > 0) add_figures_of(page, report, step, i); /* else it has no such */
    }
    page_add(page, "</table></div>\n");
}

enum status report_make_page(const struct report *report, struct buf *out) {
    struct page page = {.out = out};
    add_head(&page);
    add_settings(&page, report);
    add_goals(&page, report);
    add_plots(&page, report);
    add_figures(&page, report);
    page_add(&page, "</body></html>\n");
    return page.status;
}
