#!/bin/sh
# Runs HAProxy, and makes it read its certificates again when one of them has changed: run.sh HAPROXY.CFG
#
# A pair that cannot be used is refused by HAProxy's reload, and the one before stays in use: its log says so.
set -eu

fingerprint() {
    cat "$CERTIFICATES/tls.crt" "$CERTIFICATES/tls.key" "$CERTIFICATES/ca.crt" 2>/dev/null | sha256sum
}

reload_when_changed() {
    while sleep "${RELOAD_SECONDS:-10}"; do
        now=$(fingerprint)
        if [ "$now" != "$seen" ]; then
            seen=$now
            kill -USR2 "$haproxy"
        fi
    done
}

seen=$(fingerprint)
haproxy -W -db -f "$1" &
haproxy=$!
reload_when_changed &
watcher=$!
ending=
trap 'ending=yes; kill -USR1 "$haproxy"' TERM INT  # open connections may end by themselves, for hard-stop-after
status=0
wait "$haproxy" || status=$?
if [ -n "$ending" ]; then  # the signal ended only the waiting
    status=0
    wait "$haproxy" || status=$?
fi
kill "$watcher"
exit "$status"
