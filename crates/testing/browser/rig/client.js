// A client with a loopback redirect URI and PKCE, and one that uses the device flow: what a
// command-line program does, without any of our own code in it.
//
// RFC 8252 §7.3: <https://www.rfc-editor.org/rfc/rfc8252#section-7.3>
// RFC 7636 §4: <https://www.rfc-editor.org/rfc/rfc7636#section-4>
// RFC 8628 §3: <https://www.rfc-editor.org/rfc/rfc8628#section-3>

import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

const CLIENT_ID = "browser-tests";

// Listens on loopback, as the client's redirect URI, and hands out an authorization request.
export async function startClient(server) {
  const waiting = [];
  const arrived = [];
  const listener = createServer(async (request, response) => {
    const url = new URL(request.url, "http://127.0.0.1");
    if (url.pathname !== "/callback") {
      response.writeHead(404).end();
      return;
    }
    let body = "";
    for await (const chunk of request) body += chunk;
    const form = request.method === "POST" ? new URLSearchParams(body) : url.searchParams;
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
    response.end('<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>callback</title><h1>Back at the client</h1></html>');
    const answer = { method: request.method, ...Object.fromEntries(form) };
    const first = waiting.shift();
    if (first) first(answer);
    else arrived.push(answer);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const redirectUri = `http://127.0.0.1:${listener.address().port}/callback`;

  return {
    redirectUri,
    // Resolves with the parameters of the next authorization response.
    answer: () => arrived.length ? Promise.resolve(arrived.shift()) : new Promise((done) => waiting.push(done)),
    hasAnswer: () => arrived.length > 0,
    authorizationRequest(extra = {}) {
      const verifier = randomBytes(32).toString("base64url");
      const parameters = {
        response_type: "code",
        client_id: CLIENT_ID,
        redirect_uri: redirectUri,
        scope: "openid profile email offline_access",
        state: randomBytes(16).toString("base64url"),
        nonce: randomBytes(16).toString("base64url"),
        code_challenge: createHash("sha256").update(verifier).digest("base64url"),
        code_challenge_method: "S256",
        ...extra,
      };
      const url = `${server.metadata.authorization_endpoint}?${new URLSearchParams(parameters)}`;
      return { url, verifier, ...parameters };
    },
    redeem: (code, request) =>
      post(server.metadata.token_endpoint, {
        grant_type: "authorization_code",
        code,
        redirect_uri: redirectUri,
        client_id: CLIENT_ID,
        code_verifier: request.verifier,
      }),
    stop() {
      listener.closeAllConnections();
      listener.close();
    },
  };
}

// Asks for a device code.
export async function startDevice(server, extra = {}) {
  const { status, body } = await post(server.metadata.device_authorization_endpoint, {
    client_id: CLIENT_ID,
    scope: "openid offline_access",
    ...extra,
  });
  if (status !== 200) throw new Error(`device authorization: ${status} ${JSON.stringify(body)}`);
  return {
    ...body,
    // One poll of the token endpoint; it does not wait.
    poll: () =>
      post(server.metadata.token_endpoint, {
        grant_type: "urn:ietf:params:oauth:grant-type:device_code",
        device_code: body.device_code,
        client_id: CLIENT_ID,
      }),
  };
}

export async function userinfo(server, accessToken) {
  const answer = await fetch(server.metadata.userinfo_endpoint, {
    headers: { authorization: `Bearer ${accessToken}` },
  });
  return { status: answer.status, body: answer.ok ? await answer.json() : await answer.text() };
}

async function post(url, form) {
  const answer = await fetch(url, { method: "POST", body: new URLSearchParams(form) });
  return { status: answer.status, body: await answer.json() };
}
