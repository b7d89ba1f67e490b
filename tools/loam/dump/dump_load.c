/*
 * dump_load: `loam load`: brings what `loam dump` wrote into a cluster. A file is read twice: first it is judged, and
 * its names are looked for, so that a load that can't be whole does not begin. What takes more than one command is
 * built under a name that stands in for its own and renamed once it is complete: a name that is there is there as a
 * whole, and a load that was ended anywhere comes again. Every command may be sent again (load_send.h).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"
#include "tools/loam/dump/load_batch.h"
#include "tools/loam/dump/load_send.h"
#include "tools/loam/reply_text.h"
#include "tools/loam/terminal.h"

enum { PATIENCE_MS = 60000, REDRAW_NS = 100 * 1000 * 1000, SHOWN_NAMES = 10, REQUESTS_PER_COMMAND = 2 };

static const char usage[] =
    "usage: loam load FILE|- [--to HOST:PORT[,HOST:PORT...]] [--password P] [--replace | --skip-existing] [--verify]\n"
    "\n"
    "FILE: what loam dump wrote; -: standard input.\n"
    "\n"
    "  --to             the server (127.0.0.1:7001), or several nodes of a cluster: when one fails the next is asked\n"
    "  --replace        a name that is there already gets what the dump has\n"
    "  --skip-existing  a name that is there already stays as it is; so a load that was ended goes on\n"
    "  --verify         read the file and judge it; nothing is sent to anybody\n"
    "\n"
    "Without --replace and --skip-existing a file of which a name is there already is not begun. Exit codes: 1 "
    "failure,\n"
    "2 the stream is damaged, 3 it ends before its end mark.\n";

struct load {
    const char *path;
    bool replaces, skips, verifies;
    struct io *io;
    struct io_file *file; /* NULL: standard input */
    uint64_t file_bytes, file_at;
    struct dump_reader reader;
    struct load_batch batch;
    struct load_sender sender;
    const char *nodes[LOAD_ADDRESSES_MAX];
    char *node_words; /* owned: what the nodes are cut from */

    size_t *requests; /* of an exchange: a command, an item */
    bool *is_drop;    /* the request takes away what an earlier load left under the name that stands in */
    bool only_looks;  /* the first of two passes */
    uint64_t existing, loaded, skipped, expired, commands;
    bool draws;
    uint64_t drawn_ns;
};

/* ---- Progress ---------------------------------------------------------------------------------------------------- */

static void draw(struct load *load, bool last) {
    if (!load->draws) return;
    const uint64_t now_ns = io_now_ns(load->io);
    if (!last && now_ns - load->drawn_ns < REDRAW_NS) return;
    load->drawn_ns = now_ns;
    (void)fprintf(stderr, "\r  %s %.1f of %.1f MB, %" PRIu64 " names ", load->only_looks ? "judged" : "loaded",
                  (double)load->reader.offset / 1e6, (double)load->file_bytes / 1e6, load->loaded);
    if (last) (void)fputc('\n', stderr);
}

/* ---- Input ------------------------------------------------------------------------------------------------------- */

static enum status read_input(void *context, void *to, size_t room, size_t *got) {
    struct load *load = context;
    if (load->file == NULL) return terminal_read(to, room, got);
    const enum status status = io_file_read(load->file, load->file_at, to, room, got);
    load->file_at += *got;
    return status;
}

static enum status open_reader(struct load *load, struct error *error) {
    load->file_at = 0;
    load->reader = (struct dump_reader){.read = read_input, .context = load};
    load->reader.path = load->file ? load->path : "standard input";
    load->batch.has_pending = false;
    load->batch.item_count = load->batch.command_count = 0;
    return dump_reader_open(&load->reader, error);
}

static enum status open_input(struct load *load, struct error *error) {
    if (strcmp(load->path, "-") == 0) return STATUS_OK;
    enum status status = io_file_open(load->io, load->path, IO_OPEN_READ, &load->file);
    if (status == STATUS_OK) status = io_file_size(load->file, &load->file_bytes);
    return status == STATUS_OK ? STATUS_OK : error_set(error, status, "%s: %s", load->path, status_text(status));
}

/* ---- Names that are there ---------------------------------------------------------------------------------------- */

static void show_name(const struct load *load, size_t item, const char *what) {
    struct buf text = BUF_EMPTY;
    struct slice name = load_batch_name(&load->batch, item);
    if (name.size > 200) name.size = 200;
    if (reply_text_quote(&text, name) == STATUS_OK)
        (void)fprintf(stderr, "loam load: %.*s (offset %" PRIu64 "): %s\n", (int)text.size, (const char *)text.data,
                      load->batch.items[item].offset, what);
    buf_deinit(&text);
}

