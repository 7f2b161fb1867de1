// Second factors in a real browser: set up, sign in with a code and with a recovery code, approve a
// device that needs one; accessible at three widths, with the keyboard alone, and without script.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";

import { startAccountsServer } from "./rig/accounts_server.js";
import { atEveryWidth } from "./rig/appearances.js";
import { startBrowser } from "./rig/browser.js";

const PASSWORD = "engines of analysis";
const DEVICE = `
[[client]]
id = "careful"
grants = ["urn:ietf:params:oauth:grant-type:device_code"]
scopes = ["openid"]
device = { require = "mfa" }
`;

let server, browser;
before(async () => {
  server = await startAccountsServer(["ada", "grace", "linus"].map((name) => [name, PASSWORD]), DEVICE);
  browser = await startBrowser();
});
after(async () => {
  await browser?.stop();
  await server?.stop();
});

async function signIn(person, name) {
  const { page } = person;
  await page.getByLabel("Username").fill(name);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

// As a person without a mouse does: the first field has the focus.
async function typeIn(page, name) {
  await page.waitForFunction(() => document.activeElement?.id === "username");
  await page.keyboard.type(name);
  await page.keyboard.press("Tab");
  await page.waitForFunction(() => document.activeElement?.id === "password");
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Enter");
}

// RFC 6238, apart from the server's own implementation. Codes are used once, so each asks for a step
// after the last one.
class App {
  constructor(key) {
    const value = (letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0");
    const bits = [...key.replaceAll(" ", "")].map(value).join("");
    this.seed = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
    this.last = 0;
  }

  async next() {
    const step = () => Math.floor(Date.now() / 30_000);
    // The server takes the code of the next step already.
    const wanted = Math.max(this.last + 1, step());
    while (wanted > step() + 1) await new Promise((wake) => setTimeout(wake, 250));
    this.last = wanted;
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(wanted));
    const tag = createHmac("sha1", this.seed).update(counter).digest();
    const offset = tag[19] & 15;
    return String((tag.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
  }
}

async function scan(page) {
  await page.getByRole("img", { name: "QR code with the key for your app" }).waitFor();
  return new App(await page.locator("code.key").innerText());
}

// Sets an app up on the page of the account: it, and the recovery codes.
async function enrol(person, name) {
  const { page } = person;
  await page.goto(`${server.url}/account/security/totp`);
  await signIn(person, name);
  const app = await scan(page);
  await page.getByLabel("Code that the app shows now").fill(await app.next());
  await person.button("Turn it on").click();
  await page.getByRole("heading", { name: "Save your recovery codes" }).waitFor();
  const codes = await page.locator(".codes code").allInnerTexts();
  assert.equal(codes.length, 10);
  await page.getByRole("link", { name: "I saved them" }).click();
  await page.getByRole("heading", { name: "Second factors" }).waitFor();
  return { app, codes };
}

test("a_person_sets_a_factor_up_and_signs_in_with_it_at_every_width", async (t) => {
  await atEveryWidth(t, browser, "factor-", visit);
});

async function visit(person, look) {
  const { page } = person;
  await page.goto(`${server.url}/account/security/totp`);
  await signIn(person, "ada");
  const app = await scan(page);
  await look("setup");
  await page.getByLabel("Code that the app shows now").fill("000000");
  await person.button("Turn it on").click();
  await page.getByText("That is not the code of this moment").waitFor();
  await look("setup-error");
  await page.getByLabel("Code that the app shows now").fill(await app.next());
  await person.button("Turn it on").click();
  await page.getByRole("heading", { name: "Save your recovery codes" }).waitFor();
  await look("recovery-codes");
  const codes = await page.locator(".codes code").allInnerTexts();
  await page.getByRole("link", { name: "I saved them" }).click();
  await page.getByText("10 are left.").waitFor();
  await look("security");
  await page.context().clearCookies();
  await page.goto(`${server.url}/account/security`);
  await signIn(person, "ada");
  await page.getByRole("heading", { name: "One more step" }).waitFor();
  await look("code");
  await person.button("Use a recovery code").click();
  await look("recovery-code");
  await page.getByLabel("Recovery code").fill("00000-00000");
  await person.button("Continue").click();
  await page.getByText("That is none of your recovery codes").waitFor();
  await look("recovery-code-error");
  await page.getByLabel("Recovery code").fill(codes[0].toLowerCase());
  await person.button("Continue").click();
  await page.getByText("9 are left.").waitFor();
  await page.getByRole("button", { name: "Remove the authenticator app" }).click();
  await page.getByText("The authenticator app is removed.").waitFor();
  await person.leave(server.url);
}

test("keyboard_only_signs_in_with_a_code_and_with_a_recovery_code", async () => {
  const owner = await browser.open();
  const { app, codes } = await enrol(owner, "grace");
  await owner.leave(server.url);
  const person = await browser.open();
  const { page } = person;
  await page.goto(`${server.url}/account`);
  await typeIn(page, "grace");
  await page.getByRole("heading", { name: "One more step" }).waitFor();
  // The field has the focus, and Enter sends it.
  await page.keyboard.type(await app.next());
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Your account" }).waitFor();
  await page.context().clearCookies();
  await page.goto(`${server.url}/account`);
  await typeIn(page, "grace");
  await page.getByRole("heading", { name: "One more step" }).waitFor();
  const other = page.getByRole("button", { name: "Use a recovery code" });
  for (let tabs = 0; tabs < 8 && !(await other.evaluate((it) => it === document.activeElement)); tabs++) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByLabel("Recovery code").waitFor();
  await page.keyboard.type(codes[1]);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Your account" }).waitFor();
  await person.leave(server.url);
});

test("without_script_a_device_that_needs_a_factor_is_approved_after_it", async () => {
  const person = await browser.open({ javaScriptEnabled: false });
  const { page } = person;
  const form = { client_id: "careful", scope: "openid" };
  const endpoint = server.metadata.device_authorization_endpoint;
  const started = await (await fetch(endpoint, { method: "POST", body: new URLSearchParams(form) })).json();
  await page.goto(started.verification_uri);
  await page.getByLabel("Enter the code shown in your terminal").fill(started.user_code);
  await person.button("Continue").click();
  await signIn(person, "linus");
  // Nobody has a second factor yet: it is set up on the way, and nothing of the device shows before.
  const app = await scan(page);
  assert.equal(await page.getByText("careful").count(), 0);
  await page.getByLabel("Code that the app shows now").fill(await app.next());
  await person.button("Turn it on").click();
  await person.button("I saved them").click();
  await page.getByRole("heading", { name: "Sign in careful on another device?" }).waitFor();
  await page.getByLabel("I started this on my own device").check();
  await person.button("Sign in this device").click();
  await page.getByRole("heading", { name: "You're signed in" }).waitFor();
  const poll = { grant_type: "urn:ietf:params:oauth:grant-type:device_code", client_id: "careful", device_code: started.device_code };
  const answer = await fetch(server.metadata.token_endpoint, { method: "POST", body: new URLSearchParams(poll) });
  const tokens = await answer.json();
  const claims = JSON.parse(Buffer.from(tokens.id_token.split(".")[1], "base64url"));
  assert.equal(claims.acr, "mfa");
  assert.deepEqual(claims.amr, ["pwd", "otp", "mfa"]);
  await person.leave(server.url);
});
