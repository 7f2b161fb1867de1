//! Decisions of people about clients, and where devices were seen.

use std::net::IpAddr;

use hallpass_issuer::consent::Consent;
use hallpass_issuer::network::Confirmed;
use hallpass_protocol::{ClientId, Scopes, UserId};
use hallpass_store::{Store, confirmed_networks, consents, device_grants};

use crate::records::{ISSUER, device_grant, minutes, now};

fn scopes(text: &str) -> Scopes {
    Scopes::parse(text).unwrap()
}

fn consent(user: &str, client: &str, resource: &str) -> Consent {
    Consent {
        issuer: ISSUER.to_owned(),
        user: UserId::new(user),
        client_id: ClientId::new(client),
        resource: resource.to_owned(),
        scopes: scopes("openid api:read"),
        granted_at: now(),
        expires_at: now() + minutes(60),
    }
}

async fn save(store: &Store, consent: &Consent, asked: &str) {
    let (consent, asked) = (consent.clone(), scopes(asked));
    let saved = store
        .write(move |tx| consents::save(tx, &consent, &asked))
        .await;
    saved.unwrap();
}

async fn list(store: &Store, issuer: &'static str, user: &str, client: &str) -> Vec<Consent> {
    let (user, client) = (UserId::new(user), ClientId::new(client));
    let found = store.read(move |tx| consents::list(tx, (issuer, &user), &client));
    found.await.unwrap()
}

pub(crate) async fn a_decision_comes_back_whole_for_its_person_client_and_resource(store: &Store) {
    let (one, other) = (
        consent("ada", "web", ""),
        consent("ada", "web", "https://api"),
    );
    save(store, &other, "openid api:read").await;
    save(store, &one, "openid api:read").await;
    save(store, &consent("ada", "app", ""), "openid api:read").await;
    assert_eq!(list(store, ISSUER, "ada", "web").await, [one, other]);
    for (issuer, user, client) in [
        ("elsewhere", "ada", "web"),
        (ISSUER, "bob", "web"),
        (ISSUER, "ada", "x"),
    ] {
        assert_eq!(
            list(store, issuer, user, client).await,
            [],
            "{issuer} {user} {client}"
        );
    }
    let of_ada = store.read(|tx| consents::list_of_user(tx, ISSUER, &UserId::new("ada")));
    let clients: Vec<_> = of_ada.await.unwrap();
    let clients: Vec<_> = clients
        .iter()
        .map(|found| found.client_id.as_str())
        .collect();
    assert_eq!(clients, ["app", "web", "web"]);
}

pub(crate) async fn a_newer_decision_replaces_what_it_is_about(store: &Store) {
    save(store, &consent("ada", "web", ""), "openid api:read").await;
    let later = Consent {
        scopes: scopes("openid mail"),
        granted_at: now() + minutes(1),
        expires_at: now() + minutes(61),
        ..consent("ada", "web", "")
    };
    save(store, &later, "openid mail").await;
    let kept = list(store, ISSUER, "ada", "web").await;
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].scopes, scopes("api:read openid mail"));
    assert_eq!(
        (kept[0].granted_at, kept[0].expires_at),
        (later.granted_at, later.expires_at)
    );
    // Asked about `api:read` again, the person left it out.
    save(store, &later, "openid mail api:read").await;
    assert_eq!(
        list(store, ISSUER, "ada", "web").await[0].scopes,
        scopes("openid mail")
    );
}

