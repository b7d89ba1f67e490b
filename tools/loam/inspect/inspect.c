/*
 * inspect: `loam inspect PATH...` shows what loam's files say, byte by byte. It reads only, takes no lock, and works
 * beside a running node: what is being written meanwhile may look torn.
 */
#include "tools/loam/inspect/inspect.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/lsm/manifest_format.h"
#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"
#include "tools/loam/inspect/directory.h"
#include "tools/loam/inspect/image.h"
#include "tools/loam/inspect/raftview/raftview.h"
#include "tools/loam/inspect/samples/samples.h"
#include "tools/loam/inspect/shape/shape.h"
#include "tools/loam/inspect/vertex/vertex.h"
#include "tools/loam/terminal.h"

enum {
    WHOLE_MAX_BYTES = 1 << 30,    /* of a kind that is read as one */
    NEAR_BYTES = 8 << 20,         /* image.h; of one that is read in parts */
    OBJECT_MAX_BYTES = 256 << 20, /* what is told as one object of JSON */
    PAGE_MAX_BYTES = 16 << 20,    /* what stands in a page */
    PAGE_FIRST_BYTES = 1 << 20,   /* of a file that is larger, unless a range is given */
    STREAM_FROM_BYTES = 16 << 20,
    RANGE_BYTES = 4096, /* where only its offset is given */
    MAGIC_WITHIN_BYTES = 2 * IO_PAGE_BYTES,
    DEPTH_MAX = 8,
};
#define FILE_MAX_BYTES ((uint64_t)1 << 40)

static const char usage[] =
    "usage: loam inspect [--hex | --json | --html] [--range OFFSET[+SIZE]] PATH...\n"
    "       loam inspect --lsm [--at EDIT | --diff A B] [--json | --html] DIR\n"
    "       loam inspect --raft [--json | --html] DIR... | HOST:PORT...\n"
    "       loam inspect --series NAME DIR [--chunk N | --at TIME] [--json]\n"
    "       loam inspect --vertex GRAPH NODE DIR [--direction out|in] [--block N] [--levels] [--json]\n"
    "\n"
    "  PATH    a file that loam wrote (SST, log segment, manifest, superblock, options, events, write trace), or a "
    "directory with "
    "such\n"
    "  --hex   every field with its offset and bytes\n"
    "  --json  the same for programs, one object a file, of up to 256 MiB\n"
    "  --html  the same as a page for a browser, of one file; of one over 16 MiB the first 1 MiB\n"
    "  --range only what touches these bytes (4096 of them; numbers in decimal, or 0x and hexadecimal). Of an SST and "
    "of\n          values kept apart no more is read than that takes\n"
    "\n"
    "  --lsm     the shape of a store's trees, at any edit of its manifest: loam inspect --lsm --help\n"
    "  --raft    the replicated logs of nodes, side by side, and nodes that run: loam inspect --raft --help\n"
    "  --series  a time series of the store in DIR, down to its bits: loam inspect --series --help\n"
    "  --vertex  a node of a graph of the store in DIR, down to its varints: loam inspect --vertex --help\n"
    "\n"
    "exit codes: 0 clean, 1 usage or failure, 2 corruption found, 3 torn tail only\n";

enum { DAMAGED_SHOWN = 32 };

struct range {
    bool is_given;
    uint64_t offset, size;
};

struct inspection {
    struct io *io;
    enum report_form form;
    struct range range;
    bool corrupt, torn, failed;
    const char *dir; /* the one that is being listed */
    unsigned depth;
    uint64_t files, strange;
    uint64_t damaged;  /* of a directory, for its last lines */
    struct buf listed; /* the first of them, a line each */
};

static const struct {
    const char *kind;
    size_t magic_at;
    const char *magic;
    void (*inspect)(struct report *report);
    bool reads_parts; /* asks for what it looks at; else the file is read whole */
} kinds[] = {
    {"sst", 0, "loam.sst", inspect_sst, true},
    {"values", 0, "loam.val", inspect_values, true},
    {"log segment", 0, "LOAMWAL\n", inspect_wal, false},
    {"manifest", 8, "LOAMMANI", inspect_manifest, false},
    {"superblock", 8, "LOAMSUPR", inspect_superblock, false},
    {"node state", 0, "LOAMNOD\n", inspect_node, false},
    {"options", 0, "loam opt", inspect_options, false},
    {"events", 0, "{\"time_m", inspect_events, false},
    {"write trace", 0, "loam.wtr", inspect_writes, false},
    {"node state", IO_PAGE_BYTES, "LOAMNOD\n", inspect_node, false}, /* the first state stands in slot 1 */
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
    static const char *const ends[] = {".sst",       ".val",    ".wal",   ".manifest", "SUPERBLOCK",
                                       "superblock", "OPTIONS", "EVENTS", ".writes"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (ends_with(path, ends[i])) return (int)i;
    }
    return -1;
}

