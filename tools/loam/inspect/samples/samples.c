/*
 * samples: the name's row leads to the series', and that to its chunks. A chunk that is damaged is told, and the others
 * are shown; where the store can't be read on, that is told, too.
 */
#include "tools/loam/inspect/samples/samples.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"
#include "tools/loam/json_text.h"
#include "tools/loam/out.h"
#include "tools/loam/reply_text.h"
#include "tools/loam/store_reading.h"
#include "tools/loam/terminal.h"
#include "tsdb/explain.h"

enum { ROWS_PER_STEP = 256, WORDS_BYTES = 200 };

static const char usage[] =
    "usage: loam inspect --series NAME DIR [--chunk N | --at TIME] [--uncommitted] [--json]\n"
    "\n"
    "A series of the store in DIR (a node's data directory, or an engine's; its server may run), and its chunks.\n"
    "\n"
    "  --chunk N  each sample of the N-th of them, oldest 1, with its bits: heads, zeros, and bits so far a sample\n"
    "  --at TIME  the same of the chunk that holds this time, ms since 1970\n"
    "  --uncommitted  also what the log holds beyond the last commit that it knows of\n"
    "  --json     one object; with the samples of the chunk that was chosen\n"
    "\n"
    "exit codes: 0 clean, 1 usage or failure, also if there is no such series, 2 damage found\n";

struct shown {
    struct store_reading store;
    const char *name;
    uint64_t chunk; /* 1..; 0: none was chosen by number */
    bool has_time;
    int64_t time_ms;
    bool json;
    uint64_t id, chunks, samples, bytes;
    bool is_damaged, was_found; /* the chunk that was chosen */
    bool is_told;               /* the series' own row was */
    enum tsdb_encoding encoding;
    uint64_t running_bits; /* of the chunk that is told */
    struct out out;
};

static void flush_text(struct shown *shown) {
    terminal_print(buf_slice(&shown->out.text));
    buf_clear(&shown->out.text);
}

/* ---- Samples ----------------------------------------------------------------------------------------------------- */

static void show_sample(void *context, const struct tsdb_sample_bits *sample) {
    struct shown *shown = context;
    char time[OUT_WORDS_BYTES], value[TSDB_VALUE_TEXT_BYTES], words[WORDS_BYTES];
    const unsigned bits = sample->time_bits + sample->value_bits;
    shown->running_bits += bits;
    (void)tsdb_format_value(sample->value, value);
    tsdb_explain_bits(sample, shown->encoding, words, sizeof words);
    const double each = (double)shown->running_bits / (double)(sample->number + 1);
    if (shown->json)
        out_print(&shown->out,
                  "%s\n    {\"time_ms\": %" PRId64 ", \"value\": \"%s\", \"at_bit\": %" PRIu64
                  ", \"time_bits\": %u, \"value_bits\": %u, \"second_difference\": %" PRId64 ", \"xor\": \"%016" PRIx64
                  "\", \"leading_zeros\": %u, \"stored_bits\": %u, \"bits_a_sample\": %.3f}",
                  sample->number ? "," : "", sample->time_ms, value, sample->at, sample->time_bits, sample->value_bits,
                  sample->second_difference, sample->xor_bits, sample->leading, sample->size, each);
    else
        out_print(&shown->out, "%7" PRIu64 "  %-23s  %-18s %8" PRIu64 " %4u %4u %7.2f  %s\n", sample->number,
                  time_words(sample->time_ms, time), value, sample->at, sample->time_bits, sample->value_bits, each,
                  words);
    flush_text(shown);
}

static void show_samples(struct shown *shown, const struct tsdb_chunk *chunk) {
    shown->running_bits = 0;
    if (shown->json)
        out_print(&shown->out, ", \"samples_bits\": [");
    else
        out_print(&shown->out, "%7s  %-23s  %-18s %8s %4s %4s %7s  %s\n", "sample", "time", "value", "at bit", "time",
                  "val", "bits/s", "bits");
    flush_text(shown);
    const enum status status = tsdb_explain_samples(chunk->value, chunk->first_ms, show_sample, shown);
    if (shown->json)
        out_print(&shown->out, "]");
    else if (status != STATUS_OK)
        out_print(&shown->out, "         the rest of the chunk can't be read: %s\n", status_text(status));
}

/* ---- The series and its chunks ----------------------------------------------------------------------------------- */

/* A time between two chunks belongs to the one before it. */
static bool is_chosen(const struct shown *shown, const struct tsdb_chunk *chunk) {
    if (shown->chunk) return shown->chunk == chunk->number;
    return shown->has_time && shown->time_ms >= chunk->first_ms &&
           (!chunk->has_next || shown->time_ms < chunk->next_ms);
}

