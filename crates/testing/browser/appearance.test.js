// Every page at three widths, light and dark: it fits, axe-core finds nothing, and a picture of it
// goes to screenshots/ for people to judge.
//
// WCAG 2.2, 1.4.10 (reflow at 320 px): <https://www.w3.org/TR/WCAG22/#reflow>

import { after, before, test } from "node:test";

import { atEveryWidth } from "./rig/appearances.js";
import { startBrowser } from "./rig/browser.js";
import { startClient, startDevice } from "./rig/client.js";
import { startServer } from "./rig/server.js";

let server, browser;
before(async () => {
  server = await startServer();
  browser = await startBrowser();
});
after(async () => {
  await browser?.stop();
  await server?.stop();
});

test("s_51_every_page_fits_and_is_accessible", async (t) => {
  await atEveryWidth(t, browser, "", visit);
});

async function visit(person, look) {
  const { page } = person;
  const client = await startClient(server);
  const approve = page.getByLabel("I started this on my own device");

  await page.goto(server.url);
  await look("home");
  await page.goto(client.authorizationRequest().url);
  await look("login");
  for (const summary of await page.locator("summary").all()) await summary.click();
  await look("login-open");
  await page.getByLabel("Claims as a JSON object").fill("nonsense");
  await person.signInAs("grace.brewster.murray.hopper@example.com");
  await look("login-error");
  await page.getByLabel("Claims as a JSON object").fill("");
  await person.button("Sign in").click();
  await client.answer();
  await page.goto(client.authorizationRequest().url);
  await look("continue-as");

  const device = await startDevice(server);
  await page.goto(device.verification_uri);
  await look("device");
  await person.enterCode("BCDF-GHJK");
  await look("device-error");
  await page.goto(device.verification_uri_complete);
  await person.button("Continue").click();
  await look("device-confirm-prefilled");
  await person.button("Deny").click();
  await look("device-denied");

  const second = await startDevice(server, { scope: "openid profile email offline_access api:read" });
  await page.goto(second.verification_uri);
  await person.enterCode(second.user_code);
  await look("device-confirm");
  await approve.check();
  await person.button("Sign in this device").click();
  await look("device-done");

  await page.goto(client.authorizationRequest({ redirect_uri: "https://attacker.example/cb" }).url);
  await look("error");
  await page.goto(server.metadata.end_session_endpoint);
  await look("sign-out");

  await person.leave(server.url, client.redirectUri);
  client.stop();
}
