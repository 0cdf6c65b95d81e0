# What the tests of the command line share. To be sourced; `kind` names the folder that is made.
# Afterwards: $dir, an empty folder that goes when the test ends; $n, statements so far.
dir=$(mktemp -d "${TMPDIR:-/var/tmp}/etude-$kind-XXXXXX")
trap 'chmod -R u+rwx "$dir"; rm -rf "$dir"' EXIT
n=0

# it "statement" COMMAND...: the command's success is the test's.
it() {
    local name=$1
    shift
    n=$((n + 1))
    if "$@" >"$dir/log" 2>&1; then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name"
        sed 's/^/# /' "$dir/log" | head -${LOG_LINES:-30}
    fi
}
skip() {
    n=$((n + 1))
    echo "ok $n - $1 # SKIP $2"
}

# exits CODE COMMAND...; its output goes to $dir/out (both streams).
exits() {
    local want=$1 got=0
    shift
    "$@" >"$dir/out" 2>&1 || got=$?
    [ "$got" = "$want" ] || { echo "exit $got, wanted $want:" && cat "$dir/out" && return 1; }
}
says() { grep -q -- "$1" "$dir/out" || { echo "not said: $1" && cat "$dir/out" && return 1; }; }
cat >"$dir/press.py" <<'PY'
# press.py WORD=KEY... -- COMMAND...: on a terminal, presses each key once its word is to be seen.
import os, pty, select, sys, time
split = sys.argv.index("--")
keys, command = [k.rsplit("=", 1) for k in sys.argv[1:split]], sys.argv[split + 1:]
pid, fd = pty.fork()
if pid == 0:
    os.execv(command[0], command)
out, seen, end = b"", 0, time.time() + 30
while True:
    try:
        if select.select([fd], [], [], 0.1)[0]:
            out += os.read(fd, 65536)
    except OSError:
        break
    if keys and (at := out.find(keys[0][0].encode(), seen)) >= 0:
        seen = at + 1
        os.write(fd, keys.pop(0)[1].encode())
    if time.time() > end:
        os.kill(pid, 9)
        break
print(out.decode().replace("\r\n", "\n"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) if not keys else f"never seen: {keys}")
PY
