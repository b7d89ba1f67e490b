/* sst_dictionary_fields: an SST's dictionary for `loam inspect`: its bytes as named fields. */
#ifndef TOOLS_LOAM_INSPECT_SST_DICTIONARY_FIELDS_H
#define TOOLS_LOAM_INSPECT_SST_DICTIONARY_FIELDS_H

#include "engine/sst/sst_format.h"
#include "tools/loam/inspect/inspect.h"

/* The payload of a dictionary unit, which begins at report->next. sound: its check holds. */
void sst_dictionary_fields(struct report *report, const struct sst_unit *unit, bool sound);

#endif
