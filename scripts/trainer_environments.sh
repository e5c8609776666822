#!/bin/sh
# Make the environments in which tests/trainers run the trainers, each in FOLDER/NAME: none fits into ours, nor into another.
#   sh scripts/trainer_environments.sh FOLDER [trl verl openrlhf verifiers openenv nemo-gym]
# About 8 GB and ten minutes with a torch without CUDA, whose name depends on where packages come from: TORCH=torch==2.13.0+cpu.
# NeMo-Gym asks for Python 3.13.14, and what is tested of it runs on any 3.13: PYTHON313=python3.13.
set -eu
folder=$1
shift
torch=${TORCH:-torch}

made() { # NAME PYTHON: make the environment, unless it is there
    [ -x "$folder/$1/bin/pip" ] || "$2" -m venv "$folder/$1"
}

for name in ${*:-trl verl openrlhf verifiers openenv nemo-gym}; do
    install="$folder/$name/bin/pip install --quiet --disable-pip-version-check"
    case $name in
    trl) made trl "${PYTHON:-python3}" && $install "$torch" trl==1.16.0 ;;
    verl) made verl "${PYTHON:-python3}" && $install "$torch" verl==0.9.1 ;;
    # Its own requirements are CUDA's; what asks for rewards runs without them.
    openrlhf)
        made openrlhf "${PYTHON:-python3}"
        $install "$torch" transformers ray aiohttp pylatexenc
        $install --no-deps openrlhf==0.11.2
        ;;
    # uv: verifiers starts its harness with it. hatchling: what the environment of a release is built with.
    verifiers) made verifiers "${PYTHON:-python3}" && $install verifiers==0.4.0 uv hatchling ;;
    openenv) made openenv "${PYTHON:-python3}" && $install openenv==0.10.0 ;;
    nemo-gym) made nemo-gym "${PYTHON313:-python3.13}" && $install --ignore-requires-python nemo-gym==0.7.0 ;;
    *) echo "$name: no trainer that is tested here" >&2 && exit 2 ;;
    esac
done
