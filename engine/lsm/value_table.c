/* value_table: see value_table.h. Invariant: a file is in a bucket while it has references, else on the dead list or
 * its taker's. */
#include "engine/lsm/value_table.h"

#include <stdlib.h>

#include "engine/base/check.h"

void value_table_init(struct value_table *table) {
    *table = (struct value_table){.dead = NULL};
    mutex_init(&table->mutex);
}

void value_table_deinit(struct value_table *table) {
    for (size_t i = 0; i < VALUE_TABLE_BUCKETS; i++) check(!table->buckets[i]);
    check(!table->dead);
    mutex_deinit(&table->mutex);
}

static struct value_file **bucket_of(struct value_table *table, uint64_t number) {
    return &table->buckets[number % VALUE_TABLE_BUCKETS];
}

struct value_file *value_table_add(struct value_table *table, const struct edit_value_file *meta,
                                   unsigned garbage_percent) {
    struct value_file *file = calloc(1, sizeof *file);
    if (!file) return NULL;
    file->meta = *meta;
    file->references = 1;
    file->garbage_percent = garbage_percent;
    file->table = table;
    mutex_lock(&table->mutex);
    struct value_file **bucket = bucket_of(table, meta->number);
    file->next = *bucket;
    *bucket = file;
    mutex_unlock(&table->mutex);
    return file;
}

/* REQUIRES: mutex. */
static struct value_file *find(struct value_table *table, uint64_t number) {
    struct value_file *file = *bucket_of(table, number);
    while (file && file->meta.number != number) file = file->next;
    return file;
}

struct value_file *value_table_acquire(struct value_table *table, uint64_t number) {
    mutex_lock(&table->mutex);
    struct value_file *file = find(table, number);
    if (file) file->references++;
    mutex_unlock(&table->mutex);
    return file;
}

struct value_file *value_table_find(struct value_table *table, uint64_t number) {
    mutex_lock(&table->mutex);
    struct value_file *file = find(table, number);
    mutex_unlock(&table->mutex);
    return file;
}

struct value_file *value_table_use(struct value_table *table, uint64_t number, struct value_reader **reader) {
    mutex_lock(&table->mutex);
    struct value_file *file = find(table, number);
    *reader = file ? file->reader : NULL;
    if (*reader) {
        value_reader_acquire(*reader);
        file->used = true;
    }
    mutex_unlock(&table->mutex);
    return file;
}

void value_table_keep_reader(struct value_table *table, struct value_file *file, struct value_reader **reader) {
    struct value_reader *unwanted = NULL;
    mutex_lock(&table->mutex);
    if (file->reader) {
        unwanted = *reader;
        *reader = file->reader;
    } else {
        file->reader = *reader;
        atomic_fetch_add_explicit(&table->open_count, 1, memory_order_relaxed);
    }
    value_reader_acquire(*reader); /* the caller's beside the table's */
    file->used = true;
    mutex_unlock(&table->mutex);
    value_reader_close(unwanted);
}

/* REQUIRES: mutex. The first in a bucket that was not asked for; those that were are given another round. */
static struct value_reader *take_from(struct value_table *table, struct value_file *file) {
    for (; file; file = file->next) {
        struct value_reader *reader = file->reader;
        if (reader && !file->used) {
            file->reader = NULL;
            atomic_fetch_sub_explicit(&table->open_count, 1, memory_order_relaxed);
            return reader;
        }
        file->used = false;
    }
    return NULL;
}

struct value_reader *value_table_take_reader(struct value_table *table, uint32_t most) {
    struct value_reader *taken = NULL;
    mutex_lock(&table->mutex);
    /* Two rounds: the second meets none that was asked for. Those of dead files are in no bucket. */
    for (size_t steps = 0; !taken && steps < (size_t)2 * VALUE_TABLE_BUCKETS; steps++) {
        if (atomic_load_explicit(&table->open_count, memory_order_relaxed) <= most) break;
        taken = take_from(table, table->buckets[table->hand]);
        if (!taken) table->hand = (table->hand + 1) % VALUE_TABLE_BUCKETS;
    }
    mutex_unlock(&table->mutex);
    return taken;
}

void value_file_close(struct value_file *file) {
    if (!file->reader) return;
    atomic_fetch_sub_explicit(&file->table->open_count, 1, memory_order_relaxed);
    value_reader_close(file->reader);
    file->reader = NULL;
}

void value_file_release(struct value_file *file) {
    if (!file) return;
    struct value_table *table = file->table;
    mutex_lock(&table->mutex);
    if (--file->references == 0) {
        struct value_file **at = bucket_of(table, file->meta.number);
        while (*at != file) at = &(*at)->next;
        *at = file->next;
        file->next = table->dead;
        table->dead = file;
    }
    mutex_unlock(&table->mutex);
}

struct value_file *value_table_take_dead(struct value_table *table) {
    mutex_lock(&table->mutex);
    struct value_file *file = table->dead;
    if (file) table->dead = file->next;
    mutex_unlock(&table->mutex);
    return file;
}

void value_table_each(struct value_table *table, void (*visit)(void *context, struct value_file *file), void *context) {
    mutex_lock(&table->mutex);
    for (size_t i = 0; i < VALUE_TABLE_BUCKETS; i++)
        for (struct value_file *file = table->buckets[i]; file; file = file->next) visit(context, file);
    mutex_unlock(&table->mutex);
}
