// Our client signs in at mock-oauth2-server.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Person } from '../../node/lib/person.mjs';
import { Home, addressOf, comeBack, startMockOAuth2Server } from '../lib/peers.mjs';

describe('hallpass at mock-oauth2-server', () => {
  let server;
  before(async () => {
    server = await startMockOAuth2Server();
  });
  after(() => server?.kill());

  async function browserLogin(home) {
    const login = home.start([...home.login, '--browser']);
    const person = new Person();
    const page = await person.open(await addressOf(login));
    const last = await comeBack(person, await person.submit(page, { username: 'ada' }));
    assert.equal(await login.code(), 0, `${login}\n${last}`);
    assert.match(login.stderr, /Signed in as ada/);
  }

  test('code flow, refresh, userinfo and sign-out', async () => {
    const home = new Home(server.issuer);
    await browserLogin(home);
    const whoami = await home.json('whoami');
    assert.equal(whoami.subject, 'ada');
    assert.equal(whoami.issuer, server.issuer);
    assert.equal((await home.json('userinfo')).claims.sub, 'ada');
    const first = await home.json('token');
    const second = await home.json('token', '--refresh');
    assert.notEqual(second.access_token, first.access_token);
    const kept = home.refreshToken();
    const logout = await home.run('logout', '--json');
    assert.equal(logout.exitCode, 0, `${logout}`);
    const { steps } = JSON.parse(logout.stdout);
    const result = Object.fromEntries(steps.map((step) => [step.what, step.result]));
    assert.equal(result.revoke_refresh_token, 'ok', logout.stdout);
    // It revokes nothing but refresh tokens: that is told, and stops nothing.
    assert.equal(result.revoke_access_token, 'failed', logout.stdout);
    assert.match(logout.stdout, /unsupported_token_type/);
    assert.equal(result.delete_session, 'ok', logout.stdout);
    assert.equal(home.hasSession(), false);
    const again = await fetch(`${server.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: kept,
        client_id: 'cli',
      }),
    });
    assert.equal(again.ok, false, 'the server has forgotten the refresh token');
  });

  test('it has no device flow: 5, and another way is named', async () => {
    const home = new Home(server.issuer);
    const login = await home.run(...home.login, '--device', '--json');
    assert.equal(login.exitCode, 5, `${login}`);
    const { error } = JSON.parse(login.stderr.trim().split('\n').at(-1));
    assert.equal(error.code, 'config');
    assert.match(error.hint, /another way/);
  });

  test('it is killed between the sign-in and the refresh: 7, and the session is kept', async () => {
    const home = new Home(server.issuer);
    await browserLogin(home);
    await server.kill();
    const refresh = await home.run('token', '--refresh', '--json');
    assert.equal(refresh.exitCode, 7, `${refresh}`);
    assert.equal(JSON.parse(refresh.stderr.trim().split('\n').at(-1)).error.code, 'unavailable');
    assert.equal(home.hasSession(), true);
  });
});
