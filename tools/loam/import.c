/*
 * import: `loam import` loads records into a server through a pipeline, with a progress bar; with --check it reads all
 * of them back instead and compares.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/loam/client.h"
#include "tools/loam/commands.h"
#include "tools/loam/number_option.h"
#include "tools/loam/records.h"
#include "tools/loam/terminal.h"

enum { WINDOW = 128, TIMEOUT_MS = 30000, BAR_WIDTH = 40, REDRAW_NS = 50 * 1000 * 1000 };

static const char usage[] =
    "usage: loam import [--to HOST:PORT] [--limit N] [--check] PATH...\n"
    "\n"
    "  PATH      dpkg's directory (/var/lib/dpkg), its status file, any text file, or a directory of such\n"
    "  --to      the server (127.0.0.1:7001); any node of a cluster will do\n"
    "  --limit   so many records at most\n"
    "  --check   read the records back and compare; exit code 1 if one is missing or differs\n";

struct import {
    struct io *io;
    const char *address;
    bool check;
    bool terminal;
    struct records records;
    struct client *client;
    uint64_t start_ns;
    uint64_t drawn_ns;
    uint64_t bytes;
    size_t wrong;  /* --check: missing or different */
    uint64_t hash; /* of what was written, or read back */
};

/* ---- Progress ---------------------------------------------------------------------------------------------------- */

static void draw(struct import *import, size_t done, bool last) {
    const uint64_t now_ns = io_now_ns(import->io);
    if (!import->terminal || (!last && now_ns - import->drawn_ns < REDRAW_NS)) return;
    import->drawn_ns = now_ns;
    const size_t total = import->records.count ? import->records.count : 1;
    const size_t filled = done * BAR_WIDTH / total;
    const double seconds = (double)(now_ns - import->start_ns) / 1e9;
    char bar[BAR_WIDTH + 1];
    for (size_t i = 0; i < BAR_WIDTH; i++) bar[i] = i < filled ? '#' : '.';
    bar[BAR_WIDTH] = '\0';
    (void)fprintf(stderr, "\r  [%s] %3zu %%  %zu of %zu  %.0f/s ", bar, done * 100 / total, done, import->records.count,
                  seconds > 0 ? (double)done / seconds : 0);
    if (last) (void)fputc('\n', stderr);
    (void)fflush(stderr);
}

/* ---- One record -------------------------------------------------------------------------------------------------- */

static enum status queue_record(struct import *import, size_t at) {
    const struct slice args[] = {slice_from_text(import->check ? "GET" : "SET"), records_key(&import->records, at),
                                 records_value(&import->records, at)};
    return client_queue(import->client, args, import->check ? 2 : 3);
}

static enum status judge_reply(struct import *import, size_t at, const struct resp_reply *reply, struct error *error) {
    const struct slice key = records_key(&import->records, at), value = records_value(&import->records, at);
    if (reply->type == RESP_ERROR)
        return error_set(error, STATUS_INVALID, "record %zu (%.*s): the server says: %.*s", at + 1, (int)key.size,
                         (const char *)key.data, (int)reply->text.size, (const char *)reply->text.data);
    import->bytes += key.size + value.size;
    const struct slice stored = import->check ? reply->text : value;
    if (import->check && reply->type == RESP_NULL) {
        import->wrong++;
        return STATUS_OK;
    }
    if (!slice_equal(stored, value)) import->wrong++;
    import->hash = records_hash_next(import->hash, key, stored);
    return STATUS_OK;
}

/* ---- All of them ------------------------------------------------------------------------------------------------- */

