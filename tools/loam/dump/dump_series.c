/*
 * dump_series: see dump_items.h. Samples that RedisTimeSeries takes go by TS.MADD, the others (no numbers, times before
 * 1970) by TS.RESTORE.
 */
#include <math.h>
#include <stdio.h>

#include "tools/loam/dump/dump_items.h"
#include "tools/loamd/restore_args.h"
#include "tsdb/tsdb.h"

enum { SAMPLES_PER_COMMAND = 512 };

struct series_dump {
    struct dump_source *source;
    const struct dump_name *name;
    struct dump_args samples; /* of the next TS.MADD */
    size_t sample_count;
    bool has_last;
    int64_t last_ms; /* of all that was written */
    bool is_refused; /* by what a command can say */
};

/* ---- Settings ---------------------------------------------------------------------------------------------------- */

/* What TS.CREATE refuses; only who has the library embedded can have made it. */
static bool has_label_of_commands(const struct tsdb_settings *settings) {
    for (size_t i = 0; i < settings->label_count; i++) {
        const struct slice value = settings->labels[i].value;
        for (size_t b = 0; b < value.size; b++)
            if (value.data[b] == '(' || value.data[b] == ')' || value.data[b] == ',') return false;
    }
    return true;
}

static enum status put_settings(void *context, const struct tsdb_settings *settings) {
    struct series_dump *dump = context;
    struct dump_writer *writer = dump->source->writer;
    struct dump_args *args = dump_arguments(writer);
    dump->is_refused = !has_label_of_commands(settings);
    if (dump->is_refused) return STATUS_UNSUPPORTED;
    dump_begin(writer, "TS.CREATE", dump_name_slice(dump->name));
    if (settings->given & TSDB_RETENTION) {
        dump_args_word(args, "RETENTION");
        dump_args_number(args, settings->retention_ms);
    }
    if (settings->given & TSDB_CHUNK_SIZE) {
        dump_args_word(args, "CHUNK_SIZE");
        dump_args_number(args, settings->chunk_bytes);
    }
    if ((settings->given & TSDB_DUPLICATE_POLICY) && settings->policy != TSDB_POLICY_NONE) {
        dump_args_word(args, "DUPLICATE_POLICY");
        dump_args_word(args, tsdb_policy_name(settings->policy));
    }
    if (settings->given & TSDB_LABELS) dump_args_word(args, "LABELS");
    for (size_t i = 0; i < settings->label_count; i++) {
        dump_args_put(args, settings->labels[i].name);
        dump_args_put(args, settings->labels[i].value);
    }
    return dump_end(writer);
}

/* ---- Samples ----------------------------------------------------------------------------------------------------- */

static enum status flush(struct series_dump *dump) {
    struct dump_writer *writer = dump->source->writer;
    if (dump->sample_count == 0) return STATUS_OK;
    dump_args_clear(dump_arguments(writer));
    dump_args_word(dump_arguments(writer), "TS.MADD");
    dump_append(writer, &dump->samples);
    dump_args_clear(&dump->samples);
    dump->sample_count = 0;
    return dump_end(writer);
}

static void put_time(struct dump_args *args, int64_t time_ms) {
    char text[24];
    (void)snprintf(text, sizeof text, "%lld", (long long)time_ms);
    dump_args_word(args, text);
}

static enum status put_exact(struct series_dump *dump, int64_t time_ms, const char *value) {
    struct dump_writer *writer = dump->source->writer;
    const enum status status = flush(dump);
    if (status != STATUS_OK) return status;
    dump_begin(writer, "TS.RESTORE", dump_name_slice(dump->name));
    put_time(dump_arguments(writer), time_ms);
    dump_args_word(dump_arguments(writer), value);
    return dump_end(writer);
}

static enum status put_sample(struct series_dump *dump, int64_t time_ms, double value) {
    char text[EXACT_DOUBLE_BYTES];
    (void)exact_double_format(value, text);
    dump->source->writer->counts.samples++;
    if (time_ms < 0 || !isfinite(value)) return put_exact(dump, time_ms, text);
    dump_args_put(&dump->samples, dump_name_slice(dump->name));
    put_time(&dump->samples, time_ms);
    dump_args_word(&dump->samples, text);
    dump->sample_count++;
    const bool is_full = dump->sample_count == SAMPLES_PER_COMMAND || dump->samples.bytes.size >= DUMP_PAGE_BYTES;
    return is_full ? flush(dump) : STATUS_OK;
}

static enum status put_samples(void *context, const int64_t *times_ms, const double *values, size_t count) {
    struct series_dump *dump = context;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        if (dump->has_last && times_ms[i] <= dump->last_ms) continue; /* behind damage a chunk may come as a whole */
        status = put_sample(dump, times_ms[i], values[i]);
        dump->last_ms = times_ms[i];
        dump->has_last = true;
    }
    return status;
}

/* ---- Damage ------------------------------------------------------------------------------------------------------ */

/* Times as positions, in their order. */
static uint64_t position_of(int64_t time_ms) {
    return (uint64_t)time_ms + (UINT64_C(1) << 63);
}
static int64_t time_of(uint64_t position) {
    return (int64_t)(position - (UINT64_C(1) << 63));
}

static enum status take_none(void *context, const int64_t *times_ms, const double *values, size_t count) {
    (void)context, (void)times_ms, (void)values, (void)count;
    return STATUS_END;
}

static enum status probe(void *context, uint64_t position) {
    const struct series_dump *dump = context;
    return tsdb_scan(dump->source->view, dump_name_slice(dump->name), time_of(position), INT64_MAX, take_none, NULL);
}

/* From the first sample to the last, over what can't be read. */
static enum status put_all(struct series_dump *dump) {
    struct dump_source *source = dump->source;
    uint64_t from = 0;
    for (;;) {
        enum status status =
            tsdb_scan(source->view, dump_name_slice(dump->name), time_of(from), INT64_MAX, put_samples, dump);
        if (status == STATUS_OK) return flush(dump);
        char where[64];
        (void)snprintf(where, sizeof where, dump->has_last ? ", samples behind %lld" : ", samples",
                       (long long)dump->last_ms);
        status = dump_damaged(source, dump->name, status, where);
        if (status != STATUS_OK) return status;
        if (dump->has_last && position_of(dump->last_ms) > from) from = position_of(dump->last_ms);
        if (!dump_damage_find_end(probe, dump, from, UINT64_MAX, &from)) return flush(dump);
    }
}

enum status dump_series(struct dump_source *source, const struct dump_name *name) {
    struct series_dump dump = {.source = source, .name = name};
    enum status status = tsdb_read_settings(source->view, dump_name_slice(name), put_settings, &dump);
    if (dump.is_refused)
        return error_set(source->error, STATUS_UNSUPPORTED,
                         "series %.*s: a label's value holds '(', ')' or ',', which no command of a server takes",
                         (int)name->size, (const char *)name->text);
    if (status != STATUS_OK) return dump_damaged(source, name, status, ", settings");
    source->writer->counts.series++;
    status = put_all(&dump);
    buf_deinit(&dump.samples.bytes);
    return status == STATUS_OK ? dump_expiry(source, name) : status;
}
