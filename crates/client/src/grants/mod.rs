//! Grants without a person: what they bring is handed out and not kept.

mod client_credentials;
mod jwt_bearer;
mod service_tokens;
mod token_exchange;
mod token_set;

pub use jwt_bearer::JwtBearer;
pub use service_tokens::ServiceTokens;
pub use token_exchange::TokenExchange;
pub use token_set::TokenSet;
