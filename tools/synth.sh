#!/bin/bash
# tools/synth.sh [CONFIGURATION...]: what the Verilog of hw_model/rtl takes on FPGAs, as rows of the table in
# docs/rtl.md, with the versions of the tools. A configuration is TOP:FAMILY:PARAMETERS, such as
#   heatbath_board:ice40:LOG_CELLS=4,LOG_WIDTH=1,MEMORY_BYTES=4096
# FAMILY is ice40 (nextpnr, where it is, places it on an HX8K) or ecp5. Without arguments: those of the page.
# Needs yosys; takes minutes for each.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v yosys > /dev/null || { echo "tools/synth.sh: yosys is not installed (Debian's package yosys)" >&2; exit 2; }
[ $# -gt 0 ] || set -- heatbath_regs:ice40: heatbath_regs:ecp5: \
  heatbath_sequencer:ice40:LOG_CELLS=4,MEMORY_BYTES=4096,PROGRAM_MAX=32,TICK_BITS=40 \
  heatbath_sequencer:ice40:LOG_CELLS=6,MEMORY_BYTES=4096,PROGRAM_MAX=32,TICK_BITS=48 \
  heatbath_pbit_array:ice40:LOG_CELLS=4,LOG_WIDTH=1,SLICED=1 heatbath_pbit_array:ice40:LOG_CELLS=6,LOG_WIDTH=3,SLICED=1 \
  heatbath_board:ice40:LOG_CELLS=4,LOG_WIDTH=1,MEMORY_BYTES=4096,TICK_BITS=40 \
  heatbath_board:ecp5:LOG_CELLS=6,LOG_WIDTH=3,MEMORY_BYTES=65536
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
yosys -V
pnr=$(command -v nextpnr-ice40 || true)
[ -z "$pnr" ] || "$pnr" --version 2>&1
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
  if [ "$family" = ice40 ] && [ -n "$pnr" ]; then
    if "$pnr" --hx8k --package ct256 --json "$out/chip.json" --asc "$out/chip.asc" --pcf-allow-unconstrained --seed 1 \
      > "$out/pnr" 2>&1; then
      clock="$(grep "Max frequency" "$out/pnr" | tail -1 | sed -E "s/.*: ([0-9.]+) MHz.*/\1 MHz on an HX8K/")"
    else
      clock="no room on an HX8K: $(grep -m1 ERROR "$out/pnr" | cut -c1-80)"
    fi
  fi
  echo "| \`$top\` ${parameters:-} | $family | $(count 'SB_LUT4|LUT4') | $(count 'SB_DFF.*|TRELLIS_FF') |" \
    "$(count 'SB_RAM40.*|DP16KD') | $(count 'SB_MAC16|MULT18X18D') | $clock |"
done
