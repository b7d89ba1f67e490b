/* namespaces: see namespaces.h. */
#include "tools/loam/chaos/namespaces.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_MAX = 16, LINE_BYTES = 160 };

/* ---- ip ---------------------------------------------------------------------------------------------------------- */

static void log_path(const struct cluster *cluster, char path[IO_PATH_BYTES]) {
    (void)snprintf(path, IO_PATH_BYTES, "%.960s/network.log", cluster->plan.dir);
}

/* Words with single spaces between. */
__attribute__((format(printf, 3, 4))) static enum status ip(const struct cluster *cluster, struct error *error,
                                                            const char *format, ...) {
    char line[LINE_BYTES], copy[LINE_BYTES], log[IO_PATH_BYTES];
    const char *words[WORDS_MAX + 1] = {"ip"};
    size_t count = 1;
    long pid = 0;
    int code = 0;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    memcpy(copy, line, sizeof copy);
    for (char *at = copy; *at != '\0' && count < WORDS_MAX; count++) {
        words[count] = at;
        at += strcspn(at, " ");
        if (*at == ' ') *at++ = '\0';
    }
    log_path(cluster, log);
    enum status status = process_start("ip", words, log, &pid, error);
    if (status == STATUS_OK) status = process_wait(pid, &code);
    if (status != STATUS_OK) return status;
    return code == 0 ? STATUS_OK
                     : error_set(error, STATUS_INVALID, "ip %s: ended with code %d; %s says why", line, code, log);
}

/* ---- Making ------------------------------------------------------------------------------------------------------ */

/* Interfaces' names have 15 letters at most: lm171a, lm171b bridges; lm171p3, lm171c3 cables of node 3. */
static enum status make_bridge(const struct cluster *cluster, char name, struct error *error) {
    const unsigned net = cluster->plan.net;
    enum status status = ip(cluster, error, "link add lm%u%c type bridge", net, name);
    return status == STATUS_OK ? ip(cluster, error, "link set lm%u%c up", net, name) : status;
}

/* The node's end is `inside`, with its address; the other one stays here. */
static enum status make_cable(const struct cluster *cluster, unsigned node, char name, const char *inside,
                              const char *address, struct error *error) {
    const unsigned net = cluster->plan.net;
    char space[PLAN_SPACE_BYTES];
    plan_space(&cluster->plan, node, space);
    enum status status =
        ip(cluster, error, "link add lm%u%c%u type veth peer name %s netns %s", net, name, node, inside, space);
    if (status == STATUS_OK) status = ip(cluster, error, "-n %s addr add %s dev %s", space, address, inside);
    if (status == STATUS_OK) status = ip(cluster, error, "-n %s link set %s up", space, inside);
    return status == STATUS_OK ? ip(cluster, error, "link set lm%u%c%u up", net, name, node) : status;
}

/* Of four addresses, as many as the least network of two has: this end's, the node's. */
static enum status make_clients_cable(const struct cluster *cluster, unsigned node, const char *host,
                                      struct error *error) {
    const unsigned net = cluster->plan.net, first = 4 * node;
    char address[IO_ADDRESS_BYTES];
    (void)snprintf(address, sizeof address, "10.98.%u.%u/30", net, first + 2);
    enum status status = make_cable(cluster, node, 'c', "clients", address, error);
    if (status == STATUS_OK)
        status = ip(cluster, error, "addr add 10.98.%u.%u/30 dev lm%uc%u", net, first + 1, net, node);
    if (status == STATUS_OK)
        status = ip(cluster, error, "route add %s/32 via 10.98.%u.%u dev lm%uc%u", host, net, first + 2, net, node);
    return status;
}

