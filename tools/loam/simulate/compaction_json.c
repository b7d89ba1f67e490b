/* compaction_json: the same for programs; the schema is documented in tools/loam/README.md. */
#include <inttypes.h>

#include "tools/loam/simulate/compaction.h"

static void put_writes(struct out *out, const struct compaction_report *report) {
    const struct write_totals *totals = &report->totals;
    const struct sim_device *device = &report->plan.device;
    static const char *const kinds[WRITE_KINDS] = {"",       "puts",    "deletes",      "range_deletes",
                                                   "merges", "appends", "dropped_trees"};
    char pace[OUT_WORDS_BYTES];
    out_print(out, "{\"schema\":1,\"source\":");
    out_json(out, report->source);
    out_print(out, ",\"trace\":%s,\"sample\":%" PRIu64 ",\"writes\":%" PRIu64, report->is_trace ? "true" : "false",
              report->sample, totals->writes);
    for (unsigned kind = 1; kind < WRITE_KINDS; kind++)
        out_print(out, ",\"%s\":%" PRIu64, kinds[kind], totals->of_kind[kind]);
    out_print(out,
              ",\"bytes\":%" PRIu64 ",\"alive_bytes\":%" PRIu64 ",\"alive_keys\":%" PRIu64
              ",\"alive_most_bytes\":%" PRIu64 ",\n",
              totals->bytes, totals->points ? totals->alive[totals->points - 1] : 0, totals->alive_keys,
              totals->alive_most);
    out_print(out,
              "\"damage\":{\"places\":%" PRIu64 ",\"lost_writes\":%" PRIu64 ",\"lost_more\":%s,\"torn\":%s},\"pace\":",
              report->damage.places, report->damage.lost_operations, report->damage.lost_unknown ? "true" : "false",
              report->damage.torn ? "true" : "false");
    out_json(out, compaction_pace_words(report, pace));
    out_print(out,
              ",\"disk\":{\"bytes_per_second\":%" PRIu64 ",\"read_us\":%" PRIu64 ",\"write_us\":%" PRIu64
              ",\"sync_us\":%" PRIu64 "},\n\"configurations\":[",
              device->bytes_per_second, device->read_ns / 1000, device->write_ns / 1000, device->sync_ns / 1000);
}

static void put_reads(struct out *out, const char *name, const struct probe_figures *reads) {
    out_print(out, "\"%s\":{\"get_blocks\":%.4f,\"absent_blocks\":%.4f,\"seek_runs\":%.4f}", name, reads->get_blocks,
              reads->absent_blocks, reads->seek_runs);
}

static void put_options(struct out *out, const struct configuration *configuration) {
    char text[24];
    out_print(out, "\"options\":{");
    for (unsigned i = 0; i < SETTINGS; i++) {
        setting_print(i, configuration->values[i], text);
        out_print(out, "%s\"%s\":\"%s\"", i ? "," : "", setting_name(i), text);
    }
    out_print(out, "}");
}

static void put_point(struct out *out, const struct replay_point *point, uint64_t writes, uint64_t alive) {
    out_print(out,
              "{\"writes\":%" PRIu64 ",\"seconds\":%.6f,\"bytes\":%" PRIu64 ",\"written_bytes\":%" PRIu64
              ",\"disk_bytes\":%" PRIu64 ",\"alive_bytes\":%" PRIu64 ",\"files\":%" PRIu64
              ",\"waited_seconds\":%.6f,\"stalls\":%" PRIu64 ",",
              writes, (double)point->at_ns / 1e9, point->bytes, point->written_bytes, point->disk_bytes, alive,
              point->files, (double)point->waited_ns / 1e9, point->stalls);
    put_reads(out, "reads", &point->reads);
    out_print(out, "}");
}

static void put_figures(struct out *out, const struct replay_result *result, const struct write_totals *totals) {
    out_print(out,
              "\"write_amplification\":%.4f,\"flushed_bytes\":%" PRIu64 ",\"compacted_bytes\":%" PRIu64
              ",\"compacted_read_bytes\":%" PRIu64 ",\"value_bytes\":%" PRIu64 ",\n",
              replay_write_amplification(result), result->flushed_bytes, result->compacted_bytes,
              result->compacted_read_bytes, result->value_bytes);
    out_print(out,
              "\"space_amplification\":%.4f,\"space_most\":%.4f,\"disk_most_bytes\":%" PRIu64 ",\"files_most\":%" PRIu64
              ",\"flushes\":%" PRIu64 ",\"compactions\":%" PRIu64 ",\"moves\":%" PRIu64 ",\n",
              replay_space_amplification(result, totals), replay_space_most(result, totals), result->disk_most,
              result->files_most, result->flushes, result->compactions, result->moves);
    out_print(out,
              "\"stalls\":%" PRIu64 ",\"waits\":%" PRIu64 ",\"longest_wait_seconds\":%.6f,\"waited_seconds\":%.6f,"
              "\"late_most_seconds\":%.6f,\"seconds\":%.6f,\"rest_seconds\":%.6f,\n",
              result->stalls, result->waits, (double)result->stall_longest_ns / 1e9, (double)result->waited_ns / 1e9,
              (double)result->late_most_ns / 1e9, (double)result->took_ns / 1e9, (double)result->rest_ns / 1e9);
    put_reads(out, "mean_reads", &result->mean);
}

static void put_result(struct out *out, const struct compaction_report *report, size_t at) {
    const struct replay_result *result = &report->results[at];
    const struct write_totals *totals = &report->totals;
    out_print(out, "%s\n{\"name\":", at ? "," : "");
    out_json(out, report->configurations.items[at].name);
    out_print(out, ",");
    put_options(out, &report->configurations.items[at]);
    if (result->status != STATUS_OK) {
        out_print(out, ",\"failed\":");
        out_json(out, result->error.text);
        out_print(out, "}");
        return;
    }
    out_print(out, ",\n");
    put_figures(out, result, totals);
    out_print(out, ",\n\"rest\":");
    put_point(out, &result->rest, totals->writes, totals->points ? totals->alive[totals->points - 1] : 0);
    out_print(out, ",\n\"points\":[");
    for (unsigned i = 0; i < result->point_count; i++) {
        if (i) out_print(out, ",\n");
        put_point(out, &result->points[i], totals->at[i], totals->alive[i]);
    }
    out_print(out, "]}");
}

void compaction_json(struct out *out, const struct compaction_report *report) {
    put_writes(out, report);
    for (size_t i = 0; i < report->configurations.count; i++) put_result(out, report, i);
    out_print(out, "]}\n");
}
