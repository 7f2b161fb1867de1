//! The floor under every figure: what a request costs that needs nothing of us.
//!
//!     floor hyper|axum PORT
//!
//! `hyper` is set up as the server's listener is. `axum` is what most servers in Rust are built on.
//! Both answer `GET /jwks` (JSON), `POST /token` (a form read, JSON), `POST /sign` (the same
//! with an access token signed by ES256) and `POST /verify` (with such a signature checked).

mod answer;
mod with_axum;
mod with_hyper;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [framework, port] = arguments.as_slice() else {
        eprintln!("usage: floor hyper|axum PORT");
        return ExitCode::FAILURE;
    };
    let port = port.parse().expect("a port");
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(address).await.expect("a free port");
    let key = Arc::new(answer::Key::generate());
    match framework.as_str() {
        "axum" => with_axum::serve(listener, key).await,
        _ => with_hyper::serve(listener, key).await,
    }
    ExitCode::SUCCESS
}