static void show_chunk(void *context, const struct tsdb_chunk *chunk) {
    struct shown *shown = context;
    char first[OUT_WORDS_BYTES], last[OUT_WORDS_BYTES];
    const bool chosen = is_chosen(shown, chunk), sound = chunk->fault == STATUS_OK;
    const char *encoding = tsdb_encoding_name(chunk->encoding);
    const double each = chunk->samples ? 8.0 * (double)chunk->value.size / (double)chunk->samples : 0;
    shown->encoding = chunk->encoding;
    shown->is_damaged |= !sound;
    shown->was_found |= chosen;
    shown->chunks++;
    shown->bytes += chunk->value.size;
    if (sound) shown->samples += chunk->samples;
    if (shown->json)
        out_print(&shown->out,
                  "%s\n  {\"number\": %" PRIu64 ", \"encoding\": \"%s\", \"bytes\": %zu, \"samples\": %" PRIu64
                  ", \"first_ms\": %" PRId64 ", \"last_ms\": %" PRId64 ", \"bits_a_sample\": %.3f, \"sound\": %s",
                  chunk->number > 1 ? "," : "", chunk->number, encoding, chunk->value.size, chunk->samples,
                  chunk->first_ms, chunk->last_ms, each, sound ? "true" : "false");
    else
        out_print(&shown->out, "%6" PRIu64 "  %-8s %8zu %8" PRIu64 "  %-23s  %-23s %7.2f%s%s\n", chunk->number,
                  encoding, chunk->value.size, chunk->samples, time_words(chunk->first_ms, first),
                  time_words(chunk->last_ms, last), each,
                  sound ? "" : "  DAMAGED: ", sound ? "" : status_text(chunk->fault));
    if (chosen) show_samples(shown, chunk);
    if (shown->json) out_print(&shown->out, "}");
    flush_text(shown);
}

/* A text of any bytes, in quotes. */
static void add_text(struct shown *shown, struct slice text) {
    struct buf part = BUF_EMPTY;
    enum status status = buf_append_slice(&part, text);
    if (status == STATUS_OK) status = buf_append_byte(&part, 0);
    if (status == STATUS_OK && shown->json) status = json_text_append(&shown->out.text, (const char *)part.data);
    if (status == STATUS_OK && !shown->json) status = reply_text_quote(&shown->out.text, text);
    if (status != STATUS_OK) shown->out.status = status;
    buf_deinit(&part);
}

static void show_series(void *context, const struct tsdb_settings *settings) {
    struct shown *shown = context;
    const char *policy = tsdb_policy_name(settings->policy ? settings->policy : TSDB_POLICY_BLOCK);
    shown->is_told = true;
    if (shown->json)
        out_print(&shown->out,
                  "{\"id\": %" PRIu64 ", \"retention_ms\": %" PRIu64
                  ", \"chunk_bytes\": %u, \"policy\": \"%s\", \"labels\": {",
                  shown->id, settings->retention_ms, settings->chunk_bytes, policy);
    else
        out_print(
            &shown->out, "series %" PRIu64 ": retention %" PRIu64 " ms, chunks of %u bytes, duplicates %s, labels%s",
            shown->id, settings->retention_ms, settings->chunk_bytes, policy, settings->label_count ? " " : " none");
    for (size_t i = 0; i < settings->label_count; i++) {
        if (i > 0) out_print(&shown->out, ", ");
        add_text(shown, settings->labels[i].name);
        out_print(&shown->out, shown->json ? ": " : " = ");
        add_text(shown, settings->labels[i].value);
    }
    if (shown->json)
        out_print(&shown->out, "}, \"chunks\": [");
    else
        out_print(&shown->out, "\n%6s  %-8s %8s %8s  %-23s  %-23s %7s\n", "chunk", "encoding", "bytes", "samples",
                  "first", "last", "bits/s");
    flush_text(shown);
}

static enum status read_series(struct shown *shown, struct error *error) {
    const struct tsdb_explain_visitor visitor = {show_series, show_chunk, shown};
    const enum status status = tsdb_explain_series(shown->store.engine, shown->id, &visitor);
    if (status == STATUS_OK) return STATUS_OK;
    return error_set(error, status, "%s of series %" PRIu64 " can't be read: %s",
                     shown->is_told ? "a chunk, and those behind it," : "the row", shown->id, status_text(status));
}

/* ---- Its name ---------------------------------------------------------------------------------------------------- */

struct search {
    struct slice name;
    struct name_row row;
    bool is_there;
};

