//! How many refreshes a second a store decides and keeps:
//! `cargo run --release -p hallpass-store --example refresh_speed -- sqlite:/tmp/a.db [CALLERS] [SECONDS]`
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hallpass_issuer::authorization::{
    Authorization, AuthorizationSeed, Origin, RefreshFamily, RefreshLifetimes,
};
use hallpass_issuer::browser_session::BrowserSessionId;
use hallpass_issuer::grants::refresh_token::{self, Brought};
use hallpass_issuer::tokens::refresh_token::RefreshToken;
use hallpass_issuer::user::{SignIn, User};
use hallpass_protocol::random::SystemRandom;
use hallpass_protocol::{AuthorizationId, ClientId, Scopes, Timestamp, UserId};
use hallpass_store::{Store, StoreKey, authorizations};

const ROWS: usize = 1_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or("sqlite::memory:".to_owned());
    let callers = arguments.next().map_or(8, |text| text.parse().unwrap());
    let seconds = arguments.next().map_or(5, |text| text.parse().unwrap());
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap()
        .block_on(measure(&address, callers, Duration::from_secs(seconds)));
}

async fn measure(address: &str, callers: usize, span: Duration) {
    let store = Store::connect(address, StoreKey::from_bytes([1; 32]))
        .await
        .unwrap();
    let tokens: Vec<_> = (0..ROWS).map(|_| family(&store)).collect();
    let mut families = Vec::new();
    for token in tokens {
        families.push(token.await);
    }
    let (done, started) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let callers: Vec<_> = (0..callers)
        .map(|caller| {
            let mut mine: Vec<_> = families
                .iter()
                .skip(caller)
                .step_by(callers)
                .cloned()
                .collect();
            let (store, done) = (store.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                let mut slowest = Duration::ZERO;
                for turn in (0..mine.len()).cycle() {
                    let asked = Instant::now();
                    if asked - started > span {
                        break;
                    }
                    let token = mine.get_mut(turn).unwrap();
                    *token = token.at(refresh(&store, token.clone()).await);
                    slowest = slowest.max(asked.elapsed());
                    done.fetch_add(1, Ordering::Relaxed);
                }
                slowest
            })
        })
        .collect();
    let count = callers.len();
    let mut slowest = Duration::ZERO;
    for caller in callers {
        slowest = slowest.max(caller.await.unwrap());
    }
    let (done, elapsed) = (done.load(Ordering::Relaxed), started.elapsed());
    println!(
        "{} refreshes a second by {count} callers, the slowest took {slowest:.1?}",
        u128::from(done) * 1_000 / elapsed.as_millis()
    );
    store.close().await;
}

/// Begins a family that rotates; its first token.
async fn family(store: &Store) -> RefreshToken {
    let id = AuthorizationId::generate(now(), &SystemRandom);
    let token = RefreshToken::first(id, &SystemRandom);
    let kept = Authorization {
        id,
        issuer: String::new(),
        client_id: client(),
        seed: AuthorizationSeed {
            user: User {
                id: UserId::new("ada"),
                claims: serde_json::Map::new(),
            },
            sign_in: SignIn::default(),
            scopes: Scopes::parse("openid offline_access").unwrap(),
            resource: Vec::new(),
            auth_time: now(),
            nonce: None,
            browser_session: Some(BrowserSessionId::generate(now(), &SystemRandom)),
            browser_address: None,
        },
        origin: Origin::Device,
        address: None,
        created_at: now(),
        refresh: Some(RefreshFamily::begin(&token, true, &lifetimes(), now())),
        revoked: None,
        dpop_jkt: None,
    };
    store
        .write(move |tx| authorizations::insert(tx, &kept))
        .await
        .unwrap();
    token
}

/// As the server does it; the generation that is valid now.
async fn refresh(store: &Store, token: RefreshToken) -> u32 {
    let decided = store.write(move |tx| {
        let (client, lifetimes) = (client(), lifetimes());
        let brought = Brought {
            client: &client,
            token: &token,
            dpop_jkt: None,
            address: None,
        };
        let rotated = authorizations::rotate(tx, brought, &lifetimes, now())?;
        let found = if let Some(found) = rotated {
            found
        } else {
            let mut found = authorizations::find(tx, token.authorization)?.unwrap();
            refresh_token::redeem(&mut found, brought, &lifetimes, now()).unwrap();
            authorizations::save(tx, &found)?;
            found
        };
        Ok(found.refresh.unwrap().generation)
    });
    decided.await.unwrap()
}

fn client() -> ClientId {
    ClientId::new("my-cli")
}

fn lifetimes() -> RefreshLifetimes {
    RefreshLifetimes::default()
}

fn now() -> Timestamp {
    Timestamp::from_unix_millis(1_700_000_000_123)
}
