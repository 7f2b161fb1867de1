// `hallpass serve --dev` as a process of its own, and what a person does on its pages.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HALLPASS, Running, newHome } from './process.mjs';
import { Person } from './person.mjs';

export class Server {
  /** Starts a server with this configuration and waits for its ready line. */
  static async start({ toml = '[device]\ninterval = "1s"\n', flags = [], port = 0 } = {}) {
    const home = newHome();
    const config = join(home, 'server.toml');
    writeFileSync(config, toml);
    const words = ['serve', '--dev', '--port', String(port), '--config', config, ...flags];
    const server = new Server();
    server.process = new Running(HALLPASS, words, { home });
    const [, url, issuer] = await server.process.waitFor(/^Ready: (\S+) {2}issuer (\S+)$/m);
    return Object.assign(server, { url, issuer });
  }

  kill() {
    return this.process.kill();
  }

  /**
   * Moves the server's clock; false where the binary has no control API.
   */
  async advanceClock(span) {
    const answer = await fetch(`${this.url}/_hallpass/clock`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ advance: span }),
    });
    if (answer.status === 404) return false;
    if (!answer.ok) throw new Error(`the clock: ${answer.status} ${await answer.text()}`);
    return true;
  }
}

/** Signs in on the login page that an address leads to. */
export async function signIn(person, url, username = 'ada') {
  return person.submit(await person.open(url), { username });
}

/** Signs in to a client; the redirect back to it. */
export async function authorize(url, username = 'ada') {
  const page = await signIn(new Person(), url, username);
  if (!page.location) throw new Error(`no redirect to the client: ${page}`);
  return page.location;
}

/** Presses Cancel on the page that greets who is signed in already; the redirect back. */
export async function refuse(url, username = 'ada') {
  const person = new Person();
  await signIn(person, url, username);
  const page = await person.submit(await person.open(url), { action: 'deny' });
  if (!page.location) throw new Error(`no redirect to the client: ${page}`);
  return page.location;
}

/** Opens the complete verification URI, signs in and decides: `approve` or `deny`. */
export async function decideDevice(url, action, username = 'ada') {
  const person = new Person();
  let page = await person.open(url);
  // The code is filled in; only when it is not on the page yet, its form comes first.
  if (page.body.includes('name="user_code"')) {
    page = await person.submit(page, { user_code: new URL(url).searchParams.get('user_code') });
  }
  if (page.body.includes('name="username"')) page = await person.submit(page, { username });
  return person.submit(page, action === 'approve' ? { action, confirm: 'on' } : { action });
}
