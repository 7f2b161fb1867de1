//! Passkeys: what makes one, and what proves that its person is there.
//!
//! The numbers of the steps are those of WebAuthn Level 3. Registering a new credential:
//! <https://www.w3.org/TR/webauthn-3/#sctn-registering-a-new-credential> (§7.1), verifying an
//! assertion: <https://www.w3.org/TR/webauthn-3/#sctn-verifying-assertion> (§7.2). The steps before
//! the fifth are the browser's and our page's.

use aws_lc_rs::digest::{SHA256, digest};
use hallpass_protocol::webauthn::attestation_object::AttestationObjectError;
use hallpass_protocol::webauthn::authenticator_data::AuthenticatorDataError;
use hallpass_protocol::webauthn::client_data::ClientDataError;
use hallpass_protocol::webauthn::{
    AttestationObject, AuthenticatorData, ClientData, CosePublicKey, Flags,
};
use hallpass_protocol::{Timestamp, UserId};
use subtle::ConstantTimeEq;
use url::{Host, Url};

/// The server as passkeys know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelyingParty {
    /// The RP ID: a host name. A passkey works for this one alone.
    pub id: String,
    /// The one origin that our pages have.
    pub origin: String,
}

/// Why a server at an address can have no passkeys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRelyingParty {
    /// Browsers make no passkey for an IP address.
    #[error("passkeys need a host name, not an IP address")]
    Address,
    /// Browsers make none without HTTPS but for `localhost`.
    #[error("passkeys need `https`; plain `http` works on `localhost` only")]
    Insecure,
}

/// What an authenticator must sign. It is used once, and soon.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Challenge([u8; 32]);

/// Whether the authenticator must know who touches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserVerification {
    /// By a PIN or a finger: the passkey is two factors in one.
    Required,
    /// Somebody touches it: with a password before it.
    Preferred,
}

/// A passkey as it is kept: the credential record of WebAuthn §4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// `id`.
    pub credential_id: Vec<u8>,
    /// `publicKey`.
    pub public_key: CosePublicKey,
    /// `signCount`, of the last use.
    pub sign_count: u32,
    /// `uvInitialized`: whether it ever knew who touched it.
    pub uv_initialized: bool,
    /// `backupEligible`: whether it may be on several devices. It never changes.
    pub backup_eligible: bool,
    /// `backupState`: whether it is.
    pub backup_state: bool,
    /// The authenticator's model as it calls itself; nobody vouches for it.
    pub aaguid: [u8; 16],
}

/// A passkey and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPasskey {
    /// Whose. Its bytes are the user handle, which names nobody to those who do not know us.
    pub user: UserId,
    /// What its person calls it.
    pub name: String,
    /// The credential record.
    pub passkey: Passkey,
    /// `transports`: how browsers may reach it, as the browser said when it was made.
    pub transports: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last signed its person in.
    pub last_used_at: Option<Timestamp>,
}

/// So many passkeys a person has at most.
pub const MOST: usize = 20;

/// What came back when a passkey was to be made.
#[derive(Clone, Copy, Debug)]
pub struct Creation<'a> {
    /// `clientDataJSON`.
    pub client_data_json: &'a [u8],
    /// `attestationObject`.
    pub attestation_object: &'a [u8],
}

/// What came back when a passkey was to be used.
#[derive(Clone, Copy, Debug)]
pub struct Assertion<'a> {
    /// `rawId`.
    pub credential_id: &'a [u8],
    /// `clientDataJSON`.
    pub client_data_json: &'a [u8],
    /// `authenticatorData`.
    pub authenticator_data: &'a [u8],
    /// `signature`.
    pub signature: &'a [u8],
    /// `userHandle`.
    pub user_handle: Option<&'a [u8]>,
}

/// Whose passkey an assertion must be of.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    /// The user handle that the passkey was made with.
    pub user_handle: &'a [u8],
    /// Whether the passkey alone says who signs in. Else the person was known before.
    pub is_discovered: bool,
}

/// An assertion that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// The passkey as it is to be kept from now on.
    pub passkey: Passkey,
    /// Whether the authenticator knew who touched it.
    pub user_verified: bool,
}

