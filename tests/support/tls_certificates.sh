#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes certificates for the tests of the secure link, good ones and bad ones, in a folder of the caller's:
#   bash tls_certificates.sh FOLDER
# NAME.pem is a certificate with its chain, NAME.key its private key. Keys are EC P-256 unless the name says otherwise.
set -euo pipefail
umask 077
cd "$1"

# One small certificate authority per name, each with a database of its own.
authority_config() {
  cat <<END
[ca]
default_ca = it
[it]
database = $1.index
serial = $1.serial
certificate = $1.pem
private_key = $1.key
new_certs_dir = .
default_md = sha256
default_days = 365
default_crl_days = 30
policy = any
unique_subject = no
[any]
commonName = supplied
END
}

new_key() {  # FILE [rsa|weak]
  case ${2:-ec} in
    rsa) openssl genrsa -out "$1" 2048 ;;
    weak) openssl genrsa -out "$1" 1024 ;;
    *) openssl ecparam -name prime256v1 -genkey -noout -out "$1" ;;
  esac 2>/dev/null
}

prepare_authority() {
  authority_config "$1" >"$1.conf"
  : >"$1.index"
  echo 1000 >"$1.serial"
}

root() {  # NAME
  new_key "$1.key"
  openssl req -new -x509 -key "$1.key" -subj "/CN=$1" -days 365 -out "$1.pem" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
  prepare_authority "$1"
}

# sign NAME BY EXTENSIONS [ca options]: the request of NAME.key.
sign() {
  local name=$1 by=$2 extensions=$3
  shift 3
  printf '%b\n' "$extensions" >"$name.ext"
  openssl req -new -key "$name.key" -subj "/CN=$name" -out "$name.csr" -config /dev/null
  openssl ca -batch -notext -config "$by.conf" -in "$name.csr" -extfile "$name.ext" -out "$name.pem" "$@" 2>"$name.log" ||
    { cat "$name.log" >&2; exit 1; }
}

readonly for_localhost='subjectAltName=DNS:localhost,IP:127.0.0.1'
readonly as_server='extendedKeyUsage=serverAuth'
readonly as_client='extendedKeyUsage=clientAuth'
readonly is_ca='basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign'
readonly past='-startdate 20240101000000Z -enddate 20240201000000Z'
readonly future='-startdate 20480101000000Z -enddate 20490101000000Z'

entity() {  # NAME BY EXTENSIONS [kind of key] [ca options]
  new_key "$1.key" "${4:-ec}"
  # shellcheck disable=SC2086  # options, or nothing
  sign "$1" "$2" "$3" ${5:-}
}

intermediate() {  # NAME BY [ca options]
  new_key "$1.key"
  # shellcheck disable=SC2086  # options, or nothing
  sign "$1" "$2" "$is_ca" ${3:-}
  prepare_authority "$1"
}

root ca
root other-ca
entity server ca "$for_localhost\n$as_server"
entity server-rsa ca "$for_localhost\n$as_server" rsa
entity server-weak ca "$for_localhost\n$as_server" weak
entity server-elsewhere ca "subjectAltName=DNS:elsewhere.example,DNS:*.fleet.example\n$as_server"
entity server-expired ca "$for_localhost\n$as_server" ec "$past"
entity server-future ca "$for_localhost\n$as_server" ec "$future"
entity server-revoked ca "$for_localhost\n$as_server"
entity server-as-client ca "$for_localhost\n$as_client"
entity client ca "$as_client"
entity client-rsa ca "$as_client" rsa
entity client-expired ca "$as_client" ec "$past"
entity client-revoked ca "$as_client"
entity client-other other-ca "$as_client"

new_key server-alone.key
openssl req -new -x509 -key server-alone.key -subj /CN=server-alone -days 365 -addext "$for_localhost" -out server-alone.pem

intermediate middle-expired ca "$past"
entity server-under-expired middle-expired "$for_localhost\n$as_server"
cat middle-expired.pem >>server-under-expired.pem
above=ca
chain=
for depth in 1 2 3 4 5; do
  intermediate "middle-$depth" "$above"
  above=middle-$depth
  chain="$above.pem $chain"
done
entity server-deep middle-5 "$for_localhost\n$as_server"
# shellcheck disable=SC2086  # a list of files
cat $chain >>server-deep.pem

openssl ca -config ca.conf -gencrl -crldays 30 -out crl-early.pem 2>/dev/null
openssl ca -config ca.conf -revoke server-revoked.pem 2>/dev/null
openssl ca -config ca.conf -revoke client-revoked.pem 2>/dev/null
openssl ca -config ca.conf -gencrl -crldays 30 -out crl.pem 2>/dev/null
openssl ca -config ca.conf -gencrl -crl_lastupdate 20240101000000Z -crl_nextupdate 20240201000000Z -out crl-old.pem \
  2>/dev/null
mkdir ca-folder
cp ca.pem ca-folder/one.pem
cp other-ca.pem ca-folder/two.crt
