#!/usr/bin/env bash
# Runs test programs on an emulated processor with AVX-512 (Bochs), for machines that have none.
set -euo pipefail

usage() {
  cat <<'END'
usage: tools/avx512/run.sh [--install] [--minutes M] [PROGRAM...]

Boots Debian's kernel in Bochs on an emulated Skylake-X and runs each PROGRAM there (default: the tests that compare bits
between instruction sets, from build/release/tests). Exit status 0 when all of them passed. An emulated second takes minutes.

  --install    first install bochs, bochs-term, xorriso, isolinux and cpio with apt-get
  --minutes M  give up after M minutes (default 60)
END
}

fail() {
  printf 'avx512: %s\n' "$1" >&2
  exit 2
}

install=no
minutes=60
programs=()
while [ "$#" -gt 0 ]; do
  case "$1" in
    -h | --help) usage; exit 0 ;;
    --install) install=yes ;;
    --minutes) [ "$#" -gt 1 ] || fail "--minutes needs a number"; minutes=$2; shift ;;
    -*) fail "unknown option '$1'; tools/avx512/run.sh --help lists the options" ;;
    *) programs+=("$1") ;;
  esac
  shift
done

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" >/dev/null && pwd)
cd "$here/../.."
packages=(bochs bochs-term bochsbios xorriso isolinux syslinux-common cpio)
if [ "$install" = yes ]; then
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "${packages[@]}"
fi
for tool in bochs xorriso cpio script; do
  command -v "$tool" >/dev/null || fail "$tool not found: run with --install, or install ${packages[*]}"
done
if [ "${#programs[@]}" -eq 0 ]; then
  tests=build/release/tests
  programs=("$tests/physics/test_noise" "$tests/numerics/test_numerics" "$tests/physics/test_array"
            "$tests/physics/test_general_array")
fi
for program in "${programs[@]}"; do
  [ -x "$program" ] || fail "$program is not there: build the release preset first"
done

work=$(mktemp -d)
bochs_pid=
finish() {
  if [ -n "$bochs_pid" ]; then pkill -9 --parent "$bochs_pid" || true; fi
  rm -rf "$work"
}
trap finish EXIT

# The kernel, taken out of its package; nothing is installed.
kernel=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends:/ {print $2; exit}')
(cd "$work" && apt-get -qq download "$kernel" 2>/dev/null && dpkg -x "$kernel"_*.deb kernel) ||
  fail "cannot download the package $kernel"

root=$work/root
mkdir -p "$root"/{dev,proc,tmp} "$work/cd/isolinux"
cc -O1 -static "$here/init.c" -o "$root/init"
for program in "${programs[@]}"; do
  cp "$program" "$root/"
  strip "$root/$(basename "$program")"
  printf '/%s --gtest_color=no --gtest_print_time=0\n' "$(basename "$program")" >> "$root/commands"
  ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
  done
done
(cd "$root" && find . | cpio --quiet -o -H newc | gzip -1) > "$work/cd/initrd.gz"
cp "$work"/kernel/boot/vmlinuz-* "$work/cd/vmlinuz"
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$work/cd/isolinux/"
# Bochs reports compacted states in the size of plain ones, so the kernel is told to use plain ones (XSAVEC, XSAVES
# off).
cat > "$work/cd/isolinux/isolinux.cfg" <<'END'
DEFAULT tests
LABEL tests
  KERNEL /vmlinuz
  INITRD /initrd.gz
  APPEND console=ttyS0,115200 quiet mitigations=off nokaslr idle=poll nosoftlockup lpj=4000000 clearcpuid=321,323
END
xorriso -as mkisofs -quiet -o "$work/boot.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot \
  -boot-load-size 4 -boot-info-table "$work/cd" 2>/dev/null
cat > "$work/bochsrc" <<END
display_library: term
megs: 1024
cpu: model=corei7_skylake_x, count=1, ips=100000000
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path=$work/boot.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$work/serial.txt
log: $work/bochs.log
panic: action=fatal
clock: sync=none, time0=1700000000
END
echo c > "$work/continue"  # Debian's Bochs starts in its debugger

touch "$work/serial.txt"
TERM=xterm script -qfc "exec bochs -q -f $work/bochsrc -rc $work/continue" /dev/null > "$work/screen" 2>&1 < /dev/null &
bochs_pid=$!
tail -f --pid="$bochs_pid" "$work/serial.txt" 2>/dev/null | grep --line-buffered -aE '^\[  |^\[==|^command|^status|FAILED' &
end=$((SECONDS + 60 * minutes))
until grep -qa '^finished' "$work/serial.txt"; do
  [ "$SECONDS" -lt "$end" ] || fail "not finished after $minutes minutes"
  kill -0 "$bochs_pid" 2>/dev/null || fail "Bochs ended: $(tail -n 1 "$work/bochs.log")"
  sleep 2
done
grep -qa 'avx512bw' "$work/serial.txt" || fail "the emulated processor shows no AVX-512: a newer kernel may need other options"
if grep -a '^status:' "$work/serial.txt" | grep -qv 'status: 0'; then exit 1; fi