static enum status queue_exists(void *context, struct client *client, size_t i, bool again, size_t *replies) {
    struct load *load = context;
    const struct slice args[] = {slice_from_text("EXISTS"), load_batch_name(&load->batch, load->requests[i])};
    (void)again, (void)replies;
    return client_queue(client, args, 2);
}

static enum status judge_exists(void *context, size_t i, bool again, const struct resp_reply *reply,
                                struct error *error) {
    struct load *load = context;
    const size_t item = load->requests[i];
    (void)again;
    if (reply->type != RESP_INTEGER) return load_judge_error(reply, error);
    if (reply->integer == 0) return STATUS_OK;
    load->batch.items[item].skipped = true;
    if (load->skips) {
        load->skipped += !load->only_looks;
        return STATUS_OK;
    }
    if (load->existing++ < SHOWN_NAMES) show_name(load, item, "it is there already");
    return STATUS_OK;
}

static enum status look_for_names(struct load *load, struct error *error) {
    size_t count = 0, done = 0;
    if (load->replaces || (load->only_looks && load->skips)) return STATUS_OK;
    for (size_t i = 0; i < load->batch.item_count; i++)
        if (load->batch.items[i].begins) load->requests[count++] = i;
    const struct load_exchange exchange = {queue_exists, judge_exists, load, count};
    const enum status status = load_send(&load->sender, &exchange, &done, error);
    if (status != STATUS_OK || load->existing == 0 || load->only_looks) return status;
    return error_set(error, STATUS_EXISTS, "a name has come that was not there before; --replace or --skip-existing");
}

/* ---- Commands ---------------------------------------------------------------------------------------------------- */

/* Samples one by one, the last one of a time counting: that may be said twice. */
static enum status queue_samples_again(struct client *client, const struct slice *args, size_t arg_count,
                                       size_t *replies) {
    enum status status = STATUS_OK;
    *replies = (arg_count - 1) / 3;
    for (size_t i = 1; status == STATUS_OK && i < arg_count; i += 3) {
        const struct slice add[] = {
            slice_from_text("TS.ADD"), args[i], args[i + 1], args[i + 2], slice_from_text("ON_DUPLICATE"),
            slice_from_text("LAST")};
        status = client_queue(client, add, 6);
    }
    return status;
}

static enum status queue_command(void *context, struct client *client, size_t i, bool again, size_t *replies) {
    struct load *load = context;
    const struct load_command *command = &load->batch.commands[load->requests[i]];
    if (load->is_drop[i]) {
        const struct slice drop[] = {slice_from_text("DEL"),
                                     slice_from_text(load->batch.items[command->item].stand_in)};
        return client_queue(client, drop, 2);
    }
    const struct slice *args = load_batch_args(&load->batch, command);
    if (args == NULL) return STATUS_NO_MEMORY;
    if (again && command->kind == DUMP_SAMPLES) return queue_samples_again(client, args, command->arg_count, replies);
    return client_queue(client, args, command->arg_count);
}

static enum status judge_samples(const struct resp_reply *reply, struct error *error) {
    for (size_t i = 0; i < reply->count; i++)
        if (reply->elements[i].type != RESP_INTEGER) return load_judge_error(&reply->elements[i], error);
    return STATUS_OK;
}

static bool says(const struct resp_reply *reply, const char *words) {
    return reply->type == RESP_ERROR && memmem(reply->text.data, reply->text.size, words, strlen(words)) != NULL;
}

static enum status judge_command(void *context, size_t i, bool again, const struct resp_reply *reply,
                                 struct error *error) {
    struct load *load = context;
    const struct load_command *command = &load->batch.commands[load->requests[i]];
    enum status status = STATUS_OK;
    if (reply->type == RESP_ARRAY && command->kind == DUMP_SAMPLES)
        status = judge_samples(reply, error);
    else if (!(again && command->kind == DUMP_CREATE && says(reply, "key already exists")) &&
             reply->type != RESP_INTEGER && reply->type != RESP_SIMPLE)
        status = load_judge_error(reply, error);
    if (status == STATUS_OK || status == STATUS_BUSY) return status;
    show_name(load, command->item, "was refused");
    return error_prefix(error, status, "%s: offset %" PRIu64, load->reader.path, command->offset);
}

