/*
 * raft_transcript: see the header. A Ready of etcd's is what our readies held since the last one, after the persist
 * work is done: our core keeps back what must wait for the disk, etcd's harness prints it with the Ready and carries it
 * out afterwards.
 */
#include "tests/harness/raft_transcript.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/check.h"
#include "raft/core/core.h"
#include "tests/harness/datadriven.h"
#include "tests/harness/transcript_summary.h"

enum {
    NODES_MAX = TRANSCRIPT_NODES_MAX,
    LOG_MAX = TRANSCRIPT_LOG_MAX,
    MESSAGES_MAX = 256,
    TEXT_MAX = 32,
    ELECTION_TICKS = 3
};

struct entry {
    uint64_t term;
    enum raft_entry_kind kind;
    char words[TEXT_MAX];                        /* COMMAND: its bytes; CONFIGURATION: the change as it was written */
    uint8_t bytes[RAFT_CONFIGURATION_BYTES_MAX]; /* CONFIGURATION */
    size_t size;
};

struct message {
    struct raft_message message;
    struct raft_entry entries[LOG_MAX];
    struct entry bodies[LOG_MAX];
    struct raft_configuration configuration; /* SNAPSHOT */
};

struct node {
    struct raft *raft;
    struct entry log[LOG_MAX]; /* by index */
    uint64_t start, last;
    uint64_t applied, applied_term, commit;
    struct raft_configuration configuration;
    uint64_t arriving_index, arriving_term;
    struct raft_configuration arriving;
    bool one_by_one; /* a Ready commits one entry at most */
    bool unguarded;  /* changes of members are proposed unasked: propose_unguarded */

    /* The Ready to come. */
    bool noted;
    uint64_t number, append_first, install;
    struct message *messages[MESSAGES_MAX];
    unsigned message_count;
    uint64_t shown_commit;
    struct raft_hard_state shown_hard_state;
    enum raft_role shown_role;
    uint64_t shown_leader;
};

struct world {
    struct node nodes[NODES_MAX + 1];
    unsigned node_count;
    struct message *network[MESSAGES_MAX];
    unsigned network_count;
    const char *change_words; /* of the change that is being proposed */
    struct buf *out;
    unsigned indent;
    char *unsupported;
};

/* ---- words ------------------------------------------------------------------------------------------------------- */

#define WRITE(world, ...) check(buf_append_format((world)->out, __VA_ARGS__) == STATUS_OK)

static void begin_line(struct world *world) {
    for (unsigned i = 0; i < world->indent; i++) WRITE(world, " ");
}

static void give_up(struct world *world, struct slice what) {
    if (world->unsupported[0] == '\0')
        snprintf(world->unsupported, 128, "%.*s", (int)what.size, (const char *)what.data);
}

static void write_entry(struct world *world, uint64_t index, const struct entry *entry) {
    if (entry->kind == RAFT_ENTRY_CONFIGURATION) {
        WRITE(world, "%" PRIu64 "/%" PRIu64 " EntryConfChangeV2%s%s", entry->term, index, entry->words[0] ? " " : "",
              entry->words);
    } else {
        WRITE(world, "%" PRIu64 "/%" PRIu64 " EntryNormal \"%s\"", entry->term, index, entry->words);
    }
}

static const char *kind_words(enum raft_message_kind kind) {
    static const char *const words[] = {"",
                                        "MsgPreVote",
                                        "MsgPreVoteResp",
                                        "MsgVote",
                                        "MsgVoteResp",
                                        "MsgApp",
                                        "MsgAppResp",
                                        "MsgHeartbeat",
                                        "MsgHeartbeatResp",
                                        "MsgSnap",
                                        "MsgReadIndex",
                                        "MsgReadIndexResp",
                                        "MsgTimeoutNow"};
    return words[kind];
}

static const char *role_words(enum raft_role role) {
    static const char *const words[] = {"StateFollower", "StatePreCandidate", "StateCandidate", "StateLeader",
                                        "StateFollower"};
    return words[role];
}

static void write_ids(struct world *world, const char *before, const uint64_t *ids, unsigned count) {
    WRITE(world, "%s[", before);
    for (unsigned i = 0; i < count; i++) WRITE(world, "%s%" PRIu64, i > 0 ? " " : "", ids[i]);
    WRITE(world, "]");
}

