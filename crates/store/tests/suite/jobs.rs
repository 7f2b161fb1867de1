//! Jobs side by side: nobody's failure is another's, and nothing answered is lost.

use std::sync::Arc;

use hallpass_issuer::client::{AuthenticatedClient, Client, Occasion};
use hallpass_issuer::grants::authorization_code::{NetworkMismatch, Redemption};
use hallpass_protocol::client_auth::ClientCredentials;
use hallpass_store::{Store, StoreError, authorization_codes, authorizations, revocations};

use crate::records::{ISSUER, authorization, client, code, hash, id, minutes, now};

pub(crate) async fn s_22_of_fifty_redemptions_of_one_code_one_wins(store: &Store) {
    of_fifty_redemptions_one_wins(std::slice::from_ref(store)).await;
}

/// The redemptions take turns on the nodes.
pub(crate) async fn of_fifty_redemptions_one_wins(nodes: &[Store]) {
    let mut issued = code("one");
    issued.challenge = None;
    issued.dpop_jkt = None;
    let redirect_uri = issued.redirect_uri.clone();
    nodes[0]
        .write(move |tx| authorization_codes::insert(tx, &issued))
        .await
        .unwrap();
    let registered = Some(Arc::new(Client::unconfigured(client())));
    let occasion = Occasion {
        audiences: &[],
        now: now(),
    };
    let client = AuthenticatedClient::authenticate(
        registered,
        &ClientCredentials::Named(client()),
        occasion,
    )
    .unwrap();

    let redemptions = nodes.iter().cycle().take(50).map(|store| {
        let (store, client, redirect_uri) = (store.clone(), client.clone(), redirect_uri.clone());
        tokio::spawn(async move {
            store
                .write(move |tx| {
                    let mut code = authorization_codes::find(tx, ISSUER, &hash("one"))?.unwrap();
                    let brought = Redemption {
                        client: &client,
                        redirect_uri: Some(&redirect_uri),
                        code_verifier: None,
                        dpop_jkt: None,
                        address: None,
                        mismatch: NetworkMismatch::default(),
                    };
                    let answer = code.redeem(&brought, id(), now());
                    authorization_codes::save(tx, &code)?;
                    Ok(answer.is_ok())
                })
                .await
                .unwrap()
        })
    });
    let redemptions: Vec<_> = redemptions.collect();
    let mut winners = 0;
    for redemption in redemptions {
        winners += usize::from(redemption.await.unwrap());
    }
    assert_eq!(winners, 1);
}

pub(crate) async fn two_writers_at_once_lose_nothing(store: &Store) {
    let kept = authorization();
    let (id, first) = (kept.id, kept);
    store
        .write(move |tx| authorizations::insert(tx, &first))
        .await
        .unwrap();
    let writers = [(); 2].map(|()| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..100 {
                let refresh = store.write(move |tx| {
                    let mut authorization = authorizations::find(tx, id)?.unwrap();
                    authorization.refresh.as_mut().unwrap().generation += 1;
                    authorizations::save(tx, &authorization)
                });
                refresh.await.unwrap();
            }
        })
    });
    for writer in writers {
        writer.await.unwrap();
    }
    let kept = store
        .read(move |tx| authorizations::find(tx, id))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(kept.refresh.unwrap().generation, 207);
}

async fn is_revoked(store: &Store, jti: &'static str) -> bool {
    store
        .read(move |tx| revocations::is_revoked_jti(tx, ISSUER, jti))
        .await
        .unwrap()
}

fn revoke(
    store: &Store,
    jti: &'static str,
    fails: bool,
) -> impl Future<Output = Result<(), StoreError>> {
    store.write(move |tx| {
        revocations::insert_jti(tx, ISSUER, jti, now() + minutes(5))?;
        if fails {
            Err(StoreError::Conflict)
        } else {
            Ok(())
        }
    })
}

pub(crate) async fn a_failing_job_harms_nobody(store: &Store) {
    // In one batch where there are batches: all three are queued before the first is answered.
    let (before, failing, after) = tokio::join!(
        revoke(store, "before", false),
        revoke(store, "failing", true),
        revoke(store, "after", false),
    );
    assert_eq!(
        (before, failing, after),
        (Ok(()), Err(StoreError::Conflict), Ok(()))
    );
    assert!(is_revoked(store, "before").await);
    assert!(!is_revoked(store, "failing").await);
    assert!(is_revoked(store, "after").await);
}

pub(crate) async fn a_panicking_job_fails_alone(store: &Store) {
    let (before, panicking, after) = tokio::join!(
        revoke(store, "before", false),
        store.write(|tx| -> Result<(), StoreError> {
            revocations::insert_jti(tx, ISSUER, "panicking", now())?;
            panic!("a test's panic")
        }),
        revoke(store, "after", false),
    );
    assert_eq!((before, after), (Ok(()), Ok(())));
    assert!(matches!(panicking, Err(StoreError::Unavailable(_))));
    assert!(!is_revoked(store, "panicking").await);
    let read = store
        .read(|_| -> Result<(), StoreError> { panic!("a test's panic") })
        .await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))));
    assert!(is_revoked(store, "after").await);
}

pub(crate) async fn a_read_cannot_write(store: &Store) {
    let read = store
        .read(|tx| revocations::insert_jti(tx, ISSUER, "a", now()))
        .await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))));
    assert!(!is_revoked(store, "a").await);
}

pub(crate) async fn a_job_with_a_failed_statement_leaves_nothing(store: &Store) {
    let kept = authorization();
    let again = store
        .write(move |tx| {
            revocations::insert_jti(tx, ISSUER, "a", now())?;
            authorizations::insert(tx, &kept)?;
            // An engine that tells later and a job that looks away make no difference.
            drop(authorizations::insert(tx, &kept));
            Ok(())
        })
        .await;
    assert_eq!(again, Err(StoreError::Conflict));
    assert!(!is_revoked(store, "a").await);
    let nul = store
        .write(|tx| revocations::insert_jti(tx, ISSUER, "a\0", now()))
        .await;
    assert!(matches!(nul, Err(StoreError::Corrupt(_))), "{nul:?}");
}

pub(crate) async fn an_answered_write_is_read_at_once(store: &Store) {
    for round in 0..200 {
        let jti = format!("token {round}");
        let written = jti.clone();
        store
            .write(move |tx| revocations::insert_jti(tx, ISSUER, &written, now()))
            .await
            .unwrap();
        let read = store
            .read(move |tx| revocations::is_revoked_jti(tx, ISSUER, &jti))
            .await;
        assert_eq!(read, Ok(true));
    }
}

pub(crate) async fn a_closed_store_says_so(store: &Store) {
    let (last, ()) = tokio::join!(revoke(store, "last", false), store.close());
    assert_eq!(last, Ok(()), "what was asked for before is done");
    for _ in 0..2 {
        assert!(matches!(
            revoke(store, "late", false).await,
            Err(StoreError::Unavailable(_))
        ));
        let read = store
            .read(|tx| revocations::is_revoked_jti(tx, ISSUER, "last"))
            .await;
        assert!(matches!(read, Err(StoreError::Unavailable(_))));
        store.close().await;
    }
}
