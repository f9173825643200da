// The main job through the official Node SDK, unmodified, over HTTPS: it creates the stream and the users;
// a receiver on Express gets the events. Ends with 0 when everything was as it should be.
import assert from "node:assert/strict";
import { once } from "node:events";
import { ManagementClient, ManagementError } from "auth0";
import express from "express";

const { HEADWATER_DOMAIN: domain, HEADWATER_CLIENT_ID: clientId, HEADWATER_CLIENT_SECRET: clientSecret } = process.env;

const received = [];
let arrived = () => {};
const app = express();
app.use(express.json());
app.post("/webhook", (request, response) => {
    received.push({ authorization: request.get("authorization"), agent: request.get("user-agent"), event: request.body });
    response.status(204).end();
    arrived();
});
const server = app.listen(0, "127.0.0.1");
await once(server, "listening");

async function waitFor(count) {
    const deadline = AbortSignal.timeout(20_000);
    while (received.length < count) {
        await new Promise((resolve, reject) => {
            arrived = resolve;
            deadline.addEventListener("abort", () => reject(new Error(`got ${received.length} of ${count} events`)));
        });
    }
}

const management = new ManagementClient({ domain, clientId, clientSecret });

const stream = await management.eventStreams.create({
    name: "node-story",
    subscriptions: [{ event_type: "user.created" }, { event_type: "user.updated" }, { event_type: "user.deleted" }],
    destination: {
        type: "webhook",
        configuration: {
            webhook_endpoint: `http://127.0.0.1:${server.address().port}/webhook`,
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

await waitFor(3);
assert.deepEqual(received.map(({ event }) => event.type), ["user.created", "user.updated", "user.deleted"]);
for (const { authorization, agent, event } of received) {
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

server.close();
console.log("the Node SDK played the main job");
