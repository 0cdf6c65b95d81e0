#include "robot/mujoco_guard.h"

#include <locale.h>
#include <mujoco/mujoco.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

/* MuJoCo has one handler for errors and one for warnings in a whole program. An error must not
 * return to MuJoCo; by default it waits for a key and ends the program, and a warning writes into
 * MUJOCO_LOG.TXT in the current folder. */
struct guard {
    jmp_buf back;
    char text[ET_ERR_TEXT_BYTES];
};
static _Thread_local struct guard *active;

// Those of the program around us; an error outside of our calls is theirs.
static void (*their_error)(const char *text);
static void (*their_warning)(const char *text);

static void on_error(const char *text)
{
    if (active) {
        (void)snprintf(active->text, sizeof active->text, "%s", text);
        longjmp(active->back, 1);
    }
    if (their_error)
        their_error(text);
}

static void on_warning(const char *text)
{
    if (!active && their_warning)
        their_warning(text);
}

static void take_handlers(void)
{
    their_error = mju_user_error;
    their_warning = mju_user_warning;
    mju_user_error = on_error;
    mju_user_warning = on_warning;
}

enum et_status et__mujoco_guard(void (*call)(void *context), void *context, struct et_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, take_handlers);
    struct guard guard = {.text = ""};
    active = &guard;
    if (setjmp(guard.back) == 0)
        call(context);
    else
        guard.text[0] = guard.text[0] ? guard.text[0] : '?';
    active = NULL;
    return guard.text[0] ? et_fail(err, ET_ECORRUPT, -1, "MuJoCo: %.300s", guard.text) : ET_OK;
}

struct load {
    const char *name;
    mjVFS *files;
    mjModel *model;
    char text[ET_ERR_TEXT_BYTES];
};

static void load(void *context)
{
    struct load *l = context;
    l->model = mj_loadXML(l->name, l->files, l->text, sizeof l->text);
    mj_freeLastXML();
}

// Numbers are read with a point, whatever the user's language; where there is no memory for that,
// as they are.
static enum et_status load_with_points(struct load *l, struct et_err *err)
{
    const locale_t point = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    const locale_t before = uselocale(point);
    const enum et_status st = et__mujoco_guard(load, l, err);
    (void)uselocale(before);
    if (point != (locale_t)0)
        freelocale(point);
    return st;
}

// MuJoCo's words in one line.
static void flatten(char *text)
{
    for (char *p = text; *p; p++)
        if (*p == '\n')
            *p = p[1] ? ' ' : '\0';
}

static bool add_file(mjVFS *files, const struct et__mujoco_file *file)
{
    if (file->text.n >= INT32_MAX || mj_makeEmptyFileVFS(files, file->name, (int)file->text.n) != 0)
        return false;
    memcpy(files->filedata[files->nfile - 1], file->text.p, file->text.n);
    return true;
}

// One load after the other: MuJoCo keeps the last in a global.
static enum et_status load_alone(struct load *l, struct mjModel_ **model, struct et_err *err)
{
    static pthread_mutex_t one_by_one = PTHREAD_MUTEX_INITIALIZER;
    (void)pthread_mutex_lock(&one_by_one);
    const enum et_status st = load_with_points(l, err);
    (void)pthread_mutex_unlock(&one_by_one);
    if (st != ET_OK)
        return st;
    flatten(l->text);
    if (!l->model)
        return et_fail(err, ET_ECORRUPT, -1, "MuJoCo: %.300s", l->text);
    *model = l->model;
    return ET_OK;
}

enum et_status et__mujoco_load_path(const char *path, struct mjModel_ **model, struct et_err *err)
{
    *model = NULL;
    return load_alone(&(struct load){.name = path}, model, err);
}

enum et_status et__mujoco_load(const struct et__mujoco_file *texts, size_t n_texts,
                               struct mjModel_ **model, struct et_err *err)
{
    *model = NULL;
    for (size_t i = 0; i < n_texts; i++) // MuJoCo would end the program
        if (texts[i].text.n == 0)
            return et_fail(err, ET_ECORRUPT, -1, "%s is empty", texts[i].name);
    mjVFS *files = calloc(1, sizeof *files); // 2 MB: not on the stack
    if (!files)
        return et_fail(err, ET_ENOMEM, -1, "no memory for MuJoCo's files");
    mj_defaultVFS(files);
    bool is_full = false;
    for (size_t i = 0; !is_full && i < n_texts; i++)
        is_full = !add_file(files, &texts[i]);
    const enum et_status st =
        is_full ? et_fail(err, ET_ENOMEM, -1, "no memory for a model's text")
                : load_alone(&(struct load){.name = texts[0].name, .files = files}, model, err);
    mj_deleteVFS(files);
    free(files);
    return st;
}
