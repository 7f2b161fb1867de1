// Starts `hallpass serve --dev` on a free port, for one test file, and stops it again.
//
// HALLPASS_BIN names another binary than the debug build.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const READY_WITHIN_MS = 20_000;

// `settings` is the text of a server.toml.
export async function startServer(settings = "") {
  const binary = findBinary();
  const folder = mkdtempSync(join(tmpdir(), "hallpass-browser-"));
  const config = join(folder, "server.toml");
  writeFileSync(config, settings);
  const child = spawn(binary, ["serve", "--dev", "--port", "0", "--config", config], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1" },
  });
  let said = "";
  const exited = new Promise((done) => child.once("exit", (code, signal) => done({ code, signal })));
  const address = new Promise((found, failed) => {
    const timer = setTimeout(() => failed(new Error(`no address in ${READY_WITHIN_MS} ms:\n${said}`)), READY_WITHIN_MS);
    const read = (chunk) => {
      said += chunk;
      // The line must be whole, else a port could be read half.
      const url = said.match(/(http:\/\/(?:localhost|127\.0\.0\.1|\[::1\]):\d+)\S*\s/);
      if (url) {
        clearTimeout(timer);
        found(url[1]);
      }
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("error", failed);
    exited.then(({ code, signal }) => failed(new Error(`${binary} ended at once (${code ?? signal}):\n${said}`)));
  });
  const url = await address.catch((error) => {
    child.kill("SIGKILL");
    throw error;
  });
  const issuer = `${url}/default`;
  const metadata = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
  return {
    url,
    issuer,
    metadata,
    // What the server wrote so far, for a failing test.
    log: () => said,
    async stop() {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
      const end = await exited;
      clearTimeout(late);
      rmSync(folder, { recursive: true });
      return end;
    },
  };
}

export function findBinary() {
  const target = resolve(import.meta.dirname, "../../../..", process.env.CARGO_TARGET_DIR ?? "target");
  const binary = process.env.HALLPASS_BIN ?? join(target, "debug", "hallpass");
  if (!existsSync(binary)) throw new Error(`${binary} is missing: run \`cargo build\` first`);
  return binary;
}
