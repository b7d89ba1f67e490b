/*
 * inspect: `loam inspect PATH...` shows what loam's files say, byte by byte. It reads only, takes no lock, and works
 * beside a running node: what is being written meanwhile may look torn.
 */
#include "tools/loam/inspect/inspect.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "engine/lsm/manifest_format.h"
#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"
#include "tools/loam/terminal.h"

enum { FILE_MAX_BYTES = 1 << 30, PAGE_MAX_BYTES = 16 << 20, DEPTH_MAX = 8 };

static const char usage[] = "usage: loam inspect [--hex | --json | --html] PATH...\n"
                            "\n"
                            "  PATH    a file that loam wrote (SST, log segment, manifest, superblock, options, "
                            "events), or a directory with such\n"
                            "  --hex   every field with its offset and bytes\n"
                            "  --json  the same for programs, one object a file\n"
                            "  --html  the same as a page for a browser, of one file of up to 16 MiB\n"
                            "\n"
                            "exit codes: 0 clean, 1 usage or failure, 2 corruption found, 3 torn tail only\n";

struct inspection {
    struct io *io;
    enum report_form form;
    bool corrupt, torn, failed;
    const char *dir; /* the one that is being listed */
    unsigned depth;
    uint64_t files, strange;
};

static const struct {
    const char *kind;
    size_t magic_at;
    const char *magic;
    void (*inspect)(struct report *report);
} kinds[] = {
    {"sst", 0, "loam.sst", inspect_sst},
    {"values", 0, "loam.val", inspect_values},
    {"log segment", 0, "LOAMWAL\n", inspect_wal},
    {"manifest", 8, "LOAMMANI", inspect_manifest},
    {"superblock", 8, "LOAMSUPR", inspect_superblock},
    {"node state", 0, "LOAMNOD\n", inspect_node},
    {"options", 0, "loam opt", inspect_options},
    {"events", 0, "{\"time_m", inspect_events},
    {"node state", IO_PAGE_BYTES, "LOAMNOD\n", inspect_node}, /* the first state stands in slot 1 */
};

static bool ends_with(const char *path, const char *end) {
    const size_t size = strlen(path), end_size = strlen(end);
    return size >= end_size && strcmp(path + size - end_size, end) == 0;
}

/* By its magic; a file whose beginning is damaged, by its name. Index into kinds; -1 = neither. */
static int kind_of(const char *path, struct slice bytes) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (bytes.size >= kinds[i].magic_at + 8 && memcmp(bytes.data + kinds[i].magic_at, kinds[i].magic, 8) == 0)
            return (int)i;
    }
    static const char *const ends[] = {".sst",       ".val",       ".wal",    ".manifest",
                                       "SUPERBLOCK", "superblock", "OPTIONS", "EVENTS"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (ends_with(path, ends[i])) return (int)i;
    }
    return -1;
}

static void inspect_file(struct inspection *inspection, const char *path, bool asked_for) {
    struct buf bytes = BUF_EMPTY;
    const size_t most = inspection->form == REPORT_PAGE ? PAGE_MAX_BYTES : FILE_MAX_BYTES;
    const enum status status = file_read_all(inspection->io, path, most, &bytes);
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "loam inspect: %s: %s\n", path, status_text(status));
        inspection->failed = true;
        buf_deinit(&bytes);
        return;
    }
    const int kind = kind_of(path, buf_slice(&bytes));
    if (kind >= 0) {
        struct report report;
        report_init(&report, inspection->form, buf_slice(&bytes));
        report.has_colours = terminal_has_output();
        kinds[kind].inspect(&report);
        report_print(&report, kinds[kind].kind, path);
        inspection->files++;
        inspection->corrupt |= report.verdict == REPORT_CORRUPT;
        inspection->torn |= report.verdict == REPORT_TORN;
        inspection->failed |= report.no_memory;
        report_deinit(&report);
    } else if (asked_for) {
        (void)fprintf(stderr, "loam inspect: %s: not a file of loam's: neither magic nor name is known\n", path);
        inspection->failed = true;
    } else {
        inspection->strange++;
    }
    buf_deinit(&bytes);
}

static enum status inspect_entry(void *context, const struct io_entry *entry);

static void inspect_dir(struct inspection *inspection, const char *path) {
    const char *above = inspection->dir;
    inspection->dir = path;
    if (++inspection->depth > DEPTH_MAX || io_dir_list(inspection->io, path, inspect_entry, inspection) != STATUS_OK) {
        (void)fprintf(stderr, "loam inspect: %s: can't be listed\n", path);
        inspection->failed = true;
    }
    inspection->depth--;
    inspection->dir = above;
}

static enum status inspect_entry(void *context, const struct io_entry *entry) {
    struct inspection *inspection = context;
    char path[IO_PATH_BYTES];
    const int size = snprintf(path, sizeof path, "%s/%s", inspection->dir, entry->name);
    if (size < 0 || (size_t)size >= sizeof path) {
        (void)fprintf(stderr, "loam inspect: %s: the path is too long\n", entry->name);
        inspection->failed = true;
    } else if (entry->kind == IO_ENTRY_DIR) {
        inspect_dir(inspection, path);
    } else if (entry->kind == IO_ENTRY_FILE) {
        inspect_file(inspection, path, false);
    }
    return STATUS_OK;
}

static void inspect_path(struct inspection *inspection, const char *path) {
    struct io_entry entry;
    const enum status status = io_stat(inspection->io, path, &entry);
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "loam inspect: %s: %s\n", path, status_text(status));
        inspection->failed = true;
    } else if (entry.kind == IO_ENTRY_DIR && inspection->form == REPORT_PAGE) {
        (void)fprintf(stderr, "loam inspect: %s: --html is of one file, not of a directory\n", path);
        inspection->failed = true;
    } else if (entry.kind == IO_ENTRY_DIR) {
        inspect_dir(inspection, path);
        if (inspection->form == REPORT_JSON) return;
        printf("%" PRIu64 " files of loam's", inspection->files);
        if (inspection->strange) printf(", %" PRIu64 " others", inspection->strange);
        printf("\n");
    } else {
        inspect_file(inspection, path, true);
    }
}

int command_inspect(int argc, char **argv) {
    struct inspection inspection = {.form = REPORT_SUMMARY};
    bool hex = false, json = false, html = false;
    const struct argument_option taken[] = {
        {.name = "--hex", .flag = &hex}, {.name = "--json", .flag = &json}, {.name = "--html", .flag = &html}};
    const struct arguments arguments = {"inspect", usage, "a PATH", 1, INT_MAX, taken, 3};
    int code;
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    if (hex + json + html > 1) return arguments_refuse(&arguments, "--hex, --json or --html: one of them");
    if (html && argc > 1) return arguments_refuse(&arguments, "--html is of one file");
    if (hex || json) inspection.form = hex ? REPORT_HEX : REPORT_JSON;
    if (html) inspection.form = REPORT_PAGE;
    struct error error;
    if (io_create(&(struct io_options){.backend = IO_BACKEND_POSIX}, &inspection.io, &error) != STATUS_OK) {
        (void)fprintf(stderr, "loam inspect: %s\n", error.text);
        return EXIT_FAILED;
    }
    for (int i = 0; i < argc; i++) inspect_path(&inspection, argv[i]);
    io_destroy(inspection.io);
    if (inspection.corrupt) return EXIT_CORRUPT;
    return inspection.failed ? EXIT_FAILED : inspection.torn ? EXIT_TORN : EXIT_CLEAN;
}
