#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures what the README's performance table says, on this machine:  bash tests/bench/run.sh
# Instruction counts (valgrind) repeat exactly; times need a quiet machine.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2

readonly programs=$PWD/build/bench/tests/bench
readonly outrider=$PWD/build/bench/outrider
readonly rate=16000          # Frames per second: four CAN buses of 500 kbit/s, full.
readonly replay_seconds=20
scratch=$(mktemp -d)
broker_pid=
trap '[ -z "$broker_pid" ] || kill "$broker_pid" 2>/dev/null; rm -rf "$scratch"' EXIT

# row FIGURE RELATION TARGET MEASURED: one line of the table at the end; RELATION is "most" or "least".
row() { printf '%s\t%s\t%s\t%s\n' "$@" >>"$scratch/table"; }
row_missing() { row "$1" "$2" "$3" "-	$4"; }

print_table() {
  echo
  awk -F '\t' '
    BEGIN { printf "%-76s %16s %12s  %s\n", "figure", "target", "measured", "verdict" }
    {
      is_met = $2 == "most" ? $4 <= $3 : $4 >= $3
      verdict = $4 == "-" ? "not measured: " $5 : (is_met ? "met" : "short")
      if (verdict == "short") short = 1
      printf "%-76s %16s %12s  %s\n", $1, "at " $2 " " $3, $4, verdict
    }
    END { exit short }
  ' "$scratch/table"
}

# The value behind KEY in a line like "frames 1000 signals 5000".
value_of() { awk -v key="$1" '{ for (i = 1; i < NF; ++i) if ($i == key) print $(i + 1) }'; }

ratio() { awk -v a="$1" -v b="$2" -v digits="$3" 'BEGIN { if (b > 0) printf "%.*f", digits, a / b; else print "-" }'; }

# counted PROGRAM ARGUMENTS…: what the program printed, and "instructions N".
counted() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>"$scratch/callgrind" || return
  awk '/Collected *:/ { print "instructions", $NF }' "$scratch/callgrind"
}

# instructions_per WORD COUNT PROGRAM ARGUMENTS…: runs with COUNT and twice as many, so that starting up cancels out.
instructions_per() {
  local word=$1 count=$2 few many
  shift 2
  few=$(counted "$@" "$count") && many=$(counted "$@" "$((2 * count))") || return
  ratio $(($(value_of instructions <<<"$many") - $(value_of instructions <<<"$few"))) \
    $(($(value_of "$word" <<<"$many") - $(value_of "$word" <<<"$few"))) 1
}

# row_of_instructions FIGURE TARGET WORD COUNT PROGRAM ARGUMENTS…
row_of_instructions() {
  local figure=$1 target=$2 measured
  shift 2
  if ! command -v valgrind >/dev/null; then
    row_missing "$figure" most "$target" "valgrind is not installed"
  else
    measured=$(instructions_per "$@") || measured=
    row "$figure" most "$target" "${measured:--	it failed, see above}"
  fi
}

measure_instructions() {
  local dbc=../shared/corpora/dbc/acura_ilx_2016_nidec.dbc name
  [ -e "$dbc" ] || dbc=config/outrider_vehicle.dbc
  name=$(basename "$dbc")
  row_of_instructions "decode, instructions per signal ($name)" 40 signals 200000 "$programs/decode_instructions" "$dbc"
  local figure="frame to row, instructions per kept sample"
  row_of_instructions "$figure ($name)" 300 kept 40000 "$programs/path_instructions" "$dbc"
  row_of_instructions "$figure (simulated, every change)" 300 kept 40000 "$programs/path_instructions" all
  row_of_instructions "$figure (simulated, at most 10/s)" 300 kept 40000 "$programs/path_instructions" default
}

measure_operations() {
  local program
  for program in decode_bench store_bench path_bench; do
    [ -x "$programs/$program" ] && "$programs/$program" --benchmark_min_time=0.5
  done
}

