#!/usr/bin/env bash
# Measures every row of `heatbath-bench` beside its limits and peers and writes docs/performance.md.
set -euo pipefail

usage() {
  cat <<'END'
usage: tools/bench.sh [--install-peers] [--seconds S]
       tools/bench.sh --peers pypi

Builds the release preset, runs `heatbath-bench` with the peers that are installed, and replaces the measured part of
docs/performance.md. Takes about six minutes on a quiet machine of two cores. A peer that is not installed is named in
its row; nothing else needs it.

  --install-peers   first install OpenBLAS, python3-torch, python3-scipy, python3-brian, ngspice and lammps with apt-get
  --seconds S       time for each row, about (default 2)
  --peers pypi      instead: the wheel beside thermox, thrml, hamon, ferrotherm, torchsde, diffrax, dwave-samplers, openjij and
                    simulated-bifurcation from PyPI, in a virtual environment of its own (build/peers), one thread each; replaces
                    the rows of docs/performance.md that say so; a peer that does not install is named in its row
END
}

fail() {
  printf 'bench: %s\n' "$1" >&2
  exit 2
}

install=no
pypi=no
seconds=2
while [ "$#" -gt 0 ]; do
  case "$1" in
    -h | --help) usage; exit 0 ;;
    --install-peers) install=yes ;;
    --peers) [ "${2-}" = pypi ] || fail "--peers takes pypi"; pypi=yes; shift ;;
    --seconds) [ "$#" -gt 1 ] || fail "--seconds needs a number"; seconds=$2; shift ;;
    *) fail "unknown option '$1'; tools/bench.sh --help lists the options" ;;
  esac
  shift
done

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." >/dev/null && pwd)
cd "$root"
if [ "$pypi" = yes ]; then
  # The wheel is built with the pybind11 of PyPI: the peers want numpy 2.
  [ -x build/peers/bin/python ] || /usr/bin/python3 -m venv build/peers
  tools/packages.sh wheel
  build/peers/bin/python -m pip install --quiet --force-reinstall --no-deps build/packages/dist/heatbath-*.whl
  build/peers/bin/python -m pip install --quiet 'numpy>=1.22' dimod
  for peer in thermox thrml hamon ferrotherm torchsde diffrax dwave-samplers openjij simulated-bifurcation; do
    build/peers/bin/python -m pip install --quiet "$peer" || printf 'bench: %s does not install\n' "$peer"
  done
  exec build/peers/bin/python bench/peers/pypi.py docs/performance.md
fi
if [ "$install" = yes ]; then
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends \
    libopenblas0-pthread python3-torch python3-scipy python3-brian ngspice lammps >/dev/null || fail "apt-get could not install the peers"
fi

# Peers choose the fastest kernels of OpenBLAS that this processor has, whatever a login sets.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
tools/build.sh release heatbath_bench_command
result=build/release/bench.json
build/release/bench/heatbath-bench --json --seconds "$seconds" --peers bench/peers >"$result.part"
mv "$result.part" "$result"
python3 bench/page.py "$result" docs/performance.md
printf 'bench: wrote docs/performance.md from %s\n' "$result"
