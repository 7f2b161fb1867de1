// The servers of these tests, what a person does on their pages, and our client.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import http from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HALLPASS, PATIENCE, Running, newHome } from '../../node/lib/process.mjs';
import { Person } from '../../node/lib/person.mjs';

/** Starts oidc-provider. */
export async function startOidcProvider(settings = {}) {
  const program = fileURLToPath(new URL('oidc_provider.mjs', import.meta.url));
  const env = { SETTINGS: JSON.stringify(settings) };
  const server = new Running(process.execPath, [program], { home: newHome(), env });
  const [, url] = await server.waitFor(/^Listening on (\S+)$/m);
  server.url = url;
  server.issuer = settings.issuer ?? url;
  return server;
}

/** Starts mock-oauth2-server, and waits until it answers. */
export async function startMockOAuth2Server() {
  const port = await freePort();
  const jars = fileURLToPath(new URL('../../mock/lib/*', import.meta.url));
  const words = ['-XX:TieredStopAtLevel=1', '-cp', jars];
  words.push('no.nav.security.mock.oauth2.StandaloneMockOAuth2ServerKt');
  const env = { SERVER_HOSTNAME: '127.0.0.1', SERVER_PORT: String(port), LOG_LEVEL: 'ERROR' };
  const server = new Running('java', words, { home: newHome(), env });
  server.url = `http://127.0.0.1:${port}`;
  // It says nothing about being ready: without a logger on the class path it is silent.
  const end = Date.now() + PATIENCE;
  while (!(await isAlive(server.url))) {
    if (server.exit || Date.now() > end) {
      await server.kill();
      throw new Error(`it does not start: ${server}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  server.issuer = `${server.url}/default`;
  return server;
}

async function isAlive(url) {
  try {
    return (await fetch(`${url}/isalive`)).ok;
  } catch {
    return false;
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/**
 * A proxy before a server: `change` may replace the answer to a request by returning another one.
 */
export async function startProxy(change) {
  const proxy = { target: undefined };
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      // `Host` stays the proxy's: the server builds its addresses from it.
      const options = { method: request.method, headers: request.headers, agent: false };
      const inner = http.request(new URL(request.url, proxy.target), options, (answer) => {
        const parts = [];
        answer.on('data', (part) => parts.push(part));
        answer.on('end', () => {
          const body = Buffer.concat(parts);
          const changed = change(request.url, form, { status: answer.statusCode, body });
          const headers = { ...answer.headers };
          delete headers['content-length'];
          delete headers['transfer-encoding'];
          response.writeHead(changed?.status ?? answer.statusCode, headers);
          response.end(changed?.body ?? body);
        });
      });
      inner.on('error', () => response.destroy());
      inner.end(Buffer.concat(chunks));
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  proxy.url = `http://127.0.0.1:${server.address().port}`;
  proxy.close = () => {
    server.closeAllConnections();
    server.close();
  };
  return proxy;
}

/** A home with our client in it. */
export class Home {
  path = newHome();

  constructor(issuer, clientId = 'cli') {
    this.login = ['login', '--issuer', issuer, '--client-id', clientId];
  }

  start(words) {
    return new Running(HALLPASS, words, { home: this.path });
  }

  /** Runs a command to its end. */
  async run(...words) {
    const ran = this.start(words);
    ran.exitCode = await ran.code();
    return ran;
  }

  /** Runs a command that must succeed, and reads its answer. */
  async json(...words) {
    const ran = await this.run(...words, '--json');
    if (ran.exitCode !== 0) throw new Error(`${words}: ${ran}`);
    return JSON.parse(ran.stdout);
  }

  write(name, text) {
    const path = join(this.path, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }

  /** The refresh token of the only session. */
  refreshToken() {
    const folder = join(this.path, 'state/sessions');
    const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
    if (files.length !== 1) throw new Error(`sessions: ${files}`);
    const find = (value) =>
      Object.entries(value ?? {})
        .map(([name, inner]) =>
          name === 'refresh_token' && typeof inner === 'string'
            ? inner
            : typeof inner === 'object' && find(inner),
        )
        .find(Boolean);
    return find(JSON.parse(readFileSync(join(folder, files[0]), 'utf8')));
  }

  /** Whether any session is kept. */
  hasSession() {
    try {
      return readdirSync(join(this.path, 'state/sessions')).some((name) => name.endsWith('.json'));
    } catch (error) {
      if (error.code === 'ENOENT') return false;
      throw error;
    }
  }
}

/** The address that our client wants opened in a browser. */
export async function addressOf(login) {
  const [, address] = await login.waitFor(/^ {2}(https?:\S+)$/m);
  return address;
}

/** The complete verification URI that our client shows. */
export async function verificationUriOf(login) {
  const [, address] = await login.waitFor(/^ {4}(https?:\S+user_code=\S+)$/m);
  return address;
}

/** Goes on to the program on this machine, as a browser does: its last page. */
export function comeBack(person, page) {
  if (!page.location) throw new Error(`no redirect to the program: ${page}`);
  return person.open(page.location);
}

/** What a person does on the pages of oidc-provider. */
export const atOidcProvider = {
  async signIn(person, page) {
    const consent = await person.submit(page, { login: 'ada', password: 'any' });
    return consent.body.includes('value="consent"') ? person.submit(consent, {}) : consent;
  },

  cancel(person, page) {
    const [, path] = page.body.match(/href="([^"]*\/abort)"/) ?? [];
    if (!path) throw new Error(`nothing to cancel on ${page}`);
    return person.open(new URL(path, page.url));
  },

  /** From the verification URI to the page after the decision on the code. */
  async enterCode(person, url, decision = {}) {
    const entry = await person.open(url);
    const confirm = entry.body.includes('op.deviceConfirmForm')
      ? entry
      : await person.post(entry, entry.forms[0], {
          user_code: new URL(url).searchParams.get('user_code'),
        });
    return person.post(confirm, confirm.forms[0], decision);
  },

  async approve(url) {
    const person = new Person();
    const done = await this.signIn(person, await this.enterCode(person, url));
    if (!/sign-in success/i.test(done.body)) throw new Error(`not approved: ${done}`);
  },
};
