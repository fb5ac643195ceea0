#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds Outrider and lets it prove itself: simulated vehicles drive for a minute, the network is away for a third of
# it, and a consumer of its own checks whether every sample arrived, in order. Leaves nothing running.
# shellcheck disable=SC2317  # some functions are called by a trap, or by name through wait_until
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: packaging/quickstart.sh [options]

  --vehicles N        how many vehicles drive                      [3]
  --seconds S         for how long                                 [60]
  --outage LENGTH@START  when the network is away                  [20s@20s]
  --binary FILE       use this program; install and build nothing

Exit code: 0 every sample arrived in order, 1 it did not, 4 it could not be tried.
TEXT
}

readonly kFine=0 kNo=1 kUsage=2 kCannotStart=4
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PATH=$PATH:/usr/sbin:/sbin  # where Debian keeps mosquitto

vehicles=3
seconds=60
outage=20s@20s
program=

work=           # a directory of this run alone
broker=         # process ids; empty while there is none
verifier=
simulator=
port=

main() {
  read_options "$@"
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  trap end_all EXIT
  if [ -z "$program" ]; then
    install_packages
    build
  fi
  work=$(mktemp -d -t outrider-quickstart.XXXXXX)
  chmod 711 "$work"
  start_broker
  start_verifier
  drive
  judge
}

read_options() {
  while [ $# -gt 0 ]; do
    case $1 in
      --help | -h) usage; exit "$kFine" ;;
      --vehicles | --seconds | --outage | --binary)
        [ $# -ge 2 ] || wrong_usage "$1 needs a value"
        case $1 in
          --vehicles) vehicles=$2 ;;
          --seconds) seconds=$2 ;;
          --outage) outage=$2 ;;
          --binary) program=$2 ;;
        esac
        shift 2
        ;;
      *) wrong_usage "unknown option $1" ;;
    esac
  done
}

wrong_usage() {
  echo "quickstart: $1" >&2
  usage >&2
  exit "$kUsage"
}

cannot_start() {
  echo "quickstart: $1" >&2
  exit "$kCannotStart"
}

say() {
  echo "==> $*"
}

install_packages() {
  command -v apt-get >/dev/null ||
    cannot_start "this system has no apt-get; install what packaging/dependencies/build.txt and run.txt name, and mind --binary"
  "$project/packaging/dependencies/install.sh" build run ||
    cannot_start "the packages could not be installed; the lines above say why"
}

build() {
  say "Building (a few minutes the first time)"
  cd "$project"
  cmake --preset release >/dev/null || cannot_start "cmake does not like this machine; the lines above say why"
  cmake --build --preset release --parallel "$(compilers)" ||
    cannot_start "the build failed; the lines above say why"
  program=$project/build/release/outrider
}

# One per core, but no more than memory allows: a compiler takes up to 700 MB, and a small Raspberry Pi has 1 GB.
compilers() {
  local cores available_kb fitting
  cores=$(nproc)
  available_kb=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo)
  fitting=$((${available_kb:-0} / 700000))
  [ "$fitting" -ge 1 ] || fitting=1
  echo $((cores < fitting ? cores : fitting))
}

# A broker of our own on a free port of the loopback: one that runs already is nobody's business here.
start_broker() {
  command -v mosquitto >/dev/null || cannot_start "mosquitto is not installed"
  local attempt
  for attempt in 1 2 3 4 5 6 7 8 9 10; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    if answers "$port"; then continue; fi
    cat >"$work/mosquitto.conf" <<TEXT
listener $port 127.0.0.1
allow_anonymous true
persistence false
max_inflight_messages 0
max_queued_messages 0
TEXT
    mosquitto -c "$work/mosquitto.conf" >"$work/mosquitto.log" 2>&1 &
    broker=$!
    if wait_until broker_answers; then return; fi
    stop_process "$broker"
    broker=
  done
  cat "$work/mosquitto.log" >&2
  cannot_start "mosquitto does not start after $attempt attempts"
}

answers() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

broker_answers() {
  is_alive "$broker" || return 2
  answers "$port"
}

