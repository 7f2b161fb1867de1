// The sign-in pages, from an authorization request to the client's callback.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { startBrowser } from "./rig/browser.js";
import { startClient, userinfo } from "./rig/client.js";
import { startServer } from "./rig/server.js";

let server, browser, client, person;
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
  person = await browser.open();
});
afterEach(async () => {
  await person.leave(server.url, client.redirectUri);
  client.stop();
});

test("s_51_a_sign_in_reaches_the_callback", async () => {
  const request = client.authorizationRequest();
  await person.page.goto(request.url);
  assert.match(await person.heading(), /^Sign in to /);
  await person.signInAs("ada");

  const answer = await client.answer();
  assert.equal(answer.state, request.state);
  assert.equal(answer.iss, server.metadata.issuer);
  assert.equal(await person.heading(), "Back at the client");

  const tokens = await client.redeem(answer.code, request);
  assert.equal(tokens.status, 200, JSON.stringify(tokens.body));
  assert.equal((await userinfo(server, tokens.body.access_token)).body.sub, "ada");
});

test("a_second_client_offers_to_continue_as_the_same_person", async () => {
  await person.page.goto(client.authorizationRequest().url);
  await person.signInAs("grace");
  await client.answer();

  const request = client.authorizationRequest();
  await person.page.goto(request.url);
  assert.match(await person.heading(), /^Continue to .*\?$/);
  await person.button("Continue as grace").click();
  const answer = await client.answer();
  assert.equal(answer.state, request.state);
  const tokens = await client.redeem(answer.code, request);
  assert.equal((await userinfo(server, tokens.body.access_token)).body.sub, "grace");
});

test("cancel_tells_the_client_access_denied", async () => {
  await person.page.goto(client.authorizationRequest().url);
  await person.signInAs("grace");
  await client.answer();

  const request = client.authorizationRequest();
  await person.page.goto(request.url);
  await person.button("Cancel").click();
  const answer = await client.answer();
  assert.equal(answer.error, "access_denied");
  assert.equal(answer.state, request.state);
  assert.equal(answer.code, undefined);
});

test("another_account_can_take_over", async () => {
  await person.page.goto(client.authorizationRequest().url);
  await person.signInAs("grace");
  await client.answer();

  const request = client.authorizationRequest();
  await person.page.goto(request.url);
  await person.button("Use another account").click();
  await person.signInAs("linus");
  const tokens = await client.redeem((await client.answer()).code, request);
  assert.equal((await userinfo(server, tokens.body.access_token)).body.sub, "linus");
});

test("claims_that_are_no_json_object_are_refused_beside_their_field", async () => {
  const request = client.authorizationRequest();
  await person.page.goto(request.url);
  await person.page.getByText("Extra claims").click();
  const claims = person.page.getByLabel("Claims as a JSON object");
  await claims.fill("[1]");
  await person.signInAs("ada");
  assert.equal(await claims.getAttribute("aria-invalid"), "true");
  assert.equal(await claims.inputValue(), "[1]");
  assert.equal(await person.page.getByLabel("Username").inputValue(), "ada");
  assert.match(await person.page.title(), /^Error: /);

  await claims.fill('{"groups": ["admins"]}');
  await person.button("Sign in").click();
  const tokens = await client.redeem((await client.answer()).code, request);
  assert.deepEqual((await userinfo(server, tokens.body.access_token)).body.groups, ["admins"]);
});

test("a_form_post_answer_reaches_the_client", async () => {
  const request = client.authorizationRequest({ response_mode: "form_post" });
  await person.page.goto(request.url);
  await person.signInAs("ada");
  const answer = await client.answer();
  assert.equal(answer.method, "POST");
  assert.equal(answer.state, request.state);
  assert.equal((await client.redeem(answer.code, request)).status, 200);
});

test("a_foreign_redirect_uri_is_an_error_page_and_never_a_redirect", async () => {
  const request = client.authorizationRequest({ redirect_uri: "https://attacker.example/cb" });
  const response = await person.page.goto(request.url);
  assert.equal(response.status(), 400);
  assert.equal(await person.page.locator('a[href*="attacker"]').count(), 0);
  assert.match(await person.text(), /ref:/);
});
