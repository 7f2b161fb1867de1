// Passkeys in a real browser with a virtual device: made, named, tried, signed in with, removed; with
// the keyboard alone, accessible at three widths, and what the pages say where there is no script.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startAccountsServer } from "./rig/accounts_server.js";
import { atEveryWidth } from "./rig/appearances.js";
import { startBrowser } from "./rig/browser.js";
import { startClient } from "./rig/client.js";
import { addDevice, offerNothing } from "./rig/passkeys.js";

const PASSWORD = "engines of analysis";

let server, browser;
before(async () => {
  server = await startAccountsServer(["ada", "grace", "helen", "irene", "linus", "margaret"].map((name) => [name, PASSWORD]));
  browser = await startBrowser();
});
after(async () => {
  await browser?.stop();
  await server?.stop();
});

const PAGE = () => `${server.url}/account/security/passkeys`;

async function openWithPassword(person, name) {
  const { page } = person;
  await page.goto(PAGE());
  await page.getByLabel("Username").fill(name);
  await page.getByLabel("Password").fill(PASSWORD);
  await person.button("Sign in").click();
  await page.getByRole("heading", { name: "Passkeys", level: 1 }).waitFor();
}

// With the first passkey come recovery codes.
async function saveCodes({ page }) {
  await page.getByRole("link", { name: "I saved them" }).click();
}

async function addFirstPasskey(person, called) {
  await person.button("Create a passkey").click();
  await saveCodes(person);
  await person.page.getByRole("heading", { name: "Your passkey is there" }).waitFor();
  await person.page.getByLabel("Name").fill(called);
  await person.button("Save and try it").click();
  await person.page.getByText("The passkey works.").waitFor();
}

function claims(token) {
  return JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
}

