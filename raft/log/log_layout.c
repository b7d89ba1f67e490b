/* log_layout: see log_layout_format.h. Names, and the meanings that FORMAT.md prints. */
#include <inttypes.h>
#include <stdio.h>

#include "raft/log/envelope.h"
#include "raft/log/log_layout_format.h"
#include "raft/log/node_state_format.h"
#include "raft/log/raft_log.h"
#include "raft/log/system_row.h"

/* ---- Superblock -------------------------------------------------------------------------------------------------- */

static void say_position(uint64_t position, unsigned i, char words[FIELD_WORDS_BYTES]) {
    (void)i;
    snprintf(words, FIELD_WORDS_BYTES, "position %" PRIx64, position);
}
static void say_kind(uint64_t kind, unsigned i, char words[FIELD_WORDS_BYTES]) {
    (void)i;
    snprintf(words, FIELD_WORDS_BYTES, kind == 1 ? "witness" : "%" PRIu64, kind);
}

static const struct layout_row peer_rows[] = {
    {"peer", LAYOUT_U64, .meaning = "node id; 0 = no more"},
    {"peer incarnation", LAYOUT_U64, LAYOUT_AS_ID, .meaning = "its incarnation"},
    {.name = NULL},
};
static const struct layout_row slot_rows[] = {
    {"magic", LAYOUT_MAGIC, .text = "LOAMNOD\n"},
    {"version", LAYOUT_U32, .meaning = "1; 2 if one of the fields marked * is not 0; 3 if the node is a witness"},
    {"zero", LAYOUT_ZEROS, .size = 4},
    {"generation", LAYOUT_U64, .meaning = "of the state"},
    {"cluster", LAYOUT_U64, LAYOUT_AS_ID, .meaning = "cluster id"},
    {"node", LAYOUT_U64, .meaning = "node id"},
    {"incarnation", LAYOUT_U64, LAYOUT_AS_ID, .meaning = "drawn when the directory was made"},
    {"members hash", LAYOUT_U64, LAYOUT_AS_ID,
     .meaning = "hash of the founders that it was made with; 0 = made for a node that is added later, which has no say "
                "before the log names it"},
    {"term", LAYOUT_U64, .meaning = "the highest that it has seen"},
    {"vote", LAYOUT_U64, .meaning = "in that term, 0 = none"},
    {"engine directory", LAYOUT_U64, .meaning = "number of the engine directory that counts"},
    {"log from", LAYOUT_U64, .say = say_position, .meaning = "records of the log below this position don't count"},
    {"log start index", LAYOUT_U64, .meaning = "the index on which the log stood then"},
    {"log start term", LAYOUT_U64, .meaning = "its term"},
    {"doubt: entries acknowledged up to this term may be missing", LAYOUT_U64, .meaning = "* 0 = none are"},
    {"peers", LAYOUT_TIMES, .size = NODE_STATE_PEERS_MAX, .of = peer_rows, .meaning = "nodes met"},
    {"log directory", LAYOUT_U64, .meaning = "* number of the log's directory; 0 = `log/`"},
    {"store set aside", LAYOUT_U64, .meaning = "* number of a store that was set aside as damaged; 0 = none"},
    {"log set aside, and 1", LAYOUT_U64, .meaning = "* 1 + number of a log that was; 0 = none"},
    {"kind", LAYOUT_U8, .say = say_kind,
     .meaning = "1: a witness, which votes and keeps no data; 0 in versions 1 and 2"},
    {"zero", LAYOUT_ZEROS, .size = 111},
    {"check", LAYOUT_CHECK, .meaning = "XXH3-64(bytes 0..503, seed generation % 2)"},
    {.name = NULL},
};
const struct layout node_state_layout = {.name = "superblock slot of a node", .rows = slot_rows};

/* ---- Records ----------------------------------------------------------------------------------------------------- */

