"""Signed deliveries, checked by the PyPI package standardwebhooks: with a secret made by the server and a given one."""

import json
import os
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

DOMAIN = os.environ["HEADWATER_DOMAIN"]
GIVEN = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
received = {}
arrived = threading.Condition()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        with arrived:
            received[self.path] = ({name.lower(): value for name, value in self.headers.items()}, body)
            arrived.notify_all()
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def call(path, body, token=None):
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    request = urllib.request.Request(f"https://{DOMAIN}{path}", json.dumps(body).encode(), headers, method="POST")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


receiver = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
receiver.daemon_threads = True
threading.Thread(target=receiver.serve_forever, daemon=True).start()

token = call(
    "/oauth/token",
    {
        "grant_type": "client_credentials",
        "client_id": os.environ["HEADWATER_CLIENT_ID"],
        "client_secret": os.environ["HEADWATER_CLIENT_SECRET"],
        "audience": f"https://{DOMAIN}/api/v2/",
    },
)["access_token"]
secrets = {}
for name, given in {"made": {}, "given": {"secrets": [GIVEN]}}.items():
    stream = {
        "subscriptions": [{"event_type": "user.created"}],
        "destination": {
            "type": "webhook",
            "configuration": {
                "webhook_endpoint": f"http://127.0.0.1:{receiver.server_port}/{name}",
                "webhook_authorization": {"method": "bearer", "token": "a-token-of-the-story"},
            },
        },
        "headwater": {"signing": {"algorithm": "hmac-sha256", **given}},
    }
    answered = call("/api/v2/event-streams", stream, token)["headwater"]["signing"]
    secrets[name] = answered["secrets"][0] if name == "made" else GIVEN
    assert name == "made" or "secrets" not in answered, answered
user = {
    "connection": "Username-Password-Authentication",
    "email": "jane@example.com",
    "password": "correct horse battery Staple 7",
}
call("/api/v2/users", user, token)

with arrived:
    assert arrived.wait_for(lambda: len(received) == len(secrets), 20), f"only {sorted(received)} got something"
for name, secret in secrets.items():
    headers, body = received[f"/{name}"]
    event = Webhook(secret).verify(body, headers)
    assert (event["type"], event["id"]) == ("user.created", headers["webhook-id"]), event
    try:
        Webhook(secret).verify(body.replace("user", "User"), headers)
    except WebhookVerificationError:
        continue
    raise AssertionError("another body was taken for the signed one")
print("standardwebhooks checked what was signed")
