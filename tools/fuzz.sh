#!/usr/bin/env bash
# Fuzzing by libFuzzer with AddressSanitizer: builds the targets of tests/fuzz with clang and lets each run.
set -euo pipefail

seconds=600
targets=()
while [[ $# -gt 0 ]]; do
  case "$1" in
    --seconds) seconds="${2-}"; shift 2 ;;
    -h | --help)
      printf 'usage: tools/fuzz.sh [--seconds N] [TARGET...]\n\nBuilds the fuzz targets (chip, checkpoint, session, client, readers; default: all) in build/fuzz with clang and\n'
      printf 'runs each for N seconds (600) from its corpus in tests/fuzz/corpus; what libFuzzer finds new is kept in\nbuild/fuzz/corpus, what ends a target in build/fuzz/found. Needs the packages clang and libclang-rt-14-dev.\n'
      exit 0 ;;
    -*) printf "fuzz: unknown option '%s'\n" "$1" >&2; exit 2 ;;
    *) targets+=("$1"); shift ;;
  esac
done
[[ "$seconds" =~ ^[0-9]+$ ]] || { printf "fuzz: --seconds takes a whole number, not '%s'\n" "$seconds" >&2; exit 2; }
[[ ${#targets[@]} -gt 0 ]] || targets=(chip checkpoint session client readers)
command -v clang++ >/dev/null || { printf 'fuzz: clang++ is missing; install the packages clang and libclang-rt-14-dev\n' >&2; exit 2; }

cd "$(dirname "${BASH_SOURCE[0]}")/.."
for target in "${targets[@]}"; do
  [[ -f "tests/fuzz/$target.cpp" && -d "tests/fuzz/corpus/$target" ]] || { printf "fuzz: there is no target '%s'\n" "$target" >&2; exit 2; }
done
launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_C_COMPILER_LAUNCHER=ccache)
cmake -S . -B build/fuzz -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
  "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -g1 -DNDEBUG" "-DCMAKE_C_FLAGS_RELWITHDEBINFO=-O1 -g1 -DNDEBUG" \
  -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=6 \
  -DHEATBATH_SANITIZE=fuzzer-no-link,address -DHEATBATH_LIBFUZZER=ON "${launcher[@]}" >build_fuzz.log 2>&1 ||
  { tail -20 build_fuzz.log >&2; exit 1; }
rm -f build_fuzz.log
cmake --build build/fuzz --parallel "$(nproc)" --target "${targets[@]/#/fuzz_}"
mkdir -p build/fuzz/found
wrong=0
for target in "${targets[@]}"; do
  mkdir -p "build/fuzz/corpus/$target"
  printf '%s: %s s\n' "$target" "$seconds"
  "build/fuzz/tests/fuzz/fuzz_$target" "build/fuzz/corpus/$target" "tests/fuzz/corpus/$target" -max_total_time="$seconds" \
    -max_len=4096 -timeout=30 -rss_limit_mb=4096 -print_final_stats=1 -artifact_prefix="build/fuzz/found/$target." \
    >"build/fuzz/$target.log" 2>&1 || { wrong=1; grep -E "WRONG|ERROR|SUMMARY|Test unit" "build/fuzz/$target.log" || true; }
  grep -E "number_of_executed_units|new_units_added|peak_rss" "build/fuzz/$target.log" || true
done
exit "$wrong"
