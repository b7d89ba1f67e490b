#include "tools/loam/top/top_view.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/loam/json_text.h"

enum { PRESSURE_HIGH = 800, LAG_HIGH = 1000, NAME_WIDTH = 22, SPARK_LEVELS = 8 };

void top_take(struct top_node *node, const struct top_sample *sample) {
    node->before = node->now;
    node->now = *sample;
    if (node->rate_count == TOP_HISTORY) {
        memmove(node->rates, node->rates + 1, (TOP_HISTORY - 1) * sizeof *node->rates);
        node->rate_count--;
    }
    node->rates[node->rate_count++] = top_rate(&node->before, &node->now, node->before.commands, node->now.commands);
}

/* ---- Numbers ----------------------------------------------------------------------------------------------------- */

void top_number(char to[8], double value) {
    static const char units[] = " kMGTP";
    unsigned unit = 0;
    while (value >= 999.5 && unit < sizeof units - 2) {
        value /= 1000;
        unit++;
    }
    if (unit == 0)
        (void)snprintf(to, 8, "%.0f", value);
    else
        (void)snprintf(to, 8, value < 9.95 ? "%.1f%c" : "%.0f%c", value, units[unit]);
}

void top_time(char to[12], double us, uint64_t timed) {
    if (timed == 0)
        (void)snprintf(to, 12, "-");
    else if (us < 9995)
        (void)snprintf(to, 12, us < 9.95 ? "%.1f us" : "%.0f us", us);
    else if (us < 9995000)
        (void)snprintf(to, 12, us < 99950 ? "%.1f ms" : "%.0f ms", us / 1000);
    else
        (void)snprintf(to, 12, "%.0f s", us / 1e6);
}

struct shown {
    char text[8];
};
static struct shown shown(double value) {
    struct shown made;
    top_number(made.text, value);
    return made;
}

struct shown_time {
    char text[12];
};
static struct shown_time shown_time(double us, uint64_t timed) {
    struct shown_time made;
    top_time(made.text, us, timed);
    return made;
}

/* ---- Lines ------------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static void line(struct top_lines *to, enum top_look look, const char *format,
                                                       ...) {
    if (to->count == TOP_LINES_MAX) return;
    struct top_line *made = &to->lines[to->count++];
    made->look = look;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(made->text, sizeof made->text, format, arguments);
    va_end(arguments);
}

static uint64_t highest_commit(const struct top *top) {
    uint64_t highest = 0;
    for (size_t i = 0; i < top->node_count; i++) {
        const struct top_sample *now = &top->nodes[i].now;
        if (now->answers && now->commit > highest) highest = now->commit;
    }
    return highest;
}

static uint64_t lag_of(const struct top *top, const struct top_sample *now) {
    const uint64_t highest = highest_commit(top);
    return highest > now->applied ? highest - now->applied : 0;
}

/* Who leads in the highest term; NULL = nobody that answers. */
static const struct top_sample *leader_of(const struct top *top) {
    const struct top_sample *leader = NULL;
    for (size_t i = 0; i < top->node_count; i++) {
        const struct top_sample *now = &top->nodes[i].now;
        if (now->answers && strcmp(now->role, "leader") == 0 && (!leader || now->term > leader->term)) leader = now;
    }
    return leader;
}

static void put_title(const struct top *top, struct top_lines *to) {
    const struct top_sample *leader = leader_of(top);
    size_t answer = 0;
    for (size_t i = 0; i < top->node_count; i++) answer += top->nodes[i].now.answers;
    char leads[64] = "nobody leads";
    if (leader)
        (void)snprintf(leads, sizeof leads, "node %" PRIu64 " leads, term %" PRIu64, leader->node, leader->term);
    line(to, TOP_TITLE, "loam top  %s  %zu of %zu nodes answer, %s%s", top->clock, answer, top->node_count, leads,
         top->is_paused ? "  PAUSED" : "");
}

static enum top_look look_of(const struct top *top, const struct top_sample *now) {
    if (strcmp(now->disk, "well") != 0 && now->disk[0]) return TOP_BAD;
    if (lag_of(top, now) >= LAG_HIGH || now->pressure >= PRESSURE_HIGH || now->engine_pressure >= PRESSURE_HIGH)
        return TOP_WARN;
    return strcmp(now->role, "leader") == 0 ? TOP_LEADER : TOP_PLAIN;
}

static void put_raft(const struct top *top, struct top_lines *to) {
    line(to, TOP_HEAD, "%4s %-*s %-10s %6s %11s %7s %7s %9s %9s %9s %9s %7s", "node", NAME_WIDTH, "clients at", "role",
         "term", "applied", "lag", "ops/s", "read p50", "p99", "write p50", "p99", "clients");
    for (size_t i = 0; i < top->node_count; i++) {
        const struct top_node *node = &top->nodes[i];
        const struct top_sample *now = &node->now, *before = &node->before;
        if (!now->answers) {
            line(to, TOP_BAD, "%4s %-*s %s", "?", NAME_WIDTH, node->address, now->why[0] ? now->why : "not asked yet");
            continue;
        }
        line(to, look_of(top, now),
             "%4" PRIu64 " %-*s %-10s %6" PRIu64 " %11" PRIu64 " %7s %7s %9s %9s %9s %9s %7" PRIu64, now->node,
             NAME_WIDTH, node->address, now->role, now->term, now->applied, shown((double)lag_of(top, now)).text,
             shown(top_rate(before, now, before->commands, now->commands)).text,
             shown_time(now->reads.p50_us, now->reads.timed).text, shown_time(now->reads.p99_us, now->reads.timed).text,
             shown_time(now->writes.p50_us, now->writes.timed).text,
             shown_time(now->writes.p99_us, now->writes.timed).text, now->clients);
    }
}

