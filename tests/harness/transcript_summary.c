/*
 * transcript_summary: see the header.
 */
#include "tests/harness/transcript_summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"

static bool is_log_line(struct slice line) {
    static const char *const starts[] = {"INFO ", "DEBUG ", "WARN ", "ERROR ", "raft: "};
    while (line.size > 0 && line.data[0] == ' ') line = slice_from(line, 1);
    for (unsigned i = 0; i < sizeof starts / sizeof *starts; i++) {
        if (slice_has_prefix(line, slice_from_text(starts[i]))) return true;
    }
    return false;
}

static bool take_line(struct slice *text, struct slice *line) {
    if (text->size == 0) return false;
    const uint8_t *newline = memchr(text->data, '\n', text->size);
    size_t size = newline ? (size_t)(newline - text->data) : text->size;
    *line = slice_make(text->data, size);
    *text = slice_from(*text, newline ? size + 1 : size);
    return true;
}

/* Without log lines; nothing left is "ok". */
static void filter(struct slice text, struct buf *to) {
    struct slice line;
    buf_clear(to);
    while (take_line(&text, &line)) {
        if (is_log_line(line)) continue;
        check(buf_append_slice(to, line) == STATUS_OK && buf_append_byte(to, '\n') == STATUS_OK);
    }
    if (to->size == 0) check(buf_append(to, "ok\n", 3) == STATUS_OK);
}

struct transcript_summary {
    char hard_state[TRANSCRIPT_NODES_MAX + 1][64], soft_state[TRANSCRIPT_NODES_MAX + 1][64];
    char log[TRANSCRIPT_NODES_MAX + 1][TRANSCRIPT_LOG_MAX][64];
    uint64_t last[TRANSCRIPT_NODES_MAX + 1];
    struct buf answers; /* of directives that show a state */
};

static void keep(char *to, size_t size, struct slice line) {
    while (line.size > 0 && line.data[0] == ' ') line = slice_from(line, 1);
    snprintf(to, size, "%.*s", (int)line.size, (const char *)line.data);
}

/* Folds the Readies of one answer into the summary. `node`: of process-ready, or 0. */
static void summarize(struct transcript_summary *summary, struct slice text, uint64_t node) {
    struct slice line;
    bool entries = false;
    while (take_line(&text, &line)) {
        char words[128];
        keep(words, sizeof words, line);
        if (words[0] == '>') node = strstr(words, "handling") ? strtoull(words + 2, NULL, 10) : 0;
        if (node == 0 || node > TRANSCRIPT_NODES_MAX) continue;
        bool entry = words[0] >= '0' && words[0] <= '9' && !strstr(words, "->");
        if (!entry) entries = strcmp(words, "Entries:") == 0;
        if (strncmp(words, "HardState", 9) == 0)
            memcpy(summary->hard_state[node], words, sizeof summary->hard_state[node] - 1);
        if (strncmp(words, "Lead:", 5) == 0)
            memcpy(summary->soft_state[node], words, sizeof summary->soft_state[node] - 1);
        if (!entry || !entries) continue;
        const char *slash = strchr(words, '/');
        uint64_t index = slash ? strtoull(slash + 1, NULL, 10) : 0;
        if (index == 0 || index >= TRANSCRIPT_LOG_MAX) continue;
        memcpy(summary->log[node][index], words, sizeof summary->log[node][index] - 1);
        summary->last[node] = index;
    }
}

static bool shows_state(const struct datadriven_case *c) {
    static const char *const names[] = {"status", "raft-log", "raft-state", "compact"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (slice_equal(c->command, slice_from_text(names[i]))) return true;
    }
    return false;
}

void transcript_summary_add(struct transcript_summary *summary, const struct datadriven_case *c, struct slice text) {
    bool one = slice_equal(c->command, slice_from_text("process-ready"));
    if (shows_state(c)) check(buf_append_slice(&summary->answers, text) == STATUS_OK);
    summarize(summary, text, one ? datadriven_number(c->arguments[0].key) : 0);
}

bool transcript_summary_equal(const struct transcript_summary *a, const struct transcript_summary *b) {
    if (!slice_equal(buf_slice(&a->answers), buf_slice(&b->answers))) return false;
    for (unsigned node = 1; node <= TRANSCRIPT_NODES_MAX; node++) {
        if (strcmp(a->hard_state[node], b->hard_state[node]) != 0 ||
            strcmp(a->soft_state[node], b->soft_state[node]) != 0)
            return false;
        if (a->last[node] != b->last[node]) return false;
        for (uint64_t index = 1; index <= a->last[node]; index++) {
            if (strcmp(a->log[node][index], b->log[node][index]) != 0) return false;
        }
    }
    return true;
}

void transcript_compare(const struct datadriven_case *c, struct slice ours, struct raft_transcript_result *result) {
    struct buf filtered[2] = {BUF_EMPTY, BUF_EMPTY};
    filter(ours, &filtered[0]);
    filter(c->expected, &filtered[1]);
    if (!slice_equal(buf_slice(&filtered[0]), buf_slice(&filtered[1]))) {
        if (result->exact) {
            check(buf_append_format(&result->difference, "line %u\nours:\n%.*stheirs:\n%.*s", c->line,
                                    (int)filtered[0].size, (const char *)filtered[0].data, (int)filtered[1].size,
                                    (const char *)filtered[1].data) == STATUS_OK);
        }
        result->exact = false;
    }
    buf_deinit(&filtered[0]);
    buf_deinit(&filtered[1]);
}

struct transcript_summary *transcript_summary_create(void) {
    struct transcript_summary *summary = calloc(1, sizeof *summary);
    check(summary);
    return summary;
}

void transcript_summary_destroy(struct transcript_summary *summary) {
    buf_deinit(&summary->answers);
    free(summary);
}
