/* raft_live: see raft_live.h. Asking and reading; words are in raft_live_text.c. */
#include "tools/loam/inspect/raftview/raft_live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/decimal.h"
#include "tools/loam/client.h"
#include "tools/loam/info_text.h"

enum { TIMEOUT_MS = 2000, LINE_BYTES = 1024 };

/* ---- Fields ------------------------------------------------------------------------------------------------------ */

static uint64_t number_field(struct slice info, const char *name) {
    return info_number(info_field(info, name));
}

static bool flag_part(struct slice list, const char *name) {
    return info_number(info_part(list, name)) == 1;
}

static void take_peer(struct raft_live *live, uint64_t id, struct slice value) {
    struct raft_live_peer *peer = &live->peers[live->peer_count++];
    int64_t heard = -1;
    *peer = (struct raft_live_peer){.id = id,
                                    .match = info_number(info_part(value, "match")),
                                    .lag = info_number(info_part(value, "lag")),
                                    .connected = flag_part(value, "connected"),
                                    .voter = flag_part(value, "voter"),
                                    .learner = flag_part(value, "learner"),
                                    .witness = flag_part(value, "witness"),
                                    .in_flight_messages = info_number(info_part(value, "in_flight_messages")),
                                    .in_flight_bytes = info_number(info_part(value, "in_flight_bytes"))};
    if (decimal_parse(info_part(value, "last_heard_ms"), &heard)) peer->last_heard_ms = heard;
    info_copy(info_part(value, "progress"), peer->progress, sizeof peer->progress);
    info_copy(info_part(value, "client_address"), peer->client_address, sizeof peer->client_address);
}

/* Lines "peer_7:..". */
static void take_peers(struct raft_live *live, struct slice info) {
    while (info.size > 0 && live->peer_count < RAFT_MEMBERS_MAX) {
        const uint8_t *end = memchr(info.data, '\n', info.size);
        size_t size = end ? (size_t)(end - info.data) : info.size;
        const struct slice rest = slice_from(info, size + (end ? 1 : 0));
        if (size > 0 && info.data[size - 1] == '\r') size--;
        const uint8_t *colon = memchr(info.data, ':', size);
        if (colon && size > 5 && memcmp(info.data, "peer_", 5) == 0) {
            const uint64_t id = info_number(slice_make(info.data + 5, (size_t)(colon - info.data) - 5));
            if (id) take_peer(live, id, slice_make(colon + 1, size - (size_t)(colon + 1 - info.data)));
        }
        info = rest;
    }
}

/* "(1 2 3)" from *at on. */
static unsigned take_set(const char **at, uint64_t ids[RAFT_MEMBERS_MAX]) {
    unsigned count = 0;
    if (**at == '(') ++*at;
    while (**at >= '0' && **at <= '9' && count < RAFT_MEMBERS_MAX) {
        char *end;
        ids[count++] = strtoull(*at, &end, 10);
        *at = *end == ' ' ? end + 1 : end;
    }
    if (**at == ')') ++*at;
    return count;
}

/* As raft_configuration_print writes it. */
static void take_configuration(struct raft_live *live, struct slice value) {
    char text[LINE_BYTES];
    info_copy(value, text, sizeof text);
    const char *at = strstr(text, "voters=");
    if (at == NULL) return;
    at += 7;
    live->configuration.voter_count = (uint8_t)take_set(&at, live->configuration.voters);
    if (strncmp(at, "&&", 2) != 0) return;
    at += 2;
    live->configuration.outgoing_count = (uint8_t)take_set(&at, live->configuration.outgoing);
}

