#include "world/world__gl.h"

#include <assert.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES 160
#define REASON_BYTES 128
#define WINDOW_PX 64 // what OSMesa draws on; pictures go to a framebuffer of MuJoCo's

// What is used of EGL 1.4, its extensions and OSMesa, with the numbers of Khronos's registry and of
// GL/osmesa.h; they are part of the libraries' binary interface.
// clang-format off
enum {
    EGL_ALPHA_SIZE = 0x3021, EGL_BLUE_SIZE = 0x3022, EGL_GREEN_SIZE = 0x3023, EGL_RED_SIZE = 0x3024,
    EGL_DEPTH_SIZE = 0x3025, EGL_STENCIL_SIZE = 0x3026, EGL_SURFACE_TYPE = 0x3033,
    EGL_NONE = 0x3038, EGL_RENDERABLE_TYPE = 0x3040, EGL_PBUFFER_BIT = 1, EGL_OPENGL_BIT = 8,
    EGL_OPENGL_API = 0x30A2, EGL_PLATFORM_SURFACELESS_MESA = 0x31DD,
    GL_UNSIGNED_BYTE = 0x1401, GL_RGBA = 0x1908, GL_RENDERER = 0x1F01,
};
// clang-format on

struct egl {
    void (*(*get_function)(const char *name))(void);
    unsigned (*initialize)(void *display, int32_t *major, int32_t *minor);
    unsigned (*choose_config)(void *display, const int32_t *wanted, void **configs, int32_t cap,
                              int32_t *n);
    unsigned (*bind_api)(unsigned api);
    void *(*create_context)(void *display, void *config, void *share, const int32_t *attributes);
    unsigned (*destroy_context)(void *display, void *context);
    unsigned (*make_current)(void *display, void *draw, void *read, void *context);
    int32_t (*get_error)(void);
};

struct osmesa {
    void (*(*get_function)(const char *name))(void);
    void *(*create_context)(unsigned format, int depth_bits, int stencil_bits, int accum_bits,
                            void *share);
    void (*destroy_context)(void *context);
    unsigned char (*make_current)(void *context, void *pixels, unsigned type, int width,
                                  int height);
};

struct et__gl {
    bool is_egl;
    struct egl egl;
    struct osmesa osmesa;
    void *display, *context;
    char text[TEXT_BYTES];
    unsigned char window[WINDOW_PX * WINDOW_PX * 4];
};

struct function {
    const char *name;
    size_t at; // in the struct of functions
};

static const struct function EGL_FUNCTIONS[] = {
    {"eglGetProcAddress", offsetof(struct egl, get_function)},
    {"eglInitialize", offsetof(struct egl, initialize)},
    {"eglChooseConfig", offsetof(struct egl, choose_config)},
    {"eglBindAPI", offsetof(struct egl, bind_api)},
    {"eglCreateContext", offsetof(struct egl, create_context)},
    {"eglDestroyContext", offsetof(struct egl, destroy_context)},
    {"eglMakeCurrent", offsetof(struct egl, make_current)},
    {"eglGetError", offsetof(struct egl, get_error)},
};
static const struct function OSMESA_FUNCTIONS[] = {
    {"OSMesaGetProcAddress", offsetof(struct osmesa, get_function)},
    {"OSMesaCreateContextExt", offsetof(struct osmesa, create_context)},
    {"OSMesaDestroyContext", offsetof(struct osmesa, destroy_context)},
    {"OSMesaMakeCurrent", offsetof(struct osmesa, make_current)},
};
#define N_OF(array) (sizeof(array) / sizeof(array)[0])

static bool find_functions(void *library, const struct function *functions, size_t n, void *to,
                           char *reason)
{
    for (size_t i = 0; i < n; i++) {
        void *function = dlsym(library, functions[i].name);
        if (!function) {
            (void)snprintf(reason, REASON_BYTES, "no %s in it", functions[i].name);
            return false;
        }
        memcpy((char *)to + functions[i].at, &function, sizeof function);
    }
    return true;
}

