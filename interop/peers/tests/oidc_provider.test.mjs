// Our client signs in at oidc-provider, and uses what it got.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { Person } from '../../node/lib/person.mjs';
import {
  Home,
  addressOf,
  atOidcProvider,
  comeBack,
  startOidcProvider,
  verificationUriOf,
} from '../lib/peers.mjs';

describe('hallpass at oidc-provider', { concurrency: true }, () => {
  let server;
  before(async () => {
    server = await startOidcProvider();
  });
  after(() => server?.kill());

  async function introspect(token) {
    const credentials = ['robot', 's3cr:et/+%'].map(encodeURIComponent).join(':');
    const answer = await fetch(`${server.url}/token/introspection`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
      body: new URLSearchParams({ token }),
    });
    assert.equal(answer.status, 200);
    return answer.json();
  }

  async function browserLogin(home, ...words) {
    const login = home.start([...home.login, '--browser', ...words]);
    const person = new Person();
    const page = await person.open(await addressOf(login));
    const last = await comeBack(person, await atOidcProvider.signIn(person, page));
    assert.equal(await login.code(), 0, `${login}\n${last}`);
    assert.match(last.body, /<h1>Signed in<\/h1>/);
    return login;
  }

  /** Everything that a person does after the sign-in. */
  async function live(home) {
    const whoami = await home.json('whoami');
    assert.equal(whoami.signed_in, true);
    assert.equal(whoami.subject, 'ada');
    assert.equal(whoami.issuer, server.issuer);
    const { claims } = await home.json('userinfo');
    assert.equal(claims.name, 'ada of the test');

    const first = await home.json('token');
    const firstRefresh = home.refreshToken();
    assert.equal((await introspect(first.access_token)).active, true);
    const second = await home.json('token', '--refresh');
    assert.notEqual(second.access_token, first.access_token);
    const secondRefresh = home.refreshToken();
    assert.notEqual(secondRefresh, firstRefresh, 'the refresh token was rotated');
    assert.equal((await home.json('token')).access_token, second.access_token);

    const logout = await home.run('logout');
    assert.equal(logout.exitCode, 0, `${logout}`);
    for (const token of [second.access_token, secondRefresh]) {
      assert.equal((await introspect(token)).active, false);
    }
    assert.equal(home.hasSession(), false);
    assert.equal((await home.run('token')).exitCode, 4);
  }

  test('device flow, though the server names no interval', async () => {
    const home = new Home(server.issuer);
    const login = home.start([...home.login, '--device']);
    await atOidcProvider.approve(await verificationUriOf(login));
    assert.equal(await login.code(), 0, `${login}`);
    assert.match(login.stderr, /Signed in as ada/);
    await live(home);
  });

  test('code flow with PKCE on loopback', async () => {
    const home = new Home(server.issuer);
    await browserLogin(home, '--prompt', 'consent');
    await live(home);
  });

  test('code flow without a refresh token: it says so', async () => {
    const home = new Home(server.issuer);
    // OIDC Core §11: this server gives offline_access only after a consent that was asked for.
    const login = await browserLogin(home);
    assert.equal(home.refreshToken(), undefined);
    assert.match(login.stderr, /no refresh token/, `${login}`);
    const refresh = await home.run('token', '--refresh');
    assert.equal(refresh.exitCode, 4, `${refresh}`);
  });

  test('a token for one API is a JWT that this API can check', async () => {
    const home = new Home(server.issuer);
    const resource = 'https://api.example.com/';
    const words = ['--scope', 'openid', '--scope', 'api:read', '--resource', resource];
    await browserLogin(home, ...words);
    const { access_token: token } = await home.json('token');
    const keys = createRemoteJWKSet(new URL(`${server.url}/jwks`));
    const expected = { issuer: server.issuer, audience: resource, typ: 'at+jwt' };
    const { payload } = await jwtVerify(token, keys, expected);
    assert.equal(payload.scope, 'api:read');
    assert.equal(payload.sub, 'ada');
  });

  test('client credentials with a secret that has to be escaped', async () => {
    const home = new Home(server.issuer, 'robot');
    const secret = home.write('secret', 's3cr:et/+%\n');
    const words = ['--flow', 'client-credentials', '--client-secret-file', secret];
    const login = await home.run(...home.login, ...words, '--scope', 'api:read');
    assert.equal(login.exitCode, 0, `${login}`);
    const { access_token: token } = await home.json('token');
    const said = await introspect(token);
    assert.equal(said.active, true);
    assert.equal(said.client_id, 'robot');
  });
});