static enum status transfer(struct import *import, struct error *error) {
    enum status status = STATUS_OK;
    size_t sent = 0;
    for (size_t done = 0; status == STATUS_OK && done < import->records.count;) {
        const size_t from = sent;
        for (; status == STATUS_OK && sent < import->records.count && sent - from < WINDOW; sent++)
            status = queue_record(import, sent);
        if (status == STATUS_OK) status = client_flush(import->client, error);
        for (; status == STATUS_OK && done < sent; done++) {
            const struct resp_reply *reply;
            status = client_receive(import->client, &reply, error);
            if (status == STATUS_OK) status = judge_reply(import, done, reply, error);
        }
        draw(import, done, done == import->records.count);
    }
    return status;
}

static uint64_t expected_hash(const struct records *records) {
    uint64_t hash = 0;
    for (size_t i = 0; i < records->count; i++)
        hash = records_hash_next(hash, records_key(records, i), records_value(records, i));
    return hash;
}

static int report(const struct import *import) {
    const double seconds = (double)(io_now_ns(import->io) - import->start_ns) / 1e9;
    const double rate = seconds > 0 ? (double)import->records.count / seconds : 0;
    const char *verb = import->check ? "read back from" : "acknowledged by";
    (void)printf("  %zu records, %.1f MB, %s %s in %.2f s (%.0f/s)\n", import->records.count - import->wrong,
                 (double)import->bytes / 1e6, verb, import->address, seconds, rate);
    const uint64_t expected = expected_hash(&import->records);
    (void)printf("  hash %016" PRIx64 ", expected %016" PRIx64 ": %s\n", import->hash, expected,
                 import->hash == expected && import->wrong == 0 ? "equal" : "DIFFERENT");
    if (import->wrong > 0) (void)printf("  %zu records are missing or differ\n", import->wrong);
    return import->wrong == 0 && import->hash == expected ? EXIT_CLEAN : EXIT_FAILED;
}

static enum status run_import(struct import *import, int path_count, char **paths, struct error *error) {
    enum status status = STATUS_OK;
    for (int i = 0; status == STATUS_OK && i < path_count; i++)
        status = records_load(&import->records, import->io, paths[i], error);
    if (status == STATUS_OK && import->records.count == 0)
        status = error_set(error, STATUS_NOT_FOUND, "no records found");
    if (status == STATUS_OK) status = client_open(import->io, import->address, TIMEOUT_MS, &import->client, error);
    import->start_ns = io_now_ns(import->io);
    return status == STATUS_OK ? transfer(import, error) : status;
}

/* Consumes options; returns how many arguments they took, or -1. */
static int parse_options(struct import *import, int argc, char **argv) {
    int at = 0;
    for (; at < argc && argv[at][0] == '-'; at++) {
        uint64_t limit = 0;
        if (strcmp(argv[at], "--check") == 0)
            import->check = true;
        else if (strcmp(argv[at], "--to") == 0 && at + 1 < argc)
            import->address = argv[++at];
        else if (strcmp(argv[at], "--limit") == 0 && at + 1 < argc && number_option(argv[++at], UINT32_MAX, &limit))
            import->records.limit = (size_t)limit;
        else
            return -1;
    }
    return at < argc ? at : -1;
}

int command_import(int argc, char **argv) {
    if (argc > 0 && strcmp(argv[0], "--help") == 0) {
        (void)fputs(usage, stdout);
        return EXIT_CLEAN;
    }
    struct import import = {.address = "127.0.0.1:7001", .terminal = terminal_has_errors()};
    const int options = parse_options(&import, argc, argv);
    if (options < 0) {
        (void)fputs(usage, stderr);
        return EXIT_FAILED;
    }
    const struct io_options io_options = {.backend = IO_BACKEND_POSIX};
    struct error error = {0};
    enum status status = io_create(&io_options, &import.io, &error);
    if (status == STATUS_OK) status = run_import(&import, argc - options, argv + options, &error);
    if (status != STATUS_OK)
        (void)fprintf(stderr, "loam import: %s\n", error.text[0] ? error.text : status_text(status));
    const int code = status == STATUS_OK ? report(&import) : EXIT_FAILED;
    client_close(import.client);
    records_deinit(&import.records);
    io_destroy(import.io);
    return code;
}
