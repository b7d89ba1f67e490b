/* simulate: `loam simulate`: what if. */
#include "tools/loam/simulate/simulate.h"

#include <stdio.h>
#include <string.h>

#include "tools/loam/commands.h"

static const char usage[] =
    "usage: loam simulate compaction ...   what writes cost under other policies and options\n"
    "       loam simulate record ...       the writes that a store's or a node's log holds, as a trace for it\n"
    "\n"
    "loam simulate compaction --help and loam simulate record --help say more.\n";

int command_simulate(int argc, char **argv) {
    const char *name = argc > 0 ? argv[0] : "";
    if (strcmp(name, "compaction") == 0) return simulate_compaction(argc - 1, argv + 1);
    if (strcmp(name, "record") == 0) return simulate_record(argc - 1, argv + 1);
    const int asked = strcmp(name, "--help") == 0;
    if (!asked && name[0]) (void)fprintf(stderr, "loam simulate: nothing to simulate is called '%s'\n", name);
    (void)fputs(usage, asked ? stdout : stderr);
    return asked ? EXIT_CLEAN : EXIT_FAILED;
}
