/*
 * verify: `loam verify`: every byte of a store, and of the node that it belongs to, judged. First the engine's store
 * (engine/care.h), with two threads; then, of a node, what verify_node.h tells.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/care.h"
#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"
#include "tools/loam/json_text.h"
#include "tools/loam/store_dir.h"
#include "tools/loam/terminal.h"
#include "tools/loam/verify/verify_node.h"

static const char usage[] =
    "usage: loam verify DIR [--json]\n"
    "\n"
    "Reads every byte of the engine's store in DIR and judges what it means; of a node's directory also its "
    "superblock\n"
    "and its log, and, where all of that is sound, what its stores mean: names, series and graphs as of the last "
    "entry\n"
    "that is known to be committed. Changes nothing; the node may run.\n"
    "--json: {\"findings\": [{file, offset, text}], \"sound\", counts, seconds, gb_per_second, \"node\"}.\n"
    "\n"
    "exit codes: 0 sound, 1 could not be done, 2 damage found, 3 a torn tail of the log only, which a start cuts\n";

enum { BAR_CELLS = 40 };

struct watching {
    struct io *io;
    bool bar; /* a person watches */
    bool json;
    unsigned shown;
    uint64_t findings;
    struct buf text; /* a string of JSON in the making */
};

static void clear_bar(const struct watching *watching) {
    if (watching->bar) (void)fputs("\r\033[K", stderr);
}

static void show_progress(void *context, uint64_t done, uint64_t total) {
    struct watching *watching = context;
    if (!watching->bar || total == 0) return;
    const unsigned thousandths = (unsigned)(done >= total ? 1000 : done * 1000 / total);
    if (thousandths == watching->shown) return;
    watching->shown = thousandths;
    char cells[BAR_CELLS + 1];
    for (unsigned i = 0; i < BAR_CELLS; i++) cells[i] = i * 1000 < thousandths * BAR_CELLS ? '#' : '.';
    cells[BAR_CELLS] = 0;
    (void)fprintf(stderr, "\r[%s] %3u %%  %" PRIu64 " of %" PRIu64 " MiB", cells, thousandths / 10, done >> 20,
                  total >> 20);
}

static void print_json_finding(struct watching *watching, const struct engine_finding *finding) {
    buf_clear(&watching->text);
    enum status status = json_text_append(&watching->text, finding->file);
    if (status == STATUS_OK)
        status = buf_append_format(&watching->text, ", \"offset\": %" PRIu64 ", \"text\": ", finding->offset);
    if (status == STATUS_OK) status = json_text_append(&watching->text, finding->text);
    if (status != STATUS_OK) return;
    printf("%s\n  {\"file\": %.*s}", watching->findings++ ? "," : "", (int)watching->text.size,
           (const char *)watching->text.data);
}

static void show_finding(void *context, const struct engine_finding *finding) {
    struct watching *watching = context;
    clear_bar(watching);
    if (watching->json)
        print_json_finding(watching, finding);
    else if (strncmp(finding->text, finding->file, strlen(finding->file)) == 0)
        printf("%s\n", finding->text);
    else
        printf("%s: offset %" PRIu64 ": %s\n", finding->file, finding->offset, finding->text);
}

struct verdict {
    bool is_node;
    char store[IO_PATH_BYTES];
    struct verify_node_report node;
    struct care_verify_report care;
    double seconds; /* for the store's files */
};

static void print_store(const char *dir, const struct care_verify_report *report, double seconds) {
    printf("%s: %" PRIu64 " tables, %" PRIu64 " entries, %" PRIu64 " files of values, %.1f MiB, %" PRIu64
           " log records read in %.2f s (%.2f GB/s)\n",
           dir, report->files, report->entries, report->value_files, (double)report->bytes / (1 << 20),
           report->log_records, seconds, (double)(report->bytes + report->log_bytes) / seconds / 1e9);
    if (report->format_level > 0) printf("format level %u\n", report->format_level);
    if (report->orphans > 0)
        printf("%" PRIu64 " tables or files of values that no edit names%s\n", report->orphans,
               report->findings ? ""
                                : ": of a job that was interrupted, then the next opening removes them, or is at work");
    if (report->left > 0)
        printf("%" PRIu64 " tables or files of values were removed meanwhile by who has it open, and are not judged\n",
               report->left);
}

static void print_node(const char *dir, const struct verify_node_report *node) {
    printf("%s: superblock and log, %" PRIu64 " entries", dir, node->log_entries);
    if (node->stores_were_read)
        printf("; its stores as of entry %" PRIu64, node->applied);
    else if (node->is_witness)
        printf("; of a witness, whose stores are empty");
    else if (node->findings == 0 && node->store[0] == '\0')
        printf("; no store yet");
    else
        printf("; what its stores mean was not judged, as something is wrong");
    printf("\n");
    if (node->is_torn)
        printf("the log ends in a write that was cut and never acknowledged: the next start takes it away\n");
}

