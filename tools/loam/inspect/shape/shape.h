/*
 * shape: `loam inspect --lsm`: the shape of a store's trees, level by level, at any edit of its manifest, with what is
 * wrong. One reading of it, which the ways to show it share.
 */
#ifndef TOOLS_LOAM_INSPECT_SHAPE_SHAPE_H
#define TOOLS_LOAM_INSPECT_SHAPE_SHAPE_H

#include "tools/loam/inspect/shape/judge.h"
#include "tools/loam/inspect/shape/state.h"
#include "tools/loam/out.h"

/* argv: what stands behind `loam inspect`, --lsm among it. Returns the exit code. */
int shape_run(int argc, char **argv);

struct shape {
    const char *given; /* the path, as it was typed */
    struct shape_source source;
    struct findings findings;
    struct judgement judgement;
    bool has_state; /* an edit can be read */
    struct state state;
};

/* Why a file of the history was made: its edit's cause, or, where that is the whole state, the table's own word. */
const char *shape_cause_name(const struct shape *shape, uint32_t file);
/* What is known of a file of the shown state. */
enum judged shape_judged(const struct shape *shape, uint32_t file);

struct shape_text_options {
    bool all_files; /* else up to a few of each level */
    bool edits;     /* a line for each edit */
};
void shape_text(struct out *out, const struct shape *shape, const struct shape_text_options *options);
void shape_json(struct out *out, const struct shape *shape, bool edits);
/* A page for a browser, with the edits behind and before the shown one. */
void shape_page(struct out *out, const struct shape *shape);

/* Two states, of one store or of two. */
void shape_diff_text(struct out *out, const struct shape *before, const struct shape *after);
void shape_diff_json(struct out *out, const struct shape *before, const struct shape *after);

/* Shared by those that print JSON. */
void shape_json_sums(struct out *out, const struct state_sums *sums);
void shape_json_findings(struct out *out, const struct findings *findings);
void shape_json_orphans(struct out *out, const struct judgement *judgement);
void shape_json_file(struct out *out, const struct shape_history *history, const struct edit_file *file);
void shape_text_findings(struct out *out, const struct findings *findings);

#endif
