#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages of the named lists that are not installed yet:  install.sh build run test
# A list is NAME.txt beside this file: one package a line, # begins a comment.
set -euo pipefail
folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

packages_of() {
  sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$folder/$1.txt"
}

is_installed() {
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

missing=()
for list in "$@"; do
  for package in $(packages_of "$list"); do
    is_installed "$package" || missing+=("$package")
  done
done
[ "${#missing[@]}" -gt 0 ] || exit 0

echo "Installing: ${missing[*]}"
# The package lists may be absent or older than the mirror; fetch them only when it matters.
install "${missing[@]}" || { as_root apt-get update -qq && install "${missing[@]}"; }
