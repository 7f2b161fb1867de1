// Hands a challenge to the browser's passkeys and posts what they answer. Browsers let nothing but
// script do so; every other way of signing in works without (templates/passkey.html).
"use strict";

const fromBase64url = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

const toBase64url = (buffer) => {
  const letters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};

// The JSON of WebAuthn §5.1.9 and §5.1.10, as older browsers want it.
function readOptions(text) {
  const options = JSON.parse(text);
  const decode = (one) => ({ ...one, id: fromBase64url(one.id) });
  options.challenge = fromBase64url(options.challenge);
  if (options.user) options.user = decode(options.user);
  options.excludeCredentials = options.excludeCredentials?.map(decode);
  options.allowCredentials = options.allowCredentials?.map(decode);
  return options;
}

// The JSON of WebAuthn §5.1.8.
function writeCredential({ id, type, response }) {
  const names = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const written = {};
  for (const name of names) {
    if (response[name]) written[name] = toBase64url(response[name]);
  }
  if (response.getTransports) written.transports = response.getTransports();
  return JSON.stringify({ id, type, response: written });
}

// One at a time: what the browser offers beside the user name ends when the button is pressed.
let pending = new AbortController();

// The page tells how long its challenge holds. A little earlier it is too old to begin with.
const opened = Date.now();
const isTooOld = (options) => Date.now() - opened > options.timeout - 15_000;

async function ask(form, mediation) {
  pending.abort();
  pending = new AbortController();
  const { signal } = pending;
  say(form, undefined);
  try {
    const publicKey = readOptions(form.dataset.options);
    // Without an answer the server shows the page anew, which asks at once.
    if (isTooOld(publicKey)) return form.requestSubmit();
    const credential = await navigator.credentials[form.dataset.passkey]({ publicKey, mediation, signal });
    form.elements.passkey.value = writeCredential(credential);
  } catch (error) {
    if (signal.aborted) return;
    say(form, { NotAllowedError: "nothing", InvalidStateError: "there" }[error.name] ?? "failed");
    // It can be chosen beside the user name again.
    if (mediation === undefined && form.dataset.conditional !== undefined) offer(form);
    return;
  }
  form.requestSubmit();
}

function say(form, what) {
  for (const line of form.querySelectorAll("[data-said]")) line.hidden = line.dataset.said !== what;
}

async function offer(form) {
  if (await PublicKeyCredential.isConditionalMediationAvailable?.()) await ask(form, "conditional");
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) {
    say(form, "none");
    continue;
  }
  const button = form.querySelector("[data-ask]");
  button.hidden = false;
  button.addEventListener("click", () => form.reportValidity() && ask(form));
  if (button.dataset.focus !== undefined) button.focus();
  if (form.dataset.again !== undefined) ask(form);
  else if (form.dataset.conditional !== undefined) offer(form);
}
