/*
 * chaos: `loam chaos`: a local cluster of its own, a load on it whose history is kept, faults by the numbers of a seed,
 * and a verdict.
 */
#include "tools/loam/chaos/chaos.h"

#include <stdio.h>
#include <string.h>

#include "tools/judge/models.h"
#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"
#include "tools/loam/history_store.h"
#include "tools/loam/terminal.h"

enum {
    NODES_MAX = 9,
    DEFAULT_BASE_PORT = 17000,
    DEFAULT_SECONDS = 60,
    DEFAULT_CLIENTS = 12,
    DEFAULT_KEYS = 120,
    DEFAULT_RATE = 400,
    NETS = 250
};

static const char usage[] =
    "usage: loam chaos [--dir D] [--nodes N] [--base-port P] [--seconds S] [--seed X] [--faults LIST] [--clients N]\n"
    "                  [--keys N] [--rate N | --full-speed] [--report FILE.html] [--history FILE.edn] [--json] "
    "[--keep] [--netns] [--witness]\n"
    "                  [-- OPTIONS OF loamd]\n"
    "       loam chaos --failover N [...]\n"
    "\n"
    "Starts a cluster in D, which must be empty or absent, lets clients work on it, breaks it by the numbers of the "
    "seed,\n"
    "heals it, reads every key through every node, and judges the history of the clients (linearizability), equal "
    "states,\n"
    "and the nodes' logs. Ends every process that it started, also when it is interrupted.\n"
    "\n"
    "  --dir D           [var/chaos]; removed at the end if all promises were kept, unless --keep\n"
    "  --nodes N         1 to 9 [3]\n"
    "  --base-port P     node I serves clients on P + I, peers on P + 100 + I, /metrics on P + 200 + I [17000]\n"
    "  --seconds S       of faults; healing and reading come on top [60]\n"
    "  --seed X          what is asked, broken and when is drawn from it [1]; real machines keep no time, so no two "
    "runs\n"
    "                    are the same\n"
    "  --faults LIST     names with commas between, all or none [all]:\n";

static const char usage_end[] =
    "  --clients N       [12]\n"
    "  --keys N          at a time: registers, counters and texts that grow [120]\n"
    "  --rate N          operations a second of all clients together [400]; --full-speed: as fast as they are "
    "answered\n"
    "  --report FILE     an HTML page: faults, leaders, latency and rate over time\n"
    "  --history FILE    what the clients asked and were told, as EDN (tools/judge/FORMAT.md)\n"
    "  --failover N      kills the leader N times, each time as soon as the cluster is well again, and measures the "
    "time\n"
    "                    to the next acknowledged write that was asked after the kill\n"
    "  --netns           gives each node a network namespace, with cables that can be pulled (fault unplug); root "
    "only\n"
    "  --witness         the last node votes and keeps no data; clients ask the others\n"
    "  --unjudged        keeps no history: for long runs at full speed\n"
    "  --json            one object at the end instead of lines\n"
    "\n"
    "Nodes have loamd's defaults, but for small memtables and logs where disk-full is among the faults and nothing is\n"
    "said behind --.\n"
    "\n"
    "Exit: 0 all promises kept, 1 usage, failure, or a history that the judge could not decide, 4 a promise was "
    "broken.\n";

static void put_usage(struct buf *to) {
    enum status status = buf_append_slice(to, slice_from_text(usage));
    for (unsigned i = 0; i < FAULT_KINDS && status == STATUS_OK; i++)
        status = buf_append_format(to, "                      %-12s%s\n", fault_table[i].name, fault_table[i].summary);
    if (status == STATUS_OK) status = buf_append_slice(to, slice_from_text(usage_end));
    if (status == STATUS_OK) status = buf_append_byte(to, '\0');
    if (status != STATUS_OK) buf_clear(to);
}

/* ---- The directory ----------------------------------------------------------------------------------------------- */

static enum status refuse_entry(void *context, const struct io_entry *entry) {
    (void)context;
    (void)entry;
    return STATUS_EXISTS;
}

/* Beyond loopback a node wants a password. */
static void draw_secret(struct cluster *cluster) {
    uint8_t bytes[16];
    io_entropy(cluster->io, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) (void)snprintf(cluster->secret + 2 * i, 3, "%02x", bytes[i]);
}

static enum status lay_cables(struct chaos *chaos, struct error *error) {
    draw_secret(&chaos->cluster);
    const enum status status = namespaces_make(&chaos->cluster, error);
    bool is_gone;
    struct error second = {0};
    if (status != STATUS_OK && cluster_reset(&chaos->cluster, &is_gone, &second) != STATUS_OK)
        (void)fprintf(stderr, "loam chaos: %s\n", second.text);
    return status;
}

