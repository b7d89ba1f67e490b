/*
 * check: assertions about our own program, never about bytes that came from disk, network or a user.
 *
 * check() stays on in release builds and ends the process with file, line and condition; check_slow() is for costly
 * conditions and is on in debug builds (LOAM_DEBUG) only.
 */
#ifndef ENGINE_BASE_CHECK_H
#define ENGINE_BASE_CHECK_H

#pragma GCC visibility push(default)

__attribute__((noreturn, cold)) void check_failed(const char *condition, const char *file, int line);

#define check(condition) (__builtin_expect(!!(condition), 1) ? (void)0 : check_failed(#condition, __FILE__, __LINE__))

#ifdef LOAM_DEBUG
#define check_slow(condition) check(condition)
#else
#define check_slow(condition) ((void)sizeof(condition))
#endif

#pragma GCC visibility pop

#endif
