// A passkey that is made in the middle of a sign-in, where a second factor is required and there is none
// yet: beside an app and as the only way, in four languages, without script, and on pages that were open
// for longer than their challenge holds.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startAccountsServer } from "./rig/accounts_server.js";
import { atEveryWidth } from "./rig/appearances.js";
import { startBrowser } from "./rig/browser.js";
import { addDevice, offerNothing } from "./rig/passkeys.js";

const PASSWORD = "engines of analysis";
const LANGUAGES = { en: "Create a passkey", de: "Passkey erstellen", fr: "Créer une clé d’accès", es: "Crear una llave de acceso" };
const SIZES = [1280, 768, 320].flatMap((width) => [`${width}-light`, `${width}-dark`]);

let either, only, browser;
before(async () => {
  const people = (names) => names.map((name) => [name, PASSWORD]);
  const required = (more = "") => `[login]\nrequire_mfa = "all"\n${more}`;
  either = await startAccountsServer(people([...SIZES, "ada", "grace"]), required());
  only = await startAccountsServer(people([...Object.keys(LANGUAGES), "helen", "irene", "linus"]), required("totp = false\n"));
  browser = await startBrowser();
});
after(async () => {
  await browser?.stop();
  await either?.stop();
  await only?.stop();
});

async function typePassword({ page }, server, name) {
  await page.goto(`${server.url}/account`);
  await page.locator("#username").fill(name);
  await page.locator("#password").fill(PASSWORD);
  await page.locator("form:has(#password) button.primary").click();
}

async function saveCodes({ page }) {
  await page.getByRole("heading", { name: "Save your recovery codes" }).waitFor();
  assert.equal(await page.locator(".codes code").count(), 10);
  await page.getByRole("button", { name: "I saved them" }).click();
  await page.getByRole("heading", { name: "Your account" }).waitFor();
}

test("s_51_a_person_chooses_a_passkey_beside_an_app_at_every_width", async (t) => {
  await atEveryWidth(t, browser, "first-passkey-", visit);
});

async function visit(person, look, word) {
  const { page } = person;
  const device = await addDevice(page);
  await offerNothing(page);
  await typePassword(person, either, word);
  await page.getByRole("heading", { name: "Set up a second factor" }).waitFor();
  await look("choice");
  await device.verify(false);
  await person.button("Create a passkey").click();
  await page.getByText("Nothing came of it").waitFor();
  await look("nothing-came");
  await device.verify(true);
  await person.button("Create a passkey").click();
  await saveCodes(person);
  // From now on it is asked for, after the password or instead of it.
  await page.context().clearCookies();
  await typePassword(person, either, word);
  await person.button("Use a passkey").click();
  await page.getByRole("heading", { name: "Your account" }).waitFor();
  await person.leave(either.url);
}

test("s_51_as_the_only_way_it_is_offered_in_four_languages", async () => {
  for (const [language, label] of Object.entries(LANGUAGES)) {
    const person = await browser.open({ locale: language, viewport: { width: 320, height: 800 } });
    const { page } = person;
    await addDevice(page);
    await offerNothing(page);
    await typePassword(person, only, language);
    await page.getByRole("heading", { name: label, exact: true }).waitFor();
    assert.equal(await page.locator("#code").count(), 0);
    assert.equal(await page.locator("html").getAttribute("lang"), language);
    await person.assertFits(language);
    await person.assertAccessible(language);
    await person.screenshot(`first-passkey-only-${language}`);
    await person.button(label).click();
    await page.locator(".codes code").first().waitFor();
    await person.assertAccessible(`${language}, recovery codes`);
    await page.locator("button[name=saved]").click();
    await page.waitForURL(`${only.url}/account`);
    await person.leave(only.url);
  }
});

test("keyboard_only_makes_a_first_passkey", async () => {
  const person = await browser.open();
  const { page } = person;
  await addDevice(page);
  await offerNothing(page);
  await page.goto(`${only.url}/account`);
  await person.typeInto("username", "helen");
  await person.tabTo("password");
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Create a passkey" }).waitFor();
  await person.tabTo("Create a passkey");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Save your recovery codes" }).waitFor();
  await person.tabTo("I saved them");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Your account" }).waitFor();
  await person.leave(only.url);
});

test("no_script_is_told_what_is_left", async () => {
  const person = await browser.open({ javaScriptEnabled: false });
  await typePassword(person, only, "linus");
  const alone = await person.text();
  assert.ok(alone.includes("Here is no other way: switch it on, or use another browser."), alone);
  assert.ok(!alone.includes("Every other way works"), alone);
  assert.equal(await person.button("Create a passkey").isVisible(), false);
  await person.assertFits("without script");
  await person.leave(only.url);
  const other = await browser.open({ javaScriptEnabled: false });
  await typePassword(other, either, "ada");
  const beside = await other.text();
  assert.ok(beside.includes("Every other way works without it."), beside);
  assert.ok(await other.page.getByLabel("Code that the app shows now").isVisible());
  await other.leave(either.url);
});

// How many challenges were handed to the device, on all pages of a browser.
async function countAsked(page) {
  let asked = 0;
  await page.exposeFunction("noteAsked", () => asked++);
  await page.addInitScript(() => {
    for (const name of ["create", "get"]) {
      const real = navigator.credentials[name].bind(navigator.credentials);
      navigator.credentials[name] = (options) => {
        window.noteAsked();
        return real(options);
      };
    }
  });
  return () => asked;
}

test("pages_that_were_open_for_long_ask_once_and_work", async () => {
  const person = await browser.open();
  const { page } = person;
  await addDevice(page);
  await offerNothing(page);
  const asked = await countAsked(page);
  await page.clock.install();
  await typePassword(person, only, "irene");
  await person.button("Create a passkey").waitFor();
  await page.clock.fastForward("06:00");
  await person.button("Create a passkey").click();
  await saveCodes(person);
  assert.equal(asked(), 1);
  for (const [button, open] of [
    ["Sign in with a passkey", () => page.goto(`${only.url}/account`)],
    ["Use a passkey", () => typePassword(person, only, "irene")],
  ]) {
    await page.context().clearCookies();
    await open();
    await person.button(button).waitFor();
    await page.clock.fastForward("06:00");
    await person.button(button).click();
    await page.getByRole("heading", { name: "Your account" }).waitFor();
  }
  assert.equal(asked(), 3);
  await person.leave(only.url);
});
