#!/usr/bin/env bash
# audit.sh: cargo-deny and cargo-audit over the dependencies. What cannot run says so; AUDIT_INSTALL=1 compiles what is missing.
. "$(dirname "$0")/lib.sh"

failed=0
# has TOOL VERSION: it is there, or was compiled now, in a version that this compiler takes.
has() {
    ! command -v "$1" >/dev/null || return 0
    if [ "${AUDIT_INSTALL:-0}" != 1 ]; then
        say "not run: $1 is not installed (AUDIT_INSTALL=1 compiles it in some minutes)"
        return 1
    fi
    step "compiling $1" bounded 1800 cargo install --quiet --locked --debug "$1" --version "=$2" || { say "not run: $1 cannot be compiled"; return 1; }
}

if has cargo-deny 0.20.2; then
    step "licences, bans and sources" bounded 300 cargo deny --locked check --hide-inclusion-graph licenses bans sources || failed=1
    # Their database is a repository of its own, which not every place can reach; the checks above need nothing from outside.
    if bounded 120 cargo deny fetch db >/dev/null 2>&1; then
        step "advisories" bounded 300 cargo deny --locked check --disable-fetch advisories || failed=1
    else
        say "not run: cargo-deny's advisories, their database cannot be reached"
    fi
fi
if has cargo-audit 0.22.2; then
    found=$(mktemp)
    trap 'rm -f "$found"' EXIT
    if bounded 300 cargo audit >"$found" 2>&1; then
        say "cargo-audit finds nothing"
    elif grep -q "couldn't fetch advisory database" "$found"; then
        say "not run: cargo-audit, its database cannot be reached"
    else
        cat "$found" >&2
        failed=1
    fi
fi
exit "$failed"
