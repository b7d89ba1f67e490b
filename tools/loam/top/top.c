/*
 * top: `loam top` watches a cluster: every node is asked INFO once an interval, all at once, by one loop; what they say
 * becomes a screen, or with --once one print. Whoever is known to a node that answers is watched, too.
 */
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/check.h"
#include "tools/loam/arguments.h"
#include "tools/loam/cluster/plan.h"
#include "tools/loam/commands.h"
#include "tools/loam/terminal.h"
#include "tools/loam/top/top_screen.h"
#include "tools/resp/asker.h"

enum {
    MS = 1000000,
    INTERVAL_MS = 1000,
    INTERVAL_LEAST_MS = 100,
    INTERVAL_MOST_MS = 60000,
    TIMEOUT_MS = 900, /* of an answer */
    KEYS_MS = 50,     /* how often keys are looked for */
    PRINT_WIDTH = 200,
};

static const char usage[] =
    "usage: loam top [HOST:PORT ...] [--dir D] [--interval MS] [--password P] [--once | --json]\n"
    "\n"
    "Watches a cluster: who leads, rates, latencies, the engine, levels. HOST:PORT is where a node serves clients, in\n"
    "numbers; the others are found by what it knows of them. Without it: those of the cluster in D (var/cluster).\n"
    "\n"
    "  --interval MS  between two looks, 100 to 60000 (1000)\n"
    "  --password P   of clients\n"
    "  --once         two looks, printed as text, also where the output is no terminal\n"
    "  --json         the same as one object\n"
    "\n"
    "keys: q ends, p or blank pauses, + and - change the interval. Latencies are those of the last five seconds, as\n"
    "the node measures them. Exit code 1 if no node answered.\n";

struct watch {
    struct io *io;
    struct top top;
    struct watched {
        struct asker asker;
        struct top_sample sample; /* of this round */
        bool is_given;            /* on the command line, or in the plan: stays when it is down */
    } nodes[TOP_NODES_MAX];
    const char *password;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number) {
    (void)number;
    interrupted = 1;
}

/* ---- Asking ------------------------------------------------------------------------------------------------------ */

static void say_why(struct top_sample *sample, const char *why, size_t size) {
    sample->answers = false;
    (void)snprintf(sample->why, sizeof sample->why, "%.*s", (int)size, why);
}

static void answered(struct asker *asker, enum asker_end end, const struct resp_reply *reply) {
    struct top_sample *sample = asker->context;
    static const char refused[] = "down: nobody listens", silent[] = "no answer", strange[] = "it is no loamd";
    sample->at_ns = io_now_ns(asker->io);
    if (end == ASKER_NOT_SENT)
        say_why(sample, refused, sizeof refused - 1);
    else if (end == ASKER_UNKNOWN)
        say_why(sample, silent, sizeof silent - 1);
    else if (reply->type == RESP_ERROR)
        say_why(sample, (const char *)reply->text.data, reply->text.size);
    else if ((reply->type != RESP_BULK && reply->type != RESP_VERBATIM) || !top_sample_parse(sample, reply->text))
        say_why(sample, strange, sizeof strange - 1);
}

static void add_node(struct watch *watch, const char *address, bool is_given) {
    struct top *top = &watch->top;
    for (size_t i = 0; i < top->node_count; i++)
        if (strcmp(top->nodes[i].address, address) == 0) return;
    if (top->node_count == TOP_NODES_MAX) return;
    struct watched *node = &watch->nodes[top->node_count];
    struct top_node *shown = &top->nodes[top->node_count++];
    *shown = (struct top_node){.rate_count = 0};
    (void)snprintf(shown->address, sizeof shown->address, "%s", address);
    node->is_given = is_given;
    node->sample = (struct top_sample){.answers = false};
    asker_init(&node->asker, watch->io, TIMEOUT_MS);
    node->asker.password = slice_from_text(watch->password ? watch->password : "");
    node->asker.answered = answered;
    node->asker.context = &node->sample;
}

static void ask_all(struct watch *watch) {
    const struct slice words[] = {slice_from_text("INFO"), slice_from_text("all")};
    for (size_t i = 0; i < watch->top.node_count; i++) {
        struct asker *asker = &watch->nodes[i].asker;
        if (!asker_is_idle(asker)) continue;
        if (asker_ask(asker, watch->top.nodes[i].address, words, 1) != STATUS_OK)
            say_why(&watch->nodes[i].sample, "out of memory here", sizeof "out of memory here" - 1);
    }
}

