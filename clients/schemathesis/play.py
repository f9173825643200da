"""Asks the server whatever its description allows, and what it does not allow, and compares the answers with it.

HEADWATER_URL, HEADWATER_CLIENT_ID and HEADWATER_CLIENT_SECRET say which server. HEADWATER_SEED repeats a run.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from openapi_spec_validator import OpenAPIV31SpecValidator

URL = os.environ["HEADWATER_URL"]
SEED = os.environ.get("HEADWATER_SEED") or str(random.randrange(2**32))
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]
# How many requests an operation gets beside those that its limits suggest.
EXAMPLES = 20
SECONDS_MAX = 300


def call(method, path, body=None, token=None):
    request = urllib.request.Request(URL + path, method=method)
    request.add_header("content-type", "application/json")
    if token:
        request.add_header("authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, json.dumps(body).encode() if body is not None else None) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def access_token():
    body = {
        "grant_type": "client_credentials",
        "client_id": os.environ["HEADWATER_CLIENT_ID"],
        "client_secret": os.environ["HEADWATER_CLIENT_SECRET"],
        "audience": f"{URL}/api/v2/",
    }
    return call("POST", "/oauth/token", body)["access_token"]


def things(token):
    """Something of each kind, so that not everything that is asked for is unknown: its id by the start of its path."""

    def made(path, body):
        return call("POST", f"/api/v2/{path}", body, token)

    user = {"connection": "Username-Password-Authentication", "email": "jane@example.com", "password": "Tr0ub4dor&3x"}
    authorization = {"method": "bearer", "token": "secret"}
    configuration = {"webhook_endpoint": "http://127.0.0.1:9/", "webhook_authorization": authorization}
    stream = {"name": "known", "status": "disabled", "destination": {"type": "webhook", "configuration": configuration}}
    connection = made("connections", {"name": "known", "strategy": "okta"})["id"]
    made(f"connections/{connection}/scim-configuration", {})
    scim_token = made(f"connections/{connection}/scim-configuration/tokens", {})["token"]
    scim = f"/scim/v2/connections/{connection}"
    scim_user = call("POST", f"{scim}/Users", {"userName": "john", "externalId": "john"}, scim_token)["id"]
    group = call("POST", f"{scim}/Groups", {"displayName": "known"}, scim_token)["id"]
    event_type = {"name": "com.example.known", "schema": True}
    known = {
        "/api/v2/users/{id}": {"id": made("users", user)["user_id"]},
        "/api/v2/event-streams/{id}": {"id": made("event-streams", stream)["id"]},
        "/api/v2/headwater/event-types/{name}": {"name": made("headwater/event-types", event_type)["name"]},
        "/api/v2/organizations/{id}": {"id": made("organizations", {"name": "known"})["id"]},
        "/api/v2/organizations/name/{name}": {"name": "known"},
        "/api/v2/roles/{id}": {"id": made("roles", {"name": "known"})["id"]},
        "/api/v2/clients/{id}": {"id": made("clients", {"name": "known"})["client_id"]},
        "/api/v2/resource-servers/{id}": {"id": made("resource-servers", {"identifier": "urn:known"})["id"]},
        "/api/v2/connections/{id}": {"id": connection},
        "/api/v2/groups/{id}": {"id": group},
        "/scim/v2/connections/{connection_id}": {"connection_id": connection},
        "/scim/v2/connections/{connection_id}/Users/{id}": {"id": scim_user},
        "/scim/v2/connections/{connection_id}/Groups/{id}": {"id": group},
    }
    return known, scim_token


def endless(description):
    """What never ends by itself; it has tests of its own."""
    operations = [operation for path in description["paths"].values() for operation in path.values()]
    is_endless = lambda operation: "text/event-stream" in operation["responses"].get("200", {}).get("content", {})
    return [operation["operationId"] for operation in operations if is_endless(operation)]


def check_reach(description, succeeded):
    """A run in which nearly everything is refused shows nothing."""
    operations = {operation["operationId"] for path in description["paths"].values() for operation in path.values()}
    reached = set(json.loads(succeeded.read_text(encoding="utf-8")))
    print(f"{len(reached)} of {len(operations)} operations succeeded at least once; never: {sorted(operations - reached)}")
    if len(reached) * 3 < len(operations) * 2:
        sys.exit("fewer than two thirds of the operations succeeded: the run says little")


def main():
    description = call("GET", "/api/v2/openapi.json")
    OpenAPIV31SpecValidator(description).validate()
    token = access_token()
    known, scim_token = things(token)
    succeeded = Path(tempfile.mkdtemp()) / "succeeded.json"
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "hooks",
        "PYTHONPATH": str(Path(__file__).parent),
        "HEADWATER_TOKENS": json.dumps({"bearer": token, "scim": scim_token}),
        "HEADWATER_KNOWN": json.dumps(known),
        "HEADWATER_SUCCEEDED": str(succeeded),
    }
    command = [str(Path(sys.executable).parent / "schemathesis"), "run", f"{URL}/api/v2/openapi.json"]
    command += ["--checks", ",".join(CHECKS), "--phases", "coverage,fuzzing", "--max-examples", str(EXAMPLES)]
    command += ["--seed", SEED, "--no-shrink", "--continue-on-failure"]
    command += ["--generation-database", "none", "--suppress-health-check", "all", "--warnings", "off", "--no-color"]
    for operation in endless(description):
        command += ["--exclude-operation-id", operation]
    print(f"seed {SEED}", flush=True)
    run = subprocess.run(command, env=environment, check=False, timeout=SECONDS_MAX)
    if run.returncode:
        sys.exit(run.returncode)
    check_reach(description, succeeded)


main()
