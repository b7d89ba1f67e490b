/* event_lines: see event_lines.h. Lines are JSON of a known writer (engine/lsm/FORMAT.md, "Events"); a torn one is
 * none. */
#include "tools/loam/explain/event_lines.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/loam/explain/files.h"

enum { EVENTS_MAX_BYTES = 64 << 20, PATTERN_BYTES = 64 };

static enum status add(struct event_lines *lines, struct io *io, const char *dir, const char *name) {
    char path[IO_PATH_BYTES];
    struct buf bytes = BUF_EMPTY;
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path) return STATUS_TOO_LARGE;
    enum status status = files_read(io, path, EVENTS_MAX_BYTES, &bytes);
    if (status == STATUS_OK) status = buf_append_slice(&lines->text, buf_slice(&bytes));
    buf_deinit(&bytes);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status event_lines_read(struct event_lines *lines, struct io *io, const char *dir) {
    *lines = (struct event_lines){.text = BUF_EMPTY};
    const enum status status = add(lines, io, dir, "EVENTS.1");
    return status == STATUS_OK ? add(lines, io, dir, "EVENTS") : status;
}

void event_lines_deinit(struct event_lines *lines) {
    buf_deinit(&lines->text);
}

static const uint8_t *find(struct slice in, const char *text) {
    return in.size ? memmem(in.data, in.size, text, strlen(text)) : NULL;
}

/* The whole line at *at; goes behind it. */
static bool next_line(struct slice text, size_t *at, struct slice *line) {
    if (*at >= text.size) return false;
    const uint8_t *end = memchr(text.data + *at, '\n', text.size - *at);
    if (!end) return false;
    *line = slice_make(text.data + *at, (size_t)(end - text.data) - *at);
    *at += line->size + 1;
    return true;
}

/* "key":123 */
static uint64_t number_of(struct slice line, const char *key) {
    const uint8_t *at = find(line, key);
    uint64_t number = 0;
    if (!at) return 0;
    for (at += strlen(key); at < line.data + line.size && *at >= '0' && *at <= '9' && number < UINT64_MAX / 16; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    return number;
}

static void take_why(struct slice line, struct event_found *found) {
    const uint8_t *at = find(line, "\"why\":\"");
    size_t size = 0;
    if (!at) return;
    for (at += 7; at < line.data + line.size && *at != '"' && size + 1 < sizeof found->why; at++)
        found->why[size++] = (char)(*at >= 0x20 && *at < 0x7f ? *at : '?');
    found->why[size] = 0;
}

/* The last start of this job before the line at `before`: numbers begin anew with each opening. */
static void find_start(const struct event_lines *lines, const uint8_t *before, uint64_t job, const char *kind,
                       struct event_found *found) {
    const struct slice text = buf_slice(&lines->text);
    char start[PATTERN_BYTES], number[PATTERN_BYTES];
    struct slice line;
    (void)snprintf(start, sizeof start, "\"event\":\"%s start\"", kind);
    (void)snprintf(number, sizeof number, "\"job\":%" PRIu64 ",", job);
    for (size_t at = 0; next_line(text, &at, &line) && line.data < before;)
        if (find(line, start) && find(line, number)) take_why(line, found);
}

bool event_lines_find_made(const struct event_lines *lines, uint64_t file, struct event_found *found) {
    static const char *const kinds[] = {"flush", "compaction", "ingest", "move"};
    const struct slice text = buf_slice(&lines->text);
    char pattern[PATTERN_BYTES], event[PATTERN_BYTES];
    struct slice line;
    *found = (struct event_found){.time_ms = 0};
    (void)snprintf(pattern, sizeof pattern, "{\"file\":%" PRIu64 ",", file);
    for (size_t at = 0; next_line(text, &at, &line);) {
        const uint8_t *output = find(line, "\"output\":[");
        if (!output || !find(slice_make(output, (size_t)(line.data + line.size - output)), pattern)) continue;
        found->time_ms = (int64_t)number_of(line, "\"time_ms\":");
        take_why(line, found);
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
            (void)snprintf(event, sizeof event, "\"event\":\"%s", kinds[i]);
            if (find(line, event)) find_start(lines, line.data, number_of(line, "\"job\":"), kinds[i], found);
        }
        return true;
    }
    return false;
}

bool event_lines_find_removed(const struct event_lines *lines, uint64_t file, struct event_found *found) {
    const struct slice text = buf_slice(&lines->text);
    char pattern[PATTERN_BYTES];
    struct slice line;
    *found = (struct event_found){.time_ms = 0};
    (void)snprintf(pattern, sizeof pattern, "\"event\":\"sweep\",\"file\":%" PRIu64 ",", file);
    for (size_t at = 0; next_line(text, &at, &line);) {
        if (!find(line, pattern)) continue;
        found->time_ms = (int64_t)number_of(line, "\"time_ms\":");
        take_why(line, found);
        return true;
    }
    return false;
}

int64_t event_lines_begin(const struct event_lines *lines) {
    struct slice line;
    size_t at = 0;
    return next_line(buf_slice(&lines->text), &at, &line) ? (int64_t)number_of(line, "\"time_ms\":") : 0;
}
