/* FFmpeg at arm's length: silence, errors in its words, the codec's parameters, versions. */
#include "format__units.h"
#include "format__video.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

// ---- silence ---------------------------------------------------------------------------------

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Says nothing, but hears of references that a decoder has made up. */
static void say_nothing(void *avcl, int level, const char *fmt, va_list args)
{
    (void)args;
    if (!avcl || level > AV_LOG_ERROR || *(const AVClass *const *)avcl != avcodec_get_class())
        return;
    struct et__av_listener *const listener = ((AVCodecContext *)avcl)->opaque;
    if (listener && (begins(fmt, "Could not find ref") || begins(fmt, "Missing reference") ||
                     begins(fmt, "reference picture missing")))
        listener->n_missing++;
}

/* SVT-AV1 takes its level of talk from the environment only, when an encoder is opened; a level
 * that somebody set stays. */
static void begin(void)
{
    av_log_set_callback(say_nothing);
    (void)setenv("SVT_LOG", "0", 0);
}

void et__av_begin(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, begin);
}

enum et_status et__av_fail(struct et_err *err, enum et_status status, int av_error, const char *fmt,
                           ...)
{
    char text[ET_ERR_TEXT_BYTES], reason[AV_ERROR_MAX_STRING_SIZE];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    (void)av_strerror(av_error, reason, sizeof reason);
    if (av_error == AVERROR(ENOMEM))
        status = ET_ENOMEM;
    return et_fail(err, status, -1, "%s: %s", text, reason);
}

// ---- parameters and packets ------------------------------------------------------------------

enum et_status et__mp4_codec(const struct et__mp4 *mp4, AVCodecParameters **codec,
                             struct et_err *err)
{
    const char *const f = mp4->fourcc;
    AVCodecParameters *made = avcodec_parameters_alloc();
    uint8_t *extra = av_mallocz(mp4->config.n + AV_INPUT_BUFFER_PADDING_SIZE);

    *codec = NULL;
    if (!made || !extra) {
        avcodec_parameters_free(&made);
        av_free(extra);
        return et_fail(err, ET_ENOMEM, -1, "no memory for a codec's parameters");
    }
    if (mp4->config.n > 0)
        memcpy(extra, mp4->config.p, mp4->config.n);
    made->codec_type = AVMEDIA_TYPE_VIDEO;
    made->codec_id = mp4->codec;
    made->codec_tag = MKTAG(f[0], f[1], f[2], f[3]);
    made->extradata = extra;
    made->extradata_size = (int)mp4->config.n;
    made->width = mp4->width_px;
    made->height = mp4->height_px;
    made->video_delay = mp4->delay < 16 ? (int)mp4->delay : 16; // no codec here reorders more
    *codec = made;
    return ET_OK;
}

enum et_status et__mp4_read(const struct et__mp4 *mp4, int32_t i, AVPacket *packet,
                            struct et_err *err)
{
    const struct et__sample *const s = &mp4->samples[i];

    av_packet_unref(packet);
    if (s->n_bytes == 0)
        return et__mp4_fail(mp4, err, ET_ECORRUPT, s->i_frame, "frame %d has no bytes", s->i_frame);
    if (av_new_packet(packet, (int)s->n_bytes) < 0)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a picture of %u bytes", s->n_bytes);
    packet->flags = s->is_key ? AV_PKT_FLAG_KEY : 0;
    return et_file_read_exact(mp4->file, s->offset, packet->data, s->n_bytes, err);
}

// ---- versions --------------------------------------------------------------------------------

/* Libraries that FFmpeg calls are seen by their files' names; two of them also tell a version. */
static int add_library(struct dl_phdr_info *info, size_t size, void *ctx)
{
    static const char *const NAMES[] = {"libSvtAv1Enc.so", "libx264.so", "libx265.so",
                                        "libdav1d.so"};
    struct et_buf *const text = ctx;
    const char *const slash = strrchr(info->dlpi_name, '/');
    const char *const name = slash ? slash + 1 : info->dlpi_name;
    (void)size;

    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (strncmp(name, NAMES[i], strlen(NAMES[i])) == 0)
            et_buf_printf(text, ", %s", name);
    return 0;
}

static void add_version(struct et_buf *text, const char *name, const char *symbol)
{
    const char *(*version)(void) = NULL;
    void *const found = dlsym(RTLD_DEFAULT, symbol);

    memcpy(&version, &found, sizeof version);
    if (version)
        et_buf_printf(text, ", %s %s", name, version());
}

void et_video_versions(char *text, size_t cap)
{
    const unsigned c = avcodec_version(), f = avformat_version();
    struct et_buf line = et_buf(1024);

    et_buf_printf(&line, "FFmpeg %s, libavcodec %u.%u.%u, libavformat %u.%u.%u", av_version_info(),
                  c >> 16, c >> 8 & 255, c & 255, f >> 16, f >> 8 & 255, f & 255);
    add_version(&line, "SVT-AV1", "svt_av1_get_version");
    add_version(&line, "dav1d", "dav1d_version");
    (void)dl_iterate_phdr(add_library, &line);
    (void)snprintf(text, cap, "%s", et_buf_text(&line));
    et_buf_free(&line);
}