static void write_snapshot(struct world *world, uint64_t index, uint64_t term, const struct raft_configuration *c) {
    WRITE(world, "Index:%" PRIu64 " Term:%" PRIu64 " ConfState:", index, term);
    write_ids(world, "Voters:", c->voters, c->voter_count);
    write_ids(world, " VotersOutgoing:", c->outgoing, c->outgoing_count);
    write_ids(world, " Learners:", c->learners, c->learner_count);
    write_ids(world, " LearnersNext:", c->learners_next, c->learner_next_count);
    WRITE(world, " AutoLeave:%s", c->auto_leave ? "true" : "false");
}

/* Log: what a message says of a term and an index: etcd's LogTerm and Index. */
static void write_message(struct world *world, const char *before, const struct message *sent) {
    const struct raft_message *m = &sent->message;
    bool snapshot = m->kind == RAFT_SNAPSHOT;
    bool reply = m->kind == RAFT_APPEND_REPLY;
    begin_line(world);
    WRITE(world, "%s%" PRIu64 "->%" PRIu64 " %s Term:%" PRIu64 " Log:%" PRIu64 "/%" PRIu64, before, m->from, m->to,
          kind_words(m->kind), m->term, snapshot ? 0 : (reply ? m->hint_term : m->log_term), snapshot ? 0 : m->index);
    if (m->reject) WRITE(world, " Rejected (Hint: %" PRIu64 ")", m->hint_index);
    bool of_leader = m->kind == RAFT_APPEND || m->kind == RAFT_HEARTBEAT;
    if (of_leader && m->commit > 0) WRITE(world, " Commit:%" PRIu64, m->commit);
    if (m->entry_count == 1) {
        WRITE(world, " Entries:[");
        write_entry(world, m->index + 1, &sent->bodies[0]);
        WRITE(world, "]");
    } else if (m->entry_count > 1) {
        WRITE(world, " Entries:[");
        for (unsigned i = 0; i < m->entry_count; i++) {
            WRITE(world, "\n");
            begin_line(world);
            WRITE(world, "  ");
            write_entry(world, m->index + 1 + i, &sent->bodies[i]);
        }
        WRITE(world, "\n");
        begin_line(world);
        WRITE(world, "]");
    }
    WRITE(world, "\n");
    if (!snapshot) return;
    begin_line(world);
    WRITE(world, "  Snapshot: ");
    write_snapshot(world, m->index, m->log_term, &sent->configuration);
    WRITE(world, "\n");
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

static struct node *node_of(struct world *world, uint64_t id) {
    check(id >= 1 && id <= world->node_count);
    return &world->nodes[id];
}

static unsigned measure(void *context, uint64_t first, uint64_t last, size_t limit, size_t *bytes) {
    (void)context;
    (void)limit;
    *bytes = (size_t)(last - first + 1);
    return (unsigned)(last - first + 1);
}

static void put_entries(struct world *world, struct node *node, const struct raft_outcome *outcome) {
    if (outcome->install) node->start = node->last = node->arriving_index;
    if (outcome->put_count == 0) return;
    node->last = outcome->put_first - 1;
    for (unsigned i = 0; i < outcome->put_count; i++) {
        const struct raft_entry *from = &outcome->put[i];
        struct entry *entry = &node->log[++node->last];
        check(node->last < LOG_MAX);
        *entry = (struct entry){.term = from->term, .kind = from->kind, .size = from->bytes.size};
        if (from->kind == RAFT_ENTRY_COMMAND)
            snprintf(entry->words, sizeof entry->words, "%.*s", (int)from->bytes.size, (const char *)from->bytes.data);
        if (from->kind != RAFT_ENTRY_CONFIGURATION) continue;
        memcpy(entry->bytes, from->bytes.data, from->bytes.size);
        const char *words = world->change_words;
        for (uint64_t id = 1; !words && id <= world->node_count; id++) { /* whoever has the entry already */
            const struct node *other = &world->nodes[id];
            if (other != node && node->last <= other->last && other->log[node->last].term == from->term)
                words = other->log[node->last].words;
        }
        snprintf(entry->words, sizeof entry->words, "%s", words ? words : "");
    }
}

static struct message *new_message(void) {
    struct message *message = calloc(1, sizeof *message);
    check(message);
    return message;
}

static struct message *copy_message(const struct node *node, const struct raft_message *from) {
    struct message *message = new_message();
    message->message = *from;
    message->message.entries = message->entries;
    for (unsigned i = 0; i < from->entry_count; i++) {
        struct entry *body = &message->bodies[i];
        *body = node->log[from->index + 1 + i];
        struct slice bytes =
            body->kind == RAFT_ENTRY_COMMAND ? slice_from_text(body->words) : slice_make(body->bytes, body->size);
        message->entries[i] = (struct raft_entry){.term = body->term, .kind = body->kind, .bytes = bytes};
    }
    return message;
}

static void queue(struct node *node, struct message *message) {
    check(node->message_count < MESSAGES_MAX);
    node->messages[node->message_count++] = message;
}

static struct message *snapshot_message(const struct node *node, uint64_t id, uint64_t to, uint64_t term) {
    struct message *message = new_message();
    message->configuration = node->configuration;
    message->message = (struct raft_message){.kind = RAFT_SNAPSHOT,
                                             .from = id,
                                             .to = to,
                                             .term = term,
                                             .index = node->applied,
                                             .log_term = node->applied_term,
                                             .configuration = &message->configuration};
    return message;
}

/* Takes what the core has to say; it becomes part of the Ready to come. */
static void drain(struct world *world, uint64_t id) {
    struct node *node = node_of(world, id);
    struct raft_ready ready;
    while (raft_ready(node->raft, &ready)) {
        if (ready.number > 0) node->number = ready.number;
        if (ready.append_first > 0 && (node->append_first == 0 || ready.append_first < node->append_first))
            node->append_first = ready.append_first;
        if (ready.install.index > 0) node->install = ready.install.index;
        for (unsigned i = 0; i < ready.message_count; i++) queue(node, copy_message(node, &ready.messages[i]));
        for (unsigned i = 0; i < ready.snapshot_count; i++)
            queue(node, snapshot_message(node, id, ready.snapshots[i], ready.term));
        if (ready.commit_last > 0) node->commit = ready.commit_last;
        node->noted = node->noted || ready.note;
    }
}

static enum status step(struct world *world, uint64_t id, const struct raft_event *event) {
    struct node *node = node_of(world, id);
    struct raft_outcome outcome;
    enum status status = raft_step(node->raft, event, &outcome);
    put_entries(world, node, &outcome);
    bool behind_its_log = node->raft->term < term_table_last_term(&node->raft->terms); /* see add_node */
    const char *broken = behind_its_log ? NULL : raft_check_invariants(node->raft);
    if (broken) fprintf(stderr, "it does not hold that %s\n", broken);
    check(!broken);
    drain(world, id);
    return status;
}

static bool soft_state_changed(const struct node *node) {
    return node->raft->role != node->shown_role || node->raft->leader != node->shown_leader;
}

static bool hard_state_changed(const struct node *node) {
    const struct raft *raft = node->raft;
    return raft->term != node->shown_hard_state.term || raft->vote != node->shown_hard_state.vote ||
           raft->commit != node->shown_commit;
}

static bool has_ready(const struct node *node) {
    return soft_state_changed(node) || hard_state_changed(node) || node->append_first > 0 || node->install > 0 ||
           node->message_count > 0 || node->commit > node->applied;
}

static bool waits_for_disk(enum raft_message_kind kind) {
    return kind == RAFT_VOTE || kind == RAFT_VOTE_REPLY || kind == RAFT_APPEND_REPLY;
}

static void write_states(struct world *world, struct node *node) {
    const struct raft *raft = node->raft;
    bool voted = raft->term != node->shown_hard_state.term || raft->vote != node->shown_hard_state.vote;
    begin_line(world);
    WRITE(world, "Ready MustSync=%s:\n", voted || node->append_first > 0 ? "true" : "false");
    if (soft_state_changed(node)) {
        begin_line(world);
        WRITE(world, "Lead:%" PRIu64 " State:%s\n", raft->leader, role_words(raft->role));
    }
    if (hard_state_changed(node)) {
        begin_line(world);
        WRITE(world, "HardState Term:%" PRIu64, raft->term);
        if (raft->vote > 0) WRITE(world, " Vote:%" PRIu64, raft->vote);
        WRITE(world, " Commit:%" PRIu64 "\n", raft->commit);
    }
    node->shown_role = raft->role;
    node->shown_leader = raft->leader;
    node->shown_hard_state = (struct raft_hard_state){.term = raft->term, .vote = raft->vote};
    node->shown_commit = raft->commit;
}

static void write_entries(struct world *world, const struct node *node, const char *title, uint64_t first,
                          uint64_t last) {
    if (first == 0 || first > last) return;
    begin_line(world);
    WRITE(world, "%s\n", title);
    for (uint64_t index = first; index <= last; index++) {
        begin_line(world);
        write_entry(world, index, &node->log[index]);
        WRITE(world, "\n");
    }
}

static void apply_to(struct world *world, uint64_t id, uint64_t last) {
    struct node *node = node_of(world, id);
    while (node->applied < last) {
        const struct entry *entry = &node->log[++node->applied];
        node->applied_term = entry->term;
        if (entry->kind == RAFT_ENTRY_CONFIGURATION) {
            check(raft_configuration_decode(slice_make(entry->bytes, entry->size), &node->configuration) == STATUS_OK);
            struct raft_event event = {.kind = RAFT_EVENT_APPLY_CONFIGURATION,
                                       .apply = {.index = node->applied, .configuration = &node->configuration}};
            check(step(world, id, &event) == STATUS_OK);
        }
    }
    check(step(world, id, &(struct raft_event){.kind = RAFT_EVENT_APPLIED, .applied = {.index = last}}) == STATUS_OK);
}

/*
 * One Ready: what is to be persisted, sent and applied now. The persist work is done first, for the messages that wait
 * for it belong to this Ready; what else comes of it belongs to the next.
 */
static void process_ready(struct world *world, uint64_t id) {
    struct node *node = node_of(world, id);
    uint64_t first = node->append_first;
    uint64_t last = node->last;
    uint64_t install = node->install;
    uint64_t commit = node->one_by_one ? core_least(node->commit, node->applied + 1) : node->commit;
    uint64_t number = node->number;
    struct message *now[MESSAGES_MAX];
    unsigned now_count = node->message_count;
    memcpy(now, node->messages, now_count * sizeof *now);
    write_states(world, node);
    node->message_count = 0;
    node->append_first = node->install = node->number = 0;
    node->noted = false;
    if (install > 0) {
        node->applied = install;
        node->applied_term = node->arriving_term;
        node->configuration = node->arriving;
    }
    if (number > 0)
        check(step(world, id, &(struct raft_event){.kind = RAFT_EVENT_PERSISTED, .persisted = {.number = number}}) ==
              STATUS_OK);
    unsigned later = 0;
    for (unsigned i = 0; i < node->message_count; i++) {
        bool belongs = waits_for_disk(node->messages[i]->message.kind);
        if (belongs) now[now_count++] = node->messages[i];
        if (!belongs) node->messages[later++] = node->messages[i];
    }
    node->message_count = later;

    write_entries(world, node, "Entries:", first, last);
    if (install > 0) {
        begin_line(world);
        WRITE(world, "Snapshot ");
        write_snapshot(world, node->applied, node->applied_term, &node->configuration);
        WRITE(world, "\n");
    }
    write_entries(world, node, "CommittedEntries:", node->applied + 1, commit);
    if (now_count > 0) {
        begin_line(world);
        WRITE(world, "Messages:\n");
    }
    for (unsigned i = 0; i < now_count; i++) {
        write_message(world, "", now[i]);
        check(world->network_count < MESSAGES_MAX);
        world->network[world->network_count++] = now[i];
    }
    if (commit > node->applied) apply_to(world, id, commit);
}

/* ---- directives -------------------------------------------------------------------------------------------------- */

static void take_message(struct world *world, struct message *sent) {
    struct node *node = node_of(world, sent->message.to);
    if (sent->message.kind == RAFT_SNAPSHOT) {
        node->arriving_index = sent->message.index;
        node->arriving_term = sent->message.log_term;
        node->arriving = sent->configuration;
    }
    check(step(world, sent->message.to, &(struct raft_event){.kind = RAFT_EVENT_MESSAGE, .message = &sent->message}) ==
          STATUS_OK);
}

/* All messages for a node that are on their way now. */
static void deliver(struct world *world, uint64_t id, bool drop) {
    struct message *due[MESSAGES_MAX];
    unsigned due_count = 0;
    unsigned kept = 0;
    for (unsigned i = 0; i < world->network_count; i++) {
        if (world->network[i]->message.to == id) {
            due[due_count++] = world->network[i];
        } else {
            world->network[kept++] = world->network[i];
        }
    }
    world->network_count = kept;
    for (unsigned i = 0; i < due_count; i++) {
        write_message(world, drop ? "dropped: " : "", due[i]);
        if (!drop) take_message(world, due[i]);
        free(due[i]);
    }
}

static bool has_mail(const struct world *world, uint64_t id) {
    for (unsigned i = 0; i < world->network_count; i++) {
        if (world->network[i]->message.to == id) return true;
    }
    return false;
}

static void stabilize(struct world *world, const uint64_t *ids, unsigned count) {
    for (bool moved = true; moved;) {
        moved = false;
        for (unsigned i = 0; i < count; i++) {
            if (!has_ready(node_of(world, ids[i]))) continue;
            WRITE(world, "> %" PRIu64 " handling Ready\n", ids[i]);
            world->indent = 2;
            process_ready(world, ids[i]);
            world->indent = 0;
            moved = true;
        }
        for (unsigned i = 0; i < count; i++) {
            if (!has_mail(world, ids[i])) continue;
            WRITE(world, "> %" PRIu64 " receiving messages\n", ids[i]);
            world->indent = 2;
            deliver(world, ids[i], false);
            world->indent = 0;
            moved = true;
        }
    }
}

static bool flag_of(const struct datadriven_case *c, const char *key) {
    const struct datadriven_argument *argument = datadriven_find(c, key);
    return argument && argument->value_count == 1 && slice_equal(argument->values[0], slice_from_text("true"));
}

static uint64_t number_of(const struct datadriven_case *c, const char *key) {
    const struct datadriven_argument *argument = datadriven_find(c, key);
    return argument && argument->value_count == 1 ? datadriven_number(argument->values[0]) : 0;
}

static void add_node(struct world *world, const struct datadriven_case *c) {
    uint64_t id = ++world->node_count;
    check(id <= NODES_MAX);
    struct node *node = &world->nodes[id];
    const struct datadriven_argument *voters = datadriven_find(c, "voters");
    const struct datadriven_argument *learners = datadriven_find(c, "learners");
    for (unsigned i = 0; voters && i < voters->value_count; i++)
        node->configuration.voters[node->configuration.voter_count++] = datadriven_number(voters->values[i]);
    for (unsigned i = 0; learners && i < learners->value_count; i++) {
        node->configuration.learners[node->configuration.learner_count++] = datadriven_number(learners->values[i]);
    }
    uint64_t index = number_of(c, "index");
    struct raft_options options = {.id = id,
                                   .seed = id,
                                   .heartbeat_ticks = 1,
                                   .election_ticks = ELECTION_TICKS,
                                   .no_pre_vote = !flag_of(c, "prevote"),
                                   .no_check_quorum = !flag_of(c, "checkquorum"),
                                   .inflight_messages_max = (unsigned)number_of(c, "inflight"),
                                   .measure = measure,
                                   .hard_state = {.term = index > 0},
                                   .log_start = index,
                                   .log_start_term = index > 0,
                                   .applied = index,
                                   .configuration = &node->configuration};
    node->one_by_one = number_of(c, "max-committed-size-per-ready") > 0;
    node->unguarded = flag_of(c, "disable-conf-change-validation");
    check(raft_create(&options, &node->raft) == STATUS_OK);
    /* etcd's harness starts nodes in a term before that of their log, which no running node is ever in. */
    node->raft->term = node->raft->handed.term = node->raft->durable.term = 0;
    node->start = node->last = node->applied = node->commit = node->shown_commit = index;
    node->applied_term = index > 0;
    drain(world, id);
    node->noted = false;
}

static enum raft_transition transition_of(const struct datadriven_case *c) {
    const struct datadriven_argument *argument = datadriven_find(c, "transition");
    if (!argument || argument->value_count == 0) return RAFT_TRANSITION_AUTO;
    if (slice_equal(argument->values[0], slice_from_text("implicit"))) return RAFT_TRANSITION_JOINT_IMPLICIT;
    if (slice_equal(argument->values[0], slice_from_text("explicit"))) return RAFT_TRANSITION_JOINT_EXPLICIT;
    return RAFT_TRANSITION_AUTO;
}

/* The configuration that holds once the whole log is applied. */
static struct raft_configuration last_configuration(const struct node *node) {
    struct raft_configuration configuration = node->configuration;
    for (uint64_t index = node->applied + 1; index <= node->last; index++) {
        const struct entry *entry = &node->log[index];
        if (entry->kind != RAFT_ENTRY_CONFIGURATION) continue;
        check(raft_configuration_decode(slice_make(entry->bytes, entry->size), &configuration) == STATUS_OK);
    }
    return configuration;
}

/*
 * etcd can be told to take a change while another is not applied yet. Our core has no such switch: its rule of one at a
 * time (4.3, Ongaro 2015) is what its safety rests on. What follows such a proposal is the same for both, so the entry
 * is put into the leader's log here, past that rule alone, as the switch would let it.
 */
static void propose_unguarded(struct world *world, uint64_t id, const struct raft_change *change) {
    struct node *node = node_of(world, id);
    struct raft *raft = node->raft;
    const struct raft_configuration before = last_configuration(node);
    struct raft_configuration next;
    check(raft->role == RAFT_LEADER);
    check(raft_configuration_change(&before, change, &next, NULL) == STATUS_OK);
    ready_reclaim(raft);
    raft->put_count = 0;
    append_made_entry(raft, RAFT_ENTRY_CONFIGURATION, raft_configuration_encode(&next, raft->made_bytes));
    raft->pending_change_index = raft->terms.last;
    const struct raft_outcome outcome = {.put_first = raft->put_first, .put_count = raft->put_count, .put = raft->put};
    put_entries(world, node, &outcome);
    check(!raft_check_invariants(raft));
    drain(world, id);
}

static void propose_change(struct world *world, uint64_t id, const struct datadriven_case *c) {
    struct raft_change change = {.transition = transition_of(c)};
    char words[TEXT_MAX];
    size_t size = c->input.size > 0 ? c->input.size - 1 : 0;
    snprintf(words, sizeof words, "%.*s", (int)size, (const char *)c->input.data);
    for (const char *at = words; *at != '\0'; at += strcspn(at, " ")) {
        at += strspn(at, " ");
        change.items[change.count].kind = *at == 'v'   ? RAFT_CHANGE_ADD_VOTER
                                          : *at == 'l' ? RAFT_CHANGE_ADD_LEARNER
                                          : *at == 'r' ? RAFT_CHANGE_REMOVE
                                                       : RAFT_CHANGE_UPDATE;
        change.items[change.count++].id = strtoull(at + 1, NULL, 10);
    }
    world->change_words = words;
    const struct raft_event event = {.kind = RAFT_EVENT_PROPOSE_CHANGE, .change = &change};
    if (node_of(world, id)->unguarded)
        propose_unguarded(world, id, &change);
    else
        check(step(world, id, &event) == STATUS_OK);
    world->change_words = NULL;
}

static void propose(struct world *world, uint64_t id, struct slice text) {
    struct raft_entry entry = {.kind = RAFT_ENTRY_COMMAND, .bytes = text};
    check(
        step(world, id, &(struct raft_event){.kind = RAFT_EVENT_PROPOSE, .propose = {.entries = &entry, .count = 1}}) ==
        STATUS_OK);
}

static void write_status(struct world *world, uint64_t id) {
    struct raft_status status;
    raft_get_status(node_of(world, id)->raft, &status);
    for (unsigned i = 0; i < status.peer_count; i++) {
        const struct raft_peer *peer = &status.peers[i];
        static const char *const states[] = {"StateProbe", "StateReplicate", "StateSnapshot"};
        WRITE(world, "%" PRIu64 ": %s match=%" PRIu64 " next=%" PRIu64, peer->id, states[peer->progress], peer->match,
              peer->next);
        if (peer->paused) WRITE(world, " paused");
        if (peer->snapshot_index > 0) WRITE(world, " pendingSnap=%" PRIu64, peer->snapshot_index);
        if (!peer->recently_active) WRITE(world, " inactive");
        if (peer->inflight_messages > 0) WRITE(world, " inflight=%u", peer->inflight_messages);
        if (inflights_are_full(&node_of(world, id)->raft->peers[i].inflights)) WRITE(world, "[full]");
        WRITE(world, "\n");
    }
}

static void write_log(struct world *world, uint64_t id) {
    const struct node *node = node_of(world, id);
    for (uint64_t index = node->start + 1; index <= node->last; index++) {
        write_entry(world, index, &node->log[index]);
        WRITE(world, "\n");
    }
}

static void write_raft_states(struct world *world) {
    for (uint64_t id = 1; id <= world->node_count; id++) {
        const struct raft *raft = world->nodes[id].raft;
        WRITE(world, "%" PRIu64 ": %s (%s) Term:%" PRIu64 " Lead:%" PRIu64 "\n", id, role_words(raft->role),
              raft_configuration_has_voter(&raft->configuration, id) ? "Voter" : "Non-Voter", raft->term, raft->leader);
    }
}

static void compact(struct world *world, uint64_t id, uint64_t index) {
    struct node *node = node_of(world, id);
    node->start = index;
    check(step(world, id, &(struct raft_event){.kind = RAFT_EVENT_COMPACTED, .compacted = {.index = index}}) ==
          STATUS_OK);
    write_log(world, id);
}

static void tick(struct world *world, uint64_t id, unsigned ticks) {
    for (unsigned i = 0; i < ticks; i++)
        check(step(world, id, &(struct raft_event){.kind = RAFT_EVENT_TICK}) == STATUS_OK);
}

/* Ids among the words of a command, or all nodes. */
static unsigned read_nodes(const struct world *world, const struct datadriven_case *c, uint64_t ids[static NODES_MAX]) {
    unsigned count = 0;
    for (unsigned i = 0; i < c->argument_count; i++) {
        if (c->arguments[i].value_count == 0) ids[count++] = datadriven_number(c->arguments[i].key);
    }
    for (uint64_t id = 1; count == 0 && id <= world->node_count; id++) ids[id - 1] = id;
    return count > 0 ? count : world->node_count;
}

static void deliver_messages(struct world *world, const struct datadriven_case *c) {
    for (unsigned i = 0; i < c->argument_count; i++) {
        const struct datadriven_argument *argument = &c->arguments[i];
        if (argument->value_count == 0) deliver(world, datadriven_number(argument->key), false);
        for (unsigned j = 0; j < argument->value_count; j++)
            deliver(world, datadriven_number(argument->values[j]), true);
    }
}

static void add_nodes(struct world *world, const struct datadriven_case *c, uint64_t count) {
    for (unsigned i = 1; i < c->argument_count; i++) {
        static const char *const known[] = {"voters",
                                            "learners",
                                            "index",
                                            "inflight",
                                            "prevote",
                                            "checkquorum",
                                            "max-committed-size-per-ready",
                                            "disable-conf-change-validation"};
        bool is_known = false;
        for (unsigned j = 0; j < sizeof known / sizeof *known; j++)
            is_known = is_known || slice_equal(c->arguments[i].key, slice_from_text(known[j]));
        if (!is_known) give_up(world, c->arguments[i].key);
        /* Of sizes, the one that lets a single entry through is understood. */
        const uint64_t size = number_of(c, "max-committed-size-per-ready");
        if (size > 1) give_up(world, c->arguments[i].key);
    }
    while (count-- > 0) add_node(world, c);
}

static void carry_out(struct world *world, const struct datadriven_case *c) {
    uint64_t id = c->argument_count > 0 ? datadriven_number(c->arguments[0].key) : 0;
    uint64_t ids[NODES_MAX];
    struct slice command = c->command;
#define IS(text) slice_equal(command, slice_from_text(text))
    if (IS("add-nodes")) {
        add_nodes(world, c, id);
    } else if (IS("campaign")) {
        check(step(world, id, &(struct raft_event){.kind = RAFT_EVENT_CAMPAIGN}) == STATUS_OK);
    } else if (IS("transfer-leadership")) {
        const struct raft_event event = {.kind = RAFT_EVENT_TRANSFER, .transfer = {.to = number_of(c, "to")}};
        check(step(world, number_of(c, "from"), &event) == STATUS_OK);
    } else if (IS("stabilize")) {
        stabilize(world, ids, read_nodes(world, c, ids));
    } else if (IS("process-ready")) {
        process_ready(world, id);
    } else if (IS("deliver-msgs")) {
        deliver_messages(world, c);
    } else if (IS("propose")) {
        propose(world, id, c->arguments[1].key);
    } else if (IS("propose-conf-change")) {
        propose_change(world, id, c);
    } else if (IS("status")) {
        write_status(world, id);
    } else if (IS("raft-log")) {
        write_log(world, id);
    } else if (IS("raft-state")) {
        write_raft_states(world);
    } else if (IS("compact")) {
        compact(world, id, datadriven_number(c->arguments[1].key));
    } else if (IS("tick-heartbeat")) {
        tick(world, id, 1);
    } else if (IS("tick-election")) {
        tick(world, id, ELECTION_TICKS);
    } else if (IS("set-randomized-election-timeout")) {
        node_of(world, id)->raft->election_timeout = (unsigned)number_of(c, "timeout");
    } else {
        give_up(world, command);
    }
#undef IS
}

/* ---- the script ---------------------------------------------------------------------------------------------------
 */

/* "none" makes every answer "ok". */
static bool is_quiet(const struct datadriven_case *c, bool quiet) {
    if (!slice_equal(c->command, slice_from_text("log-level"))) return quiet;
    return slice_equal(c->arguments[0].key, slice_from_text("none"));
}

static void play(struct world *world, struct datadriven *script, struct raft_transcript_result *result,
                 struct transcript_summary *ours, struct transcript_summary *theirs) {
    struct datadriven_case c;
    bool quiet = false;
    for (; datadriven_next(script, &c) && world->unsupported[0] == '\0'; result->directives++) {
        buf_clear(world->out);
        quiet = is_quiet(&c, quiet);
        if (!slice_equal(c.command, slice_from_text("log-level"))) carry_out(world, &c);
        bool muted = quiet || datadriven_find(&c, "log-level");
        transcript_compare(&c, muted ? slice_from_text("") : buf_slice(world->out), result);
        transcript_summary_add(ours, &c, muted ? slice_from_text("ok\n") : buf_slice(world->out));
        transcript_summary_add(theirs, &c, c.expected);
    }
    check(!script->fault);
}

void raft_transcript_run(const char *name, struct raft_transcript_result *result) {
    *result = (struct raft_transcript_result){.exact = true};
    struct datadriven script;
    if (datadriven_open(&script, "raft-scripts/interaction", name) != STATUS_OK) return;
    result->found = true;
    struct buf out = BUF_EMPTY;
    struct world *world = calloc(1, sizeof *world);
    struct transcript_summary *ours = transcript_summary_create(), *theirs = transcript_summary_create();
    check(world);
    world->out = &out;
    world->unsupported = result->unsupported;
    play(world, &script, result, ours, theirs);
    result->final = transcript_summary_equal(ours, theirs);
    for (unsigned id = 1; id <= world->node_count; id++) {
        for (unsigned i = 0; i < world->nodes[id].message_count; i++) free(world->nodes[id].messages[i]);
        raft_destroy(world->nodes[id].raft);
    }
    for (unsigned i = 0; i < world->network_count; i++) free(world->network[i]);
    transcript_summary_destroy(ours);
    transcript_summary_destroy(theirs);
    free(world);
    buf_deinit(&out);
    datadriven_close(&script);
}