static enum status send_commands(struct load *load, struct error *error) {
    size_t count = 0, done = 0, last_item = SIZE_MAX;
    for (size_t i = 0; i < load->batch.command_count; i++) {
        const size_t number = load->batch.commands[i].item;
        const struct load_item *item = &load->batch.items[number];
        if (item->skipped) continue;
        const bool is_first = item->begins && number != last_item;
        last_item = number;
        if (is_first && !item->is_direct) {
            load->is_drop[count] = true;
            load->requests[count++] = i;
        }
        load->is_drop[count] = false;
        load->requests[count++] = i;
    }
    const struct load_exchange exchange = {queue_command, judge_command, load, count};
    const enum status status = load_send(&load->sender, &exchange, &done, error);
    load->commands += done;
    return status;
}

/* ---- Names that are complete ------------------------------------------------------------------------------------- */

static enum status queue_rename(void *context, struct client *client, size_t i, bool again, size_t *replies) {
    struct load *load = context;
    const size_t item = load->requests[i];
    const struct slice args[] = {slice_from_text(load->replaces ? "RENAME" : "RENAMENX"),
                                 slice_from_text(load->batch.items[item].stand_in),
                                 load_batch_name(&load->batch, item)};
    (void)again, (void)replies;
    return client_queue(client, args, 3);
}

static enum status judge_rename(void *context, size_t i, bool again, const struct resp_reply *reply,
                                struct error *error) {
    struct load *load = context;
    const struct load_item *item = &load->batch.items[load->requests[i]];
    const bool is_gone = says(reply, "no such key");
    load->expired += is_gone && item->expires && !again;
    if (is_gone && (again || item->expires)) return STATUS_OK; /* it has its name; or it was due already */
    if (reply->type == RESP_SIMPLE || (reply->type == RESP_INTEGER && reply->integer == 1)) return STATUS_OK;
    if (reply->type != RESP_INTEGER) return load_judge_error(reply, error);
    show_name(load, load->requests[i],
              "it has come meanwhile; what was loaded of it is dropped when a load comes again");
    return error_set(error, STATUS_EXISTS, "%s: offset %" PRIu64 ": a name has come while it was loaded",
                     load->reader.path, item->offset);
}

static enum status rename_items(struct load *load, struct error *error) {
    size_t count = 0, done = 0;
    for (size_t i = 0; i < load->batch.item_count; i++) {
        const struct load_item *item = &load->batch.items[i];
        if (item->skipped || !item->ends) continue;
        load->loaded++;
        if (!item->is_direct) load->requests[count++] = i;
    }
    const struct load_exchange exchange = {queue_rename, judge_rename, load, count};
    const enum status status = load_send(&load->sender, &exchange, &done, error);
    load->loaded -= status == STATUS_OK ? 0 : count - done;
    return status;
}

/* ---- Passes ------------------------------------------------------------------------------------------------------ */

static enum status run_pass(struct load *load, struct error *error) {
    enum status status = open_reader(load, error);
    while (status == STATUS_OK) {
        status = load_batch_fill(&load->batch, &load->reader, error);
        if (status == STATUS_OK && !load->verifies) status = look_for_names(load, error);
        if (status == STATUS_OK && !load->only_looks) status = send_commands(load, error);
        if (status == STATUS_OK && !load->only_looks) status = rename_items(load, error);
        draw(load, status != STATUS_OK);
    }
    if (status != STATUS_END) return status;
    if (load->existing == 0) return STATUS_OK;
    return error_set(error, STATUS_EXISTS,
                     "%" PRIu64 " names are there already, and nothing was loaded; --replace or --skip-existing",
                     load->existing);
}

static enum status run_passes(struct load *load, struct error *error) {
    enum status status = STATUS_OK;
    if (load->verifies || load->file) {
        load->only_looks = true;
        status = run_pass(load, error);
        if (status != STATUS_OK || load->verifies) return status;
        dump_reader_close(&load->reader);
        load->only_looks = false;
    }
    return run_pass(load, error);
}

