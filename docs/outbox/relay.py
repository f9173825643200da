#!/usr/bin/env python3
"""Publishes the rows of headwater_outbox with POST /api/v2/events, and deletes what was taken.

It needs Python 3.9, psql, and these variables:

  PGHOST, PGDATABASE, …     psql's own: where the database is
  HEADWATER_URL             such as https://acme.example.com
  HEADWATER_CLIENT_ID       an application with the scope create:events
  HEADWATER_CLIENT_SECRET
  OUTBOX_SOURCE             what tells this database from all others, such as urn:example:crm; never change it
  OUTBOX_POLL_S             how often it looks for rows, in seconds (1)

A row is deleted after the server has answered that its event is in the log. Killed in between, the relay publishes
the row again, and the server knows it by source and id: it stays one event. So it may be killed at any time, and two
of it may run at once.
"""

import http.client
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

ROWS_MAX = 500
BATCH_BYTES_MAX = 1024 * 1024
WAIT_MAX_S = 30
TIMEOUT_S = 30

# One line of JSON a row, in the order of the ids. The id of the event is that of the row.
WAITING = f"""
  SELECT json_build_object(
    'specversion', '1.0', 'id', id::text, 'type', type, 'subject', subject, 'data', data,
    'time', to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
  FROM headwater_outbox WHERE refused IS NULL ORDER BY id LIMIT {ROWS_MAX}
"""


class Refused(Exception):
    """The server will not take it, however often it is asked."""


def psql(statement, **variables):
    command = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1"]
    for name, value in variables.items():
        command += ["-v", f"{name}={value}"]
    # From standard input: psql replaces variables there only.
    done = subprocess.run(command, input=statement, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"psql: {done.stderr.strip()}")
    return done.stdout.splitlines()


class Headwater:
    """The server, and a token for as long as it is good."""

    def __init__(self):
        self.url = os.environ["HEADWATER_URL"].rstrip("/")
        self.token = None

    def post(self, path, body, headers):
        request = urllib.request.Request(self.url + path, body.encode(), headers)
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return json.load(answer)

    def authorise(self):
        asked = {
            "grant_type": "client_credentials",
            "client_id": os.environ["HEADWATER_CLIENT_ID"],
            "client_secret": os.environ["HEADWATER_CLIENT_SECRET"],
            "audience": self.url + "/api/v2/",
        }
        headers = {"content-type": "application/json"}
        self.token = self.post("/oauth/token", json.dumps(asked), headers)["access_token"]

    def publish(self, events):
        if self.token is None:
            self.authorise()
        headers = {
            "authorization": f"Bearer {self.token}",
            "content-type": "application/cloudevents-batch+json",
        }
        try:
            self.post("/api/v2/events", json.dumps(events), headers)
        except urllib.error.HTTPError as error:
            if error.code == 401:
                self.token = None
            if error.code in (400, 413):
                raise Refused(message_of(error)) from error
            raise OSError(f"{error.code}: {message_of(error)}") from error


def message_of(error):
    try:
        return json.load(error)["message"]
    except (ValueError, KeyError):
        return error.reason


def waiting(source):
    """The next rows, as many as fit into a batch."""
    events, size = [], 0
    for line in psql(WAITING):
        size += len(line)
        if events and size > BATCH_BYTES_MAX:
            break
        events.append({**json.loads(line), "source": source})
    return events


def publish(server, events):
    """Publishes the events; of several that are refused together, each one by itself."""
    try:
        server.publish(events)
    except Refused as refused:
        if len(events) > 1:
            for event in events:
                publish(server, [event])
            return
        row = events[0]["id"]
        print(f"row {row} was refused: {refused}", file=sys.stderr, flush=True)
        psql("UPDATE headwater_outbox SET refused = :'reason' WHERE id = :'row'", reason=str(refused), row=row)
        return
    rows = ",".join(event["id"] for event in events)
    psql("DELETE FROM headwater_outbox WHERE id = ANY (string_to_array(:'rows', ',')::bigint[])", rows=rows)


def main():
    server, source = Headwater(), os.environ["OUTBOX_SOURCE"]
    poll_s, wait_s = float(os.environ.get("OUTBOX_POLL_S", "1")), 1
    while True:
        try:
            events = waiting(source)
            if events:
                publish(server, events)
            elif "--once" in sys.argv:
                return
            else:
                time.sleep(poll_s)
            wait_s = 1
        except (OSError, http.client.HTTPException) as error:
            # The database or the server is away for the moment. Nothing is lost: the rows are there.
            print(f"trying again in {wait_s} s: {error}", file=sys.stderr, flush=True)
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, WAIT_MAX_S)


if __name__ == "__main__":
    main()
