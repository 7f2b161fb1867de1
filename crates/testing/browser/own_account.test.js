// What people see of their own account in a real browser: sessions, password, history, the way out;
// accessible at three widths, with the keyboard alone, and without script.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { startAccountsServer } from "./rig/accounts_server.js";
import { atEveryWidth } from "./rig/appearances.js";
import { startBrowser } from "./rig/browser.js";
import { startClient } from "./rig/client.js";

const PASSWORD = "engines of analysis";
const NEW = "difference engine two";

let server, browser;
before(async () => {
  server = await startAccountsServer(["ada", "grace", "linus", "margaret"].map((name) => [name, PASSWORD]));
  browser = await startBrowser();
});
after(async () => {
  await browser?.stop();
  await server?.stop();
});

async function signIn(person, name, password = PASSWORD) {
  const { page } = person;
  await page.getByLabel("Username").fill(name);
  await page.getByLabel("Password").fill(password);
  await person.button("Sign in").click();
}

// Signs in to a program, so that there is something to see and to end: its refresh token.
async function signInProgram(person, name) {
  const client = await startClient(server);
  const request = client.authorizationRequest();
  await person.page.goto(request.url);
  await signIn(person, name);
  await person.button("Allow").click();
  const { code } = await client.answer();
  const { status, body } = await client.redeem(code, request);
  assert.equal(status, 200, JSON.stringify(body));
  client.stop();
  return { token: body.refresh_token, origin: client.redirectUri };
}

async function canRefresh(token) {
  const form = { grant_type: "refresh_token", client_id: "browser-tests", refresh_token: token };
  const answer = await fetch(server.metadata.token_endpoint, { method: "POST", body: new URLSearchParams(form) });
  return answer.ok;
}

test("s_51_the_pages_of_an_account_fit_and_are_accessible", async (t) => {
  const first = await browser.open();
  const { origin } = await signInProgram(first, "ada");
  await first.leave(server.url, origin);
  await atEveryWidth(t, browser, "own-", visit);
});

async function visit(person, look) {
  const { page } = person;
  await page.goto(`${server.url}/account`);
  await signIn(person, "ada");
  await page.getByRole("heading", { name: "Your account" }).waitFor();
  await look("account");
  await page.goto(`${server.url}/account/history`);
  await look("history");
  await page.goto(`${server.url}/account/password`);
  await look("password");
  await page.goto(`${server.url}/account/delete`);
  await page.getByLabel("Type your user name to confirm").fill("nobody");
  await person.button("Delete account").click();
  await page.getByText("Nothing was deleted").waitFor();
  await look("delete-error");
  await person.leave(server.url);
}

test("keyboard_only_renames_and_revokes_a_program_and_changes_the_password", async () => {
  const person = await browser.open();
  const { page } = person;
  const { token, origin } = await signInProgram(person, "grace");
  await page.goto(`${server.url}/account`);
  const summary = page.locator("summary");
  const about = (await summary.innerText()).trim();
  await person.tabTo(about);
  await page.keyboard.press("Enter");
  await person.tabTo("label");
  await page.keyboard.type("work laptop");
  await page.keyboard.press("Enter");
  await page.getByRole("status").getByText("The name is saved.").waitFor();
  const revoke = page.getByRole("button", { name: /^Revoke work laptop/ });
  await person.tabTo((await revoke.innerText()).trim());
  await page.keyboard.press("Enter");
  await page.getByRole("status").getByText("It is signed out.").waitFor();
  assert.equal(await canRefresh(token), false);
  await person.tabTo("Change password");
  await page.keyboard.press("Enter");
  await person.typeInto("current", PASSWORD);
  await person.tabTo("new");
  await page.keyboard.type(NEW);
  await person.tabTo("repeated");
  await page.keyboard.type(NEW);
  await page.keyboard.press("Enter");
  await page.getByRole("status").getByText("Your password is changed.").waitFor();
  await person.leave(server.url, origin);
});

test("no_script_revokes_all_others_and_exports", async () => {
  const person = await browser.open({ javaScriptEnabled: false });
  const { page } = person;
  const { token, origin } = await signInProgram(person, "linus");
  await page.goto(`${server.url}/account`);
  const arrives = page.waitForEvent("download");
  await person.button("Export my data").click();
  const download = await arrives;
  assert.equal(download.suggestedFilename(), "account.json");
  const written = JSON.parse(readFileSync(await download.path(), "utf8"));
  assert.equal(written.account.username, "linus");
  assert.equal(written.sessions.length, 1);
  await person.button("Revoke the other session").click();
  await page.getByText("Everything but this browser is signed out.").waitFor();
  assert.equal(await canRefresh(token), false);
  await person.leave(server.url, origin);
});

test("no_script_deletes_the_account", async () => {
  const person = await browser.open({ javaScriptEnabled: false });
  const { page } = person;
  const { token, origin } = await signInProgram(person, "margaret");
  await page.goto(`${server.url}/account/delete`);
  await page.getByLabel("Type your user name to confirm").fill("margaret");
  await person.button("Delete account").click();
  await page.getByRole("heading", { name: "Your account is deleted" }).waitFor();
  assert.equal(await canRefresh(token), false);
  await page.goto(`${server.url}/login`);
  await signIn(person, "margaret");
  await page.getByRole("alert").waitFor();
  await person.leave(server.url, origin);
});
