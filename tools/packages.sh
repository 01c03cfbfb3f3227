#!/usr/bin/env bash
# Makes the packages and uses them as somebody who has nothing else: the sdist, the wheel made of it, the Debian package.
set -euo pipefail

usage() {
  cat <<'END'
usage: tools/packages.sh [wheel | deb]

wheel: an sdist; a wheel made of the unpacked sdist; what the wheel holds and which libraries it needs; the wheel in a clean virtual
       environment, outside the source tree: import, a first sample, a trainer, a calibration, heatbath.dimod, its types.
deb:   cpack; what the package holds; the package unpacked into a folder with spaces, and there: programs in C and C++ that are built
       against it, the commands, the Python module, manual pages, completion.

Without an argument both. Everything is made in build/packages; the packages stay there. Needs the packages of tools/setup.sh and, for the
wheel, a network for pip. Exit status 0 when all is as it should be; what is not is named.
END
}

fail() {
  printf 'packages: %s\n' "$1" >&2
  exit 1
}
say() { printf 'packages: %s\n' "$1"; }

what=${1-all}
case "$what" in
  -h | --help) usage; exit 0 ;;
  all | wheel | deb) ;;
  *) printf "packages: unknown argument '%s'; tools/packages.sh --help lists the arguments\n" "$what" >&2; exit 2 ;;
esac

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." >/dev/null && pwd)
cd "$root"
work=$root/build/packages
mkdir -p "$work"
version=$(sed -n 's/^#define HEATBATH_VERSION_\(MAJOR\|MINOR\|PATCH\) //p' firmware_api/include/heatbath/version.h | paste -sd.)

# What a library that is linked may be: the C and C++ runtimes alone.
check_needed() {
  local needed
  needed=$(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort | paste -sd' ')
  say "$(basename "$1") needs $needed"
  for library in $needed; do
    case "$library" in
      ld-linux-x86-64.so.2 | libc.so.6 | libgcc_s.so.1 | libm.so.6 | libpthread.so.0 | libstdc++.so.6 | libz.so.1) ;;
      *) fail "$1 needs $library" ;;
    esac
  done
}

make_wheel() {
  # The compiler that other builds have, not the one that Python was built with: ccache then knows what they compiled.
  export CC=${CC-/usr/bin/cc} CXX=${CXX-/usr/bin/c++}
  local tools=$work/tools unpacked=$work/sdist/heatbath-$version dist=$work/dist
  rm -rf "$dist" "$work/clean"
  [ -x "$tools/bin/python" ] || /usr/bin/python3 -m venv "$tools" || fail "install the Debian package python3-venv"
  "$tools/bin/python" -m pip install --quiet build 'scikit-build-core>=0.10' 'pybind11>=2.12'
  "$tools/bin/python" -m build --sdist --no-isolation --outdir "$dist" . >"$work/sdist.log" 2>&1 || { tail -20 "$work/sdist.log"; fail "no sdist"; }
  local sdist=$dist/heatbath-$version.tar.gz
  [ -f "$sdist" ] || fail "no $sdist"
  say "sdist of $(stat -c %s "$sdist") bytes, $(tar tzf "$sdist" | wc -l) files"
  # Unpacked over the last one, with the build folder that it has: what is the same is not compiled again.
  mkdir -p "$unpacked"
  find "$unpacked" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
  tar xzf "$sdist" -C "$work/sdist"
  "$tools/bin/python" -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir "$dist" --config-settings=build-dir=build/wheel "$unpacked" \
    >"$work/wheel.log" 2>&1 || { tail -20 "$work/wheel.log"; fail "no wheel"; }
  local wheel
  wheel=$(ls "$dist"/heatbath-"$version"-*.whl)
  say "wheel of $(stat -c %s "$wheel") bytes"
  rm -rf "$work/wheel"
  "$tools/bin/python" -m zipfile -e "$wheel" "$work/wheel"
  for file in heatbath/__init__.py heatbath/_core.pyi heatbath/py.typed "heatbath-$version.dist-info/METADATA" "heatbath-$version.dist-info/licenses/LICENSE"; do
    [ -f "$work/wheel/$file" ] || fail "the wheel lacks $file"
  done
  local other
  other=$(find "$work/wheel" -type f ! -name '*.py' ! -name '_core*' ! -path '*.dist-info/*' ! -name py.typed)
  [ -z "$other" ] || fail "the wheel holds $other"
  check_needed "$work"/wheel/heatbath/_core*.so

  /usr/bin/python3 -m venv "$work/clean"
  "$work/clean/bin/python" -m pip install --quiet "$wheel"
  [ "$("$work/clean/bin/python" -m pip list --format freeze | grep -v '^pip=\|^setuptools=' | sed 's/[= ].*//' | sort | paste -sd' ')" = "heatbath numpy" ] ||
    fail "the wheel installs more than itself and numpy"
  (cd "$work/clean" && env -i PATH=/usr/bin HOME="$work/clean" bin/python "$root/tools/packages_use.py") || fail "the installed wheel does not work"
  "$work/clean/bin/python" -m pip install --quiet "heatbath[dimod,files] @ file://$wheel" mypy
  (cd "$work/clean" && env -i PATH=/usr/bin HOME="$work/clean" bin/python "$root/tools/packages_use.py" >/dev/null) || fail "the installed wheel does not work with h5py"
  (cd "$work/clean" && env -i PATH=/usr/bin HOME="$work/clean" bin/python "$root/examples/python/binary_model.py" >/dev/null) || fail "heatbath.dimod does not work"
  (cd "$work/clean" && bin/python -m mypy --strict --cache-dir "$work/clean/mypy" "$root/examples/python/first_sample.py" "$root/examples/python/solve_and_sample.py") ||
    fail "mypy does not see the types of the installed wheel"
  say "the wheel works in a clean environment"
}

