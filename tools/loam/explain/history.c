/*
 * history: `loam explain history`: which write brought a key, which flush and compaction moved it, what dropped it, as
 * far as manifest, tables, log and events still tell. Each is read by itself, so that damage of one leaves the others.
 */
#include "tools/loam/explain/history.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/loam/commands.h"
#include "tools/loam/explain/damage.h"
#include "tools/loam/explain/explain.h"
#include "tools/loam/explain/step_json.h"
#include "tools/loam/explain/step_text.h"
#include "tools/loam/inspect/row_text.h"
#include "tools/loam/out.h"
#include "tools/loam/terminal.h"

enum { VALUE_SHOWN = 160 };

/* ---- Words ------------------------------------------------------------------------------------------------------- */

void telling_init(struct telling *telling) {
    *telling = (struct telling){.text = BUF_EMPTY};
    telling->json = (struct json){.to = &telling->items};
}

void telling_deinit(struct telling *telling) {
    buf_deinit(&telling->text);
    buf_deinit(&telling->items);
}

void history_say(struct history *history, struct buf *to, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const enum status status = buf_append_list(to, format, arguments);
    va_end(arguments);
    if (status != STATUS_OK) history->status = status;
}

void history_say_time(struct history *history, struct buf *to, int64_t time_ms) {
    char text[OUT_WORDS_BYTES];
    if (time_ms > 0) history_say(history, to, " %s", time_words(time_ms, text));
}

void history_say_value(struct history *history, struct buf *to, struct slice value, enum row_form form) {
    static const char arrow[] = " -> ";
    struct buf row = BUF_EMPTY, key = BUF_EMPTY;
    const struct row_describer *rows = history->subject->rows;
    enum status status = key_text_append(&key, rows, buf_slice(&history->key), NULL);
    if (status == STATUS_OK) status = row_text_append(&row, rows, buf_slice(&history->key), value, form, NULL);
    struct slice words = buf_slice(&row);
    const size_t head = key.size + sizeof arrow - 1;
    words = rows && words.size >= head ? slice_from(words, head) : words;
    if (!rows && words.size >= head) words = slice_from(words, head);
    const bool long_one = words.size > VALUE_SHOWN;
    if (long_one) words.size = VALUE_SHOWN;
    if (status == STATUS_OK) status = buf_append_slice(to, words);
    if (status == STATUS_OK && long_one) status = buf_append_format(to, " ..");
    if (status != STATUS_OK) history->status = status;
    buf_deinit(&row);
    buf_deinit(&key);
}

/* ---- Now --------------------------------------------------------------------------------------------------------- */

/* What a get answers, and why: the same that `explain get` tells at length. */
static void say_now(struct history *history) {
    struct subject *subject = history->subject;
    struct engine_value value;
    struct steps steps;
    if (!subject->is_open) {
        history_say(history, &history->now, "now: no get can be answered: %s\n", subject->error.text);
        return;
    }
    steps_init(&steps, subject->rows);
    steps.wanted = buf_slice(&history->key);
    engine_explain(subject->store.engine, &steps.watch);
    const enum status status =
        engine_explain_get(subject->store.engine, subject->tree_id, buf_slice(&history->key), &value);
    engine_explain(subject->store.engine, NULL);
    history_say(history, &history->now,
                "now%s: ", subject->store.whole.status != STATUS_OK ? ", of the store alone" : "");
    if (status == STATUS_OK) {
        history_say_value(history, &history->now, value.data, ROW_VALUE);
        engine_value_release(&value);
    } else {
        history_say(history, &history->now, "%s", status == STATUS_NOT_FOUND ? "nothing" : status_text(status));
    }
    history_say(history, &history->now, "; ");
    if (step_text_why(&history->now, &steps) != STATUS_OK) history->status = STATUS_NO_MEMORY;
    history_say(history, &history->now, "\n");
    if (subject_is_damage(status) && damage_add_of_read(&history->damage, subject, &steps, status) != STATUS_OK)
        history->status = STATUS_NO_MEMORY;
    steps_deinit(&steps);
}

/* ---- All of it --------------------------------------------------------------------------------------------------- */

/* A store that does not open has its key all the same, where a seed or no name is asked for. */
static enum status find_key(struct history *history, enum status opened, struct error *error) {
    struct subject *subject = history->subject;
    struct error ignored;
    history->is_node = raft_directory_read(subject->store.io, subject->dir, &history->directory, &ignored) == STATUS_OK;
    if (history->is_node && !subject->tree)
        return names_row_key(history->directory.identity.cluster_id, slice_from_text(history->typed), &history->key);
    if (subject->is_open || subject->tree) {
        const enum status status = subject_key(subject, history->typed, &history->key);
        if (status != STATUS_OK) *error = subject->error;
        return status;
    }
    return error_set(error, opened,
                     "%s; and a name can't be found without its node's seed: give the node's directory, or --tree",
                     subject->error.text);
}

