#include "report/report__html.h"

#define N_LINES_ISOLATED 16 // lines whose legend entry, when pointed at, dims the others

/* The two palettes are the console's. Every text and sign colour has a contrast of at least 4.5 on
 * every surface; --c0 to --c7 of at least 3.1 on a panel, and with simulated protanopia,
 * deuteranopia and tritanopia any two of them stay at least 13 apart (CIEDE2000). */
// clang-format off
#define DARK                                                                                     \
    "color-scheme:dark;--bg-0:#0d1115;--bg-1:#141a20;--bg-2:#1c242c;--bg-3:#222b34;"             \
    "--line:#2d3843;--line-strong:#5f6e7d;--text:#e7ecf1;--text-2:#a7b3bf;--text-3:#8b9aa8;"     \
    "--accent:#4aa0ff;--focus:#9ccfff;"                                                          \
    "--ok:#7be8b8;--info:#4aa0ff;--warn:#ffc93a;--crit:#f26a50;--idle:#b4c2cf;"                  \
    "--ok-bg:#10302a;--info-bg:#11283d;--warn-bg:#352909;--crit-bg:#3c1a16;--idle-bg:#222a32;"   \
    "--c0:#4aa0ff;--c1:#f0a04b;--c2:#7cecaa;--c3:#e43386;"                                       \
    "--c4:#b7b7b7;--c5:#9a7d0b;--c6:#ebc8fd;--c7:#35898b;--shade:.2"
#define LIGHT                                                                                    \
    "color-scheme:light;--bg-0:#eef1f4;--bg-1:#ffffff;--bg-2:#f5f7f9;--bg-3:#e8edf1;"            \
    "--line:#d3dae1;--line-strong:#74818e;--text:#12181e;--text-2:#47535f;--text-3:#5b6875;"     \
    "--accent:#0b3a94;--focus:#0b3a94;"                                                          \
    "--ok:#137a52;--info:#0b3a94;--warn:#8f5800;--crit:#86080e;--idle:#515d6a;"                  \
    "--ok-bg:#dff3eb;--info-bg:#e1eefb;--warn-bg:#fbeecb;--crit-bg:#fce4df;--idle-bg:#e8ecf0;"   \
    "--c0:#1f5fd0;--c1:#c46200;--c2:#02553f;--c3:#931a77;"                                       \
    "--c4:#6f6f6f;--c5:#594d0e;--c6:#9284d6;--c7:#2a9f9b;--shade:.14"

