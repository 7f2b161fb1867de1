// How our client proves who it is at oidc-provider, pushes its requests, and registers itself.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { exportJWK, exportPKCS8, generateKeyPair } from 'jose';
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

const ALGORITHMS = ['ES256', 'EdDSA', 'RS256', 'PS256'];

async function keyPair(algorithm) {
  const options = { extractable: true };
  const { privateKey, publicKey } = await generateKeyPair(algorithm, options);
  const jwk = { ...(await exportJWK(publicKey)), use: 'sig', kid: `kid-${algorithm}` };
  return { pem: await exportPKCS8(privateKey), jwk, privateKey };
}

async function browserLogin(home, ...words) {
  const login = home.start([...home.login, '--browser', ...words]);
  const person = new Person();
  const address = await addressOf(login);
  const page = await person.open(address);
  const last = await comeBack(person, await atOidcProvider.signIn(person, page));
  assert.equal(await login.code(), 0, `${login}\n${last}`);
  return { login, address: new URL(address) };
}

describe('a client that signs, at oidc-provider', { concurrency: true }, () => {
  const pairs = {};
  let server;
  before(async () => {
    for (const name of ALGORITHMS) pairs[name] = await keyPair(name);
    const jwks = { keys: Object.values(pairs).map(({ jwk }) => jwk) };
    server = await startOidcProvider({ jwks });
  });
  after(() => server?.kill());

  function withKey(home, name = 'ES256') {
    const file = home.write('key.pem', pairs[name].pem);
    return ['--private-key-file', file, '--private-key-id', `kid-${name}`];
  }

  for (const name of ['ES256', 'EdDSA', 'RS256']) {
    test(`client credentials with ${name}`, async () => {
      const home = new Home(server.issuer, 'signer');
      const words = ['--flow', 'client-credentials', ...withKey(home, name)];
      const login = await home.run(...home.login, ...words);
      assert.equal(login.exitCode, 0, `${login}`);
      const tokens = new Set();
      for (let i = 0; i < 3; i++) tokens.add((await home.json('token')).access_token);
      assert.equal(tokens.size, 3, 'each assertion was taken');
    });
  }

  test('a JWK that says what it is for signs with that: PS256', async () => {
    const home = new Home(server.issuer, 'signer');
    const jwk = { ...(await exportJWK(pairs.PS256.privateKey)), kid: 'kid-PS256', alg: 'PS256' };
    const words = ['--private-key-file', home.write('key.json', JSON.stringify(jwk))];
    const flow = ['--flow', 'client-credentials'];
    const login = await home.run(...home.login, ...flow, ...words);
    assert.equal(login.exitCode, 0, `${login}`);
    assert.ok((await home.json('token')).access_token);
  });

  test('code flow with a pushed request, refresh and sign-out, each signed', async () => {
    const home = new Home(server.issuer, 'signer');
    const { address } = await browserLogin(home, ...withKey(home), '--prompt', 'consent');
    assert.deepEqual([...address.searchParams.keys()].sort(), ['client_id', 'request_uri']);
    const first = await home.json('token');
    const second = await home.json('token', '--refresh');
    assert.notEqual(first.access_token, second.access_token);
    const logout = await home.json('logout');
    assert.ok(logout.steps.every(({ result }) => result === 'ok'), JSON.stringify(logout));
  });

  test('device flow, signed at each poll', async () => {
    const home = new Home(server.issuer, 'signer');
    const login = home.start([...home.login, '--device', ...withKey(home)]);
    await atOidcProvider.approve(await verificationUriOf(login));
    assert.equal(await login.code(), 0, `${login}`);
    assert.equal((await home.json('whoami')).subject, 'ada');
  });

  test('the key of somebody else is refused', async () => {
    const home = new Home(server.issuer, 'signer');
    const { pem } = await keyPair('ES256');
    const file = home.write('other.pem', pem);
    const words = ['--private-key-file', file, '--private-key-id', 'kid-ES256'];
    const flow = ['--flow', 'client-credentials'];
    const refused = await home.run(...home.login, ...flow, ...words);
    assert.equal(refused.exitCode, 5, `${refused}`);
    assert.match(refused.stderr, /invalid_client/);
  });
});