/// Why a passkey is not taken, or proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyRefusal {
    /// The client data cannot be read.
    #[error(transparent)]
    ClientData(#[from] ClientDataError),
    /// The attestation object cannot be read.
    #[error(transparent)]
    AttestationObject(#[from] AttestationObjectError),
    /// The authenticator data cannot be read.
    #[error(transparent)]
    AuthenticatorData(#[from] AuthenticatorDataError),
    /// Something else was signed than asked: made instead of used, or the other way round.
    #[error("the client data is of another ceremony")]
    OtherCeremony,
    /// Another challenge was signed.
    #[error("the client data has another challenge")]
    OtherChallenge,
    /// A page of another origin asked.
    #[error("the client data has another origin")]
    OtherOrigin,
    /// The page was inside another one.
    #[error("the page was inside a page of another origin")]
    CrossOrigin,
    /// The passkey is for another server.
    #[error("the passkey is for another server")]
    OtherRelyingParty,
    /// Nobody touched the authenticator.
    #[error("nobody touched the authenticator")]
    UserNotPresent,
    /// The authenticator does not know who touched it.
    #[error("the authenticator did not verify its user")]
    UserNotVerified,
    /// It is backed up, and may not be.
    #[error("the passkey is backed up but not eligible for it")]
    BackedUpButNotEligible,
    /// Whether it may be backed up has changed since it was made.
    #[error("the passkey's backup eligibility changed")]
    BackupEligibilityChanged,
    /// No passkey came with the authenticator data, or one came where none was made.
    #[error("the authenticator data has a credential where none belongs, or none where one does")]
    AttestedCredential,
    /// The answer is of another passkey.
    #[error("the answer is of another credential")]
    OtherCredential,
    /// The answer names another person, or nobody where it must.
    #[error("the answer is of another person's passkey")]
    OtherUser,
    /// The signature is not the passkey's.
    #[error("the signature does not verify")]
    BadSignature,
    /// The counter did not go up: there may be a copy of the key.
    #[error("the signature counter did not go up")]
    CounterWentBack,
}

impl RelyingParty {
    /// The server at an address (`public_url`).
    pub fn at(public_url: &Url) -> Result<Self, NoRelyingParty> {
        let Some(Host::Domain(host)) = public_url.host() else {
            return Err(NoRelyingParty::Address);
        };
        // A secure context: <https://www.w3.org/TR/secure-contexts/#is-origin-trustworthy>.
        let is_local = host == "localhost" || host.ends_with(".localhost");
        if public_url.scheme() != "https" && !is_local {
            return Err(NoRelyingParty::Insecure);
        }
        Ok(Self {
            id: host.to_owned(),
            origin: public_url.origin().ascii_serialization(),
        })
    }
}

impl Challenge {
    /// WebAuthn §13.4.3 asks for 16 random bytes or more.
    pub const LENGTH: usize = 32;

    /// A challenge of random bytes.
    pub fn new(random: [u8; Self::LENGTH]) -> Self {
        Self(random)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl std::fmt::Debug for Challenge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Challenge")
    }
}

impl UserVerification {
    /// The value of `userVerification` in the options.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Preferred => "preferred",
        }
    }
}

/// Judges a passkey that was made (WebAuthn §7.1). Whether its id is new (step 25) only the store
/// knows.
pub fn register(
    relying_party: &RelyingParty,
    challenge: &Challenge,
    verification: UserVerification,
    creation: Creation<'_>,
) -> Result<Passkey, PasskeyRefusal> {
    // §7.1 steps 5 and 6.
    let client_data = ClientData::read(creation.client_data_json)?;
    // §7.1 steps 7 to 11.
    check_client_data(&client_data, ClientData::CREATE, (relying_party, challenge))?;
    // §7.1 step 13. The hash of step 12 is only for attestation statements.
    let attestation = AttestationObject::read(creation.attestation_object)?;
    // §7.1 step 19: `alg` is one of those offered, or the key is not read.
    let data = attestation.authenticator_data;
    // §7.1 steps 14 to 17.
    check_authenticator(&data, relying_party, verification)?;
    // §7.1 steps 20 to 23: `none` is asked for. A statement of any other format says nothing to us,
    // so that the passkey counts as one without (the note to step 23).
    let attested = data
        .attested_credential_data
        .ok_or(PasskeyRefusal::AttestedCredential)?;
    // §7.1 step 24: a longer `credentialId` is not read. Step 26:
    Ok(Passkey {
        credential_id: attested.credential_id,
        public_key: attested.public_key,
        sign_count: data.sign_count,
        uv_initialized: data.flags.user_verified(),
        backup_eligible: data.flags.backup_eligible(),
        backup_state: data.flags.backup_state(),
        aaguid: attested.aaguid,
    })
}