bool raft_live_parse(struct raft_live *live, struct slice info) {
    *live = (struct raft_live){.id = number_field(info, "raft_node_id"),
                               .term = number_field(info, "raft_term"),
                               .vote = number_field(info, "raft_vote"),
                               .leader = number_field(info, "raft_leader"),
                               .commit = number_field(info, "raft_commit"),
                               .applied = number_field(info, "raft_applied"),
                               .first = number_field(info, "raft_first_index"),
                               .last = number_field(info, "raft_last_index"),
                               .durable = number_field(info, "raft_durable_index"),
                               .commit_waiting_ms = number_field(info, "raft_commit_waiting_ms"),
                               .disk_waiting_ms = number_field(info, "raft_disk_waiting_ms"),
                               .slow_disk_ms = number_field(info, "raft_slow_disk_ms"),
                               .doubt_term = number_field(info, "raft_doubt_term"),
                               .guard_ms = number_field(info, "raft_guard_ms"),
                               .guards = number_field(info, "raft_guards") == 1,
                               .witness = number_field(info, "raft_witness") == 1};
    info_copy(info_field(info, "raft_role"), live->role, sizeof live->role);
    info_copy(info_field(info, "raft_disk"), live->disk, sizeof live->disk);
    info_copy(info_field(info, "raft_membership"), live->membership, sizeof live->membership);
    info_copy(info_field(info, "raft_configuration"), live->members, sizeof live->members);
    info_copy(info_field(info, "raft_cluster_id"), live->cluster, sizeof live->cluster);
    take_configuration(live, info_field(info, "raft_configuration"));
    take_peers(live, info);
    const struct slice log = info_field(info, "log_bytes"), tail = info_field(info, "uncommitted_bytes");
    live->log_bytes = info_number(info_part(log, "use"));
    live->log_limit_bytes = info_number(info_part(log, "limit"));
    live->uncommitted_bytes = info_number(info_part(tail, "use"));
    live->uncommitted_limit_bytes = info_number(info_part(tail, "limit"));
    return live->role[0] != '\0';
}

/* ---- Asking ------------------------------------------------------------------------------------------------------ */

static enum status ask_section(struct client *client, const char *section, struct buf *info, struct error *error) {
    const char *words[] = {"INFO", section};
    const struct resp_reply *reply = NULL;
    enum status status = client_call(client, words, 2, &reply, error);
    if (status != STATUS_OK) return status;
    if (reply->type == RESP_ERROR)
        return error_set(error, STATUS_DENIED, "INFO %s is refused: %.*s", section, (int)reply->text.size,
                         (const char *)reply->text.data);
    status = buf_append_slice(info, reply->text);
    if (status == STATUS_OK) status = buf_append_byte(info, '\n');
    return status == STATUS_OK ? status : error_set(error, status, "%s", status_text(status));
}

enum status raft_live_ask(struct io *io, const char *address, const char *password, struct raft_live *live,
                          struct error *error) {
    struct client *client = NULL;
    struct buf info = BUF_EMPTY;
    enum status status = client_open(io, address, TIMEOUT_MS, &client, error);
    if (status == STATUS_OK) status = client_authenticate(client, password, error);
    if (status == STATUS_OK) status = ask_section(client, "raft", &info, error);
    if (status == STATUS_OK) status = ask_section(client, "limits", &info, error);
    if (status == STATUS_OK && !raft_live_parse(live, buf_slice(&info)))
        status = error_set(error, STATUS_MISMATCH, "%s: no node of loam: its INFO tells nothing of raft", address);
    if (status == STATUS_OK) (void)snprintf(live->address, sizeof live->address, "%s", address);
    client_close(client);
    buf_deinit(&info);
    return status;
}

/* ---- What commit waits for --------------------------------------------------------------------------------------- */

static uint64_t match_of(const struct raft_live *live, uint64_t id) {
    if (id == live->id) return live->durable;
    for (size_t i = 0; i < live->peer_count; i++)
        if (live->peers[i].id == id) return live->peers[i].match;
    return 0;
}

/* How many of the list are missing for a majority; those who have not acknowledged are noted. */
static unsigned missing_of(const struct raft_live *live, const uint64_t *voters, unsigned count,
                           struct raft_live_wait *wait) {
    unsigned have = 0;
    for (unsigned i = 0; i < count; i++) {
        bool is_noted = false;
        if (match_of(live, voters[i]) >= wait->index) {
            have++;
            continue;
        }
        for (unsigned k = 0; k < wait->count; k++) is_noted |= wait->ids[k] == voters[i];
        if (!is_noted && wait->count < RAFT_MEMBERS_MAX) wait->ids[wait->count++] = voters[i];
    }
    const unsigned majority = count / 2 + 1;
    return count == 0 || have >= majority ? 0 : majority - have;
}

struct raft_live_wait raft_live_wait(const struct raft_live *live) {
    struct raft_live_wait wait = {.index = 0};
    if (live->last <= live->commit) return wait;
    wait.index = live->commit + 1;
    wait.last = live->last;
    if (strcmp(live->role, "leader") != 0) return wait;
    const struct raft_configuration *members = &live->configuration;
    const unsigned incoming = missing_of(live, members->voters, members->voter_count, &wait);
    const unsigned outgoing = missing_of(live, members->outgoing, members->outgoing_count, &wait);
    wait.needed = incoming > outgoing ? incoming : outgoing;
    return wait;
}
