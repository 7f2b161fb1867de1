// The cookbook's device loop has its server's address built in: http://localhost:8080.
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { Running, newHome } from '../lib/process.mjs';
import { Server, decideDevice } from '../lib/server.mjs';

const PROGRAM = fileURLToPath(new URL('../build/device_loop.js', import.meta.url));

/** A server that somebody else left on the port would be tested instead of ours. */
async function requireFreePort(port) {
  for (const host of ['127.0.0.1', '::1']) {
    await new Promise((resolve, reject) => {
      const probe = createServer();
      probe.once('error', (error) =>
        error.code === 'EADDRINUSE'
          ? reject(new Error(`port ${port} of ${host} is taken: this program has it built in, free it`))
          : resolve(),
      );
      probe.listen(port, host, () => probe.close(resolve));
    });
  }
}

function run(home, command) {
  return new Running(process.execPath, [PROGRAM, command], { home });
}

async function verificationUri(program) {
  const [, url] = await program.waitFor(/^ {2}(http\S+user_code=\S+)$/m);
  return url;
}

describe('the device loop of a cookbook', { concurrency: true }, () => {
  let server;
  before(async () => {
    await requireFreePort(8080);
    // The usual interval of 5 s: the program was written for it.
    server = await Server.start({ port: 8080, toml: '' });
  });
  after(() => server?.kill());

  test('signs in, keeps the tokens and refreshes them', async () => {
    const home = newHome();
    const login = run(home, 'login');
    const url = await verificationUri(login);
    const [, short, code] = await login.waitFor(/^Or visit (\S+) and enter code: (\S+)$/m);
    assert.equal(new URL(url).searchParams.get('user_code'), code);
    assert.ok(url.startsWith(`${short}?`), url);
    // Only who has waited in vain once knows that the loop goes on.
    await login.waitFor(/^Still waiting$/m);
    const done = await decideDevice(url, 'approve', 'grace');
    assert.equal(done.status, 200, `${done}`);
    assert.equal(await login.code(), 0, `${login}`);
    assert.match(login.stdout, /^Logged in!$/m);

    const file = join(home, '.config/example-cli/credentials.json');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const read = () => JSON.parse(readFileSync(file, 'utf8'));
    const first = read();
    assert.equal(first.token_type.toLowerCase(), 'bearer');
    const granted = new Set(first.scope.split(' '));
    assert.deepEqual(granted, new Set(['openid', 'profile', 'email', 'offline_access']));
    const metadata = await (
      await fetch('http://localhost:8080/.well-known/openid-configuration')
    ).json();
    const keys = createRemoteJWKSet(new URL(metadata.jwks_uri));
    const expected = { issuer: metadata.issuer, audience: 'example-cli' };
    const { payload } = await jwtVerify(first.id_token, keys, expected);
    assert.equal(payload.sub, 'grace');

    const refresh = run(home, 'refresh');
    assert.equal(await refresh.code(), 0, `${refresh}`);
    const second = read();
    assert.notEqual(second.access_token, first.access_token);
    assert.notEqual(second.refresh_token, first.refresh_token);
    const userinfo = await fetch(metadata.userinfo_endpoint, {
      headers: { authorization: `Bearer ${second.access_token}` },
    });
    assert.equal((await userinfo.json()).sub, 'grace');
  });

  test('ends with the code of the refusal when the person denies', async () => {
    const login = run(newHome(), 'login');
    await decideDevice(await verificationUri(login), 'deny');
    assert.equal(await login.code(), 1, `${login}`);
    assert.equal(login.stderr, 'access_denied\n');
  });
});
