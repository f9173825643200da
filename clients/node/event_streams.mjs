// Every event-stream operation of the official Node SDK, unmodified, over HTTPS: test events, failed deliveries, redelivery.
import assert from "node:assert/strict";
import { ManagementClient } from "auth0";
import { Receiver, until } from "./receiver.mjs";

const { HEADWATER_DOMAIN: domain, HEADWATER_CLIENT_ID: clientId, HEADWATER_CLIENT_SECRET: clientSecret } = process.env;
const management = new ManagementClient({ domain, clientId, clientSecret });
const receiver = await Receiver.start();

const webhook = (authorization) => ({
    type: "webhook",
    configuration: { webhook_endpoint: receiver.url, webhook_authorization: authorization },
});
const subscriptions = [{ event_type: "user.created" }];
const bearer = { method: "bearer", token: "first-token" };
const stream = await management.eventStreams.create({ name: "node", subscriptions, destination: webhook(bearer) });

// A test event with the sample payload, and one with the caller's own.
const sample = await management.eventStreams.test(stream.id, { event_type: "organization.created" });
assert.deepEqual([sample.status, sample.attempts, sample.event_stream_id], ["pending", [], stream.id]);
const own = { object: { user_id: "auth0|own" } };
await management.eventStreams.test(stream.id, { event_type: "user.updated", data: own });
const tests = await receiver.events(2);
const byType = Object.fromEntries(tests.map((event) => [event.type, event]));
assert.equal(byType["organization.created"].id, sample.id);
assert.ok(tests.every((event) => event.a0purpose === "test" && event.a0stream === stream.id));
assert.deepEqual(byType["user.updated"].data, own);

// Other authorization methods; a secret that is not sent stays.
const basic = { method: "basic", username: "jane", password: "second-secret" };
const changed = await management.eventStreams.update(stream.id, { destination: webhook(basic) });
assert.deepEqual(changed.destination.configuration.webhook_authorization, { method: "basic", username: "jane" });
await management.eventStreams.update(stream.id, { destination: webhook({ method: "basic", username: "jane" }) });
await management.eventStreams.test(stream.id, { event_type: "user.created" });
await receiver.events(3);
const credentials = Buffer.from("jane:second-secret").toString("base64");
assert.equal(receiver.received[2].authorization, `Basic ${credentials}`);

// Failed deliveries: listed, filtered, looked at, delivered again.
receiver.status = 400;
const connection = "Username-Password-Authentication";
const password = "correct horse battery staple";
for (const name of ["a", "b", "c"]) {
    await management.users.create({ connection, email: `${name}@example.com`, password });
}
const list = async (parameters) => {
    const found = [];
    for await (const delivery of await management.eventStreams.deliveries.list(stream.id, parameters)) found.push(delivery);
    return found;
};
const failed = await until(() => list({}), (found) => found.length === 3);
assert.ok(failed.every(({ status, event_type }) => status === "failed" && event_type === "user.created"));
assert.equal((await list({ take: 1, statuses: "failed", event_types: "user.created,user.updated" })).length, 3);
assert.equal((await list({ event_types: "user.deleted" })).length, 0);
assert.equal((await list({ date_to: "2020-01-01T00:00:00Z" })).length, 0);
const history = await management.eventStreams.deliveries.getHistory(stream.id, failed[0].id);
assert.equal(history.attempts[0].status, "failed");
assert.ok(history.attempts[0].error_message.includes("400"), history.attempts[0].error_message);
assert.equal(history.event.id, failed[0].id);

receiver.status = 204;
await management.eventStreams.redeliveries.createById(stream.id, failed[0].id);
await receiver.events(4);
await until(() => list({}), (found) => found.length === 2);
await assert.rejects(
    management.eventStreams.redeliveries.createById(stream.id, failed[0].id),
    (error) => error.statusCode === 404,
);
assert.deepEqual(await management.eventStreams.redeliveries.create(stream.id, {}), {});
const all = await receiver.events(6);
assert.deepEqual(all.slice(3).map(({ id }) => id).sort(), failed.map(({ id }) => id).sort());
await until(() => list({}), (found) => found.length === 0);

// Paging, disabling, errors.
const more = [];
for (const number of [1, 2, 3]) {
    more.push(await management.eventStreams.create({ name: `more-${number}`, subscriptions, destination: webhook(bearer) }));
}
const ids = [];
for await (const { id } of await management.eventStreams.list({ take: 2 })) ids.push(id);
assert.deepEqual(ids, [stream.id, ...more.map(({ id }) => id)]);
const disabled = await management.eventStreams.update(stream.id, { status: "disabled" });
assert.equal(disabled.status, "disabled");
await assert.rejects(management.eventStreams.test(stream.id, { event_type: "user.created" }), (error) => error.statusCode === 400);
await assert.rejects(
    management.eventStreams.create({ name: "more-1", subscriptions, destination: webhook(bearer) }),
    (error) => error.statusCode === 409,
);
await assert.rejects(management.eventStreams.get("est_malformed"), (error) => error.statusCode === 400);
for (const { id } of [stream, ...more]) await management.eventStreams.delete(id);

receiver.close();
console.log("the Node SDK used every event-stream operation");
