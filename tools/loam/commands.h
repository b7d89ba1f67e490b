/*
 * commands: the subcommands of `loam`. Each is a function with the arguments behind its name and returns the exit code:
 * 0 clean, 1 usage or failure, others as its usage says.
 */
#ifndef TOOLS_LOAM_COMMANDS_H
#define TOOLS_LOAM_COMMANDS_H

enum { EXIT_CLEAN = 0, EXIT_FAILED = 1, EXIT_CORRUPT = 2, EXIT_TORN = 3, EXIT_BROKEN = 4 };

int command_backup(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_chaos(int argc, char **argv);
int command_check(int argc, char **argv);
int command_cli(int argc, char **argv);
int command_cluster(int argc, char **argv);
int command_dump(int argc, char **argv);
int command_events(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_export(int argc, char **argv);
int command_get(int argc, char **argv);
int command_import(int argc, char **argv);
int command_inspect(int argc, char **argv);
int command_load(int argc, char **argv);
int command_options(int argc, char **argv);
int command_recover(int argc, char **argv);
int command_repair(int argc, char **argv);
int command_restore(int argc, char **argv);
int command_scan(int argc, char **argv);
int command_sim(int argc, char **argv);
int command_simulate(int argc, char **argv);
int command_stats(int argc, char **argv);
int command_top(int argc, char **argv);
int command_upgrade(int argc, char **argv);
int command_verify(int argc, char **argv);

#endif
