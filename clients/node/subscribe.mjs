// The Events API through the official Node SDK, unmodified: events as they happen, and from where a reader stopped.
import assert from "node:assert/strict";
import { ManagementClient } from "auth0";

const { HEADWATER_DOMAIN: domain, HEADWATER_CLIENT_ID: clientId, HEADWATER_CLIENT_SECRET: clientSecret } = process.env;
const management = new ManagementClient({ domain, clientId, clientSecret });
const connection = "Username-Password-Authentication";
const password = "correct horse battery staple";
const create = (name) => management.users.create({ connection, email: `${name}@example.com`, password });

// Reads until there are `count` events, then hangs up.
async function read(parameters, count, begin = async () => {}) {
    const hangUp = new AbortController();
    const late = setTimeout(() => hangUp.abort(new Error("no more events came")), 20_000);
    const stream = await management.events.subscribe(parameters, { abortSignal: hangUp.signal });
    await begin();
    const found = [];
    for await (const message of stream) {
        if (message.event) found.push(message);
        if (found.length === count) break;
    }
    clearTimeout(late);
    hangUp.abort();
    return found;
}

const event_type = ["user.created", "user.deleted"];
let user;
const first = await read({ event_type }, 2, async () => {
    user = await create("jane");
    await management.users.update(user.user_id, { nickname: "jo" });
    await management.users.delete(user.user_id);
});
assert.deepEqual(first.map(({ type }) => type), event_type);
assert.equal(first[0].event.data.object.user_id, user.user_id);

// What happened while nobody read is there when the reader comes back, once.
const names = ["k", "l", "m"];
const missed = [];
for (const name of names) missed.push((await create(name)).user_id);
const second = await read({ from: first[1].offset }, 3);
assert.deepEqual(second.map(({ event }) => event.data.object.user_id), missed);

await assert.rejects(management.events.subscribe({ from: "nonsense" }), (error) => error.statusCode === 400);
console.log("the Node SDK subscribed to events");