start_broker() {
  local mosquitto
  mosquitto=$(PATH=$PATH:/usr/sbin command -v mosquitto) || return
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  printf 'listener %s 127.0.0.1\nallow_anonymous true\npersistence false\nlog_type none\n' "$port" \
    >"$scratch/mosquitto.conf"
  "$mosquitto" -c "$scratch/mosquitto.conf" 2>"$scratch/mosquitto.log" &
  broker_pid=$!
  timeout 10 bash -c "until (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; do sleep 0.05; done"
}

# drain_row FIGURE ROWS ROW_BYTES MAX_MESSAGE
drain_row() {
  local figure=$1 result
  shift
  result=$("$programs/drain_bench" "$port" "$@")
  echo "drain: $result"
  row "$figure" least 0.90 "$(ratio "$(value_of outrider <<<"$result")" "$(value_of plain <<<"$result")" 2)"
}

measure_drain() {
  cd "$scratch" || return
  drain_row "drain / plain Paho loop, messages of 4 KiB" 40000 4000 4200
  drain_row "drain / plain Paho loop, messages of 64 KiB" 40000 4000 65536
  cd "$OLDPWD" || return
}

# json_value KEY: of the JSON line on standard input.
json_value() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

measure_start() {
  "$outrider" simulate --seconds 1 --quiet --broker "mqtt://127.0.0.1:$port" --state "$scratch/start" \
    >"$scratch/start.json" 2>"$scratch/start.log"
  row "start to first durable row, ms" most 300 "$(json_value first_durable_ms <"$scratch/start.json")"
}

measure_replay() {
  # Nobody listens on port 9 of the loopback: everything waits.
  local unsent=(--config config/simulator.json --quiet --broker mqtt://127.0.0.1:9 --state "$scratch/replay" --set 'signals=["*.*"]')
  python3 tests/bench/busy_bus.py config/outrider_vehicle.dbc 95 1100 >"$scratch/slow.log"
  python3 tests/bench/busy_bus.py config/outrider_vehicle.dbc "$rate" "$replay_seconds" >"$scratch/busy.log"
  # A row for every frame: about 100 000 rows wait before the busy log begins.
  "$outrider" replay "$scratch/slow.log" "${unsent[@]}" --speed max --set buffer.commit_interval=10ms \
    >"$scratch/slow.json" 2>"$scratch/slow.txt"
  /usr/bin/time --format '%U %S %e %M' --output "$scratch/time" "$outrider" replay "$scratch/busy.log" "${unsent[@]}" \
    --speed 1 >"$scratch/busy.json" 2>"$scratch/busy.txt" ||
    { row_missing "replay at $rate frames/s" most 5 "outrider replay failed"; return; }
  local user system seconds resident cpu
  read -r user system seconds resident < <(tail -n 1 "$scratch/time")
  cpu=$(awk -v u="$user" -v s="$system" 'BEGIN { print 100 * (u + s) }')
  tail -n 1 "$scratch/busy.txt"
  row "replay at $rate frames/s, CPU in % of a core" most 5 "$(ratio "$cpu" "$seconds" 1)"
  row "replay at $rate frames/s, frames or samples lost" most 0 "$(json_value lost <"$scratch/busy.json")"
  row "resident set with 100 000 rows waiting, MB" most 12 "$(ratio "$resident" 1024 1)"
}

bash packaging/dependencies/install.sh build run bench ||
  echo "Some packages could not be installed; what needs them is not measured."
if ! { cmake --preset bench && cmake --build --preset bench; } >"$scratch/build.log" 2>&1; then
  tail -n 50 "$scratch/build.log"
  exit 1
fi
measure_instructions
measure_operations
if start_broker; then
  measure_drain
  measure_start
  measure_replay
else
  row_missing "drain, start, replay" most 0 "mosquitto did not start"
fi
row "program, MB (stripped)" most 2.0 "$(strip -o "$scratch/stripped" "$outrider" && ratio "$(stat --format=%s "$scratch/stripped")" 1000000 2)"
print_table
