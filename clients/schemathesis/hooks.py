"""How schemathesis shows who calls, and how it finds what is there."""

import atexit
import json
import os
from urllib.error import HTTPError

import schemathesis

from server import call

TOKENS = json.loads(os.environ["HEADWATER_TOKENS"])
KNOWN = json.loads(os.environ["HEADWATER_KNOWN"])
IN_BODIES = json.loads(os.environ["HEADWATER_KNOWN_IN_BODIES"])
SCIM = "/scim/v2/connections/{connection_id}"
# What is deleted there leaves what it is deleted from.
LASTING = {
    "/api/v2/organizations/{id}/members",
    "/api/v2/organizations/{id}/members/{user_id}/roles",
    "/api/v2/organizations/{id}/groups/{group_id}/roles",
    "/api/v2/groups/{id}/roles",
    "/api/v2/roles/{id}/groups",
    "/api/v2/users/{id}/roles",
}
# Each kind of thing is made to be deleted so many times: some have a maximum.
SPARES_MAX = 3
SPARED = []
NUMBERS = []


@schemathesis.auth(refresh_interval=None)
class Token:
    """The token of the scheme that an operation asks for."""

    def get(self, case, context):
        ways = case.operation.definition.raw.get("security") or [{}]
        return TOKENS.get(next(iter(ways[0]), None))

    def set(self, case, data, context):
        if data:
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


def known(path):
    """What is known of the places in a path."""
    return {name: value for start, places in KNOWN.items() if path.startswith(start) for name, value in places.items()}


def spare(path):
    """Makes something that may be deleted, and answers what fills the places of its path; none, where nothing is made."""
    NUMBERS.append(len(NUMBERS))
    name = f"spare-{len(NUMBERS)}"
    connection = KNOWN["/api/v2/connections/{id}"]["id"]
    management, scim = TOKENS["bearer"], TOKENS["scim"]
    password = {"connection": "Username-Password-Authentication", "password": "Tr0ub4dor&3x"}
    at_scim, tokens = f"/scim/v2/connections/{connection}", f"connections/{connection}/scim-configuration/tokens"
    makers = {
        "/api/v2/roles/{id}": ("/api/v2/roles", {"name": name}, management, "id"),
        "/api/v2/clients/{id}": ("/api/v2/clients", {"name": name}, management, "client_id"),
        "/api/v2/organizations/{id}": ("/api/v2/organizations", {"name": name}, management, "id"),
        "/api/v2/connections/{id}": ("/api/v2/connections", {"name": name, "strategy": "okta"}, management, "id"),
        "/api/v2/resource-servers/{id}": ("/api/v2/resource-servers", {"identifier": f"urn:{name}"}, management, "id"),
        "/api/v2/headwater/event-types/{name}": (
            "/api/v2/headwater/event-types", {"name": f"com.example.{name}", "schema": True}, management, "name",
        ),
        "/api/v2/users/{id}": ("/api/v2/users", {**password, "email": f"{name}@example.com"}, management, "user_id"),
        "/api/v2/groups/{id}": (f"{at_scim}/Groups", {"displayName": name}, scim, "id"),
        f"{SCIM}/Users/{{id}}": (f"{at_scim}/Users", {"userName": name, "externalId": name}, scim, "id"),
        f"{SCIM}/Groups/{{id}}": (f"{at_scim}/Groups", {"displayName": name}, scim, "id"),
        "/api/v2/connections/{id}/scim-configuration/tokens/{token_id}": (
            f"/api/v2/{tokens}", {"scopes": ["get:users"]}, management, "token_id",
        ),
    }
    if path not in makers:
        return {}
    at, body, token, member = makers[path]
    place = path.rsplit("{", 1)[1].rstrip("}")
    try:
        return {place: call("POST", at, body, token)[member]}
    except HTTPError:
        # Others may have used up what there may be of it.
        return {}


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Names what is there in one of two cases, and to delete it only what nothing else needs."""
    operation = context.operation
    if operation is None or not path_parameters:
        return path_parameters
    named = known(operation.path)
    connection = {name: value for name, value in named.items() if name == "connection_id"}
    is_unknown = sum(len(str(value)) for value in path_parameters.values()) % 2
    if operation.method.upper() == "DELETE" and operation.path not in LASTING:
        spared = {name: f"{value}x" for name, value in path_parameters.items() if value == named.get(name)}
        if is_unknown or SPARED.count(operation.path) >= SPARES_MAX:
            return {**path_parameters, **spared, **connection}
        SPARED.append(operation.path)
        deleted = operation.path.rsplit("{", 1)[1].split("}")[0]
        others = {name: value for name, value in named.items() if name != deleted}
        return {**path_parameters, **spared, **others, **connection, **spare(operation.path)}
    return {**path_parameters, **(connection if is_unknown else named)}


@schemathesis.hook
def map_body(context, body):
    """Names what is there in one of two cases, where a body names something."""
    if not isinstance(body, dict) or len(str(body)) % 2:
        return body
    return {name: IN_BODIES[name] if fits(value, IN_BODIES.get(name)) else value for name, value in body.items()}


def fits(value, known):
    """Whether what is known is of the kind that a body has there: the members of SCIM groups are objects."""
    is_of_objects = isinstance(value, list) and value and isinstance(value[0], dict)
    return known is not None and isinstance(value, type(known)) and not is_of_objects


SUCCEEDED = set()


@schemathesis.hook
def after_call(context, case, response):
    """Notes what succeeded at least once: a run in which everything is refused shows nothing."""
    if 200 <= response.status_code < 300:
        SUCCEEDED.add(case.operation.definition.raw["operationId"])


@atexit.register
def tell():
    with open(os.environ["HEADWATER_SUCCEEDED"], "w", encoding="utf-8") as file:
        json.dump(sorted(SUCCEEDED), file)
