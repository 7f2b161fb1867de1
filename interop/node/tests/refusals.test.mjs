// openid-client v6, what does not work: the error classes and members that its documentation promises.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as client from 'openid-client';
import { Person } from '../lib/person.mjs';
import { Server, authorize, decideDevice, refuse } from '../lib/server.mjs';
import { TOML, authorizationRequest, discover } from '../lib/clients.mjs';

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** The refusal of an endpoint that answers in JSON. */
function isRefusal(status, code) {
  return (error) => {
    assert.ok(error instanceof client.ResponseBodyError, error);
    assert.equal(error.code, 'OAUTH_RESPONSE_BODY_ERROR');
    assert.equal(error.error, code);
    assert.equal(error.status, status);
    assert.equal(typeof error.error_description, 'string');
    return true;
  };
}

/** A server for one test. */
async function withServer(options, body) {
  const server = await Server.start(options);
  try {
    await body(server);
  } finally {
    await server.kill();
  }
}

describe('openid-client is refused', { concurrency: true }, () => {
  test('with a wrong secret in the header: a challenge', () =>
    withServer({ toml: TOML }, async (server) => {
      const config = await discover(server, 'robot-basic', client.ClientSecretBasic('wrong'));
      await assert.rejects(client.clientCredentialsGrant(config), (error) => {
        assert.ok(error instanceof client.WWWAuthenticateChallengeError, error);
        assert.equal(error.status, 401);
        assert.equal(error.cause[0].scheme, 'basic');
        return true;
      });
    }));

  test('with a wrong secret in the body', () =>
    withServer({ toml: TOML }, async (server) => {
      const config = await discover(server, 'robot-post', client.ClientSecretPost('wrong'));
      await assert.rejects(
        client.clientCredentialsGrant(config),
        isRefusal(401, 'invalid_client'),
      );
    }));

  test('with a scope or a grant that the client may not have', () =>
    withServer({ toml: TOML }, async (server) => {
      const config = await discover(server, 'robot-post', client.ClientSecretPost('s3cr:et/+%'));
      await assert.rejects(
        client.clientCredentialsGrant(config, { scope: 'api:write' }),
        isRefusal(400, 'invalid_scope'),
      );
      await assert.rejects(
        client.initiateDeviceAuthorization(config, {}),
        isRefusal(400, 'unauthorized_client'),
      );
    }));

  test('when the person denies the device', () =>
    withServer({}, async (server) => {
      const config = await discover(server, 'cli', client.None());
      const device = await client.initiateDeviceAuthorization(config, { scope: 'openid' });
      const poll = client.pollDeviceAuthorizationGrant(config, device);
      const refused = assert.rejects(poll, isRefusal(400, 'access_denied'));
      await decideDevice(device.verification_uri_complete, 'deny');
      await refused;
    }));

  test('when the person cancels in the browser', () =>
    withServer({ toml: TOML }, async (server) => {
      const config = await discover(server, 'public', client.None());
      const request = await authorizationRequest(config, { scope: 'openid' });
      const callback = await refuse(request.url);
      const grant = client.authorizationCodeGrant(config, callback, request.checks);
      await assert.rejects(grant, (error) => {
        assert.ok(error instanceof client.AuthorizationResponseError, error);
        assert.equal(error.code, 'OAUTH_AUTHORIZATION_RESPONSE_ERROR');
        assert.equal(error.error, 'access_denied');
        assert.equal(error.cause.get('state'), request.checks.expectedState);
        return true;
      });
    }));

  test('when nobody may be asked (prompt=none)', () =>
    withServer({ toml: TOML }, async (server) => {
      const config = await discover(server, 'public', client.None());
      const request = await authorizationRequest(config, { scope: 'openid', prompt: 'none' });
      const { location } = await new Person().open(request.url);
      const grant = client.authorizationCodeGrant(config, location, request.checks);
      await assert.rejects(grant, (error) => {
        assert.ok(error instanceof client.AuthorizationResponseError, error);
        assert.equal(error.error, 'login_required');
        return true;
      });
    }));

  test('when the device code has expired; the user code then is no good either', () =>
    withServer(
      { toml: '[ttl]\ndevice = "2s"\n[device]\ninterval = "1s"\n' },
      async (server) => {
        const config = await discover(server, 'cli', client.None());
        const device = await client.initiateDeviceAuthorization(config, { scope: 'openid' });
        assert.equal(device.expires_in, 2);
        // Its own loop gives up when `expires_in` is over, without another question.
        const poll = client.pollDeviceAuthorizationGrant(config, device);
        await assert.rejects(poll, (error) => {
          assert.ok(error instanceof client.ClientError, error);
          assert.equal(error.code, 'OAUTH_TIMEOUT');
          return true;
        });
        const parameters = { device_code: device.device_code };
        const asked = client.genericGrantRequest(config, DEVICE_GRANT, parameters);
        await assert.rejects(asked, isRefusal(400, 'expired_token'));
        const person = new Person();
        const entry = await person.open(device.verification_uri);
        const page = await person.submit(entry, { user_code: device.user_code });
        assert.ok(!page.body.includes('name="username"'), `${page}`);
        assert.match(page.body, /id="user_code-error"[\s\S]*valid any more/);
      },
    ));

  test('when the authorization code is used twice', () =>
    withServer({ toml: TOML }, async (server) => {
      const config = await discover(server, 'public', client.None());
      const request = await authorizationRequest(config, { scope: 'openid' });
      const callback = await authorize(request.url);
      const redeem = () => client.authorizationCodeGrant(config, callback, request.checks);
      const tokens = await redeem();
      await assert.rejects(redeem(), isRefusal(400, 'invalid_grant'));
      // RFC 6749 §4.1.2: the tokens of the first use end too.
      const api = await discover(server, 'api', client.ClientSecretBasic('s'));
      const { active } = await client.tokenIntrospection(api, tokens.access_token);
      assert.equal(active, false);
    }));

  test('when the code verifier is another', () =>
    withServer({ toml: TOML }, async (server) => {
      const config = await discover(server, 'public', client.None());
      const request = await authorizationRequest(config, { scope: 'openid' });
      const callback = await authorize(request.url);
      const checks = { ...request.checks, pkceCodeVerifier: client.randomPKCECodeVerifier() };
      await assert.rejects(
        client.authorizationCodeGrant(config, callback, checks),
        isRefusal(400, 'invalid_grant'),
      );
    }));

  test('when the authorization code has expired', (t) =>
    withServer({ toml: TOML }, async (server) => {
      const config = await discover(server, 'public', client.None());
      const request = await authorizationRequest(config, { scope: 'openid' });
      const callback = await authorize(request.url);
      if (!(await server.advanceClock('1h'))) return t.skip('this binary has no control API');
      return assert.rejects(
        client.authorizationCodeGrant(config, callback, request.checks),
        isRefusal(400, 'invalid_grant'),
      );
    }));

  test('as a client that a strict server does not know', () =>
    withServer({ toml: TOML, flags: ['--strict'] }, async (server) => {
      const config = await discover(server, 'nobody', client.None());
      await assert.rejects(
        client.initiateDeviceAuthorization(config, { scope: 'openid' }),
        isRefusal(401, 'invalid_client'),
      );
      const request = await authorizationRequest(config, { scope: 'openid' });
      // RFC 6749 §4.1.2.1: the person is told, the browser is sent nowhere.
      const page = await new Person().open(request.url);
      assert.equal(page.location, undefined);
      assert.equal(page.status, 400, `${page}`);
    }));

  test('who polls too fast; its own loop then slows down and succeeds', () =>
    withServer({ toml: '[device]\ninterval = "5s"\n' }, async (server) => {
      const config = await discover(server, 'cli', client.None());
      const device = await client.initiateDeviceAuthorization(config, { scope: 'openid' });
      assert.equal(device.interval, 5);
      const parameters = { device_code: device.device_code };
      const ask = () => client.genericGrantRequest(config, DEVICE_GRANT, parameters);
      await assert.rejects(ask(), isRefusal(400, 'authorization_pending'));
      await assert.rejects(ask(), isRefusal(400, 'slow_down'));
      const seen = [];
      config[client.customFetch] = async (url, options) => {
        const answer = await fetch(url, options);
        const { error } = await answer.clone().json();
        seen.push({ at: Date.now(), error });
        if (error) await decideDevice(device.verification_uri_complete, 'approve');
        return answer;
      };
      // A program that overlooks the interval is told to slow down by five seconds.
      const hasty = { ...device, interval: 0 };
      const tokens = await client.pollDeviceAuthorizationGrant(config, hasty);
      assert.equal(tokens.claims().sub, 'ada');
      assert.deepEqual(seen.map(({ error }) => error), ['slow_down', undefined]);
      assert.ok(seen[1].at - seen[0].at >= 4_900, JSON.stringify(seen));
    }));

  test('by nobody: the server is killed while a device polls', () =>
    withServer({}, async (server) => {
      const config = await discover(server, 'cli', client.None());
      const device = await client.initiateDeviceAuthorization(config, { scope: 'openid' });
      let asked;
      const firstPoll = new Promise((resolve) => (asked = resolve));
      config[client.customFetch] = async (url, options) => {
        const answer = await fetch(url, options);
        asked();
        return answer;
      };
      const poll = client.pollDeviceAuthorizationGrant(config, device);
      const refused = assert.rejects(poll, (error) => {
        assert.ok(error instanceof TypeError, error);
        assert.equal(error.message, 'fetch failed');
        assert.ok(['ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET'].includes(error.cause.code), error);
        return true;
      });
      await firstPoll;
      await server.kill();
      await refused;
    }));
});
