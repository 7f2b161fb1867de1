//! One endpoint, one file, named for its metadata key.

pub(crate) mod authorization;
pub(crate) mod debugger;
pub(crate) mod device_authorization;
pub(crate) mod end_session;
pub(crate) mod health;
pub(crate) mod introspection;
pub(crate) mod jwks;
pub(crate) mod metadata;
pub(crate) mod passkey_origins;
pub(crate) mod pushed_authorization_request;
pub(crate) mod registration;
pub(crate) mod resource_metadata;
pub(crate) mod revocation;
pub(crate) mod static_files;
pub(crate) mod token;
pub(crate) mod user_management;
pub(crate) mod userinfo;