static const char *const STYLE[] = {
    // Tokens.
    ":root{" DARK ";",
    "--font:\"Inter\",\"Inter Variable\",system-ui,\"Segoe UI\",Roboto,\"Noto Sans\","
        "\"Noto Sans CJK SC\",\"PingFang SC\",sans-serif}",
    "@media (prefers-color-scheme:light){:root:not([data-theme=dark]){" LIGHT "}}",
    ":root[data-theme=light]{" LIGHT "}",
    // Ground.
    "*{box-sizing:border-box}",
    "html{-webkit-text-size-adjust:100%;text-size-adjust:100%}",
    "body{margin:0;background:var(--bg-0);color:var(--text);font:400 14px/1.5 var(--font);"
        "font-feature-settings:\"tnum\",\"cv05\",\"ss03\";-webkit-font-smoothing:antialiased}",
    "h1,h2,p,dl,dd,figure,ul{margin:0;padding:0}",
    "h1{font-size:20px;line-height:28px;font-weight:600;text-wrap:balance;overflow-wrap:anywhere}",
    "h2{font-size:16px;line-height:24px;font-weight:600;padding-top:20px;overflow-wrap:anywhere}",
    "p{max-width:80ch;overflow-wrap:anywhere}",
    "a{color:var(--accent);text-underline-offset:3px;text-decoration-thickness:1px}",
    ":focus-visible{outline:2px solid var(--focus);outline-offset:1px;border-radius:3px}",
    "main:focus{outline:0}",
    ".vh{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);"
        "white-space:nowrap}",
    ".shapes{position:absolute}",
    ".skip{position:absolute;left:8px;top:-60px;z-index:3;padding:8px 12px;"
        "background:var(--bg-1);border:1px solid var(--line-strong);border-radius:3px}",
    ".skip:focus{top:8px}",
    // The head of the page, and the bar that stays.
    ".top,nav,main{padding-left:max(24px,calc(50vw - 576px));"
        "padding-right:max(24px,calc(50vw - 576px))}",
    ".top{padding-top:20px;padding-bottom:12px;background:var(--bg-1)}",
    ".top p{color:var(--text-2);max-width:none}",
    "nav{position:sticky;top:0;z-index:2;display:flex;gap:4px;overflow-x:auto;"
        "scrollbar-width:none;background:var(--bg-1);border-bottom:1px solid var(--line)}",
    "nav:empty{height:1px;padding:0}",
    "nav a{flex:none;padding:8px 10px;margin-bottom:-1px;color:var(--text-2);"
        "text-decoration:none;font-size:13px;line-height:22px;border-bottom:2px solid transparent}",
    "nav a:first-child{margin-left:-10px}",
    "nav a:hover{color:var(--text);border-color:var(--line-strong)}",
    "nav a:focus-visible{outline-offset:-3px}",
    // Parts stand below each other; histograms side by side.
    ".flow{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:12px}",
    ".flow>*{grid-column:1/-1;min-width:0}",
    "main{padding-top:16px;padding-bottom:64px}",
    "main>:first-child>h2{padding-top:4px}",
    "section,.here{scroll-margin-top:40px}",
    ".here{position:absolute;scroll-margin-top:96px}",
    // Signs: shape, word and colour.
    ".ok{--k:var(--ok);--kb:var(--ok-bg)}.info{--k:var(--info);--kb:var(--info-bg)}",
    ".warn{--k:var(--warn);--kb:var(--warn-bg)}.crit{--k:var(--crit);--kb:var(--crit-bg)}",
    ".idle{--k:var(--idle);--kb:var(--idle-bg)}.none{--k:var(--text-2);--kb:var(--bg-1)}",
    ".sg{color:var(--k);font-size:11px;line-height:1;display:inline-block;width:17px;flex:none;"
        "position:relative;top:-1px}",
    ".st{color:var(--k);font-weight:500}",
    ".mk{display:flex;align-items:baseline;max-width:none;padding:7px 12px;background:var(--bg-1);"
        "border:1px solid var(--line);border-left:3px solid var(--k);border-radius:3px}",
    ".mk.warn,.mk.crit{background:var(--kb)}.mk+.mk{margin-top:-6px}",
    // Cards.
    ".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(172px,1fr));gap:12px}",
    ".cd{background:var(--bg-1);border:1px solid var(--line);border-radius:6px;"
        "padding:10px 12px 8px;overflow-wrap:anywhere;display:flex;flex-direction:column}",
    ".cd dt{display:flex;align-items:baseline;font-size:12px;line-height:18px;"
        "color:var(--text-2);font-weight:500}",
    ".cd dd{font-size:28px;line-height:38px;font-weight:600;letter-spacing:-.01em;margin-top:auto}",
    ".cd.warn,.cd.crit{border-left:3px solid var(--k);padding-left:10px}",
    ".cd.crit{background:var(--kb)}.cd.crit dd,.cd.warn dd{color:var(--k)}",
    // Tables scroll in their own box.
    ".box{overflow-x:auto;background:var(--bg-1);border:1px solid var(--line);border-radius:6px}",
    "table{border-collapse:collapse;width:100%;font-size:13px;line-height:20px}",
    "th,td{padding:4px 12px;text-align:left;vertical-align:top;white-space:nowrap;"
        "font-weight:400}",
    "thead th{font-size:12px;font-weight:500;color:var(--text-2);padding:6px 12px}",
    "tr{background:var(--bg-1)}tbody tr{border-top:1px solid var(--line)}",
    "tbody tr:hover{background:var(--bg-2)}",
    "tbody th{font-weight:500}tr>:first-child{position:sticky;left:0;background:inherit}",
    ".r{text-align:right}.n{white-space:normal;min-width:24ch;overflow-wrap:anywhere}",
    ".w{white-space:normal;min-width:40ch;overflow-wrap:anywhere}",
    "tbody tr:has(:target){background:var(--bg-3)}",
    // Folds: rows of a list.
    "details{background:var(--bg-1);border:1px solid var(--line);border-radius:6px}",
    "details+details{margin-top:-13px;border-top-left-radius:0;border-top-right-radius:0}",
    "details:has(+details){border-bottom-left-radius:0;border-bottom-right-radius:0}",
    "summary{display:flex;align-items:baseline;padding:7px 12px;cursor:pointer;"
        "list-style:none;overflow-wrap:anywhere}",
    "summary::-webkit-details-marker{display:none}",
    "summary::before{content:\"\";flex:none;width:5px;height:5px;margin:0 12px 0 3px;"
        "border:solid var(--text-3);border-width:0 1.5px 1.5px 0;"
        "transform:translateY(-2px) rotate(-45deg)}",
    "[open]>summary::before{transform:translateY(-4px) rotate(45deg)}",
    "summary:hover{background:var(--bg-2)}",
    "[open]>summary{border-bottom:1px solid var(--line);font-weight:600}",
    "details>.flow{padding:12px;background:var(--bg-0);border-radius:0 0 6px 6px}",
    // Plots.
    "figure.pl,figure.ln{background:var(--bg-1);border:1px solid var(--line);border-radius:6px;"
        "padding:10px 12px 12px}",
    "figcaption{font-size:13px;font-weight:600;line-height:20px;overflow-wrap:anywhere;"
        "display:flex;flex-wrap:wrap;align-items:baseline;column-gap:12px}",
    "figcaption span{font-weight:400;color:var(--text-3);font-size:11px}",
    ".lg{list-style:none;display:flex;flex-wrap:wrap;gap:0 16px;font-size:12px;line-height:20px;"
        "color:var(--text-2);padding-top:2px}",
    ".lg li{cursor:default;overflow-wrap:anywhere}.lg .no{display:none}",
    ".lg .all{order:1;--k:var(--text)}.pl:has(.all:hover) .sr>:not(.da){opacity:.12}",
    ".lg i{display:inline-block;width:16px;margin-right:6px;vertical-align:4px;"
        "border-top:2px solid var(--k)}.lg .da{border-top-style:dashed}",
    ".yl{font-size:11px;line-height:16px;color:var(--text-3);padding-top:4px}",
    ".ax{--l:52px;display:block;overflow:visible;width:calc(100% - var(--l) - 12px);"
        "margin:8px 12px 38px var(--l)}",
    ".nx{margin-bottom:22px}.w1{--l:70px}.w2{--l:112px}.si{margin-top:24px}",
    ".yl+.si{margin-top:14px}",
    ".in{width:100%;height:100%;overflow:visible}",
    ".ax text,.l text{font-size:11px;fill:var(--text-3)}",
    ".ty text{text-anchor:end}.tx text{text-anchor:middle}.tx .xl{text-anchor:end}",
    ".no{text-anchor:middle;stroke:var(--bg-1);stroke-width:6px;paint-order:stroke}",
    ".gr{fill:none;stroke:var(--line);vector-effect:non-scaling-stroke;shape-rendering:crispEdges}",
    ".sr path{fill:none;stroke:var(--k);stroke-width:1.5;vector-effect:non-scaling-stroke;"
        "stroke-linejoin:round;stroke-linecap:round}",
    ".sr .da path{stroke-dasharray:5 4;stroke-linecap:butt}",
    ".sr .dot,.sr .da .dot{stroke-width:5;stroke-dasharray:none;stroke-linecap:round}",
    ".c0{--k:var(--c0)}.c1{--k:var(--c1)}.c2{--k:var(--c2)}.c3{--k:var(--c3)}",
    ".c4{--k:var(--c4)}.c5{--k:var(--c5)}.c6{--k:var(--c6)}.c7{--k:var(--c7)}",
    ".bd{fill:var(--k);fill-opacity:var(--shade);stroke:var(--k);stroke-opacity:.6;"
        "vector-effect:non-scaling-stroke}",
    "use{fill:var(--k);stroke:var(--bg-1);stroke-width:3px;paint-order:stroke}",
    "#Sidle{fill:var(--bg-1);stroke:var(--k);stroke-width:2px}",
    ".bar{fill:var(--c0)}.gap .bar{stroke:var(--bg-1)}.bar:hover{fill:var(--text)}",
    // Lanes.
    ".l{display:grid;grid-template-columns:minmax(0,168px) minmax(0,1fr);align-items:center}",
    ".ln figcaption{padding-bottom:6px}",
    ".l span{font-size:12px;color:var(--text-2);padding-right:12px;overflow-wrap:anywhere}",
    ".l svg{display:block;overflow:visible;width:calc(100% - 12px)}",
    ".l .bd{fill-opacity:1;stroke-opacity:1}",
    // Pictures.
    ".pics{display:grid;grid-template-columns:repeat(auto-fill,minmax(180px,1fr));gap:12px}",
    ".pic{background:var(--bg-1);border:1px solid var(--line);border-radius:6px;overflow:hidden}",
    ".pic img,.pic video{display:block;width:100%;height:auto;background:var(--bg-3)}",
    ".pic figcaption{font-size:12px;line-height:18px;font-weight:400;color:var(--text-2);"
        "padding:5px 10px 6px}",
    ".nopic{aspect-ratio:4/3;display:grid;place-items:center;color:var(--text-2);font-size:12px;"
        "background:repeating-linear-gradient(135deg,var(--bg-2) 0 8px,var(--bg-3) 8px 16px)}",
    ".nopic span{background:var(--bg-1);padding:2px 8px;border-radius:3px}",
    // A finger, a phone, paper.
    "@media (pointer:coarse){nav a{padding-top:11px;padding-bottom:11px}"
        "summary{padding-top:11px;padding-bottom:11px}}",
    "@media (max-width:820px){.flow>.half{grid-column:1/-1}}",
    "@media (min-width:821px){.flow>.half{grid-column:auto}"
        ".flow>:not(.half)+.half:not(:has(+.half)){grid-column:1/-1}}",
    "@media (max-width:640px){.top,nav,main{padding-left:12px;padding-right:12px}"
        ".tx .o{display:none}.ax{--l:46px}.w1{--l:62px}.w2{--l:100px}"
        ".cards{grid-template-columns:repeat(2,minmax(0,1fr));gap:8px}"
        ".cd dd{font-size:22px;line-height:30px}"
        ".l{grid-template-columns:minmax(0,1fr);padding-top:4px}.l span:empty{display:none}"
        ".l svg{margin-left:6px}"
        ".pics{grid-template-columns:repeat(2,minmax(0,1fr));gap:8px}"
        "th,td,thead th{padding-left:10px;padding-right:10px}"
        ".n{min-width:40vw}tr>:first-child{box-shadow:1px 0 var(--line)}"
        "details>.flow{padding:8px}}",
    "@media print{:root,:root:not([data-theme=dark]),:root[data-theme]{" LIGHT "}",
    "@page{margin:14mm}body{background:none;font-size:10pt;-webkit-print-color-adjust:exact;"
        "print-color-adjust:exact}",
    "nav,.skip{display:none}.top,main{padding-left:0;padding-right:0}",
    "figure,tr,.cd,.mk,summary{break-inside:avoid}h2,summary{break-after:avoid}",
    ".box{overflow:visible}table{font-size:8pt;line-height:1.4}thead{display:table-header-group}",
    "td{white-space:normal}.r,.st{white-space:nowrap}.w,.n{min-width:12ch}",
    "details::details-content{content-visibility:visible;height:auto}",
    "details>.flow{display:grid}a{color:inherit;text-decoration:none}}",
};

