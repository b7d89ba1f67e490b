/*
 * cli: `loam cli`, for machines without redis-cli: one command from the arguments, or lines from the input.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/buf.h"
#include "tools/loam/client.h"
#include "tools/loam/commands.h"
#include "tools/loam/reply_text.h"
#include "tools/loam/terminal.h"
#include "tools/resp/resp_split.h"

enum { ARGS_MAX = 1024, TIMEOUT_MS = 60000 };

static const char usage[] =
    "usage: loam cli [-h HOST] [-p PORT] [-a PASSWORD] [--raw] [COMMAND [ARGUMENT ...]]\n"
    "\n"
    "Without a command, reads commands line by line; \"quit\" ends. Without a terminal, replies are raw.\n"
    "Exit code 1 if the command was answered by an error.\n";

struct cli {
    struct io *io;
    struct client *client; /* NULL: not connected */
    char address[IO_ADDRESS_BYTES];
    const char *password;
    bool raw;
    struct buf text; /* of the reply, printed at once */
};

static enum status connect_cli(struct cli *cli) {
    struct error error = {0};
    if (cli->client) return STATUS_OK;
    enum status status = client_open(cli->io, cli->address, TIMEOUT_MS, &cli->client, &error);
    if (status == STATUS_OK) status = client_authenticate(cli->client, cli->password, &error);
    if (status == STATUS_OK) return STATUS_OK;
    (void)fprintf(stderr, "Could not connect: %s\n", error.text);
    client_close(cli->client);
    cli->client = NULL;
    return status;
}

static bool slice_is_word(struct slice slice, const char *word) {
    return slice.size == strlen(word) && strncasecmp((const char *)slice.data, word, slice.size) == 0;
}

/* Replies that are pages of text, shown as they are. */
static bool is_page(const struct slice *args, size_t count) {
    if (slice_is_word(args[0], "info")) return true;
    return count > 1 && slice_is_word(args[0], "client") &&
           (slice_is_word(args[1], "list") || slice_is_word(args[1], "info"));
}

/* Prints the reply; *failed tells whether it was an error. */
static enum status run_command(struct cli *cli, const struct slice *args, size_t count, bool *failed) {
    struct error error = {0};
    const struct resp_reply *reply;
    enum status status = connect_cli(cli);
    if (status != STATUS_OK) return status;
    status = client_queue(cli->client, args, count);
    if (status == STATUS_OK) status = client_flush(cli->client, &error);
    if (status == STATUS_OK) status = client_receive(cli->client, &reply, &error);
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "Error: %s\n", error.text[0] ? error.text : status_text(status));
        client_close(cli->client);
        cli->client = NULL;
        return status;
    }
    buf_clear(&cli->text);
    const bool raw = cli->raw || is_page(args, count);
    status = raw ? reply_text_raw(&cli->text, reply) : reply_text_for_people(&cli->text, reply);
    if (status == STATUS_OK) terminal_print(buf_slice(&cli->text));
    *failed = reply->type == RESP_ERROR;
    return status;
}

/* ---- Lines ------------------------------------------------------------------------------------------------------- */

/* The words of a line, one behind the other in `words`. SYNTAX for unbalanced quotes, TOO_LARGE for more than ARGS_MAX.
 */
static enum status split_line(struct slice line, struct buf *words, size_t ends[ARGS_MAX], size_t *count) {
    size_t position = 0;
    buf_clear(words);
    *count = 0;
    for (;;) {
        enum status status = resp_split_next(line, &position, words);
        if (status == STATUS_END) return STATUS_OK;
        if (status != STATUS_OK) return status;
        if (*count == ARGS_MAX) return STATUS_TOO_LARGE;
        ends[(*count)++] = words->size;
    }
}

