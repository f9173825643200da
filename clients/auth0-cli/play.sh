#!/bin/sh
# The official command-line client, unmodified, over HTTPS: it logs in by client credentials and uses every subcommand of
# `event-streams`. AUTH0 names the program. Ends with 0 when everything was as it should be.
set -eu
export AUTH0_CLI_ANALYTICS=false
HOME=$(mktemp -d)
export HOME
trap 'rm -rf "$HOME"' EXIT

run() { "$AUTH0" "$@" --no-input --no-color; }
member() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" | head -n 1; }

run login --domain "$HEADWATER_DOMAIN" --client-id "$HEADWATER_CLIENT_ID" --client-secret "$HEADWATER_CLIENT_SECRET"

configuration='{"webhook_endpoint":"'$RECEIVER_URL'","webhook_authorization":{"method":"bearer","token":"t"}}'
id=$(run event-streams create --name cli --type webhook --subscriptions user.created --configuration "$configuration" --json | member id)
test -n "$id"
run event-streams list --json | grep -q "$id"
run event-streams show "$id" --json | grep -q '"cli"'
run event-streams update "$id" --name cli-renamed --json | grep -q cli-renamed
run event-streams trigger "$id" --type user.created >/dev/null
run event-streams deliveries list "$id" --json >/dev/null
run event-streams stats "$id" --json >/dev/null
run event-streams redeliver-many "$id" --force >/dev/null
run event-streams delete "$id" --force
if run event-streams show "$id" --json >/dev/null 2>&1; then
    echo "a deleted stream is shown" >&2
    exit 1
fi
echo "the auth0 CLI used every event-streams subcommand"
