/*
 * stats: `loam stats`: what a store at rest consists of, by level and by tree, as its manifest says. Reads only.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/care.h"
#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"
#include "tools/loam/store_dir.h"

static const char usage[] =
    "usage: loam stats DIR [--json]\n\nWhat the engine's store in DIR (or of the node whose directory it is) consists "
    "of, as its manifest "
    "says: tables, bytes, entries, deletes by\nlevel and by tree. Changes nothing. Entries count every version, "
    "deletes "
    "too; 'expiring' are tables from which values\nwill go by their time. Exit codes: 0 done, 1 could not be done, 2 "
    "the manifest is damaged.\n\n--json prints one object: sequence, index (of the last batch in tables), "
    "format_level, "
    "wal_bytes, space_thousandths (all\nbytes by those of the last level; 0 = nothing there), files, bytes, entries, "
    "deletes, operands, range_deletes,\nexpiring_files; and the last seven again in each object of the arrays levels "
    "(with level) and trees (with tree, kind).\n";

struct printing {
    bool json;
    bool first;
};

static void put_sums(const struct care_sums *sums) {
    printf("\"files\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"entries\": %" PRIu64 ", \"deletes\": %" PRIu64
           ", \"operands\": %" PRIu64 ", \"range_deletes\": %" PRIu64 ", \"expiring_files\": %" PRIu64,
           sums->files, sums->bytes, sums->entries, sums->deletes, sums->operands, sums->range_deletes,
           sums->expiring_files);
}

static void print_row(const char *name, const struct care_sums *sums) {
    printf("%-20s %8" PRIu64 " %12.1f %12" PRIu64 " %10" PRIu64 " %10" PRIu64 " %8" PRIu64 " %8" PRIu64 "\n", name,
           sums->files, (double)sums->bytes / (1 << 20), sums->entries, sums->deletes, sums->operands,
           sums->range_deletes, sums->expiring_files);
}

static void print_tree(void *context, const struct care_tree_stats *tree) {
    struct printing *printing = context;
    char name[48];
    if (printing->json) {
        printf("%s\n  {\"tree\": %" PRIu32 ", \"kind\": %" PRIu32 ", ", printing->first ? "" : ",", tree->tree,
               tree->kind);
        put_sums(&tree->sums);
        printf("}");
    } else {
        snprintf(name, sizeof name, "tree %" PRIu32 ", kind %" PRIu32, tree->tree, tree->kind);
        print_row(name, &tree->sums);
    }
    printing->first = false;
}

static uint64_t space_thousandths(const struct care_stats *stats) {
    const uint64_t last = stats->levels[ENGINE_LEVELS - 1].bytes;
    return last ? (uint64_t)((double)stats->all.bytes * 1000 / (double)last) : 0;
}

static void print_json(const struct care_stats *stats) {
    printf("],\n \"levels\": [");
    for (unsigned i = 0; i < ENGINE_LEVELS; i++) {
        printf("%s\n  {\"level\": %u, ", i ? "," : "", i);
        put_sums(&stats->levels[i]);
        printf("}");
    }
    printf("],\n \"sequence\": %" PRIu64 ", \"index\": %" PRIu64 ", \"format_level\": %u, \"wal_bytes\": %" PRIu64
           ", \"space_thousandths\": %" PRIu64 ", ",
           stats->sequence, stats->mark.index, stats->format_level, stats->log_bytes, space_thousandths(stats));
    put_sums(&stats->all);
    printf("}\n");
}

static void print_text(const struct care_stats *stats) {
    char name[16];
    for (unsigned i = 0; i < ENGINE_LEVELS; i++) {
        if (stats->levels[i].files == 0) continue;
        snprintf(name, sizeof name, "level %u", i);
        print_row(name, &stats->levels[i]);
    }
    print_row("all", &stats->all);
    printf("format level %u; sequence %" PRIu64 ", batch %" PRIu64 " in tables; log %.1f MiB\n", stats->format_level,
           stats->sequence, stats->mark.index, (double)stats->log_bytes / (1 << 20));
    if (space_thousandths(stats) > 0)
        printf("space: %.3f of the last level's bytes\n", (double)space_thousandths(stats) / 1000);
}

int command_stats(int argc, char **argv) {
    const struct io_options options = {.backend = IO_BACKEND_POSIX};
    struct printing printing = {.first = true};
    struct care_stats stats;
    struct error error = {.status = STATUS_OK};
    struct io *io = NULL;
    const struct argument_option taken[] = {{.name = "--json", .flag = &printing.json}};
    const struct arguments arguments = {"stats", usage, "a DIR", 1, 1, taken, 1};
    int code;
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    enum status status = io_create(&options, &io, &error);
    char dir[IO_PATH_BYTES];
    if (status == STATUS_OK) status = store_dir_find(io, argv[0], dir, &error);
    if (status == STATUS_OK) status = engine_care_stats(io, dir, &stats, NULL, NULL, &error);
    if (status == STATUS_OK) {
        if (printing.json)
            printf("{\"trees\": [");
        else
            printf("%-20s %8s %12s %12s %10s %10s %8s %8s\n", "", "tables", "MiB", "entries", "deletes", "operands",
                   "ranges", "expiring");
        status = engine_care_stats(io, dir, &stats, print_tree, &printing, &error);
    }
    if (status == STATUS_OK && printing.json) print_json(&stats);
    if (status == STATUS_OK && !printing.json) print_text(&stats);
    if (status != STATUS_OK) (void)fprintf(stderr, "loam stats: %s\n", error.text);
    if (io) io_destroy(io);
    if (status_class(status) == STATUS_CLASS_DAMAGE) return EXIT_CORRUPT;
    return status == STATUS_OK ? EXIT_CLEAN : EXIT_FAILED;
}
