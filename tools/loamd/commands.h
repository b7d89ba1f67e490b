/* commands: the handlers that commands.def names; each in command_*.c, after the group of its command. */
#ifndef TOOLS_LOAMD_COMMANDS_H
#define TOOLS_LOAMD_COMMANDS_H

#include "graph/state_machine.h"
#include "kv/state_machine.h"
#include "tools/loamd/call.h"
#include "tsdb/state_machine.h"

#define ROW(name, kind, store, arity, flags, first, last, step, handler, group, since, summary, complexity)            \
    enum status handler(struct call *call);
#include "tools/loamd/commands.def"
#undef ROW

#endif
