/* look: see engine/look.h. What verify, repair and recovery know, for who only looks. */
#include "engine/look.h"

#include <stdlib.h>

#include "engine/lsm/care_newest.h"
#include "engine/lsm/care_salvage.h"
#include "engine/lsm/care_values.h"
#include "engine/lsm/refresh.h"

/* ---- Files by name ----------------------------------------------------------------------------------------------- */

static enum file_class class_of(enum look_kind kind) {
    static const enum file_class classes[] = {[LOOK_TABLE] = FILE_SST,
                                              [LOOK_VALUES] = FILE_VALUES,
                                              [LOOK_MANIFEST] = FILE_MANIFEST,
                                              [LOOK_OTHER] = FILE_FOREIGN};
    return classes[kind];
}

enum look_kind look_kind_of(const char *name, uint64_t *number) {
    switch (file_classify(name, number)) {
    case FILE_SST: return LOOK_TABLE;
    case FILE_VALUES: return LOOK_VALUES;
    case FILE_MANIFEST: return LOOK_MANIFEST;
    default: return LOOK_OTHER;
    }
}

enum status look_path(char path[IO_PATH_BYTES], const char *dir, enum look_kind kind, uint64_t number) {
    return file_path(path, dir, class_of(kind), number);
}

enum status look_find_store(struct io *io, const char *dir, struct error *error) {
    return care_find_store(io, dir, error);
}

enum status look_superblock(struct io *io, const char *dir, struct superblock *superblock, bool *damaged,
                            struct error *error) {
    return superblock_read(io, dir, superblock, damaged, error);
}

bool look_again(struct look_patience *patience, struct io *io, enum status status, const struct error *error) {
    struct refresh_patience own = {patience->tries, patience->same, patience->last};
    const bool is_worth_it = refresh_try_again(&own, io, status, error);
    *patience = (struct look_patience){own.tries, own.same, own.last};
    return is_worth_it;
}

/* ---- Edits ------------------------------------------------------------------------------------------------------- */

struct look_sum {
    struct recovered recovered;
};

struct look_sum *look_sum_create(void) {
    struct look_sum *sum = malloc(sizeof *sum);
    if (sum) recovered_init(&sum->recovered);
    return sum;
}

void look_sum_destroy(struct look_sum *sum) {
    if (sum) recovered_deinit(&sum->recovered);
    free(sum);
}

enum status look_sum_add(struct look_sum *sum, const struct edit *edit, struct error *error) {
    return recovered_apply(&sum->recovered, edit, error);
}

struct look_rest {
    struct salvage salvage;
};

enum status look_rest_read(struct slice bytes, uint64_t store, uint64_t number, struct look_rest **rest) {
    struct look_rest *made = malloc(sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    salvage_init(&made->salvage);
    const enum status status = salvage_manifest(&made->salvage, bytes, store, number);
    if (status == STATUS_OK)
        *rest = made;
    else
        look_rest_destroy(made);
    return status;
}

void look_rest_destroy(struct look_rest *rest) {
    if (rest) salvage_deinit(&rest->salvage);
    free(rest);
}

uint64_t look_rest_edits(const struct look_rest *rest) {
    return rest->salvage.edits;
}

uint64_t look_rest_last_edit(const struct look_rest *rest) {
    return rest->salvage.last_edit;
}

static const struct edit_file *file_of(const struct salvaged_file *file, bool *gone) {
    if (file) *gone = file->gone;
    return file ? &file->meta : NULL;
}

const struct edit_file *look_rest_file(const struct look_rest *rest, size_t i, bool *gone) {
    return file_of(i < rest->salvage.file_count ? &rest->salvage.files[i] : NULL, gone);
}

const struct edit_file *look_rest_find(const struct look_rest *rest, uint64_t number, bool *gone) {
    return file_of(salvage_file(&rest->salvage, number), gone);
}

/* ---- Content ----------------------------------------------------------------------------------------------------- */

struct look {
    struct sst_environment environment;
    struct care_newest newest;
};

enum status look_open(struct io *io, const char *dir, struct look **look) {
    struct look *made = calloc(1, sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    made->environment = (struct sst_environment){.io = io, .codec = codec_create()};
    made->newest = (struct care_newest){.io = io, .dir = dir};
    if (made->environment.codec) {
        *look = made;
        return STATUS_OK;
    }
    look_close(made);
    return STATUS_NO_MEMORY;
}

void look_close(struct look *look) {
    if (!look) return;
    codec_destroy(look->environment.codec);
    care_newest_deinit(&look->newest);
    free(look);
}

bool look_has_left(struct look *look, enum look_kind kind, uint64_t number) {
    return care_newest_has_left(&look->newest, class_of(kind), number);
}

enum status look_identity(struct io *io, const char *path, uint64_t *store, uint64_t *file) {
    struct sst_identity identity = {.store = 0};
    const enum status status = sst_read_identity(io, path, &identity, NULL);
    *store = identity.store;
    *file = identity.file;
    return status;
}

enum status look_verify_table(struct look *look, const char *path, const struct edit_file *meta,
                              void (*find)(void *context, const char *path, uint64_t offset, const char *text),
                              void *context) {
    const struct care_sink sink = {find, context};
    const struct care_table table = {.environment = &look->environment, .sink = &sink, .path = path, .meta = meta};
    return care_table_verify(&table, NULL);
}

enum status look_verify_values(struct look *look, const char *path, const struct edit_value_file *meta,
                               void (*find)(void *context, const char *path, uint64_t offset, const char *text),
                               void *context) {
    const struct care_sink sink = {find, context};
    return care_values_verify(&look->environment, path, meta, &sink);
}

static const char *name_of_cause(enum sst_cause cause) {
    static const char *const names[] = {[SST_CAUSE_UNKNOWN] = "",
                                        [SST_CAUSE_FLUSH] = "flush",
                                        [SST_CAUSE_COMPACTION] = "compaction",
                                        [SST_CAUSE_REPAIR] = "repair",
                                        [SST_CAUSE_OUTSIDE] = "ingest"};
    return (size_t)cause < sizeof names / sizeof *names ? names[cause] : "";
}

enum status look_ask_table(struct look *look, const char *path,
                           void (*take)(void *context, const struct look_table *table), void *context) {
    struct sst_identity identity;
    struct sst *sst = NULL;
    enum status status = sst_read_identity(look->environment.io, path, &identity, NULL);
    if (status == STATUS_OK) status = sst_open(&look->environment, path, identity, identity.file, &sst, NULL);
    if (status != STATUS_OK) return status;
    const struct sst_properties *said = sst_properties(sst);
    const struct look_table table = {.store = identity.store,
                                     .file = identity.file,
                                     .instance = said->origin.tree,
                                     .level = said->origin.level,
                                     .cause = name_of_cause(said->origin.cause),
                                     .entries = said->entries,
                                     .first_sequence = said->first_sequence,
                                     .last_sequence = said->last_sequence,
                                     .first = said->first,
                                     .last = said->last,
                                     .has_last = said->has_last,
                                     .last_exclusive = said->last_exclusive};
    take(context, &table);
    sst_close(sst);
    return STATUS_OK;
}
