#!/usr/bin/env bash
# fuzz.sh [TARGET…]: each fuzzer for FUZZ_SECONDS, from the kept seeds and from what it learnt here before.
. "$(dirname "$0")/lib.sh"

# Coverage for fuzzers is a nightly feature of this very compiler; the code is safe Rust, so that asserts are what finds things.
export RUSTC_BOOTSTRAP=1
cargo_fuzz=0.13.2
[ "$(cargo-fuzz --version 2>/dev/null)" = "cargo-fuzz $cargo_fuzz" ] || step "compiling cargo-fuzz (once; some minutes)" \
    bounded 1800 cargo install cargo-fuzz --version "=$cargo_fuzz" --locked --debug --quiet
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cargo fuzz list --fuzz-dir fuzz)
step "building the fuzzers" \
    bounded 1800 cargo fuzz build --release --debug-assertions --sanitizer none --fuzz-dir fuzz --target-dir "$TARGET/fuzz"
seconds=${FUZZ_SECONDS:-10} found=$TARGET/fuzz/found failed=0
mkdir -p "$found"
for target in "${targets[@]}"; do
    log=$found/$target.log
    mkdir -p "$TARGET/fuzz/corpus/$target"
    if bounded $((seconds + 120)) "$TARGET/fuzz/$(rustc --print host-tuple)/release/$target" \
        "$TARGET/fuzz/corpus/$target" "fuzz/seeds/$target" -artifact_prefix="$found/$target-" \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 >"$log" 2>&1; then
        read -r executions coverage inputs < <(awk '
            /DONE/ { for (i = 1; i < NF; i++) { if ($i == "cov:") c = $(i + 1); if ($i == "corp:") k = $(i + 1) } }
            /^stat::number_of_executed_units:/ { n = $2 }
            END { sub("/.*", "", k); print n, c, k }' "$log")
        say "$target: $executions executions in $seconds s reach $coverage edges by $inputs inputs, nothing found"
    else
        failed=1
        grep -aE 'panicked at|assertion|^ *(left|right):|ERROR: libFuzzer|Test unit written' "$log" | tail -n 8 >&2 || tail -n 20 "$log" >&2
        say "$target FOUND something: keep it in fuzz/seeds/$target, and mend it"
    fi
done
exit "$failed"
