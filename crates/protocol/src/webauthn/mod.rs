//! What a browser and an authenticator send when a person makes or uses a passkey.
//!
//! Read here, judged in `hallpass-issuer`: what must hold for a ceremony is in its `factors::passkey`.
//!
//! WebAuthn Level 3: <https://www.w3.org/TR/webauthn-3/>

pub mod attestation_object;
pub mod authenticator_data;
pub mod cbor;
pub mod client_data;
pub mod cose_key;
pub mod options;
pub mod response;

pub use attestation_object::AttestationObject;
pub use authenticator_data::{AttestedCredentialData, AuthenticatorData, Flags};
pub use client_data::ClientData;
pub use cose_key::{CoseAlgorithm, CosePublicKey};
pub use options::{CreationOptions, Descriptor, RequestOptions};
pub use response::{AuthenticationResponse, RegistrationResponse};
