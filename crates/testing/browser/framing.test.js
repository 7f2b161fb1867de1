// Nobody puts the pages in a frame, and nothing but the page itself runs in them.
//
// RFC 9700 §4.16: <https://www.rfc-editor.org/rfc/rfc9700#section-4.16>

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { startBrowser } from "./rig/browser.js";
import { startClient, startDevice } from "./rig/client.js";
import { startServer } from "./rig/server.js";

let server, browser;
before(async () => {
  server = await startServer();
  browser = await startBrowser();
});
after(async () => {
  await browser?.stop();
  await server?.stop();
});

test("s_51_a_frame_on_another_origin_shows_nothing", async () => {
  const client = await startClient(server);
  const device = await startDevice(server);
  let framed = "";
  const attacker = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html" });
    response.end(`<!doctype html><title>prize</title><iframe src="${framed.replaceAll("&", "&amp;")}"></iframe>`);
  });
  attacker.listen(0, "127.0.0.1");
  await once(attacker, "listening");

  const visitor = await browser.open();
  const look = async (url) => {
    framed = url;
    await visitor.page.goto(`http://127.0.0.1:${attacker.address().port}/`, { waitUntil: "networkidle" });
    return visitor.page.frames()[1];
  };
  // A page that does not mind is seen, so the others would be.
  assert.equal((await look(client.redirectUri)).url(), client.redirectUri);
  for (const url of [client.authorizationRequest().url, device.verification_uri, device.verification_uri_complete, server.url]) {
    const frame = await look(url);
    assert.ok(frame.url().startsWith("chrome-error:"), `${url} shows ${frame.url()}`);
    assert.equal(await frame.locator("form").count(), 0, url);
  }
  await visitor.context.close();
  attacker.closeAllConnections();
  attacker.close();
  client.stop();
});

test("s_51_a_script_put_into_a_page_does_not_run", async () => {
  const person = await browser.open();
  const device = await startDevice(server);
  await person.page.goto(device.verification_uri);
  const ran = await person.page.evaluate(async () => {
    const script = document.createElement("script");
    script.textContent = "globalThis.injected = true";
    document.body.append(script);
    const image = document.createElement("img");
    image.setAttribute("onerror", "globalThis.injected = true");
    image.src = "/nothing-here";
    document.body.append(image);
    await new Promise((done) => image.addEventListener("error", done));
    return globalThis.injected === true;
  });
  assert.equal(ran, false);
  await person.context.close();
});
