/* An OpenGL context without a screen, for MuJoCo's renderer. */
#ifndef WORLD__GL_H
#define WORLD__GL_H

#include "etude/status.h"

/* EGL on Mesa's surfaceless platform, or OSMesa. Both libraries are looked for only now, so that
 * neither is needed to build the library or to run a world. ETUDE_GL=egl or osmesa in the
 * environment admits only that one.
 *
 * MuJoCo takes the first loader that it finds among the global symbols of the process, EGL's before
 * OSMesa's; so a library becomes global only once it has made a context, and one that has stays
 * loaded to the end, because MuJoCo keeps its functions. */
struct et__gl;

/* The context is current in this thread afterwards. ET_ENOTFOUND: neither works; why, and which
 * packages bring them. ET_EARG: ETUDE_GL is something else. */
ET_MUST_USE enum et_status et__gl_open(struct et__gl **gl, struct et_err *err);
void et__gl_close(struct et__gl *gl); // NULL is allowed

/* Makes it the current context of this thread, which is the one that opened it. */
ET_MUST_USE enum et_status et__gl_bind(struct et__gl *gl, struct et_err *err);

/* Around all that is done with a context, from its opening (NULL) to its end (NULL). Mesa's
 * software renderer keeps a list of all contexts of the process, and looks into those of other
 * threads while these draw (Mesa 22.3, llvmpipe_flush_resource): with it one draws at a time. With
 * a graphics card they do not wait for each other. */
void et__gl_lock(const struct et__gl *gl);
void et__gl_unlock(const struct et__gl *gl);

const char *et__gl_text(const struct et__gl *gl); // "EGL, llvmpipe (LLVM 15.0.6, 256 bits)"

#endif
