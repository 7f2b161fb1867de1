//! What is used up or ended once: revoked tokens, pushed requests, ids of proofs.

use std::time::Duration;

use hallpass_issuer::pushed_request::PushedRequest;
use hallpass_protocol::authorization::AuthorizationRequest;
use hallpass_store::{Store, proof_ids, pushed_requests, revocations};

use crate::records::{ISSUER, client, hash, minutes, now};

pub(crate) async fn a_revoked_token_is_revoked_at_its_issuer_only(store: &Store) {
    let is_revoked = |issuer: &'static str, jti: &'static str| {
        store.read(move |tx| revocations::is_revoked_jti(tx, issuer, jti))
    };
    let purge = |now| store.write(move |tx| revocations::purge_expired(tx, now, 10));
    for _ in 0..2 {
        let revoke = store.write(|tx| revocations::insert_jti(tx, ISSUER, "a", now() + minutes(5)));
        assert_eq!(revoke.await, Ok(()), "revoking twice is no error");
    }
    assert_eq!(is_revoked(ISSUER, "a").await, Ok(true));
    assert_eq!(is_revoked(ISSUER, "b").await, Ok(false));
    assert_eq!(is_revoked("/other", "a").await, Ok(false));
    assert_eq!(purge(now() + minutes(4)).await, Ok(0));
    assert_eq!(purge(now() + minutes(5)).await, Ok(1));
    assert_eq!(is_revoked(ISSUER, "a").await, Ok(false));
}

pub(crate) async fn s_206_a_pushed_request_is_used_up_once(store: &Store) {
    let pushed = PushedRequest {
        hash: hash("pushed"),
        issuer: ISSUER.to_owned(),
        client_id: client(),
        parameters: AuthorizationRequest {
            client_id: Some(client()),
            state: Some("a&b".to_owned()),
            resource: vec!["https://a.test".to_owned()],
            dpop_jkt: Some("thumbprint".to_owned()),
            ..AuthorizationRequest::default()
        },
        pushed_from: Some("192.0.2.0".parse().unwrap()),
        pushed_at: now(),
        expires_at: now() + minutes(2),
    };
    let kept = pushed.clone();
    store
        .write(move |tx| pushed_requests::insert(tx, &kept))
        .await
        .unwrap();
    let find = |issuer| store.read(move |tx| pushed_requests::find(tx, issuer, &hash("pushed")));
    assert_eq!(find(ISSUER).await, Ok(Some(pushed.clone())));
    assert_eq!(find("/other").await, Ok(None));
    assert_eq!(store.read(pushed_requests::count_rows).await, Ok(1));
    let purge =
        |now| store.write(move |tx| pushed_requests::purge_expired(tx, now, minutes(30), 10));
    assert_eq!(purge(now() + minutes(31)).await, Ok(0));
    let take = || store.write(|tx| pushed_requests::delete(tx, &hash("pushed")));
    let (one, two) = tokio::join!(take(), take());
    assert_eq!(u8::from(one.unwrap()) + u8::from(two.unwrap()), 1);
    store
        .write(move |tx| pushed_requests::insert(tx, &pushed))
        .await
        .unwrap();
    assert_eq!(purge(now() + minutes(32)).await, Ok(1));
}

pub(crate) async fn s_97_s_186_an_id_is_used_once_until_it_ends(store: &Store) {
    let ends = now() + minutes(1);
    let take = |at| store.write(move |tx| proof_ids::take(tx, &hash("proof"), at + minutes(1), at));
    let mut racers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let store = store.clone();
        racers.spawn(async move {
            let taken = store.write(move |tx| proof_ids::take(tx, &hash("proof"), ends, now()));
            taken.await
        });
    }
    let taken = racers.join_all().await.into_iter();
    assert_eq!(taken.filter(|taken| *taken == Ok(true)).count(), 1);
    let before_the_end = ends - Duration::from_secs(1);
    assert_eq!(take(before_the_end).await, Ok(false));
    // Another assertion may have the same id when the first one is over.
    assert_eq!(take(ends).await, Ok(true));
    assert_eq!(take(ends).await, Ok(false));
    let purge = |at| store.write(move |tx| proof_ids::purge_expired(tx, at, 10));
    assert_eq!(purge(ends).await, Ok(0), "the end moved");
    assert_eq!(purge(ends + minutes(1)).await, Ok(1));
    assert_eq!(take(ends).await, Ok(true));
    store.write(proof_ids::delete_all).await.unwrap();
    assert_eq!(take(ends).await, Ok(true));
}
