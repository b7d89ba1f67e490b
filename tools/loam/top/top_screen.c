#include "tools/loam/top/top_screen.h"

#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

static SCREEN *screen;

bool top_screen_has_utf8(void) {
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

bool top_screen_open(void) {
    (void)setlocale(LC_CTYPE, "");
    screen = newterm(NULL, stdout, stdin);
    if (!screen) return false;
    (void)cbreak();
    (void)noecho();
    (void)nodelay(stdscr, TRUE);
    (void)keypad(stdscr, TRUE);
    (void)curs_set(0);
    if (has_colors()) {
        (void)start_color();
        (void)use_default_colors();
        (void)init_pair(TOP_LEADER, COLOR_GREEN, -1);
        (void)init_pair(TOP_WARN, COLOR_YELLOW, -1);
        (void)init_pair(TOP_BAD, COLOR_RED, -1);
    }
    return true;
}

void top_screen_close(void) {
    if (!screen) return;
    (void)endwin();
    delscreen(screen);
    screen = NULL;
}

void top_screen_size(unsigned *width, unsigned *height) {
    *width = COLS > 0 ? (unsigned)COLS : 80;
    *height = LINES > 0 ? (unsigned)LINES : 24;
}

static attr_t attributes_of(enum top_look look) {
    switch (look) {
    case TOP_TITLE: return A_BOLD;
    case TOP_HEAD: return A_REVERSE;
    case TOP_LEADER:
    case TOP_WARN:
    case TOP_BAD: return has_colors() ? (attr_t)COLOR_PAIR((int)look) : A_BOLD;
    case TOP_PLAIN: break;
    }
    return A_NORMAL;
}

void top_screen_draw(const struct top_lines *lines) {
    (void)erase();
    for (size_t i = 0; i < lines->count; i++) {
        const struct top_line *line = &lines->lines[i];
        (void)attrset((int)attributes_of(line->look));
        (void)mvaddstr((int)i, 0, line->text);
    }
    (void)attrset(A_NORMAL);
    (void)refresh();
}

enum top_key top_screen_key(void) {
    switch (getch()) {
    case 'q':
    case 'Q': return TOP_KEY_QUIT;
    case 'p':
    case ' ': return TOP_KEY_PAUSE;
    case '+': return TOP_KEY_FASTER;
    case '-': return TOP_KEY_SLOWER;
    case KEY_RESIZE:
    case '\f': return TOP_KEY_REDRAW;
    default: return TOP_KEY_NONE;
    }
}