static void report(const struct load *load, bool complete) {
    const struct dump_counts *counts = &load->reader.counts;
    (void)printf("  %s%" PRIu64 " strings, %" PRIu64 " series (%" PRIu64 " samples), %" PRIu64 " graphs (%" PRIu64
                 " nodes, %" PRIu64 " edges) in %" PRIu64 " commands\n",
                 complete ? "" : "read: ", counts->strings, counts->series, counts->samples, counts->graphs,
                 counts->nodes, counts->edges, counts->commands);
    (void)printf("  of entry %" PRIu64 " of cluster %016" PRIx64 "\n", load->reader.head.entry,
                 load->reader.head.cluster_id);
    if (load->verifies || load->only_looks) return;
    (void)printf("  loaded %" PRIu64 " names, skipped %" PRIu64, load->loaded, load->skipped);
    if (load->expired > 0) (void)printf("; %" PRIu64 " were due already", load->expired);
    if (load->sender.resent > 0) (void)printf("; %" PRIu64 " commands were sent again", load->sender.resent);
    (void)printf("\n");
}

static int conclude(struct load *load, enum status status, const struct error *error) {
    if (load->reader.has_head) report(load, status == STATUS_OK);
    if (load->reader.counts.missing > 0)
        (void)fprintf(stderr,
                      "loam load: the dump itself is not all of its store: %" PRIu64
                      " places could not be read when it was made\n",
                      load->reader.counts.missing);
    if (status == STATUS_OK) return EXIT_CLEAN;
    (void)fprintf(stderr, "loam load: %s\n", error->text[0] ? error->text : status_text(status));
    const bool is_damage = status_class(status) == STATUS_CLASS_DAMAGE;
    if (!load->only_looks && load->loaded > 0)
        (void)fprintf(stderr, "  what was loaded stays: %" PRIu64 " names; --skip-existing goes on from there\n",
                      load->loaded);
    if (is_damage && load->only_looks && !load->verifies) (void)fprintf(stderr, "  nothing was loaded\n");
    if (!is_damage) return EXIT_FAILED;
    return status == STATUS_TORN ? EXIT_TORN : EXIT_CORRUPT;
}

static int run(struct load *load) {
    const struct io_options options = {.backend = IO_BACKEND_POSIX};
    struct error error = {.status = STATUS_OK};
    enum status status = io_create(&options, &load->io, &error);
    load->requests = calloc(REQUESTS_PER_COMMAND * LOAD_BATCH_COMMANDS + 1, sizeof *load->requests);
    load->is_drop = calloc(REQUESTS_PER_COMMAND * LOAD_BATCH_COMMANDS + 1, sizeof *load->is_drop);
    if (!load->requests || !load->is_drop) status = STATUS_NO_MEMORY;
    load->sender.io = load->io;
    load->sender.patience_ms = PATIENCE_MS;
    load->sender.nodes = load->nodes;
    if (status == STATUS_OK) status = open_input(load, &error);
    if (status == STATUS_OK) status = run_passes(load, &error);
    const int code = conclude(load, status, &error);
    load_sender_close(&load->sender);
    dump_reader_close(&load->reader);
    load_batch_deinit(&load->batch);
    io_file_close(load->file);
    io_destroy(load->io);
    free(load->requests);
    free(load->is_drop);
    return code;
}

/* ---- Command line ------------------------------------------------------------------------------------------------ */

static bool split_nodes(struct load *load, const char *text) {
    load->node_words = strdup(text);
    if (!load->node_words) return false;
    for (char *word = load->node_words; word;) {
        char *comma = strchr(word, ',');
        if (comma) *comma++ = '\0';
        if (*word == '\0' || load->sender.node_count == LOAD_ADDRESSES_MAX) return false;
        load->nodes[load->sender.node_count++] = word;
        word = comma;
    }
    return true;
}

int command_load(int argc, char **argv) {
    const char *to = "127.0.0.1:7001";
    struct load *load = calloc(1, sizeof *load);
    if (!load) return EXIT_FAILED;
    const struct argument_option taken[] = {{.name = "--to", .text = &to},
                                            {.name = "--password", .text = &load->sender.password},
                                            {.name = "--replace", .flag = &load->replaces},
                                            {.name = "--skip-existing", .flag = &load->skips},
                                            {.name = "--verify", .flag = &load->verifies}};
    const struct arguments arguments = {"load", usage, "a FILE", 1, 1, taken, 5};
    int code = EXIT_FAILED;
    if (arguments_take(&arguments, &argc, argv, &code)) {
        load->path = argv[0];
        load->draws = terminal_has_errors();
        if (load->replaces && load->skips)
            code = arguments_refuse(&arguments, "--replace or --skip-existing, not both");
        else if (!split_nodes(load, to))
            code = arguments_refuse(&arguments, "--to is HOST:PORT, or up to %d of them with commas between",
                                    LOAD_ADDRESSES_MAX);
        else
            code = run(load);
    }
    free(load->node_words);
    free(load);
    return code;
}
