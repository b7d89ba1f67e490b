/*
 * told: `loam events` and `loam options` show what a store tells about itself in its directory. They read only, and
 * work beside a running owner.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/care.h"
#include "engine/lsm/manifest_format.h"
#include "engine/lsm/options_format.h"
#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"
#include "tools/loam/out.h"
#include "tools/loam/store_dir.h"
#include "tools/loam/terminal.h"

enum { TOLD_MAX_BYTES = 1 << 30 };

static const char events_usage[] =
    "usage: loam events DIR [--json] [--last N] [--only WORD]\n\nWhat the store in DIR did, oldest first: each flush, "
    "compaction, move and sweep with its cause, inputs, outputs and\nbytes; openings, changed options, failures. "
    "--json: "
    "the lines as they stand in the file; --only: events whose name\nbegins with WORD, such as flush, compaction, "
    "error.\n";
static const char options_usage[] = "usage: loam options DIR\n\nThe options that the store in DIR was last opened "
                                    "with, and its kinds of trees. Exit code "
                                    "2: the file is damaged.\n";

struct showing {
    bool json;
    uint64_t last; /* 0 = all */
    const char *only;
    struct buf text;
};

static bool is_asked_for(const struct showing *showing, struct slice line) {
    static const char key[] = "\"event\":\"";
    if (!showing->only) return true;
    const uint8_t *name = memmem(line.data, line.size, key, sizeof key - 1);
    if (!name) return false;
    name += sizeof key - 1;
    const size_t left = line.size - (size_t)(name - line.data), size = strlen(showing->only);
    return left >= size && memcmp(name, showing->only, size) == 0;
}

/* A time as the members of an event begin with it. */
static enum status add_time(struct buf *to, const uint8_t **at, const uint8_t *end) {
    static const char key[] = "{\"time_ms\":";
    int64_t ms = 0;
    char text[OUT_WORDS_BYTES];
    if ((size_t)(end - *at) < sizeof key || memcmp(*at, key, sizeof key - 1) != 0) return STATUS_OK;
    for (*at += sizeof key - 1; *at < end && **at >= '0' && **at <= '9' && ms < INT64_MAX / 16; (*at)++)
        ms = ms * 10 + (**at - '0');
    return buf_append_slice(to, slice_from_text(time_words(ms, text)));
}

/* "name value, name value": what JSON says, without its signs. Texts keep their bytes. */
static enum status add_words(struct buf *to, const uint8_t *at, const uint8_t *end) {
    bool quoted = false;
    enum status status = STATUS_OK;
    for (; at < end && status == STATUS_OK; at++) {
        if (quoted && *at == '\\' && at + 1 < end)
            status = buf_append_byte(to, *++at);
        else if (*at == '"')
            quoted = !quoted;
        else if (quoted)
            status = buf_append_byte(to, *at);
        else if (*at == ':')
            status = buf_append_byte(to, ' ');
        else if (*at == ',')
            status = buf_append_format(to, ", ");
        else if (*at == '[' || *at == ']' || (*at >= '0' && *at <= '9'))
            status = buf_append_byte(to, *at);
    }
    return status;
}

static enum status show_line(struct showing *showing, struct slice line) {
    const uint8_t *at = line.data, *end = line.data + line.size;
    static const char key[] = ",\"event\":";
    buf_clear(&showing->text);
    enum status status = STATUS_OK;
    if (showing->json) {
        status = buf_append_slice(&showing->text, line);
    } else {
        status = add_time(&showing->text, &at, end);
        if (status == STATUS_OK) status = buf_append_byte(&showing->text, ' ');
        if ((size_t)(end - at) > sizeof key && memcmp(at, key, sizeof key - 1) == 0) at += sizeof key - 1;
        if (status == STATUS_OK) status = add_words(&showing->text, at, end);
    }
    if (status == STATUS_OK) status = buf_append_byte(&showing->text, '\n');
    if (status == STATUS_OK) terminal_print(buf_slice(&showing->text));
    return status;
}

/* Where the last so many lines that are asked for begin. */
static size_t start_of_last(const struct showing *showing, struct slice text) {
    uint64_t lines = 0;
    if (showing->last == 0) return 0;
    for (size_t end = text.size; end > 0;) {
        size_t begin = end - 1;
        while (begin > 0 && text.data[begin - 1] != '\n') begin--;
        lines += is_asked_for(showing, slice_make(text.data + begin, end - begin));
        if (lines == showing->last) return begin;
        end = begin;
    }
    return 0;
}

