/*
 * configuration: who the members are, as a value: checks, bytes, words, and how one becomes the next
 * (dissertation 4.1, 4.2.2, 4.3). Invariant: what these functions give out is valid; a change is made in one step only
 * if it moves at most one voter, so that majorities before and after meet.
 */
#include "engine/base/coding.h"
#include "raft/raft.h"

/* ---- sets of ids, sorted
 * ------------------------------------------------------------------------------------------------------- */

static bool set_has(const uint64_t *ids, unsigned count, uint64_t id) {
    for (unsigned i = 0; i < count; i++) {
        if (ids[i] == id) return true;
    }
    return false;
}

/* The caller has made sure of room: a set holds at most RAFT_MEMBERS_MAX, and has_room counts them all together. */
static void set_add(uint64_t *ids, uint8_t *count, uint64_t id) {
    if (set_has(ids, *count, id)) return;
    unsigned at = (*count)++;
    for (; at > 0 && ids[at - 1] > id; at--) ids[at] = ids[at - 1];
    ids[at] = id;
}

static void set_remove(uint64_t *ids, uint8_t *count, uint64_t id) {
    unsigned kept = 0;
    for (unsigned i = 0; i < *count; i++) {
        if (ids[i] != id) ids[kept++] = ids[i];
    }
    for (unsigned i = kept; i < *count; i++) ids[i] = 0; /* equal configurations are equal bytes */
    *count = (uint8_t)kept;
}

static bool set_is_sorted(const uint64_t *ids, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        if (ids[i] == 0 || (i > 0 && ids[i] <= ids[i - 1])) return false;
    }
    return true;
}

static bool set_equal(const uint64_t *a, unsigned a_count, const uint64_t *b, unsigned b_count) {
    return a_count == b_count && (a_count == 0 || memcmp(a, b, a_count * sizeof *a) == 0);
}

/* Members of a that are not in b. */
static unsigned set_missing(const uint64_t *a, unsigned a_count, const uint64_t *b, unsigned b_count) {
    unsigned missing = 0;
    for (unsigned i = 0; i < a_count; i++) missing += !set_has(b, b_count, a[i]);
    return missing;
}

/* ---- questions
 * ----------------------------------------------------------------------------------------------------------------- */

bool raft_configuration_has_voter(const struct raft_configuration *configuration, uint64_t id) {
    return set_has(configuration->voters, configuration->voter_count, id) ||
           set_has(configuration->outgoing, configuration->outgoing_count, id);
}

bool raft_configuration_has(const struct raft_configuration *configuration, uint64_t id) {
    return raft_configuration_has_voter(configuration, id) ||
           set_has(configuration->learners, configuration->learner_count, id);
}

/* learners_next adds none: they are in outgoing. */
static unsigned count_members(const struct raft_configuration *configuration) {
    return configuration->voter_count + configuration->learner_count +
           set_missing(configuration->outgoing, configuration->outgoing_count, configuration->voters,
                       configuration->voter_count);
}

bool raft_configuration_is_valid(const struct raft_configuration *c) {
    if (c->voter_count == 0 || c->voter_count > RAFT_MEMBERS_MAX || c->outgoing_count > RAFT_MEMBERS_MAX) return false;
    if (c->learner_count > RAFT_MEMBERS_MAX || c->learner_next_count > RAFT_MEMBERS_MAX) return false;
    if (!set_is_sorted(c->voters, c->voter_count) || !set_is_sorted(c->outgoing, c->outgoing_count)) return false;
    if (!set_is_sorted(c->learners, c->learner_count) || !set_is_sorted(c->learners_next, c->learner_next_count))
        return false;
    for (unsigned i = 0; i < c->learner_count; i++) {
        if (raft_configuration_has_voter(c, c->learners[i])) return false;
    }
    if (set_missing(c->learners_next, c->learner_next_count, c->outgoing, c->outgoing_count) > 0) return false;
    if (set_missing(c->learners_next, c->learner_next_count, c->voters, c->voter_count) != c->learner_next_count)
        return false;
    if (c->outgoing_count == 0 && c->auto_leave) return false;
    return count_members(c) <= RAFT_MEMBERS_MAX;
}

