#!/usr/bin/env bash
# Sets up, configures and builds one preset. tools/demo.sh and tools/test.sh start with it.
set -euo pipefail

usage() {
  cat <<'END'
usage: tools/build.sh [PRESET [TARGET ...]]

Installs missing packages (tools/setup.sh), configures build/PRESET when needed and builds it.
PRESET is one of CMakePresets.json: release (default), dev, asan, tsan, ... Without TARGET: everything.
END
}

case "${1-}" in
  -h | --help) usage; exit 0 ;;
  -*) printf "build: unknown option '%s'; tools/build.sh --help lists the options\n" "$1" >&2; exit 2 ;;
esac
preset=${1:-release}
shift || true

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." >/dev/null && pwd)
cd "$root"
tools/setup.sh

# A build folder serves the source folder it was configured for; ninja itself follows changed CMakeLists.txt files.
folder=build/$preset
configure=(cmake --preset "$preset")
if [ ! -f "$folder/build.ninja" ]; then
  "${configure[@]}"
elif ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$folder/CMakeCache.txt"; then
  "${configure[@]}" --fresh
elif [ CMakePresets.json -nt "$folder/build.ninja" ]; then
  "${configure[@]}"
fi

build=(cmake --build --preset "$preset")
if [ "$#" -gt 0 ]; then build+=(--target "$@"); fi
"${build[@]}"