static enum status show_events(struct showing *showing, struct slice text) {
    enum status status = STATUS_OK;
    for (size_t at = start_of_last(showing, text); at < text.size && status == STATUS_OK;) {
        const uint8_t *end = memchr(text.data + at, '\n', text.size - at);
        if (!end) break; /* torn, or being written */
        const struct slice line = slice_make(text.data + at, (size_t)(end - text.data) - at);
        if (is_asked_for(showing, line)) status = show_line(showing, line);
        at += line.size + 1;
    }
    return status;
}

/* Appends what the store's file holds. */
static enum status add_file(struct io *io, const char *dir, const char *name, struct buf *to, struct error *error) {
    struct buf bytes = BUF_EMPTY;
    char path[IO_PATH_BYTES];
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return error_set(error, STATUS_TOO_LARGE, "%s: the path is too long", dir);
    enum status status = file_read_all(io, path, TOLD_MAX_BYTES, &bytes);
    if (status == STATUS_OK) status = buf_append_slice(to, buf_slice(&bytes));
    buf_deinit(&bytes);
    return status == STATUS_OK ? status : error_set(error, status, "%s: %s", path, status_text(status));
}

/* The older half is there once the newer one has been full. */
static enum status add_events(struct io *io, const char *dir, struct buf *to, struct error *error) {
    enum status status = add_file(io, dir, "EVENTS.1", to, error);
    if (status == STATUS_NOT_FOUND) status = STATUS_OK;
    return status == STATUS_OK ? add_file(io, dir, "EVENTS", to, error) : status;
}

/* A backend, and the store that is meant. */
static enum status find_store(const char *given, struct io **io, char dir[IO_PATH_BYTES], struct error *error) {
    const struct io_options options = {.backend = IO_BACKEND_POSIX};
    const enum status status = io_create(&options, io, error);
    return status == STATUS_OK ? store_dir_find(*io, given, dir, error) : status;
}

int command_events(int argc, char **argv) {
    struct showing showing = {.json = false};
    struct buf text = BUF_EMPTY;
    const struct argument_option taken[] = {{.name = "--json", .flag = &showing.json},
                                            {.name = "--last", .number = &showing.last, .limit = INT64_MAX},
                                            {.name = "--only", .text = &showing.only}};
    const struct arguments arguments = {"events", events_usage, "a DIR", 1, 1, taken, 3};
    int code;
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    char dir[IO_PATH_BYTES];
    struct io *io = NULL;
    struct error error = {.status = STATUS_OK};
    enum status status = find_store(argv[0], &io, dir, &error);
    if (status == STATUS_OK) status = add_events(io, dir, &text, &error);
    if (status == STATUS_OK) status = show_events(&showing, buf_slice(&text));
    if (status != STATUS_OK)
        (void)fprintf(stderr, "loam events: %s\n", error.text[0] ? error.text : status_text(status));
    if (io) io_destroy(io);
    buf_deinit(&text);
    buf_deinit(&showing.text);
    return status == STATUS_OK ? EXIT_CLEAN : EXIT_FAILED;
}

/* The manifest's word counts: OPTIONS is behind when it was not written since an upgrade, or before there were levels.
 */
static void print_level(struct io *io, const char *dir) {
    struct error error;
    unsigned level = 0;
    if (engine_care_format_level(io, dir, &level, &error) == STATUS_OK) printf("%-20s %u\n", "format_level", level);
}

static void print_option(void *context, struct slice name, struct slice value) {
    (void)context;
    if (slice_equal(name, slice_from_text("format_level"))) return;
    printf("%-20.*s %.*s\n", (int)name.size, (const char *)name.data, (int)value.size, (const char *)value.data);
}

int command_options(int argc, char **argv) {
    struct buf text = BUF_EMPTY;
    struct error error = {.status = STATUS_OK};
    const struct arguments arguments = {"options", options_usage, "a DIR", 1, 1, NULL, 0};
    int code;
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    char dir[IO_PATH_BYTES];
    struct io *io = NULL;
    enum status status = find_store(argv[0], &io, dir, &error);
    if (status == STATUS_OK) status = add_file(io, dir, "OPTIONS", &text, &error);
    if (status == STATUS_OK) {
        status = options_file_parse(buf_slice(&text), print_option, NULL, &error);
        if (status != STATUS_OK) error_prefix(&error, status, "%s/OPTIONS", dir);
    }
    if (status == STATUS_OK) print_level(io, dir);
    if (status != STATUS_OK)
        (void)fprintf(stderr, "loam options: %s\n", error.text[0] ? error.text : status_text(status));
    if (io) io_destroy(io);
    buf_deinit(&text);
    return status == STATUS_OK ? EXIT_CLEAN : status == STATUS_CORRUPT ? EXIT_CORRUPT : EXIT_FAILED;
}