static void refuse_file(struct inspection *inspection, const char *path, const char *why) {
    (void)fprintf(stderr, "loam inspect: %s: %s\n", path, why);
    inspection->failed = true;
}

/* The bytes that are to be told of. False: refused. */
static bool choose_range(struct inspection *inspection, const char *path, uint64_t size, struct range *range) {
    *range = inspection->range;
    const bool as_page = inspection->form == REPORT_PAGE;
    if (!range->is_given && as_page && size > PAGE_MAX_BYTES)
        *range = (struct range){.is_given = true, .size = PAGE_FIRST_BYTES};
    if (!range->is_given) {
        if (inspection->form != REPORT_JSON || size <= OBJECT_MAX_BYTES) return true;
        refuse_file(inspection, path, "over 256 MiB, which is too long for one object: --range OFFSET+SIZE");
        return false;
    }
    if (range->offset >= size) {
        refuse_file(inspection, path, "the range begins behind its end");
        return false;
    }
    if (range->size > size - range->offset) range->size = size - range->offset;
    if (range->size <= (as_page ? PAGE_MAX_BYTES : OBJECT_MAX_BYTES)) return true;
    refuse_file(inspection, path, as_page ? "a page shows ranges of up to 16 MiB" : "ranges are of up to 256 MiB");
    return false;
}

static void note_damaged(struct inspection *inspection, const char *path, bool is_torn) {
    if (inspection->damaged++ >= DAMAGED_SHOWN) return;
    if (buf_append_format(&inspection->listed, "%s: %s\n", is_torn ? "torn tail" : "DAMAGED", path) != STATUS_OK)
        inspection->failed = true;
}

/* One walk through the file, printed at its end, or all the while (`streams`). */
static void tell_file(struct inspection *inspection, const char *path, struct image *image, int kind,
                      enum report_form form, const struct range *range, bool streams) {
    struct report report;
    report_init(&report, form, slice_make(image->bytes, (size_t)image->size));
    report.image = image;
    report.has_colours = terminal_has_output();
    report.streams = streams;
    if (range->is_given) report_set_range(&report, range->offset, range->offset + range->size);
    image->near_bytes = kinds[kind].reads_parts && (form == REPORT_SUMMARY || streams) ? NEAR_BYTES : 0;
    if (!kinds[kind].reads_parts) report_need(&report, 0, image->size);
    if (form == REPORT_PAGE && range->is_given) report_need(&report, range->offset, range->size);
    kinds[kind].inspect(&report);
    report_print(&report, kinds[kind].kind, path);
    if (report.verdict != REPORT_CLEAN) note_damaged(inspection, path, report.verdict == REPORT_TORN);
    inspection->corrupt |= report.verdict == REPORT_CORRUPT;
    inspection->torn |= report.verdict == REPORT_TORN;
    inspection->failed |= report.no_memory;
    report_deinit(&report);
}

static void inspect_image(struct inspection *inspection, const char *path, struct image *image, int kind) {
    struct range range;
    if (!kinds[kind].reads_parts && image->size > WHOLE_MAX_BYTES) {
        refuse_file(inspection, path, "over 1 GiB, which no file of this kind is");
        return;
    }
    if (!choose_range(inspection, path, image->size, &range)) return;
    inspection->files++;
    const bool streams = inspection->form == REPORT_HEX && !range.is_given && image->size > STREAM_FROM_BYTES;
    /* Facts and problems of all of it stand before its fields, which no memory has to hold. */
    if (streams) tell_file(inspection, path, image, kind, REPORT_SUMMARY, &range, false);
    tell_file(inspection, path, image, kind, inspection->form, &range, streams);
}

