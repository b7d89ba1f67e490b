/* events: lines of JSON. Invariant: a line in the file is whole but for the last one, which a power cut may have torn.
 */
#include "engine/lsm/events.h"

#include <inttypes.h>

#include "engine/lsm/file_names.h"
#include "engine/lsm/store.h"

void events_init(struct events *events) {
    *events = (struct events){.file = NULL};
    mutex_init(&events->mutex);
    mutex_init(&events->file_mutex);
}

void events_deinit(struct engine *engine) {
    struct events *events = &engine->events;
    events_write(engine);
    io_file_close(events->file);
    buf_deinit(&events->pending);
    buf_deinit(&events->writing);
    mutex_deinit(&events->mutex);
    mutex_deinit(&events->file_mutex);
}

enum { LINE_BYTES = 512 /* of most */ };

/* ---- One event --------------------------------------------------------------------------------------------------- */

static bool is_wanted(const struct engine *engine) {
    return engine->options.on_event || engine->options.event_log_bytes != ENGINE_EVENT_LOG_OFF;
}

static void note(struct event *event, enum status status) {
    if (status != STATUS_OK) event->lost = true;
}

void event_begin(struct event *event, struct engine *engine, const char *name) {
    *event = (struct event){.engine = engine, .lost = !is_wanted(engine)};
    if (event->lost) return;
    note(event, buf_reserve(&event->line, LINE_BYTES));
    note(event,
         buf_append_format(&event->line, "{\"time_ms\":%" PRId64 ",\"event\":\"%s\"", io_clock_ms(engine->io), name));
}

static void begin_field(struct event *event, const char *key) {
    note(event, buf_append(&event->line, ",\"", 2));
    note(event, buf_append_slice(&event->line, slice_from_text(key)));
    note(event, buf_append(&event->line, "\":", 2));
}

void event_text(struct event *event, const char *key, const char *text) {
    if (event->lost) return;
    begin_field(event, key);
    note(event, buf_append_byte(&event->line, '"'));
    for (const char *at = text; *at; at++) {
        const uint8_t byte = (uint8_t)*at;
        if (byte == '"' || byte == '\\')
            note(event, buf_append_format(&event->line, "\\%c", byte));
        else if (byte < 0x20 || byte >= 0x7f)
            note(event, buf_append_format(&event->line, "\\u%04x", byte));
        else
            note(event, buf_append_byte(&event->line, byte));
    }
    note(event, buf_append_byte(&event->line, '"'));
}

void event_number(struct event *event, const char *key, uint64_t number) {
    if (event->lost) return;
    begin_field(event, key);
    note(event, buf_append_number(&event->line, number));
}

uint64_t event_changes(struct event *event, const char *key, const struct version_change *changes, size_t count,
                       bool added) {
    uint64_t bytes = 0, files = 0;
    if (!event->lost) note(event, buf_append_format(&event->line, ",\"%s\":[", key));
    for (size_t i = 0; i < count; i++) {
        if (changes[i].add != added) continue;
        const struct edit_file *meta = &changes[i].file->meta;
        bytes += meta->bytes;
        if (files++ >= EVENT_FILES_MAX || event->lost) continue;
        note(event,
             buf_append_format(&event->line, "%s{\"file\":%" PRIu64 ",\"level\":%" PRIu32 ",\"bytes\":%" PRIu64 "}",
                               files > 1 ? "," : "", meta->number, changes[i].level, meta->bytes));
    }
    if (event->lost) return bytes;
    note(event,
         buf_append_format(&event->line, "],\"%s_files\":%" PRIu64 ",\"%s_bytes\":%" PRIu64, key, files, key, bytes));
    return bytes;
}

static void keep(struct events *events, const struct buf *line) {
    mutex_lock(&events->mutex);
    const bool kept = events->pending.size + line->size <= EVENTS_PENDING_BYTES &&
                      buf_append_slice(&events->pending, buf_slice(line)) == STATUS_OK;
    if (!kept) events->lost++;
    mutex_unlock(&events->mutex);
}

void event_end(struct event *event) {
    struct engine *engine = event->engine;
    if (!event->lost) note(event, buf_append_format(&event->line, "}\n"));
    if (!event->lost) {
        if (engine->options.event_log_bytes != ENGINE_EVENT_LOG_OFF) keep(&engine->events, &event->line);
        event->line.data[event->line.size - 1] = 0;
        if (engine->options.on_event)
            engine->options.on_event(engine->options.event_context, (const char *)event->line.data);
    }
    buf_deinit(&event->line);
}

/* ---- The file ---------------------------------------------------------------------------------------------------- */

static enum status open_file(struct engine *engine) {
    struct events *events = &engine->events;
    char path[IO_PATH_BYTES];
    if (events->file) return STATUS_OK;
    enum status status = file_path(path, engine->dir, FILE_EVENTS, 0);
    if (status == STATUS_OK) status = io_file_open(engine->io, path, IO_OPEN_WRITE | IO_OPEN_CREATE, &events->file);
    if (status == STATUS_OK) status = io_file_size(events->file, &events->file_bytes);
    return status;
}

/* The file is full: it becomes the old one, of which there is one. */
static enum status rotate(struct engine *engine) {
    struct events *events = &engine->events;
    char path[IO_PATH_BYTES], old[IO_PATH_BYTES];
    io_file_close(events->file);
    events->file = NULL;
    enum status status = file_path(path, engine->dir, FILE_EVENTS, 0);
    if (status == STATUS_OK) status = file_path(old, engine->dir, FILE_EVENTS_OLD, 0);
    if (status == STATUS_OK) status = io_rename(engine->io, path, old);
    return status == STATUS_OK ? open_file(engine) : status;
}

static enum status write_lines(struct engine *engine, struct slice lines) {
    struct events *events = &engine->events;
    enum status status = open_file(engine);
    if (status == STATUS_OK && events->file_bytes > 0 &&
        events->file_bytes + lines.size > engine->options.event_log_bytes / 2)
        status = rotate(engine);
    if (status == STATUS_OK) status = io_file_write(events->file, events->file_bytes, lines.data, lines.size);
    if (status == STATUS_OK) events->file_bytes += lines.size;
    return status;
}

void events_write(struct engine *engine) {
    struct events *events = &engine->events;
    if (engine->options.read_only || !engine->lock || store_has_failed(engine)) return;
    mutex_lock(&events->file_mutex);
    mutex_lock(&events->mutex);
    const struct buf swap = events->writing;
    events->writing = events->pending;
    events->pending = swap;
    buf_clear(&events->pending);
    mutex_unlock(&events->mutex);
    if (events->writing.size > 0) {
        const enum status status = write_lines(engine, buf_slice(&events->writing));
        if (status != STATUS_OK && !events->file_failed)
            log_warn(engine->log, "engine %s: events can't be written: %s", engine->dir, status_text(status));
        events->file_failed = status != STATUS_OK;
        if (status != STATUS_OK) {
            mutex_lock(&events->mutex);
            events->lost++;
            mutex_unlock(&events->mutex);
        }
    }
    mutex_unlock(&events->file_mutex);
}
