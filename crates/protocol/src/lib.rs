//! What is on the wire: OAuth 2 and OpenID Connect messages, tokens and JOSE, and the client's
//! pure state machines.
//!
//! Every message is written down once and used by both ends: `hallpass-client` encodes what
//! `hallpass-issuer` and `hallpass-server` decode, and the other way round. Nothing here does
//! input or output, reads a clock or spawns a task.

pub mod access_token;
pub mod authorization;
pub mod client_assertion;
pub mod client_auth;
pub mod device_authorization;
pub mod device_poll;
pub mod dpop;
pub mod error;
pub mod form;
pub mod hex;
pub mod id_token;
pub mod ids;
pub mod introspection;
pub mod jose;
mod lenient;
pub mod metadata;
pub mod pkce;
pub mod prefer;
pub mod pushed_authorization;
pub mod random;
pub mod registration;
pub mod resource_metadata;
pub mod revocation;
pub mod scope;
pub mod secret;
pub mod time;
pub mod token;
pub mod user_code;
pub mod userinfo;
pub mod webauthn;

pub use error::{ErrorCode, OAuthError};
pub use ids::{AuthorizationId, ClientId, KeyId, UserId};
pub use scope::Scopes;
pub use secret::Secret;
pub use time::{Clock, Timestamp};
