"""How schemathesis shows who calls, and how it finds what is there."""

import atexit
import json
import os

import schemathesis

TOKENS = json.loads(os.environ["HEADWATER_TOKENS"])
KNOWN = json.loads(os.environ["HEADWATER_KNOWN"])


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


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Names what is there in one of two cases, and never to delete it: the rest of the run needs it."""
    operation = context.operation
    if operation is None or not path_parameters:
        return path_parameters
    named = known(operation.path)
    connection = {name: value for name, value in named.items() if name == "connection_id"}
    if operation.method.upper() == "DELETE":
        spared = {name: f"{value}x" for name, value in path_parameters.items() if value == named.get(name)}
        return {**path_parameters, **spared, **connection}
    is_unknown = sum(len(str(value)) for value in path_parameters.values()) % 2
    return {**path_parameters, **(connection if is_unknown else named)}


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
