//! Clients that registered themselves.

use hallpass_issuer::authorization::RevokeReason;
use hallpass_issuer::registration::RegisteredClient;
use hallpass_protocol::ClientId;
use hallpass_protocol::registration::ClientMetadata;
use hallpass_store::{Store, authorizations, clients};

use crate::records::{ISSUER, authorization, client, hash, now};

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