static void print_verdict(const char *dir, const struct verdict *verdict) {
    const uint64_t findings = verdict->care.findings + verdict->node.findings;
    if (findings == 0) {
        printf("sound\n");
        return;
    }
    printf("%" PRIu64 " %s. What to do: ", findings, findings == 1 ? "finding" : "findings");
    if (!verdict->is_node)
        printf(
            "restore a backup (loam restore), or see what 'loam repair %s --dry-run' would keep; a node of a\ncluster "
            "is better made anew from its peers\n",
            dir);
    else if (verdict->node.has_promise)
        printf("start the node: it has again from its peers what is damaged, and refuses where they are no\nmajority. "
               "'loam inspect --raft' shows what the log lost and who has it, 'loam repair %s --dry-run' what of the "
               "store would be kept\n",
               dir);
    else
        printf("replace the node (loam cluster replace): it does not start. 'loam inspect --raft' shows what its\nlog "
               "holds\n");
}

/* The findings stand before: "{"findings": [...". */
static void print_json(const struct care_verify_report *report, const struct verify_node_report *node, bool is_node,
                       double seconds) {
    printf("],\n \"sound\": %s, \"tables\": %" PRIu64 ", \"entries\": %" PRIu64 ", \"bytes\": %" PRIu64
           ", \"log_records\": %" PRIu64 ", \"log_bytes\": %" PRIu64 ", \"value_files\": %" PRIu64
           ", \"orphans\": %" PRIu64 ", \"left\": %" PRIu64
           ", \"format_level\": %u,\n \"seconds\": %.3f, \"gb_per_second\": %.3f, \"node\": ",
           report->findings + node->findings == 0 ? "true" : "false", report->files, report->entries, report->bytes,
           report->log_records, report->log_bytes, report->value_files, report->orphans, report->left,
           report->format_level, seconds, (double)(report->bytes + report->log_bytes) / seconds / 1e9);
    if (!is_node) {
        printf("null}\n");
        return;
    }
    printf("{\"log_entries\": %" PRIu64 ", \"torn_tail\": %s, \"witness\": %s, \"stores_as_of\": ", node->log_entries,
           node->is_torn ? "true" : "false", node->is_witness ? "true" : "false");
    if (node->stores_were_read)
        printf("%" PRIu64 "}}\n", node->applied);
    else
        printf("null}}\n");
}

/* OK, whatever was found. */
static enum status judge(struct io *io, const char *dir, struct watching *watching, struct verdict *verdict,
                         struct error *error) {
    const struct care_verify_options options = {show_finding, show_progress, watching};
    const struct verify_node_teller teller = {show_finding, watching, &verdict->node};
    enum status status = verify_node_log(io, dir, &teller, error);
    verdict->is_node = status == STATUS_OK;
    if (status == STATUS_NOT_FOUND) {
        *error = (struct error){.status = STATUS_OK};
        status = store_dir_find(io, dir, verdict->store, error);
    } else {
        memcpy(verdict->store, verdict->node.store, sizeof verdict->store);
    }
    if (status != STATUS_OK || verdict->store[0] == '\0') return status;
    const uint64_t start = io_now_ns(io);
    status = engine_care_verify(io, verdict->store, &options, &verdict->care, error);
    verdict->seconds = (double)(io_now_ns(io) - start + 1) / 1e9;
    clear_bar(watching);
    if (status != STATUS_OK && status != STATUS_CORRUPT) return status;
    const bool is_sound = verdict->care.findings + verdict->node.findings == 0;
    return verdict->is_node && is_sound && !verdict->node.is_witness ? verify_node_stores(dir, &teller, error)
                                                                     : STATUS_OK;
}

static int tell(const char *dir, const struct watching *watching, const struct verdict *verdict) {
    const uint64_t findings = verdict->care.findings + verdict->node.findings;
    if (watching->json) {
        print_json(&verdict->care, &verdict->node, verdict->is_node, verdict->seconds);
    } else {
        if (verdict->is_node) print_node(dir, &verdict->node);
        if (verdict->store[0]) print_store(verdict->store, &verdict->care, verdict->seconds);
        print_verdict(dir, verdict);
    }
    if (findings > 0) return EXIT_CORRUPT;
    return verdict->node.is_torn ? EXIT_TORN : EXIT_CLEAN;
}

int command_verify(int argc, char **argv) {
    struct watching watching = {.json = false};
    struct error error = {.status = STATUS_OK};
    const struct argument_option taken[] = {{.name = "--json", .flag = &watching.json}};
    const struct arguments arguments = {"verify", usage, "a DIR", 1, 1, taken, 1};
    const struct io_options options = {.backend = IO_BACKEND_POSIX};
    struct io *io = NULL;
    int code;
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    struct verdict *verdict = calloc(1, sizeof *verdict);
    watching.bar = terminal_has_errors() && !watching.json;
    if (watching.json) printf("{\"findings\": [");
    enum status status =
        verdict ? io_create(&options, &io, &error) : error_set(&error, STATUS_NO_MEMORY, "out of memory");
    if (status == STATUS_OK) status = judge(io, argv[0], &watching, verdict, &error);
    if (status == STATUS_OK) {
        code = tell(argv[0], &watching, verdict);
    } else {
        if (watching.json) printf("], \"sound\": null}\n");
        (void)fprintf(stderr, "loam verify: %s\n", error.text);
        code = EXIT_FAILED;
    }
    buf_deinit(&watching.text);
    io_destroy(io);
    free(verdict);
    return code;
}
