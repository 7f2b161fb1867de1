//! What an API says about itself (RFC 9728), and what is believed of it.

use hallpass_client::{Error, ErrorKind, ProtectedResource, SecurityViolation, SystemTransport};
use serde_json::{Value, json};

use crate::fake::{Answer, Fake};

const PLACE: &str = "/.well-known/oauth-protected-resource";

async fn discover(address: &str) -> Result<ProtectedResource, Error> {
    ProtectedResource::discover(address, SystemTransport::new()).await
}

fn document(resource: &str) -> Value {
    json!({
        "resource": resource, "authorization_servers": ["https://as.test", "https://b.test"],
        "scopes_supported": ["api:read"], "dpop_bound_access_tokens_required": true,
    })
}

fn refuses(api: &Fake, path: &str, place: &str) {
    let challenge = format!(r#"Bearer realm="x", resource_metadata="{place}""#);
    api.on(path, move |_, _| {
        Answer::Raw(
            401,
            vec![("www-authenticate", challenge.clone())],
            String::new(),
        )
    });
}

#[tokio::test]
async fn c_75_the_challenge_leads_to_server_scopes_and_resource_and_nothing_secret_is_sent() {
    let api = Fake::start().await;
    let url = format!("{}/v1/me", api.issuer);
    refuses(&api, "/v1/me", &format!("{}/described", api.issuer));
    let body = document(&url);
    api.on("/described", move |_, _| Answer::Json(200, body.clone()));
    let found = discover(&url).await.unwrap();
    assert_eq!(found.resource, url);
    assert_eq!(
        (found.scopes, found.requires_dpop),
        (vec!["api:read".to_owned()], true)
    );
    assert_eq!(api.all_seen().len(), 2);
    for seen in api.all_seen() {
        assert_eq!(
            (seen.authorization, seen.dpop, seen.cookie),
            (None, None, None)
        );
        assert_eq!((seen.method.as_str(), seen.body.as_str()), ("GET", ""));
    }
}

#[tokio::test]
async fn a_server_that_is_preferred_is_taken_where_the_api_names_it() {
    let api = Fake::start().await;
    let body = document(&api.issuer);
    api.on(PLACE, move |_, _| Answer::Json(200, body.clone()));
    let found = discover(&api.issuer).await.unwrap();
    assert_eq!(found.server(None), "https://as.test");
    assert_eq!(found.server(Some("https://b.test")), "https://b.test");
    assert_eq!(found.server(Some("https://evil.test")), "https://as.test");
}

#[tokio::test]
async fn without_a_challenge_the_well_known_places_of_address_and_host_are_asked() {
    let api = Fake::start().await;
    let url = format!("{}/v1/me", api.issuer);
    let body = document(&api.issuer);
    api.on(PLACE, move |_, _| Answer::Json(200, body.clone()));
    assert_eq!(discover(&url).await.unwrap().resource, api.issuer);
    let own = document(&url);
    api.on(&format!("{PLACE}/v1/me"), move |_, _| {
        Answer::Json(200, own.clone())
    });
    assert_eq!(discover(&url).await.unwrap().resource, url);
    // A page for every address is no document.
    let html = Fake::start().await;
    html.on(PLACE, |_, _| {
        Answer::Raw(
            200,
            vec![("content-type", "text/html".to_owned())],
            "<html>".to_owned(),
        )
    });
    assert_eq!(
        discover(&html.issuer).await.unwrap_err().kind(),
        &ErrorKind::Config
    );
}

#[tokio::test]
async fn c_75_a_document_about_another_resource_is_not_used() {
    let wrong = &ErrorKind::Security(SecurityViolation::Resource);
    let api = Fake::start().await;
    let url = format!("{}/v1/me", api.issuer);
    refuses(&api, "/v1/me", &format!("{}/described", api.issuer));
    for resource in [
        "https://bank.example".to_owned(),
        format!("{}/v1", api.issuer),
        format!("{}/v1/me/", api.issuer),
        api.issuer.clone(),
        String::new(),
    ] {
        let body = document(&resource);
        api.on("/described", move |_, _| Answer::Json(200, body.clone()));
        assert_eq!(
            discover(&url).await.unwrap_err().kind(),
            wrong,
            "{resource}"
        );
    }
    // The same at the well-known place.
    let plain = Fake::start().await;
    let body = document("https://bank.example");
    plain.on(PLACE, move |_, _| Answer::Json(200, body.clone()));
    assert_eq!(discover(&plain.issuer).await.unwrap_err().kind(), wrong);
}

#[tokio::test]
async fn c_75_an_api_cannot_make_this_machine_ask_another_host() {
    let (api, inside) = (Fake::start().await, Fake::start().await);
    let url = format!("{}/v1/me", api.issuer);
    let body = document(&url);
    inside.on("/described", move |_, _| Answer::Json(200, body.clone()));
    for place in [
        format!("{}/described", inside.issuer),
        "http://169.254.169.254/latest".to_owned(),
        "file:///etc/passwd".to_owned(),
        "/described".to_owned(),
    ] {
        refuses(&api, "/v1/me", &place);
        assert_eq!(discover(&url).await.unwrap_err().exit_code(), 8, "{place}");
    }
    // Nor by a redirect.
    let away = format!("{}/described", inside.issuer);
    refuses(&api, "/v1/me", &format!("{}/moved", api.issuer));
    api.on("/moved", move |_, _| {
        Answer::Raw(302, vec![("location", away.clone())], String::new())
    });
    assert_eq!(discover(&url).await.unwrap_err().exit_code(), 8);
    let away = format!("{}/described", inside.issuer);
    api.on("/v1/you", move |_, _| {
        Answer::Raw(302, vec![("location", away.clone())], String::new())
    });
    let lost = discover(&format!("{}/v1/you", api.issuer))
        .await
        .unwrap_err();
    assert_eq!(lost.kind(), &ErrorKind::Config);
    assert!(inside.all_seen().is_empty());
}

#[tokio::test]
async fn an_address_that_is_not_secure_and_a_document_without_a_usable_server_are_refused() {
    for address in [
        "http://api.test/me",
        "ftp://api.test",
        "api.test",
        "https://u:p@api.test/",
    ] {
        assert_eq!(
            discover(address).await.unwrap_err().exit_code(),
            5,
            "{address}"
        );
    }
    let api = Fake::start().await;
    for servers in [
        json!([]),
        json!(["http://as.test"]),
        json!(["javascript:1"]),
    ] {
        let mut body = document(&api.issuer);
        body["authorization_servers"] = servers;
        api.on(PLACE, move |_, _| Answer::Json(200, body.clone()));
        assert_eq!(
            discover(&api.issuer).await.unwrap_err().kind(),
            &ErrorKind::Config
        );
    }
}