start_verifier() {
  : >"$work/verify.log"
  "$program" verify --broker "mqtt://127.0.0.1:$port" --quiet >"$work/verify.json" 2>"$work/verify.log" &
  verifier=$!
  if wait_until is_subscribed; then return; fi
  cat "$work/verify.log" >&2
  cannot_start "the verifier did not subscribe to the broker"
}

is_subscribed() {
  grep -q '^subscribed' "$work/verify.log" && return
  is_alive "$verifier" || return 2
  return 1
}

# Until the given command says yes; at most 15 seconds, and no longer when it says never (2).
wait_until() {
  local answer
  for _ in {1..150}; do
    answer=0
    "$1" || answer=$?
    [ "$answer" -ne 0 ] || return 0
    [ "$answer" -ne 2 ] || return 1
    sleep 0.1
  done
  return 1
}

drive() {
  say "$vehicles vehicles drive for $seconds s; the network is away for ${outage%@*} after ${outage#*@}"
  # Started aside and waited for, so that a signal to this script ends it at once.
  "$program" simulate --vehicles "$vehicles" --seconds "$seconds" --outage "$outage" --drain 60s \
    --broker "mqtt://127.0.0.1:$port" --state "$work/state" >"$work/simulate.json" &
  simulator=$!
  local ended=0
  wait "$simulator" || ended=$?
  simulator=
  [ "$ended" -eq 0 ] || cannot_start "the simulation ended with code $ended; the lines above say why"
}

judge() {
  sleep 1  # what the broker has acknowledged is on its way to the verifier
  local verdict=0
  kill -TERM "$verifier"
  wait "$verifier" || verdict=$?
  verifier=
  if [ ! -s "$work/verify.json" ]; then
    cat "$work/verify.log" >&2
    cannot_start "the verifier gave no verdict"
  fi
  local sampled arrived lost
  sampled=$(figure sampled simulate)
  arrived=$(figure samples verify)
  lost=$(figure reported_lost verify)
  print_figures "$sampled" "$arrived" "$lost"
  if [ "$verdict" -eq 0 ] && [ "$sampled" -eq $((arrived + lost)) ] && [ "$lost" -eq 0 ]; then
    say "Every sample arrived, in order, through an outage of ${outage%@*}."
    exit "$kFine"
  fi
  tail -n 1 "$work/verify.log" >&2
  say "Not every promise was kept: $sampled sampled, $arrived arrived, $lost reported lost."
  exit "$kNo"
}

print_figures() {
  echo
  printf '  %-14s %12s  samples on %s vehicles\n' taken "$1" "$vehicles"
  printf '  %-14s %12s  samples in %s messages\n' arrived "$2" "$(figure messages verify)"
  printf '  %-14s %12s  samples\n' 'reported lost' "$3"
  printf '  %-14s %12s  rows, and %s out of order\n' missing "$(figure missing verify)" "$(figure out_of_order verify)"
  printf '  %-14s %12s  rows that came twice, with the same key\n' repeats "$(figure repeats verify)"
  printf '  %-14s %9s ms  median; 99 of 100 within %s ms, because the outage counts\n' latency \
    "$(figure p50 verify)" "$(figure p99 verify)"
  echo
}

# The number with this name in the JSON line of a command.
figure() {
  sed -n "s/.*\"$1\":\\([0-9.]*\\).*/\\1/p" "$work/$2.json" | tail -n 1
}

is_alive() {
  kill -0 "$1" 2>/dev/null
}

stop_process() {
  [ -n "$1" ] || return 0
  kill -TERM "$1" 2>/dev/null || true
  local turn
  for turn in {1..50}; do
    is_alive "$1" || break
    [ "$turn" -lt 50 ] || kill -KILL "$1" 2>/dev/null || true
    sleep 0.1
  done
  wait "$1" 2>/dev/null || true
}

end_all() {
  local code=$?
  trap '' INT TERM HUP
  stop_process "$simulator"
  stop_process "$verifier"
  stop_process "$broker"
  [ -z "$work" ] || rm -rf "$work"
  exit "$code"
}

main "$@"
