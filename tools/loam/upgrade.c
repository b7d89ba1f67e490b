/*
 * upgrade: `loam upgrade`: raises the format level of a store that nobody has open.
 */
#include <stdio.h>
#include <string.h>

#include "engine/care.h"
#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"
#include "tools/loam/store_dir.h"

static const char usage[] =
    "usage: loam upgrade DIR [--to LEVEL]\n\nRaises the format level of the engine's store in DIR (or of the node "
    "whose "
    "directory it is) to the latest, or to LEVEL: what is written\nfrom then on may be in formats that older versions "
    "do not read; they "
    "refuse the store by the level's name. What is\nthere stays as it is. There is no way back but a backup made "
    "before. Exit codes: 0 done, 1 could not be done, 2 damage.\n";

static void print_feature(void *context, const char *text) {
    (void)context;
    printf("  %s\n", text);
}

static void print_report(const char *dir, const struct care_upgrade_report *report) {
    if (report->from == report->to) {
        printf("%s: has format level %u already; nothing was changed\n", dir, report->to);
        return;
    }
    printf("%s: format level %u is now %u, which allows:\n", dir, report->from, report->to);
    for (unsigned level = report->from + 1; level <= report->to; level++)
        engine_format_level_describe(level, print_feature, NULL);
    printf("versions that do not know \"format level %u\" refuse the store by that name\n", report->to);
}

int command_upgrade(int argc, char **argv) {
    const struct io_options options = {.backend = IO_BACKEND_POSIX};
    struct care_upgrade_report report;
    struct error error = {.status = STATUS_OK};
    struct io *io = NULL;
    uint64_t level = 0;
    const struct argument_option taken[] = {{.name = "--to", .number = &level, .limit = UINT32_MAX}};
    const struct arguments arguments = {"upgrade", usage, "a DIR", 1, 1, taken, 1};
    int code;
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    enum status status = io_create(&options, &io, &error);
    char dir[IO_PATH_BYTES];
    if (status == STATUS_OK) status = store_dir_find(io, argv[0], dir, &error);
    if (status == STATUS_OK) status = engine_care_upgrade(io, dir, (unsigned)level, &report, &error);
    if (io) io_destroy(io);
    if (status == STATUS_OK)
        print_report(dir, &report);
    else
        (void)fprintf(stderr, "loam upgrade: %s\n", error.text);
    if (status_class(status) == STATUS_CLASS_DAMAGE) return EXIT_CORRUPT;
    return status == STATUS_OK ? EXIT_CLEAN : EXIT_FAILED;
}
