// Our client binds its tokens to a key at oidc-provider, which wants a nonce in each proof.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { Home, atOidcProvider, startOidcProvider, verificationUriOf } from '../lib/peers.mjs';

for (const dpopNonces of [false, true]) {
  describe(`DPoP at oidc-provider ${dpopNonces ? 'with' : 'without'} nonces`, () => {
    let server;
    before(async () => {
      server = await startOidcProvider({ dpopNonces });
    });
    after(() => server?.kill());

    async function signIn(...words) {
      const home = new Home(server.issuer);
      const login = home.start([...home.login, '--device', ...words]);
      await atOidcProvider.approve(await verificationUriOf(login));
      assert.equal(await login.code(), 0, `${login}`);
      return home;
    }

    test('device flow, refresh and userinfo prove one key', async () => {
      const home = await signIn('--dpop');
      const first = await home.json('token');
      assert.equal(first.token_type, 'DPoP');
      const { claims } = await home.json('userinfo');
      assert.equal(claims.name, 'ada of the test');
      const second = await home.json('token', '--refresh');
      assert.notEqual(second.access_token, first.access_token);
      assert.equal(second.dpop_jkt, first.dpop_jkt);
      const whoami = await home.json('whoami', '--userinfo');
      assert.equal(whoami.dpop_jkt, first.dpop_jkt);
      assert.equal((await home.run('logout')).exitCode, 0);
    });

    test('a proof by hand is taken', async () => {
      const plain = await signIn('--dpop');
      const url = `${server.url}/me`;
      const header = await plain.run('token', '--header', '--url', url);
      assert.equal(header.exitCode, 0, `${header}`);
      const lines = header.stdout.trim().split('\n').map((line) => line.split(': '));
      const { Authorization: authorization, DPoP: proof } = Object.fromEntries(lines);
      assert.equal(decodeProtectedHeader(proof).typ, 'dpop+jwt');
      assert.equal(decodeJwt(proof).htu, url);
      let answer = await fetch(url, { headers: { authorization, dpop: proof } });
      if (dpopNonces) {
        assert.equal(answer.status, 401);
        const nonce = answer.headers.get('dpop-nonce');
        const words = ['token', '--type', 'dpop-proof', '--url', url, '--nonce', nonce];
        const again = (await plain.run(...words)).stdout.trim();
        answer = await fetch(url, { headers: { authorization, dpop: again } });
      }
      assert.equal(answer.status, 200);
      assert.equal((await answer.json()).sub, 'ada');
    });

    test('a token that is not bound is asked for with --no-dpop', async () => {
      const home = await signIn('--no-dpop');
      assert.equal((await home.json('token')).token_type, 'Bearer');
      assert.equal((await home.json('userinfo')).claims.name, 'ada of the test');
    });
  });
}
