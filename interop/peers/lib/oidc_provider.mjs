// oidc-provider as a process of its own, with its own login and consent pages.
//
// Settings come as JSON in SETTINGS: `issuer` when a proxy stands before it, `deviceLifetime` in seconds.
import http from 'node:http';
import { Provider } from 'oidc-provider';

const settings = JSON.parse(process.env.SETTINGS ?? '{}');
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';

const server = http.createServer().listen(0, '127.0.0.1', () => {
  const own = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(settings.issuer ?? own, {
    clients: [
      {
        client_id: 'cli',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token', DEVICE],
        redirect_uris: ['http://127.0.0.1/callback'],
      },
      {
        client_id: 'robot',
        client_secret: 's3cr:et/+%',
        token_endpoint_auth_method: 'client_secret_basic',
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
        scope: 'api:read',
      },
    ],
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
      deviceFlow: { enabled: true },
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
