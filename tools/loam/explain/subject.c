/* subject: see subject.h. */
#include "tools/loam/explain/subject.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/loam/explain/bytes.h"

enum status subject_choose_tree(struct subject *subject) {
    char *end = NULL;
    subject->tree_id = TREE_NAMES;
    subject->rows = describers_find(KIND_NAMES);
    if (subject->tree == NULL) return STATUS_OK;
    const struct row_describer *rows;
    for (size_t i = 0; (rows = describers_get(i)) != NULL; i++) {
        if (strcmp(rows->name, subject->tree) != 0) continue;
        subject->rows = rows;
        subject->tree_id = rows->kind;
        return STATUS_OK;
    }
    const unsigned long number = strtoul(subject->tree, &end, 10);
    if (end == subject->tree || *end || number == 0 || number > UINT32_MAX)
        return error_set(&subject->error, STATUS_INVALID,
                         "there is no tree \"%s\"; 'loam scan DIR --tree list' names loam's own, 'loam stats DIR' "
                         "numbers all of a store",
                         subject->tree);
    subject->tree_id = (uint32_t)number;
    subject->rows = describers_find(number);
    return STATUS_OK;
}

/* Where the store of a node is, or of an engine by itself. */
static void find_where(struct subject *subject) {
    struct raft_directory directory;
    struct error error;
    subject->is_node = raft_directory_read(subject->store.io, subject->dir, &directory, &error) == STATUS_OK;
    (void)snprintf(subject->where, sizeof subject->where, "%s", subject->is_node ? directory.store : subject->dir);
}

/* What lies in a directory that does not open. */
struct remains {
    uint64_t tables;
    char store[64]; /* of a node: the last one by name */
};

static enum status take_remains(void *context, const struct io_entry *entry) {
    struct remains *remains = context;
    const size_t size = strlen(entry->name);
    remains->tables += size > 4 && (strcmp(entry->name + size - 4, ".sst") == 0 || strstr(entry->name, ".manifest"));
    if (strncmp(entry->name, "engine-", 7) == 0 && entry->kind == IO_ENTRY_DIR && size < sizeof remains->store)
        (void)snprintf(remains->store, sizeof remains->store, "%s", entry->name);
    return STATUS_OK;
}

/* Nothing to open there: never a store, or what is left of one. */
static enum status judge_remains(struct subject *subject, enum status status) {
    struct remains remains = {.tables = 0};
    struct io_entry entry;
    const char *dir = subject->where;
    if (status != STATUS_NOT_FOUND || subject->store.io == NULL) return status;
    if (subject->is_node && io_stat(subject->store.io, dir, &entry) == STATUS_NOT_FOUND)
        return error_set(&subject->error, STATUS_CORRUPT, "%s: not there: the node has lost its store", dir);
    if (io_dir_list(subject->store.io, dir, take_remains, &remains) != STATUS_OK) return status;
    if (remains.tables)
        return error_set(&subject->error, STATUS_CORRUPT,
                         "%s/SUPERBLOCK: not there, though %" PRIu64 " tables and manifests are", dir, remains.tables);
    if (remains.store[0] == 0) return status;
    return error_set(
        &subject->error, STATUS_CORRUPT,
        "%s/superblock: not there: which store is the node's, and the seed of its names, are lost with it. "
        "%s/%s by itself may be asked",
        dir, dir, remains.store);
}

/* Another program's tree may have the number of one of loam's: its rows are texts then. */
static void check_rows(struct subject *subject) {
    struct engine_options options;
    struct engine_tree_info info;
    if (subject->rows == NULL || engine_tree_info(subject->store.engine, subject->tree_id, &info) != STATUS_OK) return;
    engine_get_options(subject->store.engine, &options);
    bool same = false;
    for (size_t i = 0; i < options.kind_count; i++)
        same |= options.kinds[i].id == info.kind && strcmp(options.kinds[i].name, subject->rows->name) == 0;
    if (!same) subject->rows = NULL;
}

enum status subject_open(struct subject *subject) {
    struct engine_tree_info info;
    subject->store.explains = true;
    subject->store.uncommitted = subject->uncommitted;
    enum status status = subject_choose_tree(subject);
    if (status == STATUS_OK) status = store_reading_open(&subject->store, subject->dir, &subject->error);
    if (subject->store.io) find_where(subject);
    subject->is_open = status == STATUS_OK;
    if (!subject->is_open) return judge_remains(subject, status);
    check_rows(subject);
    if (engine_tree_info(subject->store.engine, subject->tree_id, &info) == STATUS_OK) return STATUS_OK;
    return error_set(&subject->error, STATUS_NOT_FOUND,
                     "%s: the store has no tree %" PRIu32 "%s; 'loam stats' lists its trees", subject->where,
                     subject->tree_id, subject->tree ? "" : ", in which names are: --tree says which one is meant");
}

void subject_close(struct subject *subject) {
    store_reading_close(&subject->store);
}

/* The row of a name where the seed of its hash is not known. */
static enum status search_name(struct subject *subject, struct slice name, struct buf *key) {
    enum { HASH_BYTES = 8 };
    struct engine_iterator *iterator = NULL;
    const struct engine_iterator_options options = {.no_fill = true};
    enum status status = engine_iterator_open(subject->store.engine, TREE_NAMES, &options, &iterator);
    if (status != STATUS_OK) return status;
    status = STATUS_NOT_FOUND;
    for (engine_iterator_seek_first(iterator); engine_iterator_valid(iterator) && status == STATUS_NOT_FOUND;
         engine_iterator_next(iterator)) {
        const struct slice row = engine_iterator_key(iterator);
        if (row.size == HASH_BYTES + name.size && slice_equal(slice_from(row, HASH_BYTES), name))
            status = buf_assign(key, row);
    }
    engine_iterator_close(iterator);
    if (status == STATUS_NOT_FOUND)
        return error_set(&subject->error, status,
                         "%s: no row has that name, and where it would be is not known: hashes have a seed, which is "
                         "the node's. Give the node's directory, if there is one",
                         subject->where);
    return status;
}

enum status subject_key(struct subject *subject, const char *typed, struct buf *key) {
    const struct slice text = slice_from_text(typed);
    if (subject->tree) {
        if (bytes_from_text(key, typed) == STATUS_OK && key->size <= ENGINE_KEY_MAX_BYTES) return STATUS_OK;
        return error_set(&subject->error, STATUS_SYNTAX,
                         "\"%s\": not a key: \\x and two hexadecimal digits are a byte, \\\\ is a backslash", typed);
    }
    if (subject->store.has_seed) return names_row_key(subject->store.view.seed, text, key);
    return search_name(subject, text, key);
}

const char *subject_tree_name(const struct subject *subject, char room[32]) {
    if (subject->rows)
        (void)snprintf(room, 32, "%s", subject->rows->name);
    else
        (void)snprintf(room, 32, "tree %" PRIu32, subject->tree_id);
    return room;
}

bool subject_is_damage(enum status status) {
    return status_class(status) == STATUS_CLASS_DAMAGE || status == STATUS_MISMATCH;
}

const char *subject_advice(const struct subject *subject) {
    return subject->is_node
               ? "Start the node: it sets aside what is damaged and has it again from its peers, if there are any; a "
                 "cluster of one is made anew from a backup (loam restore). loam verify lists all damage"
               : "loam verify lists all damage; loam repair makes the store open again of what is sound, and says what "
                 "is lost (--dry-run changes nothing); loam restore brings a backup back";
}
