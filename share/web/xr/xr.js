// Head, hands and controllers of whoever wears the headset, a message a frame, and the trainer's
// marks. The bytes are those of doc/format-webxr.md; poses go out as WebXR has them, the robot's
// axes are made of them there.

const VERSION = 1, FRAME = 1, PING = 2;
const JOINTS = 25;
const BUTTONS_MAX = 16, AXES_MAX = 8;
const UNSENT_BYTES_MAX = 8192; // a pose that would wait is worth nothing: some five frames
const AGAIN_MS = [200, 500, 1000, 2000];
const BUSY = 4001, REPLACED = 4002, OTHER_VERSION = 4003;
const BUTTONS = {
    left: ["trigger", "squeeze", "touchpad", "stick", "x", "y"],
    right: ["trigger", "squeeze", "touchpad", "stick", "a", "b"],
};

const $ = id => document.getElementById(id);
const page = Array.from(crypto.getRandomValues(new Uint8Array(8)), b => b.toString(16).padStart(2, "0")).join("");

// What the server said last.
let welcome = { buttons: {}, mode: "auto", rate_hz: 0, device: "" };
let status = null, statusAt = 0;

// ---- the link ----

// A page looks on and sets marks; while its session runs it is the headset.
const link = { socket: null, role: "page", isOpen: false, tries: 0, seq: 0 };

// The smallest step of the page's clock: what a stamp may be wrong by.
function resolutionMs() {
    let least = 20;
    const end = performance.now() + 4;
    for (let t = performance.now(); t < end;) {
        const next = performance.now();
        if (next > t)
            least = Math.min(least, next - t);
        t = next;
    }
    return least;
}

