// The consent page: it fits, axe-core finds nothing, the keyboard reaches everything, and what is
// unticked is not granted.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { startBrowser } from "./rig/browser.js";
import { startClient, startDevice } from "./rig/client.js";
import { startServer } from "./rig/server.js";

const SETTINGS = `
[[client]]
id = "browser-tests"
name = "Acme CLI"
grants = ["authorization_code", "refresh_token", "device_code"]
redirect_uris = ["http://127.0.0.1/callback"]
scopes = ["openid", "profile", "email", "offline_access", "api:read"]
consent = "always"
`;

let server, browser, client, person;
before(async () => {
  server = await startServer(SETTINGS);
  browser = await startBrowser();
});
after(async () => {
  await browser?.stop();
  await server?.stop();
});
beforeEach(async () => {
  client = await startClient(server);
  person = await browser.open();
});
afterEach(async () => {
  await person.leave(server.url, client.redirectUri);
  client.stop();
});

// What the client was told; the browser has arrived there.
async function answer() {
  const told = await client.answer();
  await person.page.getByRole("heading", { name: "Back at the client" }).waitFor();
  return told;
}

async function ask(username = "ada") {
  const request = client.authorizationRequest({ scope: "openid profile email offline_access api:read" });
  await person.page.goto(request.url);
  if (await person.page.getByLabel("Username").isVisible()) await person.signInAs(username);
  assert.equal(await person.heading(), "Allow Acme CLI to use your account?");
  return request;
}

test("the_page_fits_and_is_accessible_at_every_width", async () => {
  for (const width of [1280, 768, 320]) {
    for (const colorScheme of ["light", "dark"]) {
      await person.page.setViewportSize({ width, height: 800 });
      await person.page.emulateMedia({ colorScheme });
      await ask("grace.brewster.murray.hopper@example.com");
      const where = `consent at ${width} px, ${colorScheme}`;
      await person.assertFits(where);
      await person.assertAccessible(where);
      await person.screenshot(`consent-${width}-${colorScheme}`);
      const [deny, allow] = [await person.button("Deny").boundingBox(), await person.button("Allow").boundingBox()];
      assert.deepEqual([deny.width, deny.height], [allow.width, allow.height], where);
    }
  }
  // Without `openid` every box can be empty.
  await person.page.goto(client.authorizationRequest({ scope: "email api:read" }).url);
  for (const box of await person.page.getByRole("checkbox").all()) await box.uncheck();
  await person.button("Allow").click();
  await person.page.getByText("Leave at least one of these, or choose Deny.").waitFor();
  await person.assertFits("consent with nothing left");
  await person.assertAccessible("consent with nothing left");
});

test("s_26_what_is_unticked_is_not_granted", async () => {
  const request = await ask();
  await person.page.getByLabel("see your email address").uncheck();
  await person.page.getByLabel("keep its access while you are away").uncheck();
  await person.button("Allow").click();
  const { code } = await answer();
  const { body } = await client.redeem(code, request);
  assert.equal(body.scope, "openid profile api:read", JSON.stringify(body));
  assert.equal(body.refresh_token, undefined);
});

test("keyboard_only_denies_at_once_and_allows_on_purpose", async () => {
  const { keyboard } = person.page;
  await ask();
  assert.equal(await person.focused(), "Deny");
  await keyboard.press("Enter");
  assert.equal((await answer()).error, "access_denied");

  const request = await ask();
  // Enter in a box means the first button, which is no.
  const box = person.page.getByLabel("use api:read");
  await box.focus();
  await keyboard.press("Space");
  assert.equal(await box.isChecked(), false);
  await keyboard.press("Space");
  await keyboard.press("Enter");
  assert.equal((await answer()).error, "access_denied");

  const again = await ask();
  await person.page.getByLabel("use api:read").focus();
  await keyboard.press("Space");
  await person.tabTo("Allow");
  await keyboard.press("Enter");
  const { code } = await answer();
  assert.equal((await client.redeem(code, again)).body.scope, "openid profile email offline_access");
  assert.notEqual(request.state, again.state);
});

test("another_account_can_decide", async () => {
  await ask("ada");
  await person.button("Use another account").click();
  await person.signInAs("linus");
  assert.ok((await person.text()).includes("linus"));
  await person.button("Allow").click();
  assert.ok((await answer()).code);
});

test("s_26_a_device_gets_what_is_left_ticked", async () => {
  const device = await startDevice(server, { scope: "openid offline_access api:read" });
  await person.page.goto(device.verification_uri);
  await person.enterCode(device.user_code);
  await person.signInAs("ada");
  await person.assertAccessible("device confirmation with boxes");
  await person.assertFits("device confirmation with boxes");
  await person.page.getByLabel("use api:read").uncheck();
  await person.page.getByLabel("I started this on my own device").check();
  await person.button("Sign in this device").click();
  assert.equal(await person.heading(), "You're signed in");
  assert.equal((await device.poll()).body.scope, "openid offline_access");
});