make_deb() {
  local build=$root/build/deb unpacked="$work/deb in a path with spaces" prefix
  prefix="$unpacked/usr"
  rm -rf "$unpacked" "$work"/*.deb
  cmake --preset release -B "$build" -DHEATBATH_TESTS=OFF -DHEATBATH_BENCH=OFF -DHEATBATH_PYTHON=ON -DCMAKE_INSTALL_PREFIX=/usr >"$work/deb.log" 2>&1 || { tail "$work/deb.log"; fail "no configuration"; }
  cmake --build "$build" >>"$work/deb.log" 2>&1 || { tail "$work/deb.log"; fail "it does not build"; }
  (cd "$build" && cpack -B "$work" >>"$work/deb.log" 2>&1) || { tail "$work/deb.log"; fail "cpack fails"; }
  local deb
  deb=$(ls "$work"/heatbath_"$version"*.deb)
  dpkg-deb --field "$deb" Package Version Architecture Installed-Size Depends Recommends Section
  for field in Package Version Architecture Maintainer Installed-Size Depends Section Description; do
    [ -n "$(dpkg-deb --field "$deb" "$field")" ] || fail "the package has no field $field"
  done
  mkdir -p "$unpacked"
  dpkg -x "$deb" "$unpacked"
  # What Debian's policy asks of files, as lintian would.
  [ -z "$(find "$unpacked" -perm /o+w ! -type l)" ] || fail "files that all may write: $(find "$unpacked" -perm /o+w ! -type l | head -3)"
  [ -z "$(find "$unpacked" -type d -empty)" ] || fail "empty folders: $(find "$unpacked" -type d -empty | head -3)"
  [ -z "$(find "$unpacked" -name '__pycache__' -o -name '*.pyc' -o -name '.git*')" ] || fail "files that do not belong there"
  [ -z "$(dpkg-deb --contents "$deb" | awk '$2 != "root/root"')" ] || fail "files that are not root's"
  dpkg-deb --ctrl-tarfile "$deb" | tar -x -O ./md5sums >"$work/md5sums"
  (cd "$unpacked" && md5sum --quiet --check "$work/md5sums") || fail "md5sums do not fit"
  while IFS= read -r file; do
    readelf -d "$file" 2>/dev/null | grep -qE 'RPATH|RUNPATH' && fail "$file has a path to libraries in it"
    readelf -S "$file" 2>/dev/null | grep -q '\.debug_info' && fail "$file is not stripped"
  done < <(find "$unpacked" -type f \( -name '*.so*' -o -path '*/bin/*' \))
  # But for Verilator's: the chip in Verilog names its source where a simulation ends for an error in it.
  grep -rlF "$root" "$unpacked" | while IFS= read -r file; do
    strings -n 6 "$file" | grep -F "$root" | grep -qvE '/(Vheatbath_chip[a-z_]*[.]cpp|heatbath_[a-z]+[.]v)$' && printf '%s\n' "$file"
  done >"$work/paths" || true
  [ ! -s "$work/paths" ] || fail "paths of this machine in $(head -3 "$work/paths" | paste -sd' ')"
  for file in bin/heatbath bin/heatbath-conformance share/man/man1/heatbath.1 share/bash-completion/completions/heatbath share/doc/heatbath/copyright \
    lib/python3/dist-packages/heatbath/__init__.py lib/x86_64-linux-gnu/libheatbath.so.0 include/heatbath/heatbath.h; do
    [ -n "$(ls "$prefix/$file"* 2>/dev/null)" ] || fail "the package lacks /usr/$file"
  done
  say "$(basename "$deb"): $(stat -c %s "$deb") bytes, $(dpkg-deb --contents "$deb" | grep -vc '/$') files"

  cmake "-DPROJECT=$root/tests/install/package" "-DWORK=$work/consumers" "-DHEATBATH_PREFIX=$prefix" \
    "-DOPTIONS=-G;Ninja;-DCMAKE_BUILD_TYPE=Release;-DEXAMPLES=$root/examples;-DCMAKE_INSTALL_LIBDIR=lib/x86_64-linux-gnu" -DHEATBATH_PYTHON_EXECUTABLE=/usr/bin/python3 \
    -P tests/install/consumer.cmake || fail "programs that use the package do not build or run"
  (cd "$work" && env -i PATH=/usr/bin HOME="$work" PYTHONPATH="$prefix/lib/python3/dist-packages" /usr/bin/python3 -B "$root/tools/packages_use.py") || fail "the Python module of the package does not work"
  "$prefix/bin/heatbath" run --help >/dev/null
  command -v man >/dev/null || fail "install the Debian package man-db"
  for page in "$prefix"/share/man/man1/*; do
    [ -z "$(man --warnings -l "$page" 2>&1 >/dev/null)" ] || fail "$page has warnings"
  done
  bash -c 'source "$1"; complete -p heatbath' - "$prefix/share/bash-completion/completions/heatbath" >/dev/null || fail "the completion does not load"
  say "the Debian package works from a folder"
}

[ "$what" = deb ] || make_wheel
[ "$what" = wheel ] || make_deb
