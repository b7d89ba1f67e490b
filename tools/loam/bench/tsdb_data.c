/* tsdb_data: see tsdb_data.h. */
#include "tools/loam/bench/tsdb_data.h"

#include <stdio.h>
#include <stdlib.h>

#include "tools/loam/import/line_reader.h"

struct loaded {
    int64_t time_ms;
    size_t line; /* which came first */
    double value;
    char text[32];
};

struct load {
    struct loaded *samples;
    size_t count, capacity;
};

static enum status add_sample(struct load *load, const struct series_sample *sample) {
    if (load->count == load->capacity) {
        const size_t capacity = load->capacity ? load->capacity * 2 : 4096;
        struct loaded *more = realloc(load->samples, capacity * sizeof *more);
        if (!more) return STATUS_NO_MEMORY;
        load->samples = more;
        load->capacity = capacity;
    }
    struct loaded *to = &load->samples[load->count];
    if (sample->text.size >= sizeof to->text) return STATUS_TOO_LARGE;
    *to = (struct loaded){.time_ms = sample->time_ms, .line = load->count++, .value = sample->value};
    memcpy(to->text, sample->text.data, sample->text.size);
    return STATUS_OK;
}

static enum status read_file(struct load *load, struct io *io, const char *path, struct error *error) {
    struct line_reader reader;
    struct series_line_parser parser = {0};
    enum status status = line_reader_open(&reader, io, path, error);
    series_line_begin(&parser, TIME_UNIT_UNKNOWN);
    while (status == STATUS_OK) {
        struct slice line;
        struct series_sample sample;
        const char *why = "";
        status = line_reader_next(&reader, &line, error);
        if (status == STATUS_OK) status = series_line_parse(&parser, line, &sample, &why);
        if (status == STATUS_SYNTAX)
            status = error_set(error, STATUS_SYNTAX, "%s:%llu: %s", path, (unsigned long long)reader.line, why);
        else if (status == STATUS_OK)
            status = add_sample(load, &sample);
        else if (status == STATUS_NOT_FOUND)
            status = STATUS_OK;
    }
    series_line_deinit(&parser);
    line_reader_close(&reader);
    return status == STATUS_END ? STATUS_OK : status;
}

static int compare_loaded(const void *a, const void *b) {
    const struct loaded *x = a, *y = b;
    if (x->time_ms != y->time_ms) return x->time_ms < y->time_ms ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

static enum status keep(struct tsdb_series *series, struct load *load) {
    if (load->count) qsort(load->samples, load->count, sizeof *load->samples, compare_loaded);
    const size_t room = load->count ? load->count : 1;
    series->times_ms = calloc(room, sizeof *series->times_ms);
    series->values = calloc(room, sizeof *series->values);
    series->texts = calloc(room, sizeof *series->texts);
    if (!series->times_ms || !series->values || !series->texts) return STATUS_NO_MEMORY;
    for (size_t i = 0; i < load->count; i++) {
        const struct loaded *sample = &load->samples[i];
        if (i > 0 && sample->time_ms == load->samples[i - 1].time_ms) continue;
        series->times_ms[series->count] = sample->time_ms;
        series->values[series->count] = sample->value;
        memcpy(series->texts[series->count++], sample->text, sizeof sample->text);
    }
    return STATUS_OK;
}

enum status tsdb_data_load(struct tsdb_data *data, struct io *io, const char *dir, struct error *error) {
    enum status status = series_files_add(&data->files, io, dir, NULL, error);
    if (status != STATUS_OK) return status;
    data->series = calloc(data->files.count, sizeof *data->series);
    if (!data->series) return STATUS_NO_MEMORY;
    struct load load = {0};
    for (size_t i = 0; status == STATUS_OK && i < data->files.count; i++) {
        load.count = 0;
        data->series[i].name = data->files.files[i].series;
        status = read_file(&load, io, data->files.files[i].path, error);
        if (status == STATUS_OK) status = keep(&data->series[i], &load);
        data->sample_count += data->series[i].count;
    }
    free(load.samples);
    return status;
}

void tsdb_data_deinit(struct tsdb_data *data) {
    for (size_t i = 0; data->series && i < data->files.count; i++) {
        free(data->series[i].times_ms);
        free(data->series[i].values);
        free(data->series[i].texts);
    }
    free(data->series);
    series_files_deinit(&data->files);
    *data = (struct tsdb_data){0};
}
