/*
 * recover: `loam recover`: a majority is lost for good, and a survivor's directory is made to go on without it.
 */
#include "tools/loam/recover.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/decimal.h"
#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"
#include "tools/loamd/options.h"
#include "tools/loamd/stores.h"

static const char usage[] =
    "usage: loam recover DIR --survivors I,J,.. [--cluster LIST] [--force]\n\n"
    "A majority of a cluster's voters is lost for good: from now on the survivors are the cluster, by what the node in "
    "DIR\nholds. Without --force nothing is changed, and it is told what DIR holds and what may be lost. Look so at "
    "each survivor's\ndirectory, with all nodes ended, and force the one whose log is the best: of the greatest last "
    "term, and of those the\nlongest. Then start the survivors. The lost nodes must never be started again.\n\n"
    "  --survivors I,J   their ids, the node of DIR among them\n"
    "  --cluster LIST    whom the cluster began with, as loamd had it; needed while members never changed\n"
    "  --force           do it\n\nExit codes: 0 done, or told; 1 could not be done; 2 damage.\n";

bool recover_parse_ids(const char *text, uint64_t ids[RAFT_MEMBERS_MAX], size_t *count) {
    *count = 0;
    for (const char *at = text;; at++) {
        const size_t size = strcspn(at, ",");
        int64_t id = 0;
        if (*count == RAFT_MEMBERS_MAX || !decimal_parse(slice_make(at, size), &id) || id <= 0) return false;
        if (*count > 0 && (uint64_t)id <= ids[*count - 1]) return false;
        ids[(*count)++] = (uint64_t)id;
        at += size;
        if (*at == '\0') return true;
    }
}

enum status recover_directory(struct io *io, const char *dir, const struct recover_wish *wish,
                              struct raft_recovery *found, struct error *error) {
    struct stores stores;
    enum status status = stores_init(&stores);
    if (status != STATUS_OK) {
        stores_deinit(&stores);
        return error_set(error, status, "%s", status_text(status));
    }
    const struct raft_reading_options options = {.machines = stores.machines,
                                                 .machine_count = stores.machine_count,
                                                 .founders = wish->founders,
                                                 .founder_count = wish->founder_count};
    status =
        raft_directory_recover(io, dir, &options, wish->survivors, wish->survivor_count, wish->force, found, error);
    stores_deinit(&stores);
    return status;
}

static void print_configuration(const char *before, const struct raft_configuration *configuration) {
    struct buf text = BUF_EMPTY;
    if (raft_configuration_print(&text, configuration) == STATUS_OK)
        (void)printf("%s%.*s\n", before, (int)text.size, (const char *)text.data);
    buf_deinit(&text);
}

void recover_tell(const char *dir, const struct raft_recovery *found, bool done) {
    const uint64_t unsure = found->last > found->known_commit ? found->last - found->known_commit : 0;
    (void)printf("%s: node %" PRIu64 ", log to entry %" PRIu64 " of term %" PRIu64 "\n", dir, found->identity.node_id,
                 found->last, found->last_term);
    print_configuration("  members were ", &found->before);
    print_configuration(done ? "  members are  " : "  would be     ", &found->after);
    (void)printf(
        "  %s: writes that were answered and are in no survivor's log: those whose majority was among the lost. "
        "Nobody can\n  tell which, or how many.\n",
        done ? "may be lost" : "may be lost then");
    if (unsure > 0)
        (void)printf("  %s: the last %" PRIu64 " entries, %" PRIu64 " to %" PRIu64
                     ", which this node does not know to be committed; a client\n  may have been told that they were "
                     "not applied.\n",
                     done ? "committed by this" : "would be committed", unsure, found->known_commit + 1, found->last);
    (void)printf("  the lost nodes must never be started again: they would go on without the survivors.\n");
}

int command_recover(int argc, char **argv) {
    const struct io_options io_options = {.backend = IO_BACKEND_POSIX};
    const char *survivors = NULL, *cluster = NULL;
    struct recover_wish wish = {.survivor_count = 0};
    struct raft_driver_options founders = {.member_count = 0};
    struct raft_recovery found;
    struct error error = {.status = STATUS_OK};
    struct io *io = NULL;
    const struct argument_option taken[] = {{.name = "--survivors", .text = &survivors},
                                            {.name = "--cluster", .text = &cluster},
                                            {.name = "--force", .flag = &wish.force}};
    const struct arguments arguments = {"recover", usage, "a DIR", 1, 1, taken, 3};
    int code;
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    if (!survivors || !recover_parse_ids(survivors, wish.survivors, &wish.survivor_count))
        return arguments_refuse(&arguments, "--survivors takes ids in ascending order, as in 1,2");
    if (cluster && options_parse_cluster(cluster, &founders, &error) != STATUS_OK)
        return arguments_refuse(&arguments, "%s", error.text);
    wish.founders = founders.members;
    wish.founder_count = founders.member_count;
    enum status status = io_create(&io_options, &io, &error);
    if (status == STATUS_OK) status = recover_directory(io, argv[0], &wish, &found, &error);
    if (io) io_destroy(io);
    if (status == STATUS_OK)
        recover_tell(argv[0], &found, wish.force);
    else
        (void)fprintf(stderr, "loam recover: %s\n", error.text);
    if (status == STATUS_OK && !wish.force) (void)puts("nothing was changed; --force does it");
    if (status_class(status) == STATUS_CLASS_DAMAGE) return EXIT_CORRUPT;
    return status == STATUS_OK ? EXIT_CLEAN : EXIT_FAILED;
}
