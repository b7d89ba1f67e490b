/* engine_plot: see engine_plot.h. Colours come from the page's style: class eI is the engine of column I. */
#include "tools/loam/bench/engine_plot.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "tools/loam/bench/engine_workloads.h"

enum {
    PLOT_WIDTH = 420,
    LABEL_WIDTH = 62, /* left of the axis */
    VALUE_WIDTH = 64, /* right of it */
    AXIS_WIDTH = PLOT_WIDTH - LABEL_WIDTH - VALUE_WIDTH,
    ROW_HEIGHT = 20,
    TIMELINE_WIDTH = 860,
    TIMELINE_HEIGHT = 150,
};

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

void page_add(struct page *page, const char *format, ...) {
    char text[2048];
    va_list arguments;
    if (page->status != STATUS_OK) return;
    va_start(arguments, format);
    const int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    page->status =
        size < 0 || (size_t)size >= sizeof text ? STATUS_TOO_LARGE : buf_append(page->out, text, (size_t)size);
}

void page_add_text(struct page *page, const char *text) {
    for (; *text; text++) {
        switch (*text) {
        case '<': page_add(page, "&lt;"); break;
        case '>': page_add(page, "&gt;"); break;
        case '&': page_add(page, "&amp;"); break;
        case '"': page_add(page, "&quot;"); break;
        default: page_add(page, "%c", *text);
        }
    }
}

const char *page_number(double value, char text[16]) {
    const char *unit = "";
    if (value >= 999500) {
        value /= 1e6;
        unit = " M";
    } else if (value >= 9995) {
        value /= 1e3;
        unit = " k";
    }
    (void)snprintf(text, 16, value >= 99.95 ? "%.0f%s" : value >= 9.995 ? "%.1f%s" : "%.2f%s", value, unit);
    return text;
}

static void begin(struct page *page, int width, int height, const char *title) {
    page_add(page, "<figure><figcaption>");
    page_add_text(page, title);
    page_add(page, "</figcaption><svg viewBox=\"0 0 %d %d\" width=\"%d\" role=\"img\">\n", width, height, width);
}

static void end(struct page *page) {
    page_add(page, "</svg></figure>\n");
}

static void add_label(struct page *page, double x, double y, const char *anchor, const char *class, const char *text) {
    page_add(page, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">", x, y, anchor, class);
    page_add_text(page, text);
    page_add(page, "</text>\n");
}

