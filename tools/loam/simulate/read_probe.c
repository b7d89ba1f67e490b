/* read_probe: see read_probe.h. Invariant: a store that is looked at more often does the same, at the same times: reads
 * are made of a copy, and of the store itself only what it has in memory. */
#include "tools/loam/simulate/read_probe.h"

#include <stdlib.h>
#include <string.h>

#include "engine/explain.h"

enum { SEED = 7, TABLES_MAX = 4096 };

void read_probe_init(struct read_probe *probe) {
    *probe = (struct read_probe){.count = 0};
    prng_init(&probe->prng, SEED);
}

void read_probe_deinit(struct read_probe *probe) {
    for (unsigned i = 0; i < probe->count; i++) free(probe->keys[i].bytes);
}

enum status read_probe_note(struct read_probe *probe, const struct write_op *op) {
    if (op->kind == WRITE_DELETE_RANGE || op->kind == WRITE_DROP_TREE) return STATUS_OK;
    uint64_t at = probe->seen++;
    if (at >= PROBE_KEYS) at = prng_below(&probe->prng, probe->seen);
    if (at >= PROBE_KEYS) return STATUS_OK;
    uint8_t *bytes = malloc(op->key.size + 1); /* one more for a key that is not there */
    if (!bytes) return STATUS_NO_MEMORY;
    if (op->key.size > 0) memcpy(bytes, op->key.data, op->key.size);
    bytes[op->key.size] = 0;
    if (at < probe->count) free(probe->keys[at].bytes);
    if (at == probe->count) probe->count++;
    probe->keys[at] = (struct probe_key){.tree = op->tree, .bytes = bytes, .size = op->key.size};
    return STATUS_OK;
}

/* ---- Looking ----------------------------------------------------------------------------------------------------- */

struct watching {
    uint64_t blocks;
    uint64_t tables[TABLES_MAX]; /* looked into by this read, each once */
    size_t table_count;
};

static void told(void *context, const struct engine_step *step) {
    struct watching *watching = context;
    if (step->kind != ENGINE_STEP_BLOCK && step->kind != ENGINE_STEP_VALUE) return;
    watching->blocks++;
    if (step->kind != ENGINE_STEP_BLOCK || watching->table_count == TABLES_MAX) return;
    for (size_t i = 0; i < watching->table_count; i++)
        if (watching->tables[i] == step->file) return;
    watching->tables[watching->table_count++] = step->file;
}

static enum status get(struct engine *engine, uint32_t tree, struct slice key) {
    struct engine_value value;
    const enum status status = engine_explain_get(engine, tree, key, &value);
    if (status == STATUS_OK) engine_value_release(&value);
    return status == STATUS_NOT_FOUND || status == STATUS_INVALID ? STATUS_OK : status; /* a tree that is in memory */
}

static enum status seek(struct engine *engine, uint32_t tree, struct slice key) {
    struct engine_iterator *iterator;
    const struct engine_iterator_options options = {.no_fill = true};
    enum status status = engine_iterator_open(engine, tree, &options, &iterator);
    if (status != STATUS_OK) return status == STATUS_INVALID ? STATUS_OK : status;
    engine_iterator_seek(iterator, key);
    status = engine_iterator_status(iterator);
    engine_iterator_close(iterator);
    return status;
}

/* A memtable has it: no table is asked. Reads nobody's file. */
static bool is_in_memory(struct sim_store *store, const struct probe_key *key) {
    struct engine_value value;
    if (engine_get_try(store->engine, NULL, key->tree, slice_make(key->bytes, key->size), &value) != STATUS_OK)
        return false;
    engine_value_release(&value);
    return true;
}

static enum status ask_one(const struct probe_key *key, struct engine *engine, bool in_memory,
                           struct watching *watching, struct probe_figures *figures) {
    const struct slice there = slice_make(key->bytes, key->size), absent = slice_make(key->bytes, key->size + 1);
    enum status status = STATUS_OK;
    watching->blocks = 0;
    if (!in_memory) status = get(engine, key->tree, there);
    figures->get_blocks += (double)watching->blocks;
    watching->blocks = 0;
    if (status == STATUS_OK && key->size < ENGINE_KEY_MAX_BYTES) status = get(engine, key->tree, absent);
    figures->absent_blocks += (double)watching->blocks;
    watching->table_count = 0;
    if (status == STATUS_OK) status = seek(engine, key->tree, there);
    figures->seek_runs += (double)watching->table_count;
    figures->asked++;
    return status;
}

static enum status ask(const struct read_probe *probe, struct sim_store *store, struct engine *engine,
                       struct probe_figures *figures) {
    struct watching watching = {.blocks = 0};
    struct engine_watch watch = {.told = told, .context = &watching};
    enum status status = STATUS_OK;
    engine_explain(engine, &watch);
    for (unsigned i = 0; i < probe->count && status == STATUS_OK; i++) {
        const struct probe_key *key = &probe->keys[i];
        if (sim_store_has_tree(store, key->tree))
            status = ask_one(key, engine, is_in_memory(store, key), &watching, figures);
    }
    engine_explain(engine, NULL);
    return status;
}

enum status read_probe_look(const struct read_probe *probe, struct sim_store *store, struct probe_figures *figures) {
    struct sim_store_reader reader;
    *figures = (struct probe_figures){.asked = 0};
    enum status status = sim_store_open_reader(store, &reader);
    if (status == STATUS_OK) status = ask(probe, store, reader.engine, figures);
    sim_store_close_reader(&reader);
    if (status != STATUS_OK && store->error.status == STATUS_OK)
        return error_set(&store->error, status, "a read: %s", status_text(status));
    if (status != STATUS_OK || figures->asked == 0) return status;
    figures->get_blocks /= figures->asked;
    figures->absent_blocks /= figures->asked;
    figures->seek_runs /= figures->asked;
    return status;
}
