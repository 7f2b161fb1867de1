// The device pages: enter a code, decide, done.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { startBrowser } from "./rig/browser.js";
import { startDevice, userinfo } from "./rig/client.js";
import { startServer } from "./rig/server.js";

const NOT_VALID = "That code isn't valid any more. Run the command again for a new one.";

let server, browser, person;
before(async () => {
  server = await startServer();
  browser = await startBrowser();
});
after(async () => {
  await browser?.stop();
  await server?.stop();
});
beforeEach(async () => {
  person = await browser.open();
});
afterEach(() => person.leave(server.url));

// Gets a new device code as far as the page that asks for the decision.
async function decide(username = "ada", at = server) {
  const device = await startDevice(at);
  await person.page.goto(device.verification_uri);
  await person.enterCode(device.user_code);
  if (await person.page.getByLabel("Username").isVisible()) await person.signInAs(username);
  assert.match(await person.heading(), /^Sign in .* on another device\?$/);
  return device;
}

// The page can be told no time, so this waits for the real one.
function expiry(device) {
  return new Promise((done) => setTimeout(done, device.expires_in * 1000 + 100));
}

async function assertAllNotValid(verificationUri, codes) {
  const pages = [];
  for (const code of codes) {
    await person.page.goto(verificationUri);
    await person.enterCode(code);
    const shown = await person.text();
    assert.ok(shown.includes(NOT_VALID), `${code}: ${shown}`);
    pages.push(shown);
  }
  assert.equal(new Set(pages).size, 1);
}

async function approve() {
  await person.page.getByLabel("I started this on my own device").check();
  await person.button("Sign in this device").click();
}

test("a_code_typed_in_lower_case_with_spaces_signs_the_device_in", async () => {
  const device = await startDevice(server);
  await person.page.goto(device.verification_uri);
  await person.enterCode(` ${device.user_code.toLowerCase().replaceAll("-", " ")} `);
  await person.signInAs("ada");
  assert.ok((await person.text()).includes(device.user_code));
  await approve();
  assert.equal(await person.heading(), "You're signed in");

  const tokens = await device.poll();
  assert.equal(tokens.status, 200, JSON.stringify(tokens.body));
  assert.equal((await userinfo(server, tokens.body.access_token)).body.sub, "ada");
});

test("a_pasted_link_is_taken_for_the_code_in_it", async () => {
  const device = await startDevice(server);
  await person.page.goto(device.verification_uri);
  await person.enterCode(device.verification_uri_complete);
  await person.signInAs("ada");
  assert.ok((await person.text()).includes(device.user_code));
});

test("s_13_deny_shares_nothing", async () => {
  const device = await decide();
  await person.button("Deny").click();
  assert.equal(await person.heading(), "Request denied");
  assert.equal((await device.poll()).body.error, "access_denied");
});

test("s_251_i_did_not_start_this_denies", async () => {
  const device = await decide();
  await person.button("I did not start this").click();
  assert.equal(await person.heading(), "Denied and reported");
  assert.equal((await device.poll()).body.error, "access_denied");
});

test("s_13_nobody_approves_without_the_checkbox", async () => {
  const device = await decide();
  await person.button("Sign in this device").click();
  assert.match(await person.heading(), /on another device\?$/, "the browser itself holds the form back");

  await person.page.locator("form").first().evaluate((form) => { form.noValidate = true; });
  await person.button("Sign in this device").click();
  await person.page.waitForLoadState();
  assert.notEqual(await person.heading(), "You're signed in");
  assert.equal((await device.poll()).body.error, "authorization_pending");
});

test("s_14_a_link_only_prefills", async () => {
  await decide("grace");
  const device = await startDevice(server);
  for (let visit = 0; visit < 3; visit += 1) {
    await person.page.goto(device.verification_uri_complete, { waitUntil: "networkidle" });
  }
  const field = person.page.getByLabel("Enter the code shown in your terminal");
  assert.equal(await field.inputValue(), device.user_code);
  assert.equal((await device.poll()).body.error, "authorization_pending");

  await person.button("Continue").click();
  assert.ok((await person.text()).includes("Does this match your terminal?"));
  await approve();
  assert.equal((await device.poll()).status, 200);
});

test("s_12_unknown_used_and_denied_codes_look_the_same", async () => {
  const used = await decide("ada");
  await approve();
  const denied = await decide();
  await person.button("Deny").click();
  await assertAllNotValid(used.verification_uri, ["BCDF-GHJK", used.user_code, denied.user_code]);
});

test("s_12_an_expired_code_looks_like_an_unknown_one", async () => {
  const hasty = await startServer(`ttl.device = "1s"`);
  const device = await startDevice(hasty);
  await expiry(device);
  await assertAllNotValid(device.verification_uri, ["BCDF-GHJK", device.user_code]);
  assert.equal((await device.poll()).body.error, "expired_token");
  await hasty.stop();
  await person.leave(hasty.url);
  person = await browser.open();
});

test("s_12_a_code_that_expires_while_it_is_decided_ends_plainly", async () => {
  const hasty = await startServer(`ttl.device = "5s"`);
  const device = await decide("ada", hasty);
  await expiry(device);
  await approve();
  assert.ok((await person.text()).includes(NOT_VALID));
  assert.equal((await device.poll()).body.error, "expired_token");
  await hasty.stop();
  await person.leave(hasty.url);
  person = await browser.open();
});

test("another_account_can_decide", async () => {
  const device = await decide("grace");
  await person.button("Not you? Use another account").click();
  await person.signInAs("linus");
  assert.match(await person.heading(), /on another device\?$/);
  await approve();
  const tokens = await device.poll();
  assert.equal((await userinfo(server, tokens.body.access_token)).body.sub, "linus");
});
