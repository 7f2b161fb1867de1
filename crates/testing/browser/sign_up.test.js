// Making an account in a real browser, where anybody may: accessible at three widths, with the keyboard
// alone, without script, and in the middle of signing in to a client.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startAccountsServer } from "./rig/accounts_server.js";
import { atEveryWidth } from "./rig/appearances.js";
import { startBrowser } from "./rig/browser.js";
import { startClient } from "./rig/client.js";
import { startMailbox } from "./rig/mailbox.js";

const PASSWORD = "engines of analysis";

let mailbox, server, browser;
before(async () => {
  mailbox = startMailbox();
  server = await startAccountsServer([], `${mailbox.settings}[login]\nregistration = "open"\n`);
  browser = await startBrowser();
});
after(async () => {
  await browser?.stop();
  await server?.stop();
  mailbox?.stop();
});

test("s_51_the_pages_of_newcomers_fit_and_are_accessible", async (t) => {
  await atEveryWidth(t, browser, "sign-up-", visit);
});

async function visit(person, look, walk) {
  const { page } = person;
  const address = `a-newcomer-with-a-long-name-${walk}@mail.example.com`;
  await page.goto(`${server.url}/login`);
  await look("login");
  await page.getByRole("link", { name: "Create an account" }).click();
  await look("asked");
  await page.getByLabel("E-mail address").fill("nothing");
  await person.button("Continue").click();
  await page.getByText("Enter your e-mail address").waitFor();
  await look("asked-error");
  await page.getByLabel("E-mail address").fill(address);
  await person.button("Continue").click();
  await page.getByRole("heading", { name: "Look into your mail" }).waitFor();
  await look("sent");
  const link = await mailbox.linkTo(address);
  await page.goto(link);
  await look("create");
  await page.getByLabel("Your name").fill("Ada Lovelace");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("The same again").fill("another password");
  await person.button("Create an account").click();
  await page.getByText("The two passwords differ").waitFor();
  assert.equal(await page.getByLabel("Your name").inputValue(), "Ada Lovelace");
  await look("create-error");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("The same again").fill(PASSWORD);
  await person.button("Create an account").click();
  await page.getByRole("heading", { name: "Your account is made" }).waitFor();
  await look("done");
  await page.goto(link);
  await page.getByRole("heading", { name: "This link no longer works" }).waitFor();
  await look("dead");
  await person.leave(server.url);
}

test("keyboard_only_makes_an_account_and_signs_in", async () => {
  const person = await browser.open();
  const { page } = person;
  await page.goto(`${server.url}/login`);
  await person.tabTo("Create an account");
  await page.keyboard.press("Enter");
  await person.typeInto("email", "keys@example.com");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Look into your mail" }).waitFor();
  await page.goto(await mailbox.linkTo("keys@example.com"));
  await person.typeInto("display_name", "Ada");
  await person.tabTo("password");
  await page.keyboard.type(PASSWORD);
  await person.tabTo("repeated");
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Your account is made" }).waitFor();
  await page.keyboard.press("Enter");
  await person.typeInto("username", "keys@example.com");
  await person.tabTo("password");
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${server.url}/device`);
  await person.leave(server.url);
});

test("no_script_makes_an_account_and_goes_on_to_the_client", async () => {
  const person = await browser.open({ javaScriptEnabled: false });
  const { page } = person;
  const client = await startClient(server);
  const request = client.authorizationRequest();
  await page.goto(request.url);
  await page.getByRole("link", { name: "Create an account" }).click();
  await page.getByLabel("E-mail address").fill("plain@example.com");
  await person.button("Continue").click();
  await page.goto(await mailbox.linkTo("plain@example.com"));
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("The same again").fill(PASSWORD);
  await person.button("Create an account").click();
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByLabel("Username").fill("plain@example.com");
  await page.getByLabel("Password").fill(PASSWORD);
  await person.button("Sign in").click();
  await person.button("Allow").click();
  assert.equal((await client.answer()).state, request.state);
  const cookies = await page.context().cookies(server.url);
  assert.ok(!cookies.some((cookie) => cookie.name === "hp_d"), "the way back is forgotten");
  await person.leave(server.url, client.redirectUri);
  client.stop();
});