static bool all_have_ended(const struct watch *watch) {
    for (size_t i = 0; i < watch->top.node_count; i++)
        if (!asker_is_idle(&watch->nodes[i].asker)) return false;
    return true;
}

/* Members that a node names and nobody has given. */
static void find_others(struct watch *watch) {
    const size_t count = watch->top.node_count;
    for (size_t i = 0; i < count; i++) {
        const struct top_sample *sample = &watch->top.nodes[i].now;
        for (size_t k = 0; sample->answers && k < sample->peer_count; k++) add_node(watch, sample->peers[k], false);
    }
}

static void take_samples(struct watch *watch) {
    for (size_t i = 0; i < watch->top.node_count; i++) top_take(&watch->top.nodes[i], &watch->nodes[i].sample);
    find_others(watch);
    const time_t now = (time_t)(io_clock_ms(watch->io) / 1000);
    struct tm parts;
    if (localtime_r(&now, &parts)) (void)strftime(watch->top.clock, sizeof watch->top.clock, "%H:%M:%S", &parts);
}

static bool any_answers(const struct watch *watch) {
    for (size_t i = 0; i < watch->top.node_count; i++)
        if (watch->top.nodes[i].now.answers) return true;
    return false;
}

/* ---- Once -------------------------------------------------------------------------------------------------------- */

static void run_until(struct watch *watch, uint64_t until_ns) {
    while (io_now_ns(watch->io) < until_ns && !interrupted) (void)io_run(watch->io, until_ns);
}

static void wait_for_answers(struct watch *watch) {
    while (!all_have_ended(watch)) (void)io_run(watch->io, io_now_ns(watch->io) + (uint64_t)TIMEOUT_MS * MS);
}

static void look(struct watch *watch) {
    ask_all(watch);
    wait_for_answers(watch);
    take_samples(watch);
}

static void print_lines(const struct top *top) {
    static struct top_lines lines; /* large */
    top_view_make(top, PRINT_WIDTH, TOP_LINES_MAX, &lines);
    for (size_t i = 0; i < lines.count; i++) printf("%s\n", lines.lines[i].text);
}

static enum status print_once(struct watch *watch, bool json) {
    struct buf text = BUF_EMPTY;
    look(watch);
    look(watch); /* with those that the first one found */
    for (size_t i = 0; i < watch->top.node_count; i++) watch->top.nodes[i].rate_count = 0;
    run_until(watch, io_now_ns(watch->io) + (uint64_t)watch->top.interval_ms * MS);
    look(watch);
    enum status status = STATUS_OK;
    if (json)
        status = top_json_append(&text, &watch->top);
    else
        print_lines(&watch->top);
    terminal_print(buf_slice(&text));
    buf_deinit(&text);
    return status;
}

/* ---- Live -------------------------------------------------------------------------------------------------------- */

static void draw(struct watch *watch) {
    static struct top_lines lines; /* large */
    unsigned width, height;
    top_screen_size(&width, &height);
    top_view_make(&watch->top, width, height, &lines);
    top_screen_draw(&lines);
}

/* What was pressed since; false: it ends. */
static bool take_keys(struct watch *watch) {
    struct top *top = &watch->top;
    bool changed = false;
    for (enum top_key key; (key = top_screen_key()) != TOP_KEY_NONE; changed = true) {
        if (key == TOP_KEY_QUIT) return false;
        if (key == TOP_KEY_PAUSE) top->is_paused = !top->is_paused;
        if (key == TOP_KEY_FASTER && top->interval_ms / 2 >= INTERVAL_LEAST_MS) top->interval_ms /= 2;
        if (key == TOP_KEY_SLOWER && top->interval_ms * 2 <= INTERVAL_MOST_MS) top->interval_ms *= 2;
    }
    if (changed) draw(watch);
    return !interrupted;
}