static bool refuse(const struct egl *egl, const char *what, char *reason)
{
    (void)snprintf(reason, REASON_BYTES, "%s (0x%x)", what, (unsigned)egl->get_error());
    return false;
}

// MuJoCo's functions are the whole process's: they come from one library.
static bool is_taken(const char *other, char *reason)
{
    if (!dlsym(RTLD_DEFAULT, other))
        return false;
    (void)snprintf(reason, REASON_BYTES, "the process uses the other already");
    return true;
}

static bool make_egl(struct et__gl *gl, void *library, char *reason)
{
    // clang-format off
    static const int32_t WANTED[] = {
        EGL_SURFACE_TYPE, EGL_PBUFFER_BIT, EGL_RED_SIZE, 8, EGL_GREEN_SIZE, 8, EGL_BLUE_SIZE, 8,
        EGL_ALPHA_SIZE, 8, EGL_DEPTH_SIZE, 24, EGL_STENCIL_SIZE, 8,
        EGL_RENDERABLE_TYPE, EGL_OPENGL_BIT, EGL_NONE};
    // clang-format on
    struct egl *egl = &gl->egl;
    gl->is_egl = true;
    if (!find_functions(library, EGL_FUNCTIONS, N_OF(EGL_FUNCTIONS), egl, reason))
        return false;
    if (is_taken("OSMesaGetProcAddress", reason))
        return false;
    void *(*get_display)(unsigned platform, void *native, const int32_t *attributes) = NULL;
    void (*function)(void) = egl->get_function("eglGetPlatformDisplayEXT");
    memcpy(&get_display, &function, sizeof get_display);
    if (!get_display || !(gl->display = get_display(EGL_PLATFORM_SURFACELESS_MESA, NULL, NULL)))
        return refuse(egl, "no surfaceless display", reason);
    int32_t n = 0;
    void *config = NULL;
    if (!egl->initialize(gl->display, NULL, NULL))
        return refuse(egl, "the display cannot be initialised", reason);
    if (!egl->choose_config(gl->display, WANTED, &config, 1, &n) || n < 1)
        return refuse(egl, "no configuration with 24 bits of depth", reason);
    if (!egl->bind_api(EGL_OPENGL_API) ||
        !(gl->context = egl->create_context(gl->display, config, NULL, NULL)))
        return refuse(egl, "no context", reason);
    if (!egl->make_current(gl->display, NULL, NULL, gl->context)) {
        (void)egl->destroy_context(gl->display, gl->context);
        return refuse(egl, "the context cannot be made current", reason);
    }
    return true;
}

static bool make_osmesa(struct et__gl *gl, void *library, char *reason)
{
    struct osmesa *osmesa = &gl->osmesa;
    gl->is_egl = false;
    if (!find_functions(library, OSMESA_FUNCTIONS, N_OF(OSMESA_FUNCTIONS), osmesa, reason))
        return false;
    if (is_taken("eglGetProcAddress", reason))
        return false;
    if (!(gl->context = osmesa->create_context(GL_RGBA, 24, 8, 0, NULL))) {
        (void)snprintf(reason, REASON_BYTES, "no context");
        return false;
    }
    if (!osmesa->make_current(gl->context, gl->window, GL_UNSIGNED_BYTE, WINDOW_PX, WINDOW_PX)) {
        osmesa->destroy_context(gl->context);
        (void)snprintf(reason, REASON_BYTES, "the context cannot be made current");
        return false;
    }
    return true;
}

struct kind {
    const char *word, *name, *library;
    bool (*make)(struct et__gl *gl, void *library, char *reason);
};
static const struct kind KINDS[] = {{"egl", "EGL", "libEGL.so.1", make_egl},
                                    {"osmesa", "OSMesa", "libOSMesa.so.8", make_osmesa}};