function connect() {
    const url = new URL("xr", location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    url.search = `?as=${link.role}&page=${page}`;
    url.hash = "";
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.role = link.role;
    link.socket = socket;
    socket.onopen = () => {
        link.isOpen = true;
        link.tries = 0;
        say({ op: "hello", version: VERSION, agent: navigator.userAgent, resolution_ms: resolutionMs() });
        showLink("ok", "connected");
    };
    socket.onmessage = event => {
        const came = performance.now();
        if (typeof event.data === "string")
            hear(JSON.parse(event.data));
        else
            answerPing(event.data, came);
    };
    socket.onclose = event => {
        link.isOpen = false;
        status = null;
        showStatus();
        showLink("warn", event.reason || "no connection");
        if (event.code === OTHER_VERSION)
            return;
        if (event.code === REPLACED)
            xr.session?.end();
        const wait = socket.role !== link.role ? 0 : event.code === BUSY ? 2000
            : AGAIN_MS[Math.min(link.tries++, AGAIN_MS.length - 1)];
        setTimeout(connect, wait);
    };
}

function become(role) {
    link.role = role;
    link.socket.close(1000);
}

function say(what) {
    if (link.isOpen)
        link.socket.send(JSON.stringify(what));
    return link.isOpen;
}

function answerPing(data, came) {
    const bytes = new DataView(data);
    if (bytes.byteLength !== 8 || bytes.getUint8(0) !== PING)
        return;
    const answer = new DataView(new ArrayBuffer(24));
    answer.setUint8(0, PING);
    answer.setUint8(1, VERSION);
    answer.setUint32(4, bytes.getUint32(4, true), true);
    answer.setFloat64(8, came, true);
    answer.setFloat64(16, performance.now(), true);
    link.socket.send(answer.buffer);
}

function hear(said) {
    if (said.op === "welcome") {
        welcome = said;
        $("device").textContent = said.device;
        showMapping();
    } else if (said.op === "status") {
        const before = status;
        status = said;
        statusAt = performance.now();
        if (before && before.recording !== said.recording)
            tellHands(said.recording);
        showStatus();
    }
}

function mark(word, by) {
    say({ op: "mark", mark: word, by });
}

// ---- a frame as bytes ----

const bytes = new DataView(new ArrayBuffer(4096));
let at = 0;
const u8 = x => bytes.setUint8(at++, x);
const u16 = x => { bytes.setUint16(at, x, true); at += 2; };
const u32 = x => { bytes.setUint32(at, x, true); at += 4; };
const f32 = x => { bytes.setFloat32(at, x, true); at += 4; };
const f64 = x => { bytes.setFloat64(at, x, true); at += 8; };

function putTransform(transform) {
    const p = transform?.position, q = transform?.orientation;
    for (const x of p ? [p.x, p.y, p.z, q.x, q.y, q.z, q.w] : [NaN, NaN, NaN, NaN, NaN, NaN, NaN])
        f32(x);
}

// A column-major matrix from m[o] on. Of the four ways to take a rotation's quaternion, the one that
// divides by the largest (Shepperd 1978).
function putMatrix(m, o) {
    const a = m[o], b = m[o + 5], c = m[o + 10];
    const squares = [1 + a - b - c, 1 - a + b - c, 1 - a - b + c, 1 + a + b + c];
    const i = squares.indexOf(Math.max(...squares));
    const r = 2 * Math.sqrt(squares[i]);
    const yz = m[o + 6] + m[o + 9], zx = m[o + 8] + m[o + 2], xy = m[o + 1] + m[o + 4];
    const wx = m[o + 6] - m[o + 9], wy = m[o + 8] - m[o + 2], wz = m[o + 1] - m[o + 4];
    const q = [[r * r / 4, xy, zx, wx], [xy, r * r / 4, yz, wy], [zx, yz, r * r / 4, wz], [wx, wy, wz, r * r / 4]][i];
    for (const x of [m[o + 12], m[o + 13], m[o + 14], q[0] / r, q[1] / r, q[2] / r, q[3] / r])
        f32(x);
}

const matrices = new Float32Array(16 * JOINTS), radii = new Float32Array(JOINTS);

// All joints, or none: a hand that is half seen is of no use.
function readJoints(frame, hand, space) {
    const joints = [...hand.values()];
    if (joints.length !== JOINTS)
        return false;
    if (frame.fillPoses) {
        if (!frame.fillPoses(joints, space, matrices))
            return false;
        if (!frame.fillJointRadii(joints, radii))
            radii.fill(0);
        return true;
    }
    for (let i = 0; i < JOINTS; i++) {
        const pose = frame.getJointPose(joints[i], space);
        if (!pose)
            return false;
        matrices.set(pose.transform.matrix, 16 * i);
        radii[i] = pose.radius ?? 0;
    }
    return true;
}

function putHand(frame, source, space) {
    if (!source) {
        for (let i = 0; i < 4; i++)
            u8(0);
        return;
    }
    const buttons = source.gamepad?.buttons.slice(0, BUTTONS_MAX) ?? [];
    const axes = source.gamepad?.axes.slice(0, AXES_MAX) ?? [];
    const hasJoints = source.hand ? readJoints(frame, source.hand, space) : false;
    let pose = source.gripSpace ? frame.getPose(source.gripSpace, space) : null;
    if (!pose && hasJoints)
        pose = frame.getJointPose(source.hand.get("wrist"), space);
    u8(source.hand ? 2 : 1);
    u8((pose ? 1 : 0) | (pose?.emulatedPosition ? 2 : 0) | (hasJoints ? 4 : 0));
    u8(buttons.length);
    u8(axes.length);
    putTransform(pose?.transform);
    u32(buttons.reduce((bits, b, i) => bits | (b.pressed ? 1 << i : 0), 0) >>> 0);
    buttons.forEach(b => f32(b.value));
    axes.forEach(x => f32(x));
    if (!hasJoints)
        return;
    for (let i = 0; i < JOINTS; i++)
        putMatrix(matrices, 16 * i);
    for (let i = 0; i < JOINTS; i++)
        u16(Math.max(0, Math.min(65535, Math.round(radii[i] * 1e5) || 0)));
}

// A controller in the hand counts before the hand around it.
function sourceOf(session, side) {
    let found = null;
    for (const source of session.inputSources)
        if (source.handedness === side && source.targetRayMode !== "screen" && (!found || !source.hand))
            found = source;
    return found;
}

function sendFrame(t, frame, viewer) {
    const seq = link.seq++;
    if (!link.isOpen || link.socket.role !== "headset")
        return;
    if (link.socket.bufferedAmount > UNSENT_BYTES_MAX)
        return; // its number tells that it is missing
    const now = performance.now();
    at = 0;
    u8(FRAME);
    u8(VERSION);
    u16((viewer ? 1 : 0) | (viewer?.emulatedPosition ? 2 : 0) | (xr.wasReset ? 4 : 0));
    u32(seq >>> 0);
    f64(Math.abs(t - now) < 1000 ? t : now); // some browsers count from elsewhere
    f64(frame.predictedDisplayTime ?? NaN);
    const sentAt = at;
    f64(0);
    putTransform(viewer?.transform);
    putHand(frame, sourceOf(xr.session, "left"), xr.space);
    putHand(frame, sourceOf(xr.session, "right"), xr.space);
    bytes.setFloat64(sentAt, performance.now(), true);
    link.socket.send(bytes.buffer.slice(0, at));
    xr.wasReset = false;
}

// ---- the session ----

const xr = { mode: null, session: null, space: null, gl: null, wasReset: false, pressed: {}, scene: null };

async function findMode() {
    const wanted = welcome.mode === "ar" ? ["immersive-ar"] : welcome.mode === "vr" ? ["immersive-vr"] : ["immersive-ar", "immersive-vr"];
    for (const mode of navigator.xr ? wanted : [])
        if (await navigator.xr.isSessionSupported(mode).catch(() => false))
            return mode;
    return null;
}

async function look() {
    xr.mode = await findMode();
    $("enter").disabled = !xr.mode || Boolean(xr.session);
    $("enter").textContent = xr.session ? "In the headset" : "Enter";
    showHelp();
    showWhy(xr.mode ? "" : !isSecureContext ? "A browser gives no poses to a page without TLS: use https, or localhost."
        : !navigator.xr ? "This browser has no WebXR." : "No headset is here. Marks can be set on this page all the same.");
}

async function enter() {
    $("enter").disabled = true;
    try {
        const session = await navigator.xr.requestSession(xr.mode, { requiredFeatures: ["local-floor"], optionalFeatures: ["hand-tracking"] });
        sound.context ??= new AudioContext();
        await begin(session);
    } catch (error) {
        showWhy(`The headset refused: ${error.message}`, true);
        $("enter").disabled = false;
    }
}

async function begin(session) {
    const canvas = document.createElement("canvas");
    const gl = canvas.getContext("webgl", { xrCompatible: true });
    session.addEventListener("end", () => {
        xr.session = null;
        become("page");
        look();
    });
    session.updateRenderState({ baseLayer: new XRWebGLLayer(session, gl) });
    xr.space = await session.requestReferenceSpace("local-floor");
    xr.space.addEventListener("reset", () => { xr.wasReset = true; });
    xr.session = session;
    xr.gl = gl;
    xr.scene = makeScene(gl);
    xr.pressed = {};
    const rates = session.supportedFrameRates;
    if (welcome.rate_hz && rates?.length && session.updateTargetFrameRate) {
        const nearest = rates.reduce((a, b) => Math.abs(b - welcome.rate_hz) < Math.abs(a - welcome.rate_hz) ? b : a);
        session.updateTargetFrameRate(nearest).catch(() => {}); // it keeps its own
    }
    become("headset");
    look();
    session.requestAnimationFrame(onFrame);
}

function onFrame(t, frame) {
    const session = frame.session;
    session.requestAnimationFrame(onFrame);
    const viewer = frame.getViewerPose(xr.space);
    sendFrame(t, frame, viewer);
    readMarks(session);
    draw(frame, viewer);
}

// A mark is set when its button goes down.
function readMarks(session) {
    for (const side of ["left", "right"]) {
        const buttons = sourceOf(session, side)?.gamepad?.buttons ?? [];
        BUTTONS[side].forEach((name, i) => {
            const key = `${side}_${name}`, isDown = Boolean(buttons[i]?.pressed);
            if (isDown && !xr.pressed[key] && welcome.buttons[key])
                mark(welcome.buttons[key], key);
            xr.pressed[key] = isDown;
        });
    }
}

// ---- felt and heard: once when a recording begins, twice when it ends ----

const sound = { context: null };

function tellHands(isRecording) {
    const times = isRecording ? [0] : [0, 160];
    for (const wait of times)
        setTimeout(() => {
            for (const source of xr.session?.inputSources ?? [])
                source.gamepad?.hapticActuators?.[0]?.pulse?.(0.7, 90);
            beep(isRecording ? 880 : 523);
        }, wait);
}

function beep(hz) {
    const context = sound.context;
    if (!context)
        return;
    const tone = context.createOscillator(), gain = context.createGain();
    tone.frequency.value = hz;
    gain.gain.setValueAtTime(0.15, context.currentTime);
    gain.gain.exponentialRampToValueAtTime(0.001, context.currentTime + 0.12);
    tone.connect(gain).connect(context.destination);
    tone.start();
    tone.stop(context.currentTime + 0.13);
}

// ---- seen in the headset: a plate with the state, below where one looks, and the hands ----

const PLATE = { width: 1024, height: 256, metres: 0.62, at: [0, -0.42, -1.15] };
const VERTEX = `attribute vec3 place; attribute vec2 spot; uniform mat4 to_screen; varying vec2 v_spot;
    void main() { v_spot = spot; gl_PointSize = 8.0; gl_Position = to_screen * vec4(place, 1.0); }`;
const FRAGMENT = `precision mediump float; varying vec2 v_spot; uniform sampler2D plate; uniform bool is_point;
    void main() { gl_FragColor = is_point ? vec4(0.61, 0.81, 1.0, 1.0) : texture2D(plate, v_spot); }`;

function makeScene(gl) {
    const program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
        const shader = gl.createShader(kind);
        gl.shaderSource(shader, text);
        gl.compileShader(shader);
        gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    const canvas = document.createElement("canvas");
    canvas.width = PLATE.width;
    canvas.height = PLATE.height;
    const w = PLATE.metres / 2, h = w * PLATE.height / PLATE.width;
    const corners = gl.createBuffer(), points = gl.createBuffer(), texture = gl.createTexture();
    gl.bindBuffer(gl.ARRAY_BUFFER, corners);
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-w, -h, 0, 0, 1, w, -h, 0, 1, 1, -w, h, 0, 0, 0, w, h, 0, 1, 0]), gl.STATIC_DRAW);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    return {
        program, canvas, paper: canvas.getContext("2d"), corners, points, texture, drawnAt: 0,
        place: gl.getAttribLocation(program, "place"), spot: gl.getAttribLocation(program, "spot"),
        toScreen: gl.getUniformLocation(program, "to_screen"), isPoint: gl.getUniformLocation(program, "is_point"),
    };
}

