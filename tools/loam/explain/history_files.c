/* history_files: the part of `loam explain history` that manifest, tables and events tell. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/loam/explain/history.h"
#include "tools/loam/explain/step_text.h"

enum { TRIES_MAX = 10 };

/* ---- Edits ------------------------------------------------------------------------------------------------------- */

static void say_manifest(struct history *history, const struct engine_history_event *event) {
    history->store = event->store;
    history_say(history, &history->edits.text, "manifest, from edit %" PRIu64 " on\n", event->edit);
    if (event->edit > 1)
        history_say(history, &history->unknown,
                    "the manifest was begun anew at edit %" PRIu64
                    ": which flushes and compactions came before is known from events alone\n",
                    event->edit);
}

static void note_mark(struct history *history, const struct engine_history_event *event) {
    if (history->mark_count == history->mark_capacity) {
        const size_t more = history->mark_capacity ? history->mark_capacity * 2 : 64;
        struct history_mark *grown = realloc(history->marks, more * sizeof *grown);
        if (!grown) {
            history->status = STATUS_NO_MEMORY;
            return;
        }
        history->marks = grown;
        history->mark_capacity = more;
    }
    history->marks[history->mark_count++] = (struct history_mark){
        .edit = event->edit, .index = event->mark.index, .is_flush = strcmp(event->cause, "flush") == 0};
}

static void say_edit(struct history *history, const struct engine_history_event *event) {
    history->edit = event->edit;
    if (event->has_mark) note_mark(history, event);
    if (!event->touches) return;
    struct buf *to = &history->edits.text;
    history_say(history, to, "  edit %" PRIu64 ", %s", event->edit, event->cause);
    if (event->job) history_say(history, to, ", job %" PRIu64, event->job);
    if (event->has_mark)
        history_say(history, to, ": all up to entry %" PRIu64 " (term %" PRIu64 ", sequence %" PRIu64 ") is in tables",
                    event->mark.index, event->mark.term, event->last_sequence);
    history_say(history, to, "\n");
    struct json *json = &history->edits.json;
    json_open_object(json, NULL);
    json_text(json, "what", "edit");
    json_number(json, "edit", event->edit);
    json_text(json, "cause", event->cause);
    json_number(json, "job", event->job);
    if (event->has_mark) json_number(json, "index", event->mark.index);
    if (event->has_mark) json_number(json, "term", event->mark.term);
    json_close_object(json);
}

static void say_tree(struct history *history, const struct engine_history_event *event) {
    history_say(history, &history->edits.text, "      the tree is %s\n",
                event->added ? "made" : "dropped, with all that it held");
    json_open_object(&history->edits.json, NULL);
    json_text(&history->edits.json, "what", event->added ? "tree made" : "tree dropped");
    json_close_object(&history->edits.json);
}

static void say_file(struct history *history, const struct engine_history_event *event) {
    struct buf *to = &history->edits.text;
    struct event_found found;
    if (event->added && history->mark_count && history->marks[history->mark_count - 1].edit == history->edit)
        history->marks[history->mark_count - 1].file = event->file;
    history_say(history, to, "      file %" PRIu64 " %s level %" PRIu32, event->file,
                event->added ? "came to" : "went from", event->level);
    if (event->added)
        history_say(history, to, ", %" PRIu64 " entries, sequences %" PRIu64 " to %" PRIu64, event->entries,
                    event->first_sequence, event->last_sequence);
    const bool known = event->added ? event_lines_find_made(&history->events, event->file, &found)
                                    : event_lines_find_removed(&history->events, event->file, &found);
    if (known) {
        history_say(history, to, event->added ? "; built" : "; removed from disk");
        history_say_time(history, to, found.time_ms);
        if (event->added && found.why[0]) history_say(history, to, ", because: %s", found.why);
    }
    history_say(history, to, "\n");
    struct json *json = &history->edits.json;
    json_open_object(json, NULL);
    json_text(json, "what", event->added ? "file came" : "file went");
    json_number(json, "file", event->file);
    json_number(json, "level", event->level);
    if (known) json_number(json, "event_ms", (uint64_t)found.time_ms);
    if (known) json_text(json, "why", found.why);
    json_close_object(json);
}

/* ---- Tables ------------------------------------------------------------------------------------------------------ */

static void say_failed_table(struct history *history, const struct engine_history_event *event) {
    if (event->named && !event->certain && event->status == STATUS_NOT_FOUND) {
        history_say(history, &history->tables.text,
                    "  file %" PRIu64 " is not there: edits that can't be read may have removed it\n", event->file);
        return;
    }
    if (!event->named && event->certain) {
        history_say(history, &history->tables.text,
                    "  file %" PRIu64 " can't be read, and no edit names it: a server that runs may be writing it, "
                    "else it is left over: %s\n",
                    event->file, event->why);
        return;
    }
    history_say(history, &history->tables.text, "  file %" PRIu64 " can't be read\n", event->file);
    history_say(history, &history->damage, "damage: %s\n", event->why);
    if (!event->named) {
        history_say(history, &history->damage, "    %s: edits that can't be read may name it\n", event->path);
        return;
    }
    history_say(history, &history->damage,
                "    Lost: whether file %" PRIu64 " of level %" PRIu32 " had versions of the key; it has %" PRIu64
                " entries, sequences %" PRIu64 " to %" PRIu64 "\n",
                event->file, event->level, event->entries, event->first_sequence, event->last_sequence);
}

