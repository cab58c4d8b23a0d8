#!/bin/sh
# Keys, certificates and a signature as OpenSSL makes them, in golden/tls: for unit tests of what reads
# them. They are new each time this is run, and worth nothing.
set -eu
cd "$(dirname "$0")/tls"

openssl genrsa -out rsa.pem 2048
openssl rsa -in rsa.pem -traditional -out rsa-pkcs1.pem
openssl genrsa -out rsa-4096.pem 4096
openssl genrsa -out rsa-1024.pem 1024
openssl genrsa -aes128 -passout pass:x -traditional -out rsa-encrypted-pkcs1.pem 2048
openssl ecparam -name prime256v1 -genkey -out ec-sec1.pem
openssl pkcs8 -topk8 -nocrypt -in ec-sec1.pem -out ec.pem
openssl pkcs8 -topk8 -passout pass:x -in ec-sec1.pem -out ec-encrypted.pem
openssl ecparam -name secp384r1 -genkey -noout -out ec-384.pem
openssl ecparam -name secp256k1 -genkey -noout -out ec-secp256k1.pem
openssl genpkey -algorithm ed25519 -out ed25519.pem
printf 'text to sign' | openssl dgst -sha256 -sign rsa.pem | od -An -v -tx1 >../tls-rs256.hex

names='DNS:a.example,DNS:*.b.example,IP:192.0.2.1,IP:2001:db8::1,email:c@d.example,URI:https://e.example'
openssl req -new -x509 -key ec-sec1.pem -days 36500 -subj '/O=Somebody/CN=Leaf' -out leaf.pem \
	-addext "subjectAltName=$names" -addext 'extendedKeyUsage=serverAuth' \
	-addext 'basicConstraints=critical,CA:FALSE'
openssl req -new -x509 -key rsa.pem -days 36500 -subj '/C=XX/CN=First/CN=Root' -out root.pem \
	-addext 'extendedKeyUsage=clientAuth'
