/*
 * cluster: `loam cluster ACTION`. A table of actions; each does its work on all nodes or on one.
 */
#include "tools/loam/cluster/cluster.h"

#include <stdio.h>
#include <string.h>

#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"
#include "tools/loam/number_option.h"
#include "tools/loam/terminal.h"

enum { READY_TIMEOUT_MS = 20000, SIGNAL_TIMEOUT_MS = 5000, POLL_NS = 1000 * 1000, LINES_DEFAULT = 20 };

/* ---- Actions ----------------------------------------------------------------------------------------------------- */

/* What stands behind the action's name. */
struct request {
    unsigned node; /* 0 = none given */
    const char *groups;
    unsigned nodes_wanted; /* 0 = not said */
    unsigned base_port_wanted;
};

/* A new plan, or the one that stands there if the options do not contradict it. */
static enum status settle_plan(struct cluster *cluster, const struct request *request, struct error *error) {
    struct plan *plan = &cluster->plan;
    enum status status = plan_load(plan, cluster->io, error);
    if (status == STATUS_OK) {
        if ((request->nodes_wanted && request->nodes_wanted != plan_count(plan)) ||
            (request->base_port_wanted && request->base_port_wanted != plan->base_port))
            return error_set(error, STATUS_MISMATCH,
                             "the cluster in %s has %u nodes on base port %u; `loam cluster reset` removes it",
                             plan->dir, plan_count(plan), plan->base_port);
        return STATUS_OK;
    }
    if (status != STATUS_NOT_FOUND) return status;
    if (request->nodes_wanted) plan->nodes = plan->founders = request->nodes_wanted;
    if (cluster->witness && plan->nodes < 3)
        return error_set(error, STATUS_INVALID, "--witness needs three nodes: two that keep data, and the witness");
    if (request->base_port_wanted) plan->base_port = request->base_port_wanted;
    for (unsigned node = 1; node <= plan->nodes; node++) {
        status = cluster_node_check_ports(cluster, node, error);
        if (status != STATUS_OK) return status;
    }
    return plan_save(plan, cluster->io, error);
}

/* A directory stays what it was made as, whatever is said later. */
static enum status check_witness(const struct cluster *cluster, struct error *error) {
    struct node_facts facts;
    const unsigned node = plan_founders(&cluster->plan);
    if (!plan_has(&cluster->plan, node)) return STATUS_OK;
    cluster_node_ask(cluster, node, &facts);
    if (strcmp(facts.role, "witness") == 0) return STATUS_OK;
    return error_set(error, STATUS_MISMATCH,
                     "node %u was made to keep data, and does; `loam cluster add --witness` adds one that does not",
                     node);
}

static void say_started(const struct cluster *cluster) {
    const struct plan *plan = &cluster->plan;
    const bool is_new = cluster->witness && plan->nodes == plan_founders(plan);
    const unsigned without = is_new ? 1 : 0; /* the last one */
    (void)printf("%u nodes serve clients on 127.0.0.1:%u to %u\n", plan_count(plan) - without,
                 plan->base_port + plan_next(plan, 0), plan->base_port + plan->nodes - without);
    if (is_new) (void)printf("node %u is a witness: it votes, and keeps no data\n", plan->nodes);
}

static enum status act_start(struct cluster *cluster, const struct request *request, struct error *error) {
    enum status status = settle_plan(cluster, request, error);
    for (unsigned node = 0; status == STATUS_OK && (node = plan_next(&cluster->plan, node)) != 0;)
        status = cluster_node_start(cluster, node, error);
    if (status == STATUS_OK) status = cluster_wait_ready(cluster, READY_TIMEOUT_MS, error);
    if (status == STATUS_OK && cluster->witness) status = check_witness(cluster, error);
    if (status == STATUS_OK) say_started(cluster);
    return status;
}

static enum status act_stop(struct cluster *cluster, const struct request *request, struct error *error) {
    (void)request;
    enum status status = STATUS_OK;
    for (unsigned node = 0; (node = plan_next(&cluster->plan, node)) != 0;)
        cluster_node_ask_to_end(cluster, node); /* all at once */
    for (unsigned node = 0; status == STATUS_OK && (node = plan_next(&cluster->plan, node)) != 0;)
        status = cluster_node_stop(cluster, node, error);
    if (status == STATUS_OK) (void)printf("stopped; the data stays in %s\n", cluster->plan.dir);
    return status;
}

