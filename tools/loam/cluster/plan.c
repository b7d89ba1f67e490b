/* plan: see plan.h. */
#include "tools/loam/cluster/plan.h"

#include <stdio.h>
#include <string.h>

#include "tools/loam/number_option.h"

enum status plan_init(struct plan *plan, const char *dir, struct error *error) {
    const size_t size = strlen(dir);
    if (size == 0 || size >= sizeof plan->dir)
        return error_set(error, STATUS_INVALID, "--dir: a path of 1 to %d bytes", PLAN_DIR_BYTES - 1);
    *plan = (struct plan){.nodes = PLAN_NODES_DEFAULT, .base_port = PLAN_BASE_PORT_DEFAULT};
    memcpy(plan->dir, dir, size + 1);
    while (strlen(plan->dir) > 1 && plan->dir[strlen(plan->dir) - 1] == '/') plan->dir[strlen(plan->dir) - 1] = '\0';
    return STATUS_OK;
}

enum { CONFIG_BYTES = 64 + 16 * PLAN_NODES_MAX };

/* ---- Names ------------------------------------------------------------------------------------------------------- */

static unsigned port_of(const struct plan *plan, unsigned node, enum plan_port kind) {
    return plan->base_port + 100 * (unsigned)kind + node;
}

void plan_host(const struct plan *plan, unsigned node, char host[IO_ADDRESS_BYTES]) {
    if (plan->net == 0)
        (void)snprintf(host, IO_ADDRESS_BYTES, "127.0.0.1");
    else
        (void)snprintf(host, IO_ADDRESS_BYTES, "10.99.%u.%u", plan->net, node);
}

void plan_space(const struct plan *plan, unsigned node, char name[PLAN_SPACE_BYTES]) {
    (void)snprintf(name, PLAN_SPACE_BYTES, "loam%u-%u", plan->net, node);
}

void plan_address(const struct plan *plan, unsigned node, enum plan_port kind, char address[IO_ADDRESS_BYTES]) {
    plan_host(plan, node, address);
    const size_t size = strlen(address);
    (void)snprintf(address + size, IO_ADDRESS_BYTES - size, ":%u", port_of(plan, node, kind));
}

bool plan_has(const struct plan *plan, unsigned node) {
    return node > 0 && node <= plan->nodes && !plan->removed[node];
}

unsigned plan_next(const struct plan *plan, unsigned node) {
    for (node++; node <= plan->nodes; node++)
        if (!plan->removed[node]) return node;
    return 0;
}

unsigned plan_count(const struct plan *plan) {
    unsigned count = 0;
    for (unsigned node = 0; (node = plan_next(plan, node)) != 0;) count++;
    return count;
}

unsigned plan_founders(const struct plan *plan) {
    return plan->founders ? plan->founders : plan->nodes;
}

enum status plan_members(const struct plan *plan, unsigned node, struct buf *to) {
    const bool founder = node <= plan_founders(plan);
    const unsigned last = founder ? plan_founders(plan) : plan->nodes;
    enum status status = STATUS_OK;
    for (unsigned member = 1; status == STATUS_OK && member <= last; member++) {
        char peers[IO_ADDRESS_BYTES];
        if (!founder && plan->removed[member]) continue;
        plan_address(plan, member, PLAN_PEERS, peers);
        status = buf_append_format(to, "%s%u@%s@%u", to->size == 0 ? "" : ",", member, peers,
                                   port_of(plan, member, PLAN_CLIENTS));
    }
    return status;
}

void plan_path(const struct plan *plan, unsigned node, const char *suffix, char path[IO_PATH_BYTES]) {
    (void)snprintf(path, IO_PATH_BYTES, "%.960s/node-%u%.16s", plan->dir, node, suffix);
}

static void config_path(const struct plan *plan, char path[IO_PATH_BYTES]) {
    (void)snprintf(path, IO_PATH_BYTES, "%.960s/cluster.conf", plan->dir);
}

/* ---- Small files ------------------------------------------------------------------------------------------------- */

/* Reads a file of less than `size` bytes as text. */
static enum status read_text(struct io *io, const char *path, char *text, size_t size) {
    struct io_file *file;
    size_t got = 0;
    enum status status = io_file_open(io, path, IO_OPEN_READ, &file);
    if (status != STATUS_OK) return status;
    status = io_file_read(file, 0, text, size - 1, &got);
    text[got] = '\0';
    io_file_close(file);
    return status;
}

static enum status write_text(struct io *io, const char *path, const char *text) {
    struct io_file *file;
    enum status status = io_file_open(io, path, IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_TRUNCATE, &file);
    if (status != STATUS_OK) return status;
    status = io_file_write(file, 0, text, strlen(text));
    io_file_close(file);
    return status;
}

/* Takes "name NUMBER" off the front of *text. */
static bool take_number(const char **text, const char *name, uint64_t limit, unsigned *value) {
    char digits[24];
    uint64_t number;
    const size_t size = strlen(name);
    if (strncmp(*text, name, size) != 0 || (*text)[size] != ' ') return false;
    const char *from = *text + size + 1;
    const size_t digit_count = strcspn(from, "\n");
    if (digit_count >= sizeof digits || from[digit_count] != '\n') return false;
    memcpy(digits, from, digit_count);
    digits[digit_count] = '\0';
    if (!number_option(digits, limit, &number)) return false;
    *value = (unsigned)number;
    *text = from + digit_count + 1;
    return true;
}

