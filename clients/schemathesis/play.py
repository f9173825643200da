"""Asks the server whatever its description allows, and what it does not allow, and compares the answers with it.

HEADWATER_URL, HEADWATER_CLIENT_ID and HEADWATER_CLIENT_SECRET say which server. HEADWATER_SEED repeats a run.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from openapi_spec_validator import OpenAPIV31SpecValidator

from server import URL, call

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


def access_token():
    body = {
        "grant_type": "client_credentials",
        "client_id": os.environ["HEADWATER_CLIENT_ID"],
        "client_secret": os.environ["HEADWATER_CLIENT_SECRET"],
        "audience": f"{URL}/api/v2/",
    }
    return call("POST", "/oauth/token", body)["access_token"]


def things(token):
    """Something of each kind, so that not everything that is asked for is unknown: what fills the places of paths, by their
    start, and what fills members of bodies, by their name."""

    def made(path, body):
        return call("POST", f"/api/v2/{path}", body, token)

    def user(name):
        password = "Tr0ub4dor&3x"
        body = {"connection": "Username-Password-Authentication", "email": f"{name}@example.com", "password": password}
        return made("users", body)["user_id"]

    def stream(name, status):
        authorization = {"method": "bearer", "token": "secret"}
        configuration = {"webhook_endpoint": "http://127.0.0.1:9/", "webhook_authorization": authorization}
        destination = {"type": "webhook", "configuration": configuration}
        return made("event-streams", {"name": name, "status": status, "destination": destination})["id"]

    connection = made("connections", {"name": "known", "strategy": "okta"})["id"]
    made(f"connections/{connection}/scim-configuration", {})
    scim_token = made(f"connections/{connection}/scim-configuration/tokens", {})["token"]
    scim = f"/scim/v2/connections/{connection}"
    scim_user = call("POST", f"{scim}/Users", {"userName": "john", "externalId": "john"}, scim_token)["id"]
    group = call("POST", f"{scim}/Groups", {"displayName": "known"}, scim_token)["id"]
    member, role, client = user("jane"), made("roles", {"name": "known"})["id"], made("clients", {"name": "known"})["client_id"]
    organization = made("organizations", {"name": "known"})["id"]
    made(f"organizations/{organization}/members", {"members": [member]})
    made(f"organizations/{organization}/enabled_connections", {"connection_id": connection})
    audience = made("resource-servers", {"identifier": "urn:known", "scopes": [{"value": "read:it"}]})
    grant = made("client-grants", {"client_id": client, "audience": "urn:known", "scope": []})["id"]
    failing = stream("failing", "enabled")
    failed = made(f"event-streams/{failing}/test", {"event_type": "user.created"})["id"]
    wait_for(f"/api/v2/event-streams/{failing}/deliveries/{failed}", token)
    redelivery = f"event-streams/{failing}/headwater/redeliveries"
    made(f"event-streams/{failing}/redeliver", {"headwater": {"rate_per_s": 1}})
    paths = {
        "/api/v2/users/{id}": {"id": member},
        "/api/v2/event-streams/{id}": {"id": stream("known", "disabled")},
        "/api/v2/event-streams/{id}/deliveries/{event_id}": {"id": failing, "event_id": failed},
        "/api/v2/event-streams/{id}/redeliver/{event_id}": {"id": failing, "event_id": failed},
        "/api/v2/event-streams/{id}/headwater/redeliveries/{redelivery_id}": {
            "id": failing,
            "redelivery_id": call("GET", f"/api/v2/{redelivery}", token=token)["redeliveries"][0]["id"],
        },
        "/api/v2/headwater/event-types/{name}": {
            "name": made("headwater/event-types", {"name": "com.example.known", "schema": True})["name"]
        },
        "/api/v2/organizations/{id}": {
            "id": organization, "user_id": member, "connection_id": connection, "group_id": group,
        },
        "/api/v2/organizations/name/{name}": {"name": "known"},
        "/api/v2/roles/{id}": {"id": role},
        "/api/v2/clients/{id}": {"id": client},
        "/api/v2/client-grants/{id}": {"id": grant},
        "/api/v2/resource-servers/{id}": {"id": audience["id"]},
        "/api/v2/connections/{id}": {"id": connection},
        "/api/v2/groups/{id}": {"id": group},
        "/scim/v2/connections/{connection_id}": {"connection_id": connection},
        "/scim/v2/connections/{connection_id}/Users/{id}": {"id": scim_user},
        "/scim/v2/connections/{connection_id}/Groups/{id}": {"id": group},
        "/scim/v2/connections/{connection_id}/ResourceTypes/{id}": {"id": "User"},
        "/scim/v2/connections/{connection_id}/Schemas/{id}": {"id": "urn:ietf:params:scim:schemas:core:2.0:User"},
    }
    bodies = {
        "roles": [role], "groups": [group], "users": [member], "connection_id": connection,
        "client_id": client, "enabled_clients": [client], "members": [member],
        "connection": "Username-Password-Authentication", "password": "Tr0ub4dor&3x",
    }
    return paths, bodies, scim_token


def wait_for(path, token):
    """Waits until there is something: a test event has failed after some attempts."""
    for _ in range(300):
        try:
            return call("GET", path, token=token)
        except OSError:
            time.sleep(0.1)
    sys.exit(f"waited in vain for {path}")


def endless(description):
    """What never ends by itself; it has tests of its own."""
    operations = [operation for path in description["paths"].values() for operation in path.values()]
    is_endless = lambda operation: "text/event-stream" in operation["responses"].get("200", {}).get("content", {})
    return [operation["operationId"] for operation in operations if is_endless(operation)]


def never_served(description):
    """What has no other answer than that it cannot be served, which looks like a failure of the server."""
    operations = [operation for path in description["paths"].values() for operation in path.values()]
    return [operation["operationId"] for operation in operations if not any(status < "4" for status in operation["responses"])]


def check_reach(description, succeeded):
    """A run in which nearly everything is refused shows nothing."""
    operations = {operation["operationId"] for path in description["paths"].values() for operation in path.values()}
    operations -= {*endless(description), *never_served(description)}
    reached = set(json.loads(succeeded.read_text(encoding="utf-8")))
    print(f"{len(reached)} of {len(operations)} operations succeeded at least once; never: {sorted(operations - reached)}")
    if len(reached) * 4 < len(operations) * 3:
        sys.exit("fewer than three quarters of the operations succeeded: the run says little")


def main():
    description = call("GET", "/api/v2/openapi.json")
    OpenAPIV31SpecValidator(description).validate()
    token = access_token()
    paths, bodies, scim_token = things(token)
    succeeded = Path(tempfile.mkdtemp()) / "succeeded.json"
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "hooks",
        "PYTHONPATH": str(Path(__file__).parent),
        "HEADWATER_TOKENS": json.dumps({"bearer": token, "scim": scim_token}),
        "HEADWATER_KNOWN": json.dumps(paths),
        "HEADWATER_KNOWN_IN_BODIES": json.dumps(bodies),
        "HEADWATER_SUCCEEDED": str(succeeded),
    }
    command = [str(Path(sys.executable).parent / "schemathesis"), "run", f"{URL}/api/v2/openapi.json"]
    command += ["--checks", ",".join(CHECKS), "--phases", "coverage,fuzzing", "--max-examples", str(EXAMPLES)]
    command += ["--seed", SEED, "--no-shrink", "--continue-on-failure"]
    command += ["--generation-database", "none", "--suppress-health-check", "all", "--warnings", "off", "--no-color"]
    for operation in endless(description) + never_served(description):
        command += ["--exclude-operation-id", operation]
    print(f"seed {SEED}", flush=True)
    run = subprocess.run(command, env=environment, check=False, timeout=SECONDS_MAX)
    if run.returncode:
        sys.exit(run.returncode)
    check_reach(description, succeeded)


main()
