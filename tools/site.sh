#!/usr/bin/env bash
# The pages of docs/ as a site with navigation and search, in build/site. Every warning is an error, a dead link too.
set -euo pipefail

usage() {
  cat <<'END'
usage: tools/site.sh [--out DIR]

Makes the virtual environment build/site_env with what tools/site_requirements.txt names (from PyPI, once), and builds
docs/ as a site into build/site, or DIR. The pages need no network; search needs a web server:
    python3 -m http.server --bind 127.0.0.1 --directory build/site
HEATBATH_SITE_PYTHON names a Python that has what tools/site_requirements.txt names already; then nothing is installed.
The reference of the Python module is made of the built one: build/release/python, or what HEATBATH_SITE_MODULE names.
Where that Python cannot import it, its page says so. The reference of the C++ and C headers is read by Doxygen (Debian); without
it, its pages say so. python3 tools/cpp_reference.py lists public declarations without a comment.
Exit status 1 when a page has a fault, 77 when mkdocs-material or mkdocstrings cannot be had.
END
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=$PWD/build/site
while [[ $# -gt 0 ]]; do
  case "$1" in
    -h | --help) usage; exit 0 ;;
    --out) [[ -n "${2-}" ]] || { echo "site: --out takes a folder" >&2; exit 2; }
           out=$(realpath -m "$2"); shift 2 ;;
    *) printf "site: unknown option '%s'\n" "$1" >&2; exit 2 ;;
  esac
done

has_material() { "$1" -c 'import material, mkdocs, mkdocstrings_handlers.python' 2>/dev/null; }
python=${HEATBATH_SITE_PYTHON-}
if [[ -n "$python" ]]; then
  has_material "$python" || {
    printf 'site: %s lacks what tools/site_requirements.txt asks for\n' "$python" >&2; exit 77; }
else
  environment=$PWD/build/site_env
  python=$environment/bin/python
  if ! has_material "$python"; then
    mkdir -p build
    python3 -m venv "$environment" || { echo 'site: install the Debian package python3-venv' >&2; exit 77; }
    "$python" -m pip install --quiet --disable-pip-version-check --retries 1 --timeout 15 \
      -r tools/site_requirements.txt || {
      echo 'site: mkdocs-material and mkdocstrings could not be installed from PyPI; where there is no network, set' \
        'HEATBATH_SITE_PYTHON to a Python that has it' >&2; exit 77; }
  fi
fi

# --quiet would drop warnings before --strict counts them.
export NO_MKDOCS_2_WARNING=1
if ! log=$("$python" -B -m mkdocs build --strict --config-file mkdocs.yml --site-dir "$out" 2>&1); then
  grep -v '^INFO' <<<"$log" >&2
  exit 1
fi
printf '%s/index.html\n' "$out"
