// Our client at servers that say no: exit code, name of the error and next step as we promise them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Person } from '../../node/lib/person.mjs';
import {
  Home,
  addressOf,
  atOidcProvider,
  comeBack,
  startOidcProvider,
  startProxy,
  verificationUriOf,
} from '../lib/peers.mjs';

/** A server for one test. */
async function withServer(settings, body) {
  const server = await startOidcProvider(settings);
  try {
    await body(server, new Home(server.issuer));
  } finally {
    await server.kill();
  }
}

/** How it ended, as a script reads it: one line of JSON on standard error, nothing on standard output. */
async function assertFails(ran, exit, code, oauth) {
  assert.equal(await ran.code(), exit, `${ran}`);
  assert.equal(ran.stdout, '');
  const line = ran.stderr.split('\n').findLast((text) => text.startsWith('{'));
  const { schema, error } = JSON.parse(line);
  assert.equal(schema, 'hallpass.error/1');
  assert.equal(error.code, code, line);
  assert.equal(error.exit, exit);
  assert.ok(error.hint, line);
  if (oauth) assert.equal(error.oauth?.error, oauth, line);
  return error;
}

describe('hallpass refused by oidc-provider', { concurrency: true }, () => {
  test('the person aborts the device: 3', () =>
    withServer({}, async (server, home) => {
      const login = home.start([...home.login, '--device', '--json']);
      const url = await verificationUriOf(login);
      await atOidcProvider.enterCode(new Person(), url, { abort: 'yes' });
      const error = await assertFails(login, 3, 'denied');
      assert.match(error.message, /declined (in the browser|the request)/);
      assert.equal(home.hasSession(), false);
    }));

  test('the person cancels in the browser: 3', () =>
    withServer({}, async (server, home) => {
      const login = home.start([...home.login, '--browser', '--json']);
      const person = new Person();
      const page = await person.open(await addressOf(login));
      const last = await comeBack(person, await atOidcProvider.cancel(person, page));
      assert.match(last.body, /declined the request/);
      const error = await assertFails(login, 3, 'denied', 'access_denied');
      assert.match(error.message, /declined the request: access_denied/);
      assert.equal(home.hasSession(), false);
    }));

  test('the device code expires: 6', () =>
    withServer({ deviceLifetime: 2 }, async (server, home) => {
      const login = home.start([...home.login, '--device', '--json']);
      const error = await assertFails(login, 6, 'timed_out');
      assert.match(error.message, /expired before anybody confirmed it/);
      assert.match(error.hint, /start the sign-in again/);
    }));

  test('nobody opens the browser: 6', () =>
    withServer({}, async (server, home) => {
      const login = home.start([...home.login, '--browser', '--timeout', '1s', '--json']);
      await assertFails(login, 6, 'timed_out');
    }));

  test('an unknown client: 5 before anybody is asked, or an error page in the browser', () =>
    withServer({}, async (server) => {
      const home = new Home(server.issuer, 'nobody');
      const device = home.start([...home.login, '--device', '--json']);
      const error = await assertFails(device, 5, 'config', 'invalid_client');
      assert.match(error.hint, /client id/);
      const pushed = home.start([...home.login, '--browser', '--json']);
      await assertFails(pushed, 5, 'config', 'invalid_client');
      home.write('config.toml', 'version = 1\n[defaults]\npar = "off"\n');
      const browser = home.start([...home.login, '--browser', '--timeout', '2s', '--json']);
      const page = await new Person().open(await addressOf(browser));
      assert.equal(page.status, 400);
      assert.equal(page.location, undefined);
      await assertFails(browser, 6, 'timed_out');
    }));

  test('a wrong secret: 5', () =>
    withServer({}, async (server) => {
      const home = new Home(server.issuer, 'robot');
      const secret = home.write('secret', 'wrong\n');
      const words = ['--flow', 'client-credentials', '--client-secret-file', secret];
      const login = home.start([...home.login, ...words, '--scope', 'api:read', '--json']);
      const error = await assertFails(login, 5, 'config', 'invalid_client');
      assert.match(error.hint, /secret/);
      assert.doesNotMatch(login.toString(), /wrong/);
    }));

  test('slow_down is obeyed: five seconds more', async () => {
    const polls = [];
    let tellFirst;
    const first = new Promise((resolve) => (tellFirst = resolve));
    const proxy = await startProxy((path, form, { body }) => {
      if (path === '/device/auth') {
        return { body: JSON.stringify({ ...JSON.parse(body), interval: 1 }) };
      }
      if (form.get('grant_type')?.endsWith(':device_code')) {
        polls.push(Date.now());
        if (polls.length === 1) {
          tellFirst();
          return { status: 400, body: '{"error":"slow_down"}' };
        }
      }
      return undefined;
    });
    try {
      await withServer({ issuer: proxy.url }, async (server) => {
        proxy.target = server.url;
        const home = new Home(proxy.url);
        const login = home.start([...home.login, '--device']);
        const url = await verificationUriOf(login);
        // Before it the server would redeem the code for the very answer that is replaced.
        await first;
        await atOidcProvider.approve(url);
        assert.equal(await login.code(), 0, `${login}`);
        assert.equal(polls.length, 2);
        assert.ok(polls[1] - polls[0] >= 5_900, `${polls[1] - polls[0]} ms`);
      });
    } finally {
      proxy.close();
    }
  });

  test('the server is killed while the device polls: 7', () =>
    withServer({ deviceLifetime: 3 }, async (server, home) => {
      const login = home.start([...home.login, '--device', '--json']);
      await verificationUriOf(login);
      await server.kill();
      const error = await assertFails(login, 7, 'unavailable');
      assert.match(error.message, /127\.0\.0\.1/);
    }));

  test('the server is not there: 7', () =>
    withServer({}, async (server, home) => {
      await server.kill();
      await assertFails(home.start([...home.login, '--device', '--json']), 7, 'unavailable');
    }));

  test('the server is gone when the token is refreshed: 7, and the session is kept', () =>
    withServer({}, async (server, home) => {
      const login = home.start([...home.login, '--device']);
      await atOidcProvider.approve(await verificationUriOf(login));
      assert.equal(await login.code(), 0, `${login}`);
      const kept = home.refreshToken();
      await server.kill();
      await assertFails(home.start(['token', '--refresh', '--json']), 7, 'unavailable');
      assert.equal(home.refreshToken(), kept);
      assert.equal((await home.run('token', '--allow-bound')).exitCode, 0);
    }));

  test('the session was ended at the server: 4, and the next step', () =>
    withServer({}, async (server, home) => {
      const login = home.start([...home.login, '--device']);
      await atOidcProvider.approve(await verificationUriOf(login));
      assert.equal(await login.code(), 0, `${login}`);
      const revoked = await fetch(`${server.url}/token/revocation`, {
        method: 'POST',
        body: new URLSearchParams({ client_id: 'cli', token: home.refreshToken() }),
      });
      assert.equal(revoked.status, 200);
      const refresh = home.start(['token', '--refresh', '--json']);
      const error = await assertFails(refresh, 4, 'login_required', 'invalid_grant');
      assert.match(error.hint, /hallpass login/);
    }));
});
