/*
 * raft_view: what one node's directory holds of its replicated log: who it is and what it has promised, the entries,
 * the configurations, what its store was flushed with, and all that is wrong, with its place and what it cost. Read
 * once (raft_view_read), then only looked at.
 *
 * Of each entry that can be had there is a row; what is missing between rows is lost. Memory: 40 bytes a row, of the
 * newest RAFT_VIEW_ENTRIES_MAX entries; older ones are counted.
 */
#ifndef TOOLS_LOAM_INSPECT_RAFTVIEW_RAFT_VIEW_H
#define TOOLS_LOAM_INSPECT_RAFTVIEW_RAFT_VIEW_H

#include "engine/io.h"
#include "raft/survey.h"

enum {
    RAFT_VIEW_ENTRIES_MAX = 4 << 20,
    RAFT_VIEW_PROBLEMS_MAX = 64, /* more are counted */
    RAFT_VIEW_TEXT_BYTES = 640,
};

/* As the exit codes have it. */
enum raft_view_verdict { RAFT_VIEW_CLEAN = 0, RAFT_VIEW_CORRUPT = 2, RAFT_VIEW_TORN = 3 };

struct raft_view_entry {
    uint64_t index, term;
    uint64_t lsn;  /* segment << 32 | offset in the file */
    uint32_t size; /* bytes of the entry: envelope and operation, or a configuration */
    uint32_t hash; /* of them */
    uint8_t kind;  /* enum raft_entry_kind */
};

struct raft_view_problem {
    enum raft_view_verdict verdict;
    char path[IO_PATH_BYTES];
    uint64_t from, to;  /* bytes of the file; equal: the file as a whole */
    uint64_t lost_from; /* 0: no entry is lost by it */
    uint64_t lost_to;   /* 0 with lost_from: nobody can tell by this log how many */
    char text[RAFT_VIEW_TEXT_BYTES];
};

enum raft_view_fit {
    RAFT_VIEW_FITS,
    RAFT_VIEW_BAD_HEADER,
    RAFT_VIEW_FOREIGN,  /* a sound segment of another node's log, or of this directory's former life */
    RAFT_VIEW_RENAMED,  /* a sound one of this log under another's number */
    RAFT_VIEW_CUT_SHORT /* the file is not as long as it was made */
};

struct raft_view_segment {
    uint32_t number;
    enum raft_view_fit fit;
    uint64_t bytes, owner;
    uint64_t first, last, entries; /* that stand in it and count; 0: none */
};

struct raft_view_configuration {
    uint64_t index, term;
    struct raft_configuration configuration;
};

struct raft_view {
    char dir[IO_PATH_BYTES], log_path[IO_PATH_BYTES], store_path[IO_PATH_BYTES];
    struct raft_survey_superblock superblock;
    enum status superblock_status;
    const struct raft_survey_slot *slot; /* the one that counts; NULL: none does */
    uint64_t node_id;                    /* 0: nothing tells; without a slot, whoever others know it to be */
    bool log_is_foreign; /* the whole log is another node's: nothing of it is judged by superblock and store */

    bool has_log, has_store;
    struct raft_survey_log log;
    struct raft_survey_store store;
    enum status store_status;

    uint64_t start, start_term; /* entries up to here are in the store, or their log was begun behind them */
    bool knows_start;
    struct raft_view_entry *entries; /* owned; ascending by index */
    size_t entry_count, entry_room;
    uint64_t left_out;    /* older entries, for want of room */
    uint64_t commit_note; /* the greatest; 0 = none */
    uint64_t commit;      /* known to be committed by note or store */
    uint64_t cuts, notes, cut_entries;
    bool tail_is_lost; /* behind the last entry something is damaged that may have held more */

    struct raft_view_segment *segments; /* owned; by number */
    size_t segment_count;
    struct raft_view_configuration *configurations; /* owned; of entries, ascending */
    size_t configuration_count;
    struct raft_view_problem problems[RAFT_VIEW_PROBLEMS_MAX];
    size_t problem_count; /* may be above RAFT_VIEW_PROBLEMS_MAX */
    enum raft_view_verdict verdict;
};

/* What a node has at an index. */
enum raft_view_at {
    RAFT_VIEW_ABSENT,
    RAFT_VIEW_HELD,
    RAFT_VIEW_IN_STORE, /* flushed: the log may have dropped it */
    RAFT_VIEW_LOST,     /* the log held it, and it can't be had */
    RAFT_VIEW_UNKNOWN,  /* damage hides whether there was one; or it was left out */
};

/*
 * Reads it. machines: the node's table of stores. OK also for what is damaged: view->problems. NOT_FOUND: it is no
 * node's directory; VERSION, NO_MEMORY, IO, with words. raft_view_destroy in any case. Blocking.
 */
MUST_CHECK enum status raft_view_read(struct io *io, const char *dir, const struct state_machine *machines,
                                      size_t machine_count, struct raft_view *view, struct error *error);
void raft_view_deinit(struct raft_view *view);

/* Who it is, where its own superblock no longer tells, by whom the other has met: the owner of its log. */
void raft_view_identify(struct raft_view *view, const struct raft_view *other);

/* NULL: it has no row. */
const struct raft_view_entry *raft_view_find(const struct raft_view *view, uint64_t index);
enum raft_view_at raft_view_at(const struct raft_view *view, uint64_t index);
/* Of the log with what stands before it: 0, 0 where nothing is. */
uint64_t raft_view_last(const struct raft_view *view);
uint64_t raft_view_last_term(const struct raft_view *view);
/* Superblock, log and store are there, and nothing of what they held is lost: it starts as it is, and votes. */
bool raft_view_is_whole(const struct raft_view *view);
/* The index behind this one; of the last there is, itself: a forged log may claim it. */
static inline uint64_t raft_view_behind(uint64_t index) {
    return index == UINT64_MAX ? index : index + 1;
}
/* The first row at or behind the index; entry_count: none. */
size_t raft_view_seek(const struct raft_view *view, uint64_t index);

/* "\"node-1\"": the last part of the directory's path. */
const char *raft_view_name(const struct raft_view *view);
/* The path of a file of the directory without what leads to it: "log/00000001.wal"; "." is the directory. */
const char *raft_view_short(const struct raft_view *view, const char *path);
/* Notes what is wrong; the caller may fill in more. Never NULL: behind the last place problems are counted only. */
struct raft_view_problem *raft_view_add_problem(struct raft_view *view, enum raft_view_verdict verdict,
                                                const char *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static inline size_t raft_view_problems_kept(const struct raft_view *view) {
    return view->problem_count < RAFT_VIEW_PROBLEMS_MAX ? view->problem_count : RAFT_VIEW_PROBLEMS_MAX;
}
const char *raft_view_kind_name(uint8_t kind); /* "command" */

/* ---- parts of reading ---- */

/* A row more; what is not above the last one takes its place and all behind it. NO_MEMORY. */
MUST_CHECK enum status raft_view_add_entry(struct raft_view *view, const struct raft_view_entry *entry);
void raft_view_cut(struct raft_view *view, uint64_t index);
/* What the parts say of each other, once all are read. */
void raft_view_check(struct raft_view *view);

#endif
