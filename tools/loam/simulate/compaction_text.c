/* compaction_text: the table for people. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/loam/simulate/compaction.h"

enum { MEMTABLES_FEW = 8 /* with fewer of them written in all, little is merged */ };

const char *duration_words(uint64_t ns, char text[OUT_WORDS_BYTES]) {
    static const struct {
        double ns;
        const char *name;
    } units[] = {{3600e9, "h"}, {60e9, "min"}, {1e9, "s"}, {1e6, "ms"}, {1e3, "us"}};
    unsigned unit = 0;
    while (unit < 4 && (double)ns < units[unit].ns) unit++;
    (void)snprintf(text, OUT_WORDS_BYTES, ns == 0 ? "0" : "%.*f %s", (double)ns / units[unit].ns < 10 ? 1 : 0,
                   (double)ns / units[unit].ns, units[unit].name);
    return text;
}

const char *compaction_pace_words(const struct compaction_report *report, char text[OUT_WORDS_BYTES]) {
    switch (report->plan.pace) {
    case REPLAY_FULL: (void)snprintf(text, OUT_WORDS_BYTES, "as fast as they are taken"); break;
    case REPLAY_RECORDED: (void)snprintf(text, OUT_WORDS_BYTES, "at their recorded times"); break;
    case REPLAY_RATE: (void)snprintf(text, OUT_WORDS_BYTES, "%" PRIu64 " a second", report->plan.rate); break;
    }
    return text;
}

static void put_head(struct out *out, const struct compaction_report *report) {
    const struct write_totals *totals = &report->totals;
    const struct sim_device *device = &report->plan.device;
    static const char *const kinds[WRITE_KINDS] = {"",       "puts",    "deletes",      "range deletes",
                                                   "merges", "appends", "trees dropped"};
    char bytes[OUT_WORDS_BYTES], alive[OUT_WORDS_BYTES], most[OUT_WORDS_BYTES], pace[OUT_WORDS_BYTES];
    out_print(out, "%s: %" PRIu64 " writes", report->source, totals->writes);
    for (unsigned kind = 1; kind < WRITE_KINDS; kind++)
        if (totals->of_kind[kind] > 0) out_print(out, ", %" PRIu64 " %s", totals->of_kind[kind], kinds[kind]);
    out_print(out, "; keys and values: %s\n", bytes_words(totals->bytes, bytes));
    out_print(out, "alive at the end: %s in %" PRIu64 " keys; at most %s; writes come %s\n",
              bytes_words(totals->points ? totals->alive[totals->points - 1] : 0, alive), totals->alive_keys,
              bytes_words(totals->alive_most, most), compaction_pace_words(report, pace));
    if (report->sample > 1) out_print(out, "one key in %" PRIu64 " is replayed\n", report->sample);
    out_print(out,
              "the disk: %" PRIu64 " MiB/s, %" PRIu64 " us a read, %" PRIu64 " us a sync; without the log, which costs "
              "every configuration the same\n\n",
              device->bytes_per_second >> 20, device->read_ns / 1000, device->sync_ns / 1000);
}

static int widest(const struct compaction_report *report) {
    size_t width = strlen("configuration");
    for (size_t i = 0; i < report->configurations.count; i++)
        if (strlen(report->configurations.items[i].name) > width) width = strlen(report->configurations.items[i].name);
    return (int)width;
}

static void put_row(struct out *out, const struct compaction_report *report, size_t at, int width) {
    const struct replay_result *result = &report->results[at];
    const struct probe_figures *rest = &result->rest.reads, *mean = &result->mean;
    char longest[OUT_WORDS_BYTES], waited[OUT_WORDS_BYTES], took[OUT_WORDS_BYTES], rested[OUT_WORDS_BYTES];
    if (result->status != STATUS_OK) {
        out_print(out, "%-*s  failed: %s\n", width, report->configurations.items[at].name, result->error.text);
        return;
    }
    out_print(out, "%-*s  %7.2f  %5.2f %5.2f  %5.2f %5.2f  %5.1f %5.1f", width, report->configurations.items[at].name,
              replay_write_amplification(result), rest->get_blocks, mean->get_blocks, rest->absent_blocks,
              mean->absent_blocks, rest->seek_runs, mean->seek_runs);
    if (replay_space_amplification(result, &report->totals) > 0)
        out_print(out, "  %5.2f %5.2f", replay_space_amplification(result, &report->totals),
                  replay_space_most(result, &report->totals));
    else
        out_print(out, "  %5s %5.2f", "-", replay_space_most(result, &report->totals));
    out_print(out, "  %5" PRIu64 " %5" PRIu64 "  %7" PRIu64 "  %6" PRIu64 " %8s %8s  %8s %8s\n", result->rest.files,
              result->files_most, result->compactions, result->stalls,
              duration_words(result->stall_longest_ns, longest), duration_words(result->waited_ns, waited),
              duration_words(result->took_ns, took), duration_words(result->rest_ns, rested));
}

static void put_late(struct out *out, const struct compaction_report *report) {
    char late[OUT_WORDS_BYTES];
    if (report->plan.pace == REPLAY_FULL) return;
    for (size_t i = 0; i < report->configurations.count; i++) {
        const struct replay_result *result = &report->results[i];
        if (result->status != STATUS_OK || result->late_most_ns <= REPLAY_STALL_NS) continue;
        out_print(out, "%s: writes were up to %s behind their time\n", report->configurations.items[i].name,
                  duration_words(result->late_most_ns, late));
    }
}

static void put_notes(struct out *out, const struct compaction_report *report) {
    char bytes[OUT_WORDS_BYTES];
    uint64_t largest = 0;
    for (size_t i = 0; i < report->configurations.count; i++)
        if (report->configurations.items[i].values[SETTING_MEMTABLE] > largest)
            largest = report->configurations.items[i].values[SETTING_MEMTABLE];
    out_print(out,
              "\nwritten, space: times what the user wrote, what is alive; blocks, runs: that a read looks into; a "
              "stall: a write that waited over 10 ms\n");
    if (report->totals.bytes < MEMTABLES_FEW * largest)
        out_print(out,
                  "note: all writes together are less than %d memtables of %s: a smaller --memtable (and --level-base, "
                  "--file) shows what more writes would come to\n",
                  MEMTABLES_FEW, bytes_words(largest, bytes));
}

void compaction_text(struct out *out, const struct compaction_report *report) {
    const int width = widest(report);
    put_head(out, report);
    out_print(out, "%-*s  %7s  %11s  %11s  %11s  %11s  %11s  %7s  %24s  %17s\n", width, "", "", "blocks, get",
              "absent get", "runs, seek", "space", "files", "", "waits of writes", "time");
    out_print(out, "%-*s  %7s  %5s %5s  %5s %5s  %5s %5s  %5s %5s  %5s %5s  %7s  %6s %8s %8s  %8s %8s\n", width,
              "configuration", "written", "rest", "mean", "rest", "mean", "rest", "mean", "rest", "most", "rest",
              "most", "merges", "stalls", "longest", "all", "writing", "to rest");
    for (size_t i = 0; i < report->configurations.count; i++) put_row(out, report, i, width);
    put_late(out, report);
    put_notes(out, report);
}
