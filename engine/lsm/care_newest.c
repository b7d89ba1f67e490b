/* care_newest: see care_newest.h. Names leave a directory only once an edit without them is durable: so the manifest
 * that is read after a file was found missing tells whether it was to go. */
#include "engine/lsm/care_newest.h"

#include <stdlib.h>

#include "engine/lsm/care_values.h"
#include "engine/lsm/refresh.h"

enum status care_state_load_settled(struct care_state *state, struct io *io, const char *dir, struct error *error) {
    struct refresh_patience patience = {0};
    for (;;) {
        const enum status status = care_state_load(state, io, dir, error);
        if (status == STATUS_OK && !state->slot_damaged) return status;
        struct error found = *error;
        if (status == STATUS_OK) error_set(&found, STATUS_CORRUPT, "a slot of the superblock is damaged");
        if (!refresh_try_again(&patience, io, found.status, &found)) return status;
        care_state_deinit(state);
    }
}

static void forget(struct care_newest *newest) {
    if (newest->is_loaded) care_state_deinit(&newest->state);
    free(newest->values);
    newest->values = NULL;
    newest->value_count = 0;
    newest->is_loaded = false;
}

void care_newest_deinit(struct care_newest *newest) {
    forget(newest);
}

/* The manifest's bytes; 0: nobody knows. */
static uint64_t size_of_manifest(const struct care_newest *newest, uint64_t number) {
    struct io_entry entry;
    char path[IO_PATH_BYTES];
    if (file_path(path, newest->dir, FILE_MANIFEST, number) != STATUS_OK) return 0;
    return io_stat(newest->io, path, &entry) == STATUS_OK ? entry.size : 0;
}

static bool has_changed(const struct care_newest *newest) {
    struct superblock superblock;
    bool damaged;
    if (superblock_read(newest->io, newest->dir, &superblock, &damaged, NULL) != STATUS_OK) return true;
    return superblock.generation != newest->state.superblock.generation ||
           size_of_manifest(newest, superblock.manifest) != newest->manifest_bytes;
}

/* Its size is asked for before it is read: what comes meanwhile has it read again. */
static bool look(struct care_newest *newest) {
    struct error error = {.status = STATUS_OK};
    struct superblock superblock = {.manifest = 0};
    bool damaged;
    if (newest->is_loaded && !has_changed(newest)) return true;
    forget(newest);
    if (superblock_read(newest->io, newest->dir, &superblock, &damaged, NULL) != STATUS_OK) return false;
    newest->manifest_bytes = size_of_manifest(newest, superblock.manifest);
    if (care_state_load_settled(&newest->state, newest->io, newest->dir, &error) != STATUS_OK) {
        care_state_deinit(&newest->state);
        return false;
    }
    newest->is_loaded = true;
    return care_state_values(&newest->state.recovered, &newest->values, &newest->value_count, NULL) == STATUS_OK;
}

bool care_newest_has_left(struct care_newest *newest, enum file_class class, uint64_t number) {
    if (class != FILE_SST && class != FILE_VALUES) return false;
    if (!look(newest)) return false;
    if (class == FILE_SST) return !recovered_has_file(&newest->state.recovered, number);
    for (size_t i = 0; i < newest->value_count; i++)
        if (newest->values[i].number == number) return false;
    return true;
}