static enum status visit_name(void *context, struct slice name, const struct name_row *row) {
    struct search *search = context;
    if (!slice_equal(name, search->name)) return STATUS_OK;
    search->row = *row;
    search->is_there = true;
    return STATUS_END;
}

/* Without the seed of the node the place of a name is not known: all are looked at. */
static enum status find_name(struct shown *shown, struct search *search) {
    struct engine_value value;
    uint64_t cursor = 0;
    enum status status;
    if (shown->store.has_seed) {
        status = names_get(&shown->store.view, search->name, &search->row, &value);
        search->is_there = status == STATUS_OK;
        if (status == STATUS_OK) engine_value_release(&value);
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    do status = names_scan(&shown->store.view, &cursor, ROWS_PER_STEP, visit_name, search);
    while (status == STATUS_OK && cursor != 0);
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status show(struct shown *shown, const char *dir, struct error *error) {
    struct search search = {.name = slice_from_text(shown->name)};
    enum status status = store_reading_open(&shown->store, dir, error);
    if (status != STATUS_OK) return status;
    status = find_name(shown, &search);
    if (status != STATUS_OK) return error_set(error, status, "the name can't be looked up: %s", status_text(status));
    if (!search.is_there) return error_set(error, STATUS_NOT_FOUND, "there is no %s", shown->name);
    if (search.row.type != NAME_SERIES) return error_set(error, STATUS_WRONG_TYPE, "%s is no time series", shown->name);
    shown->id = search.row.object;
    return read_series(shown, error);
}

/* ---- The command ------------------------------------------------------------------------------------------------- */

static void end(struct shown *shown, const struct error *error) {
    if (!shown->is_told) return;
    if (shown->json) {
        out_print(&shown->out, "],\n \"samples\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"fault\": ", shown->samples,
                  shown->bytes);
        if (error->status == STATUS_OK)
            out_print(&shown->out, "null");
        else
            add_text(shown, slice_from_text(error->text));
        out_print(&shown->out, "}\n");
    } else {
        out_print(&shown->out, "%" PRIu64 " %s, %" PRIu64 " samples, %" PRIu64 " bytes", shown->chunks,
                  shown->chunks == 1 ? "chunk" : "chunks", shown->samples, shown->bytes);
        if (shown->samples)
            out_print(&shown->out, ", %.2f bits a sample", 8.0 * (double)shown->bytes / (double)shown->samples);
        out_print(&shown->out, "\n");
    }
    flush_text(shown);
}

static bool take_time(void *context, const char *value) {
    struct shown *shown = context;
    char *behind = NULL;
    shown->time_ms = strtoll(value, &behind, 10);
    if (shown->has_time || behind == value || *behind) return false;
    shown->has_time = true;
    return true;
}

static int exit_code(const struct shown *shown, enum status status) {
    if (shown->is_damaged || status_class(status) == STATUS_CLASS_DAMAGE) return EXIT_CORRUPT;
    return status == STATUS_OK ? EXIT_CLEAN : EXIT_FAILED;
}

int samples_run(int argc, char **argv) {
    struct shown shown = {.store = {.explains = true}};
    const struct argument_option taken[] = {
        {.name = "--series", .text = &shown.name, .may_be_empty = true},
        {.name = "--chunk", .number = &shown.chunk, .limit = UINT64_MAX},
        {.name = "--at", .meaning = "a time in ms since 1970, once", .take = take_time, .context = &shown},
        {.name = "--uncommitted", .flag = &shown.store.uncommitted},
        {.name = "--json", .flag = &shown.json}};
    const struct arguments arguments = {"inspect --series", usage, "a DIR", 1, 1, taken, 5};
    struct error error = {.status = STATUS_OK};
    int code;
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    if (shown.chunk && shown.has_time) return arguments_refuse(&arguments, "--chunk or --at: one of them");
    enum status status = show(&shown, argv[0], &error);
    end(&shown, &error);
    if (status == STATUS_OK && (shown.chunk || shown.has_time) && !shown.was_found)
        status =
            error_set(&error, STATUS_NOT_FOUND, shown.chunk ? "there is no such chunk" : "no chunk holds that time");
    if (shown.out.status != STATUS_OK && status == STATUS_OK)
        status = error_set(&error, shown.out.status, "out of memory; what is shown has gaps");
    const bool is_named = strncmp(error.text, argv[0], strlen(argv[0])) == 0;
    if (status != STATUS_OK)
        (void)fprintf(stderr, "loam inspect: %s%s%s\n", is_named ? "" : argv[0], is_named ? "" : ": ", error.text);
    code = exit_code(&shown, status);
    store_reading_close(&shown.store);
    buf_deinit(&shown.out.text);
    return code;
}
