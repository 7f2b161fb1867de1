// Starts `hallpass serve` with accounts in a SQLite file, on a free port of this machine.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { findBinary } from "./server.js";

const READY_WITHIN_MS = 20_000;

// `people` are [name, password]; a person without a password is invited. `more` are further settings,
// `branding` further lines of `[branding]`, and `files` lie beside them, by name.
export async function startAccountsServer(people, more = "", { branding = "", files = {} } = {}) {
  const binary = findBinary();
  const folder = mkdtempSync(join(tmpdir(), "hallpass-accounts-"));
  const url = `http://localhost:${await freePort()}`;
  const config = join(folder, "server.toml");
  const { port } = new URL(url);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  writeFileSync(config, `public_url = "${url}"
listen = "127.0.0.1:${port}"
[tls]
mode = "off"
[database]
url = "sqlite://${folder}/hallpass.db"
[branding]
name = "Example"
${branding}
[[client]]
id = "browser-tests"
grants = ["authorization_code", "refresh_token", "device_code"]
redirect_uris = ["http://127.0.0.1/callback"]
scopes = ["openid", "profile", "email", "offline_access", "api:read"]
${more}`);
  const admin = (words, input = "") => {
    const done = spawnSync(binary, ["admin", "--offline", "--config", config, "user", ...words], { input, encoding: "utf8" });
    if (done.status !== 0) throw new Error(`admin user ${words}: ${done.stderr}`);
    return done.stdout.trim();
  };
  const links = new Map();
  for (const [name, password] of people) {
    const email = `--email=${name}@example.com`;
    if (password) admin(["create", name, email, "--password-stdin"], password);
    else links.set(name, admin(["invite", name, email, "--print-link"]));
  }
  const child = spawn(binary, ["serve", "--config", config], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk));
  const exited = new Promise((done) => child.once("exit", done));
  for (const start = Date.now(); ; ) {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.ok) break;
    if (child.exitCode !== null || Date.now() > start + READY_WITHIN_MS) {
      child.kill("SIGKILL");
      throw new Error(`the server does not start:\n${said}`);
    }
    await new Promise((wake) => setTimeout(wake, 50));
  }
  return {
    url,
    issuer: url,
    links,
    metadata: await (await fetch(`${url}/.well-known/openid-configuration`)).json(),
    log: () => said,
    async stop() {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await exited;
      clearTimeout(late);
      rmSync(folder, { recursive: true });
    },
  };
}

function freePort() {
  return new Promise((found, failed) => {
    const probe = createServer();
    probe.once("error", failed);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => found(port));
    });
  });
}
