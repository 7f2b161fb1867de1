//! Which authorizations a person and a browser have, while rows come and go.

use hallpass_issuer::authorization::{Authorization, RevokeReason};
use hallpass_protocol::UserId;
use hallpass_store::authorization_lookups::{self, Place};
use hallpass_store::{Store, authorizations};

use crate::records::{ISSUER, authorization, id, minutes, now, session_id};

/// Sign-ins of so many people, each in a browser of their own, two for each person.
async fn sign_in(store: &Store, people: u32) -> Vec<Authorization> {
    let rows = (0..2 * people).map(|number| {
        let mut row = authorization();
        row.id = id();
        row.seed.user.id = UserId::new(format!("person-{}", number % people));
        row.seed.browser_session = Some(session_id(&format!("browser-{number}")));
        row
    });
    let rows: Vec<_> = rows.collect();
    let kept = rows.clone();
    store
        .write(move |tx| {
            kept.iter()
                .try_for_each(|row| authorizations::insert(tx, row))
        })
        .await
        .unwrap();
    rows
}

/// Revokes and purges.
async fn forget(store: &Store, rows: &[Authorization]) {
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let purged = store.write(move |tx| {
        for id in &ids {
            assert!(authorizations::revoke(tx, *id, RevokeReason::User, now())?);
        }
        authorizations::purge_expired(tx, now() + minutes(1), minutes(1), 1000)
    });
    assert_eq!(purged.await, Ok(rows.len().try_into().unwrap()));
}

async fn ids_of(store: &Store, person: &str) -> Vec<hallpass_protocol::AuthorizationId> {
    let user = UserId::new(person);
    let listed = store
        .read(move |tx| authorizations::list_by_user(tx, ISSUER, &user))
        .await
        .unwrap();
    let mut ids: Vec<_> = listed.into_iter().map(|found| found.id).collect();
    ids.sort();
    ids
}

/// One batch of a sweep; how many entries it removed, and where it came to.
async fn sweep(store: &Store, from: Place, limit: u32) -> (usize, Place) {
    let look = store.read(move |tx| authorization_lookups::list_dangling(tx, &from, limit));
    let (dangling, next) = look.await.unwrap();
    let count = dangling.len();
    let delete = store.write(move |tx| authorization_lookups::delete(tx, &dangling));
    delete.await.unwrap();
    (count, next)
}

pub(crate) async fn a_purged_authorization_is_nobodys_and_a_sweep_forgets_whose_it_was(
    store: &Store,
) {
    let rows = sign_in(store, 2).await;
    forget(store, &rows[..1]).await;
    assert_eq!(ids_of(store, "person-0").await, [rows[2].id]);
    let (removed, _) = sweep(store, Place::default(), 100).await;
    // The purge left one entry by person and one by browser behind, where these are tables.
    let left = if store.has_other_nodes() { 0 } else { 2 };
    assert_eq!(removed, left);
    assert_eq!(sweep(store, Place::default(), 100).await.0, 0);
    assert_eq!(ids_of(store, "person-0").await, [rows[2].id]);
    let mut both = [rows[1].id, rows[3].id];
    both.sort();
    assert_eq!(ids_of(store, "person-1").await, both, "the living stay");
    let ended = store.write(|tx| {
        let session = session_id("browser-2");
        authorizations::revoke_online_by_browser_session(
            tx,
            &session,
            RevokeReason::SignedOut,
            now(),
        )
    });
    assert_eq!(ended.await, Ok(1));
}

pub(crate) async fn a_sweep_from_anywhere_comes_everywhere(store: &Store) {
    let rows = sign_in(store, 25).await;
    forget(store, &rows[10..40]).await;
    let (mut place, mut removed) = (Place::random(now()), 0);
    // Fifty entries in each table, seven at a time: eight batches from the start to the end.
    for _ in 0..16 {
        let (count, next) = sweep(store, place, 7).await;
        removed += count;
        place = next;
    }
    assert_eq!(removed, if store.has_other_nodes() { 0 } else { 60 });
    assert_eq!(ids_of(store, "person-0").await.len(), 1);
}

pub(crate) async fn an_id_that_is_kept_again_is_found_again(store: &Store) {
    let rows = sign_in(store, 1).await;
    store.write(authorizations::delete_all).await.unwrap();
    assert_eq!(ids_of(store, "person-0").await, []);
    let again = rows[0].clone();
    store
        .write(move |tx| authorizations::insert(tx, &again))
        .await
        .unwrap();
    assert_eq!(ids_of(store, "person-0").await, [rows[0].id]);
}
