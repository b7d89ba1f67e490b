/* main: the process around a server: options, log, directory, loop, signals. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "tools/loamd/http.h"
#include "tools/loamd/info.h"
#include "tools/loamd/options.h"

enum { STOP_GRACE_MS = 5000, PUBLISH_NS = 1000 * 1000 * 1000, GATHER_ROUNDS = 4 };

/* A signal only sets a flag and wakes the loop. */
static volatile sig_atomic_t stop_asked;
static struct io *signal_io;

static void on_signal(int number) {
    (void)number;
    stop_asked = 1;
    io_wake(signal_io);
}

static void catch_signals(struct io *io) {
    signal_io = io;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

/* It ends already; the loop that a handler would wake goes. */
static void ignore_signals(void) {
    struct sigaction action = {.sa_handler = SIG_IGN};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

/* One line an event: time, level, text. */
static void print_line(void *context, enum log_level level, const char *text) {
    struct io *const *io = context;
    int64_t now_ms = *io ? io_clock_ms(*io) : 0;
    (void)fprintf(stderr, "%" PRId64 ".%03d %s %s\n", now_ms / 1000, (int)(now_ms % 1000), log_level_name(level), text);
}

/* A descriptor for every client and every open SST: as many as the system lets this process have. */
static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE,
                    &limit); /* the old one stays in force: accept and open then say so when it is reached */
}

static int fail(const struct error *error) {
    (void)fprintf(stderr, "loamd: %s\n", error->text[0] ? error->text : status_text(error->status));
    return error->status == STATUS_CORRUPT || error->status == STATUS_FAULTY ? 2 : 1;
}

/* Says what the cluster must be told of this node. */
static enum status make_joining(struct io *io, const struct options *options, struct error *error) {
    const struct raft_driver_options *raft = &options->server.raft;
    struct raft_identity identity;
    enum status status = raft_directory_create_joining(io, options->dir, options->kind, options->join_cluster_id,
                                                       raft->node_id, &identity, error);
    if (status != STATUS_OK) return status;
    const struct raft_member *own = raft->members;
    while (own->id != raft->node_id) own++; /* it is there: options_parse has looked */
    (void)printf("RAFT.CHANGE ADD %" PRIu64 " %s %s %016" PRIx64 "\n", own->id, own->peer_address, own->client_address,
                 identity.incarnation);
    return STATUS_OK;
}

static enum status make_directory(struct io *io, const struct options *options, struct error *error) {
    const struct raft_driver_options *raft = &options->server.raft;
    if (options->join_cluster_id) return make_joining(io, options, error);
    enum status status = raft_directory_create(io, options->dir, options->kind, 0, raft->node_id, raft->members,
                                               raft->member_count, error);
    if (status == STATUS_EXISTS && !options->init_only) return STATUS_OK;
    return status;
}

static void publish(struct http *http, struct server *server, struct buf *page) {
    buf_clear(page);
    if (server_print_metrics(server, page) == STATUS_OK) http_publish(http, buf_slice(page));
}

/*
 * Waits, and then takes what has arrived meanwhile without waiting again: a turn that finds more makes fewer, larger
 * groups of the log, and nobody waits for company. Bounded by GATHER_ROUNDS, and by each client's one receive in
 * flight, which only a turn starts anew. engine/io/README.md has the figures.
 */
static void wait_and_gather(struct io *io, uint64_t next_ns) {
    size_t arrived = io_run(io, next_ns);
    for (int round = 0; round < GATHER_ROUNDS && arrived > 0; round++) arrived = io_run(io, 0);
}

static void run_loop(struct io *io, struct server *server, struct http *http) {
    struct buf page = BUF_EMPTY;
    uint64_t publish_ns = 0, next_ns = 0;
    while (!server_is_stopped(server)) {
        const uint64_t news = io_news(io);
        wait_and_gather(io, next_ns);
        if (stop_asked)
            server_stop(server, STOP_GRACE_MS);
        else if (io_news(io) == news && io_now_ns(io) < next_ns)
            continue; /* the ends of sends, which ask for nothing */
        next_ns = server_turn(server);
        uint64_t now_ns = http ? io_now_ns(io) : 0;
        if (http && now_ns >= publish_ns) {
            publish(http, server, &page);
            publish_ns = now_ns + PUBLISH_NS;
        }
    }
    buf_deinit(&page);
}

static enum status serve(struct io *io, const struct options *options, struct log *log, struct error *error) {
    struct server *server = NULL;
    struct http *http = NULL;
    enum status status = server_open(io, &options->server, &server, error);
    if (status == STATUS_OK && options->http_listen) status = http_start(options->http_listen, &http, error);
    if (status == STATUS_OK) {
        log_info(log, "serving clients on %s: loam %s, node %" PRIu64 ", io %s", options->listen, LOAM_VERSION,
                 options->server.raft.node_id, io_backend_name(io));
        catch_signals(io);
        run_loop(io, server, http);
    }
    while (status == STATUS_OK && server_wants_reopen(server) && !stop_asked) {
        server_close(server);
        status = server_open(io, &options->server, &server, error);
        if (status == STATUS_OK) run_loop(io, server, http);
    }
    if (status == STATUS_OK) log_info(log, "stopped");
    http_stop(http);
    server_close(server);
    ignore_signals();
    return status;
}

int main(int argc, char **argv) {
    struct options options;
    struct error error = {0};
    if (options_parse(argc, argv, &options, &error)) return fail(&error);
    if (options.help || options.version) {
        (void)fputs(options.help ? options_usage : "loamd " LOAM_VERSION "\n", stdout);
        return 0;
    }
    raise_descriptor_limit();
    struct io *io = NULL;
    struct log log = {.level = options.log_level, .line = print_line, .context = &io};
    struct io_options io_options = {.backend = options.backend, .log = &log};
    options.server.log = &log;
    if (io_create(&io_options, &io, &error)) return fail(&error);
    bool makes_directory = options.init_only || options.server.raft.member_count == 1;
    enum status status = makes_directory ? make_directory(io, &options, &error) : STATUS_OK;
    if (status == STATUS_OK && !options.init_only) status = serve(io, &options, &log, &error);
    io_destroy(io);
    return status ? fail(&error) : 0;
}