/* Signs as shapes, so that no font decides how they look; centred at 0, 0. */
static const char SHAPES[] =
    "<svg class=\"shapes\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>"
    "<circle id=\"Sok\" r=\"4.5\"/>"
    "<path id=\"Sinfo\" d=\"M0-5.5 5.5 0 0 5.5-5.5 0z\"/>"
    "<path id=\"Swarn\" d=\"M0-5 5.5 4.5h-11z\"/>"
    "<path id=\"Scrit\" d=\"M-4.5-4.5h9v9h-9z\"/>"
    "<circle id=\"Sidle\" r=\"4\"/>"
    "</defs></svg>\n";
// clang-format on

void et__put_style(struct et_buf *buf)
{
    for (size_t i = 0; i < sizeof STYLE / sizeof *STYLE; i++) {
        et_buf_puts(buf, STYLE[i]);
        et_buf_putc(buf, '\n');
    }
    // A line stays with the dashed one that belongs to it; "all" has its own rule.
    for (int i = 1; i <= N_LINES_ISOLATED; i++)
        et_buf_printf(buf,
                      ".pl:has(.lg>:nth-child(%d):not(.all):hover) "
                      ".sr>:not(:nth-child(%d),:nth-child(%d)+.da){opacity:.12}\n",
                      i, i, i);
}

void et__put_shapes(struct et_buf *buf)
{
    et_buf_puts(buf, SHAPES);
}
