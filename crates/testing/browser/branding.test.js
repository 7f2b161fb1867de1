// The accent and the logo of `[branding]`: with difficult colors every page fits, axe-core finds
// nothing, the card stands still while the logo comes, and a hostile picture does nothing.
//
// WCAG 2.2, 1.4.3 and 1.4.11: <https://www.w3.org/TR/WCAG22/#contrast-minimum>

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startAccountsServer } from "./rig/accounts_server.js";
import { atEveryWidth } from "./rig/appearances.js";
import { startBrowser } from "./rig/browser.js";
import { startClient, startDevice } from "./rig/client.js";

const PASSWORD = "engines of analysis";
const WIDE_LOGO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 48">
<style>text { fill: #16191d } @media (prefers-color-scheme: dark) { text { fill: #e9ecf1 } }</style>
<circle cx="24" cy="24" r="22" fill="#d6248a"/>
<text x="60" y="36" font-family="sans-serif" font-size="36" font-weight="700">Example Industries</text>
</svg>`;
const HOSTILE_LOGO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" onload="document.title = 'ran'">
<script>document.title = "ran"; new Image().src = "/ran-script"; alert("ran")</script>
<image href="/ran-image" width="10" height="10"/>
<style>@import url("/ran-style");</style>
<foreignObject width="100" height="100"><body xmlns="http://www.w3.org/1999/xhtml">
<form action="/ran-form"><button id="send">send</button></form><iframe src="/login"></iframe></body></foreignObject>
</svg>`;

const ACCENTS = [["yellow", "#ffe100"], ["ink", "#101010"]];

let browser;
const servers = new Map();
before(async () => {
  browser = await startBrowser();
  for (const [name, accent] of ACCENTS) servers.set(name, await start(accent, WIDE_LOGO));
  servers.set("hostile", await start("#2457d6", HOSTILE_LOGO));
});
after(async () => {
  await browser?.stop();
  await Promise.all([...servers.values()].map((server) => server.stop()));
});

function start(accent, logo) {
  const branding = `accent = "${accent}"\nlogo = "logo.svg"`;
  return startAccountsServer([["ada", PASSWORD]], "", { branding, files: { "logo.svg": logo } });
}

test("s_51_a_bright_accent_is_read_on_every_page", (t) => everyPage(t, "yellow"));

test("s_51_an_accent_as_dark_as_ink_is_read_on_every_page", (t) => everyPage(t, "ink"));

function everyPage(t, name) {
  return atEveryWidth(t, browser, `branding-${name}-`, (person, look) => visit(servers.get(name), person, look));
}

async function visit(server, person, look) {
  const { page } = person;
  const client = await startClient(server);
  await page.goto(client.authorizationRequest().url);
  await assertLogo(page);
  await look("login");
  await page.getByLabel("Username").fill("ada");
  await page.getByLabel("Password").fill(PASSWORD);
  await person.button("Sign in").click();
  await page.getByRole("button", { name: "Allow" }).waitFor();
  await assertLogo(page);
  await person.button("Allow").hover();
  await look("consent");
  await person.button("Deny").click();
  await client.answer();

  const device = await startDevice(server);
  await page.goto(device.verification_uri);
  await assertLogo(page);
  await look("device");
  await person.enterCode(device.user_code);
  await page.getByLabel("I started this on my own device").check();
  await assertLogo(page);
  await look("device-confirm");
  await person.button("Deny").click();
  await page.goto(`${server.url}/account`);
  await look("account");
  await person.leave(server.url, client.redirectUri);
  client.stop();
}

// It is there, it is whole, and it is no larger than its place.
async function assertLogo(page) {
  const logo = page.locator("img.logo");
  const [width, height, drawn] = await logo.evaluate(async (picture) => {
    await picture.decode();
    return [picture.clientWidth, picture.clientHeight, picture.naturalWidth];
  });
  assert.equal(height, 40);
  assert.ok(width > 150 && width <= 200, `${width} px wide`);
  assert.ok(drawn > 0);
}

test("the_card_stands_still_while_the_logo_comes", async () => {
  const server = servers.get("yellow");
  const person = await browser.open();
  const { page } = person;
  let release;
  const released = new Promise((go) => (release = go));
  await page.route("**/static/logo-*", async (route) => {
    await released;
    await route.continue();
  });
  await page.goto(`${server.url}/login`, { waitUntil: "domcontentloaded" });
  const heading = page.getByRole("heading", { level: 1 });
  const without = await heading.boundingBox();
  assert.equal(await page.locator("img.logo").evaluate((picture) => picture.complete), false);
  release();
  await assertLogo(page);
  assert.deepEqual(await heading.boundingBox(), without);
  await page.unrouteAll();
  await person.leave(server.url);
});

test("a_hostile_logo_does_nothing_in_a_page_and_nothing_when_it_is_opened", async () => {
  const server = servers.get("hostile");
  const happened = [];
  const watch = (page) => {
    // What a policy forbids is begun and never finished.
    page.on("requestfinished", (request) => happened.push(new URL(request.url()).pathname));
    page.on("dialog", (dialog) => {
      happened.push(`ran: ${dialog.message()}`);
      dialog.dismiss();
    });
  };
  const person = await browser.open();
  watch(person.page);
  await person.page.goto(`${server.url}/login`);
  const logo = await person.page.locator("img.logo").evaluate(async (picture) => {
    await picture.decode();
    return new URL(picture.src).pathname;
  });
  // In a page it is a picture, and the browser has nothing to complain of.
  await person.leave(server.url);

  const curious = await browser.open();
  watch(curious.page);
  const answer = await curious.page.goto(server.url + logo);
  assert.equal(answer.headers()["content-type"], "image/svg+xml");
  await curious.page.locator("#send").click();
  assert.equal(new URL(curious.page.url()).pathname, logo);
  assert.notEqual(await curious.page.title(), "ran");
  await curious.context.close();
  assert.ok(happened.includes(logo));
  assert.equal(happened.filter((path) => path === "/login").length, 1, "nothing is framed");
  assert.deepEqual(happened.filter((what) => what.includes("ran")), []);
});