function drawPlate(gl, scene) {
    const now = performance.now(), paper = scene.paper;
    if (now - scene.drawnAt < 200)
        return;
    scene.drawnAt = now;
    const [colour, word] = !link.isOpen ? ["#ffc93a", "▲ no connection"]
        : status?.recording ? ["#f26a50", `■ recording ${seconds()}`] : ["#b4c2cf", "○ not recording"];
    paper.clearRect(0, 0, PLATE.width, PLATE.height);
    paper.fillStyle = "rgba(13, 17, 21, 0.86)";
    paper.beginPath();
    paper.roundRect(0, 0, PLATE.width, PLATE.height, 24);
    paper.fill();
    paper.textBaseline = "middle";
    for (const [text, style, size, y] of [[word, colour, 72, 62], [status?.skill || "", "#e7ecf1", 52, 144], [foot(), "#a7b3bf", 36, 212]]) {
        paper.fillStyle = style;
        paper.font = `600 ${size}px system-ui, sans-serif`;
        paper.fillText(text, 40, y, PLATE.width - 80);
    }
    gl.bindTexture(gl.TEXTURE_2D, scene.texture);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, true);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, scene.canvas);
}

function foot() {
    if (!status)
        return "";
    const held = { held: " · robot follows", released: " · robot waits" }[status.deadman] ?? "";
    return `${status.rate_hz} Hz · ${tripText()} · ${status.success} good, ${status.failure} bad${held}`;
}