static bool try_kind(struct et__gl *gl, const struct kind *kind, char *reason)
{
    void *library = dlopen(kind->library, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *why = dlerror();
        (void)snprintf(reason, REASON_BYTES, "%s", why ? why : kind->library);
        return false;
    }
    bool is_made = kind->make(gl, library, reason);
    if (is_made && !dlopen(kind->library, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE)) {
        (void)snprintf(reason, REASON_BYTES, "it cannot be made global");
        is_made = false;
    }
    if (!is_made)
        (void)dlclose(library);
    return is_made;
}

static void describe(struct et__gl *gl, const char *name)
{
    const unsigned char *(*get_string)(unsigned what) = NULL;
    void (*function)(void) =
        gl->is_egl ? gl->egl.get_function("glGetString") : gl->osmesa.get_function("glGetString");
    memcpy(&get_string, &function, sizeof get_string);
    const unsigned char *renderer = get_string ? get_string(GL_RENDERER) : NULL;
    (void)snprintf(gl->text, sizeof gl->text, "%s, %s", name,
                   renderer ? (const char *)renderer : "unknown");
}

enum et_status et__gl_open(struct et__gl **gl, struct et_err *err)
{
    *gl = NULL;
    const char *only = getenv("ETUDE_GL");
    if (only && *only && strcmp(only, "egl") != 0 && strcmp(only, "osmesa") != 0)
        return et_fail(err, ET_EARG, -1, "ETUDE_GL is '%s': egl or osmesa", only);
    // Small pictures are drawn quicker without Mesa's own threads. It reads this when it starts.
    (void)setenv("LP_NUM_THREADS", "0", 0);
    struct et__gl *made = calloc(1, sizeof *made);
    if (!made)
        return et_fail(err, ET_ENOMEM, -1, "no memory for an OpenGL context");
    char reasons[N_OF(KINDS)][REASON_BYTES] = {"not wanted (ETUDE_GL)", "not wanted (ETUDE_GL)"};
    for (size_t i = 0; i < N_OF(KINDS); i++) {
        if (only && *only && strcmp(only, KINDS[i].word) != 0)
            continue;
        if (try_kind(made, &KINDS[i], reasons[i])) {
            describe(made, KINDS[i].name);
            *gl = made;
            return ET_OK;
        }
    }
    free(made);
    return et_fail(err, ET_ENOTFOUND, -1,
                   "no OpenGL for pictures: EGL: %s; OSMesa: %s; install the Debian packages "
                   "libegl1 libegl-mesa0 libgl1-mesa-dri, or libosmesa6",
                   reasons[0], reasons[1]);
}

void et__gl_close(struct et__gl *gl)
{
    if (!gl)
        return;
    if (gl->is_egl) {
        (void)gl->egl.make_current(gl->display, NULL, NULL, NULL);
        (void)gl->egl.destroy_context(gl->display, gl->context);
    } else {
        (void)gl->osmesa.make_current(NULL, NULL, GL_UNSIGNED_BYTE, 0, 0);
        gl->osmesa.destroy_context(gl->context);
    }
    free(gl);
}

static pthread_mutex_t one_by_one = PTHREAD_MUTEX_INITIALIZER;

static bool is_alone(const struct et__gl *gl)
{
    return !gl || !gl->is_egl || strstr(gl->text, "llvmpipe") || strstr(gl->text, "softpipe");
}

void et__gl_lock(const struct et__gl *gl)
{
    if (is_alone(gl))
        (void)pthread_mutex_lock(&one_by_one);
}

void et__gl_unlock(const struct et__gl *gl)
{
    if (is_alone(gl))
        (void)pthread_mutex_unlock(&one_by_one);
}

enum et_status et__gl_bind(struct et__gl *gl, struct et_err *err)
{
    const bool is_bound = gl->is_egl
                              ? gl->egl.make_current(gl->display, NULL, NULL, gl->context) != 0
                              : gl->osmesa.make_current(gl->context, gl->window, GL_UNSIGNED_BYTE,
                                                        WINDOW_PX, WINDOW_PX) != 0;
    return is_bound ? ET_OK : et_fail(err, ET_EIO, -1, "%s: the context is lost", gl->text);
}

const char *et__gl_text(const struct et__gl *gl)
{
    return gl->text;
}