static enum status act_status(struct cluster *cluster, const struct request *request, struct error *error) {
    (void)request;
    struct node_facts facts[PLAN_NODES_MAX];
    struct buf text = BUF_EMPTY;
    cluster_ask_all(cluster, facts);
    enum status status = cluster->json ? status_print_json(&text, &cluster->plan, facts)
                                       : status_print_table(&text, &cluster->plan, facts);
    if (status == STATUS_OK) terminal_print(buf_slice(&text));
    buf_deinit(&text);
    return status == STATUS_OK ? STATUS_OK : error_set(error, status, "%s", status_text(status));
}

static enum status act_logs(struct cluster *cluster, const struct request *request, struct error *error) {
    return cluster_print_logs(cluster, request->node, error);
}

static enum status act_kill(struct cluster *cluster, const struct request *request, struct error *error) {
    return cluster_node_kill(cluster, request->node, error);
}

static unsigned count_running(const struct cluster *cluster) {
    unsigned count = 0;
    long pid;
    for (unsigned node = 0; (node = plan_next(&cluster->plan, node)) != 0;)
        count += cluster_node_process(cluster, node, &pid) == PROCESS_RUNNING;
    return count;
}

static enum status act_restart(struct cluster *cluster, const struct request *request, struct error *error) {
    enum status status = cluster_node_stop(cluster, request->node, error);
    if (status == STATUS_OK) status = cluster_node_start(cluster, request->node, error);
    if (status != STATUS_OK) return status;
    const unsigned running = count_running(cluster);
    if (running > plan_count(&cluster->plan) / 2) return cluster_wait_ready(cluster, READY_TIMEOUT_MS, error);
    (void)printf("%u of %u nodes run: too few to elect a leader\n", running, plan_count(&cluster->plan));
    return STATUS_OK;
}

/* Sends the signal and waits until the process is in the state that it asks for: a stop takes effect a little later. */
static enum status signal_node(struct cluster *cluster, unsigned node, enum process_signal signal,
                               enum process_state wanted, struct error *error) {
    const uint64_t give_up_ns = io_now_ns(cluster->io) + (uint64_t)SIGNAL_TIMEOUT_MS * 1000000u;
    long pid;
    if (cluster_node_process(cluster, node, &pid) == PROCESS_GONE)
        return error_set(error, STATUS_NOT_FOUND, "node %u does not run", node);
    enum status status = process_signal(pid, signal);
    if (status != STATUS_OK) return error_set(error, status, "node %u: %s", node, status_text(status));
    while (cluster_node_process(cluster, node, &pid) != wanted) {
        if (io_now_ns(cluster->io) > give_up_ns)
            return error_set(error, STATUS_TIMED_OUT, "node %u does not react to the signal", node);
        io_sleep(cluster->io, POLL_NS);
    }
    return STATUS_OK;
}

static enum status act_pause(struct cluster *cluster, const struct request *request, struct error *error) {
    return signal_node(cluster, request->node, PROCESS_PAUSE, PROCESS_PAUSED, error);
}

static enum status act_resume(struct cluster *cluster, const struct request *request, struct error *error) {
    return signal_node(cluster, request->node, PROCESS_RESUME, PROCESS_RUNNING, error);
}

static enum status act_partition(struct cluster *cluster, const struct request *request, struct error *error) {
    unsigned group[PLAN_NODES_MAX];
    enum status status = plan_parse_groups(&cluster->plan, request->groups, group, error);
    return status == STATUS_OK ? cluster_set_links(cluster, group, error) : status;
}

static enum status act_heal(struct cluster *cluster, const struct request *request, struct error *error) {
    (void)request;
    return cluster_set_links(cluster, NULL, error);
}

static enum status act_transfer(struct cluster *cluster, const struct request *request, struct error *error) {
    return cluster_transfer(cluster, request->node, error);
}

static enum status act_add(struct cluster *cluster, const struct request *request, struct error *error) {
    return cluster_add(cluster, request->node, error);
}

static enum status act_promote(struct cluster *cluster, const struct request *request, struct error *error) {
    return cluster_promote(cluster, request->node, error);
}

static enum status act_remove(struct cluster *cluster, const struct request *request, struct error *error) {
    return cluster_remove(cluster, request->node, error);
}

static enum status act_recover(struct cluster *cluster, const struct request *request, struct error *error) {
    return cluster_recover(cluster, request->groups, error);
}