static enum status settle(struct chaos *chaos, struct error *error) {
    struct plan *plan = &chaos->cluster.plan;
    enum status status = plan_init(plan, chaos->options.dir, error);
    if (status != STATUS_OK) return status;
    plan->nodes = (unsigned)chaos->options.nodes;
    plan->base_port = (unsigned)chaos->options.base_port;
    if (chaos->options.netns) plan->net = 1 + plan->base_port / 100 % NETS;
    status = io_dir_list(chaos->cluster.io, plan->dir, refuse_entry, NULL);
    if (status == STATUS_EXISTS)
        return error_set(error, status,
                         "%s is not empty: it may be in use, or hold what a run left; --dir takes another", plan->dir);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return error_set(error, status, "%s: %s", plan->dir, status_text(status));
    for (unsigned node = 1; node <= plan->nodes; node++) {
        status = cluster_node_check_ports(&chaos->cluster, node, error);
        if (status != STATUS_OK) return status;
    }
    status = plan_save(plan, chaos->cluster.io, error);
    return status == STATUS_OK && chaos->options.netns ? lay_cables(chaos, error) : status;
}

/* ---- What is left behind ----------------------------------------------------------------------------------------- */

static enum status write_file(struct io *io, const char *path, struct slice content, struct error *error) {
    struct io_file *file = NULL;
    enum status status = io_file_open(io, path, IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_TRUNCATE, &file);
    if (status == STATUS_OK) status = io_file_write(file, 0, content.data, content.size);
    io_file_close(file);
    return status == STATUS_OK ? STATUS_OK : error_set(error, status, "%s: %s", path, status_text(status));
}

static enum status tell(const struct chaos *chaos, struct error *error) {
    const struct chaos_options *options = &chaos->options;
    struct buf text = BUF_EMPTY;
    enum status status = options->json ? chaos_print_json(chaos, &text) : chaos_print_text(chaos, &text);
    if (status == STATUS_OK) terminal_print(buf_slice(&text));
    buf_clear(&text);
    if (status == STATUS_OK && options->report) {
        status = chaos_print_page(chaos, &text);
        if (status == STATUS_OK) status = write_file(chaos->cluster.io, options->report, buf_slice(&text), error);
    }
    buf_deinit(&text);
    if (status == STATUS_OK && options->history)
        status = history_save(chaos->cluster.io, options->history, workload_history(chaos->workload),
                              &model_redis_string, error);
    return status == STATUS_OK || error->text[0] ? status : error_set(error, status, "%s", status_text(status));
}

static enum status clean_up(struct chaos *chaos, struct error *error) {
    bool is_gone = false;
    if (chaos->options.keep) return STATUS_OK;
    if (chaos_is_clean(chaos)) return cluster_reset(&chaos->cluster, &is_gone, error);
    (void)fprintf(stderr, "loam chaos: data and logs of the nodes stay in %s\n", chaos->cluster.plan.dir);
    return STATUS_OK;
}

static int run(struct chaos *chaos) {
    struct error error = {0};
    const struct io_options io_options = {.backend = IO_BACKEND_POSIX};
    enum status status = io_create(&io_options, &chaos->cluster.io, &error);
    if (status == STATUS_OK) status = settle(chaos, &error);
    const bool is_settled = status == STATUS_OK;
    if (is_settled) status = chaos_run(chaos, &error);
    if (is_settled && chaos->options.netns) namespaces_remove(&chaos->cluster);
    if (status == STATUS_OK) status = tell(chaos, &error);
    const bool is_clean = chaos_is_clean(chaos), is_open = chaos_is_undecided(chaos);
    if (status == STATUS_OK) status = clean_up(chaos, &error);
    if (is_settled) chaos_deinit(chaos);
    io_destroy(chaos->cluster.io);
    if (status == STATUS_OK) return is_clean ? EXIT_CLEAN : is_open ? EXIT_FAILED : EXIT_BROKEN;
    (void)fprintf(stderr, "loam chaos: %s\n", error.text[0] ? error.text : status_text(status));
    return EXIT_FAILED;
}

/* ---- Command line ------------------------------------------------------------------------------------------------ */

