"""The Events API through the official Python SDK, unmodified. It drops every message that lacks a required member."""

import os

from auth0.management import ManagementClient

management = ManagementClient(
    domain=os.environ["HEADWATER_DOMAIN"],
    client_id=os.environ["HEADWATER_CLIENT_ID"],
    client_secret=os.environ["HEADWATER_CLIENT_SECRET"],
)


def create(name):
    password = "correct horse battery staple"
    user = management.users.create(
        connection="Username-Password-Authentication", email=f"{name}@example.com", password=password
    )
    return user.user_id


def read(count, **parameters):
    """The next events, as many as asked for."""
    found = []
    for message in management.events.subscribe(**parameters):
        if hasattr(message, "event") and message.event is not None:
            found.append(message)
        if len(found) == count:
            return found
    raise AssertionError(f"the stream ended after {len(found)} of {count} events")


jane = create("jane")
management.users.update(jane, nickname="jo")
management.users.delete(jane)
first = read(3, from_timestamp="2020-01-01T00:00:00Z")
assert [message.event.type for message in first] == ["user.created", "user.updated", "user.deleted"]

missed = [create(name) for name in ("k", "l", "m")]
second = read(3, from_=first[-1].offset, event_type=["user.created", "user.deleted"])
assert [message.event.data.object.user_id for message in second] == missed
print("the Python SDK subscribed to events")
