/* An exam's file (behind a 'y'), a ledger ('l'), an exam's map in one ('h'), a trial's ('t'): each
 * is refused in words, or means the same once it was written again. */
#include "etude/exam.h"
#include "exam/exam__diploma.h"
#include "exam/exam__ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARENA_BYTES ((size_t)8 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum et_status take_any(void *ctx, const struct et_value *line, struct et_arena *arena,
                               struct et_err *err)
{
    (void)ctx;
    (void)line;
    (void)arena;
    (void)err;
    return ET_OK;
}

static void read_as_file(char kind, const uint8_t *data, size_t n, struct et_arena *arena)
{
    char path[64];
    struct et_err err = {0};
    struct et__ledger ledger;
    const struct et_exam *exam = NULL;
    const int fd = memfd_create("exam", MFD_CLOEXEC);
    if (fd < 0)
        return;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (write(fd, data, n) == (ssize_t)n) {
        if (kind == 'y' && et_exam_load(path, arena, &exam, &err) == ET_OK &&
            (!exam->title || exam->n_skills > ET_EXAM_SKILLS_MAX))
            abort();
        if (kind == 'l' && et__ledger_read(&ledger, path, take_any, NULL, &err) == ET_OK &&
            ledger.n_bytes > (int64_t)n)
            abort();
    }
    (void)close(fd);
}

static void read_as_trial(const struct et_value *map, struct et_arena *arena)
{
    static const char *const SKILLS[] = {"press_button", "take_bottle"};
    const struct et_exam exam = {.skills = SKILLS, .n_skills = 2};
    struct et_exam_trial a, b;
    const struct et_value *again = NULL;
    struct et_err err = {0};
    if (et__trial_take(map, &exam, &a, &err) != ET_OK)
        return;
    struct et_buf buf = et_buf(ET__LEDGER_LINE_MAX);
    struct et_json_writer w = {.buf = &buf};
    et__trial_put(&w, &a, SKILLS[a.i_skill], true);
    if (et_buf_check(&buf, "a trial", &err) != ET_OK ||
        et_json_parse(et_buf_str(&buf), NULL, arena, &again, &err) != ET_OK ||
        et__trial_take(again, &exam, &b, &err) != ET_OK || a.i != b.i || a.code != b.code ||
        a.draw.seed != b.draw.seed || a.n_scene != b.n_scene)
        abort();
    et_buf_free(&buf);
}

static void read_as_body(const struct et_value *body, struct et_arena *arena)
{
    static const uint8_t SEED[ET_KEY_BYTES] = {1};
    struct et_buf canonical = et_buf(1 << 20), file = et_buf(1 << 21);
    char text[ET__SIGNED_BYTES_MAX], name[ET_KEY_TEXT_CHARS + 1], path[64];
    uint8_t signature[ET_SIGNATURE_BYTES];
    const struct et_diploma *diploma = NULL;
    struct et_secret_key key;
    struct et_digest digest;
    struct et_err err = {0};
    const int fd = memfd_create("diploma", MFD_CLOEXEC);
    et_key_of_seed(&key, SEED);
    et_key_text(&key.public, name);
    if (fd >= 0 && et__canonical_digest(body, &canonical, &digest, &err) == ET_OK) {
        et_key_sign(&key, text, et__diploma_signed(&digest, "2026", text), signature);
        et_buf_printf(&file, "{\"diploma\":1,\"signature\":{\"algorithm\":\"Ed25519\",");
        et_buf_printf(&file, "\"key\":\"%s\",\"signed\":\"2026\",\"value\":\"", name);
        for (size_t i = 0; i < sizeof signature; i++)
            et_buf_printf(&file, "%02x", signature[i]);
        et_buf_puts(&file, "\"},\"body\":");
        et_buf_putstr(&file, et_buf_str(&canonical));
        et_buf_putc(&file, '}');
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        if (file.status == ET_OK && write(fd, file.p, file.n) == (ssize_t)file.n &&
            et_diploma_read(path, &key.public, arena, &diploma, &err) == ET_OK &&
            diploma->result == ET_EXAM_GOES_ON)
            abort();
    }
    if (fd >= 0)
        (void)close(fd);
    et_buf_free(&canonical);
    et_buf_free(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct et_arena *arena = NULL;
    const struct et_value *map = NULL;
    const struct et_exam *exam = NULL;
    struct et_err err = {0};
    if (size < 1 || et_arena_open(&arena, ARENA_BYTES, &err) != ET_OK)
        return 0;
    const struct et_str rest = {(const char *)data + 1, size - 1};
    if (data[0] == 'y' || data[0] == 'l')
        read_as_file((char)data[0], data + 1, size - 1, arena);
    else if (et_json_parse(rest, NULL, arena, &map, &err) == ET_OK && data[0] == 'h')
        (void)!et_exam_take(map, arena, &exam, &err);
    else if (map && data[0] == 't')
        read_as_trial(map, arena);
    else if (map && data[0] == 'd')
        read_as_body(map, arena);
    et_arena_close(arena);
    return 0;
}
