#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures what the README's performance table says, on this machine:  bash tests/bench/run.sh
# Instruction counts (valgrind) repeat exactly; times need a quiet machine.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2

readonly programs=build/bench/tests/bench
readonly outrider=build/bench/outrider
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
    BEGIN { printf "%-52s %16s %12s  %s\n", "figure", "target", "measured", "verdict" }
    {
      is_met = $2 == "most" ? $4 <= $3 : $4 >= $3
      verdict = $4 == "-" ? "not measured: " $5 : (is_met ? "met" : "short")
      if (verdict == "short") short = 1
      printf "%-52s %16s %12s  %s\n", $1, "at " $2 " " $3, $4, verdict
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
  local dbc=../shared/corpora/dbc/acura_ilx_2016_nidec.dbc
  [ -e "$dbc" ] || dbc=config/outrider_vehicle.dbc
  row_of_instructions "decode, instructions per signal" 40 signals 2000 "$programs/decode_instructions" "$dbc"
  row_of_instructions "frame to row, instructions per frame (default rules)" 300 \
    frames 20000 "$programs/path_instructions" default
  row_of_instructions "frame to row, instructions per sample (all kept)" 400 \
    kept 20000 "$programs/path_instructions" all
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

measure_drain() {
  local result
  "$programs/plain_paho" "$port" 20  # mosquitto's Receive Maximum
  result=$("$programs/drain_bench" "$port")
  echo "drain, bytes per second: $result"
  row "drain, share of a plain Paho loop's rate" least 0.80 \
    "$(ratio "$(value_of outrider <<<"$result")" "$(value_of plain <<<"$result")" 2)"
}

# The broker hears of a row only after it is durable, so the first message bounds the time to the first durable row.
measure_start() {
  local began ended
  mosquitto_sub -p "$port" -t 'outrider/+/telemetry' -C 1 -W 30 >"$scratch/first" &
  local subscriber=$!
  sleep 0.3  # so that the subscription stands
  began=$(date +%s%N)
  "$outrider" simulate --seconds 5 --quiet --broker "mqtt://127.0.0.1:$port" --state "$scratch/start" \
    2>"$scratch/start.log" &
  wait "$subscriber"
  ended=$(date +%s%N)
  wait $!
  row "start to first row at the broker, ms" most 1500 "$(((ended - began) / 1000000))"
}

measure_replay() {
  local user system seconds resident cpu
  python3 tests/bench/busy_bus.py config/outrider_vehicle.dbc "$rate" "$replay_seconds" >"$scratch/busy.log"
  /usr/bin/time --format '%U %S %e %M' --output "$scratch/time" "$outrider" replay "$scratch/busy.log" \
    --config config/simulator.json --speed 1 --quiet --broker "mqtt://127.0.0.1:$port" --state "$scratch/replay" ||
    { row_missing "replay at $rate frames/s, CPU in % of a core" most 25 "outrider replay failed"; return; }
  read -r user system seconds resident < <(tail -n 1 "$scratch/time")
  cpu=$(awk -v u="$user" -v s="$system" 'BEGIN { print 100 * (u + s) }')
  row "replay at $rate frames/s, CPU in % of a core" most 25 "$(ratio "$cpu" "$seconds" 1)"
  row "replay at $rate frames/s, largest resident set, MB" most 32 "$(ratio "$resident" 1024 1)"
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