bool raft_configuration_equal(const struct raft_configuration *a, const struct raft_configuration *b) {
    return set_equal(a->voters, a->voter_count, b->voters, b->voter_count) &&
           set_equal(a->outgoing, a->outgoing_count, b->outgoing, b->outgoing_count) &&
           set_equal(a->learners, a->learner_count, b->learners, b->learner_count) &&
           set_equal(a->learners_next, a->learner_next_count, b->learners_next, b->learner_next_count) &&
           a->auto_leave == b->auto_leave;
}

/* ---- change
 * --------------------------------------------------------------------------------------------------------------------
 */

static void remove_member(struct raft_configuration *to, uint64_t id) {
    set_remove(to->voters, &to->voter_count, id);
    set_remove(to->learners, &to->learner_count, id);
    set_remove(to->learners_next, &to->learner_next_count, id);
}

static void make_voter(struct raft_configuration *to, uint64_t id) {
    remove_member(to, id);
    set_add(to->voters, &to->voter_count, id);
}

/* A voter of the outgoing half stays one until the joint configuration is left, and is a learner only then: nobody is
 * both. */
static void make_learner(struct raft_configuration *to, uint64_t id) {
    remove_member(to, id);
    if (set_has(to->outgoing, to->outgoing_count, id)) {
        set_add(to->learners_next, &to->learner_next_count, id);
    } else {
        set_add(to->learners, &to->learner_count, id);
    }
}

static enum status fail(const char **why, const char *sentence) {
    if (why) *why = sentence;
    return STATUS_INVALID;
}

static enum status make_changes(const struct raft_change *change, struct raft_configuration *to, const char **why) {
    for (unsigned i = 0; i < change->count; i++) {
        uint64_t id = change->items[i].id;
        if (id == 0) return fail(why, "a member's id is never 0");
        bool adds = change->items[i].kind == RAFT_CHANGE_ADD_VOTER || change->items[i].kind == RAFT_CHANGE_ADD_LEARNER;
        if (adds && !raft_configuration_has(to, id) && count_members(to) == RAFT_MEMBERS_MAX)
            return fail(why, "too many members");
        switch (change->items[i].kind) {
        case RAFT_CHANGE_ADD_VOTER: make_voter(to, id); break;
        case RAFT_CHANGE_ADD_LEARNER: make_learner(to, id); break;
        case RAFT_CHANGE_REMOVE: remove_member(to, id); break;
        case RAFT_CHANGE_UPDATE: break; /* an address, say: none of ours */
        default: return fail(why, "unknown kind of change");
        }
    }
    return to->voter_count == 0 ? fail(why, "removed all voters") : STATUS_OK;
}

static enum status leave_joint(const struct raft_configuration *from, struct raft_configuration *to, const char **why) {
    if (from->outgoing_count == 0) return fail(why, "can't leave a non-joint config");
    *to = *from;
    for (unsigned i = 0; i < RAFT_MEMBERS_MAX; i++) to->outgoing[i] = to->learners_next[i] = 0;
    to->outgoing_count = to->learner_next_count = 0;
    to->auto_leave = false;
    for (unsigned i = 0; i < from->learner_next_count; i++)
        set_add(to->learners, &to->learner_count, from->learners_next[i]);
    return STATUS_OK;
}

static enum status enter_joint(const struct raft_configuration *from, const struct raft_change *change,
                               struct raft_configuration *to, const char **why) {
    if (from->outgoing_count > 0) return fail(why, "config is already joint");
    if (from->voter_count == 0) return fail(why, "can't make a zero-voter config joint");
    *to = *from;
    memcpy(to->outgoing, from->voters, sizeof to->outgoing);
    to->outgoing_count = from->voter_count;
    to->auto_leave = change->transition != RAFT_TRANSITION_JOINT_EXPLICIT;
    return make_changes(change, to, why);
}

/* 4.1: one voter at a time needs no joint configuration. */
static enum status change_simply(const struct raft_configuration *from, const struct raft_change *change,
                                 struct raft_configuration *to, const char **why) {
    if (from->outgoing_count > 0) return fail(why, "can't apply simple config change in joint config");
    *to = *from;
    enum status status = make_changes(change, to, why);
    if (status != STATUS_OK) return status;
    unsigned moved = set_missing(from->voters, from->voter_count, to->voters, to->voter_count) +
                     set_missing(to->voters, to->voter_count, from->voters, from->voter_count);
    return moved > 1 ? fail(why, "more than one voter changed without entering joint config") : STATUS_OK;
}

