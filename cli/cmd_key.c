/* etude key new|show: the keys that a centre signs with. */
#include "cli.h"

#include "etude/key.h"

static int print_key(const struct cli_args *args, const char *path, const struct et_public_key *key)
{
    char id[ET_KEY_ID_CHARS + 1], text[ET_KEY_TEXT_CHARS + 1];
    et_key_id(key, id);
    et_key_text(key, text);
    if (args->is_json) {
        struct cli_json json;
        cli_json_open(&json, "key");
        et_json_put_text(&json.w, "path", path);
        et_json_put_text(&json.w, "id", id);
        et_json_put_text(&json.w, "public", text);
        return cli_json_print(&json, args);
    }
    printf("key %s\npublic %s\n", id, text);
    return CLI_DONE;
}

int cmd_key_new(const struct cli_args *args)
{
    struct et_err err = {0};
    struct et_secret_key key;
    const char *path = cli_get(args, "output");
    if (!path) {
        cli_problem(args, "where does the key go? -o FILE");
        return CLI_USAGE;
    }
    et_key_new(&key);
    const enum et_status st = et_key_save(&key, path, &err);
    const struct et_public_key public = key.public;
    et_key_wipe(&key);
    if (st != ET_OK)
        return cli_fail(args, &err);
    const int code = print_key(args, path, &public);
    if (!args->is_json && !args->is_quiet)
        printf("\nkeep %s, and give %s.pub to who shall check\n", path, path);
    return code;
}

int cmd_key_show(const struct cli_args *args)
{
    struct et_err err = {0}, why = {0};
    struct et_secret_key key;
    struct et_public_key public;
    if (et_key_load(args->words[0], &key, &err) == ET_OK) {
        public = key.public;
        et_key_wipe(&key);
    } else if (et_key_load_public(args->words[0], &public, &why) != ET_OK) {
        return cli_fail(args, &err);
    }
    return print_key(args, args->words[0], &public);
}
