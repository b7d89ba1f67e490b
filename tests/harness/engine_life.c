/* engine_life: see engine_life.h. */
#include "tests/harness/engine_life.h"

bool life_has_own_log(const struct life *life) {
    return life->drawn.options.wal == ENGINE_WAL_OWN;
}

enum status machine_boot_with(struct machine *machine, const struct life *life, const char *path,
                              const struct engine_options *options, struct error *error) {
    const struct sim_io_options io_options = {.compaction_workers = 1 + (unsigned)(life->seed % 2)};
    machine->io = sim_io_create(machine->sim, machine->disk, &io_options);
    machine->engine = NULL;
    return engine_open(machine->io, path, options, &machine->engine, error);
}

enum status machine_boot(struct machine *machine, const struct life *life, const char *path, struct error *error) {
    return machine_boot_with(machine, life, path, &life->drawn.options, error);
}

void machine_stop(struct machine *machine) {
    engine_close(machine->engine);
    io_destroy(machine->io);
    machine->engine = NULL;
    machine->io = NULL;
}

/* An owner does not wait: the flush that makes room may wait for its own log, which becomes durable by and by. */
static enum status write_as_owner(const struct life *life, const struct machine *machine, uint32_t n,
                                  struct engine_batch *batch, struct promise *promise) {
    const struct engine_write_options hurried = {.no_wait = true}, patient = {.no_wait = false};
    bool durable;
    enum status status =
        workload_write(life->workload, machine->io, machine->engine, n, true, batch, &hurried, &durable);
    if (status != STATUS_BUSY) return status;
    if (promise->most < n - 1) engine_log_durable(machine->engine, promise->most = n - 1);
    engine_batch_clear(batch);
    return workload_write(life->workload, machine->io, machine->engine, n, true, batch, &patient, &durable);
}

enum status life_write(const struct life *life, const struct machine *machine, uint32_t n, bool sync,
                       struct promise *promise) {
    const struct engine_write_options options = {.sync = sync};
    struct engine_batch batch;
    bool durable = false;
    enum status status;
    engine_batch_init(&batch);
    if (life_has_own_log(life)) {
        promise->most = n;
        status = workload_write(life->workload, machine->io, machine->engine, n, false, &batch, &options, &durable);
        if (status == STATUS_OK && (sync || durable)) promise->durable = n;
    } else {
        status = write_as_owner(life, machine, n, &batch, promise);
        if (status == STATUS_OK && sync) engine_log_durable(machine->engine, promise->most = n);
    }
    engine_batch_deinit(&batch);
    return status;
}

enum status life_flush(const struct life *life, struct engine *engine, uint32_t n, struct promise *promise) {
    if (!life_has_own_log(life)) engine_log_durable(engine, promise->most = n);
    enum status status = engine_flush(engine);
    if (status == STATUS_OK) promise->durable = n;
    return status;
}

enum status life_upgrade(struct engine *engine, struct promise *promise) {
    promise->level_asked = ENGINE_FORMAT_LEVEL_LATEST;
    const enum status status = engine_upgrade(engine, 0, NULL);
    if (status == STATUS_OK) promise->level = promise->level_asked;
    return status;
}
