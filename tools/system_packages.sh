#!/bin/sh
# Programs that only the tests need: real clients (Pure Data, liblo, npm's osc) and sound cards made of software.
# Installed where this may be done (Debian or Ubuntu, as root); named clearly where it may not.
# Arguments: further packages, each with a program of its name (`make test-stage` adds ardour).
set -u
packages="puredata-core puredata-utils puredata-extra liblo-tools libportaudio2 portaudio19-dev jackd2 $*"
case " $* " in *" pulseaudio "*) packages="$packages pulseaudio-utils libasound2-plugins" ;; esac

missing=""
for pair in pd:puredata-core oscsend:liblo-tools jackd:jackd2 node:nodejs npm:npm; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
for program in "$@"; do
  command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
[ -f /usr/include/portaudio.h ] || [ "$(uname)" != Linux ] || missing="$missing portaudio19-dev"
ldconfig -p 2>/dev/null | grep -q libportaudio.so.2 || missing="$missing libportaudio2"

javascript() {
  [ -d tests/rig/node/node_modules/osc ] || npm install --prefix tests/rig/node --no-package-lock --ignore-scripts \
    --omit=optional --no-audit --no-fund --loglevel=error >/dev/null
}
[ -z "$missing" ] && { javascript; exit; }

if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  echo "installing what the tests need:$missing"
  apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends $packages $missing >/dev/null && javascript && exit 0
fi
echo "The tests need these system packages:$missing" >&2
echo "  Debian, Ubuntu:  sudo apt-get install$missing" >&2
[ "${CI:-}" = true ] && exit 1
exit 0