enum status plan_load(struct plan *plan, struct io *io, struct error *error) {
    char path[IO_PATH_BYTES], text[CONFIG_BYTES];
    config_path(plan, path);
    enum status status = read_text(io, path, text, sizeof text);
    if (status == STATUS_NOT_FOUND)
        return error_set(error, status, "no cluster in %s; `loam cluster start` makes one", plan->dir);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", path, status_text(status));
    const char *at = text;
    bool sound = take_number(&at, "nodes", PLAN_NODES_MAX, &plan->nodes) &&
                 take_number(&at, "base-port", PLAN_BASE_PORT_MAX, &plan->base_port);
    plan->founders = 0;
    if (sound && *at != '\0') sound = take_number(&at, "founders", plan->nodes, &plan->founders);
    while (sound && *at != '\0') {
        unsigned node = 0;
        sound = take_number(&at, "removed", plan->nodes, &node);
        plan->removed[node] = true;
    }
    if (sound) return STATUS_OK;
    return error_set(error, STATUS_SYNTAX, "%s: not \"nodes N\", \"base-port P\", and \"founders N\", \"removed I\"",
                     path);
}

/* Every directory on the way, as mkdir -p. */
static enum status make_directories(struct io *io, const char *path) {
    char part[IO_PATH_BYTES];
    const size_t size = strlen(path);
    for (size_t end = 1; end <= size; end++) {
        if (path[end] != '/' && path[end] != '\0') continue;
        memcpy(part, path, end);
        part[end] = '\0';
        enum status status = io_dir_make(io, part);
        if (status != STATUS_OK && status != STATUS_EXISTS) return status;
    }
    return STATUS_OK;
}

/* A cluster that never changed has two lines. */
static void print_config(const struct plan *plan, char text[CONFIG_BYTES]) {
    int size = snprintf(text, CONFIG_BYTES, "nodes %u\nbase-port %u\n", plan->nodes, plan->base_port);
    if (plan_founders(plan) == plan->nodes && plan_count(plan) == plan->nodes) return;
    size += snprintf(text + size, CONFIG_BYTES - (size_t)size, "founders %u\n", plan_founders(plan));
    for (unsigned node = 1; node <= plan->nodes; node++)
        if (plan->removed[node]) size += snprintf(text + size, CONFIG_BYTES - (size_t)size, "removed %u\n", node);
}

enum status plan_save(const struct plan *plan, struct io *io, struct error *error) {
    char path[IO_PATH_BYTES], text[CONFIG_BYTES];
    enum status status = make_directories(io, plan->dir);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", plan->dir, status_text(status));
    config_path(plan, path);
    print_config(plan, text);
    status = write_text(io, path, text);
    return status == STATUS_OK ? STATUS_OK : error_set(error, status, "%s: %s", path, status_text(status));
}

long plan_read_pid(const struct plan *plan, struct io *io, unsigned node) {
    char path[IO_PATH_BYTES], text[32];
    uint64_t pid;
    plan_path(plan, node, ".pid", path);
    if (read_text(io, path, text, sizeof text) != STATUS_OK) return 0;
    text[strcspn(text, "\n")] = '\0';
    return number_option(text, INT32_MAX, &pid) ? (long)pid : 0;
}

enum status plan_write_pid(const struct plan *plan, struct io *io, unsigned node, long pid, struct error *error) {
    char path[IO_PATH_BYTES], text[32];
    plan_path(plan, node, ".pid", path);
    (void)snprintf(text, sizeof text, "%ld\n", pid);
    enum status status = write_text(io, path, text);
    return status == STATUS_OK ? STATUS_OK : error_set(error, status, "%s: %s", path, status_text(status));
}

/* ---- Groups ------------------------------------------------------------------------------------------------------ */

enum status plan_parse_groups(const struct plan *plan, const char *text, unsigned group[PLAN_NODES_MAX],
                              struct error *error) {
    enum { UNNAMED = PLAN_NODES_MAX + 1 };
    unsigned current = 0, named = 0;
    for (unsigned i = 0; i < PLAN_NODES_MAX; i++) group[i] = UNNAMED;
    for (const char *at = text;; at++) {
        unsigned node = 0;
        for (; *at >= '0' && *at <= '9' && node <= plan->nodes; at++) node = 10 * node + (unsigned)(*at - '0');
        if (!plan_has(plan, node))
            return error_set(error, STATUS_SYNTAX, "\"%s\": node ids from 1 to %u, as in 1,2/3", text, plan->nodes);
        if (group[node - 1] != UNNAMED)
            return error_set(error, STATUS_SYNTAX, "\"%s\": node %u is named twice", text, node);
        group[node - 1] = current;
        named++;
        if (*at == '\0') break;
        if (*at == '/')
            current++;
        else if (*at != ',')
            return error_set(error, STATUS_SYNTAX, "\"%s\": ids are parted by , and groups by /", text);
    }
    if (current == 0 && named == plan_count(plan))
        return error_set(error, STATUS_SYNTAX, "\"%s\": one group of all nodes parts nothing", text);
    return STATUS_OK;
}
