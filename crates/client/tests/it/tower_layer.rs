//! The token on requests of another client: where it goes, and where it never goes.

use hallpass_client::reqwest::{self, Method, Request, redirect};
use hallpass_client::tower::{AuthLayer, Authorized};
use hallpass_client::{Error, ErrorKind, SignIn};
use serde_json::json;
use tower_layer::Layer as _;
use tower_service::Service as _;

use crate::fake::{Answer, Fake};
use crate::person::Person;

/// A client whose requests carry the token of a session that is for one API.
async fn client(fake: &Fake, resource: &str) -> Authorized<reqwest::Client> {
    let person = Person::who_signs_in(fake);
    let client = fake.client(&person).resource(resource).build().unwrap();
    let session = client.sign_in(SignIn::browser()).await.unwrap();
    fake.expect_nonce(None);
    let plain = reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap();
    AuthLayer::new(session).layer(plain)
}

fn get(address: &str) -> Request {
    Request::new(Method::GET, address.parse().unwrap())
}

#[tokio::test]
async fn c_51_a_refused_token_is_refreshed_once_and_the_request_repeated_once() {
    let (fake, api) = (Fake::start().await, Fake::start().await);
    api.on("/me", |seen, _| {
        let is_new = seen.authorization.as_deref() == Some("Bearer at-2");
        Answer::Json(if is_new { 200 } else { 401 }, json!({}))
    });
    api.on("/never", |_, _| Answer::Json(401, json!({})));
    let mut http = client(&fake, &api.issuer).await;
    fake.on("/token", |_, signer| {
        signer.tokens(&json!({"access_token": "at-2", "id_token": null}))
    });
    let mut request = Request::new(Method::POST, format!("{}/me", api.issuer).parse().unwrap());
    *request.body_mut() = Some("hello".into());
    assert_eq!(http.call(request).await.unwrap().status(), 200);
    assert_eq!(api.seen("/me").len(), 2);
    assert!(api.seen("/me").iter().all(|seen| seen.body == "hello"));

    let answer = http.call(get(&format!("{}/never", api.issuer))).await;
    assert_eq!(answer.unwrap().status(), 401);
    assert_eq!(api.seen("/never").len(), 2);
}

#[tokio::test]
async fn c_75_another_origin_gets_neither_the_token_nor_a_byte() {
    let (fake, api, other) = (
        Fake::start().await,
        Fake::start().await,
        Fake::start().await,
    );
    let mut http = client(&fake, &api.issuer).await;
    // The same machine under another name is another origin too.
    let renamed = api.issuer.replace("127.0.0.1", "localhost");
    for address in [format!("{}/me", other.issuer), format!("{renamed}/me")] {
        let error = http.call(get(&address)).await.unwrap_err();
        let error = error.downcast::<Error>().unwrap();
        assert_eq!(error.kind(), &ErrorKind::Config, "{address}");
    }
    assert!(other.all_seen().is_empty() && api.all_seen().is_empty());
}

#[tokio::test]
async fn c_51_a_missing_scope_is_an_error_with_its_name() {
    let (fake, api) = (Fake::start().await, Fake::start().await);
    api.on("/me", |_, _| {
        let challenge = r#"Bearer error="insufficient_scope", scope="api:write""#.to_owned();
        Answer::Raw(403, vec![("www-authenticate", challenge)], String::new())
    });
    let mut http = client(&fake, &api.issuer).await;
    let error = http.call(get(&format!("{}/me", api.issuer))).await;
    let error = error.unwrap_err().downcast::<Error>().unwrap();
    assert_eq!(error.kind(), &ErrorKind::InsufficientScope);
    assert!(error.to_string().contains("api:write"), "{error}");
}
