/*
 * report: fields, facts and problems gathered as text, printed in one go. Invariant: next never passes the end of the
 * bytes.
 */
#include "tools/loam/inspect/report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "engine/base/check.h"
#include "tools/loam/inspect/image.h"
#include "tools/loam/inspect/inspect_page.h"
#include "tools/loam/json_text.h"
#include "tools/loam/terminal.h"

enum { LINE_BYTES = 16, SHOWN_BYTES = 256, WORDS_BYTES = 512, STREAM_BYTES = 64 << 10 };

void report_init(struct report *report, enum report_form form, struct slice bytes) {
    *report = (struct report){.form = form, .bytes = bytes, .fields_wanted = form != REPORT_SUMMARY};
}

void report_deinit(struct report *report) {
    buf_deinit(&report->facts);
    buf_deinit(&report->fields);
    buf_deinit(&report->problems);
    buf_deinit(&report->rows);
    buf_deinit(&report->parts);
    buf_deinit(&report->part);
}
void report_set_range(struct report *report, uint64_t begin, uint64_t end) {
    check(begin < end && end <= report->bytes.size);
    report->is_ranged = true;
    report->range_begin = begin;
    report->range_end = end;
}

void report_need(struct report *report, uint64_t offset, uint64_t size) {
    if (!report->image || image_need(report->image, offset, size)) return;
    report_problem(report, REPORT_CORRUPT, offset, "these %" PRIu64 " bytes, or some of them, can't be read: %s", size,
                   status_text(report->image->failed));
}

static void keep(struct report *report, enum status status) {
    if (status != STATUS_OK) report->no_memory = true;
}

static void put_json(struct report *report, struct buf *to, const char *text) {
    keep(report, json_text_append(to, text));
}

/* Ways to show it to a person (ECMA-48, 8.3.117). */
static const char bold[] = "\033[1m", faint[] = "\033[2m", red[] = "\033[31m", green[] = "\033[32m", usual[] = "\033[m";

static const char *colour(const struct report *report, const char *code) {
    return report->has_colours ? code : "";
}

static bool is_json(const struct report *report) {
    return report->form == REPORT_JSON || report->form == REPORT_PAGE;
}

/* ---- Parts ------------------------------------------------------------------------------------------------------- */

static const char *check_name(enum report_check check) {
    static const char *const names[] = {
        [REPORT_UNCHECKED] = "none", [REPORT_RIGHT] = "right", [REPORT_WRONG] = "wrong"};
    return names[check];
}

static const char *part_words(const struct report *report) {
    return report->part.size ? (const char *)report->part.data : "file";
}

/* In JSON; the bytes before the next part are its own. */
static void end_part(struct report *report) {
    struct buf *to = &report->parts;
    const uint64_t size = report->next - report->part_begin;
    if (!is_json(report) || size == 0 || !report_shows(report, report->part_begin, size)) return;
    keep(report,
         buf_append_format(to, "%s\n    {\"offset\":%" PRIu64 ",\"size\":%" PRIu64 ",\"check\":\"%s\",\"name\":",
                           to->size ? "," : "", report->part_begin, size, check_name(report->part_check)));
    put_json(report, to, part_words(report));
    keep(report, buf_append_byte(to, '}'));
}

void report_part(struct report *report, enum report_check check, const char *format, ...) {
    char words[WORDS_BYTES];
    if (!report->fields_wanted) return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    if (check == report->part_check && report->part.size && strcmp(words, part_words(report)) == 0) return;
    end_part(report);
    buf_clear(&report->part);
    keep(report, buf_append(&report->part, words, strlen(words) + 1));
    report->part_begin = report->next;
    report->part_check = check;
    report->part_is_told = false;
}

void report_pass(struct report *report, uint64_t to) {
    check(report->is_ranged && to >= report->next && to <= report->bytes.size);
    if (to == report->next) return;
    end_part(report);
    buf_clear(&report->part);
    report->next = report->part_begin = to;
}

static void tell_part(struct report *report) {
    if (report->part_is_told || !report->part.size) return;
    report->part_is_told = true;
    static const char *const words[] = {
        [REPORT_UNCHECKED] = "", [REPORT_RIGHT] = " (its check is right)", [REPORT_WRONG] = " (its check is WRONG)"};
    keep(report,
         buf_append_format(&report->fields, "%s-- %s%s%s%s%s\n", colour(report, bold), part_words(report),
                           colour(report, usual), colour(report, report->part_check == REPORT_WRONG ? red : green),
                           words[report->part_check], colour(report, usual)));
}

/* ---- Fields ------------------------------------------------------------------------------------------------------ */