static void add_line(struct page *page, double x1, double y1, double x2, double y2, const char *class) {
    page_add(page, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n", x1, y1, x2, y2, class);
}

/* ---- Bars -------------------------------------------------------------------------------------------------------- */

static unsigned columns(const struct report *report, uint32_t step) {
    return engine_workloads[report->steps[step].workload].alone ? 1 : report->engine_count;
}

static void add_bar(struct page *page, const struct report *report, unsigned engine, double value, double most,
                    const char *words) {
    const double y = engine * ROW_HEIGHT, width = most > 0 ? value / most * AXIS_WIDTH : 0;
    char number[16];
    add_label(page, LABEL_WIDTH - 6, y + 14, "end", "name", report->engines[engine]->name);
    page_add(page, "<rect x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" class=\"e%u\"><title>%s %s</title></rect>\n",
             LABEL_WIDTH, y + 4, width, ROW_HEIGHT - 7, engine, report->engines[engine]->name, words);
    add_label(page, PLOT_WIDTH - 4, y + 14, "end", "value", value > 0 ? page_number(value, number) : "-");
}

void plot_bars(struct page *page, const struct report *report, uint32_t step, const char *title, plot_value value) {
    double most = 0;
    const unsigned engines = columns(report, step);
    for (unsigned i = 0; i < engines; i++)
        if (value(&report->cells[step][i]) > most) most = value(&report->cells[step][i]);
    begin(page, PLOT_WIDTH, (int)engines * ROW_HEIGHT + 4, title);
    for (unsigned i = 0; i < engines; i++) {
        char words[32];
        const double own = value(&report->cells[step][i]);
        (void)snprintf(words, sizeof words, "%.3f", own);
        add_bar(page, report, i, own, most, words);
    }
    end(page);
}

void plot_rates(struct page *page, const struct report *report, uint32_t step) {
    double most = 0;
    const unsigned engines = columns(report, step);
    char name[64];
    for (unsigned i = 0; i < engines; i++)
        if (report->cells[step][i].rate_high > most) most = report->cells[step][i].rate_high;
    begin(page, PLOT_WIDTH, (int)engines * ROW_HEIGHT + 4, report_step_name(report, step, name));
    for (unsigned i = 0; i < engines; i++) {
        const struct report_cell *cell = &report->cells[step][i];
        const double y = i * ROW_HEIGHT + 4;
        char words[128];
        (void)snprintf(words, sizeof words, "%.0f/s (%.0f to %.0f), to rest %.0f/s", cell->rate, cell->rate_low,
                       cell->rate_high, cell->rest_rate);
        add_bar(page, report, i, cell->rate, most, words);
        if (most <= 0) continue;
        const double scale = AXIS_WIDTH / most;
        if (cell->rest_rate > 0)
            add_line(page, LABEL_WIDTH + cell->rest_rate * scale, y, LABEL_WIDTH + cell->rest_rate * scale,
                     y + ROW_HEIGHT - 7, "rest");
        if (cell->rate_high > cell->rate_low)
            add_line(page, LABEL_WIDTH + cell->rate_low * scale, y + 6.5, LABEL_WIDTH + cell->rate_high * scale,
                     y + 6.5, "spread");
    }
    end(page);
}

/* ---- Ratios ------------------------------------------------------------------------------------------------------ */

enum { RATIO_WIDTH = 860, RATIO_LEFT = 282, RATIO_RIGHT = 100 };
static const double ratio_low = 0.25, ratio_high = 16;

static double ratio_x(double ratio) {
    if (ratio < ratio_low) ratio = ratio_low;
    if (ratio > ratio_high) ratio = ratio_high;
    return RATIO_LEFT + log(ratio / ratio_low) / log(ratio_high / ratio_low) * (RATIO_WIDTH - RATIO_LEFT - RATIO_RIGHT);
}

static void add_ratio_grid(struct page *page, int height) {
    for (double mark = ratio_low; mark <= ratio_high; mark *= 2) {
        char text[16];
        (void)snprintf(text, sizeof text, "%g", mark);
        add_line(page, ratio_x(mark), 18, ratio_x(mark), height, mark == 1 ? "one" : "grid");
        add_label(page, ratio_x(mark), 12, "middle", "tick", text);
    }
}

void plot_ratios(struct page *page, const struct report *report) {
    unsigned rows = 0;
    for (unsigned i = 0; i < report->goal_count; i++) rows += !report->goals[i].at_most;
    if (rows == 0) return;
    const int height = 24 + (int)rows * ROW_HEIGHT;
    double y = 24;
    begin(page, RATIO_WIDTH, height,
          "rates against the goals: the better of RocksDB and LevelDB is 1, the mark is the goal");
    add_ratio_grid(page, height);
    for (unsigned i = 0; i < report->goal_count; i++) {
        const struct report_goal *goal = &report->goals[i];
        char name[64], label[160], value[32];
        if (goal->at_most) continue;
        (void)snprintf(label, sizeof label, "%s%s", report_step_name(report, goal->step, name),
                       strcmp(goal->what, "rate") == 0 ? "" : goal->what + sizeof "rate" - 1);
        (void)snprintf(value, sizeof value, "%.2f of %.2f", goal->value, goal->goal);
        add_label(page, RATIO_LEFT - 6, y + 14, "end", "name", label);
        add_line(page, ratio_x(1), y + 10, ratio_x(goal->value), y + 10, goal->met ? "met" : "missed");
        add_line(page, ratio_x(goal->goal), y + 3, ratio_x(goal->goal), y + 17, "goal");
        page_add(page, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\" class=\"%s\"><title>%s: %s</title></circle>\n",
                 ratio_x(goal->value), y + 10, goal->met ? "met" : "missed", label, value);
        add_label(page, RATIO_WIDTH - RATIO_RIGHT + 8, y + 14, "start", "value", value);
        y += ROW_HEIGHT;
    }
    end(page);
}

/* ---- Latencies --------------------------------------------------------------------------------------------------- */

/* Powers of ten around all that is shown. */
static void find_decades(const struct report *report, uint32_t step, double *low, double *high) {
    double least = 1e12, most = 1e-3;
    for (unsigned i = 0; i < columns(report, step); i++) {
        const struct report_cell *cell = &report->cells[step][i];
        if (cell->p50_us > 0 && cell->p50_us < least) least = cell->p50_us;
        if (cell->max_ms * 1e3 > most) most = cell->max_ms * 1e3;
    }
    *low = floor(log10(least));
    *high = ceil(log10(most));
    if (*high <= *low) *high = *low + 1;
}

static void add_latency_row(struct page *page, const struct report_cell *cell, unsigned engine, double low,
                            double high) {
    const double y = engine * ROW_HEIGHT + 10;
    const double at[] = {cell->p50_us, cell->p99_us, cell->p999_us, cell->max_ms * 1e3};
    static const char *const names[] = {"p50", "p99", "p99.9", "longest"};
    double x[4];
    for (unsigned i = 0; i < 4; i++) x[i] = LABEL_WIDTH + (log10(at[i]) - low) / (high - low) * AXIS_WIDTH;
    page_add(page, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"l%u\"/>\n", x[0], y, x[3], y, engine);
    for (unsigned i = 0; i < 4; i++)
        page_add(page, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" class=\"e%u\"><title>%s %.2f us</title></circle>\n",
                 x[i], y, i == 3 ? 2.0 : 5.5 - i, engine, names[i], at[i]);
}

void plot_latencies(struct page *page, const struct report *report, uint32_t step) {
    const unsigned engines = columns(report, step);
    const double bottom = engines * ROW_HEIGHT;
    double low, high;
    char name[64], title[128];
    if (report->cells[step][0].p50_us <= 0) return;
    find_decades(report, step, &low, &high);
    (void)snprintf(title, sizeof title, "%s: p50, p99, p99.9, longest", report_step_name(report, step, name));
    begin(page, PLOT_WIDTH, (int)bottom + 18, title);
    for (double decade = low; decade <= high; decade++) {
        const double x = LABEL_WIDTH + (decade - low) / (high - low) * AXIS_WIDTH, us = pow(10, decade);
        char text[24];
        (void)snprintf(text, sizeof text,
                       us >= 1e6   ? "%g s"
                       : us >= 1e3 ? "%g ms"
                                   : "%g us",
                       us >= 1e6   ? us / 1e6
                       : us >= 1e3 ? us / 1e3
                                   : us);
        add_line(page, x, 0, x, bottom, "grid");
        add_label(page, x, bottom + 13, "middle", "tick", text);
    }
    for (unsigned i = 0; i < engines; i++) {
        const struct report_cell *cell = &report->cells[step][i];
        add_label(page, LABEL_WIDTH - 10, i * ROW_HEIGHT + 14, "end", "name", report->engines[i]->name);
        if (cell->p50_us > 0 && cell->max_ms > 0) add_latency_row(page, cell, i, low, high);
    }
    end(page);
}

/* ---- Over time --------------------------------------------------------------------------------------------------- */

static double sample_rate(const struct bench_result *result, uint32_t sample) {
    return (double)result->timeline[sample] * 1e9 / (double)result->timeline_ns;
}

static void add_curve(struct page *page, const struct bench_result *result, unsigned engine, double seconds,
                      double most) {
    page_add(page, "<polyline class=\"c%u\" points=\"", engine);
    for (uint32_t i = 0; i < result->timeline_count; i++) {
        const double at = ((double)i + 0.5) * (double)result->timeline_ns / 1e9;
        page_add(page, "%.1f,%.1f ", LABEL_WIDTH + at / seconds * (TIMELINE_WIDTH - LABEL_WIDTH - 20),
                 TIMELINE_HEIGHT - sample_rate(result, i) / most * (TIMELINE_HEIGHT - 8));
    }
    page_add(page, "\"/>\n");
}

void plot_timeline(struct page *page, const struct report *report, uint32_t step) {
    double seconds = 0, most = 0;
    char name[64], title[128], text[16];
    for (unsigned i = 0; i < columns(report, step); i++) {
        const struct bench_result *result = report->cells[step][i].median;
        const double end_s = (double)result->timeline_count * (double)result->timeline_ns / 1e9;
        if (end_s > seconds) seconds = end_s;
        for (uint32_t sample = 0; sample < result->timeline_count; sample++)
            if (sample_rate(result, sample) > most) most = sample_rate(result, sample);
    }
    if (seconds <= 0 || most <= 0) return;
    (void)snprintf(title, sizeof title, "%s: operations a second over time", report_step_name(report, step, name));
    begin(page, TIMELINE_WIDTH, TIMELINE_HEIGHT + 20, title);
    for (int i = 0; i <= 4; i++) {
        const double y = TIMELINE_HEIGHT - i / 4.0 * (TIMELINE_HEIGHT - 8);
        add_line(page, LABEL_WIDTH, y, TIMELINE_WIDTH - 20, y, "grid");
        add_label(page, LABEL_WIDTH - 6, y + 4, "end", "tick", page_number(most * i / 4, text));
        const double x = LABEL_WIDTH + i / 4.0 * (TIMELINE_WIDTH - LABEL_WIDTH - 20);
        char time[24];
        (void)snprintf(time, sizeof time, "%.2f s", seconds * i / 4);
        add_label(page, x, TIMELINE_HEIGHT + 15, "middle", "tick", time);
    }
    for (unsigned i = 0; i < columns(report, step); i++)
        if (report->cells[step][i].median->timeline_count)
            add_curve(page, report->cells[step][i].median, i, seconds, most);
    end(page);
}
