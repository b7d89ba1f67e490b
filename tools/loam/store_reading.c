/* store_reading: see store_reading.h. A node's directory is known by its superblock, which is spelt small. */
#include "tools/loam/store_reading.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/check.h"
#include "tools/loam/store_dir.h"

enum { TRIES_MAX = 40, TRIES_SAME = 4, PAUSE_NS = 10000000 };

static bool holds(struct io *io, const char *dir, const char *name, enum io_entry_kind kind) {
    char path[IO_PATH_BYTES];
    struct io_entry entry;
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path) return false;
    return io_stat(io, path, &entry) == STATUS_OK && entry.kind == kind;
}

static void say_what_is_shown(const char *dir, const struct raft_reading_facts *facts) {
    (void)fprintf(stderr, "%s: as of entry %" PRIu64 ": files up to %" PRIu64 ", then the log", dir, facts->applied,
                  facts->flushed);
    if (facts->witness) (void)fprintf(stderr, "; of a witness, which keeps no data");
    if (facts->applied > facts->commit)
        (void)fprintf(stderr, "; %" PRIu64 " to %" PRIu64 " are not known to be committed", facts->commit + 1,
                      facts->applied);
    if (facts->last > facts->applied)
        (void)fprintf(stderr,
                      "; %" PRIu64 " to %" PRIu64 " are not known to be committed, and not shown (--uncommitted shows "
                      "them)",
                      facts->applied + 1, facts->last);
    (void)fputs("\n", stderr);
}

/* A node that runs flushes, cuts its log and takes over snapshots while it is read: what does not fit together is
 * looked at again, and is damage when it says the same every time. */
static enum status open_beside_node(struct store_reading *reading, const char *dir,
                                    const struct raft_reading_options *options, struct error *error) {
    struct error last = {.text = ""};
    unsigned same = 0;
    for (unsigned i = 1;; i++) {
        *error = (struct error){.status = STATUS_OK};
        const enum status status = raft_reading_open(reading->io, dir, options, &reading->node, error);
        const bool may_pass = status_class(status) == STATUS_CLASS_DAMAGE || status == STATUS_NOT_FOUND;
        same = strcmp(last.text, error->text) == 0 ? same + 1 : 1;
        if (!may_pass || i == TRIES_MAX || same == TRIES_SAME) return status;
        last = *error;
        io_sleep(reading->io, PAUSE_NS);
    }
}

static enum status open_node(struct store_reading *reading, const char *dir, struct error *error) {
    const struct raft_reading_options options = {.machines = reading->stores.machines,
                                                 .machine_count = reading->stores.machine_count,
                                                 .explains = reading->explains,
                                                 .on_batch = reading->on_batch,
                                                 .context = reading->context,
                                                 .uncommitted = reading->uncommitted};
    enum status status = open_beside_node(reading, dir, &options, error);
    if (status != STATUS_OK) return status;
    struct raft_reading_facts facts;
    raft_reading_get_facts(reading->node, &facts);
    if (!reading->is_silent) say_what_is_shown(dir, &facts);
    reading->engine = raft_reading_engine(reading->node);
    reading->view = (struct names_view){
        .engine = reading->engine, .seed = facts.identity.cluster_id, .log_time_ms = facts.log_time_ms};
    return STATUS_OK;
}

static enum status open_engine(struct store_reading *reading, const char *dir, struct error *error) {
    size_t count = 0;
    reading->kinds[count++] = (struct engine_tree_kind){.id = KIND_SYSTEM, .name = "raft.system"};
    for (size_t m = 0; m < reading->stores.machine_count; m++) {
        const struct state_machine *machine = &reading->stores.machines[m];
        check(count + machine->kind_count <= STORE_READING_KINDS_MAX);
        for (size_t i = 0; i < machine->kind_count; i++) reading->kinds[count++] = machine->kinds[i];
    }
    const bool own_log = holds(reading->io, dir, "wal", IO_ENTRY_DIR);
    const struct engine_options options = {.kinds = reading->kinds,
                                           .kind_count = count,
                                           .wal = own_log ? ENGINE_WAL_OWN : ENGINE_WAL_OFF,
                                           .must_exist = true,
                                           .read_only = true,
                                           .explains = reading->explains};
    enum status status = engine_open(reading->io, dir, &options, &reading->engine, error);
    if (status != STATUS_OK) return status;
    const struct engine_mark mark = engine_applied(reading->engine);
    reading->view = (struct names_view){.engine = reading->engine, .log_time_ms = mark.time_ms};
    if (own_log) {
        (void)fprintf(stderr, "%s: as of batch %" PRIu64 ", files and log\n", dir, mark.index);
        return STATUS_OK;
    }
    (void)fprintf(stderr, "%s: as of entry %" PRIu64 "; later ones are in the log of the node that it belongs to\n",
                  dir, mark.index);
    return STATUS_OK;
}

/* A node's log, or what stands in its system tree, is damaged: the store alone is shown, by who explains. */
static enum status open_store_alone(struct store_reading *reading, const char *dir, struct error *error) {
    struct raft_directory directory;
    struct error second = {.status = STATUS_OK};
    reading->whole = *error;
    if (raft_directory_read(reading->io, dir, &directory, &second) != STATUS_OK) return error->status;
    const enum status status = open_engine(reading, directory.store, &second);
    if (status != STATUS_OK) {
        *error = second;
        return status;
    }
    reading->view.seed = directory.identity.cluster_id;
    reading->has_seed = true;
    return STATUS_OK;
}

static enum status open_as_node(struct store_reading *reading, const char *dir, struct error *error) {
    const enum status status = open_node(reading, dir, error);
    reading->has_seed = status == STATUS_OK;
    const bool damaged = status_class(status) == STATUS_CLASS_DAMAGE || status == STATUS_MISMATCH;
    if (!reading->explains || !damaged) return status;
    return open_store_alone(reading, dir, error);
}

static enum status open_dir(struct store_reading *reading, const char *dir, struct error *error) {
    const struct io_options options = {.backend = IO_BACKEND_POSIX};
    enum status status = io_create(&options, &reading->io, error);
    if (status == STATUS_OK) status = stores_init(&reading->stores);
    if (status == STATUS_OK) status = store_dir_check(reading->io, dir, error);
    if (status != STATUS_OK) return status;
    return holds(reading->io, dir, "superblock", IO_ENTRY_FILE) ? open_as_node(reading, dir, error)
                                                                : open_engine(reading, dir, error);
}

enum status store_reading_open(struct store_reading *reading, const char *dir, struct error *error) {
    *error = (struct error){.status = STATUS_OK};
    const enum status status = open_dir(reading, dir, error);
    if (status != STATUS_OK && error->text[0] == 0) return error_set(error, status, "%s: %s", dir, status_text(status));
    return status;
}

void store_reading_close(struct store_reading *reading) {
    if (reading->node == NULL) engine_close(reading->engine);
    raft_reading_close(reading->node);
    stores_deinit(&reading->stores);
    io_destroy(reading->io);
}
