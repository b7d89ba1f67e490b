/*
 * status: the one error vocabulary of the house.
 *
 * Every function that can fail returns an enum status and must be checked; what it computes goes out through
 * parameters. A status says what kind of thing happened; where it happened (file, offset, key, peer) stands in a
 * struct error (error.h) or in the log.
 */
#ifndef ENGINE_BASE_STATUS_H
#define ENGINE_BASE_STATUS_H

#pragma GCC visibility push(default)

/* What a caller can do about it. */
enum status_class {
    STATUS_CLASS_OK,     /* nothing to do */
    STATUS_CLASS_ANSWER, /* not a fault: an ordinary negative answer */
    STATUS_CLASS_INPUT,  /* the caller or user passed something that cannot be served */
    STATUS_CLASS_RETRY,  /* the same call may succeed later, unchanged */
    STATUS_CLASS_DEVICE, /* the machine failed: disk, memory, network */
    STATUS_CLASS_DAMAGE, /* bytes are not what was written */
};

/* clang-format off */
/*  name             class   text */
#define STATUS_LIST(X)                                                                        \
    X(OK,              OK,     "ok")                                                          \
    X(NOT_FOUND,       ANSWER, "not found")                                                   \
    X(EXISTS,          ANSWER, "exists already")                                              \
    X(END,             ANSWER, "no more data")                                                \
    X(WRONG_TYPE,      ANSWER, "operation against a value of another type")                   \
    X(INVALID,         INPUT,  "invalid argument")                                            \
    X(SYNTAX,          INPUT,  "malformed input")                                             \
    X(TOO_LARGE,       INPUT,  "larger than the limit")                                       \
    X(UNSUPPORTED,     INPUT,  "not supported")                                               \
    X(VERSION,         INPUT,  "written by a version that this one does not read")            \
    X(MISMATCH,        INPUT,  "belongs to another cluster, node or store")                   \
    X(DENIED,          INPUT,  "permission denied")                                           \
    X(WITNESS,         INPUT,  "this node is a witness: it votes, and keeps no data")         \
    X(WOULD_BLOCK,     RETRY,  "not in memory; a read from disk is needed")                   \
    X(BUSY,            RETRY,  "at a limit for now")                                          \
    X(LOCKED,          RETRY,  "owned by another process")                                    \
    X(NOT_LEADER,      RETRY,  "this node is not the leader")                                 \
    X(TIMED_OUT,       RETRY,  "timed out")                                                   \
    X(CANCELLED,       RETRY,  "cancelled")                                                   \
    X(COMPACTED,       RETRY,  "no longer in the log; a snapshot is needed")                  \
    X(CONFLICT,        RETRY,  "written by another since it was read")                        \
    X(SESSION_LOST,    ANSWER, "the session has been evicted; the outcome is unknown")        \
    X(CLOSED,          DEVICE, "closed by the other side")                                    \
    X(NO_MEMORY,       DEVICE, "out of memory")                                               \
    X(NO_SPACE,        DEVICE, "no space left on the device")                                 \
    X(IO,              DEVICE, "input/output error")                                          \
    X(READ_ONLY,       DEVICE, "read-only after a failed write or sync")                      \
    X(TORN,            DAMAGE, "torn tail: never acknowledged")                               \
    X(FAULTY,          DAMAGE, "faulty: written, possibly acknowledged, and damaged since")   \
    X(CORRUPT,         DAMAGE, "corrupt")

enum status {
#define X(name, class, text) STATUS_##name,
    STATUS_LIST(X)
#undef X
    STATUS_COUNT
};
/* clang-format on */

/* The result of a function marked so must be looked at. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* The name ("NOT_FOUND") and the text ("not found"): static strings; an unknown value gives "UNKNOWN" and class DAMAGE.
 * Any thread. */
const char *status_name(enum status status);
const char *status_text(enum status status);
enum status_class status_class(enum status status);

#pragma GCC visibility pop

#endif
