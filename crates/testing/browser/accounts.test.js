// The pages of accounts in a real browser: signing in with a password, asking for a link, choosing a
// password; accessible at three widths, with the keyboard alone, and without script.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startAccountsServer } from "./rig/accounts_server.js";
import { atEveryWidth } from "./rig/appearances.js";
import { startBrowser } from "./rig/browser.js";
import { startClient } from "./rig/client.js";

const PASSWORD = "engines of analysis";
const NEW = "difference engine two";

let server, browser;
before(async () => {
  server = await startAccountsServer([["ada", PASSWORD], ["grace"], ["linus"], ["margaret"]]);
  browser = await startBrowser();
});
after(async () => {
  await browser?.stop();
  await server?.stop();
});

test("s_51_the_pages_of_accounts_fit_and_are_accessible", async (t) => {
  await atEveryWidth(t, browser, "account-", visit);
});

async function visit(person, look, walk) {
  const { page } = person;
  await page.goto(`${server.url}/login`);
  await look("login");
  // A name of its own for each visit, so that no visit finds it locked.
  await page.getByLabel("Username").fill(`nobody-${walk}`);
  await page.getByLabel("Password").fill("wrong password");
  await person.button("Sign in").click();
  await page.getByRole("alert").waitFor();
  await look("login-wrong");
  await page.getByRole("link", { name: "Trouble signing in?" }).click();
  await look("recover");
  await page.getByLabel("Username or e-mail address").fill("ada");
  await person.button("Send me a link").click();
  await page.getByRole("heading", { name: "Look into your mail" }).waitFor();
  await look("recover-sent");
  await page.goto(server.links.get("margaret"));
  await look("choose-password");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("The same again").fill(NEW);
  await person.button("Set password").click();
  await page.getByText("The two passwords differ").waitFor();
  await look("choose-password-error");
  await page.goto(`${server.url}/login/password?link=x`);
  await look("dead-link");
  await person.leave(server.url);
}

test("keyboard_only_accepts_an_invitation_and_signs_in", async () => {
  const person = await browser.open();
  const { page } = person;
  await page.goto(server.links.get("grace"));
  await person.typeInto("password", NEW);
  await person.tabTo("repeated");
  await page.keyboard.type(NEW);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Your password is set" }).waitFor();
  await page.keyboard.press("Enter");
  await person.typeInto("username", "grace");
  await person.tabTo("password");
  await page.keyboard.type("not this one");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  // The name stays, so the password is what is to be done first.
  await person.typeInto("password", NEW);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${server.url}/device`);
  await person.leave(server.url);
});

test("no_script_signs_in_to_a_client_with_a_password", async () => {
  const person = await browser.open({ javaScriptEnabled: false });
  const { page } = person;
  const client = await startClient(server);
  const request = client.authorizationRequest();
  await page.goto(request.url);
  await page.getByLabel("Username").fill("ada");
  await page.getByLabel("Password").fill(PASSWORD);
  await person.button("Sign in").click();
  await person.button("Allow").click();
  assert.equal((await client.answer()).state, request.state);
  const cookies = await page.context().cookies(server.url);
  const session = cookies.find((cookie) => cookie.name === "hp_s");
  assert.ok(session?.httpOnly && session.sameSite === "Lax", JSON.stringify(session));
  await person.leave(server.url, client.redirectUri);
  client.stop();
});

test("no_script_chooses_a_password", async () => {
  const person = await browser.open({ javaScriptEnabled: false });
  const { page } = person;
  await page.goto(server.links.get("linus"));
  await page.getByLabel("Password", { exact: true }).fill(NEW);
  await page.getByLabel("The same again").fill(NEW);
  await person.button("Set password").click();
  await page.getByRole("heading", { name: "Your password is set" }).waitFor();
  await person.leave(server.url);
});
