// The same flows for people who have no mouse, and for browsers that run no script.
//
// WCAG 2.2, 2.1.1 (keyboard), 2.4.7 (focus visible): <https://www.w3.org/TR/WCAG22/>

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { startBrowser } from "./rig/browser.js";
import { startClient, startDevice } from "./rig/client.js";
import { startServer } from "./rig/server.js";

let server, browser, client;
before(async () => {
  server = await startServer();
  browser = await startBrowser();
});
after(async () => {
  await browser?.stop();
  await server?.stop();
});
beforeEach(async () => {
  client = await startClient(server);
});
afterEach(() => client.stop());

test("keyboard_only_signs_in", async () => {
  const person = await browser.open();
  const { keyboard } = person.page;
  const request = client.authorizationRequest();
  await person.page.goto(request.url);
  await person.typeInto("username", "ada");
  await keyboard.press("Enter");
  assert.equal((await client.answer()).state, request.state);
  await person.leave(server.url, client.redirectUri);
});

test("s_13_keyboard_only_denies_unless_one_goes_on_purpose_to_approve", async () => {
  const person = await browser.open();
  const { keyboard } = person.page;
  const enter = async (device) => {
    await person.page.goto(device.verification_uri);
    await person.typeInto("user_code", device.user_code);
    await keyboard.press("Enter");
    await person.page.waitForLoadState();
  };

  const first = await startDevice(server);
  await enter(first);
  await person.page.getByLabel("Username").waitFor();
  await person.typeInto("username", "ada");
  await keyboard.press("Enter");
  await person.button("Deny").waitFor();
  assert.equal(await person.focused(), "Deny");
  await assertFocusIsSeen(person);
  await keyboard.press("Enter");
  await person.page.getByRole("heading", { name: "Request denied" }).waitFor();
  assert.equal((await first.poll()).body.error, "access_denied");

  const second = await startDevice(server);
  await enter(second);
  await person.button("Deny").waitFor();
  await person.tabTo("confirm");
  await assertFocusIsSeen(person);
  await keyboard.press("Space");
  await person.tabTo("Sign in this device");
  await assertFocusIsSeen(person);
  await keyboard.press("Enter");
  await person.page.getByRole("heading", { name: "You're signed in" }).waitFor();
  assert.equal((await second.poll()).status, 200);
  await person.leave(server.url);
});

test("no_script_signs_in", async () => {
  const person = await browser.open({ javaScriptEnabled: false });
  const request = client.authorizationRequest();
  await person.page.goto(request.url);
  await person.signInAs("ada");
  assert.equal((await client.answer()).state, request.state);
  await person.leave(server.url, client.redirectUri);
});

test("no_script_answers_by_form_post_with_one_press", async () => {
  const person = await browser.open({ javaScriptEnabled: false });
  const request = client.authorizationRequest({ response_mode: "form_post" });
  await person.page.goto(request.url);
  await person.signInAs("ada");
  await person.page.getByRole("button", { name: /^Continue to / }).click();
  const answer = await client.answer();
  assert.equal(answer.method, "POST");
  assert.equal(answer.state, request.state);
  await person.leave(server.url, client.redirectUri);
});

test("no_script_signs_a_device_in", async () => {
  const person = await browser.open({ javaScriptEnabled: false });
  const device = await startDevice(server);
  await person.page.goto(device.verification_uri);
  await person.enterCode(device.user_code);
  await person.signInAs("ada");
  await person.page.getByLabel("I started this on my own device").check();
  await person.button("Sign in this device").click();
  await person.page.getByRole("heading", { name: "You're signed in" }).waitFor();
  assert.equal((await device.poll()).status, 200);
  await person.leave(server.url);
});

async function assertFocusIsSeen(person) {
  const outline = await person.page.evaluate(() => {
    const style = getComputedStyle(document.activeElement);
    return { style: style.outlineStyle, width: parseFloat(style.outlineWidth) };
  });
  assert.ok(outline.style !== "none" && outline.width >= 2, `the focus is not seen: ${JSON.stringify(outline)}`);
}