static double hit_percent(const struct top_sample *before, const struct top_sample *now) {
    const double hits = top_rate(before, now, before->cache_hits, now->cache_hits);
    const double misses = top_rate(before, now, before->cache_misses, now->cache_misses);
    return hits + misses > 0 ? hits * 100 / (hits + misses) : 100;
}

static void put_engine(const struct top *top, struct top_lines *to) {
    line(to, TOP_HEAD, "%4s %7s %7s %9s %7s %8s %8s %7s %6s %7s %7s %8s %8s %8s", "node", "in B/s", "out B/s",
         "log B/s", "syncs/s", "log B", "memtable", "cache B", "hit %", "disk B", "debt B", "flushes", "merges",
         "pressure");
    for (size_t i = 0; i < top->node_count; i++) {
        const struct top_sample *now = &top->nodes[i].now, *before = &top->nodes[i].before;
        if (!now->answers) continue;
        const uint64_t pressure = now->pressure > now->engine_pressure ? now->pressure : now->engine_pressure;
        line(to, look_of(top, now),
             "%4" PRIu64 " %7s %7s %9s %7s %8s %8s %7s %6.1f %7s %7s %8" PRIu64 " %8" PRIu64 " %6" PRIu64 " %%",
             now->node, shown(top_rate(before, now, before->input_bytes, now->input_bytes)).text,
             shown(top_rate(before, now, before->output_bytes, now->output_bytes)).text,
             shown(top_rate(before, now, before->log_written_bytes, now->log_written_bytes)).text,
             shown(top_rate(before, now, before->log_syncs, now->log_syncs)).text, shown((double)now->log_bytes).text,
             shown((double)now->memtable_bytes).text, shown((double)now->cache_bytes).text, hit_percent(before, now),
             shown((double)now->disk_bytes).text, shown((double)now->debt_bytes).text, now->flushes, now->compactions,
             pressure / 10);
    }
}

static void put_levels(const struct top *top, struct top_lines *to) {
    line(to, TOP_HEAD, "%4s %13s %13s %13s %13s %13s %13s %13s", "node", "level 0", "1", "2", "3", "4", "5", "6");
    for (size_t i = 0; i < top->node_count; i++) {
        const struct top_sample *now = &top->nodes[i].now;
        if (!now->answers) continue;
        char text[TOP_LINE_BYTES] = "", cell[32];
        for (unsigned level = 0; level < TOP_LEVELS; level++) {
            const uint64_t files = now->levels[level].files;
            (void)snprintf(cell, sizeof cell, files ? "%" PRIu64 " x %s" : "-", files,
                           shown(files ? (double)now->levels[level].bytes / (double)files : 0).text);
            (void)snprintf(text + strlen(text), sizeof text - strlen(text), " %13s", cell);
        }
        line(to, TOP_PLAIN, "%4" PRIu64 "%s", now->node, text);
    }
}

/* The newest rates of one node, a character each, by their share of the highest. */
static void put_spark(const struct top *top, const struct top_node *node, double highest, unsigned cells,
                      struct top_lines *to) {
    static const char *const blocks[] = {" ",      "\u2581", "\u2582", "\u2583", "\u2584",
                                         "\u2585", "\u2586", "\u2587", "\u2588"};
    static const char *const plain[] = {" ", ".", ":", "-", "=", "+", "*", "#", "@"};
    char text[TOP_LINE_BYTES] = "";
    size_t size = 0;
    const unsigned first = node->rate_count > cells ? node->rate_count - cells : 0;
    for (unsigned i = first; i < node->rate_count; i++) {
        const double rate = node->rates[i];
        unsigned height = highest > 0 ? (unsigned)(rate * SPARK_LEVELS / highest + 0.5) : 0;
        if (height == 0 && rate > 0) height = 1;
        if (height > SPARK_LEVELS) height = SPARK_LEVELS;
        const char *cell = top->has_utf8 ? blocks[height] : plain[height];
        if (size + strlen(cell) >= sizeof text - 32) break;
        size += (size_t)snprintf(text + size, sizeof text - size, "%s", cell);
    }
    line(to, TOP_PLAIN, "%4" PRIu64 " %s", node->now.node, text);
}

