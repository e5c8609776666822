# sh serve.sh MODEL PORT NAME: vLLM on 127.0.0.1, in the environment where `vllm` is found.
set -eu
exec "${VLLM:-vllm}" serve "$1" --host 127.0.0.1 --port "$2" --served-model-name "$3"
