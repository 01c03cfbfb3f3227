#!/usr/bin/env bash
# Everything that looks for faults without a test of its own, as one table: clang-tidy (.clang-tidy), cppcheck, the
# assertions of the standard library, sanitizers, fuzzing, SIGKILL, soak. Hours in full; parts by name.
set -uo pipefail

parts=(tidy cppcheck assertions asan tsan tsan_python large_files pages restore hostile fuzz kill soak)
usage() {
  printf 'usage: tools/check.sh [--minutes M] [PART...]\n\nParts (default: all):\n'
  printf '  tidy        clang-tidy on link, driver, server, sim, hw_model/device, hw_model/analog, files\n'
  printf '  cppcheck    the same folders\n'
  printf '  assertions  the unit tests built with -D_GLIBCXX_ASSERTIONS\n'
  printf '  asan        the unit tests under ASan and UBSan (tools/nightly_sanitizers.sh)\n'
  printf '  tsan        server, links, thread team under TSan (preset tsan)\n'
  printf '  tsan_python threads in the Python module under TSan (tools/tsan_python.sh)\n'
  printf '  large_files an array beyond 4 GiB in an .npz; takes 4.4 GB of disk\n'
  printf '  pages       every command line of the pages, the long ones too\n'
  printf '  restore     200 random devices to other instruction sets and threads, 204 to tlm: and back\n'
  printf '  hostile     tools/hostile_files.py: 500 files that a reader must refuse, with the memory that takes\n'
  printf '  fuzz        every target of tools/fuzz.sh for M minutes (1)\n'
  printf '  kill        tools/kill_campaign.py for M minutes\n'
  printf '  soak        tools/soak_server.py, then tools/soak.py, for M minutes each\n\nPrints a table; exit status 1 where a part found something, 2 where one could not run. Logs are in build/check.\n'
}
minutes=1
wanted=()
while [[ $# -gt 0 ]]; do
  case "$1" in
    -h | --help) usage; exit 0 ;;
    --minutes) minutes="${2-}"; shift 2 ;;
    -*) printf "check: unknown option '%s'\n" "$1" >&2; exit 2 ;;
    *) [[ " ${parts[*]} " == *" $1 "* ]] || { printf "check: no part '%s'; they are %s\n" "$1" "${parts[*]}" >&2; exit 2; }
       wanted+=("$1"); shift ;;
  esac
done
[[ "$minutes" =~ ^[0-9]+$ ]] || { printf "check: --minutes takes a whole number, not '%s'\n" "$minutes" >&2; exit 2; }
[[ ${#wanted[@]} -gt 0 ]] || wanted=("${parts[@]}")

cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p build/check
folders=(link driver server sim hw_model/device hw_model/analog files)
need() { command -v "$1" >/dev/null || { printf '%s is missing; install the package %s\n' "$1" "$2"; return 2; }; }

compile_commands() {  # of the release build, as other tools can read them
  cmake --preset release >/dev/null && ninja -C build/release -t compdb | python3 -c '
import json, re, sys
seen, out = set(), []
for entry in json.load(sys.stdin):
    if not entry["file"].endswith(".cpp") or " -c " not in entry["command"] or entry["file"] in seen: continue
    seen.add(entry["file"])
    entry["command"] = re.sub(r"^.*?(?=\S*(?:g\+\+|clang\+\+|c\+\+) )", "", entry["command"])
    out.append(entry)
json.dump(out, open("build/check/compile_commands.json", "w"))'
}
sources() { find "${folders[@]}" -name '*.cpp' | sort; }

part_tidy() {
  local tidy; tidy=$(command -v clang-tidy || command -v clang-tidy-14) || { need clang-tidy clang-tidy; return 2; }
  compile_commands || return 2
  sources | xargs -P "$(nproc)" -n 4 "$tidy" -p build/check --quiet
}
# What cppcheck 2.10 does not understand: ranges::unique beside its range, 64-bit literals in braces before an operator, a
# shared_ptr that owns what a member points to.
wrong_alarms=(--suppress=mismatchingContainerExpression --suppress=signConversion
  --suppress=shiftTooManyBits:hw_model/physics/general_kernels.hpp --suppress=noDestructor:server/child_process.hpp
  --suppress=noCopyConstructor:server/child_process.hpp --suppress=noOperatorEq:server/child_process.hpp)
part_cppcheck() {
  need cppcheck cppcheck || return 2
  cppcheck --std=c++20 --enable=warning,portability --inline-suppr --error-exitcode=1 --quiet -j "$(nproc)" \
    --suppress=missingInclude --suppress=missingIncludeSystem --suppress=uninitMemberVar "${wrong_alarms[@]}" -I. -Ifirmware_api/include \
    -Ilink/include -Idriver/include -Inumerics/include "${folders[@]}"
}
part_assertions() {
  cmake -S . -B build/assertions -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS=-D_GLIBCXX_ASSERTIONS || return 2
  cmake --build build/assertions --parallel "$(nproc)" --target unit_tests || return 1
  ctest --test-dir build/assertions -L unit --output-on-failure --no-tests=error
}
part_asan() { tools/nightly_sanitizers.sh; }
part_tsan() {
  cmake --list-presets 2>/dev/null | grep -q '"tsan"' || { printf 'there is no preset tsan\n'; return 2; }
  tools/build.sh tsan unit_tests && ctest --no-tests=error --preset tsan
}
part_tsan_python() { tools/tsan_python.sh; }
part_large_files() {
  tools/build.sh release unit_tests && HEATBATH_LARGE_FILES=1 ctest --no-tests=error --preset release -R 'NpzFile.BeyondFourGigabytes'
}
part_pages() {
  tools/build.sh release && python3 -B tests/docs/console_test.py "$(find build/release -name heatbath -type f -perm -u+x -path '*apps/heatbath')" \
    "$(find build/release -name heatbath-conformance -type f -perm -u+x | head -1)" . --whole
}
part_fuzz() { tools/fuzz.sh --seconds "$((60 * minutes))"; }
command_of_release() { tools/build.sh release heatbath && test -x build/release/apps/heatbath; }
part_restore() {
  tools/build.sh release checkpoints && HEATBATH_RANDOM_DEVICES=200 ctest --no-tests=error --preset release -R '^(SavedDevices|.*MovedBetweenModels)[.]'
}
part_hostile() { command_of_release && python3 tools/hostile_files.py build/release/apps/heatbath --files 500; }
part_kill() { command_of_release && tools/kill_campaign.py build/release/apps/heatbath --kills 1000000 --seconds "$((60 * minutes))"; }
part_soak() {
  local worst=0
  command_of_release || return
  python3 tools/soak_server.py build/release/apps/heatbath --seconds "$((60 * minutes))" || worst=$?
  python3 tools/soak.py build/release/apps/heatbath --minutes "$minutes" || worst=$?
  return "$worst"
}

worst=0
table=$(printf '%-12s %-9s %8s  %s' part result seconds log)
for part in "${wanted[@]}"; do
  printf '== %s\n' "$part"
  begin=$SECONDS
  "part_$part" >"build/check/$part.log" 2>&1
  status=$?
  case $status in 0) result=clean ;; 2) result='not run' ;; *) result=FOUND ;; esac
  [[ $status -eq 0 ]] || tail -5 "build/check/$part.log"
  [[ $status -ne 2 && $status -ne 0 ]] && status=1
  [[ $status -eq 1 || $worst -eq 0 ]] && worst=$status
  table+=$(printf '\n%-12s %-9s %8d  %s' "$part" "$result" "$((SECONDS - begin))" "build/check/$part.log")
done
printf '%s\n' "$table"
exit "$worst"
