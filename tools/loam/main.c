/*
 * loam: the toolbox. A table of subcommands, nothing else.
 */
#include <stdio.h>
#include <string.h>

#include "tools/loam/commands.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"backup", command_backup, "a backup of a store: only what is new is copied"},
    {"bench", command_bench, "figures, beside those of other systems on the same machine"},
    {"chaos", command_chaos, "a cluster of its own under load, broken on purpose, and its history judged"},
    {"check", command_check, "is a history of client operations linearizable?"},
    {"cluster", command_cluster, "a cluster on this machine: start, stop, status, kill, partition, ..."},
    {"cli", command_cli, "talk to a server, as redis-cli does"},
    {"dump", command_dump, "all that a store holds as one portable stream of commands"},
    {"events", command_events, "what a store did and why: flushes, compactions, openings, failures"},
    {"explain", command_explain, "how a get or a scan came to its answer, and what became of a key"},
    {"export", command_export, "a graph as GraphML or DOT"},
    {"get", command_get, "a value of a store, read from its files; its server may run"},
    {"import", command_import, "load records, time series or graphs of files into a cluster"},
    {"inspect", command_inspect, "show what loam's files say, byte by byte"},
    {"load", command_load, "bring what dump wrote into a cluster"},
    {"options", command_options, "the options that a store was last opened with"},
    {"recover", command_recover, "a majority is lost for good: the survivors go on without it"},
    {"repair", command_repair, "make a damaged store open again, of what is sound"},
    {"restore", command_restore, "a store out of a backup"},
    {"scan", command_scan, "the names and values of a store, likewise"},
    {"simulate", command_simulate, "what writes would cost under other policies of merging and options"},
    {"stats", command_stats, "what a store consists of, by level and by tree"},
    {"top", command_top, "watch a cluster: roles, rates, latencies, levels"},
    {"upgrade", command_upgrade, "let a store hold what older versions can't read"},
    {"verify", command_verify, "read every byte of a store and judge it"},
    {"sim", command_sim, "whole clusters under faults in the simulator, by seed or by plan"},
};

static void print_usage(FILE *to) {
    (void)fputs("usage: loam COMMAND [arguments]; loam COMMAND --help says more\n\n", to);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        (void)fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
}

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(name, commands[i].name) == 0) return commands[i].run(argc - 2, argv + 2);
    if (strcmp(name, "--version") == 0) {
        (void)puts("loam " LOAM_VERSION);
        return EXIT_CLEAN;
    }
    const int asked = strcmp(name, "--help") == 0 || strcmp(name, "help") == 0;
    if (!asked && name[0]) (void)fprintf(stderr, "loam: no command '%s'\n", name);
    print_usage(asked ? stdout : stderr);
    return asked ? EXIT_CLEAN : EXIT_FAILED;
}
