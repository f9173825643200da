"""Every event-stream operation of the official Python SDK, unmodified, over HTTPS."""

import datetime
import os

from auth0.management import ManagementClient
from auth0.management.core.api_error import ApiError
from receiver import Receiver, until

management = ManagementClient(
    domain=os.environ["HEADWATER_DOMAIN"],
    client_id=os.environ["HEADWATER_CLIENT_ID"],
    client_secret=os.environ["HEADWATER_CLIENT_SECRET"],
)
streams = management.event_streams
receiver = Receiver()


def refused(status, call, *arguments, **named):
    """Makes a call that has to be refused."""
    try:
        call(*arguments, **named)
    except ApiError as error:
        assert error.status_code == status, error
    else:
        raise AssertionError(f"{call} was not refused with {status}")


def webhook(**authorization):
    configuration = {"webhook_endpoint": receiver.url, "webhook_authorization": authorization}
    return {"type": "webhook", "configuration": configuration}


def create(name):
    subscriptions = [{"event_type": "user.created"}, {"event_type": "user.deleted"}]
    destination = webhook(method="bearer", token="first-token")
    return streams.create(request={"name": name, "subscriptions": subscriptions, "destination": destination})


stream = create("python")
assert streams.get(stream.id).destination.configuration.webhook_endpoint == receiver.url
assert "first-token" not in stream.model_dump_json()

# A test event with the sample payload, and one with the caller's own.
sample = streams.test(stream.id, event_type="group.member.added")
assert (sample.status, sample.event_stream_id) == ("pending", stream.id)
own = {"object": {"user_id": "auth0|own"}}
streams.test(stream.id, event_type="user.updated", data=own)
tests = {event["type"]: event for event in receiver.wait_for(2)}
assert tests["group.member.added"]["id"] == sample.id
assert tests["user.updated"]["data"] == own
assert {event["a0purpose"] for event in tests.values()} == {"test"}

# A secret that is not sent stays, and another method brings its own.
header = {"method": "custom_header", "header_key": "x-team", "header_value": "second-secret"}
updated = streams.update(stream.id, name="python-renamed", destination=webhook(**header))
assert updated.name == "python-renamed"
streams.update(stream.id, destination=webhook(method="custom_header", header_key="x-team"))
streams.update(stream.id, destination=webhook(method="bearer", token="third-token"))
streams.test(stream.id, event_type="user.created")
receiver.wait_for(3)
assert receiver.authorizations[-1] == "Bearer third-token"

# Failed deliveries: listed, looked at, delivered again.
receiver.status = 400
connection = "Username-Password-Authentication"
users = [
    management.users.create(connection=connection, email=f"{name}@example.com", password="correct horse battery staple")
    for name in ("a", "b", "c")
]
failed = until(lambda: list(streams.deliveries.list(stream.id)), lambda found: len(found) == 3)
assert len(list(streams.deliveries.list(stream.id, take=1, event_types="user.created"))) == 3
assert list(streams.deliveries.list(stream.id, date_to="2020-01-01T00:00:00Z")) == []
history = streams.deliveries.get_history(stream.id, failed[0].id)
assert history.attempts[0].status == "failed" and history.attempts[0].error_message
assert history.event.id == failed[0].id
receiver.status = 204
streams.redeliveries.create_by_id(stream.id, failed[0].id)
until(lambda: list(streams.deliveries.list(stream.id)), lambda found: len(found) == 2)
long_ago = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
streams.redeliveries.create(stream.id, date_from=long_ago, event_types=["user.created"])
received = receiver.wait_for(6)
assert {event["id"] for event in received[3:]} == {delivery.id for delivery in failed}
until(lambda: list(streams.deliveries.list(stream.id)), lambda found: found == [])

# Paging, disabling, errors.
others = [create(f"more-{number}").id for number in range(3)]
assert [each.id for each in streams.list(take=2)] == [stream.id, *others]
assert streams.update(stream.id, status="disabled").status == "disabled"
refused(400, streams.test, stream.id, event_type="user.created")
refused(400, streams.get, "est_malformed")
for each in [stream.id, *others]:
    streams.delete(each)
refused(404, streams.get, stream.id)

for user in users:
    management.users.delete(user.user_id)
print("the Python SDK used every event-stream operation")
