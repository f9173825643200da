// Actions through the official Node SDK, unmodified, over HTTPS: code with a secret is created, tried out and deployed, gets the
// events of a stream, and is rolled back. Ends with 0 when everything was as it should be.
import assert from "node:assert/strict";
import { ManagementClient } from "auth0";
import { Receiver, until } from "./receiver.mjs";

const { HEADWATER_DOMAIN: domain, HEADWATER_CLIENT_ID: clientId, HEADWATER_CLIENT_SECRET: clientSecret } = process.env;

const receiver = await Receiver.start();
const management = new ManagementClient({ domain, clientId, clientSecret });
const createUser = (name) =>
    management.users.create({
        connection: "Username-Password-Authentication",
        email: `${name}@example.com`,
        password: "correct horse battery staple",
    });

const created = await management.actions.create({
    name: "node-story",
    supported_triggers: [{ id: "event-stream", version: "v1" }],
    code: `exports.onExecuteEventStream = async (event, api) => {
        console.log("sending", event.message.type);
        const answer = await fetch("${receiver.url}", {
            method: "POST",
            headers: { "content-type": "application/json", authorization: "Bearer " + event.secrets.TOKEN },
            body: JSON.stringify(event.message),
        });
        if (!answer.ok) api.message.fail("the receiver answered " + answer.status);
    };`,
    runtime: "node22",
    secrets: [{ name: "TOKEN", value: "node-story-secret" }],
});
const ask = () => management.actions.get(created.id);
const built = await until(ask, (action) => action.status === "built");
assert.equal(JSON.stringify(built).includes("node-story-secret"), false, "the secret is never answered");

const tried = await management.actions.test(created.id, { payload: { message: { type: "tried" } } });
assert.equal(tried.payload.status, "success", JSON.stringify(tried));
assert.equal((await receiver.events(1))[0].type, "tried");

await management.actions.deploy(created.id);
assert.equal((await ask()).all_changes_deployed, true);
const stream = await management.eventStreams.create({
    name: "node-story-action",
    subscriptions: [{ event_type: "user.created" }],
    destination: { type: "action", configuration: { action_id: created.id } },
});
const user = await createUser("jane");
await receiver.events(2);
const { authorization, event } = receiver.received[1];
assert.equal(authorization, "Bearer node-story-secret");
assert.equal(event.type, "user.created");
assert.equal(event.data.object.user_id, user.user_id);

receiver.status = 400;
await createUser("joe");
const all = async (pages) => {
    const found = [];
    for await (const each of await pages) found.push(each);
    return found;
};
const failed = await until(
    () => all(management.eventStreams.deliveries.list(stream.id, {})),
    (found) => found.length > 0,
);
const attempt = failed[0].attempts[0];
assert.equal(attempt.error_message, "the receiver answered 400");
assert.equal(attempt.headwater.console[0].text, "sending user.created");

assert.equal((await all(management.actions.versions.list(created.id))).length, 1);
// The action goes with its only stream, as at Auth0.
await management.eventStreams.delete(stream.id);
await assert.rejects(ask(), (error) => error.statusCode === 404);

receiver.close();
console.log("the Node SDK played actions");
