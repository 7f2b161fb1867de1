//! Each table: insert, find, save, purge.

use std::time::Duration;

use hallpass_issuer::authorization::{Authorization, RefreshLifetimes, RevokeReason};
use hallpass_issuer::grants::authorization_code::{AuthorizationCode, CodeState};
use hallpass_issuer::grants::device_code::{DeviceGrant, DeviceGrantState};
use hallpass_issuer::grants::refresh_token::{self, Brought, Refreshed};
use hallpass_issuer::pushed_request::PushedRequest;
use hallpass_issuer::registration::RegisteredClient;
use hallpass_issuer::tokens::refresh_token::RefreshToken;
use hallpass_issuer::tokens::signing_key::SigningKeyRecord;
use hallpass_protocol::authorization::AuthorizationRequest;
use hallpass_protocol::random::SystemRandom;
use hallpass_protocol::registration::ClientMetadata;
use hallpass_protocol::{ClientId, UserId};
use hallpass_store::{
    Store, StoreError, authorization_codes, authorizations, browser_sessions, clients,
    device_grants, proof_ids, pushed_requests, revocations, signing_keys,
};

use crate::records::{
    self, ISSUER, authorization, browser_session, client, code, device_grant, hash, id, minutes,
    now, seed,
};

async fn find_code(store: &Store, secret: &'static str) -> Option<AuthorizationCode> {
    store
        .read(|tx| authorization_codes::find(tx, ISSUER, &hash(secret)))
        .await
        .unwrap()
}

async fn find_grant(store: &Store, secret: &'static str) -> Option<DeviceGrant> {
    store
        .read(|tx| device_grants::find_by_code(tx, ISSUER, &hash(secret)))
        .await
        .unwrap()
}