enum status raft_configuration_change(const struct raft_configuration *from, const struct raft_change *change,
                                      struct raft_configuration *to, const char **why) {
    if (change->count > RAFT_MEMBERS_MAX) return fail(why, "too many changes at once");
    if (change->count == 0) return leave_joint(from, to, why);
    if (change->transition == RAFT_TRANSITION_SIMPLE) return change_simply(from, change, to, why);
    if (change->transition != RAFT_TRANSITION_AUTO || change->count > 1) return enter_joint(from, change, to, why);
    return change_simply(from, change, to, why);
}

/* ---- bytes and words
 * ----------------------------------------------------------------------------------------------------------- */

enum { CONFIGURATION_VERSION = 1, CONFIGURATION_AUTO_LEAVE = 1 };

static size_t put_set(uint8_t *to, const uint64_t *ids, unsigned count) {
    to[0] = (uint8_t)count;
    for (unsigned i = 0; i < count; i++) coding_put_u64(to + 1 + 8 * i, ids[i]);
    return 1 + 8 * (size_t)count;
}

size_t raft_configuration_encode(const struct raft_configuration *configuration, uint8_t *to) {
    size_t size = 0;
    to[size++] = CONFIGURATION_VERSION;
    to[size++] = configuration->auto_leave ? CONFIGURATION_AUTO_LEAVE : 0;
    size += put_set(to + size, configuration->voters, configuration->voter_count);
    size += put_set(to + size, configuration->outgoing, configuration->outgoing_count);
    size += put_set(to + size, configuration->learners, configuration->learner_count);
    size += put_set(to + size, configuration->learners_next, configuration->learner_next_count);
    return size;
}

static bool get_set(struct decoder *decoder, uint64_t *ids, uint8_t *count) {
    *count = decode_u8(decoder);
    if (*count > RAFT_MEMBERS_MAX) return false;
    for (unsigned i = 0; i < *count; i++) ids[i] = decode_u64(decoder);
    return !decoder->failed;
}

enum status raft_configuration_decode(struct slice bytes, struct raft_configuration *configuration) {
    struct decoder decoder = decoder_make(bytes);
    *configuration = (struct raft_configuration){0};
    if (decode_u8(&decoder) != CONFIGURATION_VERSION) return STATUS_CORRUPT;
    uint8_t flags = decode_u8(&decoder);
    if (flags & ~CONFIGURATION_AUTO_LEAVE) return STATUS_CORRUPT;
    configuration->auto_leave = flags & CONFIGURATION_AUTO_LEAVE;
    bool whole = get_set(&decoder, configuration->voters, &configuration->voter_count) &&
                 get_set(&decoder, configuration->outgoing, &configuration->outgoing_count) &&
                 get_set(&decoder, configuration->learners, &configuration->learner_count) &&
                 get_set(&decoder, configuration->learners_next, &configuration->learner_next_count);
    if (!whole || !decoder_finished(&decoder)) return STATUS_CORRUPT;
    return raft_configuration_is_valid(configuration) ? STATUS_OK : STATUS_CORRUPT;
}

static enum status print_set(struct buf *to, const char *before, const uint64_t *ids, unsigned count) {
    enum status status = buf_append_format(to, "%s(", before);
    for (unsigned i = 0; status == STATUS_OK && i < count; i++) {
        status = buf_append_format(to, "%s%llu", i > 0 ? " " : "", (unsigned long long)ids[i]);
    }
    return status == STATUS_OK ? buf_append_format(to, ")") : status;
}

enum status raft_configuration_print(struct buf *to, const struct raft_configuration *c) {
    enum status status = print_set(to, "voters=", c->voters, c->voter_count);
    if (status == STATUS_OK && c->outgoing_count > 0) status = print_set(to, "&&", c->outgoing, c->outgoing_count);
    if (status == STATUS_OK && c->learner_count > 0)
        status = print_set(to, " learners=", c->learners, c->learner_count);
    if (status == STATUS_OK && c->learner_next_count > 0)
        status = print_set(to, " learners_next=", c->learners_next, c->learner_next_count);
    if (status == STATUS_OK && c->auto_leave) status = buf_append_format(to, " autoleave");
    return status;
}
