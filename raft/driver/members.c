/*
 * members: whom this node knows, and where they are. The founders come from the options until the log says more; from
 * then on each member has a row in the system tree, put there by an entry ahead of the configuration that names it
 * (change.c) and taken away by the configuration that does not. Invariant: `has_row` and the rows of the engine are the
 * same, so that what is staged follows from the log alone.
 *
 * One who leaves the configuration is heard for a while: a change takes effect when it is applied, and until the others
 * know of it he may be the one who can tell them (raft/core/membership.c).
 */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "engine/names.h"
#include "raft/driver/driver_internal.h"
#include "raft/log/system_row.h"

/* ---- Lists of members ---- */

static int compare_members(const void *a, const void *b) {
    const struct raft_member *left = a, *right = b;
    return (left->id > right->id) - (left->id < right->id);
}

enum status members_sort(struct raft_member *to, const struct raft_member *members, size_t count, uint64_t node_id,
                         struct error *error) {
    bool found = false;
    if (count == 0 || count > RAFT_NODES_MAX)
        return error_set(error, STATUS_INVALID, "a cluster has 1 to %d members, not %zu", RAFT_NODES_MAX, count);
    memcpy(to, members, count * sizeof *to);
    qsort(to, count, sizeof *to, compare_members);
    for (size_t i = 0; i < count; i++) {
        if (to[i].id == 0 || (i > 0 && to[i].id == to[i - 1].id))
            return error_set(error, STATUS_INVALID, "member ids must differ, and none is 0");
        found = found || to[i].id == node_id;
    }
    return found ? STATUS_OK
                 : error_set(error, STATUS_INVALID, "node %" PRIu64 " is not in the list of members", node_id);
}

enum status members_hash(const struct raft_member *members, size_t count, uint64_t *hash) {
    struct buf text = BUF_EMPTY;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = encode_u64(&text, members[i].id);
        if (status == STATUS_OK) status = encode_string(&text, slice_from_text(members[i].peer_address));
    }
    *hash = hash64(buf_slice(&text), 0);
    if (*hash == 0) *hash = 1;
    buf_deinit(&text);
    return status;
}

enum status members_settle(struct raft_driver *driver, const struct raft_driver_options *options, struct error *error) {
    struct raft_driver_options *to = &driver->options;
    enum status status = members_sort(to->members, options->members, options->member_count, options->node_id, error);
    if (status != STATUS_OK) return status;
    status = members_hash(to->members, to->member_count, &driver->members.founders_hash);
    return status == STATUS_OK ? status : error_set(error, status, "%s", status_text(status));
}

/* ---- What is known ---- */

struct driver_member *members_find(struct raft_driver *driver, uint64_t id) {
    for (size_t i = 0; i < driver->members.count; i++)
        if (driver->members.rows[i].member.id == id) return &driver->members.rows[i];
    return NULL;
}

size_t members_list(const struct raft_driver *driver, struct raft_member members[DRIVER_MEMBERS_MAX], bool retired) {
    size_t count = 0;
    for (size_t i = 0; i < driver->members.count; i++)
        if (retired || driver->members.rows[i].retired_ns == 0) members[count++] = driver->members.rows[i].member;
    return count;
}

static void forget(struct raft_driver *driver, size_t at) {
    struct members *members = &driver->members;
    node_state_forget_incarnation(&driver->superblock, members->rows[at].member.id);
    driver->superblock_dirty = true;
    members->count--;
    memmove(&members->rows[at], &members->rows[at + 1], (members->count - at) * sizeof *members->rows);
    members->changed = true;
}

/* The one who left first makes room. */
static void forget_oldest(struct raft_driver *driver) {
    const struct members *members = &driver->members;
    size_t oldest = members->count;
    for (size_t i = 0; i < members->count; i++) {
        const uint64_t retired_ns = members->rows[i].retired_ns;
        if (retired_ns == 0) continue;
        if (oldest == members->count || retired_ns < members->rows[oldest].retired_ns) oldest = i;
    }
    if (oldest < members->count) forget(driver, oldest);
}

/* NULL: too many are known. */
static struct driver_member *know(struct raft_driver *driver, const struct raft_member *member) {
    struct members *members = &driver->members;
    members->changed = true;
    struct driver_member *known = members_find(driver, member->id);
    if (known == NULL) {
        if (members->count == DRIVER_MEMBERS_MAX) forget_oldest(driver);
        if (members->count == DRIVER_MEMBERS_MAX) return NULL;
        size_t at = members->count++;
        for (; at > 0 && members->rows[at - 1].member.id > member->id; at--) members->rows[at] = members->rows[at - 1];
        known = &members->rows[at];
        *known = (struct driver_member){.member = *member};
    }
    known->member = *member;
    known->retired_ns = 0;
    return known;
}

static void retire(struct raft_driver *driver, struct driver_member *member) {
    if (member->retired_ns == 0) member->retired_ns = driver_now(driver) | 1;
}

