/*
 * care: `loam repair`, `backup` and `restore`: the directory of a store that nobody has open.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/care.h"
#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"
#include "tools/loam/store_dir.h"

static const char repair_usage[] =
    "usage: loam repair DIR [--dry-run] [--unreadable-as-lost]\n\nMakes the engine's store in DIR open again, of its "
    "tables and its log, when manifest or tables are damaged or lost.\nWhat is damaged is set aside in DIR/set-aside, "
    "never deleted. --dry-run prints the plan and the manifest that would be\nwritten, and changes nothing. Keep a "
    "copy "
    "of DIR where you can.\nWhere the device answers reads with errors nothing is done: copy DIR to a sound device "
    "(ddrescue), and repair the copy.\n--unreadable-as-lost goes on with what can be read, unless most tables can't "
    "be.\n";

static struct io *make_io(void) {
    const struct io_options options = {.backend = IO_BACKEND_POSIX};
    struct error error = {.status = STATUS_OK};
    struct io *io = NULL;
    if (io_create(&options, &io, &error) != STATUS_OK) (void)fprintf(stderr, "loam: %s\n", error.text);
    return io;
}

/* ---- Repair ------------------------------------------------------------------------------------------------------ */

static void say(void *context, const char *line) {
    (void)context;
    printf("%s\n", line);
}

int command_repair(int argc, char **argv) {
    struct care_repair_options options = {.say = say};
    struct care_repair_report report;
    struct error error = {.status = STATUS_OK};
    const struct argument_option taken[] = {{.name = "--dry-run", .flag = &options.dry_run},
                                            {.name = "--unreadable-as-lost", .flag = &options.unreadable_as_lost}};
    const struct arguments arguments = {"repair", repair_usage, "a DIR", 1, 1, taken, 2};
    int code;
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    struct io *io = make_io();
    if (!io) return EXIT_FAILED;
    char dir[IO_PATH_BYTES];
    enum status status = store_dir_find(io, argv[0], dir, &error);
    if (status == STATUS_OK) status = engine_care_repair(io, dir, &options, &report, &error);
    io_destroy(io);
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "loam repair: %s\n", error.text);
        return EXIT_FAILED;
    }
    if (!report.needed)
        printf("nothing to repair\n");
    else if (options.dry_run)
        printf("nothing was changed; without --dry-run this is done\n");
    else
        printf("done: %" PRIu64 " tables kept, %" PRIu64 " files set aside; now verify (loam verify %s), and open it\n",
               report.kept, report.set_aside, dir);
    return EXIT_CLEAN;
}

/* ---- Backup and restore ------------------------------------------------------------------------------------------ */

static const char backup_usage[] =
    "usage: loam backup DIR FOLDER [--keep N] [--verify-all]\n       loam backup --list FOLDER\n\nA backup of the "
    "engine's "
    "store in DIR, which nobody may have open (a program that has it open calls engine_backup).\nOnly tables that the "
    "backup "
    "before does not have are copied; each backup is whole by itself. --keep: the oldest go.\n";
static const char restore_usage[] = "usage: loam restore FOLDER DIR [--at NUMBER]\n\nMakes DIR, absent or empty, the "
                                    "store of a backup: the newest, or that of "
                                    "--at. Verifies it.\n";

static enum status print_backup(void *context, uint64_t number) {
    *(bool *)context = true;
    printf("%" PRIu64 "\n", number);
    return STATUS_OK;
}

static int finish(struct io *io, const char *name, enum status status, const struct error *error) {
    if (status != STATUS_OK)
        (void)fprintf(stderr, "loam %s: %s\n", name, error->text[0] ? error->text : status_text(status));
    io_destroy(io);
    if (status_class(status) == STATUS_CLASS_DAMAGE) return EXIT_CORRUPT;
    return status == STATUS_OK ? EXIT_CLEAN : EXIT_FAILED;
}

static int list_backups(const char *folder) {
    const struct error none = {.status = STATUS_OK};
    struct io *io = make_io();
    if (!io) return EXIT_FAILED;
    bool any = false;
    const enum status status = engine_care_list_backups(io, folder, print_backup, &any);
    if (status == STATUS_OK && !any) (void)fprintf(stderr, "%s: no backup here\n", folder);
    return finish(io, "backup", status, &none);
}

int command_backup(int argc, char **argv) {
    struct backup_options options = {.keep = 0};
    struct backup_report report;
    struct error error = {.status = STATUS_OK};
    bool list = false;
    uint64_t keep = 0;
    const struct argument_option taken[] = {{.name = "--list", .flag = &list},
                                            {.name = "--keep", .number = &keep, .limit = UINT32_MAX},
                                            {.name = "--verify-all", .flag = &options.verify_all}};
    const struct arguments arguments = {"backup", backup_usage, "a DIR and a FOLDER", 1, 2, taken, 3};
    int code;
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    if (list && (argc != 1 || keep || options.verify_all))
        return arguments_refuse(&arguments, "--list goes with a FOLDER alone");
    if (list) return list_backups(argv[0]);
    if (argc != 2) return arguments_refuse(&arguments, "wanted: a FOLDER behind '%s'", argv[0]);
    options.keep = (uint32_t)keep;
    struct io *io = make_io();
    if (!io) return EXIT_FAILED;
    char dir[IO_PATH_BYTES];
    enum status status = store_dir_find(io, argv[0], dir, &error);
    if (status == STATUS_OK) status = engine_care_backup(io, dir, argv[1], &options, &report, &error);
    if (status == STATUS_OK)
        printf("backup %" PRIu64 ": %" PRIu64 " tables and %" PRIu64 " files of values; %" PRIu64 " and %" PRIu64
               " of them are linked to the backup before (%.1f MiB), the others, the manifest and the log copied and "
               "verified (%.1f MiB); %" PRIu64 " old backups removed\n",
               report.number, report.tables, report.value_files, report.linked_tables, report.linked_value_files,
               (double)report.linked_bytes / (1 << 20), (double)report.copied_bytes / (1 << 20), report.pruned);
    return finish(io, "backup", status, &error);
}

int command_restore(int argc, char **argv) {
    struct error error = {.status = STATUS_OK};
    uint64_t number = 0;
    const struct argument_option taken[] = {{.name = "--at", .number = &number, .limit = UINT64_MAX / 100}};
    const struct arguments arguments = {"restore", restore_usage, "a FOLDER and a DIR", 2, 2, taken, 1};
    int code;
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    struct io *io = make_io();
    if (!io) return EXIT_FAILED;
    const enum status status = engine_care_restore(io, argv[0], number, argv[1], &error);
    if (status == STATUS_OK) printf("%s: restored from %s and verified; open it as it is\n", argv[1], argv[0]);
    return finish(io, "restore", status, &error);
}
