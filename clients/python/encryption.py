"""Encrypted deliveries, opened by the PyPI package jwcrypto: each algorithm with a given key."""

import json
import os
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from jwcrypto import jwe, jwk

DOMAIN = os.environ["HEADWATER_DOMAIN"]
received = {}
arrived = threading.Condition()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        with arrived:
            received[self.path] = (self.headers["content-type"], body)
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

keys = {
    "rsa": ("RSA-OAEP-256", jwk.JWK.generate(kty="RSA", size=2048, kid="rsa", use="enc")),
    "direct": ("ECDH-ES", jwk.JWK.generate(kty="EC", crv="P-256", kid="direct", alg="ECDH-ES")),
    "wrapped": ("ECDH-ES+A256KW", jwk.JWK.generate(kty="EC", crv="P-256", kid="wrapped")),
}
token = call(
    "/oauth/token",
    {
        "grant_type": "client_credentials",
        "client_id": os.environ["HEADWATER_CLIENT_ID"],
        "client_secret": os.environ["HEADWATER_CLIENT_SECRET"],
        "audience": f"https://{DOMAIN}/api/v2/",
    },
)["access_token"]
streams = {}
for kid, (_, key) in keys.items():
    stream = {
        "subscriptions": [{"event_type": "user.created"}],
        "destination": {
            "type": "webhook",
            "configuration": {
                "webhook_endpoint": f"http://127.0.0.1:{receiver.server_port}/{kid}",
                "webhook_authorization": {"method": "bearer", "token": "a-token-of-the-story"},
            },
        },
        "headwater": {"encryption": {"jwk": key.export_public(as_dict=True)}},
    }
    streams[kid] = call("/api/v2/event-streams", stream, token)["id"]
user = {
    "connection": "Username-Password-Authentication",
    "email": "jane@example.com",
    "password": "correct horse battery Staple 7",
}
call("/api/v2/users", user, token)

with arrived:
    assert arrived.wait_for(lambda: len(received) == len(keys), 20), f"only {sorted(received)} got something"
for kid, (algorithm, key) in keys.items():
    content_type, body = received[f"/{kid}"]
    assert content_type == "application/jose", content_type
    message = jwe.JWE(algs=[algorithm, "A256GCM"])
    message.deserialize(body, key)
    assert message.jose_header["cty"] == "application/json", message.jose_header
    assert message.jose_header["kid"] == kid, message.jose_header
    event = json.loads(message.payload)
    assert (event["type"], event["a0stream"]) == ("user.created", streams[kid]), event
print("jwcrypto opened what was encrypted")
