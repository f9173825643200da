"""The main job through the official Python SDK, unmodified, over HTTPS: it creates the stream and the users."""

import os

from auth0.management import ManagementClient
from auth0.management.core.api_error import ApiError
from receiver import Receiver

management = ManagementClient(
    domain=os.environ["HEADWATER_DOMAIN"],
    client_id=os.environ["HEADWATER_CLIENT_ID"],
    client_secret=os.environ["HEADWATER_CLIENT_SECRET"],
)
receiver = Receiver()

types = ["user.created", "user.updated", "user.deleted"]
configuration = {
    "webhook_endpoint": receiver.url,
    "webhook_authorization": {"method": "bearer", "token": "python-token"},
}
stream = management.event_streams.create(
    request={
        "name": "python",
        "subscriptions": [{"event_type": each} for each in types],
        "destination": {"type": "webhook", "configuration": configuration},
    }
)
assert "python-token" not in stream.model_dump_json(), "the secret is never answered"

user = management.users.create(
    connection="Username-Password-Authentication", email="jane@example.com", password="correct horse battery staple"
)
management.users.update(user.user_id, given_name="Jane")
assert management.users.get(user.user_id).given_name == "Jane"
management.users.delete(user.user_id)
try:
    management.users.get(user.user_id)
except ApiError as error:
    assert error.status_code == 404
else:
    raise AssertionError("a deleted user is there")

events = receiver.wait_for(3)
assert [event["type"] for event in events] == types
assert {event["a0stream"] for event in events} == {stream.id}
assert set(receiver.authorizations) == {"Bearer python-token"}
assert [each.id for each in management.event_streams.list()] == [stream.id]
management.event_streams.delete(stream.id)
print("the Python SDK played the main job")
