// The speeds of termios.h end below those of servos; the kernel's own struct takes any number.
#include "record/record__serial.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool set_up(int fd, int baud)
{
    struct termios2 settings;
    struct serial_struct serial;
    if (ioctl(fd, TIOCEXCL) != 0 || ioctl(fd, TCGETS2, &settings) != 0)
        return false;
    settings.c_iflag = settings.c_oflag = settings.c_lflag = 0;
    settings.c_cflag = CS8 | CREAD | CLOCAL | BOTHER | BOTHER << IBSHIFT;
    settings.c_ispeed = settings.c_ospeed = (unsigned)baud;
    settings.c_cc[VMIN] = 1; // with 0, nothing to read would look like a hang-up
    settings.c_cc[VTIME] = 0;
    if (ioctl(fd, TCSETS2, &settings) != 0)
        return false;
    // USB adapters hold bytes back for 16 ms otherwise. Those that cannot are as good without.
    if (ioctl(fd, TIOCGSERIAL, &serial) == 0) {
        serial.flags |= ASYNC_LOW_LATENCY;
        (void)ioctl(fd, TIOCSSERIAL, &serial);
    }
    return true;
}

int et__serial_open(const char *path, int baud)
{
    const int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || set_up(fd, baud))
        return fd;
    const int why = errno;
    (void)close(fd);
    errno = why;
    return -1;
}
