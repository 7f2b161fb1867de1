// oidc-provider as a process of its own, with its own login and consent pages.
//
// Settings come as JSON in SETTINGS: `issuer` when a proxy stands before it, `deviceLifetime` in
// seconds, `jwks` of the client that signs, `initialAccessToken` for registrations, `dpopNonces` when a
// proof without the server's nonce is refused.
import http from 'node:http';
import { Provider } from 'oidc-provider';
import { clients } from './oidc_provider_clients.mjs';

const settings = JSON.parse(process.env.SETTINGS ?? '{}');

const server = http.createServer().listen(0, '127.0.0.1', () => {
  const own = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(settings.issuer ?? own, {
    clients: clients(settings),
    scopes: ['openid', 'offline_access', 'profile', 'api:read'],
    claims: { openid: ['sub'], profile: ['name'] },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: `${id} of the test` }),
    }),
    cookies: { keys: ['only for this test'] },
    rotateRefreshToken: true,
    ttl: { DeviceCode: settings.deviceLifetime ?? 600, AccessToken: 3600 },
    features: {
      ...(settings.dpopNonces && {
        dPoP: {
          enabled: true,
          nonceSecret: Buffer.alloc(32, 7),
          requireNonce: () => true,
        },
      }),
      deviceFlow: { enabled: true },
      registration: { enabled: true, initialAccessToken: settings.initialAccessToken ?? false },
      registrationManagement: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          scope: 'api:read',
          audience: resource,
          accessTokenFormat: 'jwt',
        }),
      },
    },
  });
  server.on('request', provider.callback());
  console.log(`Listening on ${own}`);
});
