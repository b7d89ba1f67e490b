/*
 * log: where a component says what happened, one line an event. The component is handed a struct log (borrowed,
 * outlives it); who made it decides where lines go (stderr, a file, a simulator's trace). A NULL log is silence. Lines
 * may come from any thread.
 */
#ifndef ENGINE_BASE_LOG_H
#define ENGINE_BASE_LOG_H

#pragma GCC visibility push(default)

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log {
    enum log_level level;                                                /* lines below it are not formatted */
    void (*line)(void *context, enum log_level level, const char *text); /* text: one line, no newline, borrowed */
    void *context;
};

const char *log_level_name(enum log_level level);

/* Formats at most 1 KiB and passes it on. */
void log_write(struct log *log, enum log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define log_debug(log, ...) log_write((log), LOG_DEBUG, __VA_ARGS__)
#define log_info(log, ...) log_write((log), LOG_INFO, __VA_ARGS__)
#define log_warn(log, ...) log_write((log), LOG_WARN, __VA_ARGS__)
#define log_error(log, ...) log_write((log), LOG_ERROR, __VA_ARGS__)

#pragma GCC visibility pop

#endif