static void put_history(const struct top *top, unsigned width, struct top_lines *to) {
    double highest = 0;
    const unsigned cells = width > 10 ? width - 6 : 4;
    for (size_t i = 0; i < top->node_count; i++)
        for (unsigned k = 0; k < top->nodes[i].rate_count; k++)
            if (top->nodes[i].rates[k] > highest) highest = top->nodes[i].rates[k];
    line(to, TOP_HEAD, "node ops/s, newest last; the highest is %s", shown(highest).text);
    for (size_t i = 0; i < top->node_count; i++)
        if (top->nodes[i].now.answers) put_spark(top, &top->nodes[i], highest, cells, to);
}

/* A line ends where the screen does, and never within a character. */
static void cut(struct top_line *cut, unsigned width) {
    unsigned columns = 0;
    for (char *at = cut->text; *at; at++) {
        if (((unsigned char)*at & 0xc0) == 0x80) continue;
        if (columns++ == width) {
            *at = 0;
            return;
        }
    }
}

void top_view_make(const struct top *top, unsigned width, unsigned height, struct top_lines *to) {
    to->count = 0;
    put_title(top, to);
    line(to, TOP_PLAIN, "%s", "");
    put_raft(top, to);
    line(to, TOP_PLAIN, "%s", "");
    put_engine(top, to);
    line(to, TOP_PLAIN, "%s", "");
    put_levels(top, to);
    line(to, TOP_PLAIN, "%s", "");
    put_history(top, width, to);
    if (to->count > height) to->count = height;
    for (size_t i = 0; i < to->count; i++) cut(&to->lines[i], width);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static enum status append_latency(struct buf *to, const char *name, const struct top_latency *latency) {
    if (latency->timed == 0) return buf_append_format(to, ", \"%s\": null", name);
    return buf_append_format(to, ", \"%s\": {\"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f}", name,
                             latency->p50_us, latency->p99_us, latency->max_us);
}

static enum status append_levels(struct buf *to, const struct top_sample *now) {
    enum status status = buf_append_format(to, ", \"levels\": [");
    for (unsigned level = 0; status == STATUS_OK && level < TOP_LEVELS; level++)
        status = buf_append_format(to, "%s{\"files\": %" PRIu64 ", \"bytes\": %" PRIu64 "}", level ? ", " : "",
                                   now->levels[level].files, now->levels[level].bytes);
    return status == STATUS_OK ? buf_append_format(to, "]") : status;
}

static enum status append_node(struct buf *to, const struct top *top, const struct top_node *node) {
    const struct top_sample *now = &node->now, *before = &node->before;
    enum status status = buf_append_format(to, "{\"clients_at\": ");
    if (status == STATUS_OK) status = json_text_append(to, node->address);
    if (status == STATUS_OK) status = buf_append_format(to, ", \"answers\": %s", now->answers ? "true" : "false");
    if (status != STATUS_OK || !now->answers) return status == STATUS_OK ? buf_append_byte(to, '}') : status;
    status = buf_append_format(
        to,
        ", \"node\": %" PRIu64 ", \"role\": \"%s\", \"term\": %" PRIu64 ", \"commit\": %" PRIu64
        ", \"applied\": %" PRIu64 ", \"lag\": %" PRIu64 ", \"ops\": %.1f, \"clients\": %" PRIu64
        ", \"input_bytes\": %.0f, \"output_bytes\": %.0f"
        ", \"log_written_bytes\": %.0f, \"log_syncs\": %.1f, \"log_bytes\": %" PRIu64 ", \"memtable_bytes\": %" PRIu64
        ", \"cache_bytes\": %" PRIu64 ", \"hit_percent\": %.1f, \"disk_bytes\": %" PRIu64 ", \"debt_bytes\": %" PRIu64
        ", \"flushes\": %" PRIu64 ", \"compactions\": %" PRIu64 ", \"pressure\": %" PRIu64 ", \"disk\": \"%s\"",
        now->node, now->role, now->term, now->commit, now->applied, lag_of(top, now),
        top_rate(before, now, before->commands, now->commands), now->clients,
        top_rate(before, now, before->input_bytes, now->input_bytes),
        top_rate(before, now, before->output_bytes, now->output_bytes),
        top_rate(before, now, before->log_written_bytes, now->log_written_bytes),
        top_rate(before, now, before->log_syncs, now->log_syncs), now->log_bytes, now->memtable_bytes, now->cache_bytes,
        hit_percent(before, now), now->disk_bytes, now->debt_bytes, now->flushes, now->compactions,
        now->pressure > now->engine_pressure ? now->pressure : now->engine_pressure, now->disk);
    if (status == STATUS_OK) status = append_latency(to, "reads", &now->reads);
    if (status == STATUS_OK) status = append_latency(to, "writes", &now->writes);
    if (status == STATUS_OK) status = append_levels(to, now);
    return status == STATUS_OK ? buf_append_byte(to, '}') : status;
}

enum status top_json_append(struct buf *to, const struct top *top) {
    enum status status = buf_append_format(to, "{\"seconds\": %.3f, \"nodes\": [", (double)top->interval_ms / 1000);
    for (size_t i = 0; status == STATUS_OK && i < top->node_count; i++) {
        status = buf_append_format(to, "%s", i ? ",\n " : "");
        if (status == STATUS_OK) status = append_node(to, top, &top->nodes[i]);
    }
    return status == STATUS_OK ? buf_append_format(to, "]}\n") : status;
}