static const struct layout_name entry_kinds[] = {
    {RAFT_ENTRY_NOOP, "no-op", NULL},
    {RAFT_ENTRY_COMMAND, "command", NULL},
    {RAFT_ENTRY_CONFIGURATION, "configuration", NULL},
    {.name = NULL},
};
static const struct layout_row entry_rows[] = {
    {"index", LAYOUT_U64, .meaning = "of the entry"},
    {"term", LAYOUT_U64, .meaning = "of the entry"},
    {"entry", LAYOUT_U8, LAYOUT_AS_NAMED, .names = entry_kinds, .meaning = "its kind"},
    {"ignored", LAYOUT_CODE, .text = "the rest",
     .meaning = "the entry's bytes: an envelope, a configuration; of a no-op nothing, or what is ignored"},
    {.name = NULL},
};
static const struct layout_row cut_rows[] = {
    {"entries gone from", LAYOUT_U64, .meaning = "index: entries from there on are gone, what follows replaces them"},
    {.name = NULL},
};
static const struct layout_row commit_rows[] = {
    {"committed up to", LAYOUT_U64,
     .meaning = "index: entries up to there were known to be committed; the greatest counts"},
    {.name = NULL},
};
static const struct layout_case records[] = {
    {RAFT_LOG_ENTRY, "entry", .rows = entry_rows},
    {RAFT_LOG_CUT, "cut", .rows = cut_rows},
    {RAFT_LOG_COMMIT, "commit", .rows = commit_rows},
    {.name = NULL},
};
const struct layout raft_record_layout = {.name = "record of raft", .cases = records, .chosen_by = "type"};

static const struct layout_row configuration_rows[] = {
    {"version", LAYOUT_U8, .meaning = "1"},
    {"flags", LAYOUT_U8, LAYOUT_AS_FLAGS,
     .names = (const struct layout_name[]){{1, "leaves the joint configuration by itself", NULL}, {.name = NULL}}},
    {"voters", LAYOUT_U8, .meaning = "how many"},
    {"voter", LAYOUT_CODE, .text = "u64 each", .meaning = "node ids, ascending, as below"},
    {"outgoing voters", LAYOUT_U8, .meaning = "how many; of a joint configuration"},
    {"outgoing voter", LAYOUT_CODE, .text = "u64 each", .meaning = ""},
    {"learners", LAYOUT_U8, .meaning = "how many"},
    {"learner", LAYOUT_CODE, .text = "u64 each", .meaning = ""},
    {"next learners", LAYOUT_U8, .meaning = "how many; outgoing voters that will be learners"},
    {"next learner", LAYOUT_CODE, .text = "u64 each", .meaning = ""},
    {.name = NULL},
};
const struct layout configuration_layout = {.name = "configuration", .rows = configuration_rows};

/* ---- Envelope ---------------------------------------------------------------------------------------------------- */

static const struct layout_row envelope_rows[] = {
    {"envelope version", LAYOUT_U8, .meaning = "1"},
    {"store", LAYOUT_U8, .meaning = "0 raft itself, 1 kv, 2 tsdb, 3 graph"},
    {"log time", LAYOUT_U64, LAYOUT_AS_MS,
     .meaning = "in ms since 1970, signed: the median of the voters' clocks, as the leader knew it"},
    {"seed", LAYOUT_U64, LAYOUT_AS_ID, .meaning = "of chance, drawn by the leader"},
    {"session", LAYOUT_U64, .meaning = "0 = none"},
    {"serial", LAYOUT_U64, .meaning = "in the session, from 1; 0 without a session"},
    {"operation of a store that is not known", LAYOUT_CODE, .text = "", .meaning = "the store's operation"},
    {.name = NULL},
};
const struct layout envelope_layout = {.name = "envelope", .rows = envelope_rows};

static const struct layout_name own_kinds[] = {
    {OWN_OPEN_SESSION, "open a session", NULL},
    {OWN_TICK, "carry the time", NULL},
    {OWN_MEMBER, "where a member is", "ahead of the configuration that names it"},
    {.name = NULL},
};
static const struct layout_row own_rows[] = {
    {"operation", LAYOUT_U8, LAYOUT_AS_NAMED, .names = own_kinds},
    {"body", LAYOUT_CODE, .text = "", .meaning = "by the operation"},
    {.name = NULL},
};
const struct layout own_layout = {.name = "operation of raft itself", .rows = own_rows};

static const struct layout_row member_rows[] = {
    {"version", LAYOUT_U8, .meaning = "1"},
    {"node", LAYOUT_U64, .meaning = "node id"},
    {"incarnation", LAYOUT_U64, LAYOUT_AS_ID, .meaning = "0 = of whoever comes first"},
    {"address for peers", LAYOUT_SHORT, .meaning = "1 to 63 bytes, none of them 0"},
    {"address for clients", LAYOUT_SHORT, .meaning = "likewise"},
    {.name = NULL},
};
const struct layout member_layout = {.name = "row of a member", .rows = member_rows};