/// Judges the use of a passkey (WebAuthn §7.2). The caller found it by the id in the answer.
pub fn authenticate(
    (passkey, owner): (&Passkey, Owner<'_>),
    (relying_party, challenge): (&RelyingParty, &Challenge),
    verification: UserVerification,
    assertion: Assertion<'_>,
) -> Result<Used, PasskeyRefusal> {
    // §7.2 steps 5 and 6.
    check_owner(passkey, owner, assertion)?;
    // §7.2 steps 8 and 9.
    let client_data = ClientData::read(assertion.client_data_json)?;
    // §7.2 steps 10 to 14.
    check_client_data(&client_data, ClientData::GET, (relying_party, challenge))?;
    let data = AuthenticatorData::read(assertion.authenticator_data)?;
    // §6.1: `attestedCredentialData` is for passkeys that are made.
    if data.attested_credential_data.is_some() {
        return Err(PasskeyRefusal::AttestedCredential);
    }
    // §7.2 steps 15 to 18.
    check_authenticator(&data, relying_party, verification)?;
    // §7.2 step 19: BE is what it was when the passkey was made.
    if data.flags.backup_eligible() != passkey.backup_eligible {
        return Err(PasskeyRefusal::BackupEligibilityChanged);
    }
    // §7.2 step 20.
    let hash = digest(&SHA256, assertion.client_data_json);
    // §7.2 step 21.
    let message = [assertion.authenticator_data, hash.as_ref()].concat();
    let checked = passkey.public_key.verify(&message, assertion.signature);
    checked.map_err(|_| PasskeyRefusal::BadSignature)?;
    // §7.2 step 22: of two answers with the same count one may be a copy's. Stricter than the
    // specification, which leaves it to us: refused.
    let is_counted = data.sign_count != 0 || passkey.sign_count != 0;
    if is_counted && data.sign_count <= passkey.sign_count {
        return Err(PasskeyRefusal::CounterWentBack);
    }
    Ok(Used {
        passkey: updated(passkey, data.sign_count, data.flags),
        user_verified: data.flags.user_verified(),
    })
}

/// §7.2 step 24. `uvInitialized` stays: to raise it would need another factor.
fn updated(passkey: &Passkey, sign_count: u32, flags: Flags) -> Passkey {
    Passkey {
        sign_count,
        backup_state: flags.backup_state(),
        ..passkey.clone()
    }
}

fn check_owner(
    passkey: &Passkey,
    owner: Owner<'_>,
    assertion: Assertion<'_>,
) -> Result<(), PasskeyRefusal> {
    if assertion.credential_id != passkey.credential_id {
        return Err(PasskeyRefusal::OtherCredential);
    }
    match assertion.user_handle {
        Some(handle) if handle == owner.user_handle => Ok(()),
        // Some security keys leave it out where the person was known before.
        None if !owner.is_discovered => Ok(()),
        Some(_) | None => Err(PasskeyRefusal::OtherUser),
    }
}

fn check_client_data(
    client_data: &ClientData,
    ceremony: &str,
    (relying_party, challenge): (&RelyingParty, &Challenge),
) -> Result<(), PasskeyRefusal> {
    // §7.1 step 7, §7.2 step 10.
    if client_data.ceremony != ceremony {
        return Err(PasskeyRefusal::OtherCeremony);
    }
    // §7.1 step 8, §7.2 step 11.
    if !bool::from(client_data.challenge.ct_eq(&challenge.0)) {
        return Err(PasskeyRefusal::OtherChallenge);
    }
    // §7.1 step 9, §7.2 step 12: ours to the letter, no neighbour's and no other port's.
    if client_data.origin != relying_party.origin {
        return Err(PasskeyRefusal::OtherOrigin);
    }
    // §7.1 steps 10 and 11, §7.2 steps 13 and 14: our pages are never inside others (row S-51).
    if client_data.cross_origin || client_data.top_origin.is_some() {
        return Err(PasskeyRefusal::CrossOrigin);
    }
    Ok(())
}

fn check_authenticator(
    data: &AuthenticatorData,
    relying_party: &RelyingParty,
    verification: UserVerification,
) -> Result<(), PasskeyRefusal> {
    // §7.1 step 14, §7.2 step 15.
    if data.rp_id_hash != digest(&SHA256, relying_party.id.as_bytes()).as_ref() {
        return Err(PasskeyRefusal::OtherRelyingParty);
    }
    // §7.1 step 15, §7.2 step 16.
    if !data.flags.user_present() {
        return Err(PasskeyRefusal::UserNotPresent);
    }
    // §7.1 step 16, §7.2 step 17.
    if verification == UserVerification::Required && !data.flags.user_verified() {
        return Err(PasskeyRefusal::UserNotVerified);
    }
    // §7.1 step 17, §7.2 step 18.
    if data.flags.backup_state() && !data.flags.backup_eligible() {
        return Err(PasskeyRefusal::BackedUpButNotEligible);
    }
    Ok(())
}

#[cfg(test)]
#[path = "passkey_tests.rs"]
mod tests;
