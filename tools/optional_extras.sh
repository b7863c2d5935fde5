#!/bin/sh
# Extras that the instrument can live without: each is tried, and said if it does not come.
python=$1
for extra in k-diffusion pyaudio; do
  if ! "$python" -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[$extra]" >/dev/null 2>&1; then
    echo "note: the extra '$extra' could not be installed; everything else works without it"
    [ "$extra" = pyaudio ] && echo "      (it needs PortAudio's headers: portaudio19-dev, or 'brew install portaudio')"
  fi
done
# k-diffusion's dctorch asks for numpy 1 without need (we load none of it), the training tools ask for 2.
"$python" -m pip install --quiet --disable-pip-version-check 'numpy>=2' >/dev/null 2>&1
exit 0
