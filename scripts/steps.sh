# Sourced by the scripts beside it: what a step says, and how a script fails with one clear line.
# shellcheck shell=bash
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
script=$(basename "$0")

step() { printf '\n==> %s\n' "$*"; }

die() {
  printf '%s: %s\n' "$script" "$*" >&2
  trap - ERR
  exit 1
}

# A script that another one calls has said already what failed.
on_error() {
  local status=$? command=$2
  [[ $command == scripts/* ]] || printf '%s: line %s failed with status %s: %s\n' "$script" "$1" "$status" "$command" >&2
  exit "$status"
}
trap 'on_error "$LINENO" "$BASH_COMMAND"' ERR

# Runs a command with its output in build/logs/NAME.log; shows the end of it only when it fails.
quietly() {
  local name=$1 log
  shift
  mkdir -p build/logs
  log=build/logs/$name.log
  "$@" >"$log" 2>&1 || {
    tail -n 40 "$log" >&2
    die "$name failed; all of its output is in $log"
  }
}
