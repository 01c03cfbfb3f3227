#!/usr/bin/env bash
# What other people's programs need to judge Heatbath, in a virtual environment: see tools/judges_requirements.txt.
set -euo pipefail

usage() {
  cat <<'END'
usage: tools/judges.sh

Makes the virtual environment build/judges_env with the packages that tools/judges_requirements.txt names (from PyPI,
once, and again when that file has changed). The tests labelled judge look for it and are skipped by name without it:
    ctest --preset release -L judge
HEATBATH_JUDGES_PYTHON names a Python that has the packages already; the tests take that one then.
Nothing that Heatbath builds or runs depends on them. Exit status 77 when they cannot be had.
END
}

case "${1-}" in
  '') ;;
  -h | --help) usage; exit 0 ;;
  *) printf "judges: unknown option '%s'; tools/judges.sh --help\n" "$1" >&2; exit 2 ;;
esac

cd "$(dirname "${BASH_SOURCE[0]}")/.."
environment=build/judges_env
wanted=tools/judges_requirements.txt
if cmp --silent "$wanted" "$environment/requirements.txt"; then exit 0; fi
rm -rf "$environment"
mkdir -p build
python3 -m venv "$environment" || { echo 'judges: install the Debian package python3-venv' >&2; exit 77; }
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check --retries 1 --timeout 15 -r "$wanted" || {
  echo 'judges: the packages could not be installed from PyPI; where there is no network, set HEATBATH_JUDGES_PYTHON' \
    'to a Python that has them. Their tests will be skipped.' >&2
  rm -rf "$environment"
  exit 77
}
cp "$wanted" "$environment/requirements.txt"
