"""A receiver of Headwater's webhooks on FastAPI: it checks who sends, takes each event in once, and keeps a table of users."""

import hmac
import json
import os
import sqlite3
import sys

import uvicorn
from fastapi import FastAPI, Request, Response
from standardwebhooks import Webhook, WebhookVerificationError

PORT = int(os.environ.get("PORT", "3000"))
TOKEN = os.environ.get("RECEIVER_TOKEN")
SECRET = os.environ.get("RECEIVER_SECRET")
DATABASE = os.environ.get("RECEIVER_DATABASE", "receiver.db")

SCHEMA = """
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS events (
        id TEXT PRIMARY KEY, type TEXT NOT NULL, "offset" TEXT, taken_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
    );
    -- A user who was deleted keeps a row without a profile, so that what is older does not bring them back.
    CREATE TABLE IF NOT EXISTS users (user_id TEXT PRIMARY KEY, email TEXT, profile TEXT, time TEXT NOT NULL);
"""
NOTE_EVENT = 'INSERT INTO events (id, type, "offset") VALUES (?, ?, ?) ON CONFLICT DO NOTHING'
# Times are in UTC with milliseconds, so they compare as text.
WRITE_USER = """
    INSERT INTO users (user_id, email, profile, time) VALUES (?, ?, ?, ?)
    ON CONFLICT (user_id) DO UPDATE SET email = excluded.email, profile = excluded.profile, time = excluded.time
    WHERE excluded.time >= users.time
"""
USER_EVENTS = ("user.created", "user.updated", "user.deleted")

database = sqlite3.connect(DATABASE)
database.executescript(SCHEMA)
app = FastAPI()


def refusal(headers, body):
    """Why a request is not from the stream, if it is not. The signature is over the body as it came."""
    expected = f"Bearer {TOKEN}".encode()
    if TOKEN and not hmac.compare_digest(headers.get("authorization", "").encode(), expected):
        return "wrong token"
    try:
        if SECRET:
            Webhook(SECRET).verify(body, dict(headers))
    except WebhookVerificationError as error:
        return str(error)
    return None


def take_in(event, offset):
    """Takes an event in, in one transaction; says what became of it."""
    with database:
        if database.execute(NOTE_EVENT, (event["id"], event["type"], offset)).rowcount == 0:
            return "duplicate"
        if event["type"] not in USER_EVENTS:
            return "noted"
        user = event["data"]["object"]
        kept = (None, None) if event["type"] == "user.deleted" else (user.get("email"), json.dumps(user))
        written = database.execute(WRITE_USER, (user["user_id"], *kept, event["time"]))
        return "taken" if written.rowcount else "stale"


@app.post("/webhook")
async def webhook(request: Request) -> Response:
    body = await request.body()
    refused = refusal(request.headers, body)
    if refused:
        print(f"refused: {refused}", flush=True)
        return Response(status_code=401)
    event = json.loads(body)
    # One transaction of SQLite takes about a millisecond; with a database that is further away, use its async driver.
    became = take_in(event, request.headers.get("headwater-offset"))
    print(f"{event['id']} {event['type']}: {became}", flush=True)
    return Response(status_code=204)


if __name__ == "__main__":
    if not (TOKEN or SECRET):
        sys.exit("set RECEIVER_TOKEN (the stream's bearer token), RECEIVER_SECRET (of its signing), or both")
    print(f"listening on http://127.0.0.1:{PORT}/webhook", flush=True)
    uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="warning")
