/*
 * run: a run of chaos from its first process to its verdict. One loop does all: clients, looks at nodes, faults.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tools/judge/models.h"
#include "tools/loam/chaos/chaos.h"

enum {
    MS = 1000000,
    TURN_MS = 5,
    READY_MS = 20000,
    SETTLE_MS = 300, /* load after everything is well again */
    IDLE_MS = 20000,
    READ_ALL_MS = 120000,
    CLIENT_TIMEOUT_MS = 5000,
};

/* ---- Interruptions ----------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t stops_asked;
static struct io *signal_io;

static void on_signal(int number) {
    (void)number;
    stops_asked = stops_asked + 1;
    io_wake(signal_io);
}

static void catch_signals(struct io *io) {
    struct sigaction action = {.sa_handler = on_signal};
    signal_io = io;
    stops_asked = 0;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

/* It ends already; the loop that a handler would wake goes. */
static void ignore_signals(void) {
    struct sigaction action = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* ---- The loop ---------------------------------------------------------------------------------------------------- */

static uint64_t now_ns(const struct chaos *chaos) {
    return io_now_ns(chaos->cluster.io);
}

static enum status turn(struct chaos *chaos, struct error *error) {
    const uint64_t terms = chaos->hands.terms_seen;
    const uint64_t until_ns = now_ns(chaos) + (uint64_t)TURN_MS * MS;
    while (now_ns(chaos) < until_ns && stops_asked < 2) (void)io_run(chaos->cluster.io, until_ns);
    if (stops_asked >= 2) return error_set(error, STATUS_CANCELLED, "interrupted twice: the nodes are killed");
    if (!hands_turn(&chaos->hands)) {
        *error = chaos->hands.failure;
        return chaos->hands.status;
    }
    if (!chaos->workload) return STATUS_OK;
    if (chaos->nemesis.state == NEMESIS_CALM) chaos->quiet_elections += chaos->hands.terms_seen - terms;
    if (workload_failure(chaos->workload) != STATUS_OK)
        return error_set(error, workload_failure(chaos->workload), "the history can't be kept: %s",
                         status_text(workload_failure(chaos->workload)));
    const enum status status = nemesis_turn(&chaos->nemesis);
    if (status != STATUS_TIMED_OUT) return status;
    chaos->hands.is_broken = true;
    return error_set(error, status, "all is healed, and the cluster does not get well: %s", chaos->nemesis.why);
}

/* Turns until the condition holds. TIMED_OUT with `what`. */
static enum status turn_until(struct chaos *chaos, bool (*holds)(const struct chaos *), uint32_t limit_ms,
                              const char *what, struct error *error) {
    const uint64_t give_up_ns = now_ns(chaos) + (uint64_t)limit_ms * MS;
    while (!holds(chaos)) {
        const enum status status = turn(chaos, error);
        if (status != STATUS_OK) return status;
        if (now_ns(chaos) > give_up_ns) return error_set(error, STATUS_TIMED_OUT, "after %u ms %s", limit_ms, what);
    }
    return STATUS_OK;
}

static bool is_well(const struct chaos *chaos) {
    char why[128];
    return stops_asked > 0 || hands_all_well(&chaos->hands, why);
}

static bool is_at_rest(const struct chaos *chaos) {
    return nemesis_is_at_rest(&chaos->nemesis);
}

static bool is_idle(const struct chaos *chaos) {
    return workload_is_idle(chaos->workload);
}

/* All have applied the same entries, so they have the same state; hands look at that again and again. */
static bool is_equal(const struct chaos *chaos) {
    const struct node_facts *first = &chaos->hands.nodes[0].facts;
    for (unsigned i = 0; i < chaos->cluster.plan.nodes; i++) {
        const struct hand *hand = &chaos->hands.nodes[i];
        if (hand->heard_ns == 0 || hand->facts.applied != first->applied || hand->facts.commit != first->applied)
            return false;
    }
    return true;
}

/* ---- Parts of a run ---------------------------------------------------------------------------------------------- */

static enum status start_load(struct chaos *chaos, struct error *error) {
    const struct chaos_options *options = &chaos->options;
    for (unsigned i = 0; i < chaos->cluster.plan.nodes; i++)
        plan_address(&chaos->cluster.plan, i + 1, PLAN_CLIENTS, chaos->addresses[i]);
    const struct workload_options load = {.io = chaos->cluster.io,
                                          .password = chaos->cluster.secret,
                                          .addresses = (const char(*)[IO_ADDRESS_BYTES])chaos->addresses,
                                          .address_count = chaos_data_nodes(chaos),
                                          .clients = (unsigned)options->clients,
                                          .keys = (unsigned)options->keys,
                                          .seed = options->seed,
                                          .rate = options->full_speed ? 0 : options->rate,
                                          .timeout_ms = CLIENT_TIMEOUT_MS,
                                          .keeps_history = !options->unjudged};
    const enum status status = workload_create(&load, &chaos->workload);
    if (status != STATUS_OK) return error_set(error, status, "%s", status_text(status));
    nemesis_init(&chaos->nemesis, &chaos->hands, chaos->workload, options->seed, options->kinds);
    chaos->nemesis.fail_overs = options->fail_overs;
    chaos->started_ns = chaos->ended_ns = now_ns(chaos);
    return STATUS_OK;
}

static size_t healed_count(const struct chaos *chaos) {
    return chaos->nemesis.first_open < chaos->nemesis.note_count ? chaos->nemesis.first_open
                                                                 : chaos->nemesis.note_count;
}

static bool is_over(const struct chaos *chaos) {
    if (stops_asked > 0) return true;
    if (chaos->options.fail_overs > 0) return healed_count(chaos) >= chaos->options.fail_overs;
    return now_ns(chaos) - chaos->started_ns >= chaos->options.seconds * 1000 * MS;
}

static enum status break_things(struct chaos *chaos, struct error *error) {
    struct workload_counts before = {0};
    uint64_t next_line_ns = chaos->started_ns + (uint64_t)1000 * MS;
    while (!is_over(chaos)) {
        const enum status status = turn(chaos, error);
        if (status != STATUS_OK) return status;
        if (now_ns(chaos) < next_line_ns) continue;
        next_line_ns += (uint64_t)1000 * MS;
        if (!chaos->options.json) chaos_print_line(chaos, &before);
        workload_get_counts(chaos->workload, &before);
    }
    chaos->interrupted = stops_asked > 0;
    chaos->ended_ns = now_ns(chaos);
    return STATUS_OK;
}

static bool is_settled(const struct chaos *chaos) {
    return now_ns(chaos) - chaos->ended_ns >= (uint64_t)SETTLE_MS * MS;
}

static enum status heal_and_read(struct chaos *chaos, struct error *error) {
    nemesis_stop(&chaos->nemesis);
    enum status status = turn_until(chaos, is_at_rest, UINT32_MAX, "", error);
    chaos->ended_ns = now_ns(chaos);
    if (status == STATUS_OK) status = turn_until(chaos, is_settled, SETTLE_MS * 2 + 1000, "", error);
    if (status != STATUS_OK) return status;
    workload_stop(chaos->workload);
    status = turn_until(chaos, is_idle, IDLE_MS, "clients still wait for answers", error);
    if (status == STATUS_OK) {
        workload_read_all(chaos->workload);
        status = turn_until(chaos, is_idle, READ_ALL_MS, "keys are still being read", error);
    }
    if (status == STATUS_OK && workload_unread(chaos->workload) > 0)
        (void)snprintf(chaos->broken, sizeof chaos->broken, "%llu keys could not be read after all was healed",
                       (unsigned long long)workload_unread(chaos->workload));
    if (status == STATUS_OK)
        status = turn_until(chaos, is_equal, READY_MS, "nodes have not come to the same index", error);
    return status;
}

static void compare_states(struct chaos *chaos) {
    const struct hand *nodes = chaos->hands.nodes;
    for (unsigned i = 1; i < chaos_data_nodes(chaos); i++)
        if (strcmp(nodes[i].facts.state_hash, nodes[0].facts.state_hash) != 0)
            (void)snprintf(chaos->broken, sizeof chaos->broken,
                           "at index %llu nodes 1 and %u have different states: %s, %s",
                           (unsigned long long)nodes[0].facts.applied, i + 1, nodes[0].facts.state_hash,
                           nodes[i].facts.state_hash);
}

/* What a sanitizer or an assertion says goes to the node's log. */
static enum status look_into_log(struct chaos *chaos, unsigned node) {
    static const char *const alarms[] = {"Sanitizer", "runtime error:", "check failed"};
    char path[IO_PATH_BYTES];
    struct io_file *file = NULL;
    struct buf text = BUF_EMPTY;
    uint64_t size = 0;
    plan_path(&chaos->cluster.plan, node, ".log", path);
    enum status status = io_file_open(chaos->cluster.io, path, IO_OPEN_READ, &file);
    if (status == STATUS_OK) status = io_file_size(file, &size);
    if (status == STATUS_OK) status = buf_reserve(&text, (size_t)size + 1);
    if (status == STATUS_OK) status = io_file_read(file, 0, text.data, (size_t)size, &text.size);
    for (size_t i = 0; status == STATUS_OK && i < sizeof alarms / sizeof *alarms; i++) {
        const uint8_t *alarm = memmem(text.data, text.size, alarms[i], strlen(alarms[i]));
        if (!alarm) continue;
        const uint8_t *begin = memrchr(text.data, '\n', (size_t)(alarm - text.data));
        begin = begin ? begin + 1 : text.data;
        const size_t left = text.size - (size_t)(begin - text.data);
        const uint8_t *end = memchr(begin, '\n', left);
        const size_t length = end ? (size_t)(end - begin) : left;
        (void)snprintf(chaos->broken, sizeof chaos->broken, "%.400s says: %.*s", path, length < 200 ? (int)length : 200,
                       (const char *)begin);
    }
    io_file_close(file);
    buf_deinit(&text);
    return status;
}

static void end_nodes(struct chaos *chaos, bool at_once) {
    struct error error = {0};
    const unsigned nodes = chaos->cluster.plan.nodes;
    for (unsigned node = 1; node <= nodes && !at_once; node++) cluster_node_ask_to_end(&chaos->cluster, node);
    for (unsigned node = 1; node <= nodes; node++) {
        const enum status status = at_once ? cluster_node_kill(&chaos->cluster, node, &error)
                                           : cluster_node_stop(&chaos->cluster, node, &error);
        if (status != STATUS_OK) (void)fprintf(stderr, "loam chaos: node %u: %s\n", node, error.text);
    }
}

static enum status judge(struct chaos *chaos, struct error *error) {
    if (chaos->options.unjudged) return STATUS_OK;
    const uint64_t start_ns = now_ns(chaos);
    const enum status status = linearize(&model_redis_string, workload_history(chaos->workload), NULL, &chaos->report);
    if (status != STATUS_OK) return error_set(error, status, "the history can't be judged: %s", status_text(status));
    chaos->judge_seconds = (double)(now_ns(chaos) - start_ns) / 1e9;
    chaos->is_judged = true;
    return STATUS_OK;
}

/* ---- All of it --------------------------------------------------------------------------------------------------- */

static enum status run_load(struct chaos *chaos, struct error *error) {
    enum status status = turn_until(chaos, is_well, READY_MS, "the nodes do not serve", error);
    if (status == STATUS_OK) status = start_load(chaos, error);
    if (status == STATUS_OK) status = break_things(chaos, error);
    if (status == STATUS_OK) status = heal_and_read(chaos, error);
    if (status == STATUS_OK) compare_states(chaos);
    return status;
}

/* Nothing may fly when it ends; whatever was asked is given up. */
static void come_to_rest(struct chaos *chaos) {
    const uint64_t give_up_ns = now_ns(chaos) + (uint64_t)IDLE_MS * MS;
    if (chaos->workload) workload_stop(chaos->workload);
    hands_rest(&chaos->hands);
    while (now_ns(chaos) < give_up_ns &&
           (!hands_are_idle(&chaos->hands) || (chaos->workload && !workload_is_idle(chaos->workload))))
        (void)io_run(chaos->cluster.io, give_up_ns);
}

enum status chaos_run(struct chaos *chaos, struct error *error) {
    catch_signals(chaos->cluster.io);
    enum status status = hands_init(&chaos->hands, &chaos->cluster, error);
    if (status == STATUS_OK) status = run_load(chaos, error);
    if (chaos->hands.is_broken && status != STATUS_OK)
        (void)snprintf(chaos->broken, sizeof chaos->broken, "%s", error->text);
    end_nodes(chaos, status != STATUS_OK);
    come_to_rest(chaos);
    for (unsigned node = 1; node <= chaos->cluster.plan.nodes; node++) {
        const enum status read = look_into_log(chaos, node);
        if (status == STATUS_OK && read != STATUS_OK)
            status = error_set(error, read, "the log of node %u can't be read: %s", node, status_text(read));
    }
    if (chaos->workload && (status == STATUS_OK || chaos->broken[0] != '\0')) {
        struct error judge_error = {0};
        const enum status judged = judge(chaos, &judge_error);
        if (status == STATUS_OK && judged != STATUS_OK) {
            *error = judge_error;
            status = judged;
        }
    }
    ignore_signals();
    return chaos->broken[0] != '\0' && chaos->workload ? STATUS_OK : status;
}

bool chaos_is_clean(const struct chaos *chaos) {
    return chaos->broken[0] == '\0' && (!chaos->is_judged || chaos->report.verdict == LINEARIZE_YES);
}

bool chaos_is_undecided(const struct chaos *chaos) {
    return chaos->broken[0] == '\0' && chaos->is_judged && chaos->report.verdict == LINEARIZE_UNDECIDED;
}

void chaos_deinit(struct chaos *chaos) {
    hands_deinit(&chaos->hands);
    nemesis_deinit(&chaos->nemesis);
    linearize_report_deinit(&chaos->report);
    if (chaos->workload) workload_destroy(chaos->workload);
}
