/*
 * import_source: the seam between `loam import`'s frame and what it loads. A source reads its files and says, command
 * by command, what the server is to be told; the frame sends it down a pipeline, draws progress and hands back the
 * replies. A new kind of input is a source: a file import_NAME.c with an open function, a row in import.c's table.
 *
 * A source streams: it holds no more of its input than the commands in flight need. Lines that it cannot read, and
 * those that the server refuses, go to tally->bad with file and line; its status is for what ends the import.
 */
#ifndef TOOLS_LOAM_IMPORT_IMPORT_SOURCE_H
#define TOOLS_LOAM_IMPORT_IMPORT_SOURCE_H

#include "tools/loam/client.h"
#include "tools/loam/import/bad_lines.h"

enum { IMPORT_WINDOW = 64, IMPORT_LABELS_MAX = 32 };

/* What the command line says; each source looks at its part and refuses what is not for it. */
struct import_options {
    char **paths; /* path_count >= 1 */
    int path_count;
    bool check;     /* read back and compare instead of loading */
    uint64_t limit; /* items at most; 0 = all */

    const char *series;                    /* name, "%" = the file's; NULL = the file's name */
    const char *labels[IMPORT_LABELS_MAX]; /* "name=value" */
    size_t label_count;
    const char *on_duplicate; /* DUPLICATE_POLICY of series that are made; NULL = the server's */
    const char *time_unit;    /* "s", "ms", "us", "ns"; NULL = by the first line */

    const char *graph;      /* name */
    const char *node_label; /* of every node that is named; NULL = none */
    const char *edge_type;  /* of edges whose rows have none; NULL = "LINK" for lists */
    const char *weight;     /* the property that an edge list's third column becomes */
    bool make_ends;         /* ends that are not there are made */
};

/* What the frame and its source count together. */
struct import_tally {
    uint64_t items; /* acknowledged by the server, or found as they should be (check) */
    uint64_t bytes; /* of these, as the source counts them */
    uint64_t wrong; /* check: missing or different */
    struct bad_lines bad;
};

struct import_command {
    unsigned slot; /* set by the frame, < IMPORT_WINDOW: judge gets the same; no other command has it until then */
    const struct slice *args; /* borrowed until the source is called again */
    size_t arg_count;
};

struct import_source {
    const char *items; /* what is counted: "records", "samples" */
    /* The next command; END behind the last. */
    enum status (*next)(struct import_source *source, struct import_command *command, struct error *error);
    /* The reply to the command of that slot; they come in the order of the commands. */
    enum status (*judge)(struct import_source *source, unsigned slot, const struct resp_reply *reply,
                         struct error *error);
    /* How far it has read, in any unit; total 0 = unknown. */
    void (*progress)(const struct import_source *source, uint64_t *done, uint64_t *total);
    /* After the last reply: asks what the report needs. NULL = nothing. */
    enum status (*finish)(struct import_source *source, struct client *client, struct error *error);
    /* Prints what it knows beyond the frame's lines; false if that means failure. NULL = nothing. */
    bool (*report)(const struct import_source *source);
    void (*close)(struct import_source *source);
};

/* The sources. `options` and `tally` are borrowed until close; *source is owned by the caller, closed by its close. */
MUST_CHECK enum status import_records_open(struct io *io, const struct import_options *options,
                                           struct import_tally *tally, struct import_source **source,
                                           struct error *error);
MUST_CHECK enum status import_series_open(struct io *io, const struct import_options *options,
                                          struct import_tally *tally, struct import_source **source,
                                          struct error *error);
MUST_CHECK enum status import_graph_open(struct io *io, const struct import_options *options,
                                         struct import_tally *tally, struct import_source **source,
                                         struct error *error);

#endif
