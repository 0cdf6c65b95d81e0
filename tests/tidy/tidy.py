"""The rules of the house that a machine can check: directions of includes, sizes, banned functions,
headers that stand alone, exported symbols, everything in the build, every command in the manual.

    tidy.py SOURCE BUILD     prints TAP
"""

import glob
import os
import re
import subprocess
import sys

SOURCE, BUILD = sys.argv[1], sys.argv[2]

# Rooms by floor, and the public headers that belong to each. A room includes lower floors freely and
# its own floor only as SAME says.
FLOOR = {"base": 0, "format": 1, "report": 1, "net": 1, "robot": 2, "teleop": 2, "recording": 2,
         "episode": 2, "curate": 3, "dataset": 3, "world": 3, "learn": 3, "record": 3,
         "exam": 4, "cli": 6}
SAME = {"recording": {"robot"}, "episode": {"robot", "recording"},
        "learn": {"dataset", "world"}, "record": {"world"}}
HEADERS = {
    "base": "status arena str file value json yaml hash key clock pool stats proportion smoothness pose log progress share base64 random",
    "format": "parquet video video_stream image rvl mcap mcap_scan mcap_write msgdef message cdr rosbag1 rosbag2 hdf5 safetensors onnx msgpack",
    "report": "report",
    "net": "loop net tls http http_client websocket",
    "robot": "stream profile drive dynamics",
    "recording": "clock_model recording frames",
    "episode": "finding episode episode_file",
    "curate": "latency camera_latency inspect grading inspect_report cut residual curate",
    "dataset": "dataset dataset_write dataset_ops pictures loader",
    "world": "skill world trainer world_camera world_arm",
    "learn": "comm policy policy_exchange policy_serve train train_log openpi",
    "exam": "diploma exam exam_card exam_compare exam_rule exam_run exam_scores exam_times rollout stage",
    "teleop": "teleop",
    "record": "world_record feed source recorder synthetic live operator clock_live link foxglove",
}
ROOM_OF = {header: room for room, names in HEADERS.items() for header in names.split()}

LINES_MAX, COLUMNS_MAX, FUNCTION_MAX, PARAMETERS_MAX, HEADER_MAX = 1000, 100, 70, 7, 300
BANNED = r"\b(strcpy|strcat|sprintf|vsprintf|strncpy|strncat|atoi|atol|atof|gets|strtok|alloca|system|popen|tmpnam|mktemp)\s*\("
LIBRARY_BANNED = r"\b(printf|puts|putchar|exit|abort|fprintf)\s*\("

n_tests = 0


def result(name, problems):
    global n_tests
    n_tests += 1
    for problem in problems[:40]:
        print("# " + problem)
    if len(problems) > 40:
        print(f"# ... and {len(problems) - 40} more")
    print(f"{'not ok' if problems else 'ok'} {n_tests} - {name}")


def files(*patterns):
    found = []
    for pattern in patterns:
        found += glob.glob(os.path.join(SOURCE, pattern), recursive=True)
    return sorted(os.path.relpath(f, SOURCE) for f in found if "/node_modules/" not in f)


def text(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
        return file.read()


def room_of_file(path):
    parts = path.split("/")
    if parts[0] == "src":
        return parts[1]
    if parts[0] == "cli":
        return "cli"
    return None


C_FILES = files("include/**/*.h", "src/**/*.[ch]", "src/**/*.cu", "cli/*.[ch]", "tests/**/*.[ch]", "bench/*.[ch]")
OWN = [f for f in C_FILES if f.startswith(("src/", "cli/", "include/"))]


def without_comments(code):
    code = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group(0)), code, flags=re.S)
    code = re.sub(r'"(?:\\.|[^"\\\n])*"', '""', code)
    return re.sub(r"//[^\n]*", "", code)


