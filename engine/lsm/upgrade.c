/*
 * upgrade: a running store's format level goes up. Order: the edit that requires the level is durable, then writers are
 * told that they may use it; so no new byte is ever in a store whose manifest does not say so.
 */
#include "engine/base/check.h"
#include "engine/lsm/options.h"
#include "engine/lsm/store.h"

/* Under install_lock: another upgrade may have been faster. */
static enum status is_above(struct install *install, const struct version *version, void *context) {
    const struct engine *engine = context;
    (void)version;
    return install->edit.format_level > atomic_load(&engine->format_level) ? STATUS_OK : STATUS_EXISTS;
}

static void tell(struct engine *engine, unsigned from, unsigned to) {
    struct event event;
    event_begin(&event, engine, "upgrade");
    event_number(&event, "from", from);
    event_number(&event, "to", to);
    event_end(&event);
    events_write(engine);
}

static enum status raise_level(struct engine *engine, unsigned level) {
    struct install install;
    install_init(&install, EDIT_UPGRADE);
    install.edit.format_level = level;
    install.complete = is_above;
    install.context = engine;
    const enum status status = store_install(engine, &install, NULL);
    install_deinit(&install);
    return status == STATUS_EXISTS ? STATUS_OK : status;
}

enum status engine_upgrade(struct engine *engine, unsigned level, struct error *error) {
    const unsigned from = atomic_load(&engine->format_level);
    if (level == 0) level = FORMAT_LEVEL_LATEST;
    if (level > FORMAT_LEVEL_LATEST)
        return error_set(error, STATUS_INVALID, "%s: format level %u is not known; the latest is %d", engine->dir,
                         level, FORMAT_LEVEL_LATEST);
    if (level < from)
        return error_set(error, STATUS_INVALID, "%s: the store has format level %u, and levels only go up", engine->dir,
                         from);
    if (level == from) return STATUS_OK;
    enum status status = engine->options.read_only ? STATUS_READ_ONLY : raise_level(engine, level);
    if (status != STATUS_OK)
        return error_set(error, status, "%s: stays at format level %u: %s", engine->dir, from, status_text(status));
    tell(engine, from, level);
    /* A record only: an open that finds it behind writes it anew. */
    status = options_keep(engine);
    if (status != STATUS_OK)
        store_note_error(engine, status, "%s: OPTIONS does not tell the new format level yet: %s", engine->dir,
                         status_text(status));
    return STATUS_OK;
}