pub(crate) async fn decisions_are_forgotten_by_person_client_and_time(store: &Store) {
    let lasting = Consent {
        expires_at: now() + minutes(90),
        ..consent("bob", "web", "")
    };
    for consent in [
        &consent("ada", "web", ""),
        &consent("ada", "web", "https://api"),
        &lasting,
    ] {
        save(store, consent, "openid api:read").await;
    }
    save(store, &consent("eve", "app", ""), "openid").await;
    let gone = store
        .write(|tx| consents::delete(tx, (ISSUER, &UserId::new("ada")), &ClientId::new("web")));
    assert_eq!(gone.await, Ok(2));
    assert_eq!(list(store, ISSUER, "ada", "web").await, []);
    let purge = |at| store.write(move |tx| consents::purge_expired(tx, at, 10));
    assert_eq!(purge(now() + minutes(59)).await, Ok(0));
    assert_eq!(purge(now() + minutes(60)).await, Ok(1));
    assert_eq!(list(store, ISSUER, "bob", "web").await, [lasting]);
    let by_client = store.write(|tx| consents::delete_by_client(tx, &ClientId::new("web")));
    by_client.await.unwrap();
    assert_eq!(list(store, ISSUER, "bob", "web").await, []);
}

pub(crate) async fn s_270_the_first_other_address_of_a_device_is_kept(store: &Store) {
    let grant = device_grant("device", "BCDFGHJK");
    let code = grant.code_hash;
    let kept = grant.clone();
    store
        .write(move |tx| device_grants::insert(tx, &kept))
        .await
        .unwrap();
    let [first, second] = ["2001:db8::1", "192.0.2.9"].map(|text| text.parse::<IpAddr>().unwrap());
    for address in [first, second] {
        let saved = store.write(move |tx| device_grants::save_other_address(tx, &code, address));
        saved.await.unwrap();
    }
    let found = store
        .read(move |tx| device_grants::find_by_code(tx, ISSUER, &code))
        .await;
    let found = found.unwrap().unwrap();
    assert_eq!(found.requester.other_address, Some(first));
    assert_eq!(found.requester.address, grant.requester.address);
    let polled = store
        .read(move |tx| device_grants::find_polled(tx, ISSUER, &code))
        .await;
    let polled = polled.unwrap().unwrap();
    assert_eq!(
        (polled.address, polled.other_address),
        (grant.requester.address, Some(first))
    );
}

pub(crate) async fn s_275_a_pair_of_networks_is_remembered_for_its_person_until_it_is_over(
    store: &Store,
) {
    let address = |text: &str| text.parse().unwrap();
    let pair = |issuer, user, browser, program| {
        let user = UserId::new(user);
        Confirmed::new(issuer, &user, address(browser), address(program))
    };
    let is_confirmed = async |pair: Confirmed, at| {
        let found = store.read(move |tx| confirmed_networks::is_confirmed(tx, &pair, at));
        found.await.unwrap()
    };
    let (home, away) = ("2001:db8::1", "192.0.2.1");
    let ours = pair(ISSUER, "net-ada", home, away);
    let confirm = |until| {
        let ours = ours.clone();
        store.write(move |tx| confirmed_networks::save(tx, &ours, until))
    };
    confirm(now()).await.unwrap();
    assert!(!is_confirmed(ours.clone(), now()).await, "over");
    confirm(now() + minutes(2)).await.unwrap();
    // Every address of the two networks, nothing else.
    let neighbour = pair(ISSUER, "net-ada", "2001:db8::ffff", away);
    assert!(is_confirmed(neighbour, now() + minutes(1)).await);
    for other in [
        pair(ISSUER, "net-ada", away, home),
        pair(ISSUER, "net-ada", home, "192.0.2.2"),
        pair(ISSUER, "net-ada", "2001:db8:0:1::1", away),
        pair(ISSUER, "net-bob", home, away),
        pair("elsewhere", "net-ada", home, away),
    ] {
        assert!(!is_confirmed(other.clone(), now()).await, "{other:?}");
    }
    let purge = |at| store.write(move |tx| confirmed_networks::purge_expired(tx, at, 10));
    assert_eq!(purge(now() + minutes(1)).await, Ok(0));
    assert_eq!(purge(now() + minutes(2)).await, Ok(1));
    confirm(now() + minutes(2)).await.unwrap();
    let forget =
        store.write(|tx| confirmed_networks::delete_by_user(tx, ISSUER, &UserId::new("net-ada")));
    forget.await.unwrap();
    assert!(!is_confirmed(ours, now()).await);
}
