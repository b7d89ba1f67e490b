/* dump_check: whether a command may stand where it does in a dump, and what it counts. For dump_read. */
#ifndef TOOLS_LOAM_DUMP_DUMP_CHECK_H
#define TOOLS_LOAM_DUMP_DUMP_CHECK_H

#include "tools/loam/dump/dump_read.h"

/* Sets kind and begins of the command, counts what it holds, and goes on to its name. INVALID with *why, a static text;
 * NO_MEMORY. */
MUST_CHECK enum status dump_check_command(struct dump_reader *reader, struct dump_command *command, const char **why);

#endif