/* What follows -- is loamd's. */
static int cut_extra(struct chaos *chaos, int argc, char **argv) {
    for (int at = 0; at < argc; at++) {
        if (strcmp(argv[at], "--") != 0) continue;
        chaos->cluster.extra = (const char *const *)(argv + at + 1);
        chaos->cluster.extra_count = argc - at - 1;
        return at;
    }
    return argc;
}

static bool take_faults(void *context, const char *value) {
    struct chaos_options *options = context;
    return faults_parse(value, &options->kinds);
}

/* Where disks fill up, nodes shall soon need more of them. */
static void make_nodes_small(struct chaos *chaos) {
    static const char *const options[] = {"--memtable-bytes",    "262144", "--cache-bytes",     "1048576",
                                          "--log-segment-bytes", "262144", "--log-limit-bytes", "4194304"};
    if (!(chaos->options.kinds >> FAULT_DISK_FULL & 1) || chaos->cluster.extra_count > 0) return;
    chaos->cluster.extra = options;
    chaos->cluster.extra_count = sizeof options / sizeof *options;
}

static int run_options(struct chaos *chaos, const struct arguments *arguments) {
    struct chaos_options *options = &chaos->options;
    if (chaos->cluster.extra_count > CLUSTER_EXTRA_MAX) return arguments_refuse(arguments, "too much behind --");
    if (options->unjudged && options->history)
        return arguments_refuse(arguments, "--unjudged keeps no history that --history could write");
    if (chaos->cluster.witness && options->nodes < 3)
        return arguments_refuse(arguments, "--witness needs three nodes: two of them keep data");
    if (options->fail_overs > 0 && options->nodes < 3)
        return arguments_refuse(arguments, "--failover needs three nodes: who is left must be a majority");
    if (!options->netns && options->kinds == UINT32_C(1) << FAULT_UNPLUG)
        return arguments_refuse(arguments, "unplug needs --netns: cables between network namespaces");
    if (!options->netns) options->kinds &= ~(UINT32_C(1) << FAULT_UNPLUG);
    if (options->fail_overs > 0) options->kinds = UINT32_C(1) << FAULT_KILL_LEADER;
    make_nodes_small(chaos);
    return run(chaos);
}

int command_chaos(int argc, char **argv) {
    static struct chaos chaos;
    struct chaos_options *o = &chaos.options;
    *o = (struct chaos_options){.dir = "var/chaos",
                                .nodes = PLAN_NODES_DEFAULT,
                                .base_port = DEFAULT_BASE_PORT,
                                .seconds = DEFAULT_SECONDS,
                                .seed = 1,
                                .clients = DEFAULT_CLIENTS,
                                .keys = DEFAULT_KEYS,
                                .rate = DEFAULT_RATE};
    const struct argument_option options[] = {
        {.name = "--dir", .text = &o->dir},
        {.name = "--nodes", .number = &o->nodes, .limit = NODES_MAX},
        {.name = "--base-port", .number = &o->base_port, .limit = PLAN_BASE_PORT_MAX},
        {.name = "--seconds", .number = &o->seconds, .limit = 7 * 86400},
        {.name = "--seed", .number = &o->seed, .limit = UINT64_MAX},
        {.name = "--faults",
         .meaning = "a list of faults with commas between, all or none",
         .take = take_faults,
         .context = o},
        {.name = "--clients", .number = &o->clients, .limit = 1000},
        {.name = "--keys", .number = &o->keys, .limit = 1000 * 1000},
        {.name = "--rate", .number = &o->rate, .limit = 1000 * 1000},
        {.name = "--full-speed", .flag = &o->full_speed},
        {.name = "--report", .text = &o->report},
        {.name = "--history", .text = &o->history},
        {.name = "--failover", .number = &o->fail_overs, .limit = 1000 * 1000},
        {.name = "--json", .flag = &o->json},
        {.name = "--unjudged", .flag = &o->unjudged},
        {.name = "--keep", .flag = &o->keep},
        {.name = "--netns", .flag = &o->netns},
        {.name = "--witness", .flag = &chaos.cluster.witness},
    };
    struct buf text = BUF_EMPTY;
    int code = EXIT_FAILED;
    (void)faults_parse("all", &o->kinds);
    argc = cut_extra(&chaos, argc, argv);
    put_usage(&text);
    const struct arguments arguments = {.command = "chaos",
                                        .usage = text.size ? (const char *)text.data : usage,
                                        .operands = "options only",
                                        .options = options,
                                        .option_count = sizeof options / sizeof *options};
    if (arguments_take(&arguments, &argc, argv, &code)) code = run_options(&chaos, &arguments);
    buf_deinit(&text);
    return code;
}
