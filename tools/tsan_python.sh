#!/usr/bin/env bash
# The core of the Python module under ThreadSanitizer: eight threads with devices of their own, and threads that share what they must not.
set -euo pipefail

case "${1-}" in
  '') ;;
  -h | --help) printf 'usage: tools/tsan_python.sh\n\nBuilds the module with the preset tsan in build/tsan-python and runs tools/tsan_python.py in it. Exit status 1 where a race was found.\n'; exit 0 ;;
  *) printf "tsan_python: unknown option '%s'\n" "$1" >&2; exit 2 ;;
esac

cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=build/tsan-python
cmake --preset tsan -B "$build" -DHEATBATH_TESTS=OFF -DHEATBATH_BENCH=OFF -DHEATBATH_APPS=OFF -DHEATBATH_INSTALL=OFF -DHEATBATH_SYSTEMC=OFF \
  -DHEATBATH_MPI=OFF -DHEATBATH_RTL=OFF -DHEATBATH_PYTHON=ON >/dev/null
cmake --build "$build" --target heatbath_python
# The interpreter has no calls of the sanitizer in it: it is loaded first, and what races inside the interpreter alone is left out. Memory
# that the interpreter frees and gives out again under its own lock is malloc's.
runtime=$(g++ -print-file-name=libtsan.so)
PYTHONMALLOC=malloc PYTHONPATH=$build/python PYTHONDONTWRITEBYTECODE=1 LD_PRELOAD=$(readlink -f "$runtime") \
  TSAN_OPTIONS="suppressions=$PWD/tools/tsan_python.supp halt_on_error=0 exitcode=1 second_deadlock_stack=1" \
  setarch "$(uname -m)" -R /usr/bin/python3 tools/tsan_python.py