static void inspect_file(struct inspection *inspection, const char *path, bool asked_for) {
    struct image image;
    const enum status status = image_open(inspection->io, path, FILE_MAX_BYTES, &image);
    if (status != STATUS_OK) {
        refuse_file(inspection, path, status_text(status));
        return;
    }
    const uint64_t beginning = image.size < MAGIC_WITHIN_BYTES ? image.size : MAGIC_WITHIN_BYTES;
    (void)image_need(&image, 0, beginning); /* a walk that meets what can't be read says so */
    const int kind = kind_of(path, slice_make(image.bytes, (size_t)beginning));
    if (kind >= 0)
        inspect_image(inspection, path, &image, kind);
    else if (asked_for)
        refuse_file(inspection, path, "not a file of loam's: neither magic nor name is known");
    else
        inspection->strange++;
    image_close(&image);
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

/* What was a long list ends with what counts. */
static void print_end(struct inspection *inspection) {
    printf("\n%" PRIu64 " files of loam's", inspection->files);
    if (inspection->strange) printf(", %" PRIu64 " others", inspection->strange);
    if (inspection->damaged == 0) printf(", each sound by itself; whether they fit together: loam verify");
    printf("\n%.*s", (int)inspection->listed.size, (const char *)inspection->listed.data);
    if (inspection->damaged > DAMAGED_SHOWN)
        printf("and %" PRIu64 " more that are damaged\n", inspection->damaged - DAMAGED_SHOWN);
    buf_clear(&inspection->listed);
    inspection->files = inspection->strange = inspection->damaged = 0;
}

static void inspect_path(struct inspection *inspection, const char *path) {
    struct io_entry entry;
    const enum status status = io_stat(inspection->io, path, &entry);
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "loam inspect: %s: %s\n", path, status_text(status));
        inspection->failed = true;
    } else if (entry.kind == IO_ENTRY_DIR && (inspection->form == REPORT_PAGE || inspection->range.is_given)) {
        refuse_file(inspection, path, "--html and --range are of one file, not of a directory");
    } else if (entry.kind == IO_ENTRY_DIR) {
        char words[DIRECTORY_WORDS_BYTES];
        directory_describe(inspection->io, path, words);
        if (words[0] && inspection->form != REPORT_JSON) printf("%s: %s\n\n", path, words);
        inspect_dir(inspection, path);
        if (inspection->form != REPORT_JSON) print_end(inspection);
    } else {
        inspect_file(inspection, path, true);
    }
}

static bool take_number(const char **at, uint64_t *number) {
    char *end = NULL;
    const bool is_hex = (*at)[0] == '0' && ((*at)[1] == 'x' || (*at)[1] == 'X');
    if (!isxdigit((unsigned char)(*at)[is_hex ? 2 : 0])) return false;
    errno = 0;
    *number = strtoull(*at, &end, is_hex ? 16 : 10);
    const bool fits = errno == 0 && end != *at;
    *at = end;
    return fits;
}

static bool take_range(void *context, const char *value) {
    struct range *range = context;
    if (range->is_given) return false;
    *range = (struct range){.is_given = true, .size = RANGE_BYTES};
    if (!take_number(&value, &range->offset)) return false;
    if (*value == '+' && (value++, !take_number(&value, &range->size))) return false;
    return *value == 0 && range->size > 0;
}

/* What looks at a store or a cluster, not at files one by one: options of their own. */
static const struct {
    const char *option;
    int (*run)(int argc, char **argv);
} views[] = {{"--lsm", shape_run}, {"--raft", raftview_run}, {"--series", samples_run}, {"--vertex", vertex_run}};

static bool is_asked_for(const char *option, int argc, char *const *argv) {
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], option) == 0) return true;
    return false;
}

int command_inspect(int argc, char **argv) {
    struct inspection inspection = {.form = REPORT_SUMMARY};
    bool hex = false, json = false, html = false;
    const struct argument_option taken[] = {{.name = "--hex", .flag = &hex},
                                            {.name = "--json", .flag = &json},
                                            {.name = "--html", .flag = &html},
                                            {.name = "--range",
                                             .meaning = "OFFSET or OFFSET+SIZE, once",
                                             .take = take_range,
                                             .context = &inspection.range}};
    const struct arguments arguments = {"inspect", usage, "a PATH", 1, INT_MAX, taken, 4};
    int code;
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        if (is_asked_for(views[i].option, argc, argv)) return views[i].run(argc, argv);
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    if (hex + json + html > 1) return arguments_refuse(&arguments, "--hex, --json or --html: one of them");
    if ((html || inspection.range.is_given) && argc > 1)
        return arguments_refuse(&arguments, "%s is of one file", html ? "--html" : "--range");
    if (hex || json) inspection.form = hex ? REPORT_HEX : REPORT_JSON;
    if (html) inspection.form = REPORT_PAGE;
    struct error error;
    if (io_create(&(struct io_options){.backend = IO_BACKEND_POSIX}, &inspection.io, &error) != STATUS_OK) {
        (void)fprintf(stderr, "loam inspect: %s\n", error.text);
        return EXIT_FAILED;
    }
    for (int i = 0; i < argc; i++) inspect_path(&inspection, argv[i]);
    buf_deinit(&inspection.listed);
    io_destroy(inspection.io);
    if (inspection.corrupt) return EXIT_CORRUPT;
    return inspection.failed ? EXIT_FAILED : inspection.torn ? EXIT_TORN : EXIT_CLEAN;
}
