//! An issuer inside a test: the real server on a free port, with a clock that the test moves and a
//! person who fills in the pages.

pub mod clock;
pub mod http;
pub mod person;
pub mod server;

pub use clock::TestClock;
pub use http::Answer;
pub use person::Person;
pub use server::TestServer;
