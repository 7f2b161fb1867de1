//! Authorization codes.

use hallpass_issuer::grants::authorization_code::{AuthorizationCode, CodeState};
use hallpass_store::{Store, StoreError, authorization_codes};

use crate::records::{ISSUER, code, hash, id, minutes, now};

async fn find_code(store: &Store, secret: &'static str) -> Option<AuthorizationCode> {
    store
        .read(|tx| authorization_codes::find(tx, ISSUER, &hash(secret)))
        .await
        .unwrap()
}

pub(crate) async fn s_46_a_code_comes_back_with_all_that_it_is_bound_to(store: &Store) {
    let full = code("one");
    let mut bare = code("two");
    bare.challenge = None;
    bare.seed.nonce = None;
    bare.seed.browser_session = None;
    bare.seed.resource.clear();
    bare.seed.user.claims.clear();
    let (first, second) = (full.clone(), bare.clone());
    store
        .write(move |tx| {
            authorization_codes::insert(tx, &first)?;
            authorization_codes::insert(tx, &second)
        })
        .await
        .unwrap();
    assert_eq!(find_code(store, "one").await, Some(full.clone()));
    assert_eq!(find_code(store, "two").await, Some(bare));
    assert_eq!(find_code(store, "three").await, None);
    let elsewhere = store
        .read(|tx| authorization_codes::find(tx, "/other", &hash("one")))
        .await;
    assert_eq!(elsewhere, Ok(None));
    let again = store
        .write(move |tx| authorization_codes::insert(tx, &full))
        .await;
    assert_eq!(again, Err(StoreError::Conflict));
}

pub(crate) async fn every_state_of_a_code_is_kept(store: &Store) {
    let mut kept = code("one");
    let first = kept.clone();
    store
        .write(move |tx| authorization_codes::insert(tx, &first))
        .await
        .unwrap();
    for state in [
        CodeState::Redeemed {
            authorization: id(),
        },
        CodeState::Burnt,
    ] {
        kept.state = state;
        let changed = kept.clone();
        store
            .write(move |tx| authorization_codes::save(tx, &changed))
            .await
            .unwrap();
        assert_eq!(find_code(store, "one").await, Some(kept.clone()));
    }
    let purge =
        |now| store.write(move |tx| authorization_codes::purge_expired(tx, now, minutes(60), 10));
    assert_eq!(purge(now() + minutes(60)).await, Ok(0));
    assert_eq!(purge(now() + minutes(61)).await, Ok(1));
    assert_eq!(find_code(store, "one").await, None);
}
