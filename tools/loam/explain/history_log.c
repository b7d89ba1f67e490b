/*
 * history_log: the part of `loam explain history` that a log tells. A node's log has operations on names, the engine's
 * own has rows. An entry that was cut, and so replaced by another leader's, stays in the file: it is told as such.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/hash.h"
#include "tools/loam/explain/history.h"
#include "tools/loam/explain/log_walk.h"
#include "tools/loam/explain/touch.h"

enum { LINES_MAX = 100000 };

struct log_line {
    uint64_t index, term, lsn, sequence;
    int64_t time_ms;
    size_t words, words_bytes; /* in log->words */
    bool cut, ignored;         /* ignored: below where the log counts */
};

struct log_reading {
    struct history *history;
    struct log_line *lines;
    size_t count, capacity;
    uint64_t left_out;
    struct buf words, operation;
    uint64_t first, last, commit, strange;
    const struct wal_record *record;
};

static void add_line(struct log_reading *log, const struct log_line *line, struct slice words) {
    if (log->count == LINES_MAX) {
        log->left_out++;
        return;
    }
    if (log->count == log->capacity) {
        const size_t more = log->capacity ? log->capacity * 2 : 64;
        struct log_line *grown = realloc(log->lines, more * sizeof *grown);
        if (!grown) {
            log->history->status = STATUS_NO_MEMORY;
            return;
        }
        log->lines = grown;
        log->capacity = more;
    }
    struct log_line *added = &log->lines[log->count++];
    *added = *line;
    added->words = log->words.size;
    added->words_bytes = words.size;
    if (buf_append_slice(&log->words, words) != STATUS_OK) log->history->status = STATUS_NO_MEMORY;
}

/* ---- A node's ---------------------------------------------------------------------------------------------------- */

static void cut(struct log_reading *log, uint64_t index) {
    for (size_t i = log->count; i > 0 && log->lines[i - 1].index >= index; i--) log->lines[i - 1].cut = true;
}

static enum status take_entry(void *context, const struct wal_record *record) {
    struct log_reading *log = context;
    struct history *history = log->history;
    struct touch touch;
    const bool ignored = record->lsn < history->directory.log_from;
    const enum status status = touch_judge(record, slice_from_text(history->typed), &touch, &log->operation);
    if (status != STATUS_OK) return status;
    if (touch.kind == TOUCH_STRANGE) log->strange++;
    if (touch.kind == TOUCH_CUT && !ignored) cut(log, touch.index);
    if (touch.kind == TOUCH_COMMIT && touch.index > log->commit) log->commit = touch.index;
    if (touch.kind != TOUCH_ENTRY) return history->status;
    if (log->first == 0 && !ignored) log->first = touch.index;
    if (!ignored) log->last = touch.index;
    if (touch.touches && !history->subject->tree) {
        const struct log_line line = {
            .index = touch.index, .term = touch.term, .lsn = record->lsn, .time_ms = touch.time_ms, .ignored = ignored};
        add_line(log, &line, buf_slice(&log->operation));
    }
    return history->status;
}

/* ---- The engine's own -------------------------------------------------------------------------------------------- */

static void take_operation(void *context, const struct engine_batch_event *event) {
    struct log_reading *log = context;
    struct buf words = BUF_EMPTY;
    const struct log_line line = {.index = event->mark.index,
                                  .term = event->mark.term,
                                  .lsn = log->record->lsn,
                                  .sequence = event->sequence,
                                  .time_ms = event->mark.time_ms};
    history_say(log->history, &words, "%s of sequence %" PRIu64, event->words, event->sequence);
    if (event->value.size) {
        history_say(log->history, &words, ": ");
        history_say_value(log->history, &words, event->value, ROW_VALUE);
    }
    add_line(log, &line, buf_slice(&words));
    buf_deinit(&words);
}

static enum status take_batch(void *context, const struct wal_record *record) {
    struct log_reading *log = context;
    struct engine_mark mark = {.index = 0};
    log->record = record;
    if (engine_explain_batch(record->payload, log->history->subject->tree_id, buf_slice(&log->history->key),
                             take_operation, log) != STATUS_OK)
        log->strange++;
    if (engine_batch_mark(record->payload, &mark) == STATUS_OK) {
        if (log->first == 0) log->first = mark.index;
        log->last = mark.index;
    }
    return log->history->status;
}

static enum status take_damage(void *context, const char *text, bool torn) {
    struct log_reading *log = context;
    struct history *history = log->history;
    if (torn)
        history_say(history, &history->unknown, "the log has a torn tail, which was never acknowledged: %s\n", text);
    else
        history_say(history, &history->damage,
                    "damage: %s\n    Lost: what the log says from there to the end of the segment; other segments are "
                    "read\n",
                    text);
    return history->status;
}

/* ---- Telling ----------------------------------------------------------------------------------------------------- */

static const char *fate(const struct log_reading *log, const struct log_line *line) {
    if (line->cut) return ": cut, and replaced by another leader's";
    if (line->ignored) return ": of before the log was begun anew, it does not count";
    if (log->history->is_node && line->index > log->commit) return ": not known to be committed";
    return "";
}

/* Which flush took it into tables; NULL: none has. */
static const struct history_mark *find_flush(const struct history *history, uint64_t index) {
    for (size_t i = 0; i < history->mark_count; i++)
        if (history->marks[i].index >= index) return &history->marks[i];
    return NULL;
}

