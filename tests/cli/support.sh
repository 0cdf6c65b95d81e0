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
        sed 's/^/# /' "$dir/log" | head -30
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