/* The bytes of a field that are shown: of a long run the beginning, or what lies in the range. */
static struct slice shown_of(const struct report *report, uint64_t offset, uint64_t size, bool *is_zero) {
    uint64_t begin = offset, end = offset + size;
    if (report->is_ranged && begin < report->range_begin) begin = report->range_begin;
    if (report->is_ranged && end > report->range_end) end = report->range_end;
    const uint8_t *bytes = report->bytes.data + begin;
    const uint64_t left = end - begin;
    *is_zero = bytes[0] == 0 && memcmp(bytes, bytes + 1, (size_t)left - 1) == 0;
    const uint64_t limit = *is_zero ? 2 * LINE_BYTES : report->is_ranged ? left : SHOWN_BYTES;
    return slice_make(bytes, (size_t)(left > limit ? limit : left));
}

/* One line for each sixteen bytes; the words stand on the first. */
static void put_hex(struct report *report, uint64_t offset, uint64_t size, const char *name, const char *words) {
    struct buf *to = &report->fields;
    bool zero;
    const struct slice shown = shown_of(report, offset, size, &zero);
    const uint64_t first = (uint64_t)(shown.data - report->bytes.data);
    for (uint64_t at = 0; at < shown.size; at += LINE_BYTES) {
        keep(report,
             buf_append_format(to, "%s%08" PRIx64 "%s ", colour(report, faint), first + at, colour(report, usual)));
        for (uint64_t i = at; i < at + LINE_BYTES; i++) {
            if (i < shown.size) keep(report, buf_append_format(to, " %02x", shown.data[i]));
            if (i >= shown.size && at == 0) keep(report, buf_append(to, "   ", 3));
        }
        if (at == 0) keep(report, buf_append_format(to, "  %s%s%s", name, *words ? ": " : "", words));
        if (at == 0 && first > offset)
            keep(report, buf_append_format(to, " (from its byte %" PRIu64 " on)", first - offset));
        keep(report, buf_append_byte(to, '\n'));
    }
    const uint64_t left = offset + size - first - shown.size;
    if (left > 0)
        keep(report,
             buf_append_format(to, "          .. %" PRIu64 " bytes more of it%s\n", left, zero ? ", all zero" : ""));
}

/* What has gathered of a long list, out of memory. */
static void stream(struct report *report) {
    if (!report->streams || report->fields.size < STREAM_BYTES) return;
    terminal_print(buf_slice(&report->fields));
    buf_clear(&report->fields);
}

