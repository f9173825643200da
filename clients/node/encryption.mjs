// Encrypted deliveries, opened by the npm package `jose`: each algorithm with a given key, and a key that is published.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { compactDecrypt, exportJWK, generateKeyPair } from "jose";
import { until } from "./receiver.mjs";

const { HEADWATER_DOMAIN: domain, HEADWATER_CLIENT_ID: client_id, HEADWATER_CLIENT_SECRET: client_secret } = process.env;

async function call(path, body, token) {
    const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
    const answer = await fetch(`https://${domain}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    const text = await answer.text();
    assert.ok(answer.ok, `${path} was answered ${answer.status}: ${text}`);
    return JSON.parse(text);
}

async function key(alg, kid) {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    return { alg, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), alg, kid, use: "enc" } };
}

const algorithms = ["RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW"];
const given = await Promise.all(algorithms.map((alg, index) => key(alg, `given-${index}`)));
const published = await key("RSA-OAEP-256", "published");
const signing = { kty: "EC", crv: "P-256", use: "sig", kid: "signing", x: given[1].jwk.x, y: given[1].jwk.y };

const received = new Map();
const receiver = createServer(async (request, response) => {
    if (request.url === "/jwks.json") {
        response.setHeader("content-type", "application/jwk-set+json");
        return response.end(JSON.stringify({ keys: [signing, published.jwk] }));
    }
    let body = "";
    for await (const part of request) body += part;
    received.set(request.url, { type: request.headers["content-type"], body });
    response.writeHead(204).end();
});
receiver.listen(0, "127.0.0.1");
await once(receiver, "listening");
const base = `http://127.0.0.1:${receiver.address().port}`;

const audience = `https://${domain}/api/v2/`;
const { access_token: token } = await call("/oauth/token", {
    grant_type: "client_credentials", client_id, client_secret, audience,
});
const streams = new Map();
for (const { kid, encryption } of [
    ...given.map(({ kid, jwk }) => ({ kid, encryption: { jwk } })),
    { kid: published.kid, encryption: { jwks_url: `${base}/jwks.json` } },
]) {
    const stream = await call("/api/v2/event-streams", {
        subscriptions: [{ event_type: "user.created" }],
        destination: {
            type: "webhook",
            configuration: {
                webhook_endpoint: `${base}/${kid}`,
                webhook_authorization: { method: "bearer", token: "a-token-of-the-story" },
            },
        },
        headwater: { encryption },
    }, token);
    assert.deepEqual(stream.headwater.encryption, encryption);
    streams.set(kid, stream.id);
}
await call("/api/v2/users", {
    connection: "Username-Password-Authentication", email: "jane@example.com", password: "correct horse battery Staple 7",
}, token);

for (const { alg, kid, privateKey } of [...given, published]) {
    const { type, body } = await until(async () => received.get(`/${kid}`), Boolean);
    assert.equal(type, "application/jose");
    const { plaintext, protectedHeader } = await compactDecrypt(body, privateKey);
    assert.deepEqual(
        [protectedHeader.alg, protectedHeader.enc, protectedHeader.cty, protectedHeader.kid],
        [alg, "A256GCM", "application/json", kid],
    );
    const event = JSON.parse(new TextDecoder().decode(plaintext));
    assert.equal(event.type, "user.created");
    assert.equal(event.a0stream, streams.get(kid));
    assert.equal(event.data.object.email, "jane@example.com");
}

receiver.close();
receiver.closeAllConnections();
console.log("jose opened what was encrypted");
