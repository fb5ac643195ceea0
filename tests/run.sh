#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs what CI runs, tier by tier, and ends with a table of what passed, what failed and what was skipped and why.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2

readonly dev_tiers=(unit scenario contract crash corpora seeds checks)
readonly all_tiers=("${dev_tiers[@]}" tsan tidy fuzz release)
readonly work=build/run  # Logs and results of this run.
readonly fuzz_seconds=20
jobs=$(nproc)
tiers=()

usage() {
  cat <<END
bash tests/run.sh [--quick] [--tier NAME]... [--crash-scale N]

  --quick          only what runs in the dev build: ${dev_tiers[*]}
  --tier NAME      only this tier; one of: ${all_tiers[*]}
  --crash-scale N  N times as many kills in the crash tier (default 1)
END
}

wrong_usage() {
  echo "run.sh: $1" >&2
  usage >&2
  exit 2
}

parse_arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
      --quick) tiers+=("${dev_tiers[@]}") ;;
      --tier)
        [[ " ${all_tiers[*]} " == *" ${2:-} "* ]] || wrong_usage "--tier needs one of: ${all_tiers[*]}"
        tiers+=("$2")
        shift
        ;;
      --crash-scale)
        [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || wrong_usage "--crash-scale needs a whole number from 1"
        export OUTRIDER_CRASH_SCALE=$2 OUTRIDER_CYCLES=$((100 * $2))  # 100 is what the outbox test does by itself
        shift
        ;;
      --help) usage && exit 0 ;;
      *) wrong_usage "unknown option $1" ;;
    esac
    shift
  done
  [ "${#tiers[@]}" -gt 0 ] || tiers=("${all_tiers[@]}")
}

# --- results: one line per tier, "tier, seconds, cases, passed, failed, skipped, why" ---

record() { printf '%s\t%s\t%s\n' "$1" "$SECONDS" "$2" >>"$work/results"; }
record_failed() { record "$1" "1	0	1	0	$2"; }
record_skipped() { record "$1" "1	0	0	1	SKIPPED: $2" && echo "SKIPPED: $2"; }

print_table() {
  echo
  printf '%-10s %7s %7s %7s %7s %7s  %s\n' tier seconds cases passed failed skipped why
  awk -F '\t' '
    { printf "%-10s %7d %7d %7d %7d %7d  %s\n", $1, $2, $3, $4, $5, $6, $7
      passed += $4; failed += $5; skipped += $6 }
    END { printf "\n%d passed, %d failed, %d skipped\n", passed, failed, skipped; exit failed > 0 || passed == 0 }
  ' "$work/results"
}

# --- steps ---

# Runs a command with its output in a log, which is shown when it fails.
logged() {
  local log=$work/$1.log
  shift
  "$@" >"$log" 2>&1 && return
  tail -n 100 "$log"
  return 1
}

declare -A built=()
# Builds a preset, once per run.
build() {
  if [ -z "${built[$1]:-}" ]; then
    echo "building $1"
    if logged "configure-$1" cmake --preset "$1" && logged "build-$1" cmake --build --preset "$1" -j "$jobs"; then
      built[$1]=yes
    else
      built[$1]=no
    fi
  fi
  [ "${built[$1]}" = yes ]
}

# ctest_tier TIER PRESET LABELS: the tests with these labels.
ctest_tier() {
  local tier=$1 preset=$2 labels=$3 junit=$PWD/$work/$1.xml
  build "$preset" || { record_failed "$tier" "the $preset build failed"; return; }
  rm -f "$junit"
  # More at a time than there are cores: many wait for a broker, a tunnel or a clock most of the time.
  # The whole output, so that the cases in it can be counted.
  "${without_aslr[@]}" ctest --preset "$preset" -L "$labels" -j $((jobs + 2)) --output-junit "$junit" \
    --test-output-size-passed 1000000 --test-output-size-failed 1000000 2>&1
  if [ ! -s "$junit" ] || ! grep -q '<testcase' "$junit"; then
    record_failed "$tier" "no test carries the label"
  else
    record "$tier" "$(python3 tests/tally.py "$junit")"
  fi
}

tidy_tier() {
  command -v clang-tidy >/dev/null || { record_skipped tidy "clang-tidy is not installed"; return; }
  logged configure-dev cmake --preset dev || { record_failed tidy "the dev preset cannot be configured"; return; }
  python3 tests/tidy.py build/dev "$jobs" >"$work/tidy.log"
  sed '$d' "$work/tidy.log"
  record tidy "$(tail -n 1 "$work/tidy.log")"
}

# One target for a bounded time; what it finds new is kept in build/fuzz/corpus for the next run.
fuzz_one() {
  local name=$1 target=$2
  mkdir -p "build/fuzz/corpus/$name"
  "$target" -max_total_time=$fuzz_seconds -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
    -dict="tests/fuzz/$name.dict" -artifact_prefix="build/fuzz/$name-" \
    "build/fuzz/corpus/$name" "tests/fuzz/seeds/$name" >"$work/fuzz-$name.log" 2>&1
}

fuzz_tier() {
  command -v clang++ >/dev/null || { record_skipped fuzz "clang is not installed"; return; }
  build fuzz || { record_failed fuzz "the fuzz build failed"; return; }
  local target name passed=0 failed=0
  declare -A pids=()
  for target in build/fuzz/tests/fuzz/*_fuzz; do
    name=$(basename "$target" _fuzz)
    fuzz_one "$name" "$target" &
    pids[$name]=$!
  done
  for name in "${!pids[@]}"; do
    if wait "${pids[$name]}"; then
      passed=$((passed + 1))
      echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/fuzz-$name.log") inputs"
    else
      failed=$((failed + 1))
      echo "$name: failed" && tail -n 40 "$work/fuzz-$name.log"
    fi
  done
  record fuzz "$((passed + failed))	$passed	$failed	0	$fuzz_seconds s each"
}

release_tier() {
  build release || { record_failed release "the release build failed"; return; }
  if build/release/outrider --version; then
    record release "1	1	0	0	$(stat --format=%s build/release/outrider) bytes"
  else
    record_failed release "outrider --version failed"
  fi
}

run_tier() {
  local tier=$1
  SECONDS=0
  echo
  echo "== $tier"
  case $tier in
    tsan) ctest_tier tsan tsan '^(unit|scenario|contract)$' ;;
    tidy) tidy_tier ;;
    fuzz) fuzz_tier ;;
    release) release_tier ;;
    *) ctest_tier "$tier" dev "^$tier\$" ;;
  esac
}

parse_arguments "$@"
mkdir -p "$work"
: >"$work/results"
bash packaging/dependencies/install.sh build run test ||
  echo "Some packages could not be installed; tiers that need them will say so."
# The sanitizers of GCC 12 and clang 14 do not work with the address randomisation of newer kernels.
without_aslr=()
setarch --addr-no-randomize true 2>/dev/null && without_aslr=(setarch --addr-no-randomize)
for tier in "${tiers[@]}"; do run_tier "$tier"; done
print_table
