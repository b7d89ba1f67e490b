/*
 * store: what all parts of the engine share: failure, jobs, waiting. Invariant: once failed, always failed; nothing is
 * written or deleted on disk after that.
 */
#include "engine/lsm/store.h"

#include <stdarg.h>
#include <stdio.h>

static void remember(struct engine *engine, enum status status, const char *format, va_list arguments) {
    char text[ERROR_TEXT_BYTES];
    vsnprintf(text, sizeof text, format, arguments);
    mutex_lock(&engine->error_lock);
    error_set(&engine->last_error, status, "%s", text);
    if (status_class(status) == STATUS_CLASS_DAMAGE) engine->last_damage = engine->last_error;
    mutex_unlock(&engine->error_lock);
    log_error(engine->log, "engine %s: %s", engine->dir, text);
    struct event event;
    event_begin(&event, engine, "error");
    event_text(&event, "status", status_name(status));
    event_text(&event, "text", text);
    event_end(&event);
}

void store_note_error(struct engine *engine, enum status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    remember(engine, status, format, arguments);
    va_end(arguments);
}

void store_fail(struct engine *engine, enum status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    remember(engine, status, format, arguments);
    va_end(arguments);
    int expected = STATUS_OK;
    if (!atomic_compare_exchange_strong(&engine->failed, &expected, (int)status)) return;
    log_error(engine->log, "engine %s: read-only from now on", engine->dir);
}

void engine_last_error(struct engine *engine, struct error *error) {
    if (!error) return;
    mutex_lock(&engine->error_lock);
    *error = engine->last_error;
    mutex_unlock(&engine->error_lock);
}

void engine_last_damage(struct engine *engine, struct error *error) {
    mutex_lock(&engine->error_lock);
    *error = engine->last_damage;
    mutex_unlock(&engine->error_lock);
}

enum status engine_failure(const struct engine *engine) {
    return (enum status)atomic_load_explicit(&engine->failed, memory_order_acquire);
}

const struct engine_tree_kind *store_kind(const struct engine *engine, uint32_t id) {
    for (size_t i = 0; i < engine->options.kind_count; i++)
        if (engine->options.kinds[i].id == id) return &engine->options.kinds[i];
    return NULL;
}

void store_signal(struct engine *engine) {
    engine->changes++;
    condition_broadcast(&engine->changed);
}

void store_wait(struct engine *engine) {
    const uint64_t seen = engine->changes;
    mutex_unlock(&engine->mutex);
    const bool assisted = io_job_assist(engine->io);
    mutex_lock(&engine->mutex);
    if (!assisted && engine->changes == seen) condition_wait(&engine->changed, &engine->mutex);
}

void store_job_start(struct engine *engine, struct store_job *job) {
    if (engine->closing || engine->options.read_only) return;
    if (engine->rest.waits) condition_signal(&engine->rest.wake);
    if (job->running) {
        job->again = true;
        return;
    }
    job->running = true;
    io_job_start(engine->io, &job->job);
}

bool store_job_end(struct engine *engine, struct store_job *job) {
    mutex_lock(&engine->mutex);
    const bool end = !job->again || engine->closing;
    job->again = false;
    if (end) {
        job->running = false;
        store_signal(engine);
    }
    mutex_unlock(&engine->mutex);
    return end;
}
