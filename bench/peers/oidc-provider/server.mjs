// oidc-provider as a server beside ours: state in memory, ES256 keys, every flow that is measured.
//
//     node server.mjs PORT
//
// GET /bench/tokens?n=N makes N sign-ins without a browser and answers their refresh tokens and one
// access token, so that a measurement begins where a person would have ended.

import { generateKeyPairSync } from 'node:crypto';
import { Provider } from 'oidc-provider';

const port = Number(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const scope = 'openid offline_access';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = { ...privateKey.export({ format: 'jwk' }), kid: 'bench', alg: 'ES256', use: 'sig' };

const service = {
  client_id: 'bench',
  client_secret: 'a-secret-for-a-local-measurement',
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
};
const program = {
  client_id: 'program',
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  redirect_uris: ['http://127.0.0.1/callback'],
  response_types: ['code'],
};

const provider = new Provider(issuer, {
  clients: [service, program],
  jwks: { keys: [key] },
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  rotateRefreshToken: true,
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    deviceFlow: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      // A request that names a resource gets a JWT for it; without one tokens are opaque.
      getResourceServerInfo: (_, resource) => ({
        audience: resource,
        scope: 'api',
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
});

async function signIn(client, number) {
  const accountId = `user-${number}`;
  const grant = new provider.Grant({ accountId, clientId: client.clientId });
  grant.addOIDCScope(scope);
  const now = Math.floor(Date.now() / 1000);
  const facts = {
    accountId, client, scope, grantId: await grant.save(), gty: 'authorization_code',
    authTime: now, claims: {}, expiresWithSession: false,
  };
  const refresh = new provider.RefreshToken({ ...facts, rotations: 0, iiat: now });
  const access = new provider.AccessToken(facts);
  return { refresh: await refresh.save(), access: await access.save() };
}

provider.use(async (context, next) => {
  if (context.path !== '/bench/tokens') {
    await next();
    return;
  }
  const client = await provider.Client.find('program');
  const all = [];
  for (let number = 0; number < Number(context.query.n); number += 1) {
    all.push(await signIn(client, number));
  }
  context.body = { refresh: all.map((one) => one.refresh), access: all.at(-1).access };
});
provider.on('server_error', (_, error) => console.error(error));
provider.listen(port, '127.0.0.1');
