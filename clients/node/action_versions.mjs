// Versions of an action through the official Node SDK, unmodified, over HTTPS: streams run another one from when it is deployed,
// also an earlier one; what cannot run is not deployed. Ends with 0 when everything was as it should be.
import assert from "node:assert/strict";
import { ManagementClient } from "auth0";
import { Receiver, until } from "./receiver.mjs";

const { HEADWATER_DOMAIN: domain, HEADWATER_CLIENT_ID: clientId, HEADWATER_CLIENT_SECRET: clientSecret } = process.env;
const management = new ManagementClient({ domain, clientId, clientSecret });
const receiver = await Receiver.start();

const status = (expected) => (error) => error.statusCode === expected;
const supported_triggers = [{ id: "event-stream", version: "v1" }];
const posting = (purpose) => `
exports.onExecuteEventStream = async (event, api) => {
    console.log("about", event.message.type);
    const response = await fetch("${receiver.url}", {
        method: "POST",
        headers: { "content-type": "application/json", authorization: "Bearer " + event.secrets.CRM_TOKEN },
        body: JSON.stringify({ purpose: "${purpose}", message: event.message }),
    });
    if (!response.ok) throw new Error("the CRM answered " + response.status);
};`;

// An action with a secret, which is never seen again.
const secrets = [{ name: "CRM_TOKEN", value: "the-crms-own-token" }];
const made = await management.actions.create({ name: "to the CRM", supported_triggers, code: posting("one"), secrets });
assert.deepEqual(made.secrets.map(({ name }) => name), ["CRM_TOKEN"]);
assert.ok(!JSON.stringify(made).includes("the-crms-own-token"));
const built = await until(() => management.actions.get(made.id), (action) => action.status === "built");
assert.equal(built.all_changes_deployed, false);

// A stream needs what is deployed.
const stream = { name: "crm", subscriptions: [{ event_type: "user.created" }] };
const destination = { type: "action", configuration: { action_id: made.id } };
await assert.rejects(management.eventStreams.create({ ...stream, destination }), status(400));
const first = await management.actions.deploy(made.id);
assert.deepEqual([first.number, first.deployed, first.status], [1, true, "built"]);
const running = await management.eventStreams.create({ ...stream, destination });
assert.deepEqual(running.destination, destination);

// It runs for an event.
const connection = "Username-Password-Authentication";
const signUp = (name) =>
    management.users.create({ connection, email: `${name}@example.com`, password: "correct horse battery staple" });
const jane = await signUp("jane");
const [told] = await receiver.events(1);
assert.deepEqual([told.purpose, told.message.data.object.user_id], ["one", jane.user_id]);
assert.equal(receiver.received[0].authorization, "Bearer the-crms-own-token");

// Events until one was sent for this purpose.
const purpose = (expected) =>
    until(
        async () => {
            const before = receiver.received.length;
            await signUp(`after-${before}`);
            return (await receiver.events(before + 1)).at(-1);
        },
        (event) => event.purpose === expected,
    );

// Another draft runs once it is deployed; a secret that is named without a value stays.
await management.actions.update(made.id, { code: posting("two"), secrets: [{ name: "CRM_TOKEN" }] });
await until(() => management.actions.get(made.id), (action) => action.status === "built");
await management.actions.deploy(made.id);
await purpose("two");
assert.equal(receiver.received.at(-1).authorization, "Bearer the-crms-own-token");

// What it throws stands in the failed delivery, which is delivered again when that helps.
receiver.status = 500;
const john = await signUp("john");
const failed = async () => (await management.eventStreams.deliveries.list(running.id, {})).data;
const [delivery] = await until(failed, (deliveries) => deliveries.length === 1);
assert.equal(delivery.event.data.object.user_id, john.user_id);
const history = await management.eventStreams.deliveries.getHistory(running.id, delivery.id);
assert.ok(history.attempts[0].error_message.includes("the CRM answered 500"), JSON.stringify(history.attempts));
receiver.status = 204;
await management.eventStreams.redeliveries.createById(running.id, delivery.id);
await until(failed, (deliveries) => deliveries.length === 0);

// Back to what was.
const versions = [];
for await (const version of await management.actions.versions.list(made.id)) versions.push(version);
assert.deepEqual(versions.map(({ number, deployed }) => [number, deployed]), [[2, true], [1, false]]);
const back = await management.actions.versions.deploy(made.id, first.id);
assert.deepEqual([back.number, back.code], [3, posting("one")]);
assert.equal((await management.actions.versions.get(made.id, back.id)).deployed, true);
await purpose("one");

// What cannot run is not deployed, and what cannot be honoured is refused.
const broken = await management.actions.create({ name: "broken", supported_triggers, code: "exports.x = (" });
const looked = await until(() => management.actions.get(broken.id), (action) => action.status !== "pending");
assert.equal(looked.status, "failed");
await assert.rejects(management.actions.deploy(broken.id), status(400));
const dependencies = [{ name: "lodash", version: "4.17.21" }];
await assert.rejects(management.actions.update(broken.id, { dependencies }), status(400));

// Lists, and the end: an action in use stays, and goes with its stream.
const names = [];
for await (const { name } of await management.actions.list({ triggerId: "event-stream" })) names.push(name);
assert.deepEqual(names, ["to the CRM", "broken"]);
assert.deepEqual((await management.actions.triggers.list()).triggers.map(({ id }) => id), ["event-stream"]);
await assert.rejects(management.actions.delete(made.id), status(409));
await management.eventStreams.delete(running.id);
await assert.rejects(management.actions.get(made.id), status(404));
await management.actions.delete(broken.id, { force: true });
receiver.close();
