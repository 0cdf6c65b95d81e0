/* Live streams for viewers: what record and play share of it. */
#include "cli_live.h"

#include <stdlib.h>
#include <unistd.h>

#define HOST_BYTES 65

enum et_status cli_tls_open(const char *folder, struct et_tls **tls, struct et_err *err)
{
    char host[HOST_BYTES] = "localhost", cert[512], key[512];
    (void)gethostname(host, sizeof host - 1);
    const char *const names[] = {host, "localhost", "127.0.0.1"};
    (void)snprintf(cert, sizeof cert, "%s/" ET_TLS_CERT, folder);
    (void)snprintf(key, sizeof key, "%s/" ET_TLS_KEY, folder);
    const enum et_status st = et_tls_make(folder, names, sizeof names / sizeof *names, err);
    return st == ET_OK ? et_tls_open_server(tls, cert, key, err) : st;
}

static const char *token_of(const struct cli_foxglove *foxglove,
                            const struct et_station_foxglove *how)
{
    return foxglove->token[0] ? foxglove->token : how->token ? how->token : getenv("ETUDE_TOKEN");
}

// By the names that whoever is to mend it knows: an option's, or those of the station's file.
static int say_trouble(const struct cli_args *args, bool is_public, const struct et_err *err)
{
    const bool is_of_file =
        !cli_has(args, "foxglove") && !cli_has(args, "tls") && !cli_has(args, "token-file");
    cli_problem(args, "viewers: %s", err->text);
    if (err->status == ET_EARG && !is_public && is_of_file)
        cli_problem(args, "from other machines it is watched by TLS and with a token: foxglove: "
                          "{address: …, tls: FOLDER, token: …} (doc/foxglove.md)");
    else if (err->status == ET_EARG && !is_public)
        cli_problem(args, "from other machines it is watched by TLS and with a token: --tls FOLDER "
                          "and --token-file FILE or ETUDE_TOKEN (doc/foxglove.md)");
    return err->status == ET_EARG && !is_of_file ? CLI_USAGE : CLI_FAILED;
}

int cli_foxglove_open(const struct cli_args *args, const struct et_station_foxglove *how,
                      const char *name, size_t feed_bytes, struct cli_foxglove *foxglove)
{
    struct et_err err = {0};
    *foxglove = (struct cli_foxglove){0};
    if (!how->address)
        return CLI_DONE;
    if (!cli_token(args, foxglove->token))
        return CLI_FAILED;
    const char *token = token_of(foxglove, how);
    enum et_status st = how->tls ? cli_tls_open(how->tls, &foxglove->tls, &err) : ET_OK;
    const struct et_foxglove_options options = {.address = how->address[0] ? how->address
                                                                           : ET_FOXGLOVE_ADDRESS,
                                                .name = name,
                                                .tls = foxglove->tls,
                                                .feed_bytes = feed_bytes,
                                                .token = token,
                                                .origins = how->origins,
                                                .is_public = foxglove->tls && token};
    if (st == ET_OK)
        st = et_foxglove_open(&foxglove->server, &options, &err);
    if (st == ET_OK)
        return CLI_DONE;
    cli_foxglove_close(foxglove);
    return say_trouble(args, options.is_public, &err);
}

void cli_foxglove_say(const struct cli_foxglove *foxglove, const struct et_station_foxglove *how)
{
    char host[HOST_BYTES] = "";
    const char *address = foxglove->server ? et_foxglove_address(foxglove->server) : "";
    // Of all addresses of this machine, the name that its certificate has.
    if (strncmp(address, "0.0.0.0:", 8) == 0 || strncmp(address, "[::]:", 5) == 0) {
        (void)gethostname(host, sizeof host - 1);
        address = strrchr(address, ':');
    }
    if (foxglove->server)
        (void)fprintf(stderr, "open Lichtblick or Foxglove at %s://%s%s%s\n",
                      foxglove->tls ? "wss" : "ws", host, address,
                      foxglove->tls && token_of(foxglove, how) ? "/?token=…" : "");
}

void cli_foxglove_close(struct cli_foxglove *foxglove)
{
    et_foxglove_close(foxglove->server);
    et_tls_close(foxglove->tls);
    *foxglove = (struct cli_foxglove){0};
}
