// Programs under test as processes of their own. None outlives the test, also when it fails.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = join(dirname(fileURLToPath(import.meta.url)), '../../..');
/** The binary under test. */
export const HALLPASS = process.env.HALLPASS ?? join(repository, 'target/debug/hallpass');
/** Only turns what hangs into a failure. */
export const PATIENCE = 30_000;

const running = new Set();
const folders = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

/** A home of its own, gone at the end. */
export function newHome() {
  const folder = mkdtempSync(join(tmpdir(), 'hallpass-interop-'));
  folders.add(folder);
  return folder;
}

/** The variables of a user who has nothing but a home. */
export function cleanEnvironment(home) {
  return {
    PATH: process.env.PATH,
    HOME: home,
    HALLPASS_HOME: home,
    XDG_CONFIG_HOME: join(home, 'config'),
    XDG_STATE_HOME: join(home, 'state'),
    XDG_CACHE_HOME: join(home, 'cache'),
    LANG: 'C.UTF-8',
  };
}

/** A started program, what it has printed so far, and how it ended. */
export class Running {
  stdout = '';
  stderr = '';
  #listeners = new Set();

  constructor(program, words, { home, env = {}, cwd = home, input } = {}) {
    this.child = spawn(program, words, {
      cwd,
      env: { ...cleanEnvironment(home), ...env },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    running.add(this.child);
    if (input !== undefined) this.child.stdin.end(input);
    for (const name of ['stdout', 'stderr']) {
      this.child[name].setEncoding('utf8').on('data', (text) => {
        this[name] += text;
        this.#tell();
      });
    }
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code, signal) => {
        running.delete(this.child);
        this.exit = { code, signal };
        this.#tell();
        resolve(this.exit);
      });
    });
    this.ended.catch(() => {});
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }

  /** Waits until the output holds what is looked for. */
  waitFor(pattern) {
    return new Promise((resolve, reject) => {
      const done = (settle, value) => {
        clearTimeout(timer);
        this.#listeners.delete(look);
        settle(value);
      };
      const look = () => {
        const found = `${this.stdout}\n${this.stderr}`.match(pattern);
        if (found) done(resolve, found);
        else if (this.exit) done(reject, new Error(`ended without ${pattern}: ${this}`));
      };
      const timer = setTimeout(() => {
        done(reject, new Error(`no ${pattern} within ${PATIENCE} ms: ${this}`));
        // Whoever waited has no hold of it yet.
        this.kill();
      }, PATIENCE);
      this.#listeners.add(look);
      this.child.on('error', (error) => done(reject, error));
      look();
    });
  }

  /** Waits for the end; the exit code, or the name of the signal. */
  async code() {
    const timer = setTimeout(() => this.kill(), PATIENCE);
    const { code, signal } = await this.ended;
    clearTimeout(timer);
    return code ?? signal;
  }

  /** As `kill -9` does. */
  async kill() {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  toString() {
    const how = this.exit ? JSON.stringify(this.exit) : 'still running';
    return `${how}\n--- stdout\n${this.stdout}--- stderr\n${this.stderr}`;
  }
}
