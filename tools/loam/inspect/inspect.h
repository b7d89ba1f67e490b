/*
 * inspect: one function for each kind of file that loam writes. Each gives every byte of the report a field, also in a
 * damaged file, and never more than a few words of memory a field.
 */
#ifndef TOOLS_LOAM_INSPECT_INSPECT_H
#define TOOLS_LOAM_INSPECT_INSPECT_H

#include "tools/loam/inspect/report.h"

void inspect_sst(struct report *report);
void inspect_writes(struct report *report);
void inspect_values(struct report *report);
void inspect_wal(struct report *report);
void inspect_manifest(struct report *report);
void inspect_superblock(struct report *report);
void inspect_options(struct report *report);
void inspect_events(struct report *report);
void inspect_node(struct report *report);

#endif