describe('pushed requests at oidc-provider', { concurrency: true }, () => {
  test('an address that nobody opened in time is followed by one that works', async () => {
    // The server gives each request a minute; nobody should wait for that here.
    const proxy = await startProxy((path, _form, { status, body }) => {
      if (path !== '/request' || status !== 201) return undefined;
      const answer = JSON.parse(body);
      assert.equal(answer.expires_in, 60);
      return { body: JSON.stringify({ ...answer, expires_in: 2 }) };
    });
    const server = await startOidcProvider({ issuer: proxy.url });
    proxy.target = server.url;
    try {
      const home = new Home(proxy.url);
      const login = home.start([...home.login, '--browser', '--no-browser']);
      const first = await addressOf(login);
      const [, second] = await login.waitFor(/take this one:\s+(https?:\S+)/);
      assert.notEqual(first, second);
      const person = new Person();
      const page = await person.open(second);
      await comeBack(person, await atOidcProvider.signIn(person, page));
      assert.equal(await login.code(), 0, `${login}`);
    } finally {
      proxy.close();
      await server.kill();
    }
  });
});

describe('registration at oidc-provider', { concurrency: true }, () => {
  test('a program that nobody registered signs in, and is known the next time', async () => {
    const server = await startOidcProvider();
    try {
      const home = new Home(server.issuer);
      home.login = ['login', '--issuer', server.issuer];
      const { login, address } = await browserLogin(home, '--prompt', 'consent');
      assert.match(login.stderr, /Registered this program with/);
      const id = address.searchParams.get('client_id');
      assert.match(login.stderr, new RegExp(`client id +${id}`));
      assert.ok((await home.json('token')).access_token);
      await home.json('token', '--refresh');

      const again = await browserLogin(home, '--force');
      assert.equal(again.address.searchParams.get('client_id'), id);
      assert.doesNotMatch(again.login.stderr, /Registered/);

      const device = home.start([...home.login, '--force', '--device']);
      await atOidcProvider.approve(await verificationUriOf(device));
      assert.equal(await device.code(), 0, `${device}`);
    } finally {
      await server.kill();
    }
  });

  test('a server that wants an initial access token is shown it, and nobody else is', async () => {
    const server = await startOidcProvider({ initialAccessToken: 'initial-canary' });
    try {
      const home = new Home(server.issuer);
      home.login = ['login', '--issuer', server.issuer];
      const refused = await home.run(...home.login, '--device');
      assert.equal(refused.exitCode, 5, `${refused}`);
      assert.match(refused.stderr, /initial access token/);
      const file = home.write('initial', 'initial-canary\n');
      const words = ['--device', '--initial-access-token-file', file];
      const login = home.start([...home.login, ...words]);
      await atOidcProvider.approve(await verificationUriOf(login));
      assert.equal(await login.code(), 0, `${login}`);
      const folder = join(home.path, 'state/sessions');
      assert.ok(existsSync(folder));
      for (const name of readdirSync(folder)) {
        assert.doesNotMatch(readFileSync(join(folder, name), 'utf8'), /initial-canary/);
      }
    } finally {
      await server.kill();
    }
  });

  test('a registration that the server forgot is made anew', async () => {
    let forgets = false;
    const proxy = await startProxy((path) => {
      const isQuestion = /\/reg\/./.test(path);
      return forgets && isQuestion ? { status: 401, body: '{"error":"invalid_token"}' } : undefined;
    });
    const server = await startOidcProvider({ issuer: proxy.url });
    proxy.target = server.url;
    try {
      const home = new Home(proxy.url);
      home.login = ['login', '--issuer', proxy.url];
      const first = await browserLogin(home);
      forgets = true;
      const second = await browserLogin(home, '--force');
      assert.match(second.login.stderr, /has forgotten this program/);
      const id = ({ address }) => address.searchParams.get('client_id');
      assert.notEqual(id(first), id(second));
    } finally {
      proxy.close();
      await server.kill();
    }
  });
});
