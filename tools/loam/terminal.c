/* terminal: see terminal.h. */
#include "tools/loam/terminal.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_ELSEWHERE = 100 };

void terminal_print(struct slice text) {
    if (text.size > 0) (void)fwrite(text.data, 1, text.size, stdout);
    (void)fflush(stdout);
}

enum status terminal_read_line(struct buf *line) {
    int byte;
    buf_clear(line);
    while ((byte = getc(stdin)) != EOF) {
        enum status status = buf_append_byte(line, (uint8_t)byte);
        if (status != STATUS_OK) return status;
        if (byte == '\n') break;
    }
    return line->size > 0 ? STATUS_OK : STATUS_END;
}

enum status terminal_read(void *to, size_t room, size_t *got) {
    *got = fread(to, 1, room, stdin);
    return *got == 0 && ferror(stdin) ? STATUS_IO : STATUS_OK;
}

bool terminal_has_input(void) {
    return isatty(STDIN_FILENO) == 1;
}

bool terminal_has_output(void) {
    return isatty(STDOUT_FILENO) == 1;
}

bool terminal_has_errors(void) {
    return isatty(STDERR_FILENO) == 1;
}

unsigned terminal_columns(void) {
    struct winsize size = {.ws_col = 0};
    if (!terminal_has_output() || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return COLUMNS_ELSEWHERE;
    return size.ws_col;
}
