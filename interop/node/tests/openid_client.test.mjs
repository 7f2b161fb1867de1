// openid-client v6, what works: each flow that the server's metadata offers.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as client from 'openid-client';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { Server, authorize, decideDevice } from '../lib/server.mjs';
import { REDIRECT_URI, TOML, authorizationRequest, discover, tampered } from '../lib/clients.mjs';

const SCOPE = 'openid profile email offline_access';

describe('openid-client', { concurrency: true }, () => {
  let server;
  before(async () => {
    server = await Server.start({ toml: TOML });
  });
  after(() => server?.kill());

  async function codeFlow(config, username = 'ada') {
    const request = await authorizationRequest(config, { scope: SCOPE });
    const callback = await authorize(request.url, username);
    return client.authorizationCodeGrant(config, callback, request.checks);
  }

  test('discovery, by both well-known documents', async () => {
    for (const algorithm of ['oidc', 'oauth2']) {
      const config = await discover(server, 'public', client.None(), { algorithm });
      const metadata = config.serverMetadata();
      assert.equal(metadata.issuer, server.issuer);
      assert.ok(metadata.supportsPKCE());
      assert.equal(metadata.authorization_response_iss_parameter_supported, true);
    }
  });

  test('code flow with PKCE, nonce, state and iss', async () => {
    const config = await discover(server, 'public', client.None());
    client.enableNonRepudiationChecks(config);
    const request = await authorizationRequest(config, { scope: SCOPE });
    const callback = await authorize(request.url, 'ada');
    assert.equal(callback.searchParams.get('iss'), server.issuer);
    const tokens = await client.authorizationCodeGrant(config, callback, request.checks);
    const claims = tokens.claims();
    assert.equal(claims.sub, 'ada');
    assert.equal(claims.nonce, request.checks.expectedNonce);
    assert.equal(tokens.token_type, 'bearer');
    assert.ok(tokens.expiresIn() > 0);
  });

  test('an answer of another issuer, or without one, is not accepted', async () => {
    const config = await discover(server, 'public', client.None());
    const request = await authorizationRequest(config, { scope: 'openid' });
    const callback = await authorize(request.url);
    for (const iss of ['http://evil.example', undefined]) {
      const forged = new URL(callback);
      if (iss) forged.searchParams.set('iss', iss);
      else forged.searchParams.delete('iss');
      await assert.rejects(client.authorizationCodeGrant(config, forged, request.checks), {
        code: 'OAUTH_INVALID_RESPONSE',
      });
    }
    // Neither attempt reached the server: the code is still good.
    await client.authorizationCodeGrant(config, callback, request.checks);
  });

  test('the answer comes as a posted form when that is asked for', async () => {
    const config = await discover(server, 'public', client.None());
    const request = await authorizationRequest(config, {
      scope: 'openid',
      response_mode: 'form_post',
    });
    const { Person } = await import('../lib/person.mjs');
    const person = new Person();
    const page = await person.submit(await person.open(request.url), { username: 'ada' });
    const form = page.forms.find(({ action }) => action === REDIRECT_URI);
    assert.ok(form, `${page}`);
    const posted = new Request(REDIRECT_URI, {
      method: 'POST',
      body: new URLSearchParams(form.hidden),
    });
    const tokens = await client.authorizationCodeGrant(config, posted, request.checks);
    assert.equal(tokens.claims().sub, 'ada');
  });

  test('device flow', async () => {
    const config = await discover(server, 'public', client.None());
    client.enableNonRepudiationChecks(config);
    const device = await client.initiateDeviceAuthorization(config, { scope: SCOPE });
    const poll = client.pollDeviceAuthorizationGrant(config, device);
    await decideDevice(device.verification_uri_complete, 'approve', 'linus');
    const tokens = await poll;
    assert.equal(tokens.claims().sub, 'linus');
    assert.ok(tokens.refresh_token);
  });

  for (const [id, method] of [
    ['robot-basic', client.ClientSecretBasic],
    ['robot-post', client.ClientSecretPost],
  ]) {
    test(`client credentials, ${method.name}`, async () => {
      const config = await discover(server, id, method('s3cr:et/+%'));
      const tokens = await client.clientCredentialsGrant(config, { scope: 'api:read' });
      assert.equal(tokens.scope, 'api:read');
      assert.equal(tokens.refresh_token, undefined);
    });
  }

  test('refresh with rotation, and the old token ends the session', async () => {
    const config = await discover(server, 'public', client.None());
    const first = await codeFlow(config);
    const second = await client.refreshTokenGrant(config, first.refresh_token);
    assert.notEqual(second.refresh_token, first.refresh_token);
    assert.equal(second.claims()?.sub ?? 'ada', 'ada');
    await client.refreshTokenGrant(config, second.refresh_token);
    // RFC 9700 §4.14.2: who sends an old token again ends the family.
    for (const token of [first.refresh_token, second.refresh_token]) {
      await assert.rejects(client.refreshTokenGrant(config, token), (error) => {
        assert.ok(error instanceof client.ResponseBodyError, error);
        assert.equal(error.error, 'invalid_grant');
        assert.equal(error.status, 400);
        return true;
      });
    }
  });

  test('introspection, revocation and what it ends', async () => {
    const config = await discover(server, 'public', client.None());
    const api = await discover(server, 'api', client.ClientSecretBasic('s'));
    const tokens = await codeFlow(config);
    const active = await client.tokenIntrospection(api, tokens.access_token);
    assert.equal(active.active, true);
    assert.equal(active.sub, 'ada');
    assert.equal(active.client_id, 'public');
    await client.tokenRevocation(config, tokens.refresh_token, {
      token_type_hint: 'refresh_token',
    });
    for (const token of [tokens.access_token, tokens.refresh_token, 'never issued']) {
      assert.deepEqual(await client.tokenIntrospection(api, token), { active: false });
    }
    await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), {
      error: 'invalid_grant',
    });
    // RFC 7009 §2.2: a token that is gone or unknown is no error.
    await client.tokenRevocation(config, tokens.refresh_token);
  });

  test('userinfo, for the subject of the ID token only', async () => {
    const config = await discover(server, 'public', client.None());
    const tokens = await codeFlow(config);
    const claims = await client.fetchUserInfo(config, tokens.access_token, 'ada');
    assert.equal(claims.sub, 'ada');
    await assert.rejects(client.fetchUserInfo(config, tokens.access_token, 'eve'), {
      code: 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED',
    });
  });

  test('an ID token with another signature or nonce is refused', async () => {
    const config = await discover(server, 'public', client.None());
    client.enableNonRepudiationChecks(config);
    const swap = { change: (token) => token };
    config[client.customFetch] = async (url, options) => {
      const answer = await fetch(url, options);
      if (!url.endsWith('/token')) return answer;
      const body = await answer.json();
      return Response.json({ ...body, id_token: swap.change(body.id_token) });
    };
    assert.equal((await codeFlow(config)).claims().sub, 'ada');
    swap.change = tampered;
    await assert.rejects(codeFlow(config), { code: 'OAUTH_INVALID_RESPONSE' });
    swap.change = (token) => token;
    const request = await authorizationRequest(config, { scope: SCOPE });
    const callback = await authorize(request.url);
    const checks = { ...request.checks, expectedNonce: 'another' };
    await assert.rejects(client.authorizationCodeGrant(config, callback, checks), {
      code: 'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
    });
  });

  test('the access token is a JWT that an API verifies, and a tampered one is not', async () => {
    const config = await discover(server, 'public', client.None());
    const { access_token: token } = await codeFlow(config);
    const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri));
    const { payload } = await jwtVerify(token, keys, { issuer: server.issuer });
    assert.equal(payload.sub, 'ada');
    const bad = errors.JWSSignatureVerificationFailed;
    await assert.rejects(jwtVerify(tampered(token), keys, { issuer: server.issuer }), bad);
  });

  test('pushed authorization requests, when they are offered', async (t) => {
    const config = await discover(server, 'public', client.None());
    if (!config.serverMetadata().pushed_authorization_request_endpoint) {
      return t.skip('the metadata has no pushed_authorization_request_endpoint');
    }
    const request = await authorizationRequest(config, { scope: SCOPE }, (parameters) =>
      client.buildAuthorizationUrlWithPAR(config, parameters),
    );
    assert.ok(new URL(request.url).searchParams.has('request_uri'));
    const callback = await authorize(request.url);
    const tokens = await client.authorizationCodeGrant(config, callback, request.checks);
    return assert.equal(tokens.claims().sub, 'ada');
  });

  test('DPoP, when it is offered', async (t) => {
    const config = await discover(server, 'public', client.None());
    if (!config.serverMetadata().dpop_signing_alg_values_supported) {
      return t.skip('the metadata has no dpop_signing_alg_values_supported');
    }
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'));
    const request = await authorizationRequest(config, { scope: SCOPE });
    const callback = await authorize(request.url);
    const tokens = await client.authorizationCodeGrant(
      config,
      callback,
      request.checks,
      {},
      { DPoP },
    );
    assert.equal(tokens.token_type, 'dpop');
    const claims = await client.fetchUserInfo(config, tokens.access_token, 'ada', { DPoP });
    return assert.equal(claims.sub, 'ada');
  });
});