static enum status make_namespace(const struct cluster *cluster, unsigned node, struct error *error) {
    const unsigned net = cluster->plan.net;
    char host[IO_ADDRESS_BYTES], address[IO_ADDRESS_BYTES + 4], space[PLAN_SPACE_BYTES];
    plan_host(&cluster->plan, node, host);
    plan_space(&cluster->plan, node, space);
    (void)snprintf(address, sizeof address, "%s/24", host);
    enum status status = ip(cluster, error, "netns add %s", space);
    if (status == STATUS_OK) status = ip(cluster, error, "-n %s link set lo up", space);
    if (status == STATUS_OK) status = make_cable(cluster, node, 'p', "peers", address, error);
    if (status == STATUS_OK) status = ip(cluster, error, "link set lm%up%u master lm%ua", net, node, net);
    return status == STATUS_OK ? make_clients_cable(cluster, node, host, error) : status;
}

enum status namespaces_make(const struct cluster *cluster, struct error *error) {
    if (geteuid() != 0) return error_set(error, STATUS_DENIED, "network namespaces are made by root only");
    namespaces_remove(cluster);
    enum status status = make_bridge(cluster, 'a', error);
    if (status == STATUS_OK) status = make_bridge(cluster, 'b', error);
    for (unsigned node = 1; node <= cluster->plan.nodes && status == STATUS_OK; node++)
        status = make_namespace(cluster, node, error);
    if (status != STATUS_OK) namespaces_remove(cluster);
    return status;
}

/* True if nothing of that name is there any more. */
__attribute__((format(printf, 3, 4))) static bool remove_if_there(const struct cluster *cluster, const char *path,
                                                                  const char *format, ...) {
    char words[LINE_BYTES];
    struct error error = {0};
    struct io_entry entry;
    va_list arguments;
    if (io_stat(cluster->io, path, &entry) == STATUS_NOT_FOUND) return true;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    return ip(cluster, &error, "%s", words) == STATUS_OK;
}

/* A namespace goes some time after its name, and would take its cables with it then: they go first. */
void namespaces_remove(const struct cluster *cluster) {
    static const char ends[] = {'p', 'c'};
    const unsigned net = cluster->plan.net;
    char path[IO_PATH_BYTES], space[PLAN_SPACE_BYTES];
    bool is_clean = true;
    for (unsigned node = 1; node <= PLAN_START_MAX; node++) {
        for (size_t i = 0; i < sizeof ends; i++) {
            (void)snprintf(path, sizeof path, "/sys/class/net/lm%u%c%u", net, ends[i], node);
            is_clean = remove_if_there(cluster, path, "link del lm%u%c%u", net, ends[i], node) && is_clean;
        }
        plan_space(&cluster->plan, node, space);
        (void)snprintf(path, sizeof path, "/run/netns/%s", space);
        is_clean = remove_if_there(cluster, path, "netns del %s", space) && is_clean;
    }
    for (int name = 'a'; name <= 'b'; name++) {
        (void)snprintf(path, sizeof path, "/sys/class/net/lm%u%c", net, name);
        is_clean = remove_if_there(cluster, path, "link del lm%u%c", net, name) && is_clean;
    }
    log_path(cluster, path);
    if (is_clean && io_remove(cluster->io, path) != STATUS_OK) return; /* none was written */
}

/* ---- Pulling ----------------------------------------------------------------------------------------------------- */

enum status namespaces_plug(const struct cluster *cluster, const struct cables *was, const struct cables *now,
                            struct error *error) {
    const unsigned net = cluster->plan.net;
    enum status status = STATUS_OK;
    for (unsigned node = 1; node <= cluster->plan.nodes && status == STATUS_OK; node++) {
        const uint32_t bit = UINT32_C(1) << node;
        if ((was->side ^ now->side) & bit)
            status = ip(cluster, error, "link set lm%up%u master lm%u%c", net, node, net, now->side & bit ? 'b' : 'a');
        if (status == STATUS_OK && (was->alone ^ now->alone) & bit)
            status = ip(cluster, error, "link set lm%up%u type bridge_slave isolated %s", net, node,
                        now->alone & bit ? "on" : "off");
    }
    return status;
}