test("a_80_a_passkey_is_made_tried_used_to_sign_in_to_a_client_and_removed", async () => {
  const person = await browser.open();
  const { page } = person;
  const device = await addDevice(page);
  await offerNothing(page);
  await openWithPassword(person, "ada");
  await addFirstPasskey(person, "Ada's laptop");
  assert.ok((await person.text()).includes("Ada's laptop"));
  const [made] = await device.passkeys();
  assert.equal(made.rpId, "localhost");
  assert.equal(made.isResidentCredential, true);
  // Another person, another session: signed out, and in again without a password.
  await page.context().clearCookies();
  const client = await startClient(server);
  const request = client.authorizationRequest();
  await page.goto(request.url);
  await person.button("Sign in with a passkey").click();
  await person.button("Allow").click();
  const { code } = await client.answer();
  const { body } = await client.redeem(code, request);
  const told = claims(body.id_token);
  assert.equal(told.acr, "phr");
  assert.deepEqual(told.amr, ["hwk", "user", "mfa"]);
  await page.goto(PAGE());
  await page.getByRole("button", { name: /^Remove Ada's laptop/ }).click();
  await page.getByText("The passkey is removed.").waitFor();
  // The device has it still; the server knows it no more.
  await page.context().clearCookies();
  await page.goto(`${server.url}/login`);
  await person.button("Sign in with a passkey").click();
  await page.getByText("This passkey was not accepted.").waitFor();
  await person.leave(server.url, client.redirectUri);
  client.stop();
});

test("keyboard_only_makes_a_passkey_and_signs_in_with_it", async () => {
  const person = await browser.open();
  const { page } = person;
  await addDevice(page);
  await offerNothing(page);
  await page.goto(PAGE());
  await person.typeInto("username", "grace");
  await person.tabTo("password");
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Passkeys", level: 1 }).waitFor();
  await person.tabTo("Create a passkey");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Save your recovery codes" }).waitFor();
  await person.tabTo("I saved them");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Your passkey is there" }).waitFor();
  await person.tabTo("Save and try it");
  await page.keyboard.press("Enter");
  await page.getByText("The passkey works.").waitFor();
  await page.context().clearCookies();
  await page.goto(`${server.url}/login`);
  await person.tabTo("Sign in with a passkey");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${server.url}/device`);
  await person.leave(server.url);
});

test("the_browser_offers_a_passkey_beside_the_user_name_and_stops_after_a_refusal", async () => {
  const person = await browser.open();
  const { page } = person;
  await addDevice(page);
  await openWithPassword(person, "helen");
  await addFirstPasskey(person, "one");
  await page.context().clearCookies();
  // The device takes the offer by itself, as a person who chooses a passkey in the list would.
  await page.goto(`${server.url}/login`);
  await page.waitForURL(`${server.url}/device`);
  await page.goto(PAGE());
  await page.getByRole("button", { name: /^Remove one/ }).click();
  await page.getByText("The passkey is removed.").waitFor();
  await page.context().clearCookies();
  await page.goto(`${server.url}/login`);
  await page.getByText("This passkey was not accepted.").waitFor();
  assert.equal(await page.locator("form[data-conditional]").count(), 0);
  await person.leave(server.url);
});

test("after_a_password_a_passkey_is_the_second_factor", async () => {
  const person = await browser.open();
  const { page } = person;
  await addDevice(page);
  await offerNothing(page);
  await openWithPassword(person, "irene");
  await addFirstPasskey(person, "one");
  await page.context().clearCookies();
  const client = await startClient(server);
  const request = client.authorizationRequest();
  await page.goto(request.url);
  await page.getByLabel("Username").fill("irene");
  await page.getByLabel("Password").fill(PASSWORD);
  await person.button("Sign in").click();
  await person.assertAccessible("second factor");
  await person.tabTo("Use a passkey");
  await page.keyboard.press("Enter");
  await person.button("Allow").click();
  const { code } = await client.answer();
  const { body } = await client.redeem(code, request);
  const told = claims(body.id_token);
  assert.equal(told.acr, "phr");
  assert.deepEqual(told.amr, ["pwd", "hwk", "user", "mfa"]);
  await person.leave(server.url, client.redirectUri);
  client.stop();
});

test("a_device_that_does_not_know_its_person_or_has_one_already_is_explained", async () => {
  const person = await browser.open();
  const { page } = person;
  const device = await addDevice(page);
  await openWithPassword(person, "linus");
  await device.verify(false);
  await person.button("Create a passkey").click();
  await page.getByText("Nothing came of it").waitFor();
  assert.deepEqual(await device.passkeys(), []);
  await device.verify(true);
  await addFirstPasskey(person, "one");
  await person.button("Create a passkey").click();
  await page.getByText("This device has a passkey for your account already.").waitFor();
  await person.leave(server.url);
});

// The text is inside of `noscript`, where Playwright looks for none.
async function assertToldOfScript(person) {
  const text = await person.text();
  assert.ok(text.includes("Passkeys need JavaScript"), text);
}

test("no_script_is_told_so_and_signs_in_with_a_password", async () => {
  const person = await browser.open({ javaScriptEnabled: false });
  const { page } = person;
  await page.goto(PAGE());
  await assertToldOfScript(person);
  assert.equal(await person.button("Sign in with a passkey").isVisible(), false);
  await page.getByLabel("Username").fill("margaret");
  await page.getByLabel("Password").fill(PASSWORD);
  await person.button("Sign in").click();
  await page.getByRole("heading", { name: "Passkeys", level: 1 }).waitFor();
  await assertToldOfScript(person);
  assert.equal(await person.button("Create a passkey").isVisible(), false);
  await person.leave(server.url);
});

test("s_51_the_pages_of_passkeys_fit_and_are_accessible", async (t) => {
  await atEveryWidth(t, browser, "passkeys-", visit);
});

async function visit(person, look) {
  const { page } = person;
  await addDevice(page);
  await openWithPassword(person, "margaret");
  await look("list");
  await person.button("Create a passkey").click();
  await page.getByRole("heading", { name: "Save your recovery codes" }).waitFor();
  await look("codes");
  await saveCodes(person);
  await page.getByRole("heading", { name: "Your passkey is there" }).waitFor();
  await look("made");
  await person.button("Save without trying it").click();
  await page.getByText("The name is saved.").waitFor();
  await look("named");
  await page.getByRole("button", { name: /^Remove/ }).first().click();
  await page.getByText("The passkey is removed.").waitFor();
  await person.leave(server.url);
}