/* ---- From the engine ---- */

void members_founding_configuration(const struct raft_driver *driver, struct raft_configuration *configuration) {
    *configuration = (struct raft_configuration){.voter_count = 0};
    if (driver->superblock.members_hash == 0) return;
    for (size_t i = 0; i < driver->options.member_count; i++)
        configuration->voters[configuration->voter_count++] = driver->options.members[i].id;
}

static enum status take_row(struct raft_driver *driver, struct slice key, struct slice value) {
    struct raft_member member;
    enum status status = system_member_decode(value, &member);
    if (status != STATUS_OK) return status;
    if (key.size != MEMBER_KEY_BYTES || coding_get_key_u64(key.data + 1) != member.id) return STATUS_CORRUPT;
    struct driver_member *known = know(driver, &member);
    if (known == NULL) return STATUS_CORRUPT;
    known->has_row = true;
    return STATUS_OK;
}

static enum status load_rows(struct raft_driver *driver, struct engine *engine) {
    static const uint8_t first[] = {SYSTEM_ROW_MEMBER}, behind[] = {SYSTEM_ROW_MEMBER + 1};
    const struct engine_iterator_options options = {
        .lower = slice_make(first, 1), .upper = slice_make(behind, 1), .no_fill = true};
    struct engine_iterator *iterator = NULL;
    enum status status = engine_iterator_open(engine, TREE_SYSTEM, &options, &iterator);
    if (status == STATUS_INVALID) return STATUS_OK; /* nothing was ever applied: the tree is not there yet */
    if (status != STATUS_OK) return status;
    for (engine_iterator_seek_first(iterator); status == STATUS_OK && engine_iterator_valid(iterator);
         engine_iterator_next(iterator))
        status = take_row(driver, engine_iterator_key(iterator), engine_iterator_value(iterator));
    if (status == STATUS_OK) status = engine_iterator_status(iterator);
    engine_iterator_close(iterator);
    return status;
}

/* Members of the configuration without a row; and for one who is no member, whoever may tell it more. */
static void add_from_options(struct raft_driver *driver) {
    const struct raft_driver_options *options = &driver->options;
    const bool is_outside = !raft_configuration_has(&driver->configuration, driver->options.node_id);
    for (size_t i = 0; i < options->member_count; i++) {
        const struct raft_member *member = &options->members[i];
        const struct driver_member *known = members_find(driver, member->id);
        if (known != NULL && known->retired_ns == 0) continue;
        if (is_outside || raft_configuration_has(&driver->configuration, member->id)) (void)know(driver, member);
    }
}

enum status members_load(struct raft_driver *driver, struct engine *engine) {
    struct members *members = &driver->members;
    for (size_t i = 0; i < members->count; i++) {
        members->rows[i].has_row = false;
        retire(driver, &members->rows[i]);
    }
    members->told_index = 0;
    members->changed = true;
    enum status status = load_rows(driver, engine);
    if (status == STATUS_OK) add_from_options(driver);
    return status;
}

static enum status differs(const struct raft_driver *driver, uint64_t id, struct error *error) {
    struct buf text = BUF_EMPTY;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < driver->members.count; i++) {
        const struct raft_member *member = &driver->members.rows[i].member;
        if (driver->members.rows[i].has_row)
            status = buf_append_format(&text, "%s%" PRIu64 " at %s", text.size > 0 ? ", " : "", member->id,
                                       member->peer_address);
    }
    status =
        error_set(error, STATUS_MISMATCH, "%s: node %" PRIu64 " in the list of members is not there by the log: %.*s",
                  driver->dir, id, (int)text.size, (const char *)text.data);
    buf_deinit(&text);
    return status;
}

enum status members_check_options(const struct raft_driver *driver, struct error *error) {
    const struct members *members = &driver->members;
    const uint64_t founders = driver->superblock.members_hash;
    if (founders == 0 || founders == members->founders_hash) return STATUS_OK;
    bool any_row = false;
    for (size_t i = 0; i < members->count; i++) any_row = any_row || members->rows[i].has_row;
    if (!any_row)
        return error_set(error, STATUS_MISMATCH,
                         "%s was made with another list of members; start the node with the same one", driver->dir);
    for (size_t i = 0; i < driver->options.member_count; i++) {
        const struct raft_member *named = &driver->options.members[i];
        bool agrees = false;
        for (size_t k = 0; k < members->count; k++) {
            const struct driver_member *known = &members->rows[k];
            agrees = agrees || (known->has_row && known->member.id == named->id &&
                                strcmp(known->member.peer_address, named->peer_address) == 0);
        }
        if (!agrees) return differs(driver, named->id, error);
    }
    return STATUS_OK;
}

/* ---- From the log ---- */