def directions():
    problems = []
    for path in OWN:
        room = room_of_file(path)
        if path.startswith("include/"):
            room = ROOM_OF.get(os.path.basename(path)[:-2])
            if room is None:
                problems.append(f"{path}: belongs to no room; name it in tests/tidy/tidy.py")
                continue
        for line, include in enumerate(text(path).splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', include)
            if not match:
                continue
            name = match.group(1)
            if name.startswith("etude/"):
                other = ROOM_OF.get(name[6:-2])
                if room == "cli":
                    continue
            elif room == "cli":
                if "/" in name:
                    problems.append(f"{path}:{line}: cli sees only include/etude, not {name}")
                continue
            else:
                other = name.split("/")[0] if "/" in name else room
                if other not in FLOOR:
                    other = room
                if "__" in name and other != room:
                    problems.append(f"{path}:{line}: {name} is private to {other}")
            if other is None:
                problems.append(f"{path}:{line}: no such header: {name}")
            elif other != room and FLOOR[other] >= FLOOR[room] and other not in SAME.get(room, ()):
                problems.append(f"{path}:{line}: {room} must not include {other} ({name})")
    return problems


def sizes():
    problems = []
    for path in C_FILES + files("tests/**/*.py", "check", "quickstart", ".ci/*"):
        lines = text(path).splitlines()
        if len(lines) > LINES_MAX:
            problems.append(f"{path}: {len(lines)} lines, {LINES_MAX} at most")
        for number, line in enumerate(lines, 1):
            if len(line) > COLUMNS_MAX and path in C_FILES:
                problems.append(f"{path}:{number}: {len(line)} columns, {COLUMNS_MAX} at most")
    for path in files("include/etude/*.h"):
        n = len(text(path).splitlines())
        if n > HEADER_MAX:
            problems.append(f"{path}: {n} lines; a header of over {HEADER_MAX} is two modules")
    return problems


def functions():
    """A function's body is what stands between '{' and '}' in the first column."""
    problems = []
    for path in [f for f in C_FILES if f.endswith((".c", ".cu"))]:
        code = without_comments(text(path)).splitlines()
        start = None
        for i, line in enumerate(code):
            if line == "{":
                start = i
            elif line == "}" and start is not None:
                head = start
                while head > 0 and code[head - 1] and code[head - 1][0] not in "}#;/ \t" \
                        and not code[head - 1].endswith((";", "}")):
                    head -= 1
                n = i - start - 1
                if n > FUNCTION_MAX:
                    problems.append(f"{path}:{start + 1}: a function of {n} lines, "
                                    f"{FUNCTION_MAX} at most")
                start = None
    return problems


def banned():
    problems = []
    for path in C_FILES:
        code = without_comments(text(path))
        for number, line in enumerate(code.splitlines(), 1):
            match = re.search(BANNED, line)
            if match:
                problems.append(f"{path}:{number}: {match.group(1)} is banned")
            if path.startswith("src/"):
                match = re.search(LIBRARY_BANNED, line)
                if match:
                    problems.append(f"{path}:{number}: the library does not call {match.group(1)}")
                if not path.startswith("src/base/") and re.search(r"\brealloc\s*\(", line):
                    problems.append(f"{path}:{number}: realloc outside base")
    return problems


def characters():
    problems = []
    everything = C_FILES + files("**/*.md", "**/*.yaml", "**/meson.build", "tests/**/*.py",
                                 "tests/**/*.mjs", "check", "quickstart")
    for path in everything:
        if path.startswith("build"):
            continue
        for number, line in enumerate(text(path).split("\n"), 1):
            if "\t" in line or line.endswith(" ") or "\r" in line:
                problems.append(f"{path}:{number}: a tab, or a blank at the end of the line")
            if re.search("[\u200b-\u200f\u202a-\u202e\u2060\ufeff]", line):
                problems.append(f"{path}:{number}: an invisible character")
            if path in C_FILES and re.search(r"\b(TODO|FIXME|XXX)\b", line):
                problems.append(f"{path}:{number}: unfinished work belongs into an issue")
        if not text(path).endswith("\n") and text(path):
            problems.append(f"{path}: no newline at its end")
    return problems


def headers_alone():
    problems = []
    for path in files("include/etude/*.h"):
        run = subprocess.run(
            ["gcc", "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-xc", "-I",
             os.path.join(SOURCE, "include"), "-"],
            input=f'#include "etude/{os.path.basename(path)}"\nint unused_;\n', text=True,
            capture_output=True, check=False)
        if run.returncode:
            problems.append(f"{path}: {run.stderr.strip().splitlines()[0]}")
    return problems


def documented():
    """Every public function has a comment above it, or shares the block of the one above."""
    problems = []
    for path in files("include/etude/*.h"):
        lines = text(path).splitlines()
        for i, line in enumerate(lines):
            if not re.match(r"(ET_MUST_USE )?ET_API ", line):
                continue
            k = i - 1
            while k >= 0 and lines[k] and not lines[k].rstrip().endswith("*/") \
                    and "//" not in lines[k]:
                k -= 1
            if k < 0 or not lines[k]:
                above = lines[k - 1] if k > 0 else ""
                if not (above.endswith(("*/", "};", "}")) or "//" in line):
                    problems.append(f"{path}:{i + 1}: {line.strip()[:60]} has no comment")
    return problems


def exported():
    library = os.path.join(BUILD, "libetude.so")
    run = subprocess.run(["nm", "-D", "--defined-only", library], text=True, capture_output=True,
                         check=False)
    if run.returncode:
        return [f"nm cannot read {library}"]
    names = [line.split()[-1].split("@")[0] for line in run.stdout.splitlines()]
    # The linker's own marks come with libmujoco, which asks for them.
    linker = {"__bss_start", "_edata", "_end"}
    problems = [f"exported without the prefix: {n}" for n in names
                if not n.startswith("et_") and n not in linker
                and not n.startswith(("__asan", "__ubsan", "__odr"))]
    problems += [f"private, but exported: {n}" for n in names if n.startswith("et__")]
    declared = set()
    for path in files("include/etude/*.h"):
        declared |= set(re.findall(r"\b(et_[a-z0-9_]+)\s*\(", text(path)))
    problems += [f"exported, but declared in no public header: {n}" for n in names
                 if n.startswith("et_") and not n.startswith("et__") and n not in declared]
    # What only some need is loaded when it is asked for (a GPU's, a processor's matrices).
    run = subprocess.run(["readelf", "-d", library], text=True, capture_output=True, check=False)
    problems += [f"linked, but to be loaded: {name}"
                 for name in re.findall(r"NEEDED.*\[(.*)\]", run.stdout)
                 if re.match(r"lib(cuda|cublas|openblas|stdc\+\+)", name)]
    return problems


def in_the_build():
    built = "\n".join(text(f) for f in files("**/meson.build"))
    problems = []
    for path in files("src/**/*.c", "src/**/*.cu", "cli/*.c", "tests/**/*.c", "bench/*.c"):
        name = os.path.basename(path)
        stem = name[:-2]
        part = re.sub(r"^(fuzz|bench)_", "", stem)  # those are listed by their part
        if name not in built and not (part != stem and f"'{part}'" in built):
            problems.append(f"{path} is in no meson.build")
    return problems


def in_the_manual():
    program = os.path.join(BUILD, "cli", "etude")
    manual = subprocess.run([program, "manual"], text=True, capture_output=True, check=False)
    help_ = subprocess.run([program, "help"], text=True, capture_output=True, check=False)
    table = re.findall(r'^    \{"([a-z ]+)", "', text("cli/table.c"), flags=re.M)
    problems = [] if len(table) >= 10 else ["the table of commands was not understood"]
    for name in table:
        if f".SS etude {name}" not in manual.stdout:
            problems.append(f"etude {name} is not in the manual")
        if f"  {name} " not in help_.stdout:
            problems.append(f"etude {name} is not in etude help")
    schemas = set()
    for path in files("cli/*.c"):
        schemas |= set(re.findall(r'cli_json_open\(&json, "([a-z_]+)"\)', text(path)))
    for schema in schemas:
        if f"etude.{schema}/1" not in text("doc/json.md"):
            problems.append(f"the JSON of etude.{schema}/1 is not in doc/json.md")
    return problems


def speaks_of_itself():
    problems = []
    tracked = subprocess.run(["git", "-C", SOURCE, "ls-files", "-co", "--exclude-standard"],
                             text=True, capture_output=True, check=False).stdout.splitlines()
    for path in tracked:
        if not os.path.isfile(os.path.join(SOURCE, path)) or path == "tests/tidy/tidy.py":
            continue
        try:
            content = text(path)
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(content.splitlines(), 1):
            if re.search(r"(^|[^a-z.])/(work|tmp|root|home)/", line):
                problems.append(f"{path}:{number}: a path of one machine")
    return problems


result("includes go down the house, never up", directions())
result("files, lines and headers are within their sizes", sizes())
result("functions are at most 70 lines long", functions())
result("banned functions are not called", banned())
result("no odd characters", characters())
result("every public header compiles alone", headers_alone())
result("every public function is documented", documented())
result("the library exports what its headers declare, and nothing else", exported())
result("every source is in the build", in_the_build())
result("every command is in the manual, every JSON document in doc/json.md", in_the_manual())
result("no path of one machine is in the tree", speaks_of_itself())
print(f"1..{n_tests}")