static void watch_live(struct watch *watch) {
    bool goes_on = true;
    while (goes_on) {
        const uint64_t began_ns = io_now_ns(watch->io);
        if (!watch->top.is_paused) ask_all(watch);
        bool is_taken = watch->top.is_paused;
        do {
            (void)io_run(watch->io, io_now_ns(watch->io) + (uint64_t)KEYS_MS * MS);
            if (!is_taken && all_have_ended(watch)) {
                take_samples(watch);
                draw(watch);
                is_taken = true;
            }
            goes_on = take_keys(watch);
        } while (goes_on && (!is_taken || io_now_ns(watch->io) < began_ns + (uint64_t)watch->top.interval_ms * MS));
    }
}

/* ---- The command ------------------------------------------------------------------------------------------------- */

static enum status add_plan(struct watch *watch, const char *dir, struct error *error) {
    struct plan plan;
    enum status status = plan_init(&plan, dir, error);
    if (status == STATUS_OK) status = plan_load(&plan, watch->io, error);
    if (status != STATUS_OK) return status;
    for (unsigned node = plan_next(&plan, 0); node; node = plan_next(&plan, node)) {
        char address[IO_ADDRESS_BYTES];
        plan_address(&plan, node, PLAN_CLIENTS, address);
        add_node(watch, address, true);
    }
    return STATUS_OK;
}

static enum status add_given(struct watch *watch, int argc, char **argv, const char *dir, struct error *error) {
    if (argc == 0) return add_plan(watch, dir, error);
    for (int i = 0; i < argc; i++) {
        if (!io_address_is_valid(argv[i]))
            return error_set(error, STATUS_INVALID, "%s: not HOST:PORT in numbers", argv[i]);
        add_node(watch, argv[i], true);
    }
    return STATUS_OK;
}

static void close_all(struct watch *watch) {
    for (size_t i = 0; i < watch->top.node_count; i++)
        if (!asker_is_idle(&watch->nodes[i].asker)) asker_give_up(&watch->nodes[i].asker);
    wait_for_answers(watch);
    for (size_t i = 0; i < watch->top.node_count; i++) asker_deinit(&watch->nodes[i].asker);
}

static enum status run(struct watch *watch, bool once, bool json, struct error *error) {
    const struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (once || json) return print_once(watch, json);
    if (!top_screen_open())
        return error_set(error, STATUS_UNSUPPORTED, "this terminal is not known (TERM): --once prints plain text");
    watch->top.has_utf8 = top_screen_has_utf8();
    watch_live(watch);
    top_screen_close();
    return STATUS_OK;
}

int command_top(int argc, char **argv) {
    static struct watch watch; /* large */
    bool once = false, json = false;
    const char *dir = "var/cluster";
    uint64_t interval_ms = INTERVAL_MS;
    const struct argument_option taken[] = {{.name = "--dir", .text = &dir},
                                            {.name = "--interval", .number = &interval_ms, .limit = INTERVAL_MOST_MS},
                                            {.name = "--password", .text = &watch.password},
                                            {.name = "--once", .flag = &once},
                                            {.name = "--json", .flag = &json}};
    const struct arguments arguments = {"top", usage, "up to 16 HOST:PORT", 0, TOP_NODES_MAX, taken, 5};
    int code;
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    if (once && json) return arguments_refuse(&arguments, "--once or --json: one of them");
    if (interval_ms < INTERVAL_LEAST_MS) return arguments_refuse(&arguments, "--interval: 100 ms is the least");
    once = once || (!json && !terminal_has_output());
    watch.top.interval_ms = (uint32_t)interval_ms;
    struct error error = {.status = STATUS_OK};
    enum status status = io_create(&(struct io_options){.backend = IO_BACKEND_POSIX}, &watch.io, &error);
    if (status == STATUS_OK) status = add_given(&watch, argc, argv, dir, &error);
    if (status == STATUS_OK) status = run(&watch, once, json, &error);
    if (status != STATUS_OK) (void)fprintf(stderr, "loam top: %s\n", error.text[0] ? error.text : status_text(status));
    const bool answered_once = any_answers(&watch);
    if (watch.io) close_all(&watch);
    io_destroy(watch.io);
    if (status == STATUS_OK && (once || json) && !answered_once) {
        (void)fprintf(stderr, "loam top: no node answered\n");
        return EXIT_FAILED;
    }
    return status == STATUS_OK ? EXIT_CLEAN : EXIT_FAILED;
}
