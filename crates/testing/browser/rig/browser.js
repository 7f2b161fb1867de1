// One headless Chromium for a test file, and the eyes of a test on its pages: every page that a
// test opens is watched for script errors, blocked content and requests to other origins.

import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";

import axe from "axe-core";
import { chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const ARGUMENTS = [
  "--no-sandbox", // containers and CI run as root
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const SCREENSHOTS = join(import.meta.dirname, "..", "screenshots");
const PATIENCE_MS = 10_000;

export async function startBrowser() {
  const chrome = await chromium.launch({ executablePath: findChromium(), args: ARGUMENTS });
  return {
    // Opens a browser profile of its own, with one page.
    async open(options = {}) {
      const context = await chrome.newContext({ viewport: { width: 1280, height: 800 }, ...options });
      context.setDefaultTimeout(PATIENCE_MS);
      const page = await context.newPage();
      return new Person(context, page);
    },
    stop: () => chrome.close(),
  };
}

// Somebody in front of a browser.
export class Person {
  #complaints = [];
  #origins = new Set();

  constructor(context, page) {
    this.context = context;
    this.page = page;
    page.on("console", (line) => {
      // A page that is answered with an error status is no fault of the page.
      if (line.type() === "error" && !line.text().includes("the server responded with a status of")) {
        this.#complaints.push(line.text());
      }
    });
    page.on("pageerror", (error) => this.#complaints.push(String(error)));
    page.on("request", (request) => this.#origins.add(new URL(request.url()).origin));
  }

  heading() {
    return this.page.locator("h1").innerText();
  }

  text() {
    return this.page.locator("main").innerText();
  }

  button(name) {
    return this.page.getByRole("button", { name, exact: true });
  }

  async signInAs(username) {
    await this.page.getByLabel("Username").fill(username);
    await this.button("Sign in").click();
  }

  async enterCode(code) {
    await this.page.getByLabel("Enter the code shown in your terminal").fill(code);
    await this.button("Continue").click();
  }

  // What has the keyboard's focus, by its visible text or name.
  focused() {
    return this.page.evaluate(() => {
      const element = document.activeElement;
      return element.innerText?.trim() || element.name || element.tagName;
    });
  }

  // Types into the field that the page put the focus on. The focus comes with a frame after the page
  // is loaded, and what is typed before is lost.
  async typeInto(name, text) {
    await this.page.waitForFunction((wanted) => document.activeElement?.name === wanted, name);
    await this.page.keyboard.type(text);
  }

  // Presses Tab until the wanted thing has the focus, as a person without a mouse does.
  async tabTo(name) {
    for (let presses = 0; presses < 40; presses += 1) {
      if ((await this.focused()) === name) return;
      await this.page.keyboard.press("Tab");
    }
    assert.fail(`the keyboard does not reach ${name}`);
  }

  async screenshot(name) {
    mkdirSync(SCREENSHOTS, { recursive: true });
    // As tall as the page is, so that what sticks to the window's edge is where it ends up.
    const { width, height } = this.page.viewportSize();
    const all = await this.page.evaluate(() => document.documentElement.scrollHeight);
    await this.page.setViewportSize({ width, height: all });
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
    await this.page.setViewportSize({ width, height });
  }

  // Runs every rule of axe-core, the ones that are off by default for WCAG 2.2 included.
  async assertAccessible(where) {
    await this.page.evaluate(axe.source);
    const { violations } = await this.page.evaluate(() =>
      globalThis.axe.run(document, { rules: { "target-size": { enabled: true } } }),
    );
    const found = violations.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map((n) => n.html).join("\n  ")}`);
    assert.deepEqual(found, [], `axe-core, ${where}`);
  }

  // The page fits its window: nobody has to scroll sideways (WCAG 2.2, 1.4.10).
  async assertFits(where) {
    const [content, window] = await this.page.evaluate(() => [
      document.documentElement.scrollWidth,
      document.documentElement.clientWidth,
    ]);
    assert.ok(content <= window, `${where}: ${content} px of content in ${window} px`);
  }

  // Ends the visit; it must have been quiet, and have asked no other origin than these.
  async leave(...origins) {
    await this.context.close();
    assert.deepEqual(this.#complaints, [], "the browser complained");
    const allowed = origins.map((url) => new URL(url).origin);
    const others = [...this.#origins].filter((origin) => !allowed.includes(origin) && origin !== "null");
    assert.deepEqual(others, [], "a page asked another origin");
  }
}

function findChromium() {
  const named = process.env.CHROMIUM;
  if (named) return named;
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    for (const name of NAMES) {
      if (existsSync(join(folder, name))) return join(folder, name);
    }
  }
  throw new Error(`no Chromium in PATH (${NAMES.join(", ")}): run scripts/check, or set CHROMIUM`);
}
