/*
 * node_state: source: FORMAT.md beside this file.
 */
#include "raft/log/node_state.h"

#include <stdio.h>

#include "engine/base/check.h"
#include "engine/base/coding.h"
#include "engine/base/hash.h"

static const uint8_t magic[8] = {'L', 'O', 'A', 'M', 'N', 'O', 'D', '\n'};

enum {
    CHECK_AT = NODE_STATE_SLOT_BYTES - 8,
    DOUBT_AT = 104,
    PEERS_AT = 112,
    REPAIRS_AT = PEERS_AT + 16 * NODE_STATE_PEERS_MAX,
    KIND_AT = REPAIRS_AT + 24,
    KIND_WITNESS = 1,
};

/* A program of version 1 would vote where this one must not: it is to refuse such a slot. */
static bool has_repairs(const struct node_state *superblock) {
    return (superblock->doubt_term | superblock->log_number | superblock->damaged_engine | superblock->damaged_log) !=
           0;
}

static uint32_t version_of(const struct node_state *superblock) {
    if (superblock->is_witness) return NODE_STATE_VERSION;
    return has_repairs(superblock) ? NODE_STATE_VERSION_REPAIRED : NODE_STATE_VERSION_PLAIN;
}

void node_state_encode(const struct node_state *superblock, uint8_t slot[NODE_STATE_SLOT_BYTES]) {
    memset(slot, 0, NODE_STATE_SLOT_BYTES);
    memcpy(slot, magic, sizeof magic);
    coding_put_u32(slot + 8, version_of(superblock));
    coding_put_u64(slot + 16, superblock->generation);
    coding_put_u64(slot + 24, superblock->cluster_id);
    coding_put_u64(slot + 32, superblock->node_id);
    coding_put_u64(slot + 40, superblock->incarnation);
    coding_put_u64(slot + 48, superblock->members_hash);
    coding_put_u64(slot + 56, superblock->term);
    coding_put_u64(slot + 64, superblock->vote);
    coding_put_u64(slot + 72, superblock->engine_number);
    coding_put_u64(slot + 80, superblock->log_from);
    coding_put_u64(slot + 88, superblock->log_start);
    coding_put_u64(slot + 96, superblock->log_start_term);
    coding_put_u64(slot + DOUBT_AT, superblock->doubt_term);
    coding_put_u64(slot + REPAIRS_AT, superblock->log_number);
    coding_put_u64(slot + REPAIRS_AT + 8, superblock->damaged_engine);
    coding_put_u64(slot + REPAIRS_AT + 16, superblock->damaged_log);
    slot[KIND_AT] = superblock->is_witness ? KIND_WITNESS : 0;
    for (unsigned i = 0; i < NODE_STATE_PEERS_MAX; i++) {
        coding_put_u64(slot + PEERS_AT + 16 * i, superblock->peers[i].node_id);
        coding_put_u64(slot + PEERS_AT + 16 * i + 8, superblock->peers[i].incarnation);
    }
    coding_put_u64(slot + CHECK_AT, hash64(slice_make(slot, CHECK_AT), superblock->generation % 2));
}

enum status node_state_decode(struct slice slot, struct node_state *superblock) {
    *superblock = (struct node_state){0};
    if (slot.size != NODE_STATE_SLOT_BYTES) return STATUS_CORRUPT;
    const uint8_t *bytes = slot.data;
    bool blank = bytes[0] == 0 && memcmp(bytes, bytes + 1, NODE_STATE_SLOT_BYTES - 1) == 0;
    if (blank) return STATUS_NOT_FOUND;
    uint64_t generation = coding_get_u64(bytes + 16);
    if (memcmp(bytes, magic, sizeof magic) != 0) return STATUS_CORRUPT;
    if (coding_get_u64(bytes + CHECK_AT) != hash64(slice_make(bytes, CHECK_AT), generation % 2)) return STATUS_CORRUPT;
    const uint32_t version = coding_get_u32(bytes + 8);
    if (version < NODE_STATE_VERSION_PLAIN || version > NODE_STATE_VERSION) return STATUS_VERSION;
    if (version == NODE_STATE_VERSION && bytes[KIND_AT] != KIND_WITNESS) return STATUS_VERSION;
    *superblock = (struct node_state){
        .generation = generation,
        .cluster_id = coding_get_u64(bytes + 24),
        .node_id = coding_get_u64(bytes + 32),
        .incarnation = coding_get_u64(bytes + 40),
        .members_hash = coding_get_u64(bytes + 48),
        .term = coding_get_u64(bytes + 56),
        .vote = coding_get_u64(bytes + 64),
        .engine_number = coding_get_u64(bytes + 72),
        .log_from = coding_get_u64(bytes + 80),
        .log_start = coding_get_u64(bytes + 88),
        .log_start_term = coding_get_u64(bytes + 96),
    };
    if (version != NODE_STATE_VERSION_PLAIN) {
        superblock->doubt_term = coding_get_u64(bytes + DOUBT_AT);
        superblock->log_number = coding_get_u64(bytes + REPAIRS_AT);
        superblock->damaged_engine = coding_get_u64(bytes + REPAIRS_AT + 8);
        superblock->damaged_log = coding_get_u64(bytes + REPAIRS_AT + 16);
    }
    superblock->is_witness = version == NODE_STATE_VERSION;
    for (unsigned i = 0; i < NODE_STATE_PEERS_MAX; i++) {
        superblock->peers[i].node_id = coding_get_u64(bytes + PEERS_AT + 16 * i);
        superblock->peers[i].incarnation = coding_get_u64(bytes + PEERS_AT + 16 * i + 8);
    }
    return STATUS_OK;
}

