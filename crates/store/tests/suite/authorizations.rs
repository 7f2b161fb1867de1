//! Authorizations and their refresh families.

use std::time::Duration;

use hallpass_issuer::authorization::{Authorization, RefreshLifetimes, RevokeReason};
use hallpass_issuer::grants::refresh_token::{self, Brought, Refreshed};
use hallpass_issuer::tokens::refresh_token::RefreshToken;
use hallpass_protocol::random::SystemRandom;
use hallpass_protocol::{ClientId, UserId};
use hallpass_store::{Store, authorizations};

use crate::records::{ISSUER, authorization, client, hash, id, minutes, now};

async fn find_authorization(store: &Store, like: &Authorization) -> Option<Authorization> {
    let id = like.id;
    store
        .read(move |tx| authorizations::find(tx, id))
        .await
        .unwrap()
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