static const struct layout_row open_rows[] = {
    {"node", LAYOUT_U64, .meaning = "node id"},
    {"nonce", LAYOUT_U64, LAYOUT_AS_ID, .meaning = "tells it which opening is its own"},
    {.name = NULL},
};
static const struct layout_case own_bodies[] = {
    {OWN_OPEN_SESSION, "open a session", .rows = open_rows},
    {OWN_TICK, "carry the time", .rows = NULL},
    {OWN_MEMBER, "where a member is", .meaning = "a member's row, below", .rows = NULL},
    {.name = NULL},
};
const struct layout own_body_layout = {
    .name = "body of an operation of raft", .cases = own_bodies, .chosen_by = "operation"};

/* ---- System tree ------------------------------------------------------------------------------------------------- */

static const struct layout_name tags[] = {
    {SYSTEM_ROW_SESSION, "a session", "0x10"},
    {SYSTEM_ROW_REPLY, "a kept reply", "0x11"},
    {SYSTEM_ROW_MEMBER, "a member", "0x12"},
    {SYSTEM_ROW_CONFIGURATION, "the configuration in force", "`c`"},
    {SYSTEM_ROW_CHAIN, "the last entry in the files, and the chain", "`n`"},
    {.name = NULL},
};
static const struct layout_row key_rows[] = {
    {"what", LAYOUT_U8, LAYOUT_AS_NAME, .names = tags},
    {"body", LAYOUT_CODE, .text = "", .meaning = "by that"},
    {.name = NULL},
};
const struct layout system_key_layout = {.name = "key of the system tree", .rows = key_rows};

static const struct layout_row session_key_rows[] = {
    {"session", LAYOUT_KEY_U64, .meaning = "its number"},
    {.name = NULL},
};
static const struct layout_row reply_key_rows[] = {
    {"session", LAYOUT_KEY_U64, .meaning = "its number"},
    {"slot", LAYOUT_KEY_U32, .meaning = "serial % 4096"},
    {.name = NULL},
};
static const struct layout_row member_key_rows[] = {
    {"node", LAYOUT_KEY_U64, .meaning = "node id"},
    {.name = NULL},
};
static const struct layout_case key_bodies[] = {
    {SYSTEM_ROW_SESSION, "a session", .rows = session_key_rows},
    {SYSTEM_ROW_REPLY, "a kept reply", .rows = reply_key_rows},
    {SYSTEM_ROW_MEMBER, "a member", .rows = member_key_rows},
    {SYSTEM_ROW_CONFIGURATION, "the configuration in force", .rows = NULL},
    {SYSTEM_ROW_CHAIN, "the last entry in the files, and the chain", .rows = NULL},
    {.name = NULL},
};
const struct layout system_key_body_layout = {.name = "rest of a key", .cases = key_bodies, .chosen_by = "tag"};

static const struct layout_row session_rows[] = {
    {"version", LAYOUT_U8, .meaning = "1"},
    {"node", LAYOUT_VARINT, .meaning = "node id"},
    {.name = NULL},
};
static const struct layout_name kept[] = {
    {REPLY_KEPT, "yes", "the reply follows"}, {REPLY_TOO_LARGE, "no: it was too large", NULL}, {.name = NULL}};
static const struct layout_row reply_rows[] = {
    {"version", LAYOUT_U8, .meaning = "1"},
    {"serial", LAYOUT_VARINT, .meaning = "in the session"},
    {"index", LAYOUT_VARINT, .meaning = "of the entry"},
    {"kept", LAYOUT_U8, LAYOUT_AS_NAME, .names = kept, .other = "no: it was too large"},
    {"reply", LAYOUT_REST, .meaning = "as it was given"},
    {.name = NULL},
};
static const struct layout_row chain_rows[] = {
    {"index", LAYOUT_U64, .meaning = "of the last entry that the flush holds"},
    {"chain", LAYOUT_U64, LAYOUT_AS_ID, .meaning = "behind it"},
    {.name = NULL},
};
static const struct layout_case row_bodies[] = {
    {SYSTEM_ROW_SESSION, "a session", .rows = session_rows},
    {SYSTEM_ROW_REPLY, "a kept reply", .rows = reply_rows},
    {SYSTEM_ROW_MEMBER, "a member", .meaning = "as above", .rows = member_rows},
    {SYSTEM_ROW_CONFIGURATION, "the configuration in force",
     .meaning = "as its entry has it; absent while that of the founders holds", .rows = NULL},
    {SYSTEM_ROW_CHAIN, "the last entry in the files, and the chain", .rows = chain_rows},
    {.name = NULL},
};
const struct layout system_row_layout = {.name = "row of the system tree", .cases = row_bodies, .chosen_by = "tag"};
