/*
 * process: the one place where tools start, watch and signal other processes. What was started lives on when the tool
 * ends.
 */
#ifndef TOOLS_LOAM_CLUSTER_PROCESS_H
#define TOOLS_LOAM_CLUSTER_PROCESS_H

#include "engine/io.h"

enum process_state { PROCESS_GONE, PROCESS_RUNNING, PROCESS_PAUSED };
enum process_signal { PROCESS_TERMINATE, PROCESS_KILL, PROCESS_PAUSE, PROCESS_RESUME };

/*
 * Starts program (a path, or a name that PATH finds) with arguments (arguments[0] is its name, NULL ends them) in a
 * session of its own: input empty, output and errors appended to log_path. OK once the program itself runs; what keeps
 * it from running is in *error.
 */
MUST_CHECK enum status process_start(const char *program, const char *const *arguments, const char *log_path, long *pid,
                                     struct error *error);
/* For a process that this one started: waits for its end. *code is its exit code, or 128 + the signal that ended it. */
MUST_CHECK enum status process_wait(long pid, int *code);

/* GONE also if pid now belongs to a process without `argument` among its arguments: numbers come again. */
enum process_state process_state(struct io *io, long pid, const char *argument);
/* NOT_FOUND if it is gone. */
MUST_CHECK enum status process_signal(long pid, enum process_signal signal);

/* The folder of the running program, without the last slash. */
MUST_CHECK enum status process_own_directory(char *path, size_t size);

#endif
