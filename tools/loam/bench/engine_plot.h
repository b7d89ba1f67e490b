/*
 * engine_plot: the plots on the page of `loam bench engine`: SVG that stands in the page and needs nothing else.
 */
#ifndef TOOLS_LOAM_BENCH_ENGINE_PLOT_H
#define TOOLS_LOAM_BENCH_ENGINE_PLOT_H

#include "tools/loam/bench/engine_report.h"

/* What is being written; after a failure nothing more is added. */
struct page {
    struct buf *out;
    enum status status;
};

void page_add(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As text: what would be a tag is not one. */
void page_add_text(struct page *page, const char *text);
/* "1.65 M", "320 k", "12.3" */
const char *page_number(double value, char text[16]);

/* Of one engine at one step; 0 = not measured. */
typedef double (*plot_value)(const struct report_cell *cell);

/* loam's rate over the better peer's, each step with its goal; logarithmic. */
void plot_ratios(struct page *page, const struct report *report);
/* A bar for each engine; the mark on it is the rate to rest, the line the spread of the rounds. */
void plot_rates(struct page *page, const struct report *report, uint32_t step);
/* p50, p99, p99.9 and the longest; logarithmic. */
void plot_latencies(struct page *page, const struct report *report, uint32_t step);
/* One bar for each engine. */
void plot_bars(struct page *page, const struct report *report, uint32_t step, const char *title, plot_value value);
/* Operations a second over the time of the median round. */
void plot_timeline(struct page *page, const struct report *report, uint32_t step);

#endif
