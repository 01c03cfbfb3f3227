#!/usr/bin/env bash
# From a fresh machine to digits drawn by the chip: sets up, builds, trains, draws.
set -euo pipefail

usage() {
  cat <<'END'
usage: tools/demo.sh [OPTION ...]

Installs missing Debian packages, builds the release preset, trains the emulated chip to draw the digits it is asked
for (heatbath train generate --recipe schedule --labels) and leaves pictures and a report in out/demo (or the folder of
--out DIR). The report shows the paper's recipe, trained before it into the folder paper there, beside it. The chip is
the one in SystemC, tlm:, unless --device or HEATBATH_DEVICE says otherwise.
Options go to both trainings: --data DIR, --digits 0,1,2, --updates N, --seed N, --device URI, ... With one that changes
the recipe (--recipe, --optimizer, --drive, --scaling, --segments, --ramp-end, --labels, --balance, --continue) there is
one training, with the options that are given.
`build/release/apps/heatbath-demo train generate --help` lists them all.
END
}

case "${1-}" in
  -h | --help) usage; exit 0 ;;
esac

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." >/dev/null && pwd)
"$root/tools/build.sh" release heatbath_demo

out=$root/out/demo
options=()
own_recipe=no
while [ "$#" -gt 0 ]; do
  case "$1" in
    --out) out=${2-}; shift ;;
    --out=*) out=${1#--out=} ;;
    --recipe* | --optimizer* | --drive* | --scaling* | --segments* | --ramp-end* | --labels* | --balance* | --continue*)
      own_recipe=yes; options+=("$1") ;;
    *) options+=("$1") ;;
  esac
  if [ "$#" -gt 0 ]; then shift; fi
done

export HEATBATH_DEVICE=${HEATBATH_DEVICE:-tlm:}
train=("$root/build/release/apps/heatbath-demo" train generate "${options[@]}")
if [ "$own_recipe" = yes ]; then
  "${train[@]}" --out "$out"
else
  echo "The paper's recipe:"
  "${train[@]}" --out "$out/paper"
  printf '\nThe machine that draws what it is asked for:\n'
  "${train[@]}" --out "$out" --recipe schedule --labels --beside "$out/paper"
fi

cat <<END

Report:    $out/report.html
Drawn:     $out/samples.png
Numbers:   $out/report.json
More:      $root/build/release/apps/heatbath-demo generate --model $out/model.h5 --shots 25 --out $out/more
END
