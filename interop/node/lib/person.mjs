// A person with a browser: keeps cookies, reads forms, presses buttons; no script.
//
// It sends what browsers send with a navigation (Fetch Metadata, `Origin` with a form). `fetch` would
// announce itself as a script, so the requests are made by hand.
import http from 'node:http';

/** A page, or the redirect that leads away from the server. */
class Page {
  constructor(url, status, headers, body) {
    Object.assign(this, { url, status, headers, body });
  }

  /** Where the browser is sent next. */
  get location() {
    const { location } = this.headers;
    return location === undefined ? undefined : new URL(location, this.url);
  }

  /** The forms, each with its hidden fields and the names of all its fields. */
  get forms() {
    return [...this.body.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, head, inside]) => {
      const hidden = [];
      const names = new Set();
      for (const [tag] of inside.matchAll(/<(?:input|button|textarea|select)\b[^>]*>/gi)) {
        const name = attribute(tag, 'name');
        if (name === undefined) continue;
        names.add(name);
        if (attribute(tag, 'type') === 'hidden') hidden.push([name, attribute(tag, 'value') ?? '']);
      }
      // A form without an action posts to its own page.
      return { action: attribute(head, 'action') || this.url, hidden, names };
    });
  }

  toString() {
    return `${this.status} ${this.url} -> ${this.headers.location}\n${this.body}`;
  }
}

export class Person {
  #cookies = [];

  /** Opens an address; redirects on the same server are followed. */
  open(url) {
    return this.#follow('GET', new URL(url));
  }

  /** Fills in the first form that has these fields, and posts it. */
  submit(page, fields) {
    const wanted = Object.keys(fields);
    const form = page.forms.find(({ names }) => wanted.every((name) => names.has(name)));
    if (!form) throw new Error(`no form with ${wanted} on ${page}`);
    return this.post(page, form, fields);
  }

  /** Posts a form of a page. */
  post(page, form, fields) {
    const body = new URLSearchParams([
      ...form.hidden.filter(([name]) => !(name in fields)),
      ...Object.entries(fields),
    ]);
    return this.#follow('POST', new URL(form.action, page.url), body.toString());
  }

  async #follow(method, url, body) {
    let page = await this.#send(method, url, body);
    for (let hops = 0; hops < 10 && page.location?.origin === url.origin; hops += 1) {
      page = await this.#send('GET', page.location);
    }
    return page;
  }

  #send(method, url, body) {
    const headers = {
      accept: 'text/html,application/xhtml+xml',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      'sec-fetch-site': body === undefined ? 'none' : 'same-origin',
    };
    if (body !== undefined) {
      headers.origin = url.origin;
      headers['content-type'] = 'application/x-www-form-urlencoded';
      headers['content-length'] = Buffer.byteLength(body);
    }
    const cookies = this.#cookies
      .filter((cookie) => cookie.host === url.host && covers(cookie.path, url.pathname))
      .map(({ name, value }) => `${name}=${value}`);
    if (cookies.length > 0) headers.cookie = cookies.join('; ');
    return new Promise((resolve, reject) => {
      const request = http.request(url, { method, headers, agent: false }, (answer) => {
        for (const line of answer.headers['set-cookie'] ?? []) this.#keep(url, line);
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk) => (text += chunk));
        answer.on('error', reject);
        answer.on('end', () => resolve(new Page(url.href, answer.statusCode, answer.headers, text)));
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  #keep(url, line) {
    const [pair, ...rest] = line.split(';').map((part) => part.trim());
    const at = pair.indexOf('=');
    const attributes = new Map(
      rest.map((part) => part.split('=')).map(([name, value]) => [name.toLowerCase(), value]),
    );
    const cookie = {
      host: url.host,
      path: attributes.get('path') ?? '/',
      name: pair.slice(0, at),
      value: pair.slice(at + 1),
    };
    this.#cookies = this.#cookies.filter(
      (old) => old.host !== cookie.host || old.path !== cookie.path || old.name !== cookie.name,
    );
    const isGone =
      attributes.get('max-age') === '0' || Date.parse(attributes.get('expires')) <= Date.now();
    if (!isGone) this.#cookies.push(cookie);
  }
}

function covers(path, pathname) {
  return pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
}

function attribute(tag, name) {
  const found = tag.match(new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, 'i'));
  const text = found?.[1] ?? found?.[2] ?? found?.[3];
  return text?.replace(/&(?:amp|lt|gt|quot|#\d+|#x[0-9a-f]+);/gi, (entity) => {
    const named = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' }[entity.toLowerCase()];
    if (named) return named;
    const digits = entity.slice(2, -1);
    const code = /^x/i.test(digits) ? parseInt(digits.slice(1), 16) : Number(digits);
    return String.fromCodePoint(code);
  });
}