enum status members_stage(struct raft_driver *driver, const struct raft_member *member) {
    uint8_t key[MEMBER_KEY_BYTES], row[SYSTEM_MEMBER_BYTES_MAX];
    const size_t size = system_member_encode(row, member);
    return engine_batch_put(&driver->batch, TREE_SYSTEM, member_key(key, member->id), slice_make(row, size));
}

void members_told(struct raft_driver *driver, const struct raft_member *member, uint64_t index) {
    struct driver_member *known = know(driver, member);
    driver->members.told_index = index;
    if (known == NULL) {
        driver_fail(driver, STATUS_TOO_LARGE, "the log tells of more members than there may be");
        return;
    }
    known->has_row = true;
    if (member->incarnation != 0 && node_state_note_incarnation(&driver->superblock, member->id, member->incarnation))
        driver->superblock_dirty = true;
}

enum status members_stage_configuration(struct raft_driver *driver) {
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < driver->members.count; i++) {
        const struct driver_member *known = &driver->members.rows[i];
        uint8_t key[MEMBER_KEY_BYTES];
        if (known->has_row && !raft_configuration_has(&driver->staged_configuration, known->member.id))
            status = engine_batch_delete(&driver->batch, TREE_SYSTEM, member_key(key, known->member.id));
    }
    return status;
}

void members_configured(struct raft_driver *driver, uint64_t index) {
    driver->members.told_index = index;
    for (size_t i = 0; i < driver->members.count; i++) {
        struct driver_member *known = &driver->members.rows[i];
        if (raft_configuration_has(&driver->configuration, known->member.id)) {
            known->retired_ns = 0;
            continue;
        }
        known->has_row = false;
        retire(driver, known);
    }
}

/* ---- From themselves ---- */

bool members_is_guest(const struct driver_member *member) {
    if (member->speaks == 0) return false;
    if (member->has_row && member->member.incarnation != 0) return member->speaks != member->member.incarnation;
    return member->speaks_joined || member->retired_ns != 0;
}

/* A founder is who comes first under its id, and from then on nobody else. */
static enum status recognize_founder(struct raft_driver *driver, const struct raft_member *member,
                                     uint64_t incarnation) {
    uint64_t known = member->incarnation; /* as the log has it */
    if (known == 0) known = node_state_incarnation(&driver->superblock, member->id);
    if (known != 0) return known == incarnation ? STATUS_OK : STATUS_MISMATCH;
    if (!node_state_note_incarnation(&driver->superblock, member->id, incarnation)) return STATUS_MISMATCH;
    driver->superblock_dirty = true;
    return STATUS_OK;
}

/* No member, as far as is known here: forgotten when it has gone. NULL: no place. */
static struct driver_member *host(struct raft_driver *driver, const struct raft_member *guest) {
    struct driver_member *known = guest->peer_address[0] != 0 ? know(driver, guest) : NULL;
    if (known == NULL) return NULL;
    retire(driver, known);
    log_info(driver->log, "node %" PRIu64 " at %s is heard, and counts once the log names it", guest->id,
             guest->peer_address);
    return known;
}

/*
 * A node that was made to join is who the log says it is. Where the log does not say so yet, it may still be the leader
 * from whom this node is to hear it: so everyone of this cluster is heard, and only those whom the log knows count.
 */
enum status members_greet(struct raft_driver *driver, const struct transport_greeting *greeting) {
    const struct raft_identity *peer = &greeting->identity;
    struct driver_member *known = members_find(driver, peer->node_id);
    enum status status = peer->incarnation != 0 ? STATUS_OK : STATUS_MISMATCH;
    if (status == STATUS_OK && known == NULL) {
        known = host(driver, &greeting->member);
        if (known == NULL) status = STATUS_MISMATCH;
    } else if (status == STATUS_OK && !greeting->joined && known->retired_ns == 0) {
        status = recognize_founder(driver, &known->member, peer->incarnation);
    }
    if (status != STATUS_OK) return status;
    known->speaks = peer->incarnation;
    known->speaks_joined = greeting->joined;
    return STATUS_OK;
}

/* ---- In time ---- */

void members_turn(struct raft_driver *driver) {
    struct members *members = &driver->members;
    const uint64_t now = driver_now(driver);
    for (size_t i = members->count; i-- > 0;) {
        struct driver_member *known = &members->rows[i];
        if (known->retired_ns == 0 || now - known->retired_ns <= (uint64_t)RAFT_RETIRED_MS * MS_NS) continue;
        if (members_is_guest(known) && transport_is_up(driver->transport, known->member.id))
            known->retired_ns = now; /* it is there, and may become one */
        else
            forget(driver, i);
    }
    if (!members->changed) return;
    struct raft_member list[DRIVER_MEMBERS_MAX];
    const size_t count = members_list(driver, list, true);
    enum status status = transport_set_members(driver->transport, list, count);
    members->changed = status != STATUS_OK; /* out of memory: again */
}
