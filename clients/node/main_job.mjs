// The main job through the official Node SDK, unmodified, over HTTPS: it creates the stream and the users;
// a receiver on Express gets the events. Ends with 0 when everything was as it should be.
import assert from "node:assert/strict";
import { ManagementClient, ManagementError } from "auth0";
import { Receiver } from "./receiver.mjs";

const { HEADWATER_DOMAIN: domain, HEADWATER_CLIENT_ID: clientId, HEADWATER_CLIENT_SECRET: clientSecret } = process.env;

const receiver = await Receiver.start();

const management = new ManagementClient({ domain, clientId, clientSecret });

const stream = await management.eventStreams.create({
    name: "node-story",
    subscriptions: [{ event_type: "user.created" }, { event_type: "user.updated" }, { event_type: "user.deleted" }],
    destination: {
        type: "webhook",
        configuration: {
            webhook_endpoint: receiver.url,
            webhook_authorization: { method: "bearer", token: "node-story-token" },
        },
    },
});
assert.match(stream.id, /^est_[1-9A-HJ-NP-Za-km-z]{22}$/);
assert.equal(stream.status, "enabled");
assert.equal(JSON.stringify(stream).includes("node-story-token"), false, "the secret is never answered");

const user = await management.users.create({
    connection: "Username-Password-Authentication",
    email: "jane@example.com",
    password: "correct horse battery staple",
});
await management.users.update(user.user_id, { given_name: "Jane" });
assert.equal((await management.users.get(user.user_id)).given_name, "Jane");
await management.users.delete(user.user_id);
await assert.rejects(management.users.get(user.user_id), (error) => {
    assert.ok(error instanceof ManagementError);
    assert.equal(error.statusCode, 404);
    return true;
});

await receiver.events(3);
assert.deepEqual(receiver.received.map(({ event }) => event.type), ["user.created", "user.updated", "user.deleted"]);
for (const { authorization, agent, event } of receiver.received) {
    assert.equal(authorization, "Bearer node-story-token");
    assert.match(agent, /^headwater\//);
    assert.equal(event.a0stream, stream.id);
    assert.equal(event.data.object.user_id, user.user_id);
}

const updated = await management.eventStreams.update(stream.id, { name: "node-story-renamed" });
assert.equal(updated.name, "node-story-renamed");
const listed = [];
for await (const each of await management.eventStreams.list()) listed.push(each.id);
assert.deepEqual(listed, [stream.id]);
await assert.rejects(
    management.eventStreams.create({ name: "node-story-renamed", subscriptions: [], destination: stream.destination }),
    (error) => error.statusCode === 400,
);
await management.eventStreams.delete(stream.id);
await assert.rejects(management.eventStreams.get(stream.id), (error) => error.statusCode === 404);

receiver.close();
console.log("the Node SDK played the main job");