static enum status act_replace(struct cluster *cluster, const struct request *request, struct error *error) {
    return cluster_replace(cluster, request->node, error);
}

static enum status act_reset(struct cluster *cluster, const struct request *request, struct error *error) {
    bool is_gone = false;
    (void)request;
    const enum status status = cluster_reset(cluster, &is_gone, error);
    if (status != STATUS_OK) return status;
    if (is_gone)
        (void)printf("%s is removed\n", cluster->plan.dir);
    else
        (void)fprintf(stderr, "%s holds other files and stays\n", cluster->plan.dir);
    return STATUS_OK;
}

/* ---- Command line ------------------------------------------------------------------------------------------------ */

enum operand { OPERAND_NONE, OPERAND_NODE, OPERAND_MAYBE_NODE, OPERAND_GROUPS };

static const struct action {
    const char *name;
    enum operand operand;
    enum status (*run)(struct cluster *cluster, const struct request *request, struct error *error);
    const char *summary;
} actions[] = {
    {"start", OPERAND_NONE, act_start, "make it if need be, start all nodes, wait until they serve"},
    {"stop", OPERAND_NONE, act_stop, "end all nodes cleanly; the data stays"},
    {"status", OPERAND_NONE, act_status, "role, term, commit, applied, lag, size; --json"},
    {"logs", OPERAND_MAYBE_NODE, act_logs, "[I]: ends of the logs; --lines N, --follow"},
    {"reset", OPERAND_NONE, act_reset, "end all nodes at once and remove their data"},
    {"kill", OPERAND_NODE, act_kill, "I: end the node as a crash does (SIGKILL)"},
    {"restart", OPERAND_NODE, act_restart, "I: end it cleanly if it runs, start it, wait until it serves"},
    {"pause", OPERAND_NODE, act_pause, "I: stop the process for a while (SIGSTOP)"},
    {"resume", OPERAND_NODE, act_resume, "I: let it go on"},
    {"partition", OPERAND_GROUPS, act_partition,
     "A,B/C: groups that do not hear each other; unnamed nodes form one more"},
    {"heal", OPERAND_NONE, act_heal, "open all links"},
    {"transfer", OPERAND_MAYBE_NODE, act_transfer, "[I]: give leadership to node I, or to whoever is furthest"},
    {"add", OPERAND_MAYBE_NODE, act_add,
     "[I]: a new node comes, catches up and gets a vote; --learner: no vote; --witness: no data"},
    {"promote", OPERAND_NODE, act_promote, "I: a learner gets a vote"},
    {"remove", OPERAND_NODE, act_remove, "I: the node is no member any more, and ends"},
    {"recover", OPERAND_GROUPS, act_recover,
     "I,J: a majority is lost for good, and these go on: ends them, says what may be lost; --force does it"},
    {"replace", OPERAND_NODE, act_replace, "I: a new node takes its place, in one change"},
};

static void print_usage(FILE *to) {
    (void)fputs("usage: loam cluster ACTION [--dir D] [...]; the directory is var/cluster unless given\n\n", to);
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        (void)fprintf(to, "  %-10s %s\n", actions[i].name, actions[i].summary);
    (void)fputs(
        "\nstart takes --nodes N (3) and --base-port P (7000): node I serves clients on P + I, peers on P + 100 + I,\n"
        "/metrics on P + 200 + I; of a new cluster --witness makes the last node one that votes and keeps no data. "
        "What "
        "follows -- goes to loamd (start, restart).\n",
        to);
}

static const struct action *find_action(const char *name) {
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (strcmp(actions[i].name, name) == 0) return &actions[i];
    return NULL;
}

static enum status parse_option(struct cluster *cluster, struct request *request, const char *name, const char *value,
                                const char **dir, struct error *error) {
    uint64_t number = 0;
    if (!value) return error_set(error, STATUS_INVALID, "%s: a value is missing, or there is no such option", name);
    if (strcmp(name, "--dir") == 0) {
        *dir = value;
    } else if (strcmp(name, "--nodes") == 0 && number_option(value, PLAN_START_MAX, &number)) {
        request->nodes_wanted = (unsigned)number;
    } else if (strcmp(name, "--base-port") == 0 && number_option(value, PLAN_BASE_PORT_MAX, &number)) {
        request->base_port_wanted = (unsigned)number;
    } else if (strcmp(name, "--lines") == 0 && number_option(value, 100000, &number)) {
        cluster->lines = number;
    } else {
        return error_set(error, STATUS_INVALID, "%s %s: no such option, or not a number in its range", name, value);
    }
    return STATUS_OK;
}

