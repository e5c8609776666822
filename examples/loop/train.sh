# sh train.sh RELEASE OUT FROM: TRL's SFTTrainer on the `sft` of a release, in the environment of TRAINER_PYTHON.
set -eu
exec "${TRAINER_PYTHON:-python}" "$(dirname "$0")/train_sft.py" "$1" "$2" "$3"