static void run_line(struct cli *cli, struct slice line, struct buf *words) {
    size_t ends[ARGS_MAX], count;
    struct slice args[ARGS_MAX];
    enum status status = split_line(line, words, ends, &count);
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "Invalid argument(s): %s\n",
                      status == STATUS_SYNTAX ? "unbalanced quotes" : status_text(status));
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const size_t start = i == 0 ? 0 : ends[i - 1];
        args[i] = slice_make(words->data + start, ends[i] - start);
    }
    bool failed;
    if (count > 0) status = run_command(cli, args, count, &failed); /* what went wrong has been printed */
}

static bool ends_session(struct slice line) {
    while (line.size > 0 && (line.data[line.size - 1] == '\n' || line.data[line.size - 1] == ' ')) line.size--;
    return slice_is_word(line, "quit") || slice_is_word(line, "exit");
}

static void print_prompt(struct cli *cli) {
    const bool connected = cli->client || connect_cli(cli) == STATUS_OK;
    (void)printf("%s> ", connected ? cli->address : "not connected");
    (void)fflush(stdout);
}

static int run_lines(struct cli *cli) {
    const bool prompt = terminal_has_input() && terminal_has_output();
    struct buf words = BUF_EMPTY, line = BUF_EMPTY;
    for (;;) {
        if (prompt) print_prompt(cli);
        if (terminal_read_line(&line) != STATUS_OK || ends_session(buf_slice(&line))) break;
        run_line(cli, buf_slice(&line), &words);
    }
    buf_deinit(&line);
    buf_deinit(&words);
    return EXIT_CLEAN;
}

/* ---- Arguments --------------------------------------------------------------------------------------------------- */

static int run_arguments(struct cli *cli, int argc, char **argv) {
    struct slice args[ARGS_MAX];
    if (argc > ARGS_MAX) {
        (void)fprintf(stderr, "loam cli: more than %d arguments\n", ARGS_MAX);
        return EXIT_FAILED;
    }
    for (int i = 0; i < argc; i++) args[i] = slice_from_text(argv[i]);
    bool failed = false;
    enum status status = run_command(cli, args, (size_t)argc, &failed);
    return status == STATUS_OK && !failed ? EXIT_CLEAN : EXIT_FAILED;
}

static bool takes_value(const char *name) {
    return strcmp(name, "-h") == 0 || strcmp(name, "-p") == 0 || strcmp(name, "-a") == 0;
}

/* Consumes options; returns how many arguments they took, or -1 after a complaint. */
static int parse_options(struct cli *cli, int argc, char **argv) {
    const char *host = "127.0.0.1", *port = "7001";
    int at = 0;
    for (; at < argc && argv[at][0] == '-'; at++) {
        const char *name = argv[at];
        if (strcmp(name, "--raw") == 0) {
            cli->raw = true;
            continue;
        }
        if (at + 1 == argc || !takes_value(name)) {
            (void)fprintf(stderr, takes_value(name) ? "loam cli: %s needs a value\n%s" : "loam cli: no option '%s'\n%s",
                          name, usage);
            return -1;
        }
        const char *value = argv[++at];
        if (name[1] == 'h') host = strcmp(value, "localhost") == 0 ? "127.0.0.1" : value;
        if (name[1] == 'p') port = value;
        if (name[1] == 'a') cli->password = value;
    }
    (void)snprintf(cli->address, sizeof cli->address, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
    return at;
}

int command_cli(int argc, char **argv) {
    if (argc > 0 && strcmp(argv[0], "--help") == 0) {
        (void)fputs(usage, stdout);
        return EXIT_CLEAN;
    }
    struct cli cli = {.raw = !terminal_has_output()};
    const int options = parse_options(&cli, argc, argv);
    if (options < 0) return EXIT_FAILED;
    const struct io_options io_options = {.backend = IO_BACKEND_POSIX};
    struct error error = {0};
    if (io_create(&io_options, &cli.io, &error) != STATUS_OK) {
        (void)fprintf(stderr, "loam cli: %s\n", error.text);
        return EXIT_FAILED;
    }
    const int code = options < argc ? run_arguments(&cli, argc - options, argv + options) : run_lines(&cli);
    client_close(cli.client);
    buf_deinit(&cli.text);
    io_destroy(cli.io);
    return code;
}
