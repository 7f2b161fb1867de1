// Chromium's virtual authenticator: a device with passkeys that presses its own button.
//
// <https://chromedevtools.github.io/devtools-protocol/tot/WebAuthn/>

const DEVICE = {
  protocol: "ctap2",
  ctap2Version: "ctap2_1",
  transport: "internal",
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
};

// The browser offers nothing by itself beside the user name: the button is what is tested. A virtual
// device would answer such an offer as soon as it is made.
export function offerNothing(page) {
  return page.addInitScript(() => {
    PublicKeyCredential.isConditionalMediationAvailable = async () => false;
  });
}

// Gives a page a device; `options` are those of `VirtualAuthenticatorOptions`.
export async function addDevice(page, options = {}) {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable", { enableUI: false });
  const added = await session.send("WebAuthn.addVirtualAuthenticator", { options: { ...DEVICE, ...options } });
  const { authenticatorId } = added;
  return {
    async passkeys() {
      const { credentials } = await session.send("WebAuthn.getCredentials", { authenticatorId });
      return credentials;
    },
    // Whether their finger is the right one.
    async verify(isUserVerified) {
      await session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified });
    },
  };
}
