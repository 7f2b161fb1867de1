//! An issuer inside a test: the real server on a free port, with a clock that the test moves, a person
//! who fills in the pages, and the real program in a terminal.

pub mod authenticator;
pub mod clock;
pub mod corporate;
pub mod http;
pub mod location_file;
pub mod person;
#[cfg(unix)]
pub mod postgres;
pub mod provider;
pub mod pty;
pub mod server;
pub mod silent_network;

pub use clock::TestClock;
pub use http::{Answer, claims_of};
pub use person::Person;
#[cfg(unix)]
pub use postgres::TestPostgres;
pub use pty::Terminal;
pub use server::TestServer;
pub use silent_network::SilentNetwork;