static void say_table(struct history *history, const struct engine_history_event *event) {
    struct json *json = &history->tables.json;
    json_open_object(json, NULL);
    json_text(json, "what", "table");
    json_number(json, "file", event->file);
    json_number(json, "level", event->level);
    json_bool(json, "named", event->named);
    json_text(json, "status", status_text(event->status));
    if (event->why) json_text(json, "why", event->why);
    json_close_object(json);
    if (event->status != STATUS_OK) {
        say_failed_table(history, event);
        return;
    }
    history_say(history, &history->tables.text,
                "  file %" PRIu64 ", level %" PRIu32 ", %" PRIu64 " entries, sequences %" PRIu64 " to %" PRIu64 "%s\n",
                event->file, event->level, event->entries, event->first_sequence, event->last_sequence,
                event->named     ? ""
                : event->certain ? ": no edit names it, no read asks it"
                                 : ": no edit that can be read names it");
}

static enum row_form form_of(enum engine_step_entry entry) {
    return entry == ENGINE_ENTRY_MERGE ? ROW_OPERAND : entry == ENGINE_ENTRY_APPEND ? ROW_APPENDED : ROW_VALUE;
}

static void say_version(struct history *history, const struct engine_history_event *event) {
    struct buf *to = &history->tables.text, words = BUF_EMPTY;
    history->versions++;
    history_say(history, to, "      %s of sequence %" PRIu64, step_entry_name(event->entry), event->sequence);
    if (event->sequence == 0) history_say(history, to, " (older than all that can ask)");
    history_say(history, to, ", block %" PRIu32 " at offset %" PRIu64, event->at, event->offset);
    if (event->apart) history_say(history, &words, "its value is kept apart");
    if (!event->apart && event->entry != ENGINE_ENTRY_DELETE)
        history_say_value(history, &words, event->value, form_of(event->entry));
    if (words.size) history_say(history, to, ": %.*s", (int)words.size, (const char *)words.data);
    history_say(history, to, "\n");
    struct json *json = &history->tables.json;
    json_open_object(json, NULL);
    json_text(json, "what", "version");
    json_number(json, "file", event->file);
    json_number(json, "sequence", event->sequence);
    json_text(json, "entry", step_entry_name(event->entry));
    json_bool(json, "apart", event->apart);
    json_number(json, "at", event->at);
    json_number(json, "offset", event->offset);
    json_number(json, "value_bytes", event->value.size);
    json_buf(json, "value", &words);
    json_close_object(json);
    buf_deinit(&words);
}

static void say_cover(struct history *history, const struct engine_history_event *event) {
    history_say(history, &history->tables.text,
                "      a range delete of sequence %" PRIu64 " over the key: versions below it are deleted\n",
                event->sequence);
    json_open_object(&history->tables.json, NULL);
    json_text(&history->tables.json, "what", "range delete");
    json_number(&history->tables.json, "file", event->file);
    json_number(&history->tables.json, "sequence", event->sequence);
    json_close_object(&history->tables.json);
}

static enum status take(void *context, const struct engine_history_event *event) {
    struct history *history = context;
    switch (event->kind) {
    case ENGINE_HISTORY_MANIFEST: say_manifest(history, event); break;
    case ENGINE_HISTORY_EDIT: say_edit(history, event); break;
    case ENGINE_HISTORY_TREE: say_tree(history, event); break;
    case ENGINE_HISTORY_FILE: say_file(history, event); break;
    case ENGINE_HISTORY_TABLE: say_table(history, event); break;
    case ENGINE_HISTORY_VERSION: say_version(history, event); break;
    case ENGINE_HISTORY_COVER: say_cover(history, event); break;
    case ENGINE_HISTORY_DAMAGE:
        history->uncertain |= !event->certain;
        history_say(history, &history->damage, "damage: %s\n", event->why);
        break;
    }
    return history->status;
}

static void begin_again(struct history *history, size_t damage, size_t unknown) {
    telling_deinit(&history->edits);
    telling_deinit(&history->tables);
    telling_init(&history->edits);
    telling_init(&history->tables);
    history->damage.size = damage;
    history->unknown.size = unknown;
    history->versions = 0;
    history->mark_count = 0;
}

enum status history_of_files(struct history *history, struct error *error) {
    const struct subject *subject = history->subject;
    const size_t damage = history->damage.size, unknown = history->unknown.size;
    enum status status = STATUS_BUSY;
    for (unsigned i = 0; i < TRIES_MAX && status == STATUS_BUSY; i++) {
        begin_again(history, damage, unknown);
        status = engine_explain_history(subject->store.io, subject->where, subject->tree_id, buf_slice(&history->key),
                                        take, history, error);
    }
    if (history->edits.text.size == 0) history_say(history, &history->edits.text, "manifest: it can't be read\n");
    if (history->versions == 0)
        history_say(history, &history->tables.text, "  no table that can be read has a version of it\n");
    const int64_t begin = event_lines_begin(&history->events);
    if (begin) {
        history_say(history, &history->unknown, "events are kept from");
        history_say_time(history, &history->unknown, begin);
        history_say(history, &history->unknown, " on\n");
    } else {
        history_say(history, &history->unknown, "no events are there: when and why files were made is not known\n");
    }
    return status;
}
