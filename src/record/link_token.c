/* The word by which an agent and a recorder know each other. */
#include "etude/file.h"
#include "etude/link.h"

#include <sys/stat.h>

enum et_status et_link_token_read(const char *path, char token[ET_LINK_TOKEN_BYTES_MAX + 1],
                                  struct et_err *err)
{
    struct et_arena *arena;
    struct et_str text;
    struct stat about;
    token[0] = 0;
    enum et_status st = et_arena_open(&arena, (size_t)64 << 10, err);
    if (st != ET_OK)
        return st;
    st = et_file_read(path, 4 * ET_LINK_TOKEN_BYTES_MAX, arena, &text, err);
    if (st == ET_OK) {
        text = et_str_trim(text);
        if (text.n == 0 || text.n > ET_LINK_TOKEN_BYTES_MAX || memchr(text.p, 0, text.n))
            st = et_fail(err, ET_ECORRUPT, -1, "%s: a token is a text of 1 to %d bytes", path,
                         ET_LINK_TOKEN_BYTES_MAX);
        else if (stat(path, &about) == 0 && (about.st_mode & (S_IRGRP | S_IROTH)))
            st = et_fail(err, ET_ECORRUPT, -1, "%s: others may read this token: chmod 600", path);
    }
    if (st == ET_OK) {
        memcpy(token, text.p, text.n);
        token[text.n] = 0;
    }
    et_arena_close(arena);
    return st;
}
