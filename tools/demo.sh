#!/usr/bin/env bash
# From a fresh machine to digits drawn by the chip: sets up, builds, trains, draws.
set -euo pipefail

usage() {
  cat <<'END'
usage: tools/demo.sh [OPTION ...]

Installs missing Debian packages, builds the release preset, trains the emulated chip to draw digits
and leaves pictures and a report in out/demo (or the folder of --out DIR). The chip is the one in
SystemC, tlm:, unless --device or HEATBATH_DEVICE says otherwise.
Options go to `heatbath train generate`: --data DIR, --digits 0,1,2, --updates N, --seed N, --device URI, ...;
`build/release/apps/heatbath-demo train generate --help` lists them all.
END
}

case "${1-}" in
  -h | --help) usage; exit 0 ;;
esac

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." >/dev/null && pwd)
"$root/tools/build.sh" release heatbath_demo

out=$root/out/demo
options=("$@")
given=no
for ((i = 0; i < ${#options[@]}; ++i)); do
  case "${options[i]}" in
    --out) given=yes; out=${options[i + 1]-} ;;
    --out=*) given=yes; out=${options[i]#--out=} ;;
  esac
done
if [ "$given" = no ]; then
  options+=(--out "$out")
fi

export HEATBATH_DEVICE=${HEATBATH_DEVICE:-tlm:}
"$root/build/release/apps/heatbath-demo" train generate "${options[@]}"

cat <<END

Report:    $out/report.html
Drawn:     $out/samples.png
Numbers:   $out/report.json
More:      $root/build/release/apps/heatbath-demo generate --model $out/model.h5 --shots 25 --out $out/more
END
