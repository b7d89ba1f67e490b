/* message_layout: see message_layout_format.h. Names, and the meanings that FORMAT.md prints. */
#include "raft/message/driver_codec.h"
#include "raft/message/frame.h"
#include "raft/message/message_layout_format.h"

/* ---- Frames ------------------------------------------------------------------------------------------------------ */

static const struct layout_name types[] = {
    {FRAME_CHALLENGE, "challenge", NULL}, {FRAME_HELLO, "hello", NULL}, {FRAME_WELCOME, "welcome", NULL},
    {FRAME_REFUSAL, "refusal", NULL},     {FRAME_DATA, "data", NULL},   {.name = NULL},
};
static const struct layout_row frame_rows[] = {
    {"rest", LAYOUT_U32, .meaning = "bytes behind this field: 16 + payload, payload at most 65,536"},
    {"type", LAYOUT_U8, LAYOUT_AS_NAMED, .names = types},
    {"flags", LAYOUT_U8,
     .meaning = "data: bits 0-1 lane (0 control, 1 data, 2 bulk), bit 7: the message ends here; others 0"},
    {"zero", LAYOUT_ZEROS, .size = 2},
    {"check", LAYOUT_CHECK, .size = 4,
     .meaning =
         "low half of XXH3-64(payload), seeded with XXH3-64 of {type, flags, payload bytes (4), message, offset}, "
         "itself seeded with 0x4d414f4c"},
    {"message", LAYOUT_U32, .meaning = "data: number of the message in its lane; counts up, wraps"},
    {"offset", LAYOUT_U32, .meaning = "data: of the payload in the message"},
    {"payload", LAYOUT_CODE, .text = "rest - 16", .meaning = "by the type"},
    {.name = NULL},
};
const struct layout frame_layout = {.name = "frame", .rows = frame_rows};

/* ---- Handshake --------------------------------------------------------------------------------------------------- */

static const struct layout_row challenge_rows[] = {
    {"magic", LAYOUT_MAGIC, .text = "LOAM"},
    {"lowest version", LAYOUT_U16, .meaning = "of messages"},
    {"highest version", LAYOUT_U16, .meaning = "of messages"},
    {"nonce", LAYOUT_BYTES, .size = FRAME_NONCE_BYTES, .meaning = "drawn for this connection"},
    {.name = NULL},
};
static const struct layout_row hello_rows[] = {
    {"magic", LAYOUT_MAGIC, .text = "LOAM"},
    {"lowest version", LAYOUT_U16, .meaning = "of messages"},
    {"highest version", LAYOUT_U16, .meaning = "of messages"},
    {"cluster", LAYOUT_U64, LAYOUT_AS_ID, .meaning = "cluster id"},
    {"node", LAYOUT_U64, .meaning = "node id"},
    {"incarnation", LAYOUT_U64, LAYOUT_AS_ID, .meaning = "drawn when its directory was made"},
    {"to", LAYOUT_U64, .meaning = "node id that it means to reach"},
    {"members hash", LAYOUT_U64, LAYOUT_AS_ID, .meaning = "hash of the list of founders; 0 = it joined later"},
    {"address for peers", LAYOUT_STRING, .meaning = "its own"},
    {"address for clients", LAYOUT_STRING, .meaning = "its own"},
    {"nonce", LAYOUT_BYTES, .size = FRAME_NONCE_BYTES, .meaning = "drawn for this connection"},
    {"proof", LAYOUT_BYTES, .size = MAC_BYTES, .meaning = "below"},
    {.name = NULL},
};
static const struct layout_row welcome_rows[] = {
    {"version", LAYOUT_U16, .meaning = "chosen"},
    {"cluster", LAYOUT_U64, LAYOUT_AS_ID, .meaning = "cluster id"},
    {"node", LAYOUT_U64, .meaning = "node id"},
    {"incarnation", LAYOUT_U64, LAYOUT_AS_ID, .meaning = "drawn when its directory was made"},
    {"members hash", LAYOUT_U64, LAYOUT_AS_ID, .meaning = "hash of the founders"},
    {"proof", LAYOUT_BYTES, .size = MAC_BYTES, .meaning = "below"},
    {.name = NULL},
};
static const struct layout_row refusal_rows[] = {
    {"why", LAYOUT_STRING, .meaning = "and the end of the connection"},
    {.name = NULL},
};
static const struct layout_case handshakes[] = {
    {FRAME_CHALLENGE, "challenge", .meaning = "by the accepting end", .rows = challenge_rows},
    {FRAME_HELLO, "hello", .meaning = "by the dialing end", .rows = hello_rows},
    {FRAME_WELCOME, "welcome", .meaning = "by the accepting end", .rows = welcome_rows},
    {FRAME_REFUSAL, "refusal", .meaning = "by the accepting end", .rows = refusal_rows},
    {.name = NULL},
};
const struct layout handshake_layout = {.name = "text of the handshake", .cases = handshakes, .chosen_by = "type"};

