/*
 * record: what a picture of a run is drawn from: messages between nodes with both their ends, what disks wrote and
 * synced, what nodes showed of themselves after each change, lines of their logs, faults. A recorder only listens: it
 * draws no number, notes nothing in the trace and changes no time, so that a run has the same hash with and without
 * it; without one (NULL in sim_set_record) a hook costs a comparison.
 *
 * Bounded: events stand in chunks of RECORD_CHUNK_EVENTS, of which at most `chunk_limit` are kept. What has to go is
 * the oldest chunk that is not near a mark (record_mark: where a fault strikes or ends) nor among the last third; if
 * there is none, the oldest. Every chunk begins with the state of all nodes, so that any of them can be read alone.
 *
 * The memory is the record's own; texts are copied. One thread.
 */
#ifndef TOOLS_SIM_RECORD_H
#define TOOLS_SIM_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/slice.h"
#include "engine/base/status.h"

enum {
    RECORD_CHUNK_EVENTS = 1024,
    RECORD_CHUNKS_DEFAULT = 64,
    RECORD_NODES_MAX = 16,
    RECORD_FAULTS_MAX = 256,
    RECORD_WORDS_BYTES = 700, /* of one text, with its end; longer ones are cut */
};

struct record;

/* What the bytes of a message between nodes say. kind is static. */
struct record_words {
    const char *kind;
    uint64_t term; /* 0: none is named */
    char words[RECORD_WORDS_BYTES];
};

enum record_fate {
    RECORD_ARRIVED,
    RECORD_DROPPED,   /* by a fault, or by hand */
    RECORD_LOST,      /* its connection ended, or its receiver did */
    RECORD_UNDER_WAY, /* when the run was over */
};
enum { RECORD_REPEATED = 1, RECORD_DELAYED = 2 }; /* marks of a message */

struct record_message {
    int from, to; /* machines, from 0 */
    uint64_t sent_ns, ended_ns;
    enum record_fate fate;
    unsigned marks;
    struct slice bytes; /* borrowed; described at once */
};

/* A node after a change. Texts are borrowed for the call, or until the record ends when it is given out. */
struct record_state {
    const char *condition; /* static: "up", "down", "paused", "halted" */
    const char *role;      /* static; "" while it is down */
    uint64_t term, vote, leader;
    uint64_t commit, applied, stable; /* stable: its log is durable up to here */
    uint64_t first, last;             /* of its log */
    uint64_t unsynced;                /* sectors that a power cut may take */
    const char *terms;                /* of its log: "12:3,40:4": term 3 from entry 12 on, 4 from 40 on */
    const char *configuration;
};

enum record_kind { RECORD_MESSAGE, RECORD_DISK, RECORD_STATE, RECORD_NOTE };

struct record_event {
    enum record_kind kind;
    int node; /* of a message the sender; -1: nobody alone */
    uint64_t begin_ns, end_ns;
    const char *words; /* of a message its words, of a disk the path, of a note the line */
    union {
        struct {
            int to;
            enum record_fate fate;
            unsigned marks;
            const char *kind;
            uint64_t term;
        } message;
        struct {
            const char *what; /* static: "write", "write_sync", "sync", .. */
            uint64_t offset, size;
            enum status status;
        } disk;
        struct record_state state;
    };
};

struct record_fault {
    uint64_t from_ns, to_ns; /* to: when it was lifted; UINT64_MAX while it holds */
    bool is_moment;          /* over at once */
    const char *kind;        /* static: as in a plan; "by hand" */
    uint32_t nodes, others;  /* bit i: machine i; fault_plan.h */
    bool cuts, is_one_way;   /* links between nodes and others */
    char words[160];
};

struct record_options {
    unsigned nodes;
    unsigned chunk_limit; /* 0 = RECORD_CHUNKS_DEFAULT, at least 4 */
    /* May be NULL: messages have no words then. */
    void (*describe)(struct slice bytes, struct record_words *to);
};

struct record *record_create(const struct record_options *options);
void record_destroy(struct record *record); /* NULL is allowed */

/* ---- What the simulator tells ------------------------------------------------------------------------------------ */

/* What happens near this moment is worth more than other things. */
void record_mark(struct record *record, uint64_t at_ns);
/* At its end. */
void record_message(struct record *record, const struct record_message *message);
void record_disk(struct record *record, int node, const char *what, const char *path, uint64_t offset, uint64_t size,
                 uint64_t begin_ns, uint64_t end_ns, enum status status);
/* Kept when it differs from what the node showed before. */
void record_state(struct record *record, uint64_t at_ns, int node, const struct record_state *state);
void record_note(struct record *record, uint64_t at_ns, int node, const char *line);
/* Its number, for the lifting; SIZE_MAX: there are too many, it is a note only. to_ns is not read. */
size_t record_fault_begin(struct record *record, const struct record_fault *fault);
void record_fault_end(struct record *record, size_t number, uint64_t at_ns);
void record_end(struct record *record, uint64_t at_ns); /* the run is over */

/* ---- What it gives out ------------------------------------------------------------------------------------------- */

uint64_t record_end_ns(const struct record *record);
uint64_t record_event_count(const struct record *record); /* of all that were told */
uint64_t record_left_out(const struct record *record);    /* of them: gone again */
size_t record_fault_count(const struct record *record);
const struct record_fault *record_fault_at(const struct record *record, size_t number);

struct record_visitor {
    /* Events that were left out between two that are there, or before the first. */
    void (*gap)(void *context, uint64_t from_ns, uint64_t to_ns, uint64_t events);
    /* By end_ns. Borrowed for the call. */
    void (*event)(void *context, const struct record_event *event);
    void *context;
};
void record_visit(const struct record *record, const struct record_visitor *visitor);

#endif