async fn find_authorization(store: &Store, like: &Authorization) -> Option<Authorization> {
    let id = like.id;
    store
        .read(move |tx| authorizations::find(tx, id))
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

pub(crate) async fn an_authorization_comes_back_whole(store: &Store) {
    let full = authorization();
    let mut bare = authorization();
    bare.refresh = None;
    bare.address = None;
    bare.seed.nonce = None;
    bare.created_at = now() + minutes(1);
    bare.revoked = Some((now() + minutes(2), RevokeReason::Client));
    let (first, second) = (full.clone(), bare.clone());
    store
        .write(move |tx| {
            authorizations::insert(tx, &first)?;
            authorizations::insert(tx, &second)
        })
        .await
        .unwrap();
    assert_eq!(find_authorization(store, &full).await, Some(full.clone()));
    assert_eq!(find_authorization(store, &bare).await, Some(bare.clone()));
    let of_user = |issuer: &'static str, user: &'static str| {
        store.read(move |tx| authorizations::list_by_user(tx, issuer, &UserId::new(user)))
    };
    assert_eq!(of_user(ISSUER, "zoë").await, Ok(vec![bare, full]));
    assert_eq!(of_user("/other", "zoë").await, Ok(vec![]));
    assert_eq!(of_user(ISSUER, "ada").await, Ok(vec![]));
}

pub(crate) async fn the_first_reason_of_a_revocation_stays(store: &Store) {
    let mut kept = authorization();
    let (id, first) = (kept.id, kept.clone());
    store
        .write(move |tx| authorizations::insert(tx, &first))
        .await
        .unwrap();
    let revoke = |reason, at| store.write(move |tx| authorizations::revoke(tx, id, reason, at));
    assert_eq!(revoke(RevokeReason::CodeReplayed, now()).await, Ok(true));
    assert_eq!(
        revoke(RevokeReason::User, now() + minutes(1)).await,
        Ok(false)
    );
    // Whoever loaded it before and saves it now does not bring it back.
    let (stale, mut other) = (kept.clone(), kept.clone());
    other.revoke(RevokeReason::RefreshReused, now() + minutes(2));
    store
        .write(move |tx| authorizations::save(tx, &stale))
        .await
        .unwrap();
    store
        .write(move |tx| authorizations::save(tx, &other))
        .await
        .unwrap();
    kept.revoke(RevokeReason::CodeReplayed, now());
    assert_eq!(find_authorization(store, &kept).await, Some(kept));
}

pub(crate) async fn a_refresh_moves_the_family_and_nothing_else(store: &Store) {
    let mut kept = authorization();
    let (first, bystander) = (kept.clone(), authorization());
    let neighbour = bystander.clone();
    store
        .write(move |tx| {
            authorizations::insert(tx, &first)?;
            authorizations::insert(tx, &bystander)
        })
        .await
        .unwrap();
    let family = kept.refresh.as_mut().unwrap();
    family.generation += 1;
    family.previously_rotated_at = family.rotated_at.replace(now());
    family.idle_expires_at = now() + minutes(200);
    let changed = kept.clone();
    store
        .write(move |tx| authorizations::save(tx, &changed))
        .await
        .unwrap();
    assert_eq!(find_authorization(store, &kept).await, Some(kept));
    assert_eq!(find_authorization(store, &neighbour).await, Some(neighbour));
}

/// The key that the records are bound to.
const SHOWN_JKT: &str = "thumbprint-3";

pub(crate) fn brought<'a>(client: &'a ClientId, token: &'a RefreshToken) -> Brought<'a> {
    Brought {
        client,
        token,
        dpop_jkt: Some(SHOWN_JKT),
        address: Some("2001:db8::7:8".parse().unwrap()),
    }
}

/// The statement and the issuer's rule agree about every kind of row and token.
pub(crate) async fn a_rotation_is_what_the_issuer_decides(store: &Store) {
    type Change = fn(&mut Authorization, &mut RefreshToken);
    let changes: &[(&str, Change)] = &[
        ("as it is", |_, _| {}),
        ("never rotated", |row, _| {
            let family = row.refresh.as_mut().unwrap();
            (family.rotated_at, family.previously_rotated_at) = (None, None);
        }),
        ("soon over", |row, _| {
            row.refresh.as_mut().unwrap().absolute_expires_at = now() + minutes(1);
        }),
        ("idle too long", |row, _| {
            row.refresh.as_mut().unwrap().idle_expires_at = now();
        }),
        ("over", |row, _| {
            row.refresh.as_mut().unwrap().absolute_expires_at = now();
        }),
        ("revoked", |row, _| row.revoke(RevokeReason::User, now())),
        ("another client's", |row, _| {
            row.client_id = ClientId::new("other");
        }),
        ("does not rotate", |row, _| {
            row.refresh.as_mut().unwrap().rotates = false;
        }),
        ("without tokens", |row, _| row.refresh = None),
        ("another seed", |row, _| {
            row.refresh.as_mut().unwrap().seed_hash = hash("other");
        }),
        ("a clock apart", |row, _| {
            row.refresh.as_mut().unwrap().rotated_at = Some(now() + Duration::from_secs(5));
        }),
        ("a clock too far apart", |row, _| {
            row.refresh.as_mut().unwrap().rotated_at = Some(now() + Duration::from_millis(5001));
        }),
        ("bound to no key", |row, _| row.dpop_jkt = None),
        ("bound to another key", |row, _| {
            row.dpop_jkt = Some("another".to_owned());
        }),
        ("one behind", |_, token| token.generation -= 1),
        ("ahead", |_, token| token.generation += 1),
        ("unknown", |row, token| {
            token.authorization = id();
            row.refresh.as_mut().unwrap().generation = 3;
        }),
    ];
    let mut rotations = 0;
    for (name, change) in changes {
        let mut row = authorization();
        let mut token = RefreshToken::first(row.id, &SystemRandom).at(7);
        row.refresh.as_mut().unwrap().seed_hash = token.seed_hash();
        change(&mut row, &mut token);
        let (kept, presented) = (row.clone(), token.clone());
        store
            .write(move |tx| authorizations::insert(tx, &kept))
            .await
            .unwrap();
        let lifetimes = RefreshLifetimes::default();
        let rotated = store.write(move |tx| {
            authorizations::rotate(tx, brought(&client(), &presented), &lifetimes, now())
        });
        let rotated = rotated.await.unwrap();
        let mut expected = row.clone();
        let (client, brought_token) = (client(), token.clone());
        let brought = brought(&client, &brought_token);
        let decided = refresh_token::redeem(&mut expected, brought, &lifetimes, now());
        if token.authorization == row.id && decided == Ok(Refreshed::Rotated) {
            assert_eq!(rotated, Some(expected.clone()), "{name}");
            assert_eq!(
                find_authorization(store, &row).await,
                Some(expected),
                "{name}"
            );
            rotations += 1;
        } else {
            assert_eq!(rotated, None, "{name}");
            assert_eq!(find_authorization(store, &row).await, Some(row), "{name}");
        }
    }
    assert_eq!(rotations, 5);
}

pub(crate) async fn ended_authorizations_are_forgotten(store: &Store) {
    let living = authorization();
    let mut revoked = authorization();
    revoked.revoke(RevokeReason::User, now());
    let mut without_refresh = authorization();
    without_refresh.refresh = None;
    let rows = [living.clone(), revoked, without_refresh];
    store
        .write(move |tx| {
            rows.iter()
                .try_for_each(|row| authorizations::insert(tx, row))
        })
        .await
        .unwrap();
    let purge =
        |now| store.write(move |tx| authorizations::purge_expired(tx, now, minutes(60), 10));
    assert_eq!(purge(now() + minutes(59)).await, Ok(0));
    assert_eq!(purge(now() + minutes(60)).await, Ok(2));
    assert_eq!(find_authorization(store, &living).await, Some(living));
    assert_eq!(purge(now() + minutes(1060)).await, Ok(1));
}

pub(crate) async fn a_browser_session_ends_once(store: &Store) {
    let mut kept = browser_session("cookie");
    let first = kept.clone();
    store
        .write(move |tx| browser_sessions::insert(tx, &first))
        .await
        .unwrap();
    let find = |issuer: &'static str| {
        store.read(move |tx| browser_sessions::find(tx, issuer, &hash("cookie")))
    };
    let end = |at| store.write(move |tx| browser_sessions::end(tx, &hash("cookie"), at));
    assert_eq!(find("/other").await, Ok(None));
    kept.auth_time = now() + minutes(5);
    kept.expires_at = now() + minutes(900);
    kept.address = None;
    let stale = kept.clone();
    store
        .write(move |tx| browser_sessions::save(tx, &stale))
        .await
        .unwrap();
    assert_eq!(find(ISSUER).await, Ok(Some(kept.clone())));
    assert_eq!(end(now() + minutes(6)).await, Ok(true));
    assert_eq!(end(now() + minutes(7)).await, Ok(false));
    let stale = kept.clone();
    store
        .write(move |tx| browser_sessions::save(tx, &stale))
        .await
        .unwrap();
    kept.ended_at = Some(now() + minutes(6));
    assert_eq!(find(ISSUER).await, Ok(Some(kept)));
    let purge =
        |now| store.write(move |tx| browser_sessions::purge_expired(tx, now, minutes(10), 10));
    assert_eq!(purge(now() + minutes(909)).await, Ok(0));
    assert_eq!(purge(now() + minutes(910)).await, Ok(1));
}

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