static enum status read_all(struct history *history, struct error *error) {
    struct subject *subject = history->subject;
    const enum status opened = subject_open(subject);
    if (!subject->store.io || opened == STATUS_INVALID || subject->where[0] == 0 ||
        (opened == STATUS_NOT_FOUND && !subject->is_open && subject->store.io == NULL)) {
        *error = subject->error;
        return opened;
    }
    enum status status = find_key(history, opened, error);
    if (status == STATUS_OK && subject->is_open) status = damage_add_of_opening(&history->damage, subject);
    if (status == STATUS_OK) status = event_lines_read(&history->events, subject->store.io, subject->where);
    if (status == STATUS_OK) status = history_of_files(history, error);
    if (status == STATUS_NOT_FOUND && history->is_node) { /* the store is gone: the log may tell */
        history_say(history, &history->damage, "damage: %s\n", subject->error.text);
        status = STATUS_OK;
    }
    if (status == STATUS_OK) status = history_of_log(history, error);
    if (status == STATUS_OK) say_now(history);
    const char *advice = subject_advice(subject);
    if (status == STATUS_OK && history->damage.size &&
        !memmem(history->damage.data, history->damage.size, advice, strlen(advice)))
        history_say(history, &history->damage, "    %s\n", advice);
    return status == STATUS_OK ? history->status : status;
}

static enum status tell(struct history *history) {
    struct buf text = BUF_EMPTY;
    char room[32];
    history_say(history, &text, "history of ");
    enum status status = key_text_append(&text, history->subject->rows, buf_slice(&history->key), NULL);
    history_say(history, &text, ", tree %s (%" PRIu32 ")\n", subject_tree_name(history->subject, room),
                history->subject->tree_id);
    const struct buf *const parts[] = {&history->edits.text, NULL, &history->tables.text, &history->log.text,
                                       &history->now};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && status == STATUS_OK; i++)
        status = parts[i] ? buf_append_slice(&text, buf_slice(parts[i])) : buf_append_format(&text, "tables\n");
    if (status == STATUS_OK && history->unknown.size) status = buf_append_format(&text, "not known any more\n");
    for (size_t at = 0; at < history->unknown.size && status == STATUS_OK;) {
        const uint8_t *line = history->unknown.data + at;
        const uint8_t *end = memchr(line, '\n', history->unknown.size - at);
        const size_t size = end ? (size_t)(end - line) + 1 : history->unknown.size - at;
        status = buf_append_format(&text, "  %.*s", (int)size, (const char *)line);
        at += size;
    }
    if (status == STATUS_OK) status = buf_append_slice(&text, buf_slice(&history->damage));
    if (status == STATUS_OK) terminal_print(buf_slice(&text));
    buf_deinit(&text);
    return status;
}

static void add_items(struct json *json, const char *name, const struct telling *telling) {
    json_open_array(json, name);
    json_note(json, telling->json.status);
    json_note(json, buf_append_slice(json->to, slice_make(telling->items.data, telling->items.size)));
    json_close_array(json);
}

static enum status tell_json(struct history *history) {
    struct buf text = BUF_EMPTY;
    struct json json;
    json_begin(&json, &text);
    step_json_subject(&json, history->subject, "history");
    json_slice(&json, "key", buf_slice(&history->key), history->subject->rows);
    add_items(&json, "edits", &history->edits);
    add_items(&json, "tables", &history->tables);
    add_items(&json, "log", &history->log);
    json_lines(&json, "now", &history->now);
    json_lines(&json, "unknown", &history->unknown);
    json_lines(&json, "damage", &history->damage);
    const enum status status = json_end(&json);
    if (status == STATUS_OK) terminal_print(buf_slice(&text));
    buf_deinit(&text);
    return status;
}

int explain_history(struct subject *subject, const char *key) {
    struct history history = {.subject = subject, .typed = key};
    struct error error = {.status = STATUS_OK};
    telling_init(&history.edits);
    telling_init(&history.tables);
    telling_init(&history.log);
    enum status status = read_all(&history, &error);
    if (status == STATUS_OK) {
        status = subject->json ? tell_json(&history) : tell(&history);
    } else {
        subject->error = error;
        step_json_failure(subject, status);
    }
    const bool damaged = history.damage.size > 0 || subject_is_damage(status);
    telling_deinit(&history.edits);
    telling_deinit(&history.tables);
    telling_deinit(&history.log);
    event_lines_deinit(&history.events);
    free(history.marks);
    buf_deinit(&history.key);
    buf_deinit(&history.damage);
    buf_deinit(&history.unknown);
    buf_deinit(&history.now);
    subject_close(subject);
    return damaged ? EXIT_CORRUPT : status == STATUS_OK ? EXIT_CLEAN : EXIT_FAILED;
}
