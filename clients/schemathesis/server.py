"""Calls of the server beside those of schemathesis."""

import json
import os
import urllib.request

URL = os.environ["HEADWATER_URL"]


def call(method, path, body=None, token=None):
    request = urllib.request.Request(URL + path, method=method)
    request.add_header("content-type", "application/json")
    if token:
        request.add_header("authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, json.dumps(body).encode() if body is not None else None) as answer:
        text = answer.read()
    return json.loads(text) if text else None
