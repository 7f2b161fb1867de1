//! An issuer inside a test: the real server on a free port, with a clock that the test moves, a person
//! who fills in the pages, and the real program in a terminal.

pub mod clock;
pub mod http;
pub mod person;
pub mod pty;
pub mod server;

pub use clock::TestClock;
pub use http::{Answer, claims_of};
pub use person::Person;
pub use pty::Terminal;
pub use server::TestServer;
