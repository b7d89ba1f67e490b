/*
 * describe: what a layer says about the bytes that it keeps in trees and puts into the log, for tools that show them.
 * Each layer has one table of describers beside its formats; who shows bytes puts the tables together. A describer
 * reads through struct fields (engine/base/fields.h), takes any bytes, and allocates little or nothing. Any thread.
 */
#ifndef ENGINE_DESCRIBE_H
#define ENGINE_DESCRIBE_H

#include "engine/base/fields.h"

#pragma GCC visibility push(default)

/* What the bytes beside a key are. */
enum row_form {
    ROW_VALUE,    /* the whole value */
    ROW_OPERAND,  /* one operand of the tree's merge operator */
    ROW_APPENDED, /* bytes that make an older value longer */
};

/* One for each kind of tree. */
struct row_describer {
    uint32_t kind;
    const char *name; /* that of the kind: "names.expiry" */
    void (*key)(struct fields *fields);
    void (*value)(struct fields *fields, struct slice key, enum row_form form);
};

/* One for each store: what its entries in the log say. */
struct operation_describer {
    uint8_t store;    /* the number that operations carry; 0 is raft's own */
    const char *name; /* "kv" */
    void (*describe)(struct fields *fields);
};

/* The name space's kinds of trees (engine/names/FORMAT.md), in the order of names_kinds. */
extern const struct row_describer names_describers[];
extern const size_t names_describer_count;

/* Who describes the rows of a tree; NULL: nobody, keys and values are shown as text. */
struct tree_describers {
    const struct row_describer *(*find)(void *context, uint32_t tree);
    void *context;
};
/* A record of the engine's own log (engine/lsm/FORMAT.md, "log record"). */
void batch_record_describe(struct fields *fields, const struct tree_describers *trees);

#pragma GCC visibility pop

#endif
