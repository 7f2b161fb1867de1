// The clients of these tests, as the server and as openid-client know them.
import * as client from 'openid-client';

export const REDIRECT_URI = 'http://127.0.0.1:8085/callback';

/** Secrets with characters that RFC 6749 §2.3.1 has escaped in a Basic header. */
export const TOML = `
[device]
interval = "1s"

[refresh]
grace = "0s"

[[client]]
id = "public"
redirect_uris = ["http://127.0.0.1/callback"]
grants = ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]
scopes = ["openid", "profile", "email", "offline_access", "api:read"]

[[client]]
id = "robot-basic"
type = "confidential"
auth_method = "client_secret_basic"
secret = "s3cr:et/+%"
grants = ["client_credentials"]
scopes = ["api:read"]

[[client]]
id = "robot-post"
type = "confidential"
auth_method = "client_secret_post"
secret = "s3cr:et/+%"
grants = ["client_credentials"]
scopes = ["api:read"]

[[client]]
id = "api"
type = "confidential"
secret = "s"
grants = []
introspect = true
`;

/** What openid-client knows of the server; plain HTTP has to be asked for. */
export function discover(server, id, authentication, options = {}) {
  return client.discovery(new URL(server.issuer), id, undefined, authentication, {
    execute: [client.allowInsecureRequests],
    ...options,
  });
}

/** A request with everything that protects it, and the checks for its answer. */
export async function authorizationRequest(config, parameters, build) {
  const verifier = client.randomPKCECodeVerifier();
  const checks = {
    pkceCodeVerifier: verifier,
    expectedState: client.randomState(),
    expectedNonce: client.randomNonce(),
    idTokenExpected: true,
  };
  const all = {
    redirect_uri: REDIRECT_URI,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    ...parameters,
  };
  const url = await (build ?? ((given) => client.buildAuthorizationUrl(config, given)))(all);
  return { url: url.href, checks };
}

/** A JWT with one bit of its signature changed. */
export function tampered(token) {
  const [header, payload, signature] = token.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  bytes[10] ^= 1;
  return [header, payload, bytes.toString('base64url')].join('.');
}
