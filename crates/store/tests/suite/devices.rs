//! Device grants.

use std::time::Duration;

use hallpass_issuer::grants::device_code::{DeviceGrant, DeviceGrantState};
use hallpass_protocol::ClientId;
use hallpass_store::{Store, StoreError, device_grants};

use crate::records::{ISSUER, client, device_grant, hash, id, minutes, now, seed};

async fn find_grant(store: &Store, secret: &'static str) -> Option<DeviceGrant> {
    store
        .read(|tx| device_grants::find_by_code(tx, ISSUER, &hash(secret)))
        .await
        .unwrap()
}

pub(crate) async fn a_device_grant_is_found_by_either_code(store: &Store) {
    let full = device_grant("one", "WDJBMJHT");
    let mut bare = device_grant("two", "BCDFGHJK");
    bare.requester = hallpass_issuer::grants::device_code::Requester::default();
    bare.resource.clear();
    let (first, second) = (full.clone(), bare.clone());
    store
        .write(move |tx| {
            device_grants::insert(tx, &first)?;
            device_grants::insert(tx, &second)
        })
        .await
        .unwrap();
    assert_eq!(find_grant(store, "two").await, Some(bare));
    assert_eq!(find_grant(store, "one").await, Some(full.clone()));
    let by_user_code = |issuer: &'static str| {
        store.read(move |tx| device_grants::find_by_user_code(tx, issuer, &hash("WDJBMJHT")))
    };
    assert_eq!(by_user_code(ISSUER).await, Ok(Some(full)));
    assert_eq!(by_user_code("/other").await, Ok(None));
}

pub(crate) async fn every_state_of_a_device_grant_is_kept(store: &Store) {
    let mut kept = device_grant("one", "WDJBMJHT");
    let first = kept.clone();
    let mut decisions = store.device_decisions();
    store
        .write(move |tx| device_grants::insert(tx, &first))
        .await
        .unwrap();
    for state in [
        DeviceGrantState::Approved {
            seed: Box::new(seed()),
        },
        DeviceGrantState::Redeemed {
            authorization: id(),
        },
        DeviceGrantState::Denied,
    ] {
        kept.state = state;
        kept.interval += Duration::from_secs(5);
        kept.last_poll_at = Some(now() + kept.interval);
        let changed = kept.clone();
        store
            .write(move |tx| device_grants::save(tx, &changed))
            .await
            .unwrap();
        assert_eq!(find_grant(store, "one").await, Some(kept.clone()));
        // Whoever remembers the grant knows that it changed.
        assert!(store.device_decisions() > decisions);
        decisions = store.device_decisions();
        let polled = store.read(|tx| device_grants::find_polled(tx, ISSUER, &hash("one")));
        let polled = polled.await.unwrap().unwrap();
        assert_eq!(
            (polled.client_id, polled.resource, polled.expires_at),
            (
                kept.client_id.clone(),
                kept.resource.clone(),
                kept.expires_at
            )
        );
        assert_eq!(
            (polled.pace.interval, polled.pace.last_poll_at),
            (kept.interval, kept.last_poll_at)
        );
    }
}

pub(crate) async fn s_09_a_remembered_user_code_is_not_given_out_again(store: &Store) {
    let insert = |secret: &'static str, issuer: &'static str| {
        let grant = DeviceGrant {
            issuer: issuer.to_owned(),
            ..device_grant(secret, "WDJBMJHT")
        };
        store.write(move |tx| device_grants::insert(tx, &grant))
    };
    let purge =
        |now| store.write(move |tx| device_grants::purge_expired(tx, now, minutes(1440), 10));
    assert_eq!(insert("one", ISSUER).await, Ok(()));
    assert_eq!(insert("two", ISSUER).await, Err(StoreError::Conflict));
    assert_eq!(insert("two", "/other").await, Ok(()));
    assert_eq!(purge(now() + minutes(1449)).await, Ok(0));
    assert_eq!(purge(now() + minutes(1450)).await, Ok(2));
    assert_eq!(insert("three", ISSUER).await, Ok(()));
    // A conflict does not spoil the job: it may draw again at once.
    let redraw = store.write(|tx| {
        let first = device_grants::insert(tx, &device_grant("four", "WDJBMJHT"));
        assert_eq!(first, Err(StoreError::Conflict));
        device_grants::insert(tx, &device_grant("four", "BCDFGHJK"))
    });
    assert_eq!(redraw.await, Ok(()));
}

pub(crate) async fn live_grants_are_counted_by_client_and_rows_by_number(store: &Store) {
    let mut denied = device_grant("denied", "BBBBBBBB");
    denied.state = DeviceGrantState::Denied;
    let mut foreign = device_grant("foreign", "CCCCCCCC");
    foreign.client_id = ClientId::new("other");
    let live = device_grant("live", "DDDDDDDD");
    store
        .write(move |tx| {
            [&denied, &foreign, &live]
                .into_iter()
                .try_for_each(|grant| device_grants::insert(tx, grant))
        })
        .await
        .unwrap();
    let live =
        |now| store.read(move |tx| device_grants::count_live_of_client(tx, ISSUER, &client(), now));
    assert_eq!(live(now()).await, Ok(1));
    assert_eq!(live(now() + minutes(10)).await, Ok(0));
    assert_eq!(store.read(device_grants::count_rows).await, Ok(3));
    let two = store
        .write(|tx| device_grants::purge_expired(tx, now() + minutes(60), Duration::ZERO, 2))
        .await;
    assert_eq!(two, Ok(2), "no more than the limit");
}

pub(crate) async fn pending_grants_are_listed_for_one_issuer(store: &Store) {
    let mut newer = device_grant("newer", "BBBBBBBB");
    newer.created_at = now() + minutes(1);
    let older = device_grant("older", "CCCCCCCC");
    let mut denied = device_grant("denied", "DDDDDDDD");
    denied.state = DeviceGrantState::Denied;
    let expected = vec![newer.clone(), older.clone()];
    store
        .write(move |tx| {
            [&older, &newer, &denied]
                .into_iter()
                .try_for_each(|grant| device_grants::insert(tx, grant))
        })
        .await
        .unwrap();
    let pending = |issuer: &'static str, now| {
        store.read(move |tx| device_grants::list_pending(tx, issuer, now))
    };
    assert_eq!(pending(ISSUER, now()).await, Ok(expected));
    assert_eq!(pending("/other", now()).await, Ok(vec![]));
    assert_eq!(pending(ISSUER, now() + minutes(10)).await, Ok(vec![]));
}