pub(crate) async fn s_181_s_182_a_registered_client_is_kept_changed_and_removed(store: &Store) {
    let mut registered = RegisteredClient {
        id: client(),
        issuer: ISSUER.to_owned(),
        metadata: ClientMetadata {
            redirect_uris: vec!["https://app.test/cb".to_owned()],
            client_name: Some("My CLI".to_owned()),
            ..ClientMetadata::default()
        },
        secret: Some(hash("secret")),
        registration: hash("registration"),
        created_at: now(),
    };
    let find = || store.read(|tx| clients::find(tx, &client()));
    let kept = registered.clone();
    store
        .write(move |tx| clients::insert(tx, &kept))
        .await
        .unwrap();
    assert_eq!(find().await, Ok(Some(registered.clone())));
    registered.metadata.client_name = None;
    registered.secret = None;
    let save = |changed: RegisteredClient| store.write(move |tx| clients::save(tx, &changed));
    assert_eq!(save(registered.clone()).await, Ok(true));
    assert_eq!(
        store.read(clients::list).await,
        Ok(vec![registered.clone()])
    );
    let granted = authorization();
    let id = granted.id;
    let revoked = store.write(move |tx| {
        authorizations::insert(tx, &granted)?;
        clients::delete(tx, &client())?;
        let other = ClientId::new("other");
        authorizations::revoke_by_client(tx, &other, RevokeReason::Client, now())?;
        assert!(authorizations::is_live(tx, id)?);
        authorizations::revoke_by_client(tx, &client(), RevokeReason::Client, now())
    });
    assert_eq!(revoked.await, Ok(1));
    let is_live = store.read(move |tx| authorizations::is_live(tx, id));
    assert_eq!(is_live.await, Ok(false));
    assert_eq!(find().await, Ok(None));
    assert_eq!(save(registered).await, Ok(false));
    assert_eq!(store.read(clients::count_rows).await, Ok(0));
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
