/* logs: the ends of the nodes' logs, each line with its node's name, and what comes after. */
#include <stdio.h>
#include <string.h>

#include "tools/loam/cluster/cluster.h"

enum { CHUNK_BYTES = 64 << 10, POLL_NS = 200 * 1000 * 1000 };

struct tail {
    unsigned node;
    uint64_t offset; /* up to here it was printed */
};

static void print_lines(unsigned node, struct slice text) {
    while (text.size > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        const size_t size = end ? (size_t)(end - text.data) : text.size;
        (void)printf("node-%u | %.*s\n", node, (int)size, (const char *)text.data);
        text = slice_from(text, size + (end ? 1 : 0));
    }
}

/* The part that holds the last `lines` lines. */
static struct slice last_lines(struct slice text, uint64_t lines) {
    size_t at = text.size;
    if (at > 0 && text.data[at - 1] == '\n') at--;
    while (at > 0 && lines > 0) {
        while (at > 0 && text.data[at - 1] != '\n') at--;
        if (--lines > 0 && at > 0) at--;
    }
    return slice_from(text, at);
}

/* Reads from tail->offset (or, with lines > 0, from near the end) to the last complete line. */
static enum status print_new(const struct cluster *cluster, struct tail *tail, uint64_t lines) {
    char path[IO_PATH_BYTES];
    struct io_file *file;
    uint64_t size = 0;
    size_t got = 0;
    struct buf text = BUF_EMPTY;
    plan_path(&cluster->plan, tail->node, ".log", path);
    enum status status = io_file_open(cluster->io, path, IO_OPEN_READ, &file);
    if (status != STATUS_OK) return status;
    status = io_file_size(file, &size);
    const uint64_t wanted = lines > 0 ? (lines + 1) * 1024 : CHUNK_BYTES;
    if (lines > 0 && size > wanted) tail->offset = size - wanted;
    if (status == STATUS_OK) status = buf_reserve(&text, wanted);
    if (status == STATUS_OK) status = io_file_read(file, tail->offset, text.data, wanted, &got);
    if (status == STATUS_OK) {
        while (got > 0 && text.data[got - 1] != '\n') got--; /* an unfinished line is printed once it ends */
        const struct slice whole = slice_make(text.data, got);
        print_lines(tail->node, lines > 0 ? last_lines(whole, lines) : whole);
        tail->offset += got;
    }
    buf_deinit(&text);
    io_file_close(file);
    return status;
}

enum status cluster_print_logs(const struct cluster *cluster, unsigned node, struct error *error) {
    struct tail tails[PLAN_NODES_MAX];
    unsigned count = 0;
    for (unsigned i = 0; (i = plan_next(&cluster->plan, i)) != 0;)
        if (node == 0 || node == i) tails[count++] = (struct tail){.node = i};
    for (unsigned i = 0; i < count; i++) {
        enum status status = print_new(cluster, &tails[i], cluster->lines);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            return error_set(error, status, "log of node %u: %s", tails[i].node, status_text(status));
    }
    while (cluster->follow) {
        (void)fflush(stdout);
        io_sleep(cluster->io, POLL_NS);
        for (unsigned i = 0; i < count; i++) {
            enum status status = print_new(cluster, &tails[i], 0);
            if (status != STATUS_OK && status != STATUS_NOT_FOUND)
                return error_set(error, status, "log of node %u", tails[i].node);
        }
    }
    return STATUS_OK;
}
