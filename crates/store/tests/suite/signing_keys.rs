//! Signing keys.

use hallpass_issuer::tokens::signing_key::SigningKeyRecord;
use hallpass_store::{Store, StoreError, signing_keys};

use crate::records::{self, ISSUER, now};

pub(crate) async fn the_first_signing_key_wins(store: &Store) {
    let insert = |kid: &'static str, pkcs8: &'static [u8]| {
        store.write(move |tx| {
            let key = signing_keys::insert(tx, &records::signing_key(kid, pkcs8))?;
            Ok((key.kid.to_string(), key.pkcs8.expose().clone()))
        })
    };
    let (first, second) = tokio::join!(insert("a", b"first"), insert("b", b"second"));
    let winner = first.unwrap();
    assert_eq!(second, Ok(winner.clone()));
    let found = store
        .read(|tx| signing_keys::find(tx, ISSUER))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.kid.to_string(), found.pkcs8.expose().clone()),
        winner
    );
    assert_eq!((found.issuer.as_str(), found.created_at), (ISSUER, now()));
    assert!(
        store
            .read(|tx| signing_keys::find(tx, "/other"))
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(store.read(signing_keys::list_all).await.unwrap().len(), 1);
}

pub(crate) async fn a_rotated_key_stays_and_can_come_back(store: &Store) {
    let key = |kid: &str| records::signing_key(kid, kid.as_bytes());
    let kids = || async {
        let keys = store.read(|tx| signing_keys::list(tx, ISSUER)).await;
        let kid = |key: &SigningKeyRecord| key.kid.to_string();
        keys.unwrap().iter().map(kid).collect::<Vec<_>>()
    };
    let rotate = |kid: &'static str| {
        let new = key(kid);
        store.write(move |tx| signing_keys::rotate(tx, &new, now()))
    };
    let first = key("a");
    store
        .write(move |tx| signing_keys::insert(tx, &first).map(|_| ()))
        .await
        .unwrap();
    rotate("b").await.unwrap();
    rotate("c").await.unwrap();
    assert_eq!(kids().await, ["c", "b", "a"]);
    let found = store.read(|tx| signing_keys::find(tx, ISSUER)).await;
    let found = found.unwrap().unwrap();
    assert_eq!(
        (found.kid.as_str(), found.pkcs8.expose().as_slice()),
        ("c", &b"c"[..])
    );
    // A name that was taken is refused, and the key that signs goes on signing.
    assert_eq!(rotate("a").await, Err(StoreError::Conflict));
    assert_eq!(kids().await, ["c", "b", "a"]);
    let found = store.read(|tx| signing_keys::find(tx, ISSUER)).await;
    assert_eq!(found.unwrap().unwrap().kid.as_str(), "c");
    store.write(signing_keys::keep_first).await.unwrap();
    assert_eq!(kids().await, ["a"]);
    let found = store.read(|tx| signing_keys::find(tx, ISSUER)).await;
    assert_eq!(found.unwrap().unwrap().kid.as_str(), "a");
}
