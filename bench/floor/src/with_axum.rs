//! The same with axum as it comes.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use axum::routing::{get, post};
use axum::{Form, Router};
use tokio::net::TcpListener;

use crate::answer::{JWKS, Key, PENDING};

type Parameters = Form<HashMap<String, String>>;

const HEADERS: [(HeaderName, &str); 2] = [
    (CONTENT_TYPE, "application/json"),
    (CACHE_CONTROL, "no-store"),
];

pub(crate) async fn serve(listener: TcpListener, key: Arc<Key>) {
    let routes = Router::new()
        .route("/jwks", get(async || (HEADERS, JWKS)))
        .route("/token", post(async |_: Parameters| (HEADERS, PENDING)))
        .route("/sign", post(sign))
        .route("/verify", post(verify))
        .with_state(key);
    axum::serve(listener, routes).await.expect("it serves");
}

async fn sign(
    State(key): State<Arc<Key>>,
    _: Parameters,
) -> ([(HeaderName, &'static str); 2], String) {
    (HEADERS, key.token_response())
}

async fn verify(State(key): State<Arc<Key>>, _: Parameters) -> (StatusCode, &'static str) {
    if key.verify() {
        (StatusCode::OK, PENDING)
    } else {
        (StatusCode::BAD_REQUEST, "")
    }
}
