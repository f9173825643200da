// Signed deliveries, checked by the npm package `standardwebhooks`: secrets made by the server and given, two at once while
// rotating, and ed25519 with the public key that the answer shows.
import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";
import { until } from "./receiver.mjs";

const { HEADWATER_DOMAIN: domain, HEADWATER_CLIENT_ID: client_id, HEADWATER_CLIENT_SECRET: client_secret } = process.env;

async function call(method, path, body, token) {
    const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
    const answer = await fetch(`https://${domain}${path}`, { method, headers, body: JSON.stringify(body) });
    const text = await answer.text();
    assert.ok(answer.ok, `${path} was answered ${answer.status}: ${text}`);
    return JSON.parse(text);
}

const received = [];
const receiver = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    received.push({ path: request.url, headers: request.headers, body });
    response.writeHead(204).end();
});
receiver.listen(0, "127.0.0.1");
await once(receiver, "listening");

const audience = `https://${domain}/api/v2/`;
const { access_token: token } = await call("POST", "/oauth/token", {
    grant_type: "client_credentials", client_id, client_secret, audience,
});

async function stream(name, signing) {
    const created = await call("POST", "/api/v2/event-streams", {
        name,
        subscriptions: [{ event_type: "user.created" }],
        destination: {
            type: "webhook",
            configuration: {
                webhook_endpoint: `http://127.0.0.1:${receiver.address().port}/${name}`,
                webhook_authorization: { method: "bearer", token: "a-token-of-the-story" },
            },
        },
        headwater: { signing },
    }, token);
    return { id: created.id, name, signing: created.headwater.signing };
}

let users = 0;
async function delivered(name) {
    const email = `user${++users}@example.com`;
    const user = { connection: "Username-Password-Authentication", email, password: "correct horse battery Staple 7" };
    await call("POST", "/api/v2/users", user, token);
    const is = ({ path, body }) => path === `/${name}` && JSON.parse(body).data.object.email === email;
    return until(async () => received.find(is), Boolean);
}

// The server makes the secret, and shows it once.
const symmetric = await stream("symmetric", { algorithm: "hmac-sha256" });
const [first] = symmetric.signing.secrets;
let { headers, body } = await delivered("symmetric");
const event = new Webhook(first).verify(body, headers);
assert.equal(event.a0stream, symmetric.id);
assert.equal(headers["webhook-id"], event.id);
assert.throws(() => new Webhook(first).verify(body.replace("user", "User"), headers));

// While rotating, receivers may know either.
const second = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const rotate = async (secrets) =>
    call("PATCH", `/api/v2/event-streams/${symmetric.id}`, { headwater: { signing: { algorithm: "hmac-sha256", secrets } } }, token);
const rotated = await rotate([second, first]);
assert.deepEqual(rotated.headwater.signing, { algorithm: "hmac-sha256" });
({ headers, body } = await until(async () => delivered("symmetric"), ({ headers }) => headers["webhook-signature"].includes(" ")));
for (const secret of [first, second]) new Webhook(secret).verify(body, headers);
await rotate([second]);
({ headers, body } = await until(async () => delivered("symmetric"), ({ headers }) => !headers["webhook-signature"].includes(" ")));
new Webhook(second).verify(body, headers);
assert.throws(() => new Webhook(first).verify(body, headers));

// A receiver that is to know no secret has the public key.
const { signing } = await stream("asymmetric", { algorithm: "ed25519" });
({ headers, body } = await delivered("asymmetric"));
const x = Buffer.from(signing.public_keys[0].slice("whpk_".length), "base64").toString("base64url");
const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
const [version, signature] = headers["webhook-signature"].split(",");
const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
assert.equal(version, "v1a");
assert.ok(verify(null, Buffer.from(signed), key, Buffer.from(signature, "base64")));
assert.ok(!verify(null, Buffer.from(`${signed} `), key, Buffer.from(signature, "base64")));

receiver.close();
receiver.closeAllConnections();
console.log("standardwebhooks checked what was signed");
