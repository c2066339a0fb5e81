#!/usr/bin/env bash
# fuzz.sh [TARGET…]: each fuzzer for FUZZ_SECONDS, from the kept seeds; what it finds stands in fuzz/artifacts.
. "$(dirname "$0")/lib.sh"

# Sanitizer coverage is a nightly feature of this very compiler; the code is safe Rust, so that asserts are what finds things.
export RUSTC_BOOTSTRAP=1
command -v cargo-fuzz >/dev/null || step "compiling cargo-fuzz" bounded 1800 cargo install --quiet --locked cargo-fuzz
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cargo fuzz list --fuzz-dir fuzz)
build=(-O --debug-assertions --sanitizer none --fuzz-dir fuzz)
step "building the fuzzers" bounded 1800 cargo fuzz build "${build[@]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for target in "${targets[@]}"; do
    mkdir -p "fuzz/corpus/$target"
    bounded $((${FUZZ_SECONDS:-10} + 120)) cargo fuzz run "${build[@]}" "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" \
        -- -max_total_time="${FUZZ_SECONDS:-10}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 >"$log" 2>&1 || {
        tail -n 40 "$log" >&2
        die "$target found something: keep it in fuzz/seeds/$target, and mend it"
    }
    say "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") executions in ${FUZZ_SECONDS:-10} s, nothing found"
done