static void say_flush(struct history *history, const struct log_line *line) {
    const struct history_mark *mark = find_flush(history, line->index);
    struct buf *to = &history->log.text;
    if (line->cut || line->ignored || history->edit == 0) return;
    if (mark == NULL && history->uncertain)
        history_say(history, to, "; by the edits that can be read, in no table");
    else if (mark == NULL)
        history_say(history, to, "; in no table yet");
    else if (!mark->is_flush)
        history_say(history, to, "; in tables since before edit %" PRIu64, mark->edit);
    else if (mark->file)
        history_say(history, to, "; in tables since edit %" PRIu64 ", in file %" PRIu64 " if it changed the key",
                    mark->edit, mark->file);
    else
        history_say(history, to, "; in tables since edit %" PRIu64 ", where it left nothing of the key", mark->edit);
}

static void say_line(struct log_reading *log, const struct log_line *line) {
    struct history *history = log->history;
    struct buf *to = &history->log.text;
    const struct slice words = slice_make(log->words.data + line->words, line->words_bytes);
    const uint64_t offset = line->lsn & UINT32_MAX, segment = line->lsn >> 32;
    history_say(history, to, "  %s %" PRIu64, history->is_node ? "entry" : "batch", line->index);
    if (history->is_node) history_say(history, to, ", term %" PRIu64, line->term);
    history_say_time(history, to, line->time_ms);
    history_say(history, to, ", segment %08" PRIx64 " offset %" PRIu64 ": %.*s%s", segment, offset, (int)words.size,
                (const char *)words.data, fate(log, line));
    say_flush(history, line);
    history_say(history, to, "\n");
    struct json *json = &history->log.json;
    struct buf copy = BUF_EMPTY;
    json_open_object(json, NULL);
    json_number(json, "index", line->index);
    json_number(json, "term", line->term);
    json_number(json, "log_time_ms", (uint64_t)line->time_ms);
    json_number(json, "segment", segment);
    json_number(json, "offset", offset);
    json_note(json, buf_append_slice(&copy, words));
    json_buf(json, "operation", &copy);
    json_bool(json, "cut", line->cut || line->ignored);
    const struct history_mark *mark = find_flush(history, line->index);
    if (mark) json_number(json, "flush_edit", mark->edit);
    if (mark && mark->file) json_number(json, "flush_file", mark->file);
    json_bool(json, "committed", !history->is_node || line->index <= log->commit);
    json_close_object(json);
    buf_deinit(&copy);
}

static void say_log(struct log_reading *log, const struct log_walk *walk) {
    struct history *history = log->history;
    struct buf *to = &history->log.text;
    const char *what = history->is_node ? "entries" : "batches";
    history_say(history, to, "log %s: ", walk->dir);
    if (log->first == 0) {
        history_say(history, to, "no %s that can be read\n", what);
    } else {
        history_say(history, to, "%s %" PRIu64 " to %" PRIu64, what, log->first, log->last);
        if (history->is_node) history_say(history, to, ", known to be committed up to %" PRIu64, log->commit);
        history_say(history, to, "\n");
    }
    if (history->is_node && history->subject->tree)
        history_say(history, to, "  a node's log holds operations on names, not rows: without --tree it is searched\n");
    for (size_t i = 0; i < log->count; i++) say_line(log, &log->lines[i]);
    if (log->left_out) history_say(history, to, "  %" PRIu64 " more are left out\n", log->left_out);
    if (log->count == 0 && !(history->is_node && history->subject->tree))
        history_say(history, to, "  nothing in it touches the key\n");
    if (log->first > 1)
        history_say(history, &history->unknown,
                    "the log was cut below %s %" PRIu64 ": who wrote before is not known any more, only what is in "
                    "tables\n",
                    history->is_node ? "entry" : "batch", log->first);
    if (log->strange)
        history_say(history, &history->damage,
                    "damage: %s: %" PRIu64 " records are sound as such, and not of such a log\n", walk->dir,
                    log->strange);
}

enum status history_of_log(struct history *history, struct error *error) {
    struct log_reading log = {.history = history};
    char dir[IO_PATH_BYTES + 8];
    struct log_walk walk = {.io = history->subject->store.io, .dir = dir, .damage = take_damage, .context = &log};
    if (history->is_node) {
        walk.record = take_entry;
        walk.owner = hash_mix(history->directory.identity.incarnation, history->directory.identity.node_id);
        (void)snprintf(dir, sizeof dir, "%s", history->directory.log);
    } else {
        walk.record = take_batch;
        walk.owner = history->store;
        (void)snprintf(dir, sizeof dir, "%s/wal", history->subject->where);
    }
    enum status status = log_walk_run(&walk);
    if (status == STATUS_NOT_FOUND && !history->is_node) {
        status = STATUS_OK; /* an owner keeps it */
        history_say(history, &history->unknown,
                    "the store has no log of its own: writes are in that of the node that it belongs to\n");
    } else if (status == STATUS_NOT_FOUND) {
        status = STATUS_OK;
        history_say(history, &history->damage, "damage: %s: not there: the node's log is gone\n", dir);
    } else if (status == STATUS_OK) {
        say_log(&log, &walk);
    }
    if (status != STATUS_OK) error_set(error, status, "%s: %s", dir, status_text(status));
    free(log.lines);
    buf_deinit(&log.words);
    buf_deinit(&log.operation);
    return status;
}
