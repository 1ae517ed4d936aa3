#!/usr/bin/env bash
# MELD from the corpus to the report: baselines, PRC-Emo, and PRC-Emo without each of its parts.
#
#   scripts/reproduce_meld.sh DATA [EXPERIMENT [SEED...]]
#
#   scripts/reproduce_meld.sh ../data                                   # meld_minilm, seed 42: hours on two CPU cores
#   scripts/reproduce_meld.sh ../data meld_qwen3_8b 42 43 44 45 46      # the paper's setting; needs a GPU
#
# DATA holds meld/train_sent_emo.csv, meld/dev_sent_emo.csv and meld/test_sent_emo.csv. What a larger model wrote
# about utterances and speakers (P) is named by KNOWLEDGE=FILE; without it there is no P to take away.
# On several GPUs: RUN="accelerate launch --config_file scripts/accelerate/ddp.yaml -m prc_emo run".
# Stopped, it goes on where it was when it is started again.
set -euo pipefail

if [[ $# -lt 1 || ! -d $1/meld ]]; then
  echo "usage: $0 DATA [EXPERIMENT [SEED...]], where DATA/meld holds the CSV files of MELD" >&2
  exit 2
fi
PRC_EMO_DATA=$(cd "$1" && pwd)
export PRC_EMO_DATA
name=${2:-meld_minilm}
seeds=("${@:3}")
[[ ${#seeds[@]} -gt 0 ]] || seeds=(42)
knowledge=()
[[ -z ${KNOWLEDGE:-} ]] || knowledge=("prompt.knowledge=$(cd "$(dirname "$KNOWLEDGE")" && pwd)/$(basename "$KNOWLEDGE")")

cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH=$PWD/.venv/bin:$PATH
read -r -a run <<< "${RUN:-prc-emo run}"
runs=(runs/majority_meld runs/nearest_meld "runs/$name")

arm() { # arm SUFFIX SETTING...: the experiment under a name of its own, for every seed
  local suffix=$1 seed
  shift
  for seed in "${seeds[@]}"; do
    "${run[@]}" "$name" "name=$name$suffix" "seed=$seed" ${knowledge[@]+"${knowledge[@]}"} "$@"
  done
}

prc-emo data check meld "$PRC_EMO_DATA/meld"

# What no language model is needed for.
prc-emo run majority_meld
prc-emo run nearest_meld

arm ""

# Every other arm trains for as many optimiser steps as the whole did, so that none wins by training longer.
steps=$(python - "runs/$name/seed${seeds[0]}" << 'PYTHON'
import json, sys, yaml
run = sys.argv[1]
training = yaml.safe_load(open(f"{run}/config.yaml"))["training"]
processes = json.load(open(f"{run}/environment.json"))["processes"]
examples = json.load(open(f"{run}/order.json"))["phases"][-1]["stop"]
print(examples // (training["batch"] * training["accumulate"] * processes))
PYTHON
)

arm _without_c curriculum=null "training.steps=$steps"
arm _without_r retrieval=null "training.steps=$steps"
arm _without_r_c retrieval=null curriculum=null "training.steps=$steps"
runs+=("runs/${name}_without_c" "runs/${name}_without_r" "runs/${name}_without_r_c")
if [[ ${#knowledge[@]} -gt 0 ]]; then
  # the last of two settings of one key holds
  arm _without_p prompt.knowledge=null "training.steps=$steps"
  arm _without_p_r_c prompt.knowledge=null retrieval=null curriculum=null "training.steps=$steps"
  runs+=("runs/${name}_without_p" "runs/${name}_without_p_r_c")
fi
for measure in es wes; do
  arm "_$measure" "curriculum.difficulty=$measure" "training.steps=$steps"
  runs+=("runs/${name}_$measure")
done

prc-emo compare "${runs[@]}"
prc-emo report "${runs[@]}" --out "runs/$name.html"