void report_field(struct report *report, uint64_t size, const char *name, const char *format, ...) {
    uint64_t offset = report->next;
    check(size <= report->bytes.size - offset);
    report->next += size;
    if (!report->fields_wanted || size == 0 || !report_shows(report, offset, size)) return;
    report_need(report, offset, size);
    char words[WORDS_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    if (report->form == REPORT_HEX) {
        tell_part(report);
        put_hex(report, offset, size, name, words);
        stream(report);
        return;
    }
    struct buf *to = &report->fields;
    keep(report, buf_append_format(to, "%s\n    {\"offset\":%" PRIu64 ",\"size\":%" PRIu64 ",\"name\":",
                                   to->size ? "," : "", offset, size));
    put_json(report, to, name);
    if (*words) {
        keep(report, buf_append_format(to, ",\"value\":"));
        put_json(report, to, words);
    }
    keep(report, buf_append_byte(to, '}'));
}

void report_fact(struct report *report, const char *name, const char *format, ...) {
    char words[WORDS_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    struct buf *to = &report->facts;
    if (!is_json(report)) {
        keep(report, buf_append_format(to, "  %-16s %s\n", name, words));
        return;
    }
    keep(report, buf_append_format(to, "%s\n    ", to->size ? "," : ""));
    put_json(report, to, name);
    keep(report, buf_append_byte(to, ':'));
    put_json(report, to, words);
}

void report_problem(struct report *report, enum report_verdict verdict, uint64_t offset, const char *format, ...) {
    char words[WORDS_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    if (report->verdict != REPORT_CORRUPT) report->verdict = verdict; /* corruption outweighs a torn tail */
    struct buf *to = &report->problems;
    const char *name = verdict == REPORT_TORN ? "torn" : "corrupt";
    if (!is_json(report)) {
        keep(report, buf_append_format(to, "%s  %s at offset %" PRIu64 ": %s%s\n", colour(report, red), name, offset,
                                       words, colour(report, usual)));
        return;
    }
    keep(report, buf_append_format(to, "%s\n    {\"verdict\":\"%s\",\"offset\":%" PRIu64 ",\"text\":",
                                   to->size ? "," : "", name, offset));
    put_json(report, to, words);
    keep(report, buf_append_byte(to, '}'));
}

void report_line(struct report *report, struct slice line) {
    if (report->form != REPORT_HEX) return;
    keep(report, buf_append_format(&report->fields, "          "));
    keep(report, buf_append_slice(&report->fields, line));
    keep(report, buf_append_byte(&report->fields, '\n'));
}

void report_row_begin(struct report *report, uint64_t unit, uint64_t entry, const char *kind, uint64_t sequence,
                      const char *tree) {
    struct buf *to = &report->rows;
    keep(report, buf_append_format(to,
                                   "%s\n    {\"unit\":%" PRIu64 ",\"entry\":%" PRIu64
                                   ",\"kind\":\"%s\",\"sequence\":%" PRIu64 ",\"tree\":\"%s\",\"key\":[",
                                   to->size ? "," : "", unit, entry, kind, sequence, tree));
    report->row_fields = 0;
}

void report_row_field(struct report *report, size_t size, const char *name, const char *words) {
    struct buf *to = &report->rows;
    keep(report, buf_append_format(to, "%s{\"size\":%zu,\"name\":", report->row_fields++ ? "," : "", size));
    put_json(report, to, name);
    keep(report, buf_append_format(to, ",\"value\":"));
    put_json(report, to, words);
    keep(report, buf_append_byte(to, '}'));
}

void report_row_value(struct report *report) {
    keep(report, buf_append_format(&report->rows, "],\"value\":["));
    report->row_fields = 0;
}

void report_row_end(struct report *report) {
    keep(report, buf_append_format(&report->rows, "]}"));
}

static void print_buf(struct report *report, struct buf *buf) {
    keep(report, buf_append_byte(buf, 0)); /* the texts hold no zero byte of their own */
    if (buf->size && buf->data[buf->size - 1] == 0) (void)fputs((const char *)buf->data, stdout);
}

static void put(struct report *report, struct buf *to, struct slice text) {
    keep(report, buf_append_slice(to, text));
}

static void make_object(struct report *report, const char *kind, const char *path, struct buf *to) {
    static const char *const verdicts[] = {
        [REPORT_CLEAN] = "clean", [REPORT_CORRUPT] = "corrupt", [REPORT_TORN] = "torn"};
    end_part(report);
    keep(report, buf_append_format(to, "{\"file\":"));
    put_json(report, to, path);
    keep(report, buf_append_format(to, ",\"kind\":\"%s\",\"bytes\":%zu,\"verdict\":\"%s\",\n  ", kind,
                                   report->bytes.size, verdicts[report->verdict]));
    if (report->is_ranged)
        keep(report, buf_append_format(to, "\"range\":{\"offset\":%" PRIu64 ",\"size\":%" PRIu64 "},\n  ",
                                       report->range_begin, report->range_end - report->range_begin));
    keep(report, buf_append_format(to, "\"facts\":{"));
    put(report, to, buf_slice(&report->facts));
    keep(report, buf_append_format(to, "},\n  \"problems\":["));
    put(report, to, buf_slice(&report->problems));
    keep(report, buf_append_format(to, "],\n  \"parts\":["));
    put(report, to, buf_slice(&report->parts));
    keep(report, buf_append_format(to, "],\n  \"fields\":["));
    put(report, to, buf_slice(&report->fields));
    keep(report, buf_append_format(to, "],\n  \"rows\":["));
    put(report, to, buf_slice(&report->rows));
    keep(report, buf_append_format(to, "]}\n"));
}

/* The object, or a page that holds it. */
static void print_object(struct report *report, const char *kind, const char *path) {
    struct buf object = BUF_EMPTY, page = BUF_EMPTY;
    make_object(report, kind, path, &object);
    const struct slice shown = report->is_ranged ? slice_make(report->bytes.data + report->range_begin,
                                                              (size_t)(report->range_end - report->range_begin))
                                                 : report->bytes;
    if (report->form == REPORT_PAGE) keep(report, inspect_page_make(&page, buf_slice(&object), shown));
    terminal_print(buf_slice(report->form == REPORT_PAGE ? &page : &object));
    buf_deinit(&object);
    buf_deinit(&page);
}

static void print_head(struct report *report, const char *kind, const char *path) {
    printf("%s: %s, %zu bytes", path, kind, report->bytes.size);
    if (report->is_ranged) printf("; shown: %" PRIu64 " to %" PRIu64, report->range_begin, report->range_end - 1);
    printf("\n");
    print_buf(report, &report->facts);
    print_buf(report, &report->problems);
}

void report_print(struct report *report, const char *kind, const char *path) {
    check(report->next == report->bytes.size);
    if (is_json(report)) {
        print_object(report, kind, path);
    } else {
        if (!report->streams) print_head(report, kind, path);
        print_buf(report, &report->fields);
    }
    if (report->no_memory) (void)fprintf(stderr, "loam inspect: %s: out of memory; what is shown has gaps\n", path);
}

void report_text(char *to, size_t capacity, struct slice bytes, size_t limit) {
    size_t at = 0;
    size_t shown = bytes.size < limit ? bytes.size : limit;
    to[0] = 0;
    for (size_t i = 0; i < shown && at + 8 < capacity; i++) {
        uint8_t byte = bytes.data[i];
        bool plain = byte >= 0x20 && byte < 0x7f && byte != '\\' && byte != '"';
        at += (size_t)snprintf(to + at, capacity - at, plain ? "%c" : "\\x%02x", byte);
    }
    if (shown < bytes.size) snprintf(to + at, capacity - at, "..");
}
