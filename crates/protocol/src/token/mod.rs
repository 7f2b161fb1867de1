//! The token request and response.

mod grant_type;
mod request;
mod response;
mod token_type_uri;

pub use grant_type::GrantType;
pub use request::{REPEATABLE, TokenExchangeRequest, TokenRequest, TokenRequestError};
pub use response::TokenResponse;
pub use token_type_uri::TokenTypeUri;
