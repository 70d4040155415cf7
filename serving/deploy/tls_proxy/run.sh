#!/bin/sh
# Runs HAProxy, and makes it read its certificates again when one of them has changed: run.sh HAPROXY.CFG
#
# A pair that cannot be used is refused by HAProxy's reload, and the one before stays in use: its log says so.
set -eu

fingerprint() {
    cat "$CERTIFICATES/tls.crt" "$CERTIFICATES/tls.key" "$CERTIFICATES/ca.crt" 2>/dev/null | sha256sum
}

seen=$(fingerprint)
haproxy -W -db -f "$1" &
haproxy=$!
trap 'kill -USR1 "$haproxy" 2>/dev/null || true' TERM INT  # ends once the open connections have ended

while kill -0 "$haproxy" 2>/dev/null; do
    sleep "${RELOAD_SECONDS:-10}" &
    wait $! || true
    now=$(fingerprint)
    if [ "$now" != "$seen" ] && kill -0 "$haproxy" 2>/dev/null; then
        seen=$now
        kill -USR2 "$haproxy"
    fi
done
wait "$haproxy"
