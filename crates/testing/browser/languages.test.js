// The pages in every language: they fit a phone, axe-core finds nothing, and the choice of a language
// works without script.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startAccountsServer } from "./rig/accounts_server.js";
import { startBrowser } from "./rig/browser.js";
import { startClient, startDevice } from "./rig/client.js";
import { startServer } from "./rig/server.js";

const PASSWORD = "engines of analysis";
const LANGUAGES = { de: "Deutsch", fr: "Français", es: "Español" };

let dev, server, browser;
const clients = [];
before(async () => {
  dev = await startServer();
  server = await startAccountsServer([...Object.keys(LANGUAGES), "ada"].map((name) => [name, PASSWORD]));
  browser = await startBrowser();
});
after(async () => {
  for (const client of clients) client.stop();
  await browser?.stop();
  await dev?.stop();
  await server?.stop();
});

test("s_51_every_page_fits_and_is_accessible_in_every_language", async (t) => {
  for (const tag of Object.keys(LANGUAGES)) {
    for (const width of [1280, 320]) {
      await t.test(`${tag} at ${width} px`, async () => {
        await visitDevMode(tag, width);
        await visitAccount(tag, width);
      });
    }
  }
});

// It ends with the file, also when a visit fails.
async function clientOf(issuer) {
  const client = await startClient(issuer);
  clients.push(client);
  return client;
}

async function open(tag, width) {
  const person = await browser.open({ viewport: { width, height: 800 }, locale: tag });
  const look = async (name) => {
    const where = `${name} in ${tag} at ${width} px`;
    assert.equal(await person.page.locator("html").getAttribute("lang"), tag, where);
    await person.assertFits(where);
    await assertNoneIsCut(person, where);
    await person.assertAccessible(where);
    await person.screenshot(`language-${tag}-${name}-${width}`);
  };
  return { person, page: person.page, look };
}

// What is written on a button or a badge is all to be seen; a person's name alone may be shortened.
async function assertNoneIsCut(person, where) {
  const cut = await person.page.evaluate(() =>
    [...document.querySelectorAll("button, .button, .badge, summary, dt, h1")]
      .filter((element) => element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1)
      .map((element) => element.innerText),
  );
  assert.deepEqual(cut, [], `${where}: wider than its room`);
}

async function visitDevMode(tag, width) {
  const { person, page, look } = await open(tag, width);
  const client = await clientOf(dev);
  await page.goto(dev.url);
  await look("home");
  await page.goto(client.authorizationRequest().url);
  await look("login");
  await page.locator("input[name=username]").fill("grace.brewster.murray.hopper@example.com");
  await page.locator("button.primary").click();
  await client.answer();
  await page.goto(client.authorizationRequest().url);
  await look("continue-as");
  const device = await startDevice(dev, { scope: "openid profile email offline_access api:read" });
  await page.goto(device.verification_uri);
  await look("device");
  await page.locator("[name=user_code]").fill("BCDF-GHJK");
  await page.locator("button.primary").click();
  await page.locator("#user_code-error p").waitFor();
  await look("device-error");
  await page.goto(device.verification_uri_complete);
  await page.locator("button.primary").click();
  await page.locator("[name=confirm]").waitFor();
  await look("device-confirm");
  await page.locator("[name=confirm]").check();
  await page.locator("button[value=approve]").click();
  await page.locator("button[value=revoke]").waitFor();
  await look("device-done");
  await page.goto(client.authorizationRequest({ redirect_uri: "https://attacker.example/cb" }).url);
  await look("error");
  await page.goto(dev.metadata.end_session_endpoint);
  await look("sign-out");
  await person.leave(dev.url, client.redirectUri);
}

async function visitAccount(tag, width) {
  const { person, page, look } = await open(tag, width);
  const client = await clientOf(server);
  // At the second width the person has said yes before.
  const request = client.authorizationRequest({ prompt: "consent" });
  await page.goto(`${server.url}/login/recover`);
  await look("recover");
  await page.goto(request.url);
  await look("account-login");
  await page.locator("input[name=username]").fill(tag);
  await page.locator("input[name=password]").fill(PASSWORD);
  await page.locator("button.primary").click();
  await page.locator("button[value=allow]").waitFor();
  await look("consent");
  await page.locator("button[value=allow]").click();
  const { code } = await client.answer();
  await client.redeem(code, request);
  for (const name of ["account", "account/history", "account/password", "account/delete"]) {
    await page.goto(`${server.url}/${name}`);
    await look(name.replace("/", "-"));
  }
  await person.leave(server.url, client.redirectUri);
}

test("no_script_chooses_a_language_in_the_middle_of_a_sign_in", async () => {
  const person = await browser.open({ javaScriptEnabled: false });
  const { page } = person;
  const client = await clientOf(server);
  const request = client.authorizationRequest({ ui_locales: "xx fr" });
  await page.goto(request.url);
  assert.equal(await person.heading(), "Se connecter à Example");
  await person.button("Deutsch").click();
  assert.equal(await person.heading(), "Bei Example anmelden");
  await page.getByLabel("Benutzername").fill("ada");
  await page.getByLabel("Passwort").fill(PASSWORD);
  await person.button("Anmelden").click();
  await person.button("Español").click();
  await person.button("Permitir").click();
  const answer = await client.answer();
  assert.equal(answer.state, request.state);
  assert.equal((await client.redeem(answer.code, request)).status, 200);
  await page.goto(`${server.url}/account`);
  assert.equal(await person.heading(), "Su cuenta");
  await person.leave(server.url, client.redirectUri);
});

test("keyboard_only_chooses_a_language", async () => {
  const person = await browser.open();
  const { page } = person;
  await page.goto(`${server.url}/device`);
  await person.tabTo("Français");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Connecter un appareil" }).waitFor();
  const current = page.locator(".languages [aria-current]");
  assert.equal(await current.innerText(), "Français");
  await person.leave(server.url);
});