static bool parse_switch(struct cluster *cluster, const char *name) {
    if (strcmp(name, "--json") == 0)
        cluster->json = true;
    else if (strcmp(name, "--force") == 0)
        cluster->force = true;
    else if (strcmp(name, "--learner") == 0)
        cluster->learner = true;
    else if (strcmp(name, "--witness") == 0)
        cluster->witness = true;
    else if (strcmp(name, "--follow") == 0 || strcmp(name, "-f") == 0)
        cluster->follow = true;
    else
        return false;
    return true;
}

/* What stands behind the action: options in any order, its operand, and after -- what is loamd's. */
static enum status parse_arguments(struct cluster *cluster, struct request *request, int argc, char **argv,
                                   const char **operand, struct error *error) {
    const char *dir = "var/cluster";
    for (int at = 0; at < argc; at++) {
        if (strcmp(argv[at], "--") == 0) {
            cluster->extra = (const char *const *)(argv + at + 1);
            cluster->extra_count = argc - at - 1;
            if (cluster->extra_count > CLUSTER_EXTRA_MAX)
                return error_set(error, STATUS_TOO_LARGE, "too much behind --");
            break;
        }
        if (parse_switch(cluster, argv[at])) continue;
        if (argv[at][0] == '-') {
            enum status status =
                parse_option(cluster, request, argv[at], at + 1 < argc ? argv[at + 1] : NULL, &dir, error);
            if (status != STATUS_OK) return status;
            at++;
        } else if (*operand) {
            return error_set(error, STATUS_INVALID, "\"%s\": one operand is enough", argv[at]);
        } else {
            *operand = argv[at];
        }
    }
    return plan_init(&cluster->plan, dir, error);
}

static enum status parse_operand(const struct action *action, const struct plan *plan, const char *operand,
                                 struct request *request, struct error *error) {
    uint64_t node = 0;
    if (action->operand == OPERAND_NONE && operand)
        return error_set(error, STATUS_INVALID, "\"%s\": %s takes no operand", operand, action->name);
    if (action->operand == OPERAND_GROUPS) {
        if (!operand) return error_set(error, STATUS_INVALID, "%s takes nodes, as in 1,2", action->name);
        request->groups = operand;
        return STATUS_OK;
    }
    if (!operand && action->operand != OPERAND_NODE) return STATUS_OK;
    if (!operand || !number_option(operand, plan->nodes, &node))
        return error_set(error, STATUS_INVALID, "%s takes a node, 1 to %u", action->name, plan->nodes);
    if (!plan_has(plan, (unsigned)node)) return error_set(error, STATUS_INVALID, "node %s was removed", operand);
    request->node = (unsigned)node;
    return STATUS_OK;
}

static enum status run_action(const struct action *action, struct cluster *cluster, int argc, char **argv,
                              struct error *error) {
    struct request request = {.groups = NULL};
    const char *operand = NULL;
    enum status status = parse_arguments(cluster, &request, argc, argv, &operand, error);
    const struct io_options io_options = {.backend = IO_BACKEND_POSIX};
    if (status == STATUS_OK) status = io_create(&io_options, &cluster->io, error);
    if (status == STATUS_OK && action->run != act_start) status = plan_load(&cluster->plan, cluster->io, error);
    if (status == STATUS_OK) status = parse_operand(action, &cluster->plan, operand, &request, error);
    if (status == STATUS_OK) status = action->run(cluster, &request, error);
    io_destroy(cluster->io);
    return status;
}

int command_cluster(int argc, char **argv) {
    const bool asked = arguments_ask_for_help(argc, argv);
    const struct action *action = argc > 0 ? find_action(argv[0]) : NULL;
    if (asked || !action) {
        if (!asked && argc > 0) (void)fprintf(stderr, "loam cluster: no action '%s'\n", argv[0]);
        print_usage(asked ? stdout : stderr);
        return asked ? EXIT_CLEAN : EXIT_FAILED;
    }
    struct cluster cluster = {.lines = LINES_DEFAULT};
    struct error error = {0};
    enum status status = run_action(action, &cluster, argc - 1, argv + 1, &error);
    if (status == STATUS_OK) return EXIT_CLEAN;
    (void)fprintf(stderr, "loam cluster %s: %s\n", action->name, error.text[0] ? error.text : status_text(status));
    return EXIT_FAILED;
}
