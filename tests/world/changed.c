#include "changed.h"

#include "etude/str.h"

#include "support.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define TEXT_BYTES_MAX ((size_t)1 << 20)
#define PATH_BYTES 512

static void copy(const char *source, const char *folder, const char *file, struct change change)
{
    char path[PATH_BYTES];
    struct et_buf text = et_buf(TEXT_BYTES_MAX);
    size_t n;
    (void)snprintf(path, sizeof path, "%s/%s", source_path(source), file);
    char *own = read_file(path, &n);
    const char *rest = own;
    if (own && strcmp(file, change.file) == 0) {
        const char *at = strstr(own, change.from);
        if (CHECK(at != NULL)) {
            et_buf_put(&text, own, (size_t)(at - own));
            et_buf_puts(&text, change.to);
            rest = at + strlen(change.from);
        }
    }
    if (CHECK(own != NULL))
        et_buf_puts(&text, rest);
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    write_file(path, text.p, text.n);
    et_buf_free(&text);
    free(own);
}

static const char *changed(const char *source, const char *name, const char *const files[2],
                           struct change change)
{
    const char *folder = temp_path(name);
    (void)mkdir(folder, 0777);
    for (size_t i = 0; i < 2; i++)
        copy(source, folder, files[i], change);
    return folder;
}

const char *changed_skill(struct change change)
{
    static const char *const FILES[] = {"skill.yaml", "scene.xml"};
    return changed("tests/world/share/world/skills/take_block", "changed_block", FILES, change);
}

const char *changed_robot(struct change change)
{
    static const char *const FILES[] = {"robot.yaml", "robot.xml"};
    return changed("share/world/robots/etude-one", "changed-one", FILES, change);
}
