// The official deploy tool, unmodified, over HTTPS: it exports event streams, imports new ones, changes them and deletes what
// is gone from its file. What it should have done is looked at through the API itself.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { HEADWATER_DOMAIN: domain, HEADWATER_CLIENT_ID: clientId, HEADWATER_CLIENT_SECRET: clientSecret } = process.env;
const folder = mkdtempSync(join(tmpdir(), "deploy-cli-"));

function deploy(...words) {
    const settings = {
        AUTH0_DOMAIN: domain,
        AUTH0_CLIENT_ID: clientId,
        AUTH0_CLIENT_SECRET: clientSecret,
        AUTH0_INCLUDED_ONLY: JSON.stringify(["eventStreams"]),
        AUTH0_ALLOW_DELETE: "true",
        AUTH0_KEYWORD_REPLACE_MAPPINGS: JSON.stringify({ TOKEN: "a-secret" }),
        EVENT_STREAM_WEBHOOK_BEARER_TOKEN: "a-secret",
    };
    const program = new URL("node_modules/.bin/a0deploy", import.meta.url).pathname;
    const ended = spawnSync(program, words, { env: { ...process.env, ...settings }, encoding: "utf8", timeout: 120_000 });
    assert.equal(ended.status, 0, `a0deploy ${words.join(" ")}\n${ended.stdout}\n${ended.stderr}`);
}

async function call(path, options = {}) {
    const answer = await fetch(`https://${domain}${path}`, options);
    assert.ok(answer.ok, `${path} answered ${answer.status}: ${await answer.clone().text()}`);
    return answer.json();
}

const form = { grant_type: "client_credentials", client_id: clientId, client_secret: clientSecret };
const audience = `https://${domain}/api/v2/`;
const token = await call("/oauth/token", { method: "POST", body: new URLSearchParams({ ...form, audience }) });
const authorization = `Bearer ${token.access_token}`;
const streams = async () => (await call("/api/v2/event-streams", { headers: { authorization } })).eventStreams;

deploy("import", "--input_file", new URL("tenant.yaml", import.meta.url).pathname);
const imported = await streams();
assert.deepEqual(imported.map(({ name }) => name).sort(), ["also-deployed", "deployed"]);
const deployed = imported.find(({ name }) => name === "deployed");
assert.deepEqual(deployed.subscriptions.map(({ event_type }) => event_type), ["user.created", "user.deleted"]);
assert.equal(deployed.destination.configuration.webhook_endpoint, "http://127.0.0.1:9/webhook");

// What is beyond the contract, with a secret that is never answered: it survives being exported and imported.
const change = async (headwater) =>
    call(`/api/v2/event-streams/${deployed.id}`, {
        method: "PATCH", headers: { authorization, "content-type": "application/json" }, body: JSON.stringify({ headwater }),
    });
const options = { retry: { delays_s: [1, 10, 60] }, rate_per_s: 50, headers: { "x-team": "crm" }, signing: { algorithm: "ed25519" } };
const { headwater: { signing } } = await change(options);
const kept = { ...options, signing: { algorithm: "ed25519", public_keys: signing.public_keys } };
assert.equal(signing.secrets.length, 1);

deploy("export", "--format", "yaml", "--output_folder", folder);
const exported = readFileSync(join(folder, "tenant.yaml"), "utf8");
assert.ok(exported.includes("name: deployed") && exported.includes("name: also-deployed"), exported);
assert.ok(!exported.includes("a-secret") && !exported.includes("whsk_"), exported);
deploy("import", "--input_file", join(folder, "tenant.yaml"));
assert.deepEqual((await streams()).find(({ id }) => id === deployed.id).headwater, kept);
await change({ retry: null, rate_per_s: null, headers: null, signing: null });

// The same file again with one stream changed and the other gone.
const source = readFileSync(new URL("tenant.yaml", import.meta.url), "utf8");
const [first] = source.split("  - name: also-deployed");
writeFileSync(join(folder, "changed.yaml"), first.replace("status: enabled", "status: disabled"));
deploy("import", "--input_file", join(folder, "changed.yaml"));
const left = await streams();
assert.deepEqual(left.map(({ id, status }) => [id, status]), [[deployed.id, "disabled"]]);

rmSync(folder, { recursive: true });
console.log("the deploy tool exported, imported, changed and deleted");
