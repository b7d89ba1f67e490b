/*
 * top_screen: lines on a terminal (ncurses), and the keys that are pressed. One at a time; the terminal is as before
 * once it is closed.
 */
#ifndef TOOLS_LOAM_TOP_TOP_SCREEN_H
#define TOOLS_LOAM_TOP_TOP_SCREEN_H

#include "tools/loam/top/top_view.h"

enum top_key { TOP_KEY_NONE, TOP_KEY_QUIT, TOP_KEY_PAUSE, TOP_KEY_FASTER, TOP_KEY_SLOWER, TOP_KEY_REDRAW };

/* False: the terminal's kind (TERM) is not known. */
bool top_screen_open(void);
void top_screen_close(void);
/* Whether it shows UTF-8. */
bool top_screen_has_utf8(void);
void top_screen_size(unsigned *width, unsigned *height);
void top_screen_draw(const struct top_lines *lines);
/* The next key that was pressed; does not wait. */
enum top_key top_screen_key(void);

#endif