enum status node_state_choose(struct slice file, struct node_state *superblock, struct error *error) {
    enum status statuses[2] = {STATUS_CORRUPT, STATUS_CORRUPT};
    struct node_state found[2] = {{0}, {0}};
    for (size_t slot = 0; slot < 2; slot++) {
        if (file.size < slot * NODE_STATE_STRIDE + NODE_STATE_SLOT_BYTES) continue;
        statuses[slot] =
            node_state_decode(slice_make(file.data + slot * NODE_STATE_STRIDE, NODE_STATE_SLOT_BYTES), &found[slot]);
        if (statuses[slot] == STATUS_OK && found[slot].generation % 2 != slot) statuses[slot] = STATUS_CORRUPT;
        if (statuses[slot] == STATUS_VERSION)
            return error_set(error, STATUS_VERSION, "superblock slot %zu: %s", slot, status_text(STATUS_VERSION));
    }
    bool sound[2] = {statuses[0] == STATUS_OK, statuses[1] == STATUS_OK};
    if (!sound[0] && !sound[1]) {
        return error_set(
            error, STATUS_CORRUPT,
            "superblock: both slots are damaged (%s, %s): term and vote are lost, so this node must not vote: "
            "restore the directory, or replace the node",
            status_text(statuses[0]), status_text(statuses[1]));
    }
    bool second = sound[1] && (!sound[0] || found[1].generation > found[0].generation);
    *superblock = found[second ? 1 : 0];
    return STATUS_OK;
}

static enum status file_path(const char *dir, char path[IO_PATH_BYTES]) {
    int length = snprintf(path, IO_PATH_BYTES, "%s/superblock", dir);
    return length < IO_PATH_BYTES ? STATUS_OK : STATUS_TOO_LARGE;
}

enum status node_state_create(struct io *io, const char *dir, const struct node_state *superblock,
                              struct error *error) {
    char path[IO_PATH_BYTES];
    uint8_t bytes[NODE_STATE_BYTES] = {0};
    struct node_state second = *superblock;
    second.generation++;
    node_state_encode(superblock, bytes + node_state_offset(superblock));
    node_state_encode(&second, bytes + node_state_offset(&second));
    struct io_file *file = NULL;
    enum status status = file_path(dir, path);
    if (status == STATUS_OK)
        status = io_file_open(io, path, IO_OPEN_READ | IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_EXCLUSIVE, &file);
    const bool is_made = status == STATUS_OK;
    if (status == STATUS_OK) status = io_file_write(file, 0, bytes, sizeof bytes);
    if (status == STATUS_OK) status = io_file_sync(file);
    io_file_close(file);
    if (status == STATUS_OK) status = io_dir_sync(io, dir);
    /* One that may not be durable must not be taken for made. If this fails, too, it is at least named. */
    if (is_made && status != STATUS_OK && io_remove(io, path) != STATUS_OK)
        return error_set(error, status, "%s: %s; it may not be durable: remove it", path, status_text(status));
    if (status != STATUS_OK) return error_set(error, status, "%s/superblock: %s", dir, status_text(status));
    return STATUS_OK;
}

enum status node_state_open(struct io *io, const char *dir, struct io_file **file) {
    char path[IO_PATH_BYTES];
    enum status status = file_path(dir, path);
    return status == STATUS_OK ? io_file_open(io, path, IO_OPEN_READ | IO_OPEN_WRITE, file) : status;
}

enum status node_state_read(struct io *io, const char *dir, struct node_state *superblock, struct error *error) {
    struct io_file *file = NULL;
    uint8_t bytes[NODE_STATE_BYTES];
    size_t got = 0;
    char path[IO_PATH_BYTES];
    enum status status = file_path(dir, path);
    if (status == STATUS_OK) status = io_file_open(io, path, IO_OPEN_READ, &file);
    if (status == STATUS_OK) status = io_file_read(file, 0, bytes, sizeof bytes, &got);
    io_file_close(file);
    if (status != STATUS_OK) return error_set(error, status, "%s/superblock: %s", dir, status_text(status));
    status = node_state_choose(slice_make(bytes, got), superblock, error);
    return status == STATUS_OK ? status : error_prefix(error, status, "%s", dir);
}

uint64_t node_state_incarnation(const struct node_state *superblock, uint64_t node_id) {
    for (unsigned i = 0; i < NODE_STATE_PEERS_MAX; i++)
        if (superblock->peers[i].node_id == node_id) return superblock->peers[i].incarnation;
    return 0;
}

bool node_state_note_incarnation(struct node_state *superblock, uint64_t node_id, uint64_t incarnation) {
    check(node_id != 0);
    for (unsigned i = 0; i < NODE_STATE_PEERS_MAX; i++) {
        if (superblock->peers[i].node_id != 0 && superblock->peers[i].node_id != node_id) continue;
        superblock->peers[i] = (struct node_state_peer){.node_id = node_id, .incarnation = incarnation};
        return true;
    }
    return false;
}

void node_state_forget_incarnation(struct node_state *superblock, uint64_t node_id) {
    unsigned kept = 0;
    for (unsigned i = 0; i < NODE_STATE_PEERS_MAX; i++)
        if (superblock->peers[i].node_id != node_id) superblock->peers[kept++] = superblock->peers[i];
    for (; kept < NODE_STATE_PEERS_MAX; kept++) superblock->peers[kept] = (struct node_state_peer){0};
}
