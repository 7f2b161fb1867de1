// The clients that oidc-provider knows from the start.
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';

/** `jwks` are the public keys of the client `signer`. */
export function clients({ jwks }) {
  const signer = {
    client_id: 'signer',
    application_type: 'native',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks,
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials', DEVICE],
    redirect_uris: ['http://127.0.0.1/callback'],
    require_pushed_authorization_requests: true,
  };
  return [
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
    ...(jwks ? [signer] : []),
  ];
}