// Of two column-major matrices.
function times(a, b) {
    const m = new Float32Array(16);
    for (let c = 0; c < 4; c++)
        for (let r = 0; r < 4; r++)
            for (let k = 0; k < 4; k++)
                m[4 * c + r] += a[4 * k + r] * b[4 * c + k];
    return m;
}

// Joints of both hands, three numbers each.
function handPoints(frame) {
    const places = [];
    for (const side of ["left", "right"]) {
        const hand = sourceOf(xr.session, side)?.hand;
        if (!hand || !readJoints(frame, hand, xr.space))
            continue;
        for (let i = 0; i < JOINTS; i++)
            places.push(matrices[16 * i + 12], matrices[16 * i + 13], matrices[16 * i + 14]);
    }
    return new Float32Array(places);
}

function draw(frame, viewer) {
    const gl = xr.gl, scene = xr.scene, layer = frame.session.renderState.baseLayer;
    gl.bindFramebuffer(gl.FRAMEBUFFER, layer.framebuffer);
    gl.clearColor(0.05, 0.07, 0.08, xr.mode === "immersive-ar" ? 0 : 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    if (!viewer)
        return;
    drawPlate(gl, scene);
    const points = handPoints(frame);
    gl.bindBuffer(gl.ARRAY_BUFFER, scene.points);
    gl.bufferData(gl.ARRAY_BUFFER, points, gl.STREAM_DRAW);
    const there = new Float32Array([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, ...PLATE.at, 1]);
    const plate = times(viewer.transform.matrix, there);
    gl.useProgram(scene.program);
    gl.enableVertexAttribArray(scene.place);
    for (const view of viewer.views) {
        const port = layer.getViewport(view);
        const toScreen = times(view.projectionMatrix, view.transform.inverse.matrix);
        gl.viewport(port.x, port.y, port.width, port.height);
        gl.bindBuffer(gl.ARRAY_BUFFER, scene.points);
        gl.disableVertexAttribArray(scene.spot);
        gl.vertexAttribPointer(scene.place, 3, gl.FLOAT, false, 12, 0);
        gl.uniform1i(scene.isPoint, 1);
        gl.uniformMatrix4fv(scene.toScreen, false, toScreen);
        gl.drawArrays(gl.POINTS, 0, points.length / 3);
        gl.bindBuffer(gl.ARRAY_BUFFER, scene.corners);
        gl.enableVertexAttribArray(scene.spot);
        gl.vertexAttribPointer(scene.place, 3, gl.FLOAT, false, 20, 0);
        gl.vertexAttribPointer(scene.spot, 2, gl.FLOAT, false, 20, 12);
        gl.uniform1i(scene.isPoint, 0);
        gl.uniformMatrix4fv(scene.toScreen, false, times(toScreen, plate));
        gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    }
}

// ---- the page ----

function setState(element, kind, word) {
    element.className = element.className.replace(/ (ok|warn|rec)\b/g, "") + (kind ? " " + kind : "");
    element.querySelector("b").textContent = word;
}

function showLink(kind, word) {
    setState($("link"), kind, word);
    for (const button of $("marks").children)
        button.disabled = !link.isOpen;
}

function showWhy(text, isBad) {
    $("why").textContent = text;
    $("why").className = isBad ? "bad" : "";
}

function showHelp() {
    const isNear = ["127.0.0.1", "localhost", "[::1]"].includes(location.hostname);
    const port = location.port || (location.protocol === "https:" ? 443 : 80);
    $("help").hidden = Boolean(xr.mode || status?.headset);
    $("near").hidden = !isNear;
    $("far").hidden = isNear;
    $("trust").hidden = location.protocol !== "https:";
    $("reverse").textContent = `adb reverse tcp:${port} tcp:${port}`;
    $("address").textContent = isNear ? `${location.protocol}//localhost:${port}/` : location.origin + "/";
}

function showMapping() {
    const known = Object.entries(welcome.buttons).filter(([, word]) => word && word !== "none");
    const names = { next: "start, then success" };
    $("mapping").textContent = known.length === 0 ? ""
        : "Controllers: " + known.map(([key, word]) => `${key.replace("_", " ")} – ${names[word] ?? word}`).join(" · ");
}

function seconds() {
    const s = status ? status.seconds + (performance.now() - statusAt) / 1000 : 0;
    return `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
}

function tripText() {
    return status?.round_trip_ms == null ? "–" : `${status.round_trip_ms.toFixed(1)} ms`;
}

function showStatus() {
    const s = status;
    setState($("recording"), s?.recording ? "rec" : "", s?.recording ? "recording" : "not recording");
    $("clock").textContent = s?.recording ? seconds() : "";
    $("skill").textContent = s?.skill || "no skill is named";
    $("instruction").textContent = s?.instruction ?? "";
    $("rate").textContent = s?.headset ? `${s.rate_hz} Hz` : "no headset";
    $("trip").textContent = tripText();
    $("doubt").textContent = s?.uncertainty_ms == null ? "–" : `± ${s.uncertainty_ms.toFixed(1)} ms`;
    $("lost").textContent = s?.lost ?? "–";
    $("done").textContent = s ? `${s.done} · ${s.success} good` : "–";
    $("deadman").textContent = { held: "held", released: "released" }[s?.deadman] ?? "–";
    showHelp();
}

$("enter").addEventListener("click", enter);
for (const button of $("marks").children)
    button.addEventListener("click", () => mark(button.dataset.mark, "page"));
addEventListener("keydown", event => {
    const words = { " ": status?.recording ? "stop" : "start", s: "success", f: "failure", d: "discard" };
    if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || !words[event.key])
        return;
    if (event.key === " " && event.target !== document.body)
        return; // the button that has the focus is meant
    event.preventDefault();
    mark(words[event.key], "keyboard");
});
navigator.xr?.addEventListener?.("devicechange", look);
setInterval(() => {
    if (status?.recording)
        $("clock").textContent = seconds();
}, 500);
showLink("", "connecting");
connect();
look();
