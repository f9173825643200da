// The official deploy tool, unmodified, imports a tenant as it was exported from Auth0 (export/tenant.yaml): what is refused, and
// that all the rest is taken once it has been left out. docs/guides/moving-from-auth0.md says the same to people.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import yaml from "js-yaml";

const { HEADWATER_DOMAIN: domain, HEADWATER_CLIENT_ID: clientId, HEADWATER_CLIENT_SECRET: clientSecret } = process.env;
const TAKEN = [
    "resourceServers", "clients", "clientGrants", "roles", "databases", "connections", "organizations", "actions", "eventStreams",
];
const NOT_SERVED = ["tenant", "branding", "attackProtection", "triggers"];
const folder = mkdtempSync(join(tmpdir(), "moving-"));
cpSync(new URL("export", import.meta.url).pathname, folder, { recursive: true });
const file = join(folder, "tenant.yaml");

// Runs the tool for some kinds of things; its exit code and what it has printed.
async function deploy(kinds, ...words) {
    const settings = {
        AUTH0_DOMAIN: domain,
        AUTH0_CLIENT_ID: clientId,
        AUTH0_CLIENT_SECRET: clientSecret,
        AUTH0_INCLUDED_ONLY: JSON.stringify(kinds),
        AUTH0_KEYWORD_REPLACE_MAPPINGS: JSON.stringify({
            OKTA_SECRET: "a-secret", EVENT_STREAM_WEBHOOK_BEARER_TOKEN: "a-token",
        }),
    };
    const program = new URL("node_modules/.bin/a0deploy", import.meta.url).pathname;
    const child = spawn(program, words, { env: { ...process.env, ...settings }, timeout: 120_000 });
    let printed = "";
    for (const output of [child.stdout, child.stderr]) output.on("data", (text) => (printed += text));
    const [code] = await once(child, "close");
    return { code, printed };
}

async function refused(kinds, reason) {
    const { code, printed } = await deploy(kinds, "import", "--input_file", file);
    assert.notEqual(code, 0, printed);
    assert.ok(printed.includes(reason), printed);
}

async function call(path, options = {}) {
    const answer = await fetch(`https://${domain}${path}`, options);
    assert.ok(answer.ok, `${path} answered ${answer.status}: ${await answer.clone().text()}`);
    return answer.json();
}

const form = { grant_type: "client_credentials", client_id: clientId, client_secret: clientSecret };
const audience = `https://${domain}/api/v2/`;
const token = await call("/oauth/token", { method: "POST", body: new URLSearchParams({ ...form, audience }) });
const get = (path) => call(`/api/v2/${path}`, { headers: { authorization: `Bearer ${token.access_token}` } });
const names = (list) => list.map(({ name }) => name).sort();

await Promise.all([
    ...NOT_SERVED.map((kind) => refused([kind], "404")),
    refused(["actions"], "No enum match for: post-login"),
]);

// What is left out by hand.
const tenant = yaml.load(readFileSync(file, "utf8"));
const isForStreams = ({ supported_triggers: triggers }) => triggers.every(({ id }) => id === "event-stream");
tenant.actions = tenant.actions.filter(isForStreams);
tenant.roles = tenant.roles.map((role) => ({ ...role, permissions: [] }));
writeFileSync(file, yaml.dump(tenant));
const imported = await deploy(TAKEN, "import", "--input_file", file);
assert.equal(imported.code, 0, imported.printed);

assert.deepEqual(names(await get("clients")), ["Bootstrap", "CRM", "Web Shop"]);
assert.deepEqual(names(await get("connections")), ["Username-Password-Authentication", "acme-okta", "google-oauth2"]);
assert.deepEqual(names(await get("roles")), ["admin"]);
assert.ok((await get("resource-servers")).some(({ identifier }) => identifier === "https://orders.acme.example/"));
assert.ok((await get("client-grants")).some(({ audience: api }) => api === "https://orders.acme.example/"));
const [acme] = await get("organizations");
const [joined] = await get(`organizations/${acme.id}/enabled_connections`);
assert.equal(joined.connection.name, "acme-okta");
const { actions } = await get("actions/actions");
assert.deepEqual(actions.map(({ name, all_changes_deployed: deployed }) => [name, deployed]), [["to-crm", true]]);
const { eventStreams } = await get("event-streams");
assert.deepEqual(names(eventStreams), ["to-action", "to-aws", "to-crm"]);
const ofType = (wanted) => eventStreams.find(({ destination: { type } }) => type === wanted).destination.configuration;
assert.equal(ofType("action").action_id, actions[0].id);
assert.equal(ofType("eventbridge").aws_account_id, "123456789012");

// And back: secrets are not in it.
const exported = await deploy(TAKEN, "export", "--format", "yaml", "--output_folder", join(folder, "back"));
assert.equal(exported.code, 0, exported.printed);
const back = readFileSync(join(folder, "back/tenant.yaml"), "utf8");
assert.deepEqual(names(yaml.load(back).eventStreams), ["to-action", "to-aws", "to-crm"]);
assert.ok(!back.includes("a-secret") && !back.includes("a-token"), back);

rmSync(folder, { recursive: true });
console.log("the deploy tool moved a tenant");
