#!/bin/sh
# Makes the certificates of the broker's TLS listener: make_certificates.sh DIR [NAME or IP address]...
# DIR is the one of make_secrets.py; the names are those by which clients reach the broker, besides localhost,
# 127.0.0.1 and mosquitto (its name in compose). The broker listens on 8883 from its next start on; clients need
# DIR/tls/ca.crt. Run again for other names: the authority (DIR/ca.key, keep it secret) stays. Needs openssl 3.
set -eu
cd "$1"
shift

days=3650
key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
names=
for name in localhost 127.0.0.1 mosquitto "$@"; do
    case $name in
        *:*) kind=IP ;;
        *[!0-9.]*) kind=DNS ;;
        *) kind=IP ;;
    esac
    names="${names:+$names,}$kind:$name"
done

mkdir -p tls
chmod 755 tls
if [ ! -f ca.key ]; then
    # shellcheck disable=SC2086  # $key is several arguments
    openssl req -x509 $key -keyout ca.key -out tls/ca.crt -days $days -subj '/CN=mmetering authority' \
        -addext keyUsage=critical,keyCertSign,cRLSign
    chmod 600 ca.key
fi
# shellcheck disable=SC2086
openssl req -x509 -CA tls/ca.crt -CAkey ca.key $key -keyout tls/server.key -out tls/server.crt -days $days \
    -subj '/CN=mmetering broker' -addext "subjectAltName=$names" -addext basicConstraints=critical,CA:FALSE \
    -addext keyUsage=critical,digitalSignature -addext extendedKeyUsage=serverAuth
# Readable by the broker's user in its container; DIR keeps all others out.
chmod 644 tls/ca.crt tls/server.crt tls/server.key

cat > tls/listener.conf <<'END'
listener 8883
certfile tls/server.crt
keyfile tls/server.key
END
