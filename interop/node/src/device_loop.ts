// A device login as a cookbook for a server with Hydra's endpoints shows it: plain `fetch`, no library.
//
//   node build/device_loop.js login     signs in and keeps the tokens
//   node build/device_loop.js refresh   refreshes the kept tokens
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

const BASE = "http://localhost:8080";
const CLIENT_ID = "example-cli";
const FILE = join(homedir(), ".config", "example-cli", "credentials.json");

interface DeviceAuthorization {
  device_code: string;
  user_code: string;
  verification_uri: string;
  verification_uri_complete: string;
  expires_in: number;
  interval: number;
}

interface Tokens {
  access_token: string;
  refresh_token: string;
  id_token: string;
  token_type: string;
  expires_in: number;
  scope: string;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function post(path: string, parameters: Record<string, string>): Promise<Response> {
  return fetch(`${BASE}${path}`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(parameters),
  });
}

function saveTokensLocally(tokens: Tokens): void {
  mkdirSync(dirname(FILE), { recursive: true, mode: 0o700 });
  writeFileSync(FILE, JSON.stringify(tokens), { mode: 0o600 });
}

async function deviceLogin(): Promise<void> {
  const answer = await post("/oauth2/device/auth", {
    client_id: CLIENT_ID,
    scope: "openid profile email offline_access",
  });
  const start = (await answer.json()) as DeviceAuthorization;
  console.log(`Open this URL in your browser:\n  ${start.verification_uri_complete}`);
  console.log(`Or visit ${start.verification_uri} and enter code: ${start.user_code}`);

  const startedAt = Date.now();
  while (Date.now() - startedAt < start.expires_in * 1000) {
    await sleep(start.interval * 1000);
    const tokens = await post("/oauth2/token", {
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
      device_code: start.device_code,
      client_id: CLIENT_ID,
    });
    if (tokens.ok) {
      saveTokensLocally((await tokens.json()) as Tokens);
      console.log("Logged in!");
      return;
    }
    const { error } = (await tokens.json()) as { error: string };
    if (error === "authorization_pending") {
      console.log("Still waiting");
      continue;
    }
    if (error === "slow_down") {
      await sleep(5000);
      continue;
    }
    throw new Error(error);
  }
  throw new Error("Login timed out");
}

async function refresh(): Promise<void> {
  const kept = JSON.parse(readFileSync(FILE, "utf8")) as Tokens;
  const answer = await post("/oauth2/token", {
    grant_type: "refresh_token",
    refresh_token: kept.refresh_token,
    client_id: CLIENT_ID,
  });
  if (!answer.ok) {
    throw new Error(((await answer.json()) as { error: string }).error);
  }
  saveTokensLocally({ ...kept, ...((await answer.json()) as Tokens) });
  console.log("Refreshed!");
}

try {
  await (process.argv[2] === "refresh" ? refresh() : deviceLogin());
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