/* ---- Driver messages --------------------------------------------------------------------------------------------- */

static const struct layout_row forward_rows[] = {
    {"session", LAYOUT_U64, .meaning = "0 for an operation that opens a session, and so is the serial"},
    {"serial", LAYOUT_U64, .meaning = "of the first"},
    {"count", LAYOUT_U32, .meaning = "not 0"},
    {"operations", LAYOUT_CODE, .text = "u8, string each", .meaning = "count times: store, operation"},
    {.name = NULL},
};
static const struct layout_row count_rows[] = {
    {"question", LAYOUT_U64, .meaning = "its number"},
    {"index", LAYOUT_U64, .meaning = "how many voters hold it?"},
    {.name = NULL},
};
static const struct layout_row counted_rows[] = {
    {"question", LAYOUT_U64, .meaning = "its number"},
    {"voters", LAYOUT_U64, .meaning = "number of voters"},
    {.name = NULL},
};
static const struct layout_row chunk_rows[] = {
    {"stream", LAYOUT_U64, .meaning = "its number"},
    {"offset", LAYOUT_U64, .meaning = "in the stream"},
    {"total", LAYOUT_U64, .meaning = "length of the whole"},
    {"bytes", LAYOUT_REST, .meaning = "without any: how far are you?"},
    {.name = NULL},
};
static const struct layout_name answers[] = {{SNAPSHOT_GOES_ON, "goes on", NULL},
                                             {SNAPSHOT_TAKEN, "taken", NULL},
                                             {SNAPSHOT_REFUSED, "refused", NULL},
                                             {.name = NULL}};
static const struct layout_row ack_rows[] = {
    {"stream", LAYOUT_U64, .meaning = "its number"},
    {"offset", LAYOUT_U64, .meaning = "up to which it is written"},
    {"answer", LAYOUT_U8, LAYOUT_AS_NAMED, .names = answers},
    {.name = NULL},
};
static const struct layout_row about_rows[] = {
    {"guard ms", LAYOUT_U32, .meaning = "in ms"},
    {"priority", LAYOUT_U32, .meaning = "0: should not lead now"},
    {"witness", LAYOUT_CODE, .text = "u8, from a witness",
     .meaning =
         "1. What the sender is, told to every member when a connection comes up and once in an election timeout. "
         "Who does not know it drops it, as any kind that it does not know"},
    {.name = NULL},
};
static const struct layout_case driver_messages[] = {
    {MESSAGE_FORWARD, "forward", .rows = forward_rows},
    {MESSAGE_COUNT, "count", .rows = count_rows},
    {MESSAGE_COUNTED, "counted", .rows = counted_rows},
    {MESSAGE_SNAPSHOT_CHUNK, "snapshot chunk", .rows = chunk_rows},
    {MESSAGE_SNAPSHOT_ACK, "snapshot ack", .rows = ack_rows},
    {MESSAGE_ABOUT, "about", .rows = about_rows},
    {.name = NULL},
};
const struct layout driver_message_layout = {.name = "driver message", .cases = driver_messages, .chosen_by = "kind"};

static const struct layout_row head_rows[] = {
    {"magic", LAYOUT_MAGIC, .text = "LOAMSNAP"},
    {"version", LAYOUT_U32, .meaning = "1"},
    {"length", LAYOUT_U32, .meaning = "of the head"},
    {"check", LAYOUT_CHECK, .meaning = "XXH3-64 of the rest of the head, seed 0"},
    {"index", LAYOUT_U64, .meaning = "what the store holds"},
    {"term", LAYOUT_U64, .meaning = "of that entry"},
    {"files", LAYOUT_U32, .meaning = "how many"},
    {"file", LAYOUT_CODE, .text = "", .meaning = "each file, as below"},
    {.name = NULL},
};
const struct layout snapshot_head_layout = {.name = "head of a snapshot", .rows = head_rows};

static const struct layout_row file_rows[] = {
    {"name", LAYOUT_STRING, .meaning = "letters, digits, `-`, `_`, `.`; not `.` first; under 64 bytes"},
    {"size", LAYOUT_U64, .meaning = "in bytes"},
    {.name = NULL},
};
const struct layout snapshot_file_layout = {.name = "file of a snapshot", .rows = file_rows};
