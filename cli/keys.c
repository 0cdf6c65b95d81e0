/* Keys, one by one, from a terminal. */
#include "cli_live.h"

#include <unistd.h>

void cli_keys_open(struct cli_keys *keys)
{
    keys->is_on = isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &keys->terminal) == 0;
    if (!keys->is_on)
        return;
    struct termios raw = keys->terminal;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    keys->is_on = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

int cli_keys_next(const struct cli_keys *keys)
{
    unsigned char key;
    return keys->is_on && read(STDIN_FILENO, &key, 1) == 1 ? key : 0;
}

void cli_keys_close(struct cli_keys *keys)
{
    if (keys->is_on)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &keys->terminal);
    keys->is_on = false;
}
