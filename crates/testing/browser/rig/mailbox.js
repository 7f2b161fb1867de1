// A `sendmail` that keeps each mail as a file, and whoever reads them.

import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ARRIVES_WITHIN_MS = 20_000;

// `settings` is the part of a server.toml that sends mail there.
export function startMailbox() {
  const folder = mkdtempSync(join(tmpdir(), "hallpass-mailbox-"));
  const kept = join(folder, "kept");
  mkdirSync(kept);
  const command = join(folder, "sendmail");
  // A mail has its name once it is whole.
  writeFileSync(command, `#!/bin/sh\nf=$(mktemp -p ${kept} .XXXXXX)\ncat > "$f" && mv "$f" ${kept}/mail-$$\n`);
  chmodSync(command, 0o755);
  return {
    settings: `[email]\ntransport = "sendmail"\nfrom = "id@example.com"\ncommand = "${command}"\n`,
    // The link in the next mail to an address.
    async linkTo(address) {
      for (const start = Date.now(); Date.now() < start + ARRIVES_WITHIN_MS; ) {
        for (const name of readdirSync(kept).filter((name) => name.startsWith("mail-"))) {
          const mail = readFileSync(join(kept, name), "utf8").replaceAll(/=\r?\n/g, "").replaceAll("=3D", "=");
          if (!mail.includes(`To: ${address}`)) continue;
          rmSync(join(kept, name));
          const link = mail.match(/http:\/\/localhost:\d+\/\S+/);
          if (!link) throw new Error(`a mail without a link:\n${mail}`);
          return link[0];
        }
        await new Promise((wake) => setTimeout(wake, 50));
      }
      throw new Error(`no mail to ${address}`);
    },
    stop: () => rmSync(folder, { recursive: true }),
  };
}
